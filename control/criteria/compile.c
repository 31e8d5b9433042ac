/* compile.c - filter criteria as a worker evaluates them (ifc/form.h) */
#define _GNU_SOURCE
#include "criteria/compile.h"

#include <stdio.h>
#include <stdlib.h>

#include "criteria/ere.h"
#include "ifc/ifc.h"
#include "ifc/pattern.h"
#include "sip/chars.h"
#include "sip/header.h"

enum { POINTS_MAX = IFC_SIZE_MAX / sizeof(struct ifc_point) };

/* What one point is to one row and method. */
enum truth { NO, PERHAPS, YES };

/* The tables apart from each other, offsets of text and patterns counted from the text. */
struct builder {
	const struct criteria_report *report;
	struct ifc head;
	struct ifc_criterion criterion[IFC_CRITERIA_MAX];
	struct ifc_point point[POINTS_MAX];
	struct ifc_test test[IFC_SIZE_MAX / sizeof(struct ifc_test)];
	struct ifc_span service[IFC_SERVICES_MAX];
	uint32_t text_len;
	uint8_t text[IFC_SIZE_MAX];
	struct ere ere;
	const char *error; /* of the criterion in work */
};

static bool fail(struct builder *b, const char *sentence)
{
	b->error = sentence;
	return false;
}

/* The same text stands there once. */
static bool add_text(struct builder *b, struct slice s, struct ifc_span *out)
{
	const uint8_t *known = s.len ? memmem(b->text, b->text_len, s.p, s.len) : b->text;

	if (!known) {
		if (s.len > sizeof(b->text) - b->text_len)
			return fail(b, "the profile is too large");
		known = memcpy(b->text + b->text_len, s.p, s.len);
		b->text_len += s.len;
	}
	*out = (struct ifc_span){(uint16_t)(known - b->text), (uint16_t)s.len};
	return true;
}

static bool add_program(struct builder *b, struct ifc_pattern *out)
{
	const struct ere *e = &b->ere;
	uint32_t ops = e->n_ops * (uint32_t)sizeof(e->op[0]), sets = e->n_sets * IFC_SET_SIZE;

	/* Ops are read where they lie. */
	if (sizeof(b->text) - b->text_len < ops + sets + 1)
		return fail(b, "the profile is too large");
	if (b->text_len % 2)
		b->text[b->text_len++] = 0;
	*out = (struct ifc_pattern){.at = (uint16_t)b->text_len,
				    .len = (uint16_t)(ops + sets),
				    .ops = (uint16_t)e->n_ops,
				    .kind = IFC_PROGRAM};
	memcpy(b->text + b->text_len, e->op, ops);
	memcpy(b->text + b->text_len + ops, e->set, sets);
	b->text_len += ops + sets;
	return true;
}

static bool add_pattern(struct builder *b, struct slice expression, bool no_case,
			struct ifc_pattern *out)
{
	uint8_t text[IFC_OPS_MAX], flags;
	struct ifc_span span;
	const char *wrong = ere_compile(expression, no_case, &b->ere);
	uint32_t len;

	if (wrong)
		return fail(b, wrong);
	if (!ere_is_text(&b->ere, text, &len, &flags)) {
		if (!add_program(b, out))
			return false;
	} else {
		if (!add_text(b, slice_of(text, len), &span))
			return false;
		*out = (struct ifc_pattern){
			.at = span.at, .len = span.len, .kind = IFC_TEXT, .flags = flags};
	}
	out->flags |= no_case ? IFC_NO_CASE : 0;
	return true;
}

static bool add_name(struct builder *b, struct slice name, struct ifc_pattern *out)
{
	struct ifc_span span;

	if (!add_text(b, name, &span))
		return false;
	*out = (struct ifc_pattern){.at = span.at, .len = span.len, .kind = IFC_TEXT};
	return true;
}

static bool is_plain_name(struct slice name)
{
	return sip_is_token(name) && slice_find(name, '*') == name.len &&
	       slice_find(name, '+') == name.len && slice_find(name, '.') == name.len;
}

static bool add_header(struct builder *b, const struct criteria_point *from,
		       struct ifc_point *p)
{
	if (!is_plain_name(from->name)) {
		p->kind = IFC_POINT_HEADER_LIKE;
		return add_pattern(b, from->name, true, &p->name);
	}
	p->kind = IFC_POINT_HEADER;
	p->arg = (uint8_t)sip_header_id(from->name);
	return p->arg != SIP_H_OTHER || add_name(b, from->name, &p->name);
}

static bool add_method(struct builder *b, const struct criteria_point *from,
		       struct ifc_point *p)
{
	p->kind = IFC_POINT_METHOD;
	p->arg = (uint8_t)sip_method_id(from->name);
	p->registration = from->registration;
	return p->arg != SIP_M_OTHER || add_name(b, from->name, &p->name);
}

/* The type of a line is one letter, so the expression's answer to all of them is known now. */
static bool add_lines(struct builder *b, const struct criteria_point *from, struct ifc_point *p)
{
	const char *wrong = ere_compile(from->name, false, &b->ere);
	struct ifc_pattern program = {0};
	uint32_t mark = b->text_len, steps = IFC_STEPS_MAX;

	if (wrong)
		return fail(b, wrong);
	if (!add_program(b, &program))
		return false;
	p->kind = IFC_POINT_DESCRIPTION;
	for (uint32_t i = 0; i < 26; i++) {
		uint8_t letter = (uint8_t)('a' + i);
		uint8_t line[2] = {letter, '='};

		if (pattern_found(b->text, &program, slice_of(line, 1), &steps) ||
		    slice_eq(from->name, slice_of(line, 2)))
			p->lines |= 1u << i;
	}
	b->text_len = mark;
	return p->lines || fail(b, "Line is no type of line of a session description");
}

static bool add_point(struct builder *b, const struct criteria_point *from)
{
	struct ifc_point *p = &b->point[b->head.n_points];
	bool good = true;

	if (b->head.n_points == POINTS_MAX)
		return fail(b, "the profile is too large");
	memset(p, 0, sizeof(*p));
	p->negated = from->negated;
	switch (from->kind) {
	case CRITERIA_URI:
		p->kind = IFC_POINT_URI;
		break;
	case CRITERIA_METHOD:
		good = add_method(b, from, p);
		break;
	case CRITERIA_HEADER:
		good = add_header(b, from, p);
		break;
	case CRITERIA_CASE:
		p->kind = IFC_POINT_CASE;
		p->arg = from->session_case;
		break;
	case CRITERIA_DESCRIPTION:
		good = add_lines(b, from, p);
		break;
	}
	b->head.n_points++;
	return good &&
	       (!from->has_content || add_pattern(b, from->content, false, &p->content));
}

/* What a point takes to be looked at, roughly in tens of cycles. */
static uint32_t cost(const struct ifc_point *p)
{
	static const uint8_t of_kind[IFC_POINT_KINDS] = {
		[IFC_POINT_URI] = 1,    [IFC_POINT_METHOD] = 1,
		[IFC_POINT_HEADER] = 2, [IFC_POINT_HEADER_LIKE] = 200,
		[IFC_POINT_CASE] = 1,   [IFC_POINT_DESCRIPTION] = 50,
	};
	static const uint16_t of_pattern[] = {
		[IFC_ANYTHING] = 0, [IFC_TEXT] = 5, [IFC_PROGRAM] = 500};

	return of_kind[p->kind] + of_pattern[p->content.kind];
}

/* The points of one group, the cheapest first. */
struct group {
	uint32_t id, cost, n;
	uint8_t point[IFC_POINTS_MAX];
};

struct groups {
	uint32_t n;
	struct group group[IFC_TESTS_MAX];
};

static void group_enter(struct group *g, const struct ifc_point *points, uint32_t point)
{
	uint32_t c = cost(&points[point]), i = g->n;

	for (; i && cost(&points[g->point[i - 1]]) > c; i--)
		g->point[i] = g->point[i - 1];
	g->point[i] = (uint8_t)point;
	g->n++;
	g->cost += c;
}

/* False: too many tests. */
static bool gather(struct groups *g, const struct criterion *from,
		   const struct ifc_point *points)
{
	uint32_t n = 0;

	g->n = 0;
	for (uint32_t i = 0; i < from->n_point; i++)
		for (uint32_t k = 0; k < from->point[i].n_group; k++) {
			uint32_t at = 0;

			if (n++ == IFC_TESTS_MAX)
				return false;
			while (at < g->n && g->group[at].id != from->point[i].group[k])
				at++;
			if (at == g->n)
				g->group[g->n++] =
					(struct group){.id = from->point[i].group[k]};
			group_enter(&g->group[at], points, i);
		}
	return true;
}

static int by_cost(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->cost != y->cost)
		return x->cost < y->cost ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static bool add_tests(struct builder *b, const struct criterion *from, struct ifc_criterion *c)
{
	struct groups *g = malloc(sizeof(*g));
	bool good = g && gather(g, from, &b->point[c->points]);

	if (good)
		qsort(g->group, g->n, sizeof(g->group[0]), by_cost);
	for (uint32_t i = 0; good && i < g->n; i++)
		for (uint32_t k = 0; good && k < g->group[i].n; k++) {
			good = b->head.n_tests < sizeof(b->test) / sizeof(b->test[0]);
			if (good)
				b->test[b->head.n_tests++] = (struct ifc_test){
					g->group[i].point[k], k + 1 == g->group[i].n};
		}
	free(g);
	c->n_tests = (uint16_t)(b->head.n_tests - c->tests);
	return good || fail(b, "the groups have too many SPTs");
}

static uint32_t size_of(const struct builder *b)
{
	return (uint32_t)(sizeof(b->head) + b->head.n_criteria * sizeof(b->criterion[0]) +
			  b->head.n_points * sizeof(b->point[0]) +
			  b->head.n_tests * sizeof(b->test[0]) +
			  b->head.n_services * sizeof(b->service[0]) + b->text_len + 1);
}

static bool add_criterion(struct builder *b, const struct criterion *from)
{
	struct ifc_criterion *c = &b->criterion[b->head.n_criteria];

	*c = (struct ifc_criterion){
		.priority = from->priority,
		.points = b->head.n_points,
		.tests = b->head.n_tests,
		.n_points = (uint16_t)from->n_point,
		.cnf = from->cnf,
		.terminate = from->terminate,
		.include_request = from->include_request,
		.include_response = from->include_response,
		.part = (uint8_t)from->part,
	};
	for (uint32_t i = 0; i < from->n_point; i++)
		if (!add_point(b, &from->point[i]))
			return false;
	if (!add_text(b, from->server, &c->server) ||
	    !add_text(b, from->service_info, &c->service) || !add_tests(b, from, c))
		return false;
	b->head.n_criteria++;
	return size_of(b) <= IFC_SIZE_MAX || fail(b, "the profile is too large");
}

static bool row_has_part(uint32_t row, uint8_t part)
{
	bool unregistered = row == IFC_TERMINATING_UNREGISTERED ||
			    row == IFC_ORIGINATING_UNREGISTERED || row == IFC_CASES;

	return part == IFC_PART_BOTH || (part == IFC_PART_UNREGISTERED) == unregistered;
}

static enum truth known_of(const struct ifc_point *p, uint32_t row, uint32_t method)
{
	enum truth t = PERHAPS;

	if (p->kind == IFC_POINT_CASE)
		t = p->arg == (row == IFC_CASES ? IFC_ORIGINATING_CDIV : row) ? YES : NO;
	else if (p->kind == IFC_POINT_METHOD && p->arg != method)
		t = NO;
	else if (p->kind == IFC_POINT_METHOD && method != SIP_M_OTHER &&
		 (method != SIP_M_REGISTER || p->registration == IFC_REGISTER_ANY))
		t = YES;
	return p->negated ? (enum truth)(YES - t) : t;
}

static enum truth join(enum truth a, enum truth b, bool all)
{
	return all == (a < b) ? a : b;
}

static enum truth known(const struct builder *b, const struct ifc_criterion *c, uint32_t row,
			uint32_t method)
{
	enum truth all = c->cnf ? YES : NO, group = c->cnf ? NO : YES;

	if (!row_has_part(row, c->part))
		return NO;
	for (uint32_t i = 0; i < c->n_tests; i++) {
		const struct ifc_test *t = &b->test[c->tests + i];

		group = join(group, known_of(&b->point[c->points + t->point], row, method),
			     !c->cnf);
		if (!t->last)
			continue;
		all = join(all, group, c->cnf);
		group = c->cnf ? NO : YES;
	}
	return c->n_tests ? all : YES;
}

static void fill_masks(struct builder *b)
{
	for (uint32_t row = 0; row < IFC_ROWS; row++)
		for (uint32_t m = 0; m < SIP_M_MAX; m++)
			for (uint32_t i = 0; i < b->head.n_criteria; i++) {
				enum truth t = known(b, &b->criterion[i], row, m);
				uint64_t bit = (uint64_t)1 << i;

				b->head.may[row][m] |= t == NO ? 0 : bit;
				b->head.must[row][m] |= t == YES ? bit : 0;
			}
}

static void shift(struct builder *b, uint16_t by)
{
	for (uint32_t i = 0; i < b->head.n_criteria; i++) {
		b->criterion[i].server.at = (uint16_t)(b->criterion[i].server.at + by);
		b->criterion[i].service.at = (uint16_t)(b->criterion[i].service.at + by);
	}
	for (uint32_t i = 0; i < b->head.n_points; i++) {
		b->point[i].name.at = (uint16_t)(b->point[i].name.at + by);
		b->point[i].content.at = (uint16_t)(b->point[i].content.at + by);
	}
	for (uint32_t i = 0; i < b->head.n_services; i++)
		b->service[i].at = (uint16_t)(b->service[i].at + by);
}

static uint16_t put(struct criteria_compiled *out, const void *table, size_t len)
{
	uint32_t at = out->len;

	memcpy(out->memory + at, table, len);
	out->len += (uint32_t)len;
	return (uint16_t)at;
}

/* Tables whose entries want an even address of four come first. */
static void lay_out(struct builder *b, struct criteria_compiled *out)
{
	struct ifc *h = &b->head;
	uint32_t text = size_of(b) - 1 - b->text_len;

	shift(b, (uint16_t)text);
	out->len = sizeof(*h);
	h->criteria = put(out, b->criterion, h->n_criteria * sizeof(b->criterion[0]));
	h->points = put(out, b->point, h->n_points * sizeof(b->point[0]));
	h->tests = put(out, b->test, h->n_tests * sizeof(b->test[0]));
	h->services = put(out, b->service, h->n_services * sizeof(b->service[0]));
	put(out, b->text, b->text_len);
	h->version = IFC_VERSION;
	h->size = out->len;
	memcpy(out->memory, h, sizeof(*h));
}

static void tell(const struct builder *b, long line, const char *sentence)
{
	if (b->report)
		b->report->tell(b->report->ctx, line, sentence);
}

static void add_services(struct builder *b, const struct criteria *c)
{
	for (uint32_t i = 0; i < c->n_service; i++) {
		uint32_t mark = b->text_len;

		if (add_text(b, c->service[i], &b->service[b->head.n_services])) {
			b->head.n_services++;
			if (size_of(b) <= IFC_SIZE_MAX)
				continue;
			b->head.n_services--;
			b->text_len = mark;
		}
		tell(b, c->line, "the services do not fit");
	}
	b->head.media_profile = c->media_profile;
}

bool criteria_compile(const struct criteria *c, const struct criteria_report *report,
		      struct criteria_compiled *out)
{
	struct builder *b = calloc(1, sizeof(*b));

	if (!b)
		return false;
	b->report = report;
	add_services(b, c);
	for (uint32_t i = 0; i < c->n; i++) {
		struct ifc before = b->head;
		uint32_t text_len = b->text_len;

		out->index[i] = (int16_t)b->head.n_criteria;
		if (add_criterion(b, c->item[i]))
			continue;
		tell(b, c->item[i]->line, b->error);
		b->head = before;
		b->text_len = text_len;
		out->index[i] = -1;
	}
	fill_masks(b);
	lay_out(b, out);
	free(b);
	return true;
}
