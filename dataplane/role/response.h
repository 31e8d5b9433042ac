/* response.h - responses on their way back (RFC 3261 §16.7, §16.11) */
#pragma once

#include "role/pass.h"

/* A parsed response: to its transaction, back by its Vias, to control, or dropped. */
enum verdict response_input(struct pass *p);
/* Takes our Via off, crosses the trust boundary towards `to`, emits. NULL: counted; the pass's
 * buffer is untouched. The result has neither src nor dst set. */
struct buf *response_emit(struct pass *p, bool from_ue, bool to_ue, const struct addr *to,
			  uint64_t term_user);
/* Without a transaction: back to where the Via behind ours leads, which the branch vouches for
 * (§16.11). */
enum verdict response_back(struct pass *p, const struct addr *to);
