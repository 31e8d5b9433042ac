/* pool.c - size classes over pages of one arena */
#include "table/pool.h"
#include "table/huge.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1 /* clang's way of saying it */
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define FORBID(at, len) ASAN_POISON_MEMORY_REGION(at, len)
#define ALLOW(at, len)  ASAN_UNPOISON_MEMORY_REGION(at, len)
#else
/* Only AddressSanitizer knows how to guard part of a mapping. */
#define FORBID(at, len) ((void)(at), (void)(len))
#define ALLOW(at, len)  ((void)(at), (void)(len))
#endif

enum { SMALL_CLASSES = POOL_SMALL_MAX / POOL_STEP };

_Static_assert(POOL_SMALL_MAX << 5 == POOL_OBJECT_MAX, "five doublings of four classes each");
_Static_assert(POOL_PAGE >= 2 * POOL_OBJECT_MAX, "a page holds several objects of any class");

static uint32_t class_of(uint32_t size)
{
	if (size <= POOL_SMALL_MAX)
		return (size + POOL_STEP - 1) / POOL_STEP - 1;

	uint32_t log = 31 - (uint32_t)__builtin_clz(size - 1); /* 10: 1025-2048 */
	uint32_t quarter = (size - 1 - (1u << log)) >> (log - 2);
	return SMALL_CLASSES + (log - 10) * 4 + quarter;
}

static uint32_t class_size(uint32_t class)
{
	if (class < SMALL_CLASSES)
		return (class + 1) * POOL_STEP;

	uint32_t log = 10 + (class - SMALL_CLASSES) / 4;
	uint32_t quarter = (class - SMALL_CLASSES) % 4;
	return (1u << log) + (quarter + 1) * (1u << (log - 2));
}

/* A list of pages by index, doubly linked, its first page in *first. */
static void list_push(struct pool *p, uint32_t *first, uint32_t page)
{
	p->page[page].prev = POOL_NONE;
	p->page[page].next = *first;
	if (*first != POOL_NONE)
		p->page[*first].prev = page;
	*first = page;
}

static void list_remove(struct pool *p, uint32_t *first, uint32_t page)
{
	struct pool_page *it = &p->page[page];

	if (it->prev != POOL_NONE)
		p->page[it->prev].next = it->next;
	else
		*first = it->next;
	if (it->next != POOL_NONE)
		p->page[it->next].prev = it->prev;
}

bool pool_create(struct pool *p, uint64_t size)
{
	*p = (struct pool){.free_page = POOL_NONE};
	size = huge_round(size);
	if (size == 0 || size / POOL_PAGE >= POOL_NONE) {
		errno = EINVAL;
		return false;
	}
	p->size = size;
	p->n_pages = (uint32_t)(size / POOL_PAGE);
	p->n_free = p->n_pages;
	p->page = calloc(p->n_pages, sizeof(*p->page));
	if (!p->page)
		return false;
	p->arena = huge_map(size, &p->huge);
	if (!p->arena) {
		free(p->page);
		return false;
	}
	FORBID(p->arena, size);
	for (uint32_t i = p->n_pages; i-- > 0;)
		list_push(p, &p->free_page, i);
	for (uint32_t i = 0; i < POOL_CLASSES; i++)
		p->roomy[i] = POOL_NONE;
	return true;
}

void pool_destroy(struct pool *p)
{
	ALLOW(p->arena, p->size);
	huge_unmap(p->arena, p->size);
	free(p->page);
	*p = (struct pool){.free_page = POOL_NONE};
}

/* A free page becomes one of the class, or POOL_NONE: no page is free. */
static uint32_t page_start(struct pool *p, uint32_t class)
{
	uint32_t page = p->free_page;

	if (page == POOL_NONE)
		return page;
	list_remove(p, &p->free_page, page);
	p->n_free--;
	p->page[page].free = POOL_NONE;
	p->page[page].used = 0;
	p->page[page].fresh = 0;
	p->page[page].class = (uint8_t) class;
	list_push(p, &p->roomy[class], page);
	return page;
}

static bool page_is_full(const struct pool_page *it, uint32_t object)
{
	return it->used == POOL_PAGE / object;
}

void *pool_alloc(struct pool *p, uint32_t size)
{
	assert(size >= 1 && size <= POOL_OBJECT_MAX);
	if (size < POOL_STEP)
		size = POOL_STEP; /* room for the list of freed ones */
	uint32_t class = class_of(size);
	uint32_t object = class_size(class);
	uint32_t page = p->roomy[class];

	if (page == POOL_NONE)
		page = page_start(p, class);
	if (page == POOL_NONE)
		return NULL;

	struct pool_page *it = &p->page[page];
	uint8_t *base = p->arena + (uint64_t)page * POOL_PAGE;
	uint8_t *at;
	if (it->free != POOL_NONE) {
		at = base + it->free;
		ALLOW(at, size);
		memcpy(&it->free, at, sizeof(it->free));
	} else {
		at = base + (uint32_t)it->fresh++ * object;
		ALLOW(at, size);
	}
	it->used++;
	if (page_is_full(it, object))
		list_remove(p, &p->roomy[class], page);
	return at;
}

void pool_free(struct pool *p, void *object)
{
	uint64_t offset = (uint64_t)((uint8_t *)object - p->arena);

	assert(offset < p->size);
	uint32_t page = (uint32_t)(offset / POOL_PAGE);
	struct pool_page *it = &p->page[page];
	uint32_t size = class_size(it->class);

	assert(it->used > 0 && offset % POOL_PAGE % size == 0);
	if (page_is_full(it, size))
		list_push(p, &p->roomy[it->class], page);
	memcpy(object, &it->free, sizeof(it->free));
	FORBID(object, size);
	it->free = (uint32_t)(offset % POOL_PAGE);
	if (--it->used == 0) {
		list_remove(p, &p->roomy[it->class], page);
		list_push(p, &p->free_page, page);
		p->n_free++;
	}
}

uint64_t pool_used(const struct pool *p)
{
	return (uint64_t)(p->n_pages - p->n_free) * POOL_PAGE;
}
