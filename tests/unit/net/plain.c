/* plain.c - the fast ways in and out against the complete ones: the same frames, the same
 * result
 *
 * A frame in two segments and a message without room before it always go the complete way.
 */
#include "wire.h"

#include <stdlib.h>

#include <rte_ring.h>

enum { IP = 14, MESSAGE = 300 };

static struct wire w;
static struct frame f, f2;
static uint8_t payload[MESSAGE];

static uint32_t random_below(uint32_t n)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % n;
}

/* The same frame cut in two. */
static void send_cut(const struct frame *d)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(w.net->pool.small);
	struct rte_mbuf *tail = rte_pktmbuf_alloc(w.net->pool.small);
	uint32_t cut = d->len / 2;

	assert_non_null(head);
	assert_non_null(tail);
	memcpy(rte_pktmbuf_append(head, (uint16_t)cut), d->o, cut);
	memcpy(rte_pktmbuf_append(tail, (uint16_t)(d->len - cut)), d->o + cut, d->len - cut);
	assert_int_equal(rte_pktmbuf_chain(head, tail), 0);
	assert_int_equal(rte_ring_enqueue(w.to_node[0], head), 0);
}

static void same_message(const struct buf *a, const struct buf *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->data, b->data, a->len);
	assert_memory_equal(&a->src, &b->src, sizeof(a->src));
	assert_memory_equal(&a->dst, &b->dst, sizeof(a->dst));
	assert_int_equal(a->port, b->port);
	assert_int_equal(a->worker, b->worker);
	assert_int_equal(a->flags, b->flags);
}

/* Both ways come to the same message, or count the same. True: to a message. */
static bool same_in(const struct frame *d)
{
	uint64_t before[COUNT_MAX], after[COUNT_MAX];
	uint32_t n;

	for (int i = 0; i < COUNT_MAX; i++)
		before[i] = wire_count(&w, i);
	wire_send(&w, 0, d);
	wire_turn(&w);
	n = w.n;
	for (int i = 0; i < COUNT_MAX; i++)
		after[i] = wire_count(&w, i);
	send_cut(d);
	wire_turn(&w);
	for (int i = 0; i < COUNT_MAX; i++)
		assert_int_equal(wire_count(&w, i) - after[i], after[i] - before[i]);
	assert_int_equal(w.n, 2 * n);
	if (n)
		same_message(w.buf[0], w.buf[1]);
	wire_forget(&w);
	wire_silence(&w);
	return n > 0;
}

static void make(uint8_t family, uint16_t vlan, uint16_t port, uint32_t len)
{
	if (family == 4)
		frame_udp4(&f, w.mac, vlan, port, payload, len);
	else
		frame_udp6(&f, w.mac, vlan, port, payload, len);
}

static void test_sound_frames(void **state)
{
	for (uint16_t vlan = 0; vlan <= 42; vlan += 42) {
		wire_open(&w, &(struct wire_options){.vlan = vlan});
		for (uint32_t len = 0; len <= MESSAGE; len++) {
			make(4, vlan, 5060, len);
			assert_true(same_in(&f));
			make(6, vlan, 5080, len);
			assert_true(same_in(&f));
		}
		wire_close(&w);
	}
}

/* Every octet of the headers, each in every way of one bit, with the checksums put right again
 * so that they do not hide what is behind. */
static void bend(uint8_t family, uint16_t vlan)
{
	uint32_t ip = IP + (vlan ? 4 : 0), udp = ip + (family == 4 ? 20 : 40), taken = 0;

	for (uint32_t at = 0; at < udp + 8; at++) {
		/* Fragments are kept: not the same twice. */
		if (family == 4 && (at == ip + 6 || at == ip + 7))
			continue;
		for (int bit = 0; bit < 16; bit++) {
			make(family, vlan, 5060, 100);
			f.o[at] ^= (uint8_t)(1 << bit % 8);
			if (bit >= 8 && family == 4)
				frame_fix_ip4(&f, ip);
			if (bit >= 8 && at < udp + 4)
				frame_fix_payload(&f, ip, udp, 17);
			if (f.o[ip + 6] == 44 && family == 6)
				continue;
			taken += same_in(&f);
		}
	}
	/* TTL, DSCP, source port and the like do not matter. */
	assert_true(taken > 50);
}

static void test_bent_headers(void **state)
{
	for (uint16_t vlan = 0; vlan <= 42; vlan += 42) {
		wire_open(&w, &(struct wire_options){.vlan = vlan});
		bend(4, vlan);
		bend(6, vlan);
		wire_close(&w);
	}
}

static void test_fields(void **state)
{
	static const uint8_t sources4[][4] = {{0, 1, 2, 3},   {127, 0, 0, 1},
					      {224, 0, 0, 1}, {255, 255, 255, 255},
					      {223, 1, 2, 3}, {1, 0, 0, 0}};
	static const uint8_t loopback[16] = {[15] = 1}, unspecified[16], group[16] = {0xff, 2};
	const uint8_t *sources6[] = {loopback, unspecified, group, frame_node6, frame_peer6};

	wire_open(&w, &(struct wire_options){0});
	for (int i = 0; i < 6; i++) {
		make(4, 0, 5060, 100);
		memcpy(f.o + IP + 12, sources4[i], 4);
		frame_fix_ip4(&f, IP);
		frame_fix_payload(&f, IP, IP + 20, 17);
		assert_int_equal(same_in(&f), i >= 4);
	}
	make(4, 0, 5060, 100);
	memcpy(f.o + IP + 12, frame_node4, 4);
	frame_fix_ip4(&f, IP);
	frame_fix_payload(&f, IP, IP + 20, 17);
	assert_false(same_in(&f));
	for (int i = 0; i < 5; i++) {
		make(6, 0, 5060, 100);
		memcpy(f.o + IP + 8, sources6[i], 16);
		frame_fix_payload(&f, IP, IP + 40, 17);
		assert_int_equal(same_in(&f), i == 4 || i == 1);
	}
	for (uint32_t port = 5050; port < 5100; port++) {
		make(4, 0, (uint16_t)port, 20);
		assert_int_equal(same_in(&f), port == 5060 || port == 5080);
	}
	wire_close(&w);
}

/* UDP without a checksum: sound over IPv4 alone (RFC 768, RFC 8200 §8.1). */
static void test_no_checksum(void **state)
{
	wire_open(&w, &(struct wire_options){0});
	make(4, 0, 5060, 100);
	frame_put16(&f, IP + 26, 0);
	assert_true(same_in(&f));
	make(6, 0, 5060, 100);
	frame_put16(&f, IP + 46, 0);
	assert_false(same_in(&f));
	/* One bit anywhere in the message. */
	for (uint32_t i = 0; i < 100; i++) {
		make(4, 0, 5060, 100);
		f.o[IP + 28 + i] ^= (uint8_t)(1 << random_below(8));
		assert_false(same_in(&f));
	}
	wire_close(&w);
}

static void test_lengths(void **state)
{
	wire_open(&w, &(struct wire_options){0});
	for (uint32_t family = 4; family <= 6; family += 2) {
		uint32_t ip_len = family == 4 ? IP + 2 : IP + 4, udp = family == 4 ? 34 : 54;

		for (uint32_t v = 0; v < 200; v++) {
			make((uint8_t)family, 0, 5060, 100);
			frame_put16(&f, v % 2 ? ip_len : udp + 4, (uint16_t)v);
			if (family == 4)
				frame_fix_ip4(&f, IP);
			same_in(&f);
			make((uint8_t)family, 0, 5060, 100);
			f.len = 2 + v % (f.len - 1);
			same_in(&f);
			/* Padding behind the packet is no part of it. */
			make((uint8_t)family, 0, 5060, 100);
			f.len += v;
			assert_true(same_in(&f));
		}
	}
	wire_close(&w);
}

/* Both lengths say more than there is, and no checksum tells. */
static void test_lengths_lie_together(void **state)
{
	wire_open(&w, &(struct wire_options){0});
	for (uint32_t more = 0; more < 3; more++) {
		make(4, 0, 5060, 100);
		frame_put16(&f, IP + 2, (uint16_t)(128 + more));
		frame_put16(&f, IP + 24, (uint16_t)(108 + more));
		frame_put16(&f, IP + 26, 0);
		frame_fix_ip4(&f, IP);
		assert_int_equal(same_in(&f), more == 0);
		make(6, 0, 5060, 100);
		frame_put16(&f, IP + 4, (uint16_t)(108 + more));
		frame_put16(&f, IP + 44, (uint16_t)(108 + more));
		assert_int_equal(same_in(&f), more == 0);
		frame_put16(&f, IP + 4, (uint16_t)(108 + 100 * more));
		frame_put16(&f, IP + 44, (uint16_t)(108 + 100 * more));
		wire_send_guarded(&w, &f);
	}
	wire_close(&w);
}

/* From port 0 nothing can be answered. */
static void test_source_port_zero(void **state)
{
	wire_open(&w, &(struct wire_options){0});
	for (uint32_t family = 4; family <= 6; family += 2) {
		uint32_t udp = family == 4 ? IP + 20 : IP + 40;

		make((uint8_t)family, 0, 5060, 100);
		frame_put16(&f, udp, 0);
		frame_fix_payload(&f, IP, udp, 17);
		assert_false(same_in(&f));
	}
	wire_close(&w);
}

/* The flags of IPv4: a fragment is kept for its others, all else goes on. */
static void test_fragment_bits(void **state)
{
	for (int bit = 0; bit < 16; bit++) {
		wire_open(&w, &(struct wire_options){0});
		make(4, 0, 5060, 100);
		frame_put16(&f, IP + 6, (uint16_t)(1 << bit));
		frame_fix_ip4(&f, IP);
		wire_send(&w, 0, &f);
		wire_turn(&w);
		assert_int_equal(w.n, bit >= 14); /* may not be fragmented; reserved */
		assert_int_equal(wire_count(&w, COUNT_FRAG_RX), bit < 14);
		wire_close(&w);
	}
}

/* In one burst, in their order: what is plain, what is not, and what is neither. */
static void test_mixed_burst(void **state)
{
	uint32_t expected[32], n = 0;

	wire_open(&w, &(struct wire_options){0});
	for (uint32_t i = 0; i < 32; i++) {
		uint32_t kind = random_below(4);

		make(i % 2 ? 4 : 6, 0, kind == 1 ? 9 : 5060, 10 + i);
		if (kind == 0)
			send_cut(&f);
		else
			wire_send(&w, 0, &f);
		if (kind != 1)
			expected[n++] = 10 + i;
	}
	wire_turn(&w);
	assert_int_equal(w.n, n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(w.buf[i]->len, expected[i]);
	assert_int_equal(wire_count(&w, COUNT_RX_SIP), n);
	assert_int_equal(wire_count(&w, COUNT_DROP_UDP), 32 - n);
	wire_close(&w);
}

static struct buf *message(uint8_t family, uint32_t len, uint32_t variant)
{
	struct buf *b = wire_message(family, payload, len);

	if (variant & 1)
		b->src.port = 0;
	if (variant & 2)
		b->src = (struct addr){.port = 5081};
	if ((variant & 4) && family == 4)
		b->dst = addr_v4(0xc6336400 + variant, 5061);
	return b;
}

/* To the very start of its buffer: without room for headers it goes the complete way. */
static void cram(struct buf *b)
{
	uint8_t *start = mbufs_start(mbufs_mbuf(b));

	memmove(start, b->data, b->len);
	b->data = start;
	b->headroom = 0;
}

/* What both ways send must differ in nothing but the number of the IPv4 datagram. */
static void same_out(uint8_t family, uint32_t len, uint32_t variant)
{
	struct rte_mbuf *a, *b;
	struct buf *cramped;

	net_output(w.worker[0], message(family, len, variant));
	cramped = message(family, len, variant);
	cram(cramped);
	net_output(w.worker[0], cramped);
	net_tx_flush(w.worker[0]);
	assert_int_equal(rte_ring_dequeue(w.from_node[0], (void **)&a), 0);
	assert_int_equal(rte_ring_dequeue(w.from_node[0], (void **)&b), 0);
	assert_int_equal(a->pkt_len, b->pkt_len);
	assert_int_equal(a->ol_flags & ~RTE_MBUF_F_EXTERNAL, b->ol_flags);
	if (a->ol_flags & RTE_MBUF_F_TX_UDP_CKSUM)
		assert_int_equal(a->tx_offload, b->tx_offload);
	f.len = a->pkt_len;
	memcpy(f.o, rte_pktmbuf_mtod(a, void *), f.len);
	memcpy(f2.o, rte_pktmbuf_mtod(b, void *), f.len);
	uint32_t ip = IP + (w.conf.port[0].vlan ? 4 : 0);
	if (family == 4 && !w.net->port[0].tx_checksum) {
		assert_true(frame_sound(&f, ip));
		frame_put16(&f, ip + 10, frame_get16(&f2, ip + 10));
	}
	if (family == 4)
		frame_put16(&f, ip + 4, frame_get16(&f2, ip + 4));
	assert_memory_equal(f.o, f2.o, f.len);
	rte_pktmbuf_free(a);
	rte_pktmbuf_free(b);
}

static void test_out(void **state)
{
	for (uint16_t vlan = 0; vlan <= 42; vlan += 42) {
		wire_open(&w, &(struct wire_options){.vlan = vlan});
		for (uint32_t offload = 0; offload < 2; offload++) {
			w.net->port[0].tx_checksum = offload;
			frame_arp(&f, w.mac, 2, frame_peer4, frame_node4);
			if (vlan)
				frame_insert(&f, 12, "\x81\0\0\x2a", 4);
			wire_send(&w, 0, &f);
			frame_arp(&f, w.mac, 2, (const uint8_t[]){192, 0, 2, 254}, frame_node4);
			if (vlan)
				frame_insert(&f, 12, "\x81\0\0\x2a", 4);
			wire_send(&w, 0, &f);
			frame_nd(&f, w.mac, 136, 0x60, frame_peer6, frame_node6, frame_peer6,
				 frame_peer_mac);
			if (vlan)
				frame_insert(&f, 12, "\x81\0\0\x2a", 4);
			wire_send(&w, 0, &f);
			wire_turn(&w);
			wire_silence(&w);
			for (uint32_t i = 0; i < 2000; i++)
				same_out(i % 2 ? 4 : 6, 1 + random_below(MESSAGE), i / 2 % 8);
		}
		wire_close(&w);
	}
}

/* The address a frame went to ends with this octet. */
static void goes_to(uint8_t last)
{
	net_output(w.worker[0], wire_message(4, payload, 50));
	net_tx_flush(w.worker[0]);
	assert_true(wire_receive(&w, &f));
	assert_int_equal(f.o[5], last);
}

/* A next hop that moved is followed at once, and one that is silent is asked, and forgotten. */
static void test_neighbour_moves(void **state)
{
	uint8_t last = frame_peer_mac[5];

	wire_open(&w, &(struct wire_options){0});
	wire_acquaint(&w);
	goes_to(last);
	goes_to(last);
	for (uint8_t i = 1; i < 4; i++) {
		frame_arp(&f, w.mac, 2, frame_peer4, frame_node4);
		f.o[27] = (uint8_t)(last + i); /* the sender's hardware address */
		wire_send(&w, 0, &f);
		wire_turn(&w);
		goes_to((uint8_t)(last + i));
		goes_to((uint8_t)(last + i));
	}
	w.now_ms += NEIGHBOUR_REFRESH_MS;
	wire_turn(&w);
	net_output(w.worker[0], wire_message(4, payload, 50));
	net_tx_flush(w.worker[0]);
	assert_true(wire_receive(&w, &f));
	assert_int_equal(frame_get16(&f, 12), 0x806);
	assert_true(wire_receive(&w, &f));
	assert_int_equal(frame_get16(&f, 12), 0x800);
	w.now_ms += NEIGHBOUR_AGE_MS;
	wire_turn(&w);
	net_output(w.worker[0], wire_message(4, payload, 50));
	assert_int_equal(net_held(w.worker[0]), 1);
	wire_silence(&w);
	wire_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound_frames),
		cmocka_unit_test(test_bent_headers),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_no_checksum),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_mixed_burst),
		cmocka_unit_test(test_lengths_lie_together),
		cmocka_unit_test(test_source_port_zero),
		cmocka_unit_test(test_fragment_bits),
		cmocka_unit_test(test_out),
		cmocka_unit_test(test_neighbour_moves),
	};
	for (uint32_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 13 + i / 256);
	return cmocka_run_group_tests(tests, wire_eal, NULL);
}
