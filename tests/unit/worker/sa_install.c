/* sa_install.c - records about security associations: from control's ring to esp/ and back */
#include "support.h"

#include <urcu-qsbr.h>

#include "table/install.h"
#include "worker/sa_install.h"

enum { RING = 1 << 17 };

static struct install in;
static struct ring to, from; /* control's ends */
static struct abi_ring *shared[2];
static struct side node;
static uint64_t seq;

static int open_all(void **state)
{
	urcu_qsbr_register_thread();
	side_open(&node, 8, 1);
	in = (struct install){.tables = tables_create(&(struct tables_size){100, 100},
						      &(struct hash_key){1, 2}),
			      .sa = sa_install,
			      .sa_context = node.sas};
	for (int i = 0; i < 2; i++) {
		shared[i] = calloc(1, ring_bytes(RING));
		ring_create(shared[i], RING);
	}
	ring_attach_consumer(&in.in, shared[0], RING);
	ring_attach_producer(&in.out, shared[1], RING);
	ring_attach_producer(&to, shared[0], RING);
	ring_attach_consumer(&from, shared[1], RING);
	return in.tables ? 0 : -1;
}

static int close_all(void **state)
{
	side_close(&node);
	tables_destroy(in.tables);
	free(shared[0]);
	free(shared[1]);
	urcu_qsbr_unregister_thread();
	return 0;
}

/* The answer to one record. */
static uint32_t installed(struct abi_install_view *v)
{
	uint8_t record[RING_RECORD_MAX];
	struct abi_ack ack;
	bool wake;

	v->seq = ++seq;
	uint32_t len = abi_install_encode(v, record, sizeof(record));
	assert_true(len > 0);
	assert_true(ring_push(&to, slice_of(record, len), &wake));
	assert_int_equal(install_poll(&in, 10, &wake), 1);
	struct slice answer = ring_peek(&from);
	assert_int_equal(answer.len, sizeof(ack));
	memcpy(&ack, answer.p, sizeof(ack));
	ring_release(&from);
	assert_true(ack.seq == seq);
	return ack.status;
}

static struct abi_install_view view_of(const struct esp_sa_spec *s)
{
	struct abi_install_view v = {
		.type = INSTALL_SA,
		.sa = {.sa_id = s->sa_id,
		       .set_id = s->set_id,
		       .ue = s->ue,
		       .local = s->local,
		       .port_us = s->port_us,
		       .port_pc = s->port_pc,
		       .spi_uc = s->spi_uc,
		       .spi_us = s->spi_us,
		       .spi_pc = s->spi_pc,
		       .spi_ps = s->spi_ps,
		       .nat = s->nat,
		       .integrity = s->integrity,
		       .cipher = s->cipher,
		       .expires_ms = s->expires_ms},
	};

	memcpy(v.sa.ck, s->ck, sizeof(v.sa.ck));
	memcpy(v.sa.ik, s->ik, sizeof(v.sa.ik));
	return v;
}

static uint32_t simple(enum abi_install_type type, uint64_t sa_id)
{
	struct abi_install_view v = {.type = type, .sa_id = sa_id};

	return installed(&v);
}

/* What control put is what the UE has: a packet of its own opens. */
static void opens(const struct esp_sa_spec *s, bool so)
{
	uint8_t octets[256];
	struct side ue;
	struct esp_sa_spec other = mirrored(s);

	side_open(&ue, 4, 1);
	assert_int_equal(esp_sa_put(ue.sas, &other), ESP_OK);
	static uint32_t used;
	uint32_t n = 0;
	for (uint32_t i = 0; i <= used; i++)
		n = seal(&ue, s->sa_id, "hello", 5, octets, NULL);
	used++;
	struct esp_packet p = packet_of(s, octets, n);
	assert_int_equal(open_packet(&node, &p, NULL).verdict == VERDICT_NEXT, so);
	side_close(&ue);
}

static void test_each_suite(void **state)
{
	for (uint32_t i = 0; i < SUITES; i++) {
		struct esp_sa_spec s = spec_of(i, i & 1 ? 4 : 6, &suites[i], i & 2);
		struct abi_install_view v = view_of(&s);

		assert_int_equal(installed(&v), INSTALL_OK);
		opens(&s, true);
		assert_int_equal(simple(INSTALL_SA_DELETE, s.sa_id), INSTALL_OK);
		opens(&s, false);
	}
	assert_int_equal(in.errors, 0);
}

static void test_answers(void **state)
{
	struct esp_sa_spec s = spec_of(20, 4, &suites[5], false);
	struct abi_install_view v = view_of(&s), other = view_of(&s);

	assert_int_equal(installed(&v), INSTALL_OK);
	other.sa.ck[3] ^= 1;
	assert_int_equal(installed(&other), INSTALL_CONFLICT);
	other = view_of(&s);
	other.sa.sa_id++;
	assert_int_equal(installed(&other), INSTALL_CONFLICT);
	other.sa.spi_ps = other.sa.spi_us;
	other.sa.spi_pc += 100;
	assert_int_equal(installed(&other), INSTALL_MALFORMED);
	for (uint32_t i = 21; i < 28; i++) {
		struct esp_sa_spec more = spec_of(i, 4, &suites[5], false);
		struct abi_install_view m = view_of(&more);

		assert_int_equal(installed(&m), INSTALL_OK);
	}
	struct esp_sa_spec last = spec_of(28, 4, &suites[5], false);
	other = view_of(&last);
	assert_int_equal(installed(&other), INSTALL_NO_MEMORY);
}

static void test_synchronised(void **state)
{
	struct esp_sa_spec kept = spec_of(20, 4, &suites[5], false),
			   lost = spec_of(40, 4, &suites[5], false);
	struct abi_install_view v = view_of(&kept), old = view_of(&lost);
	struct esp_stats stats;

	assert_int_equal(simple(INSTALL_SYNC_BEGIN, 0), INSTALL_OK);
	assert_int_equal(installed(&v), INSTALL_OK);
	assert_int_equal(simple(INSTALL_SA_DELETE, 1000 + 21), INSTALL_OK);
	old.sa.used = true;
	assert_int_equal(installed(&old), INSTALL_LOST);
	assert_int_equal(simple(INSTALL_SYNC_END, 0), INSTALL_OK);
	esp_stats(node.sas, &stats);
	assert_int_equal(stats.sets, 1);
	opens(&kept, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_suite),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_synchronised),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
