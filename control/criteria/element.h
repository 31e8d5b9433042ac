/* element.h - XML elements, for the files of this folder */
#pragma once

#include <libxml/tree.h>

#include "criteria/document.h"

struct reading {
	struct criteria_document *out;
	const struct criteria_report *report;
	long line_shift; /* lines of the document before what the parser was given */
};

/* Reported; always false. */
bool element_wrong(const struct reading *r, long line, const char *sentence);
/* Zeroed memory that lives as long as the document; NULL: reported. */
void *element_alloc(const struct reading *r, size_t size);

bool element_is(const xmlNode *n, const char *name);
/* The first child of that name, or NULL; NULL has none. */
xmlNode *element_child(const xmlNode *n, const char *name);
/* Its text without blanks around it, in the document's memory; empty if there is none. n may be
 * NULL. */
struct slice element_text(const struct reading *r, const xmlNode *n);
/* False: it is there and no number up to `most`; absent leaves *out. */
bool element_number(const struct reading *r, const xmlNode *n, uint32_t most, uint32_t *out);
/* xs:boolean; absent leaves *out. */
bool element_boolean(const struct reading *r, const xmlNode *n, bool *out);

/* One InitialFilterCriteria; NULL: it is broken, which is reported. */
struct criterion *criterion_read(const struct reading *r, const xmlNode *n);
