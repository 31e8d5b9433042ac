/* fragment_in.h - IP fragments put together by librte_ip_frag
 *
 * Each worker has a table of its own. All fragments of a datagram go to the worker that their
 * addresses and identification hash to, wherever the NIC's own hash brought them. Owning worker
 * only.
 */
#pragma once

#include "net/worker_state.h"

enum {
	FRAGMENT_DATAGRAMS = 256,
	FRAGMENT_PIECES = 8, /* of one datagram, at most: librte_ip_frag's limit */
	FRAGMENT_TIMEOUT_S = 2,
};

struct fragments;

/* Main thread. `datagrams` under way at a time, a power of two. NULL: no memory. */
struct fragments *fragments_create(uint32_t datagrams, uint64_t seed);
void fragments_destroy(struct fragments *f);

/* p->at is at the fragment's payload, `offset` octets into the datagram's, p->ip at its IP
 * header. NEXT: it was the last one missing, and p->m is a new buffer with the whole, p->at at
 * its payload. SEND: kept, or with another worker. DROP: counted. */
enum verdict fragment4_input(struct net_worker *w, struct packet *p, uint32_t offset,
			     bool more);
enum verdict fragment6_input(struct net_worker *w, struct packet *p, uint32_t offset,
			     bool more);
/* Drops (counted) what has waited too long. */
void fragment_tick(struct net_worker *w);
/* Fragments kept. */
uint32_t fragment_held(const struct fragments *f);
