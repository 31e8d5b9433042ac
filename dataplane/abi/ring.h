/* ring.h - a ring of records between exactly one producer and one consumer, in shared memory
 *
 * Records have 1 to RING_RECORD_MAX octets and lie contiguous. Producer and consumer are
 * different processes, and neither trusts the other: each keeps its own position in private
 * memory, publishes it with a release store, and checks what the other side published (acquire
 * load, paired with that store) before use. A position or length that cannot be marks the ring
 * broken for good: ring_broken.
 *
 * Nothing here blocks, allocates or makes a system call.
 */
#pragma once

#include <stdatomic.h>

#include "base/limits.h"
#include "base/slice.h"

/* In shared memory. */
struct abi_ring {
	uint64_t size; /* octets of data[]; a power of two */
	uint64_t pad0[7];
	_Atomic uint64_t head; /* written by the producer: octets ever committed */
	uint64_t pad1[7];
	_Atomic uint64_t tail; /* written by the consumer: octets ever released */
	uint64_t pad2[7];
	_Atomic uint32_t
		waiting; /* set by a consumer about to sleep, cleared by who wakes it */
	uint32_t pad3[15];
	uint8_t data[];
};
_Static_assert(sizeof(struct abi_ring) == 256, "layout of the shared ring");

/* One side's private handle. */
struct ring {
	struct abi_ring *shared;
	uint64_t size;
	uint64_t head, tail; /* own position, and the other's as last seen */
	uint32_t reserved; /* octets, padding included, of the record under way or peeked at */
	bool broken;
};

/* Octets of shared memory for a ring of `size` (a power of two, >= 4 * RING_RECORD_MAX). */
uint64_t ring_bytes(uint64_t size);
/* Creator of the region, once, on zeroed memory. */
void ring_create(struct abi_ring *shared, uint64_t size);
/* Each side. Goes on where the positions in shared memory stand, so that a new control takes up
 * the ring of the old. expected_size guards against a peer that changed it; false: the ring is
 * not sound. */
bool ring_attach_producer(struct ring *r, struct abi_ring *shared, uint64_t expected_size);
bool ring_attach_consumer(struct ring *r, struct abi_ring *shared, uint64_t expected_size);

/* Producer: memory for a record of len octets, 8-aligned, or NULL: full. Written and then
 * given to the consumer by ring_commit, or left out by calling ring_reserve again. */
void *ring_reserve(struct ring *r, uint32_t len);
/* True: the consumer sleeps and wants to be woken (its eventfd). */
bool ring_commit(struct ring *r);
/* Copies a record in; false: full. *wake as ring_commit. */
bool ring_push(struct ring *r, struct slice record, bool *wake);

/* Consumer: the oldest record, or p NULL: none. Valid until ring_release. The producer could
 * still change the octets: copy before checking them. */
struct slice ring_peek(struct ring *r);
/* Gives back what the last ring_peek showed. */
void ring_release(struct ring *r);
/* Consumer: about to sleep. False: a record came meanwhile, do not sleep. */
bool ring_sleep(struct ring *r);

/* Octets waiting, words and padding included; never more than the ring's size. For display:
 * either side, any thread. */
uint64_t ring_used(const struct ring *r);
static inline bool ring_broken(const struct ring *r)
{
	return r->broken;
}
