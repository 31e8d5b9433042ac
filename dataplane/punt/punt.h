/* punt.h - the worker's ends of the rings to and from control */
#pragma once

#include "abi/message.h"
#include "abi/region.h"
#include "base/buf.h"

struct punt {
	struct ring out;     /* producer of the punt ring */
	struct ring in;      /* consumer of the inject ring */
	struct ring capture; /* producer of the capture ring */
	struct abi_region *region;
	uint16_t worker;
	int wake_fd;
	uint32_t captured; /* messages since capture_limit was last seen 0, those left out
			      included */
};

/* Owning worker only, all of them. */

/* Copies the message to the ring, wakes control if it sleeps. False: ring full or broken, or a
 * message of no octets or more than SIP_MESSAGE_MAX (the caller counts the drop). The buf stays
 * the caller's. */
bool punt_message(struct punt *p, const struct buf *b, enum abi_punt_reason reason);
/* The same of a REGISTER that was answered 200 for `expires` seconds: PUNT_REFRESHED. */
bool punt_refreshed(struct punt *p, const struct buf *b, uint32_t expires);
/* A copy for control of a message that goes, or went, on. False as punt_message. */
struct punt_notice {
	enum abi_punt_reason reason;
	const struct buf *b;
	struct addr src, dst;
	uint64_t src_sa, dst_sa;
	struct slice uri; /* behind it; empty: none */
};
bool punt_notice(struct punt *p, const struct punt_notice *n);
/* The next injected record, copied to `to` (RING_RECORD_MAX octets, 8-aligned, private) and
 * checked; NULL: none. Records that fail the check are skipped, a few of them a call. */
const struct abi_inject *punt_next_inject(struct punt *p, void *to);
/* If a capture is on: copies the message with a time stamp. Left out silently when the ring is
 * full, but counted against capture_limit: the limit less what arrived is the number left out.
 * Control switches a capture on by writing the limit, off by 0, and leaves it at 0 until the
 * workers have seen that before it starts another. */
void punt_capture(struct punt *p, const struct buf *b, bool out);
