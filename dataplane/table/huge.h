/* huge.h - memory reserved at start, on huge pages where there are any
 *
 * The tables are met at random: on small pages each look-up would miss the TLB as well.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { HUGE_PAGE = 2 << 20 };

/* Any thread, at start. Zeroed memory of `size` octets, a multiple of HUGE_PAGE, that begins at
 * such a multiple. *reserved says whether it lies on pages that the machine has reserved for
 * this; otherwise the kernel is asked to put it on huge pages as it is first touched. NULL:
 * errno. */
void *huge_map(uint64_t size, bool *reserved);
/* Any thread. What huge_map gave, with the same size. */
void huge_unmap(void *at, uint64_t size);

/* size, rounded up to whole huge pages. */
static inline uint64_t huge_round(uint64_t size)
{
	return (size + HUGE_PAGE - 1) & ~(uint64_t)(HUGE_PAGE - 1);
}
