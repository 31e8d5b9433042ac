/* nonce.c - challenges that wait for their response */
#include "control/nonce.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "base/hash.h"

enum { NONCE_NAME_MAX = 1024 };

struct nonces {
	uint32_t max, count, mask;
	uint64_t ttl_ms;
	struct hash_key key;
	struct challenge *oldest, *newest; /* by age, which is also the order of expiry */
	void (*unanswered)(void *ctx, const struct challenge *c);
	void *ctx;
	struct challenge *bucket[];
};

struct nonces *nonces_new(uint32_t max, uint64_t ttl_ms,
			  void (*unanswered)(void *ctx, const struct challenge *c), void *ctx)
{
	uint32_t buckets = 1;
	struct nonces *n;

	while (buckets < max && buckets < 1u << 20)
		buckets <<= 1;
	n = calloc(1, sizeof(*n) + buckets * sizeof(n->bucket[0]));
	if (!n)
		return NULL;
	if (RAND_bytes((uint8_t *)&n->key, sizeof(n->key)) != 1) {
		free(n);
		return NULL;
	}
	n->max = max ? max : 1;
	n->mask = buckets - 1;
	n->ttl_ms = ttl_ms;
	n->unanswered = unanswered;
	n->ctx = ctx;
	return n;
}

void nonces_free(struct nonces *n)
{
	if (!n)
		return;
	while (n->oldest)
		nonces_remove(n, n->oldest);
	free(n);
}

static struct challenge **bucket_of(struct nonces *n, struct slice nonce)
{
	return &n->bucket[hash_table(&n->key, nonce.p, nonce.len) & n->mask];
}

static const char *put_name(char **at, struct slice name)
{
	char *start = *at;

	if (name.len)
		memcpy(start, name.p, name.len);
	start[name.len] = 0;
	*at += name.len + 1;
	return start;
}

static struct challenge *challenge_new(const struct challenge_seed *seed)
{
	const struct cx_vector *v = seed->vector;
	struct challenge *c;
	char *at;

	if (seed->nonce.len == 0 || seed->nonce.len > NONCE_TEXT_MAX ||
	    seed->impi.len > NONCE_NAME_MAX || seed->impu.len > NONCE_NAME_MAX ||
	    seed->realm.len > NONCE_NAME_MAX || v->xres_len > sizeof(c->xres))
		return NULL;
	c = calloc(1, sizeof(*c) + seed->impi.len + seed->impu.len + seed->realm.len + 3);
	if (!c)
		return NULL;
	at = c->names;
	c->impi = put_name(&at, seed->impi);
	c->impu = put_name(&at, seed->impu);
	c->realm = put_name(&at, seed->realm);
	memcpy(c->nonce, seed->nonce.p, seed->nonce.len);
	c->scheme = v->scheme;
	c->syncs = seed->syncs;
	c->xres_len = v->xres_len;
	memcpy(c->rand, v->rand, sizeof(c->rand));
	memcpy(c->xres, v->xres, sizeof(c->xres));
	c->akav2 = seed->akav2;
	if (c->akav2) {
		memcpy(c->ck, v->ck, sizeof(c->ck));
		memcpy(c->ik, v->ik, sizeof(c->ik));
	}
	memcpy(c->ha1, v->ha1, sizeof(c->ha1));
	memcpy(c->ha1_sha256, v->ha1_sha256, sizeof(c->ha1_sha256));
	c->ha1[sizeof(c->ha1) - 1] = 0;
	c->ha1_sha256[sizeof(c->ha1_sha256) - 1] = 0;
	return c;
}

const struct challenge *nonces_add(struct nonces *n, const struct challenge_seed *seed,
				   uint64_t now_ms)
{
	struct challenge *c = challenge_new(seed);
	struct challenge **bucket;

	if (!c)
		return NULL;
	if (n->count == n->max)
		nonces_remove(n, n->oldest);
	c->expires_ms = now_ms + n->ttl_ms;
	c->older = n->newest;
	if (n->newest)
		n->newest->newer = c;
	else
		n->oldest = c;
	n->newest = c;
	bucket = bucket_of(n, slice_str(c->nonce));
	c->chain = *bucket;
	*bucket = c;
	n->count++;
	return c;
}

struct challenge *nonces_find(struct nonces *n, struct slice nonce, uint64_t now_ms)
{
	for (struct challenge *c = *bucket_of(n, nonce); c; c = c->chain)
		if (slice_eq(slice_str(c->nonce), nonce))
			return c->expires_ms > now_ms ? c : NULL;
	return NULL;
}

void nonces_remove(struct nonces *n, struct challenge *c)
{
	struct challenge **at = bucket_of(n, slice_str(c->nonce));

	while (*at != c)
		at = &(*at)->chain;
	*at = c->chain;
	if (c->older)
		c->older->newer = c->newer;
	else
		n->oldest = c->newer;
	if (c->newer)
		c->newer->older = c->older;
	else
		n->newest = c->older;
	n->count--;
	OPENSSL_cleanse(c, sizeof(*c));
	free(c);
}

void nonces_expire(struct nonces *n, uint64_t now_ms, uint32_t most)
{
	while (most-- && n->oldest && n->oldest->expires_ms <= now_ms) {
		if (!n->oldest->answered && n->unanswered)
			n->unanswered(n->ctx, n->oldest);
		nonces_remove(n, n->oldest);
	}
}

uint32_t nonces_count(const struct nonces *n)
{
	return n->count;
}
