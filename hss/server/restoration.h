/* restoration.h - what an S-CSCF wants back should it lose its state, as the store keeps it
 *
 * TS 23.380 §4, TS 29.228 §6.1.2. The store keeps octets; these are made here and read here
 * alone. Any thread.
 */
#pragma once

#include "cx/cx.h"
#include "store/store.h"

/* The octets of r, at most STORE_RESTORATION_MAX, in memory; contacts beyond that are left out,
 * the last first. */
struct slice restoration_encode(const struct cx_restoration *r,
				uint8_t memory[STORE_RESTORATION_MAX]);
/* Its slices point into info. False: not what restoration_encode made. */
bool restoration_decode(struct slice info, struct cx_restoration *out);
/* Octets that r takes in a message, at most. */
uint32_t restoration_octets(const struct cx_restoration *r);
