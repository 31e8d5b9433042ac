/* ip_in.h - IPv4 and IPv6 headers of what arrives. Owning worker only. */
#pragma once

#include "net/worker_state.h"

/* p->at is at the IP header. NEXT: src, dst (ports 0), proto and hops are set, p->at is at the
 * payload of a whole packet for an address of ours (or, IPv6 alone, for a multicast group).
 * SEND: the frame was taken, as a fragment or for another worker. DROP: counted. */
enum verdict ip4_input(struct net_worker *w, struct packet *p);
enum verdict ip6_input(struct net_worker *w, struct packet *p);
