/* third_party.c - which Application Servers hear of a registration, and what */
#include "control/third_party.h"

#include <openssl/rand.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "conf/conf.h"
#include "control/owed.h"
#include "control/record.h"
#include "control/register.h"
#include "control/services.h"
#include "control/third_message.h"
#include "ifc/ifc.h"
#include "sip/field.h"
#include "sip/parse.h"
#include "sip/reply.h"
#include "sip/uri.h"

enum {
	HEADERS_MAX = 4096,
	BODY_MAX = SIP_MESSAGE_MAX - 4096, /* with its head it has to fit a datagram */
	PLAN_MAX = IFC_CRITERIA_MAX,       /* servers that hear of one set */
};

/* What servers are told of one event. */
struct third_plan {
	struct control *c;
	const struct registration_set *set;
	const struct sip_msg *m;
	struct slice request, response; /* as they went; either may be empty */
	bool own_terminal;              /* m came from it, over no other node */
	struct addr local;
	uint8_t kind;
	uint64_t set_id, expires_wall_ms;
	uint32_t n;
	struct owed_state *state[PLAN_MAX];
	uint64_t key[PLAN_MAX];
};

/* Not a secret: an entry must be found after a restart; names come from the HSS. */
static uint64_t key_of(struct slice impu, struct slice server)
{
	static const struct hash_key key = {0x7468697264ull, 0x7061727479ull};
	uint64_t pair[2] = {hash_table(&key, impu.p, impu.len),
			    hash_table(&key, server.p, server.len)};

	return hash_table(&key, pair, sizeof(pair));
}

/* A terminal cannot say what the access network knows (TS 24.229 §5.2.1). */
static bool is_claimed(const struct third_plan *p, struct slice value)
{
	struct slice params = slice_from(value, slice_find(value, ';')), unused;

	return p->own_terminal && sip_param(params, SLICE("network-provided"), &unused);
}

static void copy_lines(struct text *t, const struct third_plan *p, enum sip_header_id id,
		       const char *name)
{
	const struct sip_msg *m = p->m;

	for (const struct sip_header *h = sip_first(m, id); h; h = sip_next(m, h)) {
		if (is_claimed(p, sip_value(m, h)))
			continue;
		text_str(t, name);
		text_lit(t, ": ");
		text_put(t, sip_value(m, h));
		text_lit(t, "\r\n");
	}
}

/* The ICID of the registration, and who we are toward Application Servers (RFC 7315 §4.6). */
static void put_charging(struct text *t, const struct third_plan *p, struct slice vector)
{
	struct slice icid = slice_sub(vector, 0, slice_find(vector, ';'));

	if (p->own_terminal || icid.len == 0) {
		registrar_put_charging(t, p->c->registrar, &p->local);
	} else {
		text_lit(t, "P-Charging-Vector: ");
		text_put(t, slice_trim(icid));
		text_lit(t, ";orig-ioi=");
		text_str(t, p->c->conf->realm);
		text_lit(t, "\r\n");
	}
	if (p->set->charging && p->set->charging[0]) {
		text_lit(t, "P-Charging-Function-Addresses: ");
		text_str(t, p->set->charging);
		text_lit(t, "\r\n");
	}
}

static void put_headers(struct text *t, const struct third_plan *p)
{
	copy_lines(t, p, SIP_H_P_ACCESS_NETWORK_INFO, "P-Access-Network-Info");
	if (p->own_terminal) {
		text_lit(t, "P-Visited-Network-ID: \"");
		text_str(t, p->c->conf->visited_network);
		text_lit(t, "\"\r\n");
	} else {
		copy_lines(t, p, SIP_H_P_VISITED_NETWORK_ID, "P-Visited-Network-ID");
	}
	put_charging(t, p, sip_first_value(p->m, SIP_H_P_CHARGING_VECTOR));
}

static bool is_planned(const struct third_plan *p, uint64_t key)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (p->key[i] == key)
			return true;
	return false;
}

/* A server that cannot have all that its criterion promises hears of the registration all the
 * same. */
static void add(struct third_plan *p, uint32_t impu, const struct ifc_match *match)
{
	uint8_t headers[HEADERS_MAX], type[128], body[BODY_MAX];
	struct text h = text_in(headers, sizeof(headers)), t = text_in(type, sizeof(type)),
		    b = text_in(body, sizeof(body));
	struct record_owed r = {
		.set_id = p->set_id,
		.since_wall_ms = clock_wall_ms(),
		.expires_wall_ms = p->expires_wall_ms,
		.kind = p->kind,
		.terminate = match->terminate,
		.impu = slice_str(p->set->impu[impu]),
		.to = slice_str(p->set->impu_uri[impu]),
		.server = match->server,
	};
	struct third_body parts = {
		.service = match->service,
		.request = match->include_request ? p->request : SLICE_EMPTY,
		.response = match->include_response ? p->response : SLICE_EMPTY,
	};
	struct owed_state *s;

	r.key = key_of(r.impu, r.server);
	if (p->n == PLAN_MAX || is_planned(p, r.key) ||
	    RAND_bytes((uint8_t *)&r.serial, sizeof(r.serial)) != 1)
		return;
	parts.boundary = r.serial;
	put_headers(&h, p);
	r.headers = h.overflow ? SLICE_EMPTY : text_slice(&h);
	if (third_body_put(&parts, &t, &b)) {
		r.type = text_slice(&t);
		r.body = text_slice(&b);
	} else {
		log_event(LOG_WARN, "third_party", "body_too_large",
			  LOG_S("server", match->server));
	}
	s = owed_stage(p->c->owed, &r);
	if (!s)
		return;
	p->key[p->n] = r.key;
	p->state[p->n++] = s;
}

static void ask_profile(struct third_plan *p, uint32_t impu, const struct ifc *f)
{
	struct ifc_ask ask = {
		.session_case = IFC_ORIGINATING, .registered = true, .registration = p->kind};
	struct ifc_match match;
	uint32_t from = 0;

	while (ifc_next(f, p->m, &ask, from, &match) == IFC_MATCH) {
		add(p, impu, &match);
		from = match.index + 1;
	}
}

/* The first identity of a profile stands for all of it. */
static bool stands_for(const struct registration_set *set,
		       const struct service_profile profile[SET_IMPUS_MAX], uint32_t i)
{
	uint8_t not = ABI_IMPU_BARRED | ABI_IMPU_WILDCARD;

	if (!profile[i].id || set->impu_flags[i] & not )
		return false;
	for (uint32_t k = 0; k < i; k++)
		if (profile[k].id == profile[i].id && !(set->impu_flags[k] & not ))
			return false;
	return true;
}

/* Time of day when its last contact ends; 0: it has none that counts. */
static uint64_t end_of(const struct registration_set *set)
{
	uint64_t last = 0;

	for (uint32_t i = 0; i < set->n_contact; i++)
		if (!set->contact[i].emergency && set->contact[i].expires_wall_ms > last)
			last = set->contact[i].expires_wall_ms;
	return last;
}

static bool is_emergency(const struct registration_set *set)
{
	for (uint32_t i = 0; i < set->n_contact; i++)
		if (!set->contact[i].emergency)
			return false;
	return set->n_contact > 0;
}

/* True if some criterion of some profile is about REGISTER at all. */
static bool concerns(const struct service_profile profile[SET_IMPUS_MAX], uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct ifc *f = (const struct ifc *)profile[i].octets.p;

		if (profile[i].id && f->may[IFC_ORIGINATING][SIP_M_REGISTER])
			return true;
	}
	return false;
}

static bool profiles_of(struct control *c, const struct registration_set *set,
			struct service_profile profile[SET_IMPUS_MAX])
{
	if (!c->owed || !(set->roles & ABI_REG_SCSCF) || is_emergency(set) ||
	    set->roles & ABI_REG_UNREGISTERED)
		return false;
	services_of(c->services, set, profile);
	return concerns(profile, set->n_impu);
}

static void make(struct third_plan *p, const struct service_profile profile[SET_IMPUS_MAX])
{
	p->set_id = p->set->id;
	p->expires_wall_ms = p->kind == IFC_REGISTER_END ? 0 : end_of(p->set);
	for (uint32_t i = 0; i < p->set->n_impu; i++)
		if (stands_for(p->set, profile, i))
			ask_profile(p, i, (const struct ifc *)profile[i].octets.p);
}

static void take(struct third_plan *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		owed_take(p->c->owed, p->state[i]);
	if (p->kind == IFC_REGISTER_END)
		owed_over(p->c->owed, p->set_id);
	p->n = 0;
}

static uint8_t kind_of(const struct registering *g, bool over)
{
	if (over)
		return IFC_REGISTER_END;
	return g->kind == REGISTER_INITIAL ? IFC_REGISTER_INITIAL : IFC_REGISTER_AGAIN;
}

static struct slice put_response(const struct sip_msg *m, struct sip_reply *reply,
				 const struct text *headers, uint8_t memory[SIP_MESSAGE_MAX])
{
	struct text t = text_in(memory, SIP_MESSAGE_MAX);

	reply->status = 200;
	reply->headers = text_slice(headers);
	if (headers->overflow || !sip_reply_write(m, reply, &t))
		return SLICE_EMPTY;
	return t.overflow ? SLICE_EMPTY : text_slice(&t);
}

/* The 200 OK that is going to be sent. */
static struct slice response_of(const struct registering *g, const struct registration_set *set,
				uint8_t memory[SIP_MESSAGE_MAX])
{
	struct sip_reply reply = {.source = &g->x->src};
	uint8_t lines[SIP_MESSAGE_MAX];
	struct text headers = text_in(lines, sizeof(lines));
	char tag[17];

	exchange_tag(g->r->c->exchanges, g->x, tag);
	reply.to_tag = slice_str(tag);
	scscf_put_ok(&headers, g, set);
	return put_response(&g->x->msg, &reply, &headers, memory);
}

/* That of a worker, but for its To tag, which nobody has told us. */
static struct slice refreshed_response(struct control *c, const struct registration_set *set,
				       const struct sip_msg *m, uint8_t memory[SIP_MESSAGE_MAX])
{
	uint8_t lines[SIP_MESSAGE_MAX];
	struct text headers = text_in(lines, sizeof(lines));
	struct sip_reply reply = {0};

	scscf_put_refreshed(&headers, c, m, set);
	return put_response(m, &reply, &headers, memory);
}

void third_party_stage(struct registering *g, const struct registration_set *set, bool over)
{
	struct service_profile profile[SET_IMPUS_MAX];
	uint8_t memory[SIP_MESSAGE_MAX];
	struct third_plan *p;

	/* One contact less is no other registration, as long as there are more. */
	if (!profiles_of(g->r->c, set, profile) || (g->kind == REGISTER_REMOVE && !over))
		return;
	p = calloc(1, sizeof(*p));
	if (!p) {
		log_event(LOG_ERROR, "third_party", "no_memory", LOG_Z("impu", g->impu));
		return;
	}
	p->c = g->r->c;
	p->set = set;
	p->m = &g->x->msg;
	p->request = g->x->raw;
	p->response = response_of(g, over ? NULL : set, memory);
	p->own_terminal = g->pcscf;
	p->local = g->x->dst;
	p->kind = kind_of(g, over);
	make(p, profile);
	g->third = p;
}

void third_party_settle(struct registering *g, bool done)
{
	struct third_plan *p = g->third;

	g->third = NULL;
	if (!p)
		return;
	if (done)
		take(p);
	for (uint32_t i = 0; i < p->n; i++)
		owed_forget(p->c->owed, p->state[i]);
	free(p);
}

void third_party_refreshed(struct control *c, const struct registration_set *set,
			   const struct sip_msg *m)
{
	struct service_profile profile[SET_IMPUS_MAX];
	uint8_t memory[SIP_MESSAGE_MAX];
	struct third_plan p = {
		.c = c, .set = set, .m = m, .own_terminal = true, .kind = IFC_REGISTER_AGAIN};

	if (!profiles_of(c, set, profile))
		return;
	p.local = set->contact[0].local;
	p.request = m->raw;
	p.response = refreshed_response(c, set, m, memory);
	make(&p, profile);
	take(&p);
}

/* By what the user himself would have said. */
static struct slice own_end(const struct registration_set *set, struct slice realm,
			    struct text *t)
{
	const char *uri = set->impu_uri[0];

	text_lit(t, "REGISTER sip:");
	text_put(t, realm);
	text_lit(t, " SIP/2.0\r\nVia: SIP/2.0/UDP ");
	text_put(t, realm);
	text_lit(t, ";branch=z9hG4bKend\r\nMax-Forwards: 70\r\nFrom: <");
	text_str(t, uri);
	text_lit(t, ">;tag=end\r\nTo: <");
	text_str(t, uri);
	text_lit(t, ">\r\nCall-ID: end\r\nCSeq: 1 REGISTER\r\nContact: *\r\nExpires: 0\r\n"
		    "Content-Length: 0\r\n\r\n");
	return t->overflow ? SLICE_EMPTY : text_slice(t);
}

void third_party_over(struct control *c, const struct registration_set *set)
{
	struct service_profile profile[SET_IMPUS_MAX];
	uint8_t memory[4096];
	struct text t = text_in(memory, sizeof(memory));
	struct sip_msg m;
	struct third_plan p = {
		.c = c, .set = set, .m = &m, .own_terminal = true, .kind = IFC_REGISTER_END};

	if (!c->owed)
		return;
	p.local = c->conf->dataplane.port[0].address[0].ip;
	if (profiles_of(c, set, profile) &&
	    sip_parse(own_end(set, slice_str(c->conf->realm), &t), &m) == SIP_OK) {
		make(&p, profile);
		take(&p);
	}
	owed_over(c->owed, set->id);
}
