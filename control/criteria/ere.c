/* ere.c - extended regular expressions (IEEE 1003.1 §9.4), compiled for ifc/regex.h */
#include "criteria/ere.h"

/* A piece of the expression becomes a block of ops that knows nothing of where it stands: all
 * its jumps are relative and end inside it or right behind it. So it can be moved, wrapped and
 * copied. */
struct compiler {
	struct slice in;
	uint32_t pos;
	uint32_t depth;
	bool no_case;
	const char *error; /* the first */
	struct ere *out;
};

static bool fail(struct compiler *c, const char *sentence)
{
	if (!c->error)
		c->error = sentence;
	return false;
}

static bool more(const struct compiler *c)
{
	return c->pos < c->in.len;
}

static bool at(const struct compiler *c, uint8_t octet)
{
	return more(c) && c->in.p[c->pos] == octet;
}

static bool room(struct compiler *c, uint32_t n)
{
	/* One is kept for the match. */
	return c->out->n_ops + n < IFC_OPS_MAX || fail(c, "the expression is too large");
}

static bool append(struct compiler *c, struct ifc_op op)
{
	if (!room(c, 1))
		return false;
	c->out->op[c->out->n_ops++] = op;
	return true;
}

static bool insert(struct compiler *c, uint32_t where, struct ifc_op op)
{
	struct ere *e = c->out;

	if (!room(c, 1))
		return false;
	memmove(&e->op[where + 1], &e->op[where], (e->n_ops - where) * sizeof(op));
	e->op[where] = op;
	e->n_ops++;
	return true;
}

static bool append_char(struct compiler *c, uint8_t octet)
{
	return append(c, (struct ifc_op){.code = IFC_OP_CHAR,
					 .c = c->no_case ? ascii_lower(octet) : octet});
}

static void set_add(struct compiler *c, uint8_t *set, uint8_t octet)
{
	if (c->no_case)
		octet = ascii_lower(octet);
	set[octet / 8] |= (uint8_t)(1 << (octet % 8));
}

/* The classes of the POSIX locale (IEEE 1003.1 §7.3.1). */
static bool is_upper(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}
static bool is_lower(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}
static bool is_alnum(uint8_t c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c);
}
static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}
static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}
static bool is_graph(uint8_t c)
{
	return c > ' ' && c < 127;
}
static bool is_print(uint8_t c)
{
	return c >= ' ' && c < 127;
}
static bool is_punct(uint8_t c)
{
	return is_graph(c) && !is_alnum(c);
}
static bool is_control(uint8_t c)
{
	return c < ' ' || c == 127;
}
static bool is_hex(uint8_t c)
{
	return ascii_is_digit(c) || (uint8_t)((c | 0x20) - 'a') < 6;
}

static const struct {
	const char *name;
	bool (*has)(uint8_t c);
} classes[] = {
	{"alpha", ascii_is_alpha}, {"digit", ascii_is_digit}, {"alnum", is_alnum},
	{"upper", is_upper},       {"lower", is_lower},       {"space", is_space},
	{"blank", is_blank},       {"punct", is_punct},       {"print", is_print},
	{"graph", is_graph},       {"cntrl", is_control},     {"xdigit", is_hex},
};

static bool add_class(struct compiler *c, uint8_t *set, struct slice name)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (!slice_eq(name, slice_str(classes[i].name)))
			continue;
		for (uint32_t octet = 1; octet < 256; octet++)
			if (classes[i].has((uint8_t)octet))
				set_add(c, set, (uint8_t)octet);
		return true;
	}
	return fail(c, "no such character class");
}

/* What stands between "[:" and ":]", or "[=" and "=]", or "[." and ".]". */
static bool inner(struct compiler *c, struct slice *name)
{
	uint8_t mark = c->in.p[c->pos + 1];
	uint32_t begin = c->pos + 2;

	for (uint32_t i = begin; i + 1 < c->in.len; i++) {
		if (c->in.p[i] != mark || c->in.p[i + 1] != ']')
			continue;
		*name = slice_sub(c->in, begin, i - begin);
		c->pos = i + 2;
		return true;
	}
	return fail(c, "a class in brackets has no end");
}

/* One end of a range, or one octet. Collating elements and equivalents of several octets are
 * not in the POSIX locale. */
static bool bracket_octet(struct compiler *c, uint8_t *octet)
{
	struct slice name;

	if (!more(c))
		return fail(c, "[ without ]");
	if (at(c, '[') && c->pos + 1 < c->in.len &&
	    (c->in.p[c->pos + 1] == '.' || c->in.p[c->pos + 1] == '=')) {
		if (!inner(c, &name))
			return false;
		if (name.len != 1)
			return fail(c, "a collating element of several characters");
		*octet = name.p[0];
		return true;
	}
	*octet = c->in.p[c->pos++];
	return true;
}

static bool bracket_item(struct compiler *c, uint8_t *set)
{
	uint8_t first, last;
	struct slice name;

	if (at(c, '[') && c->pos + 1 < c->in.len && c->in.p[c->pos + 1] == ':')
		return inner(c, &name) && add_class(c, set, name);
	if (!bracket_octet(c, &first))
		return false;
	last = first;
	if (at(c, '-') && c->pos + 1 < c->in.len && c->in.p[c->pos + 1] != ']') {
		c->pos++;
		if (!bracket_octet(c, &last))
			return false;
	}
	if (last < first)
		return fail(c, "a range ends before it begins");
	for (uint32_t octet = first; octet <= last; octet++)
		set_add(c, set, (uint8_t)octet);
	return true;
}

static bool append_set(struct compiler *c, const uint8_t *set)
{
	struct ere *e = c->out;
	uint32_t i = 0;

	while (i < e->n_sets && memcmp(e->set[i], set, IFC_SET_SIZE) != 0)
		i++;
	if (i == ERE_SETS_MAX)
		return fail(c, "too many bracket expressions");
	if (i == e->n_sets)
		memcpy(e->set[e->n_sets++], set, IFC_SET_SIZE);
	return append(c, (struct ifc_op){.code = IFC_OP_SET, .x = (int16_t)i});
}

/* "[.]" and the like are how many write an octet that is special elsewhere. */
static bool append_single(struct compiler *c, const uint8_t *set, bool *done)
{
	uint32_t octet = 0, n = 0;

	for (uint32_t i = 0; i < 256; i++) {
		if (!(set[i / 8] >> (i % 8) & 1))
			continue;
		octet = i;
		n++;
	}
	*done = n == 1;
	return n != 1 || append_char(c, (uint8_t)octet);
}

static bool bracket(struct compiler *c)
{
	uint8_t set[IFC_SET_SIZE] = {0};
	bool negated = at(c, '^'), first = true, done;

	c->pos += negated;
	while (first || !at(c, ']')) {
		if (!more(c))
			return fail(c, "[ without ]");
		if (!bracket_item(c, set))
			return false;
		first = false;
	}
	c->pos++;
	for (uint32_t i = 0; negated && i < sizeof(set); i++)
		set[i] = (uint8_t)~set[i];
	return append_single(c, set, &done) && (done || append_set(c, set));
}

static bool escaped(struct compiler *c)
{
	if (!more(c))
		return fail(c, "nothing behind the last \\");
	if (is_alnum(c->in.p[c->pos]))
		return fail(c, "an escaped letter or digit means nothing in an extended "
			       "regular expression");
	return append_char(c, c->in.p[c->pos++]);
}

static bool alternatives(struct compiler *c);

static bool parenthesis(struct compiler *c)
{
	if (++c->depth > ERE_DEPTH_MAX)
		return fail(c, "parentheses lie too deep in each other");
	if (!alternatives(c))
		return false;
	if (!at(c, ')'))
		return fail(c, "( without )");
	c->pos++;
	c->depth--;
	return true;
}

static bool atom(struct compiler *c)
{
	uint8_t octet = c->in.p[c->pos++];

	switch (octet) {
	case '(':
		return parenthesis(c);
	case '[':
		return bracket(c);
	case '.':
		return append(c, (struct ifc_op){.code = IFC_OP_ANY});
	case '^':
		return append(c, (struct ifc_op){.code = IFC_OP_BEGIN});
	case '$':
		return append(c, (struct ifc_op){.code = IFC_OP_END});
	case '\\':
		return escaped(c);
	case '*':
	case '+':
	case '?':
	case '{':
		return fail(c, "nothing before * + ? or { that could be repeated");
	default:
		return append_char(c, octet);
	}
}

/* "{2}", "{2,}", "{2,5}"; most 0: no limit. */
static bool interval(struct compiler *c, uint32_t *least, uint32_t *most)
{
	struct slice rest = slice_from(c->in, c->pos);
	struct slice text = slice_sub(rest, 0, slice_find(rest, '}'));
	uint32_t comma = slice_find(text, ',');
	uint64_t a, b;

	if (text.len == rest.len || !slice_u64(slice_sub(text, 0, comma), ERE_REPEAT_MAX, &a))
		return fail(c, "{ wants numbers up to 255");
	b = a;
	*most = UINT32_MAX;
	if (comma + 1 != text.len) {
		if (comma < text.len &&
		    !slice_u64(slice_from(text, comma + 1), ERE_REPEAT_MAX, &b))
			return fail(c, "{ wants numbers up to 255");
		*most = (uint32_t)b;
	}
	if (b < a)
		return fail(c, "an interval ends before it begins");
	*least = (uint32_t)a;
	c->pos += text.len + 1;
	return true;
}

/* The block from `start` on, any number of times. */
static bool star(struct compiler *c, uint32_t start)
{
	int16_t n = (int16_t)(c->out->n_ops - start);

	return insert(c, start,
		      (struct ifc_op){.code = IFC_OP_SPLIT, .x = 1, .y = (int16_t)(n + 2)}) &&
	       append(c, (struct ifc_op){.code = IFC_OP_JUMP, .x = (int16_t)(-n - 1)});
}

static bool plus(struct compiler *c, uint32_t start)
{
	int16_t n = (int16_t)(c->out->n_ops - start);

	return append(c, (struct ifc_op){.code = IFC_OP_SPLIT, .x = (int16_t)-n, .y = 1});
}

static bool optional(struct compiler *c, uint32_t start)
{
	int16_t n = (int16_t)(c->out->n_ops - start);

	return insert(c, start,
		      (struct ifc_op){.code = IFC_OP_SPLIT, .x = 1, .y = (int16_t)(n + 1)});
}

/* So often as is wanted, one behind the other; then those that may be, each by itself; or one
 * more any number of times. */
static bool counted(struct compiler *c, uint32_t start, uint32_t least, uint32_t most)
{
	uint32_t n = c->out->n_ops - start, total = most == UINT32_MAX ? least + 1 : most;
	struct ifc_op block[IFC_OPS_MAX];

	memcpy(block, &c->out->op[start], n * sizeof(block[0]));
	c->out->n_ops = start;
	for (uint32_t i = 0; i < total; i++) {
		uint32_t begin = c->out->n_ops;

		if (!room(c, n))
			return false;
		memcpy(&c->out->op[begin], block, n * sizeof(block[0]));
		c->out->n_ops += n;
		if (i < least)
			continue;
		if (most == UINT32_MAX ? !star(c, begin) : !optional(c, begin))
			return false;
	}
	return true;
}

static bool repeated(struct compiler *c, uint32_t start)
{
	uint32_t least, most;
	uint8_t octet;

	while (more(c)) {
		octet = c->in.p[c->pos];
		if (octet != '*' && octet != '+' && octet != '?' && octet != '{')
			return true;
		c->pos++;
		if (octet == '*' && !star(c, start))
			return false;
		if (octet == '+' && !plus(c, start))
			return false;
		if (octet == '?' && !optional(c, start))
			return false;
		if (octet == '{' &&
		    (!interval(c, &least, &most) || !counted(c, start, least, most)))
			return false;
	}
	return true;
}

static bool branch(struct compiler *c)
{
	while (more(c) && !at(c, '|')) {
		uint32_t start = c->out->n_ops;
		uint8_t first = c->in.p[c->pos];

		if (first == ')')
			return c->depth || fail(c, ") without (");
		if (!atom(c))
			return false;
		if ((first == '^' || first == '$') && more(c) &&
		    memchr("*+?{", c->in.p[c->pos], 4))
			return fail(c, "an anchor cannot be repeated");
		if (!repeated(c, start))
			return false;
	}
	return true;
}

static bool alternatives(struct compiler *c)
{
	struct ifc_op *op = c->out->op;
	uint32_t last = UINT32_MAX; /* the jump to patch; each names the one before it */

	for (;;) {
		uint32_t start = c->out->n_ops, n;

		if (!branch(c))
			return false;
		if (!at(c, '|'))
			break;
		c->pos++;
		n = c->out->n_ops - start;
		if (!insert(c, start,
			    (struct ifc_op){
				    .code = IFC_OP_SPLIT, .x = 1, .y = (int16_t)(n + 2)}) ||
		    !append(c, (struct ifc_op){
				       .code = IFC_OP_JUMP,
				       .x = (int16_t)(last == UINT32_MAX ? -1 : (int)last)}))
			return false;
		last = c->out->n_ops - 1;
	}
	while (last != UINT32_MAX) {
		uint32_t before = op[last].x < 0 ? UINT32_MAX : (uint32_t)op[last].x;

		op[last].x = (int16_t)(c->out->n_ops - last);
		last = before;
	}
	return true;
}

const char *ere_compile(struct slice expression, bool no_case, struct ere *out)
{
	struct compiler c = {.in = expression, .no_case = no_case, .out = out};

	out->n_ops = out->n_sets = 0;
	if (expression.len > ERE_LENGTH_MAX)
		return "the expression is longer than 1024 octets";
	if (memchr(expression.len ? expression.p : (const uint8_t *)"", 0, expression.len))
		return "a NUL in the expression";
	if (!alternatives(&c))
		return c.error;
	out->op[out->n_ops++] = (struct ifc_op){.code = IFC_OP_MATCH};
	return NULL;
}

/* ".*": a search goes on over it anyway. */
static uint32_t skip_anything(const struct ere *e, uint32_t i)
{
	bool any = i + 2 < e->n_ops && e->op[i].code == IFC_OP_SPLIT && e->op[i].x == 1 &&
		   e->op[i].y == 3 && e->op[i + 1].code == IFC_OP_ANY &&
		   e->op[i + 2].code == IFC_OP_JUMP && e->op[i + 2].x == -2;

	return any ? i + 3 : i;
}

bool ere_is_text(const struct ere *e, uint8_t *text, uint32_t *len, uint8_t *flags)
{
	uint32_t begin = e->op[0].code == IFC_OP_BEGIN, i = skip_anything(e, begin), behind;

	*flags = begin && i == begin ? IFC_AT_BEGIN : 0;
	*len = 0;
	for (; e->op[i].code == IFC_OP_CHAR || e->op[i].code == IFC_OP_ANY; i++) {
		text[(*len)++] = e->op[i].code == IFC_OP_ANY ? 0 : e->op[i].c;
		if (e->op[i].code == IFC_OP_ANY)
			*flags |= IFC_WILD;
	}
	behind = skip_anything(e, i);
	if (e->op[behind].code == IFC_OP_END) {
		*flags |= behind == i ? IFC_AT_END : 0;
		behind++;
	}
	return e->op[behind].code == IFC_OP_MATCH;
}
