/* db.h - what the files of store/ share: a store, and the statements that run on it
 *
 * A statement is taken, bound, run row by row and reset, whichever back end it runs on; what is
 * bound is lent until the first row or the end. For the files of store/ only; as thread-bound
 * as the store.
 */
#pragma once

#include "store/driver.h"

/* Parameters of one statement. */
enum { BOUND_MAX = 24 };

struct statement {
	struct db *db;
	enum store_statement id;
	bool begun; /* bound no more: further rows only */
	uint32_t n;
	struct value bound[BOUND_MAX];
};

struct store {
	struct db *db;
	struct statement statement[ST_MAX];
};

/* Ready to bind. A connection that was lost is made anew here, unless a transaction was lost
 * with it; db->epoch is valid afterwards. */
struct statement *store_take(struct store *s, enum store_statement id);
/* i from 1. */
void store_bind_int(struct statement *st, int i, int64_t number);
void store_bind_text(struct statement *st, int i, const char *text);
void store_bind_slice(struct statement *st, int i, struct slice text);
void store_bind_blob(struct statement *st, int i, const void *octets, size_t len);
/* STORE_OK: a row. STORE_NONE: no more. Else an error. But for a row, the statement is reset.
 */
enum store_result store_row(struct statement *st);
/* For a statement that changes something; within a transaction, its failure may be told by a
 * later call (driver.h). */
enum store_result store_run(struct statement *st);
/* For one that gives the id of the row it made. */
enum store_result store_run_id(struct statement *st, int64_t *id);
void store_reset(struct statement *st);

/* Of the row that store_row gave, column from 0; what is not a number is 0. */
int64_t store_column_int(struct statement *st, int column);
/* Valid until the next row. */
struct slice store_column_slice(struct statement *st, int column);
/* False: longer than the field, so the store is not what we wrote. */
bool store_column_text(struct statement *st, int column, char *out, size_t size);
bool store_column_blob(struct statement *st, int column, void *out, size_t len);

/* Adds what the subscription has; of another subscriber of it, what is there stays. */
enum store_result service_put(struct store *s, int64_t subscription,
			      const struct store_service *service);

/* Id of a profile; the name "" gives 0, which is no profile. */
enum store_result profile_id(struct store *s, const char *name, int64_t *id);
