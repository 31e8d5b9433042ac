/* binding.c - contacts of a set (RFC 3261 §10.3) */
#include <stdlib.h>

#include "conf/conf.h"
#include "control/register.h"
#include "sip/field.h"
#include "sip/name_addr.h"
#include "sip/uri.h"

/* Parameters that make two URIs differ when only one has them, or their values do (RFC 3261
 * §19.1.4), transport, by which another socket is meant, and sos, by which an emergency
 * registration stands beside the other one (TS 24.229 §5.4.8). */
static bool same_params(struct slice a, struct slice b)
{
	static const struct slice names[] = {SLICE("user"),      SLICE("ttl"),
					     SLICE("method"),    SLICE("maddr"),
					     SLICE("transport"), SLICE("sos")};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct slice va = SLICE_EMPTY, vb = SLICE_EMPTY;
		bool in_a = sip_param(a, names[i], &va), in_b = sip_param(b, names[i], &vb);

		if (in_a != in_b || (in_a && !slice_eq_nocase(va, vb)))
			return false;
	}
	return true;
}

bool binding_same_uri(struct slice a, struct slice b)
{
	struct sip_uri ua, ub;

	if (slice_eq(a, b))
		return true;
	if (sip_uri_decode(a, &ua) != SIP_OK || sip_uri_decode(b, &ub) != SIP_OK)
		return false;
	return ua.scheme == ub.scheme && slice_eq(ua.user, ub.user) &&
	       slice_eq_nocase(ua.host, ub.host) && ua.port == ub.port &&
	       same_params(ua.params, ub.params);
}

char *binding_text(struct slice s)
{
	char *out = malloc((size_t)s.len + 1);

	if (!out)
		return NULL;
	for (uint32_t i = 0; i < s.len; i++)
		out[i] = s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == 0 ? ' ' : (char)s.p[i];
	out[s.len] = 0;
	return out;
}

static void contact_free(struct registration_contact *c)
{
	free(c->uri);
	free(c->path);
	free(c->instance);
	free(c->call_id);
	free(c->params);
	free(c->impi);
}

void binding_remove(struct registration_set *set, uint32_t i)
{
	contact_free(&set->contact[i]);
	set->n_contact--;
	memmove(&set->contact[i], &set->contact[i + 1],
		(set->n_contact - i) * sizeof(set->contact[0]));
	memset(&set->contact[set->n_contact], 0, sizeof(set->contact[0]));
}

uint32_t binding_expire(struct registration_set *set, uint64_t now_wall_ms)
{
	uint32_t removed = 0;

	for (uint32_t i = set->n_contact; i-- > 0;)
		if (set->contact[i].expires_wall_ms <= now_wall_ms) {
			binding_remove(set, i);
			removed++;
		}
	return removed;
}

/* RFC 3261 §10.3 steps 6 and 7: a late or repeated request must not undo a newer one. */
static bool in_order(const struct registration_contact *have, const struct registering *g)
{
	struct slice call_id = sip_first_value(&g->x->msg, SIP_H_CALL_ID);

	return !slice_eq(slice_str(have->call_id), call_id) || g->x->msg.cseq > have->cseq;
}

/* The same instance and flow of a UE replaces its old contact, whatever address it had; two of
 * SIP outbound are told by that alone, for behind translators terminals can have the same
 * address (RFC 5626 §6). */
static bool replaces(const struct registration_contact *have, const struct register_contact *c)
{
	bool same = c->instance.len && slice_eq(slice_str(have->instance), c->instance);

	if (have->emergency != c->emergency)
		return false;
	if (c->instance.len && c->reg_id && have->instance[0] && have->reg_id)
		return same && have->reg_id == c->reg_id;
	return (same && have->reg_id == c->reg_id) ||
	       binding_same_uri(slice_str(have->uri), c->uri);
}

/* It came with the request in hand: what that puts it does not take away. */
static bool is_of_request(const struct registration_contact *have, const struct registering *g)
{
	return have->cseq == g->x->msg.cseq &&
	       slice_eq(slice_str(have->call_id), sip_first_value(&g->x->msg, SIP_H_CALL_ID));
}

/* The same device by its flow, where the operator lets that tell. */
static bool supersedes(const struct registration_contact *have, const struct registering *g,
		       const struct register_contact *c)
{
	return g->r->c->conf->control.contacts_one_per_flow && g->pcscf && !c->instance.len &&
	       !have->instance[0] && !have->emergency && !c->emergency &&
	       addr_eq(&have->flow, &g->x->src) && !is_of_request(have, g);
}

/* Ours to say: what a terminal says there counts for nothing in the answer (RFC 5627 §5.3). */
static bool is_registrars(struct slice param)
{
	static const struct slice names[] = {SLICE("expires"), SLICE("pub-gruu"),
					     SLICE("temp-gruu")};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (sip_param(param, names[i], &(struct slice){0}))
			return true;
	return false;
}

/* What goes back in the 200 OK: the terminal's own parameters. */
static void put_params(struct text *t, struct slice params)
{
	uint32_t from = 0;

	while (from < params.len) {
		uint32_t end = from + 1;
		bool quoted = false;
		struct slice one;

		for (; end < params.len && (quoted || params.p[end] != ';'); end++) {
			if (params.p[end] == '\\' && quoted)
				end++;
			else if (params.p[end] == '"')
				quoted = !quoted;
		}
		one = slice_sub(params, from, end - from);
		if (!is_registrars(one))
			text_put(t, one);
		from = end;
	}
}

static char *echo_params(struct slice params)
{
	uint8_t memory[REGISTER_PARAMS_MAX + 1];
	struct text t = text_in(memory, sizeof(memory));

	put_params(&t, params);
	return binding_text(text_slice(&t));
}

static bool fill(struct registration_contact *out, const struct registering *g,
		 const struct register_contact *c, uint64_t expires_wall_ms,
		 uint64_t now_wall_ms)
{
	const struct sa *under = agreement_under(g);

	/* Its set went meanwhile: in clear it is not to be reached. */
	if (g->protected && !under)
		return false;
	*out = (struct registration_contact){
		.expires_wall_ms = expires_wall_ms,
		.registered_wall_ms = now_wall_ms,
		.q = sip_qvalue(c->params),
		.uri = binding_text(c->uri),
		.path = binding_text(slice_str(g->pcscf ? "" : g->path)),
		.instance = binding_text(c->instance),
		.reg_id = c->reg_id,
		.emergency = c->emergency,
		.impi = binding_text(slice_str(g->impi)),
		.call_id = binding_text(sip_first_value(&g->x->msg, SIP_H_CALL_ID)),
		.cseq = g->x->msg.cseq,
		.params = echo_params(c->params),
	};
	if (under) {
		out->flow = under->ue;
		out->local = under->local;
		out->sa_id = under->id;
	} else if (g->pcscf) {
		out->flow = g->x->src;
		out->local = g->x->dst;
	} else {
		out->hop = g->hop;
	}
	if (out->uri && out->path && out->instance && out->call_id && out->params && out->impi)
		return true;
	contact_free(out);
	return false;
}

static uint32_t counted(const struct registration_set *set)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < set->n_contact; i++)
		n += !set->contact[i].emergency;
	return n;
}

/* The one registered longest ago gives way. False: none may. */
static bool remove_oldest(struct registration_set *set, const struct registering *g)
{
	uint32_t oldest = set->n_contact;

	for (uint32_t i = 0; i < set->n_contact; i++) {
		const struct registration_contact *c = &set->contact[i];

		if (!c->emergency && !is_of_request(c, g) &&
		    (oldest == set->n_contact ||
		     c->registered_wall_ms < set->contact[oldest].registered_wall_ms))
			oldest = i;
	}
	if (oldest == set->n_contact)
		return false;
	binding_remove(set, oldest);
	return true;
}

/* Whether one more may come. An emergency registration finds room in any case (TS 24.229
 * §5.4.8.2). */
static bool make_room(struct registration_set *set, const struct registering *g,
		      const struct register_contact *c)
{
	const struct conf_control *conf = &g->r->c->conf->control;

	if (c->emergency)
		return set->n_contact < SET_CONTACTS_MAX || remove_oldest(set, g);
	if (counted(set) < conf->contacts_max && set->n_contact < SET_CONTACTS_MAX)
		return true;
	return conf->contacts_replace && remove_oldest(set, g);
}

enum binding_result binding_put(struct registration_set *set, const struct registering *g,
				const struct register_contact *c, uint32_t expires,
				uint64_t now_wall_ms)
{
	struct registration_contact fresh, was = {0};

	for (uint32_t i = set->n_contact; i-- > 0;) {
		if (!replaces(&set->contact[i], c) && !supersedes(&set->contact[i], g, c))
			continue;
		was = set->contact[i]; /* but for its texts */
		binding_remove(set, i);
	}
	if (expires == 0)
		return BINDING_OK;
	if (!make_room(set, g, c))
		return BINDING_TOO_MANY;
	if (!registration_room(set, set->n_contact + 1) ||
	    !fill(&fresh, g, c, now_wall_ms + expires * 1000ull, now_wall_ms))
		return BINDING_NO_MEMORY;
	if (fresh.sa_id && fresh.sa_id == was.sa_id)
		fresh.old = was.old;
	else if (fresh.sa_id && was.sa_id)
		fresh.old = (struct registration_old){was.sa_id, was.flow, was.local};
	set->contact[set->n_contact++] = fresh;
	return BINDING_OK;
}

bool binding_of_impi(const struct registration_set *set, const char *impi)
{
	for (uint32_t i = 0; i < set->n_contact; i++)
		if (strcmp(set->contact[i].impi, impi) == 0)
			return true;
	return false;
}

bool binding_settle(struct registration_set *set)
{
	char *impi;

	if (set->n_contact == 0 || binding_of_impi(set, set->impi))
		return true;
	impi = strdup(set->contact[0].impi);
	if (!impi)
		return false;
	free(set->impi);
	set->impi = impi;
	return true;
}

/* Nearly always it is what it was: false. */
static bool text_renew(char **have, struct slice s)
{
	char *fresh;

	if (slice_eq(slice_str(*have), s))
		return false;
	fresh = binding_text(s);
	if (!fresh)
		return false;
	free(*have);
	*have = fresh;
	return true;
}

bool binding_prolong(struct registration_contact *have, const struct sip_msg *m,
		     const struct sip_name_addr *contact, uint64_t expires_wall_ms,
		     uint64_t now_wall_ms)
{
	uint8_t memory[REGISTER_PARAMS_MAX + 1];
	struct text params = text_in(memory, sizeof(memory));
	struct register_contact c;
	bool changed;

	put_params(&params, contact->params);
	changed = text_renew(&have->params, text_slice(&params));
	if (changed && register_decode_contact(contact, 0, &c)) {
		text_renew(&have->instance, c.instance);
		have->reg_id = c.reg_id;
		have->q = sip_qvalue(c.params);
	}
	if (text_renew(&have->call_id, sip_first_value(m, SIP_H_CALL_ID)))
		changed = true;
	have->cseq = m->cseq;
	have->registered_wall_ms = now_wall_ms;
	have->expires_wall_ms = expires_wall_ms;
	return changed;
}

/* Seconds granted for a wish; 0: it is refused as too brief (RFC 3261 §10.3 step 7; TS 24.229
 * §5.4.1.2.2, §5.4.8.2). */
static uint32_t grant(const struct conf_control *conf, const struct register_contact *c)
{
	uint32_t expires = c->expires;

	if (c->emergency && expires < conf->expires_emergency_s)
		expires = conf->expires_emergency_s;
	if (expires < conf->expires_min_s && (c->emergency || conf->expires_lengthen))
		expires = conf->expires_min_s;
	if (expires < conf->expires_min_s)
		return 0;
	return expires < conf->expires_max_s ? expires : conf->expires_max_s;
}

static enum binding_result apply_one(struct registration_set *set, const struct registering *g,
				     const struct register_contact *c, uint64_t now_wall_ms)
{
	uint32_t expires = 0;

	for (uint32_t i = 0; i < set->n_contact; i++)
		if (replaces(&set->contact[i], c) && !in_order(&set->contact[i], g))
			return BINDING_OUT_OF_ORDER;
	if (c->expires) {
		expires = grant(&g->r->c->conf->control, c);
		if (expires == 0)
			return BINDING_TOO_BRIEF;
	}
	return binding_put(set, g, c, expires, now_wall_ms);
}

/* The star is for what this private identity has registered, and not for an emergency
 * registration, which ends by time alone (TS 24.229 §5.4.1.4, §5.4.8). */
static bool is_of_star(const struct registration_contact *c, const struct registering *g)
{
	return !c->emergency && strcmp(c->impi, g->impi) == 0;
}

static enum binding_result apply_star(struct registration_set *set, const struct registering *g)
{
	for (uint32_t i = 0; i < set->n_contact; i++)
		if (is_of_star(&set->contact[i], g) && !in_order(&set->contact[i], g))
			return BINDING_OUT_OF_ORDER;
	for (uint32_t i = set->n_contact; i-- > 0;)
		if (is_of_star(&set->contact[i], g))
			binding_remove(set, i);
	return BINDING_OK;
}

enum binding_result binding_apply(struct registration_set *set, const struct registering *g,
				  uint64_t now_wall_ms)
{
	enum binding_result result = BINDING_OK;

	binding_expire(set, now_wall_ms);
	if (g->star)
		return apply_star(set, g);
	for (uint32_t i = 0; i < g->n_contact && result == BINDING_OK; i++)
		result = apply_one(set, g, &g->contact[i], now_wall_ms);
	return result;
}
