/* metrics.h - what the HSS counts, and GET /metrics over HTTP for Prometheus */
#pragma once

#include <stdatomic.h>

#include "base/addr.h"
#include "base/json.h"
#include "store/store.h"

enum {
	METRICS_COMMANDS = 10, /* CX_UAR and on, to SH_PNR */
	METRICS_RESULTS =
		40, /* those of cx.h and sh.h that are told apart; the last is every other */
	METRICS_COUNT_AGE_MS = 10000, /* the store is counted no more often */
};

/* Any thread. For UAR, LIR, MAR, SAR, UDR, PUR and SNR what was answered; for RTR, PPR and PNR
 * what was sent and
 * came back. */
struct metrics_counters {
	_Atomic uint64_t requests[METRICS_COMMANDS];
	_Atomic uint64_t answers[METRICS_COMMANDS][METRICS_RESULTS];
};
/* One exchange: command is CX_UAR to SH_PNR, result one of enum cx_result_code and
 * enum sh_result_code. */
void metrics_count(struct metrics_counters *c, int command, int result);

struct metrics;

/* The store and the counters are lent. listen.port 0: nothing listens. NULL with a sentence in
 * error (256 octets). One thread for all that follows. */
struct metrics *metrics_start(const struct addr *listen, struct store *store,
			      const struct metrics_counters *counters, char *error);
void metrics_stop(struct metrics *m);
/* A descriptor to poll for reading, -1 if nothing listens; metrics_poll does what there is to
 * do without waiting, and is called about every second besides, to cut slow clients. */
int metrics_fd(const struct metrics *m);
void metrics_poll(struct metrics *m);

/* Prometheus text (version 0.0.4) as raw text into out. */
void metrics_text(struct metrics *m, struct json *out);
/* The same as an array of {"metric","value"}. */
void metrics_rows(struct metrics *m, struct json *out, const char *key);
/* Numbers of the store, at most METRICS_COUNT_AGE_MS old. */
struct store_counts metrics_counts(struct metrics *m);
