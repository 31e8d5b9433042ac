/* import.h - many subscribers at once, from CSV or JSON
 *
 * CSV: the first record names the columns, which are the keys of entry.h. JSON, when the text
 * begins with '[' or '{': an array of objects with the same keys, or one object; lists may be
 * arrays of strings. One transaction of the store: all or nothing, or with skip_errors all that
 * are sound. As thread-bound as the store.
 */
#pragma once

#include "hss/entry.h"

enum { IMPORT_WRONG_MAX = 20 };

struct import_wrong {
	uint32_t line, column; /* from 1; in octets */
	const char *key;       /* what it is about, or NULL */
	char sentence[ENTRY_ERROR_MAX];
};

struct import_result {
	uint64_t imported, skipped;
	uint32_t n_wrong; /* the first of what was skipped, or the one that ended it */
	struct import_wrong wrong[IMPORT_WRONG_MAX];
};

/* False: nothing was imported, and wrong[0] says why (line 0: the store failed). The text is
 * lent. */
bool import_run(struct store *s, const struct entry_defaults *d, struct slice text,
		bool skip_errors, struct import_result *out);

/* What import.c and import_json.c share: one record under way. */
struct import {
	struct store *store;
	const struct entry_defaults *defaults;
	bool skip_errors;
	bool sound;            /* the record, so far */
	uint32_t line, column; /* of the record */
	struct {
		uint32_t line, column;
	} place[ENTRY_KEYS_MAX];
	struct entry entry;
	struct import_result *result;
};

void import_begin_record(struct import *i, uint32_t line, uint32_t column);
void import_value(struct import *i, enum entry_key key, struct slice value, uint32_t line,
		  uint32_t column);
/* The record is wrong, for a reason that entry.h does not find. key may be NULL. */
void import_refuse(struct import *i, uint32_t line, uint32_t column, const char *key,
		   const char *sentence);
/* Puts it into the store. False: the import ends here. */
bool import_end_record(struct import *i);
/* Reads a text of JSON; false when it ended early. */
bool import_json(struct import *i, struct slice text);
