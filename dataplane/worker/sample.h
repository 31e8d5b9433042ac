/* sample.h - what the workers and ports did within the last second. Management thread only. */
#pragma once

#include "worker/start.h"

struct sample_worker {
	uint64_t busy_cycles, total_cycles, messages, busy_polls, heartbeat;
	/* Within the last interval */
	double busy_ratio, messages_per_s, cycles_per_message, batch;
	bool stuck;
};

struct sample {
	uint64_t taken_ms;
	struct sample_worker worker[WORKERS_MAX];
};

enum { SAMPLE_MS = 1000 };

/* Every SAMPLE_MS: rates from the counts since the last time, the ports' statistics into the
 * region, and a log line for each worker that stands still, or moves again. */
void sample_take(struct sample *s, struct dataplane *d, uint64_t now_ms);
/* The ports' statistics alone, for an answer that is to be up to date. */
void sample_ports(struct dataplane *d);
