/* resources.h - the policy sessions of one call: one for each of its terminals here
 *
 * A call has two sides, and the called side several terminals while it is forked. A terminal
 * that moves has another access network: its old session is ended and a new one begun
 * (TS 24.229 §5.2.7, TS 29.214 §4.4.1). Loop thread only.
 */
#pragma once

#include "control/policy.h"
#include "media/sdp.h"

enum resources_side { RESOURCES_CALLER, RESOURCES_CALLED };
enum { RESOURCES_PARTIES = 6 };

struct resources {
	uint32_t n;
	struct resources_party {
		enum resources_side side;
		struct addr ue;
		struct policy_session *session;
	} party[RESOURCES_PARTIES];
};

struct resources_ask {
	enum resources_side side;
	struct addr ue;
	bool alone; /* nobody else is on this side any more */
	bool ue_offers;
	const struct sdp *offer, *answer; /* answer NULL: preliminary */
	struct slice identity, icid, service, name;
	void *owner;
};

/* False: nobody could be asked, and done is not called. */
bool resources_ask(struct resources *r, struct policy *p, const struct resources_ask *a,
		   policy_done *done, void *ctx);
/* Of this side only the terminal at this address is left. */
void resources_settle(struct resources *r, enum resources_side side, const struct addr *ue);
void resources_end(struct resources *r);
