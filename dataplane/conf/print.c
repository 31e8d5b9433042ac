/* print.c - a configuration as a file, and the example with every key */
#include "conf/load.h"
#include "conf/value.h"

enum { VALUE_TEXT_MAX = CONF_PATH_MAX, HELP_COLUMN = 2 };

/* Where and how: an example has comments, and hides the keys that follow from others. */
struct printer {
	struct text *out;
	bool example;
	char section[32]; /* whose heading was written last */
};

static void indent(struct text *out, uint32_t columns)
{
	while (columns--)
		text_char(out, ' ');
}

/* Plain where YAML 1.1 reads it as one word in every place, else in double quotes. */
static void put_scalar(struct slice s, struct text *out)
{
	bool plain =
		s.len && (ascii_is_alpha(s.p[0]) || ascii_is_digit(s.p[0]) || s.p[0] == '/');
	uint32_t colons = 0;

	for (uint32_t i = 0; i < s.len; i++) {
		colons += s.p[i] == ':';
		if (s.p[i] == ':' && (i + 1 == s.len || s.p[i + 1] == ':'))
			plain = false;
		if (!ascii_is_alpha(s.p[i]) && !ascii_is_digit(s.p[i]) &&
		    !strchr("._/@:-", s.p[i]))
			plain = false;
	}
	if (plain && colons <= 2) {
		text_put(out, s);
		return;
	}
	text_char(out, '"');
	for (uint32_t i = 0; i < s.len; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			text_char(out, '\\');
		text_char(out, s.p[i]);
	}
	text_char(out, '"');
}

/* "a, b" as [a, b]. */
static void put_flow(struct slice list, struct text *out)
{
	text_char(out, '[');
	while (list.len) {
		struct slice one = slice_sub(list, 0, slice_find(list, ','));

		put_scalar(slice_trim(one), out);
		list = slice_from(list, one.len + 1);
		if (list.len)
			text_lit(out, ", ");
	}
	text_char(out, ']');
}

static void put_one(const struct conf_key *k, const void *at, struct text *out)
{
	char memory[VALUE_TEXT_MAX];
	struct text t = text_in(memory, sizeof(memory));

	conf_value_put(k, at, &t);
	if (k->kind == KIND_ROLES ||
	    (k->kind == KIND_GATEWAY && slice_find(text_slice(&t), ',') < t.len))
		put_flow(text_slice(&t), out);
	else
		put_scalar(text_slice(&t), out);
}

static void put_value(const struct conf_key *k, const void *owner, struct text *out)
{
	if (!conf_is_list(k)) {
		put_one(k, conf_at(k, owner, 0), out);
		return;
	}
	text_char(out, '[');
	for (uint32_t i = 0; i < conf_count(k, owner); i++) {
		if (i)
			text_lit(out, ", ");
		put_one(k, conf_at(k, owner, i), out);
	}
	text_char(out, ']');
}

static const char *last_word(const struct conf_key *k)
{
	const char *dot = strrchr(k->name, '.');

	return dot ? dot + 1 : k->name;
}

static bool is_absent(const struct conf_key *k, const void *owner)
{
	return conf_is_list(k) ? conf_count(k, owner) == 0 && k->presence == PRESENCE_OPTIONAL
			       : conf_value_is_none(k, conf_at(k, owner, 0));
}

static void put_entry(enum conf_owner owner, const void *entry, struct text *out)
{
	bool first = true;

	for (uint32_t i = 0; i < CONF_KEYS; i++) {
		const struct conf_key *k = &conf_schema[i];

		if (k->owner != owner || is_absent(k, entry))
			continue;
		text_str(out, first ? "    - " : "      ");
		text_str(out, last_word(k));
		text_lit(out, ": ");
		put_value(k, entry, out);
		text_char(out, '\n');
		first = false;
	}
}

static void put_help(const struct conf_key *k, uint32_t columns, struct text *out)
{
	indent(out, columns);
	text_lit(out, "# ");
	text_str(out, k->help);
	if (k->reload)
		text_lit(out, " Taken over on reload.");
	text_char(out, '\n');
}

/* A list of mappings that is empty, with one entry to copy. */
static void put_sample(const struct conf_key *list, struct text *out)
{
	bool first = true;

	indent(out, HELP_COLUMN);
	text_printf(out, "%s: []\n", last_word(list));
	for (uint32_t i = 0; i < CONF_KEYS; i++) {
		const struct conf_key *k = &conf_schema[i];

		if (k->owner != conf_items(list->kind))
			continue;
		text_str(out, first ? "  # - " : "  #   ");
		text_str(out, last_word(k));
		text_lit(out, ": ");
		if (conf_is_list(k))
			put_flow(slice_str(k->text), out);
		else
			put_scalar(slice_str(k->text), out);
		text_lit(out, " # ");
		if (k->presence == PRESENCE_REQUIRED)
			text_lit(out, "Required. ");
		text_str(out, k->help);
		text_char(out, '\n');
		first = false;
	}
}

/* The section is the one under way, or that one lies in it. */
static bool is_open(const struct printer *p, struct slice section)
{
	return slice_starts(slice_str(p->section), section) &&
	       (p->section[section.len] == 0 || p->section[section.len] == '.');
}

/* "dataplane:" before the first of its keys, and so on inwards. The column of the key. */
static uint32_t put_section(struct printer *p, const struct conf_key *k)
{
	uint32_t columns = 0;
	const char *word = k->name, *dot;

	for (; (dot = strchr(word, '.')); word = dot + 1, columns += HELP_COLUMN) {
		struct slice section = slice_of(k->name, (size_t)(dot - k->name));

		if (is_open(p, section))
			continue;
		memcpy(p->section, section.p, section.len);
		p->section[section.len] = 0;
		text_str(p->out, p->example && columns == 0 ? "\n" : "");
		indent(p->out, columns);
		text_put(p->out, slice_of(word, (size_t)(dot - word)));
		text_lit(p->out, ":\n");
	}
	return columns;
}

static void put_items(struct printer *p, const struct conf_key *k, const struct conf *c)
{
	if (conf_count(k, c) == 0) {
		if (p->example)
			put_sample(k, p->out);
		return;
	}
	indent(p->out, HELP_COLUMN);
	text_printf(p->out, "%s:\n", last_word(k));
	for (uint32_t i = 0; i < conf_count(k, c); i++)
		put_entry(conf_items(k->kind), conf_at(k, c, i), p->out);
}

static void put_key(struct printer *p, const struct conf_key *k, const struct conf *c)
{
	bool absent = is_absent(k, c);
	/* A file does not need the headings of what it does not have. */
	uint32_t columns = absent && !p->example ? 0 : put_section(p, k);
	/* What follows from another key is shown, but left to follow it. */
	bool derived = k->presence == PRESENCE_DEFAULT && strchr(k->text, '{');

	if (p->example)
		put_help(k, columns, p->out);
	if (conf_items(k->kind)) {
		put_items(p, k, c);
		return;
	}
	if (absent && !p->example)
		return;
	indent(p->out, columns);
	if (p->example && (absent || derived))
		text_lit(p->out, "# ");
	text_str(p->out, last_word(k));
	text_lit(p->out, ": ");
	if (!absent)
		put_value(k, c, p->out);
	else if (conf_is_list(k))
		put_flow(slice_str(k->text), p->out);
	else
		put_scalar(slice_str(k->text), p->out);
	text_char(p->out, '\n');
}

static void print_all(struct printer *p, const struct conf *c)
{
	for (uint32_t i = 0; i < CONF_KEYS; i++)
		if (conf_schema[i].owner == OWNER_CONF)
			put_key(p, &conf_schema[i], c);
}

void conf_print(const struct conf *c, struct text *out)
{
	struct printer p = {.out = out};

	print_all(&p, c);
}

void conf_print_example(struct text *out)
{
	struct printer p = {.out = out, .example = true};
	struct conf *c = conf_defaults();

	if (!c) {
		out->overflow = true;
		return;
	}
	text_lit(out, "# saker.yaml - one file for saker-dataplane, saker-control, saker-hss "
		      "and sakerctl.\n"
		      "# What stands behind a # at the beginning is optional or the default.\n"
		      "# Times have a unit (500ms, 30s, 5m, 1h), sizes too (4KiB, 256MiB, "
		      "2GiB).\n\n");
	print_all(&p, c);
	conf_free(c);
}
