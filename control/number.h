/* number.h - dialled numbers to global ones (RFC 3966 §5.1.5, TS 24.229 §5.4.3.2, §7.2A.10) */
#pragma once

#include "base/text.h"
#include "sip/uri.h"

struct conf;

enum number_result {
	NUMBER_GLOBAL,     /* it is one by now, "+" and digits */
	NUMBER_NONE,       /* the URI has no number to dial */
	NUMBER_INCOMPLETE, /* 484: digits are missing */
	NUMBER_UNKNOWN, /* 404: a service code, or of a numbering plan that is not known here */
};

/* uri: tel, or SIP with user=phone. info: P-Access-Network-Info, empty: none; it says where the
 * terminal is, for digits that are of no context, or of the visited place's ("geo-local."). A
 * context of our own domain is of the home network's plan; one that begins with "+" is a plan
 * by itself. out is appended to. Any thread. */
enum number_result number_global(const struct conf *conf, const struct sip_uri *uri,
				 struct slice info, struct text *out);
