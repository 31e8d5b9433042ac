/* token.c - what we write into Record-Route and Path, and nobody else can */
#include "abi/token.h"

enum { MAC_DIGITS = 16 };

uint64_t token_user(const struct hash_key *key, struct slice impu)
{
	return token_user_of(hash_table(key, impu.p, impu.len));
}

static uint64_t dialog_mac(const struct hash_key *key, const struct token_dialog *d,
			   struct slice call_id)
{
	const uint64_t word[] = {'d' | (uint64_t)d->legs << 8, d->orig, d->term,
				 hash_table(key, call_id.p, call_id.len)};

	return hash_words(key, word, 4);
}

void token_dialog_put(struct text *out, const struct hash_key *key,
		      const struct token_dialog *d, struct slice call_id)
{
	text_char(out, 'd');
	text_hex(out, d->legs, 2);
	text_hex(out, d->orig, 16);
	text_hex(out, d->term, 16);
	text_hex(out, dialog_mac(key, d, call_id), MAC_DIGITS);
}

bool token_dialog_get(struct slice user, const struct hash_key *key, struct slice call_id,
		      struct token_dialog *out)
{
	struct token_dialog d;
	uint64_t legs, given;

	if (user.len != TOKEN_DIALOG_LEN || user.p[0] != 'd')
		return false;
	if (!hex_u64(slice_sub(user, 1, 2), &legs) ||
	    !hex_u64(slice_sub(user, 3, 16), &d.orig) ||
	    !hex_u64(slice_sub(user, 19, 16), &d.term) ||
	    !hex_u64(slice_sub(user, 35, MAC_DIGITS), &given))
		return false;
	d.legs = (uint8_t)legs;
	if (dialog_mac(key, &d, call_id) != given)
		return false;
	*out = d;
	return true;
}

void token_icid_put(struct text *out, const struct hash_key *key, struct slice call_id)
{
	const uint64_t of = hash_table(key, call_id.p, call_id.len);

	for (uint64_t half = 0; half < 2; half++)
		text_hex(out, hash_words(key, (uint64_t[]){'c' | half << 8, of}, 2), 16);
}

static uint64_t chain_mac(const struct hash_key *key, const struct token_chain *c)
{
	const uint64_t word[] = {'i' | (uint64_t)c->session_case << 8 |
					 (uint64_t)c->length << 16 | (uint64_t)c->minute << 32,
				 c->user, c->priority};

	return hash_words(key, word, 3);
}

void token_chain_put(struct text *out, const struct hash_key *key, const struct token_chain *c)
{
	text_char(out, 'i');
	text_hex(out, c->session_case, 2);
	text_hex(out, c->length, 2);
	text_hex(out, c->minute, 8);
	text_hex(out, c->priority, 8);
	text_hex(out, c->user, 16);
	text_hex(out, chain_mac(key, c), MAC_DIGITS);
}

bool token_is_chain(struct slice user)
{
	return user.len == 1 + 2 + 2 + 8 + 8 + 16 + MAC_DIGITS && user.p[0] == 'i';
}

bool token_chain_get(struct slice user, const struct hash_key *key, struct token_chain *out)
{
	uint64_t session_case, length, minute, priority, given;
	struct token_chain c;

	if (!token_is_chain(user) || !hex_u64(slice_sub(user, 1, 2), &session_case) ||
	    !hex_u64(slice_sub(user, 3, 2), &length) ||
	    !hex_u64(slice_sub(user, 5, 8), &minute) ||
	    !hex_u64(slice_sub(user, 13, 8), &priority) ||
	    !hex_u64(slice_sub(user, 21, 16), &c.user) ||
	    !hex_u64(slice_sub(user, 37, MAC_DIGITS), &given))
		return false;
	c.session_case = (uint8_t)session_case;
	c.length = (uint8_t)length;
	c.minute = (uint32_t)minute;
	c.priority = (uint32_t)priority;
	if (chain_mac(key, &c) != given)
		return false;
	*out = c;
	return true;
}

/* kind: 'p', or 'e', which is bound to a call by the hash of its Call-ID. */
static uint64_t flow_mac(const struct hash_key *key, uint8_t kind, const struct addr *flow,
			 uint64_t call)
{
	const uint64_t word[] = {kind | (uint64_t)flow->port << 8 |
					 (uint64_t)flow->family << 24,
				 addr_half(flow, 0), addr_half(flow, 1), call};

	return hash_words(key, word, kind == 'p' ? 3 : 4);
}

static void flow_put(struct text *out, const struct hash_key *key, uint8_t kind,
		     const struct addr *flow, uint64_t call)
{
	text_char(out, kind);
	text_hex(out, flow->port, 4);
	text_hex_bytes(out, slice_of(flow->ip, flow->family == 4 ? 4 : 16));
	text_hex(out, flow_mac(key, kind, flow, call), MAC_DIGITS);
}

static bool flow_get(struct slice user, const struct hash_key *key, uint8_t kind, uint64_t call,
		     struct addr *flow)
{
	struct addr a = {0};
	uint64_t port, given;
	uint32_t octets;

	if (user.len == 1 + 4 + 8 + MAC_DIGITS)
		octets = 4;
	else if (user.len == 1 + 4 + 32 + MAC_DIGITS)
		octets = 16;
	else
		return false;
	if (user.p[0] != kind || !hex_u64(slice_sub(user, 1, 4), &port) ||
	    !hex_decode(slice_sub(user, 5, 2 * octets), a.ip, octets) ||
	    !hex_u64(slice_from(user, 5 + 2 * octets), &given))
		return false;
	a.port = (uint16_t)port;
	a.family = octets == 4 ? 4 : 6;
	if (flow_mac(key, kind, &a, call) != given)
		return false;
	*flow = a;
	return true;
}

void token_path_put(struct text *out, const struct hash_key *key, const struct addr *flow)
{
	flow_put(out, key, 'p', flow, 0);
}

bool token_path_get(struct slice user, const struct hash_key *key, struct addr *flow)
{
	return flow_get(user, key, 'p', 0, flow);
}

void token_flow_put(struct text *out, const struct hash_key *key, const struct addr *flow,
		    struct slice call_id)
{
	flow_put(out, key, 'e', flow, hash_table(key, call_id.p, call_id.len));
}

bool token_flow_get(struct slice user, const struct hash_key *key, struct slice call_id,
		    struct addr *flow)
{
	return flow_get(user, key, 'e', hash_table(key, call_id.p, call_id.len), flow);
}
