/* scscf.c - the S-CSCF (TS 24.229 §5.4.3): serves the calling, then the called user */
#include "role/scscf.h"
#include "role/answer.h"
#include "sip/field.h"

/* The served user of a request that another node's P-CSCF asserted: the first
 * P-Asserted-Identity that is registered here. Co-located, the P-CSCF has found it already. */
static bool find_served_user(struct pass *p, bool *barred)
{
	struct sip_name_addr_walk walk;
	struct sip_name_addr name;

	sip_walk(&walk, &p->msg, SIP_H_P_ASSERTED_IDENTITY, SIP_E_HEADER);
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
		if (!n->icscf.family)
			return answer(p, 503, "no I-CSCF is configured");
		p->target[0] = (struct target){.dst = n->icscf};
	} else {
		return answer(p, 404, "no route leads to this domain");
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

enum verdict scscf_originating(struct pass *p)
{
	bool barred = false;

	if (p->stage != STAGE_ORIGINATING)
		return VERDICT_NEXT;
	if (!p->orig_set && !find_served_user(p, &barred))
		return answer(p, 403, "the asserted user is not registered here");
	if (barred)
		return answer(p, 403, "the asserted identity is barred");
	if (is_reg_event(p))
		return answer(p, 489, "the reg event package is not offered");
	if (p->next_route.p && !p->drop_routes)
		return follow_route(p);
	return route_onward(p);
}

static bool find_called_user(struct pass *p, uint32_t *index)
{
	p->term_set = pass_registration(p, &p->called, index);
	if (!p->term_set || !(p->term_set->roles & ABI_REG_SCSCF))
		return false;
	p->term_user = token_user_of(p->called.hash);
	return true;
}

static void add_target(struct pass *p, const struct registration *r,
		       const struct reg_contact *c)
{
	struct target *t = &p->target[p->n_targets++];

	*t = (struct target){.uri = reg_text(r, c->uri, c->uri_len)};
	if (c->flow.family) {
		t->dst = c->flow;
		t->local = c->local;
		t->sa_id = c->sa_id;
		t->ue = true;
	} else {
		t->dst = c->hop;
		t->route = reg_text(r, c->path, c->path_len);
	}
}

/* INVITE tries all contacts at once; other requests the one of highest preference, the latest
 * of equals (§5.4.3.3 step 10: forking is the S-CSCF's to choose). */
static void choose_contacts(struct pass *p)
{
	const struct registration *r = p->term_set;
	const struct reg_contact *best = NULL;

	for (uint32_t i = 0; i < r->n_contact && p->n_targets < FORK_MAX; i++) {
		const struct reg_contact *c = reg_contact(r, i);

		if (c->expires_ms <= p->now)
			continue;
		if (p->msg.method == SIP_M_INVITE)
			add_target(p, r, c);
		else if (!best || c->q > best->q ||
			 (c->q == best->q && c->registered_ms >= best->registered_ms))
			best = c;
	}
	if (best)
		add_target(p, r, best);
}

enum verdict scscf_terminating(struct pass *p)
{
	uint32_t index;

	if (p->stage != STAGE_TERMINATING)
		return VERDICT_NEXT;
	if (!find_called_user(p, &index))
		return answer(p, 480, "the user is not registered");
	if (reg_impu(p->term_set, index)->flags & ABI_IMPU_BARRED)
		return answer(p, 404, "the called identity is barred");
	choose_contacts(p);
	if (p->n_targets == 0)
		return answer(p, 480, "the user has no live contact");
	p->called_party = true;
	p->drop_routes = true;
	p->stage = STAGE_ROUTED;
	return VERDICT_NEXT;
}
