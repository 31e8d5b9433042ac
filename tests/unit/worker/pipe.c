/* pipe.c - whole workers between two rings: every way a message can take */
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <urcu-qsbr.h>

#include "echo_role.h"
#include "wire.h"
#include "worker/worker.h"

enum { RING = 1 << 17 };

struct pipe {
	struct wire wire;
	struct worker *worker[4];
	struct abi_region *region;
	int memfd, wake_fd;
	_Atomic int order;
	struct ring punted[4], inject[4], captured[4];
};

static struct pipe p;
static struct frame f;

static void pipe_open(uint16_t workers)
{
	memset(&p, 0, sizeof(p));
	wire_open(&p.wire, &(struct wire_options){.workers = workers, .bare = true});
	p.memfd = abi_region_create(workers, 1, RING, RING, &p.region);
	assert_true(p.memfd >= 0);
	p.wake_fd = eventfd(0, EFD_NONBLOCK);
	for (uint16_t i = 0; i < workers; i++) {
		struct worker_options o = {.id = i,
					   .idle = CONF_IDLE_POLL,
					   .order = &p.order,
					   .net = p.wire.net,
					   .region = p.region,
					   .wake_fd = p.wake_fd};

		p.worker[i] = worker_create(&o);
		assert_non_null(p.worker[i]);
		net_start(p.worker[i]->net, 1);
		assert_true(ring_attach_consumer(
			&p.punted[i], abi_ring_at(p.region, p.region->off_punt[i]), RING));
		assert_true(ring_attach_producer(
			&p.inject[i], abi_ring_at(p.region, p.region->off_inject[i]), RING));
		assert_true(ring_attach_consumer(
			&p.captured[i], abi_ring_at(p.region, p.region->off_capture[i]),
			ABI_RING_CAPTURE));
	}
	wire_silence(&p.wire);
}

static void turn(void)
{
	for (uint16_t i = 0; i < p.wire.conf.workers; i++)
		worker_poll(p.worker[i]);
}

static void acquaint(void)
{
	frame_arp(&f, p.wire.mac, 2, frame_peer4, frame_node4);
	wire_send(&p.wire, 0, &f);
	turn();
	turn();
	wire_silence(&p.wire);
}

static void pipe_close(void)
{
	for (uint16_t i = 0; i < p.wire.conf.workers; i++)
		worker_destroy(p.worker[i]);
	wire_close(&p.wire);
	munmap(p.region, p.region->size);
	close(p.memfd);
	close(p.wake_fd);
}

static void say(const char *text)
{
	frame_udp4(&f, p.wire.mac, 0, 5060, text, (uint32_t)strlen(text));
	wire_send(&p.wire, 0, &f);
}

static uint64_t counted(enum count_id id)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < p.wire.conf.workers; i++)
		n += count_read(&abi_worker(p.region, i)->counters, id);
	return n;
}

/* The next frame is a datagram to the peer with this text. */
static void hear(const char *text)
{
	uint32_t len = (uint32_t)strlen(text);

	assert_true(wire_receive(&p.wire, &f));
	assert_true(frame_sound(&f, 14));
	assert_int_equal(f.len, 42 + len);
	assert_memory_equal(f.o + 42, text, len);
	assert_memory_equal(f.o, frame_peer_mac, 6);
	assert_int_equal(frame_get16(&f, 36), 5555);
}

static void silence(void)
{
	assert_false(wire_receive(&p.wire, &f));
}

static void test_back(void **state)
{
	pipe_open(1);
	acquaint();
	say("OPTIONS sip:x SIP/2.0");
	turn();
	hear("OPTIONS sip:x SIP/2.0");
	silence();
	assert_int_equal(counted(COUNT_RX_SIP), 1);
	pipe_close();
}

static void test_keepalive(void **state)
{
	pipe_open(1);
	acquaint();
	say("\r\n\r\n");
	turn();
	hear("\r\n");
	say("\r\n");
	say("");
	say("\r\n\r\n\r\n");
	turn();
	silence();
	assert_int_equal(counted(COUNT_KEEPALIVE), 4);
	/* Lines before a message are the parser's (RFC 3261 §7.5). */
	say("\r\nOPTIONS");
	turn();
	hear("\r\nOPTIONS");
	pipe_close();
}

static void test_punt(void **state)
{
	_Alignas(8) uint8_t copy[RING_RECORD_MAX];
	const struct abi_punt *r = (const struct abi_punt *)copy;

	pipe_open(1);
	say("PUNT me");
	turn();
	silence();
	struct slice s = ring_peek(&p.punted[0]);
	assert_non_null(s.p);
	memcpy(copy, s.p, s.len);
	assert_null(abi_punt_check(copy, s.len));
	assert_int_equal(r->reason, PUNT_LOCATE);
	assert_int_equal(r->len, 7);
	assert_memory_equal(r->data, "PUNT me", 7);
	assert_memory_equal(r->src.ip, frame_peer4, 4);
	assert_int_equal(r->src.port, 5555);
	assert_int_equal(counted(COUNT_PUNTED), 1);
	pipe_close();
}

static void test_punt_ring_full(void **state)
{
	const int sent = 4000;

	pipe_open(1);
	for (int i = 0; i < sent; i++) {
		say("PUNT and nobody reads");
		if (i % 32 == 31)
			turn();
	}
	assert_int_equal(counted(COUNT_PUNTED) + counted(COUNT_DROP_PUNT_FULL), sent);
	assert_true(counted(COUNT_DROP_PUNT_FULL) > 0);
	pipe_close();
}

/* Heard by control and by the terminal, and counted once. */
static void test_refreshed(void **state)
{
	_Alignas(8) uint8_t copy[RING_RECORD_MAX];
	const struct abi_punt *r = (const struct abi_punt *)copy;

	pipe_open(1);
	acquaint();
	say("before");
	say("FRESH REGISTER");
	say("behind");
	turn();
	hear("before");
	hear("OK");
	hear("behind");
	silence();
	struct slice s = ring_peek(&p.punted[0]);
	assert_non_null(s.p);
	memcpy(copy, s.p, s.len);
	assert_null(abi_punt_check(copy, s.len));
	assert_int_equal(r->reason, PUNT_REFRESHED);
	assert_int_equal(r->expires, 600);
	assert_memory_equal(r->data, "FRESH REGISTER", 14);
	assert_int_equal(counted(COUNT_ANSWERED), 1);
	assert_int_equal(counted(COUNT_REFRESHED), 1);
	assert_int_equal(counted(COUNT_PUNTED), 0);
	pipe_close();
}

/* Of what control cannot hear the terminal hears nothing either. */
static void test_refreshed_unheard(void **state)
{
	uint32_t records = 0, answers = 0, sent = 0;

	pipe_open(1);
	acquaint();
	while (counted(COUNT_DROP_PUNT_FULL) < 40 && sent < 8000) {
		say("FRESH and nobody reads");
		if (++sent % 16 == 0) {
			turn();
			while (wire_receive(&p.wire, &f))
				answers++;
		}
	}
	while (ring_peek(&p.punted[0]).p) {
		ring_release(&p.punted[0]);
		records++;
	}
	assert_int_equal(answers, records);
	assert_int_equal(counted(COUNT_ANSWERED), records);
	assert_int_equal(counted(COUNT_REFRESHED), records);
	assert_int_equal(counted(COUNT_DROP_PUNT_FULL), sent - records);
	/* There is room again. */
	say("FRESH");
	turn();
	hear("OK");
	pipe_close();
}

static void inject(uint8_t type, const char *text, struct addr src, const char *route,
		   uint8_t port)
{
	uint32_t len = (uint32_t)strlen(text), route_len = (uint32_t)strlen(route);
	struct abi_inject *r =
		ring_reserve(&p.inject[0], (uint32_t)sizeof(*r) + len + route_len);

	assert_non_null(r);
	memset(r, 0, sizeof(*r));
	r->type = type;
	r->locate = type == INJECT_RESUME ? LOCATE_REJECT : 0;
	r->status = type == INJECT_RESUME ? 404 : 0;
	r->len = len;
	r->route_len = (uint16_t)route_len;
	r->port = port;
	r->src = src;
	r->dst = addr_v4(0xc0000209, 5555);
	memcpy(r->data, text, len);
	memcpy(r->data + len, route, route_len);
	ring_commit(&p.inject[0]);
}

static void test_inject_send(void **state)
{
	pipe_open(1);
	acquaint();
	inject(INJECT_SEND, "from control", addr_v4(0xc0000201, 5060), "", 0);
	turn();
	hear("from control");
	/* The node's own address and port where control leaves them open. */
	inject(INJECT_SEND, "open", (struct addr){.family = 0}, "", 0);
	turn();
	hear("open");
	assert_memory_equal(f.o + 26, frame_node4, 4);
	assert_int_equal(frame_get16(&f, 34), 5060);
	/* Not from an address that is not ours. */
	inject(INJECT_SEND, "spoofed", addr_v4(0xc0000203, 5060), "", 0);
	turn();
	silence();
	assert_int_equal(counted(COUNT_RX_INJECT), 3);
	assert_int_equal(counted(COUNT_DROP_RESUME), 1);
	pipe_close();
}

static void test_inject_resume(void **state)
{
	/* As the punt had them: from the peer to us. */
	struct addr peer = addr_v4(0xc0000209, 5555);

	pipe_open(1);
	acquaint();
	inject(INJECT_RESUME, "INVITE again", peer, "sip:scscf", 0);
	turn();
	assert_int_equal(echo_seen(p.worker[0]->role)->resumed, 1);
	assert_int_equal(echo_seen(p.worker[0]->role)->status, 404);
	assert_string_equal(echo_seen(p.worker[0]->role)->route, "sip:scscf");
	/* A port that does not exist. */
	inject(INJECT_RESUME, "INVITE again", peer, "", 5);
	turn();
	assert_int_equal(echo_seen(p.worker[0]->role)->resumed, 1);
	pipe_close();
}

static void test_handoff(void **state)
{
	pipe_open(3);
	acquaint();
	say("HAND 2 please");
	turn();
	turn();
	hear("HAND 2 please");
	silence();
	assert_int_equal(counted(COUNT_HANDOFF), 1);
	assert_int_equal(count_read(&abi_worker(p.region, 2)->counters, COUNT_FORWARDED), 1);
	say("HAND 9 nobody");
	turn();
	turn();
	silence();
	assert_int_equal(counted(COUNT_DROP_HANDOFF), 1);
	pipe_close();
}

static uint32_t captures(bool out)
{
	_Alignas(8) uint8_t copy[RING_RECORD_MAX];
	uint32_t n = 0;

	for (struct slice s; (s = ring_peek(&p.captured[0])).p; ring_release(&p.captured[0])) {
		memcpy(copy, s.p, s.len);
		assert_null(abi_capture_check(copy, s.len));
		n += ((const struct abi_capture *)copy)->out == out;
	}
	return n;
}

static void test_capture(void **state)
{
	pipe_open(1);
	acquaint();
	say("one");
	turn();
	assert_int_equal(captures(false), 0);
	atomic_store(&p.region->capture_limit, 3);
	for (int i = 0; i < 5; i++)
		say("DROP");
	turn();
	assert_int_equal(captures(false), 3);
	atomic_store(&p.region->capture_limit, 0);
	turn();
	atomic_store(&p.region->capture_limit, 100);
	say("two");
	turn();
	assert_int_equal(captures(true), 1);
	wire_silence(&p.wire);
	pipe_close();
}

static void test_timers(void **state)
{
	uint32_t n = 0;

	pipe_open(1);
	acquaint();
	say("TIME 9");
	turn();
	while (echo_seen(p.worker[0]->role)->timers)
		turn();
	while (wire_receive(&p.wire, &f))
		n++;
	assert_int_equal(n, 900);
	pipe_close();
}

static void test_drain(void **state)
{
	pipe_open(2);
	acquaint();
	say("HAND 1 before");
	worker_poll(p.worker[0]);
	p.worker[0]->draining = p.worker[1]->draining = true;
	say("too late");
	turn();
	turn();
	hear("HAND 1 before");
	silence();
	p.worker[0]->draining = false;
	turn();
	hear("too late");
	pipe_close();
}

static void test_account(void **state)
{
	pipe_open(1);
	const struct abi_worker *s = abi_worker(p.region, 0);
	acquaint();
	uint64_t polls = atomic_load(&s->polls), busy = atomic_load(&s->busy_polls);
	turn();
	assert_int_equal(atomic_load(&s->polls), polls + 1);
	assert_int_equal(atomic_load(&s->busy_polls), busy);
	uint64_t cycles = atomic_load(&s->busy_cycles), messages = atomic_load(&s->messages);
	for (int i = 0; i < 10; i++)
		say("x");
	turn();
	assert_int_equal(atomic_load(&s->busy_polls), busy + 1);
	assert_int_equal(atomic_load(&s->messages), messages + 10);
	assert_true(atomic_load(&s->busy_cycles) > cycles);
	assert_true(atomic_load(&s->total_cycles) >= atomic_load(&s->busy_cycles));
	pipe_close();
}

/* Everything at once, many times: what came in is accounted for, and every buffer comes back.
 */
static void test_conservation(void **state)
{
	static const char *const words[] = {"PUNT", "DROP",     "HAND 0", "HAND 1", "HAND 2",
					    "echo", "\r\n\r\n", "\r\n",   "HAND 7"};
	uint32_t rnd = 1;
	uint64_t sent = 0;

	pipe_open(3);
	acquaint();
	for (int round = 0; round < 400; round++) {
		for (int i = 0; i < 30; i++, sent++) {
			rnd = rnd * 1103515245 + 12345;
			say(words[(rnd >> 16) % 9]);
		}
		turn();
		if (round % 3 == 0)
			wire_silence(&p.wire);
	}
	for (int i = 0; i < 200; i++) {
		turn();
		wire_silence(&p.wire);
	}
	assert_int_equal(counted(COUNT_RX_SIP), sent);
	assert_int_equal(sent, counted(COUNT_FORWARDED) + counted(COUNT_PUNTED) +
				       counted(COUNT_KEEPALIVE) + counted(COUNT_DROP_NOT_SIP) +
				       counted(COUNT_DROP_HANDOFF) +
				       counted(COUNT_DROP_PUNT_FULL));
	pipe_close();
}

static int start(void **state)
{
	urcu_qsbr_register_thread();
	return wire_eal(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_back),        cmocka_unit_test(test_keepalive),
		cmocka_unit_test(test_punt),        cmocka_unit_test(test_punt_ring_full),
		cmocka_unit_test(test_refreshed),   cmocka_unit_test(test_refreshed_unheard),
		cmocka_unit_test(test_inject_send), cmocka_unit_test(test_inject_resume),
		cmocka_unit_test(test_handoff),     cmocka_unit_test(test_capture),
		cmocka_unit_test(test_timers),      cmocka_unit_test(test_drain),
		cmocka_unit_test(test_account),     cmocka_unit_test(test_conservation),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
