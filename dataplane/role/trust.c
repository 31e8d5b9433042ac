/* trust.c - the edge of the trust domain (TS 24.229 §4.4, RFC 3325, RFC 3323): what crosses it
 */
#include "role/trust.h"
#include "role/priority.h"

enum action { PASS, DROP, PRIVATE, HISTORY, NETWORK, GRANTED, CALLBACK };

static const struct {
	uint8_t id;
	uint8_t from[3], to[3]; /* enum action, by enum trust_side */
} row[] = {
#define TRUST(header, from_ue, to_ue, from_foreign, to_foreign)                                \
	{SIP_H_##header, {PASS, from_ue, from_foreign}, {PASS, to_ue, to_foreign}},
#include "role/trust.def"
#undef TRUST
};

const bool *trust_never_from(enum trust_side side)
{
	static const bool never[3][SIP_H_OTHER + 1] = {
#define TRUST(header, from_ue, to_ue, from_foreign, to_foreign)                                \
	[TRUST_UE][SIP_H_##header] = (from_ue) == DROP,                                        \
	[TRUST_FOREIGN][SIP_H_##header] = (from_foreign) == DROP,
#include "role/trust.def"
#undef TRUST
	};

	return side == TRUST_HOME ? NULL : never[side];
}

static const struct node_prefix *peer_at(const struct node *n, const struct addr *a)
{
	for (uint32_t i = 0; i < n->n_peers; i++)
		if (addr_in_prefix(a, &n->peer[i].ip, n->peer[i].bits))
			return &n->peer[i];
	return NULL;
}

enum trust_side trust_side_of(const struct node *n, const struct addr *a)
{
	const struct node_prefix *peer = peer_at(n, a);

	if (peer)
		return peer->foreign ? TRUST_FOREIGN : TRUST_HOME;
	return addr_same_ip(a, &n->icscf) || addr_same_ip(a, &n->scscf) ? TRUST_HOME
									: TRUST_FOREIGN;
}

bool trust_hides_from(const struct node *n, const struct addr *a)
{
	const struct node_prefix *peer = n->hides ? peer_at(n, a) : NULL;

	return peer && peer->hiding;
}

/* Privacy asks for one of these services (RFC 3323 §4.2). */
static bool asks_for(const struct pass *p, const struct slice *service, uint32_t n)
{
	for (const struct sip_header *h = sip_first(&p->msg, SIP_H_PRIVACY); h;
	     h = sip_next(&p->msg, h)) {
		struct slice rest = sip_value(&p->msg, h);

		while (rest.len) {
			uint32_t end = slice_find(rest, ';');
			struct slice word = slice_trim(slice_sub(rest, 0, end));

			for (uint32_t i = 0; i < n; i++)
				if (slice_eq_nocase(word, service[i]))
					return true;
			rest = slice_from(rest, end + 1);
		}
	}
	return false;
}

bool trust_is_private(const struct pass *p)
{
	static const struct slice id[] = {SLICE("id")};

	return asks_for(p, id, 1);
}

static bool hides_history(const struct pass *p)
{
	static const struct slice service[] = {SLICE("history"), SLICE("header"),
					       SLICE("session")};

	return asks_for(p, service, 3);
}

static bool contains_nocase(struct slice s, struct slice word)
{
	for (uint32_t i = 0; i + word.len <= s.len; i++)
		if (slice_eq_nocase(slice_sub(s, i, word.len), word))
			return true;
	return false;
}

/* Of some header fields single lines go. The word anywhere in a line is enough, so that no odd
 * way to write a list or a parameter carries it past. */
static bool line_drops(const struct pass *p, uint8_t action, struct slice line)
{
	switch (action) {
	case NETWORK:
		return contains_nocase(line, SLICE("network-provided"));
	case GRANTED:
		return !p->assert_identity || !priority_is_granted(p, p->asserted, line);
	case CALLBACK:
		return contains_nocase(line, SLICE("psap-callback"));
	default:
		return false;
	}
}

static void drop_lines(struct pass *p, uint8_t id, uint8_t action)
{
	for (const struct sip_header *h = sip_first(&p->msg, id); h; h = sip_next(&p->msg, h))
		if (line_drops(p, action, sip_value(&p->msg, h)))
			sip_edit_delete_header(p->edits, h);
}

static bool drops(const struct pass *p, uint8_t action)
{
	return action == DROP || (action == PRIVATE && trust_is_private(p)) ||
	       (action == HISTORY && hides_history(p));
}

/* Most messages have none of them, and that is soon seen. */
static bool has_any(const struct sip_msg *m)
{
	_Static_assert(SIP_NO_HEADER == UINT8_MAX, "all bits set, where none is");
	uint8_t all = SIP_NO_HEADER;

#define TRUST(header, from_ue, to_ue, from_foreign, to_foreign) all &= m->first[SIP_H_##header];
#include "role/trust.def"
#undef TRUST
	return all != SIP_NO_HEADER;
}

/* Taken out already: a stretch goes once. */
static bool is_gone(const struct pass *p, uint8_t id)
{
	return (id == SIP_H_P_SERVED_USER && p->unserved) ||
	       (id == SIP_H_P_PREFERRED_SERVICE && p->preferred_gone) ||
	       (id == SIP_H_P_ASSERTED_SERVICE && p->asserted_gone);
}

void trust_cross(struct pass *p, enum trust_side from, enum trust_side to)
{
	if ((from == TRUST_HOME && to == TRUST_HOME) || !has_any(&p->msg))
		return;
	for (uint32_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if (p->msg.first[row[i].id] == SIP_NO_HEADER || is_gone(p, row[i].id))
			continue;
		if (drops(p, row[i].from[from]) || drops(p, row[i].to[to]))
			sip_edit_delete_all(p->edits, &p->msg, row[i].id);
		else
			drop_lines(p, row[i].id, row[i].from[from]);
	}
}
