/* priority.c - Resource-Priority (RFC 4412): whose, and what it is good for */
#include "role/priority.h"
#include "role/answer.h"
#include "role/trust.h"
#include "sip/field.h"

/* The namespace of "ets.3", if that is known here. */
static const struct node_priority *space_of(const struct node *n, struct slice resource)
{
	uint32_t dot = slice_find(resource, '.');
	struct slice value = slice_from(resource, dot + 1);

	for (uint32_t i = 0; i < n->n_priorities; i++) {
		const struct node_priority *s = &n->priority[i];

		if (!slice_eq_nocase(slice_sub(resource, 0, dot), s->space))
			continue;
		for (uint32_t k = 0; k < s->n_value; k++)
			if (slice_eq_nocase(value, s->value[k]))
				return s;
	}
	return NULL;
}

static bool names(const struct node_priority *s, struct slice user)
{
	for (uint32_t i = 0; i < s->n_user; i++)
		if (slice_eq(s->user[i], user))
			return true;
	return false;
}

bool priority_is_granted(const struct pass *p, struct slice identity, struct slice line)
{
	struct slice resource;
	bool any = false;

	while (sip_next_token(&line, &resource)) {
		const struct node_priority *s = space_of(p->w->node, resource);

		if (!s || !names(s, identity))
			return false;
		any = true;
	}
	return any;
}

static bool from_trusted(const struct pass *p)
{
	return pass_from_peer(p) && trust_side_of(p->w->node, &p->b->src) == TRUST_HOME;
}

/* The user that a request says it is from, if that one is registered there. */
static struct slice user_of(const struct pass *p)
{
	const struct registration *r;
	uint32_t i;

	if (p->calling.len == 0)
		return SLICE_EMPTY;
	r = pass_registration(p, &p->calling, &i);
	return r && reg_contact_on_flow(r, &p->b->src, p->b->sa_id, p->now)
		       ? identity_slice(&p->calling)
		       : SLICE_EMPTY;
}

/* Something of it is known here: to which of the two, in turn, *granted says. */
static bool is_known(const struct pass *p, bool *granted)
{
	bool trusted = from_trusted(p), known = false;
	struct slice user = trusted ? SLICE_EMPTY : user_of(p);

	*granted = false;
	for (const struct sip_header *h = sip_first(&p->msg, SIP_H_RESOURCE_PRIORITY); h;
	     h = sip_next(&p->msg, h)) {
		struct slice rest = sip_value(&p->msg, h), resource;

		while (sip_next_token(&rest, &resource)) {
			const struct node_priority *s = space_of(p->w->node, resource);

			if (!s)
				continue;
			known = true;
			*granted |= trusted || (user.len && names(s, user));
		}
	}
	return known;
}

bool priority_is_ahead(const struct pass *p)
{
	bool granted;

	return p->w->node->n_priorities && sip_first(&p->msg, SIP_H_RESOURCE_PRIORITY) &&
	       is_known(p, &granted) && granted;
}

static bool is_required(const struct pass *p)
{
	for (const struct sip_header *h = sip_first(&p->msg, SIP_H_REQUIRE); h;
	     h = sip_next(&p->msg, h)) {
		struct slice rest = sip_value(&p->msg, h), option;

		while (sip_next_token(&rest, &option))
			if (slice_eq_nocase(option, SLICE("resource-priority")))
				return true;
	}
	return false;
}

/* What is accepted here (§3.2). */
static void put_accepted(struct text *out, const struct node *n)
{
	bool any = false;

	for (uint32_t i = 0; i < n->n_priorities; i++) {
		const struct node_priority *s = &n->priority[i];

		for (uint32_t k = 0; k < s->n_value; k++) {
			text_str(out, any ? ", " : "Accept-Resource-Priority: ");
			text_put(out, s->space);
			text_char(out, '.');
			text_put(out, s->value[k]);
			any = true;
		}
	}
	if (any)
		text_lit(out, "\r\n");
}

enum verdict priority_check(struct pass *p)
{
	uint8_t memory[1024];
	struct text accepted = text_in(memory, sizeof(memory));
	bool granted;

	if (p->msg.first[SIP_H_RESOURCE_PRIORITY] == SIP_NO_HEADER || p->is_dialog ||
	    p->service.len || p->msg.method == SIP_M_ACK || p->msg.method == SIP_M_CANCEL ||
	    !is_required(p))
		return VERDICT_NEXT;
	if (is_known(p, &granted))
		return granted ? VERDICT_NEXT
			       : answer(p, 403, "this priority is not the sender's");
	put_accepted(&accepted, p->w->node);
	return answer_with(p, 417, "no priority that is known here",
			   accepted.overflow ? SLICE_EMPTY : text_slice(&accepted));
}
