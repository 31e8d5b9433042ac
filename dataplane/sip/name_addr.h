/* name_addr.h - From, To, Contact, Route, Record-Route, Path, P-Asserted-Identity: a URI with
 * an optional display name in front and parameters behind (RFC 3261 §20.10) */
#pragma once

#include "sip/uri.h"

struct sip_name_addr {
	struct slice whole;   /* this element, without the comma */
	struct slice display; /* as written, quotes included */
	struct slice uri;     /* between the angle brackets, or the addr-spec */
	struct slice params;  /* header parameters, from the first ';' on */
	bool star;            /* Contact: * */
};

/* First element of `value`; *rest is what follows its comma. `what` is the error to give. */
enum sip_error sip_name_addr_decode(struct slice value, enum sip_error what,
				    struct sip_name_addr *out, struct slice *rest);

/* For what most parties have: `params` of an element that decoded is one tag and nothing else,
 * or is empty (*tag is too, then). False: it is otherwise; *tag is not set. */
bool sip_only_tag(struct slice params, struct slice *tag);

/* tag parameter of a From or To value; empty slice: none. */
struct slice sip_tag(struct slice value);

/* Walks all elements of all headers with one id, in the order of the message. */
struct sip_name_addr_walk {
	const struct sip_msg *msg;
	const struct sip_header *header;
	struct slice rest;
	enum sip_error error; /* what stopped the walk; SIP_OK: the end */
	enum sip_error what;
};
void sip_walk(struct sip_name_addr_walk *w, const struct sip_msg *msg, enum sip_header_id id,
	      enum sip_error what);
bool sip_walk_next(struct sip_name_addr_walk *w, struct sip_name_addr *out);
