/* vectors.c - AKA vectors that are left over, by private identity */
#include "control/vectors.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

enum { BUCKETS = 4096, KEPT_MAX = CX_VECTORS_MAX - 1 };

struct kept {
	struct kept *chain;
	struct kept *older, *newer;
	uint64_t expires_ms;
	uint32_t n, next;
	struct cx_vector vector[KEPT_MAX];
	uint32_t impi_len;
	uint8_t impi[];
};

struct vectors {
	struct hash_key key;
	uint64_t ttl_ms;
	uint32_t most, n;
	struct kept *oldest, *newest;
	struct kept *bucket[BUCKETS];
};

struct vectors *vectors_new(uint32_t users, uint64_t ttl_ms)
{
	struct vectors *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->most = users;
	v->ttl_ms = ttl_ms;
	if (RAND_bytes((uint8_t *)&v->key, sizeof(v->key)) == 1)
		return v;
	free(v);
	return NULL;
}

static struct kept **place_of(struct vectors *v, struct slice impi)
{
	struct kept **at = &v->bucket[hash_table(&v->key, impi.p, impi.len) % BUCKETS];

	while (*at && !slice_eq(slice_of((*at)->impi, (*at)->impi_len), impi))
		at = &(*at)->chain;
	return at;
}

static void drop(struct vectors *v, struct kept **at)
{
	struct kept *k = *at;

	*at = k->chain;
	*(k->older ? &k->older->newer : &v->oldest) = k->newer;
	*(k->newer ? &k->newer->older : &v->newest) = k->older;
	v->n--;
	OPENSSL_cleanse(k->vector, sizeof(k->vector));
	free(k);
}

void vectors_drop(struct vectors *v, struct slice impi)
{
	struct kept **at = place_of(v, impi);

	if (*at)
		drop(v, at);
}

static void drop_oldest(struct vectors *v)
{
	vectors_drop(v, slice_of(v->oldest->impi, v->oldest->impi_len));
}

void vectors_free(struct vectors *v)
{
	if (!v)
		return;
	while (v->oldest)
		drop_oldest(v);
	free(v);
}

static void expire(struct vectors *v, uint64_t now_ms)
{
	while (v->oldest && v->oldest->expires_ms <= now_ms)
		drop_oldest(v);
}

void vectors_put(struct vectors *v, struct slice impi, const struct cx_maa *maa,
		 uint64_t now_ms)
{
	struct kept *k, **at;

	vectors_drop(v, impi);
	expire(v, now_ms);
	if (maa->n_vectors < 2 || maa->vector[0].scheme != CX_AUTH_AKA)
		return;
	if (v->n == v->most)
		drop_oldest(v);
	k = calloc(1, sizeof(*k) + impi.len);
	if (!k)
		return;
	for (uint32_t i = 1; i < maa->n_vectors && k->n < KEPT_MAX; i++)
		if (maa->vector[i].scheme == CX_AUTH_AKA)
			k->vector[k->n++] = maa->vector[i];
	k->expires_ms = now_ms + v->ttl_ms;
	k->impi_len = impi.len;
	memcpy(k->impi, impi.p, impi.len);
	at = place_of(v, impi);
	*at = k;
	k->older = v->newest;
	*(v->newest ? &v->newest->newer : &v->oldest) = k;
	v->newest = k;
	v->n++;
}

bool vectors_take(struct vectors *v, struct slice impi, uint64_t now_ms, struct cx_vector *out)
{
	struct kept **at, *k;

	expire(v, now_ms);
	at = place_of(v, impi);
	k = *at;
	if (!k || k->next == k->n)
		return false;
	*out = k->vector[k->next];
	OPENSSL_cleanse(&k->vector[k->next++], sizeof(*out));
	if (k->next == k->n)
		drop(v, at);
	return true;
}

uint32_t vectors_users(const struct vectors *v)
{
	return v->n;
}
