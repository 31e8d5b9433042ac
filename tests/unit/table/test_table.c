/* test_table.c - the tables against a plain model, sync, expiry, bounds and the price */
#include "../abi/random.h"
#include "model.h"
#include "table/pool.h"
#include "table/tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <urcu-qsbr.h>

#include <cmocka.h>

static const struct hash_key key = {0x0123456789abcdef, 0xfedcba9876543210};

/* Allocations that still succeed; negative: all do. */
static int allocations_left = -1;

void *__real_pool_alloc(struct pool *p, uint32_t size);
void *__wrap_pool_alloc(struct pool *p, uint32_t size);

void *__wrap_pool_alloc(struct pool *p, uint32_t size)
{
	if (allocations_left == 0)
		return NULL;
	if (allocations_left > 0)
		allocations_left--;
	return __real_pool_alloc(p, size);
}

/* While set, all hashes are one of four. */
static bool hashes_collide;

uint64_t __real_hash_table(const struct hash_key *k, const void *data, uint32_t len);
uint64_t __wrap_hash_table(const struct hash_key *k, const void *data, uint32_t len);

uint64_t __wrap_hash_table(const struct hash_key *k, const void *data, uint32_t len)
{
	uint64_t hash = __real_hash_table(k, data, len);

	return hashes_collide ? hash & 3 : hash;
}

static struct tables *tables_make(uint32_t impus, uint32_t registrations)
{
	struct tables *t = tables_create(&(struct tables_size){impus, registrations}, &key);

	assert_non_null(t);
	return t;
}

static struct model_set set_random(uint64_t *rnd, uint32_t version)
{
	struct model_set s = {.present = true, .version = version};

	s.n_impu = 1 + (uint32_t)(random_next(rnd) % MODEL_SET_IMPUS);
	for (uint32_t i = 0; i < s.n_impu; i++) {
		bool again;

		do {
			s.impu[i] = (uint32_t)(random_next(rnd) % MODEL_IMPUS);
			again = false;
			for (uint32_t j = 0; j < i; j++)
				again |= s.impu[j] == s.impu[i];
		} while (again);
	}
	s.n_contact = (uint32_t)(random_next(rnd) % (MODEL_SET_CONTACTS + 1));
	/* Two contacts of a set may share a flow, and some have none. */
	for (uint32_t i = 0; i < s.n_contact; i++)
		s.flow[i] = (uint32_t)(random_next(rnd) % (MODEL_FLOWS + 1));
	return s;
}

/* Most sets put again a part of what they have, so that the puts do not only meet conflicts. */
static struct model_set set_next(const struct model *m, uint32_t set, uint64_t *rnd,
				 uint32_t version)
{
	struct model_set s = set_random(rnd, version);

	if (m->set[set].present && random_next(rnd) % 4) {
		struct model_set fresh = s;

		s = m->set[set];
		s.version = version;
		if (s.n_impu > 1 && random_next(rnd) % 4 == 0)
			s.n_impu--;
		s.n_contact = fresh.n_contact;
		memcpy(s.flow, fresh.flow, sizeof(s.flow));
	}
	return s;
}

static void random_walk(bool memory_fails)
{
	struct tables *t = tables_make(1000, 100);
	static struct model m;
	uint64_t rnd = memory_fails ? 5 : 4;
	uint32_t count[4] = {0};

	m = (struct model){.collide = hashes_collide};
	for (uint32_t step = 0; step < 15000; step++) {
		uint32_t set = (uint32_t)(random_next(&rnd) % MODEL_SETS);

		if (random_next(&rnd) % 4 == 0) {
			/* Deleting never needs memory. */
			allocations_left = memory_fails ? 0 : -1;
			assert_int_equal(table_delete(t, set), INSTALL_OK);
			allocations_left = -1;
			m.set[set].present = false;
		} else {
			struct model_set s = set_next(&m, set, &rnd, step);
			int want = model_put_status(&m, set, &s);

			if (memory_fails && random_next(&rnd) % 2)
				allocations_left = (int)(random_next(&rnd) % 4);
			int got = table_put(t, model_view(set, &s));
			bool failed = allocations_left == 0;
			allocations_left = -1;
			if (!(failed && got == INSTALL_NO_MEMORY && want == INSTALL_OK))
				assert_int_equal(got, want);
			if (got == INSTALL_OK)
				m.set[set] = s;
			count[got]++;
		}
		rcu_quiescent_state();
		model_assert(&m, t);
	}
	assert_true(count[INSTALL_OK] > 1000 && count[INSTALL_CONFLICT] > 1000);
	assert_true(memory_fails ? count[INSTALL_NO_MEMORY] > 300
				 : count[INSTALL_NO_MEMORY] == 0);
	/* Nothing is lost: with all sets gone and a grace period over, no page of the pool is
	 * in use. */
	for (uint32_t i = 0; i < MODEL_SETS; i++)
		table_delete(t, i);
	table_reclaim(t);
	struct tables_stats full, empty;
	struct tables *fresh = tables_make(1000, 100);
	tables_stats(t, &full);
	tables_stats(fresh, &empty);
	assert_int_equal(full.memory_used, empty.memory_used);
	tables_destroy(fresh);
	tables_destroy(t);
}

static void tables_do_what_the_model_does(void **state)
{
	random_walk(false);
}

static void failing_memory_changes_nothing(void **state)
{
	random_walk(true);
}

/* Hashes only say where to look: with the same for nearly all, everything is still found, and
 * nothing that is not there. */
static void collisions_change_nothing(void **state)
{
	random_walk(false);
	random_walk(true);
}

static int collide_begin(void **state)
{
	hashes_collide = true;
	return 0;
}

static int collide_end(void **state)
{
	hashes_collide = false;
	return 0;
}

static char spread[SIP_URI_MAX];

static struct abi_registration_view *view_of(uint64_t id, uint32_t impus, uint32_t impu_len,
					     uint32_t uri_len)
{
	static struct abi_registration_view v;
	static char impu[SET_IMPUS_MAX][IMPU_MAX + 1];

	v = (struct abi_registration_view){
		.set_id = id, .roles = 3, .n_impu = impus, .n_contact = 1};
	for (uint32_t i = 0; i < impus; i++) {
		int n = snprintf(impu[i], sizeof(impu[i]), "sip:%llu.%u@",
				 (unsigned long long)id, i);

		memset(impu[i] + n, 'd', impu_len - (uint32_t)n);
		v.impu[i].impu = slice_of(impu[i], impu_len);
	}
	memset(spread, 'u', sizeof(spread));
	v.contact[0].flow =
		addr_v4(0x0a000000 + (uint32_t)(id >> 14), (uint16_t)(1024 + (id & 16383)));
	v.contact[0].local = addr_v4(0xc0000201, 5060);
	v.contact[0].uri = slice_of(spread, uri_len);
	return &v;
}

static bool is_there(const struct tables *t, const struct abi_registration_view *v)
{
	uint32_t index;
	const struct registration *r = table_find_impu(
		t, v->impu[0].impu, table_hash_impu(t, v->impu[0].impu), &index);

	return r && r->set_id == v->set_id;
}

/* The arena itself runs out, and comes back. */
static void full_arena_refuses_and_recovers(void **state)
{
	struct tables *t = tables_make(100000, 2000);
	struct tables_stats before, after;
	uint64_t n = 0;

	while (table_put(t, view_of(n, 32, 255, 1024)) == INSTALL_OK)
		n++;
	assert_in_range(n, 500, 1999);
	assert_false(is_there(t, view_of(n, 32, 255, 1024)));
	tables_stats(t, &before);
	assert_int_equal(before.registrations, n);
	/* A refresh needs room for the new beside the old: refused, and the old stays. */
	assert_int_equal(table_put(t, view_of(0, 32, 255, 1000)), INSTALL_NO_MEMORY);
	for (uint64_t i = 0; i < n; i++)
		assert_true(is_there(t, view_of(i, 32, 255, 1024)));
	tables_stats(t, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	/* With one deleted, its memory is fetched back through a grace period. */
	table_delete(t, 7);
	assert_int_equal(table_put(t, view_of(0, 32, 255, 1024)), INSTALL_OK);
	table_delete(t, 8);
	assert_int_equal(table_put(t, view_of(n, 32, 255, 1024)), INSTALL_OK);
	tables_destroy(t);
}

static void counts_beyond_the_tables_size_are_refused(void **state)
{
	struct tables *t = tables_make(10, 4);
	struct abi_registration_view *v;

	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(table_put(t, view_of(i, 2, 40, 40)), INSTALL_OK);
	assert_int_equal(table_put(t, view_of(4, 1, 40, 40)), INSTALL_NO_MEMORY);
	v = view_of(3, 5, 40, 40);
	assert_int_equal(table_put(t, v), INSTALL_NO_MEMORY);
	v = view_of(3, 4, 40, 40);
	assert_int_equal(table_put(t, v), INSTALL_OK);
	/* Contacts are counted too. */
	v->n_contact = 2;
	v->contact[1] = v->contact[0];
	assert_int_equal(table_put(t, v), INSTALL_NO_MEMORY);
	/* Nothing is refused that takes up no more than before. */
	assert_int_equal(table_put(t, view_of(3, 4, 50, 50)), INSTALL_OK);
	tables_destroy(t);
}

static void bounds_of_a_set_are_checked(void **state)
{
	struct tables *t = tables_make(100, 10);
	struct abi_registration_view *v = view_of(1, 3, 40, 40);
	static char text[40000];

	v->n_impu = 0;
	assert_int_equal(table_put(t, v), INSTALL_MALFORMED);
	v->n_impu = SET_IMPUS_MAX + 1;
	assert_int_equal(table_put(t, v), INSTALL_MALFORMED);
	v->n_impu = 3;
	v->n_contact = SET_CONTACTS_MAX + 1;
	assert_int_equal(table_put(t, v), INSTALL_MALFORMED);
	v->n_contact = 1;
	v->impu[2].impu.len = 0;
	assert_int_equal(table_put(t, v), INSTALL_MALFORMED);
	v->impu[2] = v->impu[0];
	assert_int_equal(table_put(t, v), INSTALL_MALFORMED);
	v = view_of(1, 3, 40, 40);
	v->service_route = slice_of(text, 33000);
	assert_int_equal(table_put(t, v), INSTALL_MALFORMED);
	v->service_route = slice_of(text, UINT32_MAX);
	assert_int_equal(table_put(t, v), INSTALL_MALFORMED);
	v->service_route = slice_of(text, 30000);
	assert_int_equal(table_put(t, v), INSTALL_OK);
	tables_destroy(t);
}

/* All that was put can be read, in its place. */
static void registration_holds_what_was_put(void **state)
{
	struct tables *t = tables_make(100, 10);
	struct abi_registration_view *v = view_of(9, 3, 40, 50);
	uint32_t index;

	v->roles = ABI_REG_PCSCF;
	v->scscf = addr_v4(0xc0000209, 5070);
	v->service_route = SLICE("<sip:orig@scscf.example.org;lr>");
	v->impu[0].flags = ABI_IMPU_BARRED | ABI_IMPU_DEFAULT;
	v->contact[0].path = SLICE("<sip:p@pcscf.example.org;lr>");
	v->contact[0].hop = addr_v4(0xc0000210, 5080);
	v->contact[0].q = 300;
	v->contact[0].expires_ms = 5000;
	v->contact[0].registered_ms = 4000;
	v->contact[0].instance = 0x1122334455667788;
	v->contact[0].reg_id = 7;
	v->contact[0].n_feature = FEATURES_MAX;
	for (uint32_t i = 0; i < FEATURES_MAX; i++)
		v->contact[0].feature[i] =
			(struct feature){.value = ~0ull - i, .tag = i, .kind = 2};
	assert_int_equal(table_put(t, v), INSTALL_OK);
	const struct registration *r = table_find_impu(
		t, v->impu[2].impu, table_hash_impu(t, v->impu[2].impu), &index);
	assert_non_null(r);
	assert_int_equal(index, 2);
	assert_int_equal(r->roles, ABI_REG_PCSCF);
	assert_true(addr_eq(&r->scscf, &v->scscf));
	assert_true(slice_eq(reg_text(r, r->service_route, r->service_route_len),
			     v->service_route));
	/* A barred identity is no default, whatever its mark (TS 24.229 §5.2.6.3). */
	assert_int_equal(r->default_impu, 1);
	const struct reg_contact *c = reg_contact(r, 0);
	assert_true(slice_eq(reg_text(r, c->path, c->path_len), v->contact[0].path));
	assert_true(slice_eq(reg_text(r, c->uri, c->uri_len), v->contact[0].uri));
	assert_true(addr_eq(&c->local, &v->contact[0].local));
	assert_int_equal(c->q, 300);
	assert_int_equal(c->registered_ms, 4000);
	assert_int_equal(c->instance, 0x1122334455667788);
	assert_int_equal(c->reg_id, 7);
	assert_int_equal(c->n_feature, FEATURES_MAX);
	for (uint32_t i = 0; i < FEATURES_MAX; i++) {
		struct feature f = reg_feature(r, c, i);

		assert_memory_equal(&f, &v->contact[0].feature[i], sizeof(f));
	}
	assert_ptr_equal(reg_contact_on_flow(r, &c->flow, 0, 4999), c);
	assert_null(reg_contact_on_flow(r, &c->flow, 0, 5000));
	assert_null(reg_contact_on_flow(r, &c->local, 0, 0));
	v->impu[2].flags = ABI_IMPU_DEFAULT;
	assert_int_equal(table_put(t, v), INSTALL_OK);
	r = table_find_impu(t, v->impu[2].impu, table_hash_impu(t, v->impu[2].impu), &index);
	assert_int_equal(r->default_impu, 2);
	/* Without a flow the next hop is there instead of an address of ours. */
	v->contact[0].flow = v->contact[0].local = (struct addr){0};
	assert_int_equal(table_put(t, v), INSTALL_OK);
	r = table_find_impu(t, v->impu[2].impu, table_hash_impu(t, v->impu[2].impu), &index);
	assert_int_equal(reg_contact(r, 0)->flow.family, 0);
	assert_true(addr_eq(&reg_contact(r, 0)->local, &v->contact[0].hop));
	tables_destroy(t);
}

static void sync_removes_what_was_not_put_again(void **state)
{
	struct tables *t = tables_make(1000, 1000);

	for (uint64_t i = 0; i < 600; i++)
		assert_int_equal(table_put(t, view_of(i, 1, 40, 40)), INSTALL_OK);
	assert_int_equal(table_sync_end(t), 0); /* none has begun */
	table_sync_begin(t);
	for (uint64_t i = 0; i < 600; i += 2)
		assert_int_equal(table_put(t, view_of(i, 1, 40, 40)), INSTALL_OK);
	/* Until the end all work; and a control that died in between begins anew. */
	assert_true(is_there(t, view_of(301, 1, 40, 40)));
	table_sync_begin(t);
	for (uint64_t i = 0; i < 600; i += 3)
		assert_int_equal(table_put(t, view_of(i, 1, 40, 40)), INSTALL_OK);
	assert_int_equal(table_sync_end(t), 400);
	for (uint64_t i = 0; i < 600; i++)
		assert_int_equal(is_there(t, view_of(i, 1, 40, 40)), i % 3 == 0);
	assert_int_equal(table_sync_end(t), 0);
	tables_destroy(t);
}

static void sweep_finds_all_the_expired(void **state)
{
	struct tables *t = tables_make(2000, 2000);
	struct abi_registration_view *v;
	uint32_t removed = 0;
	uint64_t rnd = 9;

	for (uint64_t i = 0; i < 1000; i++) {
		v = view_of(i, 1, 40, 40);
		v->contact[0].expires_ms = i % 2 ? 1000 : UINT64_MAX;
		if (i == 999)
			v->n_contact = 0;
		assert_int_equal(table_put(t, v), INSTALL_OK);
	}
	assert_int_equal(table_expire(t, 900, 100, 2000), 0);
	assert_int_equal(table_expire(t, 1100, 100, 2000),
			 0); /* not yet longer than the grace */
	assert_int_equal(table_expire(t, 1100, 100, 0), 0);
	/* In small steps, with sets put and deleted under the sweep's feet. */
	for (int step = 0; step < 400; step++) {
		uint64_t i = random_next(&rnd) % 500 * 2;

		uint32_t n = table_expire(t, 1101, 100, 7);
		assert_true(n <= 7);
		removed += n;
		table_delete(t, i);
		v = view_of(i, 1, 40, 40);
		v->contact[0].expires_ms = UINT64_MAX;
		if (step % 3)
			assert_int_equal(table_put(t, v), INSTALL_OK);
	}
	assert_int_equal(removed, 499);
	for (uint64_t i = 1; i < 999; i += 2)
		assert_false(is_there(t, view_of(i, 1, 40, 40)));
	/* The one without contacts is control's to delete. */
	assert_true(is_there(t, view_of(999, 1, 40, 40)));
	tables_destroy(t);
}

/* A set of one identity, and nothing else, whose hash begins with a zero bit: with two buckets,
 * all of them meet in one. */
static struct abi_registration_view *crowded_view(const struct tables *t, uint64_t nth)
{
	struct abi_registration_view *v;
	uint64_t id = 0;

	for (;; id++) {
		v = view_of(id, 1, 40, 40);
		if (table_hash_impu(t, v->impu[0].impu) >> 63 == 0 && nth-- == 0)
			break;
	}
	v->n_contact = 0;
	return v;
}

/* A full bucket goes on in a further line. The lines for that are there before a put begins to
 * change anything, so that it cannot stop half way. */
static const struct reg_contact *contact_of(struct tables *t, uint64_t set, uint32_t i)
{
	return reg_contact(tables_find_set(t, set, tables_hash_set(t, set)), i);
}

/* Nothing moves, and only what was named changes. */
static void contacts_are_prolonged_in_place(void **state)
{
	struct tables *t = tables_make(100, 100);
	static struct abi_registration_view v;
	struct abi_prolong_view p = {.set_id = 5, .contact = 1, .call_id = 8};
	const struct reg_contact *c;
	struct tables_stats before, after;
	struct reg_contact was[2];

	v = (struct abi_registration_view){.set_id = 5,
					   .roles = 3,
					   .n_impu = 1,
					   .impu = {{SLICE("sip:a@x"), 0, 0}},
					   .n_contact = 2};
	for (uint32_t i = 0; i < 2; i++)
		v.contact[i] = (struct abi_contact_view){.flow = model_flow(i),
							 .local = model_flow(3),
							 .uri = SLICE("sip:a@x"),
							 .call_id = 7 + i,
							 .cseq = 10,
							 .expires_ms = 1000,
							 .registered_ms = 500};
	assert_int_equal(table_put(t, &v), INSTALL_OK);
	c = contact_of(t, 5, 0);
	memcpy(was, c, sizeof(was));
	tables_stats(t, &before);

	p.cseq = 11;
	p.expires_ms = 90000;
	p.registered_ms = 600;
	assert_int_equal(table_prolong(t, &p), INSTALL_OK);
	assert_ptr_equal(contact_of(t, 5, 0), c);
	was[1].cseq = 11;
	was[1].expires_ms = 90000;
	was[1].registered_ms = 600;
	assert_memory_equal(c, was, sizeof(was));
	/* The same request again, granted a little later. */
	p.expires_ms = was[1].expires_ms = 90001;
	assert_int_equal(table_prolong(t, &p), INSTALL_OK);
	assert_memory_equal(c, was, sizeof(was));

	p.cseq = 10;
	assert_int_equal(table_prolong(t, &p), INSTALL_GONE);
	p.cseq = 12;
	p.call_id = 7;
	assert_int_equal(table_prolong(t, &p), INSTALL_GONE);
	p.call_id = 8;
	p.contact = 2;
	assert_int_equal(table_prolong(t, &p), INSTALL_GONE);
	p.contact = 1;
	p.set_id = 6;
	assert_int_equal(table_prolong(t, &p), INSTALL_GONE);
	assert_memory_equal(c, was, sizeof(was));
	tables_stats(t, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	tables_destroy(t);
}

static void full_bucket_takes_memory_first(void **state)
{
	struct tables *t = tables_make(9, 9);

	allocations_left = 8;
	for (uint64_t i = 0; i < 8; i++)
		assert_int_equal(table_put(t, crowded_view(t, i)), INSTALL_OK);
	/* The eighth took a line, and it must be made good before the ninth is begun. */
	allocations_left = 0;
	assert_int_equal(table_put(t, crowded_view(t, 8)), INSTALL_NO_MEMORY);
	allocations_left = 1;
	assert_int_equal(table_put(t, crowded_view(t, 8)), INSTALL_NO_MEMORY);
	assert_false(is_there(t, crowded_view(t, 8)));
	allocations_left = 1;
	assert_int_equal(table_put(t, crowded_view(t, 8)), INSTALL_OK);
	allocations_left = -1;
	for (uint64_t i = 0; i < 9; i++)
		assert_true(is_there(t, crowded_view(t, i)));
	/* Whatever leaves, the others stay. The line goes with the last that it holds, the
	 * eighth and ninth, and as late as they: a reader may be in it. */
	for (uint64_t i = 0; i < 9; i++) {
		uint64_t gone = (i * 4 + 8) % 9;
		uint32_t retired = t->n_retired;

		assert_int_equal(table_delete(t, crowded_view(t, gone)->set_id), INSTALL_OK);
		assert_int_equal(t->n_retired - retired, gone == 7 ? 2 : 1);
		for (uint64_t j = 0; j < 9; j++)
			assert_int_equal(is_there(t, crowded_view(t, (j * 4 + 8) % 9)), j > i);
	}
	tables_destroy(t);
}

/* Each registration has cache lines of its own, as the prefetching counts on. */
static void registrations_begin_on_lines(void **state)
{
	struct tables *t = tables_make(1000, 100);

	for (uint64_t i = 0; i < 60; i++) {
		struct abi_registration_view *v =
			view_of(i, 1 + (uint32_t)i % 8, 30 + (uint32_t)i, 10 * (uint32_t)i + 1);

		assert_int_equal(table_put(t, v), INSTALL_OK);
		const struct registration *r =
			table_find_user(t, table_hash_impu(t, v->impu[0].impu));
		assert_int_equal((uintptr_t)r % 64, 0);
	}
	tables_destroy(t);
}

static struct tables *live_sets_make(uint32_t n)
{
	struct tables *t = tables_make(1000, 1000);

	for (uint64_t i = 0; i < n; i++) {
		struct abi_registration_view *v = view_of(i, 1, 40, 40);

		v->contact[0].expires_ms = 1000;
		assert_int_equal(table_put(t, v), INSTALL_OK);
	}
	return t;
}

/* Deleting the very set that the sweep would look at next does not send it back to the
 * beginning. */
static void sweep_keeps_its_place(void **state)
{
	enum { SETS = 100, AT = 50 };
	struct tables *twin = live_sets_make(SETS), *t = live_sets_make(SETS);
	uint64_t order[SETS];

	/* The twin shows the order: each step takes one away. */
	for (int step = 0; step < SETS; step++) {
		bool before[SETS];

		for (uint64_t i = 0; i < SETS; i++)
			before[i] = is_there(twin, view_of(i, 1, 40, 40));
		assert_int_equal(table_expire(twin, 2000, 0, 1), 1);
		for (uint64_t i = 0; i < SETS; i++)
			if (before[i] && !is_there(twin, view_of(i, 1, 40, 40)))
				order[step] = i;
	}
	assert_int_equal(table_expire(twin, 2000, 0, 1), 0);
	struct abi_registration_view *v = view_of(order[AT + 1], 1, 40, 40);
	v->contact[0].expires_ms = 10;
	assert_int_equal(table_put(t, v), INSTALL_OK);
	assert_int_equal(table_expire(t, 500, 0, AT), 0);
	table_delete(t, order[AT]);
	assert_int_equal(table_expire(t, 500, 0, 1), 1);
	tables_destroy(twin);
	tables_destroy(t);
}

/* Thousands on one flow, as behind a gateway: all answers right while they come and go, to the
 * last. */
static void flow_of_many_users_counts_them(void **state)
{
	enum { MANY = 20000 };
	struct tables *t = tables_make(MANY, MANY);
	struct addr gateway = addr_v4(0xc6336401, 5060);
	uint64_t hash = table_hash_flow(t, &gateway);
	struct reg_flow f;

	for (uint64_t i = 0; i < MANY; i++) {
		struct abi_registration_view *v = view_of(i, 1, 40, 40);

		v->contact[0].flow = gateway;
		assert_int_equal(table_put(t, v), INSTALL_OK);
		assert_true(table_find_flow(t, &gateway, hash, &f));
		assert_int_equal(f.users, i + 1);
	}
	for (uint64_t i = 0; i + 1 < MANY; i++) {
		table_delete(t, i);
		assert_true(table_find_flow(t, &gateway, hash, &f));
		assert_int_equal(f.users, MANY - 1 - i);
	}
	assert_non_null(f.only);
	assert_int_equal(f.only->set_id, MANY - 1);
	table_delete(t, MANY - 1);
	assert_false(table_find_flow(t, &gateway, hash, &f));
	tables_destroy(t);
}

/* The budget: 512 octets for a registered contact, all indexes included. */
static void contact_costs_no_more_than_the_budget(void **state)
{
	enum { USERS = 100000 };
	struct tables *t = tables_make(2 * USERS, USERS);
	struct tables_stats s;

	for (uint64_t i = 0; i < USERS; i++)
		assert_int_equal(table_put(t, view_of(i, 2, 60, 60)), INSTALL_OK);
	tables_stats(t, &s);
	assert_int_equal(s.contacts, USERS);
	print_message("a registered contact costs %.1f octets\n",
		      (double)s.memory_used / USERS);
	assert_true(s.memory_used / USERS <= 512);
	tables_destroy(t);
}

static int reader_register(void **state)
{
	rcu_register_thread();
	return 0;
}

static int reader_unregister(void **state)
{
	rcu_unregister_thread();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_do_what_the_model_does),
		cmocka_unit_test(failing_memory_changes_nothing),
		cmocka_unit_test_setup_teardown(collisions_change_nothing, collide_begin,
						collide_end),
		cmocka_unit_test(full_arena_refuses_and_recovers),
		cmocka_unit_test(counts_beyond_the_tables_size_are_refused),
		cmocka_unit_test(bounds_of_a_set_are_checked),
		cmocka_unit_test(registration_holds_what_was_put),
		cmocka_unit_test(contacts_are_prolonged_in_place),
		cmocka_unit_test(full_bucket_takes_memory_first),
		cmocka_unit_test(registrations_begin_on_lines),
		cmocka_unit_test(sync_removes_what_was_not_put_again),
		cmocka_unit_test(sweep_finds_all_the_expired),
		cmocka_unit_test(sweep_keeps_its_place),
		cmocka_unit_test(flow_of_many_users_counts_them),
		cmocka_unit_test(contact_costs_no_more_than_the_budget),
	};

	return cmocka_run_group_tests(tests, reader_register, reader_unregister);
}
