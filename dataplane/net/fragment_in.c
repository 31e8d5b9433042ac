/* fragment_in.c - IP fragments put together by librte_ip_frag */
/* For rte_ip_frag_table_del_expired_entries, unchanged since DPDK 18.11. */
#define ALLOW_EXPERIMENTAL_API
#include "net/fragment_in.h"

#include <rte_ip_frag.h>
#include <rte_malloc.h>
#include <rte_ring.h>

#include "base/hash.h"

enum {
	BUCKET_ENTRIES = 8,
	UNIT = 8,
	UDP_HEADER = 8,
	/* ESP's headers and trailer around a message. */
	ESP_MORE = 128,
	TICK_MS = 100,
};

_Static_assert((int)FRAGMENT_PIECES == RTE_LIBRTE_IP_FRAG_MAX_FRAG,
	       "what the buffers are sized for");

struct fragments {
	struct rte_ip_frag_tbl *table;
	struct rte_ip_frag_death_row dead;
	struct hash_key key; /* the same for all workers: it decides whose a datagram is */
	uint64_t next_tick_ms;
	uint32_t held;
};

struct fragments *fragments_create(uint32_t datagrams, uint64_t seed)
{
	struct fragments *f = rte_zmalloc("fragments", sizeof(*f), RTE_CACHE_LINE_SIZE);

	if (!f)
		return NULL;
	f->key = (struct hash_key){seed, ~seed};
	f->table = rte_ip_frag_table_create(datagrams, BUCKET_ENTRIES, datagrams,
					    rte_get_tsc_hz() * FRAGMENT_TIMEOUT_S,
					    (int)rte_socket_id());
	if (!f->table) {
		rte_free(f);
		return NULL;
	}
	return f;
}

void fragments_destroy(struct fragments *f)
{
	if (!f)
		return;
	rte_ip_frag_table_destroy(f->table);
	rte_free(f);
}

uint32_t fragment_held(const struct fragments *f)
{
	return f->held;
}

static void bury(struct net_worker *w)
{
	struct fragments *f = w->fragments;
	uint32_t n = f->dead.cnt;

	count_add(w->counters, COUNT_DROP_FRAGMENT, n);
	f->held -= n;
	rte_ip_frag_free_death_row(&f->dead, 0);
}

void fragment_tick(struct net_worker *w)
{
	struct fragments *f = w->fragments;

	if (f->held == 0 || w->now_ms < f->next_tick_ms)
		return;
	f->next_tick_ms = w->now_ms + TICK_MS;
	rte_ip_frag_table_del_expired_entries(f->table, &f->dead, w->now_tsc);
	bury(w);
}

static uint16_t owner(const struct net_worker *w, const struct packet *p, const void *id,
		      uint32_t id_len)
{
	uint8_t key[36];

	memcpy(key, p->src.ip, 16);
	memcpy(key + 16, p->dst.ip, 16);
	memcpy(key + 32, id, id_len);
	return (uint16_t)(hash_table(&w->fragments->key, key, 32 + id_len) % w->net->n_workers);
}

/* Which lie is caught: a fragment in the middle that is no whole number of units, one that ends
 * behind what a datagram may have, and a first one too short to say its ports (RFC 8200 §4.5).
 */
static bool sound(const struct net *n, const struct packet *p, uint32_t offset, bool more)
{
	if (p->left == 0 || (more && p->left % UNIT != 0))
		return false;
	if (offset + p->left > SIP_MESSAGE_MAX + UDP_HEADER + (n->n_protected ? ESP_MORE : 0))
		return false;
	return offset != 0 || p->left >= UDP_HEADER;
}

static enum verdict hand_over(struct net_worker *w, struct packet *p, uint16_t to)
{
	struct buf *b = mbufs_buf(p->m);

	b->flags = BUF_F_FRAME;
	p->m->port = p->port->index;
	if (rte_ring_sp_enqueue(w->net->handoff[w->id][to], p->m) != 0)
		return packet_drop(w, COUNT_DROP_HANDOFF);
	return VERDICT_SEND;
}

/* The whole datagram, chained, becomes one segment; p goes on in it. */
static enum verdict completed(struct net_worker *w, struct packet *p, struct rte_mbuf *whole,
			      uint32_t header)
{
	uint16_t l2 = whole->l2_len;
	bool too_long = whole->pkt_len > MBUFS_JUMBO_ROOM - MBUFS_LOWER_HEADERS;

	w->fragments->held -= whole->nb_segs;
	p->m = mbufs_linear(&w->net->pool, whole);
	if (!p->m) {
		count(w->counters, too_long ? COUNT_DROP_SIZE : COUNT_DROP_NOBUF);
		return VERDICT_SEND;
	}
	p->ip = rte_pktmbuf_mtod_offset(p->m, uint8_t *, l2);
	p->at = rte_pktmbuf_mtod_offset(p->m, uint8_t *, l2 + header);
	p->left = p->m->pkt_len - l2 - header;
	return VERDICT_NEXT;
}

/* The library frees by its death row and walks on pkt_len and the header lengths. */
static void prepare(struct packet *p, uint32_t l3_len)
{
	struct rte_mbuf *m = p->m;
	uint32_t end = (uint32_t)(p->at - rte_pktmbuf_mtod(m, uint8_t *)) + p->left;

	rte_pktmbuf_trim(m, (uint16_t)(m->pkt_len - end));
	m->l2_len = (uint64_t)(p->ip - rte_pktmbuf_mtod(m, uint8_t *));
	m->l3_len = (uint64_t)l3_len;
}

static enum verdict collect(struct net_worker *w, struct packet *p, struct rte_mbuf *whole,
			    uint32_t header)
{
	if (whole)
		return completed(w, p, whole, header);
	bury(w);
	return VERDICT_SEND;
}

enum verdict fragment4_input(struct net_worker *w, struct packet *p, uint32_t offset, bool more)
{
	struct rte_ipv4_hdr *h = (struct rte_ipv4_hdr *)(uintptr_t)p->ip;
	uint32_t header = (uint32_t)(p->at - p->ip);
	uint16_t to = owner(w, p, &h->packet_id, sizeof(h->packet_id));

	if (!sound(w->net, p, offset, more)) {
		count(w->counters, COUNT_FRAG_RX);
		return packet_drop(w, COUNT_DROP_FRAGMENT);
	}
	if (to != w->id)
		return hand_over(w, p, to);
	count(w->counters, COUNT_FRAG_RX);
	prepare(p, header);
	w->fragments->held++;
	return collect(w, p,
		       rte_ipv4_frag_reassemble_packet(w->fragments->table, &w->fragments->dead,
						       p->m, w->now_tsc, h),
		       header);
}

enum verdict fragment6_input(struct net_worker *w, struct packet *p, uint32_t offset, bool more)
{
	struct rte_ipv6_hdr *h = (struct rte_ipv6_hdr *)(uintptr_t)p->ip;
	struct rte_ipv6_fragment_ext *f = (struct rte_ipv6_fragment_ext *)(h + 1);
	uint16_t to = owner(w, p, &f->id, sizeof(f->id));

	if (!sound(w->net, p, offset, more)) {
		count(w->counters, COUNT_FRAG_RX);
		return packet_drop(w, COUNT_DROP_FRAGMENT);
	}
	if (to != w->id)
		return hand_over(w, p, to);
	count(w->counters, COUNT_FRAG_RX);
	prepare(p, sizeof(*h) + sizeof(*f));
	w->fragments->held++;
	return collect(w, p,
		       rte_ipv6_frag_reassemble_packet(w->fragments->table, &w->fragments->dead,
						       p->m, w->now_tsc, h, f),
		       sizeof(*h));
}
