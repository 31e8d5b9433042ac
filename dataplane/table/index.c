/* index.c - making a hash table at its full size */
#include "table/index.h"

#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

static uint64_t bucket_count(uint64_t entries)
{
	uint64_t n = 64;

	/* Doubled while that brings it nearer, by ratio: 1.414 * n < entries. */
	while (entries * 70 > n * 99)
		n *= 2;
	return n;
}

/* Buckets are met at random: on small pages, each look-up would miss the TLB as well. */
static void pages_merge(const struct cds_lfht_node *bucket, uint64_t size)
{
	uintptr_t from = ((uintptr_t)bucket + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
	uintptr_t to = ((uintptr_t)bucket + size) & ~(uintptr_t)(HUGE_PAGE - 1);

	if (from >= to)
		return;
	madvise((void *)from, to - from, MADV_HUGEPAGE);
#ifdef MADV_COLLAPSE
	/* Linux 6.1: at once, not when khugepaged comes by. */
	madvise((void *)from, to - from, MADV_COLLAPSE);
#endif
}

bool index_create(struct index *x, uint64_t entries)
{
	const struct cds_lfht_mm_type *mm = &cds_lfht_mm_mmap;
	uint64_t n = bucket_count(entries);

	/* The memory type is named, not left to liburcu: bucket_at is asked of the same. */
	x->ht = _cds_lfht_new(n, n, n, 0, mm, &urcu_qsbr_flavor, NULL);
	if (!x->ht)
		return false;
	x->mask = n - 1;
	x->bucket = mm->bucket_at(x->ht, 0);
	pages_merge(x->bucket, index_memory(x));
	return true;
}

void index_destroy(struct index *x)
{
	cds_lfht_destroy(x->ht, NULL);
}

uint64_t index_memory(const struct index *x)
{
	return (x->mask + 1) * sizeof(struct cds_lfht_node);
}
