/* transaction.h - transactions (RFC 3261 §16.7-16.10, §17; RFC 6026): of INVITE, and of others
 * that may go to one contact after another
 *
 * One record a server transaction, one a branch (client transaction), both of one worker and
 * nobody else's. Packet buffers are kept by reference: each INVITE as sent (for repeats, ACK,
 * CANCEL and answers of our own), the INVITE as received while there is none sent or when there
 * are several, the last response sent (for repeats). With a 2xx on a single branch both records
 * end; accepted.h remembers the key, and a repeated 2xx goes back by its branch alone.
 */
#pragma once

#include "role/pass.h"

struct transactions;

/* Main thread, at start. NULL: no memory. */
struct transactions *transactions_create(struct role_worker *w);
void transactions_destroy(struct transactions *t);
uint32_t transactions_live(const struct transactions *t);

/* Key of the server transaction of the request in hand (RFC 3261 §17.2.3), keyed: branch,
 * sent-by, and where its responses go, for a transaction is its sender's: a branch that was
 * overheard matches nothing from elsewhere. From an element of RFC 2543, whose branch has no
 * cookie, also Call-ID, From tag and CSeq number. INVITE, its CANCEL and its ACK have the same.
 */
uint64_t transaction_key(const struct pass *p);
/* Ask for what the message in hand will look into: by p->txn_key, or p->ref; then, for a
 * response, step by step for what lies behind that. */
void transaction_prefetch(const struct pass *p);
void transaction_approach(const struct pass *p);
void transaction_reach(const struct pass *p);

/* A request that belongs to a known transaction is worked off here: repeats of INVITE, CANCEL,
 * ACK for a non-2xx. NEXT: it is none; for an INVITE whose resumed transaction waits, p->txn is
 * set. */
enum verdict transaction_take(struct pass *p);

/* The same for a request that is no INVITE and goes to one contact after another: a repeat is
 * answered as the first was, or not yet. */
enum verdict transaction_take_other(struct pass *p);

/* Starts the server transaction of the request in hand; an INVITE is answered 100 (RFC 3261
 * §16.2). False: no record free. */
bool transaction_start(struct pass *p);
/* The INVITE as received is kept, to answer from. */
void transaction_keep(struct pass *p);
/* The same, in case that the terminal which it goes to moves before it says anything. */
void transaction_follow(struct pass *p);
/* The INVITE waits for control's verdict; it is kept. */
void transaction_hold(struct pass *p);
/* This node's own response to the INVITE: takes the buf. */
void transaction_answer(struct pass *p, struct buf *response, uint16_t status);

/* The INVITE cannot be answered (no buffer): its transaction is forgotten. */
void transaction_abandon(struct pass *p);

/* Room for one more branch; its reference goes into the Via. False: none free. */
bool transaction_branch(struct pass *p, struct branch_ref *ref);
/* The INVITE as emitted for that branch, to this target: takes `sent`, sends it and starts
 * timers A and B. breadth: what its Max-Breadth says. */
void transaction_send(struct pass *p, const struct branch_ref *ref, struct buf *sent,
		      const struct target *to, uint32_t breadth);
/* Its branches are out for now. Where contacts are left for later (p->more) these are tried
 * when all of the branches have failed, or have rung for long enough. */
void transaction_spread(struct pass *p);
/* Of an INVITE that is taken up again: true if this contact was tried, or a contact of the same
 * terminal that is not known to have failed (RFC 5626 §7). */
bool transaction_tried(const struct pass *p, uint32_t contact, uint32_t instance);
/* What Max-Breadth the branches hold that have no final response yet (RFC 5393 §5.3). */
uint32_t transaction_breadth(const struct pass *p);

/* A request that control was asked about when its Application Server had failed, and that goes
 * nowhere: it gets the best response that there was. */
void transaction_conclude(struct pass *p);

/* A response to an INVITE with a branch of ours, that goes back to `back`. */
enum verdict transaction_response(struct pass *p, const struct addr *back);
/* A response to our CANCEL. */
enum verdict transaction_cancelled(struct pass *p);

/* Timers: see role_tick. */
bool transactions_tick(struct role_worker *w, uint64_t now_ms, struct outbox *out);
uint32_t transactions_next(const struct role_worker *w, uint64_t now_ms, uint32_t most);
