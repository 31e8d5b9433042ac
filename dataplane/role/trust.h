/* trust.h - the edge of the trust domain (TS 24.229 §4.4, RFC 3325, RFC 3323): what crosses it
 */
#pragma once

#include "role/pass.h"

enum trust_side {
	TRUST_HOME, /* a node of the trust domain */
	TRUST_UE,
	TRUST_FOREIGN, /* another network, in which we have no trust */
};

/* On which side a node is that is no terminal: a peer as its configuration says; any other is
 * foreign. */
enum trust_side trust_side_of(const struct node *n, const struct addr *a);
/* True if the node there is to see nothing of our topology. */
bool trust_hides_from(const struct node *n, const struct addr *a);

/* Takes out of the message in hand what may not go from the one side to the other, by the table
 * in trust.def. */
void trust_cross(struct pass *p, enum trust_side from, enum trust_side to);
/* What of a message from there never goes on, whatever it says, by header id; NULL: everything
 * may. */
const bool *trust_never_from(enum trust_side side);
/* True if the message asks that the sender's identity stays in the trust domain. */
bool trust_is_private(const struct pass *p);
