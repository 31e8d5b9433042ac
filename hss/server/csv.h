/* csv.h - records of comma separated values, with the place of each (RFC 4180)
 *
 * Takes LF and CRLF, a byte order mark, empty lines, fields in quotes (with "" for a quote, and
 * with line ends inside); blanks around fields without quotes are left out. Nothing is
 * allocated. One thread at a time.
 */
#pragma once

#include "base/slice.h"

enum {
	CSV_FIELDS_MAX = 64,
	CSV_RECORD_MAX = 65536, /* octets of one record's values */
};

struct csv_field {
	struct slice value;    /* valid until the next record */
	uint32_t line, column; /* of its first octet, from 1, in octets */
};

struct csv {
	struct slice rest;
	uint32_t line, column; /* of the next octet; of what is wrong after CSV_WRONG */
	const char *error;     /* after CSV_WRONG: a sentence */
	uint32_t n_fields;
	struct csv_field field[CSV_FIELDS_MAX];
	uint32_t used;
	uint8_t memory[CSV_RECORD_MAX];
};

enum csv_result { CSV_RECORD, CSV_END, CSV_WRONG };

/* The text is lent. */
void csv_begin(struct csv *c, struct slice text);
enum csv_result csv_next(struct csv *c);
/* After CSV_WRONG: goes on behind the end of the line. */
void csv_skip_line(struct csv *c);
/* Overwrites the values. */
void csv_wipe(struct csv *c);
