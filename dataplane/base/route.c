/* route.c - which port, source address and next hop lead to an address */
#include "base/route.h"

bool route_add(struct route_table *t, const struct route *r)
{
	uint32_t at = t->n;

	if (t->n == sizeof(t->route) / sizeof(t->route[0]))
		return false;
	while (at > 0 && t->route[at - 1].bits < r->bits) {
		t->route[at] = t->route[at - 1];
		at--;
	}
	t->route[at] = *r;
	t->n++;
	return true;
}

bool route_add_local(struct route_table *t, const struct addr *ip, uint8_t port, bool access)
{
	if (t->n_local == sizeof(t->local) / sizeof(t->local[0]))
		return false;
	t->local[t->n_local] = *ip;
	t->local[t->n_local].port = 0;
	t->local_port[t->n_local] = port;
	t->local_access[t->n_local] = access;
	t->n_local++;
	return true;
}

const struct route *route_find(const struct route_table *t, const struct addr *to)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (addr_in_prefix(to, &t->route[i].prefix, t->route[i].bits))
			return &t->route[i];
	return NULL;
}

int route_local(const struct route_table *t, const struct addr *ip)
{
	for (uint32_t i = 0; i < t->n_local; i++)
		if (addr_same_ip(&t->local[i], ip))
			return (int)i;
	return -1;
}
