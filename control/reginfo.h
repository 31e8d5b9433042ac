/* reginfo.h - what subscribers to a registration are told: who is registered where, and what
 * changed (RFC 3680 §5)
 *
 * A watch follows one registration set. Each change of a contact has a number; a document for a
 * subscriber who was told up to some number has what is later. So changes between two NOTIFYs
 * merge by themselves, and several subscribers may be told at different times. Loop thread
 * only.
 */
#pragma once

#include "base/hash.h"
#include "base/text.h"
#include "control/registration.h"

/* Why contacts of a set that are no more have gone, or why one ends earlier (RFC 3680 §5.3). */
enum reginfo_cause {
	REGINFO_REGISTER,    /* a REGISTER, or what it asked for: registered, refreshed,
				unregistered */
	REGINFO_EXPIRED,     /* time */
	REGINFO_DEACTIVATED, /* the network; the terminal is to register again */
	REGINFO_REJECTED,    /* the network; it is not */
	REGINFO_SHORTENED,   /* the network wants to see it earlier (TS 24.229 §5.4.1.6) */
};

struct watch;

/* As the set is now: nothing of it is news. NULL: no memory. */
struct watch *watch_new(const struct registration_set *set);
void watch_free(struct watch *w);
/* set: as it has become, NULL: it is gone. True if there is news. Without memory the news is
 * that all is to be told anew. */
bool watch_change(struct watch *w, const struct registration_set *set,
		  enum reginfo_cause cause);
/* The number of the last change. */
uint64_t watch_news(const struct watch *w);
/* True: no contact is left. */
bool watch_is_over(const struct watch *w);
/* All subscribers were told up to here. */
void watch_told(struct watch *w, uint64_t news);

struct reginfo_wish {
	uint64_t told; /* up to there the subscriber was told; 0: nothing yet, which is a full
			* one
			*/
	uint32_t version;
	const struct hash_key *key; /* of GRUUs (RFC 5628); NULL: none are told */
};
/* The document. *full says which it is: also where identities changed, or more than is kept.
 * Where it would be too long, without what the schema has no names for. False: no room. */
bool reginfo_put(struct text *out, const struct watch *w, const struct reginfo_wish *wish,
		 bool *full);
