/* emergency.c - calls for help (TS 24.229 §5.2.10, §5.11; TS 23.167; RFC 5031) */
#include "role/emergency.h"
#include "role/answer.h"
#include "role/pcscf.h"
#include "role/proxy.h"
#include "role/transaction.h"
#include "role/trust.h"

static const struct emergency *policy_of(const struct node *n)
{
	return atomic_load_explicit(&n->emergency, memory_order_acquire);
}

static const struct emergency *policy(const struct pass *p)
{
	return policy_of(p->w->node);
}

/* Without regard to case (RFC 8141 §3.1, RFC 5031 §4.1). */
static bool is_service(struct slice urn, struct slice below)
{
	return slice_eq_nocase(slice_sub(urn, 0, below.len), below) &&
	       (urn.len == below.len || urn.p[below.len] == '.');
}

static bool same_digits(struct slice dialled, struct slice number)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < dialled.len; i++) {
		uint8_t c = dialled.p[i];

		/* Visual separators (RFC 3966 §5.1.1). */
		if (c == '-' || c == '.' || c == '(' || c == ')')
			continue;
		if (at == number.len || number.p[at++] != c)
			return false;
	}
	return at == number.len;
}

/* A number that is dialled: tel, or a SIP URI that says so or is of our own network. */
static bool is_dialled(const struct node *n, const struct sip_uri *uri)
{
	struct slice user;

	if (uri->user.len == 0 || !(ascii_is_digit(uri->user.p[0]) || uri->user.p[0] == '*' ||
				    uri->user.p[0] == '#' || uri->user.p[0] == '('))
		return false;
	if (uri->scheme == SIP_SCHEME_TEL)
		return true;
	if (uri->scheme != SIP_SCHEME_SIP && uri->scheme != SIP_SCHEME_SIPS)
		return false;
	return (sip_param(uri->params, SLICE("user"), &user) &&
		(slice_eq_nocase(user, SLICE("phone")) ||
		 slice_eq_nocase(user, SLICE("dialstring")))) ||
	       node_own_domain(n, uri->host) || node_own_uri(n, uri);
}

static bool is_sos(const struct sip_uri *uri)
{
	return uri->scheme == SIP_SCHEME_URN &&
	       is_service(uri->whole, SLICE("urn:service:sos"));
}

/* The service a number stands for; empty: it is none of the local ones. */
static struct slice service_dialled(const struct node *n, const struct emergency *e,
				    const struct sip_uri *uri)
{
	struct slice dialled;

	if (!is_dialled(n, uri))
		return SLICE_EMPTY;
	/* A SIP URI that carries a telephone number has the number's parameters too. */
	dialled = slice_sub(uri->user, 0, slice_find(uri->user, ';'));
	for (uint32_t i = 0; i < e->n_number; i++)
		if (same_digits(dialled, e->number[i].number))
			return e->number[i].service;
	return SLICE_EMPTY;
}

enum verdict emergency_recognise(struct pass *p)
{
	const struct emergency *e = policy(p);

	if (!e || !p->uri_sound || p->is_dialog || p->msg.method == SIP_M_REGISTER)
		return VERDICT_NEXT;
	if (is_sos(&p->uri))
		p->service = p->uri.whole;
	else if (e->n_number && !pass_from_peer(p))
		p->service = service_dialled(p->w->node, e, &p->uri);
	return VERDICT_NEXT;
}

bool role_is_help(const struct role_worker *w, struct slice message)
{
	const struct emergency *e = policy_of(w->node);
	struct slice uri;
	struct sip_uri decoded;

	if (!e || !slice_starts(message, SLICE("INVITE ")))
		return false;
	uri = slice_sub(slice_from(message, 7), 0, SIP_URI_MAX);
	uri = slice_sub(uri, 0, slice_find(uri, ' '));
	return sip_uri_decode(uri, &decoded) == SIP_OK &&
	       (is_sos(&decoded) || service_dialled(w->node, e, &decoded).len);
}

bool emergency_is_callback(const struct pass *p)
{
	struct slice value = sip_first_value(&p->msg, SIP_H_PRIORITY);

	return value.p && slice_eq_nocase(slice_trim(value), SLICE("psap-callback")) &&
	       pass_from_peer(p) && trust_side_of(p->w->node, &p->b->src) == TRUST_HOME;
}

/* ---- where it goes ---- */

/* The place as this P-CSCF knows it. */
static struct slice place_of(const struct pass *p, const struct emergency *e)
{
	for (uint32_t i = 0; i < e->n_place; i++)
		if (addr_in_prefix(&p->b->src, &e->place[i].prefix.ip, e->place[i].prefix.bits))
			return e->place[i].info;
	return SLICE_EMPTY;
}

static bool is_there(struct slice said, struct slice wanted)
{
	if (wanted.len && wanted.p[wanted.len - 1] == '*') {
		wanted.len--;
		return slice_eq_nocase(slice_sub(said, 0, wanted.len), wanted);
	}
	return slice_eq_nocase(slice_sub(said, 0, wanted.len), wanted) &&
	       (said.len == wanted.len || said.p[wanted.len] == ';');
}

/* What the network says of the place counts before what the terminal says. */
static bool answers_for(const struct pass *p, const struct emergency *e,
			const struct emergency_psap *psap)
{
	struct slice place = place_of(p, e);

	if (!is_service(p->service, psap->service))
		return false;
	if (psap->access.len == 0)
		return true;
	if (p->source == SOURCE_UE && place.len)
		return is_there(place, psap->access);
	for (const struct sip_header *h = sip_first(&p->msg, SIP_H_P_ACCESS_NETWORK_INFO); h;
	     h = sip_next(&p->msg, h))
		if (is_there(sip_value(&p->msg, h), psap->access))
			return true;
	return false;
}

static uint32_t hop_id(const struct pass *p, const struct addr *a)
{
	return (uint32_t)hash_table(&p->w->node->branch_key, a, sizeof(*a)) | 1;
}

/* The first that was not tried; whether there are more. */
static void add_hop(struct pass *p, const struct addr *a, struct slice route)
{
	uint32_t id = hop_id(p, a);

	if (p->again && transaction_tried(p, id, 0))
		return;
	if (p->n_targets) {
		p->more = true;
		return;
	}
	p->target[p->n_targets++] = (struct target){
		.dst = *a,
		.route = route,
		.contact = id,
		.uri = p->service.p == p->uri.whole.p ? SLICE_EMPTY : p->service,
	};
}

static struct slice route_to(struct pass *p, const struct addr *a)
{
	struct text *t = &p->edits->arena;
	uint32_t from = t->len;

	text_lit(t, "<sip:");
	addr_put(t, a);
	text_lit(t, ";lr>");
	return text_since(t, from);
}

static void choose(struct pass *p, const struct emergency *e)
{
	if (!e->hosts_ecscf) {
		for (uint32_t i = 0; i < e->n_ecscf; i++)
			add_hop(p, &e->ecscf[i], route_to(p, &e->ecscf[i]));
		return;
	}
	for (uint32_t i = 0; i < e->n_psap; i++)
		if (answers_for(p, e, &e->psap[i]))
			add_hop(p, &e->psap[i].address, e->psap[i].route);
}

/* ---- what is refused ---- */

/* §5.2.10.4: the terminal is to try it another way: over the circuits, or after an emergency
 * registration. */
static enum verdict alternative(struct pass *p, const char *why, bool registration)
{
	uint8_t line[512], memory[512];
	struct text lines = text_in(line, sizeof(line)), body = text_in(memory, sizeof(memory));

	count(p->w->counters, COUNT_EMERGENCY_REFUSED);
	text_lit(&lines, "Contact: <");
	text_put(&lines, p->service);
	text_lit(&lines, ">\r\nP-Asserted-Identity: <sip:");
	text_put(&lines, p->w->node->pcscf_host);
	text_lit(&lines, ">\r\nContent-Type: application/3gpp-ims+xml;sv=\"1\"\r\n");
	text_lit(&body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<ims-3gpp version=\"1\">"
			"<alternative-service><type>emergency</type><reason>");
	text_str(&body, why);
	text_lit(&body, "</reason>");
	if (registration)
		text_lit(&body, "<action>emergency-registration</action>");
	text_lit(&body, "</alternative-service></ims-3gpp>\r\n");
	return answer_body(p, 380, why, text_slice(&lines), text_slice(&body));
}

/* Of those who are not registered a worker takes so many a second, and no burst of more: they
 * must not drown those who are. */
static bool may_pass(struct pass *p, const struct emergency *e)
{
	struct role_worker *w = p->w;

	if (p->now - w->help_since >= 1000) {
		w->help_since = p->now;
		w->help_taken = 0;
	}
	return w->help_taken++ < e->unregistered_rate;
}

static enum verdict check_unregistered(struct pass *p, const struct emergency *e)
{
	if (!e->unregistered) {
		count(p->w->counters, COUNT_EMERGENCY_REFUSED);
		return answer(p, 403, "only registered terminals may call for help here");
	}
	if (!p->again && !may_pass(p, e)) {
		count(p->w->counters, COUNT_EMERGENCY_LIMITED);
		return answer_with(p, 503, "too many calls for help without registration",
				   SLICE("Retry-After: 1\r\n"));
	}
	if (!p->again)
		count(p->w->counters, COUNT_EMERGENCY_UNREGISTERED);
	return VERDICT_NEXT;
}

/* ---- the call ---- */

static bool from_access(const struct pass *p)
{
	const struct route *r = route_find(p->w->node->routes, &p->b->src);

	return r && r->access && r->port == p->b->port;
}

static enum verdict from_terminal(struct pass *p, const struct emergency *e)
{
	bool sos = false;

	p->source = SOURCE_UE;
	p->unregistered = !pcscf_caller(p, &sos);
	if (p->unregistered)
		return check_unregistered(p, e);
	if (!e->normal && !sos)
		return alternative(p, "an emergency registration is needed first", true);
	return VERDICT_NEXT;
}

enum verdict emergency_call(struct pass *p)
{
	const struct emergency *e = policy(p);
	const struct node *n = p->w->node;
	enum verdict v = VERDICT_NEXT;

	if (!p->service.len)
		return VERDICT_NEXT;
	proxy_source(p);
	p->next_route = SLICE_EMPTY;
	p->drop_routes = true;
	if (p->source == SOURCE_PEER) {
		if (!e->hosts_ecscf)
			return answer(p, 404, "there is no E-CSCF here");
	} else if (!(n->roles & NODE_PCSCF) ||
		   (p->source == SOURCE_UNKNOWN && !from_access(p))) {
		return VERDICT_NEXT;
	} else {
		v = from_terminal(p, e);
	}
	if (v != VERDICT_NEXT)
		return v;
	choose(p, e);
	if (p->n_targets == 0 && p->again)
		return VERDICT_DROP;
	if (p->n_targets == 0)
		return p->source == SOURCE_UE
			       ? alternative(p, "no way leads to help from here", false)
			       : answer(p, 480, "no answering point is left");
	p->record_route = p->msg.method == SIP_M_INVITE;
	count(p->w->counters, p->again ? COUNT_EMERGENCY_FAILOVER : COUNT_EMERGENCY);
	p->stage = STAGE_ROUTED;
	return VERDICT_NEXT;
}

/* §5.2.10.2: where the terminal is, as the network knows it. */
void emergency_leave(struct pass *p, const struct target *to)
{
	struct text *t = &p->edits->arena;
	const struct emergency *e;
	struct slice place;
	uint32_t from = t->len;

	if (!p->service.len || p->source != SOURCE_UE || to->ue)
		return;
	e = policy(p);
	place = e ? place_of(p, e) : SLICE_EMPTY;
	if (!place.len)
		return;
	text_lit(t, "P-Access-Network-Info: ");
	text_put(t, place);
	text_lit(t, ";network-provided\r\n");
	sip_edit_push(p->edits, &p->msg, text_since(t, from));
}
