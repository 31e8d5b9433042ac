/* accepted.h - INVITE transactions that a 2xx has ended, for as long as repeats may come
 *
 * RFC 6026 §7.1 keeps a server transaction for 64*T1 after its 2xx, so that a repeated INVITE
 * is not taken for a new one. All that takes is the transaction's key: 16 octets, in a table of
 * one cache line a look-up. Where a line is full the entry that ends first gives way; the
 * repeat of an INVITE then reaches the callee, who answers it (RFC 3261 §8.2.2.2). One
 * worker's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { ACCEPTED_LINE = 4 };

struct accepted_line {
	_Alignas(64) struct {
		uint64_t key;
		uint64_t until_ms;
	} entry[ACCEPTED_LINE];
};

struct accepted {
	struct accepted_line *line;
	uint64_t mask;
};

/* At start, main thread: for about n entries. False: no memory. */
bool accepted_create(struct accepted *a, uint64_t n);
void accepted_destroy(struct accepted *a);

static inline void accepted_prefetch(const struct accepted *a, uint64_t key)
{
	__builtin_prefetch(&a->line[key & a->mask]);
}

void accepted_add(struct accepted *a, uint64_t key, uint64_t until_ms);
bool accepted_has(const struct accepted *a, uint64_t key, uint64_t now_ms);
