/* port.c - queues shared among workers, arguments of devices, lists of CPUs */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/eal.h"
#include "net/port.h"

static void check_shares(uint16_t n_workers, uint16_t n_rx, uint16_t n_tx)
{
	struct port p = {.n_rx = n_rx, .n_tx = n_tx};
	uint32_t next = 0;
	int users[PORT_QUEUES_MAX] = {0};

	port_share_queues(&p, n_workers, &next);
	assert_int_equal(next, n_rx);
	for (uint16_t q = 0; q < n_rx; q++) {
		assert_in_range(p.rx_owner[q], 0, n_workers - 1);
		if (n_rx >= n_workers)
			assert_int_equal(p.rx_owner[q], q % n_workers);
	}
	for (uint16_t w = 0; w < n_workers; w++) {
		uint8_t via = p.tx_via[w];

		assert_in_range(via, 0, n_workers - 1);
		/* Whoever sends for others has a queue, and sends for itself. */
		assert_int_not_equal(p.tx_queue[via], PORT_NO_QUEUE);
		assert_int_equal(p.tx_via[via], via);
		if (p.tx_queue[w] != PORT_NO_QUEUE) {
			assert_in_range(p.tx_queue[w], 0, n_tx - 1);
			users[p.tx_queue[w]]++;
		}
	}
	for (uint16_t q = 0; q < n_tx; q++)
		assert_in_range(users[q], n_tx <= n_workers ? 1 : 0, 1);
}

static void test_queues_of_all_sizes(void **state)
{
	for (uint16_t w = 1; w <= WORKERS_MAX; w++)
		for (uint16_t rx = 1; rx <= 20; rx++)
			for (uint16_t tx = 1; tx <= 20; tx++)
				check_shares(w, rx, tx);
}

static void test_ports_spread_over_workers(void **state)
{
	struct port a = {.n_rx = 1, .n_tx = 1}, b = {.n_rx = 1, .n_tx = 1};
	uint32_t next = 0;

	port_share_queues(&a, 2, &next);
	port_share_queues(&b, 2, &next);
	assert_int_equal(a.rx_owner[0], 0);
	assert_int_equal(b.rx_owner[0], 1);
	assert_int_equal(b.tx_queue[1], 0);
	assert_int_equal(b.tx_queue[0], PORT_NO_QUEUE);
	assert_int_equal(b.tx_via[0], 1);
}

static void check_args(const char *device, uint16_t queues, const char *name, const char *args)
{
	struct conf_port c = {.queues = queues};
	char name_memory[300], args_memory[600];
	struct text n = text_in(name_memory, sizeof(name_memory));
	struct text a = text_in(args_memory, sizeof(args_memory));

	snprintf(c.device, sizeof(c.device), "%s", device);
	assert_true(port_device_args(&c, &n, &a));
	assert_string_equal(text_cstr(&n), name);
	assert_string_equal(text_cstr(&a), args);
}

static void test_device_args(void **state)
{
	check_args("net_memif0,role=client", 2, "net_memif0", ",role=client");
	check_args("net_af_packet0,iface=lte", 2, "net_af_packet0",
		   ",iface=lte,qpairs=2,framesz=17408,blocksz=69632,framecnt=512");
	check_args("net_af_packet0,qpairs=3,iface=lte,framecnt=64", 2, "net_af_packet0",
		   ",qpairs=3,iface=lte,framecnt=64,framesz=17408,blocksz=69632");
	check_args("net_af_xdp1,iface=x", 1, "net_af_xdp1",
		   ",iface=x,queue_count=1,busy_budget=0");
	check_args("net_af_xdp1,iface=x,busy_budget=64,queue_count=4", 1, "net_af_xdp1",
		   ",iface=x,busy_budget=64,queue_count=4");
	check_args("net_tap0", 1, "net_tap0", ",");
}

static void check_cores(const char *text, int n, uint16_t first, uint16_t last)
{
	uint16_t cpu[8] = {0};

	assert_int_equal(eal_cores_parse(text, cpu, 8), n);
	if (n > 0) {
		assert_int_equal(cpu[0], first);
		assert_int_equal(cpu[n - 1], last);
	}
}

static void test_cores(void **state)
{
	check_cores("", 0, 0, 0);
	check_cores("2", 1, 2, 2);
	check_cores("2,3", 2, 2, 3);
	check_cores("2-5", 4, 2, 5);
	check_cores("0, 2-3 ,7", 4, 0, 7);
	check_cores("0-8", -1, 0, 0);
	check_cores("5-2", -1, 0, 0);
	check_cores("1,", -1, 0, 0);
	check_cores("a", -1, 0, 0);
	check_cores("1-", -1, 0, 0);
	check_cores("99999", -1, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queues_of_all_sizes),
		cmocka_unit_test(test_ports_spread_over_workers),
		cmocka_unit_test(test_device_args),
		cmocka_unit_test(test_cores),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
