/* test_hostile.c - packets that are cut, changed, repeated or made up: none comes in, none says
 * anything, and nothing outside of them is touched */
#include "support.h"

#include "esp/keys.h"
#include "esp/worker.h"

static uint8_t octets[2048];

static const char text[] = "MESSAGE sip:bob@home.net SIP/2.0\r\nContent-Length: 0\r\n\r\n";

/* A packet of the UE's that is good, for the node to refuse once it was changed. */
static struct esp_packet good(struct pair *p)
{
	uint32_t n = seal(&p->ue, p->spec.sa_id, text, sizeof(text) - 1, octets, NULL);

	return packet_of(&p->spec, octets, n);
}

static void refused(struct pair *p, const struct esp_packet *packet, enum count_id reason)
{
	struct esp_packet got = open_packet(&p->node, packet, NULL);

	assert_int_equal(got.verdict, VERDICT_DROP);
	assert_true(got.sa_id == 0);
	if (got.reason != reason)
		fail_msg("%s, not %s", count_info(got.reason)->name, count_info(reason)->name);
}

static void taken(struct pair *p, const struct esp_packet *packet)
{
	assert_int_equal(open_packet(&p->node, packet, NULL).verdict, VERDICT_NEXT);
}

static void every_prefix(void **state)
{
	for (uint32_t i = 0; i < SUITES; i++) {
		struct pair p;

		pair_open(&p, 4, &suites[i], i & 1);
		struct esp_packet whole = good(&p), part = whole;
		for (part.len = 0; part.len < whole.len; part.len++) {
			struct esp_packet got = open_packet(&p.node, &part, NULL);

			assert_int_equal(got.verdict, VERDICT_DROP);
			assert_true(got.reason == COUNT_DROP_ESP_LENGTH ||
				    got.reason == COUNT_DROP_ESP_ICV);
		}
		/* Each of them was none that counts. */
		taken(&p, &whole);
		pair_close(&p);
	}
}

static void every_bit(void **state)
{
	for (uint32_t i = 0; i < SUITES; i++) {
		struct pair p;

		pair_open(&p, 6, &suites[i], i & 1);
		struct esp_packet whole = good(&p);
		for (uint32_t bit = 0; bit < whole.len * 8; bit++) {
			octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
			struct esp_packet got = open_packet(&p.node, &whole, NULL);

			assert_int_equal(got.verdict, VERDICT_DROP);
			/* The SPI leads nowhere; a number of 0 is none. */
			if (bit >= 64)
				assert_int_equal(got.reason, COUNT_DROP_ESP_ICV);
			octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		taken(&p, &whole);
		refused(&p, &whole, COUNT_DROP_ESP_REPLAY);
		pair_close(&p);
	}
}

static void replayed(void **state)
{
	static uint8_t kept[300][256];
	uint32_t len[300];
	struct pair p;

	pair_open(&p, 4, &suites[7], false);
	for (uint32_t i = 0; i < 300; i++) {
		struct esp_packet packet = good(&p);

		len[i] = packet.len;
		memcpy(kept[i], octets, packet.len);
	}
	/* The last first: what is within the window may come late, once. */
	struct esp_packet last = packet_of(&p.spec, kept[299], len[299]);
	taken(&p, &last);
	for (uint32_t i = 0; i < 300; i++) {
		struct esp_packet packet = packet_of(&p.spec, kept[i], len[i]);

		if (i >= 300 - 128 && i < 299)
			taken(&p, &packet);
		refused(&p, &packet, COUNT_DROP_ESP_REPLAY);
	}
	pair_close(&p);
}

/* Both were admitted; the first takes the number. */
static void twice_in_a_burst(void **state)
{
	struct pair p;
	uint8_t copy[256];

	pair_open(&p, 4, &suites[5], false);
	struct esp_packet burst[3] = {good(&p)};
	memcpy(copy, octets, burst[0].len);
	burst[1] = packet_of(&p.spec, copy, burst[0].len);
	burst[2] = (struct esp_packet){.at = copy, .len = 3};
	esp_in(p.node.worker[0], burst, 3);
	assert_int_equal(burst[0].verdict, VERDICT_NEXT);
	assert_int_equal(burst[1].verdict, VERDICT_DROP);
	assert_int_equal(burst[1].reason, COUNT_DROP_ESP_REPLAY);
	assert_int_equal(burst[2].reason, COUNT_DROP_ESP_LENGTH);
	pair_close(&p);
}

static void wrong_addresses(void **state)
{
	for (int nat = 0; nat < 2; nat++) {
		struct pair p;

		pair_open(&p, 4, &suites[5], nat);
		struct esp_packet whole = good(&p), other = whole;
		other.src.ip[3] ^= 1;
		refused(&p, &other, COUNT_DROP_ESP_ADDRESS);
		other = whole;
		other.dst.ip[3] ^= 1;
		refused(&p, &other, COUNT_DROP_ESP_ADDRESS);
		/* In UDP where it should not be, and not where it should. */
		other = whole;
		other.src.port = nat ? 0 : 4500;
		refused(&p, &other, COUNT_DROP_ESP_ADDRESS);
		taken(&p, &whole);
		pair_close(&p);
	}
}

static void unknown_spi(void **state)
{
	struct pair p;

	pair_open(&p, 4, &suites[5], false);
	struct esp_packet whole = good(&p);
	for (uint32_t i = 0; i < 1000; i++) {
		octets[0] = (uint8_t)(i >> 8);
		octets[1] = (uint8_t)i;
		refused(&p, &whole, COUNT_DROP_ESP_SPI);
	}
	/* The UE's own SPI is none of ours: what we send, sent back, leads nowhere. */
	uint32_t n = seal(&p.node, p.spec.sa_id, text, sizeof(text) - 1, octets, NULL);
	whole = packet_of(&p.spec, octets, n);
	refused(&p, &whole, COUNT_DROP_ESP_SPI);
	pair_close(&p);
}

/* Another user's key under this SPI. */
static void other_key(void **state)
{
	for (uint32_t i = 0; i < SUITES; i++) {
		struct pair p;

		pair_open(&p, 4, &suites[i], false);
		struct esp_sa_spec m = mirrored(&p.spec);
		m.sa_id++;
		m.spi_pc += 8;
		m.spi_ps += 8;
		m.ck[3] ^= 1;
		m.ik[3] ^= 1;
		assert_int_equal(esp_sa_put(p.ue.sas, &m), ESP_OK);
		uint32_t n = seal(&p.ue, m.sa_id, text, sizeof(text) - 1, octets, NULL);
		struct esp_packet packet = packet_of(&p.spec, octets, n);
		refused(&p, &packet, COUNT_DROP_ESP_ICV);
		pair_close(&p);
	}
}

/* What only the UE itself can make, as the key is needed: a payload laid out by hand, sealed
 * with the library's own hand. */
static struct esp_packet crafted(struct pair *p, const void *payload, uint32_t len)
{
	struct esp_worker *w = p->ue.worker[0];
	uint64_t id = p->spec.sa_id;
	const struct sa *s = sa_find_id(p->ue.sas, id, sa_hash_id(p->ue.sas, id));
	uint32_t total = 8 + s->iv_len + len + s->icv_len;

	memset(octets, 0, total);
	put32(octets, s->spi_out);
	put32(octets + 4, ++s->run->sent);
	memcpy(octets + 8 + s->iv_len, payload, len);
	w->work[0].sa = s;
	w->hmac = w->wide;
	crypto_seal(w, 0, octets, total);
	crypto_finish(w);
	assert_true(w->work[0].done);
	return packet_of(&p->spec, octets, total);
}

enum { PLAIN = 32 };

/* A datagram of 8 + 6 octets, 16 of padding, the trailer. */
static void plain_udp(uint8_t d[PLAIN])
{
	static const uint8_t head[] = {0x9c, 0x41, 0x13, 0xed, 0, 14, 0, 0};

	memcpy(d, head, sizeof(head)); /* 40001 to 5101 */
	memcpy(d + 8, "INFO x", 6);
	for (uint8_t i = 0; i < 16; i++)
		d[14 + i] = (uint8_t)(i + 1);
	d[30] = 16;
	d[31] = 17;
}

static void authentic_but_wrong(void **state)
{
	static const struct {
		uint8_t at, value;
		enum count_id reason;
	} change[] = {
		{30, 31, COUNT_DROP_ESP_FORMAT}, /* padding longer than all there is */
		{30, 255, COUNT_DROP_ESP_FORMAT},
		{30, 15, COUNT_DROP_ESP_FORMAT}, /* no longer 1, 2, 3 */
		{14, 2, COUNT_DROP_ESP_FORMAT},
		{29, 15, COUNT_DROP_ESP_FORMAT},
		{31, 6, COUNT_DROP_ESP_PROTOCOL}, /* TCP */
		{31, 4, COUNT_DROP_ESP_PROTOCOL}, /* IP: not in transport mode */
		{31, 0, COUNT_DROP_ESP_PROTOCOL},
		{31, 59, COUNT_DROP_ESP_DUMMY},
		{5, 15, COUNT_DROP_ESP_FORMAT}, /* UDP longer than the payload */
		{4, 1, COUNT_DROP_ESP_FORMAT},
		{5, 7, COUNT_DROP_ESP_FORMAT},
		{1, 0x42, COUNT_DROP_ESP_SELECTOR}, /* from its server port */
		{3, 0xee, COUNT_DROP_ESP_SELECTOR},
		{0, 0, COUNT_DROP_ESP_SELECTOR},
	};
	uint8_t d[PLAIN];

	for (uint32_t i = 0; i < SUITES; i++) {
		struct pair p;

		pair_open(&p, 4, &suites[i], false);
		plain_udp(d);
		struct esp_packet packet = crafted(&p, d, PLAIN);
		taken(&p, &packet);
		for (size_t k = 0; k < sizeof(change) / sizeof(change[0]); k++) {
			plain_udp(d);
			d[change[k].at] = change[k].value;
			packet = crafted(&p, d, PLAIN);
			refused(&p, &packet, change[k].reason);
			/* Its number is used up all the same. */
			refused(&p, &packet, COUNT_DROP_ESP_REPLAY);
		}
		pair_close(&p);
	}
}

/* Padding that leaves nothing. */
static void all_padding(void **state)
{
	struct pair p;
	uint8_t d[16];

	pair_open(&p, 4, &suites[5], false);
	for (uint8_t i = 0; i < 14; i++)
		d[i] = (uint8_t)(i + 1);
	d[14] = 14;
	d[15] = 17;
	struct esp_packet packet = crafted(&p, d, sizeof(d));
	refused(&p, &packet, COUNT_DROP_ESP_FORMAT);
	pair_close(&p);
}

/* Tunnel mode over IPv4: 20 octets of IP, 8 of UDP, "ping", 14 of padding, the trailer. */
static void inner_headers_v4(void **state)
{
	static const uint8_t good_one[48] = {
		0x45, 0, 0, 32, 0,    0,    0x40, 0,    64, 17, 0,  0,  10,  1,   0,   2,
		10,   2, 0, 1,  0x9c, 0x41, 0x13, 0xed, 0,  12, 0,  0,  'p', 'i', 'n', 'g',
		1,    2, 3, 4,  5,    6,    7,    8,    9,  10, 11, 12, 13,  14,  14,  4};
	static const struct {
		uint8_t at, value;
		enum count_id reason;
	} change[] = {
		{0, 0x46, COUNT_DROP_ESP_FORMAT},  {0, 0x65, COUNT_DROP_ESP_FORMAT},
		{3, 33, COUNT_DROP_ESP_FORMAT},    {3, 19, COUNT_DROP_ESP_FORMAT},
		{3, 27, COUNT_DROP_ESP_FORMAT},    {2, 1, COUNT_DROP_ESP_FORMAT},
		{6, 0x20, COUNT_DROP_ESP_FORMAT},  {7, 1, COUNT_DROP_ESP_FORMAT},
		{9, 6, COUNT_DROP_ESP_PROTOCOL},   {15, 3, COUNT_DROP_ESP_SELECTOR},
		{19, 2, COUNT_DROP_ESP_SELECTOR},  {23, 0, COUNT_DROP_ESP_SELECTOR},
		{25, 13, COUNT_DROP_ESP_FORMAT},   {47, 17, COUNT_DROP_ESP_PROTOCOL},
		{47, 41, COUNT_DROP_ESP_PROTOCOL},
	};
	struct pair p;
	uint8_t d[48], out[64];

	pair_open(&p, 4, &suites[5], true);
	struct esp_packet packet = crafted(&p, good_one, sizeof(good_one));
	struct esp_packet got = open_packet(&p.node, &packet, out);
	assert_int_equal(got.verdict, VERDICT_NEXT);
	assert_int_equal(got.len, 4);
	assert_memory_equal(out, "ping", 4);
	for (size_t k = 0; k < sizeof(change) / sizeof(change[0]); k++) {
		memcpy(d, good_one, sizeof(d));
		d[change[k].at] = change[k].value;
		packet = crafted(&p, d, sizeof(d));
		refused(&p, &packet, change[k].reason);
	}
	pair_close(&p);
}

static void inner_headers_v6(void **state)
{
	uint8_t one[64] = {0x60, [5] = 12, [6] = 17, [7] = 64};
	static const struct {
		uint8_t at, value;
		enum count_id reason;
	} change[] = {
		{0, 0x40, COUNT_DROP_ESP_FORMAT}, {5, 15, COUNT_DROP_ESP_FORMAT},
		{4, 1, COUNT_DROP_ESP_FORMAT},    {5, 7, COUNT_DROP_ESP_FORMAT},
		{6, 0, COUNT_DROP_ESP_PROTOCOL},  {6, 44, COUNT_DROP_ESP_PROTOCOL},
		{23, 9, COUNT_DROP_ESP_SELECTOR}, {24, 9, COUNT_DROP_ESP_SELECTOR},
		{63, 4, COUNT_DROP_ESP_PROTOCOL},
	};
	struct pair p;
	uint8_t d[64];

	pair_open(&p, 6, &suites[7], true);
	memcpy(one + 8, p.spec.ue.ip, 16);
	memcpy(one + 24, p.spec.local.ip, 16);
	memcpy(one + 40, "\x9c\x41\x13\xed\0\x0c\0\0ping", 12);
	for (uint8_t i = 0; i < 10; i++)
		one[52 + i] = (uint8_t)(i + 1);
	one[62] = 10;
	one[63] = 41;
	struct esp_packet packet = crafted(&p, one, sizeof(one));
	taken(&p, &packet);
	for (size_t k = 0; k < sizeof(change) / sizeof(change[0]); k++) {
		memcpy(d, one, sizeof(d));
		d[change[k].at] = change[k].value;
		packet = crafted(&p, d, sizeof(d));
		refused(&p, &packet, change[k].reason);
	}
	pair_close(&p);
}

static void noise(void **state)
{
	struct pair p;
	uint64_t random = 12345;

	pair_open(&p, 4, &suites[5], false);
	for (uint32_t i = 0; i < 20000; i++) {
		struct esp_packet packet;

		for (uint32_t k = 0; k < 128; k += 8) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			memcpy(octets + k, &random, 8);
		}
		packet = packet_of(&p.spec, octets, (uint32_t)(random >> 40) % 129);
		if (i % 2)
			put32(octets, p.spec.spi_ps);
		esp_in(p.node.worker[0], &packet, 1);
		assert_int_equal(packet.verdict, VERDICT_DROP);
	}
	struct esp_packet whole = good(&p);
	taken(&p, &whole);
	pair_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_prefix),     cmocka_unit_test(every_bit),
		cmocka_unit_test(replayed),         cmocka_unit_test(twice_in_a_burst),
		cmocka_unit_test(wrong_addresses),  cmocka_unit_test(unknown_spi),
		cmocka_unit_test(other_key),        cmocka_unit_test(authentic_but_wrong),
		cmocka_unit_test(all_padding),      cmocka_unit_test(inner_headers_v4),
		cmocka_unit_test(inner_headers_v6), cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests(tests, group_start, group_end);
}
