/* sqlite.c - the store in two files: connection, transactions, statements, results */
#define _GNU_SOURCE
#include "store/driver.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

enum { PATH_MAX_OCTETS = 480, SQL_MAX = 2048 };

/* A statement that changes nothing takes the lock of one file: BEGIN IMMEDIATE would take both.
 */
enum own_statement {
	OWN_BEGIN = ST_MAX,
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
	[OWN_BEGIN] = "BEGIN",
	[OWN_LOCK_STATE] = "UPDATE state.assignment SET state = state WHERE implicit_set < 0",
	[OWN_LOCK_MAIN] = "UPDATE main.meta SET epoch = epoch WHERE one < 0",
	[OWN_COMMIT] = "COMMIT",
	[OWN_ROLLBACK] = "ROLLBACK",
};

/* What is provisioned is fsynced by each commit; state is written to its log by each commit and
 * fsynced by store_checkpoint (see store.h). Automatic checkpoints come only where nobody calls
 * that: they would stop the thread that answers Cx for the time of an fsync. No mmap: a file
 * that shrinks under it would kill us. */
static const char setup_sql[] = "PRAGMA main.journal_mode = WAL;"
				"PRAGMA main.synchronous = FULL;"
				"PRAGMA state.journal_mode = WAL;"
				"PRAGMA state.synchronous = NORMAL;"
				"PRAGMA wal_autocheckpoint = 20000;"
				"PRAGMA main.cache_size = -16384;"
				"PRAGMA state.cache_size = -16384;"
				"PRAGMA mmap_size = 0;"
				"PRAGMA temp_store = MEMORY;"
				"PRAGMA cell_size_check = ON;"
				"PRAGMA trusted_schema = OFF;"
				"PRAGMA secure_delete = ON;";

struct sqlite {
	struct db db;
	sqlite3 *handle;
	sqlite3_stmt *statement[OWN_MAX];
	sqlite3_stmt *load;
};

static struct sqlite *sqlite_of(struct db *d)
{
	return (struct sqlite *)d;
}

/* What an error code means; logs failures. */
static enum store_result result_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
		return STORE_OK;
	case SQLITE_DONE:
		return STORE_NONE;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		log_event(LOG_WARN, "store", "busy", LOG_I("code", code));
		return STORE_BUSY;
	case SQLITE_CONSTRAINT:
		return STORE_EXISTS;
	default:
		/* The text for the code, not that of the connection: that may quote what was
		 * bound. */
		log_event(LOG_ERROR, "store", "failed", LOG_I("code", code),
			  LOG_Z("text", sqlite3_errstr(code)));
		return STORE_FAIL;
	}
}

static void ready(struct db *d)
{
	/* Files are there or are not. */
}

static void bind(sqlite3_stmt *st, int i, const struct value *v)
{
	const void *octets = v->octets.len ? (const void *)v->octets.p : "";

	switch (v->kind) {
	case VALUE_NULL:
		sqlite3_bind_null(st, i);
		break;
	case VALUE_NUMBER:
		sqlite3_bind_int64(st, i, v->number);
		break;
	case VALUE_TEXT:
		sqlite3_bind_text(st, i, octets, (int)v->octets.len, SQLITE_STATIC);
		break;
	case VALUE_BLOB:
		sqlite3_bind_blob(st, i, octets, (int)v->octets.len, SQLITE_STATIC);
		break;
	}
}

static void bind_all(sqlite3_stmt *st, const struct value *bound, uint32_t n)
{
	sqlite3_reset(st);
	for (uint32_t i = 0; i < n; i++)
		bind(st, (int)i + 1, &bound[i]);
}

static enum store_result step(struct db *d, enum store_statement id, const struct value *bound,
			      uint32_t n)
{
	sqlite3_stmt *st = sqlite_of(d)->statement[id];

	if (bound)
		bind_all(st, bound, n);
	return result_of(sqlite3_step(st));
}

static enum store_result run(struct db *d, enum store_statement id, const struct value *bound,
			     uint32_t n)
{
	sqlite3_stmt *st = sqlite_of(d)->statement[id];
	int code;

	bind_all(st, bound, n);
	code = sqlite3_step(st);
	sqlite3_reset(st);
	return code == SQLITE_DONE ? STORE_OK : result_of(code);
}

static void value_of(sqlite3_stmt *st, int column, struct value *out)
{
	switch (sqlite3_column_type(st, column)) {
	case SQLITE_INTEGER:
		*out = (struct value){.kind = VALUE_NUMBER,
				      .number = sqlite3_column_int64(st, column)};
		return;
	case SQLITE_TEXT:
		out->kind = VALUE_TEXT;
		break;
	case SQLITE_BLOB:
		out->kind = VALUE_BLOB;
		break;
	default:
		*out = (struct value){.kind = VALUE_NULL};
		return;
	}
	/* As it is, not converted: the pointer before the length. */
	const void *octets = sqlite3_column_blob(st, column);
	out->octets = slice_of(octets, (size_t)sqlite3_column_bytes(st, column));
}

static void column(struct db *d, enum store_statement id, int at, struct value *out)
{
	value_of(sqlite_of(d)->statement[id], at, out);
}

static void reset(struct db *d, enum store_statement id)
{
	sqlite3_reset(sqlite_of(d)->statement[id]);
}

static enum store_result run_own(struct db *d, enum own_statement id)
{
	sqlite3_stmt *st = sqlite_of(d)->statement[id];
	int code = sqlite3_step(st);

	sqlite3_reset(st);
	return code == SQLITE_DONE ? STORE_OK : result_of(code);
}

static bool in_transaction(struct db *d)
{
	return !sqlite3_get_autocommit(sqlite_of(d)->handle);
}

static enum store_result lock_state(struct db *d)
{
	return run_own(d, OWN_LOCK_STATE);
}

static enum store_result begin(struct db *d, enum store_lock lock)
{
	enum store_result r = run_own(d, OWN_BEGIN);

	if (r == STORE_OK && lock == STORE_CX)
		r = run_own(d, OWN_LOCK_STATE);
	if (r == STORE_OK && lock == STORE_PROVISION)
		r = run_own(d, OWN_LOCK_MAIN);
	return r;
}

static enum store_result commit(struct db *d)
{
	return run_own(d, OWN_COMMIT);
}

static enum store_result checkpoint_file(struct db *d, const char *file)
{
	int code = sqlite3_wal_checkpoint_v2(sqlite_of(d)->handle, file,
					     SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	/* Busy: somebody else does it just now. */
	return (code & 0xff) == SQLITE_BUSY ? STORE_OK : result_of(code);
}

static enum store_result checkpoint(struct db *d)
{
	enum store_result r = checkpoint_file(d, "state");

	return r == STORE_OK ? checkpoint_file(d, "main") : r;
}

static enum store_result exec(struct db *d, const char *sql)
{
	return result_of(sqlite3_exec(sqlite_of(d)->handle, sql, NULL, NULL, NULL));
}

static void rollback(struct db *d)
{
	/* While the tables are made, nothing is prepared. */
	if (sqlite_of(d)->statement[OWN_ROLLBACK])
		run_own(d, OWN_ROLLBACK);
	else
		exec(d, "ROLLBACK");
}

static enum store_result begin_schema(struct db *d)
{
	return exec(d, "BEGIN IMMEDIATE");
}

static enum store_result number(struct db *d, const char *sql, int64_t *out)
{
	sqlite3_stmt *st = NULL;
	int code = sqlite3_prepare_v2(sqlite_of(d)->handle, sql, -1, &st, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(st);
	if (code == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return result_of(code);
}

static int64_t version(struct db *d, const char *part)
{
	char sql[64];
	int64_t v = 0;

	snprintf(sql, sizeof(sql), "PRAGMA %s.user_version", part);
	return number(d, sql, &v) == STORE_OK ? v : -1;
}

static enum store_result set_version(struct db *d, const char *part, int64_t v)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA %s.user_version = %lld", part, (long long)v);
	return exec(d, sql);
}

/* The same for as long as the machine runs: no process that dies takes what was written to the
 * log with it. */
static bool boot(struct db *d, char out[64])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, 63);

	if (fd >= 0)
		close(fd);
	if (n > 0 && out[n - 1] == '\n')
		n--;
	out[n > 0 ? n : 0] = 0;
	return n > 0;
}

/* Made with this mode, so that at no instant others may read the keys. */
static bool file_make(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static bool attach(struct sqlite *s, const char *state_path)
{
	sqlite3_stmt *st = NULL;
	int code = sqlite3_prepare_v2(s->handle, "ATTACH ?1 AS state", -1, &st, NULL);

	if (code == SQLITE_OK) {
		sqlite3_bind_text(st, 1, state_path, -1, SQLITE_STATIC);
		code = sqlite3_step(st);
	}
	sqlite3_finalize(st);
	return code == SQLITE_DONE;
}

static bool prepare(struct sqlite *s)
{
	for (int i = 0; i < OWN_MAX; i++)
		if (sqlite3_prepare_v3(s->handle, statement_sql[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &s->statement[i],
				       NULL) != SQLITE_OK)
			return false;
	return true;
}

static bool open_files(struct sqlite *s, const char *path, const char *state_path)
{
	return file_make(path) && file_make(state_path) &&
	       sqlite3_open_v2(path, &s->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
			       NULL) == SQLITE_OK &&
	       sqlite3_busy_timeout(s->handle, STORE_WAIT_MS) == SQLITE_OK &&
	       attach(s, state_path) &&
	       sqlite3_exec(s->handle, setup_sql, NULL, NULL, NULL) == SQLITE_OK;
}

static void close_files(struct db *d)
{
	struct sqlite *s = sqlite_of(d);

	for (int i = 0; i < OWN_MAX; i++)
		sqlite3_finalize(s->statement[i]);
	sqlite3_finalize(s->load);
	sqlite3_close(s->handle);
	free(s);
}

static struct db *open_path(const char *path, char *error)
{
	char state_path[PATH_MAX_OCTETS + sizeof("-state")];
	struct sqlite *s;

	if (strlen(path) > PATH_MAX_OCTETS) {
		snprintf(error, STORE_ERROR_MAX, "the path of the store is too long");
		return NULL;
	}
	snprintf(state_path, sizeof(state_path), "%s-state", path);
	s = calloc(1, sizeof(*s));
	if (!s) {
		snprintf(error, STORE_ERROR_MAX, "no memory");
		return NULL;
	}
	s->db.driver = &sqlite_driver;
	if (open_files(s, path, state_path) && schema_open(&s->db, error) == STORE_OK &&
	    prepare(s))
		return &s->db;
	if (!*error)
		snprintf(error, STORE_ERROR_MAX, "cannot use the store %.120s: %.100s", path,
			 s->handle ? sqlite3_errmsg(s->handle)
				   : "the file cannot be opened or made");
	close_files(&s->db);
	return NULL;
}

static bool give_row(sqlite3_stmt *st, scan_row *row, void *ctx)
{
	const char *name[COLUMNS_MAX];
	struct value value[COLUMNS_MAX];
	int n = sqlite3_column_count(st);

	if (n > COLUMNS_MAX)
		return false;
	for (int i = 0; i < n; i++) {
		name[i] = sqlite3_column_name(st, i);
		value_of(st, i, &value[i]);
	}
	return row(ctx, (uint32_t)n, name, value);
}

static enum store_result scan(struct db *d, const char *sql, scan_row *row, void *ctx)
{
	sqlite3_stmt *st = NULL;
	int code = sqlite3_prepare_v2(sqlite_of(d)->handle, sql, -1, &st, NULL);
	bool more = true;

	while (code == SQLITE_OK || code == SQLITE_ROW) {
		code = sqlite3_step(st);
		if (code == SQLITE_ROW)
			more = give_row(st, row, ctx);
		if (!more)
			break;
	}
	sqlite3_finalize(st);
	return !more || code == SQLITE_DONE ? STORE_OK : result_of(code);
}

static enum store_result load_begin(struct db *d, const char *table, uint32_t n,
				    const char *const *name)
{
	struct sqlite *s = sqlite_of(d);
	char sql[SQL_MAX];
	size_t at = (size_t)snprintf(sql, sizeof(sql), "INSERT INTO %s(", table);

	for (uint32_t i = 0; i < n && at < sizeof(sql); i++)
		at += (size_t)snprintf(sql + at, sizeof(sql) - at, "%s%s", i ? "," : "",
				       name[i]);
	for (uint32_t i = 0; i < n && at < sizeof(sql); i++)
		at += (size_t)snprintf(sql + at, sizeof(sql) - at, "%s?%u",
				       i ? "," : ") VALUES(", i + 1);
	if (at + sizeof(")") > sizeof(sql))
		return STORE_FAIL;
	memcpy(sql + at, ")", sizeof(")"));
	return result_of(sqlite3_prepare_v2(s->handle, sql, -1, &s->load, NULL));
}

static enum store_result load_row(struct db *d, uint32_t n, const struct value *value)
{
	sqlite3_stmt *st = sqlite_of(d)->load;
	int code;

	bind_all(st, value, n);
	code = sqlite3_step(st);
	sqlite3_reset(st);
	return code == SQLITE_DONE ? STORE_OK : result_of(code);
}

static enum store_result load_end(struct db *d)
{
	struct sqlite *s = sqlite_of(d);

	sqlite3_finalize(s->load);
	s->load = NULL;
	return STORE_OK;
}

static enum store_result last_id(struct db *d, const char *table, int64_t *id)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		 "SELECT coalesce(max(seq), 0) FROM main.sqlite_sequence WHERE name = '%s'",
		 table);
	return number(d, sql, id);
}

static enum store_result set_last_id(struct db *d, const char *table, int64_t id)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
		 "DELETE FROM main.sqlite_sequence WHERE name = '%s';"
		 "INSERT INTO main.sqlite_sequence(name, seq) VALUES('%s', %lld)",
		 table, table, (long long)id);
	return exec(d, sql);
}

const struct driver sqlite_driver = {
	.open = open_path,
	.close = close_files,
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
	.tables_sql = "SELECT 'main', name FROM main.sqlite_master WHERE type = 'table'"
		      " AND name NOT LIKE 'sqlite_%' AND name <> 'meta'"
		      " UNION ALL SELECT 'state', name FROM state.sqlite_master"
		      " WHERE type = 'table' ORDER BY 1, 2",
	.scan = scan,
	.load_begin = load_begin,
	.load_row = load_row,
	.load_end = load_end,
	.last_id = last_id,
	.set_last_id = set_last_id,
};
