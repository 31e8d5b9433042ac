/* test_pattern.c - plain text without its expression is what the expression is */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "criteria/ere.h"
#include "ifc/ifc.h"
#include "ifc/pattern.h"
#include "ifc/regex.h"
#include "support.h"

/* Anchors, dots and letters in any number; the program is the twin. */
static void text_is_its_program(void **state)
{
	uint32_t hits = 0, tried = 0;
	(void)state;

	srand(1);
	for (int i = 0; i < 20000; i++) {
		static const char *const pieces[] = {"a", "b", ".", "[.]", "a{2}"};
		uint8_t memory[64], form[IFC_OPS_MAX], subject[12], flags;
		struct text t = text_in(memory, sizeof(memory));
		struct ifc_pattern p = {.kind = IFC_TEXT};
		uint32_t len, steps = IFC_STEPS_MAX, n = (uint32_t)rand() % 10;
		struct slice s;
		struct ere e;
		bool hit;

		text_str(&t, rand() % 3 ? "" : "^");
		text_str(&t, rand() % 5 ? "" : ".*");
		for (int k = rand() % 4; k; k--)
			text_str(&t, pieces[rand() % 5]);
		text_str(&t, rand() % 5 ? "" : ".*");
		text_str(&t, rand() % 3 ? "" : "$");
		assert_null(ere_compile(text_slice(&t), false, &e));
		assert_true(ere_is_text(&e, form, &len, &flags));
		p.len = (uint16_t)len;
		p.flags = flags;
		for (uint32_t k = 0; k < n; k++)
			subject[k] = (uint8_t) "ab."[rand() % 3];
		s = at_guard(subject, n);
		hit = regex_found(e.op, e.n_ops, e.set[0], s, &steps);
		if (pattern_found(form, &p, s, &steps) != hit)
			fail_msg("%s in %.*s", text_cstr(&t), (int)n, (char *)subject);
		hits += hit;
		tried++;
	}
	assert_true(hits > tried / 10 && hits < tried - tried / 10);
}

static void folds_and_case(void **state)
{
	static const uint8_t form[] = "a bcd";
	struct ifc_pattern p = {.kind = IFC_TEXT, .len = 4};
	uint32_t steps = IFC_STEPS_MAX;
	(void)state;

	assert_true(pattern_found(form, &p, SLICE("xa bcx"), &steps));
	assert_false(pattern_found(form, &p, SLICE("a\r\n bc"), &steps));
	assert_true(pattern_found_folded(form, &p, SLICE("a\r\n bc"), &steps));
	assert_true(pattern_found_folded(form, &p, SLICE("a\n bc"), &steps));
	assert_false(pattern_found(form, &p, SLICE("A BC"), &steps));
	p.flags = IFC_NO_CASE;
	assert_true(pattern_found(form, &p, SLICE("A BC"), &steps));
}

static void costs(void **state)
{
	static uint8_t subject[SIP_MESSAGE_MAX], form[64];
	struct ifc_pattern p = {.kind = IFC_TEXT, .len = 60, .flags = IFC_WILD};
	uint32_t steps = IFC_STEPS_MAX, n = 0;
	(void)state;

	memset(subject, 'a', sizeof(subject));
	memset(form, 0, sizeof(form));
	form[59] = 'b';
	while (steps && n++ < 1000)
		assert_false(
			pattern_found(form, &p, slice_of(subject, sizeof(subject)), &steps));
	assert_int_equal(steps, 0);
	assert_in_range(n, 2, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_its_program),
		cmocka_unit_test(folds_and_case),
		cmocka_unit_test(costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
