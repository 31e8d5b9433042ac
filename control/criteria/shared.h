/* shared.h - sets of criteria that profiles name instead of carrying them (TS 29.228 §B.2.1)
 *
 * Their content is agreed between operator and S-CSCF out of band: here, a file.
 */
#pragma once

#include "criteria/document.h"

/* Enters the criteria of all sets that the profile names; those of `sets` are shared with it,
 * so it has to outlive the profile. A set that is not there, and a criterion that finds no
 * place, is reported with the profile's line. sets NULL: there are none. */
void criteria_share(struct criteria *profile, const struct criteria_document *sets,
		    const struct criteria_report *report);

/* Reads the file. False: it cannot be read, or is no SharedIFCSets, which is reported. */
bool criteria_read_file(const char *path, const struct criteria_report *report,
			struct criteria_document *out);
