/* nd.h - neighbour discovery for IPv6 (RFC 4861). Owning worker only. */
#pragma once

#include "net/worker_state.h"

/* A received neighbour solicitation or advertisement, its ICMPv6 checksum verified; p->at is at
 * its type. Takes the frame (SEND), or DROP: counted. */
enum verdict nd_input(struct net_worker *w, struct packet *p);
/* As arp_request. */
void nd_solicit(struct net_worker *w, const struct port *p, const struct addr *from,
		const struct addr *ip, const struct rte_ether_addr *last);
/* Tells all nodes of the link that `ip` is ours (§7.2.6). */
void nd_announce(struct net_worker *w, const struct port *p, const struct addr *ip);
