/* render.c - any JSON answer as something to read */
#include "ctl/render.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	COLUMNS_MAX = 64,
	DEPTH_MAX = 8, /* deeper values are shown as JSON */
	GAP = 2,       /* between columns */
	INDENT = 2,
};

/* A cell as text, on the heap. */
static char *scalar_text(const json_t *v);

static char *join(const json_t *array)
{
	size_t len = 0, cap = 1;
	char *text = calloc(1, cap);
	json_t *v;
	size_t i;

	json_array_foreach((json_t *)array, i, v)
	{
		char *one = scalar_text(v);
		size_t more = one ? strlen(one) : 0;
		char *larger = text ? realloc(text, cap + more + 2) : NULL;

		if (!larger)
			free(text);
		text = larger;
		if (text) {
			len += (size_t)sprintf(text + len, "%s%s", i ? ", " : "",
					       one ? one : "");
			cap = len + 1;
		}
		free(one);
	}
	return text;
}

static char *number_text(const json_t *v)
{
	char text[40];

	if (json_is_integer(v))
		snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(v));
	else
		snprintf(text, sizeof(text), "%.6g", json_real_value(v));
	return strdup(text);
}

/* C0, DEL and, as they come in UTF-8, C1: what a terminal would obey (ECMA-48). */
static char *printable(const char *s, size_t len)
{
	char *text = malloc(len + 1);
	size_t n = 0;

	for (size_t i = 0; text && i < len; i++) {
		uint8_t byte = (uint8_t)s[i], next = i + 1 < len ? (uint8_t)s[i + 1] : 0;

		if (byte == 0xc2 && next >= 0x80 && next < 0xa0)
			i++;
		else if (byte >= 0x20 && byte != 0x7f) {
			text[n++] = s[i];
			continue;
		}
		text[n++] = '?';
	}
	if (text)
		text[n] = 0;
	return text;
}

static bool is_scalar(const json_t *v)
{
	return !json_is_object(v) && !json_is_array(v);
}

static bool is_array_of_scalars(const json_t *v)
{
	json_t *one;
	size_t i;

	if (!json_is_array(v))
		return false;
	json_array_foreach((json_t *)v, i, one) if (!is_scalar(one)) return false;
	return true;
}

static char *scalar_text(const json_t *v)
{
	if (json_is_string(v))
		return printable(json_string_value(v), json_string_length(v));
	if (json_is_number(v))
		return number_text(v);
	if (json_is_true(v))
		return strdup("yes");
	if (json_is_false(v))
		return strdup("no");
	if (v == NULL || json_is_null(v) || (json_is_array(v) && json_array_size(v) == 0))
		return strdup("-");
	if (is_array_of_scalars(v))
		return join(v);
	return json_dumps(v, JSON_COMPACT | JSON_ENSURE_ASCII);
}

/* Code points, not octets: what takes a column. */
static int width(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += ((uint8_t)*text & 0xc0) != 0x80;
	return n;
}

static void put_spaces(FILE *out, int n)
{
	if (n > 0)
		fprintf(out, "%*s", n, "");
}

/* Of one table: its keys, and how wide each is. */
struct columns {
	int n;
	const char *key[COLUMNS_MAX];
	int width[COLUMNS_MAX];
	bool number[COLUMNS_MAX]; /* every cell is one: to the right */
};

static int column_of(struct columns *c, const char *key)
{
	for (int i = 0; i < c->n; i++)
		if (strcmp(c->key[i], key) == 0)
			return i;
	if (c->n == COLUMNS_MAX)
		return -1;
	c->key[c->n] = key;
	c->width[c->n] = width(key);
	c->number[c->n] = true;
	return c->n++;
}

static void columns_measure(struct columns *c, const json_t *rows)
{
	const char *key;
	json_t *row, *v;
	size_t i;

	json_array_foreach((json_t *)rows, i, row)
	{
		json_object_foreach(row, key, v)
		{
			int at = column_of(c, key);
			char *text = at < 0 ? NULL : scalar_text(v);

			if (!text)
				continue;
			if (width(text) > c->width[at])
				c->width[at] = width(text);
			if (!json_is_number(v) && !json_is_null(v))
				c->number[at] = false;
			free(text);
		}
	}
}

static void put_cell(FILE *out, const struct columns *c, int i, const char *text)
{
	int pad = c->width[i] - width(text);

	if (c->number[i])
		put_spaces(out, pad);
	fputs(text, out);
	if (i + 1 == c->n)
		return;
	put_spaces(out, (c->number[i] ? 0 : pad) + GAP);
}

static void put_heading(FILE *out, const struct columns *c, int indent)
{
	put_spaces(out, indent);
	for (int i = 0; i < c->n; i++) {
		char *text = printable(c->key[i], strlen(c->key[i]));

		for (char *p = text; p && *p; p++)
			if (*p >= 'a' && *p <= 'z')
				*p = (char)(*p - 'a' + 'A');
		put_cell(out, c, i, text ? text : "");
		free(text);
	}
	fputc('\n', out);
}

static void put_rows(FILE *out, const json_t *rows, int indent)
{
	struct columns c = {0};
	json_t *row;
	size_t i;

	columns_measure(&c, rows);
	put_heading(out, &c, indent);
	json_array_foreach((json_t *)rows, i, row)
	{
		put_spaces(out, indent);
		for (int k = 0; k < c.n; k++) {
			char *text = scalar_text(json_object_get(row, c.key[k]));

			put_cell(out, &c, k, text ? text : "");
			free(text);
		}
		fputc('\n', out);
	}
}

static bool is_table(const json_t *v)
{
	json_t *row;
	size_t i;

	if (!json_is_array(v) || json_array_size(v) == 0)
		return false;
	json_array_foreach((json_t *)v, i, row) if (!json_is_object(row) ||
						    json_object_size(row) == 0) return false;
	return true;
}

static void put_any(FILE *out, const json_t *v, int indent, int depth);

/* A value that has lines of its own, not one beside its key. */
static bool is_block(const json_t *v, int depth)
{
	if (depth >= DEPTH_MAX)
		return false;
	return is_table(v) || (json_is_object(v) && json_object_size(v));
}

static void put_member(FILE *out, const char *key, const json_t *v, int indent, int key_width,
		       int depth)
{
	char *name = printable(key, strlen(key));

	put_spaces(out, indent);
	fputs(name ? name : "", out);
	if (is_block(v, depth)) {
		fputs(":\n", out);
		put_any(out, v, indent + INDENT, depth + 1);
	} else {
		char *text = scalar_text(v);

		put_spaces(out, key_width - width(name ? name : "") + GAP);
		fputs(text ? text : "", out);
		fputc('\n', out);
		free(text);
	}
	free(name);
}

/* With "rows" first, and its note last, whatever their order. */
static void put_object(FILE *out, const json_t *object, int indent, int depth)
{
	const json_t *rows = json_object_get(object, "rows");
	const json_t *note = json_object_get(object, "note");
	int key_width = 0;
	const char *key;
	json_t *v;

	if (!json_is_array(rows))
		rows = NULL;
	json_object_foreach((json_t *)object, key,
			    v) if (v != rows && v != note && !is_block(v, depth) &&
				   width(key) > key_width) key_width = width(key);
	if (rows)
		put_any(out, rows, indent, depth + 1);
	json_object_foreach((json_t *)object, key, v) if (v != rows && v != note)
		put_member(out, key, v, indent, key_width, depth);
	if (note) {
		char *text = scalar_text(note);

		put_spaces(out, indent);
		fprintf(out, "%s\n", text ? text : "");
		free(text);
	}
}

static void put_list(FILE *out, const json_t *array, int indent, int depth)
{
	json_t *v;
	size_t i;

	if (json_array_size(array) == 0) {
		put_spaces(out, indent);
		fputs("(none)\n", out);
	}
	json_array_foreach((json_t *)array, i, v) put_any(out, v, indent, depth + 1);
}

static void put_any(FILE *out, const json_t *v, int indent, int depth)
{
	if (depth < DEPTH_MAX && is_table(v)) {
		put_rows(out, v, indent);
	} else if (depth < DEPTH_MAX && json_is_array(v)) {
		put_list(out, v, indent, depth);
	} else if (depth < DEPTH_MAX && json_is_object(v)) {
		put_object(out, v, indent, depth);
	} else {
		char *text = scalar_text(v);

		put_spaces(out, indent);
		fprintf(out, "%s\n", text ? text : "");
		free(text);
	}
}

static void put_json(FILE *out, const json_t *answer)
{
	json_dumpf(answer, out, JSON_INDENT(2) | JSON_ENCODE_ANY);
	fputc('\n', out);
}

void render(struct ctl *c, const json_t *answer)
{
	const json_t *data = json_object_get(answer, "data");

	if (c->json)
		put_json(c->out, answer);
	else if (json_is_string(data) && json_object_size(answer) == 1)
		fwrite(json_string_value(data), 1, json_string_length(data), c->out);
	else
		put_any(c->out, answer, 0, 0);
}

void render_error(struct ctl *c, const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");
	const json_t *hint = json_object_get(error, "hint");
	const json_t *message = json_object_get(error, "message");

	if (c->json) {
		put_json(c->out, answer);
		return;
	}
	char *text = scalar_text(json_is_string(message) ? message : error);
	fprintf(c->err, "error: %s\n", text ? text : "unknown");
	free(text);
	if (!json_is_string(hint))
		return;
	text = scalar_text(hint);
	fprintf(c->err, "hint: %s\n", text ? text : "");
	free(text);
}
