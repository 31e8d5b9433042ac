/* index.h - one hash table of references to objects: lines of seven entries
 *
 * A bucket is one cache line: seven entries, and a link to a further line for the few buckets
 * that have more. The number of buckets is fixed at start; further lines come from the pool.
 * An entry is one word, which changes at once:
 *
 *   24 bits of the hash | which part of the object | where the object lies, in steps of 64
 *
 * so a look-up costs a miss for the bucket and one for the object. No entry ever moves: a
 * reader who looks for what is there finds it, however the writer changes what is around it.
 * The hash must be keyed: nothing else keeps a bucket short.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <emmintrin.h>

enum {
	INDEX_LINE = 64, /* octets of a line; objects lie at multiples of it as well */
	INDEX_LINE_ENTRIES = 7,
	INDEX_TAG_SHIFT = 40,
	INDEX_PART_SHIFT = 32,
};

/* Written by the management thread; every store of an entry or a link is a release, paired with
 * the acquiring loads in index_next. */
struct index_line {
	_Alignas(INDEX_LINE) _Atomic uint64_t entry[INDEX_LINE_ENTRIES]; /* 0: free */
	struct index_line *_Atomic next;                                 /* or NULL */
};

_Static_assert(sizeof(struct index_line) == INDEX_LINE, "one miss a bucket");

struct index {
	struct index_line *line;
	uint64_t n; /* buckets, below 2^32 */
};

/* Management thread, at start: for about `entries` entries. False: no memory. */
bool index_create(struct index *x, uint64_t entries);
/* Management thread, when nobody reads any more. */
void index_destroy(struct index *x);
/* Octets of the buckets. */
uint64_t index_memory(const struct index *x);

static inline uint32_t index_tag(uint64_t hash)
{
	uint32_t tag = hash & 0xffffff;

	return tag ? tag : 1; /* so that no entry is 0 */
}

/* `ref` is the object's place in steps of INDEX_LINE. */
static inline uint64_t index_entry(uint64_t hash, uint32_t ref, uint8_t part)
{
	return (uint64_t)index_tag(hash) << INDEX_TAG_SHIFT |
	       (uint64_t)part << INDEX_PART_SHIFT | ref;
}

static inline uint32_t index_ref(uint64_t entry)
{
	return (uint32_t)entry;
}

static inline uint8_t index_part(uint64_t entry)
{
	return (uint8_t)(entry >> INDEX_PART_SHIFT);
}

/* The tag is in the low bits, the place in the high ones: they tell apart different things. */
static inline struct index_line *index_line(const struct index *x, uint64_t hash)
{
	return &x->line[(hash >> 32) * x->n >> 32];
}

/* A bit for each entry of a line with this tag. Read in halves of 16 octets: an entry that
 * changes meanwhile may be shown or not, so what is shown is read again as one word. */
static inline uint32_t index_hits(const struct index_line *line, uint32_t tag)
{
	const __m128i *at = (const __m128i *)line;
	__m128 a = _mm_castsi128_ps(_mm_load_si128(at)),
	       b = _mm_castsi128_ps(_mm_load_si128(at + 1)),
	       c = _mm_castsi128_ps(_mm_load_si128(at + 2)),
	       d = _mm_castsi128_ps(_mm_load_si128(at + 3));
	/* The upper halves of the words, and of them the tag. */
	__m128i low = _mm_castps_si128(_mm_shuffle_ps(a, b, _MM_SHUFFLE(3, 1, 3, 1))),
		high = _mm_castps_si128(_mm_shuffle_ps(c, d, _MM_SHUFFLE(3, 1, 3, 1))),
		want = _mm_set1_epi32((int)tag);

	low = _mm_cmpeq_epi32(_mm_srli_epi32(low, INDEX_TAG_SHIFT - 32), want);
	high = _mm_cmpeq_epi32(_mm_srli_epi32(high, INDEX_TAG_SHIFT - 32), want);
	return ((uint32_t)_mm_movemask_ps(_mm_castsi128_ps(low)) |
		(uint32_t)_mm_movemask_ps(_mm_castsi128_ps(high)) << 4) &
	       ((1u << INDEX_LINE_ENTRIES) - 1);
}

/* Where a look-up is. */
struct index_at {
	const struct index_line *line;
	uint32_t tag, hits;
};

/* Any thread, inside a read-side section. The next entry with the hash's tag, or 0: there is
 * none. Whether its object is the one looked for is the caller's to find out. */
static inline uint64_t index_next(struct index_at *at)
{
	for (;;) {
		while (at->hits) {
			uint32_t i = (uint32_t)__builtin_ctz(at->hits);
			uint64_t entry =
				atomic_load_explicit(&at->line->entry[i], memory_order_acquire);

			at->hits &= at->hits - 1;
			if (entry >> INDEX_TAG_SHIFT == at->tag)
				return entry;
		}
		at->line = atomic_load_explicit(&at->line->next, memory_order_acquire);
		if (!at->line)
			return 0;
		at->hits = index_hits(at->line, at->tag);
	}
}

/* As index_next: the first one. */
static inline uint64_t index_first(const struct index *x, uint64_t hash, struct index_at *at)
{
	at->tag = index_tag(hash);
	at->line = index_line(x, hash);
	at->hits = index_hits(at->line, at->tag);
	return index_next(at);
}

/* Any thread. */
static inline void index_prefetch(const struct index *x, uint64_t hash)
{
	__builtin_prefetch(index_line(x, hash));
}

/* Any thread, inside a read-side section, some time after index_prefetch: `lines` lines of the
 * object that the bucket's first fitting entry leads to, in memory that begins at `arena`; if
 * none fits, the bucket's next line. */
static inline void index_prefetch_entry(const struct index *x, uint64_t hash,
					const uint8_t *arena, uint32_t lines)
{
	const struct index_line *line = index_line(x, hash);
	uint32_t hits = index_hits(line, index_tag(hash));

	if (!hits) {
		line = atomic_load_explicit(&line->next, memory_order_relaxed);
		if (line)
			__builtin_prefetch(line);
		return;
	}
	uint64_t entry =
		atomic_load_explicit(&line->entry[__builtin_ctz(hits)], memory_order_relaxed);
	const uint8_t *object = arena + (uint64_t)index_ref(entry) * INDEX_LINE;

	/* Into the second level of the cache: there neighbouring lines arrive together, in a
	 * third of the time that the first level takes for them one by one. */
	for (uint32_t i = 0; i < lines; i++)
		__builtin_prefetch(object + i * INDEX_LINE, 0, 2);
}

/* Management thread, all below. */

/* Enters a word that index_entry made of the same hash. If the bucket is full, *fresh becomes
 * its further line (INDEX_LINE octets at a multiple of that, lent until index_remove gives it
 * back); true: it was taken. */
bool index_insert(struct index *x, uint64_t hash, uint64_t entry, struct index_line *fresh);
/* Puts `to`, of the same tag, in the place of `from`, which must be there: readers find one or
 * the other. */
void index_replace(struct index *x, uint64_t hash, uint64_t from, uint64_t to);
/* Takes out an entry that is there. Lines that are empty then and at the bucket's end leave it:
 * the first of them, linked to the others, or NULL. Readers may still be in them. */
struct index_line *index_remove(struct index *x, uint64_t hash, uint64_t entry);

/* A place between entries, for going through all of them. Starts as zeros. */
struct index_place {
	uint64_t bucket;
	uint32_t entry; /* this one, of all in the bucket's lines, is the next */
};

/* The next entry from *place on, which is moved behind it; 0: none in the next `buckets`
 * buckets (*place is behind them, and index_at_end may be true). Entries keep their place for
 * as long as they are there, so one may be removed on the way. */
uint64_t index_walk(const struct index *x, struct index_place *place, uint64_t buckets);
static inline bool index_at_end(const struct index *x, const struct index_place *place)
{
	return place->bucket >= x->n;
}
