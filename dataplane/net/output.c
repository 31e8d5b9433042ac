/* output.c - a SIP message becomes a UDP datagram to its next hop */
#include "net/checksum.h"
#include "net/ip_out.h"
#include "net/neighbour.h"
#include "net/plain_out.h"
#include "net/worker_state.h"

enum { UDP_HEADER = 8, UDP_CHECKSUM_AT = 6 };

/* The message in an mbuf that is ours to write headers into. NULL: counted, b is freed. */
static struct rte_mbuf *own_mbuf(struct net_worker *w, struct buf *b)
{
	struct rte_mbuf *m = mbufs_mbuf(b);
	struct buf *copy;

	if (!(b->flags & BUF_F_SHARED) && b->data - mbufs_start(m) >= MBUFS_LOWER_HEADERS)
		return mbufs_restore(b, 0);
	copy = buf_alloc(b->len);
	if (copy) {
		memcpy(copy->data, b->data, b->len);
		copy->len = b->len;
	} else {
		count(w->counters, COUNT_DROP_NOBUF);
	}
	buf_free(b);
	return copy ? mbufs_restore(copy, 0) : NULL;
}

/* The rooms as they are in the mbuf: of a buf that a role has written to, its own say less than
 * they know. */
struct buf *net_own(struct net_worker *w, struct buf *b, uint32_t before, uint32_t behind)
{
	struct rte_mbuf *m = mbufs_mbuf(b);
	uint8_t *end = (uint8_t *)m->buf_addr + m->buf_len;
	int64_t headroom = b->data - mbufs_start(m) - MBUFS_LOWER_HEADERS;
	int64_t tailroom = end - b->data - b->len;
	uint32_t want = b->len + behind;
	struct buf *copy;

	if (!(b->flags & BUF_F_SHARED) && headroom >= before && tailroom >= behind) {
		b->headroom = (uint32_t)headroom;
		b->tailroom = (uint32_t)tailroom;
		return b;
	}
	copy = buf_alloc(want < SIP_MESSAGE_MAX ? want : SIP_MESSAGE_MAX);
	if (copy && (copy->headroom < before || copy->tailroom < want)) {
		buf_free(copy);
		copy = NULL;
	}
	if (copy) {
		memcpy(copy->data, b->data, b->len);
		copy->len = b->len;
		copy->tailroom -= b->len;
		copy->src = b->src;
		copy->dst = b->dst;
		copy->sa_id = b->sa_id;
		copy->port = b->port;
		copy->worker = w->id;
		copy->rx_tsc = b->rx_tsc;
	} else {
		count(w->counters, COUNT_DROP_NOBUF);
	}
	buf_free(b);
	return copy;
}

/* Header and message, the header from what it is made of: it is just being written, and loads
 * wider than the stores would wait for them. */
static uint16_t udp_checksum(uint64_t sum, const struct addr *src, const struct addr *dst,
			     const uint8_t *message, uint32_t len)
{
	sum += rte_cpu_to_be_16(src->port);
	sum += rte_cpu_to_be_16(dst->port);
	sum += rte_cpu_to_be_16((uint16_t)(len + UDP_HEADER));
	uint16_t folded = (uint16_t)~checksum_fold(checksum_add(sum, message, len));
	/* Zero would mean: no checksum (RFC 768). */
	return folded ? folded : 0xffff;
}

static void put_udp(const struct port *p, struct rte_mbuf *m, const struct addr *src,
		    const struct addr *dst)
{
	uint8_t *d = (uint8_t *)rte_pktmbuf_prepend(m, UDP_HEADER);
	uint32_t len = m->pkt_len;
	uint64_t sum = ip_out_pseudo(src, dst, IPPROTO_UDP, len);
	uint16_t folded;

	put_be16(d, src->port);
	put_be16(d + 2, dst->port);
	put_be16(d + 4, (uint16_t)len);
	if (p->tx_checksum && ip_out_fits(p, dst, len)) {
		folded = checksum_fold(sum);
		m->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM |
			       (dst->family == 4 ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM
						 : RTE_MBUF_F_TX_IPV6);
	} else {
		folded = udp_checksum(sum, src, dst, d + UDP_HEADER, len - UDP_HEADER);
	}
	memcpy(d + UDP_CHECKSUM_AT, &folded, sizeof(folded));
}

static void complete_source(const struct net_worker *w, struct buf *b, const struct route *r)
{
	uint16_t port = b->src.port ? b->src.port : w->net->sip_port;

	if (b->src.family == 0)
		b->src = r->local;
	b->src.port = port;
}

/* The complete way: everything a message and its destination can be. */
static void complete(struct net_worker *w, struct buf *b)
{
	const struct route *r = route_find(w->net->routes, &b->dst);
	const struct rte_ether_addr *mac;
	const struct addr *hop;
	const struct port *p;
	struct rte_mbuf *m;

	if (r)
		complete_source(w, b, r);
	if (!r || b->src.family != b->dst.family) {
		count(w->counters, COUNT_DROP_NOROUTE);
		buf_free(b);
		return;
	}
	p = &w->net->port[r->port];
	hop = r->gateway.family ? &r->gateway : &b->dst;
	mac = neighbour_find(w, hop, r->port);
	if (!mac) {
		neighbour_wait(w, hop, r->port, b);
		return;
	}
	struct addr src = b->src, dst = b->dst;
	uint8_t proto = b->flags & BUF_F_ESP ? IPPROTO_ESP : IPPROTO_UDP;
	m = own_mbuf(w, b);
	if (!m)
		return;
	if (proto == IPPROTO_UDP)
		put_udp(p, m, &src, &dst);
	ip_out(w, p, m, mac, &(struct ip_out_header){&src, &dst, proto, IP_OUT_HOPS});
}

void net_output_burst(struct net_worker *w, struct buf *const *b, uint32_t n)
{
	uint32_t i = 0;

	while (i < n) {
		i += plain_out(w, b + i, n - i);
		if (i < n)
			complete(w, b[i++]);
	}
}

void net_output(struct net_worker *w, struct buf *b)
{
	net_output_burst(w, &b, 1);
}
