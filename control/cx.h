/* cx.h - control's Cx client: requests out, answers back on the event loop
 *
 * A client of query.h, which says how a request ends. Callbacks run on the loop, in the loop's
 * thread, exactly once for each request: with an answer, or with a result of CX_NO_ANSWER,
 * CX_WINDOW_FULL, CX_BAD_ANSWER or CX_UNABLE_TO_DELIVER; never from within the call that asks.
 * One client a process, as diameter.h says.
 */
#pragma once

#include "cx/cx.h"

struct ev_loop;
struct conf;
struct cx_client;

/* What the HSS asks of us; on the loop. Fills answer->result, which is CX_UNABLE_TO_COMPLY
 * before. The request is valid during the call. Either may be NULL. More than 64 waiting are
 * answered CX_TOO_BUSY. */
struct cx_events {
	void (*rtr)(void *ctx, const struct cx_rtr *r, struct cx_rta *answer);
	void (*ppr)(void *ctx, const struct cx_ppr *r, struct cx_ppa *answer);
	void *ctx;
};

/* Starts Diameter (diameter.h) with the configuration. NULL with a sentence in error (256
 * octets). */
struct cx_client *cx_open(struct ev_loop *loop, const struct conf *conf,
			  const struct cx_events *events, char *error);
/* Requests under way end with CX_NO_ANSWER before it returns. NULL is allowed. */
void cx_close(struct cx_client *c);

/* Loop thread only. The request's slices need to live during the call only; the answer's during
 * the callback. */
void cx_uar(struct cx_client *c, const struct cx_uar *r,
	    void (*done)(void *ctx, const struct cx_uaa *a), void *ctx);
void cx_lir(struct cx_client *c, const struct cx_lir *r,
	    void (*done)(void *ctx, const struct cx_lia *a), void *ctx);
void cx_mar(struct cx_client *c, const struct cx_mar *r,
	    void (*done)(void *ctx, const struct cx_maa *a), void *ctx);
void cx_sar(struct cx_client *c, const struct cx_sar *r,
	    void (*done)(void *ctx, const struct cx_saa *a), void *ctx);

struct cx_stats {
	/* Index: command - CX_UAR. RTR and PPR: received in `sent`, answered by us in
	 * `answered`. */
	uint64_t sent[6], answered[6], failed[6], timeouts, window_full, redirected;
	uint64_t outstanding;
	bool up;
};
/* Loop thread only. */
void cx_stats(const struct cx_client *c, struct cx_stats *out);
