/* policy.h - resources of the access network: what control asks of a policy function (TS 29.214
 * §4.4, TS 23.203 §6.2)
 *
 * One interface for whoever wants resources, whatever protocol they are asked with. Rx (rx.c)
 * is the one there is. Npcf_PolicyAuthorization (TS 29.514) fits the same calls: begin is its
 * Create, change its Update, end its Delete, and its notifications are the events; nothing here
 * names an AVP, and the kinds of event are those that both have.
 *
 * A question ends once, on the loop, with `done`, never from within the call that asks, whether
 * its session is ended meanwhile or not. Loop thread only.
 */
#pragma once

#include "base/addr.h"
#include "base/slice.h"

struct control;
struct media;
struct policy;
struct policy_session;

enum policy_kind {
	POLICY_SIGNALLING, /* the state of a registration's signalling path (§4.4.5) */
	POLICY_SESSION,
	POLICY_KINDS,
};

struct policy_ask {
	enum policy_kind kind;
	struct addr ue;            /* the port is of no matter */
	struct slice identity;     /* public identity; may be empty */
	struct slice icid;         /* charging identifier; may be empty */
	struct slice service;      /* URN of a call for help; empty: none */
	struct slice name;         /* by which a session of before is known after a restart */
	bool preliminary;          /* the far end has not answered yet */
	const struct media *media; /* NULL: none to ask for */
};

enum policy_verdict {
	POLICY_GRANTED,
	POLICY_REFUSED,   /* by the policy function */
	POLICY_NO_ANSWER, /* none there, or none in time, or none that could be read */
};
struct policy_outcome {
	enum policy_verdict verdict;
	const char *why; /* static */
};
typedef void policy_done(void *ctx, const struct policy_outcome *o);

enum policy_event_kind {
	POLICY_LOST,      /* a bearer; */
	POLICY_RECOVERED, /* it is back */
	POLICY_RELEASED,  /* all of them, for good: the session is to end */
	POLICY_CHANGED,   /* the access network */
	POLICY_OTHER,     /* credit, usage, resources: told */
	POLICY_EVENTS,
};
struct policy_event {
	enum policy_event_kind kind;
	const char *why; /* static */
	/* Where it is said: kind of the access network, and its radio (static); or "". */
	const char *access, *radio;
};
struct policy_events {
	/* owner: as policy_begin was given. It may end the session from within. */
	void (*event)(void *ctx, void *owner, const struct policy_event *e);
	void *ctx;
};

/* Where the configuration has a policy function; Diameter runs (cx.h). events: of each kind of
 * session. Sessions that are on disk from before stay as they are, until policy_end_named or
 * policy_adopt. NULL with a sentence in error (256 octets). */
struct policy *policy_open(struct control *c, const struct policy_events events[POLICY_KINDS],
			   char *error);
void policy_close(struct policy *p);

/* NULL: no memory; done is not called. */
struct policy_session *policy_begin(struct policy *p, const struct policy_ask *ask,
				    policy_done *done, void *ctx, void *owner);
void policy_change(struct policy_session *s, const struct policy_ask *ask, policy_done *done,
		   void *ctx);
/* Its resources are given back: it is told until the policy function has heard it, for ten
 * minutes at most. The handle is gone. */
void policy_end(struct policy_session *s);
/* Ends the sessions (POLICY_SESSION) of this name that control had before it started anew. */
void policy_end_named(struct policy *p, struct slice name);
/* Those of the kind that control had before: owner_of gives whose the session is from now on,
 * as if it had begun it, or NULL: it is ended. Once, after policy_open. */
void policy_adopt(struct policy *p, enum policy_kind kind,
		  void *(*owner_of)(void *ctx, struct policy_session *s, struct slice name),
		  void *ctx);

struct policy_stats {
	uint32_t sessions, ending;
	uint64_t granted, refused, unanswered;
	uint64_t events[POLICY_EVENTS];
	uint64_t unknown;   /* requests of theirs for sessions that are none */
	uint64_t abandoned; /* sessions whose end nobody has heard */
	uint64_t late;      /* answers to what had ended */
	bool up;
};
void policy_stats(const struct policy *p, struct policy_stats *out);

struct policy_row {
	struct slice id, name;
	struct addr ue;
	enum policy_kind kind;
	const char *state; /* "asking", "open", "ending", "of before" */
};
/* Until it gives false. */
void policy_each(const struct policy *p, bool (*each)(void *ctx, const struct policy_row *row),
		 void *ctx);
