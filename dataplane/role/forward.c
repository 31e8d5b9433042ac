/* forward.c - send a request on (RFC 3261 §16.6) */
#include "role/forward.h"
#include "role/answer.h"
#include "role/branch.h"
#include "role/emergency.h"
#include "role/hide.h"
#include "role/pcscf.h"
#include "role/policy.h"
#include "role/transaction.h"
#include "role/trust.h"
#include "sip/emit.h"
#include "sip/field.h"
#include "sip/reply.h"

static const char too_long[] = "the way back is longer than can be hidden";

/* The entries that a token stands for, in its place. */
static void put_hidden_route(struct pass *p, const struct sip_header *h)
{
	struct text *t = &p->edits->arena;
	uint32_t from = t->len;

	text_put(t, p->hidden_route);
	if (p->foreign_at < h->value + h->value_len)
		text_char(t, ',');
	sip_edit_replace(p->edits, h->value, (uint32_t)(p->foreign_at - h->value),
			 text_since(t, from));
}

/* §16.6 step 6, and what the P-CSCF asks for: Routes of ours go, foreign ones may stay. */
static void edit_routes(struct pass *p)
{
	for (const struct sip_header *h = sip_first(&p->msg, SIP_H_ROUTE); h;
	     h = sip_next(&p->msg, h)) {
		if (h != p->foreign_route || p->drop_routes) {
			sip_edit_delete_header(p->edits, h);
			continue;
		}
		if (p->hidden_route.len)
			put_hidden_route(p, h);
		else if (p->foreign_at > h->value)
			sip_edit_delete(p->edits, h->value,
					(uint32_t)(p->foreign_at - h->value));
		return;
	}
}

/* Step 3. */
static void edit_max_forwards(struct pass *p)
{
	const struct sip_header *h = sip_first(&p->msg, SIP_H_MAX_FORWARDS);
	struct text *t = &p->edits->arena;
	uint32_t from = t->len;

	if (h) {
		text_u64(t, (uint64_t)p->max_forwards - 1);
		sip_edit_replace(p->edits, h->value, h->value_len, text_since(t, from));
		while ((h = sip_next(&p->msg, h))) /* a second one would go on undiminished */
			sip_edit_delete_header(p->edits, h);
		return;
	}
	text_lit(t, "Max-Forwards: ");
	text_u64(t, (uint64_t)p->max_forwards - 1);
	text_lit(t, "\r\n");
	sip_edit_push(p->edits, &p->msg, text_since(t, from));
}

/* RFC 3261 §18.2.1, RFC 3581 §4: the top Via learns where the request really came from. */
static void edit_received(struct pass *p)
{
	struct text *t = &p->edits->arena;
	uint32_t from = t->len;
	struct slice old, params;

	sip_via_received(&p->via, &p->b->src, t, &old);
	params = text_since(t, from);
	if (old.p)
		sip_edit_replace_slice(p->edits, &p->msg, old, params);
	else if (params.len)
		sip_edit_insert(p->edits,
				(uint32_t)(p->via.whole.p + p->via.whole.len - p->msg.raw.p),
				params);
}

static void put_uri_of(struct pass *p, const struct addr *ip, uint16_t port, struct slice user)
{
	struct text *t = &p->edits->arena;

	text_lit(t, "<sip:");
	text_put(t, user);
	text_char(t, '@');
	role_put_site(t, p->w, ip, port);
	text_lit(t, ";lr>");
}

/* Step 4. Two entries where the two sides reach us at different addresses or ports (RFC 5658).
 */
static void push_record_route(struct pass *p, const struct target *to, const struct addr *local)
{
	uint8_t memory[TOKEN_TEXT_MAX];
	struct text token = text_in(memory, sizeof(memory));
	struct text *t = &p->edits->arena;
	uint32_t from = t->len;
	uint16_t port = role_port_under(p->w, p->b->sa_id);
	struct token_dialog d = {.orig = p->orig_user, .term = p->term_user};

	d.legs = (p->source == SOURCE_UE ? TOKEN_ORIG_UE : TOKEN_ORIG_PEER) |
		 (to->ue ? TOKEN_TERM_UE : TOKEN_TERM_PEER);
	if (p->unregistered)
		token_flow_put(&token, &p->w->node->token_key, &p->b->src, p->call_id);
	else
		token_dialog_put(&token, &p->w->node->token_key, &d, p->call_id);
	text_lit(t, "Record-Route: ");
	put_uri_of(p, local, local->port, text_slice(&token));
	if (local->port != port || !addr_same_ip(local, &p->b->dst)) {
		text_char(t, ',');
		put_uri_of(p, &p->b->dst, port, text_slice(&token));
	}
	text_lit(t, "\r\n");
	sip_edit_push(p->edits, &p->msg, text_since(t, from));
}

/* Step 8. `ref` NULL: stateless. */
static void push_via(struct pass *p, const struct target *to, const struct addr *local,
		     const struct branch_ref *ref)
{
	struct branch_side side = {
		.from_ue = p->source == SOURCE_UE,
		.to_ue = to->ue,
		.own_port = p->b->dst.port != p->w->node->sip_port,
		.timed = ref && p->timed,
	};
	struct addr back = answer_destination(&p->via, &p->b->src);
	struct text *t = &p->edits->arena;
	uint32_t from = t->len;

	text_lit(t, "Via: SIP/2.0/UDP ");
	role_put_site(t, p->w, local, local->port);
	text_lit(t, ";branch=");
	branch_put(t, p, side, ref, &back);
	text_lit(t, "\r\n");
	sip_edit_push(p->edits, &p->msg, text_since(t, from));
}

static void push_line(struct pass *p, struct slice name, struct slice value)
{
	struct text *t = &p->edits->arena;
	uint32_t from = t->len;

	text_put(t, name);
	text_put(t, value);
	text_lit(t, "\r\n");
	sip_edit_push(p->edits, &p->msg, text_since(t, from));
}

/* What differs from target to target. False: nothing leads to it. */
static bool edit_target(struct pass *p, const struct target *to, const struct branch_ref *ref,
			struct addr *local, uint8_t *port)
{
	const struct route *r = route_find(p->w->node->routes, &to->dst);

	/* Under an SA the packet goes where that leads: the UE's own address may be one behind
	 * a NAT. */
	if (!r && !to->sa_id)
		return false;
	*local = to->local.family ? to->local : r->local;
	*port = r ? r->port : p->b->port;
	local->port = role_port_under(p->w, to->sa_id);
	if (to->uri.p)
		sip_edit_replace_slice(p->edits, &p->msg, p->msg.uri, to->uri);
	if (to->route.len)
		push_line(p, SLICE("Route: "), to->route);
	if (p->called_party) {
		struct text *t = &p->edits->arena;
		uint32_t from = t->len;

		text_char(t, '<');
		text_put(t, p->msg.uri);
		text_char(t, '>');
		push_line(p, SLICE("P-Called-Party-ID: "), text_since(t, from));
	}
	pcscf_leave(p, to);
	emergency_leave(p, to);
	if (p->record_route)
		push_record_route(p, to, local);
	push_via(p, to, local, ref);
	return true;
}

/* False: our topology cannot be hidden in what a message holds. */
static bool edit_common(struct pass *p)
{
	const struct target *to = &p->target[0];

	edit_routes(p);
	edit_max_forwards(p);
	p->hide = p->n_targets == 1 && !to->ue && trust_hides_from(p->w->node, &to->dst);
	if (p->hide)
		return hide_request(p);
	edit_received(p);
	return true;
}

/* A copy in a new buffer. */
static struct buf *emit_copy(struct pass *p)
{
	uint32_t len = sip_emit_length(&p->msg, p->edits);

	if (len == 0) {
		count(p->w->counters, COUNT_DROP_EDIT);
		return NULL;
	}
	struct buf *b = buf_alloc(len);
	if (!b) {
		count(p->w->counters, COUNT_DROP_NOBUF);
		return NULL;
	}
	b->len = sip_emit_copy(&p->msg, p->edits, b->data);
	b->rx_tsc = p->b->rx_tsc;
	return b;
}

struct buf *forward_emit(struct pass *p)
{
	struct buf *b = p->b;
	uint32_t len;

	if (!(b->flags & BUF_F_SHARED)) {
		uint8_t *start = sip_emit_in_place(&p->msg, p->edits, b->headroom, &len);
		if (start) {
			uint8_t *end = b->data + b->len + b->tailroom;
			b->headroom = (uint32_t)(b->headroom + (start - b->data));
			b->data = start;
			b->len = len;
			b->tailroom = (uint32_t)(end - start - len);
			return b;
		}
	}
	b = emit_copy(p);
	if (b)
		buf_free(p->b);
	return b;
}

static enum verdict forward_stateless(struct pass *p)
{
	const struct target *to = &p->target[0];
	struct addr local, from = p->b->src;
	uint8_t port;

	if (!edit_common(p))
		return answer(p, 513, too_long);
	if (!edit_target(p, to, NULL, &local, &port)) {
		count(p->w->counters, COUNT_DROP_NOROUTE);
		return answer(p, 500, "no port leads to the next hop");
	}
	bool tells = policy_tells(p, to);
	struct buf *b = forward_emit(p);
	if (!b)
		return answer(p, 500, "the request could not be sent on");
	b->src = local;
	b->dst = to->dst;
	b->sa_id = to->sa_id;
	b->port = port;
	p->out->buf[p->out->n++] = b;
	count(p->w->counters, COUNT_FORWARDED);
	if (p->msg.method == SIP_M_BYE && p->own_dialog && p->w->node->watch_sessions)
		p->w->notice = (struct role_notice){
			.reason = PUNT_SESSION_ENDED, .b = b, .src = from, .dst = to->dst};
	if (tells)
		policy_note_offer(p, &from, to, b);
	return VERDICT_SEND;
}

/* RFC 5393 §5.3: parallel branches share what breadth is left; for those it does not reach
 * there is a later time. Half is kept for those that are called later: so they can be while a
 * terminal that is out of reach is waited for. */
static enum verdict check_breadth(struct pass *p, uint32_t *breadth)
{
	struct slice value = sip_first_value(&p->msg, SIP_H_MAX_BREADTH);
	uint32_t in_use = transaction_breadth(p);

	*breadth = p->w->node->max_breadth;
	if (value.p && !slice_u32(value, breadth))
		return answer(p, 400, "malformed Max-Breadth");
	if (*breadth > p->w->node->max_breadth)
		*breadth = p->w->node->max_breadth;
	if (*breadth <= in_use)
		return answer(p, 440, "Max-Breadth is used up");
	*breadth -= in_use;
	if (p->n_targets > *breadth) {
		p->n_targets = *breadth;
		p->more = true;
	}
	if (p->more && *breadth / 2 >= p->n_targets)
		*breadth -= *breadth / 2;
	return VERDICT_NEXT;
}

static void push_breadth(struct pass *p, uint32_t breadth)
{
	struct text *t = &p->edits->arena;
	uint32_t from = t->len;

	text_u64(t, breadth);
	push_line(p, SLICE("Max-Breadth: "), text_since(t, from));
}

/* One branch: its own edits on top of the common ones. Unless it is copied it takes the buffer
 * the INVITE came in: what the transaction still needs of it is in what it sends. breadth 0: it
 * need not say any. */
static bool forward_branch(struct pass *p, const struct target *to, uint32_t breadth, bool copy)
{
	struct addr local, from = p->b->src;
	struct branch_ref ref;
	uint8_t port;

	if (!transaction_branch(p, &ref))
		return false;
	if (breadth)
		push_breadth(p, breadth);
	if (!edit_target(p, to, &ref, &local, &port)) {
		count(p->w->counters, COUNT_DROP_NOROUTE);
		return false;
	}
	bool tells = policy_tells(p, to);
	struct buf *b = copy ? emit_copy(p) : forward_emit(p);
	if (!b)
		return false;
	b->src = local;
	b->dst = to->dst;
	b->sa_id = to->sa_id;
	b->port = port;
	transaction_send(p, &ref, b, to, breadth);
	if (tells)
		policy_note_offer(p, &from, to, b);
	count(p->w->counters, COUNT_FORWARDED);
	return true;
}

/* To several contacts, at once or in turn: the request itself is kept to answer with, and
 * copied for each. */
static enum verdict fork_request(struct pass *p, uint32_t breadth)
{
	uint32_t sent = 0, n = p->n_targets;

	sip_edit_delete_all(p->edits, &p->msg, SIP_H_MAX_BREADTH);
	p->w->common_edits = *p->edits;
	if (!p->again)
		transaction_keep(p);
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			*p->edits = p->w->common_edits;
		sent += forward_branch(p, &p->target[i], breadth / n + (i < breadth % n), true);
	}
	if (sent == 0)
		return answer(p, 500, "the request could not be sent on");
	transaction_spread(p);
	if (!p->again)
		buf_free(p->b);
	return VERDICT_SEND;
}

static enum verdict forward_stateful(struct pass *p)
{
	uint32_t breadth = 0;
	enum verdict v = check_breadth(p, &breadth);

	if (v != VERDICT_NEXT)
		return v;
	if (!p->txn && !transaction_start(p))
		return answer_with(p, 503, "no transaction free", SLICE("Retry-After: 5\r\n"));
	if (!edit_common(p))
		return answer(p, 513, too_long);
	/* Who is answered must not see the token: the INVITE as it came is kept. */
	if (p->n_targets > 1 || p->more || p->again || p->hide)
		return fork_request(p, breadth);
	if (sip_first(&p->msg, SIP_H_MAX_BREADTH))
		sip_edit_delete_all(p->edits, &p->msg, SIP_H_MAX_BREADTH);
	else
		breadth = 0;
	bool follows = p->w->node->follow && p->target[0].ue;

	if (follows)
		transaction_follow(p);
	if (!forward_branch(p, &p->target[0], breadth, follows))
		return answer(p, 500, "the request could not be sent on");
	if (follows)
		buf_free(p->b);
	return VERDICT_SEND;
}

enum verdict forward_request(struct pass *p)
{
	enum verdict v;

	if (p->msg.method == SIP_M_INVITE)
		return forward_stateful(p);
	if (!p->more && !p->again)
		return forward_stateless(p);
	v = transaction_take_other(p);
	return v == VERDICT_NEXT ? forward_stateful(p) : v;
}
