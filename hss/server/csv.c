/* csv.c - records of comma separated values, with the place of each (RFC 4180) */
#include "hss/csv.h"

#include <openssl/crypto.h>

void csv_begin(struct csv *c, struct slice text)
{
	memset(c, 0, sizeof(*c));
	c->rest = text;
	c->line = c->column = 1;
	if (slice_starts(text, SLICE("\xef\xbb\xbf")))
		c->rest = slice_from(text, 3);
}

void csv_wipe(struct csv *c)
{
	OPENSSL_cleanse(c->memory, sizeof(c->memory));
}

/* The next octet, -1 at the end. */
static int peek(const struct csv *c)
{
	return c->rest.len ? c->rest.p[0] : -1;
}

static void step(struct csv *c)
{
	if (c->rest.p[0] == '\n') {
		c->line++;
		c->column = 1;
	} else {
		c->column++;
	}
	c->rest = slice_from(c->rest, 1);
}

static bool wrong(struct csv *c, const char *sentence)
{
	c->error = sentence;
	return false;
}

static bool put(struct csv *c, uint8_t octet)
{
	if (c->used == CSV_RECORD_MAX)
		return wrong(c, "the record is longer than 64 KiB");
	c->memory[c->used++] = octet;
	return true;
}

static bool at_line_end(const struct csv *c)
{
	return c->rest.len == 0 || peek(c) == '\n' || slice_starts(c->rest, SLICE("\r\n"));
}

static void skip_blanks(struct csv *c)
{
	while (peek(c) == ' ' || peek(c) == '\t')
		step(c);
}

static bool take_quoted(struct csv *c)
{
	uint32_t line = c->line, column = c->column;

	step(c);
	for (; c->rest.len; step(c)) {
		if (peek(c) == '"') {
			step(c);
			if (peek(c) != '"') {
				skip_blanks(c);
				return peek(c) == ',' || at_line_end(c) ||
				       wrong(c, "something behind the closing quote");
			}
		}
		if (peek(c) == 0)
			return wrong(c, "a NUL octet");
		if (!put(c, (uint8_t)peek(c)))
			return false;
	}
	c->line = line;
	c->column = column;
	return wrong(c, "the quote is never closed");
}

static bool take_plain(struct csv *c)
{
	for (; !at_line_end(c) && peek(c) != ','; step(c)) {
		if (peek(c) == '"')
			return wrong(c, "a quote inside a field without quotes");
		if (peek(c) == 0)
			return wrong(c, "a NUL octet");
		if (peek(c) == '\r')
			return wrong(c, "a carriage return without a line feed");
		if (!put(c, (uint8_t)peek(c)))
			return false;
	}
	return true;
}

static bool take_field(struct csv *c)
{
	struct csv_field *f = &c->field[c->n_fields];
	uint32_t from;
	bool quoted;

	if (c->n_fields == CSV_FIELDS_MAX)
		return wrong(c, "more than 64 fields");
	skip_blanks(c);
	from = c->used;
	f->line = c->line;
	f->column = c->column;
	quoted = peek(c) == '"';
	if (!(quoted ? take_quoted(c) : take_plain(c)))
		return false;
	f->value = slice_of(c->memory + from, c->used - from);
	if (!quoted)
		f->value = slice_trim(f->value);
	c->n_fields++;
	return true;
}

static void skip_empty_lines(struct csv *c)
{
	for (;;) {
		struct slice rest = c->rest;
		uint32_t column = c->column;

		skip_blanks(c);
		if (c->rest.len == 0)
			return;
		if (!at_line_end(c)) {
			c->rest = rest;
			c->column = column;
			return;
		}
		csv_skip_line(c);
	}
}

enum csv_result csv_next(struct csv *c)
{
	c->n_fields = c->used = 0;
	c->error = NULL;
	skip_empty_lines(c);
	if (c->rest.len == 0)
		return CSV_END;
	for (;;) {
		if (!take_field(c))
			return CSV_WRONG;
		if (peek(c) != ',')
			break;
		step(c);
	}
	csv_skip_line(c);
	return CSV_RECORD;
}

void csv_skip_line(struct csv *c)
{
	while (c->rest.len && peek(c) != '\n')
		step(c);
	if (c->rest.len)
		step(c);
}
