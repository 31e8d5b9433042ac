/* test_reply.c - responses */
#include "sip/parse.h"
#include "sip/reply.h"
#include "support.h"

static struct addr source(void)
{
	return addr_v4(0xc0000209, 6060);
}

static void assert_reply(const char *request, const struct sip_reply *r, const char *want)
{
	uint8_t memory[2048];
	struct text out = text_in(memory, sizeof(memory));
	struct sip_msg msg;

	sip_parse(slice_str(request), &msg);
	assert_true(sip_reply_write(&msg, r, &out));
	if (!slice_eq(text_slice(&out), slice_str(want)))
		fail_msg("got:\n%.*s", SLICE_ARG(text_slice(&out)));
}

static void test_plain(void **state)
{
	const struct addr from = source();
	const struct sip_reply r = {.status = 404, .to_tag = SLICE("ours"), .source = &from};
	const struct sip_reply trying = {.status = 100, .source = &from};
	const char *request =
		"INVITE sip:b@h SIP/2.0\r\n"
		"v: SIP/2.0/UDP a.example;rport;branch=z9hG4bK1 , SIP/2.0/UDP b\r\n"
		"Via : SIP/2.0/UDP\r\n c\r\n"
		"f: <sip:a@h>;tag=1\r\nt: sip:b@h\r\ni: x\r\nCSeq: 1\r\n INVITE\r\n"
		"Record-Route: <sip:p;lr>\r\n\r\n";

	assert_reply(
		request, &r,
		"SIP/2.0 404 Not Found\r\n"
		"Via: SIP/2.0/UDP a.example;received=192.0.2.9;rport=6060;branch=z9hG4bK1 ,"
		" SIP/2.0/UDP b\r\n"
		"Via: SIP/2.0/UDP   c\r\n"
		"From: <sip:a@h>;tag=1\r\nTo: sip:b@h;tag=ours\r\nCall-ID: x\r\n"
		"CSeq: 1   INVITE\r\nContent-Length: 0\r\n\r\n");
	assert_reply(
		request, &trying,
		"SIP/2.0 100 Trying\r\n"
		"Via: SIP/2.0/UDP a.example;received=192.0.2.9;rport=6060;branch=z9hG4bK1 ,"
		" SIP/2.0/UDP b\r\n"
		"Via: SIP/2.0/UDP   c\r\n"
		"From: <sip:a@h>;tag=1\r\nTo: sip:b@h\r\nCall-ID: x\r\n"
		"CSeq: 1   INVITE\r\nContent-Length: 0\r\n\r\n");
}

static void test_extras(void **state)
{
	const struct sip_reply r = {.status = 299,
				    .reason = SLICE("Fine\r\nX: y"),
				    .to_tag = SLICE("ours"),
				    .headers = SLICE("Retry-After: 5\r\n"),
				    .record_route = true};

	assert_reply("BYE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a@h>\r\n"
		     "Record-Route: <sip:p;lr>,<sip:q;lr>\r\nTo: <sip:b@h>;tag=theirs\r\n"
		     "Call-ID: x\r\nCSeq: 1 BYE\r\nRecord-Route: <sip:r;lr>\r\n\r\n",
		     &r,
		     "SIP/2.0 299 Fine  X: y\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a@h>\r\n"
		     "To: <sip:b@h>;tag=theirs\r\nCall-ID: x\r\nCSeq: 1 BYE\r\n"
		     "Record-Route: <sip:p;lr>,<sip:q;lr>\r\nRecord-Route: <sip:r;lr>\r\n"
		     "Retry-After: 5\r\nContent-Length: 0\r\n\r\n");
}

static void test_received(void **state)
{
	static const struct {
		const char *via;
		const char *append;
		const char *old; /* NULL: none */
	} table[] = {
		{"SIP/2.0/UDP 192.0.2.9", "", NULL},
		{"SIP/2.0/UDP 192.0.2.9:99;branch=1", "", NULL},
		{"SIP/2.0/UDP 192.0.2.8", ";received=192.0.2.9", NULL},
		{"SIP/2.0/UDP name", ";received=192.0.2.9", NULL},
		{"SIP/2.0/UDP 192.0.2.9;rport;x", ";received=192.0.2.9;rport=6060", ";rport"},
		{"SIP/2.0/UDP name ; rport = 7;x", ";received=192.0.2.9;rport=6060",
		 "; rport = 7"},
		{"SIP/2.0/UDP name;received=10.0.0.1", ";received=192.0.2.9",
		 ";received=10.0.0.1"},
		{"SIP/2.0/UDP name;received=10.0.0.1;a=b;rport;c",
		 ";a=b;received=192.0.2.9;rport=6060", ";received=10.0.0.1;a=b;rport"},
	};
	const struct addr from = source();

	for (uint32_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t memory[256];
		struct text out = text_in(memory, sizeof(memory));
		struct slice rest, old;
		struct sip_via via;

		assert_int_equal(sip_via_decode(slice_str(table[i].via), &via, &rest), SIP_OK);
		sip_via_received(&via, &from, &out, &old);
		assert_true(slice_eq(text_slice(&out), slice_str(table[i].append)));
		assert_int_equal(old.p != NULL, table[i].old != NULL);
		if (old.p)
			assert_true(slice_eq(old, slice_str(table[i].old)));
	}
}

static void test_received_v6(void **state)
{
	uint8_t memory[256];
	struct text out = text_in(memory, sizeof(memory));
	struct slice rest, old;
	struct sip_via via;
	struct addr from;

	assert_true(addr_parse(SLICE("[2001:db8::5]:7"), 0, &from));
	sip_via_decode(SLICE("SIP/2.0/UDP [2001:db8::6];rport"), &via, &rest);
	sip_via_received(&via, &from, &out, &old);
	assert_slice(text_slice(&out), ";received=2001:db8::5;rport=7");
	sip_via_decode(SLICE("SIP/2.0/UDP [2001:DB8:0::5]"), &via, &rest);
	out.len = 0;
	sip_via_received(&via, &from, &out, &old);
	assert_int_equal(out.len, 0);
}

/* The response to each request of the corpus is a sound message that goes back to the source.
 */
static void test_corpus(void **state)
{
	const struct addr from = source();
	const struct sip_reply r = {.status = 500, .to_tag = SLICE("t"), .source = &from};
	struct corpus c = {0};
	struct sip_msg request, response;
	uint8_t memory[8192];
	uint32_t answered = 0;

	corpus_load(&c, "");
	corpus_load(&c, "torture");
	for (uint32_t i = 0; i < c.n; i++) {
		struct text out = text_in(memory, sizeof(memory));
		struct sip_via via;
		struct addr to;

		if (sip_parse(c.sample[i].text, &request) != SIP_OK ||
		    !sip_parse_answerable(&request))
			continue;
		assert_true(sip_reply_write(&request, &r, &out));
		assert_int_equal(sip_parse(text_slice(&out), &response), SIP_OK);
		assert_int_equal(response.status, 500);
		assert_int_equal(response.cseq, request.cseq);
		assert_true(slice_eq(response.method_name, request.method_name));
		assert_int_equal(sip_via_top(&response, &via), SIP_OK);
		assert_true(sip_via_destination(&via, &to));
		assert_true(addr_same_ip(&to, &from));
		answered++;
	}
	assert_true(answered > 30);
	corpus_free(&c);
}

static void test_refused(void **state)
{
	const struct addr from = source();
	const struct sip_reply r = {.status = 500, .source = &from};
	const char *request = "BYE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a@h>\r\n"
			      "To: <sip:b@h>\r\nCall-ID: x\r\nCSeq: 1 BYE\r\n\r\n";
	uint8_t memory[512];
	struct text out = text_in(memory, sizeof(memory));
	struct sip_msg msg;
	uint32_t len;

	sip_parse(slice_str(request), &msg);
	assert_true(sip_reply_write(&msg, &r, &out));
	len = out.len;
	for (uint32_t cap = 0; cap < len; cap++) {
		out = text_in(memory, cap);
		assert_false(sip_reply_write(&msg, &r, &out));
		assert_int_equal(out.len, 0);
	}
	out = text_in(memory, len);
	assert_true(sip_reply_write(&msg, &r, &out));
	out = text_in(memory, sizeof(memory));
	sip_parse(SLICE("BYE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n\r\n"), &msg);
	assert_true(sip_reply_write(&msg, &r, &out)); /* what is missing cannot be copied */
	out = text_in(memory, sizeof(memory));
	sip_parse(SLICE("BYE sip:b@h SIP/2.0\r\n\r\n"), &msg);
	assert_false(sip_reply_write(&msg, &r, &out)); /* nowhere to answer to */
	sip_parse(SLICE("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a@h>\r\n"
			"To: <sip:b@h>\r\nCall-ID: x\r\nCSeq: 1 BYE\r\n\r\n"),
		  &msg);
	assert_false(sip_reply_write(&msg, &r, &out));
}

static void test_reasons(void **state)
{
	assert_string_equal(sip_reason(404), "Not Found");
	assert_string_equal(sip_reason(299), "");
	for (uint32_t e = SIP_OK + 1; e < SIP_E_MAX; e++)
		if (sip_error_info(e)->status)
			assert_string_equal(sip_reason(sip_error_info(e)->status),
					    sip_error_info(e)->reason);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),    cmocka_unit_test(test_extras),
		cmocka_unit_test(test_received), cmocka_unit_test(test_received_v6),
		cmocka_unit_test(test_corpus),   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
