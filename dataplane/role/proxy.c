/* proxy.c - what every SIP proxy does with a request (RFC 3261 §16.3, §16.4) */
#include "role/proxy.h"
#include "role/answer.h"
#include "role/hide.h"
#include "sip/field.h"
#include "sip/parse.h"

static void decode_common(struct pass *p)
{
	p->call_id = sip_first_value(&p->msg, SIP_H_CALL_ID);
	p->from_tag = p->msg.from_tag;
	p->to_tag = p->msg.to_tag;
	p->is_dialog = p->to_tag.len > 0;
}

/* The same, as far as it goes, of a message that was not read to its end. */
static void decode_refused(struct pass *p)
{
	p->call_id = sip_first_value(&p->msg, SIP_H_CALL_ID);
	p->from_tag = sip_tag(sip_first_value(&p->msg, SIP_H_FROM));
	p->to_tag = sip_tag(sip_first_value(&p->msg, SIP_H_TO));
	p->is_dialog = p->to_tag.len > 0;
}

static enum sip_error parse(struct pass *p)
{
	enum sip_error e = sip_parse(buf_slice(p->b), &p->msg);

	if (e != SIP_OK)
		return e;
	return sip_via_decode(sip_first_value(&p->msg, SIP_H_VIA), &p->via, &p->via_rest);
}

void proxy_parse(struct pass *p)
{
	p->error = parse(p);
	if (p->error != SIP_OK)
		return;
	decode_common(p);
	if (sip_is_request(&p->msg))
		p->uri_sound = sip_uri_decode(p->msg.uri, &p->uri) == SIP_OK;
}

enum verdict proxy_refuse(struct pass *p)
{
	const struct sip_error_info *info = sip_error_info(p->error);

	if (p->msg.status)
		return pass_drop(p, COUNT_DROP_PARSE_RESPONSE);
	if (!info->status || !sip_parse_answerable(&p->msg) ||
	    sip_via_top(&p->msg, &p->via) != SIP_OK)
		return pass_drop(p, p->error == SIP_E_NOT_SIP ? COUNT_DROP_NOT_SIP
							      : COUNT_DROP_PARSE_REQUEST);
	decode_refused(p);
	return answer(p, info->status, info->warning);
}

/* §16.3 step 3. OPTIONS that ends here could be answered instead; so could others: the clause
 * leaves it open. */
static enum verdict check_max_forwards(struct pass *p)
{
	const struct sip_header *h = sip_first(&p->msg, SIP_H_MAX_FORWARDS);

	p->max_forwards = 70;
	if (h && sip_max_forwards_decode(sip_value(&p->msg, h), &p->max_forwards) != SIP_OK)
		return answer(p, 400, sip_error_info(SIP_E_MAX_FORWARDS)->warning);
	if (p->max_forwards == 0)
		return answer(p, 483, "Max-Forwards has come to 0");
	return VERDICT_NEXT;
}

/* Option tags a proxy here understands: those that ask nothing of a proxy but to follow the
 * specification. */
static bool option_known(const struct pass *p, struct slice token)
{
	return slice_eq_nocase(token, SLICE("path")) ||
	       (p->b->sa_id && slice_eq_nocase(token, SLICE("sec-agree")));
}

/* §16.3 step 5: Proxy-Require, with Unsupported for what we do not know. That of a REGISTER is
 * control's, which knows more: security agreements. */
static enum verdict check_proxy_require(struct pass *p)
{
	uint8_t line[512];
	struct text unsupported = text_in(line, sizeof(line));
	bool any = false;

	if (p->msg.method == SIP_M_REGISTER)
		return VERDICT_NEXT;
	for (const struct sip_header *h = sip_first(&p->msg, SIP_H_PROXY_REQUIRE); h;
	     h = sip_next(&p->msg, h)) {
		struct slice rest = sip_value(&p->msg, h), token;

		while (sip_next_token(&rest, &token)) {
			if (option_known(p, token))
				continue;
			text_str(&unsupported, any ? ", " : "Unsupported: ");
			text_put(&unsupported, token);
			any = true;
		}
	}
	if (!any)
		return VERDICT_NEXT;
	text_lit(&unsupported, "\r\n");
	return answer_with(p, 420, "Proxy-Require asks for an extension not supported here",
			   unsupported.overflow ? SLICE_EMPTY : text_slice(&unsupported));
}

/* Where an Application Server has left the path, the request that began the dialog passed here
 * several times, and so many entries are ours: what the first does not say of the two users,
 * the others do. False: it is no token of this dialog, or nothing more is asked. */
static bool read_dialog(struct pass *p, struct slice user)
{
	enum { ORIG = TOKEN_ORIG_UE | TOKEN_ORIG_PEER, TERM = TOKEN_TERM_UE | TOKEN_TERM_PEER };
	struct token_dialog further;

	if (!p->own_dialog) {
		p->own_dialog =
			token_dialog_get(user, &p->w->node->token_key, p->call_id, &p->token);
		return p->own_dialog;
	}
	if ((p->token.orig && p->token.term) ||
	    !token_dialog_get(user, &p->w->node->token_key, p->call_id, &further))
		return false;
	if (!p->token.orig) {
		p->token.orig = further.orig;
		p->token.legs = (uint8_t)((p->token.legs & ~ORIG) | (further.legs & ORIG));
	}
	if (!p->token.term) {
		p->token.term = further.term;
		p->token.legs = (uint8_t)((p->token.legs & ~TERM) | (further.legs & TERM));
	}
	return true;
}

/* What a Route of ours tells. */
static void read_own_route(struct pass *p, const struct sip_uri *uri)
{
	const struct hash_key *key = &p->w->node->token_key;

	struct slice by;

	if (slice_eq(uri->user, SLICE("orig")))
		p->orig = true;
	else if (!p->chained && token_is_chain(uri->user))
		p->chain_forged =
			(p->chained = true) && !token_chain_get(uri->user, key, &p->chain);
	else if (!p->hidden_route.p && slice_starts(uri->user, SLICE("h")) &&
		 sip_param(uri->params, SLICE("tokenized-by"), &by))
		p->route_forged |= !hide_route(p, slice_from(uri->user, 1));
	else if (read_dialog(p, uri->user))
		return;
	else if (!p->own_path && token_path_get(uri->user, key, &p->path_flow))
		p->own_path = true;
	else if (!p->own_dialog && token_flow_get(uri->user, key, p->call_id, &p->path_flow)) {
		p->own_dialog = true;
		p->token.legs = TOKEN_ORIG_UE | TOKEN_ORIG_FLOW | TOKEN_TERM_PEER;
	}
}

/* Our Record-Route comes back letter by letter, nearly always: then it need not be taken apart.
 */
static bool read_as_written(struct pass *p, struct slice value, struct slice *rest)
{
	const struct slice end = SLICE(";lr>");
	const struct role_worker *w = p->w;
	struct slice token = slice_sub(value, 5, TOKEN_DIALOG_LEN),
		     tail = slice_from(value, 5 + TOKEN_DIALOG_LEN);

	if (!slice_starts(value, SLICE("<sip:d")) || !slice_starts(tail, SLICE("@")))
		return false;
	for (uint32_t i = 0; i < w->n_sites; i++) {
		struct slice site = slice_of(w->site[i].text, w->site[i].len);

		if (!slice_starts(slice_from(tail, 1), site) ||
		    !slice_starts(slice_from(tail, 1 + site.len), end))
			continue;
		tail = slice_from(tail, 1 + site.len + end.len);
		if (tail.len && tail.p[0] != ',')
			return false;
		*rest = slice_from(tail, 1);
		read_dialog(p, token);
		return true;
	}
	return false;
}

/* A token that a foreign network gave back: the first entry it stands for is next. `behind` it
 * the header goes on. */
static enum sip_error follow_hidden(struct pass *p, const struct sip_header *h,
				    const uint8_t *behind)
{
	struct sip_name_addr element;
	struct slice rest;

	if (sip_name_addr_decode(p->hidden_route, SIP_E_ROUTE, &element, &rest) != SIP_OK)
		return SIP_E_ROUTE;
	p->next_route = element.uri;
	p->foreign_route = h;
	p->foreign_at = (uint16_t)(h->value + (behind - sip_value(&p->msg, h).p));
	return SIP_OK;
}

/* Reads own URIs at the front of one Route header. *more: all of it is ours, look at the next.
 */
static enum sip_error read_routes(struct pass *p, const struct sip_header *h, bool *more)
{
	struct slice value = sip_value(&p->msg, h), rest = value;
	struct sip_name_addr element;
	struct sip_uri uri;

	while (rest.len) {
		struct slice from_here = rest;

		if (read_as_written(p, rest, &rest))
			continue;
		if (sip_name_addr_decode(rest, SIP_E_ROUTE, &element, &rest) != SIP_OK ||
		    sip_uri_decode(element.uri, &uri) != SIP_OK)
			return SIP_E_ROUTE;
		if (node_own_uri(p->w->node, &uri)) {
			read_own_route(p, &uri);
			if (!p->hidden_route.len)
				continue;
			*more = false;
			return follow_hidden(p, h, rest.len ? rest.p : value.p + value.len);
		}
		*more = false;
		p->next_route = element.uri;
		p->foreign_route = h;
		p->foreign_at = (uint16_t)(h->value + (from_here.p - value.p));
		return SIP_OK;
	}
	*more = true;
	return SIP_OK;
}

void proxy_routes(struct pass *p)
{
	const struct sip_header *h = sip_first(&p->msg, SIP_H_ROUTE);
	bool more = true;

	for (; h && more; h = sip_next(&p->msg, h)) {
		if (read_routes(p, h, &more) != SIP_OK) {
			p->routes_unsound = true;
			return;
		}
	}
}

/* A strict router puts our Record-Route into the Request-URI (§16.4, second paragraph). RFC
 * 3261 made loose routing mandatory, and our Record-Route says lr: such a request is refused,
 * not guessed at. */
static bool is_strict_routed(const struct pass *p)
{
	struct token_dialog token;

	return p->uri_sound && p->uri.user.len > 50 &&
	       token_dialog_get(p->uri.user, &p->w->node->token_key, p->call_id, &token);
}

static enum verdict check_routes(struct pass *p)
{
	if (is_strict_routed(p))
		return answer(
			p, 400,
			"the Request-URI is a Record-Route: strict routing is not supported");
	if (p->route_forged)
		return answer(p, 403, "this node did not make that Route");
	if (p->routes_unsound)
		return answer(p, 400, sip_error_info(SIP_E_ROUTE)->warning);
	return VERDICT_NEXT;
}

/* A request inside a dialog of ours goes where its token and its Request-URI say, to one place:
 * only what may fork can multiply in a loop (RFC 5393 §4.2); Max-Forwards ends any other. */
static enum verdict check_loop(struct pass *p)
{
	if (p->own_dialog && p->is_dialog)
		return VERDICT_NEXT;
	p->has_loop = true;
	p->loop = branch_loop_hash(p);
	if (branch_is_loop(p, p->loop))
		return answer(p, 482, "the request has been here before, unchanged");
	return VERDICT_NEXT;
}

enum verdict proxy_validate(struct pass *p)
{
	enum verdict v = check_max_forwards(p);

	if (v == VERDICT_NEXT)
		v = check_proxy_require(p);
	if (v == VERDICT_NEXT)
		v = check_routes(p);
	if (v == VERDICT_NEXT)
		v = check_loop(p);
	return v;
}

void proxy_source(struct pass *p)
{
	const struct addr *src = &p->b->src;

	p->source = SOURCE_UNKNOWN;
	if (!p->flow_hashed)
		p->flow_hash = table_hash_flow(p->w->tables, src);
	if ((p->w->node->roles & NODE_PCSCF) &&
	    table_find_flow(p->w->tables, src, p->flow_hash, &p->flow) &&
	    (p->flow.users > 1 || p->flow.sa_id == p->b->sa_id))
		p->source = SOURCE_UE;
	else if (pass_from_peer(p))
		p->source = SOURCE_PEER;
}
