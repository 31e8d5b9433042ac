/* test_parse.c - the index, the required fields, Content-Length, and what is refused */
#include <stdio.h>

#include "sip/parse.h"
#include "sip/via.h"
#include "support.h"

#define START "INVITE sip:bob@home.example SIP/2.0\r\n"
#define VIA   "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
#define FROM  "From: <sip:alice@home.example>;tag=1\r\n"
#define TO    "To: <sip:bob@home.example>\r\n"
#define ID    "Call-ID: c1\r\n"
#define CSEQ  "CSeq: 1 INVITE\r\n"
#define ALL   VIA FROM TO ID CSEQ

static enum sip_error parse(const char *text)
{
	struct sip_msg msg;

	return sip_parse(slice_str(text), &msg);
}

static void test_corpus(void **state)
{
	struct corpus c = {0};
	struct sip_msg msg;

	corpus_load(&c, "");
	assert_true(c.n >= 25);
	for (uint32_t i = 0; i < c.n; i++) {
		enum sip_error e = sip_parse(c.sample[i].text, &msg);

		if (e == SIP_OK)
			e = look_at_everything(&msg);
		if (e != SIP_OK)
			fail_msg("%s: %s", c.sample[i].name, sip_error_info(e)->warning);
		assert_sound(&msg, c.sample[i].text);
	}
	corpus_free(&c);
}

static void test_request(void **state)
{
	struct corpus c = {0};
	struct sip_msg msg;
	const struct sip_header *h;

	corpus_load(&c, "");
	assert_int_equal(sip_parse(corpus_find(&c, "invite_core"), &msg), SIP_OK);
	assert_true(sip_is_request(&msg));
	assert_int_equal(msg.method, SIP_M_INVITE);
	assert_slice(msg.method_name, "INVITE");
	assert_slice(msg.uri, "sip:bob@home2.example");
	assert_int_equal(msg.cseq, 127);
	assert_int_equal(msg.n_headers, 15);
	h = sip_first(&msg, SIP_H_VIA);
	h = sip_next(&msg, h);
	assert_slice(sip_value(&msg, h),
		     "SIP/2.0/UDP pcscf1.home1.example:5061;branch=z9hG4bK431h23.1");
	h = sip_next(&msg, h);
	assert_null(sip_next(&msg, h));
	assert_slice(
		sip_first_value(&msg, SIP_H_RECORD_ROUTE),
		"<sip:scscf1.home1.example;lr;saker=6a1f>,\r\n <sip:pcscf1.home1.example;lr>");
	assert_null(sip_first(&msg, SIP_H_ROUTE));
	assert_null(sip_first_value(&msg, SIP_H_ROUTE).p);
	assert_memory_equal(msg.raw.p + msg.first_line, "Via", 3);
	assert_memory_equal(msg.raw.p + msg.head_end, "\r\nv=0", 5);
	assert_memory_equal(msg.body.p, "v=0", 3);
	assert_int_equal(msg.body.p + msg.body.len - msg.raw.p, msg.raw.len);
	assert_int_equal(sip_parse(corpus_find(&c, "trailing"), &msg), SIP_OK);
	assert_slice(msg.body, "abc");
	assert_int_equal(sip_parse(corpus_find(&c, "info_nolength"), &msg), SIP_OK);
	assert_slice(msg.body, "Signal=5\r\nDuration=160\r\n");
	corpus_free(&c);
}

static void test_response(void **state)
{
	struct sip_msg msg;

	assert_int_equal(sip_parse(SLICE("sip/2.0 486 Busy  Here\r\n" ALL "\r\n"), &msg),
			 SIP_OK);
	assert_false(sip_is_request(&msg));
	assert_int_equal(msg.status, 486);
	assert_slice(msg.reason, "Busy  Here");
	assert_slice(msg.method_name, "INVITE");
	assert_int_equal(msg.method, SIP_M_INVITE);
	assert_int_equal(msg.uri.len, 0);
	assert_false(sip_parse_answerable(&msg));
	assert_int_equal(parse("SIP/2.0 486\r\n" ALL "\r\n"), SIP_OK);
	assert_int_equal(parse("SIP/2.0 099 x\r\n" ALL "\r\n"), SIP_E_STATUS);
	assert_int_equal(parse("SIP/2.0 700 x\r\n" ALL "\r\n"), SIP_E_STATUS);
	assert_int_equal(parse("SIP/2.0 20 x\r\n" ALL "\r\n"), SIP_E_STATUS);
	assert_int_equal(parse("SIP/2.0 2000 x\r\n" ALL "\r\n"), SIP_E_STATUS);
	assert_int_equal(parse("SIP/2.0  200 x\r\n" ALL "\r\n"), SIP_E_STATUS);
	assert_int_equal(parse("SIP/3.0 200 x\r\n" ALL "\r\n"), SIP_E_NOT_SIP);
	assert_int_equal(parse("SIP/2.0200 x\r\n" ALL "\r\n"), SIP_E_NOT_SIP);
	assert_int_equal(parse("SIP/\r\n" ALL "\r\n"), SIP_E_NOT_SIP);
}

static void test_start_line(void **state)
{
	static const struct {
		const char *line;
		enum sip_error want;
	} table[] = {
		{"INVITE sip:b@h SIP/2.0", SIP_OK},
		{"INVITE sip:b@h sIp/2.0", SIP_OK},
		{"INVITE SIPS:b@h SIP/2.0", SIP_OK},
		{"INVITE tel:+1 SIP/2.0", SIP_OK},
		{"INVITE Urn:service:sos SIP/2.0", SIP_OK},
		{"INVITE sip:a?b@h SIP/2.0", SIP_OK},
		{"INVITE http://h/ SIP/2.0", SIP_E_SCHEME},
		{"INVITE sipx:b@h SIP/2.0", SIP_E_SCHEME},
		{"INVITE sip: SIP/2.0", SIP_E_URI},
		{"INVITE sip SIP/2.0", SIP_E_URI},
		{"INVITE :b@h SIP/2.0", SIP_E_URI},
		{"INVITE 9:b@h SIP/2.0", SIP_E_URI},
		{"INVITE sip:b@h?x=y SIP/2.0", SIP_E_URI},
		{"INVITE sip:\x80@h SIP/2.0", SIP_E_URI},
		{"INVITE \"sip:b@h\" SIP/2.0", SIP_E_URI},
		{"INVITE sip:b@h\tSIP/2.0", SIP_E_START_LINE},
		{"INVITE sip:b\t@h SIP/2.0", SIP_E_START_LINE},
		{"INVITE  SIP/2.0", SIP_E_START_LINE},
		{"INVITE SIP/2.0", SIP_E_START_LINE},
		{"INVITE  sip:b@h SIP/2.0", SIP_E_START_LINE},
		{"INVITE sip:b@h  SIP/2.0", SIP_E_START_LINE},
		{"INVITE sip:b@h SIP/2.0 ", SIP_E_START_LINE},
		{"INVITE sip:b@h SIP/2.x", SIP_E_START_LINE},
		{"INVITE sip:b@h SIP/2.", SIP_E_START_LINE},
		{"INVITE sip:b@h SIP/", SIP_E_START_LINE},
		{"INVITE sip:b@h SIP/2.00", SIP_E_VERSION},
		{"INVITE sip:b@h SIP/3.0", SIP_E_VERSION},
		{"INVITE sip:b@h SIP/1.0", SIP_E_VERSION},
		{"INVITE sip:b@h HTTP/1.1", SIP_E_NOT_SIP},
		{"INVITE sip:b@h", SIP_E_NOT_SIP},
		{"INVITE", SIP_E_NOT_SIP},
		{"", SIP_E_NOT_SIP},
		{" INVITE sip:b@h SIP/2.0", SIP_E_METHOD},
		{"INV(TE sip:b@h SIP/2.0", SIP_E_METHOD},
		{"inv\xffte sip:b@h SIP/2.0", SIP_E_METHOD},
		{"invite sip:b@h SIP/2.0", SIP_E_CSEQ_METHOD},
	};
	char text[512];

	for (uint32_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(text, sizeof(text), "%s\r\n" ALL "\r\n", table[i].line);
		if (parse(text) != table[i].want)
			fail_msg("%s: %s", table[i].line, sip_error_info(parse(text))->warning);
	}
}

static void test_required(void **state)
{
	assert_int_equal(parse(START ALL "\r\n"), SIP_OK);
	assert_int_equal(parse(START FROM TO ID CSEQ "\r\n"), SIP_E_VIA_MISSING);
	assert_int_equal(parse(START VIA TO ID CSEQ "\r\n"), SIP_E_FROM_MISSING);
	assert_int_equal(parse(START VIA FROM ID CSEQ "\r\n"), SIP_E_TO_MISSING);
	assert_int_equal(parse(START VIA FROM TO CSEQ "\r\n"), SIP_E_CALL_ID_MISSING);
	assert_int_equal(parse(START VIA FROM TO ID "\r\n"), SIP_E_CSEQ_MISSING);
	assert_int_equal(parse(START ALL FROM "\r\n"), SIP_E_FROM_TWICE);
	assert_int_equal(parse(START ALL "t: <sip:b@h>\r\n\r\n"), SIP_E_TO_TWICE);
	assert_int_equal(parse(START ALL "I\t:c1\r\n\r\n"), SIP_E_CALL_ID_TWICE);
	assert_int_equal(parse(START ALL CSEQ "\r\n"), SIP_E_CSEQ_TWICE);
	assert_int_equal(parse(START VIA FROM TO ID "CSeq: 1 BYE\r\n\r\n"), SIP_E_CSEQ_METHOD);
	assert_int_equal(parse(START VIA FROM TO ID "CSeq: 1INVITE\r\n\r\n"), SIP_E_CSEQ);
	assert_int_equal(parse(START VIA FROM TO ID "CSeq: 2147483648 INVITE\r\n\r\n"),
			 SIP_E_CSEQ);
	assert_int_equal(parse(START VIA FROM TO ID "CSeq: 2147483647 INVITE\r\n\r\n"), SIP_OK);
	assert_int_equal(parse(START VIA FROM TO "i:\r\n" CSEQ "\r\n"), SIP_E_CALL_ID);
	assert_int_equal(parse(START VIA FROM TO "i:a b\r\n" CSEQ "\r\n"), SIP_E_CALL_ID);
}

static void test_parties(void **state)
{
	static const struct {
		const char *from;
		enum sip_error want;
	} table[] = {
		{"<sip:a@h>", SIP_OK},
		{"sip:a@h", SIP_OK},
		{"sip:a@h;tag=x", SIP_OK},
		{"\"a;tag=1\" <sip:a@h;tag=u>;x=\",;tag=2\";TAG=x", SIP_OK},
		{"<sip:a@h>;tag", SIP_E_FROM},
		{"<sip:a@h>;tag=", SIP_E_FROM},
		{"<sip:a@h>;tag=\"x\"", SIP_E_FROM},
		{"<sip:a@h>;tag=x;tag=x", SIP_E_FROM},
		{"<sip:a@h>;tag=x;Tag=y", SIP_E_FROM},
		{"<sip:a@h>;tag=x, <sip:b@h>", SIP_E_FROM},
		{"<sip:a@h>;tag=x,", SIP_E_FROM},
		{"<sip:a@h>tag=x", SIP_E_FROM},
		{"<sip:a@h", SIP_E_FROM},
		{"<sip:a@h;tag=x", SIP_E_FROM},
		{"\"a <sip:a@h>;tag=x", SIP_E_FROM},
		{"\"a\\\" <sip:a@h>;tag=x", SIP_E_FROM},
		{"<>;tag=x", SIP_E_FROM},
		{"<a@h>;tag=x", SIP_E_FROM},
		{"< sip:a@h>;tag=x", SIP_E_FROM},
		{"<sip:a@h>;;tag=x", SIP_E_FROM},
		{"*", SIP_E_FROM},
		{"", SIP_E_FROM},
	};
	char text[512];

	for (uint32_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(text, sizeof(text), START VIA TO ID CSEQ "From: %s\r\n\r\n",
			 table[i].from);
		if (parse(text) != table[i].want)
			fail_msg("%s: %s", table[i].from, sip_error_info(parse(text))->warning);
	}
}

static void test_content_length(void **state)
{
	static const struct {
		const char *line;
		enum sip_error want;
		uint32_t body;
	} table[] = {
		{"", SIP_OK, 10},
		{"Content-Length: 10\r\n", SIP_OK, 10},
		{"Content-Length: 0010\r\n", SIP_OK, 10},
		{"Content-Length : 3\r\n", SIP_OK, 3},
		{"Content-Length:\r\n 3\r\n", SIP_OK, 3},
		{"l:0\r\n", SIP_OK, 0},
		{"l:3\r\nCONTENT-LENGTH: 03\r\n", SIP_OK, 3},
		{"l:3\r\nContent-Length: 4\r\n", SIP_E_CONTENT_LENGTH_DIFFERS, 0},
		{"l:3\r\nContent-Length: x\r\n", SIP_E_CONTENT_LENGTH, 0},
		{"l:11\r\n", SIP_E_CONTENT_LENGTH_LARGER, 0},
		{"l:4294967306\r\n", SIP_E_CONTENT_LENGTH_LARGER, 0},
		{"l:2147483648\r\n", SIP_E_CONTENT_LENGTH_LARGER, 0},
		{"l:18446744073709551626\r\n", SIP_E_CONTENT_LENGTH, 0},
		{"l:-1\r\n", SIP_E_CONTENT_LENGTH, 0},
		{"l:+3\r\n", SIP_E_CONTENT_LENGTH, 0},
		{"l:0x3\r\n", SIP_E_CONTENT_LENGTH, 0},
		{"l:1 0\r\n", SIP_E_CONTENT_LENGTH, 0},
		{"l:1\r\n 0\r\n", SIP_E_CONTENT_LENGTH, 0},
		{"l:1,1\r\n", SIP_E_CONTENT_LENGTH, 0},
		{"l:\r\n", SIP_E_CONTENT_LENGTH, 0},
	};
	char text[512];
	struct sip_msg msg;

	for (uint32_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(text, sizeof(text), START ALL "%s\r\n0123456789", table[i].line);
		assert_int_equal(sip_parse(slice_str(text), &msg), table[i].want);
		if (table[i].want == SIP_OK)
			assert_int_equal(msg.body.len, table[i].body);
	}
}

static void test_lines(void **state)
{
	assert_int_equal(parse(START ALL "no colon\r\n\r\n"), SIP_E_HEADER);
	assert_int_equal(parse(START ALL ": no name\r\n\r\n"), SIP_E_HEADER);
	assert_int_equal(parse(START ALL "two words: x\r\n\r\n"), SIP_E_HEADER);
	assert_int_equal(parse(START ALL "folded\r\n name: x\r\n\r\n"), SIP_E_HEADER);
	assert_int_equal(parse(START " x: continues the start line\r\n" ALL "\r\n"),
			 SIP_E_HEADER);
	assert_int_equal(parse(START ALL "X: a\rP-Asserted-Identity: <sip:x@y>\r\n\r\n"),
			 SIP_E_HEADER);
	assert_int_equal(parse(START ALL "X: a\r\r\n\r\n"), SIP_E_HEADER);
	assert_int_equal(parse(START ALL), SIP_E_TRUNCATED);
	assert_int_equal(parse(START ALL "\r"), SIP_E_TRUNCATED);
	assert_int_equal(parse("\r\n" START ALL "\r\n"), SIP_E_NOT_SIP);
	assert_int_equal(parse(""), SIP_E_NOT_SIP);
	assert_int_equal(parse("INVITE sip:b@h SIP/2.0"), SIP_E_NOT_SIP);
}

/* However a name is spelt, the header is found: what is stripped at the edge of a network must
 * not come through (CVE-2020-28361). */
static void test_spellings(void **state)
{
	static const char *const spelling[] = {
		"P-Asserted-Identity: x",
		"P-Asserted-Identity : x",
		"P-Asserted-Identity\t:x",
		"P-Asserted-Identity \t \t :\tx",
		"p-asserted-identity:x",
		"P-ASSERTED-IDENTITY:\r\n x",
		"P-Asserted-Identity  :\r\n\tx",
		"P-ASSERTED-identity:x  \t",
		"P-Asserted-Identity                                     : x",
	};
	struct sip_msg msg;
	char text[512];

	for (uint32_t i = 0; i < sizeof(spelling) / sizeof(spelling[0]); i++) {
		/* Before other lines, and as the last one, where little is left to look ahead
		 * in. */
		snprintf(text, sizeof(text), START "%s\r\n" ALL "%s\r\n\r\n", spelling[i],
			 spelling[i]);
		assert_int_equal(sip_parse(slice_str(text), &msg), SIP_OK);
		assert_slice(sip_first_value(&msg, SIP_H_P_ASSERTED_IDENTITY), "x");
		assert_non_null(sip_next(&msg, sip_first(&msg, SIP_H_P_ASSERTED_IDENTITY)));
	}
}

static void test_limits(void **state)
{
	static char text[40000];
	struct sip_msg msg;
	uint32_t n = 0;

	n = (uint32_t)snprintf(text, sizeof(text), START ALL);
	for (uint32_t i = 5; i < SIP_HEADERS_MAX; i++)
		n += (uint32_t)snprintf(text + n, sizeof(text) - n, "a:b\r\n");
	memcpy(text + n, "\r\n", 3);
	assert_int_equal(parse(text), SIP_OK);
	memcpy(text + n, "a:b\r\n\r\n", 8);
	assert_int_equal(sip_parse(slice_str(text), &msg), SIP_E_HEADER_COUNT);
	assert_true(sip_parse_answerable(&msg));
	while (n + 10 < sizeof(text))
		n += (uint32_t)snprintf(text + n, sizeof(text) - n, "a:b\r\n");
	assert_int_equal(parse(text), SIP_E_HEADER_COUNT);

	n = (uint32_t)snprintf(text, sizeof(text), START ALL "\r\n");
	memset(text + n, 'x', sizeof(text) - n);
	assert_int_equal(sip_parse(slice_of(text, SIP_MESSAGE_MAX), &msg), SIP_OK);
	assert_int_equal(msg.body.len, SIP_MESSAGE_MAX - n);
	assert_int_equal(sip_parse(slice_of(text, SIP_MESSAGE_MAX + 1), &msg), SIP_E_TOO_LARGE);
	assert_true(sip_parse_answerable(&msg));
}

/* Each field at its limit, and one octet longer. */
static void test_long_fields(void **state)
{
	static const struct {
		const char *before, *after;
		uint32_t max;
		enum sip_error over;
	} table[] = {
		{"INVITE sip:b@", " SIP/2.0\r\n" ALL "\r\n", SIP_URI_MAX - 6,
		 SIP_E_URI_TOO_LONG},
		{START VIA FROM TO CSEQ "i:", "\r\n\r\n", SIP_TOKEN_MAX, SIP_E_TOKEN_TOO_LONG},
		{START VIA TO ID CSEQ "f:<sip:a@h>;tag=", "\r\n\r\n", 2 * SIP_TOKEN_MAX,
		 SIP_E_TOKEN_TOO_LONG},
		{START VIA TO ID CSEQ "f:<sip:", ">\r\n\r\n", SIP_URI_MAX - 4, SIP_E_FROM},
		{START VIA FROM TO ID "CSeq: 1 ", "\r\n\r\n", 0, SIP_E_CSEQ_METHOD},
	};
	static char text[SIP_MESSAGE_MAX];

	for (uint32_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		for (uint32_t len = 1; len < 14000; len += len < 1100 ? 1 : 613) {
			uint32_t n = (uint32_t)strlen(table[i].before);
			enum sip_error e;

			memcpy(text, table[i].before, n);
			memset(text + n, 'x', len);
			strcpy(text + n + len, table[i].after);
			e = parse(text);
			if (len <= table[i].max)
				assert_int_equal(e, SIP_OK);
			else
				assert_true(e == table[i].over || e == SIP_E_CSEQ);
		}
	}
}

static void test_answerable(void **state)
{
	struct sip_msg msg;

	assert_int_equal(sip_parse(SLICE("INVITE http:x SIP/2.0\r\n" ALL "\r\n"), &msg),
			 SIP_E_SCHEME);
	assert_true(sip_parse_answerable(&msg));
	assert_int_equal(sip_parse(SLICE("INVITE sip:b@h SIP/9.9\r\n" ALL "\r\n"), &msg),
			 SIP_E_VERSION);
	assert_slice(msg.uri, "sip:b@h");
	assert_true(sip_parse_answerable(&msg));
	assert_int_equal(sip_parse(SLICE(START "garbage\r\n" ALL "\r\n"), &msg), SIP_E_HEADER);
	assert_true(sip_parse_answerable(&msg));
	assert_int_equal(sip_parse(SLICE(START ALL "l: 99\r\n\r\n"), &msg),
			 SIP_E_CONTENT_LENGTH_LARGER);
	assert_true(sip_parse_answerable(&msg));
	assert_int_equal(sip_parse(SLICE("ACK http:x SIP/2.0\r\n" ALL "\r\n"), &msg),
			 SIP_E_SCHEME);
	assert_false(sip_parse_answerable(&msg));
	assert_int_equal(sip_parse(SLICE(START "Via: ;;\r\n" FROM TO ID CSEQ "\r\n"), &msg),
			 SIP_OK);
	assert_false(sip_parse_answerable(&msg));
	sip_parse(SLICE(START VIA FROM TO ID "\r\n"), &msg);
	assert_true(sip_parse_answerable(&msg));
	sip_parse(SLICE("hello"), &msg);
	assert_false(sip_parse_answerable(&msg));
}

static void test_keepalive(void **state)
{
	assert_true(sip_is_keepalive(SLICE("\r\n\r\n")));
	assert_true(sip_is_keepalive(SLICE("")));
	assert_false(sip_is_keepalive(SLICE("\r\n \r\n")));
	assert_false(sip_is_keepalive(slice_of("\0", 1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpus),         cmocka_unit_test(test_request),
		cmocka_unit_test(test_response),       cmocka_unit_test(test_start_line),
		cmocka_unit_test(test_required),       cmocka_unit_test(test_parties),
		cmocka_unit_test(test_content_length), cmocka_unit_test(test_lines),
		cmocka_unit_test(test_spellings),      cmocka_unit_test(test_limits),
		cmocka_unit_test(test_long_fields),    cmocka_unit_test(test_answerable),
		cmocka_unit_test(test_keepalive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
