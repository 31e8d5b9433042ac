/* tables.h - what lies behind struct tables; for the files of this folder */
#pragma once

#include "table/index.h"
#include "table/next_hop.h"
#include "table/object.h"
#include "table/pool.h"
#include "table/profile.h"
#include "table/server.h"

enum {
	RETIRED_MAX = 256,
	/* What one put may enter: each identity and flow, and the set. */
	SPARE_LINES = SET_IMPUS_MAX + SET_CONTACTS_MAX + 1,
};

struct tables {
	/* Read by workers, written once. */
	struct hash_key key;
	const uint8_t *arena; /* the pool's: where references begin */
	struct index impu, flow, set;
	struct profiles profiles; /* workers read its slots */
	struct server_table servers;
	struct next_hop_table next_hops;

	/* Management thread only. On lines of their own, so that its writing costs workers
	 * nothing. */
	_Alignas(64) struct pool pool;
	struct tables_size most;
	struct tables_stats stats;
	uint32_t epoch;
	bool in_sync;
	struct index_place sweep; /* where table_expire goes on, in the table of sets */
	uint32_t n_spare;
	struct index_line *spare[SPARE_LINES]; /* for buckets that are full */
	uint32_t n_retired;
	void *retired[RETIRED_MAX]; /* out of the tables, but some reader may still see them */
};

/* Management thread, all of these but tables_at. */

/* Memory for something to be published; waits for a grace period if only that gives memory.
 * NULL: none. */
void *tables_alloc(struct tables *t, uint32_t size);
/* Freed after a grace period. What is retired has left all tables. */
void tables_retire(struct tables *t, void *object);

/* Takes care that SPARE_LINES entries can be made without fail. False: no memory. */
bool tables_reserve(struct tables *t);
/* Enters an object, or the part of it that `part` says, into a table. Within tables_reserve. */
void tables_enter(struct tables *t, struct index *x, uint64_t hash, const void *object,
		  uint8_t part);
void tables_leave(struct tables *t, struct index *x, uint64_t hash, const void *object,
		  uint8_t part);

/* The word for an object in a table's entry. */
static inline uint64_t tables_entry(const struct tables *t, uint64_t hash, const void *object,
				    uint8_t part)
{
	uint64_t offset = (uint64_t)((const uint8_t *)object - t->arena);

	return index_entry(hash, (uint32_t)(offset / INDEX_LINE), part);
}

/* Any thread, inside a read-side section in which the entry was read: its object. */
static inline const void *tables_at(const struct tables *t, uint64_t entry)
{
	return t->arena + (uint64_t)index_ref(entry) * INDEX_LINE;
}

static inline uint64_t tables_hash_set(const struct tables *t, uint64_t set_id)
{
	return hash_table(&t->key, &set_id, sizeof(set_id));
}

/* The set, or NULL. */
const struct registration *tables_find_set(const struct tables *t, uint64_t set_id,
					   uint64_t hash);
/* Takes a set that is there out of all tables, and retires it. */
void tables_remove(struct tables *t, const struct registration *r);
