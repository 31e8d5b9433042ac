/* test_hostile.c - cut and damaged messages between guard pages: nothing outside is read, and
 * what is indexed is sound */
#include "sip/parse.h"
#include "sip/scan.h"
#include "support.h"

/* Looks at the whole of what could be parsed, refused or not. */
static enum sip_error parse_and_look(struct slice text)
{
	struct sip_msg msg;
	enum sip_error e = sip_parse(text, &msg);

	assert_true(e < SIP_E_MAX);
	assert_sound(&msg, text);
	sip_parse_answerable(&msg);
	look_at_everything(&msg);
	return e;
}

static void test_prefixes(void **state)
{
	struct guarded g = guard_new(8192);
	struct corpus c = {0};

	corpus_load(&c, "");
	corpus_load(&c, "torture");
	for (uint32_t i = 0; i < c.n; i++) {
		for (uint32_t len = 0; len <= c.sample[i].text.len; len++) {
			struct slice cut = slice_sub(c.sample[i].text, 0, len);

			assert_int_equal(parse_and_look(guard_at_end(&g, cut)),
					 parse_and_look(guard_at_start(&g, cut)));
		}
	}
	guard_free(&g);
	corpus_free(&c);
}

static void test_suffixes(void **state)
{
	struct guarded g = guard_new(8192);
	struct corpus c = {0};

	corpus_load(&c, "");
	for (uint32_t i = 0; i < c.n; i++)
		for (uint32_t from = 0; from < c.sample[i].text.len; from++)
			parse_and_look(guard_at_start(&g, slice_from(c.sample[i].text, from)));
	guard_free(&g);
	corpus_free(&c);
}

static const char *const seeds[] = {"invite_ims",      "invite_core",  "register", "folded",
				    "message_compact", "register_200", "bye",      "rfc2543"};

enum { SEEDS = sizeof(seeds) / sizeof(seeds[0]) };

static void test_flips(void **state)
{
	static const uint8_t values[] = {0x00, 0x0a, 0x0d, 0xff, ' ', ':',
					 '"',  '<',  ';',  ',',  '\\'};
	struct guarded g = guard_new(8192);
	struct corpus c = {0};

	corpus_load(&c, "");
	for (uint32_t i = 0; i < SEEDS; i++) {
		struct slice text = guard_at_end(&g, corpus_find(&c, seeds[i]));
		uint8_t *p = (uint8_t *)(uintptr_t)text.p;

		for (uint32_t at = 0; at < text.len; at++) {
			uint8_t before = p[at];

			for (uint32_t v = 0; v < sizeof(values); v++) {
				p[at] = values[v];
				parse_and_look(text);
			}
			p[at] = before;
		}
		assert_int_equal(parse_and_look(text), SIP_OK);
	}
	guard_free(&g);
	corpus_free(&c);
}

/* A NUL in a value is an octet like any other: nothing ends there. */
static void test_nul(void **state)
{
	struct sip_msg msg;
	static const char text[] =
		"BYE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: \"\\\0\" <sip:a@h>\r\n"
		"To: <sip:b@h>\r\nCall-ID: x\r\nSubject: a\0b\r\nCSeq: 1 BYE\r\n\r\n\0x";

	assert_int_equal(sip_parse(slice_of(text, sizeof(text) - 1), &msg), SIP_OK);
	assert_int_equal(sip_first_value(&msg, SIP_H_SUBJECT).len, 3);
	assert_int_equal(msg.body.len, 2);
	assert_int_equal(sip_first_value(&msg, SIP_H_FROM).len, 14);
}

/* Several octets at a time, the same whichever variant scans. */
static void test_mutants(void **state)
{
	static const uint8_t likely[] = "\0\r\n \t:;,\"<>\\=@/.%[]*?()-+09azAZ\x7f\x80\xff";
	sip_scan_fn *const widest = sip_scan;
	struct guarded g = guard_new(8192);
	struct corpus c = {0};
	uint64_t seed = 11;

	corpus_load(&c, "");
	for (uint32_t round = 0; round < 60000; round++) {
		struct slice from = c.sample[next_random(&seed) % c.n].text;
		struct slice text = guard_at_end(&g, from);
		uint8_t *p = (uint8_t *)(uintptr_t)text.p;
		enum sip_error e;

		for (uint32_t k = (uint32_t)(next_random(&seed) % 6) + 1; k > 0; k--)
			p[next_random(&seed) % text.len] =
				likely[next_random(&seed) % (sizeof(likely) - 1)];
		e = parse_and_look(text);
		sip_scan = sip_scan_scalar;
		assert_int_equal(parse_and_look(text), e);
		sip_scan = widest;
	}
	guard_free(&g);
	corpus_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefixes), cmocka_unit_test(test_suffixes),
		cmocka_unit_test(test_flips),    cmocka_unit_test(test_nul),
		cmocka_unit_test(test_mutants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
