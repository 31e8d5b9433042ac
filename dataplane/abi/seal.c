/* seal.c - text that only this node can read: what a foreign network carries for us */
#include "abi/seal.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum { IV = 16 };

struct seal {
	EVP_CIPHER_CTX *cipher;
	struct hash_key check[2];
	uint8_t octets[IV + SEAL_TEXT_MAX], plain[SEAL_TEXT_MAX];
};

static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void derive(const struct hash_key *key, uint64_t purpose, struct hash_key *out)
{
	const uint64_t word[2][2] = {{'s', 2 * purpose}, {'s', 2 * purpose + 1}};

	out->k0 = hash_words(key, word[0], 2);
	out->k1 = hash_words(key, word[1], 2);
}

struct seal *seal_create(const struct hash_key *key)
{
	struct seal *s = calloc(1, sizeof(*s));
	struct hash_key cipher;

	if (!s)
		return NULL;
	derive(key, 0, &cipher);
	derive(key, 1, &s->check[0]);
	derive(key, 2, &s->check[1]);
	s->cipher = EVP_CIPHER_CTX_new();
	if (s->cipher && EVP_EncryptInit_ex(s->cipher, EVP_aes_128_ctr(), NULL,
					    (const uint8_t *)&cipher, NULL) == 1)
		return s;
	seal_destroy(s);
	return NULL;
}

void seal_destroy(struct seal *s)
{
	if (!s)
		return;
	EVP_CIPHER_CTX_free(s->cipher);
	free(s);
}

static void put_check(const struct seal *s, struct slice bound, struct slice plain, uint8_t *iv)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct hash_mac m;
		uint64_t half;

		hash_mac_start(&m, &s->check[i]);
		hash_mac_part(&m, bound);
		hash_mac_part(&m, plain);
		half = hash_mac_end(&m);
		memcpy(iv + 8 * i, &half, 8);
	}
}

static bool run_cipher(struct seal *s, const uint8_t *iv, struct slice in, uint8_t *out)
{
	int n = 0;

	return EVP_EncryptInit_ex(s->cipher, NULL, NULL, NULL, iv) == 1 &&
	       EVP_EncryptUpdate(s->cipher, out, &n, in.p, (int)in.len) == 1 &&
	       n == (int)in.len;
}

static void put_digits(struct text *out, struct slice octets)
{
	for (uint32_t i = 0; i < octets.len; i += 3) {
		uint32_t left = octets.len - i < 3 ? octets.len - i : 3, v = 0;

		for (uint32_t k = 0; k < 3; k++)
			v = v << 8 | (k < left ? octets.p[i + k] : 0);
		for (uint32_t k = 0; k <= left; k++)
			text_char(out, (uint8_t)digit[v >> (18 - 6 * k) & 63]);
	}
}

static int value_of(uint8_t c)
{
	if ((uint8_t)(c - 'A') < 26)
		return c - 'A';
	if ((uint8_t)(c - 'a') < 26)
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Octets; 0: not as put_digits writes them. */
static uint32_t take_digits(struct slice token, uint8_t *out, uint32_t cap)
{
	uint32_t n = 0, bits = 0, v = 0;

	if (token.len % 4 == 1 || token.len / 4 * 3 + 2 > cap + 2)
		return 0;
	for (uint32_t i = 0; i < token.len; i++) {
		int d = value_of(token.p[i]);

		if (d < 0)
			return 0;
		v = v << 6 | (uint32_t)d;
		bits += 6;
		if (bits < 8)
			continue;
		if (n == cap)
			return 0;
		bits -= 8;
		out[n++] = (uint8_t)(v >> bits);
		v &= (1u << bits) - 1;
	}
	return v ? 0 : n; /* one text for one token: what is left over is zero */
}

bool seal_close(struct seal *s, struct slice bound, struct slice plain, struct text *out)
{
	if (plain.len == 0 || plain.len > SEAL_TEXT_MAX)
		return false;
	put_check(s, bound, plain, s->octets);
	if (!run_cipher(s, s->octets, plain, s->octets + IV))
		return false;
	put_digits(out, slice_of(s->octets, IV + plain.len));
	return !out->overflow;
}

bool seal_open(struct seal *s, struct slice bound, struct slice token, struct text *out)
{
	uint32_t n = take_digits(token, s->octets, sizeof(s->octets));
	uint8_t check[IV];

	if (n <= IV || !run_cipher(s, s->octets, slice_of(s->octets + IV, n - IV), s->plain))
		return false;
	put_check(s, bound, slice_of(s->plain, n - IV), check);
	if (!constant_time_eq(check, s->octets, IV) || out->cap - out->len < n - IV)
		return false;
	text_put(out, slice_of(s->plain, n - IV));
	return !out->overflow;
}
