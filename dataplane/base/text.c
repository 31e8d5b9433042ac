/* text.c - write text into memory of fixed size */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

#include <smmintrin.h>

/* "000", "001", ... "999": ports, addresses and sequence numbers are three digits at a time. */
static const char thousand[3001] =
#define TEN(tens)                                                                              \
	tens "0" tens "1" tens "2" tens "3" tens "4" tens "5" tens "6" tens "7" tens "8" tens  \
	     "9"
#define HUNDRED(h)                                                                             \
	TEN(h "0")                                                                             \
	TEN(h "1") TEN(h "2") TEN(h "3") TEN(h "4") TEN(h "5") TEN(h "6") TEN(h "7")           \
		TEN(h "8") TEN(h "9")
	HUNDRED("0") HUNDRED("1") HUNDRED("2") HUNDRED("3") HUNDRED("4") HUNDRED("5")
		HUNDRED("6") HUNDRED("7") HUNDRED("8") HUNDRED("9");

/* n of the octets at `from`, of which STEP can be read: where there is room they are copied in
 * one step, and what is too much is written over by what comes next. */
enum { STEP = 24 };
static inline void put_short(struct text *t, const void *from, uint32_t n)
{
	if (t->cap - t->len < STEP) {
		text_put(t, slice_of(from, n));
		return;
	}
	memcpy(t->p + t->len, from, STEP);
	t->len += n;
}

void text_u64(struct text *t, uint64_t v)
{
	char digits[21 + STEP]; /* twenty digits are the most there are */
	uint32_t at = 21;

	do {
		at -= 3;
		memcpy(digits + at, thousand + v % 1000 * 3, 3);
		v /= 1000;
	} while (v);
	at += digits[at] == '0' ? 1 + (digits[at + 1] == '0') : 0;
	memset(digits + 21, 0, STEP);
	put_short(t, digits + at, 21 - at);
}

void text_hex(struct text *t, uint64_t v, unsigned digits)
{
	const __m128i letters = _mm_setr_epi8('0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
					      'a', 'b', 'c', 'd', 'e', 'f');
	const __m128i nibble = _mm_set1_epi8(15);
	__m128i x = _mm_cvtsi64_si128((int64_t)__builtin_bswap64(v << (64 - 4 * digits)));
	__m128i high = _mm_and_si128(_mm_srli_epi16(x, 4), nibble),
		low = _mm_and_si128(x, nibble);
	uint8_t all[STEP] = {0};

	_mm_storeu_si128((__m128i *)all,
			 _mm_shuffle_epi8(letters, _mm_unpacklo_epi8(high, low)));
	put_short(t, all, digits);
}

void text_hex_bytes(struct text *t, struct slice s)
{
	if (s.len > (t->cap - t->len) / 2) {
		t->overflow = true;
		return;
	}
	for (uint32_t i = 0; i < s.len; i++)
		text_hex(t, s.p[i], 2);
}

void text_printf(struct text *t, const char *format, ...)
{
	/* vsnprintf wants room for its NUL, which a text does not keep. */
	char local[TEXT_PRINTF_MAX + 1];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(local, sizeof(local), format, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof(local)) {
		t->overflow = true;
		return;
	}
	text_put(t, slice_of(local, (size_t)n));
}

const char *text_cstr(struct text *t)
{
	if (t->cap == 0)
		return "";
	if (t->len == t->cap) {
		t->len--;
		t->overflow = true;
	}
	t->p[t->len] = 0;
	return (const char *)t->p;
}

static int hex_digit(uint8_t c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* All sixteen octets at once: what is neither a digit nor a letter up to f fails. */
static bool hex16(__m128i c, uint64_t *out)
{
	__m128i digit = _mm_sub_epi8(c, _mm_set1_epi8('0'));
	__m128i letter = _mm_sub_epi8(c, _mm_set1_epi8('a'));
	__m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
	__m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(5)), letter);
	__m128i v = _mm_blendv_epi8(_mm_add_epi8(letter, _mm_set1_epi8(10)), digit, is_digit);

	if (_mm_movemask_epi8(_mm_or_si128(is_digit, is_letter)) != 0xffff)
		return false;
	v = _mm_maddubs_epi16(v, _mm_set1_epi16(0x0110)); /* 16 * high + low */
	v = _mm_packus_epi16(v, v);
	*out = __builtin_bswap64((uint64_t)_mm_cvtsi128_si64(v));
	return true;
}

bool hex_u64(struct slice hex, uint64_t *out)
{
	uint8_t padded[16];

	if (hex.len == 16)
		return hex16(_mm_loadu_si128((const __m128i *)hex.p), out);
	if (hex.len == 0 || hex.len > 16)
		return false;
	memset(padded, '0', sizeof(padded));
	memcpy(padded + 16 - hex.len, hex.p, hex.len);
	return hex16(_mm_loadu_si128((const __m128i *)padded), out);
}

bool hex_decode(struct slice hex, uint8_t *out, uint32_t n)
{
	if (hex.len != 2 * (uint64_t)n)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		int high = hex_digit(hex.p[2 * i]), low = hex_digit(hex.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

uint32_t text_utf8_length(const uint8_t *p, uint32_t left)
{
	static const struct {
		uint8_t first, last, low, high, len;
	} row[] = {
		{0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if (p[0] < row[i].first || p[0] > row[i].last)
			continue;
		if (row[i].len > left)
			return 0;
		if (row[i].len > 1 && (p[1] < row[i].low || p[1] > row[i].high))
			return 0;
		for (uint32_t k = 2; k < row[i].len; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return row[i].len;
	}
	return 0;
}

bool text_is_utf8(struct slice s)
{
	for (uint32_t i = 0, n; i < s.len; i += n) {
		n = text_utf8_length(s.p + i, s.len - i);
		if (n == 0 || s.p[i] == 0)
			return false;
	}
	return true;
}
