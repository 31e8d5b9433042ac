/* register_icscf.c - REGISTER at the I-CSCF (TS 24.229 §5.3.1, TS 29.228 §6.1.1) */
#include "base/log.h"
#include "conf/conf.h"
#include "control/cx.h"
#include "control/register.h"
#include "control/resolve.h"
#include "sip/uri.h"

static void to_scscf(struct registering *g, struct slice uri)
{
	struct addr hop;

	switch (resolve_uri(g->r->c->conf, uri, &hop)) {
	case RESOLVE_OK:
		forward_register(g, &hop, uri);
		return;
	case RESOLVE_SELF:
		if (g->r->c->conf->dataplane.roles & CONF_SCSCF) {
			scscf_register(g);
			return;
		}
		break;
	case RESOLVE_UNKNOWN:
		break;
	}
	log_event(LOG_WARN, "registrar", "scscf_unknown", LOG_S("server_name", uri));
	register_reply(g, 504, "the S-CSCF of this user cannot be reached", SLICE_EMPTY);
}

/* TS 29.228 §6.7: names the HSS prefers, then any of ours. Capabilities by number are not used
 * here: every S-CSCF of this network has the same. */
static void choose_scscf(struct registering *g, const struct cx_capabilities *c)
{
	const struct conf *conf = g->r->c->conf;
	struct addr hop;

	for (uint32_t i = 0; i < c->n_names && i < sizeof(c->name) / sizeof(c->name[0]); i++)
		if (resolve_uri(conf, c->name[i], &hop) != RESOLVE_UNKNOWN) {
			to_scscf(g, c->name[i]);
			return;
		}
	if (conf->dataplane.roles & CONF_SCSCF) {
		scscf_register(g);
	} else if (conf->dataplane.scscf.family) {
		uint8_t memory[SIP_URI_MAX];
		struct text uri = text_in(memory, sizeof(memory));

		text_lit(&uri, "sip:");
		addr_put(&uri, &conf->dataplane.scscf);
		forward_register(g, &conf->dataplane.scscf, text_slice(&uri));
	} else {
		register_reply(g, 504, "no S-CSCF is configured", SLICE_EMPTY);
	}
}

static void authorized(void *ctx, const struct cx_uaa *a)
{
	struct registering *g = ctx;

	switch (a->result) {
	case CX_FIRST_REGISTRATION:
	case CX_SUBSEQUENT_REGISTRATION:
	case CX_SUCCESS:
		if (a->server_name.len)
			to_scscf(g, a->server_name);
		else
			choose_scscf(g, &a->capabilities);
		break;
	default:
		if (a->result == CX_ERROR_USER_UNKNOWN)
			g->r->stats.auth_unknown_user++;
		register_cx_failed(g, a->result);
	}
}

/* A Contact with the parameter sos asks for an emergency registration (TS 24.229 §5.1.6.2). */
static bool is_emergency(const struct registering *g)
{
	return g->n_contact && g->contact[0].emergency;
}

void icscf_register(struct registering *g)
{
	struct slice visited = sip_first_value(&g->x->msg, SIP_H_P_VISITED_NETWORK_ID);
	struct cx_uar q = {
		.impi = slice_str(g->impi),
		.impu = slice_str(g->impu),
		.type = g->kind == REGISTER_REMOVE ? CX_UAT_DE_REGISTRATION
						   : CX_UAT_REGISTRATION,
		.emergency = is_emergency(g),
	};

	if (g->pcscf || !visited.len)
		visited = slice_str(g->r->c->conf->visited_network);
	if (visited.len >= 2 && visited.p[0] == '"' && visited.p[visited.len - 1] == '"')
		visited = slice_sub(visited, 1, visited.len - 2);
	q.visited_network = visited;
	cx_uar(g->r->c->cx, &q, authorized, g);
}
