/* restore.c - a registered user whom this S-CSCF forgot, taken back from the HSS */
#include "control/restore.h"

#include <stdlib.h>

#include "abi/token.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "control/control.h"
#include "control/cx.h"
#include "control/install.h"
#include "control/link.h"
#include "control/persist.h"
#include "control/register.h"
#include "control/resolve.h"
#include "control/services.h"
#include "control/unregistered.h"
#include "sip/field.h"
#include "sip/name_addr.h"

/* A UE of our own P-CSCF has no Path; the one that a P-CSCF elsewhere would have been given
 * stands for it, and only this node can read it again. */
static bool put_path(const struct control *c, const struct registration_contact *k,
		     struct text *t)
{
	struct hash_key key;

	if (k->path[0]) {
		text_str(t, k->path);
		return true;
	}
	if (!k->flow.family || !link_token_key(c->link, &key))
		return false;
	text_lit(t, "<sip:");
	token_path_put(t, &key, &k->flow);
	text_char(t, '@');
	addr_put(t, &k->local);
	text_lit(t, ";lr>");
	return true;
}

static void put_contact(const struct registration_contact *k, struct text *t)
{
	text_char(t, '<');
	text_str(t, k->uri);
	text_char(t, '>');
	text_str(t, k->params);
}

void restore_info(const struct control *c, const struct registration_set *set, const char *impi,
		  struct cx_restoration *out, struct text *memory)
{
	out->n = 0;
	if (!c->conf->control.restoration || !impi[0])
		return;
	out->impi = slice_str(impi);
	for (uint32_t i = 0; i < set->n_contact && out->n < CX_RESTORED_MAX; i++) {
		const struct registration_contact *k = &set->contact[i];
		struct cx_restored *r = &out->contact[out->n];
		uint32_t path = memory->len, contact;

		if (k->sa_id || strcmp(k->impi, impi) != 0 || !put_path(c, k, memory))
			continue;
		contact = memory->len;
		put_contact(k, memory);
		if (memory->overflow || contact - path > CX_PATH_MAX ||
		    memory->len - contact > CX_CONTACT_MAX)
			continue;
		*r = (struct cx_restored){
			.path = slice_of(memory->p + path, contact - path),
			.contact = text_since(memory, contact),
			.call_id = slice_sub(slice_str(k->call_id), 0, SIP_TOKEN_MAX),
			.cseq = k->cseq,
		};
		out->n++;
	}
}

static bool same_flow(const struct registration_contact *a,
		      const struct registration_contact *b)
{
	return addr_eq(&a->flow, &b->flow) && addr_eq(&a->local, &b->local);
}

static bool is_among(const struct registration_set *set, const struct registration_contact *k)
{
	for (uint32_t i = 0; i < set->n_contact; i++) {
		const struct registration_contact *have = &set->contact[i];

		if (strcmp(have->uri, k->uri) == 0 && strcmp(have->path, k->path) == 0 &&
		    strcmp(have->params, k->params) == 0 &&
		    (same_flow(have, k) || (have->sa_id && k->sa_id)))
			return true;
	}
	return false;
}

bool restore_differs(const struct registration_set *before, const struct registration_set *now)
{
	if (before->n_contact != now->n_contact)
		return true;
	for (uint32_t i = 0; i < now->n_contact; i++)
		if (!is_among(before, &now->contact[i]))
			return true;
	return false;
}

/* Where requests for the contact go: to the UE, if the Path is a token of ours, else to the
 * P-CSCF that it names, if that is a peer. */
static bool take_path(struct control *c, struct slice path, struct registration_contact *k)
{
	const struct conf *conf = c->conf;
	struct sip_name_addr na;
	struct hash_key key;
	struct sip_uri uri;
	struct slice rest;

	if (sip_name_addr_decode(path, SIP_E_ROUTE, &na, &rest) != SIP_OK ||
	    sip_uri_decode(na.uri, &uri) != SIP_OK)
		return false;
	if (resolve_uri(conf, na.uri, &k->hop) != RESOLVE_SELF) {
		k->path = binding_text(path);
		return k->path && k->hop.family && own_peer(conf, &k->hop);
	}
	memset(&k->hop, 0, sizeof(k->hop));
	k->path = binding_text(SLICE_EMPTY);
	return k->path && link_token_key(c->link, &key) &&
	       token_path_get(uri.user, &key, &k->flow) &&
	       sip_uri_addr(&uri, conf->dataplane.sip_port, &k->local);
}

static bool take_contact(const struct cx_restored *r, struct registration_contact *k)
{
	struct register_contact c;
	struct sip_name_addr na;
	struct slice rest;

	if (sip_name_addr_decode(r->contact, SIP_E_CONTACT, &na, &rest) != SIP_OK || na.star ||
	    !register_decode_contact(&na, 0, &c))
		return false;
	k->uri = binding_text(c.uri);
	k->params = binding_text(c.params);
	k->instance = binding_text(c.instance);
	k->call_id = binding_text(r->call_id);
	k->reg_id = c.reg_id;
	k->q = sip_qvalue(c.params);
	k->cseq = r->cseq;
	return k->uri && k->params && k->instance && k->call_id;
}

static void add_contact(struct control *c, struct registration_set *set, struct slice impi,
			const struct cx_restored *r)
{
	struct registration_contact *k;
	uint64_t now = clock_wall_ms();

	if (set->n_contact == SET_CONTACTS_MAX || !registration_room(set, set->n_contact + 1))
		return;
	k = &set->contact[set->n_contact++];
	k->impi = binding_text(impi);
	k->registered_wall_ms = now;
	k->expires_wall_ms = now + c->conf->control.expires_max_s * 1000ull;
	if (!k->impi || !take_path(c, r->path, k) || !take_contact(r, k)) {
		binding_remove(set, set->n_contact - 1);
		log_event(LOG_WARN, "restore", "contact_refused", LOG_S("contact", r->contact));
	}
}

static bool has_instance(const struct registration_contact *a,
			 const struct registration_contact *b)
{
	return a->instance[0] && strcmp(a->instance, b->instance) == 0 &&
	       a->reg_id == b->reg_id;
}

/* Contact i is another one's old self. */
static bool is_double(const struct registration_set *set, uint32_t i)
{
	const struct registration_contact *k = &set->contact[i];

	for (uint32_t n = 0; n < i; n++)
		if (has_instance(&set->contact[n], k) ||
		    binding_same_uri(slice_str(set->contact[n].uri), slice_str(k->uri)))
			return true;
	return false;
}

uint32_t restore_contacts(struct control *c, struct registration_set *set,
			  const struct cx_saa *a)
{
	uint32_t before = set->n_contact;

	for (uint32_t i = 0; i < a->n_restorations; i++)
		for (uint32_t k = 0; k < a->restoration[i].n; k++) {
			uint32_t n = set->n_contact;

			add_contact(c, set, a->restoration[i].impi,
				    &a->restoration[i].contact[k]);
			if (set->n_contact > n && is_double(set, n))
				binding_remove(set, n);
		}
	return set->n_contact - before;
}

/* NULL: there is nothing that would make a registration. */
static struct registration_set *make_set(struct restoring *x, const struct cx_saa *a)
{
	struct registration_set *set = registration_set_new();

	if (!set)
		return NULL;
	set->roles = ABI_REG_SCSCF;
	set->impi = binding_text(a->restoration[0].impi);
	set->service_route = scscf_service_route(x->c->conf);
	if (set->impi && set->service_route &&
	    profile_apply(set, a->user_data, x->impu) == PROFILE_OK &&
	    profile_charging(set, &a->charging))
		restore_contacts(x->c, set, a);
	services_look(x->c->services, set->impi ? set->impi : "", a->user_data);
	for (uint32_t i = 0; i < set->n_contact; i++)
		if (set->contact[i].flow.family)
			set->roles |= ABI_REG_PCSCF;
	if (set->n_contact)
		return set;
	registration_set_free(set);
	return NULL;
}

static void installed(void *ctx, int status)
{
	struct restoring *x = ctx;

	x->done(x->ctx, status > 0 ? RESTORE_FAILED : RESTORE_OK);
}

static void persisted(void *ctx, bool ok)
{
	if (!ok)
		log_event(LOG_ERROR, "restore", "not_stored");
}

static void take_back(struct restoring *x, const struct cx_saa *a)
{
	struct control *c = x->c;
	struct registration_set *set = make_set(x, a);

	if (!set) {
		x->done(x->ctx, RESTORE_FAILED);
		return;
	}
	if (!registrations_put(c->registrations, set)) {
		registration_set_free(set);
		x->done(x->ctx, RESTORE_FAILED);
		return;
	}
	log_event(LOG_INFO, "restore", "restored", LOG_Z("impu", x->impu),
		  LOG_U("contacts", set->n_contact));
	persist_put(c->persist, set, persisted, NULL);
	install_put(c->installer, set, installed, x);
}

static void serve(struct restoring *x, const struct cx_saa *a)
{
	struct registration_set *set = unregistered_take(x->c->unregistereds, x->impu, a);

	if (set)
		install_put(x->c->installer, set, installed, x);
	else
		x->done(x->ctx, RESTORE_FAILED);
}

static void answered(void *ctx, const struct cx_saa *a)
{
	struct restoring *x = ctx;
	const struct registration_set *set =
		registrations_by_impu(x->c->registrations, x->impu);

	/* He registered while the HSS was being asked, or somebody else asked for him; that
	 * may be on its way to the data plane still. */
	if (set && set->roles & ABI_REG_UNREGISTERED) {
		install_put(x->c->installer, set, installed, x);
		return;
	}
	if (set) {
		x->done(x->ctx, RESTORE_OK);
		return;
	}
	switch (a->result) {
	case CX_SUCCESS:
		if (a->n_restorations && x->c->conf->control.restoration)
			take_back(x, a);
		else if (x->serve && !a->n_restorations && x->c->unregistereds)
			serve(x, a);
		else
			x->done(x->ctx, RESTORE_NOBODY);
		return;
	case CX_NO_ANSWER:
	case CX_UNABLE_TO_DELIVER:
		x->done(x->ctx, RESTORE_NO_HSS);
		return;
	case CX_WINDOW_FULL:
	case CX_TOO_BUSY:
		x->done(x->ctx, RESTORE_LATER);
		return;
	case CX_BAD_ANSWER:
		x->done(x->ctx, RESTORE_FAILED);
		return;
	default:
		x->done(x->ctx, RESTORE_NOBODY);
	}
}

void restore_user(struct restoring *x)
{
	struct cx_sar q = {
		.n_impus = 1,
		.impu = {slice_str(x->impu)},
		.server_name = slice_str(x->c->conf->scscf_uri),
		.type = x->serve ? CX_SAT_UNREGISTERED_USER : CX_SAT_NO_ASSIGNMENT,
	};

	cx_sar(x->c->cx, &q, answered, x);
}
