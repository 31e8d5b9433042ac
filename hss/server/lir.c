/* lir.c - Location-Info: which S-CSCF serves this identity (TS 29.228 §6.1.4.1) */
#include "hss/decide.h"
#include "hss/psi.h"

/* Whether there is something to do for the user although nobody is registered. */
static bool has_service(const struct store_impu *u, bool originating)
{
	return u->services &
	       (originating ? STORE_ORIGINATING_UNREGISTERED : STORE_TERMINATING_UNREGISTERED);
}

/* Step 3. */
static int check_state(struct hss *h, const struct cx_lir *r, struct cx_lia *a)
{
	int result;

	if (h->impu.state != STORE_NOT_REGISTERED) {
		a->server_name = slice_str(h->impu.scscf);
		return CX_SUCCESS;
	}
	if (!has_service(&h->impu, r->originating))
		return CX_ERROR_IDENTITY_NOT_REGISTERED;
	/* All sets of a subscription go to the same S-CSCF. */
	result = decide_store(
		store_subscription_scscf(h->store, h->impu.subscription, h->scscf));
	if (result)
		return result;
	if (!*h->scscf) {
		result = decide_capabilities(h, h->impu.subscription, &a->capabilities);
		return result ? result : CX_UNREGISTERED_SERVICE;
	}
	a->server_name = slice_str(h->scscf);
	return CX_SUCCESS;
}

/* Step 1: no user's identity, perhaps a service's: then the name is that of its Application
 * Server, to which the request goes without an S-CSCF (TS 23.228 §5.7.6). */
static int check_service(struct hss *h, const struct cx_lir *r, struct cx_lia *a)
{
	bool wildcard = false;

	switch (psi_find(h->store, r->impu, h->scscf, h->wildcard, &wildcard)) {
	case STORE_OK:
		a->server_name = slice_str(h->scscf);
		if (wildcard)
			a->wildcard = slice_str(h->wildcard);
		return CX_SUCCESS;
	case STORE_NONE:
		return CX_ERROR_USER_UNKNOWN;
	default:
		return CX_UNABLE_TO_COMPLY;
	}
}

void hss_lir(struct hss *h, const struct cx_lir *r, struct cx_lia *a)
{
	int result;

	memset(a, 0, sizeof(*a));
	result = decide_begin(h, STORE_READ);
	if (!result)
		result = decide_impu(h, r->impu);
	if (!result)
		result = check_state(h, r, a);
	else if (result == CX_ERROR_USER_UNKNOWN)
		result = check_service(h, r, a);
	a->result = decide_end(h, result);
}
