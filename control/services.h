/* services.h - the service profiles of registered users (TS 29.228 §B.2.1)
 *
 * What an S-CSCF does with a profile that it cannot use whole: it serves the user without the
 * broken criterion, and says so once for each profile, not for each user who has it. Loop
 * thread only.
 */
#pragma once

#include "base/json.h"
#include "control/registration.h"

struct services;

/* shared_file: the shared sets, "" for none; it is read here and not again. NULL with a
 * sentence in error (256 octets): it is broken, or there is no memory. */
struct services *services_open(const char *shared_file, char *error);
/* NULL is allowed. */
void services_close(struct services *s);

/* The compiled profile of one identity. */
struct service_profile {
	uint64_t id;         /* the same for the same octets; 0: it asks for no services */
	struct slice octets; /* struct ifc; until the next call of any function here */
};

/* Of each identity of a set that we are registrar of. s NULL, or a set of another's: none has
 * any. */
void services_of(struct services *s, const struct registration_set *set,
		 struct service_profile profile[SET_IMPUS_MAX]);

/* User-Data that was just taken for good: criteria in it that are broken become events. s NULL:
 * nobody asks for services here. */
void services_look(struct services *s, const char *impi, struct slice user_data);

/* The answer to `sakerctl ifc test`: an object with a row for each criterion of the identity's
 * profile, or an error. `request` is a SIP request; session_case and registration as in
 * criteria/explain.h. */
void services_explain(struct services *s, const struct registration_set *set, const char *impu,
		      const char *session_case, const char *registration, struct slice request,
		      struct json *out);
