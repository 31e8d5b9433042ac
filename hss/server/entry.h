/* entry.h - a subscriber as keys and values, the way an operator writes it
 *
 * `sub add` and `sub set` take KEY=VALUE, CSV has columns and JSON has members of the same
 * names. An entry collects them, checks each, and makes of them what the store keeps: OPc
 * instead of OP, HA1 instead of the password. Whoever has an entry wipes it. No error ever
 * quotes a value: in a file whose columns have moved, any value may be a key. Any thread; one
 * entry, one thread.
 *
 * Lists: identities are separated by ';' where a scheme follows, so that a URI may have
 * parameters; networks, capabilities (numbers), S-CSCFs (SIP URIs) and charging functions
 * (Diameter URIs or hosts) by ';'. impu_profile is a list of "IMPU NAME".
 */
#pragma once

#include "base/addr.h"
#include "store/store.h"

/* ENTRY_KEYS(X): X(id, name), in the order of an export. */
#define ENTRY_KEYS(X)                                                                          \
	X(IMPI, "impi")                                                                        \
	X(IMPU, "impu")                                                                        \
	X(K, "k")                                                                              \
	X(OP, "op")                                                                            \
	X(OPC, "opc")                                                                          \
	X(TOP, "top")                                                                          \
	X(TOPC, "topc")                                                                        \
	X(AMF, "amf")                                                                          \
	X(SQN, "sqn")                                                                          \
	X(PASSWORD, "password")                                                                \
	X(HA1, "ha1")                                                                          \
	X(HA1_SHA256, "ha1_sha256")                                                            \
	X(REALM, "realm")                                                                      \
	X(GIBA, "giba")                                                                        \
	X(VISITED, "visited")                                                                  \
	X(SUBSCRIPTION, "subscription")                                                        \
	X(PROFILE, "profile")                                                                  \
	X(IMPU_PROFILE, "impu_profile")                                                        \
	X(BARRED, "barred")                                                                    \
	X(DISPLAY, "display")                                                                  \
	X(CAPABILITIES, "capabilities")                                                        \
	X(CAPABILITIES_OPTIONAL, "capabilities_optional")                                      \
	X(SCSCF, "scscf")                                                                      \
	X(CCF, "ccf")                                                                          \
	X(ECF, "ecf")

enum entry_key {
#define X(id, name) ENTRY_##id,
	ENTRY_KEYS(X)
#undef X
		ENTRY_KEYS_MAX
};

enum {
	ENTRY_ERROR_MAX = STORE_ERROR_MAX,
	ENTRY_PASSWORD_MAX = 128,
};

struct entry {
	struct store_subscriber sub;
	uint32_t given; /* one bit a key */
	uint8_t op[16], top[32];
	char password[ENTRY_PASSWORD_MAX + 1];
	uint32_t n_barred, n_profiled;
	char barred[SET_IMPUS_MAX][IMPU_MAX + 1];
	char profiled[SET_IMPUS_MAX][IMPU_MAX + 1]; /* and what profile it has: */
	char profile_of[SET_IMPUS_MAX][STORE_NAME_MAX + 1];
};

/* What is not given. */
struct entry_defaults {
	const char *realm; /* of the digest */
	uint8_t amf[2];
};

/* The key of that name, in any case, "-" for "_"; -1: none. */
int entry_key(struct slice name);
/* The name that is nearest to a wrong one, or NULL if none is near. */
const char *entry_key_near(struct slice name);
const char *entry_key_name(enum entry_key key);

/* What `giba` says: an address, or a prefix of IPv6. False: neither. */
bool entry_framed(struct slice text, struct addr *out, uint8_t *bits);

/* Nothing given. */
void entry_clear(struct entry *e);
/* Takes a value; an empty one is as good as none, but that it empties the list or text of a
 * change. A key given again adds to a list (impu, visited, barred, impu_profile) and is refused
 * elsewhere. False with a sentence in error. */
bool entry_set(struct entry *e, enum entry_key key, struct slice value,
	       char error[ENTRY_ERROR_MAX]);
/* Makes a new subscriber, complete in e->sub, of what was given. False with a sentence in
 * error, and in *where the key it is about. */
bool entry_complete(struct entry *e, const struct entry_defaults *d, enum entry_key *where,
		    char error[ENTRY_ERROR_MAX]);
/* The same on top of the subscriber `old`: what was not given stays. OP or OPc comes with K or
 * stays; a new realm needs the password again. */
bool entry_change(struct entry *e, const struct store_subscriber *old,
		  const struct entry_defaults *d, enum entry_key *where,
		  char error[ENTRY_ERROR_MAX]);
/* Overwrites it all. */
void entry_wipe(struct entry *e);
