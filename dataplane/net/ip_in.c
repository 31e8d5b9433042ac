/* ip_in.c - IPv4 and IPv6 headers of what arrives */
#include "net/ip_in.h"

#include "net/checksum.h"
#include "net/fragment_in.h"

enum {
	V4_HEADER = 20,
	V4_OFFSET_MASK = 0x1fff,
	V4_MORE = 0x2000,
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_LSRR = 0x83,
	OPTION_SSRR = 0x89,
	V6_HEADER = 40,
	V6_EXTENSIONS_MAX = 8,
	V6_FRAGMENT = 8,
	V6_OPTION_PAD1 = 0,
	V6_OPTION_ACTION = 0xc0, /* what to do with an option one does not know */
};

/* Options are read past, but for source routes (RFC 7126 §4.3, §4.4) and lists that do not end
 * where they say. */
static bool v4_options_sound(const uint8_t *o, uint32_t len)
{
	while (len > 0 && o[0] != OPTION_END) {
		uint32_t step = 1;

		if (o[0] == OPTION_LSRR || o[0] == OPTION_SSRR)
			return false;
		if (o[0] != OPTION_NOP) {
			if (len < 2 || o[1] < 2 || o[1] > len)
				return false;
			step = o[1];
		}
		o += step;
		len -= step;
	}
	return true;
}

/* A source that can be answered: no multicast, broadcast, loopback, or address of ours. */
static bool v4_source_sound(const struct net_worker *w, const struct addr *src)
{
	return src->ip[0] != 0 && src->ip[0] != 127 && src->ip[0] < 224 &&
	       route_local(w->net->routes, src) < 0;
}

static bool v6_source_sound(const struct net_worker *w, const struct addr *src)
{
	static const uint8_t loopback[16] = {[15] = 1};

	return src->ip[0] != 0xff && memcmp(src->ip, loopback, 16) != 0 &&
	       route_local(w->net->routes, src) < 0;
}

enum verdict ip4_input(struct net_worker *w, struct packet *p)
{
	const uint8_t *h = p->at;

	if (p->left < V4_HEADER || h[0] >> 4 != 4)
		return packet_drop(w, COUNT_DROP_IP);
	uint32_t header = (h[0] & 15) * 4u, total = be16(h + 2);
	if (header < V4_HEADER || total < header || total > p->left)
		return packet_drop(w, COUNT_DROP_IP);
	if (!(p->m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_GOOD) &&
	    checksum_fold(checksum_short(0, h, header / 4)) != 0xffff)
		return packet_drop(w, COUNT_DROP_CHECKSUM);
	addr_read(&p->src, 4, h + 12);
	addr_read(&p->dst, 4, h + 16);
	if (!p->unicast || !v4_options_sound(h + V4_HEADER, header - V4_HEADER) ||
	    !v4_source_sound(w, &p->src) || route_local(w->net->routes, &p->dst) < 0)
		return packet_drop(w, COUNT_DROP_IP);
	p->ip = h;
	p->hops = h[8];
	p->proto = h[9];
	/* What is behind the packet is padding of the frame (RFC 894). */
	p->left = total;
	packet_skip(p, header);
	uint16_t flags = be16(h + 6);
	if (flags & (V4_MORE | V4_OFFSET_MASK))
		return fragment4_input(w, p, (flags & V4_OFFSET_MASK) * 8u, flags & V4_MORE);
	return VERDICT_NEXT;
}

/* Hop-by-hop and destination options: those that are not known must be such as may be skipped
 * (RFC 8200 §4.2). */
static bool v6_options_sound(const uint8_t *o, uint32_t len)
{
	while (len > 0) {
		uint32_t step = 1;

		if (o[0] != V6_OPTION_PAD1) {
			if (len < 2 || 2u + o[1] > len || (o[0] & V6_OPTION_ACTION))
				return false;
			step = 2u + o[1];
		}
		o += step;
		len -= step;
	}
	return true;
}

/* One extension header with a length in units of eight octets; false: not sound. */
static bool v6_skip_extension(struct packet *p)
{
	const uint8_t *h = p->at;

	if (p->left < 8 || (h[1] + 1u) * 8 > p->left)
		return false;
	uint32_t len = (h[1] + 1u) * 8;
	/* A routing header with segments left wants us to be a router (RFC 5095 forbids its
	 * type 0). */
	if (p->proto == IPPROTO_ROUTING ? h[3] != 0 : !v6_options_sound(h + 2, len - 2))
		return false;
	p->proto = h[0];
	packet_skip(p, len);
	return true;
}

static enum verdict v6_fragment(struct net_worker *w, struct packet *p, bool first)
{
	const uint8_t *h = p->at;

	if (p->left < V6_FRAGMENT)
		return packet_drop(w, COUNT_DROP_IP);
	uint16_t field = be16(h + 2);
	p->proto = h[0];
	packet_skip(p, V6_FRAGMENT);
	if ((field & 0xfff9) == 0) /* whole after all (RFC 6946) */
		return VERDICT_NEXT;
	/* Nobody needs extension headers before the fragment header of a SIP message. */
	if (!first)
		return packet_drop(w, COUNT_DROP_FRAGMENT);
	return fragment6_input(w, p, field & 0xfff8, field & 1);
}

static enum verdict v6_extensions(struct net_worker *w, struct packet *p)
{
	for (int n = 0; n < V6_EXTENSIONS_MAX; n++) {
		enum verdict v;

		switch (p->proto) {
		case IPPROTO_HOPOPTS:
			if (n > 0) /* only ever the first (RFC 8200 §4.1) */
				return packet_drop(w, COUNT_DROP_IP);
			/* fall through */
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			if (!v6_skip_extension(p))
				return packet_drop(w, COUNT_DROP_IP);
			break;
		case IPPROTO_FRAGMENT:
			v = v6_fragment(w, p, n == 0);
			if (v != VERDICT_NEXT)
				return v;
			break;
		default:
			return VERDICT_NEXT;
		}
	}
	return packet_drop(w, COUNT_DROP_IP);
}

enum verdict ip6_input(struct net_worker *w, struct packet *p)
{
	const uint8_t *h = p->at;

	if (p->left < V6_HEADER || h[0] >> 4 != 6)
		return packet_drop(w, COUNT_DROP_IP);
	uint32_t payload = be16(h + 4);
	if (payload == 0 || payload > p->left - V6_HEADER)
		return packet_drop(w, COUNT_DROP_IP);
	addr_read(&p->src, 6, h + 8);
	addr_read(&p->dst, 6, h + 24);
	bool group = p->dst.ip[0] == 0xff;
	if (!v6_source_sound(w, &p->src) ||
	    (group ? p->unicast : !p->unicast || route_local(w->net->routes, &p->dst) < 0))
		return packet_drop(w, COUNT_DROP_IP);
	p->ip = h;
	p->proto = h[6];
	p->hops = h[7];
	p->left = V6_HEADER + payload;
	packet_skip(p, V6_HEADER);
	return v6_extensions(w, p);
}
