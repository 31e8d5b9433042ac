/* number.h - a short decimal number, eight octets at a time */
#pragma once

#include <stdint.h>

/* The digits that eight octets of text begin with, the first octet lowest: the number's value,
 * and how many digits it has; 0 if it has none, or more than seven. */
static inline uint32_t sip_number8(uint64_t text, uint32_t *digits)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t v = text ^ 0x30 * ones, other;

	other = (v + 0x76 * ones) & 0x80 * ones;
	other |= v & 0x80 * ones;
	if (other == 0 || (other & 0x80)) {
		*digits = 0;
		return 0;
	}
	*digits = (uint32_t)__builtin_ctzll(other) / 8;
	/* The digits go to the top, zeros before them; then pairs, fours and eights are joined.
	 */
	v <<= 64 - 8 * *digits;
	v = v * 10 + (v >> 8);
	v = (((v & 0x000000ff000000ffu) * 0x000f424000000064u) +
	     ((v >> 16 & 0x000000ff000000ffu) * 0x0000271000000001u)) >>
	    32;
	return (uint32_t)v;
}
