/* checksum.c - the Internet checksum (RFC 1071) in software */
#include "net/checksum.h"

#include <string.h>

/* One source, compiled for each width of vector: the loop adds 32-bit words into 64-bit
 * lanes, which cannot overflow for any length of a datagram. A sanitizer's run-time is not
 * up yet when the dynamic linker asks which version to take. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
static uint64_t
sum_words(const uint8_t *p, uint32_t words)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < words; i++) {
		uint32_t word;
		memcpy(&word, p + 4 * i, sizeof(word));
		sum += word;
	}
	return sum;
}

uint64_t checksum_add(uint64_t sum, const void *p, uint32_t len)
{
	const uint8_t *at = p;
	uint32_t words = len / 4, rest = len % 4, tail = 0;

	sum += sum_words(at, words);
	memcpy(&tail, at + 4 * words, rest);
	return sum + tail;
}
