/* signalling.h - the bearers that registered terminals signal over: the policy function tells
 * when one is lost (TS 29.214 §4.4.5, TS 29.213 annex B)
 *
 * One policy session (policy.h) for each registration set and address of a terminal here, in
 * the access networks of policy.access, from its 200 OK on until the contact is gone. No
 * registration waits for it or depends on it: while there is no answer it is asked again, few
 * at a time, so that calls are asked for first; what is refused is asked again when the
 * terminal registers anew. After a restart of control the sessions go on.
 *
 * A lost bearer is counted and, where policy.drop-on-signalling-loss says so, ends the contacts
 * behind it, as if their time were over. Only where policy.signalling is set. Loop thread only.
 */
#pragma once

#include "control/policy.h"

struct control;
struct signalling;

/* NULL: no memory. Uses c->registrations; c->policy may come later. Closed after it. */
struct signalling *signalling_open(struct control *c);
void signalling_close(struct signalling *s);
/* For policy_open. */
struct policy_events signalling_policy_events(struct signalling *s);
/* When c->policy is there: takes over the sessions of before whose contacts are still
 * registered, ends the others, and begins those that are missing. */
void signalling_start(struct signalling *s);
/* A registration set has changed, or is gone. s may be NULL. */
void signalling_settle(struct signalling *s, uint64_t set_id);

struct signalling_stats {
	uint32_t paths;   /* terminals' addresses, */
	uint32_t open;    /* of those with a session, */
	uint32_t waiting; /* and to be asked for */
	uint64_t refused; /* by the policy function */
	uint64_t lost;    /* bearers, or taken away for good */
	uint64_t changed; /* access networks */
	uint64_t dropped; /* contacts, for a bearer that was lost */
};
void signalling_stats(const struct signalling *s, struct signalling_stats *out);
