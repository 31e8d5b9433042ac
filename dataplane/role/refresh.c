/* refresh.c - refresh REGISTERs that need nobody else, answered here
 *
 * The tables are control's to write: nothing here changes a binding. Control is told what was
 * granted and prolongs the binding itself. If it has ended the registration meanwhile, that
 * stands, in spite of the 200 OK: the terminal learns it from the answer to its next request.
 */
#include "role/refresh.h"

#include "role/answer.h"
#include "role/proxy.h"
#include "sip/field.h"

/* answer_make() has that much for further lines. */
enum { LINES_MAX = 2048 };

struct refresh {
	const struct registration *set;
	const struct reg_contact *contact; /* to be prolonged */
	struct slice params;               /* of the request's Contact */
	struct slice impu;                 /* the identity that refreshes, canonical */
	uint8_t memory[IMPU_MAX];
	struct slice asked; /* the value of its expires, if says_expires */
	bool says_expires;
	uint32_t expires; /* granted */
	bool is_repeat;
	struct text lines; /* of the 200 OK */
};

/* As control makes the hashes of a contact (abi/install.h). */
static uint64_t hash_of(const struct pass *p, struct slice s)
{
	return hash_table(&p->w->node->token_key, s.p, s.len);
}

/* Both roles are ours, the address stands for the user, and the answer is within reach. Of a
 * second contact the 200 OK would have to say more than the tables know. */
static bool find_binding(struct pass *p, struct refresh *r)
{
	enum { BOTH = ABI_REG_PCSCF | ABI_REG_SCSCF };
	enum { FLAGS = ABI_CONTACT_PROTECTED | ABI_CONTACT_REFRESH };
	const struct registration *set;

	proxy_source(p);
	set = p->flow.only;
	if (p->source != SOURCE_UE || !set || (set->roles & BOTH) != BOTH)
		return false;
	r->set = set;
	r->contact = reg_contact_on_flow(set, &p->b->src, p->b->sa_id, p->now);
	if (!r->contact || (r->contact->flags & FLAGS) != FLAGS)
		return false;
	for (uint32_t i = 0; i < set->n_contact; i++)
		if (reg_contact(set, i) != r->contact &&
		    reg_contact(set, i)->expires_ms > p->now)
			return false;
	return true;
}

/* §10.3 step 1, and a request that has been to nobody else before. */
static bool is_for_registrar(const struct pass *p)
{
	const struct sip_uri *uri = &p->uri;

	return p->uri_sound && uri->scheme <= SIP_SCHEME_SIPS && uri->user.len == 0 &&
	       node_own_domain(p->w->node, uri->host) && !p->is_dialog && !p->resume;
}

/* What asks for more than a binding: extensions (§10.3 step 2), a security agreement (RFC
 * 3329), a P-CSCF before us (RFC 3327). */
static bool is_plain(const struct pass *p)
{
	static const uint8_t not_here[] = {SIP_H_PROXY_REQUIRE, SIP_H_PATH,
					   SIP_H_SECURITY_CLIENT, SIP_H_SECURITY_VERIFY};
	const struct sip_header *h;

	for (uint32_t i = 0; i < sizeof(not_here); i++)
		if (p->msg.first[not_here[i]] != SIP_NO_HEADER)
			return false;
	for (h = sip_first(&p->msg, SIP_H_REQUIRE); h; h = sip_next(&p->msg, h)) {
		struct slice rest = sip_value(&p->msg, h), token;

		while (sip_next_token(&rest, &token))
			if (!slice_eq_nocase(token, SLICE("path")) &&
			    !slice_eq_nocase(token, SLICE("outbound")) &&
			    !slice_eq_nocase(token, SLICE("gruu")))
				return false;
	}
	return true;
}

/* §10.3 step 4. Terminals send Authorization always, with an empty response as long as there is
 * nothing to respond to (TS 24.229 §5.1.1.4); a response is control's to check. */
static bool is_same_user(const struct pass *p, const struct refresh *r)
{
	const struct sip_header *h = sip_first(&p->msg, SIP_H_AUTHORIZATION);
	struct slice scheme, rest, name, value;
	bool named = false;

	if (!h)
		return true;
	if (sip_next(&p->msg, h) || !sip_auth_scheme(sip_value(&p->msg, h), &scheme, &rest) ||
	    !slice_eq_nocase(scheme, SLICE("Digest")))
		return false;
	while (sip_auth_param(&rest, &name, &value)) {
		if (slice_eq_nocase(name, SLICE("username"))) {
			if (named || (uint32_t)hash_of(p, value) != r->contact->impi)
				return false;
			named = true;
		} else if (value.len && (slice_eq_nocase(name, SLICE("response")) ||
					 slice_eq_nocase(name, SLICE("auts")))) {
			return false;
		}
	}
	return named && slice_trim(rest).len == 0;
}

static bool has_identity(const struct registration *set, struct slice identity)
{
	for (uint32_t i = 0; i < set->n_impu; i++) {
		const struct reg_impu *impu = reg_impu(set, i);

		if (slice_eq(reg_text(set, impu->at, impu->len), identity))
			return !(impu->flags & ABI_IMPU_BARRED);
	}
	return false;
}

/* §10.3 step 5; and not one user for another. */
static bool is_own_address(const struct pass *p, struct refresh *r)
{
	struct sip_name_addr to, from;
	struct slice rest;
	struct sip_uri uri;
	struct text identity = text_in(r->memory, sizeof(r->memory));

	if (sip_name_addr_decode(sip_first_value(&p->msg, SIP_H_TO), SIP_E_TO, &to, &rest) !=
		    SIP_OK ||
	    sip_name_addr_decode(sip_first_value(&p->msg, SIP_H_FROM), SIP_E_FROM, &from,
				 &rest) != SIP_OK ||
	    !slice_eq(to.uri, from.uri) || sip_uri_decode(to.uri, &uri) != SIP_OK)
		return false;
	if ((uri.host.len && !node_own_domain(p->w->node, uri.host)) ||
	    !sip_uri_identity(&uri, &identity))
		return false;
	r->impu = text_slice(&identity);
	return has_identity(r->set, r->impu);
}

/* Nearly always a terminal writes its Contact as it did before, and nothing need be decoded. */
static bool is_as_bound(struct slice value, struct slice uri, struct slice *params)
{
	struct slice behind = slice_from(value, 1 + uri.len);

	if (!slice_starts(value, SLICE("<")) || !slice_starts(slice_from(value, 1), uri) ||
	    !slice_starts(behind, SLICE(">")))
		return false;
	*params = slice_from(behind, 1);
	return true;
}

/* §10.3 step 6: one Contact, the one that is bound. Line folds are control's to make even. */
static bool is_same_contact(const struct pass *p, struct refresh *r)
{
	const struct sip_header *h = sip_first(&p->msg, SIP_H_CONTACT);
	struct slice value, rest, uri = reg_text(r->set, r->contact->uri, r->contact->uri_len);
	struct sip_name_addr asked;

	if (!h || sip_next(&p->msg, h))
		return false;
	value = sip_value(&p->msg, h);
	if (slice_find(value, '\n') != value.len || slice_find(value, 0) != value.len)
		return false;
	if (is_as_bound(value, uri, &r->params))
		return true;
	if (sip_name_addr_decode(value, SIP_E_CONTACT, &asked, &rest) != SIP_OK ||
	    slice_trim(rest).len || asked.star)
		return false;
	r->params = asked.params;
	return slice_eq(asked.uri, uri);
}

/* The Contact as it came, but for its expires, which is noted. False: a parameter is malformed,
 * or there are more than can be registered, or another Contact follows. */
static bool put_contact(struct refresh *r)
{
	struct slice rest = r->params;
	struct sip_param param;
	enum sip_param_step step;

	text_lit(&r->lines, "Contact: <");
	text_put(&r->lines, reg_text(r->set, r->contact->uri, r->contact->uri_len));
	text_char(&r->lines, '>');
	while ((step = sip_param_next(&rest, &param)) == SIP_PARAM_FOUND) {
		if (slice_eq_nocase(param.name, SLICE("pub-gruu")) ||
		    slice_eq_nocase(param.name, SLICE("temp-gruu")))
			continue; /* the registrar's to say */
		if (!slice_eq_nocase(param.name, SLICE("expires"))) {
			text_put(&r->lines, param.whole);
		} else if (!r->says_expires) {
			r->says_expires = true;
			r->asked = param.value;
		}
	}
	return step == SIP_PARAM_END && slice_trim(rest).len == 0 &&
	       r->params.len <= ABI_CONTACT_PARAMS_MAX;
}

/* What the request asks for: of its Contact, of all, or what it gets that does not ask. */
static bool expires_asked(const struct pass *p, const struct refresh *r, uint32_t *out)
{
	const struct sip_header *h = sip_first(&p->msg, SIP_H_EXPIRES);

	if (r->says_expires)
		return sip_delta_seconds(r->asked, out);
	if (h)
		return !sip_next(&p->msg, h) && sip_delta_seconds(sip_value(&p->msg, h), out);
	*out = atomic_load_explicit(&p->w->node->expires.default_s, memory_order_relaxed);
	return true;
}

/* §10.3 step 7. 0 ends the binding and a short one is answered 423: control's, both. */
static bool has_expires(const struct pass *p, struct refresh *r)
{
	const struct node_expires *bound = &p->w->node->expires;
	uint32_t max = atomic_load_explicit(&bound->max_s, memory_order_relaxed);

	if (!expires_asked(p, r, &r->expires) || r->expires == 0 ||
	    r->expires < atomic_load_explicit(&bound->min_s, memory_order_relaxed))
		return false;
	if (r->expires > max)
		r->expires = max;
	return r->expires > 0;
}

/* §10.3 step 7: a request that comes behind a later one of its Call-ID changes nothing; control
 * refuses it.
 *
 * The very request that made the binding may come again because its 200 OK was lost. A server
 * transaction would send the same response (§17.2.2); without one, the binding itself says what
 * was granted: what is left of that is said again, and control is not asked, for nothing has
 * changed. After 64*T1 (Timer J) it is no repeat any more. As long as control has not told the
 * tables of a refresh, its repeat looks new and is granted anew; control knows it by its CSeq.
 */
static bool is_in_order(const struct pass *p, struct refresh *r)
{
	const struct reg_contact *c = r->contact;
	uint64_t timer_j = 64ull * p->w->node->t1_ms;

	if (hash_of(p, p->call_id) != c->call_id || p->msg.cseq > c->cseq)
		return true;
	if (p->msg.cseq < c->cseq || p->now > c->registered_ms + timer_j)
		return false;
	r->is_repeat = true;
	r->expires = (uint32_t)((c->expires_ms - p->now + 999) / 1000);
	return true;
}

/* The default identity first, barred ones not at all (TS 24.229 §5.4.1.2.2F). */
static void put_associated(struct text *t, const struct registration *set)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < set->n_impu; i++) {
		const struct reg_impu *impu = reg_impu(set, i);

		if (impu->flags & ABI_IMPU_BARRED)
			continue;
		text_str(t, n++ ? ", <" : "P-Associated-URI: <");
		text_put(t, reg_text(set, impu->at, impu->len));
		text_char(t, '>');
	}
	text_str(t, n ? "\r\n" : "");
}

static bool asks_for(const struct pass *p, struct slice option)
{
	return sip_has_token(&p->msg, SIP_H_SUPPORTED, option) ||
	       sip_has_token(&p->msg, SIP_H_REQUIRE, option);
}

/* As control writes them (RFC 5627 §5.3); the terminal's text is the request's, if it is the
 * one that is bound. */
static bool put_gruus(struct pass *p, struct refresh *r)
{
	const struct hash_key *key = &p->w->node->token_key;
	struct gruu temporary = {
		.user = token_user(key, r->impu),
		.instance = r->contact->instance,
		.call = (uint32_t)hash_of(p, p->call_id),
		.serial = (uint32_t)++p->w->serial,
	};
	struct text *t = &r->lines;
	struct slice instance;

	if (!r->contact->instance || !asks_for(p, SLICE("gruu")) ||
	    !slice_starts(r->impu, SLICE("sip:")))
		return true;
	if (!sip_param(r->params, SLICE("+sip.instance"), &instance) ||
	    gruu_instance(key, instance) != r->contact->instance)
		return false;
	text_lit(t, ";pub-gruu=\"");
	gruu_public_put(t, r->impu, instance);
	text_lit(t, "\";temp-gruu=\"");
	gruu_temporary_put(t, key, r->impu, &temporary);
	text_lit(t, "\"");
	return true;
}

/* RFC 5626 §6. */
static void put_outbound(const struct pass *p, struct refresh *r)
{
	if (!r->contact->instance || !r->contact->reg_id || !asks_for(p, SLICE("outbound")))
		return;
	text_lit(&r->lines, "Require: outbound\r\n");
	if (p->w->node->flow_timer_s) {
		text_lit(&r->lines, "Flow-Timer: ");
		text_u64(&r->lines, p->w->node->flow_timer_s);
		text_lit(&r->lines, "\r\n");
	}
}

static bool put_rest(struct pass *p, struct refresh *r)
{
	struct text *t = &r->lines;

	if (!put_gruus(p, r))
		return false;
	text_lit(t, ";expires=");
	text_u64(t, r->expires);
	text_lit(t, "\r\nService-Route: ");
	text_put(t, reg_text(r->set, r->set->service_route, r->set->service_route_len));
	text_lit(t, "\r\n");
	put_outbound(p, r);
	put_associated(t, r->set);
	return !t->overflow;
}

static enum verdict grant(struct pass *p, const struct refresh *r)
{
	struct buf *b = answer_make(p, 200, NULL, text_slice(&r->lines));

	if (!b)
		return pass_drop(p, COUNT_DROP_NOBUF);
	p->out->buf[p->out->n++] = b;
	p->w->granted = r->expires;
	p->punt = PUNT_REFRESHED;
	return VERDICT_PUNT;
}

static enum verdict refresh(struct pass *p)
{
	uint8_t memory[LINES_MAX];
	struct refresh r = {.lines = text_in(memory, sizeof(memory))};

	if (!find_binding(p, &r) || !is_for_registrar(p) || !is_plain(p) ||
	    !is_same_user(p, &r) || !is_own_address(p, &r) || !is_same_contact(p, &r) ||
	    !put_contact(&r) || !has_expires(p, &r) || !is_in_order(p, &r) || !put_rest(p, &r))
		return VERDICT_NEXT;
	if (r.is_repeat)
		return answer_with(p, 200, NULL, text_slice(&r.lines));
	return grant(p, &r);
}

enum verdict refresh_register(struct pass *p)
{
	return p->msg.method == SIP_M_REGISTER ? refresh(p) : VERDICT_NEXT;
}

uint32_t role_granted(const struct role_worker *w)
{
	return w->granted;
}
