/* compile.h - filter criteria as a worker evaluates them (ifc/form.h)
 *
 * The same criteria give the same octets, so that a profile that many users have is stored
 * once. Any thread.
 */
#pragma once

#include "criteria/document.h"

struct criteria_compiled {
	_Alignas(8) uint8_t memory[IFC_SIZE_MAX];
	uint32_t len;
	/* For each criterion of the source its index in the compiled ones, or -1: broken. */
	int16_t index[IFC_CRITERIA_MAX];
};

/* What cannot be compiled (an expression that is wrong or too large, no room left) is reported
 * and left out; the rest stays, in its order. False: no memory. */
bool criteria_compile(const struct criteria *c, const struct criteria_report *report,
		      struct criteria_compiled *out);
