/* exchange.h - SIP requests that control answers, and requests that control sends
 *
 * The state machines are libosip2's (NIST and NICT, RFC 3261 §17; transaction.h). Here messages
 * are parsed, bounded, matched with their transactions and sent. A procedure sees a parsed
 * request and answers it once; repeats of the request are taken in or answered again by the
 * transaction. Loop thread only.
 */
#pragma once

#include "base/addr.h"
#include "sip/sip.h"

struct ev_loop;
struct link;
struct abi_punt;
struct exchanges;

enum {
	EXCHANGES_OPEN_MAX =
		16384, /* requests not yet answered; more: 503 without a transaction */
	REQUESTS_OPEN_MAX = 16384, /* requests of our own without a final response */
};

/* A request being worked on. Lives until it was answered, and then to the end of the loop's
 * round, so that slices into it last as long as the callback in which it was answered. */
struct exchange {
	struct slice raw;   /* the request; owned by the exchange */
	struct sip_msg msg; /* of raw */
	struct addr src;    /* from where */
	struct addr dst;    /* our address and port it came to */
	uint64_t sa_id;     /* security association it came under, as its responses go; 0: in
			       clear */
	uint8_t port;
	uint8_t reason; /* enum abi_punt_reason */
};

struct exchanges *exchanges_open(struct ev_loop *loop, struct link *link,
				 void (*request)(void *ctx, struct exchange *x), void *ctx);
void exchanges_close(struct exchanges *e);
/* A punted request or response. */
void exchanges_input(struct exchanges *e, const struct abi_punt *p);

/* Answers: `headers` are whole lines with CRLF, `body` may be empty (Content-Type is then among
 * the headers). The To tag and the Via's received and rport are added here. status >= 200 ends
 * the procedure's hold on x. */
void exchange_reply(struct exchanges *e, struct exchange *x, uint16_t status,
		    const char *reason, struct slice headers, struct slice body);

/* The To tag of all answers to a request that came without one. */
void exchange_tag(const struct exchanges *e, const struct exchange *x, char tag[17]);

/* Where a request of our own goes. */
struct request_way {
	struct addr dst;
	struct addr src; /* family 0: the SIP port at the address that leads there */
	uint64_t sa_id;  /* not 0: under this set of security associations or not at all, src is
			    our protected address then */
};

/* Sends a request in a client transaction. `message` is copied, and complete but for the top
 * Via, which is added here with a branch that begins with ABI_BRANCH_CONTROL. done is called
 * once, from the loop (from within the call only if there is no memory): with the final
 * response, or with response NULL (timeout, or not sent). */
void request_send(struct exchanges *e, struct slice message, const struct request_way *way,
		  void (*done)(void *ctx, const struct sip_msg *response), void *ctx);

/* Our address and SIP port as a request to dst carries it in Via; false: no port leads there.
 */
bool exchanges_local(const struct exchanges *e, const struct addr *dst, struct addr *out);

/* From now on new requests are left alone (their senders repeat them, to the next control);
 * what is open goes on. */
void exchanges_drain(struct exchanges *e);

struct exchange_stats {
	uint64_t requests, repeats, answered[7]; /* by class of status */
	uint64_t sent, timeouts, malformed;
	uint64_t shed;          /* answered 503: too many open */
	uint64_t forgotten;     /* answers let go before Timer J for want of room */
	uint32_t open, kept;    /* not yet answered; answers kept for repeats */
	uint32_t requests_open; /* of our own */
};
void exchanges_stats(const struct exchanges *e, struct exchange_stats *out);
