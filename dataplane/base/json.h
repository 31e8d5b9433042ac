/* json.h - write JSON as a stream into growing memory
 *
 * For answers of the control sockets and reports, never on a worker. Commas are set by
 * the writer. Strings are escaped; octets that are not UTF-8 come out as \u00XX.
 * One thread at a time.
 */
#pragma once

#include "base/slice.h"

struct json {
	char *p; /* malloc'ed, the writer's until json_free; len octets, no NUL */
	size_t len, cap;
	bool comma;
	bool failed; /* out of memory: what follows is left out */
};

void json_init(struct json *j);
void json_free(struct json *j);
/* jansson has functions of these two names: in a program that links both, the linker would give
 * it ours. */
#define JSON_SYMBOL(name) __asm__("saker_" name)

/* key NULL inside an array or at top level. */
void json_object(struct json *j, const char *key) JSON_SYMBOL("json_object");
void json_end_object(struct json *j);
void json_array(struct json *j, const char *key) JSON_SYMBOL("json_array");
void json_end_array(struct json *j);
void json_slice(struct json *j, const char *key, struct slice value);
void json_str(struct json *j, const char *key, const char *value); /* NULL gives null */
void json_u64(struct json *j, const char *key, uint64_t value);
void json_i64(struct json *j, const char *key, int64_t value);
/* NaN and infinities have no form in JSON (RFC 8259 §6): null. */
void json_double(struct json *j, const char *key, double value);
void json_bool(struct json *j, const char *key, bool value);
/* Raw text that is no JSON (Prometheus): appended as it is. */
void json_raw(struct json *j, const char *text, size_t len);
