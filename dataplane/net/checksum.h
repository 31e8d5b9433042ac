/* checksum.h - the Internet checksum (RFC 1071) in software */
#pragma once

#include <stdint.h>
#include <string.h>

/* The sum of len (at most 65536) octets added to `sum`. Only the last of several parts may have
 * an odd length. Any thread. */
uint64_t checksum_add(uint64_t sum, const void *p, uint32_t len);

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

/* Folded to 16 bits, not inverted: 0xffff for data that contains its own right checksum. In the
 * order of the octets in memory, as is all here. */
static inline uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffffu) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}
