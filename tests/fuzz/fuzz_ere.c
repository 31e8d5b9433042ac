/* fuzz_ere.c - regular expressions from a profile, in front of text from the wire
 *
 * The first line of the input is the expression, the rest the text.
 */
#include <stdlib.h>

#include "criteria/ere.h"
#include "ifc/pattern.h"
#include "ifc/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 1 << 20 };

/* Plain text without its program is what the program is. */
static void compare(const struct ere *e, struct slice text, bool hit)
{
	uint8_t plain[IFC_OPS_MAX], flags;
	struct ifc_pattern p = {.kind = IFC_TEXT};
	uint32_t len, steps = STEPS;

	if (!ere_is_text(e, plain, &len, &flags))
		return;
	p.len = (uint16_t)len;
	p.flags = flags;
	if (pattern_found(plain, &p, text, &steps) != hit && steps)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size), expression, text;
	uint32_t steps = STEPS;
	uint8_t *copy;
	struct ere e;
	bool hit;

	if (size > SIP_MESSAGE_MAX)
		return 0;
	expression = slice_sub(in, 0, slice_find(in, '\n'));
	text = slice_from(in, expression.len + 1);
	if (ere_compile(expression, false, &e))
		return 0;
	if (e.n_ops == 0 || e.n_ops > IFC_OPS_MAX || e.op[e.n_ops - 1].code != IFC_OP_MATCH)
		abort();
	copy = malloc(text.len ? text.len : 1);
	if (text.len)
		memcpy(copy, text.p, text.len);
	text.p = copy;
	hit = regex_found(e.op, e.n_ops, e.set[0], text, &steps);
	if ((uint64_t)STEPS - steps > (uint64_t)e.n_ops * (text.len + 1))
		abort();
	if (steps)
		compare(&e, text, hit);
	free(copy);
	return 0;
}
