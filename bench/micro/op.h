/* op.h - small operations that are measured one by one
 *
 * An operation makes what it works on once, then does itself n times over inputs that differ,
 * so that neither the compiler nor the branch predictor learns one of them by heart. One
 * thread.
 */
#pragma once

#include <stdint.h>

struct op {
	const char *name; /* of the figures: NAME.ns, NAME.cycles, NAME.instructions */
	/* What run works on; NULL: the machine lacks something. */
	void *(*open)(void);
	/* n times. A number that depends on all results, so that none is left out. */
	uint64_t (*run)(void *ctx, uint32_t n);
	void (*close)(void *ctx);
};

enum { OP_INPUTS = 64 /* a power of two */ };

/* A record through a ring of abi/ring.h, in at one end and out at the other. */
extern const struct op op_ring;
/* A REGISTER from a worker to control's end of the punt ring, the time stamp included. */
extern const struct op op_punt;
/* A response checked against its challenge: SIP digest by MD5 and SHA-256, and AKAv1-MD5. */
extern const struct op op_digest_md5, op_digest_sha256, op_digest_aka;
/* The authentication vector of one challenge: Milenage f1 to f5. */
extern const struct op op_aka_vector;
/* Route look-up in a table as a node with three ports has it. */
extern const struct op op_route;
/* The keyed hash of an identity for the tables, and of one more of five parts for a branch. */
extern const struct op op_hash_table, op_hash_mac;
/* The dialog token of Record-Route: written, and read with its check. */
extern const struct op op_token_make, op_token_check;
/* Ten filter criteria that all have to be looked at, and none needs an expression. */
extern const struct op op_ifc;
