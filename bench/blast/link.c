/* link.c - the wire: one DPDK port, and the datagrams of all terminals on it */
#include "blast/link.h"

#include <unistd.h>

#include <rte_arp.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

enum { BUFFERS = 32767, RING = 2048, HEADERS = 14 + 20 + 8, PORT = 0 };

const char *link_open(struct link *l, const struct link_options *o)
{
	struct rte_eth_conf conf = {0};
	struct rte_ether_addr mac;
	uint16_t rx = RING, tx = RING;

	memset(l, 0, sizeof(*l));
	l->o = *o;
	if (rte_eth_dev_count_avail() != 1)
		return "one port is needed: give DPDK a --vdev or a PCI device before the --";
	l->pool =
		rte_pktmbuf_pool_create("blast", BUFFERS, 256, 0,
					RTE_PKTMBUF_HEADROOM + LINK_MESSAGE_MAX, SOCKET_ID_ANY);
	if (!l->pool)
		return "no memory for packet buffers: give DPDK more with -m";
	if (rte_eth_dev_configure(PORT, 1, 1, &conf) < 0 ||
	    rte_eth_dev_adjust_nb_rx_tx_desc(PORT, &rx, &tx) < 0 ||
	    rte_eth_rx_queue_setup(PORT, 0, rx, SOCKET_ID_ANY, NULL, l->pool) < 0 ||
	    rte_eth_tx_queue_setup(PORT, 0, tx, SOCKET_ID_ANY, NULL) < 0 ||
	    rte_eth_dev_start(PORT) < 0)
		return "the port cannot be started: see what DPDK says above";
	rte_eth_promiscuous_enable(PORT);
	rte_eth_macaddr_get(PORT, &mac);
	memcpy(l->mac, &mac, sizeof(l->mac));
	return NULL;
}

void link_close(struct link *l)
{
	rte_eth_dev_stop(PORT);
	rte_eth_dev_close(PORT);
}

void link_flush(struct link *l)
{
	uint16_t sent = 0;

	/* A full ring is the other side's to empty; what it never takes is lost, and counted.
	 */
	for (int tries = 0; sent < l->n_out && tries < 64; tries++)
		sent = (uint16_t)(sent + rte_eth_tx_burst(PORT, 0, l->out + sent,
							  (uint16_t)(l->n_out - sent)));
	l->sent_packets += sent;
	l->not_sent += l->n_out - sent;
	if (sent < l->n_out)
		rte_pktmbuf_free_bulk(l->out + sent, (unsigned)(l->n_out - sent));
	l->n_out = 0;
}

static void queue(struct link *l, struct rte_mbuf *m)
{
	l->out[l->n_out++] = m;
	if (l->n_out == LINK_BURST)
		link_flush(l);
}

static void put_ether(const struct link *l, struct rte_ether_hdr *e, const uint8_t *to,
		      uint16_t type)
{
	memcpy(&e->dst_addr, to, 6);
	memcpy(&e->src_addr, l->mac, 6);
	e->ether_type = rte_cpu_to_be_16(type);
}

/* Room at the end; NULL: it is longer than a buffer, which is given back. */
static void *append(struct rte_mbuf *m, uint32_t len)
{
	void *room = len <= UINT16_MAX ? rte_pktmbuf_append(m, (uint16_t)len) : NULL;

	if (!room)
		rte_pktmbuf_free(m);
	return room;
}

static void send_arp(struct link *l, uint16_t op, const uint8_t *to_mac, uint32_t to_ip)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(l->pool);
	struct rte_ether_hdr *e;
	struct rte_arp_hdr *a;

	if (!m)
		return;
	e = (struct rte_ether_hdr *)append(m, 60);
	if (!e)
		return;
	memset(e, 0, 60);
	put_ether(l, e, to_mac, RTE_ETHER_TYPE_ARP);
	a = (struct rte_arp_hdr *)(e + 1);
	a->arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER);
	a->arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	a->arp_hlen = 6;
	a->arp_plen = 4;
	a->arp_opcode = rte_cpu_to_be_16(op);
	memcpy(&a->arp_data.arp_sha, l->mac, 6);
	a->arp_data.arp_sip = rte_cpu_to_be_32(l->o.own_ip);
	if (op == RTE_ARP_OP_REPLY)
		memcpy(&a->arp_data.arp_tha, to_mac, 6);
	a->arp_data.arp_tip = rte_cpu_to_be_32(to_ip);
	queue(l, m);
}

static void take_arp(struct link *l, const struct rte_mbuf *m)
{
	const struct rte_ether_hdr *e = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_arp_hdr *a = (const struct rte_arp_hdr *)(e + 1);

	if (m->data_len < sizeof(*e) + sizeof(*a))
		return;
	if (rte_be_to_cpu_32(a->arp_data.arp_sip) == l->o.node_ip) {
		memcpy(l->node_mac, &a->arp_data.arp_sha, 6);
		l->met = true;
	}
	if (a->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REQUEST) &&
	    rte_be_to_cpu_32(a->arp_data.arp_tip) == l->o.own_ip) {
		uint8_t mac[6];

		memcpy(mac, &a->arp_data.arp_sha, 6);
		send_arp(l, RTE_ARP_OP_REPLY, mac, rte_be_to_cpu_32(a->arp_data.arp_sip));
	}
}

static struct link_pieces *find_pieces(struct link *l, const struct rte_ipv4_hdr *h,
				       uint32_t offset)
{
	uint32_t from = rte_be_to_cpu_32(h->src_addr), to = rte_be_to_cpu_32(h->dst_addr);
	uint16_t id = rte_be_to_cpu_16(h->packet_id);
	struct link_pieces *p;

	if (offset == 0) {
		p = &l->pieces[l->next_pieces++ % LINK_PIECES];
		p->from = from;
		p->to = to;
		p->id = id;
		p->len = 0;
		return p;
	}
	for (uint32_t i = 0; i < LINK_PIECES; i++) {
		p = &l->pieces[i];
		if (p->len == offset && p->id == id && p->from == from && p->to == to)
			return p;
	}
	return NULL;
}

/* True if the datagram is whole with this. The node sends fragments in their order, and memif
 * loses none but whole: nothing else is put together. */
static bool take_piece(struct link *l, const struct rte_ipv4_hdr *h, struct link_datagram *d)
{
	uint16_t word = rte_be_to_cpu_16(h->fragment_offset);
	uint32_t offset = (word & RTE_IPV4_HDR_OFFSET_MASK) * 8u;
	uint32_t len = rte_be_to_cpu_16(h->total_length) - (uint32_t)sizeof(*h);
	struct link_pieces *p = find_pieces(l, h, offset);

	if (!p || offset + len > sizeof(p->octets))
		return false;
	memcpy(p->octets + offset, h + 1, len);
	p->len = (uint16_t)(offset + len);
	if (word & RTE_IPV4_HDR_MF_FLAG)
		return false;
	d->esp = false;
	d->from = addr_v4(p->from, 0);
	d->to = addr_v4(p->to, (uint16_t)(p->octets[2] << 8 | p->octets[3]));
	d->message = slice_of(p->octets + sizeof(struct rte_udp_hdr),
			      p->len - sizeof(struct rte_udp_hdr));
	p->len = 0;
	return true;
}

/* A frame's datagram, or ESP packet; false: it has none for a terminal. */
static bool take_datagram(struct link *l, const struct rte_mbuf *m, struct link_datagram *d)
{
	const struct rte_ipv4_hdr *h =
		rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, 14);
	const struct rte_udp_hdr *u = (const struct rte_udp_hdr *)(h + 1);

	if (m->data_len < HEADERS || h->version_ihl != RTE_IPV4_VHL_DEF ||
	    (h->next_proto_id != IPPROTO_UDP && h->next_proto_id != IPPROTO_ESP) ||
	    rte_be_to_cpu_16(h->total_length) < sizeof(*h) + sizeof(*u) ||
	    rte_be_to_cpu_16(h->total_length) + 14u > m->data_len)
		return false;
	if (h->fragment_offset &
	    rte_cpu_to_be_16(RTE_IPV4_HDR_OFFSET_MASK | RTE_IPV4_HDR_MF_FLAG))
		return h->next_proto_id == IPPROTO_UDP && take_piece(l, h, d);
	d->esp = h->next_proto_id == IPPROTO_ESP;
	d->from = addr_v4(rte_be_to_cpu_32(h->src_addr), 0);
	if (d->esp) {
		d->to = addr_v4(rte_be_to_cpu_32(h->dst_addr), 0);
		d->message = slice_of(u, (size_t)rte_be_to_cpu_16(h->total_length) - 20);
		return true;
	}
	d->to = addr_v4(rte_be_to_cpu_32(h->dst_addr), rte_be_to_cpu_16(u->dst_port));
	d->message = slice_of(u + 1, (size_t)rte_be_to_cpu_16(h->total_length) - 28);
	return true;
}

uint16_t link_receive(struct link *l, struct link_datagram *d, struct rte_mbuf **frame,
		      uint16_t *n_frames)
{
	uint16_t n = 0;

	*n_frames = rte_eth_rx_burst(PORT, 0, frame, LINK_BURST);
	l->received_packets += *n_frames;
	for (uint16_t i = 0; i < *n_frames; i++) {
		const struct rte_ether_hdr *e =
			rte_pktmbuf_mtod(frame[i], const struct rte_ether_hdr *);

		if (i + 1 < *n_frames)
			rte_prefetch0(rte_pktmbuf_mtod(frame[i + 1], void *));
		if (e->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP))
			take_arp(l, frame[i]);
		else if (e->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) &&
			 take_datagram(l, frame[i], &d[n]))
			n++;
	}
	return n;
}

void link_release(struct rte_mbuf **frame, uint16_t n)
{
	rte_pktmbuf_free_bulk(frame, n);
}

bool link_meet(struct link *l, double seconds)
{
	static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct link_datagram d[LINK_BURST];
	struct rte_mbuf *frame[LINK_BURST];

	for (double waited = 0; !l->met && waited < seconds; waited += 0.01) {
		uint16_t n;

		send_arp(l, RTE_ARP_OP_REQUEST, all, l->o.node_ip);
		link_flush(l);
		usleep(10000);
		link_receive(l, d, frame, &n);
		link_release(frame, n);
	}
	link_flush(l);
	return l->met;
}

static void put_ip(struct link *l, struct rte_ipv4_hdr *h, const struct addr *from,
		   uint8_t protocol, uint16_t payload, uint16_t offset)
{
	uint32_t ip;

	memset(h, 0, sizeof(*h));
	h->version_ihl = RTE_IPV4_VHL_DEF;
	h->total_length = rte_cpu_to_be_16((uint16_t)(20 + payload));
	h->packet_id = rte_cpu_to_be_16(l->packet_id);
	h->fragment_offset = rte_cpu_to_be_16(offset);
	h->time_to_live = 63;
	h->next_proto_id = protocol;
	memcpy(&ip, from->ip, 4);
	h->src_addr = ip;
	h->dst_addr = rte_cpu_to_be_32(l->o.node_ip);
	h->hdr_checksum = rte_ipv4_cksum(h);
}

/* The octets of m behind its IP header from `at` on, in a frame of their own. */
static void send_rest(struct link *l, const struct rte_mbuf *m, const struct addr *from,
		      uint16_t at)
{
	uint16_t room = (uint16_t)((l->o.mtu - 20) & ~7),
		 left = (uint16_t)(m->data_len - 34 - at);
	uint16_t n = left < room ? left : room;
	struct rte_mbuf *piece = rte_pktmbuf_alloc(l->pool);
	uint8_t *o;

	if (!piece)
		return;
	o = append(piece, (uint16_t)(34 + n));
	if (!o)
		return;
	put_ether(l, (struct rte_ether_hdr *)o, l->node_mac, RTE_ETHER_TYPE_IPV4);
	put_ip(l, (struct rte_ipv4_hdr *)(o + 14), from,
	       rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, 14)->next_proto_id, n,
	       (uint16_t)(at / 8 | (n < left ? RTE_IPV4_HDR_MF_FLAG : 0)));
	memcpy(o + 34, rte_pktmbuf_mtod_offset(m, uint8_t *, 34 + at), n);
	queue(l, piece);
	if (n < left)
		send_rest(l, m, from, (uint16_t)(at + n));
}

/* In pieces if it is longer than the link lets. */
static void send_whole(struct link *l, struct rte_mbuf *m, const struct addr *from)
{
	if (m->data_len - 14 <= l->o.mtu) {
		queue(l, m);
		return;
	}
	l->packet_id++;
	send_rest(l, m, from, 0);
	rte_pktmbuf_free(m);
}

void link_send(struct link *l, const struct addr *from, struct slice message)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(l->pool);
	uint16_t payload = (uint16_t)(8 + message.len);
	struct rte_ether_hdr *e;
	struct rte_ipv4_hdr *h;
	struct rte_udp_hdr *u;

	if (!m) {
		l->not_sent++;
		return;
	}
	e = (struct rte_ether_hdr *)append(m, HEADERS + message.len);
	if (!e) {
		l->not_sent++;
		return;
	}
	h = (struct rte_ipv4_hdr *)(e + 1);
	u = (struct rte_udp_hdr *)(h + 1);
	put_ether(l, e, l->node_mac, RTE_ETHER_TYPE_IPV4);
	put_ip(l, h, from, IPPROTO_UDP, payload, 0);
	u->src_port = rte_cpu_to_be_16(from->port);
	u->dst_port = rte_cpu_to_be_16(l->o.node_port);
	u->dgram_len = rte_cpu_to_be_16(payload);
	u->dgram_cksum = 0;
	memcpy(u + 1, message.p, message.len);
	u->dgram_cksum = rte_ipv4_udptcp_cksum(h, u);
	send_whole(l, m, from);
}

void link_send_esp(struct link *l, const struct addr *from, struct slice payload)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(l->pool);
	struct rte_ether_hdr *e;

	if (!m) {
		l->not_sent++;
		return;
	}
	e = (struct rte_ether_hdr *)append(m, 34 + payload.len);
	if (!e) {
		l->not_sent++;
		return;
	}
	put_ether(l, e, l->node_mac, RTE_ETHER_TYPE_IPV4);
	put_ip(l, (struct rte_ipv4_hdr *)(e + 1), from, IPPROTO_ESP, (uint16_t)payload.len, 0);
	memcpy((uint8_t *)(e + 1) + 20, payload.p, payload.len);
	send_whole(l, m, from);
}
