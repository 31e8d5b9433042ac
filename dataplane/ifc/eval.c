/* eval.c - which criterion is next (TS 29.228 Annex C, TS 23.218 §5.2.3) */
#include "ifc/description.h"
#include "ifc/ifc.h"
#include "ifc/pattern.h"

/* One request in front of one set of criteria. */
struct question {
	const struct ifc *form;
	const struct sip_msg *msg;
	const struct ifc_ask *ask;
	uint32_t steps; /* that expressions may still take */
	bool description_known;
	struct slice description;
};

/* The points of one criterion that were looked at already: most lie in one group, some in
 * several. */
struct answers {
	uint64_t known, holds;
};

static bool uri_holds(struct question *q, const struct ifc_point *p)
{
	return pattern_found(q->form, &p->content, q->msg->uri, &q->steps);
}

static bool method_holds(const struct question *q, const struct ifc_point *p)
{
	if (p->arg != q->msg->method)
		return false;
	if (p->arg == SIP_M_OTHER)
		return slice_eq(q->msg->method_name,
				slice_of((const uint8_t *)q->form + p->name.at, p->name.len));
	return p->arg != SIP_M_REGISTER || p->registration == IFC_REGISTER_ANY ||
	       p->registration & q->ask->registration;
}

/* Each instance is held to the content by itself. */
static bool header_holds(struct question *q, const struct ifc_point *p)
{
	struct slice name = slice_of((const uint8_t *)q->form + p->name.at, p->name.len);
	const struct sip_msg *m = q->msg;

	for (uint32_t i = 0; i < q->ask->n_own; i++)
		if (q->ask->own[i].id == p->arg &&
		    pattern_found_folded(q->form, &p->content, q->ask->own[i].value, &q->steps))
			return true;
	if (q->ask->unseen && q->ask->unseen[p->arg])
		return false;
	for (const struct sip_header *h = sip_first(m, p->arg); h; h = sip_next(m, h)) {
		if (p->arg == SIP_H_OTHER &&
		    !slice_eq_nocase(slice_of(m->raw.p + h->name, h->name_len), name))
			continue;
		if (pattern_found_folded(q->form, &p->content, sip_value(m, h), &q->steps))
			return true;
	}
	return false;
}

/* A field in compact form is held to the name by its long one. */
static bool header_like_holds(struct question *q, const struct ifc_point *p)
{
	const struct sip_msg *m = q->msg;

	for (uint32_t i = 0; i < q->ask->n_own; i++) {
		const struct ifc_own *own = &q->ask->own[i];

		if (pattern_found(q->form, &p->name, sip_header_name(own->id), &q->steps) &&
		    pattern_found_folded(q->form, &p->content, own->value, &q->steps))
			return true;
	}
	for (uint32_t i = 0; i < m->n_headers; i++) {
		const struct sip_header *h = &m->header[i];

		if (q->ask->unseen && q->ask->unseen[h->id])
			continue;
		struct slice name = h->id == SIP_H_OTHER
					    ? slice_of(m->raw.p + h->name, h->name_len)
					    : sip_header_name(h->id);

		if (pattern_found(q->form, &p->name, name, &q->steps) &&
		    pattern_found_folded(q->form, &p->content, sip_value(m, h), &q->steps))
			return true;
	}
	return false;
}

static bool description_holds(struct question *q, const struct ifc_point *p)
{
	struct slice rest, value;
	uint8_t type;

	if (!q->description_known) {
		q->description = description_of(q->msg);
		q->description_known = true;
	}
	rest = q->description;
	while (description_line(&rest, &type, &value))
		if ((uint8_t)(type - 'a') < 26 && p->lines >> (type - 'a') & 1 &&
		    pattern_found(q->form, &p->content, value, &q->steps))
			return true;
	return false;
}

static bool point_holds(struct question *q, const struct ifc_point *p)
{
	bool holds = false;

	switch ((enum ifc_point_kind)p->kind) {
	case IFC_POINT_URI:
		holds = uri_holds(q, p);
		break;
	case IFC_POINT_METHOD:
		holds = method_holds(q, p);
		break;
	case IFC_POINT_HEADER:
		holds = header_holds(q, p);
		break;
	case IFC_POINT_HEADER_LIKE:
		holds = header_like_holds(q, p);
		break;
	case IFC_POINT_CASE:
		holds = p->arg == q->ask->session_case;
		break;
	case IFC_POINT_DESCRIPTION:
		holds = description_holds(q, p);
		break;
	case IFC_POINT_KINDS:
		break;
	}
	return holds != (p->negated != 0);
}

static bool answer(struct question *q, const struct ifc_criterion *c, struct answers *a,
		   uint32_t point)
{
	uint64_t bit = (uint64_t)1 << point;

	if (!(a->known & bit)) {
		a->known |= bit;
		if (point_holds(q, ifc_point(q->form, c->points + point)))
			a->holds |= bit;
	}
	return a->holds & bit;
}

/* CNF: a group holds if one of it does, and all groups have to. DNF: a group holds if all of it
 * do, and one group is enough. Both end with the first group that is not as the rest has to be.
 */
static bool criterion_holds(struct question *q, const struct ifc_criterion *c)
{
	const struct ifc_test *test = ifc_test(q->form, c->tests);
	struct answers a = {0, 0};
	bool group = !c->cnf;

	for (uint32_t i = 0; i < c->n_tests; i++) {
		if (group != (c->cnf != 0) && answer(q, c, &a, test[i].point) == (c->cnf != 0))
			group = c->cnf != 0;
		if (!test[i].last)
			continue;
		if (c->cnf ? !group : group)
			return group;
		group = !c->cnf;
	}
	return c->n_tests == 0 || c->cnf;
}

static uint32_t row_of(const struct ifc_ask *ask)
{
	return ask->session_case +
	       (ask->session_case == IFC_ORIGINATING_CDIV && !ask->registered);
}

static void give(const struct ifc *f, uint32_t index, struct ifc_match *out)
{
	const struct ifc_criterion *c = ifc_criterion(f, index);

	*out = (struct ifc_match){
		.index = index,
		.priority = c->priority,
		.server = ifc_text(f, c->server),
		.service = ifc_text(f, c->service),
		.terminate = c->terminate,
		.include_request = c->include_request,
		.include_response = c->include_response,
	};
}

enum ifc_result ifc_next(const struct ifc *f, const struct sip_msg *m,
			 const struct ifc_ask *ask, uint32_t from, struct ifc_match *out)
{
	struct question q;
	uint32_t row = row_of(ask);
	uint64_t left;

	if (from >= f->n_criteria)
		return IFC_NONE;
	left = f->may[row][m->method] >> from << from;
	if (!left)
		return IFC_NONE;
	q.form = f;
	q.msg = m;
	q.ask = ask;
	q.steps = IFC_STEPS_MAX;
	q.description_known = false;
	for (; left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(left);

		if (f->must[row][m->method] >> i & 1 ||
		    (criterion_holds(&q, ifc_criterion(f, i)) && q.steps)) {
			give(f, i, out);
			return IFC_MATCH;
		}
		if (q.steps == 0)
			return IFC_TOO_DEAR;
	}
	return IFC_NONE;
}

uint32_t ifc_behind(const struct ifc *f, uint32_t priority)
{
	uint32_t i = 0;

	while (i < f->n_criteria && ifc_criterion(f, i)->priority <= priority)
		i++;
	return i;
}

bool ifc_point_holds(const struct ifc *f, uint32_t criterion, uint32_t point,
		     const struct sip_msg *m, const struct ifc_ask *ask)
{
	struct question q = {.form = f, .msg = m, .ask = ask, .steps = IFC_STEPS_MAX};

	return point_holds(&q, ifc_point(f, ifc_criterion(f, criterion)->points + point));
}

enum ifc_authorisation ifc_authorised(const struct ifc *f, struct slice icsi)
{
	if (f->n_services == 0)
		return IFC_SERVICES_UNLISTED;
	for (uint32_t i = 0; i < f->n_services; i++) {
		struct slice s = ifc_service(f, i);

		if (icsi.len >= s.len && slice_eq_nocase(slice_sub(icsi, 0, s.len), s) &&
		    (icsi.len == s.len || icsi.p[s.len] == '.'))
			return IFC_SERVICE_SUBSCRIBED;
	}
	return IFC_SERVICE_REFUSED;
}
