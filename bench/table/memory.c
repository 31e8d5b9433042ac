/* memory.c - reads that wait for each other, over memory in huge pages */
#include "memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <x86intrin.h>

#include "table/huge.h"

enum { RUNS = 5 };

/* A ring through all lines in random order: each holds the address of the next. */
static void make_ring(uint8_t *at, uint32_t stride, uint32_t *order)
{
	for (uint32_t i = 0; i < MEMORY_LINES; i++)
		order[i] = i;
	for (uint32_t i = MEMORY_LINES - 1; i > 0; i--) {
		uint32_t j = (uint32_t)random() % (i + 1), was = order[i];

		order[i] = order[j];
		order[j] = was;
	}
	for (uint32_t i = 0; i < MEMORY_LINES; i++)
		*(void **)(at + (uint64_t)order[i] * stride) =
			at + (uint64_t)order[(i + 1) % MEMORY_LINES] * stride;
}

static double run_round(void *volatile *from)
{
	void *p = *from;
	uint64_t start = __rdtsc();

	for (uint32_t i = 0; i < MEMORY_LINES; i++)
		p = *(void **)p;
	*from = p;
	return (double)(__rdtsc() - start) / MEMORY_LINES;
}

double memory_read(uint32_t stride)
{
	uint64_t size = huge_round((uint64_t)MEMORY_LINES * stride);
	uint32_t *order = malloc(MEMORY_LINES * sizeof(*order));
	bool reserved;
	uint8_t *at = order ? huge_map(size, &reserved) : NULL;
	void *volatile place = at;
	double best = 0;

	if (at) {
		make_ring(at, stride, order);
		run_round(&place);
		for (int i = 0; i < RUNS; i++) {
			double run = run_round(&place);
			best = i == 0 || run < best ? run : best;
		}
		huge_unmap(at, size);
	}
	free(order);
	return best;
}
