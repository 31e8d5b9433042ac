/* explain.c - what criteria say of one request, for a reader */
#include "criteria/explain.h"

#include "sip/field.h"

enum { WHY_MAX = 2048 };

static const struct {
	const char *word;
	struct ifc_ask ask;
} cases[] = {
	{"orig", {.session_case = IFC_ORIGINATING, .registered = true}},
	{"term", {.session_case = IFC_TERMINATING, .registered = true}},
	{"term-unreg", {.session_case = IFC_TERMINATING_UNREGISTERED}},
	{"orig-unreg", {.session_case = IFC_ORIGINATING_UNREGISTERED}},
	{"orig-cdiv", {.session_case = IFC_ORIGINATING_CDIV, .registered = true}},
	{"orig-cdiv-unreg", {.session_case = IFC_ORIGINATING_CDIV}},
};

static const char *const registrations[] = {"initial", "again", "end"};

/* "Expires: 0" ends all that the REGISTER names; whether one that does not is the first of a
 * user stands in no message. */
static uint8_t registration_of(const struct sip_msg *m)
{
	const struct sip_header *h = sip_first(m, SIP_H_EXPIRES);
	uint32_t seconds;

	if (m->method != SIP_M_REGISTER)
		return 0;
	if (h && sip_delta_seconds(sip_value(m, h), &seconds) && seconds == 0)
		return IFC_REGISTER_END;
	return IFC_REGISTER_INITIAL;
}

const char *explain_ask(const char *session_case, const char *registration,
			const struct sip_msg *m, struct ifc_ask *out)
{
	size_t i = 0;

	while (i < sizeof(cases) / sizeof(cases[0]) && strcmp(cases[i].word, session_case) != 0)
		i++;
	if (i == sizeof(cases) / sizeof(cases[0]))
		return "the case is orig, term, term-unreg, orig-unreg, orig-cdiv or "
		       "orig-cdiv-unreg";
	*out = cases[i].ask;
	out->registration = registration_of(m);
	if (!registration)
		return NULL;
	for (i = 0; i < 3; i++)
		if (strcmp(registrations[i], registration) == 0) {
			out->registration = (uint8_t)(1 << i);
			return NULL;
		}
	return "the registration is initial, again or end";
}

static void put_content(struct text *t, const struct criteria_point *p)
{
	if (!p->has_content) {
		text_lit(t, " is there");
		return;
	}
	text_lit(t, " matches ");
	text_put(t, p->content);
}

static void put_point(struct text *t, const struct criteria_point *p)
{
	static const char *const case_words[] = {"orig", "term", "term-unreg", "orig-unreg",
						 "orig-cdiv"};
	text_str(t, p->negated ? "not: " : "");
	switch (p->kind) {
	case CRITERIA_URI:
		text_lit(t, "Request-URI");
		put_content(t, p);
		break;
	case CRITERIA_METHOD:
		text_lit(t, "Method is ");
		text_put(t, p->name);
		for (uint32_t i = 0; i < 3 && p->registration != IFC_REGISTER_ANY; i++)
			if (p->registration >> i & 1)
				text_printf(t, " %s", registrations[i]);
		break;
	case CRITERIA_HEADER:
		text_lit(t, "header ");
		text_put(t, p->name);
		put_content(t, p);
		break;
	case CRITERIA_CASE:
		text_printf(t, "SessionCase is %s", case_words[p->session_case]);
		break;
	case CRITERIA_DESCRIPTION:
		text_lit(t, "SDP line ");
		text_put(t, p->name);
		put_content(t, p);
		break;
	}
}

/* One criterion in front of the request. */
struct view {
	const struct criterion *c;
	const struct ifc *form;
	uint32_t index; /* in it */
	const struct sip_msg *m;
	const struct ifc_ask *ask;
};

static bool in_group(const struct criteria_point *p, uint32_t id)
{
	for (uint32_t i = 0; i < p->n_group; i++)
		if (p->group[i] == id)
			return true;
	return false;
}

static bool holds(const struct view *v, uint32_t point)
{
	return ifc_point_holds(v->form, v->index, point, v->m, v->ask);
}

/* The points of a group that are false. CNF: all of them, if no other is true. */
static void put_group(struct text *t, const struct view *v, uint32_t id)
{
	uint32_t mark = t->len, n = 0;

	text_printf(t, "%sgroup %u: ", mark ? "; " : "", id);
	for (uint32_t i = 0; i < v->c->n_point; i++) {
		if (!in_group(&v->c->point[i], id))
			continue;
		if (!holds(v, i)) {
			text_str(t, n++ ? ", " : "false is ");
			put_point(t, &v->c->point[i]);
		} else if (v->c->cnf) {
			t->len = mark;
			return;
		}
	}
	if (!n)
		t->len = mark;
}

/* Each group once, where its first point stands. */
static bool is_first(const struct criterion *c, uint32_t point, uint32_t id)
{
	for (uint32_t i = 0; i < point; i++)
		if (in_group(&c->point[i], id))
			return false;
	return true;
}

static void put_why(struct text *t, const struct view *v)
{
	enum ifc_part part = v->c->part;

	if (part != IFC_PART_BOTH &&
	    (part == IFC_PART_UNREGISTERED) == (v->ask->session_case == IFC_ORIGINATING_CDIV
							? v->ask->registered
							: v->ask->session_case < 2)) {
		text_printf(t, "is for %s users only",
			    part == IFC_PART_REGISTERED ? "registered" : "unregistered");
		return;
	}
	for (uint32_t i = 0; i < v->c->n_point; i++)
		for (uint32_t k = 0; k < v->c->point[i].n_group; k++)
			if (is_first(v->c, i, v->c->point[i].group[k]))
				put_group(t, v, v->c->point[i].group[k]);
}

static void put_verdict(const struct view *v, struct json *out)
{
	uint8_t memory[WHY_MAX];
	struct text why = text_in(memory, sizeof(memory));
	struct ifc_match match;
	enum ifc_result r = ifc_next(v->form, v->m, v->ask, v->index, &match);

	if (r == IFC_MATCH && match.index == v->index) {
		json_str(out, "matches", "yes");
		json_str(out, "why", v->c->n_point ? "its trigger holds" : "it has no trigger");
		return;
	}
	json_str(out, "matches", "no");
	put_why(&why, v);
	if (!why.len)
		text_lit(&why, "its expressions cost more than a request may");
	json_slice(out, "why", text_slice(&why));
}

void explain_criteria(const struct criteria *c, const struct criteria_compiled *compiled,
		      const struct sip_msg *m, const struct ifc_ask *ask, struct json *out)
{
	for (uint32_t i = 0; i < c->n; i++) {
		struct view v = {.c = c->item[i],
				 .form = (const struct ifc *)compiled->memory,
				 .index = (uint32_t)compiled->index[i],
				 .m = m,
				 .ask = ask};

		json_object(out, NULL);
		json_u64(out, "priority", v.c->priority);
		json_slice(out, "server", v.c->server);
		if (compiled->index[i] < 0) {
			json_str(out, "matches", "broken");
			json_str(out, "why", "it cannot be compiled: sakerctl ifc lint");
		} else {
			put_verdict(&v, out);
		}
		json_end_object(out);
	}
}
