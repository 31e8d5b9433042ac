/* test_packet.c - messages out under an SA and in again, by each algorithm and way */
#include "support.h"

enum { MOST = SIP_MESSAGE_MAX };

static uint8_t text[MOST], octets[MOST + 256], back[MOST + 256];

static void fill_text(uint32_t seed)
{
	for (uint32_t i = 0; i < MOST; i++)
		text[i] = (uint8_t)(i * 31 + i / 251 + seed);
}

/* From one side to the other, and what the receiver has to see. */
static void carry(struct side *from, struct side *to, const struct esp_sa_spec *at_receiver,
		  uint32_t len, uint16_t src_port, uint16_t dst_port)
{
	struct buf how;
	uint32_t n = seal(from, at_receiver->sa_id, text, len, octets, &how);
	struct esp_packet p = packet_of(at_receiver, octets, n);
	bool tunnel = at_receiver->nat.family != 0;

	assert_int_equal(!tunnel, (how.flags & BUF_F_ESP) != 0);
	p = open_packet(to, &p, back);
	if (p.verdict != VERDICT_NEXT)
		fail_msg("%u octets: %s", len, count_info(p.reason)->name);
	assert_int_equal(p.len, len);
	assert_memory_equal(back, text, len);
	assert_true(p.sa_id == at_receiver->sa_id);
	assert_true(addr_same_ip(&p.src, &at_receiver->ue));
	assert_true(addr_same_ip(&p.dst, &at_receiver->local));
	assert_int_equal(p.src.port, src_port);
	assert_int_equal(p.dst.port, dst_port);
}

static void both_ways(uint8_t family, const struct suite *s, bool nat)
{
	static const uint32_t lengths[] = {0,  1,  2,  3,  4,  5,   6,   7,    13,   14,  15,
					   16, 17, 63, 64, 65, 255, 900, 1399, 1500, MOST};
	struct pair p;

	pair_open(&p, family, s, nat);
	struct esp_sa_spec m = mirrored(&p.spec);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		fill_text((uint32_t)i);
		carry(&p.node, &p.ue, &m, lengths[i], 5102, 40002);
		carry(&p.ue, &p.node, &p.spec, lengths[i], 40001, 5101);
	}
	pair_close(&p);
}

static void every_suite_and_way(void **state)
{
	for (uint32_t i = 0; i < SUITES; i++)
		for (uint8_t way = 0; way < 4; way++)
			both_ways(way & 1 ? 4 : 6, &suites[i], way & 2);
}

/* Where the packet leaves for, and what it looks like from outside. */
static void layout(void **state)
{
	for (uint32_t i = 0; i < SUITES; i++) {
		const struct suite *s = &suites[i];
		struct pair p;
		struct buf how;

		pair_open(&p, 4, s, i & 1);
		fill_text(i);
		for (uint32_t seq = 1; seq < 4; seq++) {
			uint32_t n = seal(&p.node, p.spec.sa_id, text, 900, octets, &how);

			assert_memory_equal(octets, "\x10\0\0\x03", 4); /* spi_us */
			assert_int_equal(octets[7], seq);
			assert_int_equal((n - 8 - s->iv - s->icv) % s->align, 0);
			assert_true(n <= 900 + ESP_HEAD_MAX + ESP_TAIL_MAX);
			assert_true(addr_same_ip(&how.src, &p.spec.local));
			assert_true(addr_same_ip(&how.dst, i & 1 ? &p.spec.nat : &p.spec.ue));
			assert_int_equal(how.src.port, i & 1 ? 4500 : 0);
			assert_int_equal(how.dst.port, i & 1 ? 61000 : 0);
		}
		pair_close(&p);
	}
}

/* The same text twice: nothing of it may be the same but for what is not encrypted. */
static void ivs_differ(void **state)
{
	static uint8_t again[MOST + 256];

	for (uint32_t i = 3; i < SUITES; i++) {
		struct pair p;

		pair_open(&p, 4, &suites[i], false);
		fill_text(i);
		seal(&p.node, p.spec.sa_id, text, 900, octets, NULL);
		seal(&p.node, p.spec.sa_id, text, 900, again, NULL);
		assert_memory_not_equal(octets + 8, again + 8, suites[i].iv);
		if (suites[i].cipher != ESP_NULL)
			for (uint32_t at = 8 + suites[i].iv; at + 16 < 900; at += 16)
				assert_memory_not_equal(octets + at, again + at, 16);
		/* An AEAD's is the SPI and the number: never the one of another of the UE's
		 * SAs, which have the same key. */
		if (suites[i].iv == 8)
			assert_memory_equal(octets + 8, octets, 8);
		else
			assert_memory_not_equal(octets + 8, octets, 8);
		pair_close(&p);
	}
}

/* A burst with messages of all suites mixed, some to be refused among them. */
static void mixed_burst(void **state)
{
	struct side node, ue;
	struct message m[ESP_BURST];
	struct esp_message e[ESP_BURST];
	struct esp_packet got[ESP_BURST];
	struct esp_sa_spec spec[ESP_BURST];

	fill_text(9);
	side_open(&node, ESP_BURST, 1);
	side_open(&ue, ESP_BURST, 1);
	for (uint32_t i = 0; i < ESP_BURST; i++) {
		spec[i] = spec_of(i, i & 1 ? 4 : 6, &suites[i % SUITES], i & 2);
		struct esp_sa_spec other = mirrored(&spec[i]);

		assert_int_equal(esp_sa_put(node.sas, &spec[i]), ESP_OK);
		assert_int_equal(esp_sa_put(ue.sas, &other), ESP_OK);
		message_open(&m[i], text, 100 + 20 * i);
		e[i] = (struct esp_message){&m[i].buf, .sa_id = i % 9 == 8 ? 5 : 1000 + i};
	}
	esp_out(ue.worker[0], e, ESP_BURST);
	for (uint32_t i = 0; i < ESP_BURST; i++) {
		got[i] = packet_of(&spec[i], m[i].buf.data, m[i].buf.len);
		if (i % 9 == 8) {
			assert_int_equal(e[i].verdict, VERDICT_DROP);
			assert_int_equal(e[i].reason, COUNT_DROP_ESP_NO_SA);
			continue;
		}
		assert_int_equal(e[i].verdict, VERDICT_SEND);
		if (i % 5 == 4)
			m[i].buf.data[m[i].buf.len / 2] ^= 1;
	}
	esp_in(node.worker[0], got, ESP_BURST);
	for (uint32_t i = 0; i < ESP_BURST; i++) {
		if (i % 9 == 8 || i % 5 == 4) {
			assert_int_equal(got[i].verdict, VERDICT_DROP);
		} else {
			assert_int_equal(got[i].verdict, VERDICT_NEXT);
			assert_true(got[i].sa_id == 1000 + i);
			assert_int_equal(got[i].len, 100 + 20 * i);
			assert_memory_equal(got[i].at, text, got[i].len);
		}
		message_close(&m[i]);
	}
	side_close(&node);
	side_close(&ue);
}

/* spi_pc, from port_us to port_pc: TCP's in the standard, taken alike. */
static void other_pair(void **state)
{
	struct pair p;

	pair_open(&p, 4, &suites[5], false);
	struct esp_sa_spec m = mirrored(&p.spec);
	assert_int_equal(esp_sa_delete(p.ue.sas, m.sa_id), ESP_OK);
	m.sa_id++;
	m.spi_us = p.spec.spi_pc;
	m.spi_uc = p.spec.spi_ps;
	m.local.port = p.spec.ue.port;
	m.port_pc = p.spec.port_us;
	m.port_us = p.spec.port_pc;
	m.ue.port = p.spec.local.port;
	assert_int_equal(esp_sa_put(p.ue.sas, &m), ESP_OK);
	uint32_t n = seal(&p.ue, m.sa_id, "hello", 5, octets, NULL);
	struct esp_packet got = packet_of(&p.spec, octets, n);
	got = open_packet(&p.node, &got, back);
	assert_int_equal(got.verdict, VERDICT_NEXT);
	assert_memory_equal(back, "hello", 5);
	assert_int_equal(got.src.port, p.spec.port_us);
	assert_int_equal(got.dst.port, p.spec.port_pc);
	pair_close(&p);
}

/* RFC 3948: the NAT's port is the one of the newest authentic packet. */
static void nat_port_moves(void **state)
{
	struct pair p;
	struct buf how;
	uint8_t old[256];

	pair_open(&p, 4, &suites[5], true);
	uint32_t n_old = seal(&p.ue, p.spec.sa_id, "old", 3, old, NULL);
	uint32_t n = seal(&p.ue, p.spec.sa_id, "new", 3, octets, NULL);
	struct esp_packet got = packet_of(&p.spec, octets, n);
	got.src.port = 62345;
	/* Changed on the way: says nothing. */
	octets[20] ^= 1;
	assert_int_equal(open_packet(&p.node, &got, NULL).reason, COUNT_DROP_ESP_ICV);
	seal(&p.node, p.spec.sa_id, "x", 1, back, &how);
	assert_int_equal(how.dst.port, 61000);
	octets[20] ^= 1;
	assert_int_equal(open_packet(&p.node, &got, NULL).verdict, VERDICT_NEXT);
	seal(&p.node, p.spec.sa_id, "x", 1, back, &how);
	assert_int_equal(how.dst.port, 62345);
	/* An older one that comes late does not turn it back. */
	got = packet_of(&p.spec, old, n_old);
	assert_int_equal(open_packet(&p.node, &got, NULL).verdict, VERDICT_NEXT);
	seal(&p.node, p.spec.sa_id, "x", 1, back, &how);
	assert_int_equal(how.dst.port, 62345);
	pair_close(&p);
}

static void other_workers_packet(void **state)
{
	struct side node;
	struct message m;
	struct esp_sa_spec spec = spec_of(1, 4, &suites[5], false), other = mirrored(&spec);
	struct side ue;

	side_open(&node, 4, 2);
	side_open(&ue, 4, 1);
	assert_int_equal(esp_sa_put(node.sas, &spec), ESP_OK);
	assert_int_equal(esp_sa_put(ue.sas, &other), ESP_OK);
	assert_int_equal(spec.spi_ps % 2, 1);
	uint32_t n = seal(&ue, spec.sa_id, "to whom", 7, octets, NULL);
	memcpy(back, octets, n);
	struct esp_packet got = packet_of(&spec, octets, n);
	esp_in(node.worker[0], &got, 1);
	assert_int_equal(got.verdict, VERDICT_HANDOFF);
	assert_int_equal(got.owner, 1);
	assert_memory_equal(octets, back, n);
	esp_in(node.worker[1], &got, 1);
	assert_int_equal(got.verdict, VERDICT_NEXT);

	message_open(&m, "back", 4);
	struct esp_message e = {&m.buf, .sa_id = spec.sa_id};
	esp_out(node.worker[0], &e, 1);
	assert_int_equal(e.verdict, VERDICT_HANDOFF);
	assert_int_equal(e.owner, 1);
	assert_int_equal(m.buf.len, 4);
	assert_memory_equal(m.buf.data, "back", 4);
	esp_out(node.worker[1], &e, 1);
	assert_int_equal(e.verdict, VERDICT_SEND);
	message_close(&m);
	side_close(&node);
	side_close(&ue);
}

static void too_little_room(void **state)
{
	struct pair p;
	struct message m;

	pair_open(&p, 6, &suites[6], true);
	for (int i = 0; i < 2; i++) {
		message_open(&m, "hi", 2);
		*(i ? &m.buf.headroom : &m.buf.tailroom) -= 1;
		struct esp_message e = {&m.buf, .sa_id = p.spec.sa_id};
		esp_out(p.node.worker[0], &e, 1);
		assert_int_equal(e.verdict, VERDICT_DROP);
		assert_int_equal(e.reason, COUNT_DROP_SIZE);
		message_close(&m);
	}
	/* It has cost no number. */
	seal(&p.node, p.spec.sa_id, "hi", 2, octets, NULL);
	assert_memory_equal(octets + 4, "\0\0\0\1", 4);
	pair_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_suite_and_way),  cmocka_unit_test(layout),
		cmocka_unit_test(ivs_differ),           cmocka_unit_test(mixed_burst),
		cmocka_unit_test(other_pair),           cmocka_unit_test(nat_port_moves),
		cmocka_unit_test(other_workers_packet), cmocka_unit_test(too_little_room),
	};

	return cmocka_run_group_tests(tests, group_start, group_end);
}
