/* aka.h - authentication vectors and sequence numbers (TS 33.102 §6.3, Annex C) */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A subscriber's: for Milenage K and OPc of 16 octets, for TUAK K of 16 or 32 and TOPc of 32.
 */
struct aka_key {
	const uint8_t *k, *opc;
	bool tuak, k256;
};

struct aka_vector {
	uint8_t rand[16], autn[16], xres[8], ck[16], ik[16];
};

/* SQN of 48 bits: SEQ 43 bits, IND 5 bits (Annex C.1.1.1, C.3). The next: SEQ + 1; and IND + 1
 * modulo 32 with each batch, whose vectors are used in their order, while another batch may be
 * used before or after them. False, and *sqn as it was: SEQ is at its end, beyond which a USIM
 * does not go, and K is to be replaced. */
bool aka_sqn_next(uint64_t *sqn, bool new_batch);

/* One vector for the given SQN and RAND. 0 or -1. */
int aka_vector_make(const struct aka_key *key, const uint8_t amf[2], uint64_t sqn,
		    const uint8_t rand[16], struct aka_vector *out);

/* Resynchronisation (§6.3.5): checks AUTS' MAC-S (AMF* is zero) and gives SQN_MS. False: MAC-S
 * is wrong, change nothing. */
bool aka_auts_check(const struct aka_key *key, const uint8_t rand[16], const uint8_t auts[14],
		    uint64_t *sqn_ms);
/* The SQN to go on from, given the stored one and the terminal's (Annex C.3.4). */
uint64_t aka_resync(uint64_t sqn_he, uint64_t sqn_ms);
