/* document.h - filter criteria as they are written: XML (TS 29.228 Annexes B and E)
 *
 * Takes an IMSSubscription as it comes over Cx, one ServiceProfile, a list of
 * InitialFilterCriteria without a root as operators provision it, and a file of shared sets:
 * SharedIFCSets with a SharedIFCSet for each, which holds its SharedIFCSetID and
 * InitialFilterCriteria. What the schema extends and this knows nothing of is passed over.
 *
 * A criterion that is broken is reported and left out, and the others stay. Any thread.
 */
#pragma once

#include "ifc/form.h"

enum {
	CRITERIA_XML_MAX = 65536,   /* octets of a document */
	CRITERIA_DEPTH_MAX = 24,    /* of elements */
	CRITERIA_PROFILES_MAX = 64, /* service profiles, or shared sets, of a document */
	CRITERIA_GROUPS_MAX = 16,   /* that one service point trigger is in */
	CRITERIA_SHARED_MAX = 32,   /* shared sets that a profile names */
	CRITERIA_SENTENCE_MAX = 256,
};

enum criteria_point_kind {
	CRITERIA_URI,
	CRITERIA_METHOD,
	CRITERIA_HEADER,
	CRITERIA_CASE,
	CRITERIA_DESCRIPTION,
};

/* A service point trigger. */
struct criteria_point {
	long line;
	enum criteria_point_kind kind;
	bool negated, has_content;
	uint8_t session_case; /* enum ifc_case */
	uint8_t registration; /* bits of enum ifc_registration; without RegistrationType all */
	uint32_t n_group;
	uint32_t group[CRITERIA_GROUPS_MAX];
	struct slice name;    /* Method, Header, Line */
	struct slice content; /* expression; RequestURI, Content */
};

/* One InitialFilterCriteria. */
struct criterion {
	long line;
	uint32_t priority;
	struct slice server, service_info;
	bool terminate, include_request, include_response;
	bool cnf;
	enum ifc_part part;
	uint32_t n_point; /* 0: no TriggerPoint, it always holds */
	struct criteria_point *point;
};

/* One ServiceProfile, or one shared set. */
struct criteria {
	long line;
	uint32_t n;
	struct criterion *item[IFC_CRITERIA_MAX]; /* by priority; none twice */
	uint32_t n_service;
	struct slice service[IFC_SERVICES_MAX]; /* ServiceId */
	int32_t media_profile;                  /* -1: none */
	uint32_t n_shared;
	uint32_t shared[CRITERIA_SHARED_MAX]; /* SharedIFCSetID: which it names */
	uint32_t id;                          /* of a shared set: its own */
};

struct criteria_chunk;

struct criteria_document {
	uint32_t n_profile;
	struct criteria *profile[CRITERIA_PROFILES_MAX];
	bool is_shared;                /* profile[] are shared sets */
	struct criteria_chunk *memory; /* of all that it points to */
};

/* What is wrong and in which line (0: unknown); called in the order of the document. The
 * sentence is gone when it returns, and has no control characters. */
struct criteria_report {
	void (*tell)(void *ctx, long line, const char *sentence);
	void *ctx;
};

/* False: it is not well-formed, has a document type, is too large, too deep or of another kind,
 * or there is no memory; that is reported, and *out is empty. criteria_free either way. */
bool criteria_read(struct slice xml, const struct criteria_report *report,
		   struct criteria_document *out);
void criteria_free(struct criteria_document *d);

/* Enters another's criterion too, which has to outlive `to`. NULL, or a sentence: there are too
 * many, or one with the same priority. */
const char *criteria_add(struct criteria *to, struct criterion *item);
