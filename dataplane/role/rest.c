/* rest.c - addresses that failed, left alone for a while */
#include "role/rest.h"

enum { REST_MS = 10000 };

static uint64_t place_of(const struct role_worker *w, const struct addr *a)
{
	return hash_table(&w->node->branch_key, a, sizeof(*a)) % ROLE_REST;
}

void rest_begin(struct role_worker *w, const struct addr *a, uint64_t now)
{
	w->rest[place_of(w, a)] = (struct role_rest){*a, now + REST_MS};
}

bool rest_holds(const struct pass *p, const struct addr *a)
{
	const struct role_rest *r = &p->w->rest[place_of(p->w, a)];

	return r->until > p->now && addr_eq(&r->addr, a);
}
