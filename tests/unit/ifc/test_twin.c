/* test_twin.c - random criteria and requests against a slow twin that works on the source
 *
 * The twin knows no masks, no order of costs, no programs: it takes each group as Annex C of
 * TS 29.228 has it, and asks libc about each expression.
 */
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support.h"

static const char *const methods[] = {"INVITE", "MESSAGE", "REGISTER", "OPTIONS", "SPECIAL"};
static const char *const names[] = {"X-One", "Subject", "Supported", "X-Two"};
static const char *const expressions[] = {
	"a", "^a", "b$", "^ab$", "a|b", "(a|b)c", "[ab]c", "a.c", ".*c", "^[^a]*$", "b{2}", "",
};

enum { METHODS = 5, NAMES = 4, EXPRESSIONS = 12, ROUNDS = 3000, ASKS = 8, POINTS = 6 };

/* What the request is made of, for the twin. */
struct request {
	const char *method;
	char uri[32];
	uint32_t n;
	int name[4];
	char value[4][8];
	bool described;
	char line[8];
	char text[1024];
};

static void write_value(char *out)
{
	int n = rand() % 6;

	for (int i = 0; i < n; i++)
		out[i] = "abcx"[rand() % 4];
	out[n] = 0;
}

static void make_request(struct request *r)
{
	char more[512] = "", body[64] = "";
	int at = 0;

	r->method = methods[rand() % METHODS];
	snprintf(r->uri, sizeof(r->uri), "sip:");
	write_value(r->uri + 4);
	strcat(r->uri, "@c");
	r->n = (uint32_t)rand() % 4;
	for (uint32_t i = 0; i < r->n; i++) {
		static const char *const written[] = {"x-ONE", "s", "k", "X-Two"};

		r->name[i] = rand() % NAMES;
		write_value(r->value[i]);
		at += snprintf(more + at, sizeof(more) - (size_t)at, "%s: %s\r\n",
			       rand() % 2 ? written[r->name[i]] : names[r->name[i]],
			       r->value[i]);
	}
	r->described = rand() % 2;
	write_value(r->line);
	if (r->described) {
		snprintf(more + at, sizeof(more) - (size_t)at,
			 "Content-Type: application/sdp\r\n");
		snprintf(body, sizeof(body), "v=0\r\na=%s\r\n", r->line);
	}
	request_write(r->text, sizeof(r->text), r->method, r->uri, more, body);
}

static void write_point(struct text *t)
{
	text_printf(t, "<SPT><ConditionNegated>%d</ConditionNegated><Group>%d</Group>",
		    rand() % 3 == 0, rand() % 3);
	if (rand() % 4 == 0)
		text_printf(t, "<Group>%d</Group>", rand() % 3);
	switch (rand() % 5) {
	case 0:
		text_printf(t, "<RequestURI>%s</RequestURI>",
			    expressions[rand() % (EXPRESSIONS - 1)]);
		break;
	case 1:
		text_printf(t, "<Method>%s</Method>", methods[rand() % METHODS]);
		if (rand() % 2)
			text_printf(t,
				    "<Extension><RegistrationType>%d</RegistrationType>"
				    "</Extension>",
				    rand() % 3);
		break;
	case 2:
		text_printf(t, "<SIPHeader><Header>%s</Header>", names[rand() % NAMES]);
		if (rand() % 4)
			text_printf(t, "<Content>%s</Content>",
				    expressions[rand() % EXPRESSIONS]);
		text_lit(t, "</SIPHeader>");
		break;
	case 3:
		text_printf(t, "<SessionCase>%d</SessionCase>", rand() % IFC_CASES);
		break;
	default:
		text_lit(t, "<SessionDescription><Line>a</Line>");
		if (rand() % 4)
			text_printf(t, "<Content>%s</Content>",
				    expressions[rand() % EXPRESSIONS]);
		text_lit(t, "</SessionDescription>");
	}
	text_lit(t, "</SPT>");
}

static void write_criteria(struct text *t)
{
	int n = 1 + rand() % 10;

	text_lit(t, "<ServiceProfile>");
	for (int i = 0; i < n; i++) {
		int points = rand() % POINTS;

		text_printf(t, "<InitialFilterCriteria><Priority>%d</Priority>",
			    (i * 7 + 3) % 11);
		if (points) {
			text_printf(t, "<TriggerPoint><ConditionTypeCNF>%d</ConditionTypeCNF>",
				    rand() % 2);
			for (int k = 0; k < points; k++)
				write_point(t);
			text_lit(t, "</TriggerPoint>");
		}
		text_printf(t,
			    "<ApplicationServer><ServerName>sip:as%d</ServerName>"
			    "</ApplicationServer>",
			    i);
		if (rand() % 3 == 0)
			text_printf(t, "<ProfilePartIndicator>%d</ProfilePartIndicator>",
				    rand() % 2);
		text_lit(t, "</InitialFilterCriteria>");
	}
	text_lit(t, "</ServiceProfile>");
	assert_false(t->overflow);
	text_cstr(t);
}

static bool libc_finds(struct slice expression, const char *text)
{
	char pattern[64];
	regex_t r;
	bool hit;

	snprintf(pattern, sizeof(pattern), "%.*s", SLICE_ARG(expression));
	assert_int_equal(regcomp(&r, pattern, REG_EXTENDED | REG_NOSUB), 0);
	hit = regexec(&r, text, 0, NULL, 0) == 0;
	regfree(&r);
	return hit;
}

static bool twin_point(const struct criteria_point *p, const struct request *r,
		       const struct ifc_ask *ask)
{
	switch (p->kind) {
	case CRITERIA_URI:
		return libc_finds(p->content, r->uri);
	case CRITERIA_METHOD:
		return slice_eq(p->name, slice_str(r->method)) &&
		       (strcmp(r->method, "REGISTER") != 0 ||
			(p->registration & ask->registration));
	case CRITERIA_HEADER:
		for (uint32_t i = 0; i < r->n; i++)
			if (slice_eq(p->name, slice_str(names[r->name[i]])) &&
			    (!p->has_content || libc_finds(p->content, r->value[i])))
				return true;
		return false;
	case CRITERIA_CASE:
		return p->session_case == ask->session_case;
	case CRITERIA_DESCRIPTION:
		return r->described && (!p->has_content || libc_finds(p->content, r->line));
	}
	return false;
}

static bool in_group(const struct criteria_point *p, uint32_t id)
{
	for (uint32_t i = 0; i < p->n_group; i++)
		if (p->group[i] == id)
			return true;
	return false;
}

static bool twin_holds(const struct criterion *c, const struct request *r,
		       const struct ifc_ask *ask)
{
	bool unregistered = !ask->registered;

	if (c->part != IFC_PART_BOTH && (c->part == IFC_PART_UNREGISTERED) != unregistered)
		return false;
	if (!c->n_point)
		return true;
	for (uint32_t g = 0; g < 3; g++) {
		bool any = false, all = true, there = false;

		for (uint32_t i = 0; i < c->n_point; i++) {
			bool holds;

			if (!in_group(&c->point[i], g))
				continue;
			there = true;
			holds = twin_point(&c->point[i], r, ask) != c->point[i].negated;
			any |= holds;
			all &= holds;
		}
		if (there && c->cnf && !any)
			return false;
		if (there && !c->cnf && all)
			return true;
	}
	return c->cnf;
}

static void make_ask(struct ifc_ask *ask, const struct request *r)
{
	*ask = (struct ifc_ask){.session_case = (uint8_t)(rand() % IFC_CASES)};
	ask->registered =
		ask->session_case == IFC_ORIGINATING_CDIV ? rand() % 2 : ask->session_case < 2;
	if (strcmp(r->method, "REGISTER") == 0)
		ask->registration = (uint8_t)(1 << rand() % 3);
}

static void compare(const struct criteria *c, const struct criteria_compiled *compiled,
		    uint32_t *hits, uint32_t *tried)
{
	const struct ifc *f = (const struct ifc *)compiled->memory;
	static struct sip_msg m;
	struct ifc_match match;
	struct request r;
	struct ifc_ask ask;

	make_request(&r);
	parse_good(r.text, &m);
	make_ask(&ask, &r);
	for (uint32_t i = 0; i < c->n; i++) {
		enum ifc_result got = ifc_next(f, &m, &ask, i, &match);
		uint32_t next = i;

		while (next < c->n && !twin_holds(c->item[next], &r, &ask))
			next++;
		if (got != (next < c->n ? IFC_MATCH : IFC_NONE) ||
		    (got == IFC_MATCH && match.index != next))
			fail_msg("from %u: %d, %u, but it is %u; case %d, %s", i, got,
				 match.index, next, ask.session_case, r.text);
		*hits += next < c->n;
		(*tried)++;
	}
	for (uint32_t i = 0; i < c->n; i++)
		for (uint32_t k = 0; k < c->item[i]->n_point; k++)
			assert_int_equal(ifc_point_holds(f, i, k, &m, &ask),
					 twin_point(&c->item[i]->point[k], &r, &ask) !=
						 c->item[i]->point[k].negated);
}

static void agrees_with_the_twin(void **state)
{
	static struct criteria_compiled compiled;
	static char xml[CRITERIA_XML_MAX];
	uint32_t hits = 0, tried = 0;
	(void)state;

	srand(29228);
	for (int i = 0; i < ROUNDS; i++) {
		struct text t = text_in(xml, sizeof(xml));
		struct criteria_document d;

		write_criteria(&t);
		compile_good(xml, &d, &compiled);
		for (int k = 0; k < ASKS; k++)
			compare(d.profile[0], &compiled, &hits, &tried);
		criteria_free(&d);
	}
	assert_true(hits > tried / 10 && hits < tried - tried / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
