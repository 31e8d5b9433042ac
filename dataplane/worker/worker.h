/* worker.h - one worker: a thread that takes SIP messages from the ports to the ports */
#pragma once

#include <stdatomic.h>

#include "esp/esp.h"
#include "net/net.h"
#include "punt/punt.h"
#include "role/role.h"
#include "worker/overload.h"

/* What the management thread wants of all workers. Written by it alone (release), read by each
 * worker once a turn (acquire, paired). Not in the shared region: control has no say in it. */
enum worker_order {
	WORKER_RUN,
	WORKER_DRAIN, /* take nothing more from the ports, finish what is here */
	WORKER_STOP,
};

/* What a turn found, per message of the burst. */
struct worker_mark {
	uint8_t verdict; /* enum verdict */
	uint8_t punt;    /* enum abi_punt_reason */
};

struct worker {
	uint16_t id;
	enum conf_idle idle;
	const _Atomic int *order;
	const struct net *net_shared;
	struct net_worker *net;
	struct role_worker *role;
	struct esp_worker *esp; /* NULL: the node makes no security agreements */
	const struct route_table *routes;
	struct counters *counters; /* in `shared` */
	struct abi_worker *shared;
	uint16_t n_ports;

	/* Of this turn */
	uint64_t now_ms, begin_tsc;
	bool draining;
	bool busy;         /* found anything to do */
	bool full;         /* the ports gave as much as one turn takes */
	uint32_t messages; /* SIP messages worked on */

	uint64_t start_tsc;
	uint64_t turns;
	uint32_t empty_turns; /* in a row */
	struct overload overload;
	struct punt punt;
	struct outbox out;
	struct net_burst burst;
	struct worker_mark mark[NET_BURST_MAX];
	_Alignas(8) uint8_t record[RING_RECORD_MAX];
};

struct worker_options {
	uint16_t id;
	enum conf_idle idle;
	const _Atomic int *order;
	struct net *net;
	const struct node *node;
	const struct tables *tables;
	const struct esp_sas *sas; /* NULL: none */
	struct abi_region *region;
	int wake_fd;
};

/* Main thread. NULL: no memory, or the region's rings are not sound. */
struct worker *worker_create(const struct worker_options *o);
/* Main thread, when it does not run any more. */
void worker_destroy(struct worker *w);

/* One turn. The worker's own thread, between worker_enter and worker_leave. */
void worker_poll(struct worker *w);
void worker_enter(struct worker *w);
void worker_leave(struct worker *w);
/* The body of the worker's thread: turns until the order is WORKER_STOP. `arg` is a struct
 * worker. */
int worker_run(void *arg);
