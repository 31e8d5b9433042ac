/* pool.h - memory for objects of many sizes, all of it reserved at start
 *
 * One arena, cut into pages; a page serves objects of one size class, and goes back when its
 * last object is freed, so that no class can starve another for good. Neither malloc nor system
 * calls after pool_create. One thread at a time, the management thread's. Objects are
 * 16-aligned; those whose size is a multiple of 64 are 64-aligned, on cache lines of their own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	POOL_PAGE = 1 << 16,
	POOL_STEP = 16,        /* small classes differ by this */
	POOL_SMALL_MAX = 1024, /* above it, four classes to each power of two */
	POOL_OBJECT_MAX = 32768,
	POOL_CLASSES = POOL_SMALL_MAX / POOL_STEP + 4 * 5,
	POOL_NONE = UINT32_MAX,
};

/* What is known of a page, apart from the objects. */
struct pool_page {
	uint32_t next,
		prev;   /* in its class's list of pages with room, or the list of free pages */
	uint32_t free;  /* first freed object: its offset in the page, or POOL_NONE */
	uint16_t used;  /* objects given out */
	uint16_t fresh; /* objects never given out begin at this index */
	uint8_t class;
};

struct pool {
	uint8_t *arena;
	uint64_t size;
	struct pool_page *page;
	uint32_t n_pages;
	uint32_t free_page; /* first free page */
	uint32_t n_free;
	uint32_t roomy[POOL_CLASSES]; /* first page with room of each class */
	bool huge;                    /* on reserved huge pages */
};

/* Reserves at least `size` octets, on huge pages if the machine has reserved some. False:
 * errno. */
bool pool_create(struct pool *p, uint64_t size);
/* All objects are gone with it. */
void pool_destroy(struct pool *p);
/* Memory for `size` octets, 1 to POOL_OBJECT_MAX, or NULL: none left. Not cleared. The caller
 * owns it until pool_free. */
void *pool_alloc(struct pool *p, uint32_t size);
/* Memory that pool_alloc gave, and that no reader can see any more. */
void pool_free(struct pool *p, void *object);
/* Octets of the pages that hold objects. */
uint64_t pool_used(const struct pool *p);
