/* start.h - the data plane's parts, brought up in order and taken down in the reverse */
#pragma once

#include "conf/conf.h"
#include "worker/node_make.h"
#include "worker/worker.h"

enum { START_ERROR_MAX = 1024 };

/* Exit codes of saker-dataplane. */
enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_CONF = 2,
	EXIT_CODE_ENVIRONMENT = 3,
	EXIT_CODE_BUG = 70
};

struct dataplane {
	struct conf *conf; /* the caller's; reload changes it */
	struct node_memory node;
	struct net *net;
	struct abi_region *region;
	int memfd, wake_fd;
	struct tables *tables;
	struct esp_sas *sas; /* NULL: no security agreements */
	uint32_t n_workers;
	uint32_t n_running;
	struct worker *worker[WORKERS_MAX];
	_Atomic int order; /* enum worker_order; written by the management thread alone */
};

/* Main thread, on EAL's main lcore; the thread becomes the management thread and is registered
 * with urcu-qsbr. All parts, threads running. EXIT_CODE_OK, or another with a sentence in
 * error; nothing is left behind then. */
enum exit_code dataplane_start(struct dataplane *d, struct conf *c,
			       char error[START_ERROR_MAX]);
/* Gives the workers the order to stop, waits for them, and frees everything but the conf.
 * Returns within a turn of the slowest worker. */
void dataplane_stop(struct dataplane *d);
