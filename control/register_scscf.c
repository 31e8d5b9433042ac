/* register_scscf.c - REGISTER at the S-CSCF, the registrar (TS 24.229 §5.4.1)
 *
 * Begins at the end of the file: scscf_register checks, authenticates or challenges; a right
 * response goes on upwards to the binding, the HSS's assignment, disk and data plane, and at
 * the top the 200 OK. Nothing of a binding is touched before the response was right.
 */
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "abi/token.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "control/cx.h"
#include "control/link.h"
#include "control/register.h"
#include "control/resolve.h"
#include "control/gruus.h"
#include "control/restore.h"
#include "control/services.h"
#include "control/third_party.h"
#include "sip/field.h"
#include "sip/name_addr.h"
#include "sip/via.h"

/* What the headers of a 200 OK depend on, but for the set. */
struct granted {
	struct control *c;
	const struct sip_msg *m;
	const char *impu; /* that is registered */
	const char *path; /* "" none */
	bool pcscf;       /* ours, too */
	bool outbound;    /* RFC 5626 */
};

/* RFC 5627 §5.3; TS 24.229 §5.4.1.2.2F: both names of the terminal, for the identity that is
 * registered here. All temporary ones are good as long as the terminal registers under this
 * Call-ID. */
static void put_gruus(struct text *t, const struct granted *k,
		      const struct registration_contact *c)
{
	struct hash_key key;
	struct gruus names;

	if (c->emergency || !link_token_key(k->c->link, &key) ||
	    !gruus_make(&key, slice_str(k->impu), slice_str(c->instance), slice_str(c->call_id),
			&names))
		return;
	text_lit(t, ";pub-gruu=\"");
	text_str(t, names.public);
	text_char(t, '"');
	if (!names.temporary[0])
		return;
	text_lit(t, ";temp-gruu=\"");
	text_str(t, names.temporary);
	text_char(t, '"');
}

static void put_contacts(struct text *t, const struct granted *k,
			 const struct registration_set *set, uint64_t now)
{
	bool gruu = sip_has_token(k->m, SIP_H_SUPPORTED, SLICE("gruu")) ||
		    sip_has_token(k->m, SIP_H_REQUIRE, SLICE("gruu"));

	for (uint32_t i = 0; i < set->n_contact; i++) {
		const struct registration_contact *c = &set->contact[i];

		if (c->expires_wall_ms <= now)
			continue;
		text_lit(t, "Contact: <");
		text_str(t, c->uri);
		text_lit(t, ">");
		text_str(t, c->params);
		if (gruu && c->instance[0])
			put_gruus(t, k, c);
		text_lit(t, ";expires=");
		text_u64(t, (c->expires_wall_ms - now + 999) / 1000);
		text_lit(t, "\r\n");
	}
}

/* The default identity first, barred ones not at all (TS 24.229 §5.4.1.2.2F). */
static void put_associated(struct text *t, const struct registration_set *set)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < set->n_impu; i++) {
		if (set->impu_flags[i] & ABI_IMPU_BARRED)
			continue;
		text_str(t, n++ ? ", <" : "P-Associated-URI: <");
		text_str(t, set->impu_uri[i]);
		text_lit(t, ">");
	}
	text_str(t, n ? "\r\n" : "");
}

char *scscf_service_route(const struct conf *conf)
{
	uint8_t memory[CONF_NAME_MAX + 32];
	struct text t = text_in(memory, sizeof(memory));
	struct sip_uri uri;

	if (sip_uri_decode(slice_str(conf->scscf_uri), &uri) != SIP_OK)
		return NULL;
	text_lit(&t, "<sip:orig@");
	text_put(&t, uri.host);
	if (uri.port) {
		text_char(&t, ':');
		text_u64(&t, uri.port);
	}
	text_lit(&t, ";lr>");
	return binding_text(text_slice(&t));
}

static void put_ok(struct text *t, const struct granted *k, const struct registration_set *set)
{
	struct slice charging = sip_first_value(k->m, SIP_H_P_CHARGING_VECTOR);

	if (!k->pcscf && k->path[0]) {
		text_lit(t, "Path: ");
		text_str(t, k->path);
		text_lit(t, "\r\n");
	}
	if (set && k->outbound) { /* RFC 5626 §6 */
		text_lit(t, "Require: outbound\r\n");
		if (k->pcscf)
			register_put_flow_timer(t, k->c->conf);
	}
	if (set) {
		put_contacts(t, k, set, clock_wall_ms());
		text_lit(t, "Service-Route: ");
		text_str(t, set->service_route);
		text_lit(t, "\r\n");
		put_associated(t, set);
	}
	if (!k->pcscf && set && set->charging && set->charging[0]) {
		text_lit(t, "P-Charging-Function-Addresses: ");
		text_str(t, set->charging);
		text_lit(t, "\r\n");
	}
	if (!k->pcscf && charging.len) {
		text_lit(t, "P-Charging-Vector: ");
		text_put(t, charging);
		text_lit(t, "\r\n");
	}
}

void scscf_put_ok(struct text *t, const struct registering *g,
		  const struct registration_set *set)
{
	const struct granted k = {.c = g->r->c,
				  .m = &g->x->msg,
				  .impu = g->impu,
				  .path = g->path,
				  .pcscf = g->pcscf,
				  .outbound = register_is_outbound(g)};

	put_ok(t, &k, set);
}

void scscf_put_refreshed(struct text *t, struct control *c, const struct sip_msg *m,
			 const struct registration_set *set)
{
	const struct granted k = {
		.c = c, .m = m, .impu = set->impu[0], .path = "", .pcscf = true};

	put_ok(t, &k, set);
}

static void reply_ok(struct registering *g, const struct registration_set *set)
{
	uint8_t memory[SIP_MESSAGE_MAX];
	struct text t = text_in(memory, sizeof(memory));

	scscf_put_ok(&t, g, set);
	if (t.overflow)
		register_reply(g, 500, "the answer is too large", SLICE_EMPTY);
	else
		register_reply(g, 200, NULL, text_slice(&t));
}

/* What the HSS assigned in this chain and is not going to be is taken back (TS 29.228 §6.1.2).
 */
static void fail_assigned(struct registering *g)
{
	if (g->assigned)
		deregister_tell_hss(g->r->c, g->impi, g->impu,
				    CX_SAT_ADMINISTRATIVE_DEREGISTRATION);
}

static void committed(struct registering *g, enum commit_result result)
{
	struct registration_set *set = registrations_by_impu(g->r->c->registrations, g->impu);

	if (result == COMMIT_OK && g->revoked) {
		if (set)
			set = commit_remove(g->r->c, set->id);
		if (set)
			third_party_over(g->r->c, set);
		if (set)
			registration_set_free(set);
		register_busy(g, 500, "the network ended the registration");
		return;
	}
	if (result == COMMIT_OK) {
		reply_ok(g, set);
		return;
	}
	fail_assigned(g);
	if (result == COMMIT_NOT_STORED)
		register_reply(g, 500, "the registration could not be stored", SLICE_EMPTY);
	else
		register_busy(g, 503, "no room for the registration");
}

static void refuse_profile(struct registering *g, enum profile_result why)
{
	fail_assigned(g);
	switch (why) {
	case PROFILE_BARRED:
		register_reply(g, 403, "all identities of this user are barred", SLICE_EMPTY);
		break;
	case PROFILE_OTHER:
		register_reply(g, 403, "the identity is not in the user's profile",
			       SLICE_EMPTY);
		break;
	case PROFILE_NO_MEMORY:
		register_busy(g, 503, "no memory");
		break;
	default:
		register_reply(g, 500, "the user's profile cannot be used", SLICE_EMPTY);
	}
}

/* The HSS has been told of this private identity with this public one. */
static bool is_registered(const struct registering *g)
{
	const struct registration_set *set =
		registrations_by_impu(g->r->c->registrations, g->impu);

	return set && binding_of_impi(set, g->impi);
}

/* Roles of the set: ours as P-CSCF as long as one contact's flow ends here. How its user was
 * authenticated stays. */
static void settle_roles(struct registration_set *set)
{
	set->roles = ABI_REG_SCSCF | (set->roles & ABI_REG_CHALLENGED);
	for (uint32_t i = 0; i < set->n_contact; i++)
		if (set->contact[i].flow.family)
			set->roles |= ABI_REG_PCSCF;
}

static void told(void *ctx, const struct cx_saa *a)
{
	if (a->result != CX_SUCCESS)
		log_event(LOG_WARN, "registrar", "sar_failed",
			  LOG_Z("result", cx_result_name(a->result)));
}

/* More contacts than the REGISTER had are to be kept by the HSS (TS 23.380 §4.2.1). */
static void tell_contacts(const struct registering *g, const struct registration_set *set)
{
	struct cx_sar q = {
		.impi = slice_str(g->impi),
		.n_impus = 1,
		.impu = {slice_str(g->impu)},
		.server_name = slice_str(g->r->c->conf->scscf_uri),
		.type = CX_SAT_RE_REGISTRATION,
		.user_data_available = true,
		.multiple_registration = true,
	};
	uint8_t memory[RESTORE_TEXT_MAX];
	struct text t = text_in(memory, sizeof(memory));

	restore_info(g->r->c, set, g->impi, &q.restoration, &t);
	cx_sar(g->r->c->cx, &q, told, NULL);
}

static void assigned(void *ctx, const struct cx_saa *a)
{
	struct registering *g = ctx;
	struct registration_set *set = g->set;
	enum profile_result profile;

	if (a->result != CX_SUCCESS) {
		register_cx_failed(g, a->result);
		return;
	}
	g->assigned = !is_registered(g);
	if (g->revoked) {
		fail_assigned(g);
		register_busy(g, 500, "the network ended the registration");
		return;
	}
	profile = profile_apply(set, a->user_data, g->impu);
	if (profile == PROFILE_OK && !profile_charging(set, &a->charging))
		profile = PROFILE_NO_MEMORY;
	if (profile != PROFILE_OK) {
		refuse_profile(g, profile);
		return;
	}
	services_look(g->r->c->services, set->impi, a->user_data);
	/* The user was registered before this S-CSCF forgot him: his other contacts are back.
	 */
	if (g->assigned && restore_contacts(g->r->c, set, a)) {
		settle_roles(set);
		tell_contacts(g, set);
	}
	g->set = NULL;
	commit_put(g, set, committed);
}

static void unassigned(void *ctx, const struct cx_saa *a)
{
	struct registering *g = ctx;
	struct registration_set *set = registrations_by_impu(g->r->c->registrations, g->impu);

	/* The user is gone all the same; the HSS learns it when it next asks (TS 24.229
	 * §5.4.1.4). */
	if (a->result != CX_SUCCESS)
		log_event(LOG_WARN, "registrar", "sar_failed", LOG_Z("impu", g->impu),
			  LOG_Z("result", cx_result_name(a->result)));
	if (g->set) { /* others are registered still, by another private identity */
		set = g->set;
		g->set = NULL;
		commit_put(g, set, committed);
	} else if (set) {
		commit_delete(g, set->id, committed);
	} else {
		reply_ok(g, NULL);
	}
}

static void assign(struct registering *g, enum cx_sat type,
		   void (*done)(void *ctx, const struct cx_saa *a))
{
	struct cx_sar q = {
		.impi = slice_str(g->impi),
		.n_impus = 1,
		.impu = {slice_str(g->impu)},
		.server_name = slice_str(g->r->c->conf->scscf_uri),
		.type = type,
		/* TS 29.228 §6.1.2.1: one contact of several (RFC 5626). */
		.multiple_registration = g->set && g->set->n_contact > 1,
	};
	uint8_t memory[RESTORE_TEXT_MAX];
	struct text t = text_in(memory, sizeof(memory));

	if (g->set)
		restore_info(g->r->c, g->set, g->impi, &q.restoration, &t);
	cx_sar(g->r->c->cx, &q, done, g);
}

static void refuse_binding(struct registering *g, enum binding_result why)
{
	uint8_t memory[64];
	struct text t = text_in(memory, sizeof(memory));

	switch (why) {
	case BINDING_OUT_OF_ORDER:
		register_reply(g, 500, "CSeq is not above that of an earlier registration",
			       SLICE_EMPTY);
		break;
	case BINDING_TOO_BRIEF:
		text_lit(&t, "Min-Expires: ");
		text_u64(&t, g->r->c->conf->control.expires_min_s);
		text_lit(&t, "\r\n");
		register_reply(g, 423, "the registration would end too soon", text_slice(&t));
		break;
	case BINDING_TOO_MANY:
		register_reply(g, 403, "too many contacts are registered", SLICE_EMPTY);
		break;
	default:
		register_busy(g, 503, "no memory");
	}
}

/* The user's set as it is, or a new one; a copy in either case. NULL: no memory. */
static struct registration_set *working_copy(struct registering *g,
					     const struct registration_set *old)
{
	struct registration_set *set =
		old ? registration_set_copy(old) : registration_set_new();

	if (!set)
		return NULL;
	if (!set->impi || !set->impi[0]) {
		free(set->impi);
		set->impi = binding_text(slice_str(g->impi));
	}
	free(set->service_route);
	set->service_route = scscf_service_route(g->r->c->conf);
	set->roles = (uint8_t)(ABI_REG_SCSCF | (g->pcscf ? ABI_REG_PCSCF : 0) |
			       (set->roles & ABI_REG_CHALLENGED));
	if (g->by_digest || g->by_aka || g->by_address)
		set->roles &= (uint8_t)~ABI_REG_CHALLENGED;
	if (g->by_digest && g->r->c->conf->control.proxy_auth == CONF_PROXY_AUTH_INITIAL)
		set->roles |= ABI_REG_CHALLENGED;
	memset(&set->scscf, 0, sizeof(set->scscf));
	if (!set->user_data)
		set->user_data = binding_text(SLICE_EMPTY);
	if (set->impi && set->service_route && set->user_data)
		return set;
	registration_set_free(set);
	return NULL;
}

/* Of this private identity nothing is registered any more. */
static void unbind(struct registering *g, struct registration_set *set)
{
	vectors_drop(g->r->vectors, slice_str(g->impi));
	if (set->n_contact) {
		g->set = set;
	} else {
		registration_set_free(set);
	}
	assign(g, CX_SAT_USER_DEREGISTRATION, unassigned);
}

static void bind(struct registering *g)
{
	const struct registration_set *old =
		registrations_by_impu(g->r->c->registrations, g->impu);
	struct registration_set *set;
	enum binding_result result;
	bool known;

	if (g->n_contact == 0 && !g->star) {
		reply_ok(g, old);
		return;
	}
	set = working_copy(g, old);
	result = set ? binding_apply(set, g, clock_wall_ms()) : BINDING_NO_MEMORY;
	if (result == BINDING_OK && !binding_settle(set))
		result = BINDING_NO_MEMORY;
	if (result != BINDING_OK) {
		if (set)
			registration_set_free(set);
		refuse_binding(g, result);
		return;
	}
	settle_roles(set);
	/* A profile that is held needs no second transfer (TS 24.229 §5.4.1.2.2E), as long as
	 * the HSS agrees that the user is registered, which an RTR that never arrived would
	 * end, and knows the contacts (TS 23.380 §4.2.1). */
	known = is_registered(g) && old->user_data && old->user_data[0] && !g->unassigned &&
		!(g->r->c->conf->control.restoration && restore_differs(old, set));
	if (!binding_of_impi(set, g->impi)) {
		unbind(g, set);
	} else if (known) {
		commit_put(g, set, committed);
	} else {
		g->set = set;
		assign(g, is_registered(g) ? CX_SAT_RE_REGISTRATION : CX_SAT_REGISTRATION,
		       assigned);
	}
}

static uint32_t offers(const struct conf_control *c)
{
	return (c->digest_md5 ? AUTH_OFFER_MD5 : 0u) |
	       (c->digest_sha256 ? AUTH_OFFER_SHA256 : 0u);
}

/* Whether this terminal's access network allows the scheme. */
static bool is_allowed(const struct registering *g, enum cx_auth_scheme scheme)
{
	uint32_t schemes = own_schemes(g->r->c->conf, &g->terminal);

	return schemes & (scheme == CX_AUTH_AKA ? CONF_SCHEME_AKA : CONF_SCHEME_DIGEST);
}

/* Whether the HSS's vector can be used here, and for this terminal. */
static bool usable(const struct registering *g, const struct cx_vector *v)
{
	const struct conf_control *c = &g->r->c->conf->control;

	if (!is_allowed(g, v->scheme))
		return false;
	if (v->scheme == CX_AUTH_AKA)
		return c->aka && v->xres_len >= 4 && v->xres_len <= sizeof(v->xres);
	return v->scheme == CX_AUTH_DIGEST &&
	       ((c->digest_md5 && v->ha1[0]) || (c->digest_sha256 && v->ha1_sha256[0]));
}

/* Counts a wrong response; true: that was one too many, and 403 is sent (TS 24.229 §5.4.1.2.3).
 */
static bool too_often(struct registering *g)
{
	struct registrar *r = g->r;

	r->stats.auth_wrong++;
	if (tries_add(r->tries, slice_str(g->impi), clock_ms()) <
	    r->c->conf->control.auth_tries)
		return false;
	tries_clear(r->tries, slice_str(g->impi));
	/* A stranger's guesses must not move the HSS's state of a user who is registered. */
	if (!registrations_by_impu(r->c->registrations, g->impu))
		deregister_tell_hss(r->c, g->impi, g->impu, CX_SAT_AUTHENTICATION_FAILURE);
	register_reply(g, 403, "authentication failed", SLICE_EMPTY);
	return true;
}

/* The P-CSCF is here: the keys need no header to reach it. */
static void challenge_ue(struct registering *g, const struct cx_vector *v, struct slice headers)
{
	struct sa_keys keys;

	memcpy(keys.ck, v->ck, sizeof(keys.ck));
	memcpy(keys.ik, v->ik, sizeof(keys.ik));
	agreement_challenge(g, v->scheme == CX_AUTH_AKA ? &keys : NULL, headers);
	OPENSSL_cleanse(&keys, sizeof(keys));
}

static void send_challenge(struct registering *g, const struct cx_vector *v)
{
	const struct conf *conf = g->r->c->conf;
	uint8_t memory[2048];
	char nonce[NONCE_TEXT_MAX + 1];
	struct text t = text_in(memory, sizeof(memory));
	const char *realm = v->scheme == CX_AUTH_DIGEST && v->digest_realm[0] ? v->digest_realm
									      : conf->realm;
	uint32_t offer = offers(&conf->control);
	const struct challenge *ch = NULL;
	struct challenge_seed seed = {
		.vector = v,
		.impi = slice_str(g->impi),
		.impu = slice_str(g->impu),
		.realm = slice_str(realm),
		.syncs = g->syncs,
		.akav2 = v->scheme == CX_AUTH_AKA && conf->control.akav2,
	};

	if (auth_nonce(v, nonce)) {
		seed.nonce = slice_str(nonce);
		ch = nonces_add(g->r->nonces, &seed, clock_ms());
	}
	if (!ch) {
		register_busy(g, 503, "no memory");
		return;
	}
	/* RFC 7616 §3.3: stale only where nothing but the nonce's age was wrong. A wrong one is
	 * a guess like any other: without the count, stale would tell right guesses at a nonce
	 * of the guesser's choice. */
	if (g->unknown_nonce && ch->scheme == CX_AUTH_DIGEST) {
		if (auth_check(ch, &g->credentials, g->x->msg.method_name)) {
			offer |= AUTH_OFFER_STALE;
			g->r->stats.auth_stale++;
		} else if (too_often(g)) {
			return;
		}
	}
	auth_challenge_put(&t, ch, offer, g->pcscf ? NULL : v);
	if (g->pcscf)
		challenge_ue(g, v, text_slice(&t));
	else
		register_reply(g, 401, NULL, text_slice(&t));
	OPENSSL_cleanse(memory, sizeof(memory));
}

static void vectors(void *ctx, const struct cx_maa *a)
{
	struct registering *g = ctx;

	if (a->result != CX_SUCCESS) {
		if (a->result == CX_ERROR_USER_UNKNOWN)
			g->r->stats.auth_unknown_user++;
		register_cx_failed(g, a->result);
	} else if (a->n_vectors == 0 || !usable(g, &a->vector[0])) {
		register_reply(g, 403, "no authentication scheme in common", SLICE_EMPTY);
	} else {
		vectors_put(g->r->vectors, slice_str(g->impi), slice_str(g->impu), a,
			    clock_ms() + g->r->c->conf->control.vectors_ttl_s * 1000ull);
		send_challenge(g, &a->vector[0]);
	}
}

/* One that is left over, if the client may be asked by it. */
static bool challenge_at_once(struct registering *g)
{
	struct cx_vector v;
	bool taken = vectors_take(g->r->vectors, slice_str(g->impi), slice_str(g->impu),
				  clock_ms(), &v);

	if (!taken)
		return false;
	taken = usable(g, &v);
	if (taken) {
		g->r->stats.auth_kept++;
		send_challenge(g, &v);
	}
	OPENSSL_cleanse(&v, sizeof(v));
	return taken;
}

/* A client that names an algorithm is asked by it; else the HSS decides by its subscription,
 * where the access network leaves it the choice. */
static enum cx_auth_scheme wanted_scheme(const struct registering *g)
{
	if (g->has_credentials && g->credentials.algorithm_given &&
	    g->credentials.algorithm != AUTH_UNSUPPORTED)
		return g->credentials.algorithm == AUTH_AKAV1_MD5 ||
				       g->credentials.algorithm == AUTH_AKAV2_MD5
			       ? CX_AUTH_AKA
			       : CX_AUTH_DIGEST;
	if (is_allowed(g, CX_AUTH_AKA))
		return is_allowed(g, CX_AUTH_DIGEST) ? CX_AUTH_UNKNOWN : CX_AUTH_AKA;
	return CX_AUTH_DIGEST;
}

/* auts: RAND || AUTS, or empty. */
static void challenge(struct registering *g, struct slice auts)
{
	struct cx_mar q = {
		.impi = slice_str(g->impi),
		.impu = slice_str(g->impu),
		.server_name = slice_str(g->r->c->conf->scscf_uri),
		.n_vectors = g->r->c->conf->control.vectors,
		.scheme = auts.len ? CX_AUTH_AKA : wanted_scheme(g),
		.auts = auts,
	};

	if (q.scheme != CX_AUTH_UNKNOWN && !is_allowed(g, q.scheme)) {
		register_reply(g, 403, "not allowed from this access network", SLICE_EMPTY);
		return;
	}
	/* With the terminal's sequence numbers elsewhere those left over are of no use. */
	if (auts.len)
		vectors_drop(g->r->vectors, slice_str(g->impi));
	else if (q.scheme != CX_AUTH_DIGEST && challenge_at_once(g))
		return;
	cx_mar(g->r->c->cx, &q, vectors, g);
}

/* TS 33.102 §6.3.5: the terminal's sequence number is ahead; the HSS follows, and a new
 * challenge goes out. */
static void resynchronise(struct registering *g, struct challenge *ch)
{
	uint8_t auts[30];
	bool sound = ch->scheme == CX_AUTH_AKA && ch->syncs < REGISTER_SYNC_MAX &&
		     auth_auts(ch, &g->credentials, auts);

	g->syncs = (uint8_t)(ch->syncs + 1);
	nonces_remove(g->r->nonces, ch);
	if (!sound) {
		register_reply(g, 403, "resynchronisation failed", SLICE_EMPTY);
		return;
	}
	g->r->stats.auth_sync++;
	challenge(g, slice_of(auts, sizeof(auts)));
}

/* The response to a challenge of ours is in hand. */
static void check(struct registering *g, struct challenge *ch)
{
	const struct auth_credentials *c = &g->credentials;
	bool right, digest = ch->scheme == CX_AUTH_DIGEST;

	/* It was asked somewhere else. */
	if (!is_allowed(g, ch->scheme)) {
		register_reply(g, 403, "not allowed from this access network", SLICE_EMPTY);
		return;
	}
	if (c->auts.len) {
		resynchronise(g, ch);
		return;
	}
	right = auth_check(ch, c, g->x->msg.method_name);
	/* Once a guess was made at it a nonce is spent; so is an AKA vector, right or wrong. */
	if (right && digest) {
		if (!auth_count(ch, c)) {
			g->r->stats.auth_stale++;
			challenge(g, SLICE_EMPTY);
			return;
		}
	} else {
		nonces_remove(g->r->nonces, ch);
	}
	if (!right) {
		if (!too_often(g))
			challenge(g, SLICE_EMPTY);
		return;
	}
	g->r->stats.auth_ok++;
	g->by_digest = digest;
	g->by_aka = !digest;
	tries_clear(g->r->tries, slice_str(g->impi));
	register_enter(g, bind);
}

/* TS 33.203 Annex T: the address that the access network gave this user. */
static void framed(void *ctx, const struct cx_maa *a)
{
	struct registering *g = ctx;
	const struct cx_vector *v = &a->vector[0];

	/* A subscriber of another kind. */
	if (a->result == CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED) {
		challenge(g, SLICE_EMPTY);
	} else if (a->result != CX_SUCCESS) {
		if (a->result == CX_ERROR_USER_UNKNOWN)
			g->r->stats.auth_unknown_user++;
		register_cx_failed(g, a->result);
	} else if (a->n_vectors == 0 || v->scheme != CX_AUTH_GIBA ||
		   !own_in_prefix(&v->framed, v->framed_bits, &g->terminal)) {
		g->r->stats.auth_wrong++;
		if (!registrations_by_impu(g->r->c->registrations, g->impu))
			deregister_tell_hss(g->r->c, g->impi, g->impu,
					    CX_SAT_AUTHENTICATION_FAILURE);
		register_reply(g, 403, "the address is not this user's", SLICE_EMPTY);
	} else {
		g->r->stats.auth_ok++;
		g->by_address = true;
		register_enter(g, bind);
	}
}

static void ask_address(struct registering *g)
{
	struct cx_mar q = {
		.impi = slice_str(g->impi),
		.impu = slice_str(g->impu),
		.server_name = slice_str(g->r->c->conf->scscf_uri),
		.n_vectors = 1,
		.scheme = CX_AUTH_GIBA,
	};

	cx_mar(g->r->c->cx, &q, framed, g);
}

/* Under associations that an earlier challenge gave: of our own P-CSCF those, of another node's
 * what it says of them, having taken out what the terminal said. */
static bool is_protected(const struct registering *g)
{
	return g->pcscf ? g->protected : g->credentials.integrity_protected;
}

/* Without credentials, and without a wish for security associations: for those there would be
 * no keys. */
static bool is_by_address(const struct registering *g)
{
	return !g->has_credentials && !g->client && !g->protected &&
	       own_schemes(g->r->c->conf, &g->terminal) & CONF_SCHEME_GIBA;
}

static void authenticate(struct registering *g)
{
	struct challenge *ch;

	if (!g->r->c->conf->control.challenge_protected && is_protected(g) &&
	    !auth_is_response(&g->credentials) && is_registered(g)) {
		register_enter(g, bind);
		return;
	}
	if (is_by_address(g)) {
		ask_address(g);
		return;
	}
	if (!g->has_credentials || !auth_is_response(&g->credentials)) {
		challenge(g, SLICE_EMPTY);
		return;
	}
	/* RFC 7616 §3.4.6: a digest made for another resource proves nothing here. */
	if (!slice_eq(g->credentials.uri, g->x->msg.uri) &&
	    !own_uri(g->r->c->conf, g->credentials.uri)) {
		register_reply(g, 400, "the digest's uri is not of this registrar",
			       SLICE_EMPTY);
		return;
	}
	ch = nonces_find(g->r->nonces, g->credentials.nonce, clock_ms());
	/* A nonce of another user, or for another identity than the HSS paired with this one,
	 * is as good as unknown. */
	if (!ch || strcmp(ch->impi, g->impi) || strcmp(ch->impu, g->impu)) {
		g->unknown_nonce = true;
		challenge(g, SLICE_EMPTY);
		return;
	}
	check(g, ch);
}

/* Path of a request that came over Mw: where terminating requests go (RFC 3327 §5.3). Only
 * peers may be named. */
static bool take_path(struct registering *g)
{
	const struct sip_msg *m = &g->x->msg;
	const struct conf *conf = g->r->c->conf;
	struct text t = text_in(g->path, REG_ROUTE_MAX);
	struct sip_name_addr na;
	struct slice rest;

	for (const struct sip_header *h = sip_first(m, SIP_H_PATH); h; h = sip_next(m, h)) {
		text_str(&t, t.len ? ", " : "");
		text_put(&t, sip_value(m, h));
	}
	if (t.overflow || t.len == 0 || memchr(g->path, 0, t.len)) {
		g->path[0] = 0;
		register_reply(g, 400, "no Path, or one too long", SLICE_EMPTY);
		return false;
	}
	for (uint32_t i = 0; i < t.len; i++)
		if (g->path[i] == '\r' || g->path[i] == '\n')
			g->path[i] = ' ';
	g->path[t.len] = 0;
	if (sip_name_addr_decode(slice_str(g->path), SIP_E_ROUTE, &na, &rest) != SIP_OK ||
	    resolve_uri(conf, na.uri, &g->hop) != RESOLVE_OK || !own_peer(conf, &g->hop)) {
		register_reply(g, 403, "Path does not lead to a P-CSCF known here",
			       SLICE_EMPTY);
		return false;
	}
	return true;
}

/* The P-CSCF nearest to the terminal wrote the last Path. */
static bool first_hop_is_outbound(const struct registering *g)
{
	struct slice rest = slice_str(g->path), value;
	struct sip_name_addr na;
	struct sip_uri uri;
	bool outbound = false;

	while (rest.len && sip_name_addr_decode(rest, SIP_E_ROUTE, &na, &rest) == SIP_OK)
		outbound = sip_uri_decode(na.uri, &uri) == SIP_OK &&
			   sip_param(uri.params, SLICE("ob"), &value);
	return outbound;
}

/* RFC 5626 §6: two flows cannot be registered at once, and one that its first hop does not keep
 * is none. False: answered. */
static bool check_outbound(struct registering *g)
{
	uint32_t flows = 0;

	for (uint32_t i = 0; i < g->n_contact; i++)
		flows += g->contact[i].reg_id && g->contact[i].instance.len &&
			 g->contact[i].expires;
	if (flows > 1) {
		register_reply(g, 400, "more than one Contact with reg-id", SLICE_EMPTY);
		return false;
	}
	if (g->pcscf || !register_is_outbound(g) || first_hop_is_outbound(g))
		return true;
	register_reply(g, 439, "the first hop does not support outbound", SLICE_EMPTY);
	return false;
}

/* As the P-CSCF saw it. Where that is another node, it is told by the first Via that is no
 * peer's, and there by what the P-CSCF wrote into it (RFC 3261 §18.2.1); those behind it are
 * the terminal's own words. The topmost is of the peer that sent the request. Family 0: it
 * cannot be told. */
static struct addr terminal_address(const struct registering *g)
{
	const struct sip_header *h = sip_first(&g->x->msg, SIP_H_VIA);
	bool topmost = true;

	/* Behind a NAT it is the NAT that an access network sees. */
	if (g->pcscf)
		return g->nat.family ? g->nat : g->x->src;
	for (; h; h = sip_next(&g->x->msg, h)) {
		struct slice rest = sip_value(&g->x->msg, h);

		for (struct sip_via via; rest.len; topmost = false) {
			struct addr a;

			if (sip_via_decode(rest, &via, &rest) != SIP_OK)
				return (struct addr){0};
			if (topmost)
				continue;
			if (!addr_parse_ip(via.received.len ? via.received : via.host, &a))
				return (struct addr){0};
			if (!own_peer(g->r->c->conf, &a))
				return a;
		}
	}
	return (struct addr){0};
}

void scscf_register(struct registering *g)
{
	if (!register_check_extensions(g, SIP_H_REQUIRE, SLICE("path, outbound, gruu")))
		return;
	if (!g->pcscf && !take_path(g))
		return;
	if (!check_outbound(g))
		return;
	g->terminal = terminal_address(g);
	authenticate(g);
}

void scscf_unanswered(void *registrar, const struct challenge *ch)
{
	struct registrar *r = registrar;

	if (!registrations_by_impu(r->c->registrations, ch->impu))
		deregister_tell_hss(r->c, ch->impi, ch->impu, CX_SAT_AUTHENTICATION_TIMEOUT);
}
