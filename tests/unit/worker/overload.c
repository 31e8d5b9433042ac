/* overload.c - how much is let go, and what */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/overload.h"

static void windows(struct overload *o, uint32_t n, uint32_t full_of_four)
{
	for (uint32_t i = 0; i < n * OVERLOAD_WINDOW; i++)
		overload_note(o, i % 4 < full_of_four);
}

static void test_steps(void **state)
{
	struct overload o = {0};

	windows(&o, 10, 3); /* busy, and not behind */
	assert_int_equal(o.level, 0);
	windows(&o, 3, 4);
	assert_int_equal(o.level, 3);
	assert_int_equal(overload_refused(&o), 3);
	windows(&o, 5, 3);
	assert_int_equal(o.level, 3);
	windows(&o, 2, 1);
	assert_int_equal(o.level, 1);
	windows(&o, 9, 0);
	assert_int_equal(o.level, 0);
	windows(&o, 100, 4);
	assert_int_equal(o.level, OVERLOAD_LEVEL_MAX);
	assert_int_equal(overload_refused(&o), OVERLOAD_SHARES);
}

static uint32_t dropped(struct overload *o, struct slice message)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < 16 * OVERLOAD_SHARES; i++)
		n += overload_drops(o, message);
	return n;
}

static void test_drops(void **state)
{
	struct overload o = {.level = OVERLOAD_SHARES};

	assert_int_equal(dropped(&o, SLICE("INVITE sip:a@b SIP/2.0")), 0);
	o.level = OVERLOAD_SHARES + 5;
	assert_int_equal(dropped(&o, SLICE("INVITE sip:a@b SIP/2.0")), 16 * 5);
	assert_int_equal(dropped(&o, SLICE("REGISTER sip:b SIP/2.0")), 16 * 5);
	o.level = OVERLOAD_LEVEL_MAX;
	assert_int_equal(dropped(&o, SLICE("MESSAGE sip:a@b SIP/2.0")), 16 * 16);
	assert_int_equal(dropped(&o, SLICE("INVITE")), 0);
	assert_int_equal(dropped(&o, SLICE("BYE sip:a@b SIP/2.0")), 0);
	assert_int_equal(dropped(&o, SLICE("ACK sip:a@b SIP/2.0")), 0);
	assert_int_equal(dropped(&o, SLICE("SIP/2.0 200 OK")), 0);
	assert_int_equal(dropped(&o, SLICE("")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_steps),
					   cmocka_unit_test(test_drops)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
