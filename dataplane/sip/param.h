/* param.h - ";name=value" behind a Via, a name-addr or in a URI */
#pragma once

#include "sip/sip.h"

enum sip_param_step {
	SIP_PARAM_FOUND,
	SIP_PARAM_END, /* *rest does not go on with a ';' */
	SIP_PARAM_BAD, /* empty name, '=' without a value, unbalanced quotes */
};

struct sip_param {
	struct slice whole; /* from the ';' to the end of the value */
	struct slice name;
	struct slice value; /* as written, quotes included; p NULL: no '=' */
};

/* Takes one parameter from the front of *rest, white space around ';' and '=' allowed
 * (RFC 3261 §7.3.1). At SIP_PARAM_END *rest starts with what is not a parameter, white space
 * left out. Any thread. */
enum sip_param_step sip_param_next(struct slice *rest, struct sip_param *out);

/* Parameter by name without regard to case; true if there, *value as written (quotes included)
 * or empty if it has none. The first one counts; a malformed one ends the search. */
bool sip_param(struct slice params, struct slice name, struct slice *value);
