/* third_party.h - which Application Servers hear of a registration, and what (TS 24.229
 * §5.4.1.7)
 *
 * The filter criteria of each service profile in the set are asked with the REGISTER, or, where
 * the network ends a registration, with the one by which its user would have. A server hears
 * once of each profile, under its first identity that is not barred, always the same: it learns
 * of the others by subscribing to the reg event. Expires says how long the contact lasts that
 * lasts longest. Emergency registrations are nobody's business (§5.4.8.2).
 *
 * Where no S-CSCF runs (c->owed is NULL) nothing is done here. Loop thread only.
 */
#pragma once

#include "control/registration.h"
#include "sip/sip.h"

struct control;
struct registering;

/* What g brings about goes to disk with its set, in the same commit: `set` as it will be, or,
 * with `over`, as it was. */
void third_party_stage(struct registering *g, const struct registration_set *set, bool over);
/* It is on disk and in the data plane, and the servers are told; or it is not. */
void third_party_settle(struct registering *g, bool done);
/* A worker answered the refresh m. */
void third_party_refreshed(struct control *c, const struct registration_set *set,
			   const struct sip_msg *m);
/* The network, or time, ended the registration of the set. */
void third_party_over(struct control *c, const struct registration_set *set);
