/* regex.h - a compiled regular expression against a text, in linear time
 *
 * A program runs on all its alternatives at once, octet by octet, so that no expression and no
 * text make it go back: at most one step for each op and octet.
 */
#pragma once

#include "ifc/form.h"

/* Does the program match some part of the text? n ops at `op`, up to IFC_OPS_MAX, sound as
 * ifc_sound says; sets of IFC_SET_SIZE octets at `sets`. *steps is taken down by what it cost;
 * when it comes to 0 the answer is false. */
bool regex_found(const struct ifc_op *op, uint32_t n, const uint8_t *sets, struct slice text,
		 uint32_t *steps);
