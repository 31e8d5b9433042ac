/* test_server.c - where Application Servers are: found, moved, bounded, swept */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <urcu-qsbr.h>

#include <cmocka.h>

#include "table/registration.h"
#include "table/server.h"

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

/* Ids of one bucket, as control's cannot be chosen. */
static uint64_t crowded(uint32_t i)
{
	return 7 + (uint64_t)SERVER_BUCKETS * i;
}

static int put(struct tables *t, uint64_t id, uint8_t last, uint32_t n)
{
	struct abi_server_view v = {.server_id = id, .n_addr = n};

	for (uint32_t i = 0; i < n; i++)
		v.addr[i] = (struct addr){
			.ip = {10, 0, 0, (uint8_t)(last + i)}, .port = 5060, .family = 4};
	return table_put_server(t, &v);
}

static int last_of(struct tables *t, uint64_t id)
{
	const struct table_server *s = table_find_server(t, id);

	return s && s->n ? s->addr[0].ip[3] : -1;
}

static void found_and_moved(void **state)
{
	struct tables *t = *state;

	assert_null(table_find_server(t, crowded(0)));
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(put(t, crowded(i), (uint8_t)(10 * i + 1), 2), INSTALL_OK);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(last_of(t, crowded(i)), 10 * i + 1);
	for (uint32_t i = 0; i < 5; i += 2)
		assert_int_equal(put(t, crowded(i), (uint8_t)(10 * i + 5), 4), INSTALL_OK);
	table_reclaim(t);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(last_of(t, crowded(i)), 10 * i + (i % 2 ? 1 : 5));
	assert_int_equal(table_find_server(t, crowded(2))->n, 4);
	assert_int_equal(put(t, crowded(2), 0, 0), INSTALL_OK);
	assert_int_equal(table_find_server(t, crowded(2))->n, 0);
}

static void swept_by_a_synchronisation(void **state)
{
	struct tables *t = *state;

	for (uint32_t i = 0; i < 6; i++)
		put(t, crowded(i), 1, 1);
	table_sync_end(t);
	assert_int_equal(last_of(t, crowded(0)), 1);
	table_sync_begin(t);
	put(t, crowded(2), 9, 1);
	put(t, crowded(5), 9, 1);
	table_sync_end(t);
	table_reclaim(t);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(last_of(t, crowded(i)), i == 2 || i == 5 ? 9 : -1);
}

static void bounded(void **state)
{
	struct tables *t = *state;

	for (uint32_t i = 0; i < ABI_SERVERS_MAX; i++)
		assert_int_equal(put(t, i + 1, 1, 1), INSTALL_OK);
	assert_int_equal(put(t, ABI_SERVERS_MAX + 1, 1, 1), INSTALL_NO_MEMORY);
	assert_int_equal(put(t, 5, 2, 1), INSTALL_OK);
	table_sync_begin(t);
	table_sync_end(t);
	assert_int_equal(put(t, ABI_SERVERS_MAX + 1, 1, 1), INSTALL_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(found_and_moved, start, stop),
		cmocka_unit_test_setup_teardown(swept_by_a_synchronisation, start, stop),
		cmocka_unit_test_setup_teardown(bounded, start, stop),
	};
	int failed;

	rcu_register_thread();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_unregister_thread();
	return failed;
}
