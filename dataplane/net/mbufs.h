/* mbufs.h - packet buffers: a pool for frames, and one for messages larger than a frame
 *
 * Each mbuf has a struct buf in its private area, so that both are one allocation and either
 * is found from the other by arithmetic.
 */
#pragma once

#include <rte_mbuf.h>

#include "base/buf.h"
#include "base/limits.h"

enum {
	/* Ethernet, VLAN tag, IPv6 and UDP: kept free before every message */
	MBUFS_LOWER_HEADERS = 14 + 4 + 40 + 8,
	MBUFS_SMALL_ROOM = RTE_MBUF_DEFAULT_DATAROOM,
	MBUFS_JUMBO_HEADROOM = 1024,
	MBUFS_JUMBO_ROOM = SIP_MESSAGE_MAX + MBUFS_JUMBO_HEADROOM + RTE_PKTMBUF_HEADROOM,
	MBUFS_CACHE = 256,
	MBUFS_JUMBO_CACHE = 16,
};

struct mbufs {
	struct rte_mempool *small; /* MBUFS_SMALL_ROOM octets behind RTE_PKTMBUF_HEADROOM */
	struct rte_mempool *jumbo; /* MBUFS_JUMBO_ROOM octets in all */
};

/* Main thread, at start. False: rte_errno. */
bool mbufs_create(struct mbufs *p, uint32_t small, uint32_t jumbo, int socket);
void mbufs_destroy(struct mbufs *p);
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

/* Points the buf of m at a message of len octets that lies at `data` in m, alone in one
 * segment; the rooms follow from where it lies. Flags are cleared. */
struct buf *mbufs_place(struct rte_mbuf *m, uint8_t *data, uint32_t len);
/* The way back: m holds the octets of the buf's message and nothing else. */
struct rte_mbuf *mbufs_restore(struct buf *b);

/* A new mbuf with one segment of at least `size` octets of tailroom and room for all lower
 * headers; NULL: none free. */
struct rte_mbuf *mbufs_take(const struct mbufs *p, uint32_t size);
/* All segments of m in one, with as much headroom as there is, at least MBUFS_LOWER_HEADERS; m
 * is freed either way. NULL: none free, or too long. */
struct rte_mbuf *mbufs_linear(const struct mbufs *p, struct rte_mbuf *m);
