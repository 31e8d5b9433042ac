/* branch.c - the branch parameter of our own Via */
#include "role/branch.h"

static const struct slice cookie = {(const uint8_t *)"z9hG4bK", 7};

enum {
	STATELESS_LEN = 7 + 1 + 16 + 1 + 8,
	TRANSACTION_LEN = 7 + 1 + 2 + 8 + 8 + 16 + 1 + 8,
};

uint64_t branch_stateless_mac(const struct role_worker *w, const struct sip_via *via,
			      struct slice call_id, uint32_t cseq, uint8_t method, bool from_ue,
			      bool to_ue)
{
	struct hash_mac m;

	hash_mac_start(&m, &w->node->branch_key);
	hash_mac_part(&m, via->branch);
	hash_mac_part(&m, via->host);
	hash_mac_part(&m, via->received);
	hash_mac_u64(&m, (uint64_t)via->port << 32 | via->rport_value);
	hash_mac_part(&m, call_id);
	hash_mac_u64(&m, (uint64_t)cseq << 16 | (uint64_t)method << 8 | (uint64_t)to_ue << 1 |
				 from_ue);
	return hash_mac_end(&m);
}

static uint64_t transaction_mac(const struct role_worker *w, const struct branch_ref *ref)
{
	struct hash_mac m;

	hash_mac_start(&m, &w->node->branch_key);
	hash_mac_u64(&m, (uint64_t)ref->worker << 32 | ref->slot);
	hash_mac_u64(&m, ref->generation);
	return hash_mac_end(&m);
}

static void put_loop(struct text *t, uint32_t loop)
{
	text_char(t, '.');
	text_hex(t, loop, 8);
}

static const char sides[] = "suvw";

void branch_put_stateless(struct text *t, const struct branch_stateless *b, uint32_t loop)
{
	text_put(t, cookie);
	text_char(t, (uint8_t)sides[b->from_ue + 2 * b->to_ue]);
	text_hex(t, b->mac, 16);
	put_loop(t, loop);
}

void branch_put_transaction(struct text *t, const struct role_worker *w,
			    const struct branch_ref *ref, uint32_t loop)
{
	text_put(t, cookie);
	text_char(t, 't');
	text_hex(t, ref->worker, 2);
	text_hex(t, ref->slot, 8);
	text_hex(t, ref->generation, 8);
	text_hex(t, transaction_mac(w, ref), 16);
	put_loop(t, loop);
}

static enum branch_kind read_stateless(struct slice branch, struct branch_stateless *out)
{
	const char *side = memchr(sides, branch.p[7], 4);

	if (!side)
		return BRANCH_FOREIGN;
	out->from_ue = (side - sides) & 1;
	out->to_ue = (side - sides) >> 1;
	return hex_u64(slice_sub(branch, 8, 16), &out->mac) ? BRANCH_STATELESS : BRANCH_FORGED;
}

enum branch_kind branch_read(const struct role_worker *w, struct slice branch,
			     struct branch_ref *ref, struct branch_stateless *stateless)
{
	uint64_t worker, slot, generation, check;

	if (slice_starts(branch, SLICE(ABI_BRANCH_CONTROL)))
		return BRANCH_CONTROL;
	if (!slice_starts(branch, cookie))
		return BRANCH_FOREIGN;
	if (branch.len == STATELESS_LEN)
		return read_stateless(branch, stateless);
	if (branch.len != TRANSACTION_LEN || branch.p[7] != 't')
		return BRANCH_FOREIGN;
	if (!hex_u64(slice_sub(branch, 8, 2), &worker) ||
	    !hex_u64(slice_sub(branch, 10, 8), &slot) ||
	    !hex_u64(slice_sub(branch, 18, 8), &generation) ||
	    !hex_u64(slice_sub(branch, 26, 16), &check))
		return BRANCH_FORGED;
	*ref = (struct branch_ref){(uint16_t)worker, (uint32_t)slot, (uint32_t)generation};
	return check == transaction_mac(w, ref) ? BRANCH_TRANSACTION : BRANCH_FORGED;
}

uint32_t branch_loop_hash(const struct pass *p)
{
	const struct sip_msg *m = &p->msg;
	struct hash_mac mac;

	hash_mac_start(&mac, &p->w->node->branch_key);
	hash_mac_part(&mac, m->uri);
	hash_mac_part(&mac, p->call_id);
	hash_mac_part(&mac, p->from_tag);
	hash_mac_part(&mac, p->to_tag);
	hash_mac_u64(&mac, (uint64_t)m->cseq << 8 | m->method);
	for (const struct sip_header *h = sip_first(m, SIP_H_ROUTE); h; h = sip_next(m, h))
		hash_mac_part(&mac, sip_value(m, h));
	return (uint32_t)hash_mac_end(&mac);
}

static bool via_is_loop(const struct pass *p, const struct sip_via *via, uint32_t loop)
{
	uint64_t value;
	struct addr a;

	if (via->branch.len != STATELESS_LEN && via->branch.len != TRANSACTION_LEN)
		return false;
	if (!slice_starts(via->branch, cookie) || via->branch.p[via->branch.len - 9] != '.' ||
	    !hex_u64(slice_from(via->branch, via->branch.len - 8), &value) || value != loop)
		return false;
	return addr_parse_ip(via->host, &a) && route_local(p->w->node->routes, &a) >= 0;
}

bool branch_is_loop(const struct pass *p, uint32_t loop)
{
	const struct sip_msg *m = &p->msg;
	uint32_t seen = 0;

	for (const struct sip_header *h = sip_first(m, SIP_H_VIA); h; h = sip_next(m, h)) {
		struct slice rest = sip_value(m, h);
		struct sip_via via;

		while (rest.len && seen++ < SIP_VIA_MAX) {
			if (sip_via_decode(rest, &via, &rest) != SIP_OK)
				return false;
			if (via_is_loop(p, &via, loop))
				return true;
		}
	}
	return false;
}
