/* slice.h - a string that points into somebody else's memory
 *
 * A slice is a pointer and a length, passed by value (two registers). It owns
 * nothing, is not NUL-terminated and stays valid as long as the memory it points
 * into. All functions here are pure and may be called from any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *p;
	uint32_t len;
};

#define SLICE_EMPTY    ((struct slice){NULL, 0})
#define SLICE(literal) ((struct slice){(const uint8_t *)("" literal), sizeof(literal) - 1})
/* For printf("%.*s", SLICE_ARG(s)). Never for text that reaches a log: see log.h. */
#define SLICE_ARG(s) (int)(s).len, (const char *)(s).p

static inline struct slice slice_of(const void *p, size_t len)
{
	return (struct slice){p, (uint32_t)len};
}

static inline struct slice slice_str(const char *text)
{
	return slice_of(text, strlen(text));
}

/* The part [from, from + len) of s, cut where s ends. */
static inline struct slice slice_sub(struct slice s, uint32_t from, uint32_t len)
{
	if (from > s.len)
		from = s.len;
	if (len > s.len - from)
		len = s.len - from;
	/* By number: an empty slice may have no memory, and NULL + 0 is not C. */
	return (struct slice){(const uint8_t *)((uintptr_t)s.p + from), len};
}

static inline struct slice slice_from(struct slice s, uint32_t from)
{
	return slice_sub(s, from, UINT32_MAX);
}

/* From the first octet of a up to b, both pointing into the same memory. */
static inline struct slice slice_between(const uint8_t *a, const uint8_t *b)
{
	return (struct slice){a, (uint32_t)(b - a)};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline uint8_t ascii_lower(uint8_t c)
{
	return (uint8_t)(c - 'A') < 26 ? c | 0x20 : c;
}

/* Equal but for the case of ASCII letters: SIP's tokens (RFC 3261 §7.3.1). */
static inline bool slice_eq_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (uint32_t i = 0; i < a.len; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

static inline bool slice_starts(struct slice s, struct slice with)
{
	return s.len >= with.len && memcmp(s.p, with.p, with.len) == 0;
}

/* Index of the first octet c, or s.len. */
static inline uint32_t slice_find(struct slice s, uint8_t c)
{
	const uint8_t *hit = s.len ? memchr(s.p, c, s.len) : NULL;
	return hit ? (uint32_t)(hit - s.p) : s.len;
}

static inline bool ascii_is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline bool ascii_is_digit(uint8_t c)
{
	return (uint8_t)(c - '0') < 10;
}

static inline bool ascii_is_alpha(uint8_t c)
{
	return (uint8_t)((c | 0x20) - 'a') < 26;
}

/* Without white space (and line folds) at both ends. */
static inline struct slice slice_trim(struct slice s)
{
	while (s.len && ascii_is_space(s.p[0]))
		s.p++, s.len--;
	while (s.len && ascii_is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

/* Decimal digits only, at least one, at most max: true and *out, else false. */
static inline bool slice_u64(struct slice s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.len == 0)
		return false;
	for (uint32_t i = 0; i < s.len; i++) {
		if (!ascii_is_digit(s.p[i]))
			return false;
		if (v > (UINT64_MAX - 9) / 10)
			return false;
		v = v * 10 + (s.p[i] - '0');
	}
	if (v > max)
		return false;
	*out = v;
	return true;
}

static inline bool slice_u32(struct slice s, uint32_t *out)
{
	uint64_t v;

	if (!slice_u64(s, UINT32_MAX, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}
