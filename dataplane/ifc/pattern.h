/* pattern.h - one pattern against one text */
#pragma once

#include "ifc/form.h"

/* Is the pattern somewhere in the text? `form`: where its offsets count from. *steps is taken
 * down by what it cost; when it comes to 0 the answer is false. */
bool pattern_found(const void *form, const struct ifc_pattern *p, struct slice text,
		   uint32_t *steps);

/* The same for the value of a header field: a fold counts as the white space behind it. */
bool pattern_found_folded(const void *form, const struct ifc_pattern *p, struct slice text,
			  uint32_t *steps);
