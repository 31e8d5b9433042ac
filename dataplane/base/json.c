/* json.c - write JSON as a stream into growing memory */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

void json_init(struct json *j)
{
	*j = (struct json){0};
}

void json_free(struct json *j)
{
	free(j->p);
	*j = (struct json){0};
}

static bool reserve(struct json *j, size_t more)
{
	if (j->failed)
		return false;
	if (more <= j->cap - j->len)
		return true;
	size_t cap = j->cap ? j->cap : 256;
	while (cap - j->len < more) {
		if (cap > SIZE_MAX / 2) {
			j->failed = true;
			return false;
		}
		cap *= 2;
	}
	char *p = realloc(j->p, cap);
	if (!p) {
		j->failed = true;
		return false;
	}
	j->p = p;
	j->cap = cap;
	return true;
}

void json_raw(struct json *j, const char *text, size_t len)
{
	if (len == 0 || !reserve(j, len))
		return;
	memcpy(j->p + j->len, text, len);
	j->len += len;
}

static void put_text(struct json *j, const char *text)
{
	json_raw(j, text, strlen(text));
}

static void put_escaped(struct json *j, uint8_t c)
{
	char text[8];

	switch (c) {
	case '"':
		put_text(j, "\\\"");
		break;
	case '\\':
		put_text(j, "\\\\");
		break;
	case '\n':
		put_text(j, "\\n");
		break;
	case '\r':
		put_text(j, "\\r");
		break;
	case '\t':
		put_text(j, "\\t");
		break;
	default:
		snprintf(text, sizeof(text), "\\u%04x", c);
		put_text(j, text);
	}
}

static void put_string(struct json *j, struct slice s)
{
	uint32_t plain = 0; /* start of what can be copied as it is */

	put_text(j, "\"");
	for (uint32_t i = 0; i < s.len;) {
		uint8_t c = s.p[i];
		uint32_t n = text_utf8_length(s.p + i, s.len - i);

		if (n > 1 || (n == 1 && c >= 0x20 && c < 0x7f && c != '"' && c != '\\')) {
			i += n;
			continue;
		}
		json_raw(j, (const char *)s.p + plain, i - plain);
		put_escaped(j, c);
		plain = ++i;
	}
	if (s.len > plain)
		json_raw(j, (const char *)s.p + plain, s.len - plain);
	put_text(j, "\"");
}

/* What comes before every value: the comma and the key. */
static void begin(struct json *j, const char *key)
{
	if (j->comma)
		put_text(j, ",");
	if (key) {
		put_string(j, slice_str(key));
		put_text(j, ":");
	}
	j->comma = true;
}

void json_object(struct json *j, const char *key)
{
	begin(j, key);
	put_text(j, "{");
	j->comma = false;
}

void json_end_object(struct json *j)
{
	put_text(j, "}");
	j->comma = true;
}

void json_array(struct json *j, const char *key)
{
	begin(j, key);
	put_text(j, "[");
	j->comma = false;
}

void json_end_array(struct json *j)
{
	put_text(j, "]");
	j->comma = true;
}

void json_slice(struct json *j, const char *key, struct slice value)
{
	begin(j, key);
	put_string(j, value);
}

void json_str(struct json *j, const char *key, const char *value)
{
	begin(j, key);
	if (value)
		put_string(j, slice_str(value));
	else
		put_text(j, "null");
}

void json_u64(struct json *j, const char *key, uint64_t value)
{
	char text[24];

	begin(j, key);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	put_text(j, text);
}

void json_i64(struct json *j, const char *key, int64_t value)
{
	char text[24];

	begin(j, key);
	snprintf(text, sizeof(text), "%lld", (long long)value);
	put_text(j, text);
}

void json_double(struct json *j, const char *key, double value)
{
	char text[32];

	begin(j, key);
	if (!isfinite(value)) {
		put_text(j, "null");
		return;
	}
	/* 15 digits read as people wrote them; 17 where they would not come back the same. */
	snprintf(text, sizeof(text), "%.15g", value);
	if (strtod(text, NULL) != value)
		snprintf(text, sizeof(text), "%.17g", value);
	put_text(j, text);
}

void json_bool(struct json *j, const char *key, bool value)
{
	begin(j, key);
	put_text(j, value ? "true" : "false");
}
