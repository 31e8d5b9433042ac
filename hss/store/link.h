/* link.h - a connection to a PostgreSQL server that never keeps its caller waiting without
 * bound
 *
 * libpq's own calls wait for as long as the server does: here each has a time. A server that
 * does not keep it is left, and with it what was under way. Prepared statements are sent one
 * behind the other, and waited for together: a turn to the server and back costs more than most
 * of them. Passwords are in no sentence and no log. For the PostgreSQL driver only; as
 * thread-bound as the store.
 */
#pragma once

#include <libpq-fe.h>

#include "store/store.h"

enum {
	/* The server gives up waiting for a lock before we give up waiting for the server. */
	LINK_LOCK_MS = STORE_WAIT_MS * 8 / 10,
	/* For what walks or writes much. */
	LINK_LONG_MS = 10000,
	/* Octets of a list of hosts. */
	LINK_LIST_MAX = 512,
	/* Of one statement. */
	LINK_VALUES_MAX = 32,
	/* Between two attempts to reach a server that was not there. */
	LINK_RETRY_MS = 300,
};

struct link {
	PGconn *conn; /* NULL: none */
	char *where;
	char shown[STORE_HOST_MAX + 1]; /* where, without user and secrets */
	uint64_t retry_ms;              /* CLOCK_MONOTONIC; no attempt before */
	uint32_t first;                 /* of its hosts, whose turn it is */
	uint32_t hosts;
	uint32_t queued; /* statements sent since the last mark */
	uint32_t marks;  /* sent, whose results are not read yet */
};

/* where: a postgresql:// URI. False with a sentence in error. Connects nowhere yet. */
bool link_init(struct link *l, const char *where, char *error);
void link_close(struct link *l);
/* STORE_OK, or why not, with a sentence in error if that is not NULL. Of several hosts another
 * comes first after each failure, because one that is silent would take all the time. */
enum store_result link_connect(struct link *l, char *error);
/* Looks without waiting: false if the server has gone since the last call. */
bool link_alive(struct link *l);
/* Ends the connection; what was under way on it is undone by the server, or not known. */
void link_drop(struct link *l);

/* The time, on the monotonic clock in ms, that a call may take up to. */
uint64_t link_until(int wait_ms);
/* Sends what libpq has in its buffer; false: dropped. */
bool link_flush(struct link *l, uint64_t until);
/* The next result of what was sent, NULL behind the last; false: dropped. */
bool link_next(struct link *l, uint64_t until, PGresult **out);
/* The last result, or the first that is an error; all are read. NULL: dropped. PQclear it. */
PGresult *link_last(struct link *l, uint64_t until);
/* One or more statements without parameters, as link_last; behind what was queued, of which the
 * first that failed is given instead. */
PGresult *link_query(struct link *l, const char *sql, uint64_t until);

/* Queues the making of a prepared statement; false: dropped. */
bool link_prepare(struct link *l, const char *name, const char *sql);
/* Queues a prepared statement; values and results are binary. If one fails, those behind it up
 * to the next mark are not done. False: dropped. */
bool link_send(struct link *l, const char *name, int n, const char *const *octets,
	       const int *len);
/* Ends what was queued, without waiting for it; its results are nobody's. */
void link_mark(struct link *l);
/* Ends what was queued, and waits: the result of the last, or of the first that failed. NULL:
 * dropped. PQclear it. */
PGresult *link_sync(struct link *l, uint64_t until);

/* What a result means, NULL included; logs failures without what they say of the data. */
enum store_result link_result(const PGresult *r);
