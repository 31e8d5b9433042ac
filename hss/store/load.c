/* load.c - rows in and out of PostgreSQL by the million: COPY, and results row by row */
#define _GNU_SOURCE
#include "store/load.h"

#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	SQL_MAX = 2048,
	/* A row is at most a profile and a few names. */
	BUFFER_SIZE = 1 << 18,
	SEND_AT = 1 << 16,
	ROW_MAX = BUFFER_SIZE - SEND_AT,
	/* Types as PostgreSQL numbers them, in pg_type.dat. */
	TYPE_BYTEA = 17,
	TYPE_INT8 = 20,
	TYPE_INT4 = 23,
	BINARY = 1,
};

static_assert(ROW_MAX > 2 * STORE_PROFILE_MAX, "a profile fits into a row");

void load_value(const PGresult *r, int row, int column, struct value *out)
{
	const char *octets = PQgetvalue(r, row, column);
	size_t len = (size_t)PQgetlength(r, row, column);
	uint64_t wide;
	uint32_t narrow;

	*out = (struct value){.kind = VALUE_NULL};
	if (PQgetisnull(r, row, column))
		return;
	if (PQftype(r, column) == TYPE_INT8 && len == sizeof(wide)) {
		memcpy(&wide, octets, sizeof(wide));
		out->kind = VALUE_NUMBER;
		out->number = (int64_t)be64toh(wide);
	} else if (PQftype(r, column) == TYPE_INT4 && len == sizeof(narrow)) {
		memcpy(&narrow, octets, sizeof(narrow));
		out->kind = VALUE_NUMBER;
		out->number = (int32_t)be32toh(narrow);
	} else {
		out->kind = PQftype(r, column) == TYPE_BYTEA ? VALUE_BLOB : VALUE_TEXT;
		out->octets = slice_of(octets, len);
	}
}

/* It lasts as long as it lasts. */
static enum store_result take_time(struct link *l)
{
	PGresult *r = link_query(l,
				 "SET LOCAL statement_timeout = 0;"
				 "SET LOCAL idle_in_transaction_session_timeout = 0",
				 link_until(STORE_WAIT_MS));
	enum store_result result = link_result(r);

	PQclear(r);
	return result;
}

static bool give_row(const PGresult *r, scan_row *row, void *ctx)
{
	const char *name[COLUMNS_MAX];
	struct value value[COLUMNS_MAX];
	int n = PQnfields(r);

	if (n > COLUMNS_MAX)
		return false;
	for (int i = 0; i < n; i++) {
		name[i] = PQfname(r, i);
		load_value(r, 0, i, &value[i]);
	}
	return row(ctx, (uint32_t)n, name, value);
}

enum store_result load_scan(struct link *l, const char *sql, scan_row *row, void *ctx)
{
	enum store_result result = take_time(l);
	bool more = true;
	PGresult *r;

	if (result != STORE_OK)
		return result;
	if (!PQsendQueryParams(l->conn, sql, 0, NULL, NULL, NULL, NULL, BINARY) ||
	    !PQsetSingleRowMode(l->conn) || !link_flush(l, link_until(STORE_WAIT_MS)))
		return STORE_FAIL;
	for (;;) {
		if (!link_next(l, link_until(LINK_LONG_MS), &r))
			return STORE_FAIL;
		if (!r)
			return result;
		if (PQresultStatus(r) == PGRES_SINGLE_TUPLE)
			more = more && give_row(r, row, ctx);
		else if (result == STORE_OK)
			result = link_result(r);
		PQclear(r);
	}
}

static void put(struct load *load, const void *octets, size_t len)
{
	if (len)
		memcpy(load->buffer + load->len, octets, len);
	load->len += len;
}

static void put_16(struct load *load, int number)
{
	uint16_t n = htobe16((uint16_t)number);

	put(load, &n, sizeof(n));
}

static void put_32(struct load *load, int64_t number)
{
	uint32_t n = htobe32((uint32_t)number);

	put(load, &n, sizeof(n));
}

static enum store_result send_buffer(struct load *load, struct link *l)
{
	uint64_t until = link_until(LINK_LONG_MS);
	int sent;

	if (!l->conn)
		return STORE_FAIL;
	while ((sent = PQputCopyData(l->conn, (const char *)load->buffer, (int)load->len)) == 0)
		if (!link_flush(l, until))
			return STORE_FAIL;
	load->len = 0;
	return sent == 1 && link_flush(l, until) ? STORE_OK : STORE_FAIL;
}

static bool copy_sql(char sql[SQL_MAX], const char *table, uint32_t n, const char *const *name)
{
	size_t at = (size_t)snprintf(sql, SQL_MAX, "COPY %s(", table);

	for (uint32_t i = 0; i < n && at < SQL_MAX; i++)
		at += (size_t)snprintf(sql + at, SQL_MAX - at, "%s%s", i ? "," : "", name[i]);
	if (at < SQL_MAX)
		at += (size_t)snprintf(sql + at, SQL_MAX - at, ") FROM STDIN (FORMAT binary)");
	return at < SQL_MAX;
}

enum store_result load_begin(struct load *load, struct link *l, const char *table, uint32_t n,
			     const char *const *name)
{
	static const char signature[11] = "PGCOPY\n\377\r\n";
	char sql[SQL_MAX];
	enum store_result result = take_time(l);
	PGresult *r;

	*load = (struct load){.buffer = malloc(BUFFER_SIZE)};
	if (result != STORE_OK || !load->buffer || !copy_sql(sql, table, n, name))
		return STORE_FAIL;
	if (!PQsendQuery(l->conn, sql) || !link_flush(l, link_until(STORE_WAIT_MS)) ||
	    !link_next(l, link_until(STORE_WAIT_MS), &r))
		return STORE_FAIL;
	result = PQresultStatus(r) == PGRES_COPY_IN ? STORE_OK : link_result(r);
	PQclear(r);
	put(load, signature, sizeof(signature));
	put_32(load, 0); /* flags */
	put_32(load, 0); /* octets of extensions */
	return result;
}

static void put_value(struct load *load, const struct value *v)
{
	uint64_t wide = htobe64((uint64_t)v->number);

	switch (v->kind) {
	case VALUE_NULL:
		put_32(load, -1);
		break;
	case VALUE_NUMBER:
		put_32(load, sizeof(wide));
		put(load, &wide, sizeof(wide));
		break;
	default:
		put_32(load, v->octets.len);
		put(load, v->octets.p, v->octets.len);
	}
}

enum store_result load_row(struct load *load, struct link *l, uint32_t n,
			   const struct value *value)
{
	size_t need = 2;

	for (uint32_t i = 0; i < n; i++)
		need += 4 + (value[i].kind == VALUE_NUMBER ? 8 : value[i].octets.len);
	if (need > ROW_MAX)
		return STORE_FAIL;
	put_16(load, (int)n);
	for (uint32_t i = 0; i < n; i++)
		put_value(load, &value[i]);
	return load->len < SEND_AT ? STORE_OK : send_buffer(load, l);
}

enum store_result load_end(struct load *load, struct link *l)
{
	enum store_result result = STORE_FAIL;
	PGresult *r;

	if (load->buffer && l->conn) {
		put_16(load, -1);
		result = send_buffer(load, l);
	}
	if (result == STORE_OK && PQputCopyEnd(l->conn, NULL) == 1) {
		r = link_last(l, link_until(LINK_LONG_MS));
		result = link_result(r);
		PQclear(r);
	}
	if (load->buffer)
		explicit_bzero(load->buffer, BUFFER_SIZE);
	free(load->buffer);
	load->buffer = NULL;
	return result;
}
