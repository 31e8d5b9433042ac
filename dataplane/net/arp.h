/* arp.h - address resolution for IPv4 (RFC 826). Owning worker only. */
#pragma once

#include "net/worker_state.h"

/* A received ARP packet: answers requests for our addresses on that port, learns senders. SEND:
 * the answer took the frame; DROP: counted, the caller frees it. */
enum verdict arp_input(struct net_worker *w, struct packet *p);
/* Asks who has `ip`; of everybody, or of the one at `last` whether it still has it. */
void arp_request(struct net_worker *w, const struct port *p, const struct addr *from,
		 const struct addr *ip, const struct rte_ether_addr *last);
