/* run.h - what runs on with a set's packets, in a file that outlives the data plane
 *
 * One record a set, mapped shared: a store is in the kernel's pages as soon as it is done,
 * however the process ends. With the machine the file's content is void: then some stores may
 * never have reached it. So it carries the kernel's boot id, and one of another boot, version
 * or size is begun anew. It holds no keys. One process at a time has it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { RUN_WINDOW = 128 }; /* sequence numbers, a multiple of 64 */

/* Anti-replay (RFC 4303 §3.4.3). */
struct run_window {
	uint32_t top; /* highest received; 0: none */
	uint32_t pad;
	uint64_t seen[RUN_WINDOW / 64]; /* bit i: top - i */
};

/* sa_id is the management thread's, all else the owning worker's once the set is published. */
struct run_record {
	uint64_t sa_id;    /* 0: free */
	uint32_t sent;     /* last number used; 0: none */
	uint16_t nat_port; /* that the UE's NAT showed last; 0: none yet */
	uint16_t pad;
	struct run_window in[2]; /* under spi_ps, spi_pc */
};
_Static_assert(sizeof(struct run_record) == 64, "a cache line");

struct run {
	struct run_record *record;
	uint32_t n;
	int fd;
	void *map;
	uint64_t map_size;
};

/* Management thread, at start. False: errno; EWOULDBLOCK: another process has the file. */
bool run_open(struct run *r, const char *path, uint32_t n);
void run_close(struct run *r);
/* Management thread. Begins a record for the id: nothing sent, nothing received. No worker
 * knows of the record. */
void run_begin(struct run_record *rec, uint64_t sa_id);
/* Management thread. No worker knows of it any more. */
void run_end(struct run_record *rec);

/* Owning worker. True if the number may be new: above the window, or in it and not seen. */
static inline bool run_may_take(const struct run_window *w, uint32_t seq)
{
	uint32_t behind = w->top - seq;

	if (seq == 0)
		return false;
	if (seq > w->top)
		return true;
	return behind < RUN_WINDOW && !(w->seen[behind / 64] >> behind % 64 & 1);
}

/* Owning worker. Notes a number whose packet is authentic; false: it was seen meanwhile. */
static inline bool run_take(struct run_window *w, uint32_t seq)
{
	if (!run_may_take(w, seq))
		return false;
	if (seq > w->top) {
		uint32_t by = seq - w->top;
		unsigned __int128 seen = (unsigned __int128)w->seen[1] << 64 | w->seen[0];

		seen = by < RUN_WINDOW ? seen << by : 0;
		/* The number before the bits: a process that ends between the two refuses too
		 * much, not too little. */
		w->seen[0] = UINT64_MAX;
		w->seen[1] = UINT64_MAX;
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		w->top = seq;
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		w->seen[0] = (uint64_t)seen | 1;
		w->seen[1] = (uint64_t)(seen >> 64);
		return true;
	}
	uint32_t behind = w->top - seq;
	w->seen[behind / 64] |= 1ULL << behind % 64;
	return true;
}
