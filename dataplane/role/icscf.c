/* icscf.c - the I-CSCF (TS 24.229 §5.3.2): finds the S-CSCF of a called user */
#include "role/icscf.h"
#include "role/answer.h"
#include "role/ask.h"
#include "role/onward.h"

/* Registered here: no need to ask the HSS who serves the user (co-located roles). */
static bool served_here(const struct pass *p)
{
	const struct registration *r;
	uint32_t i;

	if (!(p->w->node->roles & NODE_SCSCF))
		return false;
	r = pass_registration(p, &p->called, &i);
	return r && (r->roles & ABI_REG_SCSCF);
}

/* Registered under the text of the wildcard (TS 24.229 §5.4.3.3). */
static void take_wildcard(struct pass *p)
{
	if (p->resume_route.len == 0 || p->resume_route.len > sizeof(p->called.text))
		return;
	memcpy(p->called.text, p->resume_route.p, p->resume_route.len);
	p->called.len = (uint16_t)p->resume_route.len;
	p->called.by_hash = false;
	p->called.hash = table_hash_impu(p->w->tables, identity_slice(&p->called));
	p->wildcard = true;
}

/* Control's answer to an earlier punt of this request. */
enum verdict icscf_take_location(struct pass *p)
{
	switch (p->resume->locate) {
	case LOCATE_SCSCF:
		p->target[0] = (struct target){.dst = p->resume->hop};
		if (p->resume_route.len) {
			struct text *t = &p->edits->arena;
			uint32_t from = t->len;

			text_char(t, '<');
			text_put(t, p->resume_route);
			text_lit(t, ";lr>");
			p->target[0].route = text_since(t, from);
		}
		p->n_targets = 1;
		p->drop_routes = true;
		p->stage = STAGE_ROUTED;
		return VERDICT_NEXT;
	case LOCATE_ONWARD:
		p->target[0] = (struct target){.dst = p->resume->hop};
		if (p->resume_route.len)
			p->target[0].uri = p->resume_route;
		p->n_targets = 1;
		p->drop_routes = true;
		p->stage = STAGE_ROUTED;
		return VERDICT_NEXT;
	case LOCATE_LOCAL:
		take_wildcard(p);
		p->stage = STAGE_TERMINATING;
		return VERDICT_NEXT;
	default:
		return answer_rejected(p, "the called user cannot be reached");
	}
}

/* A number that a user of ours calls may be one of another network; from outside it may not
 * pass through. */
static bool may_leave(const struct pass *p)
{
	return p->w->node->outbound && p->orig_set && !pass_only_goes_on(p) &&
	       onward_is_number(p);
}

enum verdict icscf_locate(struct pass *p)
{
	if (p->stage != STAGE_LOCATE)
		return VERDICT_NEXT;
	if (p->called.len == 0 && may_leave(p) && !ask_is_answered(p))
		return ask(p, PUNT_OUTBOUND);
	if (p->called.len == 0 && p->resume && p->resume->locate == LOCATE_REJECT)
		return answer_rejected(p, "what was dialled is no number here");
	if (p->called.len == 0)
		return answer(p, 404, "the Request-URI is no public identity");
	if (served_here(p)) {
		p->stage = STAGE_TERMINATING;
		return VERDICT_NEXT;
	}
	if (p->orig_set && p->w->node->outbound && onward_number(p))
		return VERDICT_NEXT;
	if (ask_is_answered(p))
		return icscf_take_location(p);
	if (pass_only_goes_on(p))
		return VERDICT_DROP;
	/* Nobody but this node can tell whom a temporary GRUU of this node's stands for. */
	if (p->gruu_kind >= GRUU_TEMPORARY)
		return answer(p, p->gruu_kind == GRUU_UNKNOWN ? 404 : 480,
			      "no terminal is registered that this GRUU was given to");
	return ask(p, may_leave(p) ? PUNT_OUTBOUND : PUNT_LOCATE);
}
