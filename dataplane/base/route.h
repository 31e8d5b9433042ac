/* route.h - which port, source address and next hop lead to an address
 *
 * Built once from the configuration and read-only after that: any thread. A handful of entries,
 * looked through in the order of their prefix lengths, longest first.
 */
#pragma once

#include "base/addr.h"
#include "base/limits.h"

struct route {
	struct addr prefix;
	uint8_t bits;
	uint8_t port;        /* index of the port */
	uint8_t access;      /* 1: the port's zone is access, 0: core */
	struct addr gateway; /* family 0: the destination is on the link */
	struct addr local;   /* our source address there; port 0 */
};

struct route_table {
	uint32_t n;
	struct route route[PORTS_MAX * ADDRESSES_MAX * 3 + 2 * PORTS_MAX];
	uint32_t n_local;
	struct addr local[PORTS_MAX * ADDRESSES_MAX]; /* every address of ours, port 0 */
	uint8_t local_port[PORTS_MAX * ADDRESSES_MAX];
	uint8_t local_access[PORTS_MAX * ADDRESSES_MAX];
};

/* Keeps the table sorted. False: full. */
bool route_add(struct route_table *t, const struct route *r);
bool route_add_local(struct route_table *t, const struct addr *ip, uint8_t port, bool access);
/* NULL: nothing leads there. */
const struct route *route_find(const struct route_table *t, const struct addr *to);
/* Index into local[], or -1: not an address of ours. */
int route_local(const struct route_table *t, const struct addr *ip);
