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
	NET_PROTECTED_MAX = 3,
	NET_ESP_PORT = 4500, /* ESP in UDP (RFC 3948 §2.1) */
};

struct rte_ring;

struct net {
	const struct route_table *routes;
	struct mbufs pool;
	uint16_t sip_port, worker_port_base;
	uint16_t n_workers, n_ports;
	uint64_t
		secret; /* drawn at start: all workers agree by it on the owner of a fragment */
	/* Of the security agreement (TS 33.203 §7.1); without, there is no ESP. */
	uint16_t protected_port[NET_PROTECTED_MAX];
	uint32_t n_protected;
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

/* An ESP packet, whole: len octets at `at` in m, which is still the frame it came in. The ports
 * are those of the UDP datagram it came in (RFC 3948), or 0. */
struct net_esp {
	struct rte_mbuf *m;
	uint8_t *at;
	uint32_t len;
	struct addr src, dst;
	uint8_t port; /* index */
};

/* One turn of a worker: frames not yet looked at, and datagrams of theirs; ESP packets; what
 * other workers have worked on, to be sent from here. */
struct net_burst {
	uint32_t n_frames, n, n_esp, n_send;
	struct rte_mbuf *frame[NET_BURST_MAX];
	struct buf *buf[NET_BURST_MAX];
	struct net_esp esp[NET_BURST_MAX];
	struct buf *send[BURST_MAX];
};

/* Buffers of both sizes that a configuration comes to. Pure. */
void net_buffers(const struct conf_dataplane *c, uint32_t *small, uint32_t *jumbo);
/* Main thread, after eal_start: opens and starts all ports, makes pools and rings. `routes`
 * outlives it. NULL with a sentence in error that names the port and what to do. */
struct net *net_create(const struct conf_dataplane *c, const struct route_table *routes,
		       char error[NET_ERROR_MAX]);
/* Main thread, before any worker runs. From now on ESP is taken in, and what comes in clear to
 * one of these ports is dropped with a counter of its own. n <= NET_PROTECTED_MAX. */
void net_protect(struct net *n, const uint16_t *port, uint32_t n_ports);
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
/* What other workers handed over: raw frames to frame[], datagrams to buf[], what is to be sent
 * to send[]; up to BURST_MAX. */
void net_handoff_in(struct net_worker *w, struct net_burst *b);
/* Works off frame[]: ARP, ND, echo and fragments are answered or kept here, datagrams for a SIP
 * port are added to buf[], with src, dst, port, worker and rx_tsc set, ESP packets to esp[];
 * all else is dropped and counted. */
void net_input(struct net_worker *w, struct net_burst *b, uint64_t now_ms);
/* Gives b to another worker; false: its ring is full (counted), b stays the caller's. */
bool net_handoff(struct net_worker *w, struct buf *b, uint16_t owner);
/* The same for a message that the owner is to send: it comes to its send[]. Not one with
 * several references: net_own. */
bool net_handoff_send(struct net_worker *w, struct buf *b, uint16_t owner);
/* Gives the frame of an ESP packet to another worker, who works it off anew; takes it, and
 * counts. */
void net_handoff_esp(struct net_worker *w, const struct net_esp *e, uint16_t owner);
/* The ESP packet held this message, `len` octets at `at`: it is added to buf[]. The caller sets
 * src, dst and sa_id. */
struct buf *net_esp_message(struct net_worker *w, struct net_burst *b, const struct net_esp *e,
			    uint8_t *at, uint32_t len);
void net_esp_drop(struct net_worker *w, const struct net_esp *e, enum count_id reason);
/* b with that much room, alone and its to write: itself or a copy, headroom and tailroom as
 * they are. Takes b. NULL: no buffer, counted. */
struct buf *net_own(struct net_worker *w, struct buf *b, uint32_t before, uint32_t behind);
/* True if the port is one of the protected ones. Any thread. */
bool net_is_protected(const struct net *n, uint16_t port);
/* Sends b->data to b->dst from b->src; a src without an address or port is completed from the
 * route and the SIP port. With BUF_F_ESP it is an IP packet's payload, of protocol 50. Takes b.
 * May hold it up to NEIGHBOUR_HOLD_MS while the next hop is being asked for its MAC address. */
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
