/* explain.h - what criteria say of one request, for a reader */
#pragma once

#include "base/json.h"
#include "criteria/compile.h"
#include "ifc/ifc.h"

/* How a request is to be asked about, from words. session_case: "orig", "term", "term-unreg",
 * "orig-unreg", "orig-cdiv" or "orig-cdiv-unreg"; registration: "initial", "again", "end", or
 * NULL: by the Expires of a REGISTER. NULL, or a sentence about what is wrong. */
const char *explain_ask(const char *session_case, const char *registration,
			const struct sip_msg *m, struct ifc_ask *out);

/* One object for each criterion, in their order, inside an array that the caller has begun:
 * "priority", "server", "matches" (yes, no or broken) and "why". `compiled` was made from c. */
void explain_criteria(const struct criteria *c, const struct criteria_compiled *compiled,
		      const struct sip_msg *m, const struct ifc_ask *ask, struct json *out);
