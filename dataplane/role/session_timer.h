/* session_timer.h - session timers, as a proxy takes part in them (RFC 4028 §8)
 *
 * Where the node's policy gives sessions a time, an INVITE that names none gets it, and a
 * caller who can refresh is told so even if the called side knows nothing of it: whether that
 * is to happen stands in the branch of our Via. Control watches for what is not refreshed
 * (control/session.h).
 */
#pragma once

#include "role/pass.h"

/* A step of the way of a request. SEND: answered 422, the interval is too brief (§8.1). */
enum verdict session_timer_request(struct pass *p);

/* A response on its way back: of a 2xx to an INVITE that was given its time here, and of whose
 * callee none is heard, the caller refreshes (§8.2). */
void session_timer_response(struct pass *p);

/* True of a 2xx to UPDATE that refreshes a session, for control to know. */
bool session_timer_is_refresh(const struct pass *p);
