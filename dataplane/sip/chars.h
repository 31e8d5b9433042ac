/* chars.h - the character sets of RFC 3261 §25.1, one bit each */
#pragma once

#include "base/slice.h"

enum sip_chars {
	SIP_C_TOKEN = 1,  /* token: methods, header names, tags, branches */
	SIP_C_USER = 2,   /* userinfo but for escapes; '#' too, as dial strings have it */
	SIP_C_HOST = 4,   /* host name; '_' too, as host names in use have it */
	SIP_C_PARAM = 8,  /* value of a parameter that is not quoted */
	SIP_C_URI = 16,   /* anything that may stand in a URI */
	SIP_C_DIGITS = 32, /* telephone number with visual separators (RFC 3966 §3) */
	SIP_C_PHRASE = 64, /* display name without quotes: tokens, white space, octets above 127 */
	SIP_C_BARE = 128, /* unreserved: its escape means the same (RFC 3261 §19.1.4) */
};

extern const uint8_t sip_chars[256];

static inline bool sip_is(uint8_t c, enum sip_chars set)
{
	return sip_chars[c] & set;
}

/* Every octet of s belongs to the set; true for an empty s. */
static inline bool sip_all(struct slice s, enum sip_chars set)
{
	uint8_t in = (uint8_t)set;

	for (uint32_t i = 0; i < s.len; i++)
		in &= sip_chars[s.p[i]];
	return in != 0;
}

/* One token: not empty. */
static inline bool sip_is_token(struct slice s)
{
	return s.len > 0 && sip_all(s, SIP_C_TOKEN);
}
