/* idle.h - what a turn cost, and what to do when there was nothing to do. Owning worker only.
 */
#pragma once

#include "worker/worker.h"

enum {
	IDLE_SPINS = 64, /* empty turns before the first sleep */
	IDLE_MIN_NS = 20000,
	IDLE_MAX_NS = 500000,
};

/* First on the worker's thread. */
void idle_enter(struct worker *w);
/* Adds the turn to what the worker tells of itself in the region. */
void idle_account(struct worker *w);
/* Nothing in polling mode or after a turn with work; else sleeps, longer each time, but never
 * past the next timer of a transaction. */
void idle_wait(struct worker *w);
/* Nanoseconds to sleep after so many empty turns in a row; 0: none. Pure. */
uint32_t idle_sleep_ns(uint32_t empty_turns);
