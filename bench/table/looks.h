/* looks.h - what a worker asks of the tables for a burst of messages, and its time */
#pragma once

#include "table/registration.h"

/* Thread registered with urcu-qsbr. Cycles of the time stamp counter for one message, the mean
 * of `bursts` bursts of BURST_MAX users chosen at random among `users`. What a burst asks for
 * is made up before its time begins, as a message is in the cache before it is looked at. */

/* From an identity's text and a source address to both registrations and their contacts: both
 * hashes, both stages of prefetching over the burst, both look-ups. */
double looks_lookup(const struct tables *t, uint64_t users, uint32_t bursts);
/* The same without prefetching: each look-up waits for its own memory. */
double looks_alone(const struct tables *t, uint64_t users, uint32_t bursts);
/* An in-dialog request: from the hash in the token to the registration and its contact on the
 * flow the request came from; both stages of prefetching. */
double looks_user(const struct tables *t, uint64_t users, uint32_t bursts);
