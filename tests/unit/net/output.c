/* output.c - what leaves: headers, checksums, fragments, buffers that may not be written */
#include "wire.h"

#include <rte_ring.h>

enum { IP = 14 };

static struct frame f, f2;
static uint8_t payload[SIP_MESSAGE_MAX];

static void check_datagram(const struct frame *d, uint32_t ip, uint8_t family, uint32_t len)
{
	uint32_t udp = ip + (family == 4 ? 20 : 40);

	assert_true(frame_sound(d, ip));
	assert_int_equal(d->len, udp + 8 + len);
	assert_int_equal(frame_get16(d, udp), 5060);
	assert_int_equal(frame_get16(d, udp + 2), 5555);
	assert_int_equal(frame_get16(d, udp + 4), 8 + len);
	assert_int_not_equal(frame_get16(d, udp + 6), 0);
	assert_memory_equal(d->o + udp + 8, payload, len);
	assert_memory_equal(d->o + ip + (family == 4 ? 12 : 8),
			    family == 4 ? frame_node4 : frame_node6, family == 4 ? 4 : 16);
	assert_memory_equal(d->o + ip + (family == 4 ? 16 : 24),
			    family == 4 ? frame_peer4 : frame_peer6, family == 4 ? 4 : 16);
	assert_int_equal(d->o[ip + (family == 4 ? 8 : 7)], 64);
}

static void transmit(struct wire *w, struct buf *b)
{
	net_output(w->worker[0], b);
	net_tx_flush(w->worker[0]);
}

static void test_every_length_to_the_mtu(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	wire_acquaint(&w);
	for (uint32_t len = 1; len <= 1472; len += len < 80 || len > 1440 ? 1 : 31) {
		transmit(&w, wire_message(4, payload, len));
		assert_true(wire_receive(&w, &f));
		check_datagram(&f, IP, 4, len);
		if (len > 1452)
			continue;
		transmit(&w, wire_message(6, payload, len));
		assert_true(wire_receive(&w, &f));
		check_datagram(&f, IP, 6, len);
	}
	assert_int_equal(wire_count(&w, COUNT_FRAG_TX), 0);
	wire_close(&w);
}

/* Puts the pieces that come together by what they say of themselves. */
static void collect(struct wire *w, uint8_t family, uint16_t mtu, uint32_t len)
{
	uint32_t header = family == 4 ? 20 : 48, next = 0;
	uint32_t id = 0;
	bool more = true;

	f2.len = IP + (family == 4 ? 20 : 40);
	while (more) {
		assert_true(wire_receive(w, &f));
		if (next == 0)
			memcpy(f2.o, f.o, f2.len);
		assert_true(f.len - IP <= mtu);
		uint32_t part = f.len - IP - header, at = IP + header;
		uint16_t field = frame_get16(&f, family == 4 ? IP + 6 : IP + 42);
		uint32_t offset = family == 4 ? (field & 0x1fff) * 8u : field & 0xfff8u;
		uint32_t this_id = family == 4 ? frame_get16(&f, IP + 4)
					       : (uint32_t)frame_get16(&f, IP + 44) << 16 |
							 frame_get16(&f, IP + 46);

		more = field & (family == 4 ? 0x2000 : 1);
		assert_int_equal(offset, next);
		assert_int_equal(next ? id : this_id, this_id);
		assert_int_equal(family == 4 ? frame_get16(&f, IP + 2)
					     : frame_get16(&f, IP + 4) + 40u,
				 f.len - IP);
		if (more)
			assert_int_equal(part % 8, 0);
		id = this_id;
		memcpy(f2.o + f2.len, f.o + at, part);
		f2.len += part;
		next += part;
	}
	assert_false(wire_receive(w, &f));
	if (family == 4) {
		frame_put16(&f2, IP + 2, (uint16_t)(f2.len - IP));
		frame_put16(&f2, IP + 6, 0);
		frame_fix_ip4(&f2, IP);
	} else {
		assert_int_equal(f2.o[IP + 6], 44);
		f2.o[IP + 6] = 17;
		frame_put16(&f2, IP + 4, (uint16_t)(f2.len - IP - 40));
	}
	check_datagram(&f2, IP, family, len);
}

static void test_fragments(void **state)
{
	static const uint32_t lengths[] = {1473, 1480, 3000, 8000, SIP_MESSAGE_MAX};
	static const uint16_t mtus[] = {1500, 1280, 1300};
	static struct wire w;

	for (int m = 0; m < 3; m++) {
		wire_open(&w, &(struct wire_options){.mtu = mtus[m]});
		wire_acquaint(&w);
		for (int i = 0; i < 5; i++) {
			transmit(&w, wire_message(4, payload, lengths[i]));
			collect(&w, 4, mtus[m], lengths[i]);
			transmit(&w, wire_message(6, payload, lengths[i]));
			collect(&w, 6, mtus[m], lengths[i]);
		}
		wire_close(&w);
	}
}

static void test_vlan_tag(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){.vlan = 42});
	/* The answer to a question, with the tag as well. */
	frame_arp(&f, w.mac, 2, frame_peer4, frame_node4);
	frame_insert(&f, 12, "\x81\0\0\x2a", 4);
	wire_send(&w, 0, &f);
	wire_turn(&w);
	transmit(&w, wire_message(4, payload, 500));
	assert_true(wire_receive(&w, &f));
	assert_memory_equal(f.o + 12, "\x81\0\0\x2a\x08\0", 6);
	check_datagram(&f, IP + 4, 4, 500);
	wire_close(&w);
}

/* A transaction keeps a reference: the message stays, and goes whole each time. */
static void test_shared(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	wire_acquaint(&w);
	struct buf *b = wire_message(4, payload, 700);
	for (int i = 0; i < 3; i++) {
		buf_ref(b);
		assert_true(b->flags & BUF_F_SHARED);
		transmit(&w, b);
		assert_true(wire_receive(&w, &f));
		check_datagram(&f, IP, 4, 700);
		assert_int_equal(b->len, 700);
		assert_memory_equal(b->data, payload, 700);
	}
	buf_free(b);
	wire_close(&w);
}

/* A message that roles moved to the very start of its buffer. */
static void test_no_headroom(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	wire_acquaint(&w);
	struct buf *b = wire_message(4, payload, 700);
	b->data -= b->headroom;
	memmove(b->data, payload, 700);
	transmit(&w, b);
	assert_true(wire_receive(&w, &f));
	check_datagram(&f, IP, 4, 700);
	wire_close(&w);
}

/* Received into a buffer of the node's own, as all drivers but rings do. */
static struct buf *received(struct wire *w, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->net->pool.small);

	assert_non_null(m);
	frame_udp4(&f, w->mac, 0, 5060, payload, len);
	memcpy(rte_pktmbuf_append(m, (uint16_t)f.len), f.o, f.len);
	assert_int_equal(rte_ring_enqueue(w->to_node[0], m), 0);
	wire_turn(w);
	assert_int_equal(w->n, 1);
	w->n = 0;
	return w->buf[0];
}

/* A proxy's header fields go before the message, as far as the headroom reaches. Afterwards the
 * buffer is as before. */
static void test_grown_into_headroom(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	wire_acquaint(&w);
	for (uint32_t more = 0; more <= 560; more += 16) {
		struct buf *b = received(&w, 700);
		struct rte_mbuf *m = mbufs_mbuf(b);
		const void *buf_addr = m->buf_addr;
		uint16_t buf_len = m->buf_len;

		assert_true(b->headroom >= 560);
		b->data -= more;
		b->headroom -= more;
		b->len += more;
		memcpy(b->data, payload, b->len);
		b->dst = b->src;
		b->src = (struct addr){.family = 0, .port = 5060};
		transmit(&w, b);
		/* Grown at the front, or not at all: its end is where it was. */
		assert_ptr_equal((const uint8_t *)m->buf_addr + m->buf_len,
				 (const uint8_t *)buf_addr + buf_len);
		assert_int_equal(m->buf_addr != buf_addr,
				 more > 128 + 42 - MBUFS_LOWER_HEADERS);
		assert_true(wire_receive(&w, &f));
		check_datagram(&f, IP, 4, 700 + more);
		assert_ptr_equal(m->buf_addr, buf_addr);
		assert_int_equal(m->buf_len, buf_len);
		assert_int_equal(m->ol_flags, 0);
	}
	assert_int_equal(wire_count(&w, COUNT_DROP_NOBUF), 0);
	wire_close(&w);
}

static void test_source_completed(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	wire_acquaint(&w);
	struct buf *b = wire_message(6, payload, 50);
	b->src = (struct addr){.family = 0};
	transmit(&w, b);
	assert_true(wire_receive(&w, &f));
	check_datagram(&f, IP, 6, 50);
	b = wire_message(6, payload, 50);
	b->src.family = 4;
	transmit(&w, b);
	assert_int_equal(wire_count(&w, COUNT_DROP_NOROUTE), 1);
	wire_close(&w);
}

/* UDP's sum may come out as zero, which would mean none (RFC 768). */
static void test_checksum_never_zero(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	wire_acquaint(&w);
	for (uint32_t v = 0; v < 65536; v++) {
		uint8_t two[2] = {(uint8_t)(v >> 8), (uint8_t)v};
		transmit(&w, wire_message(4, two, 2));
		assert_true(wire_receive(&w, &f));
		assert_int_not_equal(frame_get16(&f, 40), 0);
	}
	wire_close(&w);
}

static void test_queue_full(void **state)
{
	static struct wire w;
	uint32_t got = 0;

	wire_open(&w, &(struct wire_options){0});
	wire_acquaint(&w);
	for (int i = 0; i < 1200; i++)
		net_output(w.worker[0], wire_message(4, payload, 20));
	net_tx_flush(w.worker[0]);
	uint64_t drops = wire_count(&w, COUNT_DROP_TX);
	while (wire_receive(&w, &f))
		got++;
	assert_int_equal(got + drops, 1200);
	assert_true(drops > 0);
	wire_close(&w);
}

/* No buffer left for copies: dropped and counted, nothing lost. */
static void test_no_buffers(void **state)
{
	static struct wire w;
	static struct rte_mbuf *all[20000];
	uint32_t n = 0;

	wire_open(&w, &(struct wire_options){0});
	wire_acquaint(&w);
	struct buf *b = wire_message(4, payload, 700);
	struct buf *large = wire_message(4, payload, 5000);
	buf_ref(b);
	while (n < 20000 && (all[n] = rte_pktmbuf_alloc(w.net->pool.small)))
		n++;
	transmit(&w, b);
	transmit(&w, large);
	/* The one has room for its headers; the other, which is to be cut up, finds no memory.
	 */
	assert_int_equal(wire_count(&w, COUNT_DROP_NOBUF), 1);
	assert_true(wire_receive(&w, &f));
	check_datagram(&f, IP, 4, 700);
	assert_false(wire_receive(&w, &f));
	assert_null(buf_alloc(100));
	rte_pktmbuf_free_bulk(all, n);
	buf_free(b);
	wire_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_length_to_the_mtu),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_vlan_tag),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_no_headroom),
		cmocka_unit_test(test_grown_into_headroom),
		cmocka_unit_test(test_source_completed),
		cmocka_unit_test(test_checksum_never_zero),
		cmocka_unit_test(test_queue_full),
		cmocka_unit_test(test_no_buffers),
	};
	for (uint32_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 11 + i / 256);
	return cmocka_run_group_tests(tests, wire_eal, NULL);
}
