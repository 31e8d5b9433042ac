/* sar.c - Server-Assignment: who serves the user, and the user's profile (TS 29.228 §6.1.2.1)
 */
#include "hss/decide.h"
#include "hss/restoration.h"
#include "hss/userdata.h"

#include "base/log.h"

struct sar {
	struct hss *h;
	const struct cx_sar *r;
	struct cx_saa *a;
	struct store_tie tie;
};

static bool is_deregistration(enum cx_sat type)
{
	switch (type) {
	case CX_SAT_TIMEOUT_DEREGISTRATION:
	case CX_SAT_USER_DEREGISTRATION:
	case CX_SAT_TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME:
	case CX_SAT_USER_DEREGISTRATION_STORE_SERVER_NAME:
	case CX_SAT_ADMINISTRATIVE_DEREGISTRATION:
	case CX_SAT_DEREGISTRATION_TOO_MUCH_DATA:
		return true;
	default:
		return false;
	}
}

/* The S-CSCF asks because it has nothing of the user. */
static bool is_restoring(enum cx_sat type)
{
	return type == CX_SAT_NO_ASSIGNMENT || type == CX_SAT_UNREGISTERED_USER;
}

/* Without an IMPI only where nobody registers; without an IMPU only to deregister all of an
 * IMPI (§6.1.2, table 6.1.2.1). */
static int check_presence(struct sar *x)
{
	const struct cx_sar *r = x->r;
	bool impi_needed =
		r->type != CX_SAT_UNREGISTERED_USER && r->type != CX_SAT_NO_ASSIGNMENT;

	if (r->server_name.len == 0 || (impi_needed && r->impi.len == 0) ||
	    (r->n_impus == 0 && !is_deregistration(r->type)))
		return CX_MISSING_AVP;
	if (r->server_name.len > STORE_HOST_MAX || x->r->origin_host.len > STORE_HOST_MAX ||
	    r->n_impus > CX_IMPUS_MAX)
		return CX_INVALID_AVP_VALUE;
	return 0;
}

/* Steps 1 and 2; without an IMPU the set of the IMPI is meant. */
static int check_identities(struct sar *x)
{
	struct hss *h = x->h;
	int result = x->r->impi.len ? decide_impi(h, x->r->impi) : 0;

	for (uint32_t i = 0; !result && i < x->r->n_impus; i++) {
		result = decide_impu(h, x->r->impu[i]);
		if (!result && x->r->impi.len)
			result = decide_match(h);
	}
	if (result || x->r->n_impus)
		return result;
	h->impu.implicit_set = h->impi.implicit_set;
	result = decide_set(h);
	if (!result)
		h->impu = h->set[0];
	return result;
}

/* Step 3. */
static int check_count(struct sar *x)
{
	return x->r->n_impus > 1 && !is_deregistration(x->r->type) ? CX_TOO_MANY_AVPS : 0;
}

static bool same_scscf(const struct sar *x)
{
	return slice_eq(x->r->server_name, slice_str(x->h->impu.scscf));
}

static int assign(struct sar *x, enum store_state state, struct slice name, struct slice host)
{
	return decide_store(
		store_assign(x->h->store, x->h->impu.implicit_set, state, name, host));
}

static int tie(struct sar *x, bool registered, bool pending)
{
	return decide_store(store_tie(x->h->store, x->h->impu.implicit_set, x->h->impi.id,
				      registered, pending));
}

/* All private identities' of the set. */
struct giving {
	struct sar *x;
	uint8_t *memory;
	uint32_t room;
};

static void give_one(void *ctx, int64_t impi, struct slice info)
{
	struct giving *g = ctx;
	struct cx_saa *a = g->x->a;
	struct cx_restoration *r = &a->restoration[a->n_restorations];

	if (a->n_restorations == CX_RESTORATIONS_MAX || info.len > g->room)
		return;
	memcpy(g->memory, info.p, info.len);
	if (!restoration_decode(slice_of(g->memory, info.len), r)) {
		log_event(LOG_ERROR, "sar", "restoration_unreadable", LOG_I("impi", impi));
		memset(r, 0, sizeof(*r));
		return;
	}
	g->memory += info.len;
	g->room -= info.len;
	a->n_restorations++;
}

/* TS 23.380 §4.3. */
static int give_restoration(struct sar *x)
{
	struct giving g = {x, x->h->restored, sizeof(x->h->restored)};

	return decide_store(
		store_restorations(x->h->store, x->h->impu.implicit_set, give_one, &g));
}

/* What would make the answer too large for one message is left out, the last first: the profile
 * goes before. */
static void trim_restoration(struct cx_saa *a)
{
	uint32_t octets = a->user_data.len;

	for (uint32_t i = 0; i < a->n_restorations; i++)
		octets += restoration_octets(&a->restoration[i]);
	for (; a->n_restorations && octets > HSS_USER_DATA_MAX; a->n_restorations--) {
		struct cx_restoration *last = &a->restoration[a->n_restorations - 1];

		log_event(LOG_WARN, "sar", "restoration_too_large", LOG_S("impi", last->impi));
		octets -= restoration_octets(last);
	}
}

/* The name was changed by the MAR before (§6.3.1); the Diameter identity still is that of the
 * S-CSCF which has the user in memory, and shall forget it. */
static int note_replaced(struct sar *x)
{
	struct hss *h = x->h;
	const struct store_impu *u = &h->impu;

	if (u->state == STORE_NOT_REGISTERED || !*u->scscf_host ||
	    slice_eq(x->r->origin_host, slice_str(u->scscf_host)))
		return 0;
	h->replaced = true;
	return decide_set(h);
}

struct kept {
	int64_t impi;
	struct slice info;
	bool same;
};

static void compare_kept(void *ctx, int64_t impi, struct slice info)
{
	struct kept *k = ctx;

	k->same |= impi == k->impi && slice_eq(info, k->info);
}

/* TS 23.380 §4.2.1: takes the place of what was there. What stands already is not written. */
static int keep_restoration(struct sar *x)
{
	const struct cx_restoration *r = &x->r->restoration;
	struct hss *h = x->h;
	int64_t set = h->impu.implicit_set;
	struct kept k = {.impi = h->impi.id};
	uint8_t memory[STORE_RESTORATION_MAX];
	int result;

	if (r->n == 0)
		return 0;
	k.info = restoration_encode(r, memory);
	result = decide_store(store_restorations(h->store, set, compare_kept, &k));
	if (result || k.same)
		return result;
	return decide_store(store_restoration_put(h->store, set, h->impi.id, k.info));
}

/* The S-CSCF takes for a first registration what is not: it lost its state, and with it the
 * user's other contacts, which go back with the answer. */
static bool is_news_to_scscf(const struct sar *x)
{
	return x->r->type == CX_SAT_REGISTRATION && x->tie.registered &&
	       x->h->impu.state == STORE_REGISTERED && !x->h->replaced;
}

/* REGISTRATION and RE_REGISTRATION. What stands already is not written again: a refresh costs
 * no write. */
static int assign_registered(struct sar *x)
{
	const struct store_impu *u = &x->h->impu;
	int result = 0;

	if (u->state == STORE_REGISTERED && !same_scscf(x))
		return CX_ERROR_IDENTITY_ALREADY_REGISTERED;
	if (!x->tie.registered || x->tie.pending)
		result = tie(x, true, false);
	if (!result)
		result = note_replaced(x);
	if (!result && is_news_to_scscf(x))
		result = give_restoration(x);
	if (!result && (u->state != STORE_REGISTERED ||
			!slice_eq(x->r->origin_host, slice_str(u->scscf_host))))
		result = assign(x, STORE_REGISTERED, x->r->server_name, x->r->origin_host);
	if (!result)
		result = keep_restoration(x);
	return result ? result : CX_SUCCESS;
}

static void note_kept(void *ctx, int64_t impi, struct slice info)
{
	*(bool *)ctx = true;
}

/* TS 23.380 §4.3: the S-CSCF takes the user for one who is not registered, because it lost its
 * state. The registration stands, and goes back with the answer. */
static int check_lost(struct sar *x)
{
	bool some = false;
	int result = decide_store(
		store_restorations(x->h->store, x->h->impu.implicit_set, note_kept, &some));

	if (result)
		return result;
	return some ? CX_SUCCESS : CX_ERROR_IN_ASSIGNMENT_TYPE;
}

static int assign_unregistered(struct sar *x)
{
	const struct store_impu *u = &x->h->impu;
	int result;

	if (*u->scscf && !same_scscf(x))
		return CX_ERROR_IDENTITY_ALREADY_REGISTERED;
	if (u->state == STORE_REGISTERED)
		return same_scscf(x) ? check_lost(x) : CX_ERROR_IN_ASSIGNMENT_TYPE;
	result = assign(x, STORE_UNREGISTERED, x->r->server_name, x->r->origin_host);
	return result ? result : CX_SUCCESS;
}

/* NO_ASSIGNMENT: the S-CSCF lost the profile, and asks as the one that is assigned. */
static int assign_nothing(struct sar *x)
{
	return same_scscf(x) ? CX_SUCCESS : CX_UNABLE_TO_COMPLY;
}

/* AUTHENTICATION_FAILURE and AUTHENTICATION_TIMEOUT: as it was before the MAR. */
static int assign_as_before(struct sar *x)
{
	int result;

	if (!same_scscf(x))
		return CX_UNABLE_TO_COMPLY;
	result = x->tie.pending ? tie(x, x->tie.registered, false) : 0;
	if (!result && x->h->impu.state == STORE_NOT_REGISTERED && x->tie.others_pending == 0)
		result = assign(x, STORE_NOT_REGISTERED, SLICE_EMPTY, SLICE_EMPTY);
	return result ? result : CX_SUCCESS;
}

/* All ties of the set, and what its S-CSCF wanted back. */
static int untie(struct sar *x)
{
	int64_t set = x->h->impu.implicit_set;
	int result = decide_store(store_untie(x->h->store, set));

	return result ? result : decide_store(store_restorations_del(x->h->store, set));
}

static int forget(struct sar *x)
{
	int result = untie(x);

	return result ? result : assign(x, STORE_NOT_REGISTERED, SLICE_EMPTY, SLICE_EMPTY);
}

/* The name is of use afterwards only if the S-CSCF has something to do for a user who is not
 * registered. */
static int keep_name(struct sar *x, bool *kept)
{
	struct hss *h = x->h;
	int result = decide_set(h);

	*kept = false;
	for (uint32_t i = 0; !result && i < h->n_set; i++)
		*kept |= h->set[i].services != 0;
	if (result || !*kept)
		return result;
	result = untie(x);
	return result ? result
		      : assign(x, STORE_UNREGISTERED, x->r->server_name, x->r->origin_host);
}

/* The set stays registered while another IMPI is registered with it (§6.1.2.1, shared
 * identities). */
static int deregister(struct sar *x, bool with_name)
{
	bool kept = false;
	int result;

	if (*x->h->impu.scscf && !same_scscf(x))
		return CX_UNABLE_TO_COMPLY;
	if (x->tie.others) {
		result = tie(x, false, false);
		if (!result)
			result = decide_store(
				store_restoration_put(x->h->store, x->h->impu.implicit_set,
						      x->h->impi.id, SLICE_EMPTY));
		return result ? result : CX_SUCCESS;
	}
	result = with_name ? keep_name(x, &kept) : 0;
	if (!result && !kept)
		result = forget(x);
	if (result)
		return result;
	return with_name && !kept ? CX_SUCCESS_SERVER_NAME_NOT_STORED : CX_SUCCESS;
}

/* Step 5. */
static int assign_by_type(struct sar *x)
{
	switch (x->r->type) {
	case CX_SAT_NO_ASSIGNMENT:
		return assign_nothing(x);
	case CX_SAT_REGISTRATION:
	case CX_SAT_RE_REGISTRATION:
		return assign_registered(x);
	case CX_SAT_UNREGISTERED_USER:
		return assign_unregistered(x);
	case CX_SAT_AUTHENTICATION_FAILURE:
	case CX_SAT_AUTHENTICATION_TIMEOUT:
		return assign_as_before(x);
	case CX_SAT_TIMEOUT_DEREGISTRATION:
	case CX_SAT_USER_DEREGISTRATION:
	case CX_SAT_ADMINISTRATIVE_DEREGISTRATION:
	case CX_SAT_DEREGISTRATION_TOO_MUCH_DATA:
		return deregister(x, false);
	case CX_SAT_TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME:
	case CX_SAT_USER_DEREGISTRATION_STORE_SERVER_NAME:
		return deregister(x, true);
	}
	return CX_INVALID_AVP_VALUE;
}

/* Associated-Identities: all IMPIs of the identity, if there are several. */
static int give_associated(struct sar *x)
{
	struct hss *h = x->h;
	uint32_t n = 0;
	int result = decide_store(store_set_impis(h->store, h->impu.implicit_set, h->associated,
						  HSS_ASSOCIATED_MAX, &n));

	for (uint32_t i = 0; !result && n > 1 && i < n; i++)
		x->a->associated_impi[x->a->n_associated++] = slice_str(h->associated[i]);
	return result;
}

static int give_user_data(struct sar *x)
{
	struct hss *h = x->h;
	struct text xml = text_in(h->user_data, sizeof(h->user_data));
	const char *impi = x->r->impi.len ? h->impi.impi : h->associated[0];
	int result = decide_set(h);

	if (result)
		return result;
	if (userdata_write(h->store, impi, h->set, h->n_set, &xml) < 0)
		return CX_UNABLE_TO_COMPLY;
	x->a->user_data = text_slice(&xml);
	return 0;
}

static int give_charging(struct sar *x)
{
	struct hss *h = x->h;
	int result = decide_store(store_service(h->store, h->impu.subscription, &h->service));

	if (!result)
		decide_charging(&h->service, &x->a->charging);
	return result;
}

/* The types after which the S-CSCF has a user to serve. */
static int give_profile(struct sar *x)
{
	int result;

	x->a->impi = x->r->impi;
	switch (x->r->type) {
	case CX_SAT_NO_ASSIGNMENT:
	case CX_SAT_REGISTRATION:
	case CX_SAT_RE_REGISTRATION:
	case CX_SAT_UNREGISTERED_USER:
		result = give_associated(x);
		if (!result && !x->r->user_data_available)
			result = give_user_data(x);
		if (!result)
			result = give_charging(x);
		if (!result && is_restoring(x->r->type))
			result = give_restoration(x);
		trim_restoration(x->a);
		return result;
	default:
		return 0;
	}
}

static int decide(struct sar *x)
{
	int result = check_presence(x), failed;

	if (!result)
		result = check_identities(x);
	if (!result)
		result = check_count(x);
	if (!result)
		result = decide_store(store_find_tie(x->h->store, x->h->impu.implicit_set,
						     x->r->impi.len ? x->h->impi.id : 0,
						     &x->tie));
	if (!result)
		result = assign_by_type(x);
	if (result != CX_SUCCESS)
		return result;
	failed = give_profile(x);
	return failed ? failed : result;
}

void hss_sar(struct hss *h, const struct cx_sar *r, struct cx_saa *a)
{
	struct sar x = {.h = h, .r = r, .a = a};
	int result;

	memset(a, 0, sizeof(*a));
	result = decide_begin(h, STORE_CX);
	if (!result)
		result = decide(&x);
	result = decide_end(h, result);
	if (result != CX_SUCCESS)
		memset(a, 0, sizeof(*a));
	a->result = result;
}
