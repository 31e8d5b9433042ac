/* test_codec.c - ACR and ACA through octets and back; and what must be refused
 *
 * freeDiameter is set up but not started: messages go through its serialiser, its parser and
 * its rules, and no socket.
 */
#include "base/log.h"
#include "cx/codec.h"
#include "diameter/diameter.h"
#include "rf/codec.h"

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define assert_slice(s, text)                                                                  \
	do {                                                                                   \
		assert_int_equal((s).len, strlen(text));                                       \
		assert_memory_equal((s).p, text, (s).len);                                     \
	} while (0)

static uint8_t *octets_of(struct msg *m, size_t *len)
{
	uint8_t *octets;

	assert_int_equal(fd_msg_bufferize(m, &octets, len), 0);
	fd_msg_free(m);
	return octets;
}

static struct msg *through_wire(struct msg *m)
{
	struct fd_pei pei = {0};
	size_t len;
	uint8_t *octets = octets_of(m, &len);

	assert_int_equal(fd_msg_parse_buffer(&octets, len, &m), 0);
	assert_int_equal(fd_msg_parse_dict(m, fd_g_config->cnf_dict, &pei), 0);
	assert_int_equal(fd_msg_parse_rules(m, fd_g_config->cnf_dict, &pei), 0);
	return m;
}

static const struct rf_acr some = {
	.session = SLICE("scscf.home.test;1;2;rf"),
	.record = RF_STOP,
	.number = 3,
	.n_interval = 1,
	.interval = {600},
	.at = 1795465444,
	.n_user = 1,
	.user = {{2, SLICE("sip:a@home.test")}},
	.method = SLICE("BYE"),
	.role = RF_TERMINATING,
	.node = RF_PCSCF,
	.call_id = SLICE("c1@host"),
	.n_calling = 1,
	.calling = {SLICE("sip:a@home.test")},
	.called = SLICE("sip:b@home.test"),
	.requested = 2085978496, /* the first second of the next era */
	.orig_ioi = SLICE("home.test"),
	.icid = SLICE("0123456789abcdef"),
	.cause = RF_CAUSE_NORMAL,
};

static void acr(void **state)
{
	struct rf_acr out;
	struct msg_hdr *h;
	struct msg *m;

	for (int again = 0; again < 2; again++) {
		struct rf_acr in = some;

		in.again = again;
		assert_int_equal(rf_acr(&m, &in, SLICE("cdf.home.test")), 0);
		m = through_wire(m);
		assert_int_equal(fd_msg_hdr(m, &h), 0);
		assert_int_equal(h->msg_appl, RF_APPLICATION);
		assert_int_equal(!!(h->msg_flags & CMD_FLAG_RETRANSMIT), again);
		assert_int_equal(rf_decode_acr(m, &out), 0);
		assert_slice(out.session, "scscf.home.test;1;2;rf");
		assert_int_equal(out.record, RF_STOP);
		assert_int_equal(out.number, 3);
		assert_int_equal(out.interval[0], 600);
		assert_int_equal(out.at, some.at);
		assert_int_equal(out.requested, some.requested);
		assert_int_equal(out.answered, 0);
		assert_slice(out.user[0].identity, "sip:a@home.test");
		assert_slice(out.method, "BYE");
		assert_int_equal(out.role, RF_TERMINATING);
		assert_int_equal(out.node, RF_PCSCF);
		assert_slice(out.call_id, "c1@host");
		assert_slice(out.calling[0], "sip:a@home.test");
		assert_slice(out.called, "sip:b@home.test");
		assert_slice(out.orig_ioi, "home.test");
		assert_int_equal(out.term_ioi.len, 0);
		assert_slice(out.icid, "0123456789abcdef");
		assert_int_equal(out.cause, RF_CAUSE_NORMAL);
		fd_msg_free(m);
	}
}

static void aca(void **state)
{
	struct rf_aca in[] = {{CX_SUCCESS, RF_START, 0, 300},
			      {CX_TOO_BUSY, RF_STOP, 7, RF_UNSAID}},
		      out;
	struct msg *m;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(rf_acr(&m, &some, SLICE_EMPTY), 0);
		m = through_wire(m);
		assert_int_equal(rf_answer(&m, &in[i]), 0);
		m = through_wire(m);
		assert_int_equal(rf_decode_aca(m, &out), 0);
		assert_memory_equal(&out, &in[i], sizeof(out));
		fd_msg_free(m);
	}
}

static void wrong(void **state)
{
	struct rf_acr bad = some, out;
	struct msg *m;

	bad.record = 0;
	assert_int_equal(rf_acr(&m, &bad, SLICE_EMPTY), 0);
	m = through_wire(m);
	assert_int_equal(rf_decode_acr(m, &out), CX_INVALID_AVP_VALUE);
	assert_int_equal(rf_answer_error(&m, CX_INVALID_AVP_VALUE), 0);
	fd_msg_free(m);
	bad = some;
	bad.session = SLICE_EMPTY;
	assert_int_not_equal(rf_acr(&m, &bad, SLICE_EMPTY), 0);
	assert_null(m);
}

static void mutations(void **state)
{
	struct rf_acr out;
	struct fd_pei pei;
	struct msg *m;
	uint8_t *octets, *copy;
	size_t len;
	uint32_t seed = 1, good = 0;

	assert_int_equal(rf_acr(&m, &some, SLICE_EMPTY), 0);
	octets = octets_of(m, &len);
	for (int i = 0; i < 10000; i++) {
		copy = malloc(len);
		memcpy(copy, octets, len);
		for (int k = 0; k < 1 + i % 3; k++) {
			seed = seed * 1103515245 + 12345;
			copy[20 + (seed >> 8) % (len - 20)] = (uint8_t)(seed >> 24);
		}
		diameter_guard(copy, (uint32_t)len);
		if (fd_msg_parse_buffer(&copy, len, &m)) {
			free(copy);
			continue;
		}
		if (fd_msg_parse_dict(m, fd_g_config->cnf_dict, &pei) == 0)
			good += rf_decode_acr(m, &out) == 0;
		fd_msg_free(m);
	}
	assert_in_range(good, 100, 9900);
	free(octets);
}

static void copies(void **state)
{
	struct rf_acr *copy = rf_copy_acr(&some);

	assert_non_null(copy);
	assert_ptr_not_equal(copy->call_id.p, some.call_id.p);
	assert_slice(copy->call_id, "c1@host");
	assert_slice(copy->calling[0], "sip:a@home.test");
	assert_int_equal(copy->requested, some.requested);
	free(copy);
}

static int start(void **state)
{
	struct diameter_config c = {.identity = "scscf.home.test", .realm = "home.test"};
	char error[256];

	log_set_level(LOG_ERROR); /* of mutations the library says a lot */
	c.listen = addr_v4(0x7f000001, 0);
	return diameter_init(&c, error) || cx_dictionary_init() || rf_dictionary_init();
}

static int stop(void **state)
{
	diameter_stop();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acr),       cmocka_unit_test(aca),    cmocka_unit_test(wrong),
		cmocka_unit_test(mutations), cmocka_unit_test(copies),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
