/* server.h - the Cx commands of the HSS on the wire: decode, decide, answer */
#pragma once

#include "hss/hss.h"
#include "hss/metrics.h"
#include "hss/pnr.h"
#include "hss/rtr.h"

struct server;

/* After cx_dictionary_init, before diameter_start; takes requests from then on, on
 * freeDiameter's threads. store, counters, rtr and pnr are lent, and the store is nobody else's
 * until server_close; pnr may be NULL. NULL with a sentence in error (256 octets). */
struct server *server_open(struct store *store, const struct hss_config *config,
			   struct metrics_counters *counters, struct rtr *rtr, struct pnr *pnr,
			   char *error);
/* After diameter_stop, which forgets the callbacks. */
void server_close(struct server *s);
