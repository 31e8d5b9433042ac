/* distance.h - how far two words are from each other, to suggest the one that was meant */
#pragma once

#include "base/slice.h"

enum { DISTANCE_WORD_MAX = 64 };

/* Levenshtein's distance: octets to insert, delete or change. UINT32_MAX where a word is longer
 * than DISTANCE_WORD_MAX. Any thread. */
uint32_t slice_distance(struct slice a, struct slice b);
