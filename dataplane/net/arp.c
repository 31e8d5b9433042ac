/* arp.c - address resolution for IPv4 (RFC 826) */
#include "net/arp.h"

#include <rte_arp.h>

#include "net/ip_out.h"
#include "net/neighbour.h"
#include "net/tx.h"

static const struct rte_ether_addr everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static bool well_formed(const struct rte_arp_hdr *h)
{
	return h->arp_hardware == rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) &&
	       h->arp_protocol == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) &&
	       h->arp_hlen == RTE_ETHER_ADDR_LEN && h->arp_plen == 4;
}

static void fill(struct rte_arp_hdr *h, uint16_t opcode, const struct rte_ether_addr *our_mac,
		 const struct addr *our_ip, const struct rte_ether_addr *mac,
		 const struct addr *ip)
{
	h->arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER);
	h->arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	h->arp_hlen = RTE_ETHER_ADDR_LEN;
	h->arp_plen = 4;
	h->arp_opcode = rte_cpu_to_be_16(opcode);
	h->arp_data.arp_sha = *our_mac;
	memcpy(&h->arp_data.arp_sip, our_ip->ip, 4);
	h->arp_data.arp_tha = *mac;
	memcpy(&h->arp_data.arp_tip, ip->ip, 4);
}

static void send_arp(struct net_worker *w, const struct port *p, uint16_t opcode,
		     const struct addr *our_ip, const struct rte_ether_addr *to,
		     const struct rte_ether_addr *mac, const struct addr *ip)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->net->pool.small);

	if (!m) {
		count(w->counters, COUNT_DROP_NOBUF);
		return;
	}
	fill((struct rte_arp_hdr *)rte_pktmbuf_append(m, sizeof(struct rte_arp_hdr)), opcode,
	     &p->mac, our_ip, mac, ip);
	ip_out_ethernet(p, m, to, RTE_ETHER_TYPE_ARP);
	tx_put(w, p->index, m);
}

void arp_request(struct net_worker *w, const struct port *p, const struct addr *from,
		 const struct addr *ip, const struct rte_ether_addr *last)
{
	static const struct rte_ether_addr unknown;

	send_arp(w, p, RTE_ARP_OP_REQUEST, from, last ? last : &everybody, &unknown, ip);
}

enum verdict arp_input(struct net_worker *w, struct packet *p)
{
	struct rte_arp_hdr h;

	if (p->left < sizeof(h))
		return packet_drop(w, COUNT_DROP_L2);
	memcpy(&h, p->at, sizeof(h));
	if (!well_formed(&h))
		return packet_drop(w, COUNT_DROP_L2);
	count(w->counters, COUNT_ARP);
	struct addr sender = addr_of(4, (const uint8_t *)&h.arp_data.arp_sip);
	struct addr target = addr_of(4, (const uint8_t *)&h.arp_data.arp_tip);
	struct rte_ether_addr mac = h.arp_data.arp_sha;
	bool for_us = port_local(w->net->routes, &target, p->port->index) >= 0;

	neighbour_learn(w, &sender, p->port->index, &mac,
			for_us ? NEIGHBOUR_TOLD : NEIGHBOUR_OVERHEARD);
	if (for_us && h.arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REQUEST))
		send_arp(w, p->port, RTE_ARP_OP_REPLY, &target, &p->from, &mac, &sender);
	rte_pktmbuf_free(p->m);
	return VERDICT_SEND;
}
