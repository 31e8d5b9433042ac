/* test_ring.c - the ring in one process: order, wrapping, sleeping, and a lying other side */
#include "abi/ring.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

enum { SIZE = 131072, PAGE = 4096 };

/* A ring whose last octet lies before a page that may not be touched. */
static struct abi_ring *ring_make(void)
{
	uint64_t span = (ring_bytes(SIZE) + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	uint8_t *map = mmap(NULL, span + PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(mprotect(map + span, PAGE, PROT_NONE), 0);
	struct abi_ring *r = (struct abi_ring *)(map + span - ring_bytes(SIZE));
	ring_create(r, SIZE);
	return r;
}

static void ring_unmake(struct abi_ring *r)
{
	uint64_t span = (ring_bytes(SIZE) + PAGE - 1) & ~(uint64_t)(PAGE - 1);

	munmap((uint8_t *)r + ring_bytes(SIZE) - span, span + PAGE);
}

struct both {
	struct abi_ring *shared;
	struct ring p, c;
};

static struct both both_make(void)
{
	struct both b = {.shared = ring_make()};

	assert_true(ring_attach_producer(&b.p, b.shared, SIZE));
	assert_true(ring_attach_consumer(&b.c, b.shared, SIZE));
	return b;
}

static void record_fill(uint8_t *to, uint32_t len, uint8_t seed)
{
	for (uint32_t i = 0; i < len; i++)
		to[i] = (uint8_t)(seed + i * 7);
}

static void record_assert(struct slice r, uint32_t len, uint8_t seed)
{
	assert_non_null(r.p);
	assert_int_equal(r.len, len);
	assert_int_equal((uintptr_t)r.p % 8, 0);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(r.p[i], (uint8_t)(seed + i * 7));
}

static void records_come_in_order(void **state)
{
	struct both b = both_make();
	uint64_t rnd = 1;
	uint32_t len[64];
	uint8_t seed = 0;

	for (int round = 0; round < 4000; round++) {
		uint32_t n = 0;

		while (n < 64) {
			len[n] = random_next(&rnd) % 16
					 ? 1 + random_next(&rnd) % 300
					 : 1 + random_next(&rnd) % RING_RECORD_MAX;
			uint8_t *to = ring_reserve(&b.p, len[n]);

			if (!to)
				break;
			record_fill(to, len[n], (uint8_t)(seed + n));
			assert_false(ring_commit(&b.p));
			n++;
		}
		assert_true(n > 0);
		for (uint32_t i = 0; i < n; i++) {
			record_assert(ring_peek(&b.c), len[i], (uint8_t)(seed + i));
			/* To look twice shows the same. */
			record_assert(ring_peek(&b.c), len[i], (uint8_t)(seed + i));
			ring_release(&b.c);
		}
		assert_null(ring_peek(&b.c).p);
		assert_int_equal(ring_used(&b.p), 0);
		seed++;
	}
	assert_true(b.p.head > 4 * (uint64_t)SIZE); /* it did wrap */
	assert_false(ring_broken(&b.p) || ring_broken(&b.c));
	ring_unmake(b.shared);
}

static void lengths_out_of_bounds_find_no_room(void **state)
{
	struct both b = both_make();

	assert_null(ring_reserve(&b.p, 0));
	assert_null(ring_reserve(&b.p, RING_RECORD_MAX + 1));
	assert_null(ring_reserve(&b.p, UINT32_MAX));
	assert_non_null(ring_reserve(&b.p, RING_RECORD_MAX));
	assert_false(ring_broken(&b.p));
	ring_unmake(b.shared);
}

static void full_ring_takes_no_more_and_loses_nothing(void **state)
{
	struct both b = both_make();
	uint8_t record[1000];
	uint32_t n = 0;
	bool wake;

	record_fill(record, sizeof(record), 3);
	while (ring_push(&b.p, slice_of(record, sizeof(record)), &wake))
		n++;
	assert_int_equal(n, SIZE / 1008);
	assert_int_equal(ring_used(&b.c), n * 1008);
	record_assert(ring_peek(&b.c), 1000, 3);
	assert_false(ring_push(&b.p, slice_of(record, sizeof(record)), &wake));
	ring_release(&b.c);
	/* One record's room is free, but the end of the ring comes before: padding needs room
	 * too. */
	while (n-- > 1) {
		record_assert(ring_peek(&b.c), 1000, 3);
		ring_release(&b.c);
	}
	assert_null(ring_peek(&b.c).p);
	assert_true(ring_push(&b.p, slice_of(record, sizeof(record)), &wake));
	record_assert(ring_peek(&b.c), 1000, 3);
	ring_unmake(b.shared);
}

static void what_is_not_committed_is_not_seen(void **state)
{
	struct both b = both_make();

	record_fill(ring_reserve(&b.p, 40), 40, 1);
	assert_null(ring_peek(&b.c).p);
	record_fill(ring_reserve(&b.p, 20), 20, 2);
	ring_commit(&b.p);
	/* A second commit has nothing to commit. */
	assert_false(ring_commit(&b.p));
	record_assert(ring_peek(&b.c), 20, 2);
	ring_release(&b.c);
	ring_release(&b.c);
	assert_null(ring_peek(&b.c).p);
	assert_int_equal(ring_used(&b.c), 0);
	ring_unmake(b.shared);
}

static void sleeper_is_woken_once(void **state)
{
	struct both b = both_make();
	bool wake;

	assert_true(ring_sleep(&b.c));
	assert_true(ring_push(&b.p, SLICE("a"), &wake));
	assert_true(wake);
	assert_true(ring_push(&b.p, SLICE("b"), &wake));
	assert_false(wake);
	/* With records waiting it may not sleep, and leaves no request behind. */
	assert_false(ring_sleep(&b.c));
	assert_true(ring_push(&b.p, SLICE("c"), &wake));
	assert_false(wake);
	ring_unmake(b.shared);
}

static void new_owner_goes_on_where_the_old_stood(void **state)
{
	struct both b = both_make();
	struct ring p, c;
	bool wake;

	assert_true(ring_push(&b.p, SLICE("first"), &wake));
	assert_true(ring_push(&b.p, SLICE("second"), &wake));
	ring_peek(&b.c);
	ring_release(&b.c);
	assert_true(ring_attach_producer(&p, b.shared, SIZE));
	assert_true(ring_attach_consumer(&c, b.shared, SIZE));
	assert_true(ring_push(&p, SLICE("third"), &wake));
	assert_true(slice_eq(ring_peek(&c), SLICE("second")));
	ring_release(&c);
	assert_true(slice_eq(ring_peek(&c), SLICE("third")));
	ring_unmake(b.shared);
}

static void unsound_ring_is_not_attached(void **state)
{
	struct both b = both_make();
	struct ring r;

	assert_false(ring_attach_consumer(&r, b.shared, SIZE * 2));
	assert_true(ring_broken(&r));
	assert_false(ring_attach_consumer(&r, b.shared, SIZE - 8));
	b.shared->size = SIZE * 2;
	assert_false(ring_attach_producer(&r, b.shared, SIZE));
	b.shared->size = SIZE;
	atomic_store(&b.shared->head, SIZE + 8);
	assert_false(ring_attach_producer(&r, b.shared, SIZE));
	atomic_store(&b.shared->head, 4);
	assert_false(ring_attach_producer(&r, b.shared, SIZE));
	atomic_store(&b.shared->head, 0);
	atomic_store(&b.shared->tail, 8);
	assert_false(ring_attach_consumer(&r, b.shared, SIZE));
	assert_null(ring_peek(&r).p);
	ring_unmake(b.shared);
}

/* The consumer has read one record of 100 octets, up to position 112. */
static void head_that_cannot_be_breaks_the_consumer(void **state)
{
	static const uint64_t heads[] = {1,
					 4,
					 107,
					 108,
					 0,
					 SIZE + 112 + 8,
					 UINT64_MAX,
					 UINT64_MAX - 7,
					 (uint64_t)1 << 63,
					 SIZE * 4};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct both b = both_make();
		uint8_t record[100] = {0};
		bool wake;

		assert_true(ring_push(&b.p, slice_of(record, sizeof(record)), &wake));
		assert_int_equal(ring_peek(&b.c).len, 100);
		ring_release(&b.c);
		atomic_store(&b.shared->head, heads[i]);
		assert_null(ring_peek(&b.c).p);
		assert_true(ring_broken(&b.c));
		/* For good: */
		atomic_store(&b.shared->head, 112);
		assert_null(ring_peek(&b.c).p);
		assert_true(ring_sleep(&b.c));
		ring_unmake(b.shared);
	}
}

static void tail_that_cannot_be_breaks_the_producer(void **state)
{
	static const uint64_t tails[] = {1,     7, SIZE + 8, UINT64_MAX - 7, (uint64_t)1 << 62,
					 131071};

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		struct both b = both_make();
		uint8_t record[1000] = {0};
		bool wake;

		while (ring_push(&b.p, slice_of(record, sizeof(record)), &wake))
			;
		assert_false(ring_broken(&b.p));
		atomic_store(&b.shared->tail, tails[i]);
		assert_null(ring_reserve(&b.p, 1000));
		assert_true(ring_broken(&b.p));
		atomic_store(&b.shared->tail, 1008);
		assert_null(ring_reserve(&b.p, 8));
		ring_unmake(b.shared);
	}
}

/* Also a tail that goes back: what was given to us as free may not be taken again. */
static void tail_that_goes_back_breaks_the_producer(void **state)
{
	struct both b = both_make();
	uint8_t record[1000] = {0};
	bool wake;

	while (ring_push(&b.p, slice_of(record, sizeof(record)), &wake))
		;
	atomic_store(&b.shared->tail, 2016);
	while (ring_push(&b.p, slice_of(record, sizeof(record)), &wake))
		;
	assert_false(ring_broken(&b.p));
	atomic_store(&b.shared->tail, 1008);
	assert_null(ring_reserve(&b.p, 1000));
	assert_true(ring_broken(&b.p));
	ring_unmake(b.shared);
}

static void word_that_lies_breaks_the_consumer(void **state)
{
	const uint64_t record = (uint64_t)0x5265c0de << 32,
		       padding = (uint64_t)0x50adf111 << 32;
	const uint64_t words[] = {
		record | 0,
		record | 113,
		record | RING_RECORD_MAX,
		record | (RING_RECORD_MAX + 1),
		record | UINT32_MAX,
		record | 0x80000000,
		padding | 8,
		padding | SIZE,
		padding | UINT32_MAX,
		padding,
		0,
		UINT64_MAX,
		100,
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct both b = both_make();
		uint8_t text[100] = {0};
		bool wake;

		assert_true(ring_push(&b.p, slice_of(text, sizeof(text)), &wake));
		memcpy(b.shared->data, &words[i], 8);
		assert_null(ring_peek(&b.c).p);
		assert_true(ring_broken(&b.c));
		ring_unmake(b.shared);
	}
}

/* The length is taken once: changing it after the look moves nothing. */
static void word_changed_after_peek_changes_nothing(void **state)
{
	struct both b = both_make();
	bool wake;

	assert_true(ring_push(&b.p, SLICE("one"), &wake));
	assert_true(ring_push(&b.p, SLICE("two"), &wake));
	assert_int_equal(ring_peek(&b.c).len, 3);
	memset(b.shared->data, 0xff, 8);
	ring_release(&b.c);
	assert_true(slice_eq(ring_peek(&b.c), SLICE("two")));
	ring_unmake(b.shared);
}

/* Random octets in random places of the shared memory: an answer or a broken ring, and no
 * fault; every record shown lies inside the ring, whose end is guarded. */
static void random_corruption_never_faults(void **state)
{
	uint64_t rnd = 42;
	uint32_t broken = 0;

	struct abi_ring *shared = ring_make();

	for (int round = 0; round < 20000; round++) {
		struct ring p, c;
		uint8_t text[64] = {0};
		uint64_t start = random_next(&rnd) % (2 * SIZE) & ~7ull;
		uint32_t sum = 0;
		bool wake;

		atomic_store(&shared->head, start);
		atomic_store(&shared->tail, start);
		assert_true(ring_attach_producer(&p, shared, SIZE));
		assert_true(ring_attach_consumer(&c, shared, SIZE));
		for (int i = 0; i < 8; i++)
			ring_push(&p, slice_of(text, 1 + random_next(&rnd) % 64), &wake);
		for (int i = 0; i < 3; i++) {
			uint64_t at =
				random_next(&rnd) % 8 ? start + random_next(&rnd) % 512 : 0;

			if (at)
				shared->data[at & (SIZE - 1)] = (uint8_t)random_next(&rnd);
			else
				atomic_fetch_xor(&shared->head, 1ull << random_next(&rnd) % 64);
		}
		for (int i = 0; i < 12; i++) {
			struct slice s = ring_peek(&c);

			if (!s.p)
				break;
			for (uint32_t j = 0; j < s.len; j++)
				sum += s.p[j];
			assert_true(s.p >= shared->data && s.p + s.len <= shared->data + SIZE);
			ring_release(&c);
		}
		broken += ring_broken(&c);
		(void)sum;
	}
	assert_true(broken > 1000);
	ring_unmake(shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_in_order),
		cmocka_unit_test(lengths_out_of_bounds_find_no_room),
		cmocka_unit_test(full_ring_takes_no_more_and_loses_nothing),
		cmocka_unit_test(what_is_not_committed_is_not_seen),
		cmocka_unit_test(sleeper_is_woken_once),
		cmocka_unit_test(new_owner_goes_on_where_the_old_stood),
		cmocka_unit_test(unsound_ring_is_not_attached),
		cmocka_unit_test(head_that_cannot_be_breaks_the_consumer),
		cmocka_unit_test(tail_that_cannot_be_breaks_the_producer),
		cmocka_unit_test(tail_that_goes_back_breaks_the_producer),
		cmocka_unit_test(word_that_lies_breaks_the_consumer),
		cmocka_unit_test(word_changed_after_peek_changes_nothing),
		cmocka_unit_test(random_corruption_never_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
