/* milenage.c - the Milenage functions (TS 35.205, 35.206) on AES-128 */
#include "aka/milenage.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

enum { BLOCK = 16 };

/* r1..r5 of TS 35.206 §4.1, in octets, and the last octet of c1..c5 (the others are zero). */
static const struct {
	uint8_t rotate, constant;
} round_of[6] = {
	[1] = {8, 0}, [2] = {0, 1}, [3] = {4, 2}, [4] = {8, 4}, [5] = {12, 8},
};

static EVP_CIPHER_CTX *cipher_open(const uint8_t k[BLOCK])
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();

	if (c && EVP_EncryptInit_ex(c, EVP_aes_128_ecb(), NULL, k, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(c, 0) == 1)
		return c;
	EVP_CIPHER_CTX_free(c);
	return NULL;
}

static int encrypt(EVP_CIPHER_CTX *c, const uint8_t in[BLOCK], uint8_t out[BLOCK])
{
	int len = 0;

	return EVP_EncryptUpdate(c, out, &len, in, BLOCK) == 1 && len == BLOCK ? 0 : -1;
}

static void xor_into(uint8_t to[BLOCK], const uint8_t with[BLOCK])
{
	for (int i = 0; i < BLOCK; i++)
		to[i] ^= with[i];
}

/* TEMP = E[RAND xor OPc]_K */
static int temp_make(EVP_CIPHER_CTX *c, const uint8_t opc[BLOCK], const uint8_t rand[BLOCK],
		     uint8_t temp[BLOCK])
{
	uint8_t in[BLOCK];

	memcpy(in, rand, BLOCK);
	xor_into(in, opc);
	return encrypt(c, in, temp);
}

/* OUTn = E[rot(mixed xor OPc, rn) xor cn xor plain]_K xor OPc; plain may be NULL. f1 rotates
 * IN1 and adds TEMP unrotated, the others rotate TEMP. */
static int out_make(EVP_CIPHER_CTX *c, const uint8_t opc[BLOCK], int n,
		    const uint8_t mixed[BLOCK], const uint8_t *plain, uint8_t out[BLOCK])
{
	uint8_t in[BLOCK];

	for (int i = 0; i < BLOCK; i++) {
		int from = (i + round_of[n].rotate) % BLOCK;

		in[i] = mixed[from] ^ opc[from];
	}
	in[BLOCK - 1] ^= round_of[n].constant;
	if (plain)
		xor_into(in, plain);
	if (encrypt(c, in, out) < 0)
		return -1;
	xor_into(out, opc);
	OPENSSL_cleanse(in, sizeof(in));
	return 0;
}

int milenage_opc(const uint8_t k[16], const uint8_t op[16], uint8_t opc[16])
{
	EVP_CIPHER_CTX *c = cipher_open(k);
	uint8_t out[BLOCK];
	int rc = c ? encrypt(c, op, out) : -1;

	EVP_CIPHER_CTX_free(c);
	if (rc < 0)
		return -1;
	xor_into(out, op);
	memcpy(opc, out, BLOCK);
	OPENSSL_cleanse(out, sizeof(out));
	return 0;
}

int milenage_f1(const uint8_t k[16], const uint8_t opc[16], const uint8_t rand[16],
		const uint8_t sqn[6], const uint8_t amf[2], uint8_t mac_a[8], uint8_t mac_s[8])
{
	EVP_CIPHER_CTX *c = cipher_open(k);
	uint8_t temp[BLOCK], in1[BLOCK], out[BLOCK];
	int rc = -1;

	/* IN1 = SQN || AMF || SQN || AMF */
	memcpy(in1, sqn, 6);
	memcpy(in1 + 6, amf, 2);
	memcpy(in1 + 8, in1, 8);
	if (c && temp_make(c, opc, rand, temp) == 0 &&
	    out_make(c, opc, 1, in1, temp, out) == 0) {
		memcpy(mac_a, out, 8);
		memcpy(mac_s, out + 8, 8);
		rc = 0;
	}
	EVP_CIPHER_CTX_free(c);
	OPENSSL_cleanse(temp, sizeof(temp));
	OPENSSL_cleanse(out, sizeof(out));
	return rc;
}

int milenage_f2345(const uint8_t k[16], const uint8_t opc[16], const uint8_t rand[16],
		   uint8_t res[8], uint8_t ck[16], uint8_t ik[16], uint8_t ak[6],
		   uint8_t ak_star[6])
{
	EVP_CIPHER_CTX *c = cipher_open(k);
	uint8_t temp[BLOCK], out2[BLOCK], out5[BLOCK];
	int rc = -1;

	if (c && temp_make(c, opc, rand, temp) == 0 &&
	    out_make(c, opc, 2, temp, NULL, out2) == 0 &&
	    out_make(c, opc, 3, temp, NULL, ck) == 0 &&
	    out_make(c, opc, 4, temp, NULL, ik) == 0 &&
	    out_make(c, opc, 5, temp, NULL, out5) == 0) {
		memcpy(res, out2 + 8, 8);
		memcpy(ak, out2, 6);
		memcpy(ak_star, out5, 6);
		rc = 0;
	}
	EVP_CIPHER_CTX_free(c);
	OPENSSL_cleanse(temp, sizeof(temp));
	OPENSSL_cleanse(out2, sizeof(out2));
	OPENSSL_cleanse(out5, sizeof(out5));
	return rc;
}
