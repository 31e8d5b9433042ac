/* persist.c - registrations and their security associations on disk
 *
 * One row a set of either kind, replaced as a whole. SQLite in WAL mode with synchronous=FULL:
 * COMMIT returns after fsync of the log. What came in one round of the loop shares one COMMIT,
 * so the cost of the fsync is shared by all its answers.
 */
#include "control/persist.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "control/record.h"

enum {
	SCHEMA_VERSION = 2,
	ERROR_MAX = 256,
	BUSY_MS = 500, /* somebody looks into the file: wait so long, then fail; never hang */
};

enum statement {
	ST_BEGIN,
	ST_COMMIT,
	ST_ROLLBACK,
	ST_PUT,
	ST_DELETE,
	ST_LOAD,
	ST_SA_PUT,
	ST_SA_DELETE,
	ST_SA_LOAD,
	ST_MAX,
};

static const char *const statement_sql[ST_MAX] = {
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_ROLLBACK] = "ROLLBACK",
	[ST_PUT] = "INSERT INTO registration(id, record) VALUES(?1, ?2) "
		   "ON CONFLICT(id) DO UPDATE SET record = excluded.record",
	[ST_DELETE] = "DELETE FROM registration WHERE id = ?1",
	[ST_LOAD] = "SELECT id, record FROM registration ORDER BY id",
	[ST_SA_PUT] = "INSERT INTO sa(id, record) VALUES(?1, ?2) "
		      "ON CONFLICT(id) DO UPDATE SET record = excluded.record",
	[ST_SA_DELETE] = "DELETE FROM sa WHERE id = ?1",
	[ST_SA_LOAD] = "SELECT id, record FROM sa ORDER BY id",
};

static const char setup_sql[] = "PRAGMA journal_mode = WAL;"
				"PRAGMA synchronous = FULL;"
				"PRAGMA wal_autocheckpoint = 4000;"
				/* KiB: of 20,000 users that come again every few seconds no
				   page is read twice. */
				"PRAGMA cache_size = -65536;"
				"PRAGMA secure_delete = FAST;";

static const char schema_sql[] = "CREATE TABLE IF NOT EXISTS registration("
				 "id INTEGER PRIMARY KEY, record BLOB NOT NULL);"
				 "CREATE TABLE IF NOT EXISTS sa("
				 "id INTEGER PRIMARY KEY, record BLOB NOT NULL);"
				 "PRAGMA user_version = 2;";

struct change {
	struct change *next;
	uint64_t id;
	uint8_t *record; /* NULL: delete, or no memory */
	uint32_t len;
	bool is_delete, is_sa;
	void (*done)(void *ctx, bool ok);
	void *ctx;
};

struct persist {
	sqlite3 *db;
	sqlite3_stmt *st[ST_MAX];
	struct change *first, **last;
	struct persist_stats stats;
};

/* Created with this mode, so that at no instant others may read who is registered. */
static bool file_make(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static int schema_version(sqlite3 *db)
{
	sqlite3_stmt *st;
	int version = -1;

	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL) != SQLITE_OK)
		return -1;
	if (sqlite3_step(st) == SQLITE_ROW)
		version = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return version;
}

static bool open_database(struct persist *p, const char *path, char *error)
{
	int version;

	if (!file_make(path)) {
		snprintf(error, ERROR_MAX, "%s: %s", path, strerror(errno));
		return false;
	}
	if (sqlite3_open_v2(path, &p->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		goto failed;
	sqlite3_busy_timeout(p->db, BUSY_MS);
	if (sqlite3_exec(p->db, setup_sql, NULL, NULL, NULL) != SQLITE_OK)
		goto failed;
	version = schema_version(p->db);
	if (version > SCHEMA_VERSION) {
		snprintf(error, ERROR_MAX,
			 "%s: schema version %d is newer than this program's %d", path, version,
			 SCHEMA_VERSION);
		return false;
	}
	if (version < 0 || sqlite3_exec(p->db, schema_sql, NULL, NULL, NULL) != SQLITE_OK)
		goto failed;
	for (int i = 0; i < ST_MAX; i++)
		if (sqlite3_prepare_v3(p->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &p->st[i], NULL) != SQLITE_OK)
			goto failed;
	return true;
failed:
	snprintf(error, ERROR_MAX, "%s: %s", path, p->db ? sqlite3_errmsg(p->db) : "no memory");
	return false;
}

struct persist *persist_open(const char *path, char *error)
{
	struct persist *p = calloc(1, sizeof(*p));

	if (!p) {
		snprintf(error, ERROR_MAX, "no memory");
		return NULL;
	}
	p->last = &p->first;
	if (open_database(p, path, error))
		return p;
	persist_close(p);
	return NULL;
}

static void change_free(struct change *c)
{
	/* Of a set of security associations it has the keys. */
	if (c->record)
		OPENSSL_cleanse(c->record, c->len);
	free(c->record);
	free(c);
}

void persist_close(struct persist *p)
{
	if (!p)
		return;
	for (struct change *c; (c = p->first);) {
		p->first = c->next;
		change_free(c);
	}
	for (int i = 0; i < ST_MAX; i++)
		sqlite3_finalize(p->st[i]);
	sqlite3_close(p->db);
	free(p);
}

static void change_add(struct persist *p, struct change change)
{
	struct change *c = malloc(sizeof(*c));

	if (!c) {
		free(change.record);
		p->stats.failures++;
		if (change.done)
			change.done(change.ctx, false);
		return;
	}
	*c = change;
	*p->last = c;
	p->last = &c->next;
}

void persist_put(struct persist *p, const struct registration_set *set,
		 void (*done)(void *ctx, bool ok), void *ctx)
{
	struct change c = {.id = set->id, .done = done, .ctx = ctx};

	c.record = record_encode(set, &c.len);
	change_add(p, c);
}

void persist_delete(struct persist *p, uint64_t set_id, void (*done)(void *ctx, bool ok),
		    void *ctx)
{
	change_add(p,
		   (struct change){.id = set_id, .is_delete = true, .done = done, .ctx = ctx});
}

void persist_sa_put(struct persist *p, const struct sa *sa, void (*done)(void *ctx, bool ok),
		    void *ctx)
{
	struct change c = {.id = sa->id, .is_sa = true, .done = done, .ctx = ctx};

	c.record = record_sa_encode(sa, &c.len);
	change_add(p, c);
}

void persist_sa_delete(struct persist *p, uint64_t sa_id)
{
	change_add(p, (struct change){.id = sa_id, .is_delete = true, .is_sa = true});
}

bool persist_pending(const struct persist *p)
{
	return p->first != NULL;
}

static bool run(struct persist *p, enum statement which)
{
	bool ok = sqlite3_step(p->st[which]) == SQLITE_DONE;

	sqlite3_reset(p->st[which]);
	return ok;
}

static bool apply(struct persist *p, const struct change *c)
{
	static const enum statement statement[2][2] = {{ST_PUT, ST_DELETE},
						       {ST_SA_PUT, ST_SA_DELETE}};
	enum statement which = statement[c->is_sa][c->is_delete];

	if (!c->is_delete && !c->record)
		return false;
	if (sqlite3_bind_int64(p->st[which], 1, (sqlite3_int64)c->id) != SQLITE_OK)
		return false;
	if (!c->is_delete && sqlite3_bind_blob(p->st[which], 2, c->record, (int)c->len,
					       SQLITE_STATIC) != SQLITE_OK)
		return false;
	return run(p, which);
}

static bool write_all(struct persist *p, const struct change *first)
{
	if (!run(p, ST_BEGIN))
		return false;
	for (const struct change *c = first; c; c = c->next)
		if (!apply(p, c))
			return false;
	return run(p, ST_COMMIT);
}

void persist_commit(struct persist *p)
{
	struct change *first = p->first;
	bool ok;

	if (!first)
		return;
	p->first = NULL;
	p->last = &p->first;
	ok = write_all(p, first);
	p->stats.commits++;
	if (!ok) {
		p->stats.failures++;
		log_event(LOG_ERROR, "persist", "not_written",
			  LOG_Z("reason", sqlite3_errmsg(p->db)));
		if (!sqlite3_get_autocommit(p->db))
			run(p, ST_ROLLBACK);
	}
	for (struct change *c; (c = first);) {
		first = c->next;
		p->stats.changes += ok;
		if (c->done)
			c->done(c->ctx, ok);
		change_free(c);
	}
}

static void load_row(struct persist *p, struct registrations *into)
{
	const void *octets = sqlite3_column_blob(p->st[ST_LOAD], 1);
	int len = sqlite3_column_bytes(p->st[ST_LOAD], 1);
	uint64_t id = (uint64_t)sqlite3_column_int64(p->st[ST_LOAD], 0);
	struct registration_set *s =
		octets ? record_decode(slice_of(octets, (size_t)len)) : NULL;

	if (s && s->id == id && registrations_put(into, s))
		return;
	registration_set_free(s);
	p->stats.damaged++;
	log_event(LOG_ERROR, "persist", "damaged_row", LOG_U("set", id));
}

bool persist_load(struct persist *p, struct registrations *into, char *error)
{
	int rc;

	while ((rc = sqlite3_step(p->st[ST_LOAD])) == SQLITE_ROW)
		load_row(p, into);
	if (rc != SQLITE_DONE)
		snprintf(error, ERROR_MAX, "%s", sqlite3_errmsg(p->db));
	sqlite3_reset(p->st[ST_LOAD]);
	return rc == SQLITE_DONE;
}

static void load_sa_row(struct persist *p, struct sas *into)
{
	const void *octets = sqlite3_column_blob(p->st[ST_SA_LOAD], 1);
	int len = sqlite3_column_bytes(p->st[ST_SA_LOAD], 1);
	uint64_t id = (uint64_t)sqlite3_column_int64(p->st[ST_SA_LOAD], 0);
	struct sa *sa = octets ? record_sa_decode(slice_of(octets, (size_t)len)) : NULL;

	if (sa && sa->id == id && sas_put(into, sa))
		return;
	sa_free(sa);
	p->stats.damaged++;
	log_event(LOG_ERROR, "persist", "damaged_row", LOG_U("sa", id));
}

bool persist_load_sas(struct persist *p, struct sas *into, char *error)
{
	int rc;

	while ((rc = sqlite3_step(p->st[ST_SA_LOAD])) == SQLITE_ROW)
		load_sa_row(p, into);
	if (rc != SQLITE_DONE)
		snprintf(error, ERROR_MAX, "%s", sqlite3_errmsg(p->db));
	sqlite3_reset(p->st[ST_SA_LOAD]);
	return rc == SQLITE_DONE;
}

void persist_stats(const struct persist *p, struct persist_stats *out)
{
	*out = p->stats;
}
