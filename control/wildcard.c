/* wildcard.c - wildcarded public identities: "sip:user!.*!@example.org" (TS 23.003 §13.4A) */
#include "control/wildcard.h"

#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"

/* The expression and the text that it has to match whole. */
struct parts {
	char pattern[IMPU_MAX + 8];
	char middle[IMPU_MAX + 1];
};

static bool copy_pattern(const char *wildcard, struct parts *p, const char **suffix)
{
	const char *first = strchr(wildcard, '!'),
		   *second = first ? strchr(first + 1, '!') : NULL;

	if (!second || second == first + 1 || strlen(wildcard) > IMPU_MAX)
		return false;
	*suffix = second + 1;
	snprintf(p->pattern, sizeof(p->pattern), "^(%.*s)$", (int)(second - first - 1),
		 first + 1);
	/* glibc takes back-references in extended expressions too, and they can take for ever.
	 */
	return strchr(p->pattern, '\\') == NULL;
}

bool wildcard_is(const char *text)
{
	struct parts p;
	const char *suffix;
	regex_t r;

	if ((strncmp(text, "sip:", 4) != 0 && strncmp(text, "tel:", 4) != 0) ||
	    !copy_pattern(text, &p, &suffix) || strchr(suffix, '!') ||
	    regcomp(&r, p.pattern, REG_EXTENDED | REG_NOSUB))
		return false;
	regfree(&r);
	return true;
}

bool wildcard_matches(const char *wildcard, const char *impu)
{
	size_t prefix = strcspn(wildcard, "!"), len = strlen(impu), tail;
	const char *suffix;
	struct parts p;
	bool matches;
	regex_t r;

	if (!copy_pattern(wildcard, &p, &suffix))
		return false;
	tail = strlen(suffix);
	if (len > IMPU_MAX || len < prefix + tail || strncmp(impu, wildcard, prefix) != 0 ||
	    strcmp(impu + len - tail, suffix) != 0)
		return false;
	snprintf(p.middle, sizeof(p.middle), "%.*s", (int)(len - prefix - tail), impu + prefix);
	if (regcomp(&r, p.pattern, REG_EXTENDED | REG_NOSUB))
		return false;
	matches = regexec(&r, p.middle, 0, NULL, 0) == 0;
	regfree(&r);
	return matches;
}
