/* idle.c - how long a worker sleeps after how many empty turns */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/idle.h"

static void test_sleep_grows_and_ends(void **state)
{
	uint32_t before = 0;

	for (uint32_t n = 0; n < IDLE_SPINS; n++)
		assert_int_equal(idle_sleep_ns(n), 0);
	assert_int_equal(idle_sleep_ns(IDLE_SPINS), IDLE_MIN_NS);
	for (uint32_t n = IDLE_SPINS; n < 1000; n++) {
		uint32_t ns = idle_sleep_ns(n);

		assert_true(ns >= before);
		assert_in_range(ns, IDLE_MIN_NS, IDLE_MAX_NS);
		before = ns;
	}
	assert_int_equal(before, IDLE_MAX_NS);
	assert_int_equal(idle_sleep_ns(UINT32_MAX), IDLE_MAX_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sleep_grows_and_ends)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
