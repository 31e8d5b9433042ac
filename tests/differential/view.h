/* view.h - what a parser says about a message, in words that can be compared */
#pragma once

#include "base/slice.h"

enum field {
	F_METHOD, /* request */
	F_STATUS,
	F_URI, /* scheme, user without escapes, host, port */
	F_CALL_ID,
	F_CSEQ_NUMBER,
	F_CSEQ_METHOD,
	F_VIAS, /* how many */
	F_BRANCH,
	F_FROM_TAG,
	F_TO_TAG,
	F_ROUTES, /* how many */
	FIELDS,
};

enum { WORD_MAX = 2048 };

struct view {
	char word[FIELDS][WORD_MAX]; /* "" where there is nothing to say */
};

/* Each gives false if its parser refuses the message. */
bool view_ours(struct slice message, struct view *out);
bool view_osip(struct slice message, struct view *out);

/* Cut to fit; NUL octets become "\0" in two letters, so that nothing hides behind one. */
void view_put(char word[WORD_MAX], struct slice s);
void view_put_lower(char word[WORD_MAX], struct slice s);
void view_put_number(char word[WORD_MAX], uint64_t n);
