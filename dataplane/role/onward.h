/* onward.h - what leaves the network, by the ways that control has installed (TS 24.229
 * §5.4.3.2, RFC 3263 §4.3)
 *
 * A way has up to four next hops. A request goes to the first that did not fail lately, and is
 * kept: where that says nothing for T2, or 503 and nothing before, the next has its turn.
 * Worker only.
 */
#pragma once

#include "role/pass.h"

/* The way of a foreign domain that the Request-URI names, or of the number that p->called is.
 * True: the target is set. False: none is known here, or, of a request that was only to go on,
 * none is left. */
bool onward_domain(struct pass *p);
bool onward_number(struct pass *p);

/* The Request-URI has a number that control may know a way for: a global one, or, where there is
 * a numbering plan, one that was dialled without its country (TS 24.229 §5.4.3.2). */
bool onward_is_number(const struct pass *p);
