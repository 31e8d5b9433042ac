/* owed.h - third-party REGISTERs that Application Servers have not answered yet
 *
 * Of an identity at a server there is one: its latest state, registered or over, takes the
 * place of what was owed before. It is on disk before the terminal's 200 OK goes out, and is
 * taken from there when the server has answered; so a restart of control repeats what was not
 * answered, and nothing else. One that was answered in the instant before control died may come
 * twice: same Call-ID, higher CSeq.
 *
 * A server is sent so many at a time; others wait in the order they came. Where a server does
 * not answer, or answers 408 or 5xx, each of its addresses is tried, and then DefaultHandling
 * says what follows (TS 24.229 §5.4.1.7): the identity's registration is ended, or nothing, and
 * it is tried again, after ever longer waits, as long as the registration lasts. That a
 * registration is over is tried OWED_END_TRIES times. Any other answer ends it.
 *
 * Memory: an entry of some 120 octets each; the texts are kept up to OWED_TEXTS_MAX octets, and
 * else read from disk when they are sent. Loop thread only.
 */
#pragma once

#include "base/slice.h"

struct control;
struct owed;
struct server;
struct record_owed;

enum {
	OWED_MAX = 1000000,            /* more are lost, and counted */
	OWED_TEXTS_MAX = 64 * 1 << 20, /* octets */
	OWED_AT_ONCE = 64,             /* requests under way to one server, */
	OWED_OPEN_MAX = 4096,          /* and to all, those that nobody waits for included */
	OWED_ANSWER_MS = 4000,         /* for an address to answer, before the next is tried */
	OWED_RETRY_MS = 2000,          /* before the second try; doubled each time, up to: */
	OWED_RETRY_MAX_MS = 64000,
	OWED_END_TRIES = 10,
	OWED_RESTORED_MS = 1000, /* after a start, so that the link can come up */
};

/* Takes up what was stored. Needs c->persist, exchanges, registrations and servers, and the
 * registrar when something fails. NULL with a sentence in error. */
struct owed *owed_open(struct control *c, char *error);
void owed_close(struct owed *o);

/* A state that is about to come about: on its way to disk, and nowhere else. */
struct owed_state;
/* NULL: no memory, or no room. Frees what is needed no more: the caller ends each with
 * owed_take or owed_forget. */
struct owed_state *owed_stage(struct owed *o, const struct record_owed *like);
/* It has come about: the server is told, from the loop. */
void owed_take(struct owed *o, struct owed_state *s);
/* It has not: what was owed before is again. */
void owed_forget(struct owed *o, struct owed_state *s);
/* The registration set is gone: what servers were to hear of it, but its end, they need not
 * hear. */
void owed_over(struct owed *o, uint64_t set_id);

struct owed_stats {
	uint32_t owed;         /* entries */
	uint32_t under_way;    /* requests */
	uint64_t texts;        /* octets in memory */
	uint64_t sent;         /* requests, each try */
	uint64_t answered;     /* 2xx */
	uint64_t refused;      /* any other answer that ends it */
	uint64_t failed;       /* tries at all addresses without an answer that helps */
	uint64_t deregistered; /* sets, by SESSION_TERMINATED */
	uint64_t given_up;     /* the end of a registration that nobody wanted to hear */
	uint64_t lost;         /* no room, or no memory */
};
void owed_stats(const struct owed *o, struct owed_stats *out);

/* How many of them to one server. */
uint32_t owed_to(const struct owed *o, const struct server *server);
