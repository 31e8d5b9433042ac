/* schema.c - the tables, their versions, and the epoch of the SQNs */
#include "store/driver.h"

#include <stdio.h>

/* Step n brings a part from version n to n + 1, on either back end: sql.h says what may stand
 * here. Identifiers are never used twice, so that state left behind by a power cut cannot be
 * taken for somebody else's: two files do not commit as one. */
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
	/* Where the user of GIBA is (TS 29.228 §6.3.1); '': he has none. */
	"ALTER TABLE main.impi ADD COLUMN giba TEXT NOT NULL DEFAULT '';",
	/* What an Application Server may do over Sh (TS 29.328 §6.2); operations: enum
	 * store_operation. */
	"CREATE TABLE main.permission(host TEXT NOT NULL, reference INTEGER NOT NULL,"
	" operations INTEGER NOT NULL, PRIMARY KEY(host, reference)) WITHOUT ROWID;"
	/* Repository data (§7.6.1). Without data: deleted, with the number that the deletion
	 * had. */
	"CREATE TABLE main.repository(identity TEXT NOT NULL, service TEXT NOT NULL,"
	" sequence INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY(identity, service))"
	" WITHOUT ROWID;"
	/* Subscriptions to notifications (§6.1.3); digest: of what was told last. */
	"CREATE TABLE main.watch(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" identity TEXT NOT NULL, reference INTEGER NOT NULL, detail TEXT NOT NULL,"
	" host TEXT NOT NULL, expiry INTEGER NOT NULL, once INTEGER NOT NULL,"
	" digest INTEGER NOT NULL, UNIQUE(identity, reference, detail, host));"
	/* Dynamic service activation (§7.6.18): a tag stands for the criteria that lead to a
	 * server; who is in the second has them off. */
	"CREATE TABLE main.dsai(tag TEXT PRIMARY KEY NOT NULL, server TEXT NOT NULL)"
	" WITHOUT ROWID;"
	"CREATE TABLE main.dsai_off(identity TEXT NOT NULL, tag TEXT NOT NULL,"
	" PRIMARY KEY(identity, tag)) WITHOUT ROWID;"
	/* §7.6.17. */
	"ALTER TABLE main.psi ADD COLUMN inactive INTEGER NOT NULL DEFAULT 0;",
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

static enum store_result upgrade(struct db *d, const char *part, const char *const *step,
				 int steps, char *error)
{
	int64_t version = d->driver->version(d, part);

	if (version > steps)
		snprintf(error, STORE_ERROR_MAX,
			 "the store was written by a later version (schema %lld, this program "
			 "knows %d)",
			 (long long)version, steps);
	if (version < 0 || version > steps)
		return STORE_FAIL;
	for (; version < steps; version++) {
		enum store_result r = d->driver->exec(d, step[version]);

		if (r == STORE_OK)
			r = d->driver->set_version(d, part, version + 1);
		if (r != STORE_OK)
			return r;
	}
	return STORE_OK;
}

/* Durable before any vector of the epoch can be made. lost: state is, or may be. */
static enum store_result epoch_begin(struct db *d, bool lost)
{
	char boot[64], sql[256];
	enum store_result r;

	/* Where it cannot be told, it may have been lost: a larger jump, never a smaller one.
	 */
	if (!d->driver->boot(d, boot))
		lost = true;
	boot[strspn(boot, "0123456789abcdefghijklmnopqrstuvwxyz.-")] = 0;
	snprintf(sql, sizeof(sql),
		 "UPDATE main.meta SET epoch = epoch + 1, boot = '%s' WHERE boot <> '%s' OR 1 "
		 "= %d",
		 boot, boot, lost);
	r = d->driver->exec(d, sql);
	if (r == STORE_OK)
		r = d->driver->number(d, "SELECT epoch FROM main.meta", &d->epoch);
	return r == STORE_OK && d->epoch <= 0 ? STORE_FAIL : r;
}

static enum store_result open_parts(struct db *d, char *error)
{
	/* A part made anew lost what the other knows of it, as after a power cut. */
	bool lost = d->driver->version(d, "state") <= 0;
	enum store_result r =
		upgrade(d, "main", main_step, sizeof(main_step) / sizeof(main_step[0]), error);

	if (r == STORE_OK)
		r = upgrade(d, "state", state_step, sizeof(state_step) / sizeof(state_step[0]),
			    error);
	return r == STORE_OK ? epoch_begin(d, lost) : r;
}

enum store_result schema_open(struct db *d, char *error)
{
	enum store_result r = d->driver->begin_schema(d);

	if (r == STORE_OK)
		r = open_parts(d, error);
	if (r == STORE_OK)
		return d->driver->exec(d, "COMMIT");
	if (d->driver->in_transaction(d))
		d->driver->rollback(d);
	return r;
}
