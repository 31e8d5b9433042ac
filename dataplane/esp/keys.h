/* keys.h - the keys of a set, expanded for the algorithms (TS 33.203 Annex I)
 *
 * keys.c and crypto.c are the two files that know the Intel IPsec Multi-Buffer library.
 */
#pragma once

#define NO_COMPAT_IMB_API_053 /* its short names of old are everybody's */
#include <intel-ipsec-mb.h>

#include "esp/sa.h"

enum { KEYS_DIGEST_MAX = 32, KEYS_AES_WORDS = 44, KEYS_SALT = 4 };

struct keys {
	uint8_t salt[KEYS_SALT]; /* of AES-GCM and AES-GMAC */
	union {
		struct {
			/* HMAC after one block of the key, inner and outer */
			_Alignas(16) uint8_t inner[KEYS_DIGEST_MAX], outer[KEYS_DIGEST_MAX];
			_Alignas(16) uint32_t encrypt[KEYS_AES_WORDS];
			_Alignas(16) uint32_t decrypt[KEYS_AES_WORDS];
		};
		_Alignas(64) struct gcm_key_data gcm;
	};
};

/* Octets of a struct keys that these algorithms use. */
uint32_t keys_size(enum esp_cipher cipher, enum esp_integrity integrity);
/* Management thread. Fills the first keys_size octets of *k. False: the algorithms do not go
 * together. */
bool keys_expand(IMB_MGR *m, const struct esp_sa_spec *spec, struct keys *k);
