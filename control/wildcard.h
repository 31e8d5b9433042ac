/* wildcard.h - wildcarded public identities: "sip:user!.*!@example.org" (TS 23.003 §13.4A)
 *
 * What stands between the first two exclamation marks is an extended regular expression for
 * that part of an identity; what is around it stands for itself. Loop thread only.
 */
#pragma once

#include <stdbool.h>

/* True if the text is one that can be matched; no back-references. */
bool wildcard_is(const char *text);
/* True if the canonical identity is one of those that the wildcard stands for. */
bool wildcard_matches(const char *wildcard, const char *impu);
