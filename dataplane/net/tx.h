/* tx.h - frames to ports: batches per port, through the worker that has the queue */
#pragma once

#include "net/worker_state.h"

/* Owning worker only, all of them. */
/* A full batch goes to its port. */
void tx_flush(struct net_worker *w, uint8_t port);
/* Takes a complete frame of one segment. */
static inline void tx_put(struct net_worker *w, uint8_t port, struct rte_mbuf *m)
{
	struct tx_batch *t = &w->tx[port];

	if (t->n == TX_BATCH)
		tx_flush(w, port);
	t->m[t->n++] = m;
}

/* Frames of workers without a queue. True if there was any. */
bool tx_relay(struct net_worker *w);
