/* test_wide.c - values walked by bits decode as those walked by octets do, and nothing outside
 * of them is read */
#include "sip/name_addr.h"
#include "sip/number.h"
#include "sip/parse.h"
#include "sip/scan.h"
#include "sip/uri.h"
#include "sip/via.h"
#include "sip/wide.h"
#include "support.h"

static const char *const samples[] = {
	"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK77ef4c2312983.1;rport",
	"SIP/2.0/UDP "
	"pcscf1.home1.example;branch=z9hG4bK1;received=192.0.2.4;rport=40000;x;yy=z",
	"SIP/2.0/UDP h:1;ttl=1;maddr=224.0.1.75;Branch=z9hG4bKa",
	"SIP/2.0/UDP "
	"scscf1.home1.example:65535;branch=z9hG4bK332b23.1332b23.1332b23.1332b23.1332b2"
	"3.1;x=1",
	"SIP/2.0/UDP h:5060",
	"SIP/2.0/TCP [2001:db8::1]:5060;branch=z9hG4bKa, SIP/2.0/UDP h",
	"<sip:alice@home1.example>;tag=171828",
	"\"Alice A.\" <sip:alice@home1.example;user=phone>;tag=17;x=y=z;lr",
	"\"A\"<tel:+15550100002>",
	"<sip:scscf1.home1.example;lr>,<sip:pcscf1.home1.example;lr>",
	"<sip:d0123456789abcdef0123456789abcdef0123456789abcdef@192.0.2.1:5060;lr>;a=b,<sip:b@"
	"h>",
	"sip:bob@home.example",
	"Alice <sip:alice@home1.example>;q=0.5",
	"sip:+15550100002@192.0.2.1:5060;user=phone",
	"SIP:home1.example:5060;lr",
	"sip:bob@h:1",
	"sip:bob:secret@home.example?subject=x",
	"sip:scscf1.home1.example.with.a.name.that.is.so.long.that.it.takes.more.than.one.block"
	":5060;lr",
};

enum { SAMPLES = sizeof(samples) / sizeof(samples[0]) };

static void assert_same(struct slice a, struct slice b)
{
	assert_int_equal(a.len, b.len);
	if (a.len)
		assert_ptr_equal(a.p, b.p);
	assert_int_equal(a.p == NULL, b.p == NULL);
}

static bool via_both(struct slice s)
{
	struct sip_via a, b;
	struct slice rest_a, rest_b;
	enum sip_error e;

	sip_wide = false;
	e = sip_via_decode(s, &a, &rest_a);
	sip_wide = true;
	assert_int_equal(sip_via_decode(s, &b, &rest_b), e);
	if (e != SIP_OK)
		return false;
	assert_same(a.whole, b.whole);
	assert_same(a.transport, b.transport);
	assert_same(a.host, b.host);
	assert_int_equal(a.port, b.port);
	assert_same(a.branch, b.branch);
	assert_same(a.received, b.received);
	assert_same(a.params, b.params);
	assert_int_equal(a.rport, b.rport);
	assert_int_equal(a.rport_value, b.rport_value);
	assert_int_equal(a.has_ttl_or_maddr, b.has_ttl_or_maddr);
	assert_same(a.maddr, b.maddr);
	assert_same(a.source, b.source);
	assert_same(rest_a, rest_b);
	return true;
}

static bool name_addr_both(struct slice s)
{
	struct sip_name_addr a, b;
	struct slice rest_a, rest_b, tag;
	enum sip_error e;

	sip_wide = false;
	e = sip_name_addr_decode(s, SIP_E_ROUTE, &a, &rest_a);
	sip_wide = true;
	assert_int_equal(sip_name_addr_decode(s, SIP_E_ROUTE, &b, &rest_b), e);
	if (e != SIP_OK)
		return false;
	assert_same(a.whole, b.whole);
	assert_int_equal(a.display.len, b.display.len);
	assert_same(a.uri, b.uri);
	assert_same(a.params, b.params);
	assert_int_equal(a.star, b.star);
	assert_same(rest_a, rest_b);
	if (sip_only_tag(a.params, &tag) && a.params.len) {
		struct slice found;

		assert_true(sip_param(a.params, SLICE("tag"), &found));
		assert_same(tag, found);
	}
	return true;
}

static bool uri_both(struct slice s)
{
	struct sip_uri a, b;
	enum sip_error e;

	sip_wide = false;
	e = sip_uri_decode(s, &a);
	sip_wide = true;
	assert_int_equal(sip_uri_decode(s, &b), e);
	if (e != SIP_OK)
		return false;
	assert_int_equal(a.scheme, b.scheme);
	assert_same(a.whole, b.whole);
	assert_same(a.user, b.user);
	assert_same(a.password, b.password);
	assert_same(a.host, b.host);
	assert_int_equal(a.port, b.port);
	assert_same(a.params, b.params);
	assert_same(a.headers, b.headers);
	return true;
}

/* How many ways decode it. */
static uint32_t all_both(struct slice s)
{
	return via_both(s) + name_addr_both(s) + uri_both(s);
}

/* Every beginning of every sample, before and behind a page that may not be touched. */
static void test_prefixes(void **state)
{
	struct guarded g = guard_new(256);
	bool has = sip_wide;

	for (uint32_t i = 0; has && i < SAMPLES; i++) {
		struct slice s = slice_str(samples[i]);

		assert_true(all_both(s) > 0);
		for (uint32_t len = 0; len <= s.len; len++) {
			all_both(guard_at_end(&g, slice_sub(s, 0, len)));
			all_both(guard_at_start(&g, slice_sub(s, 0, len)));
		}
	}
	guard_free(&g);
}

static void test_mutants(void **state)
{
	static const uint8_t likely[] = ";=:,@<>\"?/ \t\\[]%-.19aZ*\0\r\n\x7f\x80\xff";
	struct guarded g = guard_new(256);
	bool has = sip_wide;
	uint64_t seed = 7;

	for (uint32_t round = 0; has && round < 300000; round++) {
		struct slice s = slice_str(samples[next_random(&seed) % SAMPLES]);
		struct slice text = guard_at_end(&g, s);
		uint8_t *p = (uint8_t *)(uintptr_t)text.p;

		for (uint32_t k = (uint32_t)(next_random(&seed) % 3) + 1; k > 0; k--)
			p[next_random(&seed) % text.len] =
				likely[next_random(&seed) % (sizeof(likely) - 1)];
		all_both(text);
	}
	guard_free(&g);
}

/* Around the lengths at which another way is taken. */
static void test_lengths(void **state)
{
	struct guarded g = guard_new(512);
	bool has = sip_wide;
	uint8_t memory[512];

	for (uint32_t n = 1; has && n < 200; n++) {
		static const char *const ends[] = {"", ":5060", ";rport", "@h", ">", ">;tag=1"};

		for (uint32_t k = 0; k < 18; k++) {
			static const char *const starts[] = {"SIP/2.0/UDP ", "sip:", "<sip:"};
			struct text t = text_in(memory, sizeof(memory));

			text_str(&t, starts[k % 3]);
			for (uint32_t i = 0; i < n; i++)
				text_char(&t, 'a');
			text_str(&t, ends[k / 3]);
			all_both(guard_at_end(&g, text_slice(&t)));
		}
	}
	guard_free(&g);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint32_t value, digits;
	} list[] = {
		{"5060;abc", 5060, 4},
		{"1 INVITE", 1, 1},
		{"0000007x", 7, 7},
		{"9999999:", 9999999, 7},
		{"12345678", 0, 0},
		{";1234567", 0, 0},
		{"65535\xff"
		 "12",
		 65535, 5},
		{"12/45678", 12, 2},
		{"12:45678", 12, 2},
		{"3\x00\x00\x00\x00\x00\x00\x00", 3, 1},
	};

	for (uint32_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		uint32_t digits;
		uint64_t text;

		memcpy(&text, list[i].text, sizeof(text));
		assert_int_equal(sip_number8(text, &digits), list[i].value);
		assert_int_equal(digits, list[i].digits);
	}
}

/* Whole messages, spelt as usual and not: the index is the same whichever way it is made. */
static void test_index(void **state)
{
	static const uint8_t likely[] = ":: \t\r\nvVtx-";
	sip_scan_fn *const widest = sip_scan;
	struct corpus c = {0};
	uint64_t seed = 5;

	corpus_load(&c, "");
	for (uint32_t round = 0; round < 40000; round++) {
		struct slice from = c.sample[round % c.n].text;
		static struct sip_msg a, b;
		uint8_t p[8192];
		enum sip_error e;

		assert_true(from.len <= sizeof(p));
		memcpy(p, from.p, from.len);
		for (uint64_t k = next_random(&seed) % 3; k > 0; k--)
			p[next_random(&seed) % from.len] =
				likely[next_random(&seed) % (sizeof(likely) - 1)];
		e = sip_parse(slice_of(p, from.len), &a);
		sip_scan = sip_scan_scalar;
		assert_int_equal(sip_parse(slice_of(p, from.len), &b), e);
		sip_scan = widest;
		assert_int_equal(a.n_headers, b.n_headers);
		assert_memory_equal(a.first, b.first, sizeof(a.first));
		assert_memory_equal(a.header, b.header, a.n_headers * sizeof(a.header[0]));
		assert_same(a.from_tag, b.from_tag);
		assert_same(a.to_tag, b.to_tag);
	}
	corpus_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefixes), cmocka_unit_test(test_mutants),
		cmocka_unit_test(test_lengths),  cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
