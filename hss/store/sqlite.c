/* sqlite.c - the connection of the store: open, transactions, statements, results */
#define _GNU_SOURCE
#include "store/sqlite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

enum { PATH_MAX_OCTETS = 480 };

static const char *const statement_sql[ST_MAX] = {
#define ST(id, sql) [ST_##id] = sql,
#include "store/statement.def"
#undef ST
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

enum store_result store_result_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return STORE_OK;
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

enum store_result store_exec(struct store *s, const char *sql)
{
	return store_result_of(sqlite3_exec(s->db, sql, NULL, NULL, NULL));
}

sqlite3_stmt *store_take(struct store *s, enum store_statement id)
{
	sqlite3_stmt *st = s->statement[id];

	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return st;
}

void store_bind_slice(sqlite3_stmt *st, int i, struct slice text)
{
	sqlite3_bind_text(st, i, text.len ? (const char *)text.p : "", (int)text.len,
			  SQLITE_STATIC);
}

void store_bind_text(sqlite3_stmt *st, int i, const char *text)
{
	sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC);
}

enum store_result store_row(struct store *s, sqlite3_stmt *st)
{
	int code = sqlite3_step(st);

	if (code == SQLITE_ROW)
		return STORE_OK;
	sqlite3_reset(st);
	return code == SQLITE_DONE ? STORE_NONE : store_result_of(code);
}

enum store_result store_run(struct store *s, sqlite3_stmt *st)
{
	int code = sqlite3_step(st);

	sqlite3_reset(st);
	return store_result_of(code);
}

bool store_column_text(sqlite3_stmt *st, int column, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(st, column);
	size_t len = (size_t)sqlite3_column_bytes(st, column);

	if (len >= size || (len && !text))
		return false;
	if (len)
		memcpy(out, text, len);
	out[len] = 0;
	return true;
}

bool store_column_blob(sqlite3_stmt *st, int column, void *out, int len)
{
	const void *blob = sqlite3_column_blob(st, column);

	if (!blob || sqlite3_column_bytes(st, column) != len)
		return false;
	memcpy(out, blob, (size_t)len);
	return true;
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

static bool attach(struct store *s, const char *state_path)
{
	sqlite3_stmt *st = NULL;
	int code = sqlite3_prepare_v2(s->db, "ATTACH ?1 AS state", -1, &st, NULL);

	if (code == SQLITE_OK) {
		store_bind_text(st, 1, state_path);
		code = sqlite3_step(st);
	}
	sqlite3_finalize(st);
	return code == SQLITE_DONE;
}

static bool prepare(struct store *s)
{
	for (int i = 0; i < ST_MAX; i++)
		if (sqlite3_prepare_v3(s->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &s->statement[i], NULL) != SQLITE_OK)
			return false;
	return true;
}

static bool open_files(struct store *s, const char *path, const char *state_path)
{
	return file_make(path) && file_make(state_path) &&
	       sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
			       NULL) == SQLITE_OK &&
	       sqlite3_busy_timeout(s->db, STORE_WAIT_MS) == SQLITE_OK &&
	       attach(s, state_path) &&
	       sqlite3_exec(s->db, setup_sql, NULL, NULL, NULL) == SQLITE_OK;
}

struct store *store_open(const char *path, char *error)
{
	char state_path[PATH_MAX_OCTETS + sizeof("-state")];
	struct store *s;

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
	*error = 0;
	if (open_files(s, path, state_path) && schema_open(s, error) == STORE_OK && prepare(s))
		return s;
	if (!*error)
		snprintf(error, STORE_ERROR_MAX, "cannot use the store %.120s: %.100s", path,
			 s->db ? sqlite3_errmsg(s->db) : "the file cannot be opened or made");
	store_close(s);
	return NULL;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	for (int i = 0; i < ST_MAX; i++)
		sqlite3_finalize(s->statement[i]);
	sqlite3_close(s->db);
	free(s);
}

void store_rollback(struct store *s)
{
	/* An error may have ended the transaction before us. */
	if (!sqlite3_get_autocommit(s->db))
		store_run(s, store_take(s, ST_ROLLBACK));
}

enum store_result store_begin(struct store *s, enum store_lock lock)
{
	enum store_result r;

	/* Left by a rollback that failed: it would swallow all that follows. */
	store_rollback(s);
	r = store_run(s, store_take(s, ST_BEGIN));
	if (r == STORE_OK && lock == STORE_CX)
		r = store_run(s, store_take(s, ST_LOCK_STATE));
	if (r == STORE_OK && lock == STORE_PROVISION)
		r = store_run(s, store_take(s, ST_LOCK_MAIN));
	if (r != STORE_OK)
		store_rollback(s);
	return r;
}

enum store_result store_commit(struct store *s)
{
	enum store_result r;

	/* An error inside may have rolled all of it back: that is no success. */
	if (sqlite3_get_autocommit(s->db))
		return STORE_FAIL;
	r = store_run(s, store_take(s, ST_COMMIT));
	if (r != STORE_OK)
		store_rollback(s);
	return r;
}

enum store_result store_checkpoint(struct store *s)
{
	int code = sqlite3_wal_checkpoint_v2(s->db, "state", SQLITE_CHECKPOINT_PASSIVE, NULL,
					     NULL);

	if (code == SQLITE_OK)
		code = sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL,
						 NULL);
	/* Busy: somebody else does it just now. */
	return (code & 0xff) == SQLITE_BUSY ? STORE_OK : store_result_of(code);
}
