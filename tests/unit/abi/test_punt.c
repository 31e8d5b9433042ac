/* test_punt.c - a worker's ends of the rings, with the test in control's place */
#include "punt/punt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { RING = 1 << 17 };

struct pair {
	struct punt punt;
	struct ring from_worker, to_worker, captured; /* control's ends */
	int memfd;
};

static int pair_start(void **state)
{
	static struct pair p;
	struct abi_region *r;

	p = (struct pair){.memfd = abi_region_create(1, 0, RING, RING, &r)};
	if (p.memfd < 0)
		return -1;
	struct abi_ring *out = abi_ring_at(r, r->off_punt[0]);
	struct abi_ring *in = abi_ring_at(r, r->off_inject[0]);
	struct abi_ring *capture = abi_ring_at(r, r->off_capture[0]);
	p.punt.region = r;
	p.punt.worker = 0;
	p.punt.wake_fd = eventfd(0, EFD_NONBLOCK);
	*state = &p;
	return ring_attach_producer(&p.punt.out, out, RING) &&
			       ring_attach_consumer(&p.punt.in, in, RING) &&
			       ring_attach_producer(&p.punt.capture, capture,
						    ABI_RING_CAPTURE) &&
			       ring_attach_consumer(&p.from_worker, out, RING) &&
			       ring_attach_producer(&p.to_worker, in, RING) &&
			       ring_attach_consumer(&p.captured, capture, ABI_RING_CAPTURE)
		       ? 0
		       : -1;
}

static int pair_stop(void **state)
{
	struct pair *p = *state;

	munmap(p->punt.region, p->punt.region->size);
	close(p->memfd);
	close(p->punt.wake_fd);
	return 0;
}

static uint8_t text[SIP_MESSAGE_MAX + 1] = "REGISTER sip:example.org SIP/2.0\r\n\r\n";

static struct buf message(uint32_t len)
{
	return (struct buf){.data = text,
			    .len = len,
			    .src = addr_v4(0xc0000201, 5062),
			    .dst = addr_v4(0xc0000202, 5060),
			    .port = 1};
}

static uint64_t wakes(const struct pair *p)
{
	uint64_t n = 0;

	return read(p->punt.wake_fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static void message_arrives_with_its_context(void **state)
{
	struct pair *p = *state;
	struct buf b = message(36);

	assert_true(punt_message(&p->punt, &b, PUNT_REGISTER));
	assert_int_equal(wakes(p), 0);
	struct slice s = ring_peek(&p->from_worker);
	assert_null(abi_punt_check(s.p, s.len));
	const struct abi_punt *got = (const struct abi_punt *)s.p;
	assert_int_equal(got->reason, PUNT_REGISTER);
	assert_int_equal(got->port, 1);
	assert_int_equal(got->len, 36);
	assert_true(got->rx_ns > 0);
	assert_true(addr_eq(&got->src, &b.src) && addr_eq(&got->dst, &b.dst));
	assert_memory_equal(got->data, text, 36);
	ring_release(&p->from_worker);
}

static void sleeping_control_is_woken(void **state)
{
	struct pair *p = *state;
	struct buf b = message(10);

	assert_true(ring_sleep(&p->from_worker));
	assert_true(punt_message(&p->punt, &b, PUNT_REQUEST));
	assert_int_equal(wakes(p), 1);
	assert_true(punt_message(&p->punt, &b, PUNT_REQUEST));
	assert_int_equal(wakes(p), 0);
}

static void full_ring_and_wrong_lengths_are_refused(void **state)
{
	struct pair *p = *state;
	struct buf b = message(SIP_MESSAGE_MAX), none = message(0),
		   large = message(SIP_MESSAGE_MAX + 1);
	int n = 0;

	assert_false(punt_message(&p->punt, &none, PUNT_REQUEST));
	assert_false(punt_message(&p->punt, &large, PUNT_REQUEST));
	while (punt_message(&p->punt, &b, PUNT_REQUEST))
		n++;
	assert_int_equal(n, RING / (8 + sizeof(struct abi_punt) + SIP_MESSAGE_MAX));
}

static void inject(struct pair *p, uint8_t type, uint32_t len, uint32_t claimed)
{
	_Alignas(8) uint8_t record[256] = {0};
	bool wake;

	*(struct abi_inject *)record = (struct abi_inject){
		.type = type, .len = claimed, .dst = addr_v4(0xc0000201, 5062)};
	assert_true(ring_push(&p->to_worker, slice_of(record, sizeof(struct abi_inject) + len),
			      &wake));
}

static void malformed_records_are_passed_over(void **state)
{
	struct pair *p = *state;
	_Alignas(8) static uint8_t to[RING_RECORD_MAX];

	assert_null(punt_next_inject(&p->punt, to));
	inject(p, INJECT_SEND, 20, 21);
	inject(p, 9, 20, 20);
	inject(p, INJECT_SEND, 20, 20);
	inject(p, INJECT_SEND, 30, UINT32_MAX);
	inject(p, INJECT_SEND, 40, 40);
	const struct abi_inject *i = punt_next_inject(&p->punt, to);
	assert_ptr_equal(i, to);
	assert_int_equal(i->len, 20);
	i = punt_next_inject(&p->punt, to);
	assert_non_null(i);
	assert_int_equal(i->len, 40);
	assert_null(punt_next_inject(&p->punt, to));
	assert_int_equal(ring_used(&p->to_worker), 0);
}

/* A flood of them takes several calls, not one long one. */
static void flood_of_malformed_records_is_cut(void **state)
{
	struct pair *p = *state;
	_Alignas(8) static uint8_t to[RING_RECORD_MAX];
	int calls = 0;

	for (int i = 0; i < 100; i++)
		inject(p, 0, 8, 8);
	inject(p, INJECT_SEND, 8, 8);
	while (!punt_next_inject(&p->punt, to))
		assert_true(++calls < 100);
	assert_true(calls > 2);
}

static void capture_stops_at_its_limit(void **state)
{
	struct pair *p = *state;
	struct buf b = message(36);
	int n = 0;

	punt_capture(&p->punt, &b, false);
	assert_null(ring_peek(&p->captured).p);
	atomic_store(&p->punt.region->capture_limit, 3);
	b.src = (struct addr){0}; /* not known yet of a message to be sent */
	for (int i = 0; i < 5; i++)
		punt_capture(&p->punt, &b, true);
	for (struct slice s; (s = ring_peek(&p->captured)).p; n++) {
		const struct abi_capture *c = (const struct abi_capture *)s.p;

		assert_null(abi_capture_check(s.p, s.len));
		assert_int_equal(c->out, 1);
		assert_int_equal(c->len, 36);
		assert_memory_equal(c->data, text, 36);
		assert_true(c->wall_ns > 1600000000u * 1000000000ull);
		ring_release(&p->captured);
	}
	assert_int_equal(n, 3);
	/* Switched off and on, it begins anew. */
	atomic_store(&p->punt.region->capture_limit, 0);
	punt_capture(&p->punt, &b, true);
	atomic_store(&p->punt.region->capture_limit, 1);
	punt_capture(&p->punt, &b, true);
	punt_capture(&p->punt, &b, true);
	assert_non_null(ring_peek(&p->captured).p);
	ring_release(&p->captured);
	assert_null(ring_peek(&p->captured).p);
}

static void full_capture_ring_costs_captures_only(void **state)
{
	struct pair *p = *state;
	struct buf b = message(SIP_MESSAGE_MAX);

	atomic_store(&p->punt.region->capture_limit, 1000);
	for (int i = 0; i < 1000; i++)
		punt_capture(&p->punt, &b, false);
	assert_int_equal(p->punt.captured, 1000);
	assert_false(ring_broken(&p->punt.capture));
	assert_true(ring_used(&p->captured) <= ABI_RING_CAPTURE);
	assert_true(punt_message(&p->punt, &b, PUNT_REQUEST));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, pair_start, pair_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(message_arrives_with_its_context),
		TEST(sleeping_control_is_woken),
		TEST(full_ring_and_wrong_lengths_are_refused),
		TEST(malformed_records_are_passed_over),
		TEST(flood_of_malformed_records_is_cut),
		TEST(capture_stops_at_its_limit),
		TEST(full_capture_ring_costs_captures_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
