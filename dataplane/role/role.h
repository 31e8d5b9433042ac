/* role.h - what the worker calls: SIP messages in, verdicts and messages out
 *
 * The roles of this node run in order over one parsed message, each adds its edits, and
 * the message is emitted once. One struct role_worker belongs to one worker; nothing in
 * it is touched by another thread. No function here blocks, allocates memory other than
 * packet buffers, or makes a system call.
 *
 * Messages are taken in groups, so that one's memory comes near while another is looked at:
 * role_prepare for each message of the group, a little later role_approach for each, later
 * still role_reach, then role_message for each, in the order of their arrival. All before that
 * change nothing but the slot.
 */
#pragma once

#include "abi/message.h"
#include "base/buf.h"
#include "base/count.h"
#include "base/verdict.h"
#include "role/node.h"
#include "table/registration.h"

struct role_worker;

enum {
	OUTBOX_MAX = 256,
	OUTBOX_PER_MESSAGE = 2 * FORK_MAX + 4,
	OUTBOX_ASKED_MAX = 16,
	ROLE_GROUP = 8, /* messages in hand at a time: their headers stay in the first cache */
};

/* Messages to send: each buf with src, dst and port set, owned by the outbox until the worker
 * takes it. A buf may be shared (BUF_F_SHARED: a transaction keeps a reference for
 * retransmission), then its octets must not be written, but for the lower headers before them:
 * it goes to the same place each time. */
struct outbox {
	uint32_t n;
	struct buf *buf[OUTBOX_MAX];
	/* Requests that were kept, and go on when control has said how. */
	uint32_t n_asked;
	struct {
		struct buf *b;
		enum abi_punt_reason reason;
	} asked[OUTBOX_ASKED_MAX];
};

/* True if there is room for what one message or one timer gives. */
static inline bool outbox_has_room(const struct outbox *out)
{
	return out->n + OUTBOX_PER_MESSAGE <= OUTBOX_MAX && out->n_asked < OUTBOX_ASKED_MAX;
}

/* At start, main thread. All memory of the worker's transactions and timers is reserved here.
 * NULL: no memory. */
struct role_worker *role_worker_create(const struct node *node, const struct tables *tables,
				       struct counters *counters, uint16_t worker);
void role_worker_destroy(struct role_worker *w);

/* Parses a received datagram (b->src, dst, port, rx_tsc set) into a slot below ROLE_GROUP, and
 * asks for the heads of the tables it will look into. Until role_message has taken the slot, b
 * stays as it is. */
void role_prepare(struct role_worker *w, uint32_t slot, struct buf *b);
/* Asks for the entries behind those heads. Inside the RCU read-side section of role_message. */
void role_approach(struct role_worker *w, uint32_t slot);
/* Asks for what those lead to. As role_approach. */
void role_reach(struct role_worker *w, uint32_t slot);
/* Works on the slot's message. Needs OUTBOX_PER_MESSAGE free places in the outbox. Inside an
 * RCU read-side section. SEND     the buf is consumed: forwarded, kept or freed PUNT     the
 * caller punts it with *punt and frees it. With PUNT_REFRESHED the last buf in the outbox is
 * the 200 OK to it; where the punt finds no room, the caller takes that buf back and frees it.
 * The caller counts one or the other. HANDOFF  the caller gives it to worker *owner DROP
 * counted here; the caller frees it */
enum verdict role_message(struct role_worker *w, uint32_t slot, uint64_t now_ms,
			  struct outbox *out, enum abi_punt_reason *punt, uint16_t *owner);

/* What control is to be told of, besides: a message that was dealt with. */
struct role_notice {
	enum abi_punt_reason reason;
	const struct buf *b; /* in the outbox */
	struct addr src, dst;
	uint64_t src_sa, dst_sa; /* security associations it came and goes under; 0: none */
	struct slice uri;        /* empty: none */
};
/* Of the last role_message; valid until the outbox is emptied, or the next one. NULL: nothing.
 */
const struct role_notice *role_notice(const struct role_worker *w);

/* Seconds that the 200 OK of the last PUNT_REFRESHED grants. */
uint32_t role_granted(const struct role_worker *w);

/* From now on so many sixteenths of the requests that begin something are answered 503. */
void role_refuse(struct role_worker *w, uint32_t sixteenths);

/* True if the message, by its first line, is a call for help, which is not to be dropped
 * unread. */
bool role_is_help(const struct role_worker *w, struct slice message);

/* Control's verdict on a message it was punted with PUNT_LOCATE, PUNT_AUTHENTICATE or
 * PUNT_POLICY; b holds
 * the message again (copied from the record), with src, dst and port of the punt. No slot is in
 * use meanwhile. PUNT: control is to be asked something else, and the caller punts b with *punt
 * and frees it. Else b is consumed. */
enum verdict role_resume(struct role_worker *w, const struct abi_inject *verdict,
			 struct slice route, struct buf *b, uint64_t now_ms, struct outbox *out,
			 enum abi_punt_reason *punt);

/* Runs the timers that are due, until none is left or fewer than OUTBOX_PER_MESSAGE places are
 * free in the outbox; true: call again. */
bool role_tick(struct role_worker *w, uint64_t now_ms, struct outbox *out);
/* Milliseconds until the next timer, at most `most`. */
uint32_t role_next_tick(const struct role_worker *w, uint64_t now_ms, uint32_t most);

/* For statistics. */
uint32_t role_transactions(const struct role_worker *w);
