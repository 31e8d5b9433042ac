/* sqlite.h - what the files of store/ share: the connection and its prepared statements
 *
 * For the files of store/ only; as thread-bound as the store.
 */
#pragma once

#include <sqlite3.h>

#include "store/store.h"

enum store_statement {
#define ST(id, sql) ST_##id,
#include "store/statement.def"
#undef ST
	ST_MAX
};

struct store {
	sqlite3 *db;
	int64_t epoch;
	sqlite3_stmt *statement[ST_MAX];
};

/* Creates or upgrades both files and begins an epoch if the machine was started since. */
enum store_result schema_open(struct store *s, char *error);

/* Ready to bind; its text and blobs are bound without a copy. */
sqlite3_stmt *store_take(struct store *s, enum store_statement id);
void store_bind_slice(sqlite3_stmt *st, int i, struct slice text);
void store_bind_text(sqlite3_stmt *st, int i, const char *text);
/* STORE_OK: a row. STORE_NONE: no more. Else an error. But for a row, the statement is reset.
 */
enum store_result store_row(struct store *s, sqlite3_stmt *st);
/* To its end, for a statement that changes something; resets it. */
enum store_result store_run(struct store *s, sqlite3_stmt *st);
/* For what is not prepared. */
enum store_result store_exec(struct store *s, const char *sql);
/* What an error code means; logs failures. */
enum store_result store_result_of(int code);
/* False: longer than the field, so the file is not what we wrote. */
bool store_column_text(sqlite3_stmt *st, int column, char *out, size_t size);
bool store_column_blob(sqlite3_stmt *st, int column, void *out, int len);

/* Adds what the subscription has; of another subscriber of it, what is there stays. */
enum store_result service_put(struct store *s, int64_t subscription,
			      const struct store_service *service);

/* Id of a profile; the name "" gives 0, which is no profile. */
enum store_result profile_id(struct store *s, const char *name, int64_t *id);
