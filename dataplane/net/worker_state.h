/* worker_state.h - what one worker keeps of the network; private to net/ */
#pragma once

#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "base/verdict.h"
#include "net/net.h"

enum { TX_BATCH = 64 };

struct neighbours;
struct next_hops;
struct fragments;

struct rx_queue {
	uint16_t port_id, queue;
	uint8_t index;
};

struct tx_batch {
	uint32_t n;
	struct rte_mbuf *m[TX_BATCH];
};

struct net_worker {
	struct net *net;
	struct counters *counters;
	uint64_t now_ms, now_tsc; /* of this turn */
	uint16_t id;
	uint16_t n_queues, next_queue;
	uint16_t ip_id;       /* counts IPv4 datagrams sent */
	uint32_t fragment_id; /* counts IPv6 datagrams sent in fragments */
	struct neighbours *neighbours;
	/* Counts what was unlearned or changed in them, so that nothing kept of them is used.
	 */
	uint64_t generation;
	struct next_hops *next_hops;
	struct fragments *fragments;
	struct rx_queue queue[PORTS_MAX * PORT_QUEUES_MAX];
	struct tx_batch tx[PORTS_MAX];
};

/* Marks in a handoff ring, beside buf.h's flags: the buf's mbuf is still a frame; the buf is to
 * be sent. */
enum { BUF_F_FRAME = 0x80, BUF_F_SEND = 0x40 };

/* A frame on its way through input. `at` and `left` are what no step has looked at yet: left
 * never exceeds what the (single) segment holds. */
struct packet {
	struct rte_mbuf *m;
	const struct port *port;
	uint8_t *at;
	uint32_t left;
	const uint8_t *ip;          /* start of the IP header */
	struct rte_ether_addr from; /* Ethernet source */
	bool unicast;               /* to our MAC address */
	bool checked;               /* the NIC found the UDP checksum right */
	bool esp;                   /* what is left is an ESP packet */
	uint8_t proto;
	uint8_t hops; /* TTL or hop limit */
	uint16_t src_port, dst_port;
	struct addr src, dst; /* ports 0 */
};

static inline enum verdict packet_drop(struct net_worker *w, enum count_id reason)
{
	count(w->counters, reason);
	return VERDICT_DROP;
}

static inline void packet_skip(struct packet *p, uint32_t octets)
{
	p->at += octets;
	p->left -= octets;
}

static inline uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Octets of an address: 4 or 16. */
static inline uint32_t addr_octets(const struct addr *a)
{
	return a->family == 4 ? 4 : 16;
}

/* Written as one vector: it is read as one soon after, and a processor that has to collect it
 * from several smaller stores waits for all of them. */
static inline void addr_read(struct addr *a, uint8_t family, const uint8_t *octets)
{
	typedef uint32_t quad __attribute__((vector_size(16)));
	quad v = {0};

	if (family == 4) {
		uint32_t word;
		memcpy(&word, octets, sizeof(word));
		v = (quad){word};
	} else {
		memcpy(&v, octets, sizeof(v));
	}
	memcpy(a->ip, &v, sizeof(v));
	a->port = 0;
	a->family = family;
	a->pad = 0;
}

static inline struct addr addr_of(uint8_t family, const uint8_t *octets)
{
	struct addr a;

	addr_read(&a, family, octets);
	return a;
}

/* The address of ours on the port, or -1. */
int port_local(const struct route_table *t, const struct addr *ip, uint8_t port);
