/* timer.h - a worker's timer wheel
 *
 * One wheel of slots of TIMER_TICK_MS; a timer further off than a turn stays in its slot for
 * more turns. Set, clear and fire are constant time. Timers are members of transaction records,
 * told apart by index: no pointers, so a record can be small.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { TIMER_TICK_MS = 8, TIMER_SLOTS = 8192, TIMER_NONE = -1 };

struct timer {
	uint64_t due_ms;    /* 0: not set */
	int32_t next, prev; /* in its slot; prev of the first is TIMER_NONE */
};

struct wheel {
	struct timer *timer; /* of all records, by index */
	uint64_t tick;       /* next tick to look at */
	uint32_t set;        /* timers set */
	int32_t resume; /* timer to go on with in the slot of `tick`, TIMER_NONE: from its start
			 */
	int32_t slot[TIMER_SLOTS];
};

void wheel_init(struct wheel *w, struct timer *timers, uint64_t now_ms);
/* Sets or moves a timer; due no earlier than the next tick. */
void wheel_set(struct wheel *w, int32_t index, uint64_t due_ms);
void wheel_clear(struct wheel *w, int32_t index);
static inline bool wheel_is_set(const struct wheel *w, int32_t index)
{
	return w->timer[index].due_ms != 0;
}
/* The index of a timer that is due and now cleared, or TIMER_NONE. */
int32_t wheel_expired(struct wheel *w, uint64_t now_ms);
/* Milliseconds until a timer may be due, at most `most`; looks ahead slot by slot. */
uint32_t wheel_next(const struct wheel *w, uint64_t now_ms, uint32_t most);
