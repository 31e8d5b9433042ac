/* bench_pipe.c - cycles a message costs from ring to ring, without roles: input, worker loop,
 * output */
#include <sys/eventfd.h>
#include <urcu-qsbr.h>

#include <rte_cycles.h>
#include <rte_ring.h>

#include "wire.h"
#include "worker/worker.h"

enum { MESSAGE = 900, ROUNDS = 20000, BURST = 32 };

static struct wire w;
static struct frame f;

static void give_back(struct rte_mbuf **m, unsigned n, uint32_t len)
{
	/* The echo's frame becomes the next request: addresses turned round again. */
	for (unsigned i = 0; i < n; i++) {
		memcpy(rte_pktmbuf_mtod(m[i], void *), f.o, 42);
		assert_int_equal(m[i]->pkt_len, len);
	}
}

static void run(struct worker *worker, struct abi_worker *s)
{
	struct rte_mbuf *m[BURST];
	uint64_t cycles = atomic_load(&s->busy_cycles), messages = atomic_load(&s->messages);

	for (int r = 0; r < ROUNDS; r++) {
		worker_poll(worker);
		unsigned n = rte_ring_dequeue_burst(w.from_node[0], (void **)m, BURST, NULL);
		give_back(m, n, f.len);
		rte_ring_enqueue_burst(w.to_node[0], (void **)m, n, NULL);
	}
	cycles = atomic_load(&s->busy_cycles) - cycles;
	messages = atomic_load(&s->messages) - messages;
	printf("%d octets, bursts of %d: %.0f cycles/message (TSC %.2f GHz), %llu messages\n",
	       MESSAGE, BURST, (double)cycles / (double)messages,
	       (double)rte_get_tsc_hz() / 1e9, (unsigned long long)messages);
}

static void test_bench(void **state)
{
	static uint8_t payload[MESSAGE];
	static _Atomic int order;
	struct abi_region *region;

	wire_open(&w, &(struct wire_options){.bare = true});
	assert_true(abi_region_create(1, 1, 1 << 17, 1 << 17, &region) >= 0);
	struct worker *worker =
		worker_create(&(struct worker_options){.order = &order,
						       .net = w.net,
						       .region = region,
						       .wake_fd = eventfd(0, EFD_NONBLOCK)});
	assert_non_null(worker);
	net_start(worker->net, 1);
	frame_arp(&f, w.mac, 2, frame_peer4, frame_node4);
	wire_send(&w, 0, &f);
	worker_poll(worker);
	wire_silence(&w);
	memset(payload, 'x', sizeof(payload));
	frame_udp4(&f, w.mac, 0, 5060, payload, MESSAGE);
	for (int i = 0; i < BURST; i++)
		wire_send(&w, 0, &f);
	for (int i = 0; i < 3; i++)
		run(worker, abi_worker(region, 0));
}

static int start(void **state)
{
	urcu_qsbr_register_thread();
	return wire_eal(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_bench)};

	return cmocka_run_group_tests(tests, start, NULL);
}
