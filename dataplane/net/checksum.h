/* checksum.h - the Internet checksum (RFC 1071) in software */
#pragma once

#include <stdint.h>
#include <string.h>

/* The sum of len (at most 65536) octets added to `sum`. Only the last of several parts may have
 * an odd length. Any thread. Reads nothing outside the octets. */
typedef uint64_t checksum_fn(uint64_t sum, const void *p, uint32_t len);

/* The widest this CPU has, chosen before main. All variants come to the same when folded. */
extern checksum_fn *checksum_add;

checksum_fn checksum_scalar;
/* By name "scalar", "avx2", "avx512": NULL where this CPU has it not. For tests and the bench.
 */
checksum_fn *checksum_variant(const char *name);

/* The same for a few whole words of four octets: headers and addresses. */
static inline uint64_t checksum_short(uint64_t sum, const void *p, uint32_t words)
{
	for (uint32_t i = 0; i < words; i++) {
		uint32_t word;

		memcpy(&word, (const uint8_t *)p + 4 * (uintptr_t)i, sizeof(word));
		sum += word;
	}
	return sum;
}

/* The same for eight octets that were read already. */
static inline uint64_t checksum_halves(uint64_t eight)
{
	return (eight & 0xffffffffu) + (eight >> 32);
}

/* Folded to 16 bits, not inverted: 0xffff for data that contains its own right checksum. In the
 * order of the octets in memory, as is all here. A number added to itself with its halves
 * changed has the sum of both in its upper half, with the carry brought round by the lower. */
static inline uint16_t checksum_fold(uint64_t sum)
{
	sum += sum << 32 | sum >> 32;
	uint32_t half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	return (uint16_t)(half >> 16);
}
