/* unregistered.h - users who are served although they are not registered (TS 24.229 §5.4.3.3,
 * TS 29.228 §6.1.2)
 *
 * Their sets have the role ABI_REG_UNREGISTERED and no contacts. They stand among the
 * registrations, so that PPR and RTR find them, for control.unregistered-ttl; then the HSS
 * hears that we have let go of the user (TIMEOUT_DEREGISTRATION), and asks somebody else next
 * time, or us. A REGISTER takes the set's place.
 *
 * They are not on disk: nobody has been promised anything, and the HSS, which keeps our name,
 * sends the next request for such a user here, where it is asked for the profile anew. Loop
 * thread only.
 */
#pragma once

#include "control/registration.h"
#include "cx/cx.h"

struct control;
struct unregistereds;

enum { UNREGISTERED_MAX = 65536 /* more: the oldest are let go before their time */ };

/* Needs c->registrations, persist, installer and registrar; c->cx when they end. NULL: no
 * memory. */
struct unregistereds *unregistereds_open(struct control *c);
void unregistereds_close(struct unregistereds *u);

/* The set of an answer to SAR UNREGISTERED_USER for `impu`, in c->registrations, not installed
 * yet. NULL: the profile is of no use, or no memory. */
struct registration_set *unregistered_take(struct unregistereds *u, const char *impu,
					   const struct cx_saa *a);

struct unregistered_stats {
	uint32_t n;
	uint64_t served, expired, evicted, refused;
};
void unregistered_stats(const struct unregistereds *u, struct unregistered_stats *out);
