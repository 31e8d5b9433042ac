/* test_codec.c - every Sh command through octets and back; and what must be refused
 *
 * freeDiameter is set up but not started: messages go through its serialiser and parser, and no
 * socket.
 */
#include "cx/codec.h"
#include "diameter/diameter.h"
#include "sh/codec.h"

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { COMMANDS = SH_PNR - SH_UDR + 1 };

#define assert_slice(s, text)                                                                  \
	do {                                                                                   \
		assert_int_equal((s).len, strlen(text));                                       \
		assert_memory_equal((s).p, text, (s).len);                                     \
	} while (0)

/* Frees the message; the copy is what a peer would have. */
static struct msg *through_wire(struct msg *m)
{
	struct fd_pei pei;
	uint8_t *octets;
	size_t len;

	assert_int_equal(fd_msg_bufferize(m, &octets, &len), 0);
	assert_true(len <= DIAMETER_MESSAGE_MAX);
	fd_msg_free(m);
	assert_int_equal(fd_msg_parse_buffer(&octets, len, &m), 0);
	assert_int_equal(fd_msg_parse_dict(m, fd_g_config->cnf_dict, &pei), 0);
	return m;
}

static struct msg *request(uint32_t command, const void *r)
{
	struct msg *m;

	assert_int_equal(sh_request(command, &m, r, SLICE("hss.home.test")), 0);
	return through_wire(m);
}

static struct sh_udr some_udr(void)
{
	return (struct sh_udr){.user.impu = SLICE("sip:a@home"),
			       .what = {.n_references = 2,
					.reference = {SH_REPOSITORY_DATA, SH_DSAI},
					.n_services = 2,
					.service = {SLICE("s1"), SLICE("s2")},
					.n_tags = 1,
					.tag = {SLICE("t")},
					.n_identity_sets = 1,
					.identity_set = {SH_IMPLICIT_IDENTITIES},
					.server_name = SLICE("sip:as")},
			       .n_domain = 1,
			       .domain = {1},
			       .n_current = 1,
			       .current = {0}};
}

static void udr(void **state)
{
	struct sh_udr in = some_udr(), out;
	struct msg *m = request(SH_UDR, &in);

	assert_int_equal(sh_decode_request(SH_UDR, m, &out), 0);
	assert_slice(out.user.impu, "sip:a@home");
	assert_int_equal(out.user.msisdn.len, 0);
	assert_int_equal(out.what.n_references, 2);
	assert_int_equal(out.what.reference[1], SH_DSAI);
	assert_int_equal(out.what.n_services, 2);
	assert_slice(out.what.service[1], "s2");
	assert_slice(out.what.tag[0], "t");
	assert_int_equal(out.what.identity_set[0], SH_IMPLICIT_IDENTITIES);
	assert_slice(out.what.server_name, "sip:as");
	assert_int_equal(out.n_domain, 1);
	assert_int_equal(out.domain[0], 1);
	assert_int_equal(out.n_current, 1);
	assert_slice(out.origin_host, "hss.home.test");
	fd_msg_free(m);
}

static void answers(void **state)
{
	struct sh_udr udr = some_udr();
	struct sh_uda in = {CX_SUCCESS, SLICE("sip:!.*!@h"), SLICE("<Sh-Data/>")}, out;
	struct sh_pna refused = {CX_ERROR_USER_UNKNOWN}, pna;
	struct sh_pnr pnr = {.user.impu = SLICE("sip:a@home"), .user_data = SLICE("<x/>")};
	struct msg *m = request(SH_UDR, &udr);

	assert_int_equal(sh_answer(SH_UDR, &m, &in), 0);
	m = through_wire(m);
	assert_int_equal(sh_decode_answer(SH_UDR, m, &out), 0);
	assert_int_equal(out.result, CX_SUCCESS);
	assert_slice(out.wildcard, "sip:!.*!@h");
	assert_slice(out.user_data, "<Sh-Data/>");
	fd_msg_free(m);
	m = request(SH_PNR, &pnr);
	assert_int_equal(sh_answer(SH_PNR, &m, &refused), 0);
	m = through_wire(m);
	assert_int_equal(sh_decode_answer(SH_PNR, m, &pna), 0);
	assert_int_equal(pna.result, CX_ERROR_USER_UNKNOWN);
	fd_msg_free(m);
}

static void pur(void **state)
{
	static uint8_t large[SH_USER_DATA_MAX + 1];
	struct sh_pur in = {.user.msisdn = SLICE("\x51\x55\xf1"),
			    .n_references = 1,
			    .reference = {SH_REPOSITORY_DATA},
			    .user_data = slice_of(large, SH_USER_DATA_MAX)},
		      out;
	struct msg *m = request(SH_PUR, &in);

	assert_int_equal(sh_decode_request(SH_PUR, m, &out), 0);
	assert_slice(out.user.msisdn, "\x51\x55\xf1");
	assert_int_equal(out.user_data.len, SH_USER_DATA_MAX);
	fd_msg_free(m);
	in.user_data.len++;
	assert_int_not_equal(sh_request(SH_PUR, &m, &in, SLICE_EMPTY), 0);
	assert_null(m);
}

/* The era of Expiry-Time changes on 7 February 2036, 06:28:16 UTC. */
static void snr(void **state)
{
	static const int64_t expiry[] = {1,          1800000000, 2085978495,
					 2085978496, 2085978497, 2200000000};
	struct sh_snr in = {.user.impu = SLICE("sip:a@home"),
			    .what = {.n_references = 1, .reference = {SH_IMS_USER_STATE}},
			    .send_data = true,
			    .once = true},
		      out;
	struct sh_sna sna = {.result = CX_SUCCESS}, got;

	for (size_t i = 0; i < sizeof(expiry) / sizeof(expiry[0]); i++) {
		struct msg *m;

		in.expiry = sna.expiry = expiry[i];
		m = request(SH_SNR, &in);
		assert_int_equal(sh_decode_request(SH_SNR, m, &out), 0);
		assert_int_equal(out.expiry, expiry[i]);
		assert_true(out.send_data);
		assert_true(out.once);
		assert_false(out.unsubscribe);
		assert_int_equal(sh_answer(SH_SNR, &m, &sna), 0);
		m = through_wire(m);
		assert_int_equal(sh_decode_answer(SH_SNR, m, &got), 0);
		assert_int_equal(got.expiry, expiry[i]);
		fd_msg_free(m);
	}
	in = (struct sh_snr){
		.user.impu = SLICE("sip:a@home"), .what = in.what, .unsubscribe = true};
	struct msg *m = request(SH_SNR, &in);

	assert_int_equal(sh_decode_request(SH_SNR, m, &out), 0);
	assert_true(out.unsubscribe);
	assert_false(out.once);
	assert_int_equal(out.expiry, 0);
	fd_msg_free(m);
}

/* The AVP of the command with this code, in the message itself. */
static struct avp *find(struct msg *m, uint32_t code)
{
	struct avp *avp = NULL;
	struct avp_hdr *h;

	fd_msg_browse(m, MSG_BRW_FIRST_CHILD, &avp, NULL);
	for (; avp; fd_msg_browse(avp, MSG_BRW_NEXT, &avp, NULL))
		if (fd_msg_avp_hdr(avp, &h) == 0 && h->avp_code == code)
			return avp;
	fail_msg("no AVP %u", code);
	return NULL;
}

/* Without each AVP that must be there, in turn. */
static void missing(void **state)
{
	static const struct {
		uint32_t command, avp;
	} row[] = {
		{SH_UDR, 263}, {SH_UDR, 264}, {SH_UDR, 296}, {SH_UDR, 700}, {SH_UDR, 703},
		{SH_PUR, 700}, {SH_PUR, 702}, {SH_PUR, 703}, {SH_SNR, 700}, {SH_SNR, 703},
		{SH_SNR, 705}, {SH_PNR, 700}, {SH_PNR, 702},
	};
	struct sh_udr udr = some_udr();
	struct sh_pur pur = {.user = udr.user, .n_references = 1, .user_data = SLICE("x")};
	struct sh_snr snr = {.user = udr.user, .what.n_references = 1};
	struct sh_pnr pnr = {.user = udr.user, .user_data = SLICE("x")};
	const void *const some[COMMANDS] = {&udr, &pur, &snr, &pnr};
	union sh_any_request out;

	udr.what.n_references = 1;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct msg *m = request(row[i].command, some[row[i].command - SH_UDR]);

		assert_int_equal(sh_decode_request(row[i].command, m, &out), 0);
		fd_msg_free(find(m, row[i].avp));
		assert_int_equal(sh_decode_request(row[i].command, m, &out), CX_MISSING_AVP);
		/* The answer names it. */
		if (row[i].avp >= 700) {
			assert_int_equal(sh_answer_error(&m, CX_MISSING_AVP), 0);
			find(m, 279);
		}
		fd_msg_free(m);
	}
}

static void wrong(void **state)
{
	struct sh_snr snr = {.user.impu = SLICE("sip:a@home"), .what.n_references = 1}, out;
	struct msg *m = request(SH_SNR, &snr);
	union avp_value value = {.u32 = 2};

	/* Subs-Req-Type has two values. */
	assert_int_equal(fd_msg_avp_setvalue(find(m, 705), &value), 0);
	assert_int_equal(sh_decode_request(SH_SNR, m, &out), CX_INVALID_AVP_VALUE);
	fd_msg_free(m);
	/* A user who is nobody. */
	snr.user.impu = SLICE_EMPTY;
	assert_int_equal(sh_request(SH_SNR, &m, &snr, SLICE_EMPTY), 0);
	m = through_wire(m);
	assert_int_equal(sh_decode_request(SH_SNR, m, &out), CX_MISSING_AVP);
	fd_msg_free(m);
}

static void names(void **state)
{
	assert_string_equal(sh_result_name(SH_TRANSPARENT_DATA_OUT_OF_SYNC),
			    "DIAMETER_ERROR_TRANSPARENT_DATA_OUT_OF_SYNC");
	assert_string_equal(sh_result_name(CX_SUCCESS), "DIAMETER_SUCCESS");
	assert_string_equal(sh_result_name(1), "unknown");
}

static int start(void **state)
{
	struct diameter_config c = {.identity = "hss.home.test", .realm = "home.test"};
	char error[256];

	c.listen = addr_v4(0x7f000001, 0);
	return diameter_init(&c, error) || cx_dictionary_init() || sh_dictionary_init();
}

static int stop(void **state)
{
	diameter_stop();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(udr),   cmocka_unit_test(answers), cmocka_unit_test(pur),
		cmocka_unit_test(snr),   cmocka_unit_test(missing), cmocka_unit_test(wrong),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
