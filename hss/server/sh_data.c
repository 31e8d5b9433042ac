/* sh_data.c - what an Application Server can be told of a user (TS 29.328 §7.6) */
#include "hss/sh_decide.h"

#include <openssl/evp.h>

#include "base/text.h"
#include "hss/decide.h"
#include "hss/select_criteria.h"

static int add(struct sh_item item[SH_ITEMS_MAX], uint32_t *n, uint32_t reference,
	       struct slice detail)
{
	if (*n == SH_ITEMS_MAX)
		return CX_TOO_MANY_AVPS;
	/* They become keys and text of a document. */
	if (!text_is_utf8(detail))
		return CX_INVALID_AVP_VALUE;
	for (uint32_t i = 0; i < detail.len; i++)
		if (detail.p[i] < ' ')
			return CX_INVALID_AVP_VALUE;
	for (uint32_t i = 0; i < *n; i++)
		if (item[i].reference == reference && slice_eq(item[i].detail, detail))
			return CX_INVALID_AVP_VALUE;
	item[(*n)++] = (struct sh_item){.reference = reference, .detail = detail};
	return 0;
}

static int add_list(struct sh_item item[SH_ITEMS_MAX], uint32_t *n, uint32_t reference,
		    const struct slice *detail, uint32_t n_details)
{
	int result = n_details ? 0 : CX_MISSING_AVP;

	for (uint32_t i = 0; !result && i < n_details; i++)
		result = add(item, n, reference, detail[i]);
	return result;
}

/* Identity-Set is ALL_IDENTITIES where it is missing (TS 29.329 §6.3.10). */
static int add_sets(struct sh_item item[SH_ITEMS_MAX], uint32_t *n, const struct sh_what *what)
{
	static const uint8_t digit[] = "0123";
	int result = what->n_identity_sets
			     ? 0
			     : add(item, n, SH_IMS_PUBLIC_IDENTITY, slice_of(digit, 1));

	for (uint32_t i = 0; !result && i < what->n_identity_sets; i++) {
		if (what->identity_set[i] > SH_ALIAS_IDENTITIES)
			return CX_INVALID_AVP_VALUE;
		result = add(item, n, SH_IMS_PUBLIC_IDENTITY,
			     slice_of(digit + what->identity_set[i], 1));
	}
	return result;
}

static int add_tags(struct sh_item item[SH_ITEMS_MAX], uint32_t *n, const struct sh_what *what)
{
	uint32_t from = *n;
	int result = add_list(item, n, SH_DSAI, what->tag, what->n_tags);

	for (; from < *n; from++)
		item[from].server = what->server_name;
	return result;
}

int sh_expand(const struct sh_what *what, struct sh_item item[SH_ITEMS_MAX], uint32_t *n)
{
	int result = 0;

	*n = 0;
	for (uint32_t i = 0; !result && i < what->n_references; i++) {
		switch (what->reference[i]) {
		case SH_REPOSITORY_DATA:
			result = add_list(item, n, SH_REPOSITORY_DATA, what->service,
					  what->n_services);
			break;
		case SH_DSAI:
			result = add_tags(item, n, what);
			break;
		case SH_INITIAL_FILTER_CRITERIA:
			result = add_list(item, n, SH_INITIAL_FILTER_CRITERIA,
					  &what->server_name, what->server_name.len > 0);
			break;
		case SH_IMS_PUBLIC_IDENTITY:
			result = add_sets(item, n, what);
			break;
		default:
			result = add(item, n, what->reference[i], SLICE_EMPTY);
			break;
		}
	}
	return result;
}

/* A copy that lives as long as the document. */
static struct slice keep(struct sh *h, struct slice s)
{
	uint32_t from = h->memory.len;

	text_put(&h->memory, s);
	return text_since(&h->memory, from);
}

static int collect_repository(struct sh *h, struct slice service)
{
	struct sh_document *d = &h->document;
	struct sh_repository *to = &d->repository[d->n_repositories];
	uint32_t from = h->memory.len, sequence;
	enum store_result r;

	if (d->n_repositories == SH_LIST_MAX)
		return CX_TOO_MANY_AVPS;
	r = store_find_repository(h->store, h->subject.identity, service, &sequence,
				  &h->memory);
	if (h->memory.overflow)
		return CX_ERROR_TOO_MUCH_DATA;
	if (r == STORE_NONE || (r == STORE_OK && h->memory.len == from))
		return SH_SUBS_DATA_ABSENT;
	if (r != STORE_OK)
		return sh_store(r);
	*to = (struct sh_repository){
		.sequence = sequence, .has_data = true, .data = text_since(&h->memory, from)};
	to->service = keep(h, service);
	d->n_repositories++;
	return 0;
}

static int read_set(struct sh *h, bool all)
{
	const struct store_impu *u = &h->subject.impu;

	return sh_store(all ? store_subscription_impus(h->store, u->subscription, h->set,
						       SH_DOCUMENT_IMPUS_MAX, &h->n_set)
			    : store_implicit_set(h->store, u->implicit_set, h->set,
						 SH_DOCUMENT_IMPUS_MAX, &h->n_set));
}

/* The same identity may be in several of the sets that were asked for. */
static void put_identity(struct sh *h, const char *identity)
{
	struct sh_document *d = &h->document;

	for (uint32_t i = 0; i < d->n_impus; i++)
		if (slice_eq(d->impu[i], slice_str(identity)))
			return;
	if (d->n_impus < SH_DOCUMENT_IMPUS_MAX)
		d->impu[d->n_impus++] = keep(h, slice_str(identity));
}

/* §7.6.2. Barred ones are nobody's to see. Aliases have no group in what is provisioned: an
 * identity is its own and only one. */
static int collect_identities(struct sh *h, enum sh_identity_set which)
{
	int result;

	if (h->subject.service || which == SH_ALIAS_IDENTITIES) {
		put_identity(h, h->subject.identity);
		return 0;
	}
	result = read_set(h, which != SH_IMPLICIT_IDENTITIES);
	for (uint32_t i = 0; !result && i < h->n_set; i++)
		if (!h->set[i].barred &&
		    (which != SH_REGISTERED_IDENTITIES || h->set[i].state == STORE_REGISTERED))
			put_identity(h, h->set[i].impu);
	return result;
}

/* §7.6.3. */
static int collect_state(struct sh *h)
{
	const struct store_impu *u = &h->subject.impu;
	struct sh_document *d = &h->document;
	struct store_tie tie;
	int result = sh_store(store_find_tie(h->store, u->implicit_set, 0, &tie));

	d->has_state = true;
	if (u->state == STORE_REGISTERED)
		d->state = SH_STATE_REGISTERED;
	else if (tie.others_pending)
		d->state = SH_STATE_AUTHENTICATION_PENDING;
	else
		d->state = u->state == STORE_UNREGISTERED ? SH_STATE_REGISTERED_UNREG_SERVICES
							  : SH_STATE_NOT_REGISTERED;
	return result;
}

/* §7.6.5: those that lead to the server. */
static int collect_criteria(struct sh *h, struct slice server)
{
	uint32_t from = h->memory.len;
	struct store_profile p;
	enum store_result r;
	bool good;

	h->document.has_ifcs = true;
	if (!h->subject.impu.profile)
		return 0;
	r = store_find_profile(h->store, h->subject.impu.profile, &p);
	if (r != STORE_OK)
		return sh_store(r);
	good = criteria_select(slice_of(p.ifc_xml, p.ifc_len), &server, 1, true, &h->memory);
	store_profile_free(&p);
	h->document.ifcs = text_since(&h->memory, from);
	return good ? 0 : CX_UNABLE_TO_COMPLY;
}

static int collect_charging(struct sh *h)
{
	int result =
		sh_store(store_service(h->store, h->subject.impu.subscription, &h->service));

	h->document.has_charging = true;
	if (!result)
		decide_charging(&h->service, &h->document.charging);
	return result;
}

/* §7.6.9: those of the subscription. */
static int collect_msisdns(struct sh *h)
{
	struct sh_document *d = &h->document;
	int result = read_set(h, true);

	for (uint32_t i = 0; !result && i < h->n_set; i++) {
		struct slice s = slice_str(h->set[i].impu);

		if (slice_starts(s, SLICE("tel:+")) && d->n_msisdns < SH_DOCUMENT_MSISDNS_MAX)
			d->msisdn[d->n_msisdns++] = keep(h, slice_from(s, 5));
	}
	return result;
}

static int collect_activation(struct sh *h)
{
	bool inactive = false;
	int result = sh_store(store_psi_inactive(h->store, h->subject.identity, &inactive));

	h->document.psi_active = inactive ? SH_FLAG_INACTIVE : SH_FLAG_ACTIVE;
	return result;
}

static int collect_dsai(struct sh *h, const struct sh_item *item)
{
	struct sh_document *d = &h->document;
	struct slice tag = item->detail;
	char server[STORE_HOST_MAX + 1];
	bool active = true;
	enum store_result r = store_find_dsai(h->store, tag, server);

	if (r == STORE_NONE ||
	    (r == STORE_OK && item->server.len && !slice_eq(item->server, slice_str(server))))
		return SH_DSAI_NOT_AVAILABLE;
	if (r == STORE_OK)
		r = store_dsai_active(h->store, h->subject.identity, tag, &active);
	if (d->n_dsais == SH_LIST_MAX)
		return CX_TOO_MANY_AVPS;
	d->dsai[d->n_dsais++] = (struct sh_dsai){keep(h, tag), active};
	return sh_store(r);
}

int sh_collect(struct sh *h, const struct sh_item *item)
{
	switch (item->reference) {
	case SH_REPOSITORY_DATA:
		return collect_repository(h, item->detail);
	case SH_IMS_PUBLIC_IDENTITY:
		return collect_identities(h, item->detail.p[0] - '0');
	case SH_IMS_USER_STATE:
		return collect_state(h);
	case SH_SCSCF_NAME:
		h->document.has_scscf = true;
		h->document.scscf = keep(h, slice_str(h->subject.impu.scscf));
		return 0;
	case SH_INITIAL_FILTER_CRITERIA:
		return collect_criteria(h, item->detail);
	case SH_CHARGING_INFORMATION:
		return collect_charging(h);
	case SH_MSISDN:
		return collect_msisdns(h);
	case SH_PSI_ACTIVATION:
		return collect_activation(h);
	case SH_DSAI:
		return collect_dsai(h, item);
	default:
		/* Locations and states of other domains: they know, and none is attached. */
		return SH_USER_DATA_NOT_AVAILABLE;
	}
}

int sh_write(struct sh *h, struct slice *out)
{
	struct text xml = text_in(h->user_data, sizeof(h->user_data));

	*out = SLICE_EMPTY;
	if (h->memory.overflow)
		return CX_ERROR_TOO_MUCH_DATA;
	if (sh_document_empty(&h->document))
		return 0;
	if (!sh_document_write(&h->document, &xml))
		return CX_ERROR_TOO_MUCH_DATA;
	*out = text_slice(&xml);
	return 0;
}

/* What is gone is told as a piece without data (TS 29.328 §6.1.4.1). */
static int tell_gone(struct sh *h, struct slice service)
{
	uint32_t sequence = 0;
	enum store_result r = store_find_repository(h->store, h->subject.identity, service,
						    &sequence, &h->memory);

	h->document.repository[h->document.n_repositories++] =
		(struct sh_repository){.service = keep(h, service), .sequence = sequence};
	return r == STORE_NONE ? 0 : sh_store(r);
}

int sh_tell_more(struct sh *h, const struct sh_item *item, struct slice *user_data,
		 int64_t *digest)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	int result = sh_collect(h, item);

	if (result == SH_SUBS_DATA_ABSENT)
		result = tell_gone(h, item->detail);
	if (!result)
		result = sh_write(h, user_data);
	if (result)
		return result;
	if (!EVP_Digest(user_data->p, user_data->len, hash, NULL, EVP_sha256(), NULL))
		return CX_UNABLE_TO_COMPLY;
	memcpy(digest, hash, sizeof(*digest));
	return 0;
}

int sh_tell(struct sh *h, const struct sh_item *item, struct slice *user_data, int64_t *digest)
{
	sh_clear(h);
	return sh_tell_more(h, item, user_data, digest);
}
