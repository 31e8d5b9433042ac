/* op_ring.c - the rings between worker and control */
#include "op.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "punt/punt.h"

enum { RING = 1 << 18, MESSAGE = 900 };

struct rings {
	struct abi_region *region;
	int memfd;
	struct punt punt;
	struct ring control; /* control's end of the punt ring */
	uint8_t message[MESSAGE + OP_INPUTS];
};

static void rings_close(void *ctx)
{
	struct rings *r = ctx;

	munmap(r->region, r->region->size);
	close(r->memfd);
	close(r->punt.wake_fd);
	free(r);
}

static void *rings_open(void)
{
	struct rings *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->memfd = abi_region_create(1, 0, RING, RING, &r->region);
	if (r->memfd < 0) {
		free(r);
		return NULL;
	}
	r->punt.region = r->region;
	r->punt.wake_fd = eventfd(0, EFD_NONBLOCK);
	struct abi_ring *out = abi_ring_at(r->region, r->region->off_punt[0]);

	for (uint32_t i = 0; i < sizeof(r->message); i++)
		r->message[i] = (uint8_t)(' ' + i % 90);
	if (ring_attach_producer(&r->punt.out, out, RING) &&
	    ring_attach_consumer(&r->control, out, RING))
		return r;
	rings_close(r);
	return NULL;
}

/* As control does it: looked at, and given back. */
static uint64_t take(struct rings *r)
{
	struct slice record = ring_peek(&r->control);
	uint64_t seen = record.len ? record.p[record.len - 1] : 0;

	ring_release(&r->control);
	return seen;
}

static uint64_t ring_run(void *ctx, uint32_t n)
{
	struct rings *r = ctx;
	uint64_t sum = 0;
	bool wake;

	for (uint32_t i = 0; i < n; i++) {
		struct slice record = slice_of(r->message, MESSAGE + i % OP_INPUTS);

		sum += ring_push(&r->punt.out, record, &wake);
		sum += take(r);
	}
	return sum;
}

static uint64_t punt_run(void *ctx, uint32_t n)
{
	struct rings *r = ctx;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct buf b = {
			.data = r->message,
			.len = MESSAGE + i % OP_INPUTS,
			.src = addr_v4(0x0a400000 + i % OP_INPUTS, 5060),
			.dst = addr_v4(0x0a0a0001, 5060),
		};

		sum += punt_message(&r->punt, &b, PUNT_REGISTER);
		sum += take(r);
	}
	return sum;
}

const struct op op_ring = {"ring.record", rings_open, ring_run, rings_close};
const struct op op_punt = {"punt.message", rings_open, punt_run, rings_close};
