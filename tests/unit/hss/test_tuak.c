/* test_tuak.c - TUAK by the test sets of TS 35.233 §6, and Keccak by FIPS 202 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <string.h>

#include "aka/aka.h"
#include "aka/keccak.h"
#include "aka/tuak.h"
#include "base/text.h"

static const struct set {
	const char *k, *rand, *sqn, *amf, *top;
	uint32_t iterations;
	const char *topc, *f1, *f1_star, *f2, *f3, *f4, *f5, *f5_star;
} sets[] = {
	{"abababababababababababababababab", "42424242424242424242424242424242", "111111111111",
	 "ffff", "5555555555555555555555555555555555555555555555555555555555555555", 1,
	 "bd04d9530e87513c5d837ac2ad954623a8e2330c115305a73eb45d1f40cccbff", "f9a54e6aeaa8618d",
	 "e94b4dc6c7297df3", "657acd64", "d71a1e5c6caffe986a26f783e5c78be1",
	 "be849fa2564f869aecee6f62d4337e72", "719f1e9b9054", "e7af6b3d0e38"},
	{"fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0",
	 "0123456789abcdef0123456789abcdef", "0123456789ab", "abcd",
	 "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", 1,
	 "305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524",
	 "c0b8c2d4148ec7aa5f1d78a97e4d1d58", "ef81af7290f7842c6ceafa537fa0745b",
	 "e9d749dc4eea0035", "a4cb6f6529ab17f8337f27baa8234d47",
	 "2274155ccf4199d5e2abcbf621907f90", "480a9345cc1e", "f84eb338848c"},
	{"fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0",
	 "0123456789abcdef0123456789abcdef", "0123456789ab", "abcd",
	 "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", 1,
	 "305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524",
	 "d97b75a1776065271b1e212bc3b1bf173f438b21e6c64a55a96c372e085e5cc5",
	 "427bbf07c6e3a86c54f8c5216499f3909a6fd4a164c9fe235b1550258111b821", "07021c73e7635c7d",
	 "4d59ac796834eb85d11fa148a5058c3c",
	 "126d47500136fdc5ddfd14f19ebf16749ce4b6435323fbb5715a3a796a6082bd", "1d6622c4e59a",
	 "f84eb338848c"},
	{"b8da837a50652d6ac7c97da14f6acc61", "6887e55425a966bd86c9661a5fa72be8", "0dea2ee2c5af",
	 "df1e", "0952be13556c32ebc58195d9dd930493e12a9003669988ffde5fa1f0fe35cc01", 1,
	 "2bc16eb657a68e1f446f08f57c0efb1d493527a2e652ce281eb6ca0e4487760a",
	 "749214087958dd8f58bfcdf869d8ae3f", "619e865afe80e382aee13063f9dfb56d",
	 "4041ce438e3e38e8aa96562eed83ac43", "3e3bc01bea0cd914c4c2c83ce2d92757",
	 "666a8e6f577b1aa77b7fd53cebb8a3d6", "1f880d005119", "45e617d77fe5"},
	{"1574ca56881d05c189c82880f789c9cd4244955f4426aa2b69c29f15770e5aa5",
	 "c570aac68cde651fb1e3088322498bef", "c89bb71f3a41", "297d",
	 "e59f6eb10ea406813f4991b0b9e02f181edf4c7e17b480f66d34da35ee88c95e", 1,
	 "3c6052e41532a28a47aa3cbb89f223e8f3aaa976aecd48bc3e7d6165a55eff62", "d7340dad02b4cb01",
	 "c6021e2e66accb15", "84d89b41db1867ffd4c7ba1d82163f4d526a20fbae5418fbb526940b1eeb905c",
	 "d419676afe5ab58c1d8bee0d43523a4d2f52ef0b31a4676a0c334427a988fe65",
	 "205533e505661b61d05cc0eac87818f4", "d7b3d2d4980a", "ca9655264986"},
	{"1574ca56881d05c189c82880f789c9cd4244955f4426aa2b69c29f15770e5aa5",
	 "c570aac68cde651fb1e3088322498bef", "c89bb71f3a41", "297d",
	 "e59f6eb10ea406813f4991b0b9e02f181edf4c7e17b480f66d34da35ee88c95e", 2,
	 "b04a66f26c62fcd6c82de22a179ab65506ecf47f56245cd149966cfa9cec7a51",
	 "90d2289ed1ca1c3dbc2247bb480d431ac71d2e4a7677f6e997cfddb0cbad88b7",
	 "427355dbac30e825063aba61b556e87583abac638e3ab01c4c884ad9d458dc2f",
	 "d67e6e64590d22eecba7324afa4af4460c93f01b24506d6e12047d789a94c867",
	 "ede57edfc57cdffe1aae75066a1b7479bbc3837438e88d37a801cccc9f972b89",
	 "48ed9299126e5057402fe01f9201cf25249f9c5c0ed2afcf084755daff1d3999", "6aae8d18c448",
	 "8c5f33b61f4e"},
};

enum { SETS = sizeof(sets) / sizeof(sets[0]) };

static uint32_t octets(const char *hex, uint8_t *out)
{
	uint32_t n = (uint32_t)strlen(hex) / 2;

	assert_true(hex_decode(slice_str(hex), out, n));
	return n;
}

/* What lies at `at` of the output, last octet first. */
static void out_is(const uint8_t *at, const char *hex)
{
	uint8_t want[32], is[32];
	uint32_t n = octets(hex, want);

	for (uint32_t i = 0; i < n; i++)
		is[i] = at[n - 1 - i];
	assert_memory_equal(is, want, n);
}

static uint8_t size_of(const char *hex)
{
	switch (strlen(hex)) {
	case 8:
		return 0;
	case 16:
		return TUAK_64;
	case 32:
		return TUAK_128;
	default:
		return TUAK_256;
	}
}

static void official_sets(void **state)
{
	for (int i = 0; i < SETS; i++) {
		const struct set *s = &sets[i];
		uint8_t k[32], rand[16], sqn[6], amf[2], top[32], topc[32], out[128];
		struct tuak_key key = {k, octets(s->k, k) == 32};
		struct tuak_input in = {.top = top, .iterations = s->iterations};

		octets(s->rand, rand);
		octets(s->sqn, sqn);
		octets(s->amf, amf);
		octets(s->top, top);
		octets(s->topc, topc);
		tuak_run(&key, &in, out);
		out_is(out, s->topc);
		in = (struct tuak_input){topc, rand, sqn, amf, size_of(s->f1), s->iterations};
		tuak_run(&key, &in, out);
		out_is(out, s->f1);
		in.instance |= TUAK_F1_STAR;
		tuak_run(&key, &in, out);
		out_is(out, s->f1_star);
		in = (struct tuak_input){topc,
					 rand,
					 NULL,
					 NULL,
					 (uint8_t)(TUAK_F2345 | size_of(s->f2) |
						   (strlen(s->f3) == 64 ? TUAK_CK256 : 0) |
						   (strlen(s->f4) == 64 ? TUAK_IK256 : 0)),
					 s->iterations};
		tuak_run(&key, &in, out);
		out_is(out, s->f2);
		out_is(out + 32, s->f3);
		out_is(out + 64, s->f4);
		out_is(out + 96, s->f5);
		in.instance = TUAK_F5_STAR;
		tuak_run(&key, &in, out);
		out_is(out + 96, s->f5_star);
	}
}

/* The sponge of SHA3-256 (FIPS 202 §6.1) over our permutation is OpenSSL's. */
static void keccak_is_sha3(void **state)
{
	for (uint32_t len = 0; len < 136; len++) {
		uint8_t message[136], block[200] = {0}, want[32];
		uint64_t lane[25];
		unsigned n = 0;

		for (uint32_t i = 0; i < len; i++)
			message[i] = block[i] = (uint8_t)(i * 31 + len);
		block[len] ^= 0x06;
		block[135] ^= 0x80;
		memcpy(lane, block, sizeof(lane));
		keccak_permute(lane);
		assert_int_equal(EVP_Digest(message, len, want, &n, EVP_sha3_256(), NULL), 1);
		assert_memory_equal(lane, want, 32);
	}
}

/* A vector, and the terminal's AUTS for another SQN, under either length of K. */
static void vector_and_auts(void **state)
{
	static const uint8_t amf[2] = {0x80, 0}, zero[2];

	for (int i = 0; i < 2; i++) {
		uint8_t k[32], topc[32], rand[16], res[8], ck[16], ik[16], ak[6], star[6],
			mac_a[8], mac_s[8], auts[14];
		static const uint8_t sqn[6] = {0, 0, 0, 1, 2, 3}, ms[6] = {0, 0, 0, 9, 8, 7};
		struct tuak_key t = {k, octets(sets[i].k, k) == 32};
		struct aka_key key = {k, topc, true, t.k256};
		struct aka_vector v;
		uint64_t got = 0;

		octets(sets[i].topc, topc);
		octets(sets[i].rand, rand);
		assert_int_equal(aka_vector_make(&key, amf, 0x010203, rand, &v), 0);
		tuak_f1(&t, topc, rand, sqn, amf, mac_a, mac_s);
		tuak_f2345(&t, topc, rand, res, ck, ik, ak, star);
		assert_memory_equal(v.autn + 8, mac_a, 8);
		assert_memory_equal(v.xres, res, 8);
		assert_memory_equal(v.ck, ck, 16);
		assert_memory_equal(v.ik, ik, 16);
		for (int n = 0; n < 6; n++) {
			assert_int_equal(v.autn[n] ^ ak[n], sqn[n]);
			auts[n] = ms[n] ^ star[n];
		}
		tuak_f1(&t, topc, rand, ms, zero, mac_a, auts + 6);
		assert_true(aka_auts_check(&key, rand, auts, &got));
		assert_int_equal(got, 0x090807);
		auts[13] ^= 1;
		assert_false(aka_auts_check(&key, rand, auts, &got));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(official_sets),
		cmocka_unit_test(keccak_is_sha3),
		cmocka_unit_test(vector_and_auts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
