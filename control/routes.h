/* routes.h - the ways out of the network that the data plane knows
 *
 * Each is installed when it was found for the first request that needed it, so that those that
 * come later need not ask control. It lives as long as what it was made of: the DNS's answers,
 * the HSS's word that a number is not ours, the rules. Bounded: beyond ABI_ROUTES_MAX the one
 * that would end first gives way. Loop thread only.
 */
#pragma once

#include "abi/install.h"

struct control;
struct routes;

enum {
	/* A way that has ended is kept for those who are under way on it. */
	ROUTES_LINGER_MS = 40000,
};

/* NULL: no memory. */
struct routes *routes_open(struct control *c);
void routes_close(struct routes *r);
/* In the place of the one for the same `to`; done is called as install_route calls it. */
void routes_put(struct routes *r, const struct abi_route_view *v,
		void (*done)(void *ctx, int status), void *ctx);
/* All go: what they were made of may have changed. The number that there were. */
uint32_t routes_flush(struct routes *r);
/* Those that may be used and those that linger. */
void routes_each(struct routes *r, void (*each)(void *ctx, const struct abi_route_view *v),
		 void *ctx);

struct routes_stats {
	uint32_t n; /* they that linger too */
	uint64_t put, expired, evicted, flushed;
};
void routes_stats(const struct routes *r, struct routes_stats *out);
