/* nd.c - neighbour discovery for IPv6 (RFC 4861) */
#include "net/nd.h"

#include "net/icmp.h"
#include "net/ip_out.h"
#include "net/neighbour.h"

enum {
	ND_HOPS = 255, /* a packet that crossed a router cannot have it (§7.1) */
	ND_LEN = 24,   /* type, code, checksum, flags, target */
	ND_TARGET = 8,
	ND_FLAGS = 4,
	OPTION_SOURCE = 1,
	OPTION_TARGET = 2,
	OPTION_UNIT = 8,
	FLAG_SOLICITED = 0x40,
	FLAG_OVERRIDE = 0x20,
};

/* The link-layer address option of that type; NULL: there is none. False in *sound for a list
 * that is malformed: an option of length 0 would never end. */
static const uint8_t *find_option(const struct packet *p, uint8_t type, bool *sound)
{
	const uint8_t *at = p->at + ND_LEN, *hit = NULL;
	uint32_t left = p->left - ND_LEN;

	*sound = false;
	while (left > 0) {
		if (left < 2 || at[1] == 0 || (uint32_t)at[1] * OPTION_UNIT > left)
			return NULL;
		if (at[0] == type && at[1] == 1)
			hit = at + 2;
		left -= at[1] * OPTION_UNIT;
		at += at[1] * OPTION_UNIT;
	}
	*sound = true;
	return hit;
}

static bool is_unspecified(const struct addr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->ip, zero, 16) == 0;
}

static void send_nd(struct net_worker *w, const struct port *p, uint8_t type, uint8_t flags,
		    const struct addr *from, const struct addr *to, const struct addr *target,
		    const struct rte_ether_addr *mac)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->net->pool.small);
	uint8_t *d;

	if (!m) {
		count(w->counters, COUNT_DROP_NOBUF);
		return;
	}
	m->data_len = ND_LEN + OPTION_UNIT;
	m->pkt_len = ND_LEN + OPTION_UNIT;
	d = rte_pktmbuf_mtod(m, uint8_t *);
	memset(d, 0, ND_LEN);
	d[0] = type;
	d[ND_FLAGS] = flags;
	memcpy(d + ND_TARGET, target->ip, 16);
	d[ND_LEN] = type == ICMP6_SOLICIT ? OPTION_SOURCE : OPTION_TARGET;
	d[ND_LEN + 1] = 1;
	memcpy(d + ND_LEN + 2, p->mac.addr_bytes, RTE_ETHER_ADDR_LEN);
	icmp6_checksum(d, ND_LEN + OPTION_UNIT, from, to);
	ip_out(w, p, m, mac, &(struct ip_out_header){from, to, IPPROTO_ICMPV6, ND_HOPS});
}

static struct rte_ether_addr multicast_mac(const struct addr *group)
{
	/* RFC 2464 §7 */
	return (struct rte_ether_addr){
		{0x33, 0x33, group->ip[12], group->ip[13], group->ip[14], group->ip[15]}};
}

void nd_solicit(struct net_worker *w, const struct port *p, const struct addr *from,
		const struct addr *ip, const struct rte_ether_addr *last)
{
	/* Solicited-node multicast address (RFC 4291 §2.7.1) */
	struct addr group = {.ip = {0xff, 0x02, [11] = 1, [12] = 0xff}, .family = 6};
	struct rte_ether_addr mac;

	memcpy(group.ip + 13, ip->ip + 13, 3);
	mac = last ? *last : multicast_mac(&group);
	send_nd(w, p, ICMP6_SOLICIT, 0, from, last ? ip : &group, ip, &mac);
}

static const struct addr all_nodes = {.ip = {0xff, 0x02, [15] = 1}, .family = 6};

void nd_announce(struct net_worker *w, const struct port *p, const struct addr *ip)
{
	struct rte_ether_addr mac = multicast_mac(&all_nodes);

	send_nd(w, p, ICMP6_ADVERTISE, FLAG_OVERRIDE, ip, &all_nodes, ip, &mac);
}

static void solicited(struct net_worker *w, const struct packet *p, const struct addr *target,
		      const uint8_t *source_option)
{
	struct rte_ether_addr mac = p->from;

	if (port_local(w->net->routes, target, p->port->index) < 0)
		return;
	if (is_unspecified(&p->src)) {
		/* Duplicate address detection: somebody wants an address that is ours (§7.2.4).
		 */
		nd_announce(w, p->port, target);
		return;
	}
	if (source_option) {
		memcpy(mac.addr_bytes, source_option, RTE_ETHER_ADDR_LEN);
		neighbour_learn(w, &p->src, p->port->index, &mac, NEIGHBOUR_TOLD);
	}
	send_nd(w, p->port, ICMP6_ADVERTISE, FLAG_SOLICITED | FLAG_OVERRIDE, target, &p->src,
		target, &mac);
}

static void advertised(struct net_worker *w, const struct packet *p, const struct addr *target,
		       const uint8_t *target_option)
{
	struct rte_ether_addr mac;
	bool told = p->unicast && (p->at[ND_FLAGS] & FLAG_SOLICITED);

	if (!target_option)
		return;
	memcpy(mac.addr_bytes, target_option, RTE_ETHER_ADDR_LEN);
	/* Without the override flag it may be a proxy's: not over an address that is known
	 * (§7.2.5). */
	const struct rte_ether_addr *known = neighbour_find(w, target, p->port->index);
	if (known && !(p->at[ND_FLAGS] & FLAG_OVERRIDE) && !rte_is_same_ether_addr(known, &mac))
		return;
	neighbour_learn(w, target, p->port->index, &mac,
			told ? NEIGHBOUR_TOLD : NEIGHBOUR_OVERHEARD);
}

enum verdict nd_input(struct net_worker *w, struct packet *p)
{
	uint8_t type = p->at[0];
	bool sound;

	/* §7.1.1, §7.1.2 */
	if (p->hops != ND_HOPS || p->left < ND_LEN || p->at[1] != 0)
		return packet_drop(w, COUNT_DROP_IP);
	struct addr target = addr_of(6, p->at + ND_TARGET);
	const uint8_t *option =
		find_option(p, type == ICMP6_SOLICIT ? OPTION_SOURCE : OPTION_TARGET, &sound);
	if (!sound || target.ip[0] == 0xff)
		return packet_drop(w, COUNT_DROP_IP);
	count(w->counters, COUNT_ARP);
	if (type == ICMP6_SOLICIT)
		solicited(w, p, &target, option);
	else
		advertised(w, p, &target, option);
	rte_pktmbuf_free(p->m);
	return VERDICT_SEND;
}
