/* proxy.h - what every SIP proxy does with a request (RFC 3261 §16.3, §16.4) */
#pragma once

#include "role/pass.h"

/* Parses p->b into the pass and decodes what every step needs; p->error says why it could not.
 */
void proxy_parse(struct pass *p);
/* A message that could not be read: a request is answered, a response dropped. */
enum verdict proxy_refuse(struct pass *p);
/* §16.4: reads our own URIs on top of Route with their tokens, and finds the first that is not
 * ours. What goes is edited by forward.c. */
void proxy_routes(struct pass *p);
/* §16.3: Max-Forwards, loop, Proxy-Require, Route. */
enum verdict proxy_validate(struct pass *p);
/* Who sent it: the flow it came from, or a peer. */
void proxy_source(struct pass *p);
