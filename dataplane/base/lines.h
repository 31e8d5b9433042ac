/* lines.h - memory on cache lines of its own
 *
 * What one thread writes must not lie on a line with what another uses: each write would take
 * the line away from the other core. Memory of a worker is reserved with this, at start.
 */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_LINE = 64 };

/* n objects of `size` octets, all zero, on whole cache lines; NULL: no memory. Written to, so
 * that no page of it is met for the first time by a worker. To be freed with free(). */
static inline void *lines_alloc(size_t n, size_t size)
{
	size_t octets;
	void *p;

	if (__builtin_mul_overflow(n, size, &octets) || octets > SIZE_MAX - CACHE_LINE)
		return NULL;
	octets = (octets + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	p = aligned_alloc(CACHE_LINE, octets ? octets : CACHE_LINE);
	if (p)
		memset(p, 0, octets);
	return p;
}
