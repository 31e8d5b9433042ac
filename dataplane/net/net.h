/* net.h - the packet side of the node: frames in, SIP datagrams out of them, and back
 *
 *   rx - input (Ethernet, IP, fragments, UDP) - [worker and roles] - output (UDP, IP,
 * neighbour) - tx
 *
 * struct net is made once and read-only after that, but for its rings. Each worker has a
 * struct net_worker of its own: neighbour table, fragment table, transmit batches. Workers
 * share nothing else; what one has for another goes through a ring of that pair: handoff
 * datagrams (or raw fragments) that another worker owns relay    frames to send on a port where
 * another worker has the transmit queue news     MAC addresses learned
 */
#pragma once

#include "base/buf.h"
#include "base/count.h"
#include "base/route.h"
#include "conf/conf.h"
#include "net/mbufs.h"
#include "net/port.h"

enum {
	NET_ERROR_MAX = 512,
	NET_BURST_MAX = 2 * BURST_MAX, /* a burst of frames and as many handed over */
	NET_RING = 1024,               /* handoff and relay, each pair */
	NET_NEWS_RING = 256,
};

struct rte_ring;

struct net {
	const struct route_table *routes;
	struct mbufs pool;
	uint16_t sip_port, worker_port_base;
	uint16_t n_workers, n_ports;
	uint64_t
		secret; /* drawn at start: all workers agree by it on the owner of a fragment */
	bool flow_steering; /* every port's NIC delivers the workers' own UDP ports to their
			       queues */
	/* Of `routes`, as the fast ways compare them: addresses as they lie in a packet, read
	 * as numbers, first octet lowest; routes in their order. */
	uint32_t n_own4, n_own6, n_route4;
	uint64_t own4_bits; /* bit (last octet mod 64) of each own4 is set */
	uint32_t own4[PORTS_MAX * ADDRESSES_MAX];
	uint64_t own6[PORTS_MAX * ADDRESSES_MAX][2];
	struct net_route4 {
		uint32_t mask, prefix;
		const struct route *route;
	} route4[sizeof(((struct route_table *)0)->route) / sizeof(struct route)];
	struct port port[PORTS_MAX];
	/* [from][to] */
	struct rte_ring *handoff[WORKERS_MAX][WORKERS_MAX];
	struct rte_ring *relay[WORKERS_MAX][WORKERS_MAX];
	struct rte_ring *news[WORKERS_MAX][WORKERS_MAX];
};

struct net_worker;

/* One turn of a worker: frames not yet looked at, and datagrams of theirs. */
struct net_burst {
	uint32_t n_frames, n;
	struct rte_mbuf *frame[NET_BURST_MAX];
	struct buf *buf[NET_BURST_MAX];
};

/* Buffers of both sizes that a configuration comes to. Pure. */
void net_buffers(const struct conf_dataplane *c, uint32_t *small, uint32_t *jumbo);
/* Main thread, after eal_start: opens and starts all ports, makes pools and rings. `routes`
 * outlives it. NULL with a sentence in error that names the port and what to do. */
struct net *net_create(const struct conf_dataplane *c, const struct route_table *routes,
		       char error[NET_ERROR_MAX]);
/* Main thread, when no worker runs any more. */
void net_destroy(struct net *n);

/* Main thread. NULL: no memory. */
struct net_worker *net_worker_create(struct net *n, uint16_t id, struct counters *counters);
/* Gives back every buffer the worker holds. */
void net_worker_destroy(struct net_worker *w);

/* Owning worker only, all of them. */

/* First call on the worker's thread. Tells the neighbours of every port our addresses, if it is
 * the first worker. */
void net_start(struct net_worker *w, uint64_t now_ms);
/* Frames of its queues, up to BURST_MAX a call. */
void net_rx(struct net_worker *w, struct net_burst *b);
/* What other workers handed over: raw fragments to frame[], datagrams to buf[]; up to
 * BURST_MAX. */
void net_handoff_in(struct net_worker *w, struct net_burst *b);
/* Works off frame[]: ARP, ND, echo and fragments are answered or kept here, datagrams for a SIP
 * port are added to buf[], with src, dst, port, worker and rx_tsc set; all else is dropped and
 * counted. */
void net_input(struct net_worker *w, struct net_burst *b, uint64_t now_ms);
/* Gives b to another worker; false: its ring is full (counted), b stays the caller's. */
bool net_handoff(struct net_worker *w, struct buf *b, uint16_t owner);
/* Sends b->data to b->dst from b->src; a src without an address or port is completed from the
 * route and the SIP port. Takes b. May hold it up to NEIGHBOUR_HOLD_MS while the next hop is
 * being asked for its MAC address. */
void net_output(struct net_worker *w, struct buf *b);
/* The same for n of them, in their order; the octets of one come near while another is worked
 * on. */
void net_output_burst(struct net_worker *w, struct buf *const *b, uint32_t n);
/* Once a turn: frames and news of other workers, overdue fragments and neighbours. True if
 * there was any. */
bool net_tick(struct net_worker *w, uint64_t now_ms);
/* Once a turn, last: all that was sent goes to the ports. */
void net_tx_flush(struct net_worker *w);
/* Receive queues the worker polls. Any thread. */
uint32_t net_queues(const struct net_worker *w);
/* Buffers the worker holds for neighbours and fragments, for tests. */
uint32_t net_held(const struct net_worker *w);
