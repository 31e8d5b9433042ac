/* branch.h - the branch parameter of our own Via
 *
 *   z9hG4bK SIDE MAC16 [. LOOP8] [- SA16]                     stateless (RFC 3261 §16.11)
 *   z9hG4bK SIDE WORKER2 SLOT8 GENERATION8 MAC16 [. LOOP8]    a client transaction of a worker
 *   z9hG4bK c ...                                             control's (abi/message.h)
 *
 * All digits hexadecimal. SIDE is one letter, of "stuvwxyz" or, of a transaction, from "i" to
 * "x": whether the request came from, and went to, a UE, so that the response crosses the same
 * trust boundary back, whether it came to the worker's own port, so that the response leaves
 * from there, and of an INVITE, whether its session was given a time here that the caller can
 * keep. The MAC is
 * over the rest and the address that the Via behind ours leads to; a stateless one also over
 * that Via's branch and the CSeq. So it is the same for a repeat, and a response that was not
 * asked for, or whose way back was tampered with, is told without any memory of the request.
 * LOOP is the routing state, for loop detection (RFC 5393 §4.2); a request inside a dialog,
 * whose way is laid down by its token, goes without. SA names the security associations that
 * the request came under, and its response has to leave under; a transaction remembers them.
 */
#pragma once

#include "base/addr.h"

struct pass;
struct role_worker;

enum branch_kind {
	BRANCH_FOREIGN,
	BRANCH_STATELESS,
	BRANCH_TRANSACTION,
	BRANCH_CONTROL,
};

struct branch_ref {
	uint16_t worker;
	uint32_t slot;
	uint32_t generation;
};

/* Which sides of the request were UEs; which port of ours it came to. */
struct branch_side {
	bool from_ue, to_ue, own_port;
	bool timed; /* with a transaction only */
};

/* Writes the branch of the request in hand, which goes back to `back`: ref NULL, stateless. */
void branch_put(struct text *t, const struct pass *p, struct branch_side side,
		const struct branch_ref *ref, const struct addr *back);

/* Kind of the branch of the response in hand: sets p->ref and p->side. Not checked yet. */
enum branch_kind branch_read(struct pass *p);
/* True if this node wrote the branch of the response in hand, for a request that goes back to
 * `back`. next_branch: of the Via behind ours. */
bool branch_is_ours(const struct pass *p, const struct addr *back, struct slice next_branch);

/* Routing state of a request as it arrived: Request-URI, tags, Call-ID, CSeq and Routes. */
uint32_t branch_loop_hash(const struct pass *p);
/* True if a Via of ours further down carries this routing state: the request has been here, as
 * it is now. */
bool branch_is_loop(const struct pass *p, uint32_t loop);
