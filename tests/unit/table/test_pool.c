/* test_pool.c - the arena: sizes, reuse, exhaustion, and pages that change class */
#include "../abi/random.h"
#include "table/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ARENA = 4 << 20, OBJECTS = 4000 };

struct held {
	uint8_t *at;
	uint32_t size;
	uint8_t fill;
};

static void held_assert(const struct held *h)
{
	for (uint32_t i = 0; i < h->size; i++)
		assert_int_equal(h->at[i], h->fill);
}

/* Objects of all sizes come and go; none overlaps another, or the fills would show it. */
static void objects_do_not_overlap(void **state)
{
	static struct held held[OBJECTS];
	struct pool p;
	uint64_t rnd = 3;
	uint32_t refused = 0;

	assert_true(pool_create(&p, ARENA));
	for (int i = 0; i < 60000; i++) {
		struct held *h = &held[random_next(&rnd) % OBJECTS];

		if (h->at) {
			held_assert(h);
			pool_free(&p, h->at);
			h->at = NULL;
			continue;
		}
		h->size = random_next(&rnd) % 20 ? 1 + random_next(&rnd) % 1500
						 : 1 + random_next(&rnd) % POOL_OBJECT_MAX;
		h->fill = (uint8_t)random_next(&rnd);
		h->at = pool_alloc(&p, h->size);
		if (!h->at) {
			refused++;
			continue;
		}
		assert_int_equal((uintptr_t)h->at % 16, 0);
		assert_true(h->at >= p.arena && h->at + h->size <= p.arena + p.size);
		memset(h->at, h->fill, h->size);
	}
	assert_true(refused > 0); /* it was full at times */
	for (int i = 0; i < OBJECTS; i++) {
		if (!held[i].at)
			continue;
		held_assert(&held[i]);
		pool_free(&p, held[i].at);
	}
	assert_int_equal(pool_used(&p), 0);
	pool_destroy(&p);
}

static uint32_t fill(struct pool *p, uint32_t size, void **first)
{
	uint32_t n = 0;
	void *at;

	*first = NULL;
	while ((at = pool_alloc(p, size)) != NULL) {
		memcpy(at, first, sizeof(*first));
		*first = at;
		n++;
	}
	return n;
}

static void drain(struct pool *p, void *first)
{
	while (first) {
		void *next;

		memcpy(&next, first, sizeof(next));
		pool_free(p, first);
		first = next;
	}
}

/* Every size fills the whole arena, whatever filled it before: pages go back. */
static void no_class_keeps_its_pages(void **state)
{
	static const uint32_t sizes[] = {432, 16, 1024, 1025, 32768, 64, 20000, 432};
	struct pool p;

	assert_true(pool_create(&p, ARENA));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		void *first;
		uint32_t n = fill(&p, sizes[i], &first);

		/* Under one class above its size, and the end of each page: 3/4 is the worst.
		 */
		assert_true((uint64_t)n * sizes[i] >= p.size / 4 * 3);
		assert_int_equal(pool_used(&p), p.size);
		drain(&p, first);
		assert_int_equal(pool_used(&p), 0);
	}
	pool_destroy(&p);
}

static void size_is_rounded_up_little(void **state)
{
	struct pool p;

	assert_true(pool_create(&p, 1));
	for (uint32_t size = 1; size <= POOL_OBJECT_MAX; size += size < 1100 ? 1 : 97) {
		uint8_t *a = pool_alloc(&p, size), *b = pool_alloc(&p, size);

		assert_true(a && b);
		uint32_t apart = (uint32_t)(b > a ? b - a : a - b);
		assert_true(apart >= size);
		assert_true(apart <= (size <= POOL_SMALL_MAX ? size + 15 : size + size / 4));
		pool_free(&p, a);
		pool_free(&p, b);
	}
	pool_destroy(&p);
}

static void impossible_size_is_no_arena(void **state)
{
	struct pool p;

	assert_false(pool_create(&p, 0));
	assert_false(pool_create(&p, UINT64_MAX - (4 << 20)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_do_not_overlap),
		cmocka_unit_test(no_class_keeps_its_pages),
		cmocka_unit_test(size_is_rounded_up_little),
		cmocka_unit_test(impossible_size_is_no_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
