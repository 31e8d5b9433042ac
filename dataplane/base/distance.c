/* distance.c - how far two words are from each other */
#include "base/distance.h"

uint32_t slice_distance(struct slice a, struct slice b)
{
	uint32_t row[DISTANCE_WORD_MAX + 1];

	if (a.len > DISTANCE_WORD_MAX || b.len > DISTANCE_WORD_MAX)
		return UINT32_MAX;
	for (uint32_t k = 0; k <= b.len; k++)
		row[k] = k;
	for (uint32_t i = 1; i <= a.len; i++) {
		uint32_t diagonal = row[0];

		row[0] = i;
		for (uint32_t k = 1; k <= b.len; k++) {
			uint32_t change = diagonal + (a.p[i - 1] != b.p[k - 1]);

			diagonal = row[k];
			row[k] = 1 + (row[k] < row[k - 1] ? row[k] : row[k - 1]);
			if (change < row[k])
				row[k] = change;
		}
	}
	return row[b.len];
}
