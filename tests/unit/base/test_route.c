/* test_route.c - the longest prefix wins, whatever the order of the configuration */
#include "base/route.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct addr ip(const char *text)
{
	struct addr a;

	assert_true(addr_parse_ip(slice_str(text), &a));
	return a;
}

static void add(struct route_table *t, const char *prefix, uint8_t bits, uint8_t port)
{
	struct route r = {.prefix = ip(prefix), .bits = bits, .port = port};

	assert_true(route_add(t, &r));
}

static int port_to(const struct route_table *t, const char *to)
{
	struct addr a = ip(to);
	const struct route *r = route_find(t, &a);

	return r ? r->port : -1;
}

static void test_longest_prefix(void **state)
{
	struct route_table t = {0};

	assert_int_equal(port_to(&t, "10.0.0.1"), -1);
	add(&t, "10.0.0.0", 8, 1);
	add(&t, "0.0.0.0", 0, 2);
	add(&t, "10.1.2.3", 32, 3);
	add(&t, "10.1.0.0", 17, 4);
	add(&t, "2001:db8::", 33, 5);
	assert_int_equal(port_to(&t, "10.2.0.1"), 1);
	assert_int_equal(port_to(&t, "192.0.2.1"), 2);
	assert_int_equal(port_to(&t, "10.1.2.3"), 3);
	assert_int_equal(port_to(&t, "10.1.127.255"), 4);
	assert_int_equal(port_to(&t, "10.1.128.0"), 1);
	assert_int_equal(port_to(&t, "2001:db8:7fff::1"), 5);
	assert_int_equal(port_to(&t, "2001:db8:8000::1"), -1);
}

static void test_first_of_equal(void **state)
{
	struct route_table t = {0};

	add(&t, "10.0.0.0", 24, 1);
	add(&t, "10.0.0.0", 24, 2);
	assert_int_equal(port_to(&t, "10.0.0.9"), 1);
}

static void test_full(void **state)
{
	struct route_table t = {0};
	struct route r = {.prefix = ip("10.0.0.0"), .bits = 8};
	uint32_t n = 0;

	while (route_add(&t, &r))
		n++;
	assert_int_equal(n, sizeof(t.route) / sizeof(t.route[0]));
	for (n = 0; route_add_local(&t, &r.prefix, 0, false); n++)
		;
	assert_int_equal(n, PORTS_MAX * ADDRESSES_MAX);
}

static void test_local(void **state)
{
	struct route_table t = {0};
	struct addr a = ip("10.0.0.1"), b = ip("::1"), asked = a;

	a.port = 5060;
	assert_true(route_add_local(&t, &a, 1, true));
	assert_true(route_add_local(&t, &b, 2, false));
	asked.port = 5080;
	assert_int_equal(route_local(&t, &asked), 0);
	assert_int_equal(route_local(&t, &b), 1);
	assert_int_equal(t.local[0].port, 0);
	asked = ip("10.0.0.2");
	assert_int_equal(route_local(&t, &asked), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_longest_prefix),
		cmocka_unit_test(test_first_of_equal),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
