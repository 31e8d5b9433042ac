/* load.h - a configuration while it is being read: where each key stood, and the first error
 *
 * For the files of conf/ only. Main thread.
 */
#pragma once

#include "conf/schema.h"

enum { CONF_ENTRIES_MAX = 64 }; /* of the longest list of mappings */
_Static_assert((int)CONF_ENTRIES_MAX >= (int)PORTS_MAX &&
		       (int)CONF_ENTRIES_MAX >= (int)PEERS_MAX &&
		       (int)CONF_ENTRIES_MAX >= (int)ROUTES_MAX &&
		       (int)CONF_ENTRIES_MAX >= (int)SCSCFS_MAX &&
		       (int)CONF_ENTRIES_MAX >= (int)ACCESSES_MAX &&
		       (int)CONF_ENTRIES_MAX >= (int)HSSES_MAX,
	       "every entry has its lines");

struct conf_load {
	struct conf *c;
	const char *file;
	char *error; /* CONF_ERROR_MAX octets */
	/* Line of a key, 0 if it was not given: of the file's own keys at [0], of the keys of
	 * the n-th entry of their list at [n]. */
	uint32_t line[CONF_KEYS][CONF_ENTRIES_MAX];
};

/* Writes "FILE:LINE: sentence". Always false. */
bool conf_fail(struct conf_load *l, uint32_t line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Line of the key, else of the first line of the file. */
uint32_t conf_line(const struct conf_load *l, const char *name);
/* Line of a key of entry i, else of the entry's list. */
uint32_t conf_entry_line(const struct conf_load *l, enum conf_owner owner, const char *name,
			 uint32_t i);

/* The YAML of `file` into l->c and l->line, without defaults. False with an error. */
bool conf_read(struct conf_load *l);
/* What was not given: the defaults of the schema, with {key} replaced by the value of that key.
 */
bool conf_fill(struct conf_load *l);
/* What no key shows alone. False with an error. */
bool conf_check(struct conf_load *l);

/* What a file has that gives only what is required, as the schema's samples say it; on the
 * heap. NULL: out of memory. */
struct conf *conf_defaults(void);
