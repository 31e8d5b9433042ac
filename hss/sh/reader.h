/* reader.h - reads the Sh-Data that an Application Server sends (TS 29.328 Annex D)
 *
 * Takes what a PUR may carry: RepositoryData, PSIActivation, DSAI. No network, no entities, no
 * document type, UTF-8 alone, bounded in octets, depth and number.
 */
#pragma once

#include "sh/document.h"

enum { SH_DEPTH_MAX = 32 };

enum sh_read {
	SH_READ_GOOD,
	SH_READ_BAD, /* not well-formed, hostile, or of elements that a PUR may not carry */
	SH_READ_TOO_MUCH, /* a ServiceData longer than SH_DATA_MAX, or more parts than
			   * SH_LIST_MAX
			   */
};

/* The slices of *out point into *memory, which must have room for SH_USER_DATA_MAX. ServiceData
 * is kept without white space around it. Any thread. */
enum sh_read sh_document_read(struct slice xml, struct sh_document *out, struct text *memory);
