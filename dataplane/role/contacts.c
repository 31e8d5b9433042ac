/* contacts.c - the called user's contacts that a request goes to, and in which order
 *
 * RFC 3261 §16.5 and §16.6: those of the highest q at once, the others after them; other
 * requests than INVITE to one alone, and to another where that one does not take it. RFC 3841:
 * what the caller wants of a terminal, and how the request is to be spread. RFC 5626 §7: of one
 * terminal one flow at a time. RFC 5627 §5.5: a GRUU leads to one terminal alone.
 */
#include "role/contacts.h"

#include "role/emergency.h"
#include "role/prefer.h"
#include "role/transaction.h"
#include "sip/field.h"

/* RFC 3841 §9.1. */
struct disposition {
	bool no_fork, parallel, sequential;
};

struct candidate {
	const struct reg_contact *contact;
	uint32_t id, instance;
	uint32_t rank; /* q, and behind it how well it fits the caller's wishes */
};

static struct disposition read_disposition(const struct pass *p)
{
	struct disposition d = {0};

	if (p->msg.first[SIP_H_REQUEST_DISPOSITION] == SIP_NO_HEADER)
		return d;
	d.no_fork = sip_has_token(&p->msg, SIP_H_REQUEST_DISPOSITION, SLICE("no-fork"));
	d.parallel = sip_has_token(&p->msg, SIP_H_REQUEST_DISPOSITION, SLICE("parallel"));
	d.sequential = sip_has_token(&p->msg, SIP_H_REQUEST_DISPOSITION, SLICE("sequential"));
	return d;
}

/* Tells a contact from the user's others, now and when the INVITE is taken up again. */
static uint32_t contact_id(const struct pass *p, const struct registration *r,
			   const struct reg_contact *c)
{
	const struct slice uri = reg_text(r, c->uri, c->uri_len);
	const uint64_t word[] = {
		hash_table(&p->w->node->branch_key, uri.p, uri.len),
		c->instance,
		c->reg_id,
	};

	return (uint32_t)hash_words(&p->w->node->branch_key, word, 3);
}

static bool is_meant(const struct pass *p, const struct reg_contact *c)
{
	return p->gruu_kind == GRUU_NONE || c->instance == p->gruu.instance;
}

/* RFC 5627 §5.4. */
static bool is_outdated(const struct pass *p, const struct reg_contact *c)
{
	return p->gruu_kind == GRUU_TEMPORARY && (uint32_t)c->call_id != p->gruu.call;
}

/* The best first, the latest of equals. */
static void insert(struct candidate *all, uint32_t n, struct candidate c)
{
	for (; n > 0; n--) {
		const struct candidate *before = &all[n - 1];

		if (before->rank > c.rank ||
		    (before->rank == c.rank &&
		     before->contact->registered_ms >= c.contact->registered_ms))
			break;
		all[n] = *before;
	}
	all[n] = c;
}

/* All that may be tried still. *outdated: one was left out because of its GRUU. */
static uint32_t collect(const struct pass *p, struct candidate *all, bool *outdated)
{
	const struct registration *r = p->term_set;
	struct preferences wish;
	/* To who called for help it may go back where he called from. */
	bool back = emergency_is_callback(p);
	uint32_t n = 0;

	prefer_read(p, &wish);
	*outdated = false;
	for (uint32_t i = 0; i < r->n_contact; i++) {
		const struct reg_contact *c = reg_contact(r, i);
		uint32_t score = 0;
		struct candidate one = {c, 0, (uint32_t)c->instance, 0};

		if (c->expires_ms <= p->now ||
		    (c->flags & (back ? ABI_CONTACT_SUCCEEDED
				      : ABI_CONTACT_EMERGENCY | ABI_CONTACT_SUCCEEDED)) ||
		    !is_meant(p, c))
			continue;
		if (is_outdated(p, c)) {
			*outdated = true;
			continue;
		}
		if (p->again || r->n_contact > 1)
			one.id = contact_id(p, r, c);
		if (!prefer_score(&wish, r, c, &score) ||
		    (p->again && transaction_tried(p, one.id, one.instance)))
			continue;
		one.rank = c->q * (PREFER_FULL + 1u) + score;
		insert(all, n++, one);
	}
	return n;
}

static void add_target(struct pass *p, const struct candidate *of)
{
	const struct registration *r = p->term_set;
	const struct reg_contact *c = of->contact;
	struct target *t = &p->target[p->n_targets++];

	*t = (struct target){
		.uri = reg_text(r, c->uri, c->uri_len),
		.contact = of->id,
		.instance = of->instance,
	};
	if (c->flow.family) {
		t->dst = c->flow;
		t->local = c->local;
		t->sa_id = c->sa_id;
		t->ue = true;
	} else {
		t->dst = c->local;
		t->route = reg_text(r, c->path, c->path_len);
	}
}

static bool instance_is_target(const struct pass *p, uint32_t instance)
{
	for (uint32_t i = 0; instance && i < p->n_targets; i++)
		if (p->target[i].instance == instance)
			return true;
	return false;
}

_Static_assert((int)SET_CONTACTS_MAX <= (int)FORK_MAX, "every contact can have a branch");

bool contacts_choose(struct pass *p)
{
	struct candidate all[SET_CONTACTS_MAX];
	struct disposition d = read_disposition(p);
	bool outdated, one = d.no_fork || p->msg.method != SIP_M_INVITE;
	uint32_t n = collect(p, all, &outdated);

	for (uint32_t i = 0; i < n; i++) {
		if (i > 0 &&
		    (one || d.sequential || (!d.parallel && all[i].rank != all[0].rank) ||
		     instance_is_target(p, all[i].instance))) {
			p->more = !d.no_fork;
			continue;
		}
		add_target(p, &all[i]);
	}
	return n > 0 || !outdated;
}
