/* read.c - what workers ask of the tables */
#include "table/flow.h"

/* Lines of a registration that a look-up reads: registration.h says what is on them. */
enum { HEAD_LINES = 2, TEXT_LINES = 4 };

uint64_t table_hash_impu(const struct tables *t, struct slice impu)
{
	return hash_table(&t->key, impu.p, impu.len);
}

uint64_t table_hash_flow(const struct tables *t, const struct addr *flow)
{
	return hash_table(&t->key, flow, sizeof(*flow));
}

void table_prefetch_impu(const struct tables *t, uint64_t hash)
{
	index_prefetch(&t->impu, hash);
}

void table_prefetch_flow(const struct tables *t, uint64_t hash)
{
	index_prefetch(&t->flow, hash);
}

void table_prefetch_impu_entry(const struct tables *t, uint64_t hash)
{
	index_prefetch_entry(&t->impu, hash, t->arena, TEXT_LINES);
}

void table_prefetch_user_entry(const struct tables *t, uint64_t hash)
{
	index_prefetch_entry(&t->impu, hash, t->arena, HEAD_LINES);
}

void table_prefetch_flow_entry(const struct tables *t, uint64_t hash)
{
	index_prefetch_entry(&t->flow, hash, t->arena, HEAD_LINES);
}

const struct registration *table_find_impu(const struct tables *t, struct slice impu,
					   uint64_t hash, uint32_t *index)
{
	struct index_at at;

	for (uint64_t e = index_first(&t->impu, hash, &at); e; e = index_next(&at)) {
		const struct registration *r = tables_at(t, e);
		const struct reg_impu *i = reg_impu(r, index_part(e));

		if (i->hash != hash || !slice_eq(reg_text(r, i->at, i->len), impu))
			continue;
		*index = index_part(e);
		return r;
	}
	return NULL;
}

const struct registration *table_find_user(const struct tables *t, uint64_t impu_hash)
{
	struct index_at at;

	for (uint64_t e = index_first(&t->impu, impu_hash, &at); e; e = index_next(&at)) {
		const struct registration *r = tables_at(t, e);

		if (reg_impu(r, index_part(e))->hash == impu_hash)
			return r;
	}
	return NULL;
}

bool table_find_flow(const struct tables *t, const struct addr *flow, uint64_t hash,
		     struct reg_flow *out)
{
	uint64_t entry = flow_find(t, flow, hash);

	if (entry)
		flow_read(t, entry, out);
	return entry != 0;
}

const struct reg_contact *reg_contact_on_flow(const struct registration *r,
					      const struct addr *flow, uint64_t sa_id,
					      uint64_t now_ms)
{
	for (uint32_t i = 0; i < r->n_contact; i++) {
		const struct reg_contact *c = reg_contact(r, i);

		if (c->expires_ms > now_ms && c->sa_id == sa_id && addr_eq(&c->flow, flow))
			return c;
	}
	return NULL;
}
