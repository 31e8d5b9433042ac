/* stun.c - keep-alives of terminals with SIP outbound (RFC 5626 §8; RFC 5389)
 *
 * Only who is registered from there is answered: nobody else has a flow to keep, and nobody
 * gets octets sent to a third party by us.
 */
#include "role/stun.h"

enum {
	HEADER_LEN = 20,
	TRANSACTION_LEN = 16, /* with the magic cookie in front */
	BINDING_REQUEST = 0x0001,
	BINDING_SUCCESS = 0x0101,
	XOR_MAPPED_ADDRESS = 0x0020,
	OPTIONAL_FROM = 0x8000, /* attributes from here on may be passed over */
	COOKIE = 0x2112a442,
};

static uint32_t get(const uint8_t *p, uint32_t octets)
{
	uint32_t v = 0;

	for (uint32_t i = 0; i < octets; i++)
		v = v << 8 | p[i];
	return v;
}

static void put(struct text *t, uint32_t v, uint32_t octets)
{
	while (octets-- > 0)
		text_char(t, (uint8_t)(v >> 8 * octets));
}

/* No attribute that would have to be understood: a keep-alive needs none. */
static bool is_plain(struct slice attributes)
{
	while (attributes.len >= 4) {
		uint32_t len = (get(attributes.p + 2, 2) + 3u) & ~3u;

		if (get(attributes.p, 2) < OPTIONAL_FROM || len > attributes.len - 4)
			return false;
		attributes = slice_from(attributes, 4 + len);
	}
	return attributes.len == 0;
}

static bool is_binding_request(struct slice s)
{
	return s.len >= HEADER_LEN && get(s.p, 2) == BINDING_REQUEST &&
	       get(s.p + 2, 2) == s.len - HEADER_LEN && get(s.p + 4, 4) == COOKIE &&
	       is_plain(slice_from(s, HEADER_LEN));
}

/* RFC 5389 §15.2: the address under the cookie and the transaction, so that no translator takes
 * it for one it should rewrite. */
static void put_mapped(struct text *t, const struct addr *a, const uint8_t *transaction)
{
	uint32_t octets = a->family == 4 ? 4 : 16;

	put(t, XOR_MAPPED_ADDRESS, 2);
	put(t, 4 + octets, 2);
	put(t, a->family == 4 ? 1 : 2, 2);
	put(t, a->port ^ (uint32_t)COOKIE >> 16, 2);
	for (uint32_t i = 0; i < octets; i++)
		text_char(t, a->ip[i] ^ transaction[i]);
}

enum verdict stun_keepalive(struct pass *p)
{
	const struct tables *tables = p->w->tables;
	struct slice request = buf_slice(p->b);
	const struct addr *src = &p->b->src;
	struct reg_flow flow;
	struct buf *b;

	if (!is_binding_request(request) || !(p->w->node->roles & NODE_PCSCF) ||
	    !table_find_flow(tables, src, table_hash_flow(tables, src), &flow))
		return VERDICT_NEXT;
	b = buf_alloc(HEADER_LEN + 8 + 16);
	if (!b)
		return pass_drop(p, COUNT_DROP_NOBUF);
	struct text t = text_in(b->data, b->tailroom);
	put(&t, BINDING_SUCCESS, 2);
	put(&t, src->family == 4 ? 12 : 24, 2);
	text_put(&t, slice_sub(request, 4, TRANSACTION_LEN));
	put_mapped(&t, src, request.p + 4);
	b->len = t.len;
	b->src = p->b->dst;
	b->dst = *src;
	b->port = p->b->port;
	p->out->buf[p->out->n++] = b;
	count(p->w->counters, COUNT_ANSWERED);
	buf_free(p->b);
	return VERDICT_SEND;
}
