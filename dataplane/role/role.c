/* role.c - one SIP message in, a verdict and messages out: the roles in their order */
#include "role/role.h"

#include "base/lines.h"
#include "role/admit.h"
#include "role/answer.h"
#include "role/emergency.h"
#include "role/forward.h"
#include "role/icscf.h"
#include "role/pcscf.h"
#include "role/policy.h"
#include "role/priority.h"
#include "role/proxy.h"
#include "role/refresh.h"
#include "role/request.h"
#include "role/response.h"
#include "role/scscf.h"
#include "role/services.h"
#include "role/session_timer.h"
#include "role/stun.h"
#include "role/transaction.h"
#include "role/trust.h"

static void make_sites(struct role_worker *w)
{
	const struct route_table *r = w->node->routes;

	for (uint32_t i = 0; i < r->n_local; i++) {
		struct role_site *s = &w->site[w->n_sites++];
		struct text t = text_in(s->text, sizeof(s->text));

		s->ip = r->local[i];
		addr_put_host(&t, &s->ip);
		text_char(&t, ':');
		text_u64(&t, role_port(w));
		s->len = (uint8_t)t.len;
	}
}

void role_put_site(struct text *t, const struct role_worker *w, const struct addr *ip,
		   uint16_t port)
{
	for (uint32_t i = 0; i < w->n_sites; i++) {
		if (!addr_same_ip(&w->site[i].ip, ip))
			continue;
		if (port == role_port(w)) {
			text_put(t, slice_of(w->site[i].text, w->site[i].len));
			return;
		}
		addr_put_host(t, ip);
		text_char(t, ':');
		text_u64(t, port);
		return;
	}
	t->overflow = true; /* not ours: nothing may be sent in its name */
}

struct role_worker *role_worker_create(const struct node *node, const struct tables *tables,
				       struct counters *counters, uint16_t worker)
{
	struct role_worker *w = lines_alloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->node = node;
	w->tables = tables;
	w->counters = counters;
	w->id = worker;
	make_sites(w);
	w->transactions = transactions_create(w);
	w->seal = seal_create(&node->token_key);
	if (w->transactions && w->seal)
		return w;
	role_worker_destroy(w);
	return NULL;
}

void role_worker_destroy(struct role_worker *w)
{
	if (w->transactions)
		transactions_destroy(w->transactions);
	seal_destroy(w->seal);
	free(w);
}

uint32_t role_transactions(const struct role_worker *w)
{
	return transactions_live(w->transactions);
}

bool role_tick(struct role_worker *w, uint64_t now_ms, struct outbox *out)
{
	return transactions_tick(w, now_ms, out);
}

uint32_t role_next_tick(const struct role_worker *w, uint64_t now_ms, uint32_t most)
{
	return transactions_next(w, now_ms, most);
}

static struct pass *pass_start(struct pass *p, uint64_t now_ms, struct outbox *out)
{
	p->out = out;
	p->now = now_ms;
	p->edits = &p->w->edits;
	sip_edits_reset(p->edits);
	return p;
}

/* INVITE, its CANCEL and its ACK meet on one worker, wherever the port put them. */
static enum verdict request_owner(struct pass *p)
{
	uint8_t m = p->msg.method;

	if (m != SIP_M_INVITE && m != SIP_M_ACK && m != SIP_M_CANCEL)
		return VERDICT_NEXT;
	p->owner = (uint16_t)((p->txn_key >> 32) % p->w->node->n_workers);
	return p->owner == p->w->id ? VERDICT_NEXT : VERDICT_HANDOFF;
}

/* REGISTER is control's, in every role. */
static enum verdict request_register(struct pass *p)
{
	if (p->msg.method != SIP_M_REGISTER)
		return VERDICT_NEXT;
	p->punt = PUNT_REGISTER;
	return VERDICT_PUNT;
}

/* A request to the node itself and to nobody on it: OPTIONS is answered (RFC 3261 §11), others
 * have no target. */
static enum verdict request_to_node(struct pass *p)
{
	const struct sip_uri *uri = &p->uri;

	if (p->own_dialog || !p->uri_sound || uri->user.len || uri->scheme == SIP_SCHEME_TEL ||
	    uri->scheme == SIP_SCHEME_URN)
		return VERDICT_NEXT;
	if (!node_own_uri(p->w->node, uri) && !node_own_domain(p->w->node, uri->host))
		return VERDICT_NEXT;
	if (node_static_route(p->w->node, uri))
		return VERDICT_NEXT;
	if (p->msg.method != SIP_M_OPTIONS)
		return answer(p, 404, "the Request-URI names this node and no user");
	return answer_with(
		p, 200, NULL,
		SLICE("Allow: INVITE, ACK, BYE, CANCEL, REGISTER, OPTIONS, MESSAGE, SUBSCRIBE, "
		      "NOTIFY, PUBLISH, INFO, UPDATE, PRACK, REFER\r\n"
		      "Accept: */*\r\nSupported: path\r\n"));
}

/* An I-CSCF alone does not stay in the path (TS 24.229 §5.3.2.1); the others do. */
static bool makes_dialog(const struct pass *p)
{
	return p->msg.method == SIP_M_INVITE || p->msg.method == SIP_M_SUBSCRIBE ||
	       p->msg.method == SIP_M_REFER;
}

/* A subscription to a registration is a dialog with control, whose Contact says so. */
static bool is_of_own_subscription(const struct pass *p)
{
	return (p->msg.method == SIP_M_SUBSCRIBE || p->msg.method == SIP_M_NOTIFY) &&
	       p->is_dialog && p->uri_sound && slice_eq(p->uri.user, SLICE("reg")) &&
	       node_own_uri(p->w->node, &p->uri);
}

/* Who sent it and what its Routes say: the stage it starts with. */
static enum verdict request_classify(struct pass *p)
{
	const struct node *n = p->w->node;
	const struct addr *fixed;

	if (p->stage != STAGE_ARRIVED)
		return VERDICT_NEXT;
	if (p->own_dialog && p->is_dialog) {
		p->stage = STAGE_DIALOG;
		return VERDICT_NEXT;
	}
	proxy_source(p);
	p->record_route = makes_dialog(p) && (n->roles & (NODE_PCSCF | NODE_SCSCF));
	if (p->chained && (n->roles & NODE_SCSCF)) {
		bool calls = p->chain.session_case != IFC_TERMINATING &&
			     p->chain.session_case != IFC_TERMINATING_UNREGISTERED;

		p->stage = calls ? STAGE_ORIGINATING : STAGE_TERMINATING;
		return services_check(p);
	}
	if (p->source == SOURCE_UNKNOWN) {
		if (p->msg.method == SIP_M_ACK)
			return pass_drop(p, COUNT_DROP_UNTRUSTED);
		return answer(p, 403, "the sender is neither registered nor a peer");
	}
	if (is_of_own_subscription(p)) {
		p->punt = PUNT_REQUEST;
		return VERDICT_PUNT;
	}
	if (p->source == SOURCE_UE) {
		if (!p->is_dialog)
			return VERDICT_NEXT;
		if (p->msg.method == SIP_M_ACK)
			return pass_drop(p, COUNT_DROP_ACK_STRAY);
		return answer(p, 481, "in-dialog request without our Record-Route");
	}
	if (p->orig && trust_side_of(n, &p->b->src) != TRUST_HOME)
		return answer(p, 403, "no user is served for a foreign network");
	if (p->own_path && (n->roles & NODE_PCSCF)) {
		p->stage = STAGE_DELIVER;
	} else if (p->orig && (n->roles & NODE_SCSCF)) {
		p->stage = STAGE_ORIGINATING;
	} else if (p->uri_sound && (fixed = node_static_route(n, &p->uri))) {
		p->target[0] = (struct target){.dst = *fixed};
		p->n_targets = 1;
		p->stage = STAGE_ROUTED;
	} else {
		p->stage = n->roles & NODE_ICSCF ? STAGE_LOCATE : STAGE_TERMINATING;
	}
	return VERDICT_NEXT;
}

typedef enum verdict request_step(struct pass *p);

/* The way of a request, in order. Each step looks whether it applies; the first that gives a
 * verdict ends it. */
static request_step *const request_steps[] = {
	request_owner,
	transaction_take, /* repeats, CANCEL, ACK of a transaction that is
			     known */
	emergency_recognise,
	admit,
	proxy_validate,   /* RFC 3261 §16.3, §16.4 */
	priority_check,   /* RFC 4412 §4.6 */
	emergency_call,   /* TS 24.229 §5.2.10, §5.11 */
	refresh_register, /* TS 24.229 §5.2.2.3, §5.4.1.2.2A */
	request_register,
	request_to_node,
	request_classify,
	pcscf_dialog,          /* TS 24.229 §5.2.6.3.5 */
	pcscf_originating,     /* §5.2.6.3.3 */
	policy_request,        /* §5.2.7 */
	scscf_originating,     /* §5.4.3.2 */
	icscf_locate,          /* §5.3.2 */
	scscf_terminating,     /* §5.4.3.3 */
	pcscf_deliver,         /* §5.2.6.4 */
	session_timer_request, /* RFC 4028 §8.1 */
	forward_request,       /* RFC 3261 §16.6 */
};

enum verdict request_input(struct pass *p)
{
	for (uint32_t i = 0; i < sizeof(request_steps) / sizeof(request_steps[0]); i++) {
		enum verdict v = request_steps[i](p);
		if (v != VERDICT_NEXT)
			return v;
	}
	return pass_drop(p, COUNT_DROP_DESTINATION);
}

void role_refuse(struct role_worker *w, uint32_t sixteenths)
{
	w->refuse = sixteenths;
}

void role_prepare(struct role_worker *w, uint32_t slot, struct buf *b)
{
	if (slot == 0)
		w->answers = 0;
	pass_begin(&w->pass[slot], w, b);
}

void role_approach(struct role_worker *w, uint32_t slot)
{
	pass_approach(&w->pass[slot]);
}

void role_reach(struct role_worker *w, uint32_t slot)
{
	pass_reach(&w->pass[slot]);
}

static enum verdict pass_run(struct pass *p)
{
	if (p->error == SIP_E_NOT_SIP) {
		enum verdict v = stun_keepalive(p);
		if (v != VERDICT_NEXT)
			return v;
	}
	if (p->error != SIP_OK)
		return proxy_refuse(p);
	if (sip_is_request(&p->msg)) {
		count(p->w->counters, COUNT_RX_REQUEST);
		return request_input(p);
	}
	count(p->w->counters, COUNT_RX_RESPONSE);
	return response_input(p);
}

enum verdict role_message(struct role_worker *w, uint32_t slot, uint64_t now_ms,
			  struct outbox *out, enum abi_punt_reason *punt, uint16_t *owner)
{
	struct pass *p = pass_start(&w->pass[slot], now_ms, out);
	enum verdict v;

	w->notice.b = NULL;
	v = pass_run(p);

	*punt = p->punt;
	*owner = p->owner;
	return v;
}

const struct role_notice *role_notice(const struct role_worker *w)
{
	return w->notice.b ? &w->notice : NULL;
}

enum verdict role_resume(struct role_worker *w, const struct abi_inject *verdict,
			 struct slice route, struct buf *b, uint64_t now_ms, struct outbox *out,
			 enum abi_punt_reason *punt)
{
	struct pass *p = &w->pass[0];
	enum verdict v;

	w->notice.b = NULL;
	/* Whom a rejection names is no matter: nobody passes by it. */
	if (verdict->locate == LOCATE_REJECT)
		b->user = 0;
	pass_begin(p, w, b);
	pass_start(p, now_ms, out);
	p->resume = verdict;
	p->resume_route = route;
	if (p->error != SIP_OK)
		v = proxy_refuse(p);
	else
		v = sip_is_request(&p->msg) ? request_input(p) : response_input(p);
	*punt = p->punt;
	/* What was punted from here comes back here; and who was asked where a request goes is
	 * not asked that again. */
	if (v == VERDICT_HANDOFF ||
	    (v == VERDICT_PUNT && verdict->locate != LOCATE_PASS &&
	     verdict->locate != LOCATE_GRANTED && p->punt != PUNT_AUTHENTICATE))
		v = pass_drop(p, COUNT_DROP_RESUME);
	if (v == VERDICT_DROP && p->again)
		transaction_conclude(p);
	if (v == VERDICT_DROP || p->again) /* of what goes on the transaction has its own */
		buf_free(b);
	return v;
}
