/* policy.h - messages that wait until the access network has what a session needs (TS 24.229
 * §5.2.7; TS 29.214 §4.4.1; TS 29.213 §B)
 *
 * Of terminals in the access networks that the configuration names, what carries a session
 * description is given to control, which asks for resources and says how it goes on: offers in
 * requests before anything else is done with them, answers before a transaction sees them. A
 * call for help waits for nothing. Where no such network is named all of this costs one
 * comparison.
 */
#pragma once

#include "role/pass.h"

/* True if resources are asked for at this address of a terminal. */
bool policy_covers(const struct node *n, const struct addr *ue);

/* A request of such a terminal: PUNT; NEXT if it may go on; or answered as control rejects it.
 */
enum verdict policy_request(struct pass *p);
/* A response that goes back to `back`: PUNT; NEXT if it may go on, or if p->refused is set by
 * now: then it may not. */
enum verdict policy_response(struct pass *p, const struct addr *back);
/* True if control has to hear what this request offers, or an ACK answers, before it leaves for
 * the target: asked before it is emitted, and told behind that. */
bool policy_tells(const struct pass *p, const struct target *to);
/* The request from `from` leaves for `to` as b. */
void policy_note_offer(struct pass *p, const struct addr *from, const struct target *to,
		       const struct buf *b);

/* A final response that refused, from src, goes upstream to `back` as b: control hears that
 * there is no session. */
struct policy_failure {
	struct addr src, back;
	bool to_ue, from_ue; /* as of a branch */
};
void policy_note_failure(struct pass *p, const struct policy_failure *f, const struct buf *b);
/* The refused response becomes one with control's status and lines, and without a body. */
void policy_turn(struct pass *p);
