/* ere.h - extended regular expressions (IEEE 1003.1 §9.4), compiled for ifc/regex.h
 *
 * Octets, not characters: a letter of several octets is matched by as many dots.
 * Back-references are none of extended expressions, and neither they nor escaped letters are
 * taken.
 */
#pragma once

#include "ifc/form.h"

enum {
	ERE_LENGTH_MAX = 1024, /* octets of an expression */
	ERE_SETS_MAX = 64,     /* different bracket expressions */
	ERE_DEPTH_MAX = 32,    /* of parentheses */
	ERE_REPEAT_MAX = 255,  /* RE_DUP_MAX */
};

struct ere {
	uint32_t n_ops, n_sets;
	struct ifc_op op[IFC_OPS_MAX];
	uint8_t set[ERE_SETS_MAX][IFC_SET_SIZE];
};

/* NULL, or a sentence about what is wrong; *out is complete only on NULL. no_case: for a
 * subject in small letters. Any thread. */
const char *ere_compile(struct slice expression, bool no_case, struct ere *out);

/* Is it no more than text, dots, and an anchor at either end? Then text (of at least
 * IFC_OPS_MAX octets) is filled, with a zero for a dot, and *flags are of enum
 * ifc_pattern_flags. */
bool ere_is_text(const struct ere *e, uint8_t *text, uint32_t *len, uint8_t *flags);
