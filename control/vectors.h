/* vectors.h - AKA vectors that are left over from an answer of the HSS, for the next challenges
 * of the same user (TS 33.203 §6.1.1)
 *
 * Of one private identity the vectors of the last answer alone are kept, given out in their
 * order, each once. Bounded in number and in time: when it is full the user asked about longest
 * ago makes room. Wiped when they go. Not kept over a restart. Loop thread only.
 */
#pragma once

#include "cx/cx.h"

struct vectors;

/* users >= 1. NULL: no memory. */
struct vectors *vectors_new(uint32_t users);
void vectors_free(struct vectors *v);
/* Those from the second on, in place of any that were kept. They are for this pair of
 * identities: which go together the HSS alone knows. They keep the time they were given here,
 * until expires_ms at most. */
void vectors_put(struct vectors *v, struct slice impi, struct slice impu,
		 const struct cx_maa *maa, uint64_t expires_ms);
/* The next one; false: there is none, or it is for another impu. The caller wipes it. */
bool vectors_take(struct vectors *v, struct slice impi, struct slice impu, uint64_t now_ms,
		  struct cx_vector *out);
/* Ends at most `most` users' whose time is over, those kept longest first: one whose time is
 * longer holds up those after it, which vectors_take does not give out all the same. */
void vectors_expire(struct vectors *v, uint64_t now_ms, uint32_t most);
/* They are of no use any more: the terminal's sequence numbers are elsewhere, or the user's
 * registration has ended. */
void vectors_drop(struct vectors *v, struct slice impi);
uint32_t vectors_users(const struct vectors *v);
