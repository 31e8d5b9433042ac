/* tuak.h - the TUAK functions (TS 35.231) on Keccak-f[1600]
 *
 * One iteration of the permutation, MAC of 64 bits, RES of 64, CK and IK of 128: what a vector
 * of Cx carries. tuak_run, which has all lengths, is below them. Any thread; nothing fails.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* K of 128 or 256 bits. */
struct tuak_key {
	const uint8_t *k;
	bool k256;
};

void tuak_topc(const struct tuak_key *key, const uint8_t top[32], uint8_t topc[32]);
/* f1 and f1*: MAC-A and MAC-S, 8 octets each. */
void tuak_f1(const struct tuak_key *key, const uint8_t topc[32], const uint8_t rand[16],
	     const uint8_t sqn[6], const uint8_t amf[2], uint8_t mac_a[8], uint8_t mac_s[8]);
/* f2 to f5*: RES 8, CK 16, IK 16, AK 6, AK* 6 octets. */
void tuak_f2345(const struct tuak_key *key, const uint8_t topc[32], const uint8_t rand[16],
		uint8_t res[8], uint8_t ck[16], uint8_t ik[16], uint8_t ak[6],
		uint8_t ak_star[6]);

/* INSTANCE (§6.2 to §6.8): which function, and the lengths of what comes out. */
enum tuak_instance {
	TUAK_TOPC = 0x00,
	TUAK_K256 = 0x01, /* added by tuak_run */
	TUAK_IK256 = 0x02,
	TUAK_CK256 = 0x04,
	TUAK_64 = 0x08, /* of MAC or RES; none of these three: RES of 32 */
	TUAK_128 = 0x10,
	TUAK_256 = 0x20,
	TUAK_F1 = 0x00,
	TUAK_F1_STAR = 0x80,
	TUAK_F2345 = 0x40,
	TUAK_F5_STAR = 0xc0,
};

struct tuak_input {
	const uint8_t *top;       /* TOP or TOPc, 32 octets */
	const uint8_t *rand;      /* 16, or NULL: zeros; */
	const uint8_t *sqn, *amf; /* 6 and 2, or NULL */
	uint8_t instance;
	uint32_t iterations; /* of the permutation */
};

/* OUT of §6.1, its first 128 octets, in the order of the state: MAC, RES or TOPc is at 0, CK at
 * 32, IK at 64, AK at 96, each with its last octet first. */
void tuak_run(const struct tuak_key *key, const struct tuak_input *in, uint8_t out[128]);
