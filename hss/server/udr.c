/* udr.c - User-Data: an Application Server reads (TS 29.328 §6.1.1) */
#include "hss/sh_decide.h"

/* Both must say of which domain, and a location how new it has to be. */
static int check_domain(const struct sh_udr *r)
{
	for (uint32_t i = 0; i < r->what.n_references; i++) {
		bool location = r->what.reference[i] == SH_LOCATION_INFORMATION;

		if (!location && r->what.reference[i] != SH_USER_STATE)
			continue;
		if (!r->n_domain || (location && !r->n_current))
			return CX_MISSING_AVP;
		if (r->domain[0] > 1 || (r->n_current && r->current[0] > 1))
			return CX_INVALID_AVP_VALUE;
	}
	return 0;
}

static int collect(struct sh *h, const struct sh_udr *r, struct sh_uda *a)
{
	struct sh_item item[SH_ITEMS_MAX];
	uint32_t n;
	int result = sh_expand(&r->what, item, &n);

	for (uint32_t i = 0; !result && i < n; i++) {
		result = sh_collect(h, &item[i]);
		/* Nothing is no error: the data is left out. */
		if (result == SH_SUBS_DATA_ABSENT)
			result = 0;
	}
	return result ? result : sh_write(h, &a->user_data);
}

void hss_udr(struct sh *h, const struct sh_udr *r, struct sh_uda *a)
{
	const uint32_t *reference = r->what.reference;
	uint32_t n = r->what.n_references;
	int result = sh_begin(h, STORE_READ);

	memset(a, 0, sizeof(*a));
	if (!result)
		result = sh_permitted(h, r->origin_host, reference, n, STORE_PULL,
				      SH_USER_DATA_CANNOT_BE_READ);
	if (!result)
		result = sh_find_subject(h, &r->user);
	if (!result)
		result = sh_applicable(h, reference, n, STORE_PULL);
	if (!result)
		result = check_domain(r);
	if (!result)
		result = collect(h, r, a);
	a->result = sh_end(h, result ? result : CX_SUCCESS);
	if (a->result != CX_SUCCESS)
		a->user_data = SLICE_EMPTY;
	a->wildcard = slice_str(h->subject.wildcard);
}
