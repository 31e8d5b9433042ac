/* plain_out.h - messages to next hops whose headers are known, written in one go
 *
 * A worker keeps the headers of its last next hops: Ethernet, IP and UDP as they were written
 * last, with all that is the same for each message. Owning worker only.
 */
#pragma once

#include "net/worker_state.h"

enum {
	NEXT_HOPS = 256, /* a power of two */
	NEXT_HOP_HEAD = 80,
};
_Static_assert((int)NEXT_HOP_HEAD <= (int)MBUFS_LOWER_HEADERS, "may be copied whole");

struct next_hop {
	/* What it is for: addresses of the hop and of ours, of IPv4 both in the first word
	 * alone. */
	uint64_t ip[4];
	uint16_t kind; /* family and port; 0: nothing */
	uint8_t head_len;
	/* From then on the neighbour is looked up anew, and asked again. */
	uint64_t until_ms;
	uint64_t generation; /* of the worker's neighbours */
	uint64_t ip_sum;     /* of the IPv4 header, but for what each datagram has of its own */
	uint64_t udp_sum;    /* of the pseudo header: source and protocol */
	/* The last head_len octets of it. */
	_Alignas(16) uint8_t head[NEXT_HOP_HEAD];
};

struct next_hops {
	uint64_t factor; /* secret: a peer that chose addresses to collide would only slow
			    itself */
	_Alignas(64) struct next_hop slot[NEXT_HOPS];
};

/* Main thread. NULL: no memory. */
struct next_hops *next_hops_create(uint64_t seed);
void next_hops_destroy(struct next_hops *h);

/* Takes the first bufs of n, into the batches of their ports, as long as the headers of each
 * are known; the number of them. With the buf behind them nothing was done: it goes the
 * complete way (output.c), for whatever reason. */
uint32_t plain_out(struct net_worker *w, struct buf *const *b, uint32_t n);
