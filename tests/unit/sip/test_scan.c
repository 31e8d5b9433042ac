/* test_scan.c - every variant of the scan finds what the scalar one finds */
#include <stdlib.h>

#include "sip/scan.h"
#include "support.h"

static const char *const variants[] = {"scalar", "sse42", "avx2", "avx512", "vbmi2"};

enum { VARIANTS = 5 };

/* What `plain` promises. */
static void assert_plain(struct slice text, const struct sip_scan *s)
{
	assert_true(s->complete && !s->bare_cr && s->n >= 2 && s->n <= SIP_HEADERS_MAX + 2);
	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t lf = s->lf[i];

		assert_true(lf >= 1 && text.p[lf - 1] == '\r');
		assert_true(i + 1 == s->n || (text.p[lf - 2] != ' ' && text.p[lf - 2] != '\t' &&
					      text.p[lf - 2] != '\n'));
	}
}

static void assert_all_agree(const struct guarded *g, struct slice text)
{
	struct sip_scan want, got;

	for (uint32_t v = 0; v < VARIANTS; v++) {
		sip_scan_fn *scan = sip_scan_variant(variants[v]);

		if (scan == NULL)
			continue;
		for (uint32_t end = 0; end < 2; end++) {
			struct slice s = end ? guard_at_end(g, text) : guard_at_start(g, text);

			sip_scan_scalar(text, &want);
			scan(s, &got);
			assert_int_equal(got.n, want.n);
			assert_int_equal(got.complete, want.complete);
			assert_memory_equal(got.lf, want.lf, want.n * sizeof(want.lf[0]));
			if (want.complete) {
				assert_int_equal(got.head_end, want.head_end);
				assert_int_equal(got.bare_cr, want.bare_cr);
			}
			if (got.plain)
				assert_plain(text, &got);
		}
	}
}

static void test_simple(void **state)
{
	struct sip_scan s;

	sip_scan_scalar(SLICE("a\r\nbc\r\n\r\nbody\r\n"), &s);
	assert_int_equal(s.n, 3);
	assert_true(s.complete);
	assert_false(s.bare_cr);
	assert_int_equal(s.lf[0], 2);
	assert_int_equal(s.lf[1], 6);
	assert_int_equal(s.lf[2], 8);
	assert_int_equal(s.head_end, 9);
	sip_scan_scalar(SLICE("a\nb\n\nbody"), &s);
	assert_true(s.complete);
	assert_int_equal(s.head_end, 5);
	sip_scan_scalar(SLICE("a\r\rb\r\n\r\n"), &s);
	assert_true(s.complete);
	assert_true(s.bare_cr);
	sip_scan_scalar(SLICE("a\r\n\r\n\r"), &s);
	assert_false(s.bare_cr);
	sip_scan_scalar(SLICE("\r\nx"), &s);
	assert_true(s.complete);
	assert_int_equal(s.n, 1);
	sip_scan_scalar(SLICE("a\r\nb"), &s);
	assert_false(s.complete);
	assert_int_equal(s.n, 1);
}

static void test_prefixes(void **state)
{
	struct corpus c = {0};
	struct guarded g = guard_new(SIP_MESSAGE_MAX);

	corpus_load(&c, "");
	corpus_load(&c, "torture");
	assert_true(c.n >= 75);
	for (uint32_t i = 0; i < c.n; i++)
		for (uint32_t len = 0; len <= c.sample[i].text.len; len += 1 + len / 256)
			assert_all_agree(&g, slice_sub(c.sample[i].text, 0, len));
	guard_free(&g);
	corpus_free(&c);
}

/* Plain header sections of all lengths, with and without a fault, and with bodies that would be
 * faulty header sections. */
static void test_plain(void **state)
{
	static const char *const bodies[] = {"", "v=0\n", "a\r\rb\r\n\r\n", " x\n\n"};
	static const char *const faults[] = {"",   " ",     "\t",       "\r",
					     "\n", " \r\n", "\r\n\r\n", "\r\n "};
	sip_scan_fn *vbmi2 = sip_scan_variant("vbmi2");
	struct guarded g = guard_new(SIP_MESSAGE_MAX);
	uint64_t seed = 3;
	uint8_t memory[2048];
	struct sip_scan s;

	for (uint32_t round = 0; round < 20000; round++) {
		struct text t = text_in(memory, sizeof(memory));
		uint32_t lines = (uint32_t)(next_random(&seed) % 20);
		uint32_t faulty = (uint32_t)(next_random(&seed) % 40);
		bool sound = true;

		text_lit(&t, "ACK sip:a SIP/2.0\r\n");
		for (uint32_t i = 0; i < lines; i++) {
			text_lit(&t, "N: ");
			for (uint64_t k = next_random(&seed) % 50; k > 0; k--)
				text_char(&t, (uint8_t)('a' + k % 26));
			text_char(&t, 'z');
			if (i == faulty) {
				const char *fault = faults[next_random(&seed) % 8];

				text_str(&t, fault);
				sound = fault[0] == '\0';
			}
			text_lit(&t, "\r\n");
		}
		text_lit(&t, "\r\n");
		text_str(&t, bodies[next_random(&seed) % 4]);
		assert_all_agree(&g, text_slice(&t));
		if (vbmi2) {
			vbmi2(text_slice(&t), &s);
			assert_true(s.plain || !sound);
		}
	}
	guard_free(&g);
}

/* Few letters, so that every neighbourhood of CR and LF comes up at every place of a block. */
static void test_random(void **state)
{
	static const uint8_t letters[] = {'\n', '\r', 'a', 'a', 'a', 'a', 'a', ':'};
	struct guarded g = guard_new(SIP_MESSAGE_MAX);
	uint64_t seed = 1;
	uint8_t text[400];

	for (uint32_t round = 0; round < 50000; round++) {
		uint32_t len = (uint32_t)(next_random(&seed) % sizeof(text));
		uint32_t kinds = round % 2 ? 8 : 3;

		for (uint32_t i = 0; i < len; i++)
			text[i] = letters[next_random(&seed) % 16 ? 2 + next_random(&seed) % 6
								  : next_random(&seed) % kinds];
		assert_all_agree(&g, slice_of(text, len));
	}
	guard_free(&g);
}

static void test_limits(void **state)
{
	struct guarded g = guard_new(4 * SIP_MESSAGE_MAX);
	uint8_t *text = malloc(3 * SIP_MESSAGE_MAX);
	struct sip_scan s;
	uint32_t last = SIP_HEADERS_MAX + 1;

	assert_non_null(text);
	for (uint32_t gap = 2; gap < 140; gap += 23) {
		for (uint32_t i = 0; i < 3 * SIP_MESSAGE_MAX; i++)
			text[i] = i % gap ? 'x' : '\n';
		text[0] = 'x';
		for (uint32_t len = 0; len < 3 * SIP_MESSAGE_MAX; len += 997)
			assert_all_agree(&g, slice_of(text, len));
		/* The last line that may be looked at is the empty one, or one behind it is. */
		text[(last - 1) * gap + 1] = text[last * gap + 1] = '\n';
		assert_all_agree(&g, slice_of(text, last * gap + 10));
	}
	memset(text, '\n', 3 * SIP_MESSAGE_MAX);
	assert_all_agree(&g, slice_of(text, SIP_MESSAGE_MAX));
	memset(text, 'x', 3 * SIP_MESSAGE_MAX);
	memcpy(text + SIP_MESSAGE_MAX - 2, "\n\n\n", 3);
	assert_all_agree(&g, slice_of(text, 2 * SIP_MESSAGE_MAX));
	sip_scan(slice_of(text, 2 * SIP_MESSAGE_MAX), &s);
	assert_true(s.complete);
	assert_int_equal(s.head_end, SIP_MESSAGE_MAX);
	free(text);
	guard_free(&g);
}

static void test_choice(void **state)
{
	sip_scan_fn *widest = NULL;

	for (uint32_t v = 0; v < VARIANTS; v++)
		if (sip_scan_variant(variants[v]))
			widest = sip_scan_variant(variants[v]);
	assert_ptr_equal(sip_scan, widest);
	assert_null(sip_scan_variant("avx"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_simple), cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_plain),  cmocka_unit_test(test_random),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_choice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
