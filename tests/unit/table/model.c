/* model.c - the plain way: arrays, and loops over all of them */
#include "model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct slice impu_text(uint32_t impu, char to[64])
{
	/* Lengths that differ, so that objects change their size class as well. */
	int n = snprintf(to, 64, "sip:user%u%.*s@example.org", impu, (int)(impu % 20),
			 "aaaaaaaaaaaaaaaaaaaa");

	return slice_of(to, (size_t)n);
}

struct addr model_flow(uint32_t flow)
{
	if (flow == MODEL_FLOWS)
		return (struct addr){0};
	return addr_v4(0x0a000001 + flow, (uint16_t)(5060 + flow));
}

static struct addr model_local(uint64_t set_id, uint32_t contact)
{
	return addr_v4(0xc0000201, (uint16_t)(6000 + set_id * 10 + contact));
}

const struct abi_registration_view *model_view(uint64_t set_id, const struct model_set *s)
{
	static struct abi_registration_view v;
	static char impu[MODEL_SET_IMPUS][64], uri[64];

	v = (struct abi_registration_view){
		.set_id = set_id, .roles = 3, .n_impu = s->n_impu, .n_contact = s->n_contact};
	for (uint32_t i = 0; i < s->n_impu; i++)
		v.impu[i].impu = impu_text(s->impu[i], impu[i]);
	int n = snprintf(uri, sizeof(uri), "sip:version-%u@192.0.2.1", s->version);
	for (uint32_t i = 0; i < s->n_contact; i++) {
		v.contact[i].flow = model_flow(s->flow[i]);
		v.contact[i].local = model_local(set_id, i);
		v.contact[i].uri = slice_of(uri, (size_t)n);
		v.contact[i].expires_ms = 1000;
	}
	return &v;
}

static const struct model_set *owner(const struct model *m, uint32_t impu, uint32_t *set,
				     uint32_t *index)
{
	for (*set = 0; *set < MODEL_SETS; ++*set) {
		const struct model_set *s = &m->set[*set];

		for (*index = 0; s->present && *index < s->n_impu; ++*index)
			if (s->impu[*index] == impu)
				return s;
	}
	return NULL;
}

int model_put_status(const struct model *m, uint32_t set, const struct model_set *s)
{
	uint32_t by, index;

	for (uint32_t i = 0; i < s->n_impu; i++)
		if (owner(m, s->impu[i], &by, &index) && by != set)
			return INSTALL_CONFLICT;
	return INSTALL_OK;
}

static void registration_assert(const struct registration *r, uint64_t set_id,
				const struct model_set *s)
{
	const struct abi_registration_view *v = model_view(set_id, s);

	assert_int_equal(r->set_id, set_id);
	assert_int_equal(r->n_impu, v->n_impu);
	assert_int_equal(r->n_contact, v->n_contact);
	for (uint32_t i = 0; i < v->n_impu; i++)
		assert_true(slice_eq(reg_text(r, reg_impu(r, i)->at, reg_impu(r, i)->len),
				     v->impu[i].impu));
	for (uint32_t i = 0; i < v->n_contact; i++) {
		const struct reg_contact *c = reg_contact(r, i);

		assert_true(addr_eq(&c->flow, &v->contact[i].flow));
		assert_true(slice_eq(reg_text(r, c->uri, c->uri_len), v->contact[i].uri));
	}
}

static void impu_assert(const struct model *m, const struct tables *t, uint32_t impu)
{
	char text[64];
	struct slice s = impu_text(impu, text);
	uint64_t hash = table_hash_impu(t, s);
	uint32_t set, index, got_index = 99;
	const struct model_set *want = owner(m, impu, &set, &index);
	const struct registration *r = table_find_impu(t, s, hash, &got_index);

	if (!m->collide)
		assert_ptr_equal(r, table_find_user(t, hash));
	if (!want) {
		assert_null(r);
		return;
	}
	assert_non_null(r);
	assert_int_equal(got_index, index);
	assert_true(reg_impu_by_hash(table_find_user(t, hash), hash, &got_index));
	assert_true(m->collide || got_index == index);
	assert_false(reg_impu_by_hash(r, ~hash, &got_index));
	registration_assert(r, set, want);
}

static bool is_on_flow(const struct model_set *s, uint32_t flow, uint32_t *first)
{
	for (*first = 0; s->present && *first < s->n_contact; ++*first)
		if (s->flow[*first] == flow)
			return true;
	return false;
}

static bool flow_assert(const struct model *m, const struct tables *t, uint32_t flow)
{
	struct addr a = model_flow(flow);
	uint32_t users = 0, last = 0, contact = 0, first;
	struct reg_flow got;

	for (uint32_t i = 0; i < MODEL_SETS; i++) {
		if (!is_on_flow(&m->set[i], flow, &first))
			continue;
		users++;
		last = i;
		contact = first;
	}
	bool found = table_find_flow(t, &a, table_hash_flow(t, &a), &got);
	assert_int_equal(found, users > 0);
	if (!found)
		return false;
	assert_int_equal(got.users, users);
	assert_true(addr_eq(&got.flow, &a));
	if (users > 1) {
		assert_null(got.only);
		return true;
	}
	struct addr local = model_local(last, contact);
	assert_non_null(got.only);
	registration_assert(got.only, last, &m->set[last]);
	assert_true(addr_eq(&got.local, &local));
	return true;
}

void model_assert(const struct model *m, const struct tables *t)
{
	struct tables_stats stats, want = {0};

	for (uint32_t i = 0; i < MODEL_IMPUS; i++)
		impu_assert(m, t, i);
	for (uint32_t i = 0; i < MODEL_FLOWS; i++)
		want.flows += flow_assert(m, t, i);
	for (uint32_t i = 0; i < MODEL_SETS; i++) {
		want.registrations += m->set[i].present;
		want.impus += m->set[i].present ? m->set[i].n_impu : 0;
		want.contacts += m->set[i].present ? m->set[i].n_contact : 0;
	}
	tables_stats(t, &stats);
	assert_int_equal(stats.registrations, want.registrations);
	assert_int_equal(stats.impus, want.impus);
	assert_int_equal(stats.contacts, want.contacts);
	assert_int_equal(stats.flows, want.flows);
}
