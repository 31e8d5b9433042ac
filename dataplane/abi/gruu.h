/* gruu.h - Globally Routable User Agent URIs (RFC 5627): the names of one terminal of a user
 *
 * A public one is "IMPU;gr=INSTANCE" and needs no memory. A temporary one is
 * "sip:OPAQUE@HOST;gr": the opaque part holds user, terminal and registration, enciphered and
 * with a keyed check (SipHash as both, the check as the nonce), so that it is resolved without
 * memory too, nobody else can make or read one, and two of the same terminal have nothing in
 * common. The key is the node's and outlives restarts. Any thread.
 */
#pragma once

#include "base/hash.h"
#include "base/text.h"

enum { GRUU_OPAQUE_LEN = 5 + 16 + 3 * 16 };

/* What a temporary GRUU stands for. */
struct gruu {
	uint64_t user;     /* token_user of the identity it was given for */
	uint64_t instance; /* gruu_instance */
	uint32_t call;     /* of the registration: the lower half of the hash of its Call-ID. A
			      REGISTER with another ends all earlier ones (RFC 5627 §5.4) */
	uint32_t serial;   /* makes each another one */
};

/* The keyed hash of an instance identifier: as in +sip.instance, with or without quotes and
 * angle brackets, or as in a gr parameter, with escapes. 0: empty, or too long to be one. */
uint64_t gruu_instance(const struct hash_key *key, struct slice instance);

/* Writes the public GRUU of an identity. False, and nothing written: the identity is no SIP
 * URI, or there is no instance. */
bool gruu_public_put(struct text *out, struct slice impu, struct slice instance);
/* Writes the temporary GRUU, at the identity's host. As above. */
bool gruu_temporary_put(struct text *out, const struct hash_key *key, struct slice impu,
			const struct gruu *g);
/* From the user part of a URI. False: not such a one, or not ours. */
bool gruu_temporary_get(struct slice user, const struct hash_key *key, struct gruu *out);
