/* read.c - saker.yaml with libyaml, every node held against the schema */
#include "conf/load.h"
#include "conf/value.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

enum {
	FILE_MAX = 256 << 10,
	DEPTH_MAX = 100,
	PATH_TEXT_MAX = 160,
	SHOWN_MAX = 60, /* octets of a wrong value that an error repeats */
};

/* A mapping that is being read: whose keys they are, and what stands before them. */
struct scope {
	struct conf_load *l;
	yaml_document_t *doc;
	enum conf_owner owner;
	void *into;
	uint32_t entry;     /* index in its list */
	const char *shown;  /* "dataplane.ports[2].": for errors */
	const char *prefix; /* "dataplane.": for the schema */
};

bool conf_fail(struct conf_load *l, uint32_t line, const char *format, ...)
{
	int n = snprintf(l->error, CONF_ERROR_MAX, "%s:%u: ", l->file, line);
	va_list ap;

	if (n < 0 || n >= CONF_ERROR_MAX)
		return false;
	va_start(ap, format);
	vsnprintf(l->error + n, (size_t)(CONF_ERROR_MAX - n), format, ap);
	va_end(ap);
	return false;
}

static uint32_t line_of(const yaml_node_t *node)
{
	return (uint32_t)node->start_mark.line + 1;
}

static struct slice scalar(const yaml_node_t *node)
{
	return slice_of(node->data.scalar.value, node->data.scalar.length);
}

/* Text of the file in an error: short, and nothing that moves a terminal's cursor. */
static const char *shown(struct slice s, char memory[SHOWN_MAX + 4])
{
	uint32_t n = s.len < SHOWN_MAX ? s.len : SHOWN_MAX;

	for (uint32_t i = 0; i < n; i++)
		memory[i] = s.p[i] < 0x20 || s.p[i] >= 0x7f ? '?' : (char)s.p[i];
	memcpy(memory + n, s.len > n ? "..." : "", s.len > n ? 4 : 1);
	return memory;
}

static const char *kind_of(const yaml_node_t *node)
{
	switch (node->type) {
	case YAML_MAPPING_NODE:
		return "a mapping";
	case YAML_SEQUENCE_NODE:
		return "a list";
	default:
		return "a single value";
	}
}

static bool fail_value(struct scope *s, const struct conf_key *k, const char *name,
		       const yaml_node_t *node)
{
	char expected_memory[200], value[SHOWN_MAX + 4];
	struct text expected = text_in(expected_memory, sizeof(expected_memory));

	conf_value_expected(k, &expected);
	if (node->type != YAML_SCALAR_NODE)
		return conf_fail(s->l, line_of(node), "'%s' takes %s, not %s", name,
				 text_cstr(&expected), kind_of(node));
	if (node->data.scalar.length == 0)
		return conf_fail(s->l, line_of(node), "'%s' takes %s, but has no value", name,
				 text_cstr(&expected));
	return conf_fail(s->l, line_of(node), "'%s' takes %s, not '%s'", name,
			 text_cstr(&expected), shown(scalar(node), value));
}

static bool read_value(struct scope *s, const struct conf_key *k, uint32_t i, const char *name,
		       const yaml_node_t *node)
{
	void *at = (uint8_t *)s->into + k->offset + (size_t)i * k->size;

	/* Empty is no value: a key that is meant to be left out is left out. */
	if (node->type != YAML_SCALAR_NODE || node->data.scalar.length == 0 ||
	    node->data.scalar.length > CONF_PATH_MAX || !conf_value_set(k, at, scalar(node)))
		return fail_value(s, k, name, node);
	return true;
}

static bool read_mapping(struct scope *s, const yaml_node_t *node);

static bool check_required(struct scope *s, const yaml_node_t *node)
{
	for (uint32_t i = 0; i < CONF_KEYS; i++)
		if (conf_schema[i].owner == s->owner &&
		    conf_schema[i].presence == PRESENCE_REQUIRED && !s->l->line[i][s->entry])
			return conf_fail(s->l, line_of(node),
					 "'%s%s' is missing, such as %s: %s", s->shown,
					 conf_schema[i].name, conf_schema[i].name,
					 conf_schema[i].text);
	return true;
}

static bool read_entry(struct scope *s, const struct conf_key *k, uint32_t i, const char *name,
		       const yaml_node_t *node)
{
	char path[PATH_TEXT_MAX];
	struct scope entry = {.l = s->l,
			      .doc = s->doc,
			      .owner = conf_items(k->kind),
			      .into = (uint8_t *)s->into + k->offset + (size_t)i * k->size,
			      .entry = i,
			      .shown = path,
			      .prefix = ""};

	if (node->type != YAML_MAPPING_NODE)
		return conf_fail(s->l, line_of(node), "'%s[%u]' takes a mapping, not %s", name,
				 i, kind_of(node));
	struct text t = text_in(path, sizeof(path));
	text_printf(&t, "%s[%u].", name, i);
	text_cstr(&t);
	return read_mapping(&entry, node) && check_required(&entry, node);
}

/* A list of values or mappings, or a set. */
static bool read_list(struct scope *s, const struct conf_key *k, const char *name,
		      const yaml_node_t *node)
{
	yaml_node_item_t *item = node->data.sequence.items.start;
	yaml_node_item_t *top = node->data.sequence.items.top;
	uint32_t most = conf_is_list(k) ? k->most : CONF_ENTRIES_MAX;

	if (top - item > (ptrdiff_t)most)
		return conf_fail(s->l, line_of(node), "'%s' takes at most %u entries, not %ld",
				 name, most, (long)(top - item));
	for (uint32_t i = 0; item < top; item++, i++) {
		const yaml_node_t *entry = yaml_document_get_node(s->doc, *item);
		bool ok = conf_items(k->kind)
				  ? read_entry(s, k, i, name, entry)
				  : read_value(s, k, conf_is_list(k) ? i : 0, name, entry);
		if (!ok)
			return false;
		if (conf_is_list(k)) {
			uint32_t n = i + 1;
			memcpy((uint8_t *)s->into + k->count_offset, &n, sizeof(n));
		}
	}
	return true;
}

static bool read_key(struct scope *s, const struct conf_key *k, const char *name,
		     const yaml_node_t *key, const yaml_node_t *node)
{
	bool takes_list = conf_is_list(k) || k->kind == KIND_ROLES;

	s->l->line[k - conf_schema][s->entry] = line_of(key);
	if (node->type == YAML_SEQUENCE_NODE && (takes_list || k->kind == KIND_GATEWAY))
		return read_list(s, k, name, node);
	if (conf_items(k->kind))
		return fail_value(s, k, name, node);
	if (takes_list)
		return conf_fail(s->l, line_of(node), "'%s' takes a list, such as [%s], not %s",
				 name, k->text, kind_of(node));
	return read_value(s, k, 0, name, node);
}

static bool fail_unknown(struct scope *s, const yaml_node_t *key, struct slice lookup)
{
	const char *nearest = conf_nearest(s->owner, lookup);
	char text[SHOWN_MAX + 4];
	const char *name = shown(scalar(key), text);
	const char *dot = nearest ? strrchr(nearest, '.') : NULL;

	if (!nearest)
		return conf_fail(s->l, line_of(key), "unknown key '%s%s'", s->shown, name);
	if (dot && slice_eq(lookup, slice_str(nearest)))
		return conf_fail(s->l, line_of(key),
				 "unknown key '%s' — write '%s:' below '%.*s:'", name, dot + 1,
				 (int)(dot - nearest), nearest);
	return conf_fail(s->l, line_of(key), "unknown key '%s%s' — did you mean '%s%s'?",
			 s->shown, name, s->owner == OWNER_CONF ? "" : s->shown, nearest);
}

static bool check_once(struct scope *s, const yaml_node_t *node, const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = yaml_document_get_node(s->doc, pair->key);
	char text[SHOWN_MAX + 4];

	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < pair; p++) {
		const yaml_node_t *earlier = yaml_document_get_node(s->doc, p->key);

		if (slice_eq(scalar(earlier), scalar(key)))
			return conf_fail(s->l, line_of(key),
					 "'%s%s' is given twice, first in line %u", s->shown,
					 shown(scalar(key), text), line_of(earlier));
	}
	return true;
}

/* name: dotted, as the schema has it. */
static bool read_section(struct scope *s, struct slice name, const yaml_node_t *node)
{
	char prefix[PATH_TEXT_MAX];
	struct scope section = *s;

	snprintf(prefix, sizeof(prefix), "%.*s.", SLICE_ARG(name));
	section.shown = section.prefix = prefix;
	if (node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0)
		return true; /* "hss:" with all keys below it commented out */
	if (node->type != YAML_MAPPING_NODE)
		return conf_fail(s->l, line_of(node), "'%.*s' takes a mapping, not %s",
				 SLICE_ARG(name), kind_of(node));
	return read_mapping(&section, node);
}

static bool read_pair(struct scope *s, const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = yaml_document_get_node(s->doc, pair->key);
	const yaml_node_t *node = yaml_document_get_node(s->doc, pair->value);
	char lookup_memory[PATH_TEXT_MAX], name[PATH_TEXT_MAX];
	struct text lookup = text_in(lookup_memory, sizeof(lookup_memory));
	const struct conf_key *k;

	text_str(&lookup, s->prefix);
	text_put(&lookup, scalar(key));
	/* A section is a mapping: "dataplane.workers" in one word is no key. */
	k = slice_find(scalar(key), '.') < scalar(key).len
		    ? NULL
		    : conf_key_find(s->owner, text_slice(&lookup));
	if (k) {
		const char *last = strrchr(k->name, '.');
		snprintf(name, sizeof(name), "%s%s", s->shown, last ? last + 1 : k->name);
		return read_key(s, k, name, key, node);
	}
	if (s->owner == OWNER_CONF && slice_find(scalar(key), '.') == scalar(key).len &&
	    conf_is_section(text_slice(&lookup)))
		return read_section(s, text_slice(&lookup), node);
	return fail_unknown(s, key, text_slice(&lookup));
}

static bool read_mapping(struct scope *s, const yaml_node_t *node)
{
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start;
	     p < node->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = yaml_document_get_node(s->doc, p->key);

		if (key->type != YAML_SCALAR_NODE)
			return conf_fail(s->l, line_of(key), "a key is a word, not %s",
					 kind_of(key));
		if (!check_once(s, node, p) || !read_pair(s, p))
			return false;
	}
	return true;
}

static bool read_document(struct conf_load *l, yaml_document_t *doc)
{
	const yaml_node_t *root = yaml_document_get_root_node(doc);
	struct scope top = {.l = l, .doc = doc, .into = l->c, .shown = "", .prefix = ""};

	if (!root)
		return conf_fail(l, 1,
				 "the file is empty; 'sakerctl config example' prints one");
	if (root->type != YAML_MAPPING_NODE)
		return conf_fail(l, line_of(root), "the file takes keys and values, not %s",
				 kind_of(root));
	return read_mapping(&top, root) && check_required(&top, root);
}

static bool fail_yaml(struct conf_load *l, const yaml_parser_t *parser)
{
	/* Errors of the reader (encoding) have an offset but no mark. */
	return conf_fail(l, (uint32_t)parser->problem_mark.line + 1, "no YAML: %s",
			 parser->problem ? parser->problem : "out of memory");
}

static bool read_only_document(struct conf_load *l, yaml_parser_t *parser)
{
	yaml_document_t doc, second;
	bool ok;

	if (!yaml_parser_load(parser, &doc))
		return fail_yaml(l, parser);
	ok = read_document(l, &doc);
	yaml_document_delete(&doc);
	if (!ok)
		return false;
	if (!yaml_parser_load(parser, &second))
		return fail_yaml(l, parser);
	const yaml_node_t *more = yaml_document_get_root_node(&second);
	if (more)
		ok = conf_fail(l, line_of(more), "a second YAML document; one is allowed");
	yaml_document_delete(&second);
	return ok;
}

/* The whole file, *len octets on the heap, or NULL with an error. */
static unsigned char *slurp(struct conf_load *l, size_t *len)
{
	FILE *f = fopen(l->file, "re");
	unsigned char *text = f ? malloc(FILE_MAX + 1) : NULL;

	if (!text) {
		snprintf(l->error, CONF_ERROR_MAX, "%s: %s", l->file, strerror(errno));
		if (f)
			fclose(f);
		return NULL;
	}
	*len = fread(text, 1, FILE_MAX + 1, f);
	bool failed = ferror(f);
	int why = errno;
	fclose(f);
	if (!failed && *len <= FILE_MAX)
		return text;
	snprintf(l->error, CONF_ERROR_MAX, "%s: %s", l->file,
		 failed ? strerror(why) : "larger than 256 KiB");
	free(text);
	return NULL;
}

/* libyaml takes time in the square of the depth of [ and {; nothing of ours is that deep. */
static bool check_depth(struct conf_load *l, const unsigned char *text, size_t len)
{
	uint32_t line = 1;
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		line += text[i] == '\n';
		depth += text[i] == '[' || text[i] == '{';
		if (depth && (text[i] == ']' || text[i] == '}'))
			depth--;
		if (depth > DEPTH_MAX)
			return conf_fail(l, line, "more than %d brackets are open", DEPTH_MAX);
	}
	return true;
}

bool conf_read(struct conf_load *l)
{
	yaml_parser_t parser;
	size_t len;
	unsigned char *text = slurp(l, &len);
	bool ok = false;

	if (!text)
		return false;
	if (!check_depth(l, text, len)) {
		free(text);
		return false;
	}
	if (yaml_parser_initialize(&parser)) {
		yaml_parser_set_input_string(&parser, text, len);
		ok = read_only_document(l, &parser);
		yaml_parser_delete(&parser);
	} else {
		conf_fail(l, 1, "out of memory");
	}
	free(text);
	return ok;
}
