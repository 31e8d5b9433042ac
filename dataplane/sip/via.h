/* via.h - Via (RFC 3261 §20.42, RFC 3581) */
#pragma once

#include "base/addr.h"
#include "sip/sip.h"

struct sip_via {
	struct slice whole;     /* this element, without the comma */
	struct slice transport; /* "UDP" */
	struct slice host;      /* sent-by; IPv6 with its brackets */
	uint16_t port;          /* sent-by; 0: none given */
	struct slice branch;
	struct slice received;
	struct slice params;  /* from the first ';' on */
	bool rport;           /* present */
	uint16_t rport_value; /* 0: without a value */
	bool has_ttl_or_maddr;
	struct slice maddr;
	/* From the first received or rport, ';' included, to the end of the last of them. */
	struct slice source;
};

/* The first element of `value`; *rest is what follows its comma (empty: it was the only one).
 */
enum sip_error sip_via_decode(struct slice value, struct sip_via *out, struct slice *rest);
/* Topmost Via of a message. */
enum sip_error sip_via_top(const struct sip_msg *msg, struct sip_via *out);
/* The second Via: where a response goes next. SIP_E_VIA_MISSING if there is none. */
enum sip_error sip_via_second(const struct sip_msg *msg, struct sip_via *out);

/* Where a response to a request with this top Via goes (RFC 3261 §18.2.2, RFC 3581 §4):
 * received and rport if there, else the sent-by if it is an address. False: it is a name. maddr
 * is not followed. */
bool sip_via_destination(const struct sip_via *via, struct addr *out);
