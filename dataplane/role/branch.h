/* branch.h - the branch parameter of our own Via
 *
 *   z9hG4bK SIDES MAC16 . LOOP8                               stateless (RFC 3261 §16.11)
 *   z9hG4bK t WORKER2 SLOT8 GENERATION8 MAC16 . LOOP8          a client transaction of a worker
 *   z9hG4bK c ...                                             control's (abi/message.h)
 *
 * All digits hexadecimal. SIDES is one letter of "suvw": whether the request came from, and
 * went to, a UE, so that the response crosses the same trust boundary back. A stateless MAC is
 * over what the next Via says of the way back, the Call-ID and the CSeq, so it is the same for
 * a repeat, and a response that was not asked for, or whose way back was tampered with, is
 * told. LOOP is the routing state, for loop detection (RFC 5393 §4.2).
 */
#pragma once

#include "role/pass.h"

enum branch_kind {
	BRANCH_FOREIGN,
	BRANCH_STATELESS,
	BRANCH_TRANSACTION,
	BRANCH_CONTROL,
	BRANCH_FORGED
};

struct branch_ref {
	uint16_t worker;
	uint32_t slot;
	uint32_t generation;
};

struct branch_stateless {
	bool from_ue, to_ue;
	uint64_t mac;
};

/* The check of a stateless branch: `via` is the Via behind ours. */
uint64_t branch_stateless_mac(const struct role_worker *w, const struct sip_via *via,
			      struct slice call_id, uint32_t cseq, uint8_t method, bool from_ue,
			      bool to_ue);
void branch_put_stateless(struct text *t, const struct branch_stateless *b, uint32_t loop);
void branch_put_transaction(struct text *t, const struct role_worker *w,
			    const struct branch_ref *ref, uint32_t loop);

/* Kind of a branch; a transaction's is checked, and *ref set. A stateless one sets *stateless,
 * and is still to be compared with branch_stateless_mac. */
enum branch_kind branch_read(const struct role_worker *w, struct slice branch,
			     struct branch_ref *ref, struct branch_stateless *stateless);
/* Routing state of a request as it arrived: Request-URI, tags, Call-ID, CSeq and Routes. */
uint32_t branch_loop_hash(const struct pass *p);
/* True if a Via of ours further down carries this routing state: the request has been here, as
 * it is now. */
bool branch_is_loop(const struct pass *p, uint32_t loop);
