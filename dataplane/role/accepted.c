/* accepted.c - INVITE transactions that a 2xx has ended, for as long as repeats may come */
#include "role/accepted.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static uint64_t octets(const struct accepted *a)
{
	return (a->mask + 1) * sizeof(*a->line);
}

bool accepted_create(struct accepted *a, uint64_t n)
{
	uint64_t lines = 16;

	/* Twice the room: a line of four is then seldom full. */
	while (lines * ACCEPTED_LINE < 2 * n)
		lines *= 2;
	a->mask = lines - 1;
	a->line = mmap(NULL, octets(a), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	if (a->line == MAP_FAILED) {
		a->line = NULL;
		return false;
	}
	madvise(a->line, octets(a), MADV_HUGEPAGE);
	/* Touched now: the worker shall meet no page fault. */
	memset(a->line, 0, octets(a));
	return true;
}

void accepted_destroy(struct accepted *a)
{
	if (a->line)
		munmap(a->line, octets(a));
	a->line = NULL;
}

void accepted_add(struct accepted *a, uint64_t key, uint64_t until_ms)
{
	struct accepted_line *line = &a->line[key & a->mask];
	uint32_t place = 0;

	for (uint32_t i = 1; i < ACCEPTED_LINE; i++)
		if (line->entry[i].until_ms < line->entry[place].until_ms)
			place = i;
	line->entry[place].key = key;
	line->entry[place].until_ms = until_ms;
}

bool accepted_has(const struct accepted *a, uint64_t key, uint64_t now_ms)
{
	const struct accepted_line *line = &a->line[key & a->mask];

	for (uint32_t i = 0; i < ACCEPTED_LINE; i++)
		if (line->entry[i].key == key && line->entry[i].until_ms > now_ms)
			return true;
	return false;
}
