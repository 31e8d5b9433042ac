/* histogram.h - latencies in buckets whose width grows with the value
 *
 * 64 buckets to each doubling: a percentile is right to 1.6 per cent, at any size. One thread.
 */
#pragma once

#include <stdint.h>

enum { HISTOGRAM_STEPS = 64, HISTOGRAM_BUCKETS = HISTOGRAM_STEPS * 40 };

struct histogram {
	uint64_t n;
	uint64_t largest;
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t value);
/* The value that `share` (0 to 1) of all are not above; 0 without any. */
uint64_t histogram_at(const struct histogram *h, double share);
/* Upper bound of a bucket. */
uint64_t histogram_bound(uint32_t bucket);
