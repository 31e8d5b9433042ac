/* tx.c - frames to ports: batches per port, through the worker that has the queue */
#include "net/tx.h"

#include <rte_ethdev.h>
#include <rte_ring.h>

static uint32_t send_own(struct net_worker *w, const struct port *p, uint8_t queue,
			 struct tx_batch *t)
{
	uint16_t sent = rte_eth_tx_burst(p->id, queue, t->m, (uint16_t)t->n);

	/* Software drivers often take the rest once their ring was kicked. */
	if (sent < t->n)
		sent += rte_eth_tx_burst(p->id, queue, t->m + sent, (uint16_t)(t->n - sent));
	count_add(w->counters, COUNT_TX_PACKETS, sent);
	return sent;
}

static uint32_t send_via(struct net_worker *w, const struct port *p, struct tx_batch *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		t->m[i]->port = p->index;
	return rte_ring_sp_enqueue_burst(w->net->relay[w->id][p->tx_via[w->id]], (void **)t->m,
					 t->n, NULL);
}

void tx_flush(struct net_worker *w, uint8_t port)
{
	const struct port *p = &w->net->port[port];
	struct tx_batch *t = &w->tx[port];
	uint8_t queue = p->tx_queue[w->id];
	uint32_t sent = queue == PORT_NO_QUEUE ? send_via(w, p, t) : send_own(w, p, queue, t);

	if (sent < t->n) {
		count_add(w->counters, COUNT_DROP_TX, t->n - sent);
		rte_pktmbuf_free_bulk(t->m + sent, t->n - sent);
	}
	t->n = 0;
}

void net_tx_flush(struct net_worker *w)
{
	for (uint16_t i = 0; i < w->net->n_ports; i++)
		if (w->tx[i].n)
			tx_flush(w, (uint8_t)i);
}

bool tx_relay(struct net_worker *w)
{
	struct rte_mbuf *m[TX_BATCH];
	bool any = false;

	for (uint16_t from = 0; from < w->net->n_workers; from++) {
		if (from == w->id)
			continue;
		unsigned n = rte_ring_sc_dequeue_burst(w->net->relay[from][w->id], (void **)m,
						       TX_BATCH, NULL);
		for (unsigned i = 0; i < n; i++)
			tx_put(w, (uint8_t)m[i]->port, m[i]);
		any = any || n > 0;
	}
	return any;
}
