/* sweep.c - going through all sets: those that a sync has not named, and the expired */
#include "table/tables.h"

enum { SWEEP_BUCKETS = 8192 };

void table_sync_begin(struct tables *t)
{
	t->epoch++;
	t->in_sync = true;
}

uint32_t table_sync_end(struct tables *t)
{
	struct index_place place = {0};
	uint64_t entry;
	uint32_t n = 0;

	if (!t->in_sync)
		return 0;
	t->in_sync = false;
	while ((entry = index_walk(&t->set, &place, t->set.n)) != 0) {
		const struct registration *r = tables_at(t, entry);

		if (r->epoch == t->epoch)
			continue;
		tables_remove(t, r);
		n++;
	}
	servers_sweep(t);
	next_hops_sweep(t);
	return n;
}

static bool is_expired(const struct registration *r, uint64_t now_ms, uint64_t grace_ms)
{
	for (uint32_t i = 0; i < r->n_contact; i++) {
		uint64_t expires = reg_contact(r, i)->expires_ms;

		if (expires >= now_ms || now_ms - expires <= grace_ms)
			return false;
	}
	return r->n_contact > 0;
}

uint32_t table_expire(struct tables *t, uint64_t now_ms, uint64_t grace_ms, uint32_t most)
{
	uint64_t last = t->sweep.bucket + SWEEP_BUCKETS;
	uint32_t n = 0;

	for (uint32_t i = 0; i < most && t->sweep.bucket < last; i++) {
		uint64_t entry = index_walk(&t->set, &t->sweep, last - t->sweep.bucket);

		if (!entry)
			break;
		const struct registration *r = tables_at(t, entry);
		if (is_expired(r, now_ms, grace_ms)) {
			tables_remove(t, r);
			n++;
		}
	}
	if (index_at_end(&t->set, &t->sweep))
		t->sweep = (struct index_place){0};
	return n;
}
