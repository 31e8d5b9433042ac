/* test_uri.c - URIs, their parameters, and identities */
#include "sip/uri.h"
#include "support.h"

static void test_parts(void **state)
{
	struct sip_uri u;
	struct slice value;

	assert_int_equal(
		sip_uri_decode(SLICE("sip:al%69ce;x=1:pw@[2001:db8::1]:5070;lr;Transport=UDP"
				     ";maddr=h?Subject=a&b=c"),
			       &u),
		SIP_OK);
	assert_int_equal(u.scheme, SIP_SCHEME_SIP);
	assert_slice(u.user, "al%69ce;x=1");
	assert_slice(u.password, "pw");
	assert_slice(u.host, "[2001:db8::1]");
	assert_int_equal(u.port, 5070);
	assert_slice(u.params, ";lr;Transport=UDP;maddr=h");
	assert_slice(u.headers, "Subject=a&b=c");
	assert_true(sip_param(u.params, SLICE("lr"), &value));
	assert_int_equal(value.len, 0);
	assert_true(sip_param(u.params, SLICE("transport"), &value));
	assert_slice(value, "UDP");
	assert_false(sip_param(u.params, SLICE("l"), &value));
	assert_int_equal(sip_uri_decode(SLICE("tel:+1-555;phone-context=h"), &u), SIP_OK);
	assert_int_equal(u.scheme, SIP_SCHEME_TEL);
	assert_slice(u.user, "+1-555");
	assert_slice(u.params, ";phone-context=h");
	assert_int_equal(u.host.len, 0);
	assert_int_equal(sip_uri_decode(SLICE("URN:service:sos"), &u), SIP_OK);
	assert_int_equal(u.scheme, SIP_SCHEME_URN);
	assert_slice(u.user, "service:sos");
	assert_int_equal(sip_uri_decode(SLICE("http://h/"), &u), SIP_OK);
	assert_int_equal(u.scheme, SIP_SCHEME_OTHER);
	assert_slice(u.user, "//h/");
	assert_int_equal(sip_uri_decode(SLICE("sip:h"), &u), SIP_OK);
	assert_int_equal(u.user.len, 0);
	assert_slice(u.host, "h");
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		":",
		"sip",
		"sip:",
		"sip:@h",
		"sip:a@",
		"sip:a@b@c",
		"sip:h:",
		"sip:h:0",
		"sip:h:65536",
		"sip:h:1x",
		"sip:h h",
		"sip:a b@h",
		"sip:%4@h",
		"sip:%zz@h",
		"sip:<a>@h",
		"sip:a@[::1",
		"sip:a@[::g]",
		"sip:a@h\\",
		"s ip:a@h",
		"1sip:a@h",
		"tel:",
		"tel:;x=y",
		"tel:+1 5",
		"tel:abcxyz",
		"sip:a@h;x y",
		"sip:a@h\"",
		"sip:\xc3@h",
		"sip:a@h/path",
		"urn:a b",
	};
	struct sip_uri u;

	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (sip_uri_decode(slice_str(bad[i]), &u) != SIP_E_URI)
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(sip_uri_decode(slice_of("sip:a\0b@h", 9), &u), SIP_E_URI);
}

static void test_params(void **state)
{
	struct slice v;
	struct slice params = SLICE(" ; a = \"x;b=\\\"1\" ;B=2;c;\tD\r\n =[::1];e");

	assert_true(sip_param(params, SLICE("A"), &v));
	assert_slice(v, "\"x;b=\\\"1\"");
	assert_true(sip_param(params, SLICE("b"), &v));
	assert_slice(v, "2");
	assert_true(sip_param(params, SLICE("c"), &v));
	assert_null(v.p);
	assert_true(sip_param(params, SLICE("d"), &v));
	assert_slice(v, "[::1]");
	assert_true(sip_param(params, SLICE("e"), &v));
	assert_false(sip_param(params, SLICE("f"), &v));
	assert_false(sip_param(SLICE_EMPTY, SLICE("f"), &v));
	/* What is malformed ends the search, whatever follows. */
	assert_false(sip_param(SLICE(";x=;f=1"), SLICE("f"), &v));
	assert_false(sip_param(SLICE(";;f=1"), SLICE("f"), &v));
	assert_false(sip_param(SLICE(";x=\"a\\"), SLICE("x"), &v));
	assert_false(sip_param(SLICE(";x=\"a;f=1"), SLICE("f"), &v));
}

static void test_identity(void **state)
{
	static const struct {
		const char *uri;
		const char *want; /* NULL: none */
	} table[] = {
		{"sip:alice@Home.EXAMPLE", "sip:alice@home.example"},
		{"SIPS:Alice@home.example", "sip:Alice@home.example"},
		{"sip:alice:secret@home.example;lr?x=y", "sip:alice@home.example"},
		{"sip:%61l%69ce%2d@home.example", "sip:alice-@home.example"},
		{"sip:a%40b%2fc@home.example", "sip:a%40b%2Fc@home.example"},
		{"sip:a%00@home.example", "sip:a%00@home.example"},
		{"sip:alice@home.example:5060", "sip:alice@home.example:5060"},
		{"sip:alice@[2001:DB8::1]", "sip:alice@[2001:db8::1]"},
		{"sip:+1-555@home.example;user=phone", "tel:+1555"},
		{"sip:+1(555)0.1;isub=2@home.example;User=Phone", "tel:+155501"},
		{"sip:+1555@home.example", "sip:+1555@home.example"},
		{"sip:5551@home.example;user=phone", "sip:5551@home.example"},
		{"sip:+a@home.example;user=phone", "sip:+a@home.example"},
		{"tel:+1-555.01;ext=3", "tel:+155501"},
		{"TEL:+15", "tel:+15"},
		{"tel:7042;phone-context=home.example", NULL},
		{"tel:+", NULL},
		{"sip:home.example", NULL},
		{"urn:service:sos", NULL},
		{"http://h/", NULL},
	};
	uint8_t memory[IMPU_MAX + 64];

	for (uint32_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct text out = text_in(memory, sizeof(memory));
		struct sip_uri u;

		text_lit(&out, "=");
		assert_int_equal(sip_uri_decode(slice_str(table[i].uri), &u), SIP_OK);
		assert_int_equal(sip_uri_identity(&u, &out), table[i].want != NULL);
		assert_false(out.overflow);
		if (table[i].want == NULL)
			assert_int_equal(out.len, 1);
		else if (!slice_eq(text_since(&out, 1), slice_str(table[i].want)))
			fail_msg("%s: %.*s", table[i].uri, SLICE_ARG(text_since(&out, 1)));
	}
}

/* A canonical identity is its own canonical form. */
static void test_identity_fixed_point(void **state)
{
	static const char letters[] = "sip:tel+1a%4A2f@h.x;=-_";
	uint64_t seed = 7;
	uint32_t found = 0;

	for (uint32_t round = 0; round < 200000; round++) {
		uint8_t first[IMPU_MAX], second[IMPU_MAX], uri[40];
		struct text a = text_in(first, sizeof(first)),
			    b = text_in(second, sizeof(second));
		uint32_t n = 4 + (uint32_t)(next_random(&seed) % 30);
		struct sip_uri u;

		for (uint32_t i = 0; i < n; i++)
			uri[i] = (uint8_t)letters[next_random(&seed) % (sizeof(letters) - 1)];
		memcpy(uri, round % 2 ? "sip:" : "tel:", 4);
		if (n > 12 && round % 2)
			memcpy(uri + n - 4, "@H.x", 4);
		if (sip_uri_decode(slice_of(uri, n), &u) != SIP_OK || !sip_uri_identity(&u, &a))
			continue;
		found++;
		assert_int_equal(sip_uri_decode(text_slice(&a), &u), SIP_OK);
		assert_true(sip_uri_identity(&u, &b));
		assert_true(slice_eq(text_slice(&a), text_slice(&b)));
	}
	assert_true(found > 100);
}

static void test_identity_fits(void **state)
{
	char uri[400] = "sip:";
	uint8_t memory[400];
	struct text out;
	struct sip_uri u;

	for (uint32_t n = 1; n < 380; n++) {
		memset(uri + 4, 'u', n);
		memcpy(uri + 4 + n, "@h", 3);
		assert_int_equal(sip_uri_decode(slice_str(uri), &u), SIP_OK);
		out = text_in(memory, sizeof(memory));
		assert_int_equal(sip_uri_identity(&u, &out), n + 6 <= IMPU_MAX);
		out = text_in(memory, n + 5);
		assert_false(sip_uri_identity(&u, &out));
		assert_int_equal(out.len, 0);
		assert_false(out.overflow);
	}
}

static void test_addr(void **state)
{
	struct sip_uri u;
	struct addr a;

	sip_uri_decode(SLICE("sip:a@192.0.2.1"), &u);
	assert_true(sip_uri_addr(&u, 5064, &a));
	assert_int_equal(a.port, 5064);
	assert_int_equal(a.family, 4);
	sip_uri_decode(SLICE("sip:a@[2001:db8::1]:9"), &u);
	assert_true(sip_uri_addr(&u, 5064, &a));
	assert_int_equal(a.port, 9);
	assert_int_equal(a.family, 6);
	sip_uri_decode(SLICE("sip:a@host"), &u);
	assert_false(sip_uri_addr(&u, 5064, &a));
	sip_uri_decode(SLICE("tel:+1"), &u);
	assert_false(sip_uri_addr(&u, 5064, &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_identity_fixed_point),
		cmocka_unit_test(test_identity_fits),
		cmocka_unit_test(test_addr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
