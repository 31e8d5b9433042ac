/* mbufs.h - packet buffers: a pool for frames, and one for messages larger than a frame
 *
 * Each mbuf has a struct buf in its private area, so that both are one allocation and either
 * is found from the other by arithmetic. The rest of the private area lies right before the
 * octets a driver writes, and is headroom:
 *
 *   | mbuf | struct buf | end | MBUFS_MORE_HEADROOM | RTE_PKTMBUF_HEADROOM | frame ...
 *   '------' '------- private area ---------------' '- buf_addr
 *
 * DPDK's own headroom is fixed when DPDK is built, and too small for the header fields a proxy
 * puts before a message. A message that grew into the private area leaves as an mbuf with an
 * external buffer that is its own memory: whoever frees it, on any driver, puts its addresses
 * back by that.
 */
#pragma once

#include <rte_mbuf.h>

#include "base/buf.h"
#include "base/limits.h"

enum {
	/* Ethernet, VLAN tag, IPv6 and UDP, 66 octets: kept free before every message. Rounded
	 * up to whole vectors, by which they are copied. */
	MBUFS_LOWER_HEADERS = 80,
	MBUFS_MORE_HEADROOM = 512,
	MBUFS_SMALL_ROOM = RTE_MBUF_DEFAULT_DATAROOM,
	MBUFS_JUMBO_HEADROOM = 1024,
	MBUFS_JUMBO_ROOM = SIP_MESSAGE_MAX + MBUFS_JUMBO_HEADROOM + RTE_PKTMBUF_HEADROOM,
	MBUFS_CACHE = 256,
	MBUFS_JUMBO_CACHE = 16,
};

/* The private area of an mbuf. */
struct mbufs_private {
	struct buf buf;
	struct rte_mbuf_ext_shared_info end; /* of an mbuf whose message grew into this area */
	uint8_t headroom[MBUFS_MORE_HEADROOM];
};

struct mbufs {
	struct rte_mempool *small; /* MBUFS_SMALL_ROOM octets behind RTE_PKTMBUF_HEADROOM */
	struct rte_mempool *jumbo; /* MBUFS_JUMBO_ROOM octets in all */
};

/* Main thread, at start. dma: some device reads and writes the frames by physical address.
 * Without, they lie in one piece, frame by frame: AF_XDP's driver counts on that, and hands the
 * kernel frames outside of its area where pages leave gaps. False: rte_errno. */
bool mbufs_create(struct mbufs *p, uint32_t small, uint32_t jumbo, bool dma, int socket);
void mbufs_destroy(struct mbufs *p);
/* Main thread, at start. A pool of n mbufs as above, `room` octets from buf_addr, a cache of
 * that many for each lcore. NULL: rte_errno. */
struct rte_mempool *mbufs_pool(const char *name, uint32_t n, uint32_t cache, uint16_t room,
			       bool dma, int socket);
/* Memory that a pool of so many buffers takes, in octets, a little more than less. */
uint64_t mbufs_bytes(uint32_t small, uint32_t jumbo);

/* buf_alloc() of the calling thread takes from this pool from now on. */
void mbufs_use(const struct mbufs *p);

static inline struct buf *mbufs_buf(struct rte_mbuf *m)
{
	return rte_mbuf_to_priv(m);
}

static inline struct rte_mbuf *mbufs_mbuf(const struct buf *b)
{
	return (struct rte_mbuf *)((uintptr_t)b - sizeof(struct rte_mbuf));
}

/* The first octet of m's that a message may begin at. An mbuf of another pool has no headroom
 * in its private area, nor has one with memory of somebody else. */
static inline uint8_t *mbufs_start(struct rte_mbuf *m)
{
	uint8_t *private = (uint8_t *)(m + 1) + offsetof(struct mbufs_private, headroom);
	uint8_t *data = m->buf_addr;

	return RTE_MBUF_DIRECT(m) && private < data ? private : data;
}

/* Points the buf of m at a message of len octets that lies at `data` in m, alone in one
 * segment; the rooms follow from where it lies. Flags are cleared. */
static inline struct buf *mbufs_place(struct rte_mbuf *m, uint8_t *data, uint32_t len)
{
	struct buf *b = mbufs_buf(m);
	uint32_t before = (uint32_t)(data - mbufs_start(m));

	b->data = data;
	b->len = len;
	b->headroom = before > MBUFS_LOWER_HEADERS ? before - MBUFS_LOWER_HEADERS : 0;
	b->tailroom = (uint32_t)((uint8_t *)m->buf_addr + m->buf_len - data) - len;
	b->flags = 0;
	b->sa_id = 0;
	b->user = 0;
	return b;
}

/* Moves buf_addr down to mbufs_start, until m is freed. */
void mbufs_lower(struct rte_mbuf *m);

/* The way back: m holds `below` octets, and the octets of the buf's message behind them, and
 * nothing else. There are at least MBUFS_LOWER_HEADERS octets from mbufs_start to the message.
 * Who else has a reference to m, a transaction or a port still sending, uses it alike. */
static inline struct rte_mbuf *mbufs_restore(struct buf *b, uint32_t below)
{
	struct rte_mbuf *m = mbufs_mbuf(b);

	if (b->data - (uint8_t *)m->buf_addr < MBUFS_LOWER_HEADERS)
		mbufs_lower(m);
	m->data_off = (uint16_t)(b->data - below - (uint8_t *)m->buf_addr);
	m->data_len = (uint16_t)(b->len + below);
	m->pkt_len = b->len + below;
	/* What the receiving driver said is void; where the octets lie is not. */
	m->ol_flags &= RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT;
	return m;
}

/* A new mbuf with one segment of at least `size` octets of tailroom and room for all lower
 * headers; NULL: none free. */
struct rte_mbuf *mbufs_take(const struct mbufs *p, uint32_t size);
/* All segments of m in one, with as much headroom as there is, at least MBUFS_LOWER_HEADERS; m
 * is freed either way. NULL: none free, or too long. */
struct rte_mbuf *mbufs_linear(const struct mbufs *p, struct rte_mbuf *m);
