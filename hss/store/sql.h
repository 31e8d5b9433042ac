/* sql.h - the store's SQL for PostgreSQL
 *
 * What is written in schema.c and statement.def is SQL of SQLite that PostgreSQL takes too, but
 * for this: the types INTEGER (64 bits), BLOB and TEXT (compared octet by octet), INTEGER
 * PRIMARY KEY AUTOINCREMENT, WITHOUT ROWID, CREATE INDEX part.name ON table, x'00ff', and
 * parameters ?1. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* NUL-terminated into out. False: it has no room. */
bool sql_translate(const char *sql, char *out, size_t size);
