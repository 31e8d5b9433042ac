/* services.h - Application Servers in the way of a request (TS 24.229 §5.4.3.2, §5.4.3.3, §5.7)
 *
 * The criteria of the served user's profile are asked in their order, and the request goes to
 * the first server whose criterion holds, with a Route of ours below the server's: its user
 * part is the original dialog identifier (abi/token.h), by which the request is known when it
 * comes back, on any worker and after a restart, and the chain goes on behind that criterion.
 *
 * A request that goes to a server is kept: where none of the server's addresses answers, or
 * with 408 or 5xx and nothing before, the chain goes on without it or ends, as the criterion
 * says (DefaultHandling).
 */
#pragma once

#include "ifc/ifc.h"
#include "role/pass.h"

/* The next server for the user that `index` of the set is. NEXT with targets: it is on its way;
 * NEXT without: no criterion is left. Else answered, or, of a request that was only to go on,
 * DROP: what the server said is the answer. */
enum verdict services_ask(struct pass *p, const struct registration *set, uint32_t index,
			  enum ifc_case session_case);

/* The case of a user of this set. */
enum ifc_case services_case(const struct registration *set, enum ifc_case registered);

/* Of a request that comes back with an original dialog identifier: whose chain it is. NULL: he
 * is not here any more. */
const struct registration *services_user(const struct pass *p, uint32_t *index);

/* A request with such an identifier: answered if it is not to go on (403, 481, 482), else NEXT.
 */
enum verdict services_check(struct pass *p);
