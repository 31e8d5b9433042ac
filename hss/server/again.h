/* again.h - what an S-CSCF did not take, to be sent once more
 *
 * A bounded list, by time. Entries are put by any thread and taken by one; they do not outlive
 * the process.
 */
#pragma once

#include "cx/cx.h"
#include "store/store.h"

enum { AGAIN_MAX = 1024, AGAIN_TRIES = 6, AGAIN_FIRST_MS = 500 /* twice that each time */ };

/* One request. */
struct again_item {
	uint32_t command;   /* CX_PPR, or CX_RTR */
	uint32_t tries;     /* made so far */
	int64_t set;        /* of a PPR: its profile is read anew */
	struct cx_rtr *rtr; /* of a RTR: from cx_copy_request, owned */
	char host[STORE_HOST_MAX + 1];
};

struct again;

/* NULL: no memory. */
struct again *again_new(void);
void again_free(struct again *a);
/* Takes the item. False: it was tried often enough, or there is no room; it is gone then. */
bool again_put(struct again *a, const struct again_item *item, uint64_t now_ms);
/* Gives one that is due. */
bool again_take(struct again *a, uint64_t now_ms, struct again_item *out);
bool again_empty(struct again *a);
