/* plain_in.h - the frames nearly all messages come in, checked in one go. Owning worker only.
 */
#pragma once

#include "net/worker_state.h"

/* Works off the first frames of n as long as each is one segment with a whole UDP datagram for
 * a SIP port of ours, over IPv4 without options or IPv6 without extension headers, right in all
 * the complete way (input.c) looks at: buf[i] is set up for frame[i]. The number of them. With
 * the frame behind them nothing was done or counted: it goes the complete way, and what that
 * finds holds. */
uint32_t plain_in(const struct net_worker *w, struct rte_mbuf *const *frame, uint32_t n,
		  struct buf **buf);
