/* test_index.c - the hash table against a plain list, and readers against its writer */
#include "../abi/random.h"
#include "table/index.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <urcu-qsbr.h>

#include <cmocka.h>

enum { LINES = 512, ENTRIES = 400, HASHES = 12 };

/* Further lines, taken and given back as the pool would. */
struct stock {
	struct index_line *memory, *line[LINES];
	uint32_t n;
};

static void stock_make(struct stock *s)
{
	s->memory = aligned_alloc(INDEX_LINE, LINES * sizeof(*s->memory));
	/* Not zeros: what is given out must be cleared by who takes it. */
	memset((void *)s->memory, 0x5a, LINES * sizeof(*s->memory));
	for (s->n = 0; s->n < LINES; s->n++)
		s->line[s->n] = &s->memory[s->n];
}

static void stock_insert(struct stock *s, struct index *x, uint64_t hash, uint64_t entry)
{
	assert_true(s->n > 0);
	if (index_insert(x, hash, entry, s->line[s->n - 1]))
		s->n--;
}

static void stock_remove(struct stock *s, struct index *x, uint64_t hash, uint64_t entry)
{
	struct index_line *line = index_remove(x, hash, entry);

	if (line)
		synchronize_rcu();
	while (line) {
		struct index_line *next = atomic_load(&line->next);

		s->line[s->n++] = line;
		line = next;
	}
}

/* How often this word is found under the hash. */
static uint32_t times_found(const struct index *x, uint64_t hash, uint64_t entry)
{
	struct index_at at;
	uint32_t n = 0;

	for (uint64_t e = index_first(x, hash, &at); e; e = index_next(&at))
		n += e == entry;
	return n;
}

static uint32_t count_found(const struct index *x, uint64_t hash)
{
	struct index_at at;
	uint32_t n = 0;

	for (uint64_t e = index_first(x, hash, &at); e; e = index_next(&at))
		n++;
	return n;
}

/* The plain twin of the comparison. */
static uint32_t hits_plain(const struct index_line *line, uint32_t tag)
{
	uint32_t hits = 0;

	for (uint32_t i = 0; i < INDEX_LINE_ENTRIES; i++)
		hits |= (uint32_t)(atomic_load(&line->entry[i]) >> INDEX_TAG_SHIFT == tag) << i;
	return hits;
}

static void tags_are_compared_as_one_by_one(void **state)
{
	struct index_line line;
	uint64_t rnd = 3;

	for (int n = 0; n < 200000; n++) {
		uint64_t hash = random_next(&rnd);
		uint32_t tag = index_tag(hash);
		uint64_t near = index_entry(hash, (uint32_t)random_next(&rnd), (uint8_t)n);

		for (uint32_t i = 0; i < INDEX_LINE_ENTRIES; i++) {
			uint64_t e = random_next(&rnd);

			/* The same tag, one bit beside it, the tag in the wrong place, none. */
			switch (e % 5) {
			case 0:
				e = near;
				break;
			case 1:
				e = near ^ 1ull << (INDEX_TAG_SHIFT + e / 8 % 24);
				break;
			case 2:
				e = tag;
				break;
			case 3:
				e = 0;
				break;
			}
			atomic_store(&line.entry[i], e);
		}
		/* The link is no entry, whatever address it is. */
		atomic_store(&line.next, (struct index_line *)(uintptr_t)near);
		assert_int_equal(index_hits(&line, tag), hits_plain(&line, tag));
	}
	assert_int_equal(index_tag(0xff000000), 1);
}

struct listed {
	uint64_t hash, entry; /* entry 0: not entered */
};

/* The table cannot tell these two apart: its caller does. */
static bool are_alike(const struct index *x, uint64_t a, uint64_t b)
{
	return index_line(x, a) == index_line(x, b) && index_tag(a) == index_tag(b);
}

static void list_assert(const struct index *x, const struct listed list[ENTRIES],
			const uint64_t hash[HASHES])
{
	for (uint32_t h = 0; h < HASHES; h++) {
		uint32_t n = 0;

		for (uint32_t i = 0; i < ENTRIES; i++) {
			if (!list[i].entry || !are_alike(x, list[i].hash, hash[h]))
				continue;
			n++;
			assert_int_equal(times_found(x, hash[h], list[i].entry), 1);
		}
		assert_int_equal(count_found(x, hash[h]), n);
	}
}

/* Few hashes and many entries: nearly all of them are duplicates. */
static void list_hashes(uint64_t hash[HASHES], uint64_t *rnd)
{
	for (uint32_t h = 0; h < HASHES; h++)
		hash[h] = random_next(rnd);
	hash[1] = hash[0] ^ 1ull << 40; /* other bucket or not: the same tag */
	hash[2] = 0;
	hash[3] = UINT64_MAX;
}

static void list_step(struct index *x, struct stock *s, struct listed *l, uint64_t hash,
		      uint64_t what, uint32_t ref)
{
	if (!l->entry) {
		*l = (struct listed){hash, index_entry(hash, ref, (uint8_t)what)};
		stock_insert(s, x, hash, l->entry);
	} else if (what % 3 == 0) {
		uint64_t to = index_entry(l->hash, ref, (uint8_t)what);

		index_replace(x, l->hash, l->entry, to);
		l->entry = to;
	} else {
		stock_remove(s, x, l->hash, l->entry);
		l->entry = 0;
	}
}

static void index_does_what_the_list_does(void **state)
{
	static struct listed list[ENTRIES];
	uint64_t hash[HASHES], rnd = 7;
	struct stock s;
	struct index x;

	stock_make(&s);
	assert_true(index_create(&x, 20));
	list_hashes(hash, &rnd);
	list_assert(&x, list, hash);
	for (uint32_t step = 0; step < 6000; step++) {
		struct listed *l = &list[random_next(&rnd) % ENTRIES];

		list_step(&x, &s, l, hash[random_next(&rnd) % HASHES], random_next(&rnd), step);
		if (step % 20 == 0)
			list_assert(&x, list, hash);
	}
	/* No line is kept for what has left. */
	assert_true(s.n < LINES - 20);
	for (uint32_t i = 0; i < ENTRIES; i++)
		if (list[i].entry)
			stock_remove(&s, &x, list[i].hash, list[i].entry);
	assert_int_equal(s.n, LINES);
	for (uint32_t h = 0; h < HASHES; h++)
		assert_int_equal(count_found(&x, hash[h]), 0);
	index_destroy(&x);
	free(s.memory);
}

/* Going through, with every third removed on the way, meets each entry once. */
static void walk_meets_each_once(void **state)
{
	static uint8_t met[ENTRIES];
	static uint64_t hash[ENTRIES];
	struct index_place place = {0};
	uint64_t rnd = 8, entry;
	uint32_t n = 0, pauses = 0;
	struct stock s;
	struct index x;

	stock_make(&s);
	assert_true(index_create(&x, 60));
	for (uint32_t i = 0; i < ENTRIES; i++) {
		hash[i] = random_next(&rnd);
		stock_insert(&s, &x, hash[i], index_entry(hash[i], i, 0));
	}
	while (!index_at_end(&x, &place)) {
		/* Bounded: one bucket a call. */
		entry = index_walk(&x, &place, 1);
		if (!entry) {
			pauses++;
			continue;
		}
		uint32_t i = index_ref(entry);
		assert_int_equal(met[i]++, 0);
		if (n++ % 3 == 0)
			stock_remove(&s, &x, hash[i], entry);
	}
	assert_int_equal(n, ENTRIES);
	assert_int_equal(pauses, x.n);
	assert_int_equal(index_walk(&x, &place, x.n), 0);
	index_destroy(&x);
	free(s.memory);
}

/* What the table is too large for is refused, not cut. */
static void size_is_bounded(void **state)
{
	struct index x;

	assert_false(index_create(&x, UINT64_MAX));
}

enum { STEADY = 24, PASSING = 200, WRITES = 300000 };

/* All in two buckets; the steady ones are replaced and never gone, the others come and go. Half
 * of them share the steady ones' hashes. */
struct race {
	struct index x;
	atomic_bool stop;
	atomic_ullong looks, missing, torn;
};

static uint64_t race_hash(uint32_t i)
{
	uint64_t z = i % 40;

	return random_next(&z);
}

/* Whole words show their number twice. */
static uint64_t race_entry(uint32_t i, uint32_t number)
{
	return index_entry(race_hash(i), number << 9 | i, (uint8_t)(number * 31 + i));
}

static bool race_is_whole(uint64_t entry)
{
	uint32_t ref = index_ref(entry), i = ref & 511, number = ref >> 9;

	return i < STEADY + PASSING && entry == race_entry(i, number);
}

static void race_look(struct race *r, uint32_t i, uint64_t *missing, uint64_t *torn)
{
	struct index_at at;
	bool found = false;

	for (uint64_t e = index_first(&r->x, race_hash(i), &at); e; e = index_next(&at)) {
		*torn += !race_is_whole(e);
		found |= (index_ref(e) & 511) == i;
	}
	*missing += !found;
}

static void *race_reader(void *arg)
{
	struct race *r = arg;
	uint64_t looks = 0, missing = 0, torn = 0;

	rcu_register_thread();
	while (!atomic_load(&r->stop)) {
		for (uint32_t i = 0; i < STEADY; i++)
			race_look(r, i, &missing, &torn);
		looks += STEADY;
		rcu_quiescent_state();
	}
	rcu_unregister_thread();
	atomic_fetch_add(&r->looks, looks);
	atomic_fetch_add(&r->missing, missing);
	atomic_fetch_add(&r->torn, torn);
	return NULL;
}

static void race_write(struct race *r, struct stock *s)
{
	static uint64_t now[STEADY + PASSING];
	uint64_t rnd = 5;

	for (uint32_t n = 1; n < WRITES; n++) {
		uint32_t i = (uint32_t)(random_next(&rnd) % (STEADY + PASSING));
		uint64_t to = race_entry(i, n);

		if (n == 1)
			for (uint32_t j = 0; j < STEADY; j++)
				now[j] = race_entry(j, 0);
		if (i >= STEADY && now[i]) {
			stock_remove(s, &r->x, race_hash(i), now[i]);
			to = 0;
		} else if (now[i]) {
			index_replace(&r->x, race_hash(i), now[i], to);
		} else {
			stock_insert(s, &r->x, race_hash(i), to);
		}
		now[i] = to;
		if (n % 64 == 0)
			rcu_quiescent_state();
	}
}

static void readers_find_what_stays(void **state)
{
	struct race r = {0};
	pthread_t thread[2];
	struct stock s;

	stock_make(&s);
	assert_true(index_create(&r.x, 5));
	assert_int_equal(r.x.n, 2);
	for (uint32_t i = 0; i < STEADY; i++)
		stock_insert(&s, &r.x, race_hash(i), race_entry(i, 0));
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, race_reader, &r), 0);
	race_write(&r, &s);
	atomic_store(&r.stop, true);
	rcu_thread_offline();
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	rcu_thread_online();
	print_message("%llu looks\n", (unsigned long long)r.looks);
	assert_true(r.looks > 10000);
	assert_int_equal(r.missing, 0);
	assert_int_equal(r.torn, 0);
	index_destroy(&r.x);
	free(s.memory);
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
		cmocka_unit_test(tags_are_compared_as_one_by_one),
		cmocka_unit_test(index_does_what_the_list_does),
		cmocka_unit_test(walk_meets_each_once),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(readers_find_what_stays),
	};

	return cmocka_run_group_tests(tests, writer_register, writer_unregister);
}
