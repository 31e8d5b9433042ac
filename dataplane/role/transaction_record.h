/* transaction_record.h - the records of transaction.c and client.c; nobody else's business */
#pragma once

#include "role/accepted.h"
#include "role/ack.h"
#include "role/timer.h"
#include "role/transaction.h"

enum { NONE = -1 };

enum server_state {
	SERVER_FREE,
	SERVER_HELD, /* control was asked about it */
	SERVER_PROCEEDING,
	SERVER_COMPLETED, /* non-2xx sent; waits for ACK */
	SERVER_CONFIRMED, /* ACK came; soaks up repeats */
	SERVER_ACCEPTED,  /* 2xx sent (RFC 6026) */
	SERVER_ANSWERED,  /* no INVITE: final response sent; timer J */
};

struct txn {
	uint64_t key;
	uint64_t deadline_ms;       /* timer H */
	struct buf *request;        /* as received, where what was sent does not do */
	struct buf *response;       /* last sent, for repeats */
	struct addr upstream;       /* where responses go, */
	struct addr upstream_local; /* from where, */
	uint64_t upstream_sa;       /* and under what */
	int32_t next;               /* in the bucket, or in the free list */
	int32_t first_client;
	uint32_t interval_ms; /* timer G */
	uint8_t state;        /* enum server_state */
	bool cancelled;
	bool from_ue;
	bool invite;
	bool help;      /* a call for help: a silent answering point is left for the next */
	bool more;      /* contacts are left to be tried after those of now */
	bool at_server; /* the last place it went to is an Application Server, */
	bool at_hop;    /* or a next hop of another network */
	bool follows;   /* its terminal, while that has said nothing: the request is kept for it
			 */
	bool passed_over; /* held when its Application Server had failed */
	uint8_t upstream_port;
};

/* The contacts an INVITE went to, of one that may go on to others. */
struct fork {
	uint64_t called; /* hash of the wildcarded identity that was called; 0: none was */
	uint32_t n;
	struct {
		uint32_t contact, instance; /* struct target */
		uint32_t breadth;
		int32_t client;
	} tried[FORK_MAX];
};

enum client_state {
	CLIENT_FREE,
	CLIENT_CALLING,
	CLIENT_PROCEEDING,
	CLIENT_COMPLETED, /* non-2xx came, ACK sent; timer D */
	CLIENT_ACCEPTED,  /* 2xx came; lives as long as its server transaction */
};

struct client {
	uint64_t deadline_ms; /* timer B or C, or the end of patience after CANCEL */
	struct buf *sent;     /* the INVITE: for repeats, ACK and CANCEL */
	struct buf *response; /* non-2xx as it would go upstream */
	uint64_t term_user;
	uint32_t generation;
	uint32_t cseq;
	int32_t server;       /* NONE: its server transaction is over */
	int32_t next;         /* of the same server, or in the free list */
	uint32_t interval_ms; /* timer A, and E of CANCEL */
	uint16_t status;      /* final */
	uint8_t state;        /* enum client_state */
	bool to_ue;
	bool invite;
	bool to_server; /* an Application Server, */
	bool to_hop;    /* or a next hop of another network, */
	bool heard;     /* which has said something, */
	bool failed;    /* or nothing, or 503 */
	bool cancel;    /* to be cancelled when it may be */
	bool cancel_sent;
	bool cancel_answered;
};

_Static_assert(sizeof(struct txn) <= 128 && sizeof(struct client) == 64,
	       "two cache lines at most, and one");

struct transactions {
	uint32_t n; /* server records, and as many client records */
	uint32_t bucket_mask;
	uint32_t live;
	uint32_t generation;
	int32_t free_server, free_client;
	struct txn *server;
	struct client *client;
	struct fork *fork;    /* of each server record; n counts only where `more` was set */
	struct ack *ack;      /* of each client that was refused */
	struct timer *timers; /* servers', then clients' */
	int32_t *bucket;
	struct wheel wheel;
	struct accepted accepted;
	struct sip_msg sent_msg; /* of an INVITE sent earlier, to make ACK and CANCEL from */
	struct pass scratch;     /* of an INVITE received earlier, to answer it */
};

static inline int32_t server_timer(const struct transactions *t, const struct txn *s)
{
	return (int32_t)(s - t->server);
}

static inline int32_t client_timer(const struct transactions *t, const struct client *c)
{
	return (int32_t)t->n + (int32_t)(c - t->client);
}

/* Gives a record's reference to a buffer back. */
static inline void record_release(struct buf **b)
{
	if (*b)
		buf_free(*b);
	*b = NULL;
}

/* The message ends in a transaction. */
static inline enum verdict record_absorb(struct pass *p)
{
	count(p->w->counters, COUNT_ABSORBED);
	buf_free(p->b);
	return VERDICT_SEND;
}

/* transaction.c */
void server_free(struct role_worker *w, struct txn *s);
/* Sends a response upstream and moves the state; takes b. */
void server_respond(struct role_worker *w, struct txn *s, struct buf *b, uint16_t status,
		    uint64_t now, struct outbox *out);
/* A response of our own, made from the INVITE as received or as sent. False: no buffer; the
 * caller ends the transaction, for it has no timer that would. */
bool server_answer(struct role_worker *w, struct txn *s, uint16_t status, const char *warning,
		   uint64_t now, struct outbox *out);

/* Starts the branches of a request's further contacts, or asks control where it goes on, or
 * answers it. False: there are none, or none can be tried now. */
bool server_go_on(struct role_worker *w, struct txn *s, uint64_t now, struct outbox *out);

/* client.c */
/* Its server transaction is gone: freed now, or when timer D has run. */
void client_orphan(struct role_worker *w, struct client *c);
/* CANCEL on every branch from this one on that has no final response: at once, or as soon as a
 * provisional one has come (RFC 3261 §9.1). */
void clients_cancel(struct role_worker *w, int32_t first, uint64_t now, struct outbox *out);
/* Those that have heard nothing are over, as if 408 had come. */
void clients_give_up(struct role_worker *w, struct txn *s, uint64_t now, struct outbox *out);
void client_expired(struct role_worker *w, struct client *c, uint64_t now, struct outbox *out);
