/* test_field.c - small header fields */
#include "sip/field.h"
#include "sip/parse.h"
#include "support.h"

static void test_cseq(void **state)
{
	uint32_t n;
	struct slice m;

	assert_int_equal(sip_cseq_decode(SLICE("0009\r\n  INVITE"), &n, &m), SIP_OK);
	assert_int_equal(n, 9);
	assert_slice(m, "INVITE");
	assert_int_equal(sip_cseq_decode(SLICE("2147483647 A"), &n, &m), SIP_OK);
	assert_int_equal(n, 2147483647);
	assert_int_equal(sip_cseq_decode(SLICE("2147483648 A"), &n, &m), SIP_E_CSEQ);
	assert_int_equal(sip_cseq_decode(SLICE("99999999999999999999999 A"), &n, &m),
			 SIP_E_CSEQ);
	assert_int_equal(sip_cseq_decode(SLICE("1"), &n, &m), SIP_E_CSEQ);
	assert_int_equal(sip_cseq_decode(SLICE("1A"), &n, &m), SIP_E_CSEQ);
	assert_int_equal(sip_cseq_decode(SLICE("A"), &n, &m), SIP_E_CSEQ);
	assert_int_equal(sip_cseq_decode(SLICE("1 A B"), &n, &m), SIP_E_CSEQ);
	assert_int_equal(sip_cseq_decode(SLICE("-1 A"), &n, &m), SIP_E_CSEQ);
	assert_int_equal(sip_cseq_decode(SLICE_EMPTY, &n, &m), SIP_E_CSEQ);
}

static void test_numbers(void **state)
{
	uint8_t hops;
	uint32_t s;

	assert_int_equal(sip_max_forwards_decode(SLICE("0068"), &hops), SIP_OK);
	assert_int_equal(hops, 68);
	assert_int_equal(sip_max_forwards_decode(SLICE("300"), &hops), SIP_OK);
	assert_int_equal(hops, 255);
	assert_int_equal(sip_max_forwards_decode(SLICE("99999999999999999999999999"), &hops),
			 SIP_OK);
	assert_int_equal(hops, 255);
	assert_int_equal(sip_max_forwards_decode(SLICE("0"), &hops), SIP_OK);
	assert_int_equal(hops, 0);
	assert_int_equal(sip_max_forwards_decode(SLICE("-1"), &hops), SIP_E_MAX_FORWARDS);
	assert_int_equal(sip_max_forwards_decode(SLICE("7x"), &hops), SIP_E_MAX_FORWARDS);
	assert_int_equal(sip_max_forwards_decode(SLICE(""), &hops), SIP_E_MAX_FORWARDS);
	assert_true(sip_delta_seconds(SLICE("600000"), &s));
	assert_int_equal(s, 600000);
	assert_true(sip_delta_seconds(SLICE("1000000000000000000000000"), &s));
	assert_int_equal(s, UINT32_MAX);
	assert_true(sip_delta_seconds(SLICE("1800 ;refresher=uac"), &s));
	assert_int_equal(s, 1800);
	assert_true(sip_delta_seconds(SLICE("120 (in a meeting)"), &s));
	assert_int_equal(s, 120);
	assert_false(sip_delta_seconds(SLICE("Thu, 01 Dec 1994"), &s));
	assert_false(sip_delta_seconds(SLICE("1 2"), &s));
	assert_false(sip_delta_seconds(SLICE(""), &s));
}

static void test_q(void **state)
{
	static const struct {
		const char *params;
		uint16_t want;
	} table[] = {
		{";q=0.5", 500}, {";x;Q = 0.123", 123}, {";q=1", 1000},  {";q=1.000", 1000},
		{";q=0", 0},     {";q=0.", 0},          {"", 1000},      {";q=1.5", 1000},
		{";q=2", 1000},  {";q=0.1234", 1000},   {";q=.5", 1000}, {";q=0.x", 1000},
		{";q", 1000},    {";q=01", 1000},
	};

	for (uint32_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(sip_qvalue(slice_str(table[i].params)), table[i].want);
}

static void test_tokens(void **state)
{
	struct sip_msg msg;
	struct slice rest = SLICE(" a ,, b\r\n ,c,"), token;
	char seen[8] = "";
	uint32_t n = 0;

	while (sip_next_token(&rest, &token))
		seen[n++] = (char)token.p[0];
	assert_string_equal(seen, "abc");
	sip_parse(SLICE("OPTIONS sip:h SIP/2.0\r\nSupported: path, gruu\r\nk: 100rel\r\n\r\n"),
		  &msg);
	assert_true(sip_has_token(&msg, SIP_H_SUPPORTED, SLICE("GRUU")));
	assert_true(sip_has_token(&msg, SIP_H_SUPPORTED, SLICE("100rel")));
	assert_false(sip_has_token(&msg, SIP_H_SUPPORTED, SLICE("100")));
	assert_false(sip_has_token(&msg, SIP_H_REQUIRE, SLICE("path")));
}

static void test_auth(void **state)
{
	struct slice scheme, rest, name, value;

	assert_true(sip_auth_scheme(SLICE("Digest  username=\"a,\\\"b\", nc = 00000001 ,,\r\n "
					  "uri=\"sip:h\",empty=\"\""),
				    &scheme, &rest));
	assert_slice(scheme, "Digest");
	assert_true(sip_auth_param(&rest, &name, &value));
	assert_slice(name, "username");
	assert_slice(value, "a,\\\"b");
	assert_true(sip_auth_param(&rest, &name, &value));
	assert_slice(name, "nc");
	assert_slice(value, "00000001");
	assert_true(sip_auth_param(&rest, &name, &value));
	assert_slice(value, "sip:h");
	assert_true(sip_auth_param(&rest, &name, &value));
	assert_slice(name, "empty");
	assert_int_equal(value.len, 0);
	assert_false(sip_auth_param(&rest, &name, &value));
	rest = SLICE("realm=\"open");
	assert_false(sip_auth_param(&rest, &name, &value));
	rest = SLICE("realm");
	assert_false(sip_auth_param(&rest, &name, &value));
	rest = SLICE("a=\"b\"c=d");
	assert_false(sip_auth_param(&rest, &name, &value));
	assert_false(sip_auth_scheme(SLICE(""), &scheme, &rest));
	assert_false(sip_auth_scheme(SLICE("=x"), &scheme, &rest));
	assert_true(sip_auth_scheme(SLICE("Basic"), &scheme, &rest));
	assert_int_equal(rest.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cseq), cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_q),    cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_auth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
