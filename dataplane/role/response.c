/* response.c - responses on their way back (RFC 3261 §16.7, §16.11) */
#include "role/response.h"
#include "role/branch.h"
#include "role/forward.h"
#include "role/pcscf.h"
#include "role/transaction.h"

struct buf *response_emit(struct pass *p, bool from_ue, bool to_ue, uint64_t term_user)
{
	const struct sip_header *h = sip_first(&p->msg, SIP_H_VIA);
	struct slice rest;
	struct sip_via via;

	if (sip_via_decode(sip_value(&p->msg, h), &via, &rest) != SIP_OK) {
		count(p->w->counters, COUNT_DROP_PARSE_RESPONSE);
		return NULL;
	}
	sip_edit_delete_first_value(&p->edits, &p->msg, h, rest);
	pcscf_response(p, from_ue, to_ue, term_user);
	return forward_emit(p);
}

/* A stateless proxy sends it where the next Via says, if that is what we wrote there. */
static enum verdict response_stateless(struct pass *p, const struct branch_stateless *branch)
{
	struct sip_via next;
	struct addr to;

	if (sip_via_second(&p->msg, &next) != SIP_OK)
		return pass_drop(p, COUNT_DROP_RESPONSE_VIA);
	if (branch_stateless_mac(p->w, &next, p->call_id, p->msg.cseq, p->msg.method,
				 branch->from_ue, branch->to_ue) != branch->mac)
		return pass_drop(p, COUNT_DROP_RESPONSE_FORGED);
	if (!sip_via_destination(&next, &to))
		return pass_drop(p, COUNT_DROP_DESTINATION);
	const struct route *r = route_find(p->w->node->routes, &to);
	if (!r)
		return pass_drop(p, COUNT_DROP_NOROUTE);

	struct buf *b = response_emit(p, branch->to_ue, branch->from_ue, 0);
	if (!b)
		return VERDICT_DROP;
	b->src = r->local;
	b->src.port = p->w->node->sip_port;
	b->dst = to;
	b->port = r->port;
	p->out->buf[p->out->n++] = b;
	count(p->w->counters, COUNT_FORWARDED);
	return VERDICT_SEND;
}

/* Ours are told by the sent-by: one of our addresses and ports (§18.1.2). */
static bool via_is_ours(const struct pass *p)
{
	struct addr a;

	return addr_parse_ip(p->via.host, &a) &&
	       node_own_port(p->w->node, p->via.port ? p->via.port : 5060) &&
	       route_local(p->w->node->routes, &a) >= 0;
}

enum verdict response_input(struct pass *p)
{
	struct branch_ref ref;
	struct branch_stateless stateless;

	if (!via_is_ours(p))
		return pass_drop(p, COUNT_DROP_RESPONSE_VIA);
	switch (branch_read(p->w, p->via.branch, &ref, &stateless)) {
	case BRANCH_TRANSACTION:
		if (ref.worker != p->w->id && ref.worker < p->w->node->n_workers) {
			p->owner = ref.worker;
			return VERDICT_HANDOFF;
		}
		return transaction_response(p, &ref);
	case BRANCH_STATELESS:
		return response_stateless(p, &stateless);
	case BRANCH_CONTROL:
		p->punt = PUNT_RESPONSE;
		return VERDICT_PUNT;
	default:
		return pass_drop(p, COUNT_DROP_RESPONSE_FORGED);
	}
}
