/* test_ere.c - extended regular expressions, by a table and against those of libc */
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "criteria/ere.h"
#include "ifc/ifc.h"
#include "ifc/regex.h"
#include "support.h"

static bool run(const struct ere *e, struct slice text)
{
	uint32_t steps = IFC_STEPS_MAX;
	bool found = regex_found(e->op, e->n_ops, e->set[0], text, &steps);

	assert_true(steps > 0);
	return found;
}

static bool found(const char *expression, const char *text)
{
	struct ere e;
	const char *wrong = ere_compile(slice_str(expression), false, &e);

	if (wrong)
		fail_msg("%s: %s", expression, wrong);
	return run(&e, at_guard(text, strlen(text)));
}

static void matches(void **state)
{
	static const struct {
		const char *expression, *text;
		bool found;
	} cases[] = {
		{"", "", true},
		{"", "x", true},
		{"abc", "xxabcxx", true},
		{"abc", "xxabxcx", false},
		{"^abc", "abcx", true},
		{"^abc", "xabc", false},
		{"abc$", "xabc", true},
		{"abc$", "abcx", false},
		{"^$", "", true},
		{"^$", "x", false},
		{"a.c", "axc", true},
		{"a\\.c", "axc", false},
		{"a[.]c", "a.c", true},
		{"a|b", "b", true},
		{"^(a|b)$", "ab", false},
		{"^a|b$", "ax", true},
		{"^a|b$", "xb", true},
		{"^a|b$", "xbx", false},
		{"(a|b|c|d)e", "de", true},
		{"^(|a)b$", "b", true},
		{"^a*$", "aaaa", true},
		{"^a*$", "aabaa", false},
		{"^a+$", "", false},
		{"^ab?c$", "ac", true},
		{"^ab?c$", "abbc", false},
		{"^a{3}$", "aaa", true},
		{"^a{3}$", "aa", false},
		{"^a{3}$", "aaaa", false},
		{"^a{2,}$", "a", false},
		{"^a{2,}$", "aaaaa", true},
		{"^a{0,2}$", "aa", true},
		{"^a{0,2}$", "aaa", false},
		{"^a{0}b$", "b", true},
		{"^(ab|cd){2,3}$", "abcdab", true},
		{"^(ab|cd){2,3}$", "ab", false},
		{"^(a{2}){2}$", "aaaa", true},
		{"^(a*)*$", "aaa", true},
		{"^(a*)+b$", "aab", true},
		{"(^|;)lr($|;)", "x;lr;y", true},
		{"(^|;)lr($|;)", "lr", true},
		{"(^|;)lr($|;)", "xlr;y", false},
		{"[[:digit:]]+", "ab12", true},
		{"^[[:digit:]]+$", "12a", false},
		{"^[[:alpha:][:digit:]_-]+$", "a1_-", true},
		{"^[^a-c]+$", "def", true},
		{"^[^a-c]+$", "dbf", false},
		{"^[]a]+$", "]a]", true},
		{"^[^]a]+$", "x]", false},
		{"^[a-]+$", "a-a", true},
		{"^[[.-.]a]+$", "-a", true},
		{"^[[=a=]]$", "a", true},
		{"^sip:(\\+49|0049)[0-9]{3,5}@", "sip:+491234@home", true},
		{"^sip:(\\+49|0049)[0-9]{3,5}@", "sip:+49123456@home", false},
		{"\\^\\$\\(\\)\\*", "^$()*", true},
		{"\xc3\xa4", "x\xc3\xa4y", true},
		{"^[^x]$", "\xff", true},
		{"}", "}", true},
		{"]", "]", true},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (found(cases[i].expression, cases[i].text) != cases[i].found)
			fail_msg("%s in %s", cases[i].expression, cases[i].text);
}

static void refuses(void **state)
{
	static const char *const wrong[] = {
		"(",        ")",           "(a",
		"a)",       "[",           "[a",
		"[]",       "[^]",         "[b-a]",
		"[[:no:]]", "[[:alpha:",   "[[.ab.]]",
		"*",        "+a",          "?",
		"{2}",      "a{",          "a{x}",
		"a{2",      "a{2,1}",      "a{256}",
		"a{1,,2}",  "(*a)",        "a|*b",
		"^*",       "$+",          "\\",
		"a\\",      "\\1",         "(a)\\1",
		"\\d",      "a{255}{255}", "((((a{9}){9}){9}){9}){9}",
	};
	struct ere e;
	(void)state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (!ere_compile(slice_str(wrong[i]), false, &e))
			fail_msg("%s was taken", wrong[i]);
}

static void refuses_depth_and_length(void **state)
{
	char text[ERE_LENGTH_MAX + 2];
	struct ere e;
	(void)state;

	memset(text, '(', sizeof(text));
	assert_non_null(ere_compile(slice_of(text, ERE_DEPTH_MAX + 1), false, &e));
	memset(text, 'a', sizeof(text));
	assert_non_null(ere_compile(slice_of(text, sizeof(text)), false, &e));
	assert_non_null(ere_compile(slice_of(text, IFC_OPS_MAX), false, &e));
	assert_null(ere_compile(slice_of(text, IFC_OPS_MAX - 1), false, &e));
	assert_true(e.n_ops == IFC_OPS_MAX);
	assert_non_null(ere_compile(slice_of("a\0b", 3), false, &e));
}

static void knows_text(void **state)
{
	static const struct {
		const char *expression;
		bool is;
		uint8_t flags;
		const char *text;
	} cases[] = {
		{"abc", true, 0, "abc"},
		{"^abc", true, IFC_AT_BEGIN, "abc"},
		{"abc$", true, IFC_AT_END, "abc"},
		{"^abc$", true, IFC_AT_BEGIN | IFC_AT_END, "abc"},
		{".*abc.*", true, 0, "abc"},
		{"^.*abc", true, 0, "abc"},
		{"^abc.*$", true, IFC_AT_BEGIN, "abc"},
		{"a\\.c", true, 0, "a.c"},
		{"a[.]c", true, 0, "a.c"},
		{"a.c", true, IFC_WILD, "a?c"},
		{"(abc)", true, 0, "abc"},
		{"a{3}", true, 0, "aaa"},
		{"", true, 0, ""},
		{"ab*", false, 0, ""},
		{"a|b", false, 0, ""},
		{"a^b", false, 0, ""},
		{"a.*b", false, 0, ""},
		{"(a|.*)", false, 0, ""},
		{"[ab]", false, 0, ""},
	};
	uint8_t text[IFC_OPS_MAX], flags;
	uint32_t len;
	struct ere e;
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_null(ere_compile(slice_str(cases[i].expression), false, &e));
		if (ere_is_text(&e, text, &len, &flags) != cases[i].is)
			fail_msg("%s", cases[i].expression);
		if (!cases[i].is)
			continue;
		assert_int_equal(flags, cases[i].flags);
		for (uint32_t k = 0; k < len; k++)
			if (!text[k])
				text[k] = '?';
		assert_true(slice_eq(slice_of(text, len), slice_str(cases[i].text)));
	}
}

static void ignores_case(void **state)
{
	struct ere e;
	(void)state;

	assert_null(ere_compile(SLICE("^P-[A-C]+[^X]$"), true, &e));
	assert_true(run(&e, SLICE("p-abcd")));
	assert_false(run(&e, SLICE("p-abcx")));
	assert_false(run(&e, SLICE("p-dd")));
}

/* An expression on which one that goes back takes longer than the test. */
static void takes_bounded_time(void **state)
{
	static const char *const dear[] = {"^(a+)+$", "^(a|a)*b$", "^(a|aa)+$", "(.*)(.*)(.*)x",
					   "((a?){20}){10}b"};
	static uint8_t text[SIP_MESSAGE_MAX];
	struct ere e;
	(void)state;

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = 'c';
	for (size_t i = 0; i < sizeof(dear) / sizeof(dear[0]); i++) {
		uint32_t steps = UINT32_MAX, few = 1000;
		const char *wrong = ere_compile(slice_str(dear[i]), false, &e);

		if (wrong)
			fail_msg("%s: %s", dear[i], wrong);
		assert_false(regex_found(e.op, e.n_ops, e.set[0], slice_of(text, sizeof(text)),
					 &steps));
		assert_true(UINT32_MAX - steps <= e.n_ops * (sizeof(text) + 1));
		assert_false(regex_found(e.op, e.n_ops, e.set[0], slice_of(text, sizeof(text)),
					 &few));
		assert_int_equal(few, 0);
	}
}

/* A random expression of which IEEE 1003.1 leaves nothing undefined. Anchors stand only where
 * nothing repeats them: there libc finds what is not there. */
static void write_random(struct text *t, int depth)
{
	static const char *const atoms[] = {"a", "b", "c", ".", "[ab]", "[^a]", "\\.", "[a-b]"};
	static const char *const repeats[] = {"*", "+", "?", "{2}", "{1,2}", "{0,1}", "{1,}"};
	int n = 1 + rand() % 3;

	for (int i = 0; i < n; i++) {
		if (depth < 3 && rand() % 4 == 0) {
			text_lit(t, "(");
			write_random(t, depth + 1);
			text_lit(t, ")");
		} else if (depth == 0 && rand() % 6 == 0) {
			text_str(t, rand() % 2 ? "(^|a)" : "(b|$)");
			continue;
		} else {
			text_str(t, atoms[rand() % 8]);
		}
		if (rand() % 3 == 0)
			text_str(t, repeats[rand() % 7]);
	}
	if (rand() % 4 == 0 && depth < 4) {
		text_lit(t, "|");
		write_random(t, depth + 1);
	}
}

static void agrees_with_libc(void **state)
{
	char memory[2048], subject[16];
	uint32_t hits = 0, tried = 0;
	(void)state;

	srand(29228);
	for (int i = 0; i < 4000; i++) {
		struct text t = text_in(memory, sizeof(memory));
		regex_t libc;
		struct ere e;

		write_random(&t, 0);
		text_cstr(&t);
		if (ere_compile(text_slice(&t), false, &e))
			continue;
		assert_int_equal(regcomp(&libc, memory, REG_EXTENDED | REG_NOSUB), 0);
		for (int k = 0; k < 20; k++) {
			int n = rand() % 12;
			bool hit;

			for (int j = 0; j < n; j++)
				subject[j] = "abc.x"[rand() % 5];
			subject[n] = 0;
			hit = regexec(&libc, subject, 0, NULL, 0) == 0;
			if (run(&e, at_guard(subject, (size_t)n)) != hit)
				fail_msg("%s in %s: libc says %d", memory, subject, hit);
			hits += hit;
			tried++;
		}
		regfree(&libc);
	}
	/* Neither always nor never. */
	assert_true(tried > 70000 && hits > tried / 10 && hits < tried - tried / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches),
		cmocka_unit_test(refuses),
		cmocka_unit_test(refuses_depth_and_length),
		cmocka_unit_test(knows_text),
		cmocka_unit_test(ignores_case),
		cmocka_unit_test(takes_bounded_time),
		cmocka_unit_test(agrees_with_libc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
