/* feature.h - what a terminal can do, as one value to compare (RFC 3840 §9)
 *
 * A Contact says "audio;+g.3gpp.icsi-ref="a,b"": three features, one for each value. Names and
 * values are keyed hashes, so that a comparison is one of numbers, and nobody outside can make
 * two that meet. A feature that is there and says no more is a token, TRUE.
 */
#pragma once

#include <stdint.h>

enum feature_kind {
	FEATURE_TOKEN,
	FEATURE_NOT,    /* "!token": any but this */
	FEATURE_RANGE,  /* "#...": numbers from low to high, in thousandths */
	FEATURE_STRING, /* "<...>" */
};

/* Of one contact; more are left out, as if the terminal had not said them. */
enum { FEATURES_MAX = 24 };

struct feature {
	uint64_t value; /* its hash; of a range its ends (feature_range) */
	uint32_t tag;   /* hash of the name, without regard to case */
	uint8_t kind;   /* enum feature_kind */
	uint8_t pad[3];
};

_Static_assert(sizeof(struct feature) == 16, "as it lies in install records");

static inline uint64_t feature_range(int32_t low, int32_t high)
{
	return (uint64_t)(uint32_t)low << 32 | (uint32_t)high;
}
static inline int32_t feature_low(const struct feature *f)
{
	return (int32_t)(f->value >> 32);
}
static inline int32_t feature_high(const struct feature *f)
{
	return (int32_t)f->value;
}
