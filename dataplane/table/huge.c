/* huge.c - mapping memory where huge pages can lie */
#include "table/huge.h"

#include <stddef.h>
#include <sys/mman.h>

enum { PROTECTION = PROT_READ | PROT_WRITE, PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS };

/* Ordinary memory begins where the kernel likes: one page more is asked for, and what sticks
 * out on both sides is given back. */
static void *aligned_map(uint64_t size)
{
	uint8_t *at = mmap(NULL, size + HUGE_PAGE, PROTECTION, PRIVATE, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	uint64_t before = -(uintptr_t)at & (HUGE_PAGE - 1);
	if (before)
		munmap(at, before);
	munmap(at + before + size, HUGE_PAGE - before);
	return at + before;
}

void *huge_map(uint64_t size, bool *reserved)
{
	void *at = mmap(NULL, size, PROTECTION, PRIVATE | MAP_HUGETLB, -1, 0);

	*reserved = at != MAP_FAILED;
	if (*reserved)
		return at;
	at = aligned_map(size);
	if (at)
		madvise(at, size, MADV_HUGEPAGE); /* a wish: not all kernels know it */
	return at;
}

void huge_unmap(void *at, uint64_t size)
{
	munmap(at, size);
}
