/* pnr.h - Push-Notification: Application Servers hear of what changed (TS 29.328 §6.1.4)
 *
 * Each subscription has a digest of what its server was told last. Where something may have
 * changed, what would be told now is compared with it, and told if it differs: so nothing is
 * told twice, and a change of which nobody said anything here, or that a restart came upon, is
 * found by the sweep that looks at all subscriptions in turn. What a server did not take is
 * sent again a few times over half a minute, then with the next sweep; others do not wait for
 * it. Subscriptions end by their time.
 */
#pragma once

#include "hss/metrics.h"
#include "hss/sh.h"

enum {
	PNR_TICK_MS = 100,
	PNR_LOOKS_PER_TICK = 20, /* subscriptions looked at */
	PNR_SWEEP_MS = 30000,    /* between two sweeps */
	PNR_UNDER_WAY_MAX = 256, /* notifications */
	PNR_OF_HOST_MAX = 32,    /* of these for one server */
	PNR_NOTED_MAX = 1024,    /* sets and identities that may have changed */
	PNR_TRIES = 6,
	PNR_FIRST_MS = 500, /* until the second try; twice that each time */
};

struct pnr;

/* store: of the thread that ticks. Tests give their own send; NULL is freeDiameter. NULL: no
 * memory, or no descriptor. */
struct pnr_sender {
	/* To be followed by pnr_answered with the same id, at once or later. False: it could
	 * not be sent. */
	bool (*send)(void *ctx, int64_t id, const char *host, const struct sh_pnr *r);
	void *ctx;
};
struct pnr *pnr_open(struct store *store, const char *origin, struct metrics_counters *counters,
		     const struct pnr_sender *sender);
void pnr_close(struct pnr *x);

/* Something of the set's users, of one identity, of anybody may have changed. x NULL: nobody is
 * interested. Any thread. */
void pnr_set_changed(struct pnr *x, int64_t set);
void pnr_identity_changed(struct pnr *x, const char *identity);
void pnr_all_changed(struct pnr *x);
/* The server's answer. Any thread. */
void pnr_answered(struct pnr *x, int64_t id, int result);

/* Readable where pnr_tick has something to do at once. */
int pnr_fd(const struct pnr *x);
/* Does it, without waiting but for freeDiameter's queue. now_s: seconds of 1970. True: there is
 * more to do within PNR_TICK_MS. */
bool pnr_tick(struct pnr *x, int64_t now_s);
