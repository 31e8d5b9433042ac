/* criteria.h - initial filter criteria of a service profile (TS 29.228 Annexes B.2.2, E)
 *
 * They go word for word into the User-Data of every subscriber with the profile, so they are
 * checked once, when an operator gives them: well-formed, no DTD, bounded, of the elements an
 * S-CSCF needs, and such that it can compile each trigger.
 */
#pragma once

#include "store/store.h"

enum {
	CRITERIA_MAX = 64,          /* InitialFilterCriteria elements */
	CRITERIA_DEPTH_MAX = 16,    /* of elements */
	CRITERIA_TRIGGERS_MAX = 64, /* service points of one, and groups of them */
	CRITERIA_ERROR_MAX = 256,
};

/* Any number of InitialFilterCriteria elements, a byte order mark and an XML declaration before
 * them. Gives the elements without those two in *elements (they point into xml), and in
 * *services for which session cases of an unregistered user one of them may fire. Any thread.
 * False with a sentence in error. */
bool criteria_check(struct slice xml, struct slice *elements, uint32_t *services,
		    char error[CRITERIA_ERROR_MAX]);
