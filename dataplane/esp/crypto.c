/* crypto.c - the work on packets as jobs of the Intel IPsec Multi-Buffer library */
#include "esp/worker.h"

#include <stdlib.h>

#include "base/lines.h"

/* The first block of AES-CBC's work out is the IV itself: see esp.h. */
static const uint8_t no_iv[16] __attribute__((aligned(16)));

static IMB_JOB *next_job(struct esp_worker *w, uint32_t i, uint8_t *at, bool seal)
{
	IMB_JOB *j = IMB_GET_NEXT_JOB(w->mgr);

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

static void submit(struct esp_worker *w)
{
	IMB_JOB *j = IMB_SUBMIT_JOB_NOCHECK(w->mgr);

	for (; j; j = IMB_GET_COMPLETED_JOB(w->mgr))
		completed(j);
}

void crypto_finish(struct esp_worker *w)
{
	IMB_JOB *j;

	while ((j = IMB_FLUSH_JOB(w->mgr)))
		completed(j);
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

	if (s->cipher == ESP_AES_GCM || s->integrity == ESP_AES_GMAC) {
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
	submit(w);
}

void crypto_seal(struct esp_worker *w, uint32_t i, uint8_t *at, uint32_t len)
{
	IMB_JOB *j = next_job(w, i, at, true);
	const struct sa *s = w->work[i].sa;

	j->auth_tag_output = at + len - s->icv_len;
	set_work(w, i, j, at, no_iv, ESP_HEADER, len - s->icv_len);
	submit(w);
}

struct esp_worker *esp_worker_create(const struct esp_sas *sas, uint16_t id)
{
	struct esp_worker *w = lines_alloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->sas = sas;
	w->id = id;
	w->mgr = alloc_mb_mgr(0);
	if (!w->mgr) {
		free(w);
		return NULL;
	}
	init_mb_mgr_auto(w->mgr, NULL);
	return w;
}

void esp_worker_destroy(struct esp_worker *w)
{
	if (!w)
		return;
	free_mb_mgr(w->mgr);
	free(w);
}
