/* move.h - all of one store into another, of either back end
 *
 * Needs nobody else: the source is held so that nothing changes in it meanwhile, and a target
 * that holds anything is refused. What is moved: every table, with the identifiers that rows
 * know each other by, so also registration state and SQNs. Moving begins an epoch in the target
 * (store.h): vectors that the source gave out unseen are not given again.
 */
#pragma once

#include "store/store.h"

struct store_moved {
	uint64_t subscribers, profiles, sets, sqns; /* sets: with state or an S-CSCF */
	uint64_t rows;                              /* of all tables */
};

/* All or nothing. Minutes for millions. A sentence in error (STORE_ERROR_MAX) on failure. */
enum store_result store_move(struct store *from, struct store *to, struct store_moved *out,
			     char *error);
