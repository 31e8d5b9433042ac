/* tx.h - frames to ports: batches per port, through the worker that has the queue */
#pragma once

#include "net/worker_state.h"

/* Owning worker only, both. */
/* Takes a complete frame of one segment. */
void tx_put(struct net_worker *w, uint8_t port, struct rte_mbuf *m);
/* Frames of workers without a queue. True if there was any. */
bool tx_relay(struct net_worker *w);
