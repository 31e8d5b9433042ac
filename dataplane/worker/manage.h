/* manage.h - the management thread: control, tables, statistics, commands, signals */
#pragma once

#include "base/admin.h"
#include "table/install.h"
#include "worker/sample.h"
#include "worker/start.h"

enum {
	MANAGE_EXPIRE_GRACE_MS =
		30000, /* control has this long to renew or delete what expired */
	MANAGE_DRAIN_MS = 800,
};

struct manage {
	struct dataplane *d;
	struct install install;
	struct sample sample;
	struct admin *admin;
	int epoll_fd, signal_fd, listen_fd;
	int control_fd; /* -1: no control */
	uint64_t start_ms, sweep_ms;
	bool stopping;
	char abi_path[CONF_PATH_MAX + 32], admin_path[CONF_PATH_MAX + 32];
};

/* Blocks SIGTERM, SIGINT and SIGHUP for this thread and those it starts: first thing in main.
 */
void manage_block_signals(void);
/* Main thread, workers running: opens the sockets. False with a sentence in error
 * (START_ERROR_MAX). */
bool manage_open(struct manage *m, struct dataplane *d, char *error);
/* Until SIGTERM or SIGINT, and the drain that follows; a second one ends the drain. */
void manage_run(struct manage *m);
/* Removes the sockets. */
void manage_close(struct manage *m);
