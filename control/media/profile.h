/* profile.h - what media a session may have (TS 24.229 §6.2): codecs, number, bandwidth */
#pragma once

#include "base/text.h"
#include "media/sdp.h"

enum { PROFILE_CODECS_MAX = 32, PROFILE_CODEC_MAX = 31 };

struct media_profile {
	uint32_t n_codec; /* 0: any */
	char codec[PROFILE_CODECS_MAX][PROFILE_CODEC_MAX + 1];
	uint32_t streams;   /* m-lines in use at one time; 0: any number */
	uint64_t bandwidth; /* bits per second of one m-line, as b=AS or TIAS says; 0: any */
};

/* NULL: it may be offered. Else what may not. */
const char *media_profile_check(const struct media_profile *p, const struct sdp *offer);
/* A description that could be offered in its place, for the body of a 488 (RFC 3261 §21.4.26):
 * only the formats allowed, and refused sections with port 0. */
void media_profile_put(const struct media_profile *p, const struct sdp *offer,
		       struct text *out);
