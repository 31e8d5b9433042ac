/* prefer.h - caller preferences: Accept-Contact and Reject-Contact (RFC 3841 §7.2) */
#pragma once

#include "role/pass.h"

enum {
	PREFER_FULL = 1000,    /* the score of a contact that has all that is asked for */
	PREFER_PREDICATES = 6, /* of either header; more are passed over */
	PREFER_FEATURES = 16,  /* of one predicate; one with more is passed over */
};

/* One value of Accept-Contact or Reject-Contact. */
struct predicate {
	bool require, explicit;
	uint8_t n, n_tag;
	struct feature feature[PREFER_FEATURES];
};

struct preferences {
	uint32_t n_accept, n_reject;
	struct predicate accept[PREFER_PREDICATES], reject[PREFER_PREDICATES];
};

/* Of the request in hand. Without either header nothing but the numbers is set. */
void prefer_read(const struct pass *p, struct preferences *out);
/* False: the contact is not to be tried. Else *score, 0 to PREFER_FULL: how much of what is
 * asked for it says that it has. A contact that says nothing of itself is tried always. */
bool prefer_score(const struct preferences *wish, const struct registration *r,
		  const struct reg_contact *c, uint32_t *score);
