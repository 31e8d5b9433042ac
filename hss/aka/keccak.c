/* keccak.c - the permutation Keccak-f[1600] (FIPS 202 §3) */
#include "aka/keccak.h"

enum { ROUNDS = 24 };

static uint64_t rotate(uint64_t v, unsigned by)
{
	return by ? v << by | v >> (64 - by) : v;
}

/* §3.2.1: each bit with the parity of two columns. */
static void theta(uint64_t a[25])
{
	uint64_t c[5];

	for (int x = 0; x < 5; x++)
		c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
	for (int x = 0; x < 5; x++) {
		uint64_t d = c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1);

		for (int y = 0; y < 25; y += 5)
			a[x + y] ^= d;
	}
}

/* §3.2.2 and §3.2.3 in one walk: both go from lane to lane in the same order. */
static void rho_pi(uint64_t a[25])
{
	uint64_t carried = a[1];
	int x = 1, y = 0;

	for (unsigned t = 0; t < 24; t++) {
		int to_x = y, to_y = (2 * x + 3 * y) % 5;
		uint64_t *to = &a[to_x + 5 * to_y], next = *to;

		*to = rotate(carried, (t + 1) * (t + 2) / 2 % 64);
		carried = next;
		x = to_x;
		y = to_y;
	}
}

/* §3.2.4 */
static void chi(uint64_t a[25])
{
	for (int y = 0; y < 25; y += 5) {
		uint64_t row[5];

		for (int x = 0; x < 5; x++)
			row[x] = a[x + y];
		for (int x = 0; x < 5; x++)
			a[x + y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
	}
}

/* §3.2.5: the next bit of a shift register. */
static unsigned shift(uint8_t *r)
{
	unsigned bit = *r & 1;

	*r = (uint8_t)(*r & 0x80 ? *r << 1 ^ 0x71 : *r << 1);
	return bit;
}

static uint64_t round_constant(uint8_t *r)
{
	uint64_t constant = 0;

	for (unsigned j = 0; j < 7; j++)
		constant |= (uint64_t)shift(r) << ((1u << j) - 1);
	return constant;
}

void keccak_permute(uint64_t lane[25])
{
	uint8_t r = 1;

	for (int i = 0; i < ROUNDS; i++) {
		theta(lane);
		rho_pi(lane);
		chi(lane);
		lane[0] ^= round_constant(&r);
	}
}
