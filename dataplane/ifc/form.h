/* form.h - compiled filter criteria as they lie in memory
 *
 *   ifc | criteria | points | tests | service identifiers | text and patterns
 *
 * All in one piece that begins on an address divisible by eight, and nothing in it but offsets
 * from its beginning: it can be sent through a ring, written to disk and put anywhere. Criteria
 * lie in the order of their priority (TS 29.228 §B.2.2). Written by control
 * (criteria/compile.h), looked through once by ifc_sound, and immutable from then on.
 */
#pragma once

#include "sip/sip.h"

enum {
	IFC_VERSION = 1,
	IFC_SIZE_MAX = 16384,  /* octets of the whole: it fits a record of the install ring */
	IFC_CRITERIA_MAX = 64, /* one bit each in the masks below */
	IFC_POINTS_MAX = 64,   /* service point triggers of one criterion: one bit each */
	IFC_TESTS_MAX = 512,   /* of one criterion: a point counts in each of its groups */
	IFC_SERVICES_MAX = 32, /* subscribed communication services */
	IFC_OPS_MAX = 512,     /* of one regular expression */
	IFC_PRIORITY_MAX = INT32_MAX,
};

/* SessionCase of TS 29.228 Annex E. */
enum ifc_case {
	IFC_ORIGINATING,
	IFC_TERMINATING,
	IFC_TERMINATING_UNREGISTERED,
	IFC_ORIGINATING_UNREGISTERED,
	IFC_ORIGINATING_CDIV,
	IFC_CASES
};

/* Rows of the masks: the cases, and the last once more for a user who is not registered. */
enum { IFC_ROWS = IFC_CASES + 1 };

struct ifc_span {
	uint16_t at, len;
};

enum ifc_pattern_kind {
	IFC_ANYTHING, /* no pattern: that the thing is there is enough */
	IFC_TEXT,     /* octets; a zero stands for any one octet */
	IFC_PROGRAM,  /* struct ifc_op, then sets of 32 octets */
};

enum ifc_pattern_flags {
	IFC_AT_BEGIN = 1, /* IFC_TEXT: only there */
	IFC_AT_END = 2,
	IFC_WILD = 4,    /* IFC_TEXT: there are zeros in it */
	IFC_NO_CASE = 8, /* letters of the subject are made small first */
};

struct ifc_pattern {
	uint16_t at, len;
	uint16_t ops; /* IFC_PROGRAM: how many; the rest of len is sets */
	uint8_t kind; /* enum ifc_pattern_kind */
	uint8_t flags;
};

enum ifc_op_code {
	IFC_OP_CHAR,  /* this octet */
	IFC_OP_ANY,   /* any octet */
	IFC_OP_SET,   /* an octet of set x */
	IFC_OP_BEGIN, /* the beginning of the subject */
	IFC_OP_END,   /* the end of it */
	IFC_OP_SPLIT, /* go on at both x and y from here */
	IFC_OP_JUMP,  /* go on at x from here */
	IFC_OP_MATCH,
};

struct ifc_op {
	uint8_t code; /* enum ifc_op_code */
	uint8_t c;
	int16_t x, y;
};

enum ifc_point_kind {
	IFC_POINT_URI,
	IFC_POINT_METHOD,      /* arg: enum sip_method; SIP_M_OTHER: as name says */
	IFC_POINT_HEADER,      /* arg: enum sip_header_id; SIP_H_OTHER: as name says */
	IFC_POINT_HEADER_LIKE, /* name is a pattern that names of header fields are held to */
	IFC_POINT_CASE,        /* arg: enum ifc_case */
	IFC_POINT_DESCRIPTION, /* lines: a bit for each type of line, a to z */
	IFC_POINT_KINDS
};

/* RegistrationType of TS 29.228 Annex E, one bit each. */
enum ifc_registration {
	IFC_REGISTER_INITIAL = 1,
	IFC_REGISTER_AGAIN = 2,
	IFC_REGISTER_END = 4,
	IFC_REGISTER_ANY = 7,
};

struct ifc_point {
	struct ifc_pattern name;
	struct ifc_pattern content;
	uint32_t lines;
	uint8_t kind; /* enum ifc_point_kind */
	uint8_t arg;
	uint8_t registration; /* IFC_POINT_METHOD: bits of enum ifc_registration */
	uint8_t negated;
};

/* A point in a group. */
struct ifc_test {
	uint8_t point; /* from the criterion's first */
	uint8_t last;  /* of its group */
};

enum ifc_part { IFC_PART_REGISTERED, IFC_PART_UNREGISTERED, IFC_PART_BOTH };

struct ifc_criterion {
	uint32_t priority;
	struct ifc_span server;     /* SIP URI of the application server */
	struct ifc_span service;    /* ServiceInfo; len 0: none */
	uint16_t points, tests;     /* the first of each, from the beginnings of both */
	uint16_t n_points, n_tests; /* no test: it always holds */
	uint8_t cnf;                /* groups are joined by AND, what is in one by OR; else the
				       other way round */
	uint8_t terminate;          /* DefaultHandling: SESSION_TERMINATED */
	uint8_t include_request, include_response; /* in a third-party REGISTER */
	uint8_t part;                              /* enum ifc_part */
	uint8_t pad[3];
};

struct ifc {
	uint32_t version;
	uint32_t size;
	uint16_t n_criteria, n_points, n_tests, n_services;
	uint16_t criteria, points, tests, services; /* offsets */
	int32_t media_profile;                      /* SubscribedMediaProfileId; -1: none */
	uint32_t pad;
	/* By row and method: the criteria that may hold there, and of these the ones that do
	 * whatever else the request says. */
	uint64_t may[IFC_ROWS][SIP_M_MAX];
	uint64_t must[IFC_ROWS][SIP_M_MAX];
};

_Static_assert(sizeof(struct ifc_pattern) == 8, "no holes: it goes from process to process");
_Static_assert(sizeof(struct ifc_op) == 6, "no holes");
_Static_assert(sizeof(struct ifc_point) == 24, "no holes");
_Static_assert(sizeof(struct ifc_criterion) == 28, "no holes");
_Static_assert(sizeof(struct ifc) == 32 + 16 * IFC_ROWS * SIP_M_MAX, "no holes");

enum { IFC_SET_SIZE = 32 /* octets: a bit for each of 256 */ };

static inline const struct ifc_criterion *ifc_criterion(const struct ifc *f, uint32_t i)
{
	return (const struct ifc_criterion *)((const uint8_t *)f + f->criteria) + i;
}

static inline const struct ifc_point *ifc_point(const struct ifc *f, uint32_t i)
{
	return (const struct ifc_point *)((const uint8_t *)f + f->points) + i;
}

static inline const struct ifc_test *ifc_test(const struct ifc *f, uint32_t i)
{
	return (const struct ifc_test *)((const uint8_t *)f + f->tests) + i;
}

static inline struct slice ifc_text(const struct ifc *f, struct ifc_span s)
{
	return (struct slice){(const uint8_t *)f + s.at, s.len};
}

static inline struct slice ifc_service(const struct ifc *f, uint32_t i)
{
	struct ifc_span s;

	memcpy(&s, (const uint8_t *)f + f->services + i * sizeof(s), sizeof(s));
	return ifc_text(f, s);
}
