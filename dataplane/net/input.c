/* input.c - a frame's way from Ethernet to a SIP datagram */
#include "net/arp.h"
#include "net/checksum.h"
#include "net/icmp.h"
#include "net/ip_in.h"
#include "net/ip_out.h"
#include "net/plain_in.h"
#include "net/worker_state.h"

enum { UDP_HEADER = 8, VLAN_ID_MASK = 0xfff };

int port_local(const struct route_table *t, const struct addr *ip, uint8_t port)
{
	for (uint32_t i = 0; i < t->n_local; i++)
		if (t->local_port[i] == port && addr_same_ip(&t->local[i], ip))
			return (int)i;
	return -1;
}

/* Everything behind looks at one segment. */
static enum verdict frame(struct net_worker *w, struct packet *p)
{
	if (p->m->nb_segs > 1) {
		bool too_long = p->m->pkt_len > MBUFS_JUMBO_ROOM - MBUFS_LOWER_HEADERS;

		p->m = mbufs_linear(&w->net->pool, p->m);
		if (!p->m) {
			count(w->counters, too_long ? COUNT_DROP_SIZE : COUNT_DROP_NOBUF);
			return VERDICT_SEND;
		}
	}
	p->port = &w->net->port[p->m->port];
	p->at = rte_pktmbuf_mtod(p->m, uint8_t *);
	p->left = p->m->data_len;
	return VERDICT_NEXT;
}

/* *type: what the frame carries. A tag with the identifier 0 carries a priority
 * alone (IEEE 802.1Q §6.9). */
static enum verdict ethernet(struct net_worker *w, struct packet *p, uint16_t *type)
{
	struct rte_ether_hdr h;
	uint16_t vlan = 0;

	if (p->left < sizeof(h))
		return packet_drop(w, COUNT_DROP_L2);
	memcpy(&h, p->at, sizeof(h));
	p->from = h.src_addr;
	p->unicast = rte_is_same_ether_addr(&h.dst_addr, &p->port->mac);
	if ((!p->unicast && !rte_is_multicast_ether_addr(&h.dst_addr)) ||
	    rte_is_multicast_ether_addr(&p->from))
		return packet_drop(w, COUNT_DROP_L2);
	*type = rte_be_to_cpu_16(h.ether_type);
	packet_skip(p, sizeof(h));
	if (*type == RTE_ETHER_TYPE_VLAN) {
		if (p->left < RTE_VLAN_HLEN)
			return packet_drop(w, COUNT_DROP_L2);
		vlan = be16(p->at) & VLAN_ID_MASK;
		*type = be16(p->at + 2);
		packet_skip(p, RTE_VLAN_HLEN);
	}
	return vlan == p->port->vlan ? VERDICT_NEXT : packet_drop(w, COUNT_DROP_L2);
}

static bool checksum_sound(const struct packet *p)
{
	uint64_t sum;

	if (be16(p->at + 6) == 0) /* IPv6 has none without (RFC 8200 §8.1) */
		return p->src.family == 4;
	if (p->checked)
		return true;
	sum = ip_out_pseudo(&p->src, &p->dst, IPPROTO_UDP, p->left);
	return checksum_fold(checksum_add(sum, p->at, p->left)) == 0xffff;
}

static bool is_sip_port(const struct net *n, uint16_t port)
{
	return port == n->sip_port || (uint16_t)(port - n->worker_port_base) < n->n_workers;
}

bool net_is_protected(const struct net *n, uint16_t port)
{
	for (uint32_t i = 0; i < n->n_protected; i++)
		if (n->protected_port[i] == port)
			return true;
	return false;
}

static bool is_esp_port(const struct net *n, uint16_t port)
{
	return n->n_protected && port == NET_ESP_PORT;
}

/* The payload of a datagram to NET_ESP_PORT. A single octet keeps the NAT's binding (RFC 3948
 * §2.3); four zeros in place of an SPI would be IKE (§2.2). */
static enum verdict esp_in_udp(struct net_worker *w, struct packet *p)
{
	static const uint8_t marker[4];

	if (p->left == 1 && p->at[0] == 0xff) {
		count(w->counters, COUNT_KEEPALIVE);
		return VERDICT_DROP;
	}
	if (p->left < sizeof(marker) || memcmp(p->at, marker, sizeof(marker)) == 0)
		return packet_drop(w, COUNT_DROP_UDP);
	p->esp = true;
	return VERDICT_NEXT;
}

static enum verdict udp(struct net_worker *w, struct packet *p)
{
	const uint8_t *h = p->at;

	if (p->left < UDP_HEADER || be16(h + 4) != p->left || be16(h) == 0 ||
	    p->dst.ip[0] == 0xff)
		return packet_drop(w, COUNT_DROP_UDP);
	if (net_is_protected(w->net, be16(h + 2)))
		return packet_drop(w, COUNT_DROP_CLEAR);
	bool in_udp = is_esp_port(w->net, be16(h + 2));
	if (!in_udp && !is_sip_port(w->net, be16(h + 2)))
		return packet_drop(w, COUNT_DROP_UDP);
	if (!checksum_sound(p))
		return packet_drop(w, COUNT_DROP_CHECKSUM);
	p->src_port = be16(h);
	p->dst_port = be16(h + 2);
	packet_skip(p, UDP_HEADER);
	if (in_udp)
		return esp_in_udp(w, p);
	return p->left > SIP_MESSAGE_MAX ? packet_drop(w, COUNT_DROP_SIZE) : VERDICT_NEXT;
}

static enum verdict payload(struct net_worker *w, struct packet *p)
{
	if (p->proto == IPPROTO_UDP)
		return udp(w, p);
	if (p->proto == IPPROTO_ESP && w->net->n_protected && p->dst.ip[0] != 0xff) {
		p->esp = true;
		return VERDICT_NEXT;
	}
	if (p->src.family == 4 && p->proto == IPPROTO_ICMP)
		return icmp4_input(w, p);
	if (p->src.family == 6 && p->proto == IPPROTO_ICMPV6)
		return icmp6_input(w, p);
	return packet_drop(w, COUNT_DROP_L2);
}

/* NEXT: p is at a message for the roles. */
static enum verdict packet(struct net_worker *w, struct packet *p)
{
	uint16_t type;
	enum verdict v = frame(w, p);

	if (v == VERDICT_NEXT)
		v = ethernet(w, p, &type);
	if (v != VERDICT_NEXT)
		return v;
	/* A reassembled datagram is a new buffer, of which the NIC knows nothing. */
	p->checked =
		(p->m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	struct rte_mbuf *as_received = p->m;
	switch (type) {
	case RTE_ETHER_TYPE_ARP:
		return arp_input(w, p);
	case RTE_ETHER_TYPE_IPV4:
		v = ip4_input(w, p);
		break;
	case RTE_ETHER_TYPE_IPV6:
		v = ip6_input(w, p);
		break;
	default:
		return packet_drop(w, COUNT_DROP_L2);
	}
	if (v != VERDICT_NEXT)
		return v;
	if (p->m != as_received)
		p->checked = false;
	return payload(w, p);
}

/* Member by member, for addr_read's reason. */
static void put_addr(struct addr *to, const struct addr *from, uint16_t port)
{
	memcpy(to->ip, from->ip, sizeof(to->ip));
	to->port = port;
	to->family = from->family;
	to->pad = 0;
}

static struct buf *datagram(struct net_worker *w, const struct packet *p)
{
	struct buf *b = mbufs_place(p->m, p->at, p->left);

	put_addr(&b->src, &p->src, p->src_port);
	put_addr(&b->dst, &p->dst, p->dst_port);
	b->port = p->port->index;
	b->worker = w->id;
	b->rx_tsc = w->now_tsc;
	return b;
}

static void note_esp(struct net_burst *b, const struct packet *p)
{
	struct net_esp *e = &b->esp[b->n_esp++];

	e->m = p->m;
	e->at = p->at;
	e->len = p->left;
	e->port = p->port->index;
	put_addr(&e->src, &p->src, p->src_port);
	put_addr(&e->dst, &p->dst, p->dst_port);
}

struct buf *net_esp_message(struct net_worker *w, struct net_burst *b, const struct net_esp *e,
			    uint8_t *at, uint32_t len)
{
	struct buf *m = mbufs_place(e->m, at, len);

	m->port = e->port;
	m->worker = w->id;
	m->rx_tsc = w->now_tsc;
	b->buf[b->n++] = m;
	count(w->counters, COUNT_RX_SIP);
	count(w->counters, COUNT_RX_ESP);
	return m;
}

void net_esp_drop(struct net_worker *w, const struct net_esp *e, enum count_id reason)
{
	count(w->counters, reason);
	rte_pktmbuf_free(e->m);
}

/* The complete way: everything there is on a link. */
static void complete(struct net_worker *w, struct net_burst *b, struct rte_mbuf *m)
{
	struct packet p = {.m = m};

	switch (packet(w, &p)) {
	case VERDICT_NEXT:
		if (p.esp)
			note_esp(b, &p);
		else
			b->buf[b->n++] = datagram(w, &p);
		break;
	case VERDICT_DROP:
		rte_pktmbuf_free(p.m);
		break;
	default:
		break;
	}
}

void net_input(struct net_worker *w, struct net_burst *b, uint64_t now_ms)
{
	uint32_t before = b->n, i = 0;

	w->now_ms = now_ms;
	w->now_tsc = rte_rdtsc();
	while (i < b->n_frames) {
		uint32_t n = plain_in(w, b->frame + i, b->n_frames - i, b->buf + b->n);

		b->n += n;
		i += n;
		if (i < b->n_frames)
			complete(w, b, b->frame[i++]);
	}
	if (b->n > before)
		count_add(w->counters, COUNT_RX_SIP, b->n - before);
	b->n_frames = 0;
}
