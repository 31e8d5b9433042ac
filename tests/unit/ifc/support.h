/* support.h - criteria and requests for the tests of filter criteria */
#pragma once

#include "criteria/compile.h"
#include "ifc/ifc.h"

/* What criteria_read and criteria_compile said. */
struct told {
	uint32_t n;
	long line; /* of the first */
	char sentence[CRITERIA_SENTENCE_MAX];
};
struct criteria_report told_report(struct told *t);

/* Reads and compiles the document's first profile, and fails the test if something is wrong or
 * the result is not sound. The document is the caller's to free. */
void compile_good(const char *xml, struct criteria_document *d, struct criteria_compiled *out);

/* Parses a request; lines end with \n only in `text`, which lives as long as the message. */
void parse_good(const char *text, struct sip_msg *out);

/* A request with the usual headers, `more` header lines behind them, and a body. In memory of
 * the caller. */
void request_write(char *memory, size_t cap, const char *method, const char *uri,
		   const char *more, const char *body);

/* A slice in memory of its own, whose end is the end of a page that cannot be read behind; one
 * at a time. */
struct slice at_guard(const void *p, size_t len);
