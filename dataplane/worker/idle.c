/* idle.c - what a turn cost, and what to do when there was nothing to do */
#define _GNU_SOURCE /* sched_getcpu */
#include "worker/idle.h"

#include <sched.h>
#include <sys/prctl.h>
#include <time.h>

#include <urcu-qsbr.h>

#include "base/clock.h"

enum { SLOW_TURNS = 1024 /* between two looks at what changes slowly; a power of two */ };

/* Each of these has one writer: this worker. */
static void set(_Atomic uint64_t *to, uint64_t v)
{
	atomic_store_explicit(to, v, memory_order_relaxed);
}

static void add(_Atomic uint64_t *to, uint64_t n)
{
	set(to, atomic_load_explicit(to, memory_order_relaxed) + n);
}

void idle_enter(struct worker *w)
{
	/* Sleeps of some tens of microseconds are meant as such. */
	prctl(PR_SET_TIMERSLACK, 1000);
	w->start_tsc = clock_tsc();
	atomic_store_explicit(&w->shared->queues, net_queues(w->net), memory_order_relaxed);
}

void idle_account(struct worker *w)
{
	struct abi_worker *s = w->shared;
	uint64_t now = clock_tsc();

	w->turns++;
	set(&s->heartbeat, w->turns);
	set(&s->polls, w->turns);
	set(&s->total_cycles, now - w->start_tsc);
	if (w->busy) {
		add(&s->busy_cycles, now - w->begin_tsc);
		add(&s->busy_polls, 1);
		add(&s->messages, w->messages);
	}
	if ((w->turns & (SLOW_TURNS - 1)) == 1) {
		set(&s->transactions, role_transactions(w->role));
		atomic_store_explicit(&s->cpu, (uint32_t)sched_getcpu(), memory_order_relaxed);
	}
}

uint32_t idle_sleep_ns(uint32_t empty_turns)
{
	uint32_t step, ns = IDLE_MIN_NS;

	if (empty_turns < IDLE_SPINS)
		return 0;
	for (step = empty_turns - IDLE_SPINS; step > 0 && ns < IDLE_MAX_NS; step--)
		ns += ns / 4;
	return ns < IDLE_MAX_NS ? ns : IDLE_MAX_NS;
}

void idle_wait(struct worker *w)
{
	uint32_t ns;

	w->empty_turns = w->busy ? 0 : w->empty_turns + 1;
	if (w->idle == CONF_IDLE_POLL)
		return;
	ns = idle_sleep_ns(w->empty_turns);
	if (ns == 0 || role_next_tick(w->role, w->now_ms, 1) == 0)
		return;
	/* Whoever waits for a grace period need not wait for a sleeper. */
	urcu_qsbr_thread_offline();
	nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
	urcu_qsbr_thread_online();
}
