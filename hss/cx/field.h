/* field.h - AVPs from and to the members of a structure, by a table
 *
 * One row a member: which AVP, how it is kept, where. A shape is the table of one command or of
 * one grouped AVP. Rows of a grouped AVP may lie anywhere in the same structure.
 */
#pragma once

#include "base/slice.h"
#include "dictionary.h"

enum field_kind {
	FIELD_PRESENT, /* must be there, is not kept; not written */
	FIELD_SLICE,   /* struct slice; empty: not sent */
	FIELD_SLICES,  /* array of them */
	FIELD_U32,     /* uint32_t or an enum */
	FIELD_MAYBE, /* uint32_t; FIELD_UNSAID: not there. In a FIELD_GROUP only if that must be
			there */
	FIELD_U32S,  /* array of uint32_t */
	FIELD_FLAG,  /* bool of an enumeration 0, 1; false: not sent unless it must */
	FIELD_GIVEN, /* bool: the AVP, of value 0, is there or not */
	FIELD_BIT,   /* bool, bit 0 of a set of flags; false: not sent */
	FIELD_GROUPS, /* array of structures, each a grouped AVP; shape->size octets apart */
	FIELD_GROUP,  /* grouped AVP with a shape of its own, at an offset */
	FIELD_RESULT, /* int: Result-Code, where it is not experimental */
	FIELD_EXPERIMENTAL, /* int: Experimental-Result of 3GPP, + 100000 */
	FIELD_FEATURES,     /* Supported-Features: none is ours, so none may be required */
	FIELD_CUSTOM,       /* repeated; `decode` reads one, `encode` writes all */
};

#define FIELD_UNSAID (UINT32_MAX - 1) /* Media-Type has a meaning for UINT32_MAX */

/* What was wrong, for Failed-AVP (RFC 6733 §7.5). */
struct fault {
	int result;          /* Result-Code to answer with, as in enum cx_result_code */
	struct avp *avp;     /* the offending AVP, or NULL: */
	enum avp_id missing; /* the one that is not there */
};

struct shape {
	const struct field *field;
	uint32_t n;
	uint32_t size; /* of the structure; 0 for the rows of a group within it */
};

struct field {
	enum avp_id avp;
	enum field_kind kind;
	bool must;
	bool read_only;  /* not written: codec.c writes it for all commands */
	uint32_t at;     /* offset of the member */
	uint32_t count;  /* offset of its uint32_t count, for arrays */
	uint32_t max;    /* elements of the array; greatest value of FIELD_U32 */
	uint32_t octets; /* longest string */
	const struct shape *shape;
	int (*decode)(struct avp *avp, void *out, struct fault *f);
	int (*encode)(msg_or_avp *parent, const void *in);
};

#define SHAPE(rows, type)                                                                      \
	{                                                                                      \
		rows, sizeof(rows) / sizeof(rows[0]), sizeof(type)                             \
	}
#define SHAPE_PART(rows)                                                                       \
	{                                                                                      \
		rows, sizeof(rows) / sizeof(rows[0]), 0                                        \
	}

/* Zeroes the structure and fills it from the AVPs below m. 0, or the result code of *f. Slices
 * point into m. */
int field_decode(msg_or_avp *m, const struct shape *s, void *out, struct fault *f);
/* Adds AVPs below m. 0 or an errno: EINVAL for a member that must be there and is not, EMSGSIZE
 * for one too long. */
int field_encode(msg_or_avp *m, const struct shape *s, const void *in);
/* One AVP. 0 or an errno. */
int field_put_u32(msg_or_avp *m, enum avp_id id, uint32_t value);
int field_put_slice(msg_or_avp *m, enum avp_id id, struct slice value);
/* A new grouped AVP below m. 0 or an errno. */
int field_put_group(msg_or_avp *m, enum avp_id id, struct avp **out);
/* A copy in one block from malloc, its slices pointing into the block. NULL: no memory. */
void *field_copy(const struct shape *s, const void *in);
