/* move.c - all of one store into another, of either back end */
#include "store/move.h"

#include <stdio.h>

#include "store/driver.h"
#include "store/db.h"

enum { TABLES_MAX = 32, TABLE_NAME_MAX = 63 };

struct table {
	char part[8], name[TABLE_NAME_MAX + 1];
	uint64_t rows;
};

struct move {
	struct db *from, *to;
	struct table table[TABLES_MAX];
	uint32_t n_tables;
	struct table *now;
	bool begun; /* the loading of the table */
	enum store_result result;
	char *error;
};

static enum store_result refuse(struct move *m, enum store_result r, const char *sentence)
{
	if (r != STORE_OK && !*m->error)
		snprintf(m->error, STORE_ERROR_MAX, "%s%s%s", sentence, m->now ? " " : "",
			 m->now ? m->now->name : "");
	return r;
}

static bool copy_name(char *out, size_t size, const struct value *v)
{
	if (v->kind != VALUE_TEXT || v->octets.len == 0 || v->octets.len >= size)
		return false;
	memcpy(out, v->octets.p, v->octets.len);
	out[v->octets.len] = 0;
	return true;
}

static bool take_table(void *ctx, uint32_t n, const char *const *name,
		       const struct value *value)
{
	struct move *m = ctx;
	struct table *t = &m->table[m->n_tables];

	if (m->n_tables == TABLES_MAX || n != 2 ||
	    !copy_name(t->part, sizeof(t->part), &value[0]) ||
	    !copy_name(t->name, sizeof(t->name), &value[1])) {
		m->result = STORE_FAIL;
		return false;
	}
	m->n_tables++;
	return true;
}

/* Both are of the same schema: opening brought them there. */
static enum store_result list_tables(struct move *m)
{
	enum store_result r =
		m->from->driver->scan(m->from, m->from->driver->tables_sql, take_table, m);

	if (r == STORE_OK)
		r = m->result;
	return refuse(m, r, "the tables of the source cannot be read");
}

static enum store_result check_empty(struct move *m)
{
	enum store_result r = STORE_OK;
	char sql[160];

	for (uint32_t i = 0; r == STORE_OK && i < m->n_tables; i++) {
		struct table *t = &m->table[i];
		int64_t there = 0;

		snprintf(sql, sizeof(sql),
			 "SELECT count(*) FROM (SELECT 1 FROM %s.%s LIMIT 1) x", t->part,
			 t->name);
		r = m->to->driver->number(m->to, sql, &there);
		if (r == STORE_OK && there)
			return refuse(m, STORE_EXISTS, "the target is not empty");
	}
	return refuse(m, r, "the tables of the target cannot be read");
}

static bool move_row(void *ctx, uint32_t n, const char *const *name, const struct value *value)
{
	struct move *m = ctx;
	char table[sizeof(m->now->part) + sizeof(m->now->name) + 1];

	if (!m->begun) {
		snprintf(table, sizeof(table), "%s.%s", m->now->part, m->now->name);
		m->begun = true;
		m->result = m->to->driver->load_begin(m->to, table, n, name);
	}
	if (m->result == STORE_OK)
		m->result = m->to->driver->load_row(m->to, n, value);
	m->now->rows++;
	return m->result == STORE_OK;
}

/* Of the target, what it says at the end; of the source, whether that was all. */
static enum store_result move_rows(struct move *m)
{
	char sql[120];
	enum store_result r, taken;

	snprintf(sql, sizeof(sql), "SELECT * FROM %s.%s", m->now->part, m->now->name);
	m->begun = false;
	r = m->from->driver->scan(m->from, sql, move_row, m);
	taken = m->begun ? m->to->driver->load_end(m->to) : STORE_OK;
	if (m->result != STORE_OK || taken != STORE_OK)
		return refuse(m, m->result != STORE_OK ? m->result : taken,
			      "the target does not take");
	return refuse(m, r, "the source does not give");
}

/* Identifiers go on where those of the source stopped: none is used twice. */
static enum store_result move_last_id(struct move *m)
{
	enum store_result r;
	int64_t id = 0;

	if (strcmp(m->now->part, "main") != 0)
		return STORE_OK;
	r = m->from->driver->last_id(m->from, m->now->name, &id);
	if (r == STORE_OK && id > 0)
		r = m->to->driver->set_last_id(m->to, m->now->name, id);
	return refuse(m, r, "the identifiers cannot be moved of");
}

/* SQNs count from the epoch of the source. An empty boot lets the next start begin another. */
static enum store_result move_epoch(struct move *m)
{
	char sql[96];

	snprintf(sql, sizeof(sql), "UPDATE main.meta SET epoch = %lld, boot = ''",
		 (long long)m->from->epoch);
	return refuse(m, m->to->driver->exec(m->to, sql), "the epoch cannot be moved");
}

static enum store_result move_all(struct move *m)
{
	enum store_result r = list_tables(m);

	if (r == STORE_OK)
		r = check_empty(m);
	for (uint32_t i = 0; r == STORE_OK && i < m->n_tables; i++) {
		m->now = &m->table[i];
		r = move_rows(m);
		if (r == STORE_OK)
			r = move_last_id(m);
	}
	m->now = NULL;
	return r == STORE_OK ? move_epoch(m) : r;
}

/* Nobody else changes anything in it. */
static enum store_result hold(struct move *m, struct store *s)
{
	enum store_result r = store_begin(s, STORE_PROVISION);

	if (r == STORE_OK)
		r = s->db->driver->lock_state(s->db);
	return refuse(m, r, s->db == m->from ? "the source is busy" : "the target is busy");
}

static uint64_t rows_of(const struct move *m, const char *part, const char *name)
{
	for (uint32_t i = 0; i < m->n_tables; i++)
		if (strcmp(m->table[i].part, part) == 0 && strcmp(m->table[i].name, name) == 0)
			return m->table[i].rows;
	return 0;
}

static void count(const struct move *m, struct store_moved *out)
{
	*out = (struct store_moved){
		.subscribers = rows_of(m, "main", "impi"),
		.profiles = rows_of(m, "main", "profile"),
		.sets = rows_of(m, "state", "assignment"),
		.sqns = rows_of(m, "state", "sqn"),
	};
	for (uint32_t i = 0; i < m->n_tables; i++)
		out->rows += m->table[i].rows;
}

enum store_result store_move(struct store *from, struct store *to, struct store_moved *out,
			     char *error)
{
	struct move m = {.from = from->db, .to = to->db, .error = error};
	enum store_result r;

	*error = 0;
	r = hold(&m, from);
	if (r == STORE_OK)
		r = hold(&m, to);
	if (r == STORE_OK)
		r = move_all(&m);
	if (r == STORE_OK)
		r = refuse(&m, store_commit(to), "the target does not commit");
	store_rollback(to);
	store_rollback(from);
	count(&m, out);
	return r;
}
