/* wire.h - a node's packet side on rings in place of a wire, all workers run by the test's
 * thread */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "frame.h"
#include "net/neighbour.h"
#include "net/net.h"

enum { WIRE_QUEUES_MAX = 4, WIRE_BUFS_MAX = 512 };

struct wire_options {
	uint16_t workers, queues; /* 0: 1 */
	uint16_t vlan;
	uint16_t mtu; /* 0: 1500 */
	bool bare;    /* no net workers: whole workers bring their own */
};

struct wire {
	struct net *net;
	struct net_worker *worker[WORKERS_MAX];
	struct counters counters[WORKERS_MAX];
	struct route_table routes;
	struct conf_dataplane conf;
	struct rte_ring *to_node[WIRE_QUEUES_MAX], *from_node[WIRE_QUEUES_MAX];
	uint64_t now_ms;
	uint32_t small_free, jumbo_free; /* buffers at start */
	/* Datagrams the workers took in, until wire_forget. */
	uint32_t n;
	struct buf *buf[WIRE_BUFS_MAX];
	uint8_t mac[6]; /* the node's */
};

/* Group set-up: DPDK without huge pages or devices. */
int wire_eal(void **state);

void wire_open(struct wire *w, const struct wire_options *o);
/* Fails the test unless every buffer is back in its pool. */
void wire_close(struct wire *w);

/* To the node's receive queue; worked off by wire_turn. */
void wire_send(struct wire *w, uint16_t queue, const struct frame *f);
/* The same, the frame's end right before a page that cannot be read. Runs a turn. */
void wire_send_guarded(struct wire *w, const struct frame *f);
/* One turn of each worker. */
void wire_turn(struct wire *w);
/* The next frame the node sent; false: none. */
bool wire_receive(struct wire *w, struct frame *f);
void wire_forget(struct wire *w);
/* Throws away what the node sent. */
void wire_silence(struct wire *w);
/* The peer's MAC addresses are known to all workers. */
void wire_acquaint(struct wire *w);

/* Over all workers. */
uint64_t wire_count(const struct wire *w, enum count_id id);
/* A message to the peer's address and port. */
struct buf *wire_message(uint8_t family, const void *data, uint32_t len);
