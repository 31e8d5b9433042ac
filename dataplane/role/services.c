/* services.c - Application Servers in the way of a request (TS 24.229 §5.4.3.2, §5.4.3.3, §5.7)
 */
#include "role/services.h"
#include "role/answer.h"
#include "role/rest.h"
#include "role/transaction.h"
#include "role/trust.h"
#include "table/server.h"

enum {
	CHAIN_MAX = 32,     /* servers one request may go through */
	TOKEN_AGE_MIN = 10, /* minutes; longer than a call rings anywhere */
};

static const char *const case_text[IFC_CASES] = {
	[IFC_ORIGINATING] = ";sescase=orig;regstate=reg",
	[IFC_TERMINATING] = ";sescase=term;regstate=reg",
	[IFC_TERMINATING_UNREGISTERED] = ";sescase=term;regstate=unreg",
	[IFC_ORIGINATING_UNREGISTERED] = ";sescase=orig;regstate=unreg",
	[IFC_ORIGINATING_CDIV] = ";orig-cdiv;regstate=",
};

static uint32_t minute_of(uint64_t now_ms)
{
	return (uint32_t)(now_ms / 60000);
}

enum ifc_case services_case(const struct registration *set, enum ifc_case registered)
{
	if (!(set->roles & ABI_REG_UNREGISTERED))
		return registered;
	return registered == IFC_TERMINATING   ? IFC_TERMINATING_UNREGISTERED
	       : registered == IFC_ORIGINATING ? IFC_ORIGINATING_UNREGISTERED
					       : registered;
}

const struct registration *services_user(const struct pass *p, uint32_t *index)
{
	const struct registration *r = table_find_user(p->w->tables, p->chain.user);

	if (!r || !(r->roles & ABI_REG_SCSCF) || !reg_impu_by_hash(r, p->chain.user, index))
		return NULL;
	return r;
}

static enum verdict refused(struct pass *p, uint16_t status, const char *why)
{
	count(p->w->counters, COUNT_CHAIN_REFUSED);
	return answer(p, status, why);
}

enum verdict services_check(struct pass *p)
{
	uint32_t age = minute_of(p->now) - p->chain.minute;

	if (p->source != SOURCE_PEER || trust_side_of(p->w->node, &p->b->src) != TRUST_HOME)
		return refused(p, 403, "no Application Server is at this address");
	if (p->chain_forged)
		return refused(p, 403, "this node did not make that dialog identifier");
	if (age > TOKEN_AGE_MIN)
		return refused(p, 481, "the original dialog identifier has expired");
	if (p->chain.length >= CHAIN_MAX)
		return refused(p, 482, "the chain of Application Servers is too long");
	p->chain_length = p->chain.length + 1;
	return VERDICT_NEXT;
}

/* ---- addresses ---- */

static uint32_t hop_id(const struct pass *p, uint32_t criterion, const struct addr *a)
{
	const struct hash_key *key = &p->w->node->branch_key;
	uint64_t word[2] = {hash_table(key, a, sizeof(*a)), criterion};

	return (uint32_t)hash_words(key, word, 2) | 1;
}

/* Where the server is; the number of addresses. */
static uint32_t addresses_of(const struct pass *p, const struct sip_uri *uri,
			     struct addr out[ABI_SERVER_ADDRESSES])
{
	const struct table_server *s;

	if (sip_uri_addr(uri, 5060, &out[0]))
		return 1;
	s = table_find_server(p->w->tables, abi_server_id(uri->host, uri->port));
	for (uint32_t i = 0; s && i < s->n; i++)
		out[i] = s->addr[i];
	return s ? s->n : 0;
}

/* The first address that was not tried yet; one that failed lately only where there is no
 * other. False: none is left. */
static bool choose(const struct pass *p, const struct ifc_match *m, const struct addr *a,
		   uint32_t n, uint32_t *chosen)
{
	bool found = false;

	for (uint32_t i = 0; i < n; i++) {
		if (p->again && transaction_tried(p, hop_id(p, m->index, &a[i]), 0))
			continue;
		if (!rest_holds(p, &a[i])) {
			*chosen = i;
			return true;
		}
		if (!found)
			*chosen = i;
		found = true;
	}
	return found;
}

/* ---- the way to a server ---- */

/* The server's URI, which is a loose router by its role (TS 24.229 §5.4.3.2 step 5), and ours
 * below it. */
static struct slice route_to(struct pass *p, const struct ifc_match *m,
			     const struct sip_uri *uri, const struct addr *local,
			     const struct token_chain *next)
{
	uint8_t memory[TOKEN_TEXT_MAX];
	struct text token = text_in(memory, sizeof(memory)), *t = &p->edits->arena;
	struct slice unused;
	uint32_t from = t->len;

	text_char(t, '<');
	text_put(t, m->server);
	if (!sip_param(uri->params, SLICE("lr"), &unused))
		text_lit(t, ";lr");
	text_lit(t, ">,<sip:");
	token_chain_put(&token, &p->w->node->token_key, next);
	text_put(t, text_slice(&token));
	text_char(t, '@');
	role_put_site(t, p->w, local, role_port(p->w));
	text_lit(t, ";lr>");
	return text_since(t, from);
}

/* Whom a server spoke for is nobody else's to know. */
static void drop_served_user(struct pass *p)
{
	if (!p->unserved && p->msg.first[SIP_H_P_SERVED_USER] != SIP_NO_HEADER)
		sip_edit_delete_all(p->edits, &p->msg, SIP_H_P_SERVED_USER);
	p->unserved = true;
}

/* RFC 5502, RFC 8498. */
static void put_served_user(struct pass *p, const struct registration *set, uint32_t index,
			    enum ifc_case session_case)
{
	const struct reg_impu *impu = reg_impu(set, index);
	struct text *t = &p->edits->arena;
	uint32_t from = t->len;

	drop_served_user(p);
	text_lit(t, "P-Served-User: <");
	text_put(t, reg_text(set, impu->at, impu->len));
	text_char(t, '>');
	text_str(t, case_text[session_case]);
	if (session_case == IFC_ORIGINATING_CDIV)
		text_str(t, set->roles & ABI_REG_UNREGISTERED ? "unreg" : "reg");
	text_lit(t, "\r\n");
	sip_edit_push(p->edits, &p->msg, text_since(t, from));
}

/* False: the server has no address, or none is left to be tried. */
static bool send_to(struct pass *p, const struct ifc_match *m, const struct registration *set,
		    uint32_t index, enum ifc_case session_case)
{
	struct addr a[ABI_SERVER_ADDRESSES];
	const struct route *r;
	struct token_chain next = {
		.session_case = (uint8_t)session_case,
		.user = reg_impu(set, index)->hash,
		.priority = m->priority,
		.minute = minute_of(p->now),
		.length = p->chain_length,
	};
	struct sip_uri uri;
	uint32_t i = 0;

	if (sip_uri_decode(m->server, &uri) != SIP_OK ||
	    !choose(p, m, a, addresses_of(p, &uri, a), &i))
		return false;
	r = route_find(p->w->node->routes, &a[i]);
	if (!r)
		return false;
	put_served_user(p, set, index, session_case);
	p->target[0] = (struct target){
		.dst = a[i],
		.route = route_to(p, m, &uri, &r->local, &next),
		.server = true,
		.contact = hop_id(p, m->index, &a[i]),
	};
	p->n_targets = 1;
	p->more = true; /* kept, for what DefaultHandling wants */
	p->stage = STAGE_ROUTED;
	count(p->w->counters, COUNT_CHAIN_ASKED);
	return true;
}

/* SESSION_TERMINATED (TS 24.229 §5.4.3.2): 408, or the 5xx of the server. */
static enum verdict end(struct pass *p)
{
	count(p->w->counters, COUNT_CHAIN_ENDED);
	if (p->again)
		return VERDICT_DROP;
	return answer(p, 408, "the Application Server cannot be reached");
}

static void add_own(struct ifc_ask *ask, enum sip_header_id id, struct slice value)
{
	ask->own[ask->n_own++] = (struct ifc_own){id, value};
}

/* Criteria see the request as it will be, not what a terminal or a foreign network claims. */
static void see_as_trusted(struct pass *p, struct ifc_ask *ask)
{
	struct text *t = &p->edits->arena;
	uint32_t from = t->len;

	ask->unseen = trust_never_from(
		p->source == SOURCE_UE ? TRUST_UE : trust_side_of(p->w->node, &p->b->src));
	if (p->service_id.len)
		add_own(ask, SIP_H_P_ASSERTED_SERVICE, p->service_id);
	if (!p->assert_identity)
		return;
	text_char(t, '<');
	text_put(t, p->asserted);
	text_char(t, '>');
	add_own(ask, SIP_H_P_ASSERTED_IDENTITY, text_since(t, from));
}

enum verdict services_ask(struct pass *p, const struct registration *set, uint32_t index,
			  enum ifc_case session_case)
{
	const struct ifc *f = table_services(p->w->tables, set, index);
	struct ifc_ask ask = {.session_case = (uint8_t)session_case,
			      .registered = !(set->roles & ABI_REG_UNREGISTERED)};
	bool goes_on = p->chained && p->chain.session_case == session_case;
	struct ifc_match m;
	uint32_t from;

	if (p->source == SOURCE_PEER)
		drop_served_user(p);
	if (!f || p->msg.method == SIP_M_ACK)
		return VERDICT_NEXT;
	see_as_trusted(p, &ask);
	from = goes_on ? ifc_behind(f, p->chain.priority) : 0;
	while (ifc_next(f, &p->msg, &ask, from, &m) == IFC_MATCH) {
		if (send_to(p, &m, set, index, session_case))
			return VERDICT_NEXT;
		if (m.terminate)
			return end(p);
		count(p->w->counters, COUNT_CHAIN_SKIPPED);
		from = m.index + 1;
	}
	return VERDICT_NEXT;
}
