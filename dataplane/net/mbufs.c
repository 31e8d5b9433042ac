/* mbufs.c - packet buffers: a pool for frames, and one for messages larger than a frame */
#include "net/mbufs.h"

#include <rte_errno.h>

_Static_assert(sizeof(struct mbufs_private) % RTE_MBUF_PRIV_ALIGN == 0,
	       "the private area is aligned");
_Static_assert(offsetof(struct mbufs_private, buf) == 0,
	       "a buf is found right behind its mbuf");
_Static_assert(sizeof(struct mbufs_private) ==
		       offsetof(struct mbufs_private, headroom) + MBUFS_MORE_HEADROOM,
	       "no gap between the two headrooms");
_Static_assert((int)MBUFS_MORE_HEADROOM + (int)MBUFS_JUMBO_ROOM <= UINT16_MAX,
	       "the length of a lowered buffer fits its field");
_Static_assert(RTE_PKTMBUF_HEADROOM >= MBUFS_LOWER_HEADERS, "lower headers fit the headroom");

enum { NEW_OCTETS = 448 }; /* of a message that a node makes itself */

/* buf_alloc() has no argument that could name the pool: roles do not know of DPDK. Set once by
 * each worker before its first message. */
static _Thread_local const struct mbufs *thread_pool;

struct rte_mempool *mbufs_pool(const char *name, uint32_t n, uint32_t cache, uint16_t room,
			       bool dma, int socket)
{
	struct rte_pktmbuf_pool_private private = {
		.mbuf_data_room_size = room, .mbuf_priv_size = sizeof(struct mbufs_private)};
	uint32_t size =
		(uint32_t)(sizeof(struct rte_mbuf) + sizeof(struct mbufs_private)) + room;
	struct rte_mempool *p =
		rte_mempool_create_empty(name, n, size, cache, sizeof(private), socket,
					 dma ? 0 : RTE_MEMPOOL_F_NO_IOVA_CONTIG);

	if (!p)
		return NULL;
	/* Last in, first out: the one just freed is still in the caches. */
	int result = rte_mempool_set_ops_byname(p, "lf_stack", NULL);
	if (result == 0) {
		rte_pktmbuf_pool_init(p, &private);
		result = rte_mempool_populate_default(p);
	}
	if (result < 0) {
		rte_mempool_free(p);
		rte_errno = -result;
		return NULL;
	}
	rte_mempool_obj_iter(p, rte_pktmbuf_init, NULL);
	return p;
}

bool mbufs_create(struct mbufs *p, uint32_t small, uint32_t jumbo, bool dma, int socket)
{
	p->small = mbufs_pool("saker_small", small, MBUFS_CACHE,
			      RTE_PKTMBUF_HEADROOM + MBUFS_SMALL_ROOM, dma, socket);
	if (!p->small)
		return false;
	p->jumbo = mbufs_pool("saker_jumbo", jumbo, MBUFS_JUMBO_CACHE, MBUFS_JUMBO_ROOM, dma,
			      socket);
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
	const uint64_t each = sizeof(struct rte_mbuf) + sizeof(struct mbufs_private) +
			      2 * RTE_CACHE_LINE_SIZE;

	return small * (each + RTE_PKTMBUF_HEADROOM + MBUFS_SMALL_ROOM) +
	       jumbo * (each + MBUFS_JUMBO_ROOM);
}

void mbufs_use(const struct mbufs *p)
{
	thread_pool = p;
}

/* Its memory goes nowhere: it is the mbuf's own. */
static void freed(void *addr, void *opaque)
{
}

void mbufs_lower(struct rte_mbuf *m)
{
	struct mbufs_private *private = rte_mbuf_to_priv(m);
	uint8_t *start = mbufs_start(m);
	uint16_t shift = (uint16_t)((uint8_t *)m->buf_addr - start);

	if (shift == 0)
		return;
	private->end = (struct rte_mbuf_ext_shared_info){.free_cb = freed, .refcnt = 1};
	rte_pktmbuf_attach_extbuf(m, start, rte_mbuf_iova_get(m) - shift,
				  (uint16_t)(m->buf_len + shift), &private->end);
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

static inline void prefetch_lines(const void *from, uint32_t octets)
{
	for (uint32_t i = 0; i < octets; i += RTE_CACHE_LINE_SIZE)
		__builtin_prefetch((const char *)from + i, 1);
}

struct buf *buf_alloc(uint32_t size)
{
	struct rte_mbuf *m = mbufs_take(thread_pool, size);

	return m ? mbufs_place(m, rte_pktmbuf_mtod(m, uint8_t *), 0) : NULL;
}

void buf_prefetch_new(uint32_t n)
{
	const struct rte_mempool *pool = thread_pool->small;
	const struct rte_mempool_cache *cache =
		rte_mempool_default_cache((struct rte_mempool *)pool, rte_lcore_id());

	if (!cache || n >= cache->len)
		return;
	struct rte_mbuf *m = cache->objs[cache->len - 1 - n];
	const char *data =
		(const char *)(m + 1) + sizeof(struct mbufs_private) + RTE_PKTMBUF_HEADROOM;

	prefetch_lines(m, (uint32_t)(sizeof(*m) + sizeof(struct buf)));
	prefetch_lines(data, NEW_OCTETS);
}

void buf_prefetch(const struct buf *b)
{
	prefetch_lines(mbufs_mbuf(b), (uint32_t)(sizeof(struct rte_mbuf) + sizeof(*b)));
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
