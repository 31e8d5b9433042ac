/* prefer.c - caller preferences: Accept-Contact and Reject-Contact (RFC 3841 §7.2) */
#include "role/prefer.h"

#include "sip/feature.h"
#include "sip/quoted.h"

/* How a contact meets a predicate. */
struct meeting {
	uint32_t named; /* tags of the predicate that the contact has too */
	bool matches;   /* none of those forbids it */
};

static uint32_t count_tags(const struct predicate *d)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->n; i++)
		n += i == 0 || d->feature[i].tag != d->feature[i - 1].tag;
	return n;
}

/* From "*" on; false: malformed, or more than can be compared. */
static bool read_predicate(const struct pass *p, struct slice value, struct predicate *out)
{
	struct slice params = slice_from(value, 1), flag;
	bool cut;

	if (!slice_starts(value, SLICE("*")))
		return false;
	out->require = sip_param(params, SLICE("require"), &flag);
	out->explicit = sip_param(params, SLICE("explicit"), &flag);
	out->n = (uint8_t)sip_features(params, &p->w->node->token_key, out->feature,
				       PREFER_FEATURES, &cut);
	out->n_tag = (uint8_t)count_tags(out);
	return !cut && out->n_tag > 0;
}

/* The next element of a comma list whose parameters may be quoted. */
static bool next_element(struct slice *rest, struct slice *element)
{
	const uint8_t *p = rest->p, *end = rest->p + rest->len;

	if (rest->len == 0)
		return false;
	while (p && p < end && *p != ',')
		p = *p == '"' ? sip_skip_quoted(p, end) : p + 1;
	if (!p) /* a quote that does not end */
		p = end;
	*element = slice_trim(slice_between(rest->p, p));
	*rest = slice_from(*rest, element->p ? (uint32_t)(p - rest->p) + 1 : rest->len);
	return true;
}

static uint32_t read_all(const struct pass *p, enum sip_header_id id, struct predicate *out)
{
	uint32_t n = 0;

	for (const struct sip_header *h = sip_first(&p->msg, id); h; h = sip_next(&p->msg, h)) {
		struct slice rest = sip_value(&p->msg, h), element;

		while (n < PREFER_PREDICATES && next_element(&rest, &element))
			n += read_predicate(p, element, &out[n]);
	}
	return n;
}

void prefer_read(const struct pass *p, struct preferences *out)
{
	out->n_accept = out->n_reject = 0;
	if (p->msg.first[SIP_H_ACCEPT_CONTACT] != SIP_NO_HEADER)
		out->n_accept = read_all(p, SIP_H_ACCEPT_CONTACT, out->accept);
	if (p->msg.first[SIP_H_REJECT_CONTACT] != SIP_NO_HEADER)
		out->n_reject = read_all(p, SIP_H_REJECT_CONTACT, out->reject);
}

/* Values of a tag that stand next to each other are alternatives. */
static struct meeting meet(const struct predicate *d, const struct registration *r,
			   const struct reg_contact *c)
{
	struct meeting m = {.matches = true};

	for (uint32_t i = 0; i < d->n;) {
		uint32_t tag = d->feature[i].tag;
		bool has = false, fits = false;

		for (; i < d->n && d->feature[i].tag == tag; i++) {
			for (uint32_t k = 0; k < c->n_feature; k++) {
				struct feature f = reg_feature(r, c, k);

				if (f.tag != tag)
					continue;
				has = true;
				fits = fits || sip_feature_meets(&f, &d->feature[i]);
			}
		}
		m.named += has;
		m.matches = m.matches && (!has || fits);
	}
	return m;
}

/* RFC 3841 §7.2.4: a contact is rejected only for what it says of itself. */
static bool is_rejected(const struct preferences *wish, const struct registration *r,
			const struct reg_contact *c)
{
	for (uint32_t i = 0; i < wish->n_reject; i++) {
		struct meeting m = meet(&wish->reject[i], r, c);

		if (m.matches && m.named == wish->reject[i].n_tag)
			return true;
	}
	return false;
}

bool prefer_score(const struct preferences *wish, const struct registration *r,
		  const struct reg_contact *c, uint32_t *score)
{
	uint32_t sum = 0;

	*score = PREFER_FULL;
	if (c->n_feature == 0 || (wish->n_accept == 0 && wish->n_reject == 0))
		return true;
	if (is_rejected(wish, r, c))
		return false;
	for (uint32_t i = 0; i < wish->n_accept; i++) {
		const struct predicate *d = &wish->accept[i];
		struct meeting m = meet(d, r, c);
		bool fits = m.matches && (!d->explicit || m.named == d->n_tag);

		if (!fits && d->require)
			return false;
		sum += fits ? PREFER_FULL * m.named / d->n_tag : 0;
	}
	if (wish->n_accept)
		*score = sum / wish->n_accept;
	return true;
}
