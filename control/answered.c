/* answered.c - final responses, kept for as long as their requests may come again
 *
 * All are kept equally long, so the order of coming is the order of going: a queue, and a hash
 * table of fixed size beside it.
 */
#include "control/answered.h"

#include <stdlib.h>

enum { CHAINS = 1 << 16 };

struct kept {
	struct kept *chain;
	struct kept *next; /* younger */
	struct transaction_id id;
	uint64_t until_ms;
	struct addr src, dst;
	uint64_t sa_id;
	uint32_t len;
	uint8_t message[];
};

struct answered {
	struct kept *oldest, **youngest;
	struct answered_stats stats;
	struct kept *chain[CHAINS];
};

struct answered *answered_new(void)
{
	struct answered *a = calloc(1, sizeof(*a));

	if (a)
		a->youngest = &a->oldest;
	return a;
}

static struct kept **chain_of(struct answered *a, const struct transaction_id *id)
{
	return &a->chain[id->a % CHAINS];
}

static bool id_eq(const struct transaction_id *x, const struct transaction_id *y)
{
	return x->a == y->a && x->b == y->b;
}

static void oldest_free(struct answered *a)
{
	struct kept *k = a->oldest;
	struct kept **at = chain_of(a, &k->id);

	while (*at != k)
		at = &(*at)->chain;
	*at = k->chain;
	a->oldest = k->next;
	if (!a->oldest)
		a->youngest = &a->oldest;
	a->stats.n--;
	a->stats.octets -= sizeof(*k) + k->len;
	free(k);
}

void answered_free(struct answered *a)
{
	while (a && a->oldest)
		oldest_free(a);
	free(a);
}

void answered_put(struct answered *a, const struct answer *answer, uint64_t now_ms)
{
	struct kept *k = malloc(sizeof(*k) + answer->message.len);
	struct kept **chain = chain_of(a, &answer->id);

	if (!k)
		return;
	*k = (struct kept){
		.chain = *chain,
		.id = answer->id,
		.until_ms = now_ms + ANSWERED_MS,
		.src = answer->src,
		.dst = answer->dst,
		.sa_id = answer->sa_id,
		.len = answer->message.len,
	};
	memcpy(k->message, answer->message.p, answer->message.len);
	*chain = k;
	*a->youngest = k;
	a->youngest = &k->next;
	a->stats.n++;
	a->stats.octets += sizeof(*k) + k->len;
	while (a->stats.octets > ANSWERED_OCTETS_MAX) {
		oldest_free(a);
		a->stats.early++;
	}
}

bool answered_get(struct answered *a, const struct transaction_id *id, uint64_t now_ms,
		  struct answer *out)
{
	const struct kept *k = *chain_of(a, id);

	while (k && !id_eq(&k->id, id))
		k = k->chain;
	if (!k || k->until_ms <= now_ms)
		return false;
	*out = (struct answer){k->id, k->src, k->dst, k->sa_id, slice_of(k->message, k->len)};
	return true;
}

void answered_expire(struct answered *a, uint64_t now_ms)
{
	while (a->oldest && a->oldest->until_ms <= now_ms)
		oldest_free(a);
}

void answered_stats(const struct answered *a, struct answered_stats *out)
{
	*out = a->stats;
}
