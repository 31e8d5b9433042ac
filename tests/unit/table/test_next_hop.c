/* test_next_hop.c - ways out of the network: found, changed, taken away, bounded, swept */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <urcu-qsbr.h>

#include <cmocka.h>

#include "table/next_hop.h"
#include "table/registration.h"

static int start(void **state)
{
	*state = tables_create(&(struct tables_size){1000, 1000}, &(struct hash_key){1, 2});
	return *state ? 0 : -1;
}

static int stop(void **state)
{
	tables_destroy(*state);
	return 0;
}

static int put(struct tables *t, const char *to, uint8_t last, uint32_t n)
{
	struct abi_route_view v = {.to = slice_str(to),
				   .kind = ABI_ROUTE_PROXY,
				   .uri = SLICE("sip:proxy.example"),
				   .expires_ms = 1000,
				   .n_addr = n};

	for (uint32_t i = 0; i < n; i++)
		v.addr[i] = (struct addr){
			.ip = {10, 0, 0, (uint8_t)(last + i)}, .port = 5060, .family = 4};
	return table_put_next_hop(t, &v);
}

static int last_of(const struct table_next_hop *h)
{
	return h ? h->addr[0].ip[3] : -1;
}

static int domain(struct tables *t, const char *to)
{
	return last_of(table_find_next_hop(t, slice_str(to)));
}

static int number(struct tables *t, const char *to)
{
	return last_of(table_find_number(t, slice_str(to)));
}

static void found_changed_and_gone(void **state)
{
	struct tables *t = *state;
	const struct table_next_hop *h;

	assert_int_equal(domain(t, "far.example"), -1);
	assert_int_equal(put(t, "far.example", 1, 2), INSTALL_OK);
	assert_int_equal(put(t, "far.example:5070", 9, 1), INSTALL_OK);
	assert_int_equal(domain(t, "far.example"), 1);
	assert_int_equal(domain(t, "far.example:5070"), 9);
	assert_int_equal(domain(t, "far.exampl"), -1);
	h = table_find_next_hop(t, SLICE("far.example"));
	assert_int_equal(h->n, 2);
	assert_int_equal(h->expires_ms, 1000);
	assert_int_equal(h->kind, ABI_ROUTE_PROXY);
	assert_true(slice_eq(next_hop_uri(h), SLICE("sip:proxy.example")));
	assert_int_equal(put(t, "far.example", 3, 4), INSTALL_OK);
	table_reclaim(t);
	assert_int_equal(domain(t, "far.example"), 3);
	assert_int_equal(put(t, "far.example", 0, 0), INSTALL_OK);
	assert_int_equal(put(t, "far.example", 0, 0), INSTALL_OK);
	table_reclaim(t);
	assert_int_equal(domain(t, "far.example"), -1);
	assert_int_equal(domain(t, "far.example:5070"), 9);
}

static void longest_beginning(void **state)
{
	struct tables *t = *state;

	assert_int_equal(put(t, "+49*", 1, 1), INSTALL_OK);
	assert_int_equal(put(t, "+4930*", 2, 1), INSTALL_OK);
	assert_int_equal(put(t, "+493012", 3, 1), INSTALL_OK);
	assert_int_equal(put(t, "+44123456789012*", 4, 1), INSTALL_OK);
	assert_int_equal(number(t, "+49"), 1);
	assert_int_equal(number(t, "+4931"), 1);
	assert_int_equal(number(t, "+49301"), 2);
	assert_int_equal(number(t, "+493012"), 3);
	assert_int_equal(number(t, "+4930123"), 2);
	assert_int_equal(number(t, "+4"), -1);
	assert_int_equal(number(t, "+48"), -1);
	assert_int_equal(number(t, "+441234567890123"), 4);
	assert_int_equal(number(t, "+4412345678901234"), -1); /* 16 digits */
	assert_int_equal(number(t, ""), -1);
	assert_int_equal(put(t, "+4930*", 0, 0), INSTALL_OK);
	assert_int_equal(number(t, "+49301"), 1);
	assert_int_equal(put(t, "+49*", 0, 0), INSTALL_OK);
	assert_int_equal(number(t, "+49301"), -1);
	assert_int_equal(number(t, "+493012"), 3);
}

static void swept_by_a_synchronisation(void **state)
{
	struct tables *t = *state;

	put(t, "a.example", 1, 1);
	put(t, "b.example", 1, 1);
	put(t, "+49*", 1, 1);
	table_sync_begin(t);
	put(t, "b.example", 2, 1);
	table_sync_end(t);
	table_reclaim(t);
	assert_int_equal(domain(t, "a.example"), -1);
	assert_int_equal(domain(t, "b.example"), 2);
	assert_int_equal(number(t, "+491"), -1);
}

static void bounded(void **state)
{
	struct tables *t = *state;
	char to[32];

	for (uint32_t i = 0; i < ABI_ROUTES_MAX; i++) {
		snprintf(to, sizeof(to), "d%u.example", i);
		assert_int_equal(put(t, to, 1, 1), INSTALL_OK);
	}
	assert_int_equal(put(t, "more.example", 1, 1), INSTALL_NO_MEMORY);
	assert_int_equal(put(t, "d7.example", 2, 1), INSTALL_OK);
	assert_int_equal(put(t, "d8.example", 0, 0), INSTALL_OK);
	assert_int_equal(put(t, "more.example", 1, 1), INSTALL_OK);
	for (uint32_t i = 0; i < ABI_ROUTES_MAX; i++) {
		snprintf(to, sizeof(to), "d%u.example", i);
		assert_int_equal(domain(t, to), i == 8 ? -1 : i == 7 ? 2 : 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(found_changed_and_gone, start, stop),
		cmocka_unit_test_setup_teardown(longest_beginning, start, stop),
		cmocka_unit_test_setup_teardown(swept_by_a_synchronisation, start, stop),
		cmocka_unit_test_setup_teardown(bounded, start, stop),
	};
	int failed;

	rcu_register_thread();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_unregister_thread();
	return failed;
}
