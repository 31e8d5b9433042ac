/* persist.c - registrations, what hangs on them, what Application Servers are owed, and
 * sessions with the policy function, on disk
 *
 * One row a set of either kind, replaced as a whole. What a refresh prolongs is appended to a
 * journal instead: among millions of users each comes again when its page has long left the
 * cache, and a page would be read and written for the sake of three numbers. SQLite in WAL mode
 * with synchronous=FULL: COMMIT returns after fsync of the log. What came in one round of the
 * loop shares one COMMIT, so the cost of the fsync is shared by all its answers.
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
	SCHEMA_VERSION = 6,
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
	ST_PROLONGED_PUT,
	ST_PROLONGED_FORGET,
	ST_PROLONGED_LOAD,
	ST_PROLONGED_OLDEST,
	ST_PROLONGED_ENDS,
	ST_SA_PUT,
	ST_SA_DELETE,
	ST_SA_LOAD,
	ST_SUBSCRIPTION_PUT,
	ST_SUBSCRIPTION_DELETE,
	ST_SUBSCRIPTION_LOAD,
	ST_OWED_PUT,
	ST_OWED_DELETE,
	ST_OWED_LOAD,
	ST_OWED_GET,
	ST_POLICY_PUT,
	ST_POLICY_DELETE,
	ST_POLICY_LOAD,
	ST_CHARGE_PUT,
	ST_CHARGE_DELETE,
	ST_CHARGE_LOAD,
	ST_ACR_PUT,
	ST_ACR_DELETE,
	ST_ACR_LOAD,
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
	[ST_PROLONGED_PUT] = "INSERT INTO prolonged(id, record) VALUES(?1, ?2)",
	[ST_PROLONGED_FORGET] = "DELETE FROM prolonged WHERE id <= ?1",
	[ST_PROLONGED_LOAD] = "SELECT id, record FROM prolonged ORDER BY id",
	[ST_PROLONGED_OLDEST] = "SELECT id, record FROM prolonged ORDER BY id LIMIT ?1",
	[ST_PROLONGED_ENDS] = "SELECT min(id), max(id) FROM prolonged",
	[ST_SA_PUT] = "INSERT INTO sa(id, record) VALUES(?1, ?2) "
		      "ON CONFLICT(id) DO UPDATE SET record = excluded.record",
	[ST_SA_DELETE] = "DELETE FROM sa WHERE id = ?1",
	[ST_SA_LOAD] = "SELECT id, record FROM sa ORDER BY id",
	[ST_SUBSCRIPTION_PUT] = "INSERT INTO subscription(id, record) VALUES(?1, ?2) "
				"ON CONFLICT(id) DO UPDATE SET record = excluded.record",
	[ST_SUBSCRIPTION_DELETE] = "DELETE FROM subscription WHERE id = ?1",
	[ST_SUBSCRIPTION_LOAD] = "SELECT id, record FROM subscription ORDER BY id",
	[ST_OWED_PUT] = "INSERT INTO owed(id, record) VALUES(?1, ?2) "
			"ON CONFLICT(id) DO UPDATE SET record = excluded.record",
	[ST_OWED_DELETE] = "DELETE FROM owed WHERE id = ?1",
	[ST_OWED_LOAD] = "SELECT id, record FROM owed ORDER BY id",
	[ST_OWED_GET] = "SELECT record FROM owed WHERE id = ?1",
	[ST_POLICY_PUT] = "INSERT INTO policy(id, record) VALUES(?1, ?2) "
			  "ON CONFLICT(id) DO UPDATE SET record = excluded.record",
	[ST_POLICY_DELETE] = "DELETE FROM policy WHERE id = ?1",
	[ST_POLICY_LOAD] = "SELECT id, record FROM policy ORDER BY id",
	[ST_CHARGE_PUT] = "INSERT INTO charge(id, record) VALUES(?1, ?2) "
			  "ON CONFLICT(id) DO UPDATE SET record = excluded.record",
	[ST_CHARGE_DELETE] = "DELETE FROM charge WHERE id = ?1",
	[ST_CHARGE_LOAD] = "SELECT id, record FROM charge ORDER BY id",
	[ST_ACR_PUT] = "INSERT INTO acr(id, record) VALUES(?1, ?2)",
	[ST_ACR_DELETE] = "DELETE FROM acr WHERE id = ?1",
	[ST_ACR_LOAD] = "SELECT id, record FROM acr ORDER BY id",
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
				 "CREATE TABLE IF NOT EXISTS prolonged("
				 "id INTEGER PRIMARY KEY, record BLOB NOT NULL);"
				 "CREATE TABLE IF NOT EXISTS sa("
				 "id INTEGER PRIMARY KEY, record BLOB NOT NULL);"
				 "CREATE TABLE IF NOT EXISTS subscription("
				 "id INTEGER PRIMARY KEY, record BLOB NOT NULL);"
				 "CREATE TABLE IF NOT EXISTS owed("
				 "id INTEGER PRIMARY KEY, record BLOB NOT NULL);"
				 "CREATE TABLE IF NOT EXISTS policy("
				 "id INTEGER PRIMARY KEY, record BLOB NOT NULL);"
				 "CREATE TABLE IF NOT EXISTS charge("
				 "id INTEGER PRIMARY KEY, record BLOB NOT NULL);"
				 "CREATE TABLE IF NOT EXISTS acr("
				 "id INTEGER PRIMARY KEY, record BLOB NOT NULL);"
				 "PRAGMA user_version = 6;";

enum kind {
	KIND_REGISTRATION,
	KIND_PROLONGED,
	KIND_SA,
	KIND_SUBSCRIPTION,
	KIND_OWED,
	KIND_POLICY,
	KIND_CHARGE,
	KIND_ACR,
	KINDS
};

struct change {
	struct change *next;
	uint64_t id;
	uint8_t *record; /* NULL: delete, or no memory */
	uint32_t len;
	bool is_delete;
	enum kind kind;
	void (*done)(void *ctx, bool ok);
	void *ctx;
};

struct persist {
	sqlite3 *db;
	sqlite3_stmt *st[ST_MAX];
	struct change *first, **last;
	/* Ids of the journal's lines: of the oldest, and of the next. */
	uint64_t prolonged_first, prolonged_next;
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

static bool journal_open(struct persist *p)
{
	sqlite3_stmt *st = p->st[ST_PROLONGED_ENDS];
	bool ok = sqlite3_step(st) == SQLITE_ROW;

	/* Of an empty one both are NULL, which reads as 0. */
	p->prolonged_next = ok ? (uint64_t)sqlite3_column_int64(st, 1) + 1 : 1;
	p->prolonged_first = ok ? (uint64_t)sqlite3_column_int64(st, 0) : 1;
	if (p->prolonged_first == 0)
		p->prolonged_first = 1;
	sqlite3_reset(st);
	return ok;
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
	if (!journal_open(p))
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

void persist_prolong(struct persist *p, const struct record_prolonged *r)
{
	struct change c = {.id = p->prolonged_next++, .kind = KIND_PROLONGED};

	c.record = record_prolonged_encode(r, &c.len);
	change_add(p, c);
}

uint64_t persist_prolonged(const struct persist *p)
{
	return p->prolonged_next - p->prolonged_first;
}

void persist_prolonged_forget(struct persist *p, uint64_t until)
{
	if (until < p->prolonged_first)
		return;
	p->prolonged_first = until + 1;
	change_add(p, (struct change){.id = until, .is_delete = true, .kind = KIND_PROLONGED});
}

void persist_sa_put(struct persist *p, const struct sa *sa, void (*done)(void *ctx, bool ok),
		    void *ctx)
{
	struct change c = {.id = sa->id, .kind = KIND_SA, .done = done, .ctx = ctx};

	c.record = record_sa_encode(sa, &c.len);
	change_add(p, c);
}

void persist_sa_delete(struct persist *p, uint64_t sa_id)
{
	change_add(p, (struct change){.id = sa_id, .is_delete = true, .kind = KIND_SA});
}

void persist_subscription_put(struct persist *p, const struct record_subscription *s)
{
	struct change c = {.id = s->number, .kind = KIND_SUBSCRIPTION};

	c.record = record_subscription_encode(s, &c.len);
	change_add(p, c);
}

void persist_subscription_delete(struct persist *p, uint64_t number)
{
	change_add(p,
		   (struct change){.id = number, .is_delete = true, .kind = KIND_SUBSCRIPTION});
}

static uint8_t *copy(const void *octets, size_t len)
{
	uint8_t *to = octets && len ? malloc(len) : NULL;

	if (to)
		memcpy(to, octets, len);
	return to;
}

void persist_owed_put(struct persist *p, uint64_t key, struct slice record)
{
	change_add(p, (struct change){.id = key,
				      .kind = KIND_OWED,
				      .record = copy(record.p, record.len),
				      .len = record.len});
}

void persist_owed_delete(struct persist *p, uint64_t key)
{
	change_add(p, (struct change){.id = key, .is_delete = true, .kind = KIND_OWED});
}

_Static_assert((int)PERSIST_POLICY + KIND_POLICY == KIND_POLICY &&
		       (int)PERSIST_ACR + KIND_POLICY == KIND_ACR,
	       "the kinds stand in the same order");

void persist_row_put(struct persist *p, enum persist_rows of, uint64_t key, struct slice record)
{
	change_add(p, (struct change){.id = key,
				      .kind = KIND_POLICY + of,
				      .record = copy(record.p, record.len),
				      .len = record.len});
}

void persist_row_delete(struct persist *p, enum persist_rows of, uint64_t key)
{
	change_add(p, (struct change){.id = key, .is_delete = true, .kind = KIND_POLICY + of});
}

uint8_t *persist_owed_get(struct persist *p, uint64_t key, uint32_t *len)
{
	sqlite3_stmt *st = p->st[ST_OWED_GET];
	uint8_t *record = NULL;

	if (sqlite3_bind_int64(st, 1, (sqlite3_int64)key) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		const void *octets = sqlite3_column_blob(st, 0);

		*len = (uint32_t)sqlite3_column_bytes(st, 0);
		record = copy(octets, *len);
	}
	sqlite3_reset(st);
	return record;
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
	static const enum statement statement[KINDS][2] = {
		{ST_PUT, ST_DELETE},
		{ST_PROLONGED_PUT, ST_PROLONGED_FORGET},
		{ST_SA_PUT, ST_SA_DELETE},
		{ST_SUBSCRIPTION_PUT, ST_SUBSCRIPTION_DELETE},
		{ST_OWED_PUT, ST_OWED_DELETE},
		{ST_POLICY_PUT, ST_POLICY_DELETE},
		{ST_CHARGE_PUT, ST_CHARGE_DELETE},
		{ST_ACR_PUT, ST_ACR_DELETE}};
	enum statement which = statement[c->kind][c->is_delete];

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

/* take: false if the row is damaged, or what it says cannot be. */
static bool load(struct persist *p, enum statement which,
		 bool (*take)(void *ctx, uint64_t id, struct slice record), void *ctx,
		 char *error)
{
	sqlite3_stmt *st = p->st[which];
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		uint64_t id = (uint64_t)sqlite3_column_int64(st, 0);
		const void *octets = sqlite3_column_blob(st, 1);
		size_t len = (size_t)sqlite3_column_bytes(st, 1);

		if (octets && take(ctx, id, slice_of(octets, len)))
			continue;
		p->stats.damaged++;
		log_event(LOG_ERROR, "persist", "damaged_row", LOG_U("id", id));
	}
	if (rc != SQLITE_DONE)
		snprintf(error, ERROR_MAX, "%s", sqlite3_errmsg(p->db));
	sqlite3_reset(st);
	return rc == SQLITE_DONE;
}

static bool take_set(void *into, uint64_t id, struct slice record)
{
	struct registration_set *s = record_decode(record);

	if (s && s->id == id && registrations_put(into, s))
		return true;
	registration_set_free(s);
	return false;
}

/* A line counts where it is of a later request than what the set says: the set may have been
 * written since. */
static bool take_prolonged(void *into, uint64_t id, struct slice record)
{
	struct record_prolonged r;
	struct registration_set *s;

	if (!record_prolonged_decode(record, &r))
		return false;
	s = registrations_by_id(into, r.set_id);
	for (uint32_t i = 0; s && i < s->n_contact; i++) {
		struct registration_contact *c = &s->contact[i];

		if (c->cseq >= r.cseq || record_contact(c) != r.contact)
			continue;
		c->cseq = r.cseq;
		c->expires_wall_ms = r.expires_wall_ms;
		c->registered_wall_ms = r.registered_wall_ms;
		registrations_touch(into, s);
	}
	return true;
}

bool persist_load(struct persist *p, struct registrations *into, char *error)
{
	return load(p, ST_LOAD, take_set, into, error) &&
	       load(p, ST_PROLONGED_LOAD, take_prolonged, into, error);
}

uint64_t persist_prolonged_oldest(struct persist *p, uint32_t most,
				  void (*each)(void *ctx, const struct record_prolonged *r),
				  void *ctx)
{
	sqlite3_stmt *st = p->st[ST_PROLONGED_OLDEST];
	struct record_prolonged r;
	uint64_t until = 0;

	if (sqlite3_bind_int64(st, 1, most) != SQLITE_OK)
		return 0;
	while (sqlite3_step(st) == SQLITE_ROW) {
		const void *octets = sqlite3_column_blob(st, 1);
		size_t len = (size_t)sqlite3_column_bytes(st, 1);

		until = (uint64_t)sqlite3_column_int64(st, 0);
		if (octets && record_prolonged_decode(slice_of(octets, len), &r))
			each(ctx, &r);
	}
	sqlite3_reset(st);
	return until;
}

static bool take_sa(void *into, uint64_t id, struct slice record)
{
	struct sa *sa = record_sa_decode(record);

	if (sa && sa->id == id && sas_put(into, sa))
		return true;
	sa_free(sa);
	return false;
}

bool persist_load_sas(struct persist *p, struct sas *into, char *error)
{
	return load(p, ST_SA_LOAD, take_sa, into, error);
}

struct receiver {
	void (*each)(void *ctx, const struct record_subscription *s);
	void *ctx;
};

static bool take_subscription(void *ctx, uint64_t id, struct slice record)
{
	const struct receiver *to = ctx;
	struct record_subscription s;

	if (!record_subscription_decode(record, &s) || s.number != id)
		return false;
	to->each(to->ctx, &s);
	return true;
}

bool persist_load_subscriptions(struct persist *p,
				void (*each)(void *ctx, const struct record_subscription *s),
				void *ctx, char *error)
{
	struct receiver to = {each, ctx};

	return load(p, ST_SUBSCRIPTION_LOAD, take_subscription, &to, error);
}

struct owed_receiver {
	void (*each)(void *ctx, const struct record_owed *o, struct slice record);
	void *ctx;
};

static bool take_owed(void *ctx, uint64_t id, struct slice record)
{
	const struct owed_receiver *to = ctx;
	struct record_owed o;

	if (!record_owed_decode(record, &o) || o.key != id)
		return false;
	to->each(to->ctx, &o, record);
	return true;
}

bool persist_load_owed(struct persist *p,
		       void (*each)(void *ctx, const struct record_owed *o,
				    struct slice record),
		       void *ctx, char *error)
{
	struct owed_receiver to = {each, ctx};

	return load(p, ST_OWED_LOAD, take_owed, &to, error);
}

bool persist_load_rows(struct persist *p, enum persist_rows of,
		       bool (*each)(void *ctx, uint64_t key, struct slice record), void *ctx,
		       char *error)
{
	static const enum statement statement[] = {ST_POLICY_LOAD, ST_CHARGE_LOAD, ST_ACR_LOAD};

	return load(p, statement[of], each, ctx, error);
}

void persist_stats(const struct persist *p, struct persist_stats *out)
{
	*out = p->stats;
}
