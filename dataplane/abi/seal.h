/* seal.h - text that only this node can read: what a foreign network carries for us
 *
 * The token is the text encrypted under the node's key, with a keyed check of 128 bits, which
 * is also the initial vector (the construction of RFC 5297 over SipHash-2-4 and AES-128-CTR):
 * the same text gives the same token, so that a repeat needs no memory, and any worker, and the
 * node after a restart, opens it. Letters, digits, - and _ (RFC 4648 §5), fit for the user part
 * of a SIP URI and for a parameter.
 */
#pragma once

#include "base/hash.h"
#include "base/text.h"

enum {
	SEAL_TEXT_MAX = 1024, /* octets of the text */
	SEAL_TOKEN_MAX = (16 + SEAL_TEXT_MAX + 2) / 3 * 4,
};

struct seal;

/* At start, main thread, one for each worker. NULL: no memory. */
struct seal *seal_create(const struct hash_key *key);
void seal_destroy(struct seal *s);

/* Writes the token of a text, which opens only with the same `bound`: what it was made for.
 * False: too long, or no room in out. That worker only; allocates nothing. */
bool seal_close(struct seal *s, struct slice bound, struct slice plain, struct text *out);
/* Writes the text that a token stands for. False: not one of ours, or not for this; nothing is
 * written. That worker only; allocates nothing. */
bool seal_open(struct seal *s, struct slice bound, struct slice token, struct text *out);
