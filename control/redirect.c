/* redirect.c - which HSS has which user, as a subscription locator told */
#include "control/redirect.h"

#include <openssl/rand.h>
#include <stdlib.h>

#include "base/hash.h"
#include "conf/conf.h"

struct user {
	uint64_t hash; /* of the identity; 0: free */
	uint64_t until_ms;
	int host;
};

struct redirects {
	const struct conf *conf;
	struct hash_key key; /* identities come from the wire */
	struct user user[REDIRECT_USERS];
};

struct redirects *redirects_new(const struct conf *conf)
{
	struct redirects *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->conf = conf;
	if (RAND_bytes((uint8_t *)&r->key, sizeof(r->key)) == 1)
		return r;
	free(r);
	return NULL;
}

void redirects_free(struct redirects *r)
{
	free(r);
}

const char *redirects_identity(const struct redirects *r, int host)
{
	const struct conf_control *c = &r->conf->control;

	return host ? c->hsses[host - 1].identity : c->hss_identity;
}

struct slice redirect_uri_host(struct slice uri)
{
	struct slice s = uri;
	uint32_t end = 0;

	if (slice_starts(s, SLICE("aaa://")))
		s = slice_from(s, 6);
	else if (slice_starts(s, SLICE("aaas://")))
		s = slice_from(s, 7);
	while (end < s.len && s.p[end] != ':' && s.p[end] != ';')
		end++;
	return slice_sub(s, 0, end);
}

int redirects_host(const struct redirects *r, const struct cx_redirect *redirect)
{
	for (uint32_t i = 0; i < redirect->n_hosts; i++) {
		struct slice host = redirect_uri_host(redirect->host[i]);

		for (int k = 0; k <= (int)r->conf->control.n_hsses; k++)
			if (slice_eq_nocase(host, slice_str(redirects_identity(r, k))))
				return k;
	}
	return -1;
}

/* A LIR has no private identity, a SAR perhaps no public one. */
static uint32_t identities(uint32_t command, const void *request, struct slice out[2])
{
	const struct cx_uar *uar = request;
	const struct cx_lir *lir = request;
	const struct cx_mar *mar = request;
	const struct cx_sar *sar = request;

	switch (command) {
	case CX_UAR:
		out[0] = uar->impu;
		out[1] = uar->impi;
		return 2;
	case CX_LIR:
		out[0] = lir->impu;
		return 1;
	case CX_MAR:
		out[0] = mar->impu;
		out[1] = mar->impi;
		return 2;
	case CX_SAR:
		out[0] = sar->n_impus ? sar->impu[0] : SLICE_EMPTY;
		out[1] = sar->impi;
		return 2;
	default:
		return 0;
	}
}

static uint64_t hash_of(const struct redirects *r, struct slice identity)
{
	uint64_t h = hash_table(&r->key, identity.p, identity.len);

	return h ? h : 1;
}

int redirects_find(const struct redirects *r, uint32_t command, const void *request,
		   uint64_t now_ms)
{
	struct slice identity[2];
	uint32_t n = identities(command, request, identity);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t h = identity[i].len ? hash_of(r, identity[i]) : 0;
		const struct user *u = &r->user[h % REDIRECT_USERS];

		if (h && u->hash == h && u->until_ms > now_ms)
			return u->host;
	}
	return 0;
}

void redirects_note(struct redirects *r, uint32_t command, const void *request, int host,
		    uint32_t usage, uint32_t cache_s, uint64_t now_ms)
{
	struct slice identity[2];
	uint32_t n = identities(command, request, identity);

	if (usage != CX_REDIRECT_ALL_USER || cache_s == 0)
		return;
	if (cache_s > REDIRECT_CACHE_MAX_S)
		cache_s = REDIRECT_CACHE_MAX_S;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t h = hash_of(r, identity[i]);

		if (identity[i].len)
			r->user[h % REDIRECT_USERS] =
				(struct user){h, now_ms + cache_s * 1000ull, host};
	}
}
