/* test_install.c - the install ring as the data plane sees it: order and answers */
#include "table/install.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <urcu-qsbr.h>

#include <cmocka.h>

enum { RING = 1 << 17 };

struct scene {
	struct install install;
	struct ring to, from; /* control's ends */
	struct abi_ring *shared[2];
};

static int scene_start(void **state)
{
	static struct scene s;

	s = (struct scene){0};
	s.install.tables =
		tables_create(&(struct tables_size){10000, 10000}, &(struct hash_key){1, 2});
	for (int i = 0; i < 2; i++) {
		s.shared[i] = calloc(1, ring_bytes(RING));
		ring_create(s.shared[i], RING);
	}
	ring_attach_consumer(&s.install.in, s.shared[0], RING);
	ring_attach_producer(&s.install.out, s.shared[1], RING);
	ring_attach_producer(&s.to, s.shared[0], RING);
	ring_attach_consumer(&s.from, s.shared[1], RING);
	*state = &s;
	return s.install.tables ? 0 : -1;
}

static int scene_stop(void **state)
{
	struct scene *s = *state;

	tables_destroy(s->install.tables);
	free(s->shared[0]);
	free(s->shared[1]);
	return 0;
}

static bool send(struct scene *s, const struct abi_install_view *v)
{
	uint8_t record[RING_RECORD_MAX];
	uint32_t len = abi_install_encode(v, record, sizeof(record));
	bool wake;

	assert_true(len > 0);
	return ring_push(&s->to, slice_of(record, len), &wake);
}

static bool send_put(struct scene *s, uint64_t seq, uint64_t set, const char *impu)
{
	static struct abi_install_view v;

	v = (struct abi_install_view){
		.type = INSTALL_REGISTRATION,
		.seq = seq,
		.registration = {.set_id = set,
				 .roles = 3,
				 .n_impu = 1,
				 .impu = {{slice_str(impu), 0}}},
	};
	return send(s, &v);
}

static void ack_assert(struct scene *s, uint64_t seq, uint32_t status)
{
	struct slice r = ring_peek(&s->from);
	struct abi_ack ack;

	assert_int_equal(r.len, sizeof(ack));
	memcpy(&ack, r.p, sizeof(ack));
	assert_int_equal(ack.seq, seq);
	assert_int_equal(ack.status, status);
	ring_release(&s->from);
}

static uint64_t owner(struct scene *s, const char *impu)
{
	struct slice text = slice_str(impu);
	uint32_t index;
	const struct registration *r = table_find_impu(
		s->install.tables, text, table_hash_impu(s->install.tables, text), &index);

	return r ? r->set_id : 0;
}

static void records_are_answered_in_order(void **state)
{
	struct scene *s = *state;
	bool wake;

	assert_int_equal(install_poll(&s->install, 10, &wake), 0);
	assert_false(wake);
	assert_true(ring_sleep(&s->from));
	send_put(s, 1, 100, "sip:a@x");
	send_put(s, 2, 200, "sip:b@x");
	send_put(s, 3, 300, "sip:a@x");
	assert_true(ring_push(&s->to, SLICE("junk that has no head"), &wake));
	assert_true(ring_push(
		&s->to, SLICE("\10\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), &wake));
	send(s, &(struct abi_install_view){.type = INSTALL_DELETE, .seq = 6, .set_id = 200});
	send(s, &(struct abi_install_view){.type = INSTALL_DELETE, .seq = 7, .set_id = 4711});
	assert_int_equal(install_poll(&s->install, 2, &wake), 2);
	assert_true(wake);
	assert_int_equal(owner(s, "sip:b@x"), 200);
	assert_int_equal(install_poll(&s->install, 10, &wake), 5);
	assert_false(wake);
	ack_assert(s, 1, INSTALL_OK);
	ack_assert(s, 2, INSTALL_OK);
	ack_assert(s, 3, INSTALL_CONFLICT);
	ack_assert(s, 0, INSTALL_MALFORMED);
	ack_assert(s, 5, INSTALL_MALFORMED);
	ack_assert(s, 6, INSTALL_OK);
	ack_assert(s, 7, INSTALL_OK);
	assert_null(ring_peek(&s->from).p);
	assert_int_equal(owner(s, "sip:a@x"), 100);
	assert_int_equal(owner(s, "sip:b@x"), 0);
	assert_int_equal(s->install.installs, 7);
	assert_int_equal(s->install.errors, 3);
}

static void sync_keeps_what_is_put_again(void **state)
{
	struct scene *s = *state;
	bool wake;

	send_put(s, 1, 100, "sip:a@x");
	send_put(s, 2, 200, "sip:b@x");
	send(s, &(struct abi_install_view){.type = INSTALL_SYNC_BEGIN, .seq = 3});
	send_put(s, 4, 200, "sip:b@x");
	install_poll(&s->install, 10, &wake);
	assert_int_equal(owner(s, "sip:a@x"), 100);
	send(s, &(struct abi_install_view){.type = INSTALL_SYNC_END, .seq = 5});
	assert_int_equal(install_poll(&s->install, 10, &wake), 1);
	assert_int_equal(owner(s, "sip:a@x"), 0);
	assert_int_equal(owner(s, "sip:b@x"), 200);
}

/* Control does not read its answers: nothing more is worked off, nothing is lost, and it goes
 * on when it does. */
static void full_ack_ring_stops_and_goes_on(void **state)
{
	enum { RECORDS = 9000 };
	struct scene *s = *state;
	uint64_t sent = 0, answered = 0;
	uint32_t done;
	bool wake;

	/* Until neither ring takes any more. */
	do {
		while (sent < RECORDS &&
		       send_put(s, sent, sent % 7,
				(const char[8]){'s', 'i', 'p', ':', '0' + sent % 7}))
			sent++;
		done = install_poll(&s->install, 100, &wake);
	} while (done > 0);
	assert_int_equal(s->install.installs, RING / 24);
	assert_true(ring_used(&s->to) > 0);
	while (answered < RECORDS) {
		while (ring_peek(&s->from).p)
			ack_assert(s, answered++, INSTALL_OK);
		install_poll(&s->install, 1000, &wake);
		while (sent < RECORDS &&
		       send_put(s, sent, sent % 7,
				(const char[8]){'s', 'i', 'p', ':', '0' + sent % 7}))
			sent++;
	}
	assert_int_equal(s->install.errors, 0);
}

static void broken_ring_is_left_alone(void **state)
{
	struct scene *s = *state;
	bool wake;

	send_put(s, 1, 100, "sip:a@x");
	memset(s->shared[0]->data, 0xff, 8);
	assert_int_equal(install_poll(&s->install, 10, &wake), 0);
	assert_true(ring_broken(&s->install.in));
	assert_null(ring_peek(&s->from).p);
}

static int writer_register(void **state)
{
	rcu_register_thread();
	return 0;
}

static int writer_unregister(void **state)
{
	rcu_unregister_thread();
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scene_start, scene_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(records_are_answered_in_order),
		TEST(sync_keeps_what_is_put_again),
		TEST(full_ack_ring_stops_and_goes_on),
		TEST(broken_ring_is_left_alone),
	};

	return cmocka_run_group_tests(tests, writer_register, writer_unregister);
}
