/* uar.c - User-Authorization: may this user register here, and at which S-CSCF (TS 29.228
 * §6.1.1.1) */
#include "hss/decide.h"

struct uar {
	struct hss *h;
	const struct cx_uar *r;
	struct cx_uaa *a;
};

/* Steps 1 and 2. */
static int check_identities(struct uar *x)
{
	int result = decide_impi(x->h, x->r->impi);

	if (!result)
		result = decide_impu(x->h, x->r->impu);
	return result ? result : decide_match(x->h);
}

/* Step 3: a barred identity may register what its set registers with it, if that has one that
 * is not barred. */
static int check_barring(struct uar *x)
{
	struct hss *h = x->h;
	int result;

	if (!h->impu.barred || x->r->emergency)
		return 0;
	result = decide_set(h);
	if (result)
		return result;
	for (uint32_t i = 0; i < h->n_set; i++)
		if (!h->set[i].barred)
			return 0;
	return CX_AUTHORIZATION_REJECTED;
}

/* The value comes from P-Visited-Network-ID, where it may stand in quotes (RFC 7315 §4.3). */
static struct slice unquoted(struct slice s)
{
	if (s.len >= 2 && s.p[0] == '"' && s.p[s.len - 1] == '"')
		return slice_sub(s, 1, s.len - 2);
	return s;
}

/* Step 4, roaming; an emergency registration is let in from anywhere (TS 23.167 §6.2.1). */
static int check_roaming(struct uar *x)
{
	struct slice visited = unquoted(slice_trim(x->r->visited_network));
	char lower[STORE_HOST_MAX];
	bool allowed = false;
	int result;

	if (x->r->type == CX_UAT_DE_REGISTRATION || x->r->emergency ||
	    slice_eq_nocase(visited, slice_str(x->h->config.realm)))
		return 0;
	if (visited.len > sizeof(lower))
		return CX_ERROR_ROAMING_NOT_ALLOWED;
	for (uint32_t i = 0; i < visited.len; i++)
		lower[i] = (char)ascii_lower(visited.p[i]);
	result = decide_store(store_visited_allowed(x->h->store, x->h->impu.subscription,
						    slice_of(lower, visited.len), &allowed));
	if (result)
		return result;
	return allowed ? 0 : CX_ERROR_ROAMING_NOT_ALLOWED;
}

/* Step 4, end: the I-CSCF wants to choose again, because the assigned S-CSCF does not answer.
 */
static int give_capabilities(struct uar *x)
{
	int result;

	if (x->r->type != CX_UAT_REGISTRATION_AND_CAPABILITIES)
		return 0;
	result = decide_capabilities(x->h, x->h->impu.subscription, &x->a->capabilities);
	return result ? result : CX_SUCCESS;
}

static int give_name(struct uar *x, struct slice name)
{
	x->a->server_name = name;
	return x->r->type == CX_UAT_DE_REGISTRATION ? CX_SUCCESS : CX_SUBSEQUENT_REGISTRATION;
}

/* Step 5. A set that is authenticating has its S-CSCF already, and all sets of a subscription
 * go to the same one. */
static int check_state(struct uar *x)
{
	struct hss *h = x->h;
	int result;

	if (h->impu.state != STORE_NOT_REGISTERED)
		return give_name(x, slice_str(h->impu.scscf));
	if (x->r->type == CX_UAT_DE_REGISTRATION)
		return CX_ERROR_IDENTITY_NOT_REGISTERED;
	if (*h->impu.scscf)
		return give_name(x, slice_str(h->impu.scscf));
	result = decide_store(
		store_subscription_scscf(h->store, h->impu.subscription, h->scscf));
	if (result)
		return result;
	if (*h->scscf)
		return give_name(x, slice_str(h->scscf));
	result = decide_capabilities(h, h->impu.subscription, &x->a->capabilities);
	return result ? result : CX_FIRST_REGISTRATION;
}

void hss_uar(struct hss *h, const struct cx_uar *r, struct cx_uaa *a)
{
	static int (*const step[])(struct uar * x) = {
		check_identities, check_barring, check_roaming, give_capabilities, check_state,
	};
	struct uar x = {h, r, a};
	int result;

	memset(a, 0, sizeof(*a));
	result = decide_begin(h, STORE_READ);
	for (size_t i = 0; !result && i < sizeof(step) / sizeof(step[0]); i++)
		result = step[i](&x);
	a->result = decide_end(h, result);
}
