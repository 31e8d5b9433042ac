/* sets.h - registration sets for the tests */
#pragma once

#include "control/registration.h"
#include "control/sa.h"

/* Identities "sip:userN@example.org" and "sip:userN-b@example.org"; n_contact contacts that
 * expire at expires + index. */
struct registration_set *make_set(uint32_t n, uint32_t n_contact, uint64_t expires);
/* The active associations of user n with make_set's n; the keys are C and K, sixteen times. */
struct sa *make_sa(uint32_t n);
