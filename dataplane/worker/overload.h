/* overload.h - what a worker lets go when more comes than it can carry
 *
 * A worker that finds a full burst turn after turn has a queue behind it that grows until the
 * port throws messages away, those of calls in progress with the rest. Before that, new work is
 * refused: first a growing share of new requests is answered 503 with Retry-After (RFC 3261
 * §21.5.4), then a growing share is dropped unread. What belongs to a dialog or a transaction
 * is carried on as long as anything is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum {
	OVERLOAD_WINDOW = 256, /* turns between two steps */
	OVERLOAD_SHARES = 16,  /* sixteenths of the new requests */
	OVERLOAD_LEVEL_MAX = 2 * OVERLOAD_SHARES,
};

struct overload {
	uint32_t turns, full; /* of this window */
	uint32_t sequence;
	uint8_t level; /* 0: everything is taken */
};

/* Once a turn that found anything: whether the burst was full. */
void overload_note(struct overload *o, bool full);
/* Sixteenths of the new requests that are to be answered 503. */
static inline uint32_t overload_refused(const struct overload *o)
{
	return o->level < OVERLOAD_SHARES ? o->level : OVERLOAD_SHARES;
}
/* True if this message is to be dropped unread. */
bool overload_drops(struct overload *o, struct slice message);
