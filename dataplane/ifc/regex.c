/* regex.c - a compiled regular expression against a text, in linear time */
#include "ifc/regex.h"

/* The ops that wait for an octet, each once. */
struct threads {
	uint16_t n;
	uint16_t at[IFC_OPS_MAX];
};

struct run {
	const struct ifc_op *op;
	const uint8_t *sets;
	uint32_t pos, len;
	uint32_t *steps;
	/* For each op the position, from 1, at which it was last reached. */
	uint32_t seen[IFC_OPS_MAX];
	uint16_t stack[IFC_OPS_MAX];
	struct threads list[2];
};

static void push(struct run *r, uint32_t *top, uint32_t at)
{
	if (r->seen[at] == r->pos + 1)
		return;
	r->seen[at] = r->pos + 1;
	r->stack[(*top)++] = (uint16_t)at;
}

/* All that can be reached from an op without an octet. Each op is pushed once for a position,
 * so the stack holds them. True: the match is among them. */
static bool follow(struct run *r, struct threads *to, uint32_t from)
{
	uint32_t top = 0;

	push(r, &top, from);
	while (top) {
		uint32_t at = r->stack[--top];
		const struct ifc_op *op = &r->op[at];

		if (--*r->steps == 0)
			return false;
		switch ((enum ifc_op_code)op->code) {
		case IFC_OP_MATCH:
			return true;
		case IFC_OP_SPLIT:
			push(r, &top, at + (uint32_t)(int32_t)op->y);
			push(r, &top, at + (uint32_t)(int32_t)op->x);
			break;
		case IFC_OP_JUMP:
			push(r, &top, at + (uint32_t)(int32_t)op->x);
			break;
		case IFC_OP_BEGIN:
			if (r->pos == 0)
				push(r, &top, at + 1);
			break;
		case IFC_OP_END:
			if (r->pos == r->len)
				push(r, &top, at + 1);
			break;
		default:
			to->at[to->n++] = (uint16_t)at;
		}
	}
	return false;
}

static bool takes(const struct run *r, const struct ifc_op *op, uint8_t c)
{
	if (op->code == IFC_OP_CHAR)
		return op->c == c;
	if (op->code == IFC_OP_ANY)
		return true;
	return r->sets[(uint32_t)op->x * IFC_SET_SIZE + c / 8] >> (c % 8) & 1;
}

bool regex_found(const struct ifc_op *op, uint32_t n, const uint8_t *sets, struct slice text,
		 uint32_t *steps)
{
	struct threads *now, *next;
	struct run r;

	if (*steps == 0)
		return false;
	r.op = op;
	r.sets = sets;
	r.len = text.len;
	r.steps = steps;
	memset(r.seen, 0, n * sizeof(r.seen[0]));
	now = &r.list[0];
	next = &r.list[1];
	now->n = 0;
	for (r.pos = 0;; r.pos++) {
		struct threads *spent = now;

		/* A match may begin at every position. */
		if (follow(&r, now, 0))
			return true;
		if (*steps == 0 || r.pos == text.len)
			return false;
		next->n = 0;
		for (uint32_t i = 0; i < now->n; i++) {
			const struct ifc_op *at = &op[now->at[i]];

			if (!takes(&r, at, text.p[r.pos]))
				continue;
			/* What it leads to stands at the next position. */
			r.pos++;
			if (follow(&r, next, now->at[i] + 1u))
				return true;
			r.pos--;
			if (*steps == 0)
				return false;
		}
		now = next;
		next = spent;
	}
}
