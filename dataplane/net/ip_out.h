/* ip_out.h - IP and Ethernet headers for what leaves, in fragments where it must
 *
 * Owning worker only, but for the pure functions.
 */
#pragma once

#include "net/worker_state.h"

enum { IP_OUT_HOPS = 64 };

struct ip_out_header {
	const struct addr *src, *dst;
	uint8_t proto;
	uint8_t hops;
};

/* Takes m: one segment with the payload of the IP packet (its checksum complete, but for UDP
 * where the port fills it in: then the pseudo header's), MBUFS_LOWER_HEADERS octets of headroom
 * less what the payload's own header took. Sends it to the MAC address, in fragments (linear
 * copies, so that every driver takes them) if it exceeds the port's MTU. */
void ip_out(struct net_worker *w, const struct port *p, struct rte_mbuf *m,
	    const struct rte_ether_addr *mac, const struct ip_out_header *h);
/* True if so many octets of payload leave in one packet, so that the port may fill in
 * checksums. */
static inline bool ip_out_fits(const struct port *p, const struct addr *dst, uint32_t payload)
{
	return payload + (dst->family == 4 ? sizeof(struct rte_ipv4_hdr)
					   : sizeof(struct rte_ipv6_hdr)) <=
	       p->mtu;
}

/* Workers number their datagrams apart from each other, so that no two pieces of different
 * datagrams are put together at the far end. */
static inline uint16_t ip_out_next_id(struct net_worker *w)
{
	return (uint16_t)(w->ip_id++ * w->net->n_workers + w->id);
}

/* Writes the port's l2_len octets of an Ethernet header, with its VLAN tag. */
void ip_out_put_ethernet(uint8_t *h, const struct port *p, const struct rte_ether_addr *to,
			 uint16_t type);
/* Puts the Ethernet header, with the port's VLAN tag, before what is in m. */
void ip_out_ethernet(const struct port *p, struct rte_mbuf *m, const struct rte_ether_addr *to,
		     uint16_t type);
/* Sum over the pseudo header of UDP and ICMPv6 (RFC 768, RFC 8200 §8.1), for checksum_add.
 * Pure. */
uint64_t ip_out_pseudo(const struct addr *src, const struct addr *dst, uint8_t proto,
		       uint32_t len);
