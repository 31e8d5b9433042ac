/* export.h - all subscribers as CSV or JSON, in the form that import.h takes */
#pragma once

#include "base/json.h"
#include "store/store.h"

enum export_format { EXPORT_CSV, EXPORT_JSON };

/* Appends the text to out. Without secrets there is no k, opc or ha1 in it, so that it cannot
 * be imported again; the password and OP are never in it, because the store has none. Whoever
 * asked for secrets wipes out->p. As thread-bound as the store. STORE_FAIL also when memory
 * ends. */
enum store_result export_run(struct store *s, enum export_format format, bool secrets,
			     struct json *out);
