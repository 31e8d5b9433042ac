/* pass.c - a message comes into a pass: parsed, and what it needs brought near
 *
 * Of a message it is soon known whom it concerns: the users its token names, the identities it
 * carries, the flow it came from, the transaction its branch names. Their memory is asked for
 * here, and arrives while the other messages of the group are looked at.
 */
#include "role/pass.h"
#include "role/proxy.h"
#include "role/transaction.h"

void pass_identity(const struct pass *p, const struct sip_uri *uri, struct identity *out)
{
	struct text canonical = text_in(out->text, sizeof(out->text));

	out->len = 0;
	out->by_hash = false;
	if (!sip_uri_identity(uri, &canonical))
		return;
	out->len = (uint16_t)canonical.len;
	out->hash = table_hash_impu(p->w->tables, identity_slice(out));
}

const struct registration *pass_registration(const struct pass *p, const struct identity *i,
					     uint32_t *index)
{
	const struct registration *r;

	if (i->len == 0)
		return NULL;
	if (i->by_hash) {
		r = table_find_user(p->w->tables, i->hash);
		return r && reg_impu_by_hash(r, i->hash, index) ? r : NULL;
	}
	return table_find_impu(p->w->tables, identity_slice(i), i->hash, index);
}

static void ask_flow(struct pass *p)
{
	p->flow_hash = table_hash_flow(p->w->tables, &p->b->src);
	p->flow_hashed = true;
	table_prefetch_flow(p->w->tables, p->flow_hash);
}

static void ask_calling(struct pass *p)
{
	struct slice value = sip_first_value(&p->msg, SIP_H_P_PREFERRED_IDENTITY), rest;
	struct sip_name_addr name;
	struct sip_uri uri;

	if (!value.p)
		value = sip_first_value(&p->msg, SIP_H_FROM);
	if (sip_name_addr_decode(value, SIP_E_HEADER, &name, &rest) != SIP_OK ||
	    sip_uri_decode(name.uri, &uri) != SIP_OK)
		return;
	pass_identity(p, &uri, &p->calling);
	p->calling_uri = name.uri;
	if (p->calling.len)
		table_prefetch_impu(p->w->tables, p->calling.hash);
}

/* RFC 5627 §3.3: gr with a value is of a public GRUU, whose other parts are the identity;
 * without one it is of a temporary one, which tells all only to us. */
static void ask_gruu(struct pass *p)
{
	const struct hash_key *key = &p->w->node->token_key;
	struct slice gr;

	if (!sip_param(p->uri.params, SLICE("gr"), &gr))
		return;
	p->gruu_kind = GRUU_UNKNOWN;
	if (gr.len) {
		p->gruu.instance = gruu_instance(key, gr);
		if (p->gruu.instance)
			p->gruu_kind = GRUU_PUBLIC;
	} else if (gruu_temporary_get(p->uri.user, key, &p->gruu)) {
		p->gruu_kind = GRUU_TEMPORARY;
		p->called.hash = p->gruu.user;
		p->called.by_hash = true;
	}
}

void pass_called(struct pass *p)
{
	if (p->uri_sound)
		pass_identity(p, &p->uri, &p->called);
	if (p->called.len && p->uri.params.len)
		ask_gruu(p);
}

static void ask_called(struct pass *p)
{
	pass_called(p);
	if (p->called.len)
		table_prefetch_impu(p->w->tables, p->called.hash);
}

static void begin_request(struct pass *p)
{
	uint8_t m = p->msg.method;

	p->called.len = p->calling.len = 0;
	if (m == SIP_M_REGISTER) {
		ask_flow(p);
		return;
	}
	if (m == SIP_M_INVITE || m == SIP_M_ACK || m == SIP_M_CANCEL) {
		p->txn_key = transaction_key(p);
		transaction_prefetch(p);
	}
	if (m == SIP_M_INVITE)
		buf_prefetch_new(p->w->answers++);
	proxy_routes(p);
	if (p->own_dialog && p->is_dialog) {
		table_prefetch_impu(p->w->tables, p->token.orig);
		table_prefetch_impu(p->w->tables, p->token.term);
		return;
	}
	ask_flow(p);
	ask_called(p);
	if (!p->is_dialog)
		ask_calling(p);
}

void pass_begin(struct pass *p, struct role_worker *w, struct buf *b)
{
	memset(p, 0, offsetof(struct pass, uri));
	p->w = w;
	p->b = b;
	proxy_parse(p);
	if (p->error != SIP_OK)
		return;
	if (sip_is_request(&p->msg)) {
		begin_request(p);
	} else {
		p->branch = branch_read(p);
		if (p->branch == BRANCH_TRANSACTION)
			transaction_prefetch(p);
	}
}

void pass_approach(const struct pass *p)
{
	const struct tables *t = p->w->tables;

	if (p->error != SIP_OK)
		return;
	if (!sip_is_request(&p->msg)) {
		transaction_approach(p);
		return;
	}
	if (p->own_dialog && p->is_dialog) {
		table_prefetch_user_entry(t, p->token.orig);
		table_prefetch_user_entry(t, p->token.term);
		return;
	}
	if (p->flow_hashed)
		table_prefetch_flow_entry(t, p->flow_hash);
	if (p->calling.len)
		table_prefetch_impu_entry(t, p->calling.hash);
	if (p->called.len)
		table_prefetch_impu_entry(t, p->called.hash);
}

void pass_reach(const struct pass *p)
{
	if (p->error == SIP_OK && !sip_is_request(&p->msg))
		transaction_reach(p);
}
