/* plain_out.c - messages to next hops whose headers are known, written in one go */
#include "net/plain_out.h"

#include <rte_malloc.h>
#include <rte_prefetch.h>

#include "net/checksum.h"
#include "net/ip_out.h"
#include "net/neighbour.h"
#include "net/tx.h"

#define INLINE static __attribute__((always_inline)) inline

enum {
	V4_HEADER = 20,
	V6_HEADER = 40,
	UDP_HEADER = 8,
	AHEAD = 3,
	/* Copied for each: the least number of whole vectors with Ethernet, VLAN and all. */
	HEAD4 = 48,
	HEAD6 = NEXT_HOP_HEAD,
};
_Static_assert(14 + 4 + V4_HEADER + UDP_HEADER <= (int)HEAD4, "all headers of IPv4");
_Static_assert(14 + 4 + V6_HEADER + UDP_HEADER <= (int)HEAD6, "all headers of IPv6");

struct next_hops *next_hops_create(uint64_t seed)
{
	struct next_hops *h = rte_zmalloc("next_hops", sizeof(*h), RTE_CACHE_LINE_SIZE);

	if (h)
		h->factor = seed | 1;
	return h;
}

void next_hops_destroy(struct next_hops *h)
{
	rte_free(h);
}

static inline uint64_t word8(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t word4(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

INLINE const struct route *find_route4(const struct net *n, const struct addr *to)
{
	uint32_t ip = word4(to->ip);

	for (uint32_t i = 0; i < n->n_route4; i++)
		if ((ip & n->route4[i].mask) == n->route4[i].prefix)
			return n->route4[i].route;
	return NULL;
}

INLINE const struct addr *hop_of(const struct route *r, const struct buf *b)
{
	return r->gateway.family ? &r->gateway : &b->dst;
}

INLINE const struct addr *source_of(const struct route *r, const struct buf *b)
{
	return b->src.family ? &b->src : &r->local;
}

INLINE uint16_t kind_of(uint8_t family, const struct route *r)
{
	return (uint16_t)(family << 8 | r->port);
}

/* The headers with all that is the same for each message, zero where it is not. */
static void write_head(struct next_hop *e, const struct port *p, const struct addr *src,
		       const struct rte_ether_addr *mac)
{
	bool v4 = src->family == 4;
	uint32_t lower = v4 ? V4_HEADER : V6_HEADER;
	uint8_t *ip = e->head + NEXT_HOP_HEAD - UDP_HEADER - lower;

	memset(e->head, 0, sizeof(e->head));
	e->head_len = (uint8_t)(p->l2_len + lower + UDP_HEADER);
	ip_out_put_ethernet(ip - p->l2_len, p, mac,
			    v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	if (v4) {
		ip[0] = 0x45;
		ip[8] = IP_OUT_HOPS;
		ip[9] = IPPROTO_UDP;
		memcpy(ip + 12, src->ip, 4);
	} else {
		ip[0] = 0x60;
		ip[6] = IPPROTO_UDP;
		ip[7] = IP_OUT_HOPS;
		memcpy(ip + 8, src->ip, 16);
	}
	e->ip_sum = checksum_short(0, ip, V4_HEADER / 4);
	e->udp_sum = ip_out_pseudo(src, &(struct addr){.family = src->family}, IPPROTO_UDP, 0);
}

/* Makes e what leads b by the route; false: the neighbour is not known, or is about to be asked
 * again. */
static __attribute__((noinline)) bool fill(struct net_worker *w, struct next_hop *e,
					   const struct route *r, const struct buf *b)
{
	const struct addr *hop = hop_of(r, b), *src = source_of(r, b);
	const struct rte_ether_addr *mac =
		neighbour_fresh(w->neighbours, hop, r->port, w->now_ms, &e->until_ms);

	e->kind = 0;
	if (!mac)
		return false;
	if (src->family == 4) {
		e->ip[0] = word4(hop->ip) | (uint64_t)word4(src->ip) << 32;
	} else {
		memcpy(e->ip, hop->ip, 16);
		memcpy(e->ip + 2, src->ip, 16);
	}
	e->kind = kind_of(src->family, r);
	e->generation = w->generation;
	write_head(e, &w->net->port[r->port], src, mac);
	return true;
}

INLINE struct next_hop *slot(const struct net_worker *w, uint64_t mixed)
{
	return &w->next_hops->slot[mixed * w->next_hops->factor >> 40 & (NEXT_HOPS - 1)];
}

INLINE bool is_current(const struct net_worker *w, const struct next_hop *e)
{
	return e->generation == w->generation && w->now_ms < e->until_ms;
}

INLINE const struct next_hop *next_hop4(struct net_worker *w, const struct route *r,
					const struct buf *b)
{
	const struct addr *hop = hop_of(r, b), *src = source_of(r, b);
	uint64_t ip = word4(hop->ip) | (uint64_t)word4(src->ip) << 32;
	struct next_hop *e = slot(w, ip);

	if (src->family != 4)
		return NULL;
	if (e->ip[0] == ip && e->kind == kind_of(4, r) && is_current(w, e))
		return e;
	return fill(w, e, r, b) ? e : NULL;
}

INLINE const struct next_hop *next_hop6(struct net_worker *w, const struct route *r,
					const struct buf *b)
{
	const struct addr *hop = hop_of(r, b), *src = source_of(r, b);
	uint64_t a = word8(hop->ip + 8);
	struct next_hop *e = slot(w, word8(hop->ip) ^ (a << 32 | a >> 32) ^ word8(src->ip + 8));

	if (src->family != 6)
		return NULL;
	if (memcmp(e->ip, hop->ip, 16) == 0 && memcmp(e->ip + 2, src->ip, 16) == 0 &&
	    e->kind == kind_of(6, r) && is_current(w, e))
		return e;
	return fill(w, e, r, b) ? e : NULL;
}

/* The IPv4 header at d, behind what was copied: what each packet has of its own. `payload`
 * octets are behind it. */
INLINE void put4(struct net_worker *w, const struct port *p, const struct next_hop *e,
		 uint8_t *d, const struct buf *b, uint32_t payload, bool esp)
{
	/* What was copied says UDP. */
	const uint64_t other_proto = esp ? (uint64_t)(IPPROTO_ESP - IPPROTO_UDP) << 8 : 0;
	uint64_t total = __builtin_bswap16((uint16_t)(payload + V4_HEADER));
	uint64_t id = __builtin_bswap16(ip_out_next_id(w));
	uint32_t dst = word4(b->dst.ip), length_id = (uint32_t)(total | id << 16);
	uint16_t sum = (uint16_t)~checksum_fold(e->ip_sum + other_proto + length_id + dst);

	if (p->tx_checksum)
		sum = 0;
	memcpy(d + 2, &length_id, sizeof(length_id));
	if (esp)
		d[9] = IPPROTO_ESP;
	memcpy(d + 10, &sum, sizeof(sum));
	memcpy(d + 16, &dst, sizeof(dst));
}

INLINE void put6(uint8_t *d, const struct buf *b)
{
	put_be16(d + 4, (uint16_t)(b->len + UDP_HEADER));
	memcpy(d + 24, b->dst.ip, 16);
}

/* Where the port fills in checksums: what it wants to know. */
INLINE void leave_checksums(const struct port *p, struct rte_mbuf *m, bool v4)
{
	m->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM |
		       (v4 ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM : RTE_MBUF_F_TX_IPV6);
	m->l2_len = p->l2_len;
	m->l3_len = v4 ? V4_HEADER : V6_HEADER;
}

/* The UDP header as a number: ports, length, checksum. `sum` is over the pseudo header but for
 * its length. Made before anything is written near the message: the sum reads whole cache
 * lines, and would wait for what was just written to the first. */
INLINE uint64_t udp_header(const struct net_worker *w, const struct port *p,
			   const struct buf *b, uint64_t sum)
{
	uint64_t length = __builtin_bswap16((uint16_t)(b->len + UDP_HEADER));
	uint64_t src_port = b->src.port ? b->src.port : w->net->sip_port;
	uint64_t ports = __builtin_bswap16((uint16_t)src_port) |
			 (uint64_t)__builtin_bswap16(b->dst.port) << 16;
	uint16_t folded;

	sum += length;
	if (p->tx_checksum) {
		folded = checksum_fold(sum);
	} else {
		sum = checksum_add(sum + ports + length, b->data, b->len);
		folded = (uint16_t)~checksum_fold(sum);
		/* Zero would mean: no checksum (RFC 768). */
		folded = folded ? folded : 0xffff;
	}
	return ports | length << 32 | (uint64_t)folded << 48;
}

/* An ESP packet's SPI and sequence number stand where a datagram has its UDP header. */
static __attribute__((noinline)) bool plain4_esp(struct net_worker *w, struct buf *b)
{
	const struct route *r = find_route4(w->net, &b->dst);
	const struct next_hop *e = r ? next_hop4(w, r, b) : NULL;

	if (!e || b->len < UDP_HEADER)
		return false;
	const struct port *p = &w->net->port[r->port];
	if (b->len + V4_HEADER > p->mtu)
		return false;
	uint8_t *d = b->data + UDP_HEADER;
	uint64_t first = word8(b->data);
	struct rte_mbuf *m = mbufs_restore(b, (uint32_t)e->head_len - UDP_HEADER);
	memcpy(d - HEAD4, e->head + NEXT_HOP_HEAD - HEAD4, HEAD4);
	put4(w, p, e, d - UDP_HEADER - V4_HEADER, b, b->len, true);
	memcpy(d - UDP_HEADER, &first, sizeof(first));
	if (p->tx_checksum) {
		m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
		m->l2_len = p->l2_len;
		m->l3_len = V4_HEADER;
	}
	tx_put(w, r->port, m);
	return true;
}

INLINE bool plain4(struct net_worker *w, struct buf *b)
{
	const struct route *r = find_route4(w->net, &b->dst);
	const struct next_hop *e = r ? next_hop4(w, r, b) : NULL;

	if (!e)
		return false;
	const struct port *p = &w->net->port[r->port];
	if (b->len + V4_HEADER + UDP_HEADER > p->mtu)
		return false;
	uint8_t *d = b->data;
	uint64_t udp = udp_header(w, p, b, e->udp_sum + word4(b->dst.ip));
	struct rte_mbuf *m = mbufs_restore(b, e->head_len);
	memcpy(d - HEAD4, e->head + NEXT_HOP_HEAD - HEAD4, HEAD4);
	put4(w, p, e, d - UDP_HEADER - V4_HEADER, b, b->len + UDP_HEADER, false);
	memcpy(d - UDP_HEADER, &udp, sizeof(udp));
	if (p->tx_checksum)
		leave_checksums(p, m, true);
	tx_put(w, r->port, m);
	return true;
}

static __attribute__((noinline)) bool plain6(struct net_worker *w, struct buf *b)
{
	const struct route *r = route_find(w->net->routes, &b->dst);
	const struct next_hop *e = r ? next_hop6(w, r, b) : NULL;

	if (!e)
		return false;
	const struct port *p = &w->net->port[r->port];
	if (b->len + V6_HEADER + UDP_HEADER > p->mtu)
		return false;
	uint8_t *d = b->data;
	uint64_t udp = udp_header(w, p, b, checksum_short(e->udp_sum, b->dst.ip, 4));
	struct rte_mbuf *m = mbufs_restore(b, e->head_len);
	memcpy(d - HEAD6, e->head, HEAD6);
	put6(d - UDP_HEADER - V6_HEADER, b);
	memcpy(d - UDP_HEADER, &udp, sizeof(udp));
	if (p->tx_checksum)
		leave_checksums(p, m, false);
	tx_put(w, r->port, m);
	return true;
}

/* A buf that a transaction keeps for repeats goes as it is, too: it always goes to the same
 * place, so each time the same headers are written before the same message. */
INLINE bool plain(struct net_worker *w, struct buf *b)
{
	if (b->data - mbufs_start(mbufs_mbuf(b)) < MBUFS_LOWER_HEADERS)
		return false;
	if (b->flags & BUF_F_ESP)
		return b->dst.family == 4 && plain4_esp(w, b);
	if (b->dst.family == 4)
		return plain4(w, b);
	return b->dst.family == 6 && plain6(w, b);
}

/* Roles put their octets before the message's start; the sum is over all of them. */
INLINE void approach(const struct buf *b)
{
	__builtin_prefetch(mbufs_mbuf(b), 1);
	rte_prefetch0(b->data);
	rte_prefetch0(b->data + RTE_CACHE_LINE_SIZE);
}

uint32_t plain_out(struct net_worker *w, struct buf *const *b, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (i + AHEAD < n)
			approach(b[i + AHEAD]);
		if (!plain(w, b[i]))
			break;
	}
	return i;
}
