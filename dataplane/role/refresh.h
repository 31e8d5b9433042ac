/* refresh.h - refresh REGISTERs that need nobody else, answered here */
#pragma once

#include "role/pass.h"

/* Step of a request (TS 24.229 §5.2.2.3, §5.4.1.2.2A; RFC 3261 §10.3). A REGISTER that only
 * prolongs the one binding of the one user on its flow, whose address control declared to stand
 * for the user (ABI_CONTACT_PROTECTED), is answered as control would: with the same header
 * fields. PUNT with PUNT_REFRESHED, role_granted() and the 200 OK last in the outbox; or SEND
 * for a repeat, which changes nothing. All others, whatever is unusual about them, are NEXT:
 * control's, which challenges. */
enum verdict refresh_register(struct pass *p);
