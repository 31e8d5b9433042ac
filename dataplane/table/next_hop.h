/* next_hop.h - the ways out of the network, by what is called: a domain or a number
 *
 * A few thousand at most, in chains as those of server.h: an entry is immutable but for its
 * link, another one takes its place, and the old one is freed after a grace period. What is
 * called comes from the wire: chains are by a keyed hash, and an entry is found by its text.
 */
#pragma once

#include <stdatomic.h>

#include "abi/install.h"

enum { NEXT_HOP_BUCKETS = 2048, NEXT_HOP_DIGITS = 15 /* of a number (ITU-T E.164) */ };

struct tables;

struct table_next_hop {
	uint64_t hash;
	const struct table_next_hop *_Atomic next; /* of its bucket */
	uint64_t expires_ms; /* what comes later does not go there; what went there may go on */
	uint32_t epoch;      /* of its put; for the management thread */
	uint16_t to_len, uri_len;
	uint8_t kind; /* enum abi_route_kind */
	uint8_t n;    /* one at least */
	struct addr addr[ABI_ROUTE_ADDRESSES];
	uint8_t text[]; /* `to`, then the URI */
};

struct next_hop_table {
	const struct table_next_hop *_Atomic *bucket;
	_Atomic uint32_t lengths; /* bit i: there are ways for beginnings of i digits */
	uint32_t n;               /* management thread, as what follows */
	uint32_t of_length[NEXT_HOP_DIGITS + 1];
};

static inline struct slice next_hop_uri(const struct table_next_hop *h)
{
	return slice_of(h->text + h->to_len, h->uri_len);
}

/* Workers, inside a read-side section; the entry is valid until that ends. NULL: no way is
 * known. */

/* `to` as abi_route_view has it. */
const struct table_next_hop *table_find_next_hop(const struct tables *t, struct slice to);
/* A number, "+" and digits: its own way, or that of its longest beginning that has one. */
const struct table_next_hop *table_find_number(const struct tables *t, struct slice number);

/* Management thread, all of these. */

/* In the place of the one for the same `to`; without addresses, away with that. INSTALL_OK or
 * NO_MEMORY, also for more than ABI_ROUTES_MAX. */
int table_put_next_hop(struct tables *t, const struct abi_route_view *v);
/* At start; false: no memory. */
bool next_hop_table_create(struct next_hop_table *s);
void next_hop_table_destroy(struct next_hop_table *s);
/* Those that were not put since table_sync_begin go. */
void next_hops_sweep(struct tables *t);
