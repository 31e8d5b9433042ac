/* neighbour.c - ARP, neighbour discovery and echo; messages that wait for a MAC address */
#include "wire.h"

static struct frame f;
static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t zero_mac[6];
static const uint8_t mac2[6] = {0x02, 0, 0, 0, 0, 0x77};
static const uint8_t stranger4[4] = {203, 0, 113, 5};

static void send_frame(struct wire *w)
{
	wire_send(w, 0, &f);
	wire_turn(w);
}

/* The node sends a message to the peer; true: a frame for it left at once. */
static bool reaches(struct wire *w, uint8_t family, const uint8_t mac[6])
{
	wire_silence(w);
	net_output(w->worker[0], wire_message(family, "hello", 5));
	net_tx_flush(w->worker[0]);
	if (!wire_receive(w, &f) || frame_get16(&f, 12) != (family == 4 ? 0x0800 : 0x86dd))
		return false;
	return memcmp(f.o, mac, 6) == 0 && frame_sound(&f, 14) &&
	       (family == 4 || f.o[14 + 6] == 17);
}

static void test_arp_is_answered(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	frame_arp(&f, everybody, 1, frame_peer4, frame_node4);
	send_frame(&w);
	assert_true(wire_receive(&w, &f));
	assert_memory_equal(f.o, frame_peer_mac, 6);
	assert_memory_equal(f.o + 6, w.mac, 6);
	assert_int_equal(frame_get16(&f, 12), 0x0806);
	assert_memory_equal(f.o + 14, "\0\1\x08\0\6\4\0\2", 8);
	assert_memory_equal(f.o + 22, w.mac, 6);
	assert_memory_equal(f.o + 28, frame_node4, 4);
	assert_memory_equal(f.o + 32, frame_peer_mac, 6);
	assert_memory_equal(f.o + 38, frame_peer4, 4);
	/* Who asks is known from then on. */
	assert_true(reaches(&w, 4, frame_peer_mac));
	assert_int_equal(wire_count(&w, COUNT_ARP), 1);
	wire_close(&w);
}

static void test_arp_not_answered(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	frame_arp(&f, everybody, 1, frame_peer4, frame_peer4);
	send_frame(&w);
	frame_arp(&f, everybody, 1, frame_peer4, frame_node4);
	f.o[15] = 6; /* hardware type */
	send_frame(&w);
	frame_arp(&f, everybody, 1, frame_peer4, frame_node4);
	f.len--;
	send_frame(&w);
	assert_false(wire_receive(&w, &f));
	assert_int_equal(wire_count(&w, COUNT_DROP_L2), 2);
	wire_close(&w);
}

/* Senders that are not on the link, have no MAC address, or claim to be us, are not learned. */
static void test_arp_not_believed(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	frame_arp(&f, w.mac, 2, frame_node4, frame_node4);
	send_frame(&w);
	frame_arp(&f, w.mac, 2, frame_peer4, frame_node4);
	memcpy(f.o + 22, zero_mac, 6);
	send_frame(&w);
	frame_arp(&f, w.mac, 2, frame_peer4, frame_node4);
	memcpy(f.o + 22, everybody, 6);
	send_frame(&w);
	/* Gratuitous, of somebody nobody asked for. */
	frame_arp(&f, everybody, 1, frame_peer4, frame_peer4);
	send_frame(&w);
	frame_arp(&f, w.mac, 2, stranger4, frame_node4);
	send_frame(&w);
	assert_false(reaches(&w, 4, frame_peer_mac));
	w.now_ms += NEIGHBOUR_HOLD_MS;
	wire_turn(&w);
	assert_int_equal(wire_count(&w, COUNT_DROP_NEIGHBOUR), 1);
	wire_close(&w);
}

static void test_arp_moves(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	wire_acquaint(&w);
	assert_true(reaches(&w, 4, frame_peer_mac));
	/* Gratuitous, of one we know: another machine took over its address. */
	frame_arp(&f, everybody, 1, frame_peer4, frame_peer4);
	memcpy(f.o + 22, mac2, 6);
	send_frame(&w);
	assert_true(reaches(&w, 4, mac2));
	wire_close(&w);
}

static void check_question4(struct wire *w)
{
	assert_true(wire_receive(w, &f));
	assert_memory_equal(f.o, everybody, 6);
	assert_int_equal(frame_get16(&f, 12), 0x0806);
	assert_int_equal(frame_get16(&f, 20), 1);
	assert_memory_equal(f.o + 28, frame_node4, 4);
	assert_memory_equal(f.o + 38, frame_peer4, 4);
}

static void check_question6(struct wire *w)
{
	assert_true(wire_receive(w, &f));
	assert_memory_equal(f.o, "\x33\x33\xff\0\0\x09", 6);
	assert_int_equal(f.o[14 + 7], 255);
	assert_memory_equal(f.o + 14 + 24, "\xff\2\0\0\0\0\0\0\0\0\0\1\xff\0\0\x09", 16);
	assert_int_equal(f.o[54], 135);
	assert_memory_equal(f.o + 62, frame_peer6, 16);
	assert_memory_equal(f.o + 78, "\1\1", 2);
	assert_memory_equal(f.o + 80, w->mac, 6);
	assert_true(frame_sound(&f, 14));
}

static void unknown_then_known(uint8_t family)
{
	static struct wire w;
	int sent = 0;

	wire_open(&w, &(struct wire_options){0});
	for (int i = 0; i < NEIGHBOUR_HOLD_PACKETS + 2; i++)
		net_output(w.worker[0], wire_message(family, "hello", 5));
	net_tx_flush(w.worker[0]);
	(family == 4 ? check_question4 : check_question6)(&w);
	assert_false(wire_receive(&w, &f));
	assert_int_equal(wire_count(&w, COUNT_DROP_NEIGHBOUR), 2);
	assert_int_equal(net_held(w.worker[0]), NEIGHBOUR_HOLD_PACKETS);
	if (family == 4)
		frame_arp(&f, w.mac, 2, frame_peer4, frame_node4);
	else
		frame_nd(&f, w.mac, 136, 0x60, frame_peer6, frame_node6, frame_peer6,
			 frame_peer_mac);
	send_frame(&w);
	while (wire_receive(&w, &f)) {
		assert_memory_equal(f.o, frame_peer_mac, 6);
		assert_true(frame_sound(&f, 14));
		sent++;
	}
	assert_int_equal(sent, NEIGHBOUR_HOLD_PACKETS);
	assert_int_equal(net_held(w.worker[0]), 0);
	wire_close(&w);
}

static void test_held_until_the_answer(void **state)
{
	unknown_then_known(4);
	unknown_then_known(6);
}

static void test_no_answer(void **state)
{
	static struct wire w;
	int questions = 0;

	wire_open(&w, &(struct wire_options){0});
	net_output(w.worker[0], wire_message(4, "hello", 5));
	for (int i = 0; i < 12; i++, w.now_ms += 100)
		wire_turn(&w);
	while (wire_receive(&w, &f))
		questions++;
	assert_in_range(questions, 3, 4);
	assert_int_equal(wire_count(&w, COUNT_DROP_NEIGHBOUR), 1);
	assert_int_equal(net_held(w.worker[0]), 0);
	/* The next message asks anew. */
	net_output(w.worker[0], wire_message(4, "hello", 5));
	net_tx_flush(w.worker[0]);
	check_question4(&w);
	wire_close(&w);
}

/* Many next hops that do not exist: bounded, and the oldest give nobody else's place away. */
static void test_many_unknown(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	wire_acquaint(&w);
	for (int i = 0; i < 200; i++) {
		struct buf *b = wire_message(4, "hello", 5);
		b->dst.ip[3] = (uint8_t)(20 + i);
		net_output(w.worker[0], b);
		net_tx_flush(w.worker[0]);
		wire_silence(&w);
	}
	assert_int_equal(net_held(w.worker[0]), NEIGHBOUR_HOLDS);
	assert_int_equal(wire_count(&w, COUNT_DROP_NEIGHBOUR), 200 - NEIGHBOUR_HOLDS);
	assert_true(reaches(&w, 4, frame_peer_mac));
	w.now_ms += NEIGHBOUR_HOLD_MS;
	wire_turn(&w);
	assert_int_equal(wire_count(&w, COUNT_DROP_NEIGHBOUR), 200);
	wire_close(&w);
}

static void test_ages(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	wire_acquaint(&w);
	w.now_ms += NEIGHBOUR_REFRESH_MS;
	wire_turn(&w);
	wire_silence(&w);
	/* Asked in time, of the one who had it. */
	net_output(w.worker[0], wire_message(4, "hello", 5));
	net_tx_flush(w.worker[0]);
	assert_true(wire_receive(&w, &f));
	assert_int_equal(frame_get16(&f, 12), 0x0806);
	assert_memory_equal(f.o, frame_peer_mac, 6);
	assert_true(wire_receive(&w, &f));
	assert_int_equal(frame_get16(&f, 12), 0x0800);
	w.now_ms += NEIGHBOUR_AGE_MS - NEIGHBOUR_REFRESH_MS;
	wire_turn(&w);
	net_output(w.worker[0], wire_message(4, "hello", 5));
	net_tx_flush(w.worker[0]);
	check_question4(&w);
	wire_close(&w);
}

static void test_through_a_router(void **state)
{
	static struct wire w;
	static const uint8_t router[4] = {192, 0, 2, 254};

	wire_open(&w, &(struct wire_options){0});
	struct buf *b = wire_message(4, "hello", 5);
	memcpy(b->dst.ip, "\xc6\x33\x64\x07", 4);
	net_output(w.worker[0], b);
	net_tx_flush(w.worker[0]);
	assert_true(wire_receive(&w, &f));
	assert_memory_equal(f.o + 38, router, 4);
	frame_arp(&f, w.mac, 2, router, frame_node4);
	send_frame(&w);
	assert_true(wire_receive(&w, &f));
	assert_memory_equal(f.o, frame_peer_mac, 6);
	assert_memory_equal(f.o + 14 + 16, "\xc6\x33\x64\x07", 4);
	/* Nobody leads there. */
	b = wire_message(4, "hello", 5);
	memcpy(b->dst.ip, stranger4, 4);
	net_output(w.worker[0], b);
	assert_int_equal(wire_count(&w, COUNT_DROP_NOROUTE), 1);
	wire_close(&w);
}

static void test_nd_is_answered(void **state)
{
	static struct wire w;
	static const uint8_t group[16] = {0xff, 2, [11] = 1, 0xff, 0, 0, 1};
	static const uint8_t nobody[16];

	wire_open(&w, &(struct wire_options){0});
	frame_nd(&f, (const uint8_t[]){0x33, 0x33, 0xff, 0, 0, 1}, 135, 0, frame_peer6, group,
		 frame_node6, frame_peer_mac);
	send_frame(&w);
	assert_true(wire_receive(&w, &f));
	assert_memory_equal(f.o, frame_peer_mac, 6);
	assert_int_equal(f.o[54], 136);
	assert_int_equal(f.o[58], 0x60);
	assert_int_equal(f.o[14 + 7], 255);
	assert_memory_equal(f.o + 62, frame_node6, 16);
	assert_memory_equal(f.o + 78, "\2\1", 2);
	assert_memory_equal(f.o + 80, w.mac, 6);
	assert_true(frame_sound(&f, 14));
	assert_true(reaches(&w, 6, frame_peer_mac));
	/* Duplicate address detection: all are told. */
	frame_nd(&f, (const uint8_t[]){0x33, 0x33, 0xff, 0, 0, 1}, 135, 0, nobody, group,
		 frame_node6, frame_peer_mac);
	send_frame(&w);
	assert_true(wire_receive(&w, &f));
	assert_memory_equal(f.o, "\x33\x33\0\0\0\1", 6);
	assert_int_equal(f.o[58], 0x20);
	wire_close(&w);
}

static void test_nd_refused(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	/* From behind a router. */
	frame_nd(&f, w.mac, 135, 0, frame_peer6, frame_node6, frame_node6, frame_peer_mac);
	f.o[14 + 7] = 254;
	send_frame(&w);
	/* An option without length. */
	frame_nd(&f, w.mac, 135, 0, frame_peer6, frame_node6, frame_node6, frame_peer_mac);
	f.o[79] = 0;
	frame_fix_payload(&f, 14, 54, 58);
	send_frame(&w);
	/* An option that is longer than the packet. */
	frame_nd(&f, w.mac, 135, 0, frame_peer6, frame_node6, frame_node6, frame_peer_mac);
	f.o[79] = 2;
	frame_fix_payload(&f, 14, 54, 58);
	send_frame(&w);
	assert_int_equal(wire_count(&w, COUNT_DROP_IP), 3);
	frame_nd(&f, w.mac, 135, 0, frame_peer6, frame_node6, frame_node6, frame_peer_mac);
	f.o[56] ^= 1;
	send_frame(&w);
	assert_int_equal(wire_count(&w, COUNT_DROP_CHECKSUM), 1);
	assert_false(wire_receive(&w, &f));
	/* Without the override flag, what is known stays (RFC 4861 §7.2.5). */
	wire_acquaint(&w);
	frame_nd(&f, w.mac, 136, 0x40, frame_peer6, frame_node6, frame_peer6, mac2);
	send_frame(&w);
	assert_true(reaches(&w, 6, frame_peer_mac));
	frame_nd(&f, w.mac, 136, 0x60, frame_peer6, frame_node6, frame_peer6, mac2);
	send_frame(&w);
	assert_true(reaches(&w, 6, mac2));
	wire_close(&w);
}

static void test_echo(void **state)
{
	static struct wire w;
	uint8_t ping[64] = {8, 0, 0, 0, 0x12, 0x34, 0, 1};

	wire_open(&w, &(struct wire_options){0});
	memset(ping + 8, 0x5a, sizeof(ping) - 8);
	/* 0x0800 + 0x1234 + 1 + 28 times 0x5a5a, folded and inverted. */
	uint32_t sum = 0x0800 + 0x1234 + 1 + 28 * 0x5a5a;
	sum = (sum & 0xffff) + (sum >> 16);
	ping[2] = (uint8_t)(~sum >> 8);
	ping[3] = (uint8_t)~sum;
	frame_ip4(&f, w.mac, 0, 1, ping, sizeof(ping));
	send_frame(&w);
	assert_true(wire_receive(&w, &f));
	assert_memory_equal(f.o, frame_peer_mac, 6);
	assert_int_equal(f.o[34], 0);
	assert_memory_equal(f.o + 38, ping + 4, sizeof(ping) - 4);
	assert_memory_equal(f.o + 26, frame_node4, 4);
	assert_memory_equal(f.o + 30, frame_peer4, 4);
	assert_true(frame_sound(&f, 14));

	ping[0] = 128;
	frame_ip6(&f, w.mac, 0, 58, ping, sizeof(ping));
	frame_fix_payload(&f, 14, 54, 58);
	send_frame(&w);
	assert_true(wire_receive(&w, &f));
	assert_int_equal(f.o[54], 129);
	assert_memory_equal(f.o + 58, ping + 4, sizeof(ping) - 4);
	assert_true(frame_sound(&f, 14));
	assert_int_equal(wire_count(&w, COUNT_ICMP_ECHO), 2);

	/* Wrong checksums, and replies, are not answered. */
	frame_ip6(&f, w.mac, 0, 58, ping, sizeof(ping));
	send_frame(&w);
	ping[0] = 0;
	frame_ip4(&f, w.mac, 0, 1, ping, sizeof(ping));
	send_frame(&w);
	assert_false(wire_receive(&w, &f));
	wire_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arp_is_answered),
		cmocka_unit_test(test_arp_not_answered),
		cmocka_unit_test(test_arp_not_believed),
		cmocka_unit_test(test_arp_moves),
		cmocka_unit_test(test_held_until_the_answer),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_many_unknown),
		cmocka_unit_test(test_ages),
		cmocka_unit_test(test_through_a_router),
		cmocka_unit_test(test_nd_is_answered),
		cmocka_unit_test(test_nd_refused),
		cmocka_unit_test(test_echo),
	};
	return cmocka_run_group_tests(tests, wire_eal, NULL);
}
