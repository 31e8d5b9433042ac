/* ip_out.c - IP and Ethernet headers for what leaves, in fragments where it must */
#include "net/ip_out.h"

#include "net/checksum.h"
#include "net/tx.h"

enum {
	V4_HEADER = 20,
	V6_HEADER = 40,
	V6_FRAGMENT = 8,
	FRAGMENT_UNIT = 8,
	V4_MORE = 0x2000,
};

/* What a fragment says of itself; all zero: the packet is whole. */
struct piece {
	uint32_t offset;
	bool more;
	bool part;
	uint32_t id;
};

uint64_t ip_out_pseudo(const struct addr *src, const struct addr *dst, uint8_t proto,
		       uint32_t len)
{
	const uint8_t rest[4] = {0, proto, (uint8_t)(len >> 8), (uint8_t)len};
	uint64_t sum = checksum_short(0, rest, 1);

	/* An IPv4 address is followed by zeros in its struct, which add nothing. */
	sum = checksum_short(sum, src->ip, 4);
	return checksum_short(sum, dst->ip, 4);
}

void ip_out_put_ethernet(uint8_t *h, const struct port *p, const struct rte_ether_addr *to,
			 uint16_t type)
{
	memcpy(h, to->addr_bytes, RTE_ETHER_ADDR_LEN);
	memcpy(h + RTE_ETHER_ADDR_LEN, p->mac.addr_bytes, RTE_ETHER_ADDR_LEN);
	if (p->vlan) {
		put_be16(h + 12, RTE_ETHER_TYPE_VLAN);
		put_be16(h + 14, p->vlan);
	}
	put_be16(h + p->l2_len - 2, type);
}

void ip_out_ethernet(const struct port *p, struct rte_mbuf *m, const struct rte_ether_addr *to,
		     uint16_t type)
{
	ip_out_put_ethernet((uint8_t *)rte_pktmbuf_prepend(m, p->l2_len), p, to, type);
}

/* Word by word as they were written: wider loads would have to wait until the stores are done.
 */
static uint16_t v4_checksum(const uint8_t *d, const struct ip_out_header *h)
{
	const uint8_t *src = h->src->ip, *dst = h->dst->ip;

	return (uint16_t)~checksum_fold(be16(d) + (uint64_t)be16(d + 2) + be16(d + 4) +
					be16(d + 6) + be16(d + 8) + be16(src) + be16(src + 2) +
					be16(dst) + be16(dst + 2));
}

static void put_v4(struct net_worker *w, const struct port *p, struct rte_mbuf *m,
		   const struct ip_out_header *h, const struct piece *piece)
{
	uint8_t *d = (uint8_t *)rte_pktmbuf_prepend(m, V4_HEADER);

	d[0] = 0x45;
	d[1] = 0;
	put_be16(d + 2, (uint16_t)m->pkt_len);
	put_be16(d + 4, (uint16_t)piece->id);
	put_be16(d + 6,
		 (uint16_t)((piece->more ? V4_MORE : 0) | piece->offset / FRAGMENT_UNIT));
	d[8] = h->hops;
	d[9] = h->proto;
	put_be16(d + 10, 0);
	memcpy(d + 12, h->src->ip, 4);
	memcpy(d + 16, h->dst->ip, 4);
	if (m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) {
		m->l2_len = p->l2_len;
		m->l3_len = V4_HEADER;
		return;
	}
	put_be16(d + 10, v4_checksum(d, h));
}

static void put_v6(const struct port *p, struct rte_mbuf *m, const struct ip_out_header *h,
		   const struct piece *piece)
{
	uint8_t *d;

	if (piece->part) {
		d = (uint8_t *)rte_pktmbuf_prepend(m, V6_FRAGMENT);
		d[0] = h->proto;
		d[1] = 0;
		put_be16(d + 2, (uint16_t)(piece->offset | (piece->more ? 1 : 0)));
		put_be16(d + 4, (uint16_t)(piece->id >> 16));
		put_be16(d + 6, (uint16_t)piece->id);
	}
	uint16_t payload = (uint16_t)m->pkt_len;
	d = (uint8_t *)rte_pktmbuf_prepend(m, V6_HEADER);
	memcpy(d, "\x60\0\0\0", 4);
	put_be16(d + 4, payload);
	d[6] = piece->part ? IPPROTO_FRAGMENT : h->proto;
	d[7] = h->hops;
	memcpy(d + 8, h->src->ip, 16);
	memcpy(d + 24, h->dst->ip, 16);
	m->l2_len = p->l2_len;
	m->l3_len = V6_HEADER;
}

static void send_piece(struct net_worker *w, const struct port *p, struct rte_mbuf *m,
		       const struct rte_ether_addr *mac, const struct ip_out_header *h,
		       const struct piece *piece)
{
	if (h->dst->family == 4) {
		put_v4(w, p, m, h, piece);
		ip_out_ethernet(p, m, mac, RTE_ETHER_TYPE_IPV4);
	} else {
		put_v6(p, m, h, piece);
		ip_out_ethernet(p, m, mac, RTE_ETHER_TYPE_IPV6);
	}
	tx_put(w, p->index, m);
}

static uint32_t next_fragment_id(struct net_worker *w)
{
	return w->fragment_id++ * w->net->n_workers + w->id;
}

static void send_fragments(struct net_worker *w, const struct port *p, struct rte_mbuf *m,
			   const struct rte_ether_addr *mac, const struct ip_out_header *h)
{
	uint32_t lower = h->dst->family == 4 ? V4_HEADER : V6_HEADER + V6_FRAGMENT;
	uint32_t room = (p->mtu - lower) / FRAGMENT_UNIT * FRAGMENT_UNIT;
	struct piece piece = {.part = true};

	piece.id = h->dst->family == 4 ? ip_out_next_id(w) : next_fragment_id(w);
	for (; piece.offset < m->pkt_len; piece.offset += room) {
		uint32_t len = m->pkt_len - piece.offset;
		struct rte_mbuf *f;

		piece.more = len > room;
		if (piece.more)
			len = room;
		f = mbufs_take(&w->net->pool, len);
		if (!f) {
			count(w->counters, COUNT_DROP_NOBUF);
			break;
		}
		memcpy(rte_pktmbuf_append(f, (uint16_t)len),
		       rte_pktmbuf_mtod_offset(m, uint8_t *, piece.offset), len);
		count(w->counters, COUNT_FRAG_TX);
		send_piece(w, p, f, mac, h, &piece);
	}
	rte_pktmbuf_free(m);
}

void ip_out(struct net_worker *w, const struct port *p, struct rte_mbuf *m,
	    const struct rte_ether_addr *mac, const struct ip_out_header *h)
{
	if (!ip_out_fits(p, h->dst, m->pkt_len)) {
		send_fragments(w, p, m, mac, h);
		return;
	}
	send_piece(w, p, m, mac, h,
		   &(struct piece){.id = h->dst->family == 4 ? ip_out_next_id(w) : 0});
}
