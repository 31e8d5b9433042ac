/* registration.c - putting and deleting registration sets, as one change each
 *
 * A put is checked and given all its memory before it touches a table; from then on nothing can
 * fail.
 */
#include "table/flow.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum {
	SET_OCTETS = 320,      /* arena for a set with one contact, its identities apart */
	IMPU_OCTETS = 96,      /* and for an identity */
	ARENA_SPARE = 4 << 20, /* pages begun in each size class, and what is retired */
	SETS_PER_BUCKET = 2,   /* no worker looks there */
};

static uint64_t hash_set(const struct tables *t, uint64_t set_id)
{
	return hash_table(&t->key, &set_id, sizeof(set_id));
}

static int set_match(struct cds_lfht_node *node, const void *key)
{
	return object_of_set(node)->registration.set_id == *(const uint64_t *)key;
}

struct reg_object *tables_find_set(const struct tables *t, uint64_t set_id)
{
	struct cds_lfht_node *node =
		index_find(&t->set, hash_set(t, set_id), set_match, &set_id);

	return node ? object_of_set(node) : NULL;
}

void table_reclaim(struct tables *t)
{
	if (t->n_retired == 0)
		return;
	synchronize_rcu();
	while (t->n_retired > 0)
		pool_free(&t->pool, t->retired[--t->n_retired]);
}

void tables_retire(struct tables *t, void *object)
{
	if (t->n_retired == RETIRED_MAX)
		table_reclaim(t);
	t->retired[t->n_retired++] = object;
}

void *tables_alloc(struct tables *t, uint32_t size)
{
	void *memory = pool_alloc(&t->pool, size);

	if (memory || t->n_retired == 0)
		return memory;
	table_reclaim(t);
	return pool_alloc(&t->pool, size);
}

static bool indexes_create(struct tables *t)
{
	if (!index_create(&t->impu, t->most.impus))
		return false;
	if (index_create(&t->flow, t->most.registrations)) {
		if (index_create(&t->set, t->most.registrations / SETS_PER_BUCKET))
			return true;
		index_destroy(&t->flow);
	}
	index_destroy(&t->impu);
	return false;
}

struct tables *tables_create(const struct tables_size *size, const struct hash_key *key)
{
	struct tables *t = aligned_alloc(_Alignof(struct tables), sizeof(*t));

	if (!t)
		return NULL;
	*t = (struct tables){.key = *key, .most = *size};
	if (!pool_create(&t->pool, (uint64_t)size->registrations * SET_OCTETS +
					   (uint64_t)size->impus * IMPU_OCTETS + ARENA_SPARE)) {
		free(t);
		return NULL;
	}
	if (!indexes_create(t)) {
		pool_destroy(&t->pool);
		free(t);
		errno = ENOMEM;
		return NULL;
	}
	return t;
}

/* What one put has found out and taken, before it changes anything. */
struct put {
	const struct abi_registration_view *v;
	struct reg_object *old, *o;
	uint64_t impu_hash[SET_IMPUS_MAX];
	struct flow_shared *spare[SET_CONTACTS_MAX];
	uint32_t n_spare;
};

static int impus_check(struct tables *t, struct put *p)
{
	const struct abi_registration_view *v = p->v;

	for (uint32_t i = 0; i < v->n_impu; i++) {
		struct slice impu = v->impu[i].impu;
		uint32_t index;

		p->impu_hash[i] = table_hash_impu(t, impu);
		for (uint32_t j = 0; j < i; j++)
			if (p->impu_hash[j] == p->impu_hash[i] &&
			    slice_eq(v->impu[j].impu, impu))
				return INSTALL_MALFORMED;
		const struct registration *r =
			table_find_impu(t, impu, p->impu_hash[i], &index);
		if (r && r->set_id != v->set_id)
			return INSTALL_CONFLICT;
	}
	return INSTALL_OK;
}

/* The hash tables have the buckets for so many; with more, look-ups would get slow, not fail.
 */
static bool has_room(const struct tables *t, const struct put *p)
{
	const struct registration *old = p->old ? &p->old->registration : NULL;
	uint64_t sets = t->stats.registrations + (old ? 0 : 1);
	uint64_t impus = t->stats.impus + p->v->n_impu - (old ? old->n_impu : 0);
	uint64_t contacts = t->stats.contacts + p->v->n_contact - (old ? old->n_contact : 0);

	/* What makes it no larger is let in always. */
	return (sets <= t->most.registrations || old) &&
	       (impus <= t->most.impus || impus <= t->stats.impus) &&
	       (contacts <= t->most.registrations || contacts <= t->stats.contacts);
}

static void spares_free(struct tables *t, struct put *p)
{
	while (p->n_spare > 0)
		pool_free(&t->pool, p->spare[--p->n_spare]);
}

static bool memory_take(struct tables *t, struct put *p, uint32_t size)
{
	uint32_t spares = flow_spares_needed(t, p->v, p->old);
	void *memory;

	while (p->n_spare < spares) {
		struct flow_shared *s = tables_alloc(t, sizeof(*s));

		if (!s) {
			spares_free(t, p);
			return false;
		}
		p->spare[p->n_spare++] = s;
	}
	memory = tables_alloc(t, size);
	if (!memory) {
		spares_free(t, p);
		return false;
	}
	p->o = object_build(memory, p->v);
	p->o->epoch = t->epoch;
	return true;
}

static int link_match(struct cds_lfht_node *node, const void *key)
{
	return slice_eq(link_impu(link_of(node)), link_impu(key));
}

static void stats_count(struct tables *t, const struct registration *r, uint64_t sign)
{
	t->stats.registrations += sign;
	t->stats.impus += sign * r->n_impu;
	t->stats.contacts += sign * r->n_contact;
}

/* What is left of old in the tables leaves them. */
static void object_remove(struct tables *t, struct reg_object *old, const struct reg_object *o)
{
	for (uint32_t i = 0; i < old->registration.n_impu; i++) {
		struct reg_link *l = object_impu_link(old, i);

		/* Those that o has too were replaced, and are removed by that. */
		if (!cds_lfht_is_node_deleted(&l->node))
			cds_lfht_del(t->impu.ht, &l->node);
	}
	flow_leave_all(t, old, o);
	stats_count(t, &old->registration, -1);
	tables_retire(t, object_memory(old));
}

static void publish(struct tables *t, struct put *p)
{
	struct reg_object *o = p->o;
	uint64_t set_id = o->registration.set_id;

	cds_lfht_add_replace(t->set.ht, hash_set(t, set_id), set_match, &set_id, &o->by_set);
	for (uint32_t i = 0; i < o->registration.n_impu; i++) {
		struct reg_link *l = object_impu_link(o, i);

		cds_lfht_add_replace(t->impu.ht, p->impu_hash[i], link_match, l, &l->node);
	}
	flow_enter_all(t, o, p->old, p->spare, &p->n_spare);
	stats_count(t, &o->registration, 1);
	if (p->old)
		object_remove(t, p->old, o);
	spares_free(t, p);
}

int table_put(struct tables *t, const struct abi_registration_view *v)
{
	struct put p = {.v = v};
	uint32_t size = object_size(v);
	int status;

	if (size == 0)
		return INSTALL_MALFORMED;
	p.old = tables_find_set(t, v->set_id);
	status = impus_check(t, &p);
	if (status != INSTALL_OK)
		return status;
	if (!has_room(t, &p) || !memory_take(t, &p, size))
		return INSTALL_NO_MEMORY;
	publish(t, &p);
	return INSTALL_OK;
}

/* The set from which a sweep goes on, or the first; false: there is none. */
static bool sweep_start(const struct tables *t, struct cds_lfht_iter *at)
{
	if (t->sweeping)
		cds_lfht_lookup(t->set.ht, hash_set(t, t->sweep_at), set_match, &t->sweep_at,
				at);
	else
		cds_lfht_first(t->set.ht, at);
	return cds_lfht_iter_get_node(at) != NULL;
}

static void sweep_keep(struct tables *t, struct cds_lfht_iter *at)
{
	struct cds_lfht_node *node = cds_lfht_iter_get_node(at);

	t->sweeping = node != NULL;
	if (node)
		t->sweep_at = object_of_set(node)->registration.set_id;
}

static void set_remove(struct tables *t, struct reg_object *o)
{
	struct cds_lfht_iter at;

	/* The sweep must not lose its place with the set it would look at next. */
	if (t->sweeping && t->sweep_at == o->registration.set_id && sweep_start(t, &at)) {
		cds_lfht_next(t->set.ht, &at);
		sweep_keep(t, &at);
	}
	cds_lfht_del(t->set.ht, &o->by_set);
	object_remove(t, o, NULL);
}

int table_delete(struct tables *t, uint64_t set_id)
{
	struct reg_object *o = tables_find_set(t, set_id);

	if (o)
		set_remove(t, o);
	return INSTALL_OK;
}

void table_sync_begin(struct tables *t)
{
	t->epoch++;
	t->in_sync = true;
}

static bool is_unsynced(const struct tables *t, const struct reg_object *o)
{
	return o->epoch != t->epoch;
}

/* Removes all sets for which `goes`, or all; the number. Removing one and waiting for its grace
 * period leaves the place in the table valid: nobody but this thread removes the next. */
static uint32_t sets_remove(struct tables *t,
			    bool (*goes)(const struct tables *, const struct reg_object *))
{
	struct cds_lfht_iter at;
	struct cds_lfht_node *node;
	uint32_t n = 0;

	cds_lfht_first(t->set.ht, &at);
	while ((node = cds_lfht_iter_get_node(&at)) != NULL) {
		cds_lfht_next(t->set.ht, &at);
		if (goes && !goes(t, object_of_set(node)))
			continue;
		set_remove(t, object_of_set(node));
		n++;
	}
	return n;
}

uint32_t table_sync_end(struct tables *t)
{
	if (!t->in_sync)
		return 0;
	t->in_sync = false;
	return sets_remove(t, is_unsynced);
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
	struct cds_lfht_iter at;
	struct cds_lfht_node *node;
	uint32_t n = 0;

	sweep_start(t, &at);
	/* The place is in `at` meanwhile. */
	t->sweeping = false;
	for (uint32_t i = 0; i < most && (node = cds_lfht_iter_get_node(&at)) != NULL; i++) {
		struct reg_object *o = object_of_set(node);

		cds_lfht_next(t->set.ht, &at);
		if (is_expired(&o->registration, now_ms, grace_ms)) {
			set_remove(t, o);
			n++;
		}
	}
	sweep_keep(t, &at);
	return n;
}

void tables_destroy(struct tables *t)
{
	if (!t)
		return;
	sets_remove(t, NULL);
	table_reclaim(t);
	index_destroy(&t->set);
	index_destroy(&t->flow);
	index_destroy(&t->impu);
	pool_destroy(&t->pool);
	free(t);
}

void tables_stats(const struct tables *t, struct tables_stats *out)
{
	uint64_t buckets =
		index_memory(&t->impu) + index_memory(&t->flow) + index_memory(&t->set);

	*out = t->stats;
	out->memory_used = pool_used(&t->pool) + buckets;
	out->memory_total = t->pool.size + buckets;
}
