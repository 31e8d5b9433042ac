/* postgres.c - the store in a PostgreSQL database: transactions, statements, results
 *
 * Two schemas, main and state, where SQLite has two files. Locks are those of tables that hold
 * nothing: main.turn for provisioning, state.turn for Cx. They are taken before the first
 * snapshot, so that whoever has one sees all that was done under it before.
 *
 * When state may have been lost: state is committed without waiting for the disk, so an end of
 * the server that was no shutdown takes the last of it. state.alive is UNLOGGED: the server
 * itself empties it in just these cases (a crash of one of its processes, of the machine, a
 * standby that takes over, a restored base backup). It is also looked at whether the server
 * was started since, and whether the table is the one of before, which a restored dump's is
 * not.
 */
#define _GNU_SOURCE
#include "store/driver.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "store/link.h"
#include "store/load.h"
#include "store/sql.h"

enum { SQL_MAX = 8192, NUMBER_LEN = 8, QUEUE_MAX = 64 };

/* Behind those of statement.def. */
enum own_statement {
	OWN_BEGIN_READ = ST_MAX,
	OWN_BEGIN_CX,
	OWN_BEGIN_PROVISION,
	OWN_ASYNCHRONOUS,
	OWN_LOCK_STATE,
	OWN_LOCK_MAIN,
	OWN_COMMIT,
	OWN_ROLLBACK,
	OWN_MAX
};

static const char *const statement_sql[OWN_MAX] = {
#define ST(id, sql) [ST_##id] = sql,
#include "store/statement.def"
#undef ST
	[OWN_BEGIN_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
	[OWN_BEGIN_CX] = "BEGIN ISOLATION LEVEL REPEATABLE READ",
	/* Not repeatable: behind lock_state it sees what Cx did before that. */
	[OWN_BEGIN_PROVISION] = "BEGIN",
	[OWN_ASYNCHRONOUS] = "SET LOCAL synchronous_commit = off",
	[OWN_LOCK_STATE] = "LOCK TABLE state.turn IN EXCLUSIVE MODE",
	[OWN_LOCK_MAIN] = "LOCK TABLE main.turn IN EXCLUSIVE MODE",
	[OWN_COMMIT] = "COMMIT",
	[OWN_ROLLBACK] = "ROLLBACK",
};

/* What reads the whole store. */
static bool is_long(enum store_statement id)
{
	return id == ST_COUNT_ALL;
}

struct cursor {
	PGresult *result;
	int row;
};

struct postgres {
	struct db db;
	struct link link;
	bool in_transaction; /* ours, even if the connection is gone */
	enum store_lock lock;
	struct cursor cursor[ST_MAX];
	struct load load;
};

static struct postgres *postgres_of(struct db *d)
{
	return (struct postgres *)d;
}

static bool is_idle(const struct postgres *p)
{
	return p->link.conn && PQtransactionStatus(p->link.conn) == PQTRANS_IDLE;
}

static enum store_result query(struct postgres *p, const char *sql, int wait_ms)
{
	PGresult *r = link_query(&p->link, sql, link_until(wait_ms));
	enum store_result result = link_result(r);

	PQclear(r);
	if (is_idle(p))
		p->in_transaction = false;
	return result;
}

/* Waits for what was sent. */
static enum store_result sync(struct postgres *p, int wait_ms)
{
	PGresult *r = link_sync(&p->link, link_until(wait_ms));
	enum store_result result = link_result(r);

	PQclear(r);
	return result;
}

static void name_of(int id, char name[16])
{
	snprintf(name, 16, "s%d", id);
}

static enum store_result send_own(struct postgres *p, enum own_statement id)
{
	char name[16];

	name_of(id, name);
	return link_send(&p->link, name, 0, NULL, NULL) ? STORE_OK : STORE_FAIL;
}

static void forget(struct postgres *p)
{
	for (int i = 0; i < ST_MAX; i++) {
		PQclear(p->cursor[i].result);
		p->cursor[i].result = NULL;
	}
}

/* All of them on each connection, in one turn. The server sees the types of the places itself.
 */
static enum store_result prepare_all(struct postgres *p)
{
	char name[16], sql[SQL_MAX];

	for (int id = 0; id < OWN_MAX; id++) {
		name_of(id, name);
		if (!sql_translate(statement_sql[id], sql, sizeof(sql)) ||
		    !link_prepare(&p->link, name, sql))
			return STORE_FAIL;
	}
	return sync(p, STORE_WAIT_MS);
}

/* The tables are looked at each time: the server may be another than before. */
static enum store_result reconnect(struct postgres *p, char *error)
{
	enum store_result r;

	forget(p);
	r = link_connect(&p->link, error);
	if (r == STORE_OK)
		r = schema_open(&p->db, error ? error : (char[STORE_ERROR_MAX]){0});
	if (r == STORE_OK)
		r = prepare_all(p);
	if (r != STORE_OK) {
		link_drop(&p->link);
		return r;
	}
	log_event(LOG_INFO, "store", "connected", LOG_Z("server", p->link.shown),
		  LOG_I("epoch", p->db.epoch));
	return STORE_OK;
}

static void ready(struct db *d)
{
	struct postgres *p = postgres_of(d);

	if (!p->in_transaction && !link_alive(&p->link))
		reconnect(p, NULL);
}

/* What is not UTF-8, or has a NUL, is no text to PostgreSQL: none can be in the store, and none
 * can be put there. */
static enum store_result check_texts(enum store_statement id, const struct value *bound,
				     uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (bound[i].kind == VALUE_TEXT && !text_is_utf8(bound[i].octets))
			return strncmp(statement_sql[id], "SELECT", 6) == 0 ? STORE_NONE
									    : STORE_FAIL;
	return STORE_OK;
}

static enum store_result send(struct postgres *p, enum store_statement id,
			      const struct value *bound, uint32_t n)
{
	const char *octets[LINK_VALUES_MAX] = {0};
	int64_t number[LINK_VALUES_MAX];
	int len[LINK_VALUES_MAX];
	char name[16];
	enum store_result r = n <= LINK_VALUES_MAX ? check_texts(id, bound, n) : STORE_FAIL;

	if (r != STORE_OK)
		return r;
	for (uint32_t i = 0; i < n; i++) {
		bool is_number = bound[i].kind == VALUE_NUMBER;

		number[i] = (int64_t)htobe64((uint64_t)bound[i].number);
		len[i] = is_number ? NUMBER_LEN : (int)bound[i].octets.len;
		if (is_number)
			octets[i] = (const char *)&number[i];
		else if (bound[i].kind != VALUE_NULL)
			octets[i] = len[i] ? (const char *)bound[i].octets.p : "";
	}
	name_of(id, name);
	return link_send(&p->link, name, (int)n, octets, len) ? STORE_OK : STORE_FAIL;
}

/* Put off within a transaction: the next that wants a row, or the commit, waits for it too.
 * What may be undone on its own is known before more follows. */
static enum store_result run(struct db *d, enum store_statement id, const struct value *bound,
			     uint32_t n)
{
	struct postgres *p = postgres_of(d);
	enum store_result r = send(p, id, bound, n);

	if (r == STORE_OK &&
	    (!p->in_transaction || id == ST_SAVE_KEEP || p->link.queued >= QUEUE_MAX))
		r = sync(p, STORE_WAIT_MS);
	return r;
}

static enum store_result execute(struct postgres *p, enum store_statement id,
				 const struct value *bound, uint32_t n)
{
	struct cursor *c = &p->cursor[id];
	enum store_result r = send(p, id, bound, n);

	if (r != STORE_OK)
		return r;
	c->result = link_sync(&p->link, link_until(is_long(id) ? LINK_LONG_MS : STORE_WAIT_MS));
	c->row = -1;
	return link_result(c->result);
}

static enum store_result step(struct db *d, enum store_statement id, const struct value *bound,
			      uint32_t n)
{
	struct postgres *p = postgres_of(d);
	struct cursor *c = &p->cursor[id];
	enum store_result r = bound ? execute(p, id, bound, n) : STORE_OK;

	if (r != STORE_OK)
		return r;
	if (!c->result)
		return STORE_FAIL;
	return ++c->row < PQntuples(c->result) ? STORE_OK : STORE_NONE;
}

static void column(struct db *d, enum store_statement id, int at, struct value *out)
{
	struct cursor *c = &postgres_of(d)->cursor[id];

	if (c->result && c->row >= 0 && c->row < PQntuples(c->result) &&
	    at < PQnfields(c->result))
		load_value(c->result, c->row, at, out);
}

static void reset(struct db *d, enum store_statement id)
{
	struct cursor *c = &postgres_of(d)->cursor[id];

	PQclear(c->result);
	c->result = NULL;
}

static bool in_transaction(struct db *d)
{
	return postgres_of(d)->in_transaction;
}

/* Who provisions waits here for those before; Cx asks for the lock along with its first
 * question. */
static enum store_result begin(struct db *d, enum store_lock lock)
{
	static const enum own_statement first[] = {
		[STORE_READ] = OWN_BEGIN_READ,
		[STORE_CX] = OWN_BEGIN_CX,
		[STORE_PROVISION] = OWN_BEGIN_PROVISION,
	};
	struct postgres *p = postgres_of(d);
	enum store_result r;

	p->in_transaction = true;
	p->lock = lock;
	r = send_own(p, first[lock]);
	if (r == STORE_OK && lock == STORE_CX)
		r = send_own(p, OWN_ASYNCHRONOUS);
	if (r == STORE_OK && lock == STORE_CX)
		r = send_own(p, OWN_LOCK_STATE);
	if (r == STORE_OK && lock == STORE_PROVISION)
		r = send_own(p, OWN_LOCK_MAIN);
	if (r == STORE_OK && lock == STORE_PROVISION)
		r = sync(p, STORE_WAIT_MS);
	return r;
}

static enum store_result lock_state(struct db *d)
{
	return send_own(postgres_of(d), OWN_LOCK_STATE);
}

/* Ends a transaction of which nothing is to be known any more. */
static void leave(struct postgres *p, enum own_statement end)
{
	/* Behind something that failed it would not be done. */
	if (p->link.queued)
		link_mark(&p->link);
	if (send_own(p, end) == STORE_OK)
		link_mark(&p->link);
	p->in_transaction = false;
}

static void rollback(struct db *d)
{
	leave(postgres_of(d), OWN_ROLLBACK);
}

static enum store_result commit(struct db *d)
{
	struct postgres *p = postgres_of(d);
	enum store_result r;
	PGresult *last;

	if (!p->link.conn || PQtransactionStatus(p->link.conn) == PQTRANS_INERROR)
		return STORE_FAIL;
	if (p->lock == STORE_READ) {
		leave(p, OWN_COMMIT);
		return STORE_OK;
	}
	if (send_own(p, OWN_COMMIT) != STORE_OK)
		return STORE_FAIL;
	last = link_sync(&p->link,
			 link_until(p->lock == STORE_PROVISION ? LINK_LONG_MS : STORE_WAIT_MS));
	r = link_result(last);
	/* To the server, a commit of what has failed is a rollback that succeeds. */
	if (r == STORE_OK && strcmp(PQcmdStatus(last), "COMMIT") != 0)
		r = STORE_FAIL;
	PQclear(last);
	p->in_transaction = !is_idle(p);
	return r;
}

/* A commit that waits for the disk takes with it all that was committed before without. */
static enum store_result checkpoint(struct db *d)
{
	return query(postgres_of(d), "SELECT pg_logical_emit_message(true, 'saker', '')",
		     STORE_WAIT_MS);
}

/* One of our own number, so that only one at a time makes tables; then what SQLite has without
 * being asked. */
static enum store_result begin_schema(struct db *d)
{
	struct postgres *p = postgres_of(d);
	int64_t there = 0;
	enum store_result r;

	p->in_transaction = true;
	p->lock = STORE_PROVISION;
	r = query(p, "BEGIN; SELECT pg_advisory_xact_lock(7309475598860216688)", STORE_WAIT_MS);
	if (r == STORE_OK)
		r = d->driver->number(d,
				      "SELECT count(to_regclass('state.alive'))"
				      " + count(to_regclass('main.version'))",
				      &there);
	if (r != STORE_OK || there == 2)
		return r;
	return query(p,
		     "CREATE SCHEMA IF NOT EXISTS main;"
		     "CREATE SCHEMA IF NOT EXISTS state;"
		     "CREATE TABLE IF NOT EXISTS main.version(version bigint NOT NULL);"
		     "CREATE TABLE IF NOT EXISTS state.version(version bigint NOT NULL);"
		     "INSERT INTO main.version SELECT 0"
		     " WHERE NOT EXISTS (SELECT 1 FROM main.version);"
		     "INSERT INTO state.version SELECT 0"
		     " WHERE NOT EXISTS (SELECT 1 FROM state.version);"
		     "CREATE TABLE IF NOT EXISTS main.turn();"
		     "CREATE TABLE IF NOT EXISTS state.turn();"
		     "CREATE UNLOGGED TABLE IF NOT EXISTS state.alive(one bigint PRIMARY KEY)",
		     LINK_LONG_MS);
}

static enum store_result exec(struct db *d, const char *sql)
{
	struct postgres *p = postgres_of(d);
	char translated[SQL_MAX];

	if (!sql_translate(sql, translated, sizeof(translated)))
		return STORE_FAIL;
	return query(p, translated, LINK_LONG_MS);
}

static enum store_result number(struct db *d, const char *sql, int64_t *out)
{
	PGresult *r = link_query(&postgres_of(d)->link, sql, link_until(STORE_WAIT_MS));
	enum store_result result = link_result(r);

	if (result == STORE_OK && PQntuples(r) == 0)
		result = STORE_NONE;
	if (result == STORE_OK)
		*out = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
	PQclear(r);
	return result;
}

static int64_t version(struct db *d, const char *part)
{
	char sql[64];
	int64_t v = 0;

	snprintf(sql, sizeof(sql), "SELECT version FROM %s.version", part);
	return number(d, sql, &v) == STORE_OK ? v : -1;
}

static enum store_result set_version(struct db *d, const char *part, int64_t v)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "UPDATE %s.version SET version = %lld", part, (long long)v);
	return exec(d, sql);
}

/* The start of the server and the number of the table; and whether the row was still in it. */
static bool boot(struct db *d, char out[64])
{
	PGresult *r = link_query(
		&postgres_of(d)->link,
		"INSERT INTO state.alive VALUES(1) ON CONFLICT DO NOTHING RETURNING one",
		link_until(STORE_WAIT_MS));
	bool alive = link_result(r) == STORE_OK && PQntuples(r) == 0;

	*out = 0;
	PQclear(r);
	r = link_query(&postgres_of(d)->link,
		       "SELECT extract(epoch FROM pg_postmaster_start_time())::text || '-' ||"
		       " 'state.alive'::regclass::oid::text",
		       link_until(STORE_WAIT_MS));
	if (link_result(r) == STORE_OK && PQntuples(r) == 1)
		snprintf(out, 64, "%s", PQgetvalue(r, 0, 0));
	PQclear(r);
	return alive && *out;
}

static void close_link(struct db *d)
{
	struct postgres *p = postgres_of(d);

	forget(p);
	link_close(&p->link);
	free(p);
}

static struct db *open_uri(const char *where, char *error)
{
	struct postgres *p = calloc(1, sizeof(*p));

	if (!p) {
		snprintf(error, STORE_ERROR_MAX, "no memory");
		return NULL;
	}
	p->db.driver = &postgres_driver;
	if (link_init(&p->link, where, error) && reconnect(p, error) == STORE_OK)
		return &p->db;
	if (!*error)
		snprintf(error, STORE_ERROR_MAX,
			 "cannot use the store %.100s: it refuses its tables, see the log",
			 p->link.shown);
	close_link(&p->db);
	return NULL;
}

static enum store_result scan(struct db *d, const char *sql, scan_row *row, void *ctx)
{
	return load_scan(&postgres_of(d)->link, sql, row, ctx);
}

static enum store_result begin_load(struct db *d, const char *table, uint32_t n,
				    const char *const *name)
{
	return load_begin(&postgres_of(d)->load, &postgres_of(d)->link, table, n, name);
}

static enum store_result put_row(struct db *d, uint32_t n, const struct value *value)
{
	return load_row(&postgres_of(d)->load, &postgres_of(d)->link, n, value);
}

static enum store_result end_load(struct db *d)
{
	return load_end(&postgres_of(d)->load, &postgres_of(d)->link);
}

static enum store_result last_id(struct db *d, const char *table, int64_t *id)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
		 "SELECT coalesce(max(last_value), 0) FROM pg_sequences"
		 " WHERE schemaname = 'main' AND sequencename = '%s_id_seq'",
		 table);
	return number(d, sql, id);
}

static enum store_result set_last_id(struct db *d, const char *table, int64_t id)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "SELECT setval('main.%s_id_seq', %lld)", table,
		 (long long)id);
	return number(d, sql, &id);
}

const struct driver postgres_driver = {
	.open = open_uri,
	.close = close_link,
	.ready = ready,
	.run = run,
	.step = step,
	.column = column,
	.reset = reset,
	.begin = begin,
	.lock_state = lock_state,
	.commit = commit,
	.rollback = rollback,
	.in_transaction = in_transaction,
	.checkpoint = checkpoint,
	.begin_schema = begin_schema,
	.version = version,
	.set_version = set_version,
	.exec = exec,
	.number = number,
	.boot = boot,
	.tables_sql =
		"SELECT schemaname::text, tablename::text FROM pg_tables"
		" WHERE schemaname IN ('main', 'state')"
		" AND tablename NOT IN ('meta', 'version', 'turn', 'alive') ORDER BY 1, 2",
	.scan = scan,
	.load_begin = begin_load,
	.load_row = put_row,
	.load_end = end_load,
	.last_id = last_id,
	.set_last_id = set_last_id,
};
