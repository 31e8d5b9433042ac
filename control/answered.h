/* answered.h - final responses, kept for as long as their requests may come again
 *
 * State Completed of a non-INVITE server transaction (RFC 3261 §17.2.2): each repeat of the
 * request gets the same response, for 64*T1 = 32 s (Timer J). One allocation an answer and
 * nothing else, since thousands of them a second are kept. Bounded in octets: beyond that the
 * oldest goes before its time, and its request, should it come again, is taken for a new one.
 * Loop thread only.
 */
#pragma once

#include "base/addr.h"

enum {
	ANSWERED_MS = 32000,
	ANSWERED_OCTETS_MAX = 128 << 20,
};

/* What tells one transaction from another: 128 bits of keyed hash over source, branch, sent-by,
 * method, Call-ID and CSeq. Its key is drawn at start, so nobody can make two requests of one
 * identity. */
struct transaction_id {
	uint64_t a, b;
};

struct answer {
	struct transaction_id id;
	struct addr src, dst; /* of the response */
	uint64_t sa_id;       /* security association it goes under; 0: in clear */
	struct slice message;
};

struct answered;

/* NULL: no memory. */
struct answered *answered_new(void);
void answered_free(struct answered *a);
/* Keeps a copy from now_ms (monotonic) on. Without memory it is not kept. */
void answered_put(struct answered *a, const struct answer *answer, uint64_t now_ms);
/* False: none, or its time is over. The message is valid until the next call. */
bool answered_get(struct answered *a, const struct transaction_id *id, uint64_t now_ms,
		  struct answer *out);
/* Lets go what is over. */
void answered_expire(struct answered *a, uint64_t now_ms);

struct answered_stats {
	uint32_t n;
	uint64_t octets, early; /* early: gone before their time */
};
void answered_stats(const struct answered *a, struct answered_stats *out);
