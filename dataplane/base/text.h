/* text.h - write text into memory of fixed size
 *
 * A text never writes past its capacity: what does not fit sets `overflow` and is
 * left out, and the writer looks at the flag once, at the end. Not
 * NUL-terminated (text_cstr does that where libc needs it). One thread at a time.
 */
#pragma once

#include "base/slice.h"

struct text {
	uint8_t *p;
	uint32_t cap;
	uint32_t len;
	bool overflow;
};

static inline struct text text_in(void *memory, size_t cap)
{
	return (struct text){memory, (uint32_t)cap, 0, false};
}

static inline void text_put(struct text *t, struct slice s)
{
	if (s.len > t->cap - t->len) {
		t->overflow = true;
		return;
	}
	if (s.len)
		memcpy(t->p + t->len, s.p, s.len);
	t->len += s.len;
}

#define text_lit(t, literal) text_put((t), SLICE(literal))

static inline void text_str(struct text *t, const char *s)
{
	text_put(t, slice_str(s));
}

static inline void text_char(struct text *t, uint8_t c)
{
	text_put(t, (struct slice){&c, 1});
}

static inline struct slice text_slice(const struct text *t)
{
	return (struct slice){t->p, t->len};
}

/* What was written since `from` (a former t->len). */
static inline struct slice text_since(const struct text *t, uint32_t from)
{
	return (struct slice){t->p + from, t->len - from};
}

void text_u64(struct text *t, uint64_t v);
/* Exactly `digits` (1-16) lower-case hexadecimal digits of v. */
void text_hex(struct text *t, uint64_t v, unsigned digits);
/* Every octet of s as two lower-case hexadecimal digits. */
void text_hex_bytes(struct text *t, struct slice s);
/* At most TEXT_PRINTF_MAX octets a call; more counts as overflow. */
enum { TEXT_PRINTF_MAX = 2047 };
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* NUL-terminated; the last octet is given up for it when the text is full. */
const char *text_cstr(struct text *t);

/* Up to 16 lower-case hexadecimal digits, most significant first, as text_hex writes them;
 * false for anything else. */
bool hex_u64(struct slice hex, uint64_t *out);
/* 2*n hexadecimal digits to n octets; false for a wrong length or digit. */
bool hex_decode(struct slice hex, uint8_t *out, uint32_t n);

/* Octets of the well-formed UTF-8 sequence at p (RFC 3629 §4), 0 if there is none; left >= 1.
 */
uint32_t text_utf8_length(const uint8_t *p, uint32_t left);
/* Well-formed UTF-8 without a NUL. */
bool text_is_utf8(struct slice s);
