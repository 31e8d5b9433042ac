/* dataplane.h - a data plane for the tests: the region and its rings, worked by hand
 *
 * The region is made as the real one makes it, and control connects to it through the socket.
 * The test's own thread then plays the workers: it punts, takes what control injects, and
 * acknowledges installs. Only accepting has a thread of its own, because control waits for the
 * hello.
 */
#pragma once

#include <ev.h>
#include <pthread.h>

#include "abi/install.h"
#include "abi/message.h"
#include "abi/region.h"
#include "conf/conf.h"

enum { FAKE_WORKERS = 2 };

struct fake {
	char dir[64];
	char path[128];
	struct abi_region *region;
	int memfd, wake, listener, conn;
	pthread_t acceptor;
	bool accepting;
	uint64_t sa_id; /* that what is punted comes under; 0: in clear */
	struct ring punt[FAKE_WORKERS], inject[FAKE_WORKERS], capture[FAKE_WORKERS];
	struct ring install, ack;
	_Alignas(8) uint8_t record[RING_RECORD_MAX];
};

/* A new start: new boot id, empty rings. dir: made once by fake_dir. */
void fake_dir(struct fake *f);
void fake_start(struct fake *f);
/* As if the process had died. */
void fake_stop(struct fake *f);
void fake_remove_dir(struct fake *f);

void fake_punt(struct fake *f, uint16_t worker, uint8_t reason, const char *text);
void fake_punt_octets(struct fake *f, uint16_t worker, const void *record, uint32_t len);
/* The oldest injected record of any worker (valid until the next call), or NULL. */
const struct abi_inject *fake_injected(struct fake *f);
/* The oldest install record; NULL: none. */
bool fake_installed(struct fake *f, struct abi_install_view *v);
void fake_acknowledge(struct fake *f, uint64_t seq, uint32_t status);
void fake_wake(struct fake *f);

/* Runs the loop until *flag is set or a second has passed: *flag. */
bool run_until(struct ev_loop *loop, const bool *flag);
/* Runs the loop for so long. */
void run_for(struct ev_loop *loop, double seconds);

/* 192.0.2.1 with a port. */
struct addr fake_ue(uint16_t port);
struct addr fake_node(void);
/* A configuration with one port 198.51.100.1/24 and the runtime directory of f. */
void fake_conf(const struct fake *f, struct conf *out);
