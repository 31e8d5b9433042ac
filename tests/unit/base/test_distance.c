/* test_distance.c - how far words are from each other */
#include "base/distance.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
	const char *a, *b;
	uint32_t far;
} row[] = {
	{"", "", 0},
	{"", "abc", 3},
	{"workers", "workers", 0},
	{"workrs", "workers", 1},
	{"worksers", "workers", 1},
	{"wprkers", "workers", 1},
	{"kitten", "sitting", 3},
	{"ab", "ba", 2},
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct slice a = slice_str(row[i].a), b = slice_str(row[i].b);

		assert_int_equal(slice_distance(a, b), row[i].far);
		assert_int_equal(slice_distance(b, a), row[i].far);
	}
}

static void test_long_words(void **state)
{
	uint8_t word[DISTANCE_WORD_MAX + 1] = {0};

	assert_int_equal(slice_distance(slice_of(word, DISTANCE_WORD_MAX), SLICE("")),
			 DISTANCE_WORD_MAX);
	assert_int_equal(slice_distance(slice_of(word, sizeof(word)), SLICE("")), UINT32_MAX);
	assert_int_equal(slice_distance(SLICE(""), slice_of(word, sizeof(word))), UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_long_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
