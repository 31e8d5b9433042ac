/* test_json.c - the JSON writer: commas, escapes, broken UTF-8 */
#include "base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_json(struct json *j, const char *expected)
{
	assert_false(j->failed);
	json_raw(j, "", 1);
	assert_string_equal(j->p, expected);
	json_free(j);
}

static void test_structure(void **state)
{
	struct json j;

	json_init(&j);
	json_object(&j, NULL);
	json_array(&j, "rows");
	json_object(&j, NULL);
	json_u64(&j, "u", UINT64_MAX);
	json_i64(&j, "i", INT64_MIN);
	json_end_object(&j);
	json_object(&j, NULL);
	json_end_object(&j);
	json_array(&j, NULL);
	json_end_array(&j);
	json_bool(&j, NULL, true);
	json_end_array(&j);
	json_str(&j, "none", NULL);
	json_bool(&j, "no", false);
	json_end_object(&j);
	assert_json(&j, "{\"rows\":[{\"u\":18446744073709551615,\"i\":-9223372036854775808},{},"
			"[],true],"
			"\"none\":null,\"no\":false}");
}

static void test_doubles(void **state)
{
	struct json j;

	json_init(&j);
	json_array(&j, NULL);
	json_double(&j, NULL, 0.1);
	json_double(&j, NULL, 1e300);
	json_double(&j, NULL, 1.0 / 3.0);
	json_double(&j, NULL, -0.5);
	json_double(&j, NULL, (double)NAN);
	json_double(&j, NULL, (double)INFINITY);
	json_end_array(&j);
	assert_json(&j, "[0.1,1e+300,0.33333333333333331,-0.5,null,null]");
}

static const struct {
	const char *in;
	uint32_t len;
	const char *out;
} row[] = {
	{"", 0, "\"\""},
	{"plain", 5, "\"plain\""},
	{"a\"b\\c", 5, "\"a\\\"b\\\\c\""},
	{"\r\n\t", 3, "\"\\r\\n\\t\""},
	{"\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\\u007f\""},
	{"gr\xc3\xbc\xc3\x9f", 6, "\"gr\xc3\xbc\xc3\x9f\""},
	{"\xe2\x82\xac\xf0\x9f\x98\x80", 7, "\"\xe2\x82\xac\xf0\x9f\x98\x80\""},
	{"\xff", 1, "\"\\u00ff\""},
	{"a\xc3", 2, "\"a\\u00c3\""},                                /* cut off */
	{"\xc3(", 2, "\"\\u00c3(\""},                                /* no continuation */
	{"\xc0\xaf", 2, "\"\\u00c0\\u00af\""},                       /* overlong */
	{"\xe0\x80\xaf", 3, "\"\\u00e0\\u0080\\u00af\""},            /* overlong */
	{"\xed\xa0\x80", 3, "\"\\u00ed\\u00a0\\u0080\""},            /* surrogate */
	{"\xf4\x90\x80\x80", 4, "\"\\u00f4\\u0090\\u0080\\u0080\""}, /* above U+10FFFF */
	{"\xf0\x9f\x98", 3, "\"\\u00f0\\u009f\\u0098\""},            /* cut off */
};

static void test_strings(void **state)
{
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		/* On the heap at its exact size, so that a read beyond the end is seen. */
		uint8_t *exact = malloc(row[i].len ? row[i].len : 1);
		struct json j;

		memcpy(exact, row[i].in, row[i].len);
		json_init(&j);
		json_slice(&j, NULL, slice_of(exact, row[i].len));
		assert_json(&j, row[i].out);
		free(exact);
	}
}

static void test_keys_are_escaped(void **state)
{
	struct json j;

	json_init(&j);
	json_object(&j, NULL);
	json_u64(&j, "a\"b", 1);
	json_end_object(&j);
	assert_json(&j, "{\"a\\\"b\":1}");
}

static void test_grows(void **state)
{
	struct json j;

	json_init(&j);
	json_array(&j, NULL);
	for (int i = 0; i < 100000; i++)
		json_u64(&j, NULL, 7);
	json_end_array(&j);
	assert_int_equal(j.len, 2 * 100000 + 1);
	assert_memory_equal(j.p + j.len - 4, "7,7]", 4);
	json_free(&j);
}

/* After a failure nothing more is written, and nothing breaks. */
static void test_failure_is_final(void **state)
{
	struct json j;

	json_init(&j);
	json_array(&j, NULL);
	json_raw(&j, "", SIZE_MAX / 2 + 2);
	assert_true(j.failed);
	json_u64(&j, NULL, 1);
	assert_int_equal(j.len, 1);
	json_free(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_structure), cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_strings),   cmocka_unit_test(test_keys_are_escaped),
		cmocka_unit_test(test_grows),     cmocka_unit_test(test_failure_is_final),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
