/* binding.c - contacts of a set (RFC 3261 §10.3) */
#include <stdlib.h>

#include "conf/conf.h"
#include "control/register.h"
#include "sip/field.h"
#include "sip/name_addr.h"
#include "sip/uri.h"

/* Parameters that make two URIs differ when only one has them, or their values do (RFC 3261
 * §19.1.4), and transport, by which another socket is meant. */
static bool same_params(struct slice a, struct slice b)
{
	static const struct slice names[] = {SLICE("user"), SLICE("ttl"), SLICE("method"),
					     SLICE("maddr"), SLICE("transport")};

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

/* The same instance and flow of a UE replaces its old contact, whatever address it had (RFC
 * 5626 §6). */
static bool replaces(const struct registration_contact *have, const struct register_contact *c)
{
	if (c->instance.len && slice_eq(slice_str(have->instance), c->instance) &&
	    have->reg_id == c->reg_id)
		return true;
	return binding_same_uri(slice_str(have->uri), c->uri);
}

/* What goes back in the 200 OK: all parameters but expires, which is ours to say. */
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
		if (!sip_param(one, SLICE("expires"), &(struct slice){0}))
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
	if (out->uri && out->path && out->instance && out->call_id && out->params)
		return true;
	contact_free(out);
	return false;
}

enum binding_result binding_put(struct registration_set *set, const struct registering *g,
				const struct register_contact *c, uint32_t expires,
				uint64_t now_wall_ms)
{
	struct registration_contact fresh;

	for (uint32_t i = set->n_contact; i-- > 0;)
		if (replaces(&set->contact[i], c))
			binding_remove(set, i);
	if (expires == 0)
		return BINDING_OK;
	if (set->n_contact == SET_CONTACTS_MAX)
		return BINDING_TOO_MANY;
	if (!fill(&fresh, g, c, now_wall_ms + expires * 1000ull, now_wall_ms))
		return BINDING_NO_MEMORY;
	set->contact[set->n_contact++] = fresh;
	return BINDING_OK;
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

void binding_prolong(struct registration_contact *have, const struct sip_msg *m,
		     const struct sip_name_addr *contact, uint64_t expires_wall_ms,
		     uint64_t now_wall_ms)
{
	uint8_t memory[REGISTER_PARAMS_MAX + 1];
	struct text params = text_in(memory, sizeof(memory));
	struct register_contact c;

	put_params(&params, contact->params);
	if (text_renew(&have->params, text_slice(&params)) &&
	    register_decode_contact(contact, 0, &c)) {
		text_renew(&have->instance, c.instance);
		have->reg_id = c.reg_id;
		have->q = sip_qvalue(c.params);
	}
	text_renew(&have->call_id, sip_first_value(m, SIP_H_CALL_ID));
	have->cseq = m->cseq;
	have->registered_wall_ms = now_wall_ms;
	have->expires_wall_ms = expires_wall_ms;
}

static enum binding_result apply_one(struct registration_set *set, const struct registering *g,
				     const struct register_contact *c, uint64_t now_wall_ms)
{
	const struct conf_control *conf = &g->r->c->conf->control;
	uint32_t expires = c->expires;

	for (uint32_t i = 0; i < set->n_contact; i++)
		if (replaces(&set->contact[i], c) && !in_order(&set->contact[i], g))
			return BINDING_OUT_OF_ORDER;
	if (expires && expires < conf->expires_min_s)
		return BINDING_TOO_BRIEF;
	if (expires > conf->expires_max_s)
		expires = conf->expires_max_s;
	return binding_put(set, g, c, expires, now_wall_ms);
}

enum binding_result binding_apply(struct registration_set *set, const struct registering *g,
				  uint64_t now_wall_ms)
{
	enum binding_result result = BINDING_OK;

	binding_expire(set, now_wall_ms);
	if (g->star) {
		for (uint32_t i = 0; i < set->n_contact; i++)
			if (!in_order(&set->contact[i], g))
				return BINDING_OUT_OF_ORDER;
		while (set->n_contact)
			binding_remove(set, set->n_contact - 1);
		return BINDING_OK;
	}
	for (uint32_t i = 0; i < g->n_contact && result == BINDING_OK; i++)
		result = apply_one(set, g, &g->contact[i], now_wall_ms);
	return result;
}
