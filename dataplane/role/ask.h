/* ask.h - a request that waits for what control finds out */
#pragma once

#include "role/pass.h"

/* True if control has said where the request goes. */
static inline bool ask_is_answered(const struct pass *p)
{
	return p->resume && p->resume->locate != LOCATE_PASS &&
	       p->resume->locate != LOCATE_GRANTED;
}

/* PUNT, for the reason PUNT_LOCATE or PUNT_AUTHENTICATE: an INVITE is held in a server
 * transaction, which answers repeats; of others control knows repeats. SEND: answered 503. */
enum verdict ask(struct pass *p, enum abi_punt_reason reason);
