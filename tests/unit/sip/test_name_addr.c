/* test_name_addr.c - name-addr and lists of them */
#include "sip/name_addr.h"
#include "sip/parse.h"
#include "support.h"

static void test_forms(void **state)
{
	struct sip_name_addr a;
	struct slice rest;

	assert_int_equal(sip_name_addr_decode(
				 SLICE(" \"A, \\\"B\\\" <x>\"\r\n <sip:a@h;lr?x=y> ; q=0.5 ;"
				       "x=\"1,2\" , <sip:b@h>"),
				 SIP_E_CONTACT, &a, &rest),
			 SIP_OK);
	assert_slice(a.display, "\"A, \\\"B\\\" <x>\"");
	assert_slice(a.uri, "sip:a@h;lr?x=y");
	assert_slice(a.params, "; q=0.5 ;x=\"1,2\"");
	assert_int_equal(a.whole.p[0], '"');
	assert_int_equal(a.whole.p[a.whole.len - 1], '"');
	assert_slice(rest, "<sip:b@h>");
	assert_int_equal(
		sip_name_addr_decode(SLICE("A  B.c~<tel:+1>"), SIP_E_CONTACT, &a, &rest),
		SIP_OK);
	assert_slice(a.display, "A  B.c~");
	assert_slice(a.uri, "tel:+1");
	assert_int_equal(rest.len, 0);
	/* Without brackets, parameters are the header field's (RFC 3261 §20). */
	assert_int_equal(sip_name_addr_decode(SLICE("sip:a@h;tag=1"), SIP_E_TO, &a, &rest),
			 SIP_OK);
	assert_slice(a.uri, "sip:a@h");
	assert_slice(a.params, ";tag=1");
	assert_int_equal(a.display.len, 0);
	assert_int_equal(sip_name_addr_decode(SLICE("sip:a@h,sip:b@h"), SIP_E_TO, &a, &rest),
			 SIP_OK);
	assert_slice(a.whole, "sip:a@h");
	assert_slice(rest, "sip:b@h");
	assert_int_equal(sip_name_addr_decode(SLICE(" * "), SIP_E_CONTACT, &a, &rest), SIP_OK);
	assert_true(a.star);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		",",
		"a@h",
		"<sip:a@h",
		"sip:a@h>",
		"<<sip:a@h>>",
		"<sip:a@h> x",
		"x sip:a@h",
		"a,b <sip:a@h>",
		"\"a\" x <sip:a@h>",
		"\"a\"",
		"\"a <sip:a@h>",
		"<sip:a b@h>",
		"<sip:a@h>;",
		"<sip:a@h>;;x",
		"<sip:a@h>,",
		"<sip:a@h>;x=",
		"<sip:a@h>;x=\"",
		"sip:a@h?x=y",
		"*;q=1",
		"* , <sip:a@h>",
		"<sip:>",
		"<:x>",
		"<\"sip:a@h\">",
		"<sip:a\r\n @h>",
	};
	struct sip_name_addr a;
	struct slice rest;

	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (sip_name_addr_decode(slice_str(bad[i]), SIP_E_CONTACT, &a, &rest) !=
		    SIP_E_CONTACT)
			fail_msg("taken: %s", bad[i]);
}

static void test_tag(void **state)
{
	assert_slice(sip_tag(SLICE("<sip:a@h;tag=u>;x;TAG = t1")), "t1");
	assert_slice(sip_tag(SLICE("\";tag=q\" <sip:a@h>;tag=t2;y")), "t2");
	assert_int_equal(sip_tag(SLICE("<sip:a@h;tag=u>")).len, 0);
	assert_int_equal(sip_tag(SLICE("garbage;tag=u")).len, 0);
}

static void test_walk(void **state)
{
	struct sip_name_addr_walk w;
	struct sip_name_addr a;
	struct sip_msg msg;
	char seen[8] = "";
	uint32_t n = 0;

	sip_parse(SLICE("OPTIONS sip:h SIP/2.0\r\nRoute: <sip:a>, <sip:b;lr>;x\r\nx: y\r\n"
			"route : <sip:c>\r\n\r\n"),
		  &msg);
	sip_walk(&w, &msg, SIP_H_ROUTE, SIP_E_ROUTE);
	while (sip_walk_next(&w, &a))
		seen[n++] = (char)a.uri.p[4];
	assert_string_equal(seen, "abc");
	assert_int_equal(w.error, SIP_OK);
	assert_false(sip_walk_next(&w, &a));
	sip_parse(SLICE("OPTIONS sip:h SIP/2.0\r\nRoute: <sip:a>\r\nRoute: bad\r\nRoute: "
			"<sip:c>\r\n\r\n"),
		  &msg);
	sip_walk(&w, &msg, SIP_H_ROUTE, SIP_E_ROUTE);
	assert_true(sip_walk_next(&w, &a));
	assert_false(sip_walk_next(&w, &a));
	assert_int_equal(w.error, SIP_E_ROUTE);
	assert_false(sip_walk_next(&w, &a));
	sip_walk(&w, &msg, SIP_H_CONTACT, SIP_E_CONTACT);
	assert_false(sip_walk_next(&w, &a));
	assert_int_equal(w.error, SIP_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_tag),
		cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
