/* select_criteria.h - some of a profile's filter criteria: those that lead to a server, or not
 */
#pragma once

#include "base/text.h"

/* elements: InitialFilterCriteria elements as criteria_check gave them. Appends, as they are,
 * those whose ApplicationServer is one of the servers, or with `those` false all others. False:
 * it does not fit, or is not what criteria_check lets through. Any thread. */
bool criteria_select(struct slice elements, const struct slice *server, uint32_t n, bool those,
		     struct text *out);
