/* query.h - questions to Diameter peers, and theirs to us, between the event loop and
 * freeDiameter's threads
 *
 * What the clients of all interfaces (cx.h, rx.h) have in common. Requests are sent by a thread
 * of their own, because freeDiameter's send may block; answers, taken on freeDiameter's thread,
 * are copied and handed to the event loop through a queue and an ev_async. Each question ends
 * exactly once, on the loop, and never from within the call that asks: with an answer, or with
 * CX_NO_ANSWER, CX_WINDOW_FULL or CX_BAD_ANSWER. While there is no connection to the host the
 * result is CX_NO_ANSWER on the next turn of the loop; what was under way when the connection
 * broke gets it then.
 *
 * An answer that redirects (RFC 6733 §6.13) is no answer where the client knows redirections:
 * the request goes to the host it names, if that is one of the configuration and was not asked
 * before, within the same time; else the result is CX_UNABLE_TO_DELIVER.
 */
#pragma once

#include "cx/cx.h"

enum { QUERY_HOSTS_MAX = HSSES_MAX + 1, QUERY_COMMANDS_MAX = 6 };

struct ev_loop;
struct dict_object;
struct msg;
struct queries;
struct redirects;

/* Whom to tell. */
struct query_waiter {
	uint32_t command;
	void (*done)(void); /* of the type that `tell` knows */
	void *ctx;
};

/* One interface. A command is its index in `code`. */
struct query_interface {
	const char *name; /* in the log */
	uint32_t n;
	uint32_t code[QUERY_COMMANDS_MAX];

	/* The sender's thread: a new request to the host; our answer to one of theirs, fit to
	 * be sent whatever happens. 0 or an errno. */
	int (*request)(uint32_t command, struct msg **m, const void *request,
		       struct slice host);
	int (*answer)(uint32_t command, struct msg **m, int result);

	/* The library's threads. A copy of an answer; NULL: none can be made of it. A copy of a
	 * request of theirs, or the result to refuse it with. */
	void *(*copy_answer)(uint32_t command, struct msg *m);
	/* Where redirections are followed: of the request as it went out. */
	void *(*copy_sent)(uint32_t command, struct msg *m);
	int (*copy_asked)(uint32_t command, struct msg *m, void **copy);
	int (*refuse)(struct msg **m, int result);

	/* Any thread. Of what any of the others copied; wiped if it has secrets. */
	void *(*copy_request)(uint32_t command, const void *request);
	void (*free_answer)(uint32_t command, void *answer);

	/* The loop. answer NULL: `result` says why. */
	void (*tell)(const struct query_waiter *w, const void *answer, int result);
	/* A request of theirs: the result to answer with. */
	int (*asked)(void *ctx, uint32_t command, const void *request);
};

struct query_config {
	const struct query_interface *of;
	void *ctx; /* of asked() */
	uint32_t window, timeout_ms;
	uint32_t n_hosts;
	const char
		*host[QUERY_HOSTS_MAX]; /* Diameter identities; the first is asked by default */
	struct redirects *redirects;    /* NULL: none are followed */
};

/* The configuration's strings stay valid. NULL: no memory, or no thread. The library is not
 * needed yet. Loop thread, as all that follows. */
struct queries *queries_open(struct ev_loop *loop, const struct query_config *c);
/* More than 64 of theirs waiting are answered CX_TOO_BUSY. object: of the request in the
 * dictionary. False: the library refuses. */
bool queries_serve(struct queries *q, struct dict_object *object);
/* In two steps, for the library's memory is freed between them: what is in hand ends with
 * CX_NO_ANSWER; the sender's thread is waited for. */
void queries_stop(struct queries *q);
void queries_close(struct queries *q);

/* host: index in the configuration. */
void query(struct queries *q, uint32_t host, const void *request, struct query_waiter w);
bool queries_open_to(const struct queries *q, uint32_t host);

struct query_stats {
	/* By command. Of those of theirs: received in `sent`, answered by us in `answered`. */
	uint64_t sent[QUERY_COMMANDS_MAX], answered[QUERY_COMMANDS_MAX],
		failed[QUERY_COMMANDS_MAX], timeouts, window_full, redirected;
	uint64_t late; /* answers to what had ended */
	uint64_t outstanding;
};
void queries_stats(const struct queries *q, struct query_stats *out);
