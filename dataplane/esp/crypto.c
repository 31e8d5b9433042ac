/* crypto.c - the work on packets as jobs of the Intel IPsec Multi-Buffer library */
#include "esp/worker.h"

#include <stdlib.h>

#include "base/lines.h"

enum { WIDE_FROM = 6 };

/* The first block of AES-CBC's work out is the IV itself: see esp.h. */
static const uint8_t no_iv[16] __attribute__((aligned(16)));

static bool is_aead(const struct sa *s)
{
	return s->cipher == ESP_AES_GCM || s->integrity == ESP_AES_GMAC;
}

void crypto_begin(struct esp_worker *w, uint32_t n)
{
	w->hmac = n < WIDE_FROM ? w->narrow : w->wide;
}

static void lines(const void *from, size_t octets)
{
	for (size_t i = 0; i < octets; i += INDEX_LINE)
		__builtin_prefetch((const uint8_t *)from + i, 0, 2);
}

void crypto_approach(const struct sa *s, bool seal)
{
	const struct keys *k = &s->keys;

	if (is_aead(s)) {
		lines(k, sizeof(*k));
		return;
	}
	lines(k, offsetof(struct keys, encrypt));
	if (s->cipher == ESP_AES_CBC)
		lines(seal ? k->encrypt : k->decrypt, sizeof(k->encrypt));
}

/* AEADs are worked off at once, one by one: there the widest is the best. */
static IMB_MGR *manager(const struct esp_worker *w, const struct sa *s)
{
	return is_aead(s) ? w->wide : w->hmac;
}

static IMB_JOB *next_job(struct esp_worker *w, uint32_t i, uint8_t *at, bool seal)
{
	IMB_JOB *j = IMB_GET_NEXT_JOB(manager(w, w->work[i].sa));

	w->work[i].done = false;
	j->src = at;
	j->dst = at;
	j->user_data = &w->work[i];
	j->cipher_direction = seal ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
	j->chain_order = seal ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
	j->auth_tag_output_len_in_bytes = w->work[i].sa->icv_len;
	return j;
}

/* Out of order as the library sees fit; each job says whose it is. */
static void completed(IMB_JOB *j)
{
	bool *done = &((__typeof__(&((struct esp_worker *)0)->work[0]))j->user_data)->done;

	*done = j->status == IMB_STATUS_COMPLETED;
}

static void submit(struct esp_worker *w, uint32_t i)
{
	IMB_MGR *m = manager(w, w->work[i].sa);
	IMB_JOB *j = IMB_SUBMIT_JOB_NOCHECK(m);

	for (; j; j = IMB_GET_COMPLETED_JOB(m))
		completed(j);
}

static void flush(IMB_MGR *m)
{
	IMB_JOB *j;

	while ((j = IMB_FLUSH_JOB(m)))
		completed(j);
}

void crypto_finish(struct esp_worker *w)
{
	flush(w->hmac);
	if (w->hmac != w->wide)
		flush(w->wide);
}

static void set_hmac(IMB_JOB *j, const struct sa *s, uint32_t len)
{
	static const IMB_HASH_ALG hash[ESP_INTEGRITY_MAX] = {
		[ESP_HMAC_MD5_96] = IMB_AUTH_MD5,
		[ESP_HMAC_SHA_1_96] = IMB_AUTH_HMAC_SHA_1,
		[ESP_HMAC_SHA_256_128] = IMB_AUTH_HMAC_SHA_256,
	};

	j->hash_alg = hash[s->integrity];
	j->u.HMAC._hashed_auth_key_xor_ipad = s->keys.inner;
	j->u.HMAC._hashed_auth_key_xor_opad = s->keys.outer;
	j->hash_start_src_offset_in_bytes = 0;
	j->msg_len_to_hash_in_bytes = len;
}

static void set_gmac(IMB_JOB *j, const struct sa *s, const uint8_t *nonce, uint32_t len)
{
	j->hash_alg = IMB_AUTH_AES_GMAC_128;
	j->u.GMAC._key = &s->keys.gcm;
	j->u.GMAC._iv = nonce;
	j->u.GMAC.iv_len_in_bytes = NONCE;
	j->hash_start_src_offset_in_bytes = 0;
	j->msg_len_to_hash_in_bytes = len;
}

/* RFC 4106 §5: SPI and sequence number are the additional data. */
static void set_gcm(IMB_JOB *j, const struct sa *s, uint8_t *at, const uint8_t *nonce,
		    uint32_t len)
{
	uint32_t clear = ESP_HEADER + s->iv_len;

	j->cipher_mode = IMB_CIPHER_GCM;
	j->hash_alg = IMB_AUTH_AES_GMAC;
	j->enc_keys = &s->keys.gcm;
	j->dec_keys = &s->keys.gcm;
	j->key_len_in_bytes = ESP_KEY;
	j->iv = nonce;
	j->iv_len_in_bytes = NONCE;
	j->u.GCM.aad = at;
	j->u.GCM.aad_len_in_bytes = ESP_HEADER;
	j->dst = at + clear;
	j->cipher_start_src_offset_in_bytes = clear;
	j->msg_len_to_cipher_in_bytes = len - clear;
	j->hash_start_src_offset_in_bytes = clear;
	j->msg_len_to_hash_in_bytes = len - clear;
}

static void set_cbc(IMB_JOB *j, const struct sa *s, uint8_t *at, const uint8_t *iv,
		    uint32_t clear, uint32_t len)
{
	j->cipher_mode = IMB_CIPHER_CBC;
	j->enc_keys = s->keys.encrypt;
	j->dec_keys = s->keys.decrypt;
	j->key_len_in_bytes = ESP_KEY;
	j->iv = iv;
	j->iv_len_in_bytes = s->iv_len;
	j->dst = at + clear;
	j->cipher_start_src_offset_in_bytes = clear;
	j->msg_len_to_cipher_in_bytes = len - clear;
}

/* `len` octets without the ICV; AES-CBC works on those behind `clear` by `iv`. */
static void set_work(struct esp_worker *w, uint32_t i, IMB_JOB *j, uint8_t *at,
		     const uint8_t *iv, uint32_t clear, uint32_t len)
{
	const struct sa *s = w->work[i].sa;
	uint8_t *nonce = w->work[i].nonce;

	if (is_aead(s)) {
		memcpy(nonce, s->keys.salt, KEYS_SALT);
		memcpy(nonce + KEYS_SALT, at + ESP_HEADER, NONCE - KEYS_SALT);
	}
	if (s->cipher == ESP_AES_GCM) {
		set_gcm(j, s, at, nonce, len);
		return;
	}
	if (s->cipher == ESP_AES_CBC)
		set_cbc(j, s, at, iv, clear, len);
	else
		j->cipher_mode = IMB_CIPHER_NULL;
	if (s->integrity == ESP_AES_GMAC)
		set_gmac(j, s, nonce, len);
	else
		set_hmac(j, s, len);
}

void crypto_open(struct esp_worker *w, uint32_t i, uint8_t *at, uint32_t len)
{
	IMB_JOB *j = next_job(w, i, at, false);
	const struct sa *s = w->work[i].sa;

	j->auth_tag_output = w->work[i].icv;
	set_work(w, i, j, at, at + ESP_HEADER, ESP_HEADER + s->iv_len, len - s->icv_len);
	submit(w, i);
}

void crypto_seal(struct esp_worker *w, uint32_t i, uint8_t *at, uint32_t len)
{
	IMB_JOB *j = next_job(w, i, at, true);
	const struct sa *s = w->work[i].sa;

	j->auth_tag_output = at + len - s->icv_len;
	set_work(w, i, j, at, no_iv, ESP_HEADER, len - s->icv_len);
	submit(w, i);
}

struct esp_worker *esp_worker_create(const struct esp_sas *sas, uint16_t id)
{
	struct esp_worker *w = lines_alloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->sas = sas;
	w->id = id;
	w->wide = alloc_mb_mgr(0);
	w->narrow = alloc_mb_mgr(0);
	if (!w->wide || !w->narrow) {
		esp_worker_destroy(w);
		return NULL;
	}
	init_mb_mgr_auto(w->wide, NULL);
	init_mb_mgr_sse(w->narrow); /* with the CPU's own SHA instructions, where it has them */
	w->hmac = w->wide;
	return w;
}

void esp_worker_destroy(struct esp_worker *w)
{
	if (!w)
		return;
	if (w->wide)
		free_mb_mgr(w->wide);
	if (w->narrow)
		free_mb_mgr(w->narrow);
	free(w);
}
