/* uri.h - sip, sips and tel URIs (RFC 3261 §19.1, RFC 3966), and canonical public identities */
#pragma once

#include "base/addr.h"
#include "sip/param.h"

enum sip_scheme {
	SIP_SCHEME_SIP,
	SIP_SCHEME_SIPS,
	SIP_SCHEME_TEL,
	SIP_SCHEME_URN,
	SIP_SCHEME_OTHER
};

struct sip_uri {
	enum sip_scheme scheme;
	struct slice whole;
	struct slice user; /* as written, escapes inside; tel: the number */
	struct slice password;
	struct slice host;    /* IPv6 with its brackets; empty for tel and urn */
	uint16_t port;        /* 0: none given */
	struct slice params;  /* from the first ';' on, without the headers */
	struct slice headers; /* behind '?' */
};

/* The whole of `s` is one URI. SIP_E_URI: malformed; SIP_E_SCHEME is not given here: other
 * schemes decode with SIP_SCHEME_OTHER and only `whole` and `user` (all behind the colon) set.
 */
enum sip_error sip_uri_decode(struct slice s, struct sip_uri *out);

/* sip_uri.host and port as an address; default_port if none given. False: it is a name. */
bool sip_uri_addr(const struct sip_uri *uri, uint16_t default_port, struct addr *out);

/* The canonical form in which public identities are compared and hashed (RFC 3261 §19.1.4, RFC
 * 3966 §4, TS 23.003 §13.4): "sip:user@host" with unneeded escapes undone, host in lower case,
 * port kept, parameters and password left out; sips like sip; user=phone with a global number,
 * and tel:, as "tel:+digits" with visual separators left out. False: it does not fit,
 * or is no identity (no user, or a local telephone number); *out is as before then. */
bool sip_uri_identity(const struct sip_uri *uri, struct text *out);
