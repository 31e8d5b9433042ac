/* keys.c - the keys of a set, expanded for the algorithms (TS 33.203 Annex I) */
#include "esp/keys.h"

enum { BLOCK = 64, SHA_256 = 32 };

static bool has_aead(enum esp_cipher cipher, enum esp_integrity integrity)
{
	return cipher == ESP_AES_GCM || integrity == ESP_AES_GMAC;
}

uint32_t keys_size(enum esp_cipher cipher, enum esp_integrity integrity)
{
	if (has_aead(cipher, integrity))
		return (uint32_t)sizeof(struct keys);
	if (cipher == ESP_NULL)
		return offsetof(struct keys, encrypt);
	return offsetof(struct keys, decrypt) + (uint32_t)sizeof(((struct keys *)0)->decrypt);
}

static void digest_block(IMB_MGR *m, enum esp_integrity how, const uint8_t *block, uint8_t *out)
{
	if (how == ESP_HMAC_MD5_96)
		IMB_MD5_ONE_BLOCK(m, block, out);
	else if (how == ESP_HMAC_SHA_1_96)
		IMB_SHA1_ONE_BLOCK(m, block, out);
	else
		IMB_SHA256_ONE_BLOCK(m, block, out);
}

/* RFC 2104. Zeros behind a key change nothing in HMAC, so IK with the zero bits of Annex I for
 * 160, or with those for 256, is IK. */
static void hmac_start(IMB_MGR *m, enum esp_integrity how, const uint8_t *key, uint32_t len,
		       uint8_t *inner, uint8_t *outer)
{
	uint8_t block[BLOCK];

	memset(block, 0x36, sizeof(block));
	for (uint32_t i = 0; i < len; i++)
		block[i] ^= key[i];
	digest_block(m, how, block, inner);
	for (uint32_t i = 0; i < BLOCK; i++)
		block[i] ^= 0x36 ^ 0x5c;
	digest_block(m, how, block, outer);
	explicit_bzero(block, sizeof(block));
}

/* The KDF of TS 33.220 Annex B with CK || IK, the text as its only parameter: 32 lowest bits.
 */
static void salt(IMB_MGR *m, const struct esp_sa_spec *spec, uint8_t fc, const char *text,
		 uint8_t out[KEYS_SALT])
{
	_Alignas(16) uint8_t key[2 * ESP_KEY], inner[SHA_256], outer[SHA_256], tag[SHA_256];
	uint8_t s[32] = {fc};
	uint32_t len = (uint32_t)strlen(text);
	IMB_JOB *j = IMB_GET_NEXT_JOB(m);

	memcpy(key, spec->ck, ESP_KEY);
	memcpy(key + ESP_KEY, spec->ik, ESP_KEY);
	hmac_start(m, ESP_HMAC_SHA_256_128, key, sizeof(key), inner, outer);
	memcpy(s + 1, text, len);
	s[1 + len + 1] = (uint8_t)len; /* its length in two octets */
	*j = (IMB_JOB){
		.src = s,
		.msg_len_to_hash_in_bytes = 1 + len + 2,
		.auth_tag_output = tag,
		.auth_tag_output_len_in_bytes = sizeof(tag),
		.u.HMAC = {inner, outer},
		.cipher_mode = IMB_CIPHER_NULL,
		.cipher_direction = IMB_DIR_ENCRYPT,
		.hash_alg = IMB_AUTH_HMAC_SHA_256,
		.chain_order = IMB_ORDER_HASH_CIPHER,
	};
	if (!IMB_SUBMIT_JOB(m))
		IMB_FLUSH_JOB(m);
	memcpy(out, tag + sizeof(tag) - KEYS_SALT, KEYS_SALT);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(inner, sizeof(inner));
	explicit_bzero(outer, sizeof(outer));
}

bool keys_expand(IMB_MGR *m, const struct esp_sa_spec *spec, struct keys *k)
{
	memset(k, 0, keys_size(spec->cipher, spec->integrity));
	if (spec->cipher == ESP_AES_GCM) {
		if (spec->integrity != ESP_INTEGRITY_NONE)
			return false;
		IMB_AES128_GCM_PRE(m, spec->ck, &k->gcm);
		salt(m, spec, 0x59, "AES_GCM_SALT", k->salt);
		return true;
	}
	if (spec->integrity == ESP_AES_GMAC) {
		if (spec->cipher != ESP_NULL)
			return false;
		IMB_AES128_GCM_PRE(m, spec->ik, &k->gcm);
		salt(m, spec, 0x58, "AES_GMAC_SALT", k->salt);
		return true;
	}
	if (spec->integrity == ESP_INTEGRITY_NONE || spec->integrity >= ESP_INTEGRITY_MAX ||
	    spec->cipher >= ESP_CIPHER_MAX)
		return false;
	hmac_start(m, spec->integrity, spec->ik, ESP_KEY, k->inner, k->outer);
	if (spec->cipher == ESP_AES_CBC)
		IMB_AES_KEYEXP_128(m, spec->ck, k->encrypt, k->decrypt);
	return true;
}
