/* test_via.c - Via */
#include "sip/parse.h"
#include "sip/via.h"
#include "support.h"

static void test_full(void **state)
{
	struct sip_via v;
	struct slice rest;

	assert_int_equal(
		sip_via_decode(SLICE("SIP/2.0/UDP host.example:5070;branch=z9hG4bK1;rport"
				     ";received=192.0.2.7;maddr=224.2.0.1;ttl=16;x=\"a,b\""
				     ", SIP/2.0/TCP b"),
			       &v, &rest),
		SIP_OK);
	assert_slice(v.transport, "UDP");
	assert_slice(v.host, "host.example");
	assert_int_equal(v.port, 5070);
	assert_slice(v.branch, "z9hG4bK1");
	assert_slice(v.received, "192.0.2.7");
	assert_slice(v.maddr, "224.2.0.1");
	assert_true(v.has_ttl_or_maddr);
	assert_true(v.rport);
	assert_int_equal(v.rport_value, 0);
	assert_int_equal(v.params.p[0], ';');
	assert_int_equal(v.whole.p[v.whole.len - 1], '"');
	assert_slice(rest, "SIP/2.0/TCP b");
	assert_int_equal(sip_via_decode(rest, &v, &rest), SIP_OK);
	assert_slice(v.whole, "SIP/2.0/TCP b");
	assert_int_equal(rest.len, 0);
	assert_int_equal(v.params.len, 0);
	assert_int_equal(v.port, 0);
	assert_false(v.rport);
}

static void test_spaces(void **state)
{
	struct sip_via v;
	struct slice rest;

	assert_int_equal(
		sip_via_decode(SLICE("\r\n sip  /\t2.0 /\r\n UDP\t [2001:db8::1]\r\n : 5061 ; "
				     "Branch = z9 ;\r\n RPORT = 7 , x"),
			       &v, &rest),
		SIP_OK);
	assert_slice(v.transport, "UDP");
	assert_slice(v.host, "[2001:db8::1]");
	assert_int_equal(v.port, 5061);
	assert_slice(v.branch, "z9");
	assert_int_equal(v.rport_value, 7);
	assert_slice(rest, "x");
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"SIP/2.0/UDP",
		"SIP/2.0/UDP ",
		"SIP/2.0/UDP;branch=1",
		"SIP/2.0/ h",
		"SIP/3.0/UDP h",
		"HTTP/2.0/UDP h",
		"SIP2.0/UDP h",
		"SIP/2.0 UDP h",
		"SIP/2.0/UDP h;",
		"SIP/2.0/UDP h;;branch=1",
		"SIP/2.0/UDP h;branch",
		"SIP/2.0/UDP h;branch=",
		"SIP/2.0/UDP h;branch=\"q\"",
		"SIP/2.0/UDP h;branch=1;branch=2",
		"SIP/2.0/UDP h;received=1.1.1.1;received=2.2.2.2",
		"SIP/2.0/UDP h;received",
		"SIP/2.0/UDP h;rport;rport",
		"SIP/2.0/UDP h;rport=0",
		"SIP/2.0/UDP h;rport=65536",
		"SIP/2.0/UDP h;rport=x",
		"SIP/2.0/UDP h;maddr",
		"SIP/2.0/UDP h;x=\"open",
		"SIP/2.0/UDP h:",
		"SIP/2.0/UDP h:0",
		"SIP/2.0/UDP h:65536",
		"SIP/2.0/UDP h:1x",
		"SIP/2.0/UDP [2001:db8::1",
		"SIP/2.0/UDP []",
		"SIP/2.0/UDP h h",
		"SIP/2.0/UDP h,",
		"SIP/2.0/UDP h, ",
		"SIP/2.0/UDP <h>",
		"SIP/2.0/UDP h (comment)",
	};
	struct sip_via v;
	struct slice rest;

	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (sip_via_decode(slice_str(bad[i]), &v, &rest) != SIP_E_VIA)
			fail_msg("taken: %s", bad[i]);
}

static void test_long_branch(void **state)
{
	char text[400] = "SIP/2.0/UDP h;branch=";
	uint32_t n = (uint32_t)strlen(text);
	struct sip_via v;
	struct slice rest;

	memset(text + n, 'b', 300);
	assert_int_equal(sip_via_decode(slice_of(text, n + SIP_TOKEN_MAX), &v, &rest), SIP_OK);
	assert_int_equal(sip_via_decode(slice_of(text, n + SIP_TOKEN_MAX + 1), &v, &rest),
			 SIP_E_TOKEN_TOO_LONG);
}

static void test_second(void **state)
{
	struct sip_msg msg;
	struct sip_via v;

	sip_parse(SLICE("OPTIONS sip:h SIP/2.0\r\nv: SIP/2.0/UDP a , SIP/2.0/UDP b\r\nv: "
			"SIP/2.0/UDP "
			"c\r\n\r\n"),
		  &msg);
	assert_int_equal(sip_via_top(&msg, &v), SIP_OK);
	assert_slice(v.host, "a");
	assert_int_equal(sip_via_second(&msg, &v), SIP_OK);
	assert_slice(v.host, "b");
	sip_parse(SLICE("OPTIONS sip:h SIP/2.0\r\nv: SIP/2.0/UDP a\r\nx:y\r\nVia : SIP/2.0/UDP "
			"c\r\n\r\n"),
		  &msg);
	assert_int_equal(sip_via_second(&msg, &v), SIP_OK);
	assert_slice(v.host, "c");
	sip_parse(SLICE("OPTIONS sip:h SIP/2.0\r\nv: SIP/2.0/UDP a\r\n\r\n"), &msg);
	assert_int_equal(sip_via_second(&msg, &v), SIP_E_VIA_MISSING);
	sip_parse(SLICE("OPTIONS sip:h SIP/2.0\r\n\r\n"), &msg);
	assert_int_equal(sip_via_top(&msg, &v), SIP_E_VIA_MISSING);
	assert_int_equal(sip_via_second(&msg, &v), SIP_E_VIA_MISSING);
}

static void test_destination(void **state)
{
	static const struct {
		const char *via;
		const char *to; /* NULL: nowhere */
	} table[] = {
		{"SIP/2.0/UDP 192.0.2.1", "192.0.2.1:5060"},
		{"SIP/2.0/UDP 192.0.2.1:5070", "192.0.2.1:5070"},
		{"SIP/2.0/UDP 192.0.2.1:5070;received=192.0.2.9", "192.0.2.9:5070"},
		{"SIP/2.0/UDP h:5070;received=192.0.2.9;rport=6000", "192.0.2.9:6000"},
		{"SIP/2.0/UDP 192.0.2.1:5070;rport=6000", "192.0.2.1:6000"},
		{"SIP/2.0/UDP h;received=2001:db8::1", "[2001:db8::1]:5060"},
		{"SIP/2.0/UDP [2001:db8::2]:99", "[2001:db8::2]:99"},
		{"SIP/2.0/UDP h", NULL},
		{"SIP/2.0/UDP 192.0.2.1;received=h", NULL},
	};
	struct addr want, got;
	struct sip_via v;
	struct slice rest;

	for (uint32_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(sip_via_decode(slice_str(table[i].via), &v, &rest), SIP_OK);
		assert_int_equal(sip_via_destination(&v, &got), table[i].to != NULL);
		if (table[i].to == NULL)
			continue;
		assert_true(addr_parse(slice_str(table[i].to), 0, &want));
		assert_true(addr_eq(&got, &want));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),    cmocka_unit_test(test_spaces),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_long_branch),
		cmocka_unit_test(test_second),  cmocka_unit_test(test_destination),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
