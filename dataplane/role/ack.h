/* ack.h - what is kept of an INVITE to acknowledge its final response (RFC 3261 §17.1.1.3)
 *
 * A branch that was refused waits 32 s for repeats of the refusal (timer D). All that an ACK
 * needs and the response does not say is the Request-URI, the Route and where to send it: that
 * is kept, and the buffer of the INVITE goes back to the pool.
 */
#pragma once

#include "role/pass.h"

enum { ACK_TEXT_MAX = 208 };

struct ack {
	struct addr src, dst;
	uint64_t sa_id;
	uint8_t port;
	uint8_t uri_len;   /* 0: nothing is kept */
	uint8_t route_len; /* whole Route lines, behind the URI */
	uint8_t text[ACK_TEXT_MAX];
};

/* From the INVITE as it was sent. False: it does not fit. */
bool ack_keep(struct ack *a, const struct sip_msg *sent, const struct buf *b);
/* An ACK for the response in hand. NULL: no buffer. */
struct buf *ack_make(const struct ack *a, const struct sip_msg *response);
