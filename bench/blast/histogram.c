/* histogram.c - latencies in buckets whose width grows with the value */
#include "blast/histogram.h"

/* Below HISTOGRAM_STEPS a bucket is one value; above, the first bits of the value name it. */
static uint32_t bucket_of(uint64_t value)
{
	uint32_t shift, bucket;

	if (value < HISTOGRAM_STEPS)
		return (uint32_t)value;
	shift = 63 - (uint32_t)__builtin_clzll(value) - 6;
	bucket = (shift + 1) * HISTOGRAM_STEPS + (uint32_t)(value >> shift) - HISTOGRAM_STEPS;
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

uint64_t histogram_bound(uint32_t bucket)
{
	uint32_t shift = bucket / HISTOGRAM_STEPS;
	uint64_t step = bucket % HISTOGRAM_STEPS;

	if (shift == 0)
		return step;
	return ((HISTOGRAM_STEPS + step + 1) << (shift - 1)) - 1;
}

void histogram_add(struct histogram *h, uint64_t value)
{
	h->n++;
	if (value > h->largest)
		h->largest = value;
	h->bucket[bucket_of(value)]++;
}

uint64_t histogram_at(const struct histogram *h, double share)
{
	uint64_t below = 0, wanted = (uint64_t)(share * (double)h->n + 0.5);

	if (h->n == 0)
		return 0;
	if (wanted < 1)
		wanted = 1;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		below += h->bucket[i];
		if (below >= wanted) {
			uint64_t bound = histogram_bound(i);
			/* What is too large for any is in the last. */
			return bound < h->largest && i + 1 < HISTOGRAM_BUCKETS ? bound
									       : h->largest;
		}
	}
	return h->largest;
}
