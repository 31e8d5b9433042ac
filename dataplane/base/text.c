/* text.c - write text into memory of fixed size */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

static const char digits_of[] = "0123456789abcdef";

void text_u64(struct text *t, uint64_t v)
{
	uint8_t reversed[20];
	uint32_t n = 0;

	do {
		reversed[n++] = (uint8_t)('0' + v % 10);
		v /= 10;
	} while (v);
	if (n > t->cap - t->len) {
		t->overflow = true;
		return;
	}
	while (n)
		t->p[t->len++] = reversed[--n];
}

void text_hex(struct text *t, uint64_t v, unsigned digits)
{
	if (digits > t->cap - t->len) {
		t->overflow = true;
		return;
	}
	for (unsigned i = 0; i < digits; i++)
		t->p[t->len + i] = (uint8_t)digits_of[v >> (4 * (digits - 1 - i)) & 15];
	t->len += digits;
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

bool hex_u64(struct slice hex, uint64_t *out)
{
	uint64_t v = 0;

	if (hex.len == 0 || hex.len > 16)
		return false;
	for (uint32_t i = 0; i < hex.len; i++) {
		uint8_t c = hex.p[i];

		if (ascii_is_digit(c))
			v = v << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*out = v;
	return true;
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
