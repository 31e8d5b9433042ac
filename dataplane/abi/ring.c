/* ring.c - a ring of records between one producer and one consumer, in shared memory
 *
 * A record is one word (length and mark) and its octets, rounded up to 8. One that would
 * reach over the end of data[] is preceded by padding up to the end; both are published by one
 * store of head, so padding never stands alone.
 */
#include "abi/ring.h"

#include <assert.h>

enum {
	WORD = 8,
	MARK_RECORD =
		0x5265c0de, /* unlike anything a message holds, so that a stray length shows */
	MARK_PADDING = 0x50adf111,
};

static uint32_t record_octets(uint32_t len)
{
	return WORD + ((len + WORD - 1) & ~(uint32_t)(WORD - 1));
}

static bool size_is_sound(uint64_t size)
{
	return size >= 4 * RING_RECORD_MAX && (size & (size - 1)) == 0;
}

static _Atomic uint64_t *word_at(const struct ring *r, uint64_t position)
{
	return (_Atomic uint64_t *)(r->shared->data + (position & (r->size - 1)));
}

static void word_write(struct ring *r, uint64_t position, uint32_t mark, uint32_t len)
{
	atomic_store_explicit(word_at(r, position), (uint64_t)mark << 32 | len,
			      memory_order_relaxed);
}

static uint64_t room_to_end(const struct ring *r, uint64_t position)
{
	return r->size - (position & (r->size - 1));
}

/* Octets from tail to head, which may be any two numbers: false if they cannot be positions. */
static bool positions_are_sound(uint64_t size, uint64_t head, uint64_t tail)
{
	return head - tail <= size && head % WORD == 0 && tail % WORD == 0;
}

uint64_t ring_bytes(uint64_t size)
{
	return sizeof(struct abi_ring) + size;
}

void ring_create(struct abi_ring *shared, uint64_t size)
{
	assert(size_is_sound(size));
	shared->size = size;
}

static bool attach(struct ring *r, struct abi_ring *shared, uint64_t expected_size)
{
	*r = (struct ring){.shared = shared, .size = expected_size};
	r->head = atomic_load_explicit(&shared->head, memory_order_acquire);
	r->tail = atomic_load_explicit(&shared->tail, memory_order_acquire);
	r->broken = !size_is_sound(expected_size) || shared->size != expected_size ||
		    !positions_are_sound(expected_size, r->head, r->tail);
	return !r->broken;
}

bool ring_attach_producer(struct ring *r, struct abi_ring *shared, uint64_t expected_size)
{
	return attach(r, shared, expected_size);
}

bool ring_attach_consumer(struct ring *r, struct abi_ring *shared, uint64_t expected_size)
{
	return attach(r, shared, expected_size);
}

/* Producer: how far the consumer is by now. It can only have come nearer to our head. */
static void tail_refresh(struct ring *r)
{
	/* acquire: paired with the release in tail_publish; the octets behind tail are no
	 * longer read when we write over them. */
	uint64_t tail = atomic_load_explicit(&r->shared->tail, memory_order_acquire);

	if (tail % WORD != 0 || r->head - tail > r->head - r->tail)
		r->broken = true;
	else
		r->tail = tail;
}

void *ring_reserve(struct ring *r, uint32_t len)
{
	r->reserved = 0;
	if (r->broken || len == 0 || len > RING_RECORD_MAX)
		return NULL;

	uint32_t need = record_octets(len);
	uint64_t room = room_to_end(r, r->head);
	uint32_t padding = room < need ? (uint32_t)room : 0;

	if (r->head - r->tail + padding + need > r->size) {
		tail_refresh(r);
		if (r->broken || r->head - r->tail + padding + need > r->size)
			return NULL;
	}
	if (padding)
		word_write(r, r->head, MARK_PADDING, padding);
	word_write(r, r->head + padding, MARK_RECORD, len);
	r->reserved = padding + need;
	return (uint8_t *)word_at(r, r->head + padding) + WORD;
}

bool ring_commit(struct ring *r)
{
	if (r->reserved == 0)
		return false;
	r->head += r->reserved;
	r->reserved = 0;
	/* release: paired with the acquire in head_refresh. */
	atomic_store_explicit(&r->shared->head, r->head, memory_order_release);
	/* Paired with the fence in ring_sleep: either we see `waiting`, or the consumer sees
	 * our head. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&r->shared->waiting, memory_order_relaxed) == 0)
		return false;
	return atomic_exchange_explicit(&r->shared->waiting, 0, memory_order_relaxed) != 0;
}

bool ring_push(struct ring *r, struct slice record, bool *wake)
{
	void *to = ring_reserve(r, record.len);

	*wake = false;
	if (!to)
		return false;
	memcpy(to, record.p, record.len);
	*wake = ring_commit(r);
	return true;
}

/* Consumer, when it has read all it knew of: how far the producer is by now. */
static void head_refresh(struct ring *r)
{
	/* acquire: paired with the release in ring_commit; what lies before head is written. */
	uint64_t head = atomic_load_explicit(&r->shared->head, memory_order_acquire);

	if (!positions_are_sound(r->size, head, r->tail))
		r->broken = true;
	else
		r->head = head;
}

/* Consumer: the word at our position and what it says of the octets behind it. False if it
 * lies. */
static bool word_read(struct ring *r, uint64_t position, uint32_t *mark, uint32_t *len)
{
	/* One load: what is checked is what is used, whatever the producer writes meanwhile. */
	uint64_t word = atomic_load_explicit(word_at(r, position), memory_order_relaxed);
	uint64_t room = room_to_end(r, position);
	uint64_t waiting = r->head - position;

	*mark = (uint32_t)(word >> 32);
	*len = (uint32_t)word;
	if (*mark == MARK_PADDING)
		return *len == room && *len < waiting;
	return *mark == MARK_RECORD && *len >= 1 && *len <= RING_RECORD_MAX &&
	       record_octets(*len) <= room && record_octets(*len) <= waiting;
}

struct slice ring_peek(struct ring *r)
{
	uint64_t at = r->tail;
	uint32_t mark, len;

	r->reserved = 0;
	if (r->broken)
		return SLICE_EMPTY;
	if (r->head == r->tail)
		head_refresh(r);
	if (r->broken || r->head == r->tail)
		return SLICE_EMPTY;
	if (!word_read(r, at, &mark, &len))
		goto broken;
	if (mark == MARK_PADDING) {
		at += len;
		if (!word_read(r, at, &mark, &len) || mark != MARK_RECORD)
			goto broken;
	}
	r->reserved = (uint32_t)(at - r->tail) + record_octets(len);
	return slice_of((const uint8_t *)word_at(r, at) + WORD, len);
broken:
	r->broken = true;
	return SLICE_EMPTY;
}

void ring_release(struct ring *r)
{
	/* By what was checked at ring_peek; the word in shared memory may say otherwise by now.
	 */
	r->tail += r->reserved;
	r->reserved = 0;
	/* release: paired with the acquire in tail_refresh. */
	atomic_store_explicit(&r->shared->tail, r->tail, memory_order_release);
}

bool ring_sleep(struct ring *r)
{
	if (r->broken)
		return true;
	if (r->head != r->tail)
		return false;
	atomic_store_explicit(&r->shared->waiting, 1, memory_order_relaxed);
	/* Paired with the fence in ring_commit. */
	atomic_thread_fence(memory_order_seq_cst);
	head_refresh(r);
	if (r->broken || r->head == r->tail)
		return true;
	atomic_store_explicit(&r->shared->waiting, 0, memory_order_relaxed);
	return false;
}

uint64_t ring_used(const struct ring *r)
{
	uint64_t tail = atomic_load_explicit(&r->shared->tail, memory_order_acquire);
	uint64_t used = atomic_load_explicit(&r->shared->head, memory_order_acquire) - tail;

	return used <= r->size ? used : r->size;
}
