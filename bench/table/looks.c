/* looks.c - bursts of look-ups at random */
#include "looks.h"
#include "users.h"

#include <stdio.h>
#include <stdlib.h>
#include <x86intrin.h>

#include <urcu-qsbr.h>

enum { NOW_MS = 1000 };

struct asked {
	char text[USER_TEXT_MAX];
	struct slice impu;
	struct addr flow; /* of another user */
	uint64_t impu_hash, flow_hash;
	uint64_t token;  /* the hash of impu, as a dialog's token brings it */
	struct addr own; /* that user's own flow */
};

struct burst {
	struct asked a[BURST_MAX];
	uint64_t random;
	uint64_t seen; /* of what was found, so that the compiler keeps it */
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint64_t any_user(struct burst *b, uint64_t users)
{
	return (next_random(&b->random) >> 16) % users;
}

static void burst_fill(struct burst *b, const struct tables *t, uint64_t users)
{
	for (uint32_t i = 0; i < BURST_MAX; i++) {
		struct asked *a = &b->a[i];
		uint64_t user = any_user(b, users);

		a->impu = user_impu(user, user & 1, a->text);
		a->token = table_hash_impu(t, a->impu);
		a->own = user_flow(user);
		a->flow = user_flow(any_user(b, users));
	}
}

static void must_find(const void *found)
{
	if (found)
		return;
	fputs("bench_table: a user is not in the tables\n", stderr);
	exit(1);
}

static void look_both(const struct tables *t, struct burst *b, const struct asked *a)
{
	struct reg_flow flow;
	uint32_t index;
	const struct registration *r = table_find_impu(t, a->impu, a->impu_hash, &index);

	must_find(r);
	must_find(table_find_flow(t, &a->flow, a->flow_hash, &flow) ? flow.only : NULL);
	b->seen += r->roles + index + (reg_contact(r, 0)->expires_ms > NOW_MS);
	b->seen += flow.only->roles + flow.local.port;
}

static void hash_both(const struct tables *t, struct asked *a)
{
	a->impu_hash = table_hash_impu(t, a->impu);
	a->flow_hash = table_hash_flow(t, &a->flow);
}

static void burst_lookup(const struct tables *t, struct burst *b)
{
	for (uint32_t i = 0; i < BURST_MAX; i++) {
		struct asked *a = &b->a[i];

		hash_both(t, a);
		table_prefetch_impu(t, a->impu_hash);
		table_prefetch_flow(t, a->flow_hash);
	}
	for (uint32_t i = 0; i < BURST_MAX; i++) {
		table_prefetch_impu_entry(t, b->a[i].impu_hash);
		table_prefetch_flow_entry(t, b->a[i].flow_hash);
	}
	for (uint32_t i = 0; i < BURST_MAX; i++)
		look_both(t, b, &b->a[i]);
}

static void burst_alone(const struct tables *t, struct burst *b)
{
	for (uint32_t i = 0; i < BURST_MAX; i++) {
		hash_both(t, &b->a[i]);
		look_both(t, b, &b->a[i]);
	}
}

static void burst_user(const struct tables *t, struct burst *b)
{
	for (uint32_t i = 0; i < BURST_MAX; i++)
		table_prefetch_impu(t, b->a[i].token);
	for (uint32_t i = 0; i < BURST_MAX; i++)
		table_prefetch_user_entry(t, b->a[i].token);
	for (uint32_t i = 0; i < BURST_MAX; i++) {
		const struct asked *a = &b->a[i];
		const struct registration *r = table_find_user(t, a->token);

		must_find(r);
		const struct reg_contact *c = reg_contact_on_flow(r, &a->own, 0, NOW_MS);
		must_find(c);
		b->seen += r->roles + c->local.port;
	}
}

static double cycles(const struct tables *t, uint64_t users, uint32_t bursts,
		     void (*look)(const struct tables *, struct burst *))
{
	struct burst b = {.random = __rdtsc() | 1};
	uint64_t sum = 0;

	for (uint32_t n = 0; n < bursts; n++) {
		burst_fill(&b, t, users);
		uint64_t from = __rdtsc();
		look(t, &b);
		sum += __rdtsc() - from;
		urcu_qsbr_quiescent_state();
	}
	/* Used, or the compiler would leave out what it is the sum of. */
	must_find(b.seen ? &b : NULL);
	return (double)sum / bursts / BURST_MAX;
}

double looks_lookup(const struct tables *t, uint64_t users, uint32_t bursts)
{
	return cycles(t, users, bursts, burst_lookup);
}

double looks_alone(const struct tables *t, uint64_t users, uint32_t bursts)
{
	return cycles(t, users, bursts, burst_alone);
}

double looks_user(const struct tables *t, uint64_t users, uint32_t bursts)
{
	return cycles(t, users, bursts, burst_user);
}
