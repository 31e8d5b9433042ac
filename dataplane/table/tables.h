/* tables.h - what lies behind struct tables; for the files of this folder */
#pragma once

#include "table/object.h"
#include "table/pool.h"

enum { RETIRED_MAX = 256 };

struct tables {
	/* Read by workers, written once. */
	struct hash_key key;
	struct index impu, flow, set;

	/* Management thread only. On lines of their own, so that its writing costs workers
	 * nothing. */
	_Alignas(64) struct pool pool;
	struct tables_size most;
	struct tables_stats stats;
	uint32_t epoch;
	bool in_sync;
	bool sweeping;
	uint64_t sweep_at; /* set that table_expire looks at next, if sweeping */
	uint32_t n_retired;
	void *retired[RETIRED_MAX]; /* out of the tables, but some reader may still see them */
};

/* Management thread. Memory for something to be published; waits for a grace period if only
 * that gives memory. NULL: none. */
void *tables_alloc(struct tables *t, uint32_t size);
/* Management thread. Freed after a grace period. What is retired has left all tables. */
void tables_retire(struct tables *t, void *object);
/* Management thread, or inside a read-side section. */
struct reg_object *tables_find_set(const struct tables *t, uint64_t set_id);
