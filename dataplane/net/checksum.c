/* checksum.c - the Internet checksum (RFC 1071) in software */
#include "net/checksum.h"

/* Four octets, wherever they lie. */
typedef uint32_t word __attribute__((aligned(1), may_alias));

/* One source, compiled for each width of vector: both halves of a word are added in lanes of 32
 * bits, which cannot overflow for any length of a datagram. A sanitizer's run-time is not
 * up yet when the dynamic linker asks which version to take. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                         \
	!defined(__SANITIZE_ADDRESS__)
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
static uint64_t
sum_words(const word *p, size_t words)
{
	uint32_t low = 0, high = 0;

	for (size_t i = 0; i < words; i++) {
		low += p[i] & 0xffff;
		high += p[i] >> 16;
	}
	return (uint64_t)low + high;
}

uint64_t checksum_add(uint64_t sum, const void *p, uint32_t len)
{
	uint32_t tail = 0;

	sum += sum_words(p, len / 4);
	memcpy(&tail, (const uint8_t *)p + len / 4 * 4, len % 4);
	return sum + tail;
}
