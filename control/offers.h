/* offers.h - session descriptions on their way: what may be offered, whether an answer fits,
 * and the resources of the access networks for both (TS 24.229 §5.2.7, §6.2; RFC 3264;
 * TS 29.214 §4.4.1)
 *
 * Workers hold what terminals in the access networks of policy.access describe, and tell of
 * offers that go to them. An offer of more than the configuration allows is answered 488 with
 * what could be offered instead. An answer that fits no offer goes on, for it is too late to
 * ask for another; the session that begins with it is ended at once, with a reason. Where there
 * is a policy function (policy.h) offers and answers wait until it has granted what they need;
 * what it refuses is refused, or where it is too late for that, ended. Each call is known by
 * its Call-ID, until it has been answered for good or, with resources, is over: bounded, beyond
 * that the oldest is forgotten. Loop thread only.
 */
#pragma once

#include "abi/message.h"
#include "base/slice.h"
#include "control/policy.h"

struct control;
struct offers;

/* most: calls kept at one time. NULL: no memory. Needs c->helds and c->sessions; c->policy may
 * come later. */
struct offers *offers_open(struct control *c, uint32_t most);
void offers_close(struct offers *o);

/* PUNT_POLICY: resumes or rejects it. */
void offers_request(struct offers *o, const struct abi_punt *p);
/* PUNT_OFFERED */
void offers_told(struct offers *o, const struct abi_punt *p);
/* PUNT_SESSION_BEGUN, when c->sessions knows of it: ended if its answer did not fit. */
void offers_begun(struct offers *o, const struct abi_punt *p);
/* PUNT_SESSION_ENDED and PUNT_SESSION_FAILED */
void offers_ended(struct offers *o, const struct abi_punt *p);
/* For policy_open. */
struct policy_events offers_policy_events(struct offers *o);
/* Forgets those that are older than any INVITE is kept. Each second, CLOCK_MONOTONIC. */
void offers_expire(struct offers *o, uint64_t now_ms);

struct offers_stats {
	uint32_t kept;
	uint32_t ringing; /* 180s that wait for preconditions */
	uint64_t passed;
	uint64_t refused;   /* 488: not allowed here, */
	uint64_t malformed; /* or not to be read */
	uint64_t unfit;     /* answers */
	uint64_t denied;    /* for want of resources, */
	uint64_t unasked;   /* or gone on without, as nobody answered for them */
	uint64_t ended;     /* sessions, because their resources were gone */
	uint64_t forgotten; /* calls, for want of room */
};
void offers_stats(const struct offers *o, struct offers_stats *out);
