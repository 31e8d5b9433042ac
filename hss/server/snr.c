/* snr.c - Subscribe-Notifications: an Application Server wants to hear of changes (TS 29.328
 * §6.1.3) */
#include "hss/sh_decide.h"

#include <stdio.h>

static void watch_of(const struct sh *h, const struct sh_snr *r, const struct sh_item *item,
		     struct store_watch *w)
{
	*w = (struct store_watch){
		.reference = item->reference, .expiry = r->expiry, .once = r->once};
	snprintf(w->identity, sizeof(w->identity), "%s", h->subject.identity);
	snprintf(w->detail, sizeof(w->detail), "%.*s", SLICE_ARG(item->detail));
	snprintf(w->host, sizeof(w->host), "%.*s", SLICE_ARG(r->origin_host));
}

/* From here on: what it is now needs no notification. */
static int subscribe(struct sh *h, const struct sh_snr *r, const struct sh_item *item)
{
	struct slice user_data;
	struct store_watch w;
	enum store_result stored;
	int result;

	watch_of(h, r, item, &w);
	sh_clear(h);
	/* TS 29.328 §6.1.3.1: there must be something to hear of. */
	result = sh_collect(h, item);
	if (!result)
		result = sh_tell(h, item, &user_data, &w.digest);
	if (result)
		return result;
	stored = store_watch_put(h->store, &w);
	return stored == STORE_EXISTS ? CX_ERROR_TOO_MUCH_DATA : sh_store(stored);
}

/* Who is not subscribed has what he wants. */
static int unsubscribe(struct sh *h, const struct sh_snr *r, const struct sh_item *item)
{
	struct store_watch w;
	enum store_result stored;

	watch_of(h, r, item, &w);
	stored = store_watch_del(h->store, &w);
	return stored == STORE_NONE ? 0 : sh_store(stored);
}

/* With the answer, where the server may read it too. */
static int give(struct sh *h, const struct sh_snr *r, const struct sh_item *item, uint32_t n,
		struct sh_sna *a)
{
	int result = sh_permitted(h, r->origin_host, r->what.reference, r->what.n_references,
				  STORE_PULL, SH_USER_DATA_CANNOT_BE_READ);

	sh_clear(h);
	if (result)
		return result == SH_USER_DATA_CANNOT_BE_READ ? 0 : result;
	for (uint32_t i = 0; !result && i < n; i++)
		result = sh_collect(h, &item[i]);
	return result ? result : sh_write(h, &a->user_data);
}

static int decide(struct sh *h, const struct sh_snr *r, struct sh_sna *a)
{
	struct sh_item item[SH_ITEMS_MAX];
	uint32_t n;
	int result = sh_expand(&r->what, item, &n);

	for (uint32_t i = 0; !result && i < n; i++)
		result = r->unsubscribe ? unsubscribe(h, r, &item[i])
					: subscribe(h, r, &item[i]);
	if (result || r->unsubscribe)
		return result;
	h->changes.data = true;
	a->expiry = r->expiry;
	return r->send_data ? give(h, r, item, n, a) : 0;
}

void hss_snr(struct sh *h, const struct sh_snr *r, int64_t now, struct sh_sna *a)
{
	const uint32_t *reference = r->what.reference;
	uint32_t n = r->what.n_references;
	int result = sh_begin(h, STORE_PROVISION);

	memset(a, 0, sizeof(*a));
	if (!result)
		result = sh_permitted(h, r->origin_host, reference, n, STORE_NOTIFY,
				      SH_USER_DATA_CANNOT_BE_NOTIFIED);
	if (!result)
		result = sh_find_subject(h, &r->user);
	if (!result)
		result = sh_applicable(h, reference, n, STORE_NOTIFY);
	if (!result && !r->unsubscribe && r->expiry && r->expiry <= now)
		result = CX_INVALID_AVP_VALUE;
	if (!result)
		result = decide(h, r, a);
	result = sh_end(h, result ? result : CX_SUCCESS);
	if (result != CX_SUCCESS)
		memset(a, 0, sizeof(*a));
	a->result = result;
	a->wildcard = slice_str(h->subject.wildcard);
}
