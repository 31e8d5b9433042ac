/* sound.c - compiled criteria from elsewhere: is every offset and count in them good? */
#include "ifc/ifc.h"

/* All reading below goes through these bounds, so that eval.c needs none. */
struct look {
	const struct ifc *f;
	size_t len;
};

static bool inside(const struct look *l, uint32_t at, size_t n, size_t each)
{
	return at >= sizeof(struct ifc) && at <= l->len && n * each <= l->len - at;
}

static bool table_sound(const struct look *l, uint32_t at, uint32_t n, size_t each,
			uint32_t align)
{
	return at % align == 0 && inside(l, at, n, each);
}

static bool target_sound(int32_t at, int32_t by, int32_t n)
{
	return at + by >= 0 && at + by < n;
}

/* What goes on behind an op has an op there. */
static bool op_sound(const struct ifc_op *op, int32_t at, int32_t n, uint32_t sets)
{
	switch (op->code) {
	case IFC_OP_CHAR:
	case IFC_OP_ANY:
	case IFC_OP_BEGIN:
	case IFC_OP_END:
		return at + 1 < n;
	case IFC_OP_SET:
		return at + 1 < n && op->x >= 0 && (uint32_t)op->x < sets;
	case IFC_OP_SPLIT:
		return target_sound(at, op->x, n) && target_sound(at, op->y, n);
	case IFC_OP_JUMP:
		return target_sound(at, op->x, n);
	case IFC_OP_MATCH:
		return true;
	default:
		return false;
	}
}

static bool program_sound(const struct look *l, const struct ifc_pattern *p)
{
	uint32_t n = p->ops, sets;
	const struct ifc_op *op;

	if (n == 0 || n > IFC_OPS_MAX || p->at % 2 || n * sizeof(*op) > p->len)
		return false;
	sets = (uint32_t)((p->len - n * sizeof(*op)) / IFC_SET_SIZE);
	op = (const struct ifc_op *)((const uint8_t *)l->f + p->at);
	for (uint32_t i = 0; i < n; i++)
		if (!op_sound(&op[i], (int32_t)i, (int32_t)n, sets))
			return false;
	return true;
}

static bool pattern_sound(const struct look *l, const struct ifc_pattern *p)
{
	if (p->kind == IFC_ANYTHING)
		return true;
	if (!inside(l, p->at, p->len, 1))
		return false;
	return p->kind == IFC_TEXT || (p->kind == IFC_PROGRAM && program_sound(l, p));
}

static bool point_sound(const struct look *l, const struct ifc_point *p)
{
	if (!pattern_sound(l, &p->name) || !pattern_sound(l, &p->content))
		return false;
	switch (p->kind) {
	case IFC_POINT_METHOD:
		return p->arg < SIP_M_MAX &&
		       (p->arg != SIP_M_OTHER || p->name.kind == IFC_TEXT);
	case IFC_POINT_HEADER:
		return p->arg < SIP_H_MAX &&
		       (p->arg != SIP_H_OTHER || p->name.kind == IFC_TEXT);
	default:
		return p->kind < IFC_POINT_KINDS;
	}
}

static bool criterion_sound(const struct look *l, const struct ifc_criterion *c)
{
	const struct ifc *f = l->f;

	if (!inside(l, c->server.at, c->server.len, 1) || c->server.len == 0 ||
	    (c->service.len && !inside(l, c->service.at, c->service.len, 1)))
		return false;
	if (c->n_points > IFC_POINTS_MAX || c->n_tests > IFC_TESTS_MAX ||
	    (uint32_t)c->points + c->n_points > f->n_points ||
	    (uint32_t)c->tests + c->n_tests > f->n_tests)
		return false;
	for (uint32_t i = 0; i < c->n_tests; i++)
		if (ifc_test(f, c->tests + i)->point >= c->n_points)
			return false;
	return true;
}

static const char *tables_sound(const struct look *l)
{
	const struct ifc *f = l->f;

	if (f->n_criteria > IFC_CRITERIA_MAX || f->n_services > IFC_SERVICES_MAX)
		return "too many criteria or services";
	if (!table_sound(l, f->criteria, f->n_criteria, sizeof(struct ifc_criterion), 4) ||
	    !table_sound(l, f->points, f->n_points, sizeof(struct ifc_point), 4) ||
	    !table_sound(l, f->tests, f->n_tests, sizeof(struct ifc_test), 1) ||
	    !table_sound(l, f->services, f->n_services, sizeof(struct ifc_span), 2))
		return "a table does not lie inside";
	return NULL;
}

static const char *entries_sound(const struct look *l)
{
	const struct ifc *f = l->f;
	uint64_t all = f->n_criteria == 64 ? UINT64_MAX : ((uint64_t)1 << f->n_criteria) - 1;

	for (uint32_t i = 0; i < f->n_points; i++)
		if (!point_sound(l, ifc_point(f, i)))
			return "a service point trigger is not sound";
	for (uint32_t i = 0; i < f->n_criteria; i++)
		if (!criterion_sound(l, ifc_criterion(f, i)))
			return "a criterion is not sound";
	for (uint32_t i = 0; i < f->n_services; i++) {
		struct slice s = ifc_service(f, i);

		if (s.len && !inside(l, (uint32_t)(s.p - (const uint8_t *)f), s.len, 1))
			return "a service does not lie inside";
	}
	for (uint32_t row = 0; row < IFC_ROWS; row++)
		for (uint32_t m = 0; m < SIP_M_MAX; m++)
			if ((f->may[row][m] | f->must[row][m]) & ~all)
				return "a mask names criteria that are not there";
	return NULL;
}

const char *ifc_sound(const void *memory, size_t len)
{
	struct look l = {.f = memory, .len = len};
	const char *wrong;

	if (len < sizeof(struct ifc) || len > IFC_SIZE_MAX || (uintptr_t)memory % 8)
		return "too short, too long, or at an odd address";
	if (l.f->version != IFC_VERSION || l.f->size != len)
		return "another version, or another length";
	wrong = tables_sound(&l);
	return wrong ? wrong : entries_sound(&l);
}
