/* tuak.c - the TUAK functions (TS 35.231) on Keccak-f[1600] */
#include "aka/tuak.h"

#include <openssl/crypto.h>
#include <string.h>

#include "aka/keccak.h"

/* Places in the input, in octets (§6.1). */
enum {
	AT_TOP = 0,
	AT_INSTANCE = 32,
	AT_NAME = 33,
	AT_RAND = 40,
	AT_AMF = 56,
	AT_SQN = 58,
	AT_KEY = 64,
	AT_PADDING = 96,
	STATE = 200,
	LAST_OF_RATE = 135,
	OUT = 128,
	OUT_CK = 32,
	OUT_IK = 64,
	OUT_AK = 96,
};

/* The specification counts octets of a value from its last. */
static void put(uint8_t *to, const void *value, uint32_t len)
{
	const uint8_t *from = value;

	for (uint32_t i = 0; i < len; i++)
		to[i] = from[len - 1 - i];
}

static void permute(uint8_t state[STATE])
{
	uint64_t lane[25] = {0};

	for (int i = 0; i < STATE; i++)
		lane[i / 8] |= (uint64_t)state[i] << 8 * (i % 8);
	keccak_permute(lane);
	for (int i = 0; i < STATE; i++)
		state[i] = (uint8_t)(lane[i / 8] >> 8 * (i % 8));
	OPENSSL_cleanse(lane, sizeof(lane));
}

void tuak_run(const struct tuak_key *key, const struct tuak_input *in, uint8_t out[OUT])
{
	uint8_t state[STATE] = {0};

	put(state + AT_TOP, in->top, 32);
	state[AT_INSTANCE] = (uint8_t)(in->instance | (key->k256 ? TUAK_K256 : 0));
	put(state + AT_NAME, "TUAK1.0", 7);
	if (in->rand)
		put(state + AT_RAND, in->rand, 16);
	if (in->amf)
		put(state + AT_AMF, in->amf, 2);
	if (in->sqn)
		put(state + AT_SQN, in->sqn, 6);
	put(state + AT_KEY, key->k, key->k256 ? 32 : 16);
	state[AT_PADDING] = 0x1f;
	state[LAST_OF_RATE] = 0x80;
	for (uint32_t i = 0; i < in->iterations; i++)
		permute(state);
	memcpy(out, state, OUT);
	OPENSSL_cleanse(state, sizeof(state));
}

void tuak_topc(const struct tuak_key *key, const uint8_t top[32], uint8_t topc[32])
{
	uint8_t out[OUT];

	tuak_run(key, &(struct tuak_input){.top = top, .instance = TUAK_TOPC, .iterations = 1},
		 out);
	put(topc, out, 32);
	OPENSSL_cleanse(out, sizeof(out));
}

void tuak_f1(const struct tuak_key *key, const uint8_t topc[32], const uint8_t rand[16],
	     const uint8_t sqn[6], const uint8_t amf[2], uint8_t mac_a[8], uint8_t mac_s[8])
{
	struct tuak_input in = {topc, rand, sqn, amf, TUAK_F1 | TUAK_64, 1};
	uint8_t out[OUT];

	tuak_run(key, &in, out);
	put(mac_a, out, 8);
	in.instance = TUAK_F1_STAR | TUAK_64;
	tuak_run(key, &in, out);
	put(mac_s, out, 8);
	OPENSSL_cleanse(out, sizeof(out));
}

void tuak_f2345(const struct tuak_key *key, const uint8_t topc[32], const uint8_t rand[16],
		uint8_t res[8], uint8_t ck[16], uint8_t ik[16], uint8_t ak[6],
		uint8_t ak_star[6])
{
	struct tuak_input in = {topc, rand, NULL, NULL, TUAK_F2345 | TUAK_64, 1};
	uint8_t out[OUT];

	tuak_run(key, &in, out);
	put(res, out, 8);
	put(ck, out + OUT_CK, 16);
	put(ik, out + OUT_IK, 16);
	put(ak, out + OUT_AK, 6);
	in.instance = TUAK_F5_STAR;
	tuak_run(key, &in, out);
	put(ak_star, out + OUT_AK, 6);
	OPENSSL_cleanse(out, sizeof(out));
}
