/* forward.c - the REGISTER to the next CSCF, and its response's headers on the way back */
#include <openssl/rand.h>

#include "abi/token.h"
#include "conf/conf.h"
#include "control/link.h"
#include "control/register.h"
#include "sip/emit.h"
#include "sip/field.h"
#include "sip/reply.h"
#include "sip/via.h"

/* What a UE may not say for itself (TS 24.229 §5.2.1, §5.2.2.1; RFC 3325 §5, RFC 7315), and
 * Path, which is ours to begin (RFC 3327 §5.2). */
static const enum sip_header_id untrusted[] = {
	SIP_H_P_ASSERTED_IDENTITY,
	SIP_H_P_CHARGING_VECTOR,
	SIP_H_P_CHARGING_FUNCTION_ADDRESSES,
	SIP_H_P_VISITED_NETWORK_ID,
	SIP_H_P_USER_DATABASE,
	SIP_H_P_SERVED_USER,
	SIP_H_P_PROFILE_KEY,
	SIP_H_P_ASSERTED_SERVICE,
	SIP_H_P_ASSOCIATED_URI,
	SIP_H_SERVICE_ROUTE,
	SIP_H_PATH,
	SIP_H_SECURITY_CLIENT,
	SIP_H_SECURITY_VERIFY,
};

/* An Authorization line again, with integrity-protected as the P-CSCF knows it (TS 24.229
 * §5.2.2.2, §5.2.2.3): a security association protects the request, or nothing does; without
 * one a digest response that is to be checked makes "ip-assoc-pending". */
static void put_credentials(struct text *out, struct slice value, bool protected)
{
	struct slice scheme, rest, name, v;
	bool digest_response = false, aka = false;
	uint32_t n = 0;

	if (!sip_auth_scheme(value, &scheme, &rest))
		return;
	text_lit(out, "Authorization: ");
	text_put(out, scheme);
	text_char(out, ' ');
	while (sip_auth_param(&rest, &name, &v)) {
		bool quoted = v.p > value.p && v.p[-1] == '"';

		if (slice_eq_nocase(name, SLICE("integrity-protected")))
			continue;
		if (n++)
			text_char(out, ',');
		text_put(out, slice_between(name.p, v.p + v.len + (quoted ? 1 : 0)));
		digest_response |= slice_eq_nocase(name, SLICE("response")) && v.len;
		aka |= slice_eq_nocase(name, SLICE("algorithm")) &&
		       (slice_eq_nocase(v, SLICE("AKAv1-MD5")) ||
			slice_eq_nocase(v, SLICE("AKAv2-MD5")));
	}
	text_str(out, n ? "," : "");
	text_printf(out, "integrity-protected=\"%s\"\r\n",
		    protected                 ? "yes"
		    : digest_response && !aka ? "ip-assoc-pending"
					      : "no");
}

static void edit_credentials(struct registering *g, struct sip_edits *e)
{
	const struct sip_msg *m = &g->x->msg;

	for (const struct sip_header *h = sip_first(m, SIP_H_AUTHORIZATION); h;
	     h = sip_next(m, h)) {
		uint32_t from = e->arena.len;

		put_credentials(&e->arena, sip_value(m, h), g->protected);
		sip_edit_replace(e, h->name, h->end - h->name, text_since(&e->arena, from));
	}
}

static bool mentions(struct slice text, struct slice word)
{
	for (uint32_t i = 0; i + word.len <= text.len; i++)
		if (slice_eq_nocase(slice_sub(text, i, word.len), word))
			return true;
	return false;
}

/* P-Access-Network-Info that claims to come from the network does not (TS 24.229 §5.2.1). */
static void edit_access_info(struct sip_edits *e, const struct sip_msg *m)
{
	for (const struct sip_header *h = sip_first(m, SIP_H_P_ACCESS_NETWORK_INFO); h;
	     h = sip_next(m, h))
		if (mentions(sip_value(m, h), SLICE("network-provided")))
			sip_edit_delete_header(e, h);
}

void registrar_put_charging(struct text *t, struct registrar *r, const struct addr *local)
{
	text_lit(t, "P-Charging-Vector: icid-value=\"");
	text_hex(t, r->icid_boot, 16);
	text_hex(t, ++r->icid, 8);
	text_lit(t, "\";icid-generated-at=");
	addr_put_host(t, local);
	text_lit(t, ";orig-ioi=");
	text_str(t, r->c->conf->visited_network);
	text_lit(t, "\r\n");
}

/* The security agreement ends here: the next CSCF knows nothing of sec-agree (TS 24.229
 * §5.2.2.2). */
static void edit_options(struct registering *g, struct sip_edits *e, enum sip_header_id id)
{
	const struct sip_msg *m = &g->x->msg;

	for (const struct sip_header *h = sip_first(m, id); h; h = sip_next(m, h)) {
		struct slice rest = sip_value(m, h), token;
		uint32_t from = e->arena.len, left = 0, gone = 0;

		while (sip_next_token(&rest, &token)) {
			if (agreement_knows(g, token)) {
				gone++;
				continue;
			}
			text_str(&e->arena, left++ ? ", " : "");
			text_put(&e->arena, token);
		}
		if (gone && left)
			sip_edit_replace_slice(e, m, sip_value(m, h),
					       text_since(&e->arena, from));
		else if (gone)
			sip_edit_delete_header(e, h);
	}
}

static bool edit_as_pcscf(struct registering *g, struct sip_edits *e, const struct addr *dst)
{
	const struct sip_msg *m = &g->x->msg;
	const struct sa *under = agreement_under(g);
	struct registrar *r = g->r;
	uint32_t from = e->arena.len;
	struct text *t = &e->arena;
	struct hash_key key;
	struct addr local;

	if (!link_token_key(r->c->link, &key) || !exchanges_local(r->c->exchanges, dst, &local))
		return false;
	text_lit(t, "Path: <sip:");
	token_path_put(t, &key, under ? &under->ue : &g->x->src);
	text_char(t, '@');
	addr_put(t, &local);
	text_lit(t, ";lr");
	/* The flow is ours to keep, and the registrar may count on it (RFC 5626 §5.1). */
	text_str(t, register_is_outbound(g) ? ";ob>\r\n" : ">\r\n");
	if (!sip_has_token(m, SIP_H_REQUIRE, SLICE("path")))
		text_lit(t, "Require: path\r\n");
	text_lit(t, "P-Visited-Network-ID: \"");
	text_str(t, r->c->conf->visited_network);
	text_lit(t, "\"\r\n");
	registrar_put_charging(t, r, &local);
	sip_edit_push(e, m, text_since(t, from));
	for (size_t i = 0; i < sizeof(untrusted) / sizeof(untrusted[0]); i++)
		sip_edit_delete_all(e, m, untrusted[i]);
	edit_options(g, e, SIP_H_REQUIRE);
	edit_options(g, e, SIP_H_PROXY_REQUIRE);
	edit_credentials(g, e);
	edit_access_info(e, m);
	return true;
}

/* RFC 3261 §16.3 item 3, §16.6 item 3. False: answered 483 or 400. */
static bool edit_hops(struct registering *g, struct sip_edits *e)
{
	const struct sip_msg *m = &g->x->msg;
	const struct sip_header *h = sip_first(m, SIP_H_MAX_FORWARDS);
	uint32_t from = e->arena.len;
	uint8_t hops;

	if (!h) {
		sip_edit_push(e, m, SLICE("Max-Forwards: 70\r\n"));
		return true;
	}
	if (sip_max_forwards_decode(sip_value(m, h), &hops) != SIP_OK) {
		register_reply(g, 400, "malformed Max-Forwards", SLICE_EMPTY);
		return false;
	}
	if (hops == 0) {
		register_reply(g, 483, "Max-Forwards is used up", SLICE_EMPTY);
		return false;
	}
	text_u64(&e->arena, hops - 1u);
	sip_edit_replace_slice(e, m, sip_value(m, h), text_since(&e->arena, from));
	return true;
}

/* RFC 3261 §18.2.1: so that a response finds its way should the UE's Via ever be on top again.
 */
static void edit_via(struct registering *g, struct sip_edits *e)
{
	uint32_t from = e->arena.len;
	struct slice rport = SLICE_EMPTY;
	struct sip_via via;

	if (sip_via_top(&g->x->msg, &via) != SIP_OK)
		return;
	sip_via_received(&via, &g->x->src, &e->arena, &rport);
	if (rport.p)
		sip_edit_replace_slice(e, &g->x->msg, rport, SLICE_EMPTY);
	sip_edit_insert(e, (uint32_t)(via.whole.p + via.whole.len - g->x->msg.raw.p),
			text_since(&e->arena, from));
}

static void response(void *ctx, const struct sip_msg *m)
{
	struct registering *g = ctx;
	uint8_t memory[SIP_MESSAGE_MAX];
	struct text headers = text_in(memory, sizeof(memory));

	if (icscf_again(g, m))
		return;
	if (!m) {
		register_reply(g, 504, "the next CSCF does not answer", SLICE_EMPTY);
		return;
	}
	if (g->pcscf) {
		pcscf_answered(g, m);
		return;
	}
	forward_response_headers(&headers, m, false);
	register_relay(g, m, text_slice(&headers));
}

void forward_register(struct registering *g, const struct addr *dst, struct slice uri)
{
	const struct sip_msg *m = &g->x->msg;
	uint8_t out[SIP_MESSAGE_MAX];
	struct sip_edits e;
	uint32_t len;

	sip_edits_reset(&e);
	if (!edit_hops(g, &e))
		return;
	if (uri.len)
		sip_edit_replace_slice(&e, m, m->uri, uri);
	if (g->pcscf && !edit_as_pcscf(g, &e, dst)) {
		register_busy(g, 503, "nothing leads to the next CSCF");
		return;
	}
	/* A Route of a REGISTER named us; the next CSCF is chosen, not routed to (TS 24.229
	 * §5.2.2.1). */
	sip_edit_delete_all(&e, m, SIP_H_ROUTE);
	edit_via(g, &e);
	len = sip_emit_length(m, &e);
	if (len == 0 || len > sizeof(out) || sip_emit_copy(m, &e, out) != len) {
		register_reply(g, 513, "the request has no room for what is to be added",
			       SLICE_EMPTY);
		return;
	}
	g->sent_to = *dst;
	request_send(g->r->c->exchanges, slice_of(out, len), &(struct request_way){.dst = *dst},
		     response, g);
}

static bool stays(enum sip_header_id id, bool to_ue)
{
	switch (id) {
	case SIP_H_VIA:
	case SIP_H_FROM:
	case SIP_H_TO:
	case SIP_H_CALL_ID:
	case SIP_H_CSEQ:
	case SIP_H_CONTENT_LENGTH:
		return true; /* exchange_reply writes them */
	case SIP_H_PATH:
	case SIP_H_P_CHARGING_VECTOR:
	case SIP_H_P_CHARGING_FUNCTION_ADDRESSES:
	case SIP_H_RECORD_ROUTE:
	case SIP_H_SECURITY_SERVER:
		return to_ue;
	default:
		return false;
	}
}

/* The integrity and cipher keys are for the P-CSCF alone: TS 24.229 §5.2.2.1, TS 33.203 §6.1.1.
 */
static void put_challenge(struct text *out, struct slice value)
{
	struct slice scheme, rest, name, v;
	uint32_t n = 0;

	if (!sip_auth_scheme(value, &scheme, &rest))
		return;
	text_lit(out, "WWW-Authenticate: ");
	text_put(out, scheme);
	text_char(out, ' ');
	while (sip_auth_param(&rest, &name, &v)) {
		bool quoted = v.p > value.p && v.p[-1] == '"';

		if (slice_eq_nocase(name, SLICE("ck")) || slice_eq_nocase(name, SLICE("ik")))
			continue;
		if (n++)
			text_char(out, ',');
		text_put(out, slice_between(name.p, v.p + v.len + (quoted ? 1 : 0)));
	}
	text_lit(out, "\r\n");
}

void forward_response_headers(struct text *out, const struct sip_msg *m, bool to_ue)
{
	for (uint32_t i = 0; i < m->n_headers; i++) {
		const struct sip_header *h = &m->header[i];

		if (stays(h->id, to_ue))
			continue;
		if (h->id == SIP_H_WWW_AUTHENTICATE && to_ue) {
			put_challenge(out, sip_value(m, h));
			continue;
		}
		text_put(out, slice_of(m->raw.p + h->name, h->name_len));
		text_lit(out, ": ");
		text_put(out, sip_value(m, h));
		text_lit(out, "\r\n");
	}
}
