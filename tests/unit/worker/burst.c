/* burst.c - one burst of good, bad, fragmented and foreign packets: each gets what it deserves
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "scene/scene.h"
#include "scene/talk.h"

enum { USERS = 64, OUT_MAX = 128, FRAGMENT = 704 };

static struct scene *scene;
static struct rte_mbuf *out[OUT_MAX];
static uint32_t n_out;
static uint64_t before[COUNT_MAX];

static uint64_t counted(enum count_id id)
{
	return count_read(scene->worker->counters, id) - before[id];
}

static void begin(void)
{
	for (int id = 0; id < COUNT_MAX; id++)
		before[id] = count_read(scene->worker->counters, id);
}

static void run(void)
{
	struct scene_cost cost = {0};

	assert_true(rte_ring_count(scene->to_node) <= BURST_MAX);
	n_out = scene_run(scene, &cost, out, OUT_MAX);
}

/* Messages to this user that begin with this. */
static uint32_t came_to(uint32_t user, const char *start)
{
	uint8_t room[SCENE_FRAME_MAX];
	struct addr flow = scene_flow(user);
	uint32_t n = 0;

	for (uint32_t i = 0; i < n_out; i++) {
		struct addr to = scene_destination(out[i]);

		n += addr_eq(&to, &flow) &&
		     slice_starts(scene_message(out[i], room), slice_str(start));
	}
	return n;
}

static struct rte_mbuf *message(uint32_t from, uint32_t to)
{
	static uint64_t number;
	uint8_t memory[SCENE_FRAME_MAX];
	struct text t = text_in(memory, sizeof(memory));

	talk_message(&t, &(struct talk){from, to, ++number});
	return scene_frame(scene, from, text_slice(&t));
}

static struct rte_mbuf *text(uint32_t from, const char *s)
{
	return scene_frame(scene, from, slice_str(s));
}

static struct rte_ipv4_hdr *ip(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);
}

static struct rte_udp_hdr *udp(struct rte_mbuf *m)
{
	return (struct rte_udp_hdr *)(ip(m) + 1);
}

static void fix_ip(struct rte_mbuf *m)
{
	ip(m)->hdr_checksum = 0;
	ip(m)->hdr_checksum = rte_ipv4_cksum(ip(m));
}

/* The message's packet in two pieces, cut at FRAGMENT octets of its IP payload. */
static void two_fragments(uint32_t from, uint32_t to, struct rte_mbuf *piece[2])
{
	struct rte_mbuf *whole = message(from, to);
	uint32_t rest = whole->data_len - 34u - FRAGMENT;

	piece[0] = whole;
	piece[1] = rte_pktmbuf_alloc(scene->frames);
	uint8_t *o = (uint8_t *)rte_pktmbuf_append(piece[1], (uint16_t)(34 + rest));
	memcpy(o, rte_pktmbuf_mtod(whole, uint8_t *), 34);
	memcpy(o + 34, rte_pktmbuf_mtod_offset(whole, uint8_t *, 34 + FRAGMENT), rest);
	rte_pktmbuf_trim(whole, (uint16_t)rest);
	for (int i = 0; i < 2; i++) {
		struct rte_ipv4_hdr *h = ip(piece[i]);

		h->packet_id = rte_cpu_to_be_16(77);
		h->total_length = rte_cpu_to_be_16((uint16_t)(20 + (i ? rest : FRAGMENT)));
		h->fragment_offset = rte_cpu_to_be_16(i ? FRAGMENT / 8 : RTE_IPV4_HDR_MF_FLAG);
		fix_ip(piece[i]);
	}
}

static struct rte_mbuf *broken(uint32_t from, int how)
{
	struct rte_mbuf *m = message(from, from + 1);

	switch (how) {
	case 0:
		ip(m)->hdr_checksum ^= 0x0101;
		break;
	case 1:
		rte_pktmbuf_mtod(m, uint8_t *)[200] ^= 1;
		break;
	case 2: /* to a host behind us */
		ip(m)->dst_addr = rte_cpu_to_be_32(0x0a000002);
		fix_ip(m);
		break;
	case 3: /* to a port nobody listens on */
		udp(m)->dst_port = rte_cpu_to_be_16(9);
		udp(m)->dgram_cksum = 0;
		break;
	case 4: /* longer than the frame */
		ip(m)->total_length = rte_cpu_to_be_16((uint16_t)(m->data_len + 100));
		fix_ip(m);
		break;
	case 5:
		rte_pktmbuf_mtod(m, uint8_t *)[0] ^= 4;
		break;
	default:
		rte_pktmbuf_trim(m, (uint16_t)(m->data_len - 20));
	}
	return m;
}

static void put_good(uint32_t *n, uint32_t user)
{
	scene_put(scene, message(user, user + 1));
	(*n)++;
}

static void test_mixed(void **state)
{
	struct rte_mbuf *piece[2];
	uint8_t memory[SCENE_FRAME_MAX];
	struct text t = text_in(memory, sizeof(memory));
	uint32_t good = 0;

	begin();
	two_fragments(40, 41, piece);
	talk_invite(&t, &(struct talk){0, 1, 1000});
	scene_put(scene, scene_frame(scene, 0, text_slice(&t)));
	scene_put(scene, text(2, "hello\r\n\r\n"));
	scene_put(scene, piece[0]);
	put_good(&good, 10);
	for (int how = 0; how < 7; how++)
		scene_put(scene, broken(4, how));
	put_good(&good, 12);
	scene_put(scene, text(6, "\r\n\r\n"));
	scene_put(scene,
		  text(8, "MESSAGE sip:x@ims.example SIP/2.0\r\nVia: SIP/2.0/UDP h;rport;"
			  "branch=z9hG4bK1\r\nCSeq: nonsense\r\n\r\n"));
	scene_put(scene, text(20, "OPTIONS sip:10.0.0.1 SIP/2.0\r\n"
				  "Via: SIP/2.0/UDP h;rport;branch=z9hG4bK2\r\nFrom: <sip:a@b>;"
				  "tag=1\r\nTo: <sip:10.0.0.1>\r\nCall-ID: o\r\n"
				  "CSeq: 1 OPTIONS\r\n\r\n"));
	scene_put(scene, text(22, "BYE sip:c@10.64.0.9 SIP/2.0\r\n"
				  "Via: SIP/2.0/UDP h;rport;branch=z9hG4bK3\r\nFrom: <sip:a@b>;"
				  "tag=1\r\nTo: <sip:c@ims.example>;tag=2\r\nCall-ID: o\r\n"
				  "CSeq: 1 BYE\r\n\r\n"));
	scene_put(scene,
		  text(24, "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;"
			   "branch=z9hG4bKw0123456789abcdef\r\n"
			   "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nFrom: <sip:a@b>;"
			   "tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: o\r\n"
			   "CSeq: 1 MESSAGE\r\n\r\n"));
	scene_put(scene, message(USERS + 5, 1)); /* nobody is registered from there */
	put_good(&good, 14);
	scene_put(scene, piece[1]);
	put_good(&good, 16);
	run();

	assert_int_equal(came_to(0, "SIP/2.0 100 "), 1);
	assert_int_equal(came_to(1, "INVITE sip:+4915200000001@10.64.0.0:5061 "), 1);
	assert_int_equal(came_to(41, "MESSAGE "), 1); /* put together again */
	for (uint32_t user = 10; user <= 16; user += 2)
		assert_int_equal(came_to(user + 1, "MESSAGE "), 1);
	assert_int_equal(came_to(6, "\r\n"), 1);
	assert_int_equal(came_to(8, "SIP/2.0 400 "), 1);
	assert_int_equal(came_to(20, "SIP/2.0 200 "), 1);
	assert_int_equal(came_to(22, "SIP/2.0 481 "), 1);
	assert_int_equal(came_to(USERS + 5, "SIP/2.0 403 "), 1);
	assert_int_equal(n_out, 2 + 1 + good + 1 + 4);
	assert_int_equal(counted(COUNT_FORWARDED), 1 + 1 + good);
	assert_int_equal(counted(COUNT_DROP_NOT_SIP), 1);
	assert_int_equal(counted(COUNT_DROP_CHECKSUM), 2);
	assert_int_equal(counted(COUNT_DROP_IP), 3);
	assert_int_equal(counted(COUNT_DROP_UDP), 1);
	assert_int_equal(counted(COUNT_DROP_L2), 1);
	assert_int_equal(counted(COUNT_DROP_RESPONSE_FORGED), 1);
	assert_int_equal(counted(COUNT_FRAG_RX), 2);
	assert_int_equal(counted(COUNT_DROP_FRAGMENT), 0);
	scene_drop(out, n_out);
}

static int open_scene(void **state)
{
	scene = scene_open(USERS, false);
	return 0;
}

static int close_scene(void **state)
{
	scene_close(scene);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_mixed)};

	return cmocka_run_group_tests(tests, open_scene, close_scene);
}
