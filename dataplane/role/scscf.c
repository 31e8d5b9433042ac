/* scscf.c - the S-CSCF (TS 24.229 §5.4.3): serves the calling, then the called user */
#include "role/scscf.h"
#include "role/answer.h"
#include "role/ask.h"
#include "role/contacts.h"
#include "role/emergency.h"
#include "role/icscf.h"
#include "role/onward.h"
#include "role/service_id.h"
#include "role/services.h"
#include "sip/field.h"

/* The first identity in these header fields that is served here. */
static bool find_user_in(struct pass *p, enum sip_header_id id_of, bool *barred)
{
	struct sip_name_addr_walk walk;
	struct sip_name_addr name;

	sip_walk(&walk, &p->msg, id_of, SIP_E_HEADER);
	while (sip_walk_next(&walk, &name)) {
		struct identity id;
		struct sip_uri uri;
		uint32_t i;

		if (sip_uri_decode(name.uri, &uri) != SIP_OK)
			continue;
		pass_identity(p, &uri, &id);
		const struct registration *r = pass_registration(p, &id, &i);
		if (!r || !(r->roles & ABI_REG_SCSCF))
			continue;
		*barred = reg_impu(r, i)->flags & ABI_IMPU_BARRED;
		p->orig_set = r;
		p->orig_user = token_user_of(id.hash);
		return true;
	}
	return false;
}

/* The served user of a request that another node's P-CSCF asserted, or for whom an Application
 * Server speaks (RFC 5502). Co-located, the P-CSCF has found it already. */
static bool find_served_user(struct pass *p, bool *barred)
{
	return find_user_in(p, SIP_H_P_SERVED_USER, barred) ||
	       find_user_in(p, SIP_H_P_ASSERTED_IDENTITY, barred);
}

/* A Route that is left after ours leads to a trusted next hop, such as an Application Server.
 */
static enum verdict follow_route(struct pass *p)
{
	struct sip_uri uri;
	struct addr a;

	if (sip_uri_decode(p->next_route, &uri) != SIP_OK)
		return answer(p, 400, "malformed Route");
	if (!sip_uri_addr(&uri, 5060, &a) || !node_is_peer(p->w->node, &a))
		return answer(p, 403, "Route leads to a host that is not trusted");
	p->target[0] = (struct target){.dst = a};
	p->n_targets = 1;
	p->stage = STAGE_ROUTED;
	return VERDICT_NEXT;
}

/* §5.4.3.2 step 10: a domain that is not ours, or a number where ENUM comes before the I-CSCF.
 * Only a user of ours is let out. */
static enum verdict leave(struct pass *p, bool (*known)(struct pass *p))
{
	if (p->w->node->outbound && known(p))
		return VERDICT_NEXT;
	if (pass_only_goes_on(p))
		return VERDICT_DROP;
	if (ask_is_answered(p))
		return icscf_take_location(p);
	if (!p->w->node->outbound || p->msg.method == SIP_M_ACK)
		return answer(p, 404, "no route leads there");
	return ask(p, PUNT_OUTBOUND);
}

/* §5.4.3.2 steps 10 and following: where the Request-URI leads. */
static enum verdict route_onward(struct pass *p)
{
	const struct node *n = p->w->node;
	const struct addr *fixed;

	if (!p->uri_sound)
		return answer(p, 400, "malformed Request-URI");
	fixed = node_static_route(n, &p->uri);
	if (fixed) {
		p->target[0] = (struct target){.dst = *fixed};
	} else if (p->uri.scheme == SIP_SCHEME_TEL || node_own_domain(n, p->uri.host) ||
		   node_own_uri(n, &p->uri)) {
		if (n->roles & NODE_ICSCF) {
			p->stage = STAGE_LOCATE;
			return VERDICT_NEXT;
		}
		if (n->outbound && onward_is_number(p))
			return leave(p, onward_number);
		if (!n->icscf.family)
			return answer(p, 503, "no I-CSCF is configured");
		p->target[0] = (struct target){.dst = n->icscf};
	} else {
		return leave(p, onward_domain);
	}
	p->n_targets = 1;
	p->stage = STAGE_ROUTED;
	return VERDICT_NEXT;
}

/* The reg event package is the registrar's own (§5.4.2.1): such a SUBSCRIBE is not for the
 * user's terminals. */
static bool is_reg_event(const struct pass *p)
{
	struct slice event = sip_first_value(&p->msg, SIP_H_EVENT);

	return p->msg.method == SIP_M_SUBSCRIBE &&
	       slice_eq_nocase(slice_trim(slice_sub(event, 0, slice_find(event, ';'))),
			       SLICE("reg"));
}

/* A user whom this S-CSCF does not know may be one that it forgot: control asks the HSS
 * (TS 23.380 §4). Where the I-CSCF is here, it has asked already. */
static enum verdict ask_control(struct pass *p, uint16_t status, const char *why)
{
	if (p->resume && p->resume->locate == LOCATE_REJECT)
		return answer_rejected(p, why);
	if (ask_is_answered(p) ||
	    (p->w->node->roles & (NODE_ICSCF | NODE_SCSCF)) != NODE_SCSCF ||
	    p->msg.method == SIP_M_ACK)
		return answer(p, status, why);
	return ask(p, PUNT_LOCATE);
}

/* TS 33.203 Annex N: a user who registered by digest answers a challenge for each request that
 * begins something. Who was found to be its sender is in the buf, over all that control is
 * asked. */
static bool is_unproven(const struct pass *p)
{
	return (p->orig_set->roles & ABI_REG_CHALLENGED) && p->b->user != p->orig_set->set_id &&
	       p->msg.method != SIP_M_ACK && p->msg.method != SIP_M_CANCEL && !p->is_dialog;
}

static enum verdict challenge(struct pass *p)
{
	if (p->resume && p->resume->locate == LOCATE_REJECT)
		return answer_rejected(p, NULL);
	p->b->user = p->orig_set->set_id;
	return ask(p, PUNT_AUTHENTICATE);
}

/* Credentials for this realm are used up here (RFC 3261 §22.3); those for others go on. */
static void drop_credentials(struct pass *p)
{
	for (const struct sip_header *h = sip_first(&p->msg, SIP_H_PROXY_AUTHORIZATION); h;
	     h = sip_next(&p->msg, h)) {
		struct slice scheme, rest, name, value;

		if (!sip_auth_scheme(sip_value(&p->msg, h), &scheme, &rest))
			continue;
		while (sip_auth_param(&rest, &name, &value))
			if (slice_eq_nocase(name, SLICE("realm")) &&
			    slice_eq_nocase(value, p->w->node->realm))
				sip_edit_delete_header(p->edits, h);
	}
}

/* The calling user's services, or those of one who diverts a call, and then the way on. */
static enum verdict serve_caller(struct pass *p, uint32_t index, enum ifc_case session_case)
{
	enum verdict v = services_ask(p, p->orig_set, index, session_case);

	if (v != VERDICT_NEXT || p->n_targets)
		return v;
	p->chained = false; /* this chain is over; who is called has one of his own */
	if (p->next_route.p && !p->drop_routes)
		return follow_route(p);
	return route_onward(p);
}

/* Back from an Application Server: it was all checked when the request came first. */
static enum verdict take_up_calling(struct pass *p)
{
	uint32_t index;

	p->orig_set = services_user(p, &index);
	if (!p->orig_set)
		return answer(p, 480, "the served user is not here any more");
	p->orig_user = p->chain.user;
	return serve_caller(p, index, p->chain.session_case);
}

enum verdict scscf_originating(struct pass *p)
{
	bool barred = false;
	enum verdict v;
	uint32_t index;

	if (p->stage != STAGE_ORIGINATING)
		return VERDICT_NEXT;
	if (p->chained)
		return take_up_calling(p);
	if (!p->orig_set && !find_served_user(p, &barred))
		return ask_control(p, 403, "the asserted user is not registered here");
	if (barred)
		return answer(p, 403, "the asserted identity is barred");
	if (is_unproven(p))
		return challenge(p);
	if (p->b->user)
		drop_credentials(p);
	if (is_reg_event(p)) {
		p->punt = PUNT_REQUEST;
		return VERDICT_PUNT;
	}
	if (!reg_impu_by_hash(p->orig_set, p->orig_user, &index))
		index = p->orig_set->default_impu;
	v = service_id_caller(p, index);
	if (v != VERDICT_NEXT)
		return v;
	return serve_caller(p, index, services_case(p->orig_set, IFC_ORIGINATING));
}

static bool find_called_user(struct pass *p, uint32_t *index)
{
	uint32_t named;

	p->term_set = pass_registration(p, &p->called, index);
	if (!p->term_set || !(p->term_set->roles & ABI_REG_SCSCF))
		return false;
	/* Nobody answers as a wildcard. */
	named = reg_impu(p->term_set, *index)->flags & ABI_IMPU_WILDCARD
			? p->term_set->default_impu
			: *index;
	p->term_user = token_user_of(reg_impu(p->term_set, named)->hash);
	return true;
}

/* The Application Server has sent the request to somebody else: who was called diverts it, and
 * has services for that (§5.4.3.3 step 3). */
static enum verdict divert(struct pass *p)
{
	enum verdict v;
	uint32_t index;

	p->orig_set = services_user(p, &index);
	if (!p->orig_set)
		return answer(p, 480, "the served user is not here any more");
	p->orig_user = p->chain.user;
	p->term_set = NULL;
	p->term_user = 0;
	v = serve_caller(p, index, IFC_ORIGINATING_CDIV);
	if (v == VERDICT_NEXT && p->stage == STAGE_LOCATE)
		v = icscf_locate(p);
	return v == VERDICT_NEXT && p->stage == STAGE_TERMINATING ? scscf_terminating(p) : v;
}

enum verdict scscf_terminating(struct pass *p)
{
	enum verdict v;
	uint32_t index;

	if (p->stage != STAGE_TERMINATING)
		return VERDICT_NEXT;
	if (is_reg_event(p)) {
		p->punt = PUNT_REQUEST;
		return VERDICT_PUNT;
	}
	if (p->gruu_kind == GRUU_UNKNOWN)
		return answer(p, 404, "this GRUU was not given out here");
	if (!find_called_user(p, &index))
		return p->chained ? divert(p)
				  : ask_control(p, 480, "the user is not registered");
	if ((reg_impu(p->term_set, index)->flags & ABI_IMPU_BARRED) &&
	    !emergency_is_callback(p))
		return answer(p, 404, "the called identity is barred");
	if (p->chained && reg_impu(p->term_set, index)->hash != p->chain.user)
		return divert(p);
	service_id_called(p, index);
	v = services_ask(p, p->term_set, index, services_case(p->term_set, IFC_TERMINATING));
	if (v != VERDICT_NEXT || p->n_targets)
		return v;
	if (!contacts_choose(p))
		return answer(p, 404, "this GRUU was of an earlier registration");
	if (p->n_targets == 0)
		return answer(p, 480, "the user has no live contact for this request");
	p->called_party = true;
	p->drop_routes = true;
	p->stage = STAGE_ROUTED;
	return VERDICT_NEXT;
}
