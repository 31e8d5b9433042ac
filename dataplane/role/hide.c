/* hide.c - what a foreign network sees of ours: nothing (TS 24.229 §5.10.4) */
#include "role/hide.h"

#include "abi/seal.h"
#include "sip/emit.h"
#include "sip/reply.h"

/* A route entry is a URI, whose length has a bound of its own. */
enum { ROUTES_TEXT_MAX = 640 };

static bool forged(struct pass *p)
{
	count(p->w->counters, COUNT_HIDING_FORGED);
	return false;
}

/* Of another call it is another token. */
static bool seal(struct pass *p, struct slice plain, struct text *out)
{
	return seal_close(p->w->seal, p->call_id, plain, out);
}

static bool unseal(struct pass *p, struct slice token, struct text *out)
{
	return seal_open(p->w->seal, p->call_id, token, out);
}

static void delete_further(struct pass *p, const struct sip_header *h)
{
	while ((h = sip_next(&p->msg, h)))
		sip_edit_delete_header(p->edits, h);
}

/* ---- Via ---- */

/* The Vias as they would go on: the first one knows where the request really came from (RFC
 * 3261 §18.2.1, RFC 3581 §4). */
static void put_vias(struct pass *p, const struct sip_header *h, struct text *out)
{
	uint8_t memory[128];
	struct text said = text_in(memory, sizeof(memory));
	const uint8_t *end = p->via.whole.p + p->via.whole.len;
	struct slice value = sip_value(&p->msg, h), old;

	sip_via_received(&p->via, &p->b->src, &said, &old);
	out->overflow |= said.overflow;
	text_put(out, slice_between(value.p, old.p ? old.p : end));
	text_put(out, text_slice(&said));
	if (old.p)
		text_put(out, slice_between(old.p + old.len, end));
	text_put(out, slice_between(end, value.p + value.len));
	while ((h = sip_next(&p->msg, h))) {
		text_char(out, ',');
		text_put(out, sip_value(&p->msg, h));
	}
}

static bool hide_vias(struct pass *p)
{
	const struct sip_header *h = sip_first(&p->msg, SIP_H_VIA);
	uint8_t memory[SEAL_TEXT_MAX];
	struct text plain = text_in(memory, sizeof(memory)), *t = &p->edits->arena;
	const struct slice realm = p->w->node->realm;
	uint32_t from = t->len;

	put_vias(p, h, &plain);
	if (plain.overflow)
		return false;
	text_lit(t, "SIP/2.0/UDP ");
	text_put(t, realm);
	text_lit(t, ";branch=z9hG4bKh");
	text_hex(t, hash_table(&p->w->node->token_key, plain.p, plain.len), 16);
	text_lit(t, ";tokenized-by=");
	text_put(t, realm);
	text_lit(t, ";hidden=");
	if (!seal(p, text_slice(&plain), t))
		return false;
	sip_edit_replace(p->edits, h->value, h->value_len, text_since(t, from));
	delete_further(p, h);
	return true;
}

bool hide_reveal_via(struct pass *p, struct sip_via *next)
{
	struct text *t = &p->edits->arena;
	uint32_t from = t->len;
	struct slice by, token, rest, whole = next->whole;

	if (!sip_param(next->params, SLICE("tokenized-by"), &by) ||
	    !slice_eq_nocase(by, p->w->node->realm) ||
	    !sip_param(next->params, SLICE("hidden"), &token))
		return true;
	if (!unseal(p, token, t) || sip_via_decode(text_since(t, from), next, &rest) != SIP_OK)
		return forged(p);
	sip_edit_replace_slice(p->edits, &p->msg, whole, text_since(t, from));
	return true;
}

/* ---- Record-Route and Route ---- */

static bool put_route_token(struct pass *p, struct slice plain)
{
	struct text *t = &p->edits->arena;

	text_lit(t, "<sip:h");
	if (plain.len > ROUTES_TEXT_MAX || !seal(p, plain, t))
		return false;
	text_char(t, '@');
	role_put_site(t, p->w, &p->b->dst, p->w->node->sip_port);
	text_lit(t, ";lr;tokenized-by=");
	text_put(t, p->w->node->realm);
	text_char(t, '>');
	return !t->overflow;
}

static bool hide_record_routes(struct pass *p)
{
	const struct sip_header *h = sip_first(&p->msg, SIP_H_RECORD_ROUTE), *first = h;
	uint8_t memory[SEAL_TEXT_MAX];
	struct text plain = text_in(memory, sizeof(memory));
	uint32_t from = p->edits->arena.len;

	if (!h)
		return true;
	for (; h; h = sip_next(&p->msg, h)) {
		if (plain.len)
			text_char(&plain, ',');
		text_put(&plain, sip_value(&p->msg, h));
	}
	if (plain.overflow || !put_route_token(p, text_slice(&plain)))
		return false;
	sip_edit_replace(p->edits, first->value, first->value_len,
			 text_since(&p->edits->arena, from));
	delete_further(p, first);
	return true;
}

bool hide_request(struct pass *p)
{
	return hide_vias(p) && hide_record_routes(p) && !p->edits->overflow &&
	       sip_emit_length(&p->msg, p->edits) <= SIP_MESSAGE_MAX;
}

/* The entries above our own, in the order in which Routes will have them: that of the caller,
 * who is abroad (RFC 3261 §12.1.2). Our own and what is below goes to `kept`, which is empty if
 * there is none of ours, or nothing above it. */
static bool part_record_routes(struct pass *p, struct text *ours, struct text *kept)
{
	struct slice above[SIP_ROUTE_MAX];
	struct sip_name_addr_walk walk;
	struct sip_name_addr element;
	struct sip_uri uri;
	uint32_t n = 0;

	sip_walk(&walk, &p->msg, SIP_H_RECORD_ROUTE, SIP_E_HEADER);
	while (sip_walk_next(&walk, &element)) {
		if (!kept->len && sip_uri_decode(element.uri, &uri) == SIP_OK &&
		    !node_own_uri(p->w->node, &uri)) {
			if (n == SIP_ROUTE_MAX)
				return false;
			above[n++] = slice_trim(element.whole);
			continue;
		}
		if (kept->len)
			text_char(kept, ',');
		text_put(kept, slice_trim(element.whole));
	}
	for (uint32_t i = n; i > 0; i--) {
		if (i < n)
			text_char(ours, ',');
		text_put(ours, above[i - 1]);
	}
	return !ours->overflow && !kept->overflow;
}

bool hide_response(struct pass *p)
{
	uint8_t memory[SEAL_TEXT_MAX], rest[2048];
	struct text plain = text_in(memory, sizeof(memory)), kept = text_in(rest, sizeof(rest)),
		    *t = &p->edits->arena;
	const struct sip_header *first = sip_first(&p->msg, SIP_H_RECORD_ROUTE);
	uint32_t from = t->len;

	if (!first)
		return true;
	if (!part_record_routes(p, &plain, &kept))
		return false;
	if (plain.len == 0 || kept.len == 0)
		return true;
	if (!put_route_token(p, text_slice(&plain)))
		return false;
	text_char(t, ',');
	text_put(t, text_slice(&kept));
	if (t->overflow)
		return false;
	sip_edit_replace(p->edits, first->value, first->value_len, text_since(t, from));
	delete_further(p, first);
	return true;
}

bool hide_route(struct pass *p, struct slice token)
{
	struct text t = text_in(p->revealed, sizeof(p->revealed));

	if (!unseal(p, token, &t))
		return forged(p);
	p->hidden_route = text_slice(&t);
	return true;
}

bool hide_reveal_routes(struct pass *p)
{
	struct sip_name_addr_walk walk;
	struct sip_name_addr element;

	sip_walk(&walk, &p->msg, SIP_H_RECORD_ROUTE, SIP_E_HEADER);
	while (sip_walk_next(&walk, &element)) {
		struct text *t = &p->edits->arena;
		uint32_t from = t->len;
		struct sip_uri uri;
		struct slice by;

		if (sip_uri_decode(element.uri, &uri) != SIP_OK ||
		    !sip_param(uri.params, SLICE("tokenized-by"), &by) ||
		    !node_own_uri(p->w->node, &uri))
			continue;
		if (!unseal(p, slice_from(uri.user, 1), t))
			return forged(p);
		sip_edit_replace_slice(p->edits, &p->msg, slice_trim(element.whole),
				       text_since(t, from));
	}
	return true;
}
