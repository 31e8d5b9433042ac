/* tries.h - how often in a row a private identity gave a wrong response
 *
 * A fixed table; a full bucket forgets the count that was touched longest ago. Loop thread
 * only.
 */
#pragma once

#include "base/slice.h"

struct tries;

/* ttl_ms: a count not touched for so long begins at 0. NULL: no memory. */
struct tries *tries_new(uint64_t ttl_ms);
void tries_free(struct tries *t);
/* One more; the new count. */
uint32_t tries_add(struct tries *t, struct slice impi, uint64_t now_ms);
void tries_clear(struct tries *t, struct slice impi);
