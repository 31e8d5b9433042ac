/* pcscf.c - the P-CSCF (TS 24.229 §5.2): the edge of the trust domain */
#include "role/pcscf.h"
#include "role/answer.h"
#include "role/service_id.h"
#include "role/trust.h"
#include "sip/field.h"

static void strip(struct pass *p, const uint8_t *ids, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (p->msg.first[ids[i]] != SIP_NO_HEADER)
			sip_edit_delete_all(p->edits, &p->msg, ids[i]);
}

/* A party of a dialog-to-be: the identity as the registration has it, and its name in tokens.
 */
struct party {
	struct slice identity;
	uint64_t user;
};

/* The identity's set, if it is registered from this flow, under this SA, and may be used. */
static const struct registration *identity_on_flow(struct pass *p, const struct identity *id,
						   const struct addr *flow, uint64_t sa_id,
						   struct party *party)
{
	uint32_t i;
	const struct registration *r = pass_registration(p, id, &i);

	if (!r || !(r->roles & ABI_REG_PCSCF) || (reg_impu(r, i)->flags & ABI_IMPU_BARRED) ||
	    !reg_contact_on_flow(r, flow, sa_id, p->now))
		return NULL;
	*party = (struct party){reg_text(r, reg_impu(r, i)->at, reg_impu(r, i)->len),
				token_user_of(id->hash)};
	return r;
}

static const struct registration *uri_on_flow(struct pass *p, struct slice name_addr_uri,
					      const struct addr *flow, uint64_t sa_id,
					      struct party *party)
{
	struct identity id;
	struct sip_uri uri;

	if (name_addr_uri.p == p->calling_uri.p)
		return identity_on_flow(p, &p->calling, flow, sa_id, party);
	if (sip_uri_decode(name_addr_uri, &uri) != SIP_OK)
		return NULL;
	pass_identity(p, &uri, &id);
	return identity_on_flow(p, &id, flow, sa_id, party);
}

static struct party default_party(const struct registration *r)
{
	const struct reg_impu *impu = reg_impu(r, r->default_impu);

	return (struct party){reg_text(r, impu->at, impu->len), token_user_of(impu->hash)};
}

/* §5.2.6.3.3 item 4: the identity the user prefers if it is the user's own; else, where one
 * user alone is on the flow, that user's default. Where many share a flow, as behind a gateway,
 * From says which. */
static const struct registration *choose_identity(struct pass *p, struct party *party)
{
	static const uint8_t said_in[] = {SIP_H_P_PREFERRED_IDENTITY, SIP_H_FROM};
	const struct registration *r;

	for (uint32_t i = 0; i < sizeof(said_in); i++) {
		struct sip_name_addr_walk walk;
		struct sip_name_addr name;

		sip_walk(&walk, &p->msg, said_in[i], SIP_E_HEADER);
		while (sip_walk_next(&walk, &name)) {
			r = uri_on_flow(p, name.uri, &p->b->src, p->b->sa_id, party);
			if (r)
				return r;
		}
	}
	r = p->flow.only;
	if (!r || (reg_impu(r, r->default_impu)->flags & ABI_IMPU_BARRED) ||
	    !reg_contact_on_flow(r, &p->b->src, p->b->sa_id, p->now))
		return NULL;
	*party = default_party(r);
	return r;
}

/* The list of option tags without sec-agree; a line that had no other goes. */
static void strip_option(struct pass *p, const struct sip_header *h)
{
	struct text *t = &p->edits->arena;
	struct slice rest = sip_value(&p->msg, h), token;
	uint32_t from = t->len;
	bool found = false;

	while (sip_next_token(&rest, &token)) {
		if (slice_eq_nocase(token, SLICE("sec-agree"))) {
			found = true;
			continue;
		}
		if (t->len > from)
			text_char(t, ',');
		text_put(t, token);
	}
	if (!found)
		return;
	if (t->len > from)
		sip_edit_replace(p->edits, h->value, h->value_len, text_since(t, from));
	else
		sip_edit_delete_header(p->edits, h);
}

/* What a UE says of its security agreement ends here (§5.2.6.3.3, RFC 3329 §2.6). */
static void strip_agreement(struct pass *p)
{
	static const uint8_t said[] = {SIP_H_SECURITY_VERIFY, SIP_H_SECURITY_CLIENT};
	static const uint8_t options[] = {SIP_H_REQUIRE, SIP_H_PROXY_REQUIRE};

	if (!p->b->sa_id)
		return;
	strip(p, said, sizeof(said));
	for (uint32_t i = 0; i < sizeof(options); i++)
		for (const struct sip_header *h = sip_first(&p->msg, options[i]); h;
		     h = sip_next(&p->msg, h))
			strip_option(p, h);
}

bool pcscf_caller(struct pass *p, bool *emergency)
{
	const struct reg_contact *c;
	struct party party;

	strip_agreement(p);
	sip_edit_delete_all(p->edits, &p->msg, SIP_H_RECORD_ROUTE);
	p->orig_set = p->flow.users ? choose_identity(p, &party) : NULL;
	if (!p->orig_set)
		return false;
	c = reg_contact_on_flow(p->orig_set, &p->b->src, p->b->sa_id, p->now);
	*emergency = c && (c->flags & ABI_CONTACT_EMERGENCY);
	p->assert_identity = true;
	p->asserted = party.identity;
	p->orig_user = party.user;
	return true;
}

static enum verdict to_scscf(struct pass *p)
{
	const struct registration *r = p->orig_set;

	if (!r->scscf.family)
		return answer(p, 503, "the S-CSCF of this user has no address");
	p->target[0] = (struct target){
		.dst = r->scscf,
		.route = reg_text(r, r->service_route, r->service_route_len),
	};
	p->n_targets = 1;
	p->stage = STAGE_ROUTED;
	return VERDICT_NEXT;
}

enum verdict pcscf_originating(struct pass *p)
{
	struct party party;

	if (p->stage != STAGE_ARRIVED || p->source != SOURCE_UE)
		return VERDICT_NEXT;
	p->orig_set = choose_identity(p, &party);
	if (!p->orig_set)
		return answer(p, 403, "the identity is not registered from this address");
	p->assert_identity = true;
	p->asserted = party.identity;
	p->orig_user = party.user;
	strip_agreement(p);
	/* Nothing lies between a terminal and us; what it recorded would come back as a Route
	 * to nowhere. */
	sip_edit_delete_all(p->edits, &p->msg, SIP_H_RECORD_ROUTE);
	/* The stored Service-Route stands for whatever Routes the UE wrote (§5.2.6.3.3 item
	 * 3b). */
	p->drop_routes = true;
	if (p->orig_set->roles & ABI_REG_SCSCF) {
		p->stage = STAGE_ORIGINATING;
		return VERDICT_NEXT;
	}
	return to_scscf(p);
}

/* It says on purpose not whose it is (RFC 5627 §3.1.2). */
static bool is_temporary_gruu(struct slice text)
{
	struct sip_uri uri;
	struct slice gr;

	return sip_uri_decode(text, &uri) == SIP_OK &&
	       sip_param(uri.params, SLICE("gr"), &gr) && gr.len == 0;
}

/* The user a request is delivered to, for the token of the dialog: P-Called-Party-ID tells
 * which of those on the flow. False: that user is not on this flow any more; somebody else has
 * the address now. */
static bool note_called_user(struct pass *p, const struct reg_flow *flow)
{
	struct party party;
	struct sip_name_addr_walk walk;
	struct sip_name_addr name;

	sip_walk(&walk, &p->msg, SIP_H_P_CALLED_PARTY_ID, SIP_E_HEADER);
	if (sip_walk_next(&walk, &name) && !is_temporary_gruu(name.uri)) {
		if (!uri_on_flow(p, name.uri, &flow->flow, flow->sa_id, &party))
			return false;
	} else if (flow->only) {
		party = default_party(flow->only);
	} else {
		return true;
	}
	p->term_user = party.user;
	return true;
}

enum verdict pcscf_deliver(struct pass *p)
{
	struct reg_flow flow;

	if (p->stage != STAGE_DELIVER)
		return VERDICT_NEXT;
	if (!table_find_flow(p->w->tables, &p->path_flow,
			     table_hash_flow(p->w->tables, &p->path_flow), &flow))
		return answer(p, 480, "the terminal's flow is gone");
	if (!note_called_user(p, &flow))
		return answer(p, 480, "the called user has left this flow");
	p->target[0] = (struct target){
		.dst = flow.flow, .local = flow.local, .sa_id = flow.sa_id, .ue = true};
	p->n_targets = 1;
	p->drop_routes = true;
	p->stage = STAGE_ROUTED;
	return VERDICT_NEXT;
}

static const struct registration *dialog_user(struct pass *p, uint64_t user)
{
	const struct registration *r = user ? table_find_user(p->w->tables, user) : NULL;

	return r && (r->roles & ABI_REG_PCSCF) ? r : NULL;
}

/* The identity in a set that a token names by its hash. */
static bool identity_of_user(const struct registration *r, uint64_t user,
			     struct slice *identity)
{
	uint32_t i;

	if (!r || !reg_impu_by_hash(r, user, &i))
		return false;
	*identity = reg_text(r, reg_impu(r, i)->at, reg_impu(r, i)->len);
	__builtin_prefetch(identity->p); /* needed when the message leaves */
	return true;
}

/* A request that speaks for its sender carries the sender's identity, in a dialog too. */
static void assert_party(struct pass *p, const struct registration *r, uint64_t user)
{
	uint8_t m = p->msg.method;

	if (m != SIP_M_ACK && m != SIP_M_BYE && m != SIP_M_PRACK)
		p->assert_identity = identity_of_user(r, user, &p->asserted);
}

/* True if the sender is one of the two parties this dialog's token names. */
static bool dialog_source(struct pass *p, const struct registration *orig,
			  const struct registration *term)
{
	const struct addr *src = &p->b->src;

	if (orig && reg_contact_on_flow(orig, src, p->b->sa_id, p->now)) {
		p->source = SOURCE_UE;
		p->from_orig = true;
		assert_party(p, orig, p->token.orig);
		return true;
	}
	if (term && reg_contact_on_flow(term, src, p->b->sa_id, p->now)) {
		p->source = SOURCE_UE;
		assert_party(p, term, p->token.term);
		return true;
	}
	if ((p->token.legs & TOKEN_ORIG_FLOW) && addr_eq(src, &p->path_flow) && !p->b->sa_id) {
		p->source = SOURCE_UE;
		p->from_orig = true;
		return true;
	}
	if ((p->token.legs & (TOKEN_ORIG_PEER | TOKEN_TERM_PEER)) && pass_from_peer(p)) {
		p->source = SOURCE_PEER;
		p->from_orig = p->token.legs & TOKEN_ORIG_PEER;
		return true;
	}
	return false;
}

/* The contact of a party that the Request-URI means: the flow at its address, or, for a
 * terminal behind a translator, the contact that was registered with this very URI. */
static const struct reg_contact *dialog_contact(struct pass *p, const struct registration *r,
						const struct sip_uri *uri, const struct addr *a)
{
	if (!r)
		return NULL;
	for (uint32_t i = 0; i < r->n_contact; i++) {
		const struct reg_contact *c = reg_contact(r, i);
		struct sip_uri registered;

		if (c->expires_ms <= p->now || !c->flow.family)
			continue;
		if (a->family && addr_eq(&c->flow, a))
			return c;
		if (sip_uri_decode(reg_text(r, c->uri, c->uri_len), &registered) == SIP_OK &&
		    slice_eq_nocase(registered.host, uri->host) &&
		    registered.port == uri->port && slice_eq(registered.user, uri->user))
			return c;
	}
	return NULL;
}

/* The contact of the terminal that gave a GRUU as its Contact in this dialog: the set that has
 * the identity is one of the two parties' (RFC 5627 §4.4.1). The latest flow of several. */
static const struct reg_contact *gruu_contact(struct pass *p, const struct registration *orig,
					      const struct registration *term,
					      const struct registration **of)
{
	const struct reg_contact *best = NULL;
	uint32_t i;

	if (!p->uri.params.len)
		return NULL;
	pass_called(p);
	if (p->gruu_kind != GRUU_PUBLIC && p->gruu_kind != GRUU_TEMPORARY)
		return NULL;
	*of = pass_registration(p, &p->called, &i);
	if (!*of || (*of != orig && *of != term))
		return NULL;
	for (i = 0; i < (*of)->n_contact; i++) {
		const struct reg_contact *c = reg_contact(*of, i);

		if (c->instance == p->gruu.instance && c->expires_ms > p->now &&
		    c->flow.family && (!best || c->registered_ms > best->registered_ms))
			best = c;
	}
	return best;
}

/* The far end's terminal has gone elsewhere and has not said so in this dialog yet: the party
 * is meant, where it has one terminal. */
static const struct reg_contact *moved_contact(struct pass *p, const struct registration *r,
					       const struct sip_uri *uri)
{
	const struct reg_contact *c = r && r->n_contact == 1 ? reg_contact(r, 0) : NULL;
	struct sip_uri registered;

	return c && c->expires_ms > p->now && c->flow.family &&
			       sip_uri_decode(reg_text(r, c->uri, c->uri_len), &registered) ==
				       SIP_OK &&
			       registered.user.len && slice_eq(registered.user, uri->user)
		       ? c
		       : NULL;
}

/* Where an in-dialog request goes next: the next Route, else the far end's contact. */
static enum verdict dialog_target(struct pass *p, const struct registration *orig,
				  const struct registration *term)
{
	struct sip_uri next, *uri = p->next_route.p ? &next : &p->uri;
	const struct registration *of;
	struct addr a = {0};

	if (p->next_route.p ? sip_uri_decode(p->next_route, uri) != SIP_OK : !p->uri_sound)
		return answer(p, 400, "malformed Route or Request-URI");
	sip_uri_addr(uri, 5060, &a);
	if (!p->next_route.p) {
		const struct reg_contact *c = dialog_contact(p, term, uri, &a);
		if (!c)
			c = dialog_contact(p, orig, uri, &a);
		if (!c && (p->token.legs & TOKEN_ORIG_FLOW) && p->source == SOURCE_PEER) {
			p->target[0] = (struct target){.dst = p->path_flow, .ue = true};
			return VERDICT_NEXT;
		}
		if (c) {
			p->target[0] = (struct target){.dst = c->flow,
						       .local = c->local,
						       .sa_id = c->sa_id,
						       .ue = true};
			return VERDICT_NEXT;
		}
		c = gruu_contact(p, orig, term, &of);
		if (!c) {
			of = p->from_orig ? term : orig;
			c = moved_contact(p, of, uri);
		}
		if (c) {
			p->target[0] = (struct target){
				.dst = c->flow,
				.local = c->local,
				.sa_id = c->sa_id,
				.uri = reg_text(of, c->uri, c->uri_len),
				.ue = true,
			};
			return VERDICT_NEXT;
		}
	}
	/* A terminal leaves towards a peer only in a dialog that has one on its other side. */
	if (a.family && node_is_peer(p->w->node, &a) &&
	    (p->source == SOURCE_PEER ||
	     (p->token.legs & (TOKEN_ORIG_PEER | TOKEN_TERM_PEER)))) {
		p->target[0] = (struct target){.dst = a};
		return VERDICT_NEXT;
	}
	if (p->msg.method == SIP_M_ACK)
		return pass_drop(p, COUNT_DROP_DESTINATION);
	return answer(p, 404, "the destination is neither registered nor a peer");
}

enum verdict pcscf_dialog(struct pass *p)
{
	const struct registration *orig, *term;
	enum verdict v;

	if (p->stage != STAGE_DIALOG)
		return VERDICT_NEXT;
	orig = dialog_user(p, p->token.orig);
	term = dialog_user(p, p->token.term);
	if (!dialog_source(p, orig, term)) {
		if (p->msg.method == SIP_M_ACK)
			return pass_drop(p, COUNT_DROP_UNTRUSTED);
		return answer(p, 403, "not a party of this dialog");
	}
	v = dialog_target(p, orig, term);
	if (v != VERDICT_NEXT)
		return v;
	if (p->source == SOURCE_UE)
		strip_agreement(p);
	p->n_targets = 1;
	p->stage = STAGE_ROUTED;
	return VERDICT_NEXT;
}

static void push_asserted_identity(struct pass *p, struct slice identity)
{
	struct text *t = &p->edits->arena;
	uint32_t from = t->len;

	text_lit(t, "P-Asserted-Identity: <");
	text_put(t, identity);
	text_lit(t, ">\r\n");
	sip_edit_push(p->edits, &p->msg, text_since(t, from));
}

/* RFC 7315 §4.6. */
static void push_charging_vector(struct pass *p)
{
	struct text *t = &p->edits->arena;
	uint32_t from = t->len;

	text_lit(t, "P-Charging-Vector: icid-value=\"");
	token_icid_put(t, &p->w->node->token_key, p->call_id);
	text_lit(t, "\";icid-generated-at=");
	addr_put_host(t, &p->b->dst);
	text_lit(t, ";orig-ioi=");
	text_put(t, p->w->node->realm);
	text_lit(t, "\r\n");
	sip_edit_push(p->edits, &p->msg, text_since(t, from));
}

static enum trust_side side_of(const struct pass *p, bool ue, const struct addr *a)
{
	return ue ? TRUST_UE : trust_side_of(p->w->node, a);
}

void pcscf_leave(struct pass *p, const struct target *to)
{
	bool from_ue = p->source == SOURCE_UE;
	enum trust_side far = side_of(p, to->ue, &to->dst);

	trust_cross(p, side_of(p, from_ue, &p->b->src), far);
	if (p->assert_identity && (far == TRUST_HOME || !trust_is_private(p)))
		push_asserted_identity(p, p->asserted);
	if (far != TRUST_FOREIGN)
		service_id_leave(p);
	if (from_ue && far == TRUST_HOME && p->msg.method != SIP_M_ACK)
		push_charging_vector(p);
}

/* §5.2.6.4.4: the called user is asserted by the P-CSCF in what the called UE answers. */
static void assert_answerer(struct pass *p, uint64_t user)
{
	struct slice identity;

	if (identity_of_user(dialog_user(p, user), user, &identity))
		push_asserted_identity(p, identity);
}

void pcscf_response(struct pass *p, bool from_ue, bool to_ue, const struct addr *to,
		    uint64_t term_user)
{
	enum trust_side far = side_of(p, to_ue, to);

	trust_cross(p, side_of(p, from_ue, &p->b->src), far);
	if (from_ue && term_user && !trust_is_private(p) && p->msg.status > 100 &&
	    p->msg.status < 300)
		assert_answerer(p, term_user);
}
