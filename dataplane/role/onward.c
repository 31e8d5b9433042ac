/* onward.c - what leaves the network, by the ways that control has installed */
#include "role/onward.h"

#include "role/rest.h"
#include "role/transaction.h"
#include "table/next_hop.h"

static uint32_t hop_id(const struct pass *p, const struct addr *a)
{
	const struct hash_key *key = &p->w->node->branch_key;
	/* Apart from the same address as an Application Server's. */
	uint64_t word[2] = {hash_table(key, a, sizeof(*a)), UINT64_MAX};

	return (uint32_t)hash_words(key, word, 2) | 1;
}

/* The first that was not tried, one that failed lately only where there is no other. */
static const struct addr *choose(const struct pass *p, const struct table_next_hop *h)
{
	const struct addr *last = NULL;

	for (uint32_t i = 0; i < h->n; i++) {
		const struct addr *a = &h->addr[i];

		if (!route_find(p->w->node->routes, a) ||
		    (p->again && transaction_tried(p, hop_id(p, a), 0)))
			continue;
		if (!rest_holds(p, a))
			return a;
		if (!last)
			last = a;
	}
	return last;
}

/* Control has just said the same, of a way that it knows. */
static bool is_said(const struct pass *p, const struct table_next_hop *h)
{
	if (p->resume->locate != LOCATE_ONWARD && p->resume->locate != LOCATE_SCSCF)
		return false;
	for (uint32_t i = 0; i < h->n; i++)
		if (addr_eq(&h->addr[i], &p->resume->hop))
			return true;
	return false;
}

/* What has expired serves nobody new, but those whom it was found for. */
static bool may_serve(const struct pass *p, const struct table_next_hop *h)
{
	if (p->resume && p->resume->locate != LOCATE_PASS)
		return is_said(p, h);
	return p->again || h->expires_ms > p->now;
}

static struct slice route_to(struct pass *p, const struct table_next_hop *h)
{
	struct text *t = &p->edits->arena;
	uint32_t from = t->len;

	text_char(t, '<');
	text_put(t, next_hop_uri(h));
	text_lit(t, ";lr>");
	return text_since(t, from);
}

static bool go(struct pass *p, const struct table_next_hop *h)
{
	const struct addr *a = h && may_serve(p, h) ? choose(p, h) : NULL;

	if (!a)
		return false;
	p->target[0] = (struct target){.dst = *a, .hop = true, .contact = hop_id(p, a)};
	if (h->kind == ABI_ROUTE_PROXY)
		p->target[0].route = route_to(p, h);
	else if (h->uri_len)
		p->target[0].uri = next_hop_uri(h);
	p->n_targets = 1;
	p->more = true; /* kept, until somebody has said something */
	p->drop_routes = true;
	p->stage = STAGE_ROUTED;
	count(p->w->counters, COUNT_ONWARD);
	if (p->again)
		count(p->w->counters, COUNT_ONWARD_NEXT);
	return true;
}

bool onward_domain(struct pass *p)
{
	uint8_t memory[ABI_ROUTE_TO_MAX];
	struct text to = text_in(memory, sizeof(memory));

	if (p->msg.method == SIP_M_ACK || p->uri.scheme != SIP_SCHEME_SIP)
		return false;
	for (uint32_t i = 0; i < p->uri.host.len && !to.overflow; i++)
		text_char(&to, ascii_lower(p->uri.host.p[i]));
	if (p->uri.port) {
		text_char(&to, ':');
		text_u64(&to, p->uri.port);
	}
	return !to.overflow && go(p, table_find_next_hop(p->w->tables, text_slice(&to)));
}

bool onward_is_number(const struct pass *p)
{
	struct slice user;

	if (slice_starts(identity_slice(&p->called), SLICE("tel:")))
		return true;
	if (!p->w->node->numbers || p->uri.user.len == 0 || p->gruu_kind != GRUU_NONE)
		return false;
	return p->uri.scheme == SIP_SCHEME_TEL ||
	       (p->uri.scheme == SIP_SCHEME_SIP &&
		sip_param(p->uri.params, SLICE("user"), &user) &&
		slice_eq_nocase(user, SLICE("phone")));
}

bool onward_number(struct pass *p)
{
	struct slice identity = identity_slice(&p->called), unused;

	/* Of a number whose portability is known already not the number alone decides (RFC
	 * 4694): control looks at it. */
	if (p->msg.method == SIP_M_ACK || !slice_starts(identity, SLICE("tel:")) ||
	    slice_find(p->uri.user, ';') < p->uri.user.len ||
	    sip_param(p->uri.params, SLICE("npdi"), &unused) ||
	    sip_param(p->uri.params, SLICE("rn"), &unused))
		return false;
	return go(p, table_find_number(p->w->tables, slice_from(identity, 4)));
}
