/* reginfo_read.h - what a reginfo document says (RFC 3680 §5)
 *
 * It comes from another node and is distrusted: no DTD, no entities, no network, bounded in
 * size and depth. Any thread.
 */
#pragma once

#include "base/limits.h"
#include "base/slice.h"

struct reginfo_head {
	uint32_t version;
	bool full; /* what is not in the document is not registered */
};

struct reginfo_contact {
	char uri[SIP_URI_MAX + 1];
	bool terminated;  /* else active */
	bool shortened;   /* its event (§5.3) */
	uint32_t expires; /* seconds; UINT32_MAX: not said */
};

/* Calls each with every contact of every registration: one that is registered under several
 * identities comes several times; one whose URI is too long does not come. The contact lasts as
 * long as the call. False: it is no reginfo document, or a hostile one; each may have been
 * called already. */
bool reginfo_read(struct slice xml, struct reginfo_head *head,
		  void (*each)(void *ctx, const struct reginfo_contact *contact), void *ctx);
