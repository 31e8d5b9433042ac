/* schema.c - the tables, their versions, and the epoch of the SQNs */
#include "store/sqlite.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Step n brings a file from version n to n + 1. Identifiers are never used twice, so that state
 * left behind by a power cut cannot be taken for somebody else's: the two files do not commit
 * as one. */
static const char *const main_step[] = {
	"CREATE TABLE main.meta(one INTEGER PRIMARY KEY CHECK(one = 1),"
	" epoch INTEGER NOT NULL, boot TEXT NOT NULL);"
	"INSERT INTO main.meta VALUES(1, 0, '');"
	/* TS 23.228 §4.3.3.4 */
	"CREATE TABLE main.subscription(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" name TEXT NOT NULL UNIQUE);"
	/* Networks where the subscriber may roam (TS 29.228 §6.1.1.1 step 4). */
	"CREATE TABLE main.visited(subscription INTEGER NOT NULL, network TEXT NOT NULL,"
	" PRIMARY KEY(subscription, network)) WITHOUT ROWID;"
	/* TS 29.228 Annex B.2; services: enum store_services. */
	"CREATE TABLE main.profile(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" name TEXT NOT NULL UNIQUE, ifc_xml BLOB NOT NULL, cn_services INTEGER NOT NULL,"
	" services INTEGER NOT NULL);"
	"CREATE TABLE main.implicit_set(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" subscription INTEGER NOT NULL);"
	"CREATE INDEX main.implicit_set_subscription ON implicit_set(subscription);"
	/* k, opc, amf: TS 33.102 §6.3; ha1: RFC 7616 §3.4.2. */
	"CREATE TABLE main.impi(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" impi TEXT NOT NULL UNIQUE, subscription INTEGER NOT NULL,"
	" implicit_set INTEGER NOT NULL, auth INTEGER NOT NULL, k BLOB NOT NULL,"
	" opc BLOB NOT NULL, amf BLOB NOT NULL, sqn INTEGER NOT NULL,"
	" epoch INTEGER NOT NULL, ha1 TEXT NOT NULL, ha1_sha256 TEXT NOT NULL,"
	" digest_realm TEXT NOT NULL, profile INTEGER NOT NULL);"
	"CREATE INDEX main.impi_subscription ON impi(subscription);"
	"CREATE INDEX main.impi_set ON impi(implicit_set);"
	"CREATE TABLE main.impu(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" impu TEXT NOT NULL UNIQUE, subscription INTEGER NOT NULL,"
	" implicit_set INTEGER NOT NULL, profile INTEGER NOT NULL, barred INTEGER NOT NULL,"
	" position INTEGER NOT NULL, display_name TEXT NOT NULL);"
	"CREATE INDEX main.impu_set ON impu(implicit_set);"
	"CREATE INDEX main.impu_profile ON impu(profile, implicit_set) WHERE profile <> 0;",
	/* What an S-CSCF must or should be able to do for a subscription, and where its
	 * charging goes (TS 29.228 §6.7, Annex B.2; kind: enum store_item). */
	"CREATE TABLE main.item(subscription INTEGER NOT NULL, kind INTEGER NOT NULL,"
	" position INTEGER NOT NULL, value TEXT NOT NULL,"
	" PRIMARY KEY(subscription, kind, position)) WITHOUT ROWID;"
	/* Public service identities that an Application Server hosts itself (TS 23.228
	 * §5.4.12). */
	"CREATE TABLE main.psi(identity TEXT PRIMARY KEY NOT NULL, wildcard INTEGER NOT NULL,"
	" server TEXT NOT NULL) WITHOUT ROWID;",
};

static const char *const state_step[] = {
	/* Registration state and S-CSCF of a set (TS 29.228 §6.1.2.1). */
	"CREATE TABLE state.assignment(implicit_set INTEGER PRIMARY KEY,"
	" state INTEGER NOT NULL, scscf TEXT NOT NULL, host TEXT NOT NULL);"
	/* IMPIs registered with a set, or with authentication pending (TS 29.228 §6.3.1). */
	"CREATE TABLE state.tie(implicit_set INTEGER NOT NULL, impi INTEGER NOT NULL,"
	" registered INTEGER NOT NULL, pending INTEGER NOT NULL,"
	" PRIMARY KEY(implicit_set, impi)) WITHOUT ROWID;"
	/* The last SQN used and the epoch it was used in. */
	"CREATE TABLE state.sqn(impi INTEGER PRIMARY KEY, sqn INTEGER NOT NULL,"
	" epoch INTEGER NOT NULL);",
	/* What an S-CSCF wants back should it lose its own state (TS 23.380 §4). */
	"CREATE TABLE state.restoration(implicit_set INTEGER NOT NULL, impi INTEGER NOT NULL,"
	" info BLOB NOT NULL, PRIMARY KEY(implicit_set, impi)) WITHOUT ROWID;",
};

/* One number or -1. */
static int64_t number(struct store *s, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t value = -1;

	if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		value = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return value;
}

static enum store_result upgrade(struct store *s, const char *file, const char *const *step,
				 int steps, char *error)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA %s.user_version", file);
	int64_t version = number(s, sql);
	if (version > steps)
		snprintf(error, STORE_ERROR_MAX,
			 "the store was written by a later version (schema %lld, this program "
			 "knows %d)",
			 (long long)version, steps);
	if (version < 0 || version > steps)
		return STORE_FAIL;
	for (; version < steps; version++) {
		snprintf(sql, sizeof(sql), "PRAGMA %s.user_version = %lld", file,
			 (long long)version + 1);
		if (store_exec(s, step[version]) != STORE_OK || store_exec(s, sql) != STORE_OK)
			return STORE_FAIL;
	}
	return STORE_OK;
}

/* The same for as long as the machine runs. */
static bool boot_id(char out[64])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, 63);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	out[n] = 0;
	return true;
}

/* Written with fsync before any vector of the epoch can be made. state_is_new: its SQNs are
 * lost, as after a power cut. */
static enum store_result epoch_begin(struct store *s, bool state_is_new)
{
	sqlite3_stmt *st = NULL;
	char boot[64];
	int code;

	/* Without the identifier every start counts as one of the machine: a larger jump, never
	 * a smaller one. */
	if (!boot_id(boot)) {
		state_is_new = true;
		*boot = 0;
	}
	code = sqlite3_prepare_v2(
		s->db,
		"UPDATE main.meta SET epoch = epoch + 1, boot = ?1 WHERE boot <> ?1 OR ?2", -1,
		&st, NULL);
	if (code == SQLITE_OK) {
		store_bind_text(st, 1, boot);
		sqlite3_bind_int(st, 2, state_is_new);
		code = sqlite3_step(st);
	}
	sqlite3_finalize(st);
	if (code != SQLITE_DONE)
		return store_result_of(code);
	s->epoch = number(s, "SELECT epoch FROM main.meta");
	return s->epoch > 0 ? STORE_OK : STORE_FAIL;
}

enum store_result schema_open(struct store *s, char *error)
{
	enum store_result r = store_exec(s, "BEGIN IMMEDIATE");
	bool state_is_new;

	if (r != STORE_OK)
		return r;
	state_is_new = number(s, "PRAGMA state.user_version") == 0;
	r = upgrade(s, "main", main_step, sizeof(main_step) / sizeof(main_step[0]), error);
	if (r == STORE_OK)
		r = upgrade(s, "state", state_step, sizeof(state_step) / sizeof(state_step[0]),
			    error);
	if (r == STORE_OK)
		r = epoch_begin(s, state_is_new);
	if (r == STORE_OK)
		return store_exec(s, "COMMIT");
	sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}
