/* pattern.c - one pattern against one text */
#define _GNU_SOURCE
#include "ifc/pattern.h"

#include "ifc/regex.h"

static bool same_wild(const uint8_t *text, struct slice wanted)
{
	for (uint32_t i = 0; i < wanted.len; i++)
		if (wanted.p[i] != text[i] && wanted.p[i] != 0)
			return false;
	return true;
}

static bool search_wild(struct slice text, struct slice wanted)
{
	for (uint32_t i = 0; i + wanted.len <= text.len; i++)
		if (same_wild(text.p + i, wanted))
			return true;
	return false;
}

static bool text_found(struct slice wanted, uint8_t flags, struct slice text)
{
	if (wanted.len > text.len ||
	    ((flags & IFC_AT_BEGIN) && (flags & IFC_AT_END) && wanted.len != text.len))
		return false;
	if (wanted.len == 0)
		return true;
	if (flags & IFC_AT_BEGIN)
		return same_wild(text.p, wanted);
	if (flags & IFC_AT_END)
		return same_wild(text.p + text.len - wanted.len, wanted);
	if (flags & IFC_WILD)
		return search_wild(text, wanted);
	return memmem(text.p, text.len, wanted.p, wanted.len) != NULL;
}

/* Octets are compared sixteen at once, and with wild ones each may be compared with each. */
static uint32_t text_cost(const struct ifc_pattern *p, uint32_t len)
{
	return p->flags & IFC_WILD ? 1 + len / 8 * (1 + p->len / 8u) : 1 + len / 16;
}

static bool pay(uint32_t *steps, uint32_t cost)
{
	*steps = *steps > cost ? *steps - cost : 0;
	return *steps != 0;
}

static bool found(const void *form, const struct ifc_pattern *p, struct slice text,
		  uint32_t *steps)
{
	const uint8_t *memory = (const uint8_t *)form + p->at;

	switch ((enum ifc_pattern_kind)p->kind) {
	case IFC_ANYTHING:
		return true;
	case IFC_TEXT:
		return pay(steps, text_cost(p, text.len)) &&
		       text_found(slice_of(memory, p->len), p->flags, text);
	case IFC_PROGRAM:
		return regex_found((const struct ifc_op *)memory, p->ops,
				   memory + p->ops * sizeof(struct ifc_op), text, steps);
	}
	return false;
}

/* Out of line: few texts need the copy, and no other pays for its room on the stack. */
__attribute__((noinline)) static bool found_copied(const void *form,
						   const struct ifc_pattern *p,
						   struct slice text, bool folded,
						   uint32_t *steps)
{
	uint8_t copy[SIP_MESSAGE_MAX];
	uint32_t n = 0;

	for (uint32_t i = 0; i < text.len && n < sizeof(copy); i++) {
		if (folded && (text.p[i] == '\r' || text.p[i] == '\n'))
			continue;
		copy[n++] = p->flags & IFC_NO_CASE ? ascii_lower(text.p[i]) : text.p[i];
	}
	return found(form, p, slice_of(copy, n), steps);
}

bool pattern_found(const void *form, const struct ifc_pattern *p, struct slice text,
		   uint32_t *steps)
{
	if (p->flags & IFC_NO_CASE)
		return found_copied(form, p, text, false, steps);
	return found(form, p, text, steps);
}

bool pattern_found_folded(const void *form, const struct ifc_pattern *p, struct slice text,
			  uint32_t *steps)
{
	if (p->kind != IFC_ANYTHING && slice_find(text, '\n') < text.len)
		return found_copied(form, p, text, true, steps);
	return pattern_found(form, p, text, steps);
}
