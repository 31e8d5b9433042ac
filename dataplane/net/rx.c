/* rx.c - frames from the worker's queues, and what other workers hand over */
#include <rte_ethdev.h>
#include <rte_ring.h>

#include "net/worker_state.h"

void net_rx(struct net_worker *w, struct net_burst *b)
{
	uint16_t q = w->next_queue, got = 0;

	/* A busy queue must not starve the others: each turn begins with another one. */
	for (uint16_t i = 0; i < w->n_queues && got < BURST_MAX; i++) {
		const struct rx_queue *r = &w->queue[q];
		struct rte_mbuf **to = b->frame + b->n_frames;
		uint16_t n =
			rte_eth_rx_burst(r->port_id, r->queue, to, (uint16_t)(BURST_MAX - got));

		for (uint16_t f = 0; f < n; f++)
			to[f]->port = r->index;
		b->n_frames += n;
		got += n;
		q = (uint16_t)(q + 1 == w->n_queues ? 0 : q + 1);
	}
	w->next_queue = (uint16_t)(w->next_queue + 1 >= w->n_queues ? 0 : w->next_queue + 1);
	if (got)
		count_add(w->counters, COUNT_RX_PACKETS, got);
}

static uint32_t take_from(struct net_worker *w, struct net_burst *b, uint16_t from,
			  uint32_t most)
{
	struct rte_mbuf *m[BURST_MAX];
	uint32_t n =
		rte_ring_sc_dequeue_burst(w->net->handoff[from][w->id], (void **)m, most, NULL);

	for (uint32_t i = 0; i < n; i++) {
		struct buf *d = mbufs_buf(m[i]);

		if (d->flags & BUF_F_FRAME)
			b->frame[b->n_frames++] = m[i];
		else if (d->flags & BUF_F_SEND)
			b->send[b->n_send++] = d;
		else
			b->buf[b->n++] = d;
	}
	return n;
}

void net_handoff_in(struct net_worker *w, struct net_burst *b)
{
	uint32_t room = BURST_MAX;

	for (uint16_t from = 0; from < w->net->n_workers && room; from++)
		if (from != w->id)
			room -= take_from(w, b, from, room);
}

bool net_handoff(struct net_worker *w, struct buf *b, uint16_t owner)
{
	if (owner < w->net->n_workers && owner != w->id &&
	    rte_ring_sp_enqueue(w->net->handoff[w->id][owner], mbufs_mbuf(b)) == 0) {
		count(w->counters, COUNT_HANDOFF);
		return true;
	}
	count(w->counters, COUNT_DROP_HANDOFF);
	return false;
}

bool net_handoff_send(struct net_worker *w, struct buf *b, uint16_t owner)
{
	b->flags |= BUF_F_SEND;
	if (net_handoff(w, b, owner))
		return true;
	b->flags &= (uint8_t)~BUF_F_SEND;
	return false;
}

/* What was found right here need not be found again; of a reassembled packet the checksum was
 * not even made. */
void net_handoff_esp(struct net_worker *w, const struct net_esp *e, uint16_t owner)
{
	mbufs_buf(e->m)->flags = BUF_F_FRAME;
	e->m->port = e->port;
	e->m->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	if (!net_handoff(w, mbufs_buf(e->m), owner))
		rte_pktmbuf_free(e->m);
}
