/* test_churn.c - readers on two threads while the tables change: whole states only
 *
 * Every text of a registration carries the number of the put it came with; a reader that finds
 * two numbers, or freed memory (under AddressSanitizer the pool forbids it), has seen half an
 * update.
 */
#include "../abi/random.h"
#include "table/registration.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <urcu-qsbr.h>

#include <cmocka.h>

enum {
	SETS = 300,
	STEADY = 100, /* sets below this are replaced, never deleted: they must be found each
			 time */
	FLOWS = 120,  /* fewer than sets: flows get and lose users all the time */
	PUTS = 150000,
	STALLED_PUTS = 200,
};

struct scene {
	struct tables *t;
	atomic_bool stop;
	atomic_ullong looks, found, wrong;
};

static struct addr flow_of(uint32_t i)
{
	return addr_v4(0x0a000000 + i, 5060);
}

static struct slice text_of(char to[64], const char *what, uint64_t set, uint64_t number)
{
	int n = snprintf(to, 64, "sip:%s.%llu.%llu", what, (unsigned long long)set,
			 (unsigned long long)number);

	return slice_of(to, (size_t)n);
}

static struct slice impu_of(char to[64], uint64_t set, uint32_t which)
{
	int n = snprintf(to, 64, "sip:user%llu-%u@example.org", (unsigned long long)set, which);

	return slice_of(to, (size_t)n);
}

static void put(struct tables *t, uint64_t set, uint64_t number, uint32_t flow0, uint32_t flow1)
{
	static struct abi_registration_view v;
	char impu[2][64], uri[64], path[64], route[64];

	v.set_id = set;
	v.roles = 3;
	v.n_impu = 2;
	v.n_contact = 1 + number % 2;
	v.service_route = text_of(route, "route", set, number);
	for (uint32_t i = 0; i < 2; i++) {
		v.impu[i].impu = impu_of(impu[i], set, i);
		v.contact[i].flow = flow_of(i ? flow1 : flow0);
		v.contact[i].uri = text_of(uri, "uri", set, number);
		v.contact[i].path = text_of(path, "path", set, number);
		v.contact[i].expires_ms = number;
	}
	assert_int_equal(table_put(t, &v), INSTALL_OK);
}

/* The number that all parts of it agree on, or UINT64_MAX. */
static uint64_t number_of(const struct registration *r)
{
	uint64_t number = reg_contact(r, 0)->expires_ms;
	char text[64];

	if (r->n_contact != 1 + number % 2 || r->n_impu != 2)
		return UINT64_MAX;
	if (!slice_eq(reg_text(r, r->service_route, r->service_route_len),
		      text_of(text, "route", r->set_id, number)))
		return UINT64_MAX;
	for (uint32_t i = 0; i < r->n_contact; i++) {
		const struct reg_contact *c = reg_contact(r, i);

		if (c->expires_ms != number ||
		    !slice_eq(reg_text(r, c->uri, c->uri_len),
			      text_of(text, "uri", r->set_id, number)) ||
		    !slice_eq(reg_text(r, c->path, c->path_len),
			      text_of(text, "path", r->set_id, number)))
			return UINT64_MAX;
	}
	return number;
}

static bool look_impu(const struct tables *t, uint64_t set, uint32_t which, bool *found)
{
	char text[64];
	struct slice impu = impu_of(text, set, which);
	uint64_t hash = table_hash_impu(t, impu);
	uint32_t index = 99;

	table_prefetch_impu(t, hash);
	table_prefetch_impu_entry(t, hash);
	table_prefetch_user_entry(t, hash);
	const struct registration *r = table_find_impu(t, impu, hash, &index);
	*found = r != NULL;
	if (!r)
		return set >= STEADY;
	return r->set_id == set && index == which && number_of(r) != UINT64_MAX;
}

static bool look_flow(const struct tables *t, uint32_t flow)
{
	struct addr a = flow_of(flow);
	uint64_t hash = table_hash_flow(t, &a);
	struct reg_flow f;

	table_prefetch_flow(t, hash);
	table_prefetch_flow_entry(t, hash);
	if (!table_find_flow(t, &a, hash, &f))
		return true;
	if (f.users != 1)
		return f.users > 1 && f.users <= SETS && !f.only;
	return f.only && number_of(f.only) != UINT64_MAX &&
	       reg_contact_on_flow(f.only, &a, 0, 0);
}

static void *reader(void *arg)
{
	struct scene *s = arg;
	uint64_t rnd = (uint64_t)(uintptr_t)&rnd, looks = 0, hits = 0, wrong = 0;

	rcu_register_thread();
	while (!atomic_load(&s->stop)) {
		for (int i = 0; i < 16; i++) {
			bool found;

			wrong += !look_impu(s->t, random_next(&rnd) % SETS,
					    (uint32_t)(random_next(&rnd) % 2), &found);
			wrong += !look_flow(s->t, (uint32_t)(random_next(&rnd) % FLOWS));
			hits += found;
			looks++;
		}
		rcu_quiescent_state();
	}
	rcu_unregister_thread();
	atomic_fetch_add(&s->looks, looks);
	atomic_fetch_add(&s->found, hits);
	atomic_fetch_add(&s->wrong, wrong);
	return NULL;
}

static void readers_see_whole_states_only(void **state)
{
	/* No larger than what comes, so that buckets overflow and shrink all the time. */
	struct scene s = {.t = tables_create(&(struct tables_size){2 * SETS, 2 * SETS},
					     &(struct hash_key){1, 2})};
	pthread_t thread[2];
	uint64_t rnd = 11;

	assert_non_null(s.t);
	for (uint64_t i = 0; i < STEADY; i++)
		put(s.t, i, 1, 0, 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, reader, &s), 0);
	for (uint64_t n = 2; n < PUTS; n++) {
		uint64_t set = random_next(&rnd) % SETS;

		if (set >= STEADY && random_next(&rnd) % 3 == 0)
			table_delete(s.t, set);
		else
			put(s.t, set, n, (uint32_t)(random_next(&rnd) % FLOWS),
			    (uint32_t)(random_next(&rnd) % FLOWS));
	}
	atomic_store(&s.stop, true);
	/* Not while this thread counts as a reader: the others may wait for nobody, but it is
	 * the rule. */
	rcu_thread_offline();
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	rcu_thread_online();
	print_message("%llu look-ups, %llu found\n", (unsigned long long)s.looks,
		      (unsigned long long)s.found);
	assert_int_equal(s.wrong, 0);
	assert_true(s.found > 10000 && s.looks > s.found);
	tables_destroy(s.t);
}

struct stall {
	struct tables *t;
	pthread_barrier_t looked, changed;
	bool intact;
};

static void *stalled_reader(void *arg)
{
	struct stall *s = arg;
	char text[64];
	struct slice impu = impu_of(text, 1, 0);
	uint32_t index;

	rcu_register_thread();
	const struct registration *r =
		table_find_impu(s->t, impu, table_hash_impu(s->t, impu), &index);
	pthread_barrier_wait(&s->looked);
	pthread_barrier_wait(&s->changed);
	/* Replaced many times since; but this thread has not been quiescent. */
	s->intact = r && number_of(r) == 1;
	rcu_unregister_thread();
	return NULL;
}

static void stalled_reader_keeps_what_it_found(void **state)
{
	struct stall s = {
		.t = tables_create(&(struct tables_size){10, 10}, &(struct hash_key){1, 2})};
	pthread_t thread;

	pthread_barrier_init(&s.looked, NULL, 2);
	pthread_barrier_init(&s.changed, NULL, 2);
	put(s.t, 1, 1, 0, 1);
	assert_int_equal(pthread_create(&thread, NULL, stalled_reader, &s), 0);
	pthread_barrier_wait(&s.looked);
	/* Fewer than are kept: the writer is not held up either. */
	for (uint64_t n = 2; n < STALLED_PUTS; n++)
		put(s.t, 1, n, 0, 1);
	pthread_barrier_wait(&s.changed);
	pthread_join(thread, NULL);
	assert_true(s.intact);
	tables_destroy(s.t);
	pthread_barrier_destroy(&s.looked);
	pthread_barrier_destroy(&s.changed);
}

static int writer_register(void **state)
{
	rcu_register_thread();
	return 0;
}

static int writer_unregister(void **state)
{
	rcu_unregister_thread();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_see_whole_states_only),
		cmocka_unit_test(stalled_reader_keeps_what_it_found),
	};

	return cmocka_run_group_tests(tests, writer_register, writer_unregister);
}
