/* other_evp.c - OpenSSL's EVP: one packet after the other, contexts and keys kept ready */
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "base/clock.h"
#include "other.h"

enum { KEY = 16, TAG = 16, HEADER = 24 };

struct evp {
	EVP_CIPHER_CTX *seal, *open;
	EVP_MAC_CTX *mac;
	uint8_t key[32], iv[16];
};

static _Alignas(64) uint8_t packet[OTHER_BURST][1024];

static bool start(struct evp *e, bool gcm)
{
	const EVP_CIPHER *cipher = gcm ? EVP_aes_128_gcm() : EVP_aes_128_cbc();
	char digest[] = "SHA1";
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
			       OSSL_PARAM_construct_end()};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	*e = (struct evp){.seal = EVP_CIPHER_CTX_new(),
			  .open = EVP_CIPHER_CTX_new(),
			  .mac = EVP_MAC_CTX_new(hmac)};
	EVP_MAC_free(hmac);
	if (!e->seal || !e->open || !e->mac || !EVP_MAC_init(e->mac, e->key, 20, params) ||
	    !EVP_CipherInit_ex(e->seal, cipher, NULL, e->key, e->iv, 1) ||
	    !EVP_CipherInit_ex(e->open, cipher, NULL, e->key, e->iv, 0))
		return false;
	EVP_CIPHER_CTX_set_padding(e->seal, 0);
	EVP_CIPHER_CTX_set_padding(e->open, 0);
	return true;
}

static void end(struct evp *e)
{
	EVP_CIPHER_CTX_free(e->seal);
	EVP_CIPHER_CTX_free(e->open);
	EVP_MAC_CTX_free(e->mac);
}

static bool mac(struct evp *e, const uint8_t *p, uint8_t *tag)
{
	size_t n;

	return EVP_MAC_init(e->mac, NULL, 0, NULL) &&
	       EVP_MAC_update(e->mac, p, HEADER + OTHER_OCTETS) &&
	       EVP_MAC_final(e->mac, tag, &n, 20);
}

static bool cbc(struct evp *e, uint8_t *p)
{
	uint8_t tag[20], again[20];
	int n;

	return EVP_CipherInit_ex(e->seal, NULL, NULL, NULL, e->iv, 1) &&
	       EVP_CipherUpdate(e->seal, p + HEADER, &n, p + HEADER, OTHER_OCTETS) &&
	       mac(e, p, tag) && mac(e, p, again) && memcmp(tag, again, sizeof(tag)) == 0 &&
	       EVP_CipherInit_ex(e->open, NULL, NULL, NULL, e->iv, 0) &&
	       EVP_CipherUpdate(e->open, p + HEADER, &n, p + HEADER, OTHER_OCTETS);
}

static bool gcm_one(struct evp *e, uint8_t *p)
{
	uint8_t tag[TAG];
	int n;

	return EVP_CipherInit_ex(e->seal, NULL, NULL, NULL, e->iv, 1) &&
	       EVP_CipherUpdate(e->seal, NULL, &n, p, 8) &&
	       EVP_CipherUpdate(e->seal, p + HEADER, &n, p + HEADER, OTHER_OCTETS) &&
	       EVP_CipherFinal_ex(e->seal, tag, &n) &&
	       EVP_CIPHER_CTX_ctrl(e->seal, EVP_CTRL_AEAD_GET_TAG, TAG, tag) &&
	       EVP_CipherInit_ex(e->open, NULL, NULL, NULL, e->iv, 0) &&
	       EVP_CipherUpdate(e->open, NULL, &n, p, 8) &&
	       EVP_CipherUpdate(e->open, p + HEADER, &n, p + HEADER, OTHER_OCTETS) &&
	       EVP_CIPHER_CTX_ctrl(e->open, EVP_CTRL_AEAD_SET_TAG, TAG, tag) &&
	       EVP_CipherFinal_ex(e->open, tag, &n);
}

double other_evp(bool gcm, uint32_t runs)
{
	struct evp e;
	uint64_t least = UINT64_MAX;

	if (!start(&e, gcm))
		return 0;
	for (uint32_t run = 0; run < runs; run++) {
		uint64_t begun = clock_tsc(), took;

		for (uint32_t i = 0; i < OTHER_BURST; i++)
			if (!(gcm ? gcm_one(&e, packet[i]) : cbc(&e, packet[i])))
				return 0;
		took = clock_tsc() - begun;
		least = took < least ? took : least;
	}
	end(&e);
	return (double)least / OTHER_BURST;
}
