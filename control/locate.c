/* locate.c - which S-CSCF serves a called user: LIR at the I-CSCF; restoration at the S-CSCF */
#include "control/locate.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "conf/conf.h"
#include "control/control.h"
#include "control/cx.h"
#include "control/held.h"
#include "control/number.h"
#include "control/outbound.h"
#include "control/registration.h"
#include "control/register.h"
#include "control/resolve.h"
#include "control/restore.h"
#include "control/select.h"
#include "sip/name_addr.h"
#include "sip/parse.h"
#include "sip/uri.h"

/* A request whose user is being looked for. */
struct looked {
	struct held held; /* first */
	struct locator *l;
	char impu[IMPU_MAX + 1]; /* canonical Request-URI; of a caller, P-Asserted-Identity */
	struct restoring restoring;
	bool may_leave;   /* the network */
	uint32_t own_len; /* of what ENUM says that the called number is, of our own; else 0 */
	uint8_t own[SIP_URI_MAX];
	bool originating; /* the caller is the one we do not know */
	bool by_server;   /* of that, an Application Server in his name */
};

struct locator {
	struct control *c;
	struct select_counts chosen;
};

struct locator *locator_open(struct control *c)
{
	struct locator *l = calloc(1, sizeof(*l));

	if (l)
		l->c = c;
	return l;
}

void locator_close(struct locator *l)
{
	free(l);
}

/* Whom ENUM named is called by that name from here on (TS 24.229 §5.4.3.2). */
static void resume(struct looked *h)
{
	if (h->own_len && !held_rename(&h->held, slice_of(h->own, h->own_len)))
		held_reject(&h->held, 503);
	else
		held_resume(&h->held);
}

static void reject(struct looked *h, uint16_t status)
{
	held_reject(&h->held, status);
}

/* TS 24.229 §5.4.3.2, §7.6: the terminal itself is told that nothing but a new registration
 * helps it; whose word that is, it sees by the identity. */
static void tell_to_register(struct looked *h)
{
	struct text t = text_in(h->held.route, sizeof(h->held.route));

	text_lit(&t, "P-Asserted-Identity: <");
	text_str(&t, h->l->c->conf->scscf_uri);
	text_lit(&t, ">\r\nContent-Type: application/3gpp-ims+xml;sv=\"1\"\r\n\r\n"
		     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		     "<ims-3gpp version=\"1\"><alternative-service><type>restoration</type>"
		     "<reason/><action>initial-registration</action></alternative-service>"
		     "</ims-3gpp>\r\n");
	h->held.route_len = t.overflow ? 0 : t.len;
	reject(h, 504);
}

/* TS 24.229 §5.4.3.2, §5.4.3.3: the S-CSCF has nothing of the user. */
static void restored(void *ctx, enum restore_result result)
{
	struct looked *h = ctx;

	switch (result) {
	case RESTORE_OK:
		h->held.locate = LOCATE_LOCAL;
		resume(h);
		return;
	case RESTORE_LATER:
		reject(h, 503);
		return;
	case RESTORE_NO_HSS:
		reject(h, 504);
		return;
	case RESTORE_NOBODY:
		reject(h, h->originating ? 403 : 480);
		return;
	case RESTORE_FAILED:
		if (h->originating)
			tell_to_register(h);
		else
			reject(h, 480);
		return;
	}
}

/* He is registered, and we forgot him; or he is not, and has services for that (TS 24.229
 * §5.4.3.3; in whose name a server begins something: §5.4.3.2). A terminal that begins
 * something has to be registered. */
static void restore(struct looked *h)
{
	struct control *c = h->l->c;
	bool serve = c->unregistereds && (!h->originating || h->by_server);

	if (!serve && !c->conf->control.restoration) {
		reject(h, h->originating ? 403 : 480);
		return;
	}
	h->restoring = (struct restoring){c, h->impu, restored, h, serve};
	restore_user(&h->restoring);
}

static void to_scscf(struct looked *h, struct slice server_name)
{
	switch (resolve_uri(h->l->c->conf, server_name, &h->held.hop)) {
	case RESOLVE_OK:
		if (server_name.len > sizeof(h->held.route)) {
			reject(h, 500);
			return;
		}
		memcpy(h->held.route, server_name.p, server_name.len);
		h->held.route_len = server_name.len;
		h->held.locate = LOCATE_SCSCF;
		resume(h);
		return;
	case RESOLVE_SELF:
		/* The worker did not find the user here, and neither did located(). */
		restore(h);
		return;
	case RESOLVE_UNKNOWN:
		log_event(LOG_WARN, "locate", "scscf_unknown",
			  LOG_S("server_name", server_name));
		reject(h, 504);
		return;
	}
}

/* TS 24.229 §5.3.2.1: nobody serves the called user yet. */
static void choose(struct looked *h, const struct cx_capabilities *want)
{
	uint8_t memory[SIP_URI_MAX];
	struct text uri = text_in(memory, sizeof(memory));
	struct select_tried tried = {0};

	switch (select_scscf(h->l->c->conf, want, &h->l->chosen, &tried, &uri)) {
	case SELECT_OK:
		to_scscf(h, text_slice(&uri));
		return;
	case SELECT_NONE:
		reject(h, 600);
		return;
	case SELECT_USED:
		reject(h, 480);
		return;
	}
}

static void own_number(struct held *held, struct slice uri);

static void leave(struct looked *h)
{
	/* ENUM's word is taken once: where the HSS does not know that user, rules are left. */
	outbound_own *own = h->own_len ? NULL : own_number;

	h->own_len = 0;
	outbound_request(h->l->c->outbound, &h->held, held_uri(&h->held), own);
}

/* TS 24.229 §5.3.2.1 */
static void located(void *ctx, const struct cx_lia *a)
{
	struct looked *h = ctx;

	/* Registered here while the HSS was being asked. */
	if (registrations_by_impu(h->l->c->registrations, h->impu)) {
		h->held.locate = LOCATE_LOCAL;
		resume(h);
		return;
	}
	switch (a->result) {
	case CX_SUCCESS:
	case CX_SUCCESS_SERVER_NAME_NOT_STORED:
		if (a->server_name.len)
			to_scscf(h, a->server_name);
		else
			reject(h, 480);
		break;
	case CX_UNREGISTERED_SERVICE:
		choose(h, &a->capabilities);
		break;
	case CX_ERROR_IDENTITY_NOT_REGISTERED:
		reject(h, 480);
		break;
	case CX_ERROR_USER_UNKNOWN:
		if (h->may_leave)
			leave(h);
		else
			reject(h, 404);
		break;
	case CX_NO_ANSWER:
	case CX_UNABLE_TO_DELIVER:
		reject(h, 504);
		break;
	case CX_WINDOW_FULL:
	case CX_TOO_BUSY:
		reject(h, 503);
		break;
	default:
		reject(h, 500);
	}
}

/* An S-CSCF's Service-Route on top tells a request of its served user (register.h). */
static bool is_originating(const struct control *c, const struct sip_msg *m)
{
	struct sip_name_addr route;
	struct slice rest;
	struct sip_uri uri;

	return (c->conf->dataplane.roles & CONF_SCSCF) &&
	       sip_name_addr_decode(sip_first_value(m, SIP_H_ROUTE), SIP_E_ROUTE, &route,
				    &rest) == SIP_OK &&
	       sip_uri_decode(route.uri, &uri) == SIP_OK && slice_eq(uri.user, SLICE("orig")) &&
	       own_uri(c->conf, route.uri);
}

static bool identity_of(struct looked *h, struct slice of)
{
	struct text t = text_in(h->impu, sizeof(h->impu));
	struct sip_uri uri;

	if (sip_uri_decode(of, &uri) != SIP_OK || !sip_uri_identity(&uri, &t) ||
	    t.len > IMPU_MAX)
		return false;
	text_cstr(&t);
	return true;
}

static bool identity(struct looked *h, const struct sip_msg *m)
{
	struct slice of = held_uri(&h->held), rest;
	struct sip_name_addr asserted;

	if (h->originating) {
		enum sip_header_id id =
			h->by_server ? SIP_H_P_SERVED_USER : SIP_H_P_ASSERTED_IDENTITY;

		if (sip_name_addr_decode(sip_first_value(m, id), SIP_E_HEADER, &asserted,
					 &rest) != SIP_OK)
			return false;
		of = asserted.uri;
	}
	return identity_of(h, of);
}

/* Served here under a wildcarded identity: the HSS need not say so (TS 24.229 §5.4.3.3). */
static bool by_wildcard(struct looked *h)
{
	const char *wildcard;
	struct registration_set *s =
		registrations_by_wildcard(h->l->c->registrations, h->impu, &wildcard);

	if (!s || !(s->roles & ABI_REG_SCSCF))
		return false;
	h->held.route_len = (uint32_t)strlen(wildcard);
	memcpy(h->held.route, wildcard, h->held.route_len);
	h->held.locate = LOCATE_LOCAL;
	resume(h);
	return true;
}

/* A domain that is not ours, and no number: the HSS has nothing to say of it. */
static bool is_foreign(const struct conf *conf, struct slice text)
{
	struct sip_uri uri;
	bool own;

	if (sip_uri_decode(text, &uri) != SIP_OK || uri.scheme == SIP_SCHEME_TEL)
		return false;
	own = slice_eq_nocase(uri.host, slice_str(conf->realm));
	for (uint32_t i = 0; !own && i < conf->n_domain; i++)
		own = slice_eq_nocase(uri.host, slice_str(conf->domain[i]));
	return !own;
}

/* The HSS is asked where it is ours to do so. */
static void look(struct looked *h)
{
	struct control *c = h->l->c;
	struct cx_lir q = {.impu = slice_str(h->impu)};

	if (by_wildcard(h))
		return;
	if (!c->cx)
		reject(h, 504);
	else if (h->originating || !(c->conf->dataplane.roles & CONF_ICSCF))
		restore(h);
	else
		cx_lir(c->cx, &q, located, h);
}

/* ENUM says that the number is a user of ours. The worker did not look for him by that name. */
static void own_number(struct held *held, struct slice uri)
{
	struct looked *h = (struct looked *)held;

	if (uri.len > sizeof(h->own) || !identity_of(h, uri)) {
		reject(h, 404);
		return;
	}
	h->own_len = uri.len;
	memcpy(h->own, uri.p, uri.len);
	if (registrations_by_impu(h->l->c->registrations, h->impu)) {
		h->held.locate = LOCATE_LOCAL;
		resume(h);
	} else {
		look(h);
	}
}

/* What cannot be dialled (RFC 6432 has the cause for other networks). */
static void reject_number(struct looked *h, uint16_t status, const char *cause)
{
	struct text t = text_in(h->held.route, sizeof(h->held.route));

	text_lit(&t, "Reason: Q.850;cause=");
	text_str(&t, cause);
	text_lit(&t, "\r\n");
	h->held.route_len = t.len;
	reject(h, status);
}

/* A global number in the place of what was dialled; false: the request is rejected. */
static bool globalise(struct looked *h, const struct sip_msg *m)
{
	const struct conf *conf = h->l->c->conf;
	uint8_t memory[64];
	struct text t = text_in(memory, sizeof(memory));
	struct sip_uri uri;

	if (!conf->numbers.country[0] || sip_uri_decode(m->uri, &uri) != SIP_OK ||
	    slice_starts(uri.user, SLICE("+")))
		return true;
	text_lit(&t, "tel:");
	switch (number_global(conf, &uri, sip_first_value(m, SIP_H_P_ACCESS_NETWORK_INFO),
			      &t)) {
	case NUMBER_NONE:
		return true;
	case NUMBER_GLOBAL:
		if (held_rename(&h->held, text_slice(&t)))
			return true;
		reject(h, 503);
		return false;
	case NUMBER_INCOMPLETE:
		reject_number(h, 484, "28;text=\"digits are missing\"");
		return false;
	case NUMBER_UNKNOWN:
		break;
	}
	reject_number(h, 404, "28;text=\"no number of a plan that is known here\"");
	return false;
}

static bool is_direct(const struct looked *h)
{
	const struct conf_bgcf *rule;

	return strncmp(h->impu, "tel:", 4) == 0 &&
	       outbound_is_direct(h->l->c->conf, slice_str(h->impu + 4), &rule);
}

/* A user of ours calls, and it may lead out of the network. */
static void look_outside(struct looked *h, const struct sip_msg *m)
{
	const struct conf *conf = h->l->c->conf;

	h->may_leave = true;
	if (is_foreign(conf, m->uri)) {
		leave(h);
		return;
	}
	if (!globalise(h, m))
		return;
	if (!identity(h, m))
		reject(h, 404);
	else if (registrations_by_impu(h->l->c->registrations, h->impu)) {
		h->held.locate = LOCATE_LOCAL;
		resume(h);
	} else if (is_direct(h) || !(conf->dataplane.roles & CONF_ICSCF)) {
		leave(h);
	} else {
		look(h);
	}
}

void locator_request(struct locator *l, const struct abi_punt *p)
{
	struct helds *helds = l->c->helds;
	struct sip_msg m;
	struct looked *h;
	uint64_t key;

	if (sip_parse(slice_of(p->data, p->len), &m) != SIP_OK ||
	    !held_key(helds, p, &m, &key)) {
		held_reject_other(helds, p, 400);
		return;
	}
	h = (struct looked *)held_new(helds, p, key, sizeof(*h));
	if (!h)
		return;
	h->l = l;
	if (p->reason == PUNT_OUTBOUND) {
		look_outside(h, &m);
		return;
	}
	h->originating = is_originating(l->c, &m);
	/* RFC 5502: a terminal's own does not come this far. */
	h->by_server = h->originating && sip_first(&m, SIP_H_P_SERVED_USER) &&
		       own_peer(l->c->conf, &p->src);
	if (identity(h, &m))
		look(h);
	else
		reject(h, h->originating ? 403 : 404);
}
