/* mar.c - Multimedia-Auth: vectors or hashes for a challenge (TS 29.228 §6.3.1) */
#define _GNU_SOURCE
#include "hss/decide.h"

#include <openssl/rand.h>
#include <stdio.h>

#include "aka/aka.h"
#include "base/log.h"
#include "hss/entry.h"

enum { RAND_LEN = 16, AUTS_LEN = 14 };

struct mar {
	struct hss *h;
	const struct cx_mar *r;
	struct cx_maa *a;
	enum cx_auth_scheme scheme;
};

/* Steps 1 and 2. */
static int check_identities(struct mar *x)
{
	int result = decide_impi(x->h, x->r->impi);

	if (!result)
		result = decide_impu(x->h, x->r->impu);
	return result ? result : decide_match(x->h);
}

static bool has_scheme(const struct store_impi *i, enum cx_auth_scheme scheme)
{
	switch (scheme) {
	case CX_AUTH_AKA:
		return i->auth & STORE_AUTH_AKA;
	case CX_AUTH_DIGEST:
		return i->auth & STORE_AUTH_DIGEST;
	case CX_AUTH_GIBA:
		return i->auth & STORE_AUTH_GIBA;
	default:
		return false;
	}
}

/* Step 3. To "Unknown" the answer is the stronger of what the subscriber has. */
static int check_scheme(struct mar *x)
{
	x->scheme = x->r->scheme;
	if (x->scheme == CX_AUTH_UNKNOWN)
		x->scheme = has_scheme(&x->h->impi, CX_AUTH_AKA) ? CX_AUTH_AKA : CX_AUTH_DIGEST;
	return has_scheme(&x->h->impi, x->scheme) ? 0 : CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED;
}

static bool same_scscf(const struct mar *x)
{
	return slice_eq(x->r->server_name, slice_str(x->h->impu.scscf));
}

/* Step 4: the terminal's SQN differs (TS 33.102 §6.3.5). Only from the S-CSCF that challenged
 * it, and nothing is changed for an AUTS that is not the terminal's own. */
static int resynchronise(struct mar *x)
{
	struct store_impi *i = &x->h->impi;
	struct slice both = x->r->auts;
	uint64_t sqn_ms;

	if (both.len == 0)
		return 0;
	if (x->scheme != CX_AUTH_AKA || both.len != RAND_LEN + AUTS_LEN)
		return CX_INVALID_AVP_VALUE;
	if (!same_scscf(x))
		return CX_UNABLE_TO_COMPLY;
	if (!aka_auts_check(&(struct aka_key){i->k, i->opc, i->tuak, i->k256}, both.p,
			    both.p + RAND_LEN, &sqn_ms)) {
		log_event(LOG_WARN, "mar", "auts_refused", LOG_Z("impi", i->impi));
		return CX_UNABLE_TO_COMPLY;
	}
	i->sqn = aka_resync(i->sqn, sqn_ms);
	return 0;
}

/* Step 5. A registered user at its own S-CSCF is only authenticated again; in all other cases
 * the S-CSCF is noted, and that authentication is pending for this pair of identities. */
static int store_state(struct mar *x)
{
	struct store_impu *u = &x->h->impu;
	struct store *s = x->h->store;
	struct store_tie tie;
	int result;

	if (u->state == STORE_REGISTERED && same_scscf(x))
		return 0;
	if (x->r->server_name.len == 0)
		return CX_MISSING_AVP;
	if (x->r->server_name.len > STORE_HOST_MAX)
		return CX_INVALID_AVP_VALUE;
	result = decide_store(store_find_tie(s, u->implicit_set, x->h->impi.id, &tie));
	if (!result && !tie.pending)
		result = decide_store(
			store_tie(s, u->implicit_set, x->h->impi.id, tie.registered, true));
	if (!result && !same_scscf(x))
		result =
			decide_store(store_assign(s, u->implicit_set, u->state,
						  x->r->server_name, slice_str(u->scscf_host)));
	return result;
}

static int make_vector(const struct store_impi *i, uint32_t number, struct cx_vector *out)
{
	struct aka_vector v;
	uint8_t rand[RAND_LEN];

	if (RAND_bytes(rand, sizeof(rand)) != 1 ||
	    aka_vector_make(&(struct aka_key){i->k, i->opc, i->tuak, i->k256}, i->amf, i->sqn,
			    rand, &v) < 0)
		return CX_UNABLE_TO_COMPLY;
	out->number = number;
	out->scheme = CX_AUTH_AKA;
	memcpy(out->rand, v.rand, sizeof(out->rand));
	memcpy(out->autn, v.autn, sizeof(out->autn));
	memcpy(out->xres, v.xres, sizeof(v.xres));
	out->xres_len = sizeof(v.xres);
	memcpy(out->ck, v.ck, sizeof(out->ck));
	memcpy(out->ik, v.ik, sizeof(out->ik));
	explicit_bzero(&v, sizeof(v));
	return 0;
}

/* Each SQN is used once: the last is stored before the answer leaves, and is lost with no
 * power cut (store.h). */
static int give_vectors(struct mar *x)
{
	struct store_impi *i = &x->h->impi;
	uint32_t n = x->r->n_vectors ? x->r->n_vectors : 1;
	int result = 0;

	if (n > x->h->config.av_max)
		n = x->h->config.av_max;
	for (uint32_t k = 0; !result && k < n; k++) {
		if (!aka_sqn_next(&i->sqn, k == 0)) {
			log_event(LOG_ERROR, "mar", "sqn_exhausted", LOG_Z("impi", i->impi));
			return CX_UNABLE_TO_COMPLY;
		}
		result = make_vector(i, k + 1, &x->a->vector[k]);
	}
	if (result)
		return result;
	x->a->n_vectors = n;
	return decide_store(store_set_sqn(x->h->store, i->id, i->sqn));
}

/* TS 29.228 §6.3.1 with Annex N of TS 33.203: one item, whatever number was asked for. */
static int give_digest(struct mar *x)
{
	const struct store_impi *i = &x->h->impi;
	struct cx_vector *out = &x->a->vector[0];

	out->number = 1;
	out->scheme = CX_AUTH_DIGEST;
	snprintf(out->digest_realm, sizeof(out->digest_realm), "%s", i->digest_realm);
	snprintf(out->ha1, sizeof(out->ha1), "%s", i->ha1);
	snprintf(out->ha1_sha256, sizeof(out->ha1_sha256), "%s", i->ha1_sha256);
	x->a->n_vectors = 1;
	return 0;
}

static int give_address(struct mar *x)
{
	struct cx_vector *out = &x->a->vector[0];

	if (!entry_framed(slice_str(x->h->impi.giba), &out->framed, &out->framed_bits))
		return CX_UNABLE_TO_COMPLY;
	out->number = 1;
	out->scheme = CX_AUTH_GIBA;
	x->a->n_vectors = 1;
	return 0;
}

static int give_items(struct mar *x)
{
	int result = x->scheme == CX_AUTH_AKA    ? give_vectors(x)
		     : x->scheme == CX_AUTH_GIBA ? give_address(x)
						 : give_digest(x);

	x->a->impi = x->r->impi;
	x->a->impu = x->r->impu;
	return result ? result : CX_SUCCESS;
}

void hss_mar(struct hss *h, const struct cx_mar *r, struct cx_maa *a)
{
	static int (*const step[])(struct mar * x) = {
		check_identities, check_scheme, resynchronise, store_state, give_items,
	};
	struct mar x = {h, r, a, r->scheme};
	int result;

	memset(a, 0, sizeof(*a));
	result = decide_begin(h, STORE_CX);
	for (size_t i = 0; !result && i < sizeof(step) / sizeof(step[0]); i++)
		result = step[i](&x);
	result = decide_end(h, result);
	if (result != CX_SUCCESS)
		explicit_bzero(a, sizeof(*a));
	a->result = result;
}
