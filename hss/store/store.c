/* store.c - which back end a store has, its transactions and the statements on it */
#include "store/db.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static const struct driver *driver_of(const char *where)
{
	struct slice s = slice_str(where);

	return slice_starts(s, SLICE("postgresql://")) || slice_starts(s, SLICE("postgres://"))
		       ? &postgres_driver
		       : &sqlite_driver;
}

struct store *store_open(const char *where, char *error)
{
	const struct driver *driver = driver_of(where);
	struct store *s = calloc(1, sizeof(*s));

	if (!s) {
		snprintf(error, STORE_ERROR_MAX, "no memory");
		return NULL;
	}
	*error = 0;
	s->db = driver->open(where, error);
	if (s->db)
		return s;
	free(s);
	return NULL;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	s->db->driver->close(s->db);
	free(s);
}

enum store_result store_begin(struct store *s, enum store_lock lock)
{
	enum store_result r;

	/* Left by a rollback that failed: it would swallow all that follows. */
	store_rollback(s);
	s->db->driver->ready(s->db);
	r = s->db->driver->begin(s->db, lock);
	if (r != STORE_OK)
		store_rollback(s);
	return r;
}

enum store_result store_commit(struct store *s)
{
	enum store_result r;

	/* An error inside may have rolled all of it back: that is no success. */
	if (!s->db->driver->in_transaction(s->db))
		return STORE_FAIL;
	r = s->db->driver->commit(s->db);
	if (r != STORE_OK)
		store_rollback(s);
	return r;
}

void store_rollback(struct store *s)
{
	/* An error may have ended the transaction before us. */
	if (s->db->driver->in_transaction(s->db))
		s->db->driver->rollback(s->db);
}

enum store_result store_checkpoint(struct store *s)
{
	s->db->driver->ready(s->db);
	return s->db->driver->checkpoint(s->db);
}

struct statement *store_take(struct store *s, enum store_statement id)
{
	struct statement *st = &s->statement[id];

	if (!s->db->driver->in_transaction(s->db))
		s->db->driver->ready(s->db);
	s->db->driver->reset(s->db, id);
	st->db = s->db;
	st->id = id;
	st->begun = false;
	st->n = 0;
	return st;
}

static struct value *bind(struct statement *st, int i)
{
	assert(i >= 1 && i <= BOUND_MAX);
	/* Places that were left out are NULL. */
	while (st->n < (uint32_t)i)
		st->bound[st->n++] = (struct value){.kind = VALUE_NULL};
	return &st->bound[i - 1];
}

void store_bind_int(struct statement *st, int i, int64_t number)
{
	*bind(st, i) = (struct value){.kind = VALUE_NUMBER, .number = number};
}

void store_bind_text(struct statement *st, int i, const char *text)
{
	store_bind_slice(st, i, slice_str(text));
}

void store_bind_slice(struct statement *st, int i, struct slice text)
{
	*bind(st, i) = (struct value){.kind = VALUE_TEXT, .octets = text};
}

void store_bind_blob(struct statement *st, int i, const void *octets, size_t len)
{
	*bind(st, i) = (struct value){.kind = VALUE_BLOB, .octets = slice_of(octets, len)};
}

static enum store_result step(struct statement *st)
{
	const struct value *bound = st->begun ? NULL : st->bound;

	st->begun = true;
	return st->db->driver->step(st->db, st->id, bound, st->n);
}

enum store_result store_row(struct statement *st)
{
	enum store_result r = step(st);

	if (r != STORE_OK)
		store_reset(st);
	return r;
}

enum store_result store_run(struct statement *st)
{
	return st->db->driver->run(st->db, st->id, st->bound, st->n);
}

enum store_result store_run_id(struct statement *st, int64_t *id)
{
	enum store_result r = store_row(st);

	if (r == STORE_OK)
		*id = store_column_int(st, 0);
	store_reset(st);
	/* It changes something or it fails. */
	return r == STORE_NONE ? STORE_FAIL : r;
}

void store_reset(struct statement *st)
{
	st->db->driver->reset(st->db, st->id);
}

static struct value column_of(struct statement *st, int column)
{
	struct value v = {.kind = VALUE_NULL};

	st->db->driver->column(st->db, st->id, column, &v);
	return v;
}

int64_t store_column_int(struct statement *st, int column)
{
	struct value v = column_of(st, column);

	return v.kind == VALUE_NUMBER ? v.number : 0;
}

struct slice store_column_slice(struct statement *st, int column)
{
	struct value v = column_of(st, column);

	return v.kind == VALUE_TEXT || v.kind == VALUE_BLOB ? v.octets : SLICE_EMPTY;
}

bool store_column_text(struct statement *st, int column, char *out, size_t size)
{
	struct slice text = store_column_slice(st, column);

	if (text.len >= size)
		return false;
	if (text.len)
		memcpy(out, text.p, text.len);
	out[text.len] = 0;
	return true;
}

bool store_column_blob(struct statement *st, int column, void *out, size_t len)
{
	struct slice blob = store_column_slice(st, column);

	if (blob.len != len)
		return false;
	if (len)
		memcpy(out, blob.p, len);
	return true;
}
