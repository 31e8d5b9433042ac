/* row.h - how the rows of a table of fields are written (field.h)
 *
 * For the codecs of Cx, Sh, Rx and Rf only.
 */
#pragma once

#include "cx/cx.h"
#include "field.h"

#include <stddef.h>

/* What every request begins with, TS 29.229 §6.1, TS 29.329 §6.1. */
#define COMMON                                                                                 \
	{.avp = AVP_SESSION_ID, .kind = FIELD_PRESENT, .must = true},                          \
		{.avp = AVP_ORIGIN_REALM, .kind = FIELD_PRESENT, .must = true},                \
	{                                                                                      \
		.avp = AVP_SUPPORTED_FEATURES, .kind = FIELD_FEATURES                          \
	}
#define ORIGIN                                                                                 \
	{                                                                                      \
		.avp = AVP_ORIGIN_HOST, .kind = FIELD_PRESENT, .must = true                    \
	}

#define SLICE_ROW(id, type, member, longest, needed)                                           \
	{                                                                                      \
		.avp = AVP_##id, .kind = FIELD_SLICE, .must = needed,                          \
		.at = offsetof(type, member), .octets = longest                                \
	}
#define SLICES_ROW(id, type, member, n, longest)                                               \
	{                                                                                      \
		.avp = AVP_##id, .kind = FIELD_SLICES, .at = offsetof(type, member),           \
		.count = offsetof(type, n),                                                    \
		.max = sizeof(((type *)0)->member) / sizeof(struct slice), .octets = longest   \
	}
#define U32S_ROW(id, type, member, n)                                                          \
	{                                                                                      \
		.avp = AVP_##id, .kind = FIELD_U32S, .at = offsetof(type, member),             \
		.count = offsetof(type, n),                                                    \
		.max = sizeof(((type *)0)->member) / sizeof(uint32_t)                          \
	}
#define U32_ROW(id, type, member, greatest, needed)                                            \
	{                                                                                      \
		.avp = AVP_##id, .kind = FIELD_U32, .must = needed,                            \
		.at = offsetof(type, member), .max = greatest                                  \
	}
#define MAYBE_ROW(id, type, member)                                                            \
	{                                                                                      \
		.avp = AVP_##id, .kind = FIELD_MAYBE, .at = offsetof(type, member)             \
	}
#define BOOL_ROW(id, of, type, member, needed)                                                 \
	{                                                                                      \
		.avp = AVP_##id, .kind = of, .must = needed, .at = offsetof(type, member)      \
	}
#define ORIGIN_ROW(type)                                                                       \
	{                                                                                      \
		.avp = AVP_ORIGIN_HOST, .kind = FIELD_SLICE, .must = true, .read_only = true,  \
		.at = offsetof(type, origin_host), .octets = CX_STRING_MAX                     \
	}
#define GROUP_ROW(id, where, of, needed)                                                       \
	{                                                                                      \
		.avp = AVP_##id, .kind = FIELD_GROUP, .must = needed, .at = where,             \
		.shape = &of                                                                   \
	}
#define GROUPS_ROW(id, type, member, n, of)                                                    \
	{                                                                                      \
		.avp = AVP_##id, .kind = FIELD_GROUPS, .at = offsetof(type, member),           \
		.count = offsetof(type, n),                                                    \
		.max = sizeof(((type *)0)->member) / sizeof(((type *)0)->member[0]),           \
		.shape = &of                                                                   \
	}
/* The results of an answer; always its first member. */
#define RESULT_ROWS                                                                            \
	{.avp = AVP_RESULT_CODE, .kind = FIELD_RESULT},                                        \
	{                                                                                      \
		.avp = AVP_EXPERIMENTAL_RESULT, .kind = FIELD_EXPERIMENTAL                     \
	}
