/* memory.h - what the machine's memory alone costs, beside which the tables' cost is to be seen
 */
#pragma once

#include <stdint.h>

enum { MEMORY_LINES = 1 << 16 };

/* Cycles of the time stamp counter for a read that must wait for the one before it, in
 * MEMORY_LINES cache lines in random order, `stride` octets (a multiple of 64) from one to the
 * next, in huge pages where there are any; the best of some runs. 0: no memory. */
double memory_read(uint32_t stride);
