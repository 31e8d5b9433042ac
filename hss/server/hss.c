/* hss.c - memory of the deciders, and what they share */
#define _GNU_SOURCE
#include "hss/decide.h"

#include <stdlib.h>

#include "sip/uri.h"

struct hss *hss_new(struct store *store, const struct hss_config *config)
{
	struct hss *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->store = store;
	h->config = *config;
	return h;
}

void hss_free(struct hss *h)
{
	if (h)
		explicit_bzero(&h->impi, sizeof(h->impi));
	free(h);
}

int decide_store(enum store_result r)
{
	return r == STORE_OK ? 0 : CX_UNABLE_TO_COMPLY;
}

int decide_begin(struct hss *h, enum store_lock lock)
{
	h->n_set = 0;
	*h->scscf = 0;
	h->replaced = false;
	return decide_store(store_begin(h->store, lock));
}

int decide_end(struct hss *h, int result)
{
	bool success = CX_IS_EXPERIMENTAL(result) ? result < CX_ERROR_USER_UNKNOWN
						  : result == CX_SUCCESS;

	explicit_bzero(&h->impi, sizeof(h->impi));
	if (!success)
		store_rollback(h->store);
	else if (store_commit(h->store) != STORE_OK)
		return CX_UNABLE_TO_COMPLY;
	return result;
}

bool hss_canonical(struct slice impu, char out[IMPU_MAX + 1])
{
	struct text t = text_in(out, IMPU_MAX + 1);
	struct sip_uri uri;

	if (sip_uri_decode(impu, &uri) != SIP_OK || !sip_uri_identity(&uri, &t) ||
	    t.len > IMPU_MAX)
		return false;
	text_cstr(&t);
	return true;
}

static int unknown_if_none(enum store_result r)
{
	return r == STORE_NONE ? CX_ERROR_USER_UNKNOWN : decide_store(r);
}

int decide_impi(struct hss *h, struct slice impi)
{
	if (impi.len == 0 || impi.len > IMPI_MAX)
		return CX_ERROR_USER_UNKNOWN;
	return unknown_if_none(store_find_impi(h->store, impi, &h->impi));
}

int decide_impu(struct hss *h, struct slice impu)
{
	char canonical[IMPU_MAX + 1];

	if (!hss_canonical(impu, canonical))
		return CX_ERROR_USER_UNKNOWN;
	return unknown_if_none(store_find_impu(h->store, slice_str(canonical), &h->impu));
}

int decide_match(struct hss *h)
{
	return h->impi.implicit_set == h->impu.implicit_set ? 0
							    : CX_ERROR_IDENTITIES_DONT_MATCH;
}

int decide_set(struct hss *h)
{
	if (h->n_set)
		return 0;
	return decide_store(store_implicit_set(h->store, h->impu.implicit_set, h->set,
					       SET_IMPUS_MAX, &h->n_set));
}

int decide_capabilities(struct hss *h, int64_t subscription, struct cx_capabilities *out)
{
	const struct store_service *v = &h->service;
	int result = decide_store(store_service(h->store, subscription, &h->service));

	if (result)
		return result;
	memcpy(out->mandatory, v->mandatory, sizeof(v->mandatory));
	memcpy(out->optional, v->optional, sizeof(v->optional));
	out->n_mandatory = v->n_mandatory;
	out->n_optional = v->n_optional;
	for (uint32_t i = 0; i < v->n_servers; i++)
		out->name[out->n_names++] = slice_str(v->server[i]);
	return 0;
}

void decide_charging(const struct store_service *v, struct cx_charging *out)
{
	*out = (struct cx_charging){
		.primary_ecf = slice_str(v->n_ecf > 0 ? v->ecf[0] : ""),
		.secondary_ecf = slice_str(v->n_ecf > 1 ? v->ecf[1] : ""),
		.primary_ccf = slice_str(v->n_ccf > 0 ? v->ccf[0] : ""),
		.secondary_ccf = slice_str(v->n_ccf > 1 ? v->ccf[1] : ""),
	};
}
