/* count.h - the data plane's counters: one writer a block, any number of readers */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum count_id {
#define COUNT(id, name, trouble, help) COUNT_##id,
#include "base/count.def"
#undef COUNT
	COUNT_MAX
};

/* One block a worker, in the shared region; alone on its cache lines. */
struct counters {
	_Alignas(64) _Atomic uint64_t v[COUNT_MAX];
};

/* Owning worker only. A relaxed load and store, not a locked add: there is one writer. */
static inline void count_add(struct counters *c, enum count_id id, uint64_t n)
{
	uint64_t v = atomic_load_explicit(&c->v[id], memory_order_relaxed);
	atomic_store_explicit(&c->v[id], v + n, memory_order_relaxed);
}

static inline void count(struct counters *c, enum count_id id)
{
	count_add(c, id, 1);
}

/* Any thread. */
static inline uint64_t count_read(const struct counters *c, enum count_id id)
{
	return atomic_load_explicit(&c->v[id], memory_order_relaxed);
}

struct count_info {
	const char *name;
	int trouble;
	const char *help;
};

/* Never NULL for id < COUNT_MAX. Any thread. */
const struct count_info *count_info(enum count_id id);
