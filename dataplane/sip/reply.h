/* reply.h - a response to a request (RFC 3261 §8.2.6, §18.2.1, RFC 3581) */
#pragma once

#include "base/addr.h"
#include "sip/via.h"

struct sip_reply {
	uint16_t status;
	struct slice reason;  /* Reason-Phrase; empty: the standard one of the status */
	struct slice to_tag;  /* added if the request's To has none; empty: none (100) */
	struct slice headers; /* further whole lines with CRLF, or empty */
	struct slice body;    /* empty: none */
	/* Of the request: adds received and rport to the top Via. NULL: it stays as it is. */
	const struct addr *source;
	uint32_t skip_vias; /* whole Via lines at the top that are left out, with source NULL */
	bool record_route;  /* copy Record-Route too (answers that make a dialog) */
};

/* Writes the whole response to out; false if it does not fit or the request lacks what
 * is needed. Any thread. */
bool sip_reply_write(const struct sip_msg *request, const struct sip_reply *r,
		     struct text *out);

/* What RFC 3581 §4 and RFC 3261 §18.2.1 want in the top Via of a request from `source`:
 * ";received=192.0.2.4;rport=5060" is written to `append`, as far as it is needed. *rport is
 * the stretch of the Via that the text replaces, ';' included: a bare rport, or values someone
 * else put in (then the text repeats parameters that lie between). p NULL: there is none, the
 * text goes to the end of via->whole. */
void sip_via_received(const struct sip_via *via, const struct addr *source, struct text *append,
		      struct slice *rport);

/* "Not Found". "" for an unknown status. */
const char *sip_reason(uint16_t status);
