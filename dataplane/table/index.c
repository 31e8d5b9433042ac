/* index.c - entering and leaving the lines of a hash table */
#include "table/index.h"
#include "table/huge.h"

#include <assert.h>
#include <stddef.h>

/* Entries of a bucket when the table is full: with five on average, one in seven has more than
 * its line holds, and of the entries one in twenty lies in a further line. */
enum { BUCKET_LOAD = 5 };

bool index_create(struct index *x, uint64_t entries)
{
	bool reserved;

	x->n = entries / BUCKET_LOAD + 1;
	x->line = x->n <= UINT32_MAX ? huge_map(huge_round(index_memory(x)), &reserved) : NULL;
	return x->line != NULL;
}

void index_destroy(struct index *x)
{
	huge_unmap(x->line, huge_round(index_memory(x)));
}

uint64_t index_memory(const struct index *x)
{
	return x->n * sizeof(*x->line);
}

/* The management thread reads what itself has written. */
static uint64_t entry_of(const struct index_line *line, uint32_t i)
{
	return atomic_load_explicit(&line->entry[i], memory_order_relaxed);
}

static struct index_line *next_of(const struct index_line *line)
{
	return atomic_load_explicit(&line->next, memory_order_relaxed);
}

static void entry_set(_Atomic uint64_t *slot, uint64_t entry)
{
	/* Paired with the acquiring load in index_next: who finds the entry sees the object. */
	atomic_store_explicit(slot, entry, memory_order_release);
}

static void next_set(struct index_line *line, struct index_line *next)
{
	/* Paired with the acquiring load in index_next: who follows it sees the entries. */
	atomic_store_explicit(&line->next, next, memory_order_release);
}

/* The slot in a chain of lines that holds this word (0: a free one), or NULL. */
static _Atomic uint64_t *slot_of(struct index_line *line, uint64_t entry)
{
	for (; line; line = next_of(line))
		for (uint32_t i = 0; i < INDEX_LINE_ENTRIES; i++)
			if (entry_of(line, i) == entry)
				return &line->entry[i];
	return NULL;
}

bool index_insert(struct index *x, uint64_t hash, uint64_t entry, struct index_line *fresh)
{
	struct index_line *line = index_line(x, hash);
	_Atomic uint64_t *slot = slot_of(line, 0);

	if (slot) {
		entry_set(slot, entry);
		return false;
	}
	while (next_of(line))
		line = next_of(line);
	for (uint32_t i = 0; i < INDEX_LINE_ENTRIES; i++)
		entry_set(&fresh->entry[i], i ? 0 : entry);
	next_set(fresh, NULL);
	next_set(line, fresh);
	return true;
}

void index_replace(struct index *x, uint64_t hash, uint64_t from, uint64_t to)
{
	_Atomic uint64_t *slot = slot_of(index_line(x, hash), from);

	assert(slot);
	entry_set(slot, to);
}

static bool is_empty(const struct index_line *line)
{
	for (uint32_t i = 0; i < INDEX_LINE_ENTRIES; i++)
		if (entry_of(line, i))
			return false;
	return true;
}

struct index_line *index_remove(struct index *x, uint64_t hash, uint64_t entry)
{
	struct index_line *line = index_line(x, hash), *keep = line, *rest;
	_Atomic uint64_t *slot = slot_of(line, entry);

	assert(slot);
	entry_set(slot, 0);
	for (line = next_of(line); line; line = next_of(line))
		if (!is_empty(line))
			keep = line;
	rest = next_of(keep);
	if (rest)
		next_set(keep, NULL);
	return rest;
}

/* Entry number `i` of a bucket, counted through its lines; false: it has not so many. */
static bool entry_at(const struct index_line *line, uint32_t i, uint64_t *entry)
{
	for (; line && i >= INDEX_LINE_ENTRIES; i -= INDEX_LINE_ENTRIES)
		line = next_of(line);
	if (line)
		*entry = entry_of(line, i);
	return line != NULL;
}

uint64_t index_walk(const struct index *x, struct index_place *place, uint64_t buckets)
{
	for (; buckets > 0 && !index_at_end(x, place); place->bucket++, place->entry = 0) {
		uint64_t entry;

		while (entry_at(&x->line[place->bucket], place->entry, &entry)) {
			place->entry++;
			if (entry)
				return entry;
		}
		buckets--;
	}
	return 0;
}
