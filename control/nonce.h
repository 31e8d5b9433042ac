/* nonce.h - challenges that wait for their response
 *
 * Bounded in number and in time: when it is full the oldest challenge makes room, so a flood of
 * REGISTERs costs no memory beyond the bound. What a response is checked with (XRES, HA1) lies
 * here and nowhere else, and is wiped when the challenge goes. Not kept over a restart: a nonce
 * of before is unknown, so it cannot be replayed. Loop thread only.
 */
#pragma once

#include "cx/cx.h"

enum { NONCE_TEXT_MAX = 64, NONCE_WINDOW = 64 };

struct challenge {
	struct challenge *chain;         /* same bucket; the store's own */
	struct challenge *older, *newer; /* the store's own */
	uint64_t expires_ms;             /* CLOCK_MONOTONIC */
	enum cx_auth_scheme scheme;      /* CX_AUTH_AKA or CX_AUTH_DIGEST */
	char nonce[NONCE_TEXT_MAX + 1];
	uint8_t rand[16]; /* AKA: for a resynchronisation */
	uint8_t xres[16];
	uint32_t xres_len;
	bool akav2; /* AKA: its second version was offered, too: */
	uint8_t ck[16], ik[16];
	char ha1[65], ha1_sha256[65];    /* Digest: hexadecimal, "" none */
	uint32_t nc;                     /* highest nonce count that was accepted */
	uint64_t nc_seen;                /* bit i: nc - i was */
	uint8_t syncs;                   /* resynchronisations in this chain of challenges */
	bool answered;                   /* at least one right response came */
	const char *impi, *impu, *realm; /* in `names` */
	char names[];
};

/* What a new challenge is made of; copied. */
struct challenge_seed {
	const struct cx_vector *vector;
	struct slice nonce, impi, impu, realm;
	uint8_t syncs;
	bool akav2; /* may be answered by AKAv2-MD5, too */
};

struct nonces;

/* unanswered is called for each challenge whose time ran out without a right response, before
 * it is freed; it must not call back into the store. max >= 1. NULL: no memory. */
struct nonces *nonces_new(uint32_t max, uint64_t ttl_ms,
			  void (*unanswered)(void *ctx, const struct challenge *c), void *ctx);
void nonces_free(struct nonces *n);
/* NULL: no memory, or a name or nonce that is too long. The challenge stays the store's. */
const struct challenge *nonces_add(struct nonces *n, const struct challenge_seed *seed,
				   uint64_t now_ms);
/* NULL: unknown or expired. Valid until the next call on the store. */
struct challenge *nonces_find(struct nonces *n, struct slice nonce, uint64_t now_ms);
/* Wipes and frees. */
void nonces_remove(struct nonces *n, struct challenge *c);
/* Ends at most `most` challenges that are due. */
void nonces_expire(struct nonces *n, uint64_t now_ms, uint32_t most);
uint32_t nonces_count(const struct nonces *n);
