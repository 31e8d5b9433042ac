/* render.h - any JSON answer as something to read
 *
 * An object becomes lines "key  value"; an array of objects a table with a heading per key, in
 * the order in which keys first come; {"rows": [...], ...} the table and then the rest;
 * {"data": "text"} the text itself. Control characters do not reach the terminal.
 */
#pragma once

#include "ctl/ctl.h"

#include <jansson.h>

/* As the user asked for it: JSON as it is, or for the reader. */
void render(struct ctl *c, const json_t *answer);
/* {"error":{"code","message","hint"}}: in words to c->err, or as JSON to c->out. */
void render_error(struct ctl *c, const json_t *answer);
