/* neighbour.h - MAC addresses of next hops, and messages that wait for one
 *
 * A table per worker, of fixed size: sets of NEIGHBOUR_WAYS entries, the oldest of a full set
 * gives way. Owning worker only.
 */
#pragma once

#include <rte_ether.h>

#include "net/net.h"

enum {
	NEIGHBOUR_SETS = 512,
	NEIGHBOUR_WAYS = 8,
	NEIGHBOUR_HOLDS = 64,       /* neighbours asked for at a time, with messages waiting */
	NEIGHBOUR_HOLD_PACKETS = 8, /* for each */
	NEIGHBOUR_HOLD_MS = 1000,
	NEIGHBOUR_ASK_MS = 300, /* between two requests for the same */
	NEIGHBOUR_REFRESH_MS = 45000,
	NEIGHBOUR_AGE_MS = 60000,
	NEIGHBOUR_SHARE_MS = 1000, /* between two news of the same, when nothing changed */
};

struct neighbours;

/* How a MAC address came to be known. */
enum neighbour_source {
	NEIGHBOUR_OVERHEARD, /* only what is in the table is updated */
	NEIGHBOUR_TOLD, /* a packet to our own MAC address, or a request for our address: may
			   make an entry */
};

/* Element of the news rings: see net.h. */
struct neighbour_news {
	struct addr ip;
	struct rte_ether_addr mac;
	uint8_t port;
	uint8_t source;
};

/* Main thread. NULL: no memory. */
struct neighbours *neighbours_create(uint64_t seed);
void neighbours_destroy(struct neighbours *n);

/* The MAC address; NULL: not known, or older than NEIGHBOUR_AGE_MS. Asks again in time before
 * that. `ip` may carry a port, which does not count. */
const struct rte_ether_addr *neighbour_find(struct net_worker *w, const struct addr *ip,
					    uint8_t port);
/* The same without asking: NULL also if it is time to ask again; *until_ms: when it will be.
 * The address is good until then, as long as the worker's `generation` is the same. */
const struct rte_ether_addr *neighbour_fresh(struct neighbours *n, const struct addr *ip,
					     uint8_t port, uint64_t now_ms, uint64_t *until_ms);
/* Takes b, asks for the neighbour, and sends b once the answer is there; drops it (counted)
 * after NEIGHBOUR_HOLD_MS, or when too much waits already. */
void neighbour_wait(struct net_worker *w, const struct addr *ip, uint8_t port, struct buf *b);
/* What a packet from the wire said; the other workers are told. Addresses that are not on the
 * port's link, or are ours, are not believed. */
void neighbour_learn(struct net_worker *w, const struct addr *ip, uint8_t port,
		     const struct rte_ether_addr *mac, enum neighbour_source source);
/* News of the other workers, and messages that waited too long. True if there was any. */
bool neighbour_tick(struct net_worker *w);
uint32_t neighbour_held(const struct neighbours *n);
