/* flow.c - entering and leaving flows */
#include "table/flow.h"

#include <assert.h>

#include <urcu-qsbr.h>

_Static_assert((int)SET_CONTACTS_MAX <= (int)FLOW_SHARED, "no contact has that index");
_Static_assert(sizeof(struct flow_shared) == INDEX_LINE, "one miss");

static bool is_shared(uint64_t entry)
{
	return index_part(entry) == FLOW_SHARED;
}

static struct flow_shared *shared_at(const struct tables *t, uint64_t entry)
{
	return (struct flow_shared *)tables_at(t, entry);
}

static const struct addr *entry_flow(const struct tables *t, uint64_t entry)
{
	if (is_shared(entry))
		return &shared_at(t, entry)->flow;
	return &reg_contact(tables_at(t, entry), index_part(entry))->flow;
}

uint64_t flow_find(const struct tables *t, const struct addr *flow, uint64_t hash)
{
	struct index_at at;
	uint64_t e = index_first(&t->flow, hash, &at);

	while (e && !addr_eq(entry_flow(t, e), flow))
		e = index_next(&at);
	return e;
}

static void *state_of_users(uint64_t users)
{
	return (void *)(uintptr_t)(users << 1 | 1);
}

static bool state_is_users(const void *state)
{
	return (uintptr_t)state & 1;
}

static uint32_t state_users(const void *state)
{
	return state_is_users(state) ? (uint32_t)((uintptr_t)state >> 1) : 1;
}

static const struct reg_contact *contact_of(const struct registration *r,
					    const struct addr *flow)
{
	for (uint32_t i = 0; i < r->n_contact; i++)
		if (addr_eq(&reg_contact(r, i)->flow, flow))
			return reg_contact(r, i);
	return NULL;
}

void flow_read(const struct tables *t, uint64_t entry, struct reg_flow *out)
{
	if (!is_shared(entry)) {
		const struct registration *r = tables_at(t, entry);
		const struct reg_contact *c = reg_contact(r, index_part(entry));

		*out = (struct reg_flow){c->flow, c->local, c->sa_id, 1, r};
		return;
	}

	const struct flow_shared *s = shared_at(t, entry);
	void *state =
		rcu_dereference(s->state); /* paired with rcu_assign_pointer in state_set */

	*out = (struct reg_flow){s->flow, s->local, s->sa_id, state_users(state), NULL};
	if (state_is_users(state))
		return;
	out->only = state;
	const struct reg_contact *c = contact_of(out->only, &s->flow);
	if (!c)
		return;
	out->local = c->local;
	out->sa_id = c->sa_id;
}

static void state_set(struct flow_shared *s, void *state)
{
	rcu_assign_pointer(s->state, state);
}

/* True for the first contact on each flow that is one: users count sets, not contacts. */
static bool is_entered(const struct registration *r, uint32_t i)
{
	const struct addr *flow = &reg_contact(r, i)->flow;

	for (uint32_t j = 0; j < i; j++)
		if (addr_eq(&reg_contact(r, j)->flow, flow))
			return false;
	return flow->family != 0;
}

static bool has_flow(const struct registration *r, const struct addr *flow)
{
	return r && contact_of(r, flow) != NULL;
}

/* A flow's entry belongs to another set alone, so that we two need a flow_shared. */
static bool is_of_other(const struct tables *t, uint64_t entry, const struct registration *old)
{
	return entry && !is_shared(entry) && tables_at(t, entry) != old;
}

uint32_t flow_spares_needed(const struct tables *t, const struct abi_registration_view *v,
			    const struct registration *old)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < v->n_contact; i++) {
		const struct addr *flow = &v->contact[i].flow;

		if (flow->family != 0)
			n += is_of_other(t, flow_find(t, flow, table_hash_flow(t, flow)), old);
	}
	return n;
}

/* The flow has one user, another set; from here it is shared by two. */
static void shared_begin(struct tables *t, struct flow_shared *s, uint64_t entry,
			 const struct registration *r, const struct reg_contact *c,
			 uint64_t hash)
{
	const struct registration *other = tables_at(t, entry);

	*s = (struct flow_shared){
		.flow = c->flow,
		.local = c->local,
		.sa_id = c->sa_id,
		.state = state_of_users(2),
		.set_ids = other->set_id ^ r->set_id,
	};
	index_replace(&t->flow, hash, entry, tables_entry(t, hash, s, FLOW_SHARED));
}

static void shared_enter(struct flow_shared *s, const struct registration *r, bool had)
{
	uint32_t users = state_users(s->state);

	if (!had) {
		s->set_ids ^= r->set_id;
		state_set(s, state_of_users((uint64_t)users + 1));
	} else if (users == 1) {
		state_set(s, (void *)r);
	}
}

static void flow_enter(struct tables *t, const struct registration *r, uint32_t i,
		       const struct registration *old, struct flow_shared *spare[],
		       uint32_t *n_spare)
{
	const struct reg_contact *c = reg_contact(r, i);
	uint64_t hash = table_hash_flow(t, &c->flow);
	uint64_t entry = flow_find(t, &c->flow, hash);

	if (!entry) {
		tables_enter(t, &t->flow, hash, r, (uint8_t)i);
		t->stats.flows++;
	} else if (is_shared(entry)) {
		shared_enter(shared_at(t, entry), r, has_flow(old, &c->flow));
	} else if (is_of_other(t, entry, old)) {
		assert(*n_spare > 0);
		shared_begin(t, spare[--*n_spare], entry, r, c, hash);
	} else {
		index_replace(&t->flow, hash, entry, tables_entry(t, hash, r, (uint8_t)i));
	}
}

void flow_enter_all(struct tables *t, const struct registration *r,
		    const struct registration *old, struct flow_shared *spare[],
		    uint32_t *n_spare)
{
	for (uint32_t i = 0; i < r->n_contact; i++)
		if (is_entered(r, i))
			flow_enter(t, r, i, old, spare, n_spare);
}

static void shared_leave(struct tables *t, struct flow_shared *s, uint64_t hash,
			 const struct registration *r)
{
	uint32_t users = state_users(s->state) - 1;

	s->set_ids ^= r->set_id;
	if (users == 0) {
		tables_leave(t, &t->flow, hash, s, FLOW_SHARED);
		t->stats.flows--;
		tables_retire(t, s);
	} else if (users == 1) {
		const struct registration *last =
			tables_find_set(t, s->set_ids, tables_hash_set(t, s->set_ids));

		assert(last);
		state_set(s, (void *)last);
	} else {
		state_set(s, state_of_users(users));
	}
}

static void flow_leave(struct tables *t, const struct registration *old, uint32_t i)
{
	const struct addr *flow = &reg_contact(old, i)->flow;
	uint64_t hash = table_hash_flow(t, flow);
	uint64_t entry = flow_find(t, flow, hash);

	assert(entry);
	if (is_shared(entry)) {
		shared_leave(t, shared_at(t, entry), hash, old);
		return;
	}
	tables_leave(t, &t->flow, hash, old, (uint8_t)i);
	t->stats.flows--;
}

void flow_leave_all(struct tables *t, const struct registration *old,
		    const struct registration *r)
{
	for (uint32_t i = 0; i < old->n_contact; i++)
		if (is_entered(old, i) && !has_flow(r, &reg_contact(old, i)->flow))
			flow_leave(t, old, i);
}
