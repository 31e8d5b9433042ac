/* token.h - what we write into Record-Route and Path, and nobody else can
 *
 * A token is the user part of a SIP URI of ours: letters and digits only. It ends with a keyed
 * check (SipHash-2-4, 64 bits), so that in-dialog requests need no dialog table and a forged
 * token is told from ours. The key is the node's and outlives restarts. Any thread.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"

enum { TOKEN_TEXT_MAX = 80, TOKEN_DIALOG_LEN = 1 + 2 + 16 + 16 + 16 };

/* Record-Route: who talks in this dialog. Bound to the Call-ID: who knows the token has it from
 * a message that shows Call-ID and tags alike, so the tags would bind no closer. */
struct token_dialog {
	uint8_t legs;  /* enum token_legs */
	uint64_t orig; /* hash of the served originating user's identity (token_user), 0: none
			  here */
	uint64_t term; /* the same of the terminating user */
};

enum token_legs {
	TOKEN_ORIG_UE = 1,   /* the caller's flow ends at this node */
	TOKEN_TERM_UE = 2,   /* the callee's flow ends at this node */
	TOKEN_ORIG_PEER = 4, /* the caller's side is a trusted peer */
	TOKEN_TERM_PEER = 8,
	TOKEN_ORIG_FLOW = 16, /* the caller is not registered: his flow is all that is known */
};

/* A user's short name in tokens: a hash of the canonical identity keyed with the node's key. */
uint64_t token_user(const struct hash_key *key, struct slice impu);
/* The same, of the identity's hash in the tables. */
static inline uint64_t token_user_of(uint64_t hash)
{
	return hash ? hash : 1; /* 0 is nobody */
}

void token_dialog_put(struct text *out, const struct hash_key *key,
		      const struct token_dialog *d, struct slice call_id);
/* False: not such a token, or not ours, or of another dialog. */
bool token_dialog_get(struct slice user, const struct hash_key *key, struct slice call_id,
		      struct token_dialog *out);

/* Record-Route of a call for help whose caller is not registered: his flow, bound to the
 * Call-ID. */
void token_flow_put(struct text *out, const struct hash_key *key, const struct addr *flow,
		    struct slice call_id);
bool token_flow_get(struct slice user, const struct hash_key *key, struct slice call_id,
		    struct addr *flow);

/* The original dialog identifier of a request that is at an Application Server (TS 24.229
 * §5.4.3.4): whose services it runs through, and how far it has come. Bound to no Call-ID, for
 * a server that ends the one dialog and begins another still goes on with it. */
struct token_chain {
	uint64_t user;        /* hash of the served identity */
	uint32_t priority;    /* of the criterion */
	uint32_t minute;      /* when it was made */
	uint8_t session_case; /* enum ifc_case */
	uint8_t length;       /* servers before this one */
};
void token_chain_put(struct text *out, const struct hash_key *key, const struct token_chain *c);
/* False: not such a token, or not ours. */
bool token_chain_get(struct slice user, const struct hash_key *key, struct token_chain *out);
/* True if it looks like one, whoever made it. */
bool token_is_chain(struct slice user);

/* The charging identifier of all that one Call-ID stands for, 32 digits (RFC 7315 §4.6): as
 * unique as that (RFC 3261 §8.1.1.4), the same in every request of a dialog, and known to
 * whoever has the node's key. */
void token_icid_put(struct text *out, const struct hash_key *key, struct slice call_id);

/* Path: the UE's flow behind this P-CSCF. */
void token_path_put(struct text *out, const struct hash_key *key, const struct addr *flow);
bool token_path_get(struct slice user, const struct hash_key *key, struct addr *flow);
