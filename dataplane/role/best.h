/* best.h - the best of the final responses to a forked INVITE (RFC 3261 §16.7 step 6) */
#pragma once

#include "role/transaction_record.h"

/* NULL: a branch has no final response yet. */
struct client *best_of(struct transactions *t, const struct txn *s);
/* The response of the best, to be sent upstream: given to the caller. With a challenge go those
 * of the other branches (step 7). */
struct buf *best_response(struct transactions *t, const struct txn *s, struct client *best);
