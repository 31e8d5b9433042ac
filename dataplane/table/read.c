/* read.c - what workers ask of the tables */
#include "table/flow.h"

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
	index_prefetch_entry(&t->impu, hash);
}

void table_prefetch_flow_entry(const struct tables *t, uint64_t hash)
{
	index_prefetch_entry(&t->flow, hash);
}

static int impu_match(struct cds_lfht_node *node, const void *key)
{
	return slice_eq(link_impu(link_of(node)), *(const struct slice *)key);
}

const struct registration *table_find_impu(const struct tables *t, struct slice impu,
					   uint64_t hash, uint32_t *index)
{
	struct cds_lfht_node *node = index_find(&t->impu, hash, impu_match, &impu);

	if (!node)
		return NULL;
	*index = link_of(node)->index;
	return link_registration(link_of(node));
}

/* liburcu compares the 64 bits of the hash itself before it asks. */
static int hash_match(struct cds_lfht_node *node, const void *key)
{
	return 1;
}

const struct registration *table_find_user(const struct tables *t, uint64_t impu_hash)
{
	struct cds_lfht_node *node = index_find(&t->impu, impu_hash, hash_match, NULL);

	return node ? link_registration(link_of(node)) : NULL;
}

bool table_find_flow(const struct tables *t, const struct addr *flow, uint64_t hash,
		     struct reg_flow *out)
{
	const struct reg_link *entry = flow_find(t, flow, hash);

	if (!entry)
		return false;
	flow_read(entry, out);
	return true;
}

const struct reg_contact *reg_contact_on_flow(const struct registration *r,
					      const struct addr *flow, uint64_t now_ms)
{
	for (uint32_t i = 0; i < r->n_contact; i++) {
		const struct reg_contact *c = reg_contact(r, i);

		if (c->expires_ms > now_ms && addr_eq(&c->flow, flow))
			return c;
	}
	return NULL;
}
