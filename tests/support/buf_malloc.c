/* buf_malloc.c - base/buf.h on malloc: one allocation a datagram, so that a sanitizer sees
 * every octet too far */
#include <stdlib.h>

#include "base/buf.h"
#include "support/buf_malloc.h"

struct owned {
	struct buf b;
	uint32_t references;
	uint8_t *memory;
};

static uint32_t live;

uint32_t test_bufs_live(void)
{
	return live;
}

struct buf *buf_alloc(uint32_t size)
{
	struct owned *o = calloc(1, sizeof(*o));

	o->memory = malloc((size_t)TEST_HEADROOM + size);
	o->b.data = o->memory + TEST_HEADROOM;
	o->b.headroom = TEST_HEADROOM;
	o->b.tailroom = size;
	o->references = 1;
	live++;
	return &o->b;
}

void buf_prefetch_new(uint32_t n)
{
}

void buf_prefetch(const struct buf *b)
{
}

void buf_ref(struct buf *b)
{
	struct owned *o = (struct owned *)b;

	o->references++;
	b->flags |= BUF_F_SHARED;
}

void buf_free(struct buf *b)
{
	struct owned *o = (struct owned *)b;

	if (--o->references == 1)
		b->flags &= (uint8_t)~BUF_F_SHARED;
	if (o->references)
		return;
	free(o->memory);
	free(o);
	live--;
}
