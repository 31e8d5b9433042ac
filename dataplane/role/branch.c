/* branch.c - the branch parameter of our own Via */
#include "role/branch.h"
#include "role/pass.h"

static const struct slice cookie = {(const uint8_t *)"z9hG4bK", 7};
static const char stateless_sides[] = "stuvwxyz", transaction_sides[] = "ijklmnopqrstuvwx";

enum {
	AT_SIDE = 7,
	AT_REF = AT_SIDE + 1,
	REF_DIGITS = 2 + 8 + 8,
	MAC_DIGITS = 16,
	LOOP_LEN = 1 + 8,
	SA_LEN = 1 + 16,
	STATELESS_LEN = AT_REF + MAC_DIGITS,
	TRANSACTION_LEN = AT_REF + REF_DIGITS + MAC_DIGITS,
};

static uint64_t side_bits(struct branch_side side)
{
	return (uint64_t)side.from_ue | (uint64_t)side.to_ue << 1 |
	       (uint64_t)side.own_port << 2 | (uint64_t)side.timed << 3;
}

/* What identifies a transaction is in its reference; without one it is the CSeq and the branch
 * that the next hop back will know it by (RFC 3261 §16.11). */
static uint64_t branch_mac(const struct pass *p, struct branch_side side,
			   const struct branch_ref *ref, const struct addr *back,
			   struct slice next_branch, uint64_t sa_id)
{
	const struct hash_key *key = &p->w->node->branch_key;
	uint64_t word[7] = {
		addr_half(back, 0),
		addr_half(back, 1),
		back->port | (uint64_t)back->family << 16 | side_bits(side) << 24,
	};

	if (ref) {
		word[2] |= (uint64_t)1 << 63 | (uint64_t)ref->worker << 32;
		word[3] = (uint64_t)ref->slot << 32 | ref->generation;
		return hash_words(key, word, 4);
	}
	uint32_t n = 5;
	word[3] = (uint64_t)p->msg.cseq << 8 | p->msg.method;
	word[4] = hash_table(key, next_branch.p, next_branch.len);
	if (!slice_starts(next_branch, cookie)) /* RFC 2543: the branch is not unique */
		word[n++] = hash_table(key, p->call_id.p, p->call_id.len);
	if (sa_id) {
		word[2] |= (uint64_t)1 << 62;
		word[n++] = sa_id;
	}
	return hash_words(key, word, n);
}

void branch_put(struct text *t, const struct pass *p, struct branch_side side,
		const struct branch_ref *ref, const struct addr *back)
{
	uint64_t sa_id = ref ? 0 : p->b->sa_id;

	text_put(t, cookie);
	text_char(t, (uint8_t)(ref ? transaction_sides : stateless_sides)[side_bits(side)]);
	if (ref) {
		text_hex(t, ref->worker, 2);
		text_hex(t, ref->slot, 8);
		text_hex(t, ref->generation, 8);
	}
	text_hex(t, branch_mac(p, side, ref, back, p->via.branch, sa_id), MAC_DIGITS);
	if (p->has_loop) {
		text_char(t, '.');
		text_hex(t, p->loop, 8);
	}
	if (sa_id) {
		text_char(t, '-');
		text_hex(t, sa_id, 16);
	}
}

/* Without what it says of an SA; the digits of the rest have no such sign. False: what it says
 * cannot be. */
static bool split_sa(struct slice *branch, uint64_t *sa_id)
{
	uint32_t len = branch->len - SA_LEN;

	*sa_id = 0;
	if (branch->len <= SA_LEN || branch->p[len] != '-')
		return true;
	if (!hex_u64(slice_from(*branch, len + 1), sa_id) || *sa_id == 0)
		return false;
	*branch = slice_sub(*branch, 0, len);
	return true;
}

static bool read_side(const char *sides, uint32_t n, uint8_t letter, struct branch_side *out)
{
	uint32_t i = (uint32_t)letter - (uint8_t)sides[0]; /* the letters are neighbours */

	if (i >= n)
		return false;
	*out = (struct branch_side){
		.from_ue = i & 1, .to_ue = i >> 1 & 1, .own_port = i >> 2 & 1, .timed = i >> 3};
	return true;
}

static enum branch_kind read_reference(struct pass *p)
{
	struct slice branch = p->via.branch;
	uint64_t worker, slot, generation;

	if (!read_side(transaction_sides, sizeof(transaction_sides) - 1, branch.p[AT_SIDE],
		       &p->side) ||
	    !hex_u64(slice_sub(branch, AT_REF, 2), &worker) ||
	    !hex_u64(slice_sub(branch, AT_REF + 2, 8), &slot) ||
	    !hex_u64(slice_sub(branch, AT_REF + 10, 8), &generation))
		return BRANCH_FOREIGN;
	p->ref = (struct branch_ref){(uint16_t)worker, (uint32_t)slot, (uint32_t)generation};
	return BRANCH_TRANSACTION;
}

enum branch_kind branch_read(struct pass *p)
{
	struct slice branch = p->via.branch;

	if (slice_starts(branch, SLICE(ABI_BRANCH_CONTROL)))
		return BRANCH_CONTROL;
	if (!slice_starts(branch, cookie))
		return BRANCH_FOREIGN;
	if (!split_sa(&branch, &p->back_sa))
		return BRANCH_FOREIGN;
	if (branch.len == TRANSACTION_LEN || branch.len == TRANSACTION_LEN + LOOP_LEN)
		return read_reference(p);
	if (branch.len != STATELESS_LEN && branch.len != STATELESS_LEN + LOOP_LEN)
		return BRANCH_FOREIGN;
	return read_side(stateless_sides, sizeof(stateless_sides) - 1, branch.p[AT_SIDE],
			 &p->side)
		       ? BRANCH_STATELESS
		       : BRANCH_FOREIGN;
}

bool branch_is_ours(const struct pass *p, const struct addr *back, struct slice next_branch)
{
	bool stateless = p->branch == BRANCH_STATELESS;
	uint32_t at = stateless ? AT_REF : AT_REF + REF_DIGITS;
	uint64_t given;

	return hex_u64(slice_sub(p->via.branch, at, MAC_DIGITS), &given) &&
	       given == branch_mac(p, p->side, stateless ? NULL : &p->ref, back, next_branch,
				   p->back_sa);
}

uint32_t branch_loop_hash(const struct pass *p)
{
	const struct hash_key *key = &p->w->node->branch_key;
	const struct sip_msg *m = &p->msg;
	const struct slice part[] = {m->uri, p->call_id, p->from_tag, p->to_tag};
	/* An odd factor loses nothing, and makes the order of the parts count. */
	const uint64_t factor = 0x9e3779b97f4a7c15u;
	uint64_t h = (uint64_t)m->cseq << 8 | m->method;

	for (uint32_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		h = h * factor + hash_table(key, part[i].p, part[i].len);
	for (const struct sip_header *r = sip_first(m, SIP_H_ROUTE); r; r = sip_next(m, r))
		h = h * factor + hash_table(key, m->raw.p + r->value, r->value_len);
	return (uint32_t)(h ^ h >> 32);
}

static bool via_is_loop(const struct pass *p, const struct sip_via *via, uint32_t loop)
{
	struct slice branch = via->branch;
	uint64_t value, sa_id;
	struct addr a;

	if (!split_sa(&branch, &sa_id))
		return false;
	uint32_t len = branch.len;
	if ((len != STATELESS_LEN + LOOP_LEN && len != TRANSACTION_LEN + LOOP_LEN) ||
	    !slice_starts(branch, cookie) || branch.p[len - LOOP_LEN] != '.' ||
	    !hex_u64(slice_from(branch, len - 8), &value) || value != loop)
		return false;
	return addr_parse_ip(via->host, &a) && route_local(p->w->node->routes, &a) >= 0;
}

bool branch_is_loop(const struct pass *p, uint32_t loop)
{
	const struct sip_header *h = sip_first(&p->msg, SIP_H_VIA);
	struct slice rest = p->via_rest;
	uint32_t seen = 0;

	while (seen++ < SIP_VIA_MAX) {
		struct sip_via via;

		if (!rest.len) {
			h = sip_next(&p->msg, h);
			if (!h)
				return false;
			rest = sip_value(&p->msg, h);
		}
		if (sip_via_decode(rest, &via, &rest) != SIP_OK)
			return false;
		if (via_is_loop(p, &via, loop))
			return true;
	}
	return false;
}
