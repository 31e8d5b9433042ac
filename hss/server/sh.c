/* sh.c - memory of the decisions for Application Servers, and their first steps */
#include "hss/sh_decide.h"

#include <stdlib.h>

#include "hss/decide.h"
#include "hss/psi.h"

enum { USER = 1, SERVICE = 2, PULL = STORE_PULL, UPDATE = STORE_UPDATE, NOTIFY = STORE_NOTIFY };

/* TS 29.328 Table 7.6.1: what can be done with each, and which kinds of identity have it. */
static const struct reference {
	uint32_t reference, operations, kinds;
	const char *name;
} reference_table[] = {
	{SH_REPOSITORY_DATA, PULL | UPDATE | NOTIFY, USER | SERVICE, "repository_data"},
	{SH_IMS_PUBLIC_IDENTITY, PULL | NOTIFY, USER | SERVICE, "public_identity"},
	{SH_IMS_USER_STATE, PULL | NOTIFY, USER, "user_state"},
	{SH_SCSCF_NAME, PULL | NOTIFY, USER, "scscf_name"},
	{SH_INITIAL_FILTER_CRITERIA, PULL | NOTIFY, USER, "filter_criteria"},
	{SH_LOCATION_INFORMATION, PULL, USER, "location"},
	{SH_USER_STATE, PULL, USER, "access_state"},
	{SH_CHARGING_INFORMATION, PULL, USER, "charging"},
	{SH_MSISDN, PULL, USER, "msisdn"},
	{SH_PSI_ACTIVATION, PULL | UPDATE | NOTIFY, SERVICE, "psi_activation"},
	{SH_DSAI, PULL | UPDATE | NOTIFY, USER, "dsai"},
};

enum { REFERENCES = sizeof(reference_table) / sizeof(reference_table[0]) };

static const struct reference *find_reference(uint32_t reference)
{
	for (int i = 0; i < REFERENCES; i++)
		if (reference_table[i].reference == reference)
			return &reference_table[i];
	return NULL;
}

const char *sh_reference_name(uint32_t reference)
{
	const struct reference *e = find_reference(reference);

	return e ? e->name : NULL;
}

bool sh_reference_named(const char *name, uint32_t *reference)
{
	for (int i = 0; i < REFERENCES; i++) {
		if (strcmp(reference_table[i].name, name) != 0)
			continue;
		*reference = reference_table[i].reference;
		return true;
	}
	return false;
}

uint32_t sh_reference_operations(uint32_t reference)
{
	const struct reference *e = find_reference(reference);

	return e ? e->operations : 0;
}

bool sh_host(struct slice identity, char out[STORE_HOST_MAX + 1])
{
	if (identity.len == 0 || identity.len > STORE_HOST_MAX)
		return false;
	for (uint32_t i = 0; i < identity.len; i++) {
		uint8_t c = ascii_lower(identity.p[i]);

		if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '.' && c != '-' &&
		    c != '_')
			return false;
		out[i] = (char)c;
	}
	out[identity.len] = 0;
	return true;
}

struct sh *sh_new(struct store *store)
{
	struct sh *h = calloc(1, sizeof(*h));

	if (h)
		h->store = store;
	return h;
}

void sh_free(struct sh *h)
{
	free(h);
}

int sh_store(enum store_result r)
{
	if (r == STORE_OK)
		return 0;
	return r == STORE_BUSY ? SH_PRIOR_UPDATE_IN_PROGRESS : CX_UNABLE_TO_COMPLY;
}

int sh_begin(struct sh *h, enum store_lock lock)
{
	h->subject = (struct sh_subject){0};
	h->changes = (struct sh_changes){0};
	sh_clear(h);
	return sh_store(store_begin(h->store, lock));
}

int sh_end(struct sh *h, int result)
{
	int failed = 0;

	if (result != CX_SUCCESS)
		store_rollback(h->store);
	else
		failed = sh_store(store_commit(h->store));
	if (failed || result != CX_SUCCESS)
		h->changes = (struct sh_changes){0};
	return failed ? failed : result;
}

void sh_clear(struct sh *h)
{
	memset(&h->document, 0, sizeof(h->document));
	h->memory = text_in(h->octets, sizeof(h->octets));
	h->n_set = 0;
}

int sh_permitted(struct sh *h, struct slice host, const uint32_t *reference, uint32_t n,
		 enum store_operation operation, int refused)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t allowed;
		int result;

		if (reference[i] > SH_REFERENCE_LAST)
			return CX_INVALID_AVP_VALUE;
		/* Of a later release, or of a part of the network that we know nothing of. */
		if (!find_reference(reference[i]))
			return SH_USER_DATA_NOT_RECOGNIZED;
		result =
			sh_store(store_find_permission(h->store, host, reference[i], &allowed));
		if (result)
			return result;
		if (!(allowed & operation))
			return refused;
	}
	return 0;
}

/* TBCD (TS 29.002): two digits an octet, the first in the low half, a filler at the end. */
static bool msisdn_identity(struct slice msisdn, struct text *out)
{
	uint32_t n = 0;

	text_lit(out, "tel:+");
	for (uint32_t i = 0; i < msisdn.len * 2; i++) {
		uint8_t digit = i % 2 ? msisdn.p[i / 2] >> 4 : msisdn.p[i / 2] & 15;

		if (digit == 15 && i == msisdn.len * 2 - 1 && n)
			break;
		if (digit > 9)
			return false;
		text_char(out, (uint8_t)('0' + digit));
		n++;
	}
	return n > 0 && !out->overflow;
}

static int find_user(struct sh *h, struct slice identity)
{
	struct sh_subject *x = &h->subject;

	if (!hss_canonical(identity, x->identity))
		return CX_ERROR_USER_UNKNOWN;
	switch (store_find_impu(h->store, slice_str(x->identity), &x->impu)) {
	case STORE_OK:
		return 0;
	case STORE_NONE:
		return CX_ERROR_USER_UNKNOWN;
	default:
		return CX_UNABLE_TO_COMPLY;
	}
}

/* A service's, by its own name though it be inactive, or by the wildcarded one that it matches.
 */
static int find_service(struct sh *h, struct slice identity)
{
	struct sh_subject *x = &h->subject;
	char server[STORE_HOST_MAX + 1], matched[IMPU_MAX + 1], error[STORE_ERROR_MAX];
	bool wildcard, inactive;
	enum store_result r = STORE_NONE;

	x->service = true;
	if (psi_check(identity, x->identity, &wildcard, error))
		r = store_psi_inactive(h->store, x->identity, &inactive);
	if (r == STORE_NONE) {
		r = psi_find(h->store, identity, server, matched, &wildcard);
		if (r == STORE_OK && wildcard) {
			memcpy(x->wildcard, matched, sizeof(matched));
			memcpy(x->identity, matched, sizeof(matched));
		}
	}
	return r == STORE_NONE ? CX_ERROR_USER_UNKNOWN : sh_store(r);
}

/* User-Name, where it is given, must be of the same set (TS 29.328 §6.1.1.1). */
static int check_impi(struct sh *h, struct slice impi)
{
	char names[HSS_ASSOCIATED_MAX][IMPI_MAX + 1];
	uint32_t n;
	int result = sh_store(store_set_impis(h->store, h->subject.impu.implicit_set, names,
					      HSS_ASSOCIATED_MAX, &n));

	for (uint32_t i = 0; !result && i < n; i++)
		if (slice_eq(impi, slice_str(names[i])))
			return 0;
	return result ? result : CX_ERROR_IDENTITIES_DONT_MATCH;
}

int sh_find_subject(struct sh *h, const struct sh_user *user)
{
	char number[24];
	struct text t = text_in(number, sizeof(number));
	struct slice identity = user->impu;
	int result;

	if (!identity.len) {
		if (!msisdn_identity(user->msisdn, &t))
			return CX_INVALID_AVP_VALUE;
		identity = text_slice(&t);
	}
	result = find_user(h, identity);
	if (!result && user->impi.len)
		result = check_impi(h, user->impi);
	return result == CX_ERROR_USER_UNKNOWN ? find_service(h, identity) : result;
}

int sh_applicable(const struct sh *h, const uint32_t *reference, uint32_t n,
		  enum store_operation operation)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct reference *e = find_reference(reference[i]);

		if (!(e->operations & operation) ||
		    !(e->kinds & (h->subject.service ? SERVICE : USER)))
			return SH_OPERATION_NOT_ALLOWED;
	}
	return 0;
}
