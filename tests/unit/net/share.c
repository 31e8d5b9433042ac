/* share.c - several workers on few queues: everybody receives, sends, and knows the neighbours
 */
#include "wire.h"

static struct frame f;

static void all_can_send(struct wire *w)
{
	for (uint16_t i = 0; i < w->conf.workers; i++) {
		for (int family = 4; family <= 6; family += 2) {
			net_output(w->worker[i], wire_message((uint8_t)family, "hello", 5));
			/* Its own flush, the owner's relay, the owner's flush. */
			net_tx_flush(w->worker[i]);
			wire_turn(w);
			wire_turn(w);
			if (!wire_receive(w, &f))
				fail_msg("worker %u of %u sends nothing", i, w->conf.workers);
			assert_memory_equal(f.o, frame_peer_mac, 6);
			assert_true(frame_sound(&f, 14));
			assert_false(wire_receive(w, &f));
		}
	}
}

static void every_queue_is_read(struct wire *w)
{
	for (uint16_t q = 0; q < w->conf.port[0].queues; q++) {
		frame_udp4(&f, w->mac, 0, 5060, "hello", 5);
		wire_send(w, q, &f);
		wire_turn(w);
		assert_int_equal(w->n, 1);
		assert_int_equal(w->buf[0]->worker, w->net->port[0].rx_owner[q]);
		wire_forget(w);
	}
}

static void every_worker_has_a_port(struct wire *w)
{
	for (uint16_t i = 0; i < w->conf.workers; i++) {
		frame_udp4(&f, w->mac, 0, (uint16_t)(5080 + i), "hello", 5);
		wire_send(w, 0, &f);
	}
	wire_turn(w);
	assert_int_equal(w->n, w->conf.workers);
	wire_forget(w);
	frame_udp4(&f, w->mac, 0, (uint16_t)(5080 + w->conf.workers), "hello", 5);
	wire_send(w, 0, &f);
	wire_turn(w);
	assert_int_equal(w->n, 0);
}

static void test_all_shapes(void **state)
{
	static struct wire w;

	for (uint16_t workers = 1; workers <= 4; workers++) {
		for (uint16_t queues = 1; queues <= 4; queues++) {
			wire_open(&w,
				  &(struct wire_options){.workers = workers, .queues = queues});
			/* One answer, on one queue, to one worker. */
			wire_acquaint(&w);
			all_can_send(&w);
			every_queue_is_read(&w);
			every_worker_has_a_port(&w);
			assert_int_equal(wire_count(&w, COUNT_DROP_NEIGHBOUR), 0);
			wire_close(&w);
		}
	}
}

/* One worker asks, the answer comes to another. */
static void test_answer_elsewhere(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){.workers = 3, .queues = 3});
	net_output(w.worker[2], wire_message(4, "hello", 5));
	wire_turn(&w);
	wire_silence(&w);
	frame_arp(&f, w.mac, 2, frame_peer4, frame_node4);
	wire_send(&w, 0, &f);
	wire_turn(&w);
	wire_turn(&w);
	assert_true(wire_receive(&w, &f));
	assert_memory_equal(f.o, frame_peer_mac, 6);
	assert_int_equal(frame_get16(&f, 12), 0x0800);
	assert_int_equal(net_held(w.worker[2]), 0);
	wire_close(&w);
}

/* The NIC's hash may send pieces of one datagram to different queues. */
static void test_fragments_meet(void **state)
{
	static struct wire w;
	static struct frame whole;
	static uint8_t payload[3000];
	const uint32_t step = 1000;

	wire_open(&w, &(struct wire_options){.workers = 3, .queues = 3});
	for (uint16_t id = 1; id <= 30; id++) {
		memset(payload, id, sizeof(payload));
		frame_udp4(&whole, w.mac, 0, 5060, payload, sizeof(payload));
		for (uint32_t at = 0, q = 0; at < sizeof(payload) + 8; at += step, q++) {
			uint32_t left = sizeof(payload) + 8 - at,
				 len = left > step ? step : left;

			frame_ip4(&f, w.mac, 0, 17, whole.o + 34 + at, len);
			frame_put16(&f, 18, id);
			frame_put16(&f, 20, (uint16_t)((left > step ? 0x2000 : 0) | at / 8));
			frame_fix_ip4(&f, 14);
			wire_send(&w, (uint16_t)(q % 3), &f);
		}
		wire_turn(&w);
		wire_turn(&w);
		assert_int_equal(w.n, 1);
		assert_int_equal(w.buf[0]->len, sizeof(payload));
		assert_memory_equal(w.buf[0]->data, payload, sizeof(payload));
		wire_forget(&w);
	}
	assert_int_equal(wire_count(&w, COUNT_DROP_FRAGMENT), 0);
	wire_close(&w);
}

static void test_handoff(void **state)
{
	static struct wire w;
	static struct net_burst b;

	wire_open(&w, &(struct wire_options){.workers = 2});
	struct buf *m = wire_message(4, "hello", 5);
	assert_true(net_handoff(w.worker[0], m, 1));
	net_handoff_in(w.worker[1], &b);
	assert_int_equal(b.n, 1);
	assert_int_equal(b.n_frames, 0);
	assert_ptr_equal(b.buf[0], m);
	/* Nobody's, and one's own, are refused. */
	assert_false(net_handoff(w.worker[0], m, 7));
	assert_false(net_handoff(w.worker[0], m, 0));
	assert_int_equal(wire_count(&w, COUNT_DROP_HANDOFF), 2);
	/* A full ring. */
	uint32_t taken = 0;
	for (int i = 0; i < 1100; i++) {
		struct buf *more = wire_message(4, "x", 1);
		if (net_handoff(w.worker[0], more, 1))
			taken++;
		else
			buf_free(more);
	}
	assert_int_equal(taken, NET_RING - 1);
	buf_free(m);
	for (uint32_t i = 0; i < taken;) {
		b.n = b.n_frames = 0;
		net_handoff_in(w.worker[1], &b);
		assert_in_range(b.n, 1, BURST_MAX);
		for (uint32_t k = 0; k < b.n; k++)
			buf_free(b.buf[k]);
		i += b.n;
	}
	wire_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_shapes),
		cmocka_unit_test(test_answer_elsewhere),
		cmocka_unit_test(test_fragments_meet),
		cmocka_unit_test(test_handoff),
	};
	return cmocka_run_group_tests(tests, wire_eal, NULL);
}
