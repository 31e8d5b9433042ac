/* pur.c - Profile-Update: an Application Server writes (TS 29.328 §6.1.2) */
#include "hss/sh_decide.h"

#include <stdio.h>

#include "sh/reader.h"

static bool refers_to(const struct sh_pur *r, enum sh_reference reference)
{
	for (uint32_t i = 0; i < r->n_references; i++)
		if (r->reference[i] == reference)
			return true;
	return false;
}

/* Each part has its reference, and each reference its part. */
static int read_document(struct sh *h, const struct sh_pur *r)
{
	struct sh_document *d = &h->document;

	switch (sh_document_read(r->user_data, d, &h->memory)) {
	case SH_READ_BAD:
		return SH_USER_DATA_NOT_RECOGNIZED;
	case SH_READ_TOO_MUCH:
		return CX_ERROR_TOO_MUCH_DATA;
	default:
		break;
	}
	if (refers_to(r, SH_REPOSITORY_DATA) != (d->n_repositories > 0) ||
	    refers_to(r, SH_PSI_ACTIVATION) != (d->psi_active != SH_FLAG_ABSENT) ||
	    refers_to(r, SH_DSAI) != (d->n_dsais > 0))
		return SH_USER_DATA_NOT_RECOGNIZED;
	return 0;
}

/* The server that writes knows what it wrote: what it is subscribed to is told as of now. */
static int told(struct sh *h, const struct sh_pur *r, enum sh_reference reference,
		struct slice detail)
{
	struct store_watch w = {.reference = reference};
	struct sh_item item = {.reference = reference};
	struct sh_document written = h->document;
	struct text memory = h->memory;
	struct slice user_data;
	int result;

	snprintf(w.identity, sizeof(w.identity), "%s", h->subject.identity);
	snprintf(w.detail, sizeof(w.detail), "%.*s", SLICE_ARG(detail));
	snprintf(w.host, sizeof(w.host), "%.*s", SLICE_ARG(r->origin_host));
	item.detail = slice_str(w.detail);
	/* Behind what was read, which the rest of the update needs. */
	memset(&h->document, 0, sizeof(h->document));
	result = sh_tell_more(h, &item, &user_data, &w.digest);
	h->document = written;
	h->memory = memory;
	return result ? result : sh_store(store_watch_told_host(h->store, &w));
}

/* §6.1.2.1: 0 makes, the next number changes, one without data deletes. */
static int check_sequence(struct sh *h, const struct sh_repository *p)
{
	uint32_t from = h->memory.len, sequence = 0;
	enum store_result r = store_find_repository(h->store, h->subject.identity, p->service,
						    &sequence, &h->memory);
	bool there = r == STORE_OK && h->memory.len > from;

	h->memory.len = from;
	if (r != STORE_OK && r != STORE_NONE)
		return sh_store(r);
	if (there)
		return p->sequence == (sequence == SH_SEQUENCE_MAX ? 1 : sequence + 1)
			       ? 0
			       : SH_TRANSPARENT_DATA_OUT_OF_SYNC;
	if (p->sequence != 0)
		return SH_TRANSPARENT_DATA_OUT_OF_SYNC;
	return p->has_data ? 0 : SH_OPERATION_NOT_ALLOWED;
}

static int update_repository(struct sh *h, const struct sh_pur *r,
			     const struct sh_repository *p)
{
	/* An empty ServiceData is data too: a blank stands for it, as nothing means deleted. */
	struct slice data = p->data.len ? p->data : SLICE(" ");
	int result = check_sequence(h, p);
	enum store_result stored;

	if (result)
		return result;
	stored = store_repository_put(h->store, h->subject.identity, p->service, p->sequence,
				      p->has_data ? data : SLICE_EMPTY);
	if (stored == STORE_EXISTS)
		return CX_ERROR_TOO_MUCH_DATA;
	result = sh_store(stored);
	return result ? result : told(h, r, SH_REPOSITORY_DATA, p->service);
}

static int update_activation(struct sh *h, const struct sh_pur *r)
{
	int result = sh_store(store_psi_set_inactive(
		h->store, h->subject.identity, h->document.psi_active == SH_FLAG_INACTIVE));

	return result ? result : told(h, r, SH_PSI_ACTIVATION, SLICE_EMPTY);
}

static int update_dsai(struct sh *h, const struct sh_pur *r, const struct sh_dsai *p)
{
	char server[STORE_HOST_MAX + 1];
	enum store_result found = store_find_dsai(h->store, p->tag, server);
	int result = found == STORE_NONE ? SH_DSAI_NOT_AVAILABLE : sh_store(found);

	if (!result)
		result = sh_store(
			store_dsai_set(h->store, h->subject.identity, p->tag, p->active));
	h->changes.criteria = true;
	return result ? result : told(h, r, SH_DSAI, p->tag);
}

static int update(struct sh *h, const struct sh_pur *r)
{
	const struct sh_document *d = &h->document;
	int result = 0;

	for (uint32_t i = 0; !result && i < d->n_repositories; i++)
		result = update_repository(h, r, &d->repository[i]);
	if (!result && d->psi_active != SH_FLAG_ABSENT)
		result = update_activation(h, r);
	for (uint32_t i = 0; !result && i < d->n_dsais; i++)
		result = update_dsai(h, r, &d->dsai[i]);
	h->changes.data = true;
	return result;
}

void hss_pur(struct sh *h, const struct sh_pur *r, struct sh_pua *a)
{
	int result = sh_begin(h, STORE_PROVISION);

	memset(a, 0, sizeof(*a));
	if (!result)
		result = sh_permitted(h, r->origin_host, r->reference, r->n_references,
				      STORE_UPDATE, SH_USER_DATA_CANNOT_BE_MODIFIED);
	if (!result)
		result = sh_find_subject(h, &r->user);
	if (!result)
		result = sh_applicable(h, r->reference, r->n_references, STORE_UPDATE);
	if (!result)
		result = read_document(h, r);
	if (!result)
		result = update(h, r);
	a->result = sh_end(h, result ? result : CX_SUCCESS);
	a->wildcard = slice_str(h->subject.wildcard);
}
