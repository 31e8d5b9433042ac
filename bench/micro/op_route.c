/* op_route.c - which port leads to an address */
#include "op.h"

#include <stdlib.h>

#include "base/route.h"

struct route_case {
	struct route_table table;
	struct addr to[OP_INPUTS];
};

/* Two access networks with a prefix behind a gateway each, and the core's default route. */
static bool fill(struct route_table *t)
{
	bool ok = true;

	for (uint8_t port = 0; port < 3; port++) {
		struct addr local = addr_v4(0x0a0a0001u + 0x000a0000u * port, 0);
		struct addr gateway = local;
		struct route link = {
			.prefix = local,
			.bits = 24,
			.port = port,
			.access = port < 2,
			.local = local,
		};
		struct route behind = {
			.bits = port < 2 ? 10 : 0,
			.port = port,
			.access = port < 2,
			.local = local,
		};

		link.prefix.ip[3] = 0;
		gateway.ip[3] = 254;
		behind.gateway = gateway;
		behind.prefix =
			port < 2 ? addr_v4(0x0a400000u + 0x00400000u * port, 0) : addr_v4(0, 0);
		ok = ok && route_add(t, &link) && route_add(t, &behind) &&
		     route_add_local(t, &local, port, port < 2);
	}
	return ok;
}

static void *route_open(void)
{
	static const uint32_t net[] = {0x0a400000, 0x0a800000, 0x0a0a0000, 0xc0000200};
	struct route_case *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	if (!fill(&c->table)) {
		free(c);
		return NULL;
	}
	for (uint32_t i = 0; i < OP_INPUTS; i++)
		c->to[i] = addr_v4(net[i * 7 % 4] + i + 2, 5060);
	return c;
}

static uint64_t route_run(void *ctx, uint32_t n)
{
	struct route_case *c = ctx;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct route *r = route_find(&c->table, &c->to[i % OP_INPUTS]);

		sum += r ? r->port + 1u : 0;
	}
	return sum;
}

const struct op op_route = {"route.lookup", route_open, route_run, free};
