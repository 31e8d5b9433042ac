/* import_json.c - subscribers from JSON
 *
 * jansson reads one object at a time out of the array: the memory needed is that of one
 * subscriber, and each has a line. Its messages may quote the text, in which keys are, so they
 * are not passed on.
 */
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>

#include "hss/import.h"

struct reader {
	struct slice rest;
	uint32_t line, column; /* of the next octet */
};

static void advance(struct reader *r, uint32_t octets)
{
	for (uint32_t i = 0; i < octets && i < r->rest.len; i++) {
		bool end = r->rest.p[i] == '\n';

		r->line += end;
		r->column = end ? 1 : r->column + 1;
	}
	r->rest = slice_from(r->rest, octets);
}

/* The next octet that is no white space (RFC 8259 §2), -1 at the end. */
static int look(struct reader *r)
{
	uint32_t n = 0;

	while (n < r->rest.len && ascii_is_space(r->rest.p[n]))
		n++;
	advance(r, n);
	return r->rest.len ? r->rest.p[0] : -1;
}

/* jansson frees its strings as they are. */
static void wipe(json_t *v)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_string(v))
		OPENSSL_cleanse((char *)(uintptr_t)json_string_value(v), json_string_length(v));
	json_object_foreach(v, key, member) wipe(member);
	json_array_foreach(v, i, member) wipe(member);
}

static void take_string(struct import *i, enum entry_key key, const json_t *v)
{
	if (json_is_string(v))
		import_value(i, key, slice_of(json_string_value(v), json_string_length(v)),
			     i->line, i->column);
	else
		import_refuse(i, i->line, i->column, entry_key_name(key), "wants a string");
}

static void take_number(struct import *i, const json_t *v)
{
	json_int_t n = json_integer_value(v);
	char text[24];

	if (n < 0) {
		import_refuse(i, i->line, i->column, entry_key_name(ENTRY_SQN), "below zero");
		return;
	}
	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)n);
	import_value(i, ENTRY_SQN, slice_str(text), i->line, i->column);
}

static void take_member(struct import *i, enum entry_key key, const json_t *v)
{
	json_t *one;
	size_t k;

	if (json_is_null(v))
		return;
	if (json_is_integer(v) && key == ENTRY_SQN) {
		take_number(i, v);
	} else if (json_is_array(v)) {
		json_array_foreach(v, k, one) take_string(i, key, one);
	} else {
		take_string(i, key, v);
	}
}

static void take_object(struct import *i, json_t *object)
{
	const char *name;
	json_t *v;

	json_object_foreach(object, name, v)
	{
		int key = entry_key(slice_str(name));

		if (key < 0) {
			import_refuse(i, i->line, i->column, NULL, "an unknown key");
			return;
		}
		take_member(i, (enum entry_key)key, v);
	}
}

/* False: where it is wrong nobody can tell where the next begins. */
static bool read_object(struct import *i, struct reader *r)
{
	json_error_t error;
	json_t *object = json_loadb((const char *)r->rest.p, r->rest.len,
				    JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &error);

	import_begin_record(i, r->line, r->column);
	if (!object) {
		uint32_t line = error.line > 0 ? (uint32_t)error.line - 1 : 0;
		uint32_t column = error.column > 0 ? (uint32_t)error.column : 1;

		import_refuse(i, r->line + line, line ? column : r->column + column - 1, NULL,
			      "not JSON, or the same key twice");
		return false;
	}
	take_object(i, object);
	wipe(object);
	json_decref(object);
	advance(r, (uint32_t)error.position);
	return import_end_record(i);
}

static bool wrong_at(struct import *i, const struct reader *r, const char *sentence)
{
	import_begin_record(i, r->line, r->column);
	import_refuse(i, r->line, r->column, NULL, sentence);
	return false;
}

static bool read_array(struct import *i, struct reader *r)
{
	advance(r, 1);
	if (look(r) == ']') {
		advance(r, 1);
		return true;
	}
	for (;;) {
		if (look(r) != '{')
			return wrong_at(i, r, "wants an object");
		if (!read_object(i, r))
			return false;
		if (look(r) == ']')
			break;
		if (look(r) != ',')
			return wrong_at(i, r, "wants a comma or the end of the array");
		advance(r, 1);
	}
	advance(r, 1);
	return true;
}

bool import_json(struct import *i, struct slice text)
{
	struct reader r = {.rest = text, .line = 1, .column = 1};

	if (slice_starts(text, SLICE("\xef\xbb\xbf")))
		r.rest = slice_from(text, 3);
	if (!(look(&r) == '[' ? read_array(i, &r) : read_object(i, &r)))
		return false;
	return look(&r) < 0 || wrong_at(i, &r, "something behind the end");
}
