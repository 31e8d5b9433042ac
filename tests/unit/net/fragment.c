/* fragment.c - datagrams in fragments: put together, refused, timed out, and never leaked */
#include "wire.h"

#include <unistd.h>

enum { LEN = 3000, PIECE = 1400, IP = 14, V4_HEADER = 20, V6_HEADER = 40 };

static struct frame whole, f;
static uint8_t payload[16500];

static void fill(void)
{
	for (uint32_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7 + i / 256);
}

/* Where a piece may claim to be from, there need not be anything. */
static const uint8_t *octets_at(uint32_t at, uint32_t len)
{
	return at + len <= sizeof(whole.o) ? whole.o + at : whole.o;
}

/* Part [from, from + len) of the whole datagram's IP payload, `more` to come. */
static void piece4(const struct wire *w, uint16_t id, uint32_t from, uint32_t len, bool more)
{
	frame_ip4(&f, w->mac, 0, 17, octets_at(IP + V4_HEADER + from, len), len);
	frame_put16(&f, IP + 4, id);
	frame_put16(&f, IP + 6, (uint16_t)((more ? 0x2000 : 0) | from / 8));
	frame_fix_ip4(&f, IP);
}

static void piece6(const struct wire *w, uint16_t id, uint32_t from, uint32_t len, bool more)
{
	frame_ip6(&f, w->mac, 0, 44, octets_at(IP + V6_HEADER + from, len), len);
	frame_insert(&f, IP + V6_HEADER, "\x11\0\0\0\0\0\0\0", 8);
	frame_put16(&f, IP + V6_HEADER + 2, (uint16_t)(from | (more ? 1 : 0)));
	frame_put16(&f, IP + V6_HEADER + 6, id);
	frame_put16(&f, IP + 4, (uint16_t)(len + 8));
}

static void make_whole(const struct wire *w, bool v6, uint32_t len)
{
	(v6 ? frame_udp6 : frame_udp4)(&whole, w->mac, 0, 5060, payload, len);
}

static void send_piece(struct wire *w, bool v6, uint16_t id, uint32_t from, uint32_t len,
		       bool more)
{
	(v6 ? piece6 : piece4)(w, id, from, len, more);
	wire_send(w, 0, &f);
	wire_turn(w);
}

static void check_whole(struct wire *w, uint32_t len)
{
	assert_int_equal(w->n, 1);
	assert_int_equal(w->buf[0]->len, len);
	assert_memory_equal(w->buf[0]->data, payload, len);
	if (len > MBUFS_SMALL_ROOM)
		assert_true(w->buf[0]->headroom >= 900);
	wire_forget(w);
}

static void in_order_and_reversed(struct wire *w, bool v6)
{
	make_whole(w, v6, LEN);
	send_piece(w, v6, 1, 0, PIECE, true);
	send_piece(w, v6, 1, PIECE, PIECE, true);
	assert_int_equal(w->n, 0);
	send_piece(w, v6, 1, 2 * PIECE, LEN + 8 - 2 * PIECE, false);
	check_whole(w, LEN);

	send_piece(w, v6, 2, 2 * PIECE, LEN + 8 - 2 * PIECE, false);
	send_piece(w, v6, 2, PIECE, PIECE, true);
	send_piece(w, v6, 2, 0, PIECE, true);
	check_whole(w, LEN);
	assert_int_equal(net_held(w->worker[0]), 0);
}

static void test_orders(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	in_order_and_reversed(&w, false);
	in_order_and_reversed(&w, true);
	assert_int_equal(wire_count(&w, COUNT_DROP_FRAGMENT), 0);
	assert_int_equal(wire_count(&w, COUNT_FRAG_RX), 12);
	wire_close(&w);
}

/* Two datagrams under way at once, and a whole one between. */
static void test_interleaved(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	make_whole(&w, false, LEN);
	send_piece(&w, false, 1, 0, PIECE, true);
	send_piece(&w, false, 2, PIECE, LEN + 8 - PIECE, false);
	send_piece(&w, false, 2, 0, PIECE, true);
	check_whole(&w, LEN);
	send_piece(&w, false, 1, PIECE, LEN + 8 - PIECE, false);
	check_whole(&w, LEN);
	wire_close(&w);
}

static void test_eight_pieces_and_the_largest(void **state)
{
	static struct wire w;
	const uint32_t len = SIP_MESSAGE_MAX, step = 2056;

	wire_open(&w, &(struct wire_options){0});
	for (int v6 = 0; v6 < 2; v6++) {
		make_whole(&w, v6, len);
		for (uint32_t at = 0; at < len + 8; at += step) {
			uint32_t left = len + 8 - at;
			send_piece(&w, v6, 7, at, left > step ? step : left, left > step);
		}
		check_whole(&w, len);
	}
	/* One octet more: no SIP message may be so long. */
	make_whole(&w, false, len + 1);
	send_piece(&w, false, 8, 0, 8000, true);
	send_piece(&w, false, 8, 8000, len + 9 - 8000, false);
	assert_int_equal(w.n, 0);
	assert_int_equal(wire_count(&w, COUNT_DROP_FRAGMENT), 1);
	wire_close(&w);
}

/* A wrong checksum over the whole, each fragment being in order. */
static void test_checksum_of_the_whole(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	make_whole(&w, false, LEN);
	whole.o[2000] ^= 1;
	send_piece(&w, false, 1, 0, PIECE, true);
	send_piece(&w, false, 1, PIECE, LEN + 8 - PIECE, false);
	assert_int_equal(w.n, 0);
	assert_int_equal(wire_count(&w, COUNT_DROP_CHECKSUM), 1);
	wire_close(&w);
}

static void send_lie(struct wire *w, bool v6, int lie, uint16_t id)
{
	uint32_t rest = LEN + 8 - PIECE;

	switch (lie) {
	case 0: /* first one twice */
		send_piece(w, v6, id, 0, PIECE, true);
		send_piece(w, v6, id, 0, PIECE, true);
		send_piece(w, v6, id, PIECE, rest, false);
		break;
	case 1: /* the middle overlaps the first */
		send_piece(w, v6, id, 0, PIECE, true);
		send_piece(w, v6, id, PIECE - 64, 1000, true);
		send_piece(w, v6, id, PIECE - 64 + 1000, LEN + 8 - (PIECE - 64 + 1000), false);
		break;
	case 2: /* the last overlaps, lengths add up */
		send_piece(w, v6, id, 0, PIECE, true);
		send_piece(w, v6, id, PIECE - 8, PIECE, true);
		send_piece(w, v6, id, 2 * PIECE, LEN + 8 - 2 * PIECE, false);
		break;
	case 3: /* two ends */
		send_piece(w, v6, id, PIECE, rest, false);
		send_piece(w, v6, id, PIECE + 8, rest - 8, false);
		send_piece(w, v6, id, 0, PIECE, true);
		break;
	case 4: /* first one too short for a UDP header is not kept at all */
		send_piece(w, v6, id, 0, 7, false);
		send_piece(w, v6, id, 8, rest, false);
		break;
	case 5: /* not a whole number of units */
		send_piece(w, v6, id, 0, PIECE + 1, true);
		send_piece(w, v6, id, PIECE, rest, false);
		break;
	default: /* end behind what any datagram may have */
		send_piece(w, v6, id, 65528, 500, false);
		send_piece(w, v6, id, 0, PIECE, true);
		break;
	}
}

static void test_lies(void **state)
{
	static struct wire w;
	uint16_t id = 100;

	wire_open(&w, &(struct wire_options){0});
	for (int v6 = 0; v6 < 2; v6++) {
		for (int lie = 0; lie < 7; lie++) {
			make_whole(&w, v6, LEN);
			send_lie(&w, v6, lie, id++);
			if (w.n != 0)
				fail_msg("lie %d of IPv%d was believed", lie, v6 ? 6 : 4);
		}
	}
	/* What was sent in pieces either was dropped at once, or is still held. */
	assert_int_equal(wire_count(&w, COUNT_DROP_FRAGMENT) + net_held(w.worker[0]),
			 wire_count(&w, COUNT_FRAG_RX));
	wire_close(&w);
}

/* A flood of firsts: bounded, whole datagrams untouched, all gone after the time-out. */
static void test_flood_and_timeout(void **state)
{
	static struct wire w;
	static struct frame good;

	wire_open(&w, &(struct wire_options){0});
	make_whole(&w, false, LEN);
	frame_udp4(&good, w.mac, 0, 5060, payload, 500);
	for (uint32_t i = 0; i < 3000; i++) {
		send_piece(&w, false, (uint16_t)i, 0, 512, true);
		if (i % 100 == 0) {
			wire_send(&w, 0, &good);
			wire_turn(&w);
			check_whole(&w, 500);
		}
	}
	assert_in_range(net_held(w.worker[0]), 1, 256);
	assert_int_equal(wire_count(&w, COUNT_DROP_FRAGMENT) + net_held(w.worker[0]), 3000);
	usleep(2100000); /* the table counts real time */
	w.now_ms += 2100;
	wire_turn(&w);
	for (int i = 0; i < 50 && net_held(w.worker[0]); i++) {
		w.now_ms += 200;
		wire_turn(&w);
	}
	assert_int_equal(net_held(w.worker[0]), 0);
	assert_int_equal(wire_count(&w, COUNT_DROP_FRAGMENT), 3000);
	wire_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_interleaved),
		cmocka_unit_test(test_eight_pieces_and_the_largest),
		cmocka_unit_test(test_checksum_of_the_whole),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_flood_and_timeout),
	};
	fill();
	return cmocka_run_group_tests(tests, wire_eal, NULL);
}
