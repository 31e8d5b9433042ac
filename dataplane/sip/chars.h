/* chars.h - the character sets of RFC 3261 §25.1, one bit each */
#pragma once

#include <immintrin.h>

#include "base/slice.h"

enum sip_chars {
	SIP_C_TOKEN = 1,   /* token: methods, header names, tags, branches */
	SIP_C_USER = 2,    /* userinfo but for escapes; '#' too, as dial strings have it */
	SIP_C_HOST = 4,    /* host name; '_' too, as host names in use have it */
	SIP_C_PARAM = 8,   /* value of a parameter that is not quoted */
	SIP_C_URI = 16,    /* anything that may stand in a URI */
	SIP_C_DIGITS = 32, /* telephone number with visual separators (RFC 3966 §3) */
	SIP_C_PHRASE = 64, /* display name without quotes: tokens, white space, 8-bit octets */
	SIP_C_BARE = 128,  /* unreserved: its escape means the same (RFC 3261 §19.1.4) */
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

/* All ones for each octet that is not visible ASCII: controls, space, above 126. */
static inline __m128i sip_hidden16(__m128i x)
{
	/* Octets above 127 are negative here. */
	return _mm_or_si128(_mm_cmplt_epi8(x, _mm_set1_epi8('!')),
			    _mm_cmpeq_epi8(x, _mm_set1_epi8(127)));
}

static inline __m128i sip_load16(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* What sip_all says of SIP_C_URI: visible, and none of '"', '<', '>'. The last 16 octets are
 * looked at together, even if some were looked at before. */
static inline bool sip_all_uri(struct slice s)
{
	__m128i bad = _mm_setzero_si128();

	if (s.len < 16)
		return sip_all(s, SIP_C_URI);
	for (uint32_t i = 0; i < s.len; i += 16) {
		__m128i x = sip_load16(s.p + (i + 16 <= s.len ? i : s.len - 16));
		__m128i angle = _mm_and_si128(x, _mm_set1_epi8((char)0xfd));

		bad = _mm_or_si128(bad, sip_hidden16(x));
		bad = _mm_or_si128(bad, _mm_cmpeq_epi8(x, _mm_set1_epi8('"')));
		bad = _mm_or_si128(bad, _mm_cmpeq_epi8(angle, _mm_set1_epi8('<')));
	}
	return _mm_movemask_epi8(bad) == 0;
}

/* Visible ASCII only. */
static inline bool sip_all_visible(struct slice s)
{
	__m128i bad = _mm_setzero_si128();

	if (s.len < 16) {
		for (uint32_t i = 0; i < s.len; i++)
			if ((uint8_t)(s.p[i] - '!') > '~' - '!')
				return false;
		return true;
	}
	for (uint32_t i = 0; i < s.len; i += 16)
		bad = _mm_or_si128(bad, sip_hidden16(sip_load16(
						s.p + (i + 16 <= s.len ? i : s.len - 16))));
	return _mm_movemask_epi8(bad) == 0;
}
