/* token.c - what we write into Record-Route and Path, and nobody else can */
#include "abi/token.h"

enum { MAC_DIGITS = 16 };

uint64_t token_user(const struct hash_key *key, struct slice impu)
{
	uint64_t h = hash_table(key, impu.p, impu.len);
	return h ? h : 1;
}

static uint64_t token_mac(const struct hash_key *key, struct slice text, struct slice call_id,
			  struct slice tag)
{
	struct hash_mac m;

	hash_mac_start(&m, key);
	hash_mac_part(&m, text);
	hash_mac_part(&m, call_id);
	hash_mac_part(&m, tag);
	return hash_mac_end(&m);
}

static void put_mac(struct text *out, uint32_t from, const struct hash_key *key,
		    struct slice call_id, struct slice tag)
{
	text_hex(out, token_mac(key, text_since(out, from), call_id, tag), MAC_DIGITS);
}

static bool check_mac(struct slice user, const struct hash_key *key, struct slice call_id,
		      struct slice tag)
{
	uint64_t given, wanted;

	if (user.len <= MAC_DIGITS)
		return false;
	struct slice text = slice_sub(user, 0, user.len - MAC_DIGITS);
	if (!hex_u64(slice_from(user, text.len), &given))
		return false;
	wanted = token_mac(key, text, call_id, tag);
	return constant_time_eq(&given, &wanted, sizeof(given));
}

void token_dialog_put(struct text *out, const struct hash_key *key,
		      const struct token_dialog *d, struct slice call_id,
		      struct slice caller_tag)
{
	uint32_t from = out->len;

	text_char(out, 'd');
	text_hex(out, d->legs, 2);
	text_hex(out, d->orig, 16);
	text_hex(out, d->term, 16);
	put_mac(out, from, key, call_id, caller_tag);
}

bool token_dialog_get(struct slice user, const struct hash_key *key, struct slice call_id,
		      struct slice from_tag, struct slice to_tag, struct token_dialog *out)
{
	uint64_t legs;

	if (user.len != 1 + 2 + 16 + 16 + MAC_DIGITS || user.p[0] != 'd')
		return false;
	if (!check_mac(user, key, call_id, from_tag) && !check_mac(user, key, call_id, to_tag))
		return false;
	if (!hex_u64(slice_sub(user, 1, 2), &legs) ||
	    !hex_u64(slice_sub(user, 3, 16), &out->orig) ||
	    !hex_u64(slice_sub(user, 19, 16), &out->term))
		return false;
	out->legs = (uint8_t)legs;
	return true;
}

void token_path_put(struct text *out, const struct hash_key *key, const struct addr *flow)
{
	uint32_t from = out->len;

	text_char(out, 'p');
	text_hex(out, flow->port, 4);
	text_hex_bytes(out, slice_of(flow->ip, flow->family == 4 ? 4 : 16));
	put_mac(out, from, key, SLICE_EMPTY, SLICE_EMPTY);
}

bool token_path_get(struct slice user, const struct hash_key *key, struct addr *flow)
{
	uint64_t port;
	uint32_t octets;

	if (user.len == 1 + 4 + 8 + MAC_DIGITS)
		octets = 4;
	else if (user.len == 1 + 4 + 32 + MAC_DIGITS)
		octets = 16;
	else
		return false;
	if (user.p[0] != 'p' || !check_mac(user, key, SLICE_EMPTY, SLICE_EMPTY))
		return false;
	memset(flow, 0, sizeof(*flow));
	if (!hex_u64(slice_sub(user, 1, 4), &port) ||
	    !hex_decode(slice_sub(user, 5, 2 * octets), flow->ip, octets))
		return false;
	flow->port = (uint16_t)port;
	flow->family = octets == 4 ? 4 : 6;
	return true;
}
