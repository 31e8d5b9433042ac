/* register.c - a REGISTER in progress: decoding, answering, one at a time for each user */
#include "control/register.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/log.h"
#include "conf/conf.h"
#include "control/charging.h"
#include "control/third_party.h"
#include "sip/field.h"
#include "sip/name_addr.h"
#include "sip/reply.h"

void register_drop(struct registering *g)
{
	struct registering *behind = g->behind;

	if (g->at_working) {
		*g->at_working = g->next_working;
		if (g->next_working)
			g->next_working->at_working = g->at_working;
	}
	*g->at = g->next;
	if (g->next)
		g->next->at = g->at;
	g->r->n_all--;
	if (g->set)
		registration_set_free(g->set);
	for (uint32_t i = 0; i < g->n_replaced; i++)
		registration_set_free(g->replaced[i]);
	free(g->kept);
	third_party_settle(g, false);
	agreement_end(g);
	free(g);
	if (behind)
		register_enter(behind, behind->go);
}

static void count_end(struct registering *g, uint16_t status)
{
	struct registrar_stats *s = &g->r->stats;

	if (status == 401)
		return;
	s->attempts[g->kind]++;
	if (status < 300)
		s->successes[g->kind]++;
	else
		s->failures[g->kind]++;
}

static void reply(struct registering *g, uint16_t status, struct slice headers,
		  struct slice body)
{
	count_end(g, status);
	agreement_answered(g);
	if (status != 401)
		log_event(status < 300 ? LOG_INFO : LOG_WARN, "registrar", "register",
			  LOG_Z("impu", g->impu), LOG_U("status", status));
	exchange_reply(g->r->c->exchanges, g->x, status, sip_reason(status), headers, body);
	register_drop(g);
}

/* What another CSCF answered it tells of itself: not of that which register_relay passes on. */
static void charge(const struct registering *g, uint16_t status)
{
	if (status != 401)
		charging_registered(
			g->r->c->charging,
			&(struct charging_register){
				.call_id = sip_first_value(&g->x->msg, SIP_H_CALL_ID),
				.identity = slice_str(g->impu),
				.pcscf = g->pcscf,
				.ended = g->kind == REGISTER_REMOVE,
				.status = status,
			});
}

void register_reply(struct registering *g, uint16_t status, const char *warning,
		    struct slice headers)
{
	uint8_t memory[SIP_MESSAGE_MAX];
	struct text t = text_in(memory, sizeof(memory));

	if (warning) {
		text_lit(&t, "Warning: 399 saker \"");
		text_str(&t, warning);
		text_lit(&t, "\"\r\n");
	}
	text_put(&t, headers);
	charge(g, status);
	reply(g, status, text_slice(&t), SLICE_EMPTY);
	/* A challenge to another P-CSCF has keys in it. */
	if (status == 401)
		OPENSSL_cleanse(memory, sizeof(memory));
}

void register_relay(struct registering *g, const struct sip_msg *response, struct slice headers)
{
	reply(g, response->status, headers, response->body);
}

void register_busy(struct registering *g, uint16_t status, const char *warning)
{
	register_reply(g, status, warning, SLICE("Retry-After: 2\r\n"));
}

void register_cx_failed(struct registering *g, int result)
{
	log_event(LOG_WARN, "registrar", "cx_refused", LOG_Z("impi", g->impi),
		  LOG_Z("impu", g->impu), LOG_Z("result", cx_result_name(result)));
	switch (result) {
	case CX_ERROR_USER_UNKNOWN:
		register_reply(g, 403, "user unknown", SLICE_EMPTY);
		break;
	case CX_ERROR_IDENTITIES_DONT_MATCH:
		register_reply(g, 403, "private and public identity do not match", SLICE_EMPTY);
		break;
	case CX_ERROR_ROAMING_NOT_ALLOWED:
		register_reply(g, 403, "roaming not allowed", SLICE_EMPTY);
		break;
	case CX_ERROR_IDENTITY_NOT_REGISTERED:
		register_reply(g, 403, "identity is not registered", SLICE_EMPTY);
		break;
	case CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED:
		register_reply(g, 403, "authentication scheme not supported for this user",
			       SLICE_EMPTY);
		break;
	case CX_AUTHORIZATION_REJECTED:
	case CX_ERROR_IDENTITY_ALREADY_REGISTERED:
	case CX_ERROR_IN_ASSIGNMENT_TYPE:
		register_reply(g, 403, "the HSS refused the registration", SLICE_EMPTY);
		break;
	case CX_NO_ANSWER:
	case CX_UNABLE_TO_DELIVER:
		register_reply(g, 504, "the HSS does not answer", SLICE_EMPTY);
		break;
	case CX_WINDOW_FULL:
	case CX_TOO_BUSY:
		register_busy(g, 503, "the HSS is busy");
		break;
	default:
		register_reply(g, 500, "the HSS gave an answer that does not help",
			       SLICE_EMPTY);
	}
}

static bool is_listed(struct slice list, struct slice token)
{
	struct slice one;

	while (sip_next_token(&list, &one))
		if (slice_eq_nocase(one, token))
			return true;
	return false;
}

bool register_is_outbound(const struct registering *g)
{
	const struct sip_msg *m = &g->x->msg;

	return g->n_contact == 1 && g->contact[0].instance.len && g->contact[0].reg_id &&
	       (sip_has_token(m, SIP_H_SUPPORTED, SLICE("outbound")) ||
		sip_has_token(m, SIP_H_REQUIRE, SLICE("outbound")));
}

void register_put_flow_timer(struct text *out, const struct conf *conf)
{
	if (conf->control.flow_timer_s == 0)
		return;
	text_lit(out, "Flow-Timer: ");
	text_u64(out, conf->control.flow_timer_s);
	text_lit(out, "\r\n");
}

bool register_check_extensions(struct registering *g, enum sip_header_id id, struct slice known)
{
	uint8_t memory[1024];
	struct text t = text_in(memory, sizeof(memory));
	const struct sip_msg *m = &g->x->msg;
	uint32_t n = 0;

	text_lit(&t, "Unsupported: ");
	for (const struct sip_header *h = sip_first(m, id); h; h = sip_next(m, h)) {
		struct slice rest = sip_value(m, h), token;

		while (sip_next_token(&rest, &token))
			if (!is_listed(known, token) && !agreement_knows(g, token)) {
				text_str(&t, n++ ? ", " : "");
				text_put(&t, token);
			}
	}
	if (n == 0)
		return true;
	text_lit(&t, "\r\n");
	register_reply(g, 420, "an extension is required that is not supported",
		       t.overflow ? SLICE_EMPTY : text_slice(&t));
	return false;
}

static void link_working(struct registering *g)
{
	struct registrar *r = g->r;

	g->next_working = r->working;
	if (r->working)
		r->working->at_working = &g->next_working;
	g->at_working = &r->working;
	r->working = g;
}

void register_enter(struct registering *g, void (*go)(struct registering *g))
{
	struct slice user = slice_str(g->impi[0] ? g->impi : g->impu);
	struct registering *before = g->r->working;
	uint32_t waiting = 0;

	g->user = hash_table(&g->r->key, user.p, user.len);
	g->go = go;
	while (before && before->user != g->user)
		before = before->next_working;
	if (!before) {
		link_working(g);
		go(g);
		return;
	}
	/* Those behind g keep their place: they came after the ones already waiting. */
	for (; before->behind; before = before->behind)
		waiting++;
	if (waiting < REGISTERING_WAIT_MAX)
		before->behind = g;
	else
		register_busy(g, 500, "another registration of this user is in progress");
}

bool register_is_writing(const struct registrar *r, uint64_t set_id,
			 const struct registering *g)
{
	for (const struct registering *w = r->working; w; w = w->next_working)
		if (w != g && w->committing == set_id)
			return true;
	return false;
}

bool register_is_changing(const struct registrar *r, uint64_t set_id)
{
	for (const struct registering *w = r->working; w; w = w->next_working)
		if (w->committing == set_id || (w->set && w->set->id == set_id))
			return true;
	return false;
}

/* The whole text of the user part and no escapes: what the private identity is derived from
 * (TS 23.003 §13.3). */
static bool derive_impi(struct registering *g)
{
	struct slice impu = slice_str(g->impu);

	if (!slice_starts(impu, SLICE("sip:")))
		return false;
	strcpy(g->impi, g->impu + 4);
	return true;
}

static bool decode_identities(struct registering *g)
{
	const struct sip_msg *m = &g->x->msg;
	struct text impu = text_in(g->impu, sizeof(g->impu));
	struct sip_name_addr to, from;
	struct slice rest, username;
	struct sip_uri uri;

	if (sip_name_addr_decode(sip_first_value(m, SIP_H_TO), SIP_E_TO, &to, &rest) !=
		    SIP_OK ||
	    sip_name_addr_decode(sip_first_value(m, SIP_H_FROM), SIP_E_FROM, &from, &rest) !=
		    SIP_OK ||
	    sip_uri_decode(to.uri, &uri) != SIP_OK ||
	    sip_uri_decode(from.uri, &(struct sip_uri){0}) != SIP_OK) {
		register_reply(g, 400, "malformed To or From", SLICE_EMPTY);
		return false;
	}
	if (!sip_uri_identity(&uri, &impu) || impu.len > IMPU_MAX ||
	    memchr(g->impu, 0, impu.len)) {
		g->impu[0] = 0;
		register_reply(g, 404, "To is no public identity", SLICE_EMPTY);
		return false;
	}
	text_cstr(&impu);
	/* RFC 3261 §10.3 step 5: an address of record of another domain is not ours to
	 * register. */
	if (uri.host.len && !own_domain(g->r->c->conf, uri.host)) {
		register_reply(g, 404, "To is not of this domain", SLICE_EMPTY);
		return false;
	}
	username = g->credentials.username;
	if (username.len > IMPI_MAX || (username.len && memchr(username.p, 0, username.len))) {
		register_reply(g, 400, "username is too long", SLICE_EMPTY);
		return false;
	}
	if (username.len)
		memcpy(g->impi, username.p, username.len);
	else if (!derive_impi(g)) {
		register_reply(g, 403, "no private identity", SLICE_EMPTY);
		return false;
	}
	return true;
}

/* The value of +sip.instance is quoted and has angle brackets (RFC 5626 §4.1). */
static struct slice unquote(struct slice s)
{
	if (s.len >= 2 && s.p[0] == '"' && s.p[s.len - 1] == '"')
		return slice_sub(s, 1, s.len - 2);
	return s;
}

bool register_decode_contact(const struct sip_name_addr *na, uint32_t expires,
			     struct register_contact *out)
{
	struct slice value;
	struct sip_uri uri;

	*out = (struct register_contact){
		.uri = na->uri, .params = na->params, .expires = expires};
	if (sip_uri_decode(na->uri, &uri) != SIP_OK || uri.scheme != SIP_SCHEME_SIP ||
	    uri.headers.len || na->uri.len > REG_CONTACT_URI_MAX ||
	    na->params.len > REGISTER_PARAMS_MAX || memchr(na->uri.p, 0, na->uri.len) ||
	    (na->params.len && memchr(na->params.p, 0, na->params.len)))
		return false;
	/* A malformed expires is as good as none (RFC 3261 §10.2.1.1). */
	if (sip_param(na->params, SLICE("expires"), &value))
		sip_delta_seconds(value, &out->expires);
	if (sip_param(na->params, SLICE("+sip.instance"), &value))
		out->instance = unquote(value);
	if (sip_param(na->params, SLICE("reg-id"), &value))
		slice_u32(value, &out->reg_id);
	out->emergency = sip_param(uri.params, SLICE("sos"), &value);
	return true;
}

static bool decode_contacts(struct registering *g)
{
	const struct conf_control *conf = &g->r->c->conf->control;
	const struct sip_msg *m = &g->x->msg;
	struct sip_name_addr_walk walk;
	struct sip_name_addr na;
	uint32_t expires = conf->expires_default_s;

	if (sip_first(m, SIP_H_EXPIRES))
		sip_delta_seconds(sip_first_value(m, SIP_H_EXPIRES), &expires);
	sip_walk(&walk, m, SIP_H_CONTACT, SIP_E_CONTACT);
	g->all_zero = true;
	while (sip_walk_next(&walk, &na)) {
		struct register_contact *c = &g->contact[g->n_contact];

		if (g->star || g->n_contact == SIP_CONTACT_MAX || (na.star && g->n_contact))
			return false;
		if (na.star) {
			g->star = true;
			continue;
		}
		if (!register_decode_contact(&na, expires, c))
			return false;
		g->n_contact++;
		g->all_zero = g->all_zero && c->expires == 0;
	}
	if (g->n_contact == 0 && !g->star)
		g->all_zero = false;
	/* RFC 3261 §10.2.2: the star only to remove, and alone. */
	return walk.error == SIP_OK && !(g->star && expires != 0);
}

static enum register_kind kind_of(const struct registering *g)
{
	const struct registration_set *set;

	if (g->all_zero)
		return REGISTER_REMOVE;
	set = registrations_by_impu(g->r->c->registrations, g->impu);
	return set && !(set->roles & ABI_REG_UNREGISTERED) ? REGISTER_AGAIN : REGISTER_INITIAL;
}

bool register_decode(struct registering *g)
{
	enum auth_found found = auth_decode(&g->x->msg, SIP_H_AUTHORIZATION,
					    slice_str(g->r->c->conf->realm), &g->credentials);

	if (found == AUTH_MALFORMED) {
		register_reply(g, 400, "malformed Authorization", SLICE_EMPTY);
		return false;
	}
	g->has_credentials = found == AUTH_FOUND;
	if (!g->has_credentials)
		memset(&g->credentials, 0, sizeof(g->credentials));
	if (!decode_identities(g))
		return false;
	if (!decode_contacts(g)) {
		register_reply(g, 400, "malformed Contact, or one that cannot be registered",
			       SLICE_EMPTY);
		return false;
	}
	g->kind = kind_of(g);
	return true;
}
