/* test_text.c - text in fixed memory: what fits, what does not, and no octet beyond */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

enum { PAGE = 4096 };

static uint8_t *guard; /* the first octet that may not be touched */

static int setup(void **state)
{
	uint8_t *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	if (map == MAP_FAILED || mprotect(map + PAGE, PAGE, PROT_NONE) != 0)
		return -1;
	guard = map + PAGE;
	return 0;
}

static struct text text_of(uint32_t cap)
{
	return text_in(guard - cap, cap);
}

static void assert_text(const struct text *t, const char *expected)
{
	assert_int_equal(t->len, strlen(expected));
	assert_memory_equal(t->p, expected, t->len);
}

static void put_u64(struct text *t)
{
	text_u64(t, UINT64_MAX);
}

static void put_hex(struct text *t)
{
	text_hex(t, 0x0123456789abcdef, 16);
}

static void put_hex_bytes(struct text *t)
{
	text_hex_bytes(t, SLICE("\x00\x7f\xff"));
}

static void put_printf(struct text *t)
{
	text_printf(t, "%s-%d", "abc", -7);
}

static void put_slice(struct text *t)
{
	text_lit(t, "hello");
}

static const struct {
	void (*put)(struct text *t);
	const char *expected;
} writer[] = {
	{put_u64, "18446744073709551615"},
	{put_hex, "0123456789abcdef"},
	{put_hex_bytes, "007fff"},
	{put_printf, "abc--7"},
	{put_slice, "hello"},
};

/* Each writer at each capacity: all of it, or nothing and the flag. */
static void test_all_or_nothing(void **state)
{
	for (size_t w = 0; w < sizeof(writer) / sizeof(writer[0]); w++) {
		uint32_t need = (uint32_t)strlen(writer[w].expected);

		for (uint32_t cap = 0; cap <= need + 2; cap++) {
			struct text t = text_of(cap);

			writer[w].put(&t);
			assert_int_equal(t.overflow, cap < need);
			assert_text(&t, cap < need ? "" : writer[w].expected);
		}
	}
}

static void test_numbers(void **state)
{
	struct text t = text_of(64);

	text_u64(&t, 0);
	text_char(&t, ' ');
	text_u64(&t, 10);
	text_char(&t, ' ');
	text_hex(&t, 0xabc, 2);
	text_char(&t, ' ');
	text_hex(&t, 0xf, 4);
	assert_text(&t, "0 10 bc 000f");
	assert_false(t.overflow);
}

static void test_overflow_stays(void **state)
{
	struct text t = text_of(3);

	text_lit(&t, "abcd");
	text_lit(&t, "ab");
	assert_text(&t, "ab");
	assert_true(t.overflow);
}

static void test_printf_bound(void **state)
{
	struct text t = text_of(PAGE);

	text_printf(&t, "%*s", TEXT_PRINTF_MAX, "x");
	assert_int_equal(t.len, TEXT_PRINTF_MAX);
	assert_false(t.overflow);
	text_printf(&t, "%*s", TEXT_PRINTF_MAX + 1, "x");
	assert_int_equal(t.len, TEXT_PRINTF_MAX);
	assert_true(t.overflow);
}

static void test_cstr(void **state)
{
	struct text t = text_of(4);

	text_lit(&t, "abc");
	assert_string_equal(text_cstr(&t), "abc");
	assert_false(t.overflow);
	text_char(&t, 'd');
	assert_string_equal(text_cstr(&t), "abc");
	assert_true(t.overflow);
	t = text_of(0);
	assert_string_equal(text_cstr(&t), "");
}

static void test_hex_decode(void **state)
{
	uint8_t out[4] = {1, 2, 3, 4};

	assert_true(hex_decode(SLICE("00fFAb12"), out, 4));
	assert_memory_equal(out, "\x00\xff\xab\x12", 4);
	assert_false(hex_decode(SLICE("00fFAb1"), out, 4));
	assert_false(hex_decode(SLICE("00fFAb123"), out, 4));
	assert_false(hex_decode(SLICE("00fFAb1g"), out, 4));
	assert_false(hex_decode(SLICE("00 fAb12"), out, 4));
	assert_true(hex_decode(SLICE_EMPTY, out, 0));
	/* A length that wraps in 32 bits is not half as long. */
	assert_false(hex_decode(SLICE_EMPTY, out, 0x80000000u));
}

static void test_slices(void **state)
{
	struct slice s = SLICE(" \tab:cd\r\n");
	uint64_t v = 7;

	assert_true(slice_eq(slice_trim(s), SLICE("ab:cd")));
	assert_int_equal(slice_find(s, ':'), 4);
	assert_int_equal(slice_find(s, 'x'), s.len);
	assert_int_equal(slice_sub(s, 100, 5).len, 0);
	assert_int_equal(slice_sub(s, 2, UINT32_MAX).len, s.len - 2);
	assert_int_equal(slice_from(SLICE_EMPTY, 3).len, 0);
	assert_true(slice_eq_nocase(SLICE("VIA-@"), SLICE("via-@")));
	assert_false(slice_eq_nocase(SLICE("@"), SLICE("`"))); /* 0x40 and 0x60: no letters */
	assert_false(slice_u64(SLICE("18446744073709551616"), UINT64_MAX, &v));
	assert_false(slice_u64(SLICE("99999999999999999999"), UINT64_MAX, &v));
	assert_false(slice_u64(SLICE(""), 10, &v));
	assert_false(slice_u64(SLICE("11"), 10, &v));
	assert_false(slice_u64(SLICE("-1"), 10, &v));
	assert_true(slice_u64(SLICE("010"), 10, &v));
	assert_int_equal(v, 10);
}

static void number_is(uint64_t v)
{
	uint8_t memory[32];
	char wanted[32];
	struct text t = text_in(memory, sizeof(memory));

	text_u64(&t, v);
	snprintf(wanted, sizeof(wanted), "%llu", (unsigned long long)v);
	assert_string_equal(text_cstr(&t), wanted);
}

static void test_every_number(void **state)
{
	uint64_t v = 1;

	for (uint64_t i = 0; i < 12000; i++)
		number_is(i);
	for (int i = 0; i < 20; i++, v *= 10) {
		number_is(v - 1);
		number_is(v);
		number_is(v * 7 + 3);
	}
	number_is(UINT64_MAX);
}

/* Every length, and every octet at every place. */
static void test_hex(void **state)
{
	uint8_t memory[16];
	uint64_t back;

	for (unsigned digits = 1; digits <= 16; digits++) {
		uint64_t v = 0xfedcba9876543210u >> (64 - 4 * digits);
		struct text t = text_in(memory, digits);

		text_hex(&t, v, digits);
		assert_false(t.overflow);
		assert_true(hex_u64(text_slice(&t), &back));
		assert_int_equal(back, v);
		for (unsigned at = 0; at < digits; at++) {
			uint8_t old = memory[at];

			for (unsigned c = 0; c < 256; c++) {
				memory[at] = (uint8_t)c;
				assert_int_equal(hex_u64(text_slice(&t), &back),
						 (c >= '0' && c <= '9') ||
							 (c >= 'a' && c <= 'f'));
			}
			memory[at] = old;
		}
	}
	assert_false(hex_u64(SLICE(""), &back));
	assert_false(hex_u64(SLICE("00000000000000000"), &back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_number),   cmocka_unit_test(test_hex),
		cmocka_unit_test(test_all_or_nothing), cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_overflow_stays), cmocka_unit_test(test_printf_bound),
		cmocka_unit_test(test_cstr),           cmocka_unit_test(test_hex_decode),
		cmocka_unit_test(test_slices),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
