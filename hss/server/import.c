/* import.c - many subscribers at once, from CSV or JSON */
#include "hss/import.h"

#include <stdio.h>
#include <stdlib.h>

#include "hss/csv.h"

void import_refuse(struct import *i, uint32_t line, uint32_t column, const char *key,
		   const char *sentence)
{
	struct import_result *r = i->result;

	/* One reason a record is enough. */
	if (i->sound && r->n_wrong < IMPORT_WRONG_MAX) {
		struct import_wrong *w = &r->wrong[r->n_wrong++];

		w->line = line;
		w->column = column;
		w->key = key;
		snprintf(w->sentence, sizeof(w->sentence), "%s", sentence);
	}
	i->sound = false;
}

void import_begin_record(struct import *i, uint32_t line, uint32_t column)
{
	entry_clear(&i->entry);
	memset(i->place, 0, sizeof(i->place));
	i->sound = true;
	i->line = line;
	i->column = column;
}

void import_value(struct import *i, enum entry_key key, struct slice value, uint32_t line,
		  uint32_t column)
{
	char error[ENTRY_ERROR_MAX];

	i->place[key].line = line;
	i->place[key].column = column;
	if (i->sound && !entry_set(&i->entry, key, value, error))
		import_refuse(i, line, column, entry_key_name(key), error);
}

/* A key that is missing has no place but that of its record. */
static void refuse_key(struct import *i, enum entry_key key, const char *sentence)
{
	bool there = i->place[key].line != 0;

	import_refuse(i, there ? i->place[key].line : i->line,
		      there ? i->place[key].column : i->column, entry_key_name(key), sentence);
}

/* What the store refused for its contents; which key that is, the store knows. */
static void refuse_by_store(struct import *i, enum store_result r, const char *sentence)
{
	struct store_impi found;

	if (r == STORE_NONE) {
		refuse_key(i, i->place[ENTRY_PROFILE].line ? ENTRY_PROFILE : ENTRY_IMPU_PROFILE,
			   "no such profile");
		return;
	}
	r = store_find_impi(i->store, slice_str(i->entry.sub.impi), &found);
	explicit_bzero(&found, sizeof(found));
	refuse_key(i, r == STORE_OK ? ENTRY_IMPI : ENTRY_IMPU, sentence);
}

/* Not the record is wrong then, but nothing more can be stored. */
static bool store_failed(struct import *i, enum store_result r)
{
	i->sound = true;
	i->result->n_wrong = 0;
	import_refuse(i, 0, 0, NULL,
		      r == STORE_BUSY ? "the store is busy"
				      : "the store failed: see the log of the HSS");
	return false;
}

static bool put(struct import *i)
{
	char error[ENTRY_ERROR_MAX];
	enum store_result r = store_subscriber_put(i->store, &i->entry.sub, false, error);

	if (r == STORE_OK) {
		i->result->imported++;
		return true;
	}
	if (r != STORE_EXISTS && r != STORE_NONE)
		return store_failed(i, r);
	refuse_by_store(i, r, error);
	return true;
}

bool import_end_record(struct import *i)
{
	char error[ENTRY_ERROR_MAX];
	enum entry_key where;

	if (i->sound && !entry_complete(&i->entry, i->defaults, &where, error))
		refuse_key(i, where, error);
	if (i->sound && !put(i))
		return false;
	if (i->sound)
		return true;
	i->result->skipped++;
	return i->skip_errors;
}

/* Which key each column has. */
struct columns {
	uint32_t n;
	enum entry_key key[CSV_FIELDS_MAX];
};

static bool refuse_column(struct import *i, const struct csv_field *f, const char *sentence)
{
	import_refuse(i, f->line, f->column, NULL, sentence);
	return false;
}

/* A first record that names no columns may hold keys of a subscriber: it is not quoted. */
static bool take_header(struct import *i, const struct csv *c, struct columns *columns)
{
	uint32_t seen = 0;

	columns->n = c->n_fields;
	for (uint32_t k = 0; k < c->n_fields; k++) {
		int key = entry_key(c->field[k].value);
		char sentence[ENTRY_ERROR_MAX];

		if (key < 0) {
			const char *near = entry_key_near(c->field[k].value);

			snprintf(sentence, sizeof(sentence), "unknown column%s%s%s",
				 near ? "; perhaps \"" : "", near ? near : "",
				 near ? "\"" : "");
			return refuse_column(i, &c->field[k], sentence);
		}
		if (seen >> key & 1)
			return refuse_column(i, &c->field[k], "the same column twice");
		seen |= 1u << key;
		columns->key[k] = (enum entry_key)key;
	}
	if (!(seen >> ENTRY_IMPI & 1) || !(seen >> ENTRY_IMPU & 1))
		return refuse_column(
			i, &c->field[0],
			"the first line names the columns; impi and impu are wanted");
	return true;
}

static void take_record(struct import *i, const struct csv *c, const struct columns *columns)
{
	char sentence[ENTRY_ERROR_MAX];

	import_begin_record(i, c->field[0].line, c->field[0].column);
	if (c->n_fields != columns->n) {
		const struct csv_field *last =
			&c->field[c->n_fields < columns->n ? c->n_fields - 1 : columns->n];

		snprintf(sentence, sizeof(sentence), "%u fields, and the first line has %u",
			 c->n_fields, columns->n);
		import_refuse(i, last->line, last->column, NULL, sentence);
		return;
	}
	for (uint32_t k = 0; k < c->n_fields; k++)
		import_value(i, columns->key[k], c->field[k].value, c->field[k].line,
			     c->field[k].column);
}

static bool read_records(struct import *i, struct csv *c, const struct columns *columns)
{
	enum csv_result r;

	while ((r = csv_next(c)) != CSV_END) {
		if (r == CSV_RECORD) {
			take_record(i, c, columns);
		} else {
			import_begin_record(i, c->line, c->column);
			import_refuse(i, c->line, c->column, NULL, c->error);
			csv_skip_line(c);
		}
		if (!import_end_record(i))
			return false;
	}
	return true;
}

static bool read_csv(struct import *i, struct csv *c, struct slice text)
{
	struct columns columns;

	csv_begin(c, text);
	import_begin_record(i, 1, 1);
	switch (csv_next(c)) {
	case CSV_RECORD:
		return take_header(i, c, &columns) && read_records(i, c, &columns);
	case CSV_WRONG:
		import_refuse(i, c->line, c->column, NULL, c->error);
		return false;
	default:
		import_refuse(i, 1, 1, NULL, "nothing is there");
		return false;
	}
}

static bool import_csv(struct import *i, struct slice text)
{
	struct csv *c = malloc(sizeof(*c));
	bool read = c && read_csv(i, c, text);

	if (c)
		csv_wipe(c);
	else
		store_failed(i, STORE_FAIL);
	free(c);
	return read;
}

static bool is_json(struct slice text)
{
	if (slice_starts(text, SLICE("\xef\xbb\xbf")))
		text = slice_from(text, 3);
	text = slice_trim(text);
	return text.len && (text.p[0] == '[' || text.p[0] == '{');
}

static bool run(struct import *i, struct slice text)
{
	enum store_result r = store_begin(i->store, STORE_PROVISION);

	if (r != STORE_OK)
		return store_failed(i, r);
	if (is_json(text) ? import_json(i, text) : import_csv(i, text)) {
		r = store_commit(i->store);
		return r == STORE_OK || store_failed(i, r);
	}
	store_rollback(i->store);
	return false;
}

bool import_run(struct store *s, const struct entry_defaults *d, struct slice text,
		bool skip_errors, struct import_result *out)
{
	struct import *i = calloc(1, sizeof(*i));
	bool done;

	memset(out, 0, sizeof(*out));
	if (!i) {
		out->n_wrong = 1;
		snprintf(out->wrong[0].sentence, sizeof(out->wrong[0].sentence), "no memory");
		return false;
	}
	*i = (struct import){.store = s,
			     .defaults = d,
			     .skip_errors = skip_errors,
			     .sound = true,
			     .result = out};
	done = run(i, text);
	/* Without skip_errors the last refused is the only one. */
	if (!done)
		out->imported = 0;
	entry_wipe(&i->entry);
	free(i);
	return done;
}
