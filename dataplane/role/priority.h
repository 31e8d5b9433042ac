/* priority.h - Resource-Priority (RFC 4412): whose, and what it is good for
 *
 * Namespaces and who may use them are configuration. A trusted peer's is believed; a terminal's
 * only if its user is named there, else it goes no further.
 */
#pragma once

#include "role/pass.h"

/* Require: resource-priority with nothing that is known here: 417, or from one who may not use
 * it, 403 (§4.6.1, §4.6.2). NEXT: it goes on. */
enum verdict priority_check(struct pass *p);
/* The request in hand goes ahead of others when more comes than can be carried. */
bool priority_is_ahead(const struct pass *p);
/* True if the sender, who is asserted as `identity`, may use all that this line says; the line
 * is one of Resource-Priority. */
bool priority_is_granted(const struct pass *p, struct slice identity, struct slice line);
