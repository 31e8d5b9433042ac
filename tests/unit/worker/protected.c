/* protected.c - whole workers and a UE under ESP: what comes in, what leaves, and what neither
 * does
 */
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <urcu-qsbr.h>

#include "echo_role.h"
#include "support.h"
#include "wire.h"
#include "worker/worker.h"

enum { RING = 1 << 17, IP4 = 14, PAYLOAD4 = 34, PAYLOAD6 = 54 };

struct pipe {
	struct wire wire;
	struct side node, ue;
	struct esp_sa_spec spec;
	struct worker *worker[4];
	struct abi_region *region;
	int memfd, wake_fd;
	_Atomic int order;
	struct ring punted[4], inject[4];
};

static struct pipe p;
static struct frame f;
static uint8_t octets[20000], back[20000];

static void start_worker(uint16_t i)
{
	struct worker_options o = {.id = i,
				   .idle = CONF_IDLE_POLL,
				   .order = &p.order,
				   .net = p.wire.net,
				   .sas = p.node.sas,
				   .region = p.region,
				   .wake_fd = p.wake_fd};

	p.worker[i] = worker_create(&o);
	assert_non_null(p.worker[i]);
	net_start(p.worker[i]->net, 1);
	assert_true(ring_attach_consumer(&p.punted[i],
					 abi_ring_at(p.region, p.region->off_punt[i]), RING));
	assert_true(ring_attach_producer(&p.inject[i],
					 abi_ring_at(p.region, p.region->off_inject[i]), RING));
}

static void turn(void)
{
	for (int k = 0; k < 3; k++)
		for (uint16_t i = 0; i < p.wire.conf.workers; i++)
			worker_poll(p.worker[i]);
}

static void acquaint(uint8_t family)
{
	if (family == 4) {
		frame_arp(&f, p.wire.mac, 2, frame_peer4, frame_node4);
	} else {
		frame_nd(&f, p.wire.mac, 136, 0x60, frame_peer6, frame_node6, frame_peer6,
			 frame_peer_mac);
	}
	for (uint16_t i = 0; i < p.wire.conf.workers; i++)
		wire_send(&p.wire, 0, &f);
	turn();
	wire_silence(&p.wire);
}

/* One UE at the peer's address, owned by worker 1 where there is one. */
static void pipe_open(uint16_t workers, uint8_t family, const struct suite *s, bool nat)
{
	static const uint16_t ports[] = {5101, 5102, 5103};

	memset(&p, 0, sizeof(p));
	wire_open(&p.wire, &(struct wire_options){.workers = workers, .bare = true});
	net_protect(p.wire.net, ports, 3);
	p.memfd = abi_region_create(workers, 1, RING, RING, &p.region);
	assert_true(p.memfd >= 0);
	p.wake_fd = eventfd(0, EFD_NONBLOCK);
	side_open(&p.node, 8, workers);
	side_open(&p.ue, 8, 1);
	for (uint16_t i = 0; i < workers; i++)
		start_worker(i);
	p.spec = spec_of(1, family, s, nat);
	p.spec.spi_ps = 0x30000000 / workers * workers + workers + 1;
	memset(p.spec.ue.ip, 0, 16);
	memset(p.spec.local.ip, 0, 16);
	memcpy(p.spec.ue.ip, family == 4 ? frame_peer4 : frame_peer6, family == 4 ? 4 : 16);
	memcpy(p.spec.local.ip, family == 4 ? frame_node4 : frame_node6, family == 4 ? 4 : 16);
	if (nat) {
		p.spec.nat = p.spec.ue;
		p.spec.nat.port = 1;
		p.spec.ue.ip[0] = 10; /* behind it, the UE has another address */
	}
	struct esp_sa_spec other = mirrored(&p.spec);
	assert_int_equal(esp_sa_put(p.node.sas, &p.spec), ESP_OK);
	assert_int_equal(esp_sa_put(p.ue.sas, &other), ESP_OK);
	wire_silence(&p.wire);
	acquaint(family);
}

static void pipe_close(void)
{
	turn();
	for (uint16_t i = 0; i < p.wire.conf.workers; i++)
		worker_destroy(p.worker[i]);
	side_close(&p.node);
	side_close(&p.ue);
	wire_close(&p.wire);
	munmap(p.region, p.region->size);
	close(p.memfd);
	close(p.wake_fd);
}

static uint64_t counted(enum count_id id)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < p.wire.conf.workers; i++)
		n += count_read(&abi_worker(p.region, i)->counters, id);
	return n;
}

/* A frame of the UE's with this message, under its SA. */
static void make(const void *text, uint32_t len)
{
	uint32_t n = seal(&p.ue, p.spec.sa_id, text, len, octets, NULL);

	if (p.spec.nat.family)
		(p.spec.ue.family == 4 ? frame_udp4 : frame_udp6)(&f, p.wire.mac, 0, 4500,
								  octets, n);
	else
		(p.spec.ue.family == 4 ? frame_ip4 : frame_ip6)(&f, p.wire.mac, 0, 50, octets,
								n);
}

static void say(const char *text)
{
	make(text, (uint32_t)strlen(text));
	wire_send(&p.wire, 0, &f);
}

/* The IPv4 header's checksum, and its length against the frame's. */
static bool header_sound(void)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < 20; i += 2)
		sum += frame_get16(&f, IP4 + i);
	return (sum & 0xffff) + (sum >> 16) == 0xffff &&
	       frame_get16(&f, IP4 + 2) == f.len - IP4;
}

/* Opens, as the UE, what the frame carries; its length, the message being in `back`. */
static uint32_t opened(void)
{
	uint32_t at = p.spec.ue.family == 4 ? PAYLOAD4 : PAYLOAD6;
	struct esp_sa_spec other = mirrored(&p.spec);

	if (p.spec.nat.family) {
		assert_true(frame_sound(&f, IP4));
		assert_int_equal(frame_get16(&f, at), 4500);
		assert_int_equal(frame_get16(&f, at + 2), 5555); /* where it came from */
		at += 8;
	} else {
		assert_int_equal(p.spec.ue.family == 4 ? f.o[IP4 + 9] : f.o[IP4 + 6], 50);
		assert_true(p.spec.ue.family == 6 || header_sound());
	}
	struct esp_packet got = packet_of(&other, f.o + at, f.len - at);
	got = open_packet(&p.ue, &got, back);
	if (got.verdict != VERDICT_NEXT)
		fail_msg("%s", count_info(got.reason)->name);
	assert_int_equal(got.dst.port, p.spec.port_us);
	assert_int_equal(got.src.port, p.spec.port_pc);
	return got.len;
}

static void hear(const char *text)
{
	assert_true(wire_receive(&p.wire, &f));
	assert_memory_equal(f.o, frame_peer_mac, 6);
	assert_int_equal(opened(), strlen(text));
	assert_memory_equal(back, text, strlen(text));
}

static void silence(void)
{
	assert_false(wire_receive(&p.wire, &f));
}

static void test_there_and_back(void **state)
{
	for (uint32_t i = 0; i < SUITES; i++) {
		for (int way = 0; way < 4; way++) {
			pipe_open(1, way & 1 ? 6 : 4, &suites[i], way & 2);
			say("MESSAGE sip:one SIP/2.0");
			say("MESSAGE sip:two SIP/2.0");
			turn();
			hear("MESSAGE sip:one SIP/2.0");
			hear("MESSAGE sip:two SIP/2.0");
			silence();
			assert_int_equal(counted(COUNT_RX_SIP), 2);
			assert_int_equal(counted(COUNT_RX_ESP), 2);
			assert_int_equal(counted(COUNT_TX_ESP), 2);
			pipe_close();
		}
	}
}

static void test_refused(void **state)
{
	pipe_open(1, 4, &suites[5], false);
	make("MESSAGE sip:one", 15);
	wire_send(&p.wire, 0, &f);
	wire_send(&p.wire, 0, &f);
	turn();
	hear("MESSAGE sip:one");
	silence();
	assert_int_equal(counted(COUNT_DROP_ESP_REPLAY), 1);
	make("MESSAGE sip:one", 15);
	f.o[PAYLOAD4 + 30] ^= 1;
	wire_send(&p.wire, 0, &f);
	f.o[PAYLOAD4] ^= 1;
	wire_send(&p.wire, 0, &f);
	turn();
	silence();
	assert_int_equal(counted(COUNT_DROP_ESP_ICV), 1);
	assert_int_equal(counted(COUNT_DROP_ESP_SPI), 1);
	/* In UDP, which this set does not have; and none of ESP's. */
	uint32_t n = seal(&p.ue, p.spec.sa_id, "MESSAGE", 7, octets, NULL);
	frame_udp4(&f, p.wire.mac, 0, 4500, octets, n);
	wire_send(&p.wire, 0, &f);
	frame_udp4(&f, p.wire.mac, 0, 4500, "\0\0\0\0IKE", 7);
	wire_send(&p.wire, 0, &f);
	frame_udp4(&f, p.wire.mac, 0, 4500, "\xff", 1);
	wire_send(&p.wire, 0, &f);
	turn();
	silence();
	assert_int_equal(counted(COUNT_DROP_ESP_ADDRESS), 1);
	assert_int_equal(counted(COUNT_DROP_UDP), 1);
	assert_int_equal(counted(COUNT_KEEPALIVE), 1);
	assert_int_equal(counted(COUNT_RX_SIP), 1);
	pipe_close();
}

/* A REGISTER too: to a protected port nothing comes but under an SA. */
static void test_clear_at_a_protected_port(void **state)
{
	static const uint16_t ports[] = {5101, 5102, 5103};

	pipe_open(1, 4, &suites[5], false);
	for (int i = 0; i < 3; i++) {
		frame_udp4(&f, p.wire.mac, 0, ports[i], "REGISTER sip:x SIP/2.0", 22);
		wire_send(&p.wire, 0, &f);
		frame_udp6(&f, p.wire.mac, 0, ports[i], "REGISTER sip:x SIP/2.0", 22);
		wire_send(&p.wire, 0, &f);
	}
	turn();
	silence();
	assert_int_equal(counted(COUNT_DROP_CLEAR), 6);
	assert_int_equal(counted(COUNT_RX_SIP), 0);
	pipe_close();
}

static void inject(uint64_t sa_id, const char *text, struct addr src)
{
	uint32_t len = (uint32_t)strlen(text);
	struct abi_inject *r = ring_reserve(&p.inject[0], (uint32_t)sizeof(*r) + len);

	assert_non_null(r);
	memset(r, 0, sizeof(*r));
	r->type = INJECT_SEND;
	r->len = len;
	r->src = src;
	r->dst = addr_v4(0xc0000209, 40002);
	r->sa_id = sa_id;
	memcpy(r->data, text, len);
	ring_commit(&p.inject[0]);
}

static void test_from_control(void **state)
{
	pipe_open(2, 4, &suites[7], false);
	/* By worker 0, owned by worker 1. */
	inject(p.spec.sa_id, "SIP/2.0 200 OK", addr_v4(0xc0000201, 5101));
	turn();
	hear("SIP/2.0 200 OK");
	inject(p.spec.sa_id + 1, "to nobody", addr_v4(0xc0000201, 5101));
	turn();
	silence();
	assert_int_equal(counted(COUNT_DROP_ESP_NO_SA), 1);
	/* Without an SA nothing leaves from a protected port. */
	inject(0, "in clear", addr_v4(0xc0000201, 5101));
	inject(0, "in clear", addr_v4(0xc0000201, 5103));
	turn();
	silence();
	assert_int_equal(counted(COUNT_DROP_CLEAR), 2);
	inject(0, "in clear", addr_v4(0xc0000201, 5060));
	turn();
	assert_true(wire_receive(&p.wire, &f));
	assert_memory_equal(f.o + 42, "in clear", 8);
	pipe_close();
}

static void test_punt_says_the_sa(void **state)
{
	_Alignas(8) uint8_t copy[RING_RECORD_MAX];
	const struct abi_punt *r = (const struct abi_punt *)copy;

	pipe_open(1, 4, &suites[5], false);
	say("PUNT under");
	frame_udp4(&f, p.wire.mac, 0, 5060, "PUNT clear", 10);
	wire_send(&p.wire, 0, &f);
	turn();
	/* Packets to be opened come behind the clear ones of their burst. */
	for (int i = 0; i < 2; i++) {
		struct slice s = ring_peek(&p.punted[0]);

		assert_non_null(s.p);
		memcpy(copy, s.p, s.len);
		assert_null(abi_punt_check(copy, s.len));
		assert_memory_equal(r->data, i ? "PUNT under" : "PUNT clear", 10);
		assert_true(r->sa_id == (i ? p.spec.sa_id : 0));
		if (i) {
			assert_int_equal(r->src.port, 40001);
			assert_int_equal(r->dst.port, 5101);
		}
		ring_release(&p.punted[0]);
	}
	pipe_close();
}

/* Packets come to worker 0; the set is worker 1's, and only it writes its numbers. */
static void test_owner_works(void **state)
{
	for (uint8_t way = 0; way < 4; way++) {
		pipe_open(3, way & 1 ? 6 : 4, &suites[way], way & 2);
		for (int i = 0; i < 40; i++) {
			say("MESSAGE");
			if (i % 16 == 15)
				turn();
		}
		turn();
		for (int i = 0; i < 40; i++)
			hear("MESSAGE");
		silence();
		assert_int_equal(count_read(&abi_worker(p.region, 1)->counters, COUNT_RX_ESP),
				 40);
		assert_int_equal(counted(COUNT_HANDOFF), 40);
		pipe_close();
	}
}

static void pieces4(uint32_t len, uint32_t piece)
{
	static struct frame part;

	for (uint32_t at = 0; at < len; at += piece) {
		uint32_t n = len - at < piece ? len - at : piece;

		frame_ip4(&part, p.wire.mac, 0, 50, octets + at, n);
		frame_put16(&part, IP4 + 4, 77);
		frame_put16(&part, IP4 + 6, (uint16_t)((at + n < len ? 0x2000 : 0) | at / 8));
		frame_fix_ip4(&part, IP4);
		wire_send(&p.wire, 0, &part);
	}
}

/* ESP packets in fragments, both ways, on one worker and handed on. */
static void test_fragments(void **state)
{
	static uint8_t text[SIP_MESSAGE_MAX];
	static const uint32_t lengths[] = {1500, 4000, 9000};

	for (uint32_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)('a' + i % 23);
	for (uint16_t workers = 1; workers <= 3; workers += 2) {
		for (uint32_t k = 0; k < 3; k++) {
			static struct frame whole;
			uint32_t total = 0, len = lengths[k];

			pipe_open(workers, 4, &suites[k + 4], false);
			uint32_t n = seal(&p.ue, p.spec.sa_id, text, len, octets, NULL);
			pieces4(n, 1400);
			turn();
			while (wire_receive(&p.wire, &f)) {
				uint32_t at = (frame_get16(&f, IP4 + 6) & 0x1fff) * 8u;

				assert_int_equal(f.o[IP4 + 9], 50);
				assert_true(header_sound());
				assert_true(f.len <= 1514);
				memcpy(whole.o + PAYLOAD4 + at, f.o + PAYLOAD4,
				       f.len - PAYLOAD4);
				total += f.len - PAYLOAD4;
			}
			memcpy(whole.o, f.o, PAYLOAD4);
			f = whole;
			f.len = PAYLOAD4 + total;
			/* As if it had come whole. */
			frame_put16(&f, IP4 + 2, (uint16_t)(f.len - IP4));
			frame_put16(&f, IP4 + 6, 0);
			frame_fix_ip4(&f, IP4);
			assert_int_equal(opened(), len);
			assert_memory_equal(back, text, len);
			pipe_close();
		}
	}
}

/* Removed while its packets are on their way. */
static void test_removed(void **state)
{
	pipe_open(2, 4, &suites[5], false);
	say("MESSAGE one");
	turn();
	hear("MESSAGE one");
	say("MESSAGE two");
	worker_poll(p.worker[0]); /* handed on */
	assert_int_equal(esp_sa_delete(p.node.sas, p.spec.sa_id), ESP_OK);
	turn();
	silence();
	assert_int_equal(counted(COUNT_DROP_ESP_SPI), 1);
	esp_reclaim(p.node.sas);
	inject(p.spec.sa_id, "SIP/2.0 200 OK", addr_v4(0xc0000201, 5101));
	turn();
	silence();
	assert_int_equal(counted(COUNT_DROP_ESP_NO_SA), 1);
	pipe_close();
}

/* Without security agreements ESP is a protocol like others, and an SA is nobody's. */
static void test_without(void **state)
{
	pipe_open(1, 4, &suites[5], false);
	p.wire.net->n_protected = 0;
	worker_destroy(p.worker[0]);
	struct worker_options o = {.idle = CONF_IDLE_POLL,
				   .order = &p.order,
				   .net = p.wire.net,
				   .region = p.region,
				   .wake_fd = p.wake_fd};
	p.worker[0] = worker_create(&o);
	net_start(p.worker[0]->net, 1);
	assert_true(ring_attach_producer(&p.inject[0],
					 abi_ring_at(p.region, p.region->off_inject[0]), RING));
	wire_silence(&p.wire);
	acquaint(4);
	say("MESSAGE");
	frame_udp4(&f, p.wire.mac, 0, 5101, "MESSAGE", 7);
	wire_send(&p.wire, 0, &f);
	inject(p.spec.sa_id, "under", addr_v4(0xc0000201, 5101));
	turn();
	silence();
	assert_int_equal(counted(COUNT_DROP_L2), 1);
	assert_int_equal(counted(COUNT_DROP_UDP), 1);
	assert_int_equal(counted(COUNT_DROP_ESP_NO_SA), 1);
	pipe_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_clear_at_a_protected_port),
		cmocka_unit_test(test_from_control),
		cmocka_unit_test(test_punt_says_the_sa),
		cmocka_unit_test(test_owner_works),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_without),
	};

	urcu_qsbr_register_thread();
	int failed = cmocka_run_group_tests(tests, wire_eal, NULL);
	urcu_qsbr_unregister_thread();
	return failed;
}
