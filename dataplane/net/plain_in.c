/* plain_in.c - the frames nearly all messages come in, checked in one go */
#include "net/plain_in.h"

#include <rte_prefetch.h>

#include "net/checksum.h"

#define INLINE static __attribute__((always_inline)) inline

enum { V4_HEADER = 20, V6_HEADER = 40, UDP_HEADER = 8, VLAN_ID_MASK = 0xfff, AHEAD = 6 };

/* Octets of headers as numbers, the first octet lowest: what must be, under a mask of what is
 * looked at. */
#define ETHERNET_MASK 0x0001ffffffffffffu /* destination; a source that is no group */
#define V4_HEAD_MASK  0xff3f0000000000ffu /* version, length; more fragments, offset */
#define V4_HEAD       0x45u
#define V4_PROTO_MASK 0xff00u
#define V4_PROTO      (IPPROTO_UDP << 8)

INLINE uint64_t load8(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return rte_le_to_cpu_64(v);
}

INLINE uint32_t load4(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return rte_le_to_cpu_32(v);
}

INLINE bool is_sip_port(const struct net *n, uint16_t port)
{
	return port == n->sip_port || (uint16_t)(port - n->worker_port_base) < n->n_workers;
}

static __attribute__((noinline)) bool find_own4(const struct net *n, uint32_t ip)
{
	for (uint32_t i = 0; i < n->n_own4; i++)
		if (n->own4[i] == ip)
			return true;
	return false;
}

/* Ours are few: most others are told from them by a bit. */
INLINE bool is_own4(const struct net *n, uint32_t ip)
{
	if (!(n->own4_bits >> (ip >> 24 & 63) & 1))
		return false;
	return n->own4[0] == ip || find_own4(n, ip);
}

static bool is_own6(const struct net *n, const uint8_t *ip)
{
	uint64_t a = load8(ip), b = load8(ip + 8);

	for (uint32_t i = 0; i < n->n_own6; i++)
		if (n->own6[i][0] == a && n->own6[i][1] == b)
			return true;
	return false;
}

/* The UDP header at h, read as `udp`, and `len` octets from there on; `sum` is over both
 * addresses. */
INLINE bool datagram_sound(const struct net *n, const struct rte_mbuf *m, const uint8_t *h,
			   uint64_t udp, uint32_t len, uint64_t sum, bool v6)
{
	uint64_t len_field = udp >> 32 & 0xffff;

	if (__builtin_bswap16((uint16_t)len_field) != len || (uint16_t)udp == 0 ||
	    len - UDP_HEADER > SIP_MESSAGE_MAX ||
	    !is_sip_port(n, __builtin_bswap16((uint16_t)(udp >> 16))))
		return false;
	if (udp >> 48 == 0)
		return !v6;
	if ((m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
		return true;
	/* The pseudo header's last word: zero, protocol, length. */
	sum += (uint64_t)IPPROTO_UDP << 8 | len_field << 16;
	return checksum_fold(checksum_add(sum, h, len)) == 0xffff;
}

typedef uint64_t pair __attribute__((vector_size(16)));

/* Written in whole vectors: they are read as such soon after. */
INLINE void put_addr(struct addr *to, pair ip, uint16_t port_field, uint8_t family)
{
	uint32_t rest = __builtin_bswap16(port_field) | (uint32_t)family << 16;

	memcpy(to->ip, &ip, sizeof(ip));
	memcpy(&to->port, &rest, sizeof(rest));
}

/* The message at d, behind the header `udp`. */
INLINE void place(const struct net_worker *w, struct rte_mbuf *m, const uint8_t *d,
		  uint32_t len, uint64_t udp, pair src, pair dst, uint8_t family)
{
	struct buf *b = mbufs_place(m, (uint8_t *)(uintptr_t)d, len);

	put_addr(&b->src, src, (uint16_t)udp, family);
	put_addr(&b->dst, dst, (uint16_t)(udp >> 16), family);
	b->port = (uint8_t)m->port;
	b->worker = w->id;
	b->rx_tsc = w->now_tsc;
}

/* `left` octets from the IP header on, at least those of the header and UDP's. */
INLINE bool plain4(const struct net_worker *w, struct rte_mbuf *m, const uint8_t *h,
		   uint32_t left)
{
	const struct net *n = w->net;
	uint64_t a = load8(h), b = load8(h + 8), udp = load8(h + V4_HEADER);
	uint64_t src = b >> 32, dst = load4(h + 16), first = src & 0xff;
	uint32_t total = __builtin_bswap16((uint16_t)(a >> 16));

	if ((a & V4_HEAD_MASK) != V4_HEAD || (b & V4_PROTO_MASK) != V4_PROTO || total > left)
		return false;
	if (first - 1 >= 223 || first == 127 || is_own4(n, (uint32_t)src) ||
	    !is_own4(n, (uint32_t)dst))
		return false;
	if (!(m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_GOOD) &&
	    checksum_fold(checksum_halves(a) + checksum_halves(b) + dst) != 0xffff)
		return false;
	/* A total below the header's length gives a length here that no field can say. */
	if (!datagram_sound(n, m, h + V4_HEADER, udp, total - V4_HEADER, src + dst, false))
		return false;
	place(w, m, h + V4_HEADER + UDP_HEADER, total - V4_HEADER - UDP_HEADER, udp,
	      (pair){src}, (pair){dst}, 4);
	return true;
}

static __attribute__((noinline)) bool plain6(const struct net_worker *w, struct rte_mbuf *m,
					     const uint8_t *h, uint32_t left)
{
	const struct net *n = w->net;
	const uint8_t *src = h + 8, *dst = h + 24;

	if (left < V6_HEADER + UDP_HEADER || h[0] >> 4 != 6 || h[6] != IPPROTO_UDP)
		return false;
	uint64_t udp = load8(h + V6_HEADER), sum = checksum_short(0, src, 8);
	uint32_t len = be16(h + 4);
	/* Groups, the unspecified address and loopback: not here. */
	if (len > left - V6_HEADER || src[0] == 0xff ||
	    (load8(src) == 0 && load4(src + 8) == 0) || is_own6(n, src) || !is_own6(n, dst))
		return false;
	if (!datagram_sound(n, m, h + V6_HEADER, udp, len, sum, true))
		return false;
	place(w, m, h + V6_HEADER + UDP_HEADER, len - UDP_HEADER, udp,
	      (pair){load8(src), load8(src + 8)}, (pair){load8(dst), load8(dst + 8)}, 6);
	return true;
}

/* The port's tag, where it has one. */
INLINE bool vlan_right(const struct port *p, const uint8_t *f)
{
	return p->vlan == 0 || (be16(f + 12) == RTE_ETHER_TYPE_VLAN &&
				(be16(f + 14) & VLAN_ID_MASK) == p->vlan);
}

INLINE bool plain(const struct net_worker *w, struct rte_mbuf *m)
{
	const struct port *p = &w->net->port[m->port];
	const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t l2 = p->l2_len, left = m->data_len - l2;

	if (m->nb_segs != 1 || m->data_len < l2 + V4_HEADER + UDP_HEADER ||
	    (load8(f) & ETHERNET_MASK) != p->mac_word || !vlan_right(p, f))
		return false;
	uint16_t type = be16(f + l2 - 2);
	if (type == RTE_ETHER_TYPE_IPV4)
		return plain4(w, m, f + l2, left);
	return type == RTE_ETHER_TYPE_IPV6 && plain6(w, m, f + l2, left);
}

/* The headers down to the start line are on two lines; the buf is about to be written. */
INLINE void approach(struct rte_mbuf *m)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);

	rte_prefetch0(frame);
	rte_prefetch0(frame + RTE_CACHE_LINE_SIZE);
	__builtin_prefetch(mbufs_buf(m), 1);
}

uint32_t plain_in(const struct net_worker *w, struct rte_mbuf *const *frame, uint32_t n,
		  struct buf **buf)
{
	uint32_t i;

	for (i = 0; i < n && i < AHEAD; i++)
		approach(frame[i]);
	for (i = 0; i < n; i++) {
		if (i + AHEAD < n)
			approach(frame[i + AHEAD]);
		if (!plain(w, frame[i]))
			break;
		buf[i] = mbufs_buf(frame[i]);
	}
	return i;
}
