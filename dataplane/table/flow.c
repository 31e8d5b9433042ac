/* flow.c - entering and leaving flows */
#include "table/flow.h"

#include <assert.h>

static const struct addr *link_flow(const struct reg_link *l)
{
	if (l->shared)
		return &((const struct flow_shared *)l)->flow;
	return &reg_contact(link_registration(l), l->index)->flow;
}

static int flow_match(struct cds_lfht_node *node, const void *key)
{
	return addr_eq(link_flow(link_of(node)), key);
}

struct reg_link *flow_find(const struct tables *t, const struct addr *flow, uint64_t hash)
{
	struct cds_lfht_node *node = index_find(&t->flow, hash, flow_match, flow);

	return node ? link_of(node) : NULL;
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

static const struct addr *local_of(const struct registration *r, const struct addr *flow)
{
	for (uint32_t i = 0; i < r->n_contact; i++)
		if (addr_eq(&reg_contact(r, i)->flow, flow))
			return &reg_contact(r, i)->local;
	return NULL;
}

void flow_read(const struct reg_link *entry, struct reg_flow *out)
{
	if (!entry->shared) {
		const struct registration *r = link_registration(entry);
		const struct reg_contact *c = reg_contact(r, entry->index);

		*out = (struct reg_flow){c->flow, c->local, 1, r};
		return;
	}

	const struct flow_shared *s = (const struct flow_shared *)entry;
	void *state =
		rcu_dereference(s->state); /* paired with rcu_assign_pointer in state_set */

	*out = (struct reg_flow){s->flow, s->local, state_users(state), NULL};
	if (state_is_users(state))
		return;
	out->only = state;
	const struct addr *local = local_of(out->only, &s->flow);
	if (local)
		out->local = *local;
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

static bool object_has_flow(const struct reg_object *o, const struct addr *flow)
{
	return o && local_of(&o->registration, flow) != NULL;
}

/* A flow's entry belongs to another set alone, so that we two need a flow_shared. */
static bool is_of_other(const struct reg_link *entry, const struct reg_object *old)
{
	return entry && !entry->shared &&
	       (!old || link_registration(entry) != &old->registration);
}

uint32_t flow_spares_needed(const struct tables *t, const struct abi_registration_view *v,
			    const struct reg_object *old)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < v->n_contact; i++) {
		const struct addr *flow = &v->contact[i].flow;

		if (flow->family != 0)
			n += is_of_other(flow_find(t, flow, table_hash_flow(t, flow)), old);
	}
	return n;
}

static void entry_replace(struct tables *t, const struct addr *flow, uint64_t hash,
			  struct reg_link *by)
{
	cds_lfht_add_replace(t->flow.ht, hash, flow_match, flow, &by->node);
}

/* The flow has one user, another set; from here it is shared by two. */
static void shared_begin(struct tables *t, struct flow_shared *s, const struct reg_link *entry,
			 const struct registration *r, const struct reg_contact *c,
			 uint64_t hash)
{
	*s = (struct flow_shared){
		.link = {.shared = 1},
		.flow = c->flow,
		.local = c->local,
		.state = state_of_users(2),
		.set_ids = link_registration(entry)->set_id ^ r->set_id,
	};
	entry_replace(t, &c->flow, hash, &s->link);
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

static void flow_enter(struct tables *t, struct reg_object *o, uint32_t i,
		       const struct reg_object *old, struct flow_shared *spare[],
		       uint32_t *n_spare)
{
	const struct registration *r = &o->registration;
	const struct reg_contact *c = reg_contact(r, i);
	uint64_t hash = table_hash_flow(t, &c->flow);
	struct reg_link *entry = flow_find(t, &c->flow, hash);

	if (entry && entry->shared) {
		shared_enter((struct flow_shared *)entry, r, object_has_flow(old, &c->flow));
	} else if (is_of_other(entry, old)) {
		assert(*n_spare > 0);
		shared_begin(t, spare[--*n_spare], entry, r, c, hash);
	} else {
		t->stats.flows += entry == NULL;
		entry_replace(t, &c->flow, hash, object_contact_link(o, i));
	}
}

void flow_enter_all(struct tables *t, struct reg_object *o, const struct reg_object *old,
		    struct flow_shared *spare[], uint32_t *n_spare)
{
	for (uint32_t i = 0; i < o->registration.n_contact; i++)
		if (is_entered(&o->registration, i))
			flow_enter(t, o, i, old, spare, n_spare);
}

static void shared_leave(struct tables *t, struct flow_shared *s, const struct registration *r)
{
	uint32_t users = state_users(s->state) - 1;

	s->set_ids ^= r->set_id;
	if (users == 0) {
		cds_lfht_del(t->flow.ht, &s->link.node);
		t->stats.flows--;
		tables_retire(t, s);
	} else if (users == 1) {
		struct reg_object *last = tables_find_set(t, s->set_ids);

		assert(last);
		state_set(s, &last->registration);
	} else {
		state_set(s, state_of_users(users));
	}
}

void flow_leave_all(struct tables *t, struct reg_object *old, const struct reg_object *o)
{
	const struct registration *r = &old->registration;

	for (uint32_t i = 0; i < r->n_contact; i++) {
		const struct addr *flow = &reg_contact(r, i)->flow;

		if (!is_entered(r, i) || object_has_flow(o, flow))
			continue;
		struct reg_link *entry = flow_find(t, flow, table_hash_flow(t, flow));

		assert(entry);
		if (entry->shared) {
			shared_leave(t, (struct flow_shared *)entry, r);
		} else {
			cds_lfht_del(t->flow.ht, &entry->node);
			t->stats.flows--;
		}
	}
}
