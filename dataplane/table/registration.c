/* registration.c - putting and deleting registration sets, as one change each
 *
 * A put is checked and given all its memory before it touches a table; from then on nothing can
 * fail.
 */
#include "table/flow.h"

const struct registration *tables_find_set(const struct tables *t, uint64_t set_id,
					   uint64_t hash)
{
	struct index_at at;

	for (uint64_t e = index_first(&t->set, hash, &at); e; e = index_next(&at)) {
		const struct registration *r = tables_at(t, e);

		if (r->set_id == set_id)
			return r;
	}
	return NULL;
}

/* What one put has found out and taken, before it changes anything. */
struct put {
	const struct abi_registration_view *v;
	const struct registration *old, *r;
	uint64_t set_hash;
	uint64_t impu_hash[SET_IMPUS_MAX];
	uint32_t profile[SET_IMPUS_MAX]; /* slots, counted from 1; 0: none */
	struct flow_shared *spare[SET_CONTACTS_MAX];
	uint32_t n_spare;
};

/* All the hashes, and what they lead to brought near: with millions of sets each is a miss, and
 * so they are waited for together. */
static void put_approach(const struct tables *t, struct put *p)
{
	const struct abi_registration_view *v = p->v;

	p->set_hash = tables_hash_set(t, v->set_id);
	index_prefetch(&t->set, p->set_hash);
	for (uint32_t i = 0; i < v->n_contact; i++)
		table_prefetch_flow(t, table_hash_flow(t, &v->contact[i].flow));
	for (uint32_t i = 0; i < v->n_impu; i++) {
		p->impu_hash[i] = table_hash_impu(t, v->impu[i].impu);
		table_prefetch_impu(t, p->impu_hash[i]);
	}
}

static int impus_check(struct tables *t, struct put *p)
{
	const struct abi_registration_view *v = p->v;

	for (uint32_t i = 0; i < v->n_impu; i++) {
		struct slice impu = v->impu[i].impu;
		uint32_t index;

		for (uint32_t j = 0; j < i; j++)
			if (p->impu_hash[j] == p->impu_hash[i] &&
			    slice_eq(v->impu[j].impu, impu))
				return INSTALL_MALFORMED;
		const struct registration *r =
			table_find_impu(t, impu, p->impu_hash[i], &index);
		if (r && r != p->old)
			return INSTALL_CONFLICT;
	}
	return INSTALL_OK;
}

static bool profiles_known(const struct tables *t, struct put *p)
{
	for (uint32_t i = 0; i < p->v->n_impu; i++) {
		uint64_t id = p->v->impu[i].profile;

		p->profile[i] = id ? profiles_find(t, id) : 0;
		if (id && !p->profile[i])
			return false;
	}
	return true;
}

/* The tables have the buckets for so many; with more, look-ups would get slow, not fail. */
static bool has_room(const struct tables *t, const struct put *p)
{
	const struct registration *old = p->old;
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

	if (!tables_reserve(t))
		return false;
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
	p->r = object_build(memory, p->v, p->impu_hash, p->profile, t->epoch);
	return true;
}

static void stats_count(struct tables *t, const struct registration *r, uint64_t sign)
{
	t->stats.registrations += sign;
	t->stats.impus += sign * r->n_impu;
	t->stats.contacts += sign * r->n_contact;
}

/* The index in r (or NULL) of the identity that is number i in `of`; false: it has none such.
 */
static bool same_impu(const struct registration *r, const struct registration *of, uint32_t i,
		      uint32_t *index)
{
	const struct reg_impu *want = reg_impu(of, i);

	for (*index = 0; r && *index < r->n_impu; ++*index) {
		const struct reg_impu *have = reg_impu(r, *index);

		if (have->hash == want->hash && slice_eq(reg_text(r, have->at, have->len),
							 reg_text(of, want->at, want->len)))
			return true;
	}
	return false;
}

static void impus_enter(struct tables *t, const struct registration *r,
			const struct registration *old)
{
	for (uint32_t i = 0; i < r->n_impu; i++) {
		uint64_t hash = reg_impu(r, i)->hash;
		uint32_t was;

		if (same_impu(old, r, i, &was))
			index_replace(&t->impu, hash, tables_entry(t, hash, old, (uint8_t)was),
				      tables_entry(t, hash, r, (uint8_t)i));
		else
			tables_enter(t, &t->impu, hash, r, (uint8_t)i);
	}
}

/* What r (or NULL) has not replaced of old leaves the tables. */
static void old_leave(struct tables *t, const struct registration *old,
		      const struct registration *r)
{
	for (uint32_t i = 0; i < old->n_impu; i++) {
		uint32_t is;

		if (!same_impu(r, old, i, &is))
			tables_leave(t, &t->impu, reg_impu(old, i)->hash, old, (uint8_t)i);
	}
	flow_leave_all(t, old, r);
	for (uint32_t i = 0; i < old->n_impu; i++)
		profiles_drop(t, reg_impu(old, i)->profile);
	stats_count(t, old, -1);
	tables_retire(t, (void *)old);
}

static void publish(struct tables *t, struct put *p)
{
	const struct registration *r = p->r, *old = p->old;

	if (old)
		index_replace(&t->set, p->set_hash, tables_entry(t, p->set_hash, old, 0),
			      tables_entry(t, p->set_hash, r, 0));
	else
		tables_enter(t, &t->set, p->set_hash, r, 0);
	impus_enter(t, r, old);
	flow_enter_all(t, r, old, p->spare, &p->n_spare);
	for (uint32_t i = 0; i < r->n_impu; i++)
		profiles_take(t, reg_impu(r, i)->profile);
	stats_count(t, r, 1);
	if (old)
		old_leave(t, old, r);
	spares_free(t, p);
}

int table_put(struct tables *t, const struct abi_registration_view *v)
{
	struct put p;
	uint32_t size = object_size(v);
	int status;

	if (size == 0)
		return INSTALL_MALFORMED;
	p.v = v;
	p.n_spare = 0;
	put_approach(t, &p);
	p.old = tables_find_set(t, v->set_id, p.set_hash);
	status = impus_check(t, &p);
	if (status != INSTALL_OK)
		return status;
	if (!profiles_known(t, &p))
		return INSTALL_NO_PROFILE;
	if (!has_room(t, &p) || !memory_take(t, &p, size))
		return INSTALL_NO_MEMORY;
	publish(t, &p);
	return INSTALL_OK;
}

int table_prolong(struct tables *t, const struct abi_prolong_view *v)
{
	const struct registration *r =
		tables_find_set(t, v->set_id, tables_hash_set(t, v->set_id));
	struct reg_contact *c;

	if (!r || v->contact >= r->n_contact)
		return INSTALL_GONE;
	c = (struct reg_contact *)reg_contact(r, v->contact);
	if (c->call_id != v->call_id || v->cseq < c->cseq)
		return INSTALL_GONE;
	/* The sequence number last: with it a worker takes the request for a repeat, and says
	 * what is left of the time that was granted. */
	__atomic_store_n(&c->expires_ms, v->expires_ms, __ATOMIC_RELAXED);
	__atomic_store_n(&c->registered_ms, v->registered_ms, __ATOMIC_RELAXED);
	__atomic_store_n(&c->cseq, v->cseq, __ATOMIC_RELEASE);
	return INSTALL_OK;
}

void tables_remove(struct tables *t, const struct registration *r)
{
	tables_leave(t, &t->set, tables_hash_set(t, r->set_id), r, 0);
	old_leave(t, r, NULL);
}

int table_delete(struct tables *t, uint64_t set_id)
{
	const struct registration *r = tables_find_set(t, set_id, tables_hash_set(t, set_id));

	if (r)
		tables_remove(t, r);
	return INSTALL_OK;
}
