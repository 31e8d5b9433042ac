/* rtr.h - what the HSS asks of an S-CSCF: end a registration (RTR), take a new profile (PPR)
 *
 * TS 29.228 §6.1.3 and §6.2. Requests leave without waiting for their answers, which are logged
 * and counted. One that nobody took, or that came too early, is sent again a few times over
 * half a minute (again.h): a profile as it is then, and an end only of what is still ended. One
 * thread at a time, where it does not say otherwise; it may wait where freeDiameter's queue is
 * full.
 */
#pragma once

#include "cx/cx.h"
#include "hss/ended.h"
#include "hss/metrics.h"
#include "store/store.h"

struct rtr;
struct again_item;

/* origin: our Diameter identity; store, counters and origin are lent. Tests give their own
 * send; NULL is freeDiameter. NULL: no memory. */
struct rtr_sender {
	/* item says the command and the host. False: it could not be sent, and item->rtr stays
	 * the caller's. */
	bool (*send)(void *ctx, const struct again_item *item, const void *request);
	void *ctx;
};
struct rtr *rtr_open(struct store *store, const char *origin, struct metrics_counters *counters,
		     const struct rtr_sender *sender);
void rtr_close(struct rtr *x);

/* Tells the S-CSCF. Does nothing if none served them, or its Diameter identity is not known.
 * ctx is the struct rtr. Any thread. */
void rtr_deregister(void *ctx, const struct ended *e);

/* Sends the profile of an implicit set, as it is now, to the S-CSCF that serves it, if one
 * does. */
void rtr_push_set(void *ctx, int64_t set);
/* The same, by rtr_tick, in about a second. Any thread. */
void rtr_push_set_soon(void *ctx, int64_t set);
/* Notes that all sets with this profile are to be pushed; rtr_tick does it, RTR_PUSHES_PER_TICK
 * at a time, so that a change of a profile of everybody is no flood. */
void rtr_push_profile(void *ctx, int64_t profile);
enum { RTR_PUSHES_PER_TICK = 20, RTR_TICK_MS = 100, RTR_PROFILES_MAX = 64 };
/* Also sends again what is due. True: there is more to do. */
bool rtr_tick(struct rtr *x);
