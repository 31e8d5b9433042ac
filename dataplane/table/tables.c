/* tables.c - making the tables, and their memory while they live */
#include "table/huge.h"
#include "table/tables.h"

#include <errno.h>
#include <stdlib.h>

#include <urcu-qsbr.h>

enum {
	SET_OCTETS = 352,      /* arena for a set with one contact, its identities apart */
	IMPU_OCTETS = 96,      /* and for an identity */
	ARENA_SPARE = 5 << 20, /* pages begun in each size class, what is retired, servers and
				  ways out of the network */
};

void table_reclaim(struct tables *t)
{
	if (t->n_retired == 0)
		return;
	synchronize_rcu();
	while (t->n_retired > 0)
		pool_free(&t->pool, t->retired[--t->n_retired]);
	profiles_reclaim(&t->profiles);
}

void tables_retire(struct tables *t, void *object)
{
	if (t->n_retired == RETIRED_MAX)
		table_reclaim(t);
	t->retired[t->n_retired++] = object;
}

void *tables_alloc(struct tables *t, uint32_t size)
{
	void *memory = pool_alloc(&t->pool, size);

	if (memory || t->n_retired == 0)
		return memory;
	table_reclaim(t);
	return pool_alloc(&t->pool, size);
}

bool tables_reserve(struct tables *t)
{
	while (t->n_spare < SPARE_LINES) {
		struct index_line *line = tables_alloc(t, sizeof(*line));

		if (!line)
			return false;
		t->spare[t->n_spare++] = line;
	}
	return true;
}

void tables_enter(struct tables *t, struct index *x, uint64_t hash, const void *object,
		  uint8_t part)
{
	uint64_t entry = tables_entry(t, hash, object, part);

	if (index_insert(x, hash, entry, t->spare[t->n_spare - 1]))
		t->n_spare--;
}

void tables_leave(struct tables *t, struct index *x, uint64_t hash, const void *object,
		  uint8_t part)
{
	struct index_line *line = index_remove(x, hash, tables_entry(t, hash, object, part));

	while (line) {
		/* Retiring may wait and free at once, so the link is read first. */
		struct index_line *next =
			atomic_load_explicit(&line->next, memory_order_relaxed);

		tables_retire(t, line);
		line = next;
	}
}

static bool indexes_create(struct tables *t)
{
	if (!index_create(&t->impu, t->most.impus))
		return false;
	if (index_create(&t->flow, t->most.registrations)) {
		if (index_create(&t->set, t->most.registrations))
			return true;
		index_destroy(&t->flow);
	}
	index_destroy(&t->impu);
	return false;
}

static bool memory_create(struct tables *t)
{
	uint64_t size = (uint64_t)t->most.registrations * SET_OCTETS +
			(uint64_t)t->most.impus * IMPU_OCTETS + ARENA_SPARE;

	if (size / INDEX_LINE > UINT32_MAX - HUGE_PAGE / INDEX_LINE) {
		errno = EINVAL; /* references have 32 bits */
		return false;
	}
	if (!pool_create(&t->pool, size))
		return false;
	t->arena = t->pool.arena;
	if (tables_reserve(t) && indexes_create(t))
		return true;
	pool_destroy(&t->pool);
	errno = ENOMEM;
	return false;
}

struct tables *tables_create(const struct tables_size *size, const struct hash_key *key)
{
	struct tables *t = aligned_alloc(_Alignof(struct tables), sizeof(*t));

	if (!t)
		return NULL;
	*t = (struct tables){.key = *key, .most = *size};
	if (!profiles_create(&t->profiles) || !servers_create(&t->servers) ||
	    !next_hop_table_create(&t->next_hops)) {
		profiles_destroy(&t->profiles);
		servers_destroy(&t->servers);
		free(t);
		errno = ENOMEM;
		return NULL;
	}
	if (!memory_create(t)) {
		int why = errno;

		profiles_destroy(&t->profiles);
		servers_destroy(&t->servers);
		next_hop_table_destroy(&t->next_hops);
		free(t);
		errno = why;
		return NULL;
	}
	return t;
}

void tables_destroy(struct tables *t)
{
	if (!t)
		return;
	/* With the arena goes all that the tables refer to. */
	index_destroy(&t->set);
	index_destroy(&t->flow);
	index_destroy(&t->impu);
	pool_destroy(&t->pool);
	profiles_destroy(&t->profiles);
	servers_destroy(&t->servers);
	next_hop_table_destroy(&t->next_hops);
	free(t);
}

void tables_stats(const struct tables *t, struct tables_stats *out)
{
	uint64_t buckets =
		index_memory(&t->impu) + index_memory(&t->flow) + index_memory(&t->set);

	*out = t->stats;
	out->memory_used = pool_used(&t->pool) + buckets;
	out->memory_total = t->pool.size + buckets;
}
