/* mbufs.c - packet buffers: a pool for frames, and one for messages larger than a frame */
#include "net/mbufs.h"

#include <rte_errno.h>

_Static_assert(sizeof(struct buf) % RTE_MBUF_PRIV_ALIGN == 0, "the private area is aligned");
_Static_assert(RTE_PKTMBUF_HEADROOM >= MBUFS_LOWER_HEADERS, "lower headers fit the headroom");

/* buf_alloc() has no argument that could name the pool: roles do not know of DPDK. Set once by
 * each worker before its first message. */
static _Thread_local const struct mbufs *thread_pool;

bool mbufs_create(struct mbufs *p, uint32_t small, uint32_t jumbo, int socket)
{
	p->small =
		rte_pktmbuf_pool_create("saker_small", small, MBUFS_CACHE, sizeof(struct buf),
					RTE_PKTMBUF_HEADROOM + MBUFS_SMALL_ROOM, socket);
	if (!p->small)
		return false;
	p->jumbo = rte_pktmbuf_pool_create("saker_jumbo", jumbo, MBUFS_JUMBO_CACHE,
					   sizeof(struct buf), MBUFS_JUMBO_ROOM, socket);
	if (!p->jumbo) {
		int reason = rte_errno;
		rte_mempool_free(p->small);
		rte_errno = reason;
		return false;
	}
	return true;
}

void mbufs_destroy(struct mbufs *p)
{
	rte_mempool_free(p->small);
	rte_mempool_free(p->jumbo);
	*p = (struct mbufs){0};
}

uint64_t mbufs_bytes(uint32_t small, uint32_t jumbo)
{
	const uint64_t each =
		sizeof(struct rte_mbuf) + sizeof(struct buf) + 2 * RTE_CACHE_LINE_SIZE;

	return small * (each + RTE_PKTMBUF_HEADROOM + MBUFS_SMALL_ROOM) +
	       jumbo * (each + MBUFS_JUMBO_ROOM);
}

void mbufs_use(const struct mbufs *p)
{
	thread_pool = p;
}

struct buf *mbufs_place(struct rte_mbuf *m, uint8_t *data, uint32_t len)
{
	struct buf *b = mbufs_buf(m);
	uint32_t before = (uint32_t)(data - (uint8_t *)m->buf_addr);

	b->data = data;
	b->len = len;
	b->headroom = before > MBUFS_LOWER_HEADERS ? before - MBUFS_LOWER_HEADERS : 0;
	b->tailroom = m->buf_len - before - len;
	b->flags = 0;
	return b;
}

struct rte_mbuf *mbufs_restore(struct buf *b)
{
	struct rte_mbuf *m = mbufs_mbuf(b);

	m->data_off = (uint16_t)(b->data - (uint8_t *)m->buf_addr);
	m->data_len = (uint16_t)b->len;
	m->pkt_len = b->len;
	/* What the receiving driver said is void; where the octets lie is not. */
	m->ol_flags &= RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT;
	return m;
}

struct rte_mbuf *mbufs_take(const struct mbufs *p, uint32_t size)
{
	struct rte_mbuf *m;

	if (size > SIP_MESSAGE_MAX)
		return NULL;
	if (size <= MBUFS_SMALL_ROOM)
		return rte_pktmbuf_alloc(p->small);
	m = rte_pktmbuf_alloc(p->jumbo);
	if (m)
		m->data_off = MBUFS_JUMBO_HEADROOM;
	return m;
}

struct rte_mbuf *mbufs_linear(const struct mbufs *p, struct rte_mbuf *m)
{
	uint32_t len = m->pkt_len, copied = 0;
	struct rte_mbuf *to = NULL;

	if (len <= MBUFS_JUMBO_ROOM - MBUFS_LOWER_HEADERS)
		to = rte_pktmbuf_alloc(len <= MBUFS_SMALL_ROOM ? p->small : p->jumbo);
	if (to && len > MBUFS_SMALL_ROOM)
		to->data_off = (uint16_t)(MBUFS_JUMBO_ROOM - len < MBUFS_JUMBO_HEADROOM
						  ? MBUFS_JUMBO_ROOM - len
						  : MBUFS_JUMBO_HEADROOM);
	for (struct rte_mbuf *s = m; to && s; s = s->next) {
		memcpy(rte_pktmbuf_mtod_offset(to, uint8_t *, copied),
		       rte_pktmbuf_mtod(s, void *), s->data_len);
		copied += s->data_len;
	}
	if (to) {
		to->data_len = (uint16_t)len;
		to->pkt_len = len;
		to->port = m->port;
	}
	rte_pktmbuf_free(m);
	return to;
}

struct buf *buf_alloc(uint32_t size)
{
	struct rte_mbuf *m = mbufs_take(thread_pool, size);

	return m ? mbufs_place(m, rte_pktmbuf_mtod(m, uint8_t *), 0) : NULL;
}

void buf_ref(struct buf *b)
{
	rte_mbuf_refcnt_update(mbufs_mbuf(b), 1);
	b->flags |= BUF_F_SHARED;
}

/* All references of a shared buf belong to one worker (output copies its octets), so its count
 * needs no care for other threads. */
void buf_free(struct buf *b)
{
	struct rte_mbuf *m = mbufs_mbuf(b);

	if (rte_mbuf_refcnt_read(m) == 1) {
		rte_pktmbuf_free(m);
		return;
	}
	if (rte_mbuf_refcnt_update(m, -1) == 1)
		b->flags &= (uint8_t)~BUF_F_SHARED;
}
