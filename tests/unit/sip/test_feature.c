/* test_feature.c - what Contact parameters say of a terminal, and what meets what */
#include "sip/feature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

static const struct hash_key key = {5, 6};

static uint32_t read_features(const char *params, struct feature *f)
{
	return sip_features(slice_str(params), &key, f, FEATURES_MAX, NULL);
}

static void counts(void **state)
{
	static const struct {
		const char *params;
		uint32_t n;
	} table[] = {
		{"", 0},
		{";q=0.5;expires=60;reg-id=1;require;explicit", 0},
		{";audio;video=\"FALSE\"", 2},
		{";methods=\"INVITE,BYE , OPTIONS\"", 3},
		{";+sip.instance=\"<urn:uuid:1,2>\";+g.3gpp.icsi-ref=\"urn%3Aa,urn%3Ab\"", 3},
		{";priority=\"#>=20\";priority=\"#1:5.5\";priority=\"#x\"", 2},
		{";audio=\"\";video=\",,\"", 0},
		{";+=\"x\"", 0},
		{";language=\"!\"", 1},
		{";description=\"<open\"", 0},
		{";audio;video=\"", 1},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct feature f[FEATURES_MAX];

		assert_int_equal(read_features(table[i].params, f), table[i].n);
	}
}

static void too_many_are_cut(void **state)
{
	struct feature f[2];
	bool cut;

	assert_int_equal(sip_features(SLICE(";audio;video"), &key, f, 2, &cut), 2);
	assert_false(cut);
	assert_int_equal(sip_features(SLICE(";methods=\"a,b,c\""), &key, f, 2, &cut), 2);
	assert_true(cut);
}

/* Numbered: a, b, and whether one terminal can be both. */
static void meetings(void **state)
{
	static const struct {
		const char *a, *b;
		bool meet;
	} table[] = {
		{";audio", ";audio", true},
		{";audio", ";audio=\"true\"", true},
		{";audio", ";audio=\"FALSE\"", false},
		{";audio=\"FALSE\"", ";audio=\"!TRUE\"", true},
		{";language=\"en\"", ";language=\"EN\"", true},
		{";language=\"en\"", ";language=\"!en\"", false},
		{";language=\"!en\"", ";language=\"!de\"", true},
		{";description=\"<A>\"", ";description=\"<a>\"", false},
		{";description=\"<A>\"", ";description=\"<A>\"", true},
		{";description=\"<A>\"", ";description=\"A\"", false},
		{";priority=\"#=5\"", ";priority=\"#5:7\"", true},
		{";priority=\"#=4.999\"", ";priority=\"#5:7\"", false},
		{";priority=\"#>=7\"", ";priority=\"#<=7\"", true},
		{";priority=\"#>=7.001\"", ";priority=\"#<=7\"", false},
		{";priority=\"#<=-3\"", ";priority=\"#=-2\"", false},
		{";priority=\"#=5\"", ";priority=\"5\"", false},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct feature a[FEATURES_MAX], b[FEATURES_MAX];

		assert_int_equal(read_features(table[i].a, a), 1);
		assert_int_equal(read_features(table[i].b, b), 1);
		assert_int_equal(a->tag, b->tag);
		if (sip_feature_meets(a, b) != table[i].meet ||
		    sip_feature_meets(b, a) != table[i].meet)
			fail_msg("row %zu", i);
	}
}

/* Every cut of a text at the end of its page. */
static void stays_inside(void **state)
{
	enum { PAGE = 4096 };
	static const char text[] =
		";priority=\"#-1.5:20\";+sip.instance=\"<a,b>\";x=\"!y,z\";a";
	uint8_t *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	assert_int_equal(mprotect(map + PAGE, PAGE, PROT_NONE), 0);
	for (uint32_t len = 0; len < sizeof(text); len++) {
		struct feature f[FEATURES_MAX];
		uint8_t *p = map + PAGE - len;

		memcpy(p, text, len);
		assert_in_range(sip_features(slice_of(p, len), &key, f, FEATURES_MAX, NULL), 0,
				5);
	}
	munmap(map, 2 * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),
		cmocka_unit_test(too_many_are_cut),
		cmocka_unit_test(meetings),
		cmocka_unit_test(stays_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
