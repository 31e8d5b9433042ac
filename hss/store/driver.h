/* driver.h - what a back end of the store does: SQLite or PostgreSQL
 *
 * Closed: the two tables at the end are all there are. For the files of store/ only; as
 * thread-bound as the store. The SQL is SQLite's where the two differ; the other back end
 * translates it (sql.h).
 */
#pragma once

#include "store/store.h"

enum store_statement {
#define ST(id, sql) ST_##id,
#include "store/statement.def"
#undef ST
	ST_MAX
};

/* A parameter or a column. Octets are lent. */
struct value {
	enum { VALUE_NULL, VALUE_NUMBER, VALUE_TEXT, VALUE_BLOB } kind;
	int64_t number;
	struct slice octets;
};

/* Columns of one table. */
enum { COLUMNS_MAX = 32 };

struct db {
	const struct driver *driver;
	int64_t epoch; /* see store.h; of the connection */
};

/* A row of a scan; false ends it. Valid until the function returns. */
typedef bool scan_row(void *ctx, uint32_t n, const char *const *name,
		      const struct value *value);

struct driver {
	/* where is no longer needed afterwards. NULL with a sentence in error. */
	struct db *(*open)(const char *where, char *error);
	void (*close)(struct db *d);

	/* Outside a transaction: connects again if the connection was lost. */
	void (*ready)(struct db *d);
	/* For its effect. In a transaction the driver may put it off, and tell of its failure
	 * with that of what follows, at the latest of commit. */
	enum store_result (*run)(struct db *d, enum store_statement id,
				 const struct value *bound, uint32_t n);
	/* The next row. bound: the first; NULL: one more. After anything but STORE_OK only
	 * reset may follow. */
	enum store_result (*step)(struct db *d, enum store_statement id,
				  const struct value *bound, uint32_t n);
	void (*column)(struct db *d, enum store_statement id, int column, struct value *out);
	void (*reset)(struct db *d, enum store_statement id);

	/* As run. */
	enum store_result (*begin)(struct db *d, enum store_lock lock);
	/* Within STORE_PROVISION, before the state is changed too: Cx waits from here on. */
	enum store_result (*lock_state)(struct db *d);
	enum store_result (*commit)(struct db *d);
	void (*rollback)(struct db *d);
	bool (*in_transaction)(struct db *d);
	enum store_result (*checkpoint)(struct db *d);

	/* A transaction that alone may change the tables. */
	enum store_result (*begin_schema)(struct db *d);
	/* Steps that were done in a part, "main" or "state"; -1: cannot tell. */
	int64_t (*version)(struct db *d, const char *part);
	enum store_result (*set_version)(struct db *d, const char *part, int64_t version);
	/* Any number of statements, for their effect. */
	enum store_result (*exec)(struct db *d, const char *sql);
	/* One number. */
	enum store_result (*number)(struct db *d, const char *sql, int64_t *out);
	/* What stays the same for as long as no state can be lost: letters, digits, dots,
	 * dashes. False: it may have been lost. */
	bool (*boot)(struct db *d, char out[64]);

	/* For moving whole stores, in a transaction. Gives (schema, name) of each table that
	 * holds data. */
	const char *tables_sql;
	enum store_result (*scan)(struct db *d, const char *sql, scan_row *row, void *ctx);
	enum store_result (*load_begin)(struct db *d, const char *table, uint32_t n,
					const char *const *name);
	enum store_result (*load_row)(struct db *d, uint32_t n, const struct value *value);
	enum store_result (*load_end)(struct db *d);
	/* The last id that was given in main.TABLE; and from which on to go on. A table whose
	 * ids are not counted: 0. */
	enum store_result (*last_id)(struct db *d, const char *table, int64_t *id);
	enum store_result (*set_last_id)(struct db *d, const char *table, int64_t id);
};

extern const struct driver sqlite_driver;
extern const struct driver postgres_driver;

/* Creates or upgrades the tables and begins an epoch if state may have been lost. For a
 * driver's open. */
enum store_result schema_open(struct db *d, char *error);
