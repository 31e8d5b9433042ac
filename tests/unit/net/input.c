/* input.c - frames that are taken, and every lie that is caught */
#include "wire.h"

static struct frame f;
static const char hello[] = "OPTIONS sip:a@b SIP/2.0\r\n";
enum { HELLO = sizeof(hello) - 1, IP = 14, V4_UDP = 34, V6_UDP = 54 };

static void udp4(const struct wire *w)
{
	frame_udp4(&f, w->mac, 0, 5060, hello, HELLO);
}

static void udp6(const struct wire *w)
{
	frame_udp6(&f, w->mac, 0, 5060, hello, HELLO);
}

/* The changes a case makes to a right frame. */
static void none(void)
{
}
static void ip_fixed(void)
{
	frame_fix_ip4(&f, IP);
}
static void v4_zero_checksum(void)
{
	frame_put16(&f, V4_UDP + 6, 0);
}
static void v4_nops(void)
{
	frame_insert(&f, V4_UDP, "\1\1\1\0", 4);
	f.o[IP] = 0x46;
	frame_put16(&f, IP + 2, (uint16_t)(frame_get16(&f, IP + 2) + 4));
	ip_fixed();
}
static void v4_source_route(void)
{
	v4_nops();
	memcpy(f.o + V4_UDP, "\x83\3\4\0", 4);
	ip_fixed();
}
static void v4_option_too_long(void)
{
	v4_nops();
	memcpy(f.o + V4_UDP, "\x44\5\5\0", 4);
	ip_fixed();
}
static void v4_option_of_length_0(void)
{
	v4_nops();
	memcpy(f.o + V4_UDP, "\x44\0\5\0", 4);
	ip_fixed();
}
static void padded(void)
{
	memset(f.o + f.len, 0xee, 30);
	f.len += 30;
}
static void priority_tag(void)
{
	frame_insert(&f, 12, "\x81\x00\xa0\x00", 4);
}
static void foreign_tag(void)
{
	frame_insert(&f, 12, "\x81\x00\x00\x07", 4);
}
static void double_tag(void)
{
	priority_tag();
	priority_tag();
}
static void foreign_mac(void)
{
	f.o[5] ^= 0xff;
}
static void broadcast(void)
{
	memset(f.o, 0xff, 6);
}
static void source_group(void)
{
	f.o[6] |= 1;
}
static void other_type(void)
{
	frame_put16(&f, 12, 0x88cc);
}
static void version_5(void)
{
	f.o[IP] = 0x55;
	ip_fixed();
}
static void ihl_4(void)
{
	f.o[IP] = 0x44;
	ip_fixed();
}
static void ihl_15(void)
{
	f.o[IP] = 0x4f;
	frame_put16(&f, IP + 2, 59);
	ip_fixed();
}
static void total_beyond(void)
{
	frame_put16(&f, IP + 2, (uint16_t)(f.len - IP + 1));
	ip_fixed();
}
static void total_short(void)
{
	frame_put16(&f, IP + 2, 19);
	ip_fixed();
}
static void header_checksum(void)
{
	f.o[IP + 10] ^= 1;
}
static void not_ours(void)
{
	f.o[IP + 19] = 77;
	ip_fixed();
}
static void from_us(void)
{
	memcpy(f.o + IP + 12, frame_node4, 4);
	ip_fixed();
}
static void from_group(void)
{
	f.o[IP + 12] = 224;
	ip_fixed();
}
static void from_loopback(void)
{
	f.o[IP + 12] = 127;
	ip_fixed();
}
static void tcp(void)
{
	f.o[IP + 9] = 6;
	ip_fixed();
}
static void udp_longer(void)
{
	frame_put16(&f, V4_UDP + 4, (uint16_t)(f.len - V4_UDP + 1));
}
static void udp_shorter(void)
{
	frame_put16(&f, V4_UDP + 4, (uint16_t)(f.len - V4_UDP - 1));
}
static void udp_seven(void)
{
	frame_put16(&f, V4_UDP + 4, 7);
}
static void udp_cut(void)
{
	frame_put16(&f, IP + 2, 27);
	ip_fixed();
}
static void port_5061(void)
{
	frame_put16(&f, V4_UDP + 2, 5061);
	frame_fix_payload(&f, IP, V4_UDP, 17);
}
static void port_5080(void)
{
	frame_put16(&f, V4_UDP + 2, 5080);
	frame_fix_payload(&f, IP, V4_UDP, 17);
}
static void port_5081(void)
{
	frame_put16(&f, V4_UDP + 2, 5081);
	frame_fix_payload(&f, IP, V4_UDP, 17);
}
static void from_port_0(void)
{
	frame_put16(&f, V4_UDP, 0);
	frame_fix_payload(&f, IP, V4_UDP, 17);
}
static void udp_checksum(void)
{
	f.o[f.len - 1] ^= 1;
}
static void v6_zero_checksum(void)
{
	frame_put16(&f, V6_UDP + 6, 0);
}
static void v6_checksum(void)
{
	f.o[f.len - 1] ^= 1;
}
static void v6_empty(void)
{
	frame_put16(&f, IP + 4, 0);
}
static void v6_beyond(void)
{
	frame_put16(&f, IP + 4, (uint16_t)(frame_get16(&f, IP + 4) + 1));
}
static void v6_not_ours(void)
{
	f.o[IP + 39] = 77;
}
static void v6_version(void)
{
	f.o[IP] = 0x40;
}

/* One extension header directly behind the IPv6 header. */
static void extend(uint8_t type, const void *octets, uint32_t len)
{
	uint8_t next = f.o[IP + 6];

	frame_insert(&f, V6_UDP, octets, len);
	f.o[V6_UDP] = next;
	f.o[IP + 6] = type;
	frame_put16(&f, IP + 4, (uint16_t)(frame_get16(&f, IP + 4) + len));
}
static void v6_options(void)
{
	extend(60, "\0\0\1\4\0\0\0\0", 8);
	extend(0, "\0\0\5\2\0\0\0\0", 8);
}
static void v6_hop_second(void)
{
	extend(0, "\0\0\1\4\0\0\0\0", 8);
	extend(60, "\0\0\1\4\0\0\0\0", 8);
}
static void v6_bad_action(void)
{
	extend(60, "\0\0\x80\4\0\0\0\0", 8);
}
static void v6_option_beyond(void)
{
	extend(60, "\0\0\1\5\0\0\0\0", 8);
}
static void v6_header_beyond(void)
{
	extend(60, "\0\x40\1\4\0\0\0\0", 8);
}
static void v6_routing_done(void)
{
	extend(43, "\0\0\0\0\0\0\0\0", 8);
}
static void v6_routing(void)
{
	extend(43, "\0\0\0\1\0\0\0\0", 8);
}
static void v6_many(void)
{
	for (int i = 0; i < 9; i++)
		extend(60, "\0\0\1\4\0\0\0\0", 8);
}
static void v6_atomic(void)
{
	extend(44, "\0\0\0\0\1\2\3\4", 8);
}
static void v6_no_next(void)
{
	f.o[IP + 6] = 59;
}

static const struct {
	const char *name;
	bool v6;
	void (*change)(void);
	int counter; /* -1: taken as SIP */
} cases[] = {
	{"1 plain", false, none, -1},
	{"2 zero checksum", false, v4_zero_checksum, -1},
	{"3 harmless options", false, v4_nops, -1},
	{"4 padded frame", false, padded, -1},
	{"5 priority tag", false, priority_tag, -1},
	{"6 worker's own port", false, port_5080, -1},
	{"7 tag of another VLAN", false, foreign_tag, COUNT_DROP_L2},
	{"8 two tags", false, double_tag, COUNT_DROP_L2},
	{"9 another's MAC address", false, foreign_mac, COUNT_DROP_L2},
	{"10 broadcast", false, broadcast, COUNT_DROP_IP},
	{"11 source is a group", false, source_group, COUNT_DROP_L2},
	{"12 other protocol", false, other_type, COUNT_DROP_L2},
	{"13 version 5", false, version_5, COUNT_DROP_IP},
	{"14 header of 16", false, ihl_4, COUNT_DROP_IP},
	{"15 header longer than packet", false, ihl_15, COUNT_DROP_IP},
	{"16 total beyond the frame", false, total_beyond, COUNT_DROP_IP},
	{"17 total shorter than header", false, total_short, COUNT_DROP_IP},
	{"18 header checksum", false, header_checksum, COUNT_DROP_CHECKSUM},
	{"19 source route", false, v4_source_route, COUNT_DROP_IP},
	{"20 option too long", false, v4_option_too_long, COUNT_DROP_IP},
	{"21 option of length 0", false, v4_option_of_length_0, COUNT_DROP_IP},
	{"22 not our address", false, not_ours, COUNT_DROP_IP},
	{"23 from our own address", false, from_us, COUNT_DROP_IP},
	{"24 from a group", false, from_group, COUNT_DROP_IP},
	{"25 from loopback", false, from_loopback, COUNT_DROP_IP},
	{"26 TCP", false, tcp, COUNT_DROP_L2},
	{"27 UDP longer than IP", false, udp_longer, COUNT_DROP_UDP},
	{"28 UDP shorter than IP", false, udp_shorter, COUNT_DROP_UDP},
	{"29 UDP of 7", false, udp_seven, COUNT_DROP_UDP},
	{"30 UDP header cut", false, udp_cut, COUNT_DROP_UDP},
	{"31 nobody's port", false, port_5061, COUNT_DROP_UDP},
	{"32 port of a worker that is not", false, port_5081, COUNT_DROP_UDP},
	{"33 from port 0", false, from_port_0, COUNT_DROP_UDP},
	{"34 UDP checksum", false, udp_checksum, COUNT_DROP_CHECKSUM},
	{"35 plain", true, none, -1},
	{"36 options", true, v6_options, -1},
	{"37 routing header used up", true, v6_routing_done, -1},
	{"38 atomic fragment", true, v6_atomic, -1},
	{"39 padded frame", true, padded, -1},
	{"40 zero checksum", true, v6_zero_checksum, COUNT_DROP_CHECKSUM},
	{"41 checksum", true, v6_checksum, COUNT_DROP_CHECKSUM},
	{"42 empty or jumbogram", true, v6_empty, COUNT_DROP_IP},
	{"43 payload beyond the frame", true, v6_beyond, COUNT_DROP_IP},
	{"44 not our address", true, v6_not_ours, COUNT_DROP_IP},
	{"45 version 4", true, v6_version, COUNT_DROP_IP},
	{"46 hop-by-hop not first", true, v6_hop_second, COUNT_DROP_IP},
	{"47 option not to be skipped", true, v6_bad_action, COUNT_DROP_IP},
	{"48 option beyond its header", true, v6_option_beyond, COUNT_DROP_IP},
	{"49 header beyond the packet", true, v6_header_beyond, COUNT_DROP_IP},
	{"50 routing header with segments", true, v6_routing, COUNT_DROP_IP},
	{"51 nine extension headers", true, v6_many, COUNT_DROP_IP},
	{"52 no next header", true, v6_no_next, COUNT_DROP_L2},
};

static uint64_t all_drops(const struct wire *w)
{
	uint64_t n = 0;

	for (int id = COUNT_DROP_L2; id <= COUNT_DROP_NOROUTE; id++)
		n += wire_count(w, id);
	return n;
}

static void test_truth_table(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t drops = all_drops(&w);
		uint64_t mine = cases[i].counter >= 0 ? wire_count(&w, cases[i].counter) : 0;

		(cases[i].v6 ? udp6 : udp4)(&w);
		cases[i].change();
		wire_send(&w, 0, &f);
		wire_turn(&w);
		if (cases[i].counter < 0 &&
		    (w.n != 1 || !slice_eq(buf_slice(w.buf[0]), slice_of(hello, HELLO))))
			fail_msg("case %s: not taken", cases[i].name);
		if (cases[i].counter >= 0 &&
		    (w.n != 0 || wire_count(&w, cases[i].counter) != mine + 1 ||
		     all_drops(&w) != drops + 1))
			fail_msg("case %s: not dropped as %s", cases[i].name,
				 count_info(cases[i].counter)->name);
		wire_forget(&w);
	}
	wire_close(&w);
}

static void check_buf(const struct buf *b, uint8_t family)
{
	const uint32_t octets = family == 4 ? 4 : 16;

	assert_int_equal(b->src.family, family);
	assert_memory_equal(b->src.ip, family == 4 ? frame_peer4 : frame_peer6, octets);
	assert_memory_equal(b->dst.ip, family == 4 ? frame_node4 : frame_node6, octets);
	assert_int_equal(b->src.port, 5555);
	assert_int_equal(b->dst.port, 5060);
	assert_int_equal(b->port, 0);
	assert_int_equal(b->flags, 0);
	assert_int_equal(b->len, HELLO);
	/* The rooms are real: writing all of them breaks nothing. */
	memset(b->data - b->headroom, 0xaa, b->headroom + b->len + b->tailroom);
	assert_true(b->headroom >= RTE_PKTMBUF_HEADROOM + 28 + 14 - MBUFS_LOWER_HEADERS);
}

static void test_what_roles_get(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	udp4(&w);
	wire_send(&w, 0, &f);
	udp6(&w);
	wire_send(&w, 0, &f);
	wire_turn(&w);
	assert_int_equal(w.n, 2);
	check_buf(w.buf[0], 4);
	check_buf(w.buf[1], 6);
	assert_int_equal(wire_count(&w, COUNT_RX_SIP), 2);
	wire_close(&w);
}

/* What one message was found to be stays with none that comes in its buffer after it. */
static void test_nothing_of_the_last(void **state)
{
	enum { MANY = 600 };
	static struct wire w;
	struct buf *b[MANY];

	wire_open(&w, &(struct wire_options){0});
	for (int i = 0; i < MANY; i++) {
		b[i] = wire_message(4, hello, HELLO);
		b[i]->user = b[i]->sa_id = 77;
	}
	for (int i = 0; i < MANY; i++)
		buf_free(b[i]);
	for (int i = 0; i < MANY; i++) {
		b[i] = wire_message(4, hello, HELLO);
		assert_int_equal(b[i]->user, 0);
		assert_int_equal(b[i]->sa_id, 0);
	}
	for (int i = 0; i < MANY; i++)
		buf_free(b[i]);
	/* Frames come round again and again. */
	for (int i = 0; i < 3 * MANY; i++) {
		udp4(&w);
		wire_send(&w, 0, &f);
		wire_turn(&w);
		assert_int_equal(w.n, 1);
		assert_int_equal(w.buf[0]->user, 0);
		assert_int_equal(w.buf[0]->sa_id, 0);
		w.buf[0]->user = w.buf[0]->sa_id = 77;
		wire_forget(&w);
	}
	wire_close(&w);
}

static void test_vlan(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){.vlan = 42});
	frame_udp4(&f, w.mac, 42, 5060, hello, HELLO);
	wire_send(&w, 0, &f);
	frame_udp4(&f, w.mac, 0, 5060, hello, HELLO);
	wire_send(&w, 0, &f);
	frame_udp4(&f, w.mac, 43, 5060, hello, HELLO);
	wire_send(&w, 0, &f);
	wire_turn(&w);
	assert_int_equal(w.n, 1);
	assert_int_equal(wire_count(&w, COUNT_DROP_L2), 2);
	wire_close(&w);
}

static void seed(const struct wire *w, int which)
{
	static const uint8_t echo4[] = {8, 0, 0xf7, 0xfe, 0, 1, 0, 0};

	switch (which) {
	case 0:
		udp4(w);
		v4_nops();
		break;
	case 1:
		udp6(w);
		v6_options();
		break;
	case 2:
		frame_arp(&f, w->mac, 1, frame_peer4, frame_node4);
		break;
	case 3:
		frame_nd(&f, w->mac, 135, 0, frame_peer6, frame_node6, frame_node6,
			 frame_peer_mac);
		break;
	case 4:
		frame_ip4(&f, w->mac, 0, 1, echo4, sizeof(echo4));
		break;
	default:
		udp6(w);
		extend(44, "\0\0\0\1\1\2\3\4", 8);
		break;
	}
}

enum { SEEDS = 6 };

/* Every prefix, its end before a page that cannot be read: one octet too far is a signal. */
static void test_every_prefix(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	for (int s = 0; s < SEEDS; s++) {
		seed(&w, s);
		uint32_t whole = f.len;
		for (uint32_t len = 1; len < whole; len++) {
			seed(&w, s);
			f.len = len;
			wire_send_guarded(&w, &f);
		}
		assert_int_equal(wire_count(&w, COUNT_RX_SIP), 0);
	}
	wire_close(&w);
}

static void test_every_octet_changed(void **state)
{
	static struct wire w;

	wire_open(&w, &(struct wire_options){0});
	for (int s = 0; s < SEEDS; s++) {
		seed(&w, s);
		uint32_t whole = f.len;
		for (uint32_t at = 0; at < whole; at++) {
			for (int v = 0; v < 256; v += v < 8 ? 1 : 13) {
				seed(&w, s);
				f.o[at] = (uint8_t)v;
				if (at < 54 && s == 0)
					frame_fix_ip4(&f, IP);
				wire_send_guarded(&w, &f);
			}
		}
	}
	w.now_ms += 10000;
	wire_turn(&w);
	wire_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truth_table),
		cmocka_unit_test(test_what_roles_get),
		cmocka_unit_test(test_nothing_of_the_last),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_every_octet_changed),
	};
	return cmocka_run_group_tests(tests, wire_eal, NULL);
}
