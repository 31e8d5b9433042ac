/* forward.h - send a request on (RFC 3261 §16.6) and a response back (§16.7, §16.11) */
#pragma once

#include "role/pass.h"

/* Forwards the request to p->target[]: INVITE in a transaction, to each; anything else
 * statelessly, to the first. */
enum verdict forward_request(struct pass *p);

/* Applies p->edits to the message in hand: in the buffer it lies in if that is ours alone and
 * there is room, else in a new one (the old is freed). NULL: no buffer, or the edits do not
 * fit; counted, and the pass's buffer is untouched. */
struct buf *forward_emit(struct pass *p);
