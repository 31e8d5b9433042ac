/* agreement.c - the security agreement of a REGISTER, at the P-CSCF
 *
 * RFC 3329, TS 33.203 §7, TS 24.229 §5.2.2.2. A REGISTER in clear brings Security-Client; its
 * challenge brings the keys, gives the UE a temporary set, and goes out with Security-Server
 * when the data plane has the set. The REGISTER that comes under the set, with Security-Verify,
 * proves it; with its 200 OK the set becomes active. A set in use is succeeded the same way
 * (§7.4). A set that no contact is reached through any more leaves when the last response has.
 *
 * A new set serves what goes to the UE as soon as it is active, and not only after the UE sent
 * something under it: Path names the UE's port, and Path was given to the S-CSCF with it.
 */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "control/install.h"
#include "control/persist.h"
#include "control/register.h"
#include "sip/field.h"
#include "sip/via.h"

enum {
	EXPIRE_TICK_MAX = 1024, /* sets ended in one go, so that the loop is not held */
	EXPIRE_POSTPONE_MS = 1000,
	T1_TIMES = 64, /* a transaction repeats its response so long (RFC 3261 §17.2.2) */
};

static const struct slice option_tag = SLICE("sec-agree");

static const struct conf_pcscf *conf_of(const struct registering *g)
{
	return &g->r->c->conf->pcscf;
}

static void count_refused(struct registering *g, enum sa_refusal why)
{
	g->r->stats.sa_refused[why]++;
	log_event(LOG_WARN, "agreement", "refused", LOG_Z("impu", g->impu),
		  LOG_Z("reason", sa_refusal_name(why)));
}

/* With what we offer, and that it is wanted (RFC 3329 §2.3.1, §2.3.2). */
static void refuse(struct registering *g, enum sa_refusal why, uint16_t status,
		   const char *warning, const struct sec_server *server)
{
	uint8_t memory[SEC_TEXT_MAX];
	struct text t = text_in(memory, sizeof(memory));

	count_refused(g, why);
	text_lit(&t, "Security-Server: ");
	sec_agree_put(&t, server);
	text_lit(&t, "\r\n");
	if (status != 400)
		text_lit(&t, "Require: sec-agree\r\n");
	register_reply(g, status, warning, text_slice(&t));
}

/* Before an agreement: without SPIs and ports, which belong to one. */
static struct sec_server offered(const struct registering *g)
{
	struct sec_server s = {.mode = g->nat.family ? SEC_MODE_UDP_TUNNEL
						     : SEC_MODE_TRANSPORT};

	sec_policy_make(&s.policy, g->r->c->conf);
	return s;
}

/* A UE whose own address is not the one its packets come from is behind a NAT (TS 33.203 Annex
 * M). */
static void find_address(struct registering *g)
{
	struct sip_via via;
	struct addr own;

	g->ue = g->x->src;
	if (sip_via_top(&g->x->msg, &via) != SIP_OK || !addr_parse_ip(via.host, &own) ||
	    own.family != g->ue.family || addr_same_ip(&own, &g->ue))
		return;
	g->nat = g->ue;
	g->ue = own;
}

static struct sa *under(const struct registering *g)
{
	return g->protected ? sas_find(g->r->c->sas, g->x->sa_id) : NULL;
}

const struct sa *agreement_under(const struct registering *g)
{
	return under(g);
}

/* A UE that begins anew, in clear, may have forgotten what it had; under a set in use it knows.
 */
static bool spi_in_use(const struct registering *g, uint32_t spi)
{
	const struct sa *sa = sas_find(g->r->c->sas, g->x->sa_id);
	bool knows = sa && sa->state != SA_TEMPORARY;

	return sas_spi_in_use(g->r->c->sas, &g->ue, &g->nat, spi, g->impi,
			      knows ? SAS_PROVEN_TOO : SAS_OTHERS);
}

/* Reads Security-Client and chooses. False: answered. */
static bool take_client(struct registering *g)
{
	uint8_t memory[SEC_TEXT_MAX];
	struct text client = text_in(memory, sizeof(memory));
	struct sec_server server = offered(g);
	enum sec_result result = SEC_MALFORMED;
	const char *wrong = "Security-Client is too long";

	if (sec_agree_join(&g->x->msg, SIP_H_SECURITY_CLIENT, &client))
		result = sec_agree_choose(text_slice(&client), &server.policy, server.mode,
					  &g->choice, &wrong);
	if (result == SEC_MALFORMED) {
		refuse(g, SA_REFUSED_MALFORMED, 400, wrong, &server);
		return false;
	}
	if (result == SEC_NOTHING_IN_COMMON) {
		refuse(g, SA_REFUSED_NOTHING_IN_COMMON, 494, "no security mechanism in common",
		       &server);
		return false;
	}
	if (spi_in_use(g, g->choice.spi_uc) || spi_in_use(g, g->choice.spi_us)) {
		refuse(g, SA_REFUSED_SPI, 494, "an SPI of Security-Client is in use", &server);
		return false;
	}
	g->client = binding_text(text_slice(&client));
	if (!g->client)
		register_busy(g, 503, "no memory");
	return g->client != NULL;
}

static bool is_protected_port(const struct conf_pcscf *conf, uint16_t port)
{
	return port == conf->port_ps || port == conf->port_pc[0] || port == conf->port_pc[1];
}

/* In clear (RFC 3329 §2.3.1, §2.3.2). A Security-Verify belongs to an agreement: without its
 * set somebody took the protection away. */
static bool check_clear(struct registering *g)
{
	const struct sip_msg *m = &g->x->msg;
	bool wanted = sip_has_token(m, SIP_H_REQUIRE, option_tag) ||
		      sip_has_token(m, SIP_H_PROXY_REQUIRE, option_tag);
	struct sec_server server;

	if (is_protected_port(conf_of(g), g->x->dst.port)) {
		count_refused(g, SA_REFUSED_IN_CLEAR);
		register_reply(g, 403, "in clear at a protected port", SLICE_EMPTY);
		return false;
	}
	find_address(g);
	server = offered(g);
	if (sip_first(m, SIP_H_SECURITY_VERIFY)) {
		refuse(g, SA_REFUSED_VERIFY, 494, "Security-Verify in clear", &server);
		return false;
	}
	if (wanted && sip_first(m, SIP_H_SECURITY_CLIENT))
		return take_client(g);
	if (wanted || (conf_of(g)->required && sip_has_token(m, SIP_H_SUPPORTED, option_tag))) {
		refuse(g, SA_REFUSED_MISSING, 494, "no Security-Client to choose from",
		       &server);
		return false;
	}
	if (conf_of(g)->required) {
		refuse(g, SA_REFUSED_MISSING, 421, "a security agreement is required", &server);
		return false;
	}
	return true;
}

/* True if all header fields with this id say what the text says. */
static bool says(const struct registering *g, enum sip_header_id id, struct slice text)
{
	uint8_t memory[SEC_TEXT_MAX];
	struct text t = text_in(memory, sizeof(memory));

	return sec_agree_join(&g->x->msg, id, &t) && sec_agree_same(text_slice(&t), text);
}

/* Security-Verify repeats our Security-Server (RFC 3329 §2.3.1), and before the set is proven
 * Security-Client repeats that of the challenged REGISTER (TS 24.229 §5.2.2.2): else somebody
 * changed the lists on their way in clear. */
static bool check_lists(struct registering *g, const struct sa *sa)
{
	uint8_t memory[SEC_TEXT_MAX];
	struct text t = text_in(memory, sizeof(memory));
	struct sec_server server;

	sa_server(sa, &server);
	sec_agree_put(&t, &server);
	if (!says(g, SIP_H_SECURITY_VERIFY, text_slice(&t))) {
		refuse(g, SA_REFUSED_VERIFY, 494, "Security-Verify is not what was offered",
		       &server);
		return false;
	}
	if (sa->client && !says(g, SIP_H_SECURITY_CLIENT, slice_str(sa->client))) {
		refuse(g, SA_REFUSED_CLIENT, 494, "Security-Client is not what it was",
		       &server);
		return false;
	}
	return true;
}

static bool check_protected(struct registering *g)
{
	struct sa *sa = sas_find(g->r->c->sas, g->x->sa_id);

	if (!sa || sa->state == SA_LEAVING) {
		count_refused(g, SA_REFUSED_UNKNOWN);
		register_busy(g, 500, "the security association is gone");
		return false;
	}
	g->ue = sa->ue;
	g->nat = sa->nat;
	if (strcmp(sa->impi, g->impi) != 0) {
		count_refused(g, SA_REFUSED_IDENTITY);
		register_reply(g, 403, "the security association is another user's",
			       SLICE_EMPTY);
		return false;
	}
	if (!check_lists(g, sa) ||
	    (sip_first(&g->x->msg, SIP_H_SECURITY_CLIENT) && !take_client(g)))
		return false;
	g->protected = true;
	sa->in_work++;
	registrar_sa_used(g->r, sa->id);
	return true;
}

bool agreement_check(struct registering *g)
{
	if (conf_of(g)->port_ps == 0)
		return true;
	return g->x->sa_id ? check_protected(g) : check_clear(g);
}

bool agreement_knows(const struct registering *g, struct slice token)
{
	return g->pcscf && conf_of(g)->port_ps && slice_eq_nocase(token, option_tag);
}

/* No new message begins under it; its last response leaves, and then it does. */
static void leave(struct control *c, struct sa *sa)
{
	if (sa->state == SA_ACTIVE)
		persist_sa_delete(c->persist, sa->id);
	sas_set_state(c->sas, sa, SA_LEAVING,
		      clock_wall_ms() + T1_TIMES * (uint64_t)c->conf->dataplane.t1_ms);
}

static void drop(struct control *c, struct sa *sa)
{
	if (sa->state == SA_ACTIVE)
		persist_sa_delete(c->persist, sa->id);
	install_sa_delete(c->installer, sa->id, NULL, NULL);
	sas_remove(c->sas, sa);
}

/* A UE has one temporary set (TS 24.229 §5.2.2.2). */
static void drop_temporary(struct registering *g)
{
	struct control *c = g->r->c;
	struct sa *sa, *next;

	for (sa = sas_of_ue(c->sas, g->impi, &g->ue, &g->nat, NULL); sa; sa = next) {
		next = sas_of_ue(c->sas, g->impi, &g->ue, &g->nat, sa);
		if (sa->state != SA_TEMPORARY)
			continue;
		if (sa->in_work)
			leave(c, sa);
		else
			drop(c, sa);
	}
}

static uint64_t sets_max(const struct conf *conf)
{
	return conf->pcscf.sa_sets ? conf->pcscf.sa_sets : 4ull * conf->dataplane.users;
}

/* False: answered 503. */
static bool check_room(struct registering *g)
{
	struct sas *sas = g->r->c->sas;
	enum sa_refusal why;

	if (sas_total(sas) >= sets_max(g->r->c->conf))
		why = SA_REFUSED_FULL;
	else if (sas_count(sas, SA_TEMPORARY) >= conf_of(g)->temporary)
		why = SA_REFUSED_TEMPORARY_FULL;
	else if (sas_temporary_at(sas, g->nat.family ? &g->nat : &g->ue) >=
		 conf_of(g)->temporary_address)
		why = SA_REFUSED_ADDRESS_FULL;
	else
		return true;
	count_refused(g, why);
	register_busy(g, 503, "too many security associations");
	return false;
}

/* Of our two client ports the one that the UE's set in use has not (TS 33.203 §7.4). */
static uint16_t client_port(struct registering *g, const struct sa *old)
{
	const struct conf_pcscf *conf = conf_of(g);

	for (struct sa *sa = NULL;
	     !old && (sa = sas_of_ue(g->r->c->sas, g->impi, &g->ue, &g->nat, sa));)
		if (sa->state == SA_ACTIVE)
			old = sa;
	return conf->port_pc[old && old->port_pc == conf->port_pc[0]];
}

/* The one that a new set is to succeed; one that was never active gives its own on. */
static uint64_t succeeded(const struct sa *came_under)
{
	if (!came_under)
		return 0;
	return came_under->state == SA_ACTIVE ? came_under->id : came_under->old_id;
}

/* NULL: no memory, or no random numbers. */
static struct sa *make_set(struct registering *g, const struct sa_keys *keys)
{
	const struct sa *came_under = agreement_under(g);
	const struct sec_choice *c = &g->choice;
	struct sas *sas = g->r->c->sas;
	struct sa *sa = sa_new();

	if (!sa)
		return NULL;
	sa->id = sas_next_id(sas);
	sa->old_id = succeeded(came_under);
	sa->state = SA_TEMPORARY;
	sa->created_wall_ms = clock_wall_ms();
	sa->due_wall_ms = sa->created_wall_ms + SA_AWAIT_MS;
	sa->ue = g->ue;
	sa->ue.port = c->port_uc;
	sa->local = g->x->dst;
	sa->local.port = conf_of(g)->port_ps;
	sa->nat = g->nat;
	sa->port_us = c->port_us;
	sa->port_pc = client_port(g, sas_find(sas, sa->old_id));
	sa->spi_uc = c->spi_uc;
	sa->spi_us = c->spi_us;
	sa->pair = c->pair;
	sec_policy_make(&sa->offered, g->r->c->conf);
	memcpy(sa->ck, keys->ck, sizeof(sa->ck));
	memcpy(sa->ik, keys->ik, sizeof(sa->ik));
	sa->impi = binding_text(slice_str(g->impi));
	sa->impu = binding_text(slice_str(g->impu));
	sa->client = binding_text(slice_str(g->client));
	if (sa->impi && sa->impu && sa->client &&
	    sas_draw_spis(sas, sa->spi_uc, sa->spi_us, &sa->spi_pc, &sa->spi_ps) &&
	    sas_put(sas, sa))
		return sa;
	sa_free(sa);
	return NULL;
}

/* The 401's headers, with Security-Server; on the heap. NULL: no memory, or too long. */
static char *challenge_headers(const struct sa *sa, struct slice headers)
{
	uint8_t memory[SIP_MESSAGE_MAX];
	struct text t = text_in(memory, sizeof(memory));
	struct sec_server server;
	char *copy;

	sa_server(sa, &server);
	text_put(&t, headers);
	text_lit(&t, "Security-Server: ");
	sec_agree_put(&t, &server);
	text_lit(&t, "\r\n");
	copy = t.overflow ? NULL : malloc((size_t)t.len + 1);
	if (!copy)
		return NULL;
	memcpy(copy, t.p, t.len);
	copy[t.len] = 0;
	return copy;
}

static void installed(void *ctx, int status)
{
	struct registering *g = ctx;
	struct sa *sa = sas_find(g->r->c->sas, g->challenged);

	if (status == INSTALL_OK && sa) {
		sa->used = true;
		register_reply(g, 401, NULL, slice_str(g->headers));
		return;
	}
	if (sa)
		drop(g->r->c, sa);
	count_refused(g, SA_REFUSED_NOT_INSTALLED);
	register_busy(g, 503, "no room for the security association");
}

void agreement_challenge(struct registering *g, const struct sa_keys *keys,
			 struct slice headers)
{
	struct sa *sa;

	if (!keys && conf_of(g)->required && !g->protected) {
		count_refused(g, SA_REFUSED_NO_KEYS);
		register_reply(g, 403, "no keys for a security association", SLICE_EMPTY);
		return;
	}
	if (!keys || !g->client) {
		register_reply(g, 401, NULL, headers);
		return;
	}
	drop_temporary(g);
	if (!check_room(g))
		return;
	sa = make_set(g, keys);
	if (sa)
		g->headers = challenge_headers(sa, headers);
	if (!g->headers) {
		if (sa)
			sas_remove(g->r->c->sas, sa);
		register_busy(g, 503, "no memory");
		return;
	}
	g->challenged = sa->id;
	sa->in_work++;
	install_sa(g->r->c->installer, sa, installed, g);
}

static void work_ends(struct sas *sas, uint64_t id)
{
	struct sa *sa = id ? sas_find(sas, id) : NULL;

	if (sa)
		sa->in_work--;
}

void agreement_end(struct registering *g)
{
	struct sas *sas = g->r->c->sas;

	work_ends(sas, g->protected ? g->x->sa_id : 0);
	work_ends(sas, g->challenged);
	free(g->client);
	free(g->headers);
}

void agreement_answered(struct registering *g)
{
	struct sa *sa = under(g);

	/* Whatever it was, it was no registration. */
	if (sa && sa->state == SA_TEMPORARY)
		leave(g->r->c, sa);
}

/* When the last contact that is reached through the set ends; 0: none is. */
static uint64_t contact_end(const struct registration_set *set, uint64_t sa_id)
{
	uint64_t until = 0;

	for (uint32_t i = 0; set && i < set->n_contact; i++)
		if (set->contact[i].sa_id == sa_id && set->contact[i].expires_wall_ms > until)
			until = set->contact[i].expires_wall_ms;
	return until;
}

/* As it is once the set of the REGISTER that came under it is in force. The texts are lent.
 * False: no contact is reached through it. */
static bool proven(const struct registering *g, const struct registration_set *set,
		   struct sa *out)
{
	const struct sa *sa = agreement_under(g);
	uint64_t until = sa ? contact_end(set, sa->id) : 0;

	memset(out, 0, sizeof(*out));
	if (until == 0)
		return false;
	until += SA_MARGIN_MS;
	*out = *sa;
	out->state = SA_ACTIVE;
	out->set_id = set->id;
	/* The longer of what it had and what it gets (TS 24.229 §5.2.2.2). */
	out->due_wall_ms =
		sa->state == SA_ACTIVE && sa->due_wall_ms > until ? sa->due_wall_ms : until;
	return true;
}

void agreement_store(struct registering *g, const struct registration_set *set)
{
	struct control *c = g->r->c;
	struct sa next;

	if (proven(g, set, &next))
		persist_sa_put(c->persist, &next, NULL, NULL);
	OPENSSL_cleanse(&next, sizeof(next));
}

void agreement_install(struct registering *g, const struct registration_set *set)
{
	struct sa next;

	if (proven(g, set, &next))
		install_sa(g->r->c->installer, &next, NULL, NULL);
	OPENSSL_cleanse(&next, sizeof(next));
}

void agreement_registered(struct registering *g, const struct registration_set *set)
{
	struct control *c = g->r->c;
	struct sa *sa = under(g);
	struct sa next;

	if (proven(g, set, &next)) {
		free(sa->client);
		sa->client = NULL;
		sas_bind(c->sas, sa, next.set_id);
		sas_set_state(c->sas, sa, SA_ACTIVE, next.due_wall_ms);
	}
	OPENSSL_cleanse(&next, sizeof(next));
	agreement_settle(c, set->id);
}

void agreement_put_back(struct registering *g)
{
	struct control *c = g->r->c;
	const struct sa *sa = agreement_under(g);

	if (!sa)
		return;
	if (sa->state == SA_ACTIVE)
		persist_sa_put(c->persist, sa, NULL, NULL);
	else
		persist_sa_delete(c->persist, sa->id);
	install_sa(c->installer, sa, NULL, NULL);
}

/* A contact is reached through it, or through the one that succeeds it and that the UE has not
 * used yet. */
static bool is_needed(struct sas *sas, const struct registration_set *set, const struct sa *sa)
{
	if (contact_end(set, sa->id))
		return true;
	for (struct sa *other = NULL; (other = sas_of_set(sas, sa->set_id, other));)
		if (other->old_id == sa->id && contact_end(set, other->id))
			return true;
	return false;
}

void agreement_settle(struct control *c, uint64_t set_id)
{
	const struct registration_set *set = registrations_by_id(c->registrations, set_id);
	struct sa *sa, *next;

	for (sa = sas_of_set(c->sas, set_id, NULL); sa; sa = next) {
		bool needed = is_needed(c->sas, set, sa);

		next = sas_of_set(c->sas, set_id, sa);
		if (sa->state == SA_ACTIVE && !needed)
			leave(c, sa);
		if (sa->state != SA_LEAVING || !contact_end(set, sa->id))
			continue;
		/* The set came back: what was to take its place failed. */
		sas_set_state(c->sas, sa, SA_ACTIVE, contact_end(set, sa->id) + SA_MARGIN_MS);
		persist_sa_put(c->persist, sa, NULL, NULL);
	}
}

/* -1: the link is down, and the next synchronisation brings it. */
static void installed_again(void *ctx, int status)
{
	if (status > 0)
		log_event(LOG_ERROR, "agreement", "not_installed",
			  LOG_U("status", (uint64_t)status));
}

/* Its contacts are not expected under the set before it any more. */
static void forget_old(struct control *c, const struct sa *sa)
{
	struct registration_set *set = registrations_by_id(c->registrations, sa->set_id);
	bool any = false;

	for (uint32_t i = 0; set && i < set->n_contact; i++) {
		struct registration_contact *k = &set->contact[i];

		if (k->sa_id != sa->id || !k->old.sa_id)
			continue;
		k->old.sa_id = 0;
		any = true;
	}
	if (any)
		install_put(c->installer, set, installed_again, NULL);
}

void registrar_sa_used(struct registrar *r, uint64_t sa_id)
{
	struct sa *sa = sas_find(r->c->sas, sa_id);

	if (!sa || sa->state != SA_ACTIVE || !sa->old_id)
		return;
	sa->old_id = 0;
	persist_sa_put(r->c->persist, sa, NULL, NULL);
	forget_old(r->c, sa);
	agreement_settle(r->c, sa->set_id);
}

void registrar_sa_lost(struct registrar *r, uint64_t sa_id)
{
	struct control *c = r->c;
	struct sa *sa = sas_find(c->sas, sa_id);
	struct registration_set *set;
	uint64_t now = clock_wall_ms();

	if (!sa)
		return;
	log_event(LOG_WARN, "agreement", "lost", LOG_Z("impu", sa->impu));
	r->stats.sa_lost++;
	set = registrations_by_id(c->registrations, sa->set_id);
	for (uint32_t i = 0; set && i < set->n_contact; i++) {
		if (set->contact[i].sa_id == sa_id && set->contact[i].expires_wall_ms > now)
			set->contact[i].expires_wall_ms = now;
		if (set->contact[i].old.sa_id == sa_id)
			set->contact[i].old.sa_id = 0;
	}
	if (set)
		registrations_touch(c->registrations, set);
	if (sa->in_work)
		leave(c, sa);
	else
		drop(c, sa);
}

void agreement_expire(struct registrar *r)
{
	struct control *c = r->c;
	uint64_t now = clock_wall_ms();
	struct sa *sa;

	for (int i = 0; i < EXPIRE_TICK_MAX; i++) {
		sa = sas_first_due(c->sas);
		if (!sa || sa->due_wall_ms > now)
			return;
		if (sa->in_work) {
			sas_set_state(c->sas, sa, sa->state, now + EXPIRE_POSTPONE_MS);
			continue;
		}
		if (sa->state == SA_TEMPORARY)
			r->stats.sa_unproven++;
		drop(c, sa);
	}
}

struct ids {
	uint64_t *id;
	uint32_t n;
};

static bool collect(void *ctx, const struct sa *sa)
{
	struct ids *ids = ctx;

	ids->id[ids->n++] = sa->set_id;
	return true;
}

bool agreement_open(struct control *c)
{
	struct ids ids = {.id = calloc(sas_total(c->sas) + 1u, sizeof(*ids.id))};

	if (!ids.id)
		return false;
	sas_each(c->sas, collect, &ids);
	for (uint32_t i = 0; i < ids.n; i++)
		agreement_settle(c, ids.id[i]);
	free(ids.id);
	return true;
}
