/* vectors.c - AKA vectors that are left over, by private identity */
#include "control/vectors.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

enum { BUCKETS = 4096, KEPT_MAX = CX_VECTORS_MAX - 1 };

/* A struct cx_vector without what the other schemes have. */
struct spare {
	uint8_t rand[16], autn[16], xres[16], ck[16], ik[16];
	uint32_t xres_len;
};

struct kept {
	struct kept *chain;
	struct kept *older, *newer;
	uint64_t expires_ms;
	uint32_t n, next;
	struct spare spare[KEPT_MAX];
	uint32_t impi_len, impu_len;
	uint8_t names[]; /* impi, impu */
};

struct vectors {
	struct hash_key key;
	uint32_t most, n;
	struct kept *oldest, *newest;
	struct kept *bucket[BUCKETS];
};

struct vectors *vectors_new(uint32_t users)
{
	struct vectors *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->most = users;
	if (RAND_bytes((uint8_t *)&v->key, sizeof(v->key)) == 1)
		return v;
	free(v);
	return NULL;
}

static struct slice impi_of(const struct kept *k)
{
	return slice_of(k->names, k->impi_len);
}

static struct kept **place_of(struct vectors *v, struct slice impi)
{
	struct kept **at = &v->bucket[hash_table(&v->key, impi.p, impi.len) % BUCKETS];

	while (*at && !slice_eq(impi_of(*at), impi))
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
	OPENSSL_cleanse(k->spare, sizeof(k->spare));
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
	drop(v, place_of(v, impi_of(v->oldest)));
}

void vectors_free(struct vectors *v)
{
	if (!v)
		return;
	while (v->oldest)
		drop_oldest(v);
	free(v);
}

void vectors_expire(struct vectors *v, uint64_t now_ms, uint32_t most)
{
	while (most-- && v->oldest && v->oldest->expires_ms <= now_ms)
		drop_oldest(v);
}

static void spare_put(struct spare *s, const struct cx_vector *v)
{
	memcpy(s->rand, v->rand, sizeof(s->rand));
	memcpy(s->autn, v->autn, sizeof(s->autn));
	memcpy(s->xres, v->xres, sizeof(s->xres));
	memcpy(s->ck, v->ck, sizeof(s->ck));
	memcpy(s->ik, v->ik, sizeof(s->ik));
	s->xres_len = v->xres_len;
}

static void spare_get(struct spare *s, struct cx_vector *out)
{
	*out = (struct cx_vector){.number = 1, .scheme = CX_AUTH_AKA, .xres_len = s->xres_len};
	memcpy(out->rand, s->rand, sizeof(s->rand));
	memcpy(out->autn, s->autn, sizeof(s->autn));
	memcpy(out->xres, s->xres, sizeof(s->xres));
	memcpy(out->ck, s->ck, sizeof(s->ck));
	memcpy(out->ik, s->ik, sizeof(s->ik));
	OPENSSL_cleanse(s, sizeof(*s));
}

static struct kept *kept_new(struct slice impi, struct slice impu, const struct cx_maa *maa)
{
	struct kept *k = calloc(1, sizeof(*k) + impi.len + impu.len);

	if (!k)
		return NULL;
	for (uint32_t i = 1; i < maa->n_vectors && k->n < KEPT_MAX; i++)
		if (maa->vector[i].scheme == CX_AUTH_AKA)
			spare_put(&k->spare[k->n++], &maa->vector[i]);
	k->impi_len = impi.len;
	k->impu_len = impu.len;
	memcpy(k->names, impi.p, impi.len);
	memcpy(k->names + impi.len, impu.p, impu.len);
	return k;
}

void vectors_put(struct vectors *v, struct slice impi, struct slice impu,
		 const struct cx_maa *maa, uint64_t expires_ms)
{
	struct kept *k, **at;

	vectors_drop(v, impi);
	if (maa->n_vectors < 2 || maa->vector[1].scheme != CX_AUTH_AKA)
		return;
	if (v->n == v->most)
		drop_oldest(v);
	k = kept_new(impi, impu, maa);
	if (!k)
		return;
	k->expires_ms = expires_ms;
	at = place_of(v, impi);
	*at = k;
	k->older = v->newest;
	*(v->newest ? &v->newest->newer : &v->oldest) = k;
	v->newest = k;
	v->n++;
}

bool vectors_take(struct vectors *v, struct slice impi, struct slice impu, uint64_t now_ms,
		  struct cx_vector *out)
{
	struct kept **at = place_of(v, impi), *k = *at;

	if (k && k->expires_ms <= now_ms) {
		drop(v, at);
		return false;
	}
	if (!k || !slice_eq(slice_of(k->names + k->impi_len, k->impu_len), impu))
		return false;
	spare_get(&k->spare[k->next++], out);
	if (k->next == k->n)
		drop(v, at);
	return true;
}

uint32_t vectors_users(const struct vectors *v)
{
	return v->n;
}
