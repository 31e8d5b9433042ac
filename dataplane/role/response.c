/* response.c - responses on their way back (RFC 3261 §16.7, §16.11) */
#include "role/response.h"
#include "role/forward.h"
#include "role/hide.h"
#include "role/pcscf.h"
#include "role/policy.h"
#include "role/session_timer.h"
#include "role/transaction.h"
#include "role/trust.h"

struct buf *response_emit(struct pass *p, bool from_ue, bool to_ue, const struct addr *to,
			  uint64_t term_user)
{
	sip_edit_delete_first_value(p->edits, &p->msg, sip_first(&p->msg, SIP_H_VIA),
				    p->via_rest);
	if (p->w->node->hides && !to_ue && trust_hides_from(p->w->node, to) &&
	    !hide_response(p)) {
		count(p->w->counters, COUNT_DROP_EDIT);
		return NULL;
	}
	pcscf_response(p, from_ue, to_ue, to, term_user);
	session_timer_response(p);
	return forward_emit(p);
}

enum verdict response_back(struct pass *p, const struct addr *to)
{
	const struct route *r = route_find(p->w->node->routes, to);

	if (!r && !p->back_sa)
		return pass_drop(p, COUNT_DROP_NOROUTE);
	struct addr from = p->b->src;
	struct buf *b = response_emit(p, p->side.to_ue, p->side.from_ue, to, 0);
	if (!b)
		return VERDICT_DROP;
	b->sa_id = p->back_sa;
	b->src = r ? r->local : p->b->dst;
	b->src.port = p->side.own_port ? role_port(p->w) : p->w->node->sip_port;
	b->dst = *to;
	b->port = r ? r->port : p->b->port;
	p->out->buf[p->out->n++] = b;
	count(p->w->counters, COUNT_FORWARDED);
	if (session_timer_is_refresh(p))
		p->w->notice = (struct role_notice){
			.reason = PUNT_SESSION_REFRESHED, .b = b, .src = from, .dst = *to};
	return VERDICT_SEND;
}

/* The Via behind ours. */
static bool next_via(const struct pass *p, struct sip_via *out)
{
	const struct sip_header *h = sip_first(&p->msg, SIP_H_VIA);
	struct slice value = p->via_rest, rest;

	if (!value.len) {
		h = sip_next(&p->msg, h);
		if (!h)
			return false;
		value = sip_value(&p->msg, h);
	}
	return sip_via_decode(value, out, &rest) == SIP_OK;
}

/* Ours are told by the sent-by: one of our addresses and ports (§18.1.2). */
static bool via_is_ours(const struct pass *p)
{
	const struct role_worker *w = p->w;
	struct addr a;

	for (uint32_t i = 0; i < w->n_sites; i++)
		if (slice_starts(
			    slice_between(p->via.host.p, p->via.whole.p + p->via.whole.len),
			    slice_of(w->site[i].text, w->site[i].len)) &&
		    p->via.port == role_port(w))
			return true;
	return addr_parse_ip(p->via.host, &a) &&
	       node_own_port(p->w->node, p->via.port ? p->via.port : 5060) &&
	       route_local(p->w->node->routes, &a) >= 0;
}

/* A response that goes on: to the transaction, or, where a stateless proxy sent the request, to
 * where the next Via says, if that is what we wrote our own upon. */
static enum verdict go_on(struct pass *p)
{
	struct sip_via next;
	struct addr back;

	if (!next_via(p, &next))
		return pass_drop(p, COUNT_DROP_RESPONSE_VIA);
	if (p->w->node->hides && (!hide_reveal_via(p, &next) || !hide_reveal_routes(p)))
		return pass_drop(p, COUNT_DROP_RESPONSE_FORGED);
	if (!sip_via_destination(&next, &back))
		return pass_drop(p, COUNT_DROP_DESTINATION);
	if (!branch_is_ours(p, &back, next.branch))
		return pass_drop(p, COUNT_DROP_RESPONSE_FORGED);
	if (p->branch == BRANCH_TRANSACTION)
		return transaction_response(p, &back);
	enum verdict v = policy_response(p, &back);
	if (v != VERDICT_NEXT)
		return v;
	if (p->refused)
		policy_turn(p);
	return response_back(p, &back);
}

/* A request that left under an SA has our protected port in its Via: what answers it comes
 * there and under one, and nothing else does. */
static bool is_as_protected(const struct pass *p)
{
	uint16_t port_ps = p->w->node->port_ps;

	return !port_ps || (p->via.port == port_ps) == (p->b->sa_id != 0);
}

enum verdict response_input(struct pass *p)
{
	if (!via_is_ours(p))
		return pass_drop(p, COUNT_DROP_RESPONSE_VIA);
	if (!is_as_protected(p))
		return pass_drop(p, COUNT_DROP_SA_FOREIGN);
	switch (p->branch) {
	case BRANCH_TRANSACTION:
		if (p->ref.worker != p->w->id && p->ref.worker < p->w->node->n_workers) {
			p->owner = p->ref.worker;
			return VERDICT_HANDOFF;
		}
		if (p->msg.method == SIP_M_CANCEL) /* ours: it has no further Via */
			return transaction_cancelled(p);
		return go_on(p);
	case BRANCH_STATELESS:
		return go_on(p);
	case BRANCH_CONTROL:
		p->punt = PUNT_RESPONSE;
		return VERDICT_PUNT;
	default:
		return pass_drop(p, COUNT_DROP_RESPONSE_FORGED);
	}
}
