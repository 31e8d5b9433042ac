/* policy.c - messages that wait until the access network has what a session needs */
#include "role/policy.h"

#include "ifc/description.h"
#include "role/answer.h"
#include "role/ask.h"
#include "role/forward.h"

bool policy_covers(const struct node *n, const struct addr *ue)
{
	for (uint32_t i = 0; i < n->n_policy; i++)
		if (addr_in_prefix(ue, &n->policy[i].ip, n->policy[i].bits))
			return true;
	return false;
}

/* Methods that carry offers and answers (RFC 3264, RFC 3262, RFC 3311) and can be answered. An
 * ACK cannot; control hears of the answer in it as of an offer. */
static bool describes_session(const struct pass *p)
{
	uint8_t m = p->msg.method;

	return (m == SIP_M_INVITE || m == SIP_M_UPDATE || m == SIP_M_PRACK) &&
	       description_of(&p->msg).len != 0;
}

static bool is_held_request(const struct pass *p)
{
	return p->source == SOURCE_UE && p->service.len == 0 && !p->again &&
	       policy_covers(p->w->node, &p->b->src) && describes_session(p);
}

enum verdict policy_request(struct pass *p)
{
	if (p->w->node->n_policy == 0 || !is_held_request(p))
		return VERDICT_NEXT;
	if (!p->resume)
		return ask(p, PUNT_POLICY);
	if (p->resume->locate == LOCATE_REJECT)
		return answer_rejected(p, p->resume_route.len ? NULL : /* control says it */
						  "what the session needs is not to be had");
	return VERDICT_NEXT;
}

/* RFC 3312 §5.2: whether the called user may ring, control knows. */
static bool rings(const struct pass *p)
{
	return p->w->node->preconditions && p->msg.status == 180 &&
	       p->msg.method == SIP_M_INVITE;
}

static bool is_held_response(const struct pass *p, const struct addr *back)
{
	const struct node *n = p->w->node;

	return p->msg.status > 100 && p->msg.status < 300 &&
	       ((p->side.to_ue && policy_covers(n, &p->b->src)) ||
		(p->side.from_ue && policy_covers(n, back))) &&
	       (describes_session(p) || rings(p));
}

enum verdict policy_response(struct pass *p, const struct addr *back)
{
	if (p->w->node->n_policy == 0 || !is_held_response(p, back))
		return VERDICT_NEXT;
	if (!p->resume) {
		p->punt = PUNT_POLICY;
		return VERDICT_PUNT;
	}
	p->refused = p->resume->locate == LOCATE_REJECT;
	return VERDICT_NEXT;
}

bool policy_tells(const struct pass *p, const struct target *to)
{
	const struct node *n = p->w->node;

	if (n->n_policy == 0)
		return false;
	if (p->msg.method == SIP_M_ACK) /* it was not held, whoever sends it */
		return ((to->ue && policy_covers(n, &to->dst)) ||
			(p->source == SOURCE_UE && policy_covers(n, &p->b->src))) &&
		       description_of(&p->msg).len;
	return to->ue && policy_covers(n, &to->dst) && !is_held_request(p) &&
	       describes_session(p);
}

void policy_note_offer(struct pass *p, const struct addr *from, const struct target *to,
		       const struct buf *b)
{
	p->w->notice = (struct role_notice){
		.reason = PUNT_OFFERED, .b = b, .src = *from, .dst = to->dst};
}

void policy_note_failure(struct pass *p, const struct policy_failure *f, const struct buf *b)
{
	const struct node *n = p->w->node;

	if (n->n_policy == 0 || !((f->to_ue && policy_covers(n, &f->src)) ||
				  (f->from_ue && policy_covers(n, &f->back))))
		return;
	p->w->notice = (struct role_notice){
		.reason = PUNT_SESSION_FAILED, .b = b, .src = f->src, .dst = f->back};
}

void policy_turn(struct pass *p)
{
	struct text *t = &p->edits->arena;
	uint32_t from = t->len;

	text_lit(t, "SIP/2.0 ");
	text_u64(t, p->resume->status);
	text_lit(t, " Resources Refused\r\n");
	text_put(t, p->resume_route);
	sip_edit_replace(p->edits, 0, p->msg.first_line, text_since(t, from));
	sip_edit_delete_all(p->edits, &p->msg, SIP_H_CONTENT_TYPE);
	sip_edit_delete_all(p->edits, &p->msg, SIP_H_CONTENT_LENGTH);
	sip_edit_push(p->edits, &p->msg, SLICE("Content-Length: 0\r\n"));
	sip_edit_delete(p->edits, (uint32_t)(p->msg.body.p - p->msg.raw.p), p->msg.body.len);
}
