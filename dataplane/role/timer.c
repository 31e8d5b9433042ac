/* timer.c - a worker's timer wheel */
#include "role/timer.h"

static uint32_t slot_of(uint64_t due_ms)
{
	return (uint32_t)(due_ms / TIMER_TICK_MS) & (TIMER_SLOTS - 1);
}

void wheel_init(struct wheel *w, struct timer *timers, uint64_t now_ms)
{
	w->timer = timers;
	w->tick = now_ms / TIMER_TICK_MS;
	w->set = 0;
	w->resume = TIMER_NONE;
	for (uint32_t i = 0; i < TIMER_SLOTS; i++)
		w->slot[i] = TIMER_NONE;
}

void wheel_clear(struct wheel *w, int32_t index)
{
	struct timer *t = &w->timer[index];

	if (t->due_ms == 0)
		return;
	if (w->resume == index)
		w->resume = t->next;
	if (t->prev == TIMER_NONE)
		w->slot[slot_of(t->due_ms)] = t->next;
	else
		w->timer[t->prev].next = t->next;
	if (t->next != TIMER_NONE)
		w->timer[t->next].prev = t->prev;
	t->due_ms = 0;
	w->set--;
}

void wheel_set(struct wheel *w, int32_t index, uint64_t due_ms)
{
	struct timer *t = &w->timer[index];
	uint64_t earliest = (w->tick + 1) * TIMER_TICK_MS;

	wheel_clear(w, index);
	if (due_ms < earliest)
		due_ms = earliest;
	int32_t *slot = &w->slot[slot_of(due_ms)];
	*t = (struct timer){.due_ms = due_ms, .next = *slot, .prev = TIMER_NONE};
	if (*slot != TIMER_NONE)
		w->timer[*slot].prev = index;
	*slot = index;
	w->set++;
}

int32_t wheel_expired(struct wheel *w, uint64_t now_ms)
{
	uint64_t now_tick = now_ms / TIMER_TICK_MS;

	/* A worker that slept long looks at each slot once, not at each tick. */
	if (now_tick > w->tick + TIMER_SLOTS) {
		w->tick = now_tick - TIMER_SLOTS;
		w->resume = TIMER_NONE;
	}
	while (w->tick < now_tick) {
		int32_t i = w->resume != TIMER_NONE ? w->resume
						    : w->slot[w->tick & (TIMER_SLOTS - 1)];
		for (; i != TIMER_NONE; i = w->timer[i].next) {
			if (w->timer[i].due_ms > now_ms)
				continue;
			w->resume = w->timer[i].next;
			wheel_clear(w, i);
			/* The end of the slot: the next call starts with the next tick. */
			if (w->resume == TIMER_NONE)
				w->tick++;
			return i;
		}
		w->resume = TIMER_NONE;
		w->tick++;
	}
	return TIMER_NONE;
}

uint32_t wheel_next(const struct wheel *w, uint64_t now_ms, uint32_t most)
{
	if (w->set == 0)
		return most;
	for (uint32_t ahead = 0; ahead * TIMER_TICK_MS < most && ahead < TIMER_SLOTS; ahead++) {
		uint64_t tick = w->tick + ahead;

		if (w->slot[tick & (TIMER_SLOTS - 1)] == TIMER_NONE)
			continue;
		uint64_t due = (tick + 1) * TIMER_TICK_MS;
		return due <= now_ms         ? 0
		       : due - now_ms < most ? (uint32_t)(due - now_ms)
					     : most;
	}
	return most;
}
