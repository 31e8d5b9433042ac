/* sh_server.h - the Sh commands of the HSS on the wire: decode, decide, answer */
#pragma once

#include "hss/metrics.h"
#include "hss/pnr.h"

struct sh_server;

/* What follows from a change, besides notifications: the criteria of a set's profile that are
 * on are others now. Called on freeDiameter's threads, after the commit. */
struct sh_events {
	void (*criteria_changed)(void *ctx, int64_t set);
	void *ctx;
};

/* After sh_dictionary_init, before diameter_start; as server_open. pnr may be NULL. */
struct sh_server *sh_server_open(struct store *store, struct metrics_counters *counters,
				 struct pnr *pnr, const struct sh_events *events, char *error);
/* After diameter_stop. */
void sh_server_close(struct sh_server *s);
