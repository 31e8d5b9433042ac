/* bench_pipe.c - cycles a message costs from ring to ring, without roles: input, worker loop,
 * output */
#include <sys/eventfd.h>
#include <urcu-qsbr.h>

#include <rte_cycles.h>
#include <rte_ring.h>

#include "figure/figure.h"
#include "wire.h"
#include "worker/worker.h"

/* A run is short, so that on a machine that does something else as well some are undisturbed:
 * each figure is the least of a batch of runs. */
enum { MESSAGE = 900, BURST = BURST_MAX, TURNS = 40, RUNS = 250, BATCHES = 5 };

static struct wire w;
static struct frame f;
static struct figure pipe_cycles = {.name = "net.pipe.cycles", .unit = "cycles"};
static struct figure input_cycles = {.name = "net.input.cycles", .unit = "cycles"};
static struct figure output_cycles = {.name = "net.output.cycles", .unit = "cycles"};

/* The echo's frames become the next requests: addresses turned round again. */
static void turn_round(void)
{
	struct rte_mbuf *m[BURST];
	unsigned n = rte_ring_dequeue_burst(w.from_node[0], (void **)m, BURST, NULL);

	assert_int_equal(n, BURST);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(m[i]->pkt_len, f.len);
		memcpy(rte_pktmbuf_mtod(m[i], void *), f.o, 42);
	}
	rte_ring_enqueue_burst(w.to_node[0], (void **)m, n, NULL);
}

static uint64_t busy(struct abi_worker *s)
{
	return atomic_load_explicit(&s->busy_cycles, memory_order_relaxed);
}

static double least(uint64_t cycles, double before)
{
	double each = (double)cycles / (TURNS * BURST);

	return before > 0 && before < each ? before : each;
}

/* Whole turns of a worker. */
static double run_pipe(struct worker *worker, struct abi_worker *s)
{
	double best = 0;

	for (int r = 0; r < RUNS; r++) {
		uint64_t before = busy(s);

		for (int t = 0; t < TURNS; t++) {
			worker_poll(worker);
			turn_round();
		}
		best = least(busy(s) - before, best);
	}
	return best;
}

/* Input and output alone, each with its rings. */
static void run_stages(struct net_worker *n, double *in, double *out)
{
	static struct net_burst b;

	for (int r = 0; r < RUNS; r++) {
		uint64_t input = 0, output = 0, t0, t1, t2;

		for (int t = 0; t < TURNS; t++) {
			t0 = rte_rdtsc_precise();
			net_rx(n, &b);
			net_input(n, &b, w.now_ms);
			t1 = rte_rdtsc_precise();
			assert_int_equal(b.n, BURST);
			for (uint32_t i = 0; i < b.n; i++) {
				struct addr us = b.buf[i]->dst;

				b.buf[i]->dst = b.buf[i]->src;
				b.buf[i]->src = us;
			}
			input += t1 - t0;
			t1 = rte_rdtsc_precise();
			net_output_burst(n, b.buf, b.n);
			net_tx_flush(n);
			t2 = rte_rdtsc_precise();
			output += t2 - t1;
			b.n = 0;
			turn_round();
		}
		*in = least(input, *in);
		*out = least(output, *out);
	}
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
	w.now_ms = worker->now_ms;
	wire_silence(&w);
	memset(payload, 'x', sizeof(payload));
	frame_udp4(&f, w.mac, 0, 5060, payload, MESSAGE);
	for (int i = 0; i < BURST; i++)
		wire_send(&w, 0, &f);
	for (int i = 0; i < BATCHES; i++) {
		double in = 0, out = 0;

		figure_run(&pipe_cycles, run_pipe(worker, abi_worker(region, 0)));
		run_stages(worker->net, &in, &out);
		figure_run(&input_cycles, in);
		figure_run(&output_cycles, out);
	}
	figure_print(&pipe_cycles);
	figure_print(&input_cycles);
	figure_print(&output_cycles);
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
