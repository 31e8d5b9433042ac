/* quoted.h - quoted-string and white space (RFC 3261 §25.1), by pointers */
#pragma once

#include "base/slice.h"

static inline const uint8_t *sip_skip_space(const uint8_t *p, const uint8_t *end)
{
	while (p < end && ascii_is_space(*p))
		p++;
	return p;
}

/* p points to the opening quote; gives what is behind the closing one, or NULL. An escaped
 * octet is any octet, a NUL or a quote included. */
static inline const uint8_t *sip_skip_quoted(const uint8_t *p, const uint8_t *end)
{
	for (p++; p < end; p++) {
		if (*p == '"')
			return p + 1;
		if (*p == '\\' && ++p == end)
			break;
	}
	return NULL;
}
