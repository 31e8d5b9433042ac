/* index.h - one hash table of links to objects: cds_lfht with a fixed number of buckets
 *
 * Nothing resizes: the size is known at start, and a resize would take a thread and memory of
 * its own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <urcu-qsbr.h>
#include <urcu/rculfhash.h>

enum { ENTRY_LINES = 5 };

struct index {
	struct cds_lfht *ht;
	const struct cds_lfht_node *bucket; /* the array of buckets, for prefetching */
	uint64_t mask;
};

/* For about `entries` entries: the power of two of buckets that is nearest, so 0.7 to 1.4
 * entries a bucket when full. Management thread, at start. False: no memory. */
bool index_create(struct index *x, uint64_t entries);
/* It must be empty. */
void index_destroy(struct index *x);
/* Octets of the buckets. */
uint64_t index_memory(const struct index *x);

/* Any thread. */
static inline void index_prefetch(const struct index *x, uint64_t hash)
{
	__builtin_prefetch(&x->bucket[hash & x->mask]);
}

/* Any thread. Some time after index_prefetch: the head of the first entry's object, links to
 * texts. */
static inline void index_prefetch_entry(const struct index *x, uint64_t hash)
{
	/* A prefetch does not fault: liburcu's flags in the low bits do no harm, nor does an
	 * object that is gone. */
	const uint8_t *entry = (const uint8_t *)CMM_LOAD_SHARED(x->bucket[hash & x->mask].next);

	for (int line = 0; line < ENTRY_LINES; line++)
		__builtin_prefetch(entry + line * 64);
}

/* Any thread, inside a read-side section. The first node with this hash that matches, or NULL.
 */
static inline struct cds_lfht_node *index_find(const struct index *x, uint64_t hash,
					       cds_lfht_match_fct match, const void *key)
{
	struct cds_lfht_iter at;

	cds_lfht_lookup(x->ht, hash, match, key, &at);
	return cds_lfht_iter_get_node(&at);
}
