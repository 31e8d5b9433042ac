/* register_pcscf.c - REGISTER at the P-CSCF (TS 24.229 §5.2.2) */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "control/register.h"
#include "control/resolve.h"
#include "control/watcher.h"
#include "sip/field.h"
#include "sip/name_addr.h"
#include "sip/parse.h"

static bool check_source(struct registering *g)
{
	const struct conf_dataplane *d = &g->r->c->conf->dataplane;

	if (d->roles != CONF_PCSCF || g->x->port >= d->n_port ||
	    d->port[g->x->port].zone == CONF_ZONE_ACCESS)
		return true;
	register_reply(g, 403, "this port is not for terminals", SLICE_EMPTY);
	return false;
}

/* A Contact that leads back to us would make a loop of each call (RFC 5393 §4). */
static bool check_contacts(struct registering *g)
{
	for (uint32_t i = 0; i < g->n_contact; i++)
		if (g->contact[i].expires && own_uri(g->r->c->conf, g->contact[i].uri)) {
			register_reply(g, 403, "Contact is an address of this network's own",
				       SLICE_EMPTY);
			return false;
		}
	return true;
}

bool pcscf_check(struct registering *g)
{
	if (!check_source(g) ||
	    !register_check_extensions(g, SIP_H_PROXY_REQUIRE, SLICE_EMPTY) ||
	    !register_check_extensions(g, SIP_H_REQUIRE, SLICE("path, outbound, gruu")))
		return false;
	if (!own_uri(g->r->c->conf, g->x->msg.uri)) {
		register_reply(g, 404, "Request-URI is not of this network", SLICE_EMPTY);
		return false;
	}
	return check_contacts(g) && agreement_check(g);
}

static void relay(struct registering *g, const struct sip_msg *m)
{
	uint8_t memory[SIP_MESSAGE_MAX];
	struct text headers = text_in(memory, sizeof(memory));

	forward_response_headers(&headers, m, true);
	if (m->status < 300 && sip_has_token(m, SIP_H_REQUIRE, SLICE("outbound")))
		register_put_flow_timer(&headers, g->r->c->conf);
	if (headers.overflow)
		register_reply(g, 500, "the registrar's answer is too large", SLICE_EMPTY);
	else
		register_relay(g, m, text_slice(&headers));
}

/* ck and ik of a challenge (TS 24.229 §5.4.1.2.1). False: it has none that are whole. */
static bool find_keys(const struct sip_msg *m, struct sa_keys *keys)
{
	const struct sip_header *h = sip_first(m, SIP_H_WWW_AUTHENTICATE);
	struct slice scheme, rest, name, value;
	bool ck = false, ik = false;

	for (; h; h = sip_next(m, h)) {
		if (!sip_auth_scheme(sip_value(m, h), &scheme, &rest))
			continue;
		while (sip_auth_param(&rest, &name, &value)) {
			if (slice_eq_nocase(name, SLICE("ck")))
				ck = hex_decode(value, keys->ck, sizeof(keys->ck));
			if (slice_eq_nocase(name, SLICE("ik")))
				ik = hex_decode(value, keys->ik, sizeof(keys->ik));
		}
	}
	return ck && ik;
}

static void challenge(struct registering *g, const struct sip_msg *m)
{
	uint8_t memory[SIP_MESSAGE_MAX];
	struct text headers = text_in(memory, sizeof(memory));
	struct sa_keys keys;
	bool has_keys = find_keys(m, &keys);

	forward_response_headers(&headers, m, true);
	if (headers.overflow)
		register_reply(g, 500, "the registrar's answer is too large", SLICE_EMPTY);
	else
		agreement_challenge(g, has_keys ? &keys : NULL, text_slice(&headers));
	OPENSSL_cleanse(&keys, sizeof(keys));
}

/* The user's requests go to the first Service-Route (TS 24.229 §5.2.6.3.2); where its name is
 * not known here, to where registrations go. */
static void find_scscf(struct registering *g, struct registration_set *set,
		       const struct sip_msg *m)
{
	const struct conf *conf = g->r->c->conf;
	struct sip_name_addr na;
	struct slice rest;

	if (sip_name_addr_decode(sip_first_value(m, SIP_H_SERVICE_ROUTE), SIP_E_ROUTE, &na,
				 &rest) == SIP_OK &&
	    resolve_uri(conf, na.uri, &set->scscf) == RESOLVE_OK)
		return;
	set->scscf = conf->dataplane.scscf.family ? conf->dataplane.scscf : g->sent_to;
}

/* All values of one header, as one list. NULL: no memory, or too long. */
static char *joined(const struct sip_msg *m, enum sip_header_id id)
{
	uint8_t memory[REG_ROUTE_MAX];
	struct text t = text_in(memory, sizeof(memory));

	for (const struct sip_header *h = sip_first(m, id); h; h = sip_next(m, h)) {
		text_str(&t, t.len ? ", " : "");
		text_put(&t, sip_value(m, h));
	}
	return t.overflow ? NULL : binding_text(text_slice(&t));
}

static bool take_identities(struct registering *g, struct registration_set *set,
			    const struct sip_msg *m)
{
	struct sip_name_addr_walk walk;
	struct sip_name_addr na;

	sip_walk(&walk, m, SIP_H_P_ASSOCIATED_URI, SIP_E_PARAM);
	while (sip_walk_next(&walk, &na)) {
		uint8_t memory[IMPU_MAX];
		struct text t = text_in(memory, sizeof(memory));
		struct sip_uri uri;

		if (sip_uri_decode(na.uri, &uri) != SIP_OK || !sip_uri_identity(&uri, &t))
			continue;
		if (!profile_add(set, text_slice(&t), na.uri,
				 set->n_impu ? 0 : ABI_IMPU_DEFAULT))
			return false;
	}
	if (set->n_impu == 0 &&
	    !profile_add(set, slice_str(g->impu), slice_str(g->impu), ABI_IMPU_DEFAULT))
		return false;
	set->id = profile_set_id(slice_str(set->impu[0]));
	return true;
}

/* Seconds the registrar granted this contact; 0: it is not among the registered ones. */
static uint32_t granted(const struct sip_msg *m, struct slice uri)
{
	struct sip_name_addr_walk walk;
	struct sip_name_addr na;
	uint32_t expires = 0;

	sip_walk(&walk, m, SIP_H_CONTACT, SIP_E_CONTACT);
	while (sip_walk_next(&walk, &na)) {
		struct slice value = sip_first_value(m, SIP_H_EXPIRES);

		if (na.star || !binding_same_uri(na.uri, uri))
			continue;
		sip_param(na.params, SLICE("expires"), &value);
		sip_delta_seconds(value, &expires);
	}
	return expires;
}

/* The set as it was, with this REGISTER's contacts as the registrar has them now. NULL: no
 * memory, or more than fits. */
static struct registration_set *make_set(struct registering *g, const struct sip_msg *m)
{
	struct registration_set *old = registrations_by_impu(g->r->c->registrations, g->impu);
	struct registration_set *set =
		old ? registration_set_copy(old) : registration_set_new();
	uint64_t now = clock_wall_ms();
	char *service_route = joined(m, SIP_H_SERVICE_ROUTE),
	     *impi = binding_text(slice_str(g->impi));

	if (set && !set->user_data)
		set->user_data = binding_text(SLICE_EMPTY);
	if (!set || !set->user_data || !service_route || !impi)
		goto fail;
	set->roles = ABI_REG_PCSCF;
	free(set->impi);
	set->impi = impi;
	impi = NULL;
	free(set->service_route);
	set->service_route = service_route;
	service_route = NULL;
	profile_clear(set);
	if (!take_identities(g, set, m))
		goto fail;
	find_scscf(g, set, m);
	binding_expire(set, now);
	/* What the registrar has ended, or replaced by this one, is gone here as well. */
	for (uint32_t i = set->n_contact; i-- > 0;)
		if (granted(m, slice_str(set->contact[i].uri)) == 0)
			binding_remove(set, i);
	for (uint32_t i = 0; i < g->n_contact; i++)
		if (binding_put(set, g, &g->contact[i], granted(m, g->contact[i].uri), now) !=
		    BINDING_OK)
			goto fail;
	return set;
fail:
	free(service_route);
	free(impi);
	if (set)
		registration_set_free(set);
	return NULL;
}

/* The response outlives the transaction that brought it: the set is written before it goes on.
 */
struct kept_response {
	struct sip_msg msg;
	uint8_t raw[];
};

static struct kept_response *keep(const struct sip_msg *m)
{
	struct kept_response *k = malloc(sizeof(*k) + m->raw.len);

	if (!k)
		return NULL;
	memcpy(k->raw, m->raw.p, m->raw.len);
	if (sip_parse(slice_of(k->raw, m->raw.len), &k->msg) == SIP_OK)
		return k;
	free(k);
	return NULL;
}

static void ask_to_be_told(const struct registering *g)
{
	const struct control *c = g->r->c;
	const struct registration_set *set = registrations_by_impu(c->registrations, g->impu);

	if (set)
		watcher_registered(c->watchers, set, g->kind == REGISTER_INITIAL);
}

static void committed(struct registering *g, enum commit_result result)
{
	switch (result) {
	case COMMIT_OK:
		ask_to_be_told(g);
		relay(g, &g->kept->msg);
		break;
	case COMMIT_NOT_STORED:
		register_reply(g, 500, "the registration could not be stored", SLICE_EMPTY);
		break;
	case COMMIT_REFUSED:
		register_busy(g, 503, "no room for the registration");
		break;
	}
}

static void registered(struct registering *g)
{
	struct registration_set *old = registrations_by_impu(g->r->c->registrations, g->impu);
	struct registration_set *set = make_set(g, &g->kept->msg);

	if (!set) {
		register_busy(g, 503, "no room for the registration");
	} else if (set->n_contact) {
		commit_put(g, set, committed);
	} else {
		registration_set_free(set);
		if (old)
			commit_delete(g, old->id, committed);
		else
			committed(g, COMMIT_OK);
	}
}

void pcscf_answered(struct registering *g, const struct sip_msg *m)
{
	if (m->status == 401 && g->r->c->conf->pcscf.port_ps) {
		challenge(g, m);
		return;
	}
	/* A query changes nothing. */
	if (m->status < 200 || m->status > 299 || (g->n_contact == 0 && !g->star)) {
		relay(g, m);
		return;
	}
	g->kept = keep(m);
	if (g->kept)
		register_enter(g, registered);
	else
		register_busy(g, 503, "no room for the registration");
}
