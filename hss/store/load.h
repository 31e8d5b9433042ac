/* load.h - rows in and out of PostgreSQL by the million: COPY, and results row by row
 *
 * For the PostgreSQL driver only, within a transaction; as thread-bound as the store.
 */
#pragma once

#include "store/driver.h"
#include "store/link.h"

struct load {
	uint8_t *buffer; /* rows that are not sent yet */
	size_t len;
};

/* What a column of a result holds. */
void load_value(const PGresult *r, int row, int column, struct value *out);
/* As scan of struct driver. */
enum store_result load_scan(struct link *l, const char *sql, scan_row *row, void *ctx);

enum store_result load_begin(struct load *load, struct link *l, const char *table, uint32_t n,
			     const char *const *name);
enum store_result load_row(struct load *load, struct link *l, uint32_t n,
			   const struct value *value);
/* STORE_OK: the server has taken all rows. To be called after a failure too. */
enum store_result load_end(struct load *load, struct link *l);
