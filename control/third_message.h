/* third_message.h - the text of a third-party REGISTER (TS 24.229 §5.4.1.7, §7.6)
 *
 * Pure; any thread.
 */
#pragma once

#include "base/text.h"

/* What the filter criterion wants the Application Server to see. */
struct third_body {
	struct slice service;  /* ServiceInfo; empty: none */
	struct slice request;  /* the REGISTER as it came; empty: none */
	struct slice response; /* its 200 OK; empty: none */
	uint64_t boundary;     /* of the parts: drawn at random, so that no part has it */
};

/* Content-Type and body: nothing, one thing, or multipart/mixed (RFC 2046 §5.1). False: it does
 * not fit, and what was written is of no use. */
bool third_body_put(const struct third_body *b, struct text *type, struct text *body);

struct third_message {
	struct slice server;  /* SIP URI of the Application Server */
	struct slice scscf;   /* our own URI: From and Contact */
	struct slice to;      /* public identity, a URI */
	uint64_t key, serial; /* name the registration at this server, and its state: Call-ID */
	uint32_t cseq;
	uint32_t expires;     /* seconds; 0: the registration is over */
	struct slice headers; /* whole lines; of access and charging, for whom we trust */
	struct slice type, body;
};

/* The request, complete but for the top Via. False: it does not fit. */
bool third_message_put(const struct third_message *m, struct text *out);
