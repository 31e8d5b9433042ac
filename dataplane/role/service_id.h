/* service_id.h - communication services (RFC 6050; TS 24.229 §5.4.3.2 step 4, §5.4.3.3 step 4)
 *
 * A terminal prefers a service; the S-CSCF asserts it if the user is subscribed to it. Worker
 * only.
 */
#pragma once

#include "role/pass.h"

/* The calling user's: P-Preferred-Service goes, and p->service_id is what is asserted instead.
 * The first of several that the user is subscribed to; where the profile lists services and
 * none of these is one, 403. NEXT otherwise. */
enum verdict service_id_caller(struct pass *p, uint32_t index);
/* The called user's: what the caller's network asserts and this user is not subscribed to goes.
 */
void service_id_called(struct pass *p, uint32_t index);
/* What is asserted, into a request that does not leave the trust domain but to a terminal. */
void service_id_leave(struct pass *p);
