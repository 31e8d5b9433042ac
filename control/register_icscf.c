/* register_icscf.c - REGISTER at the I-CSCF (TS 24.229 §5.3.1, TS 29.228 §6.1.1) */
#include "base/log.h"
#include "conf/conf.h"
#include "control/cx.h"
#include "control/register.h"
#include "control/resolve.h"
#include "sip/uri.h"

static void ask(struct registering *g, enum cx_uat type);

/* TS 24.229 §5.3.1.3: a REGISTER that only ends something is not worth another S-CSCF, which
 * knows nothing of it. */
static bool may_choose_again(const struct registering *g)
{
	return g->kind != REGISTER_REMOVE && g->tried.n < SELECT_TRIES_MAX;
}

static void unreachable(struct registering *g, struct slice uri)
{
	log_event(LOG_WARN, "registrar", "scscf_unknown", LOG_S("server_name", uri));
	if (may_choose_again(g))
		ask(g, CX_UAT_REGISTRATION_AND_CAPABILITIES);
	else
		register_reply(g, 504, "the S-CSCF of this user cannot be reached",
			       SLICE_EMPTY);
}

static void to_scscf(struct registering *g, struct slice uri)
{
	struct addr hop;

	switch (resolve_uri(g->r->c->conf, uri, &hop)) {
	case RESOLVE_OK:
		g->chosen = true;
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
	unreachable(g, uri);
}

static void choose_scscf(struct registering *g, const struct cx_capabilities *want)
{
	uint8_t memory[SIP_URI_MAX];
	struct text uri = text_in(memory, sizeof(memory));

	switch (select_scscf(g->r->c->conf, want, &g->r->chosen, &g->tried, &uri)) {
	case SELECT_OK:
		to_scscf(g, text_slice(&uri));
		return;
	case SELECT_NONE:
		register_reply(g, 600, "no S-CSCF has what this user needs", SLICE_EMPTY);
		return;
	case SELECT_USED:
		register_reply(g, 504, "no S-CSCF answers", SLICE_EMPTY);
		return;
	}
}

/* §5.3.1.3: none, a redirection, or one that says it cannot serve now. A 500 is about the
 * request: another S-CSCF would take the user from the one that has him. */
static bool is_failure(const struct sip_msg *response)
{
	if (!response)
		return true;
	switch (response->status) {
	case 480:
	case 502:
	case 503:
	case 504:
		return true;
	default:
		return response->status >= 300 && response->status < 400;
	}
}

bool icscf_again(struct registering *g, const struct sip_msg *response)
{
	if (!g->chosen || !is_failure(response) || !may_choose_again(g))
		return false;
	log_event(LOG_WARN, "registrar", "scscf_failed", LOG_Z("impu", g->impu),
		  LOG_U("status", response ? response->status : 0));
	g->chosen = false;
	ask(g, CX_UAT_REGISTRATION_AND_CAPABILITIES);
	return true;
}

static void authorized(void *ctx, const struct cx_uaa *a)
{
	struct registering *g = ctx;

	g->unassigned = a->result == CX_FIRST_REGISTRATION;
	switch (a->result) {
	case CX_FIRST_REGISTRATION:
	case CX_SUBSEQUENT_REGISTRATION:
	case CX_SUCCESS:
		if (!a->server_name.len)
			choose_scscf(g, &a->capabilities);
		else if (select_note(&g->tried, a->server_name))
			to_scscf(g, a->server_name);
		else /* The HSS insists on one that does not serve. */
			register_reply(g, 504, "the S-CSCF of this user cannot be reached",
				       SLICE_EMPTY);
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

static void ask(struct registering *g, enum cx_uat type)
{
	struct slice visited = sip_first_value(&g->x->msg, SIP_H_P_VISITED_NETWORK_ID);
	struct cx_uar q = {
		.impi = slice_str(g->impi),
		.impu = slice_str(g->impu),
		.type = type,
		.emergency = is_emergency(g),
	};

	if (g->pcscf || !visited.len)
		visited = slice_str(g->r->c->conf->visited_network);
	if (visited.len >= 2 && visited.p[0] == '"' && visited.p[visited.len - 1] == '"')
		visited = slice_sub(visited, 1, visited.len - 2);
	q.visited_network = visited;
	cx_uar(g->r->c->cx, &q, authorized, g);
}

void icscf_register(struct registering *g)
{
	ask(g, g->kind == REGISTER_REMOVE ? CX_UAT_DE_REGISTRATION : CX_UAT_REGISTRATION);
}
