/* neighbour.c - MAC addresses of next hops, and messages that wait for one */
#include "net/neighbour.h"

#include <rte_malloc.h>
#include <rte_ring.h>

#include "net/arp.h"
#include "net/nd.h"
#include "net/worker_state.h"

_Static_assert(sizeof(struct neighbour_news) % 4 == 0, "elements of a ring are whole words");

enum { HOLD_NONE = 255 };
_Static_assert((int)NEIGHBOUR_HOLDS < (int)HOLD_NONE, "index of a hold fits eight bits");

struct neighbour {
	struct addr ip; /* port 0; family 0: entry is free */
	uint8_t port;
	uint8_t hold; /* HOLD_NONE: nothing waits */
	bool known;
	struct rte_ether_addr mac;
	uint64_t confirmed_ms, asked_ms, shared_ms;
};

struct hold {
	struct neighbour *of; /* NULL: free */
	uint64_t since_ms;
	uint32_t n;
	struct buf *b[NEIGHBOUR_HOLD_PACKETS];
};

struct neighbours {
	uint64_t key[2];
	uint32_t n_holds;
	struct hold hold[NEIGHBOUR_HOLDS];
	struct neighbour set[NEIGHBOUR_SETS][NEIGHBOUR_WAYS];
};

struct neighbours *neighbours_create(uint64_t seed)
{
	struct neighbours *n = rte_zmalloc("neighbours", sizeof(*n), RTE_CACHE_LINE_SIZE);

	if (!n)
		return NULL;
	n->key[0] = seed | 1;
	n->key[1] = (seed ^ 0x9e3779b97f4a7c15u) | 1;
	return n;
}

static void hold_release(struct neighbours *n, struct hold *h)
{
	h->of->hold = HOLD_NONE;
	h->of = NULL;
	h->n = 0;
	n->n_holds--;
}

static void hold_drop(struct neighbours *n, struct hold *h)
{
	for (uint32_t i = 0; i < h->n; i++)
		buf_free(h->b[i]);
	hold_release(n, h);
}

void neighbours_destroy(struct neighbours *n)
{
	for (uint32_t i = 0; n && i < NEIGHBOUR_HOLDS; i++)
		if (n->hold[i].of)
			hold_drop(n, &n->hold[i]);
	rte_free(n);
}

uint32_t neighbour_held(const struct neighbours *n)
{
	uint32_t held = 0;

	for (uint32_t i = 0; i < NEIGHBOUR_HOLDS; i++)
		held += n->hold[i].n;
	return held;
}

/* Only neighbours on the link get into the table, so multiplications with secret factors
 * spread them well enough: who could choose addresses to collide could as well claim them by
 * ARP. */
static struct neighbour *set_of(struct neighbours *n, const struct addr *ip, uint8_t port)
{
	uint64_t a, b;

	memcpy(&a, ip->ip, sizeof(a));
	memcpy(&b, ip->ip + 8, sizeof(b));
	uint64_t h = (a ^ n->key[1] ^ port) * n->key[0] ^ (b ^ n->key[0]) * n->key[1];
	return n->set[(h ^ h >> 29) * n->key[0] >> 40 & (NEIGHBOUR_SETS - 1)];
}

static struct neighbour *entry_find(struct neighbours *n, const struct addr *ip, uint8_t port)
{
	struct neighbour *set = set_of(n, ip, port);

	for (uint32_t i = 0; i < NEIGHBOUR_WAYS; i++)
		if (set[i].port == port && addr_same_ip(&set[i].ip, ip))
			return &set[i];
	return NULL;
}

/* A free entry of the set, else the one confirmed longest ago. NULL: messages wait for all of
 * them. */
static struct neighbour *entry_make(struct net_worker *w, const struct addr *ip, uint8_t port)
{
	struct neighbour *set = set_of(w->neighbours, ip, port), *best = NULL;

	for (uint32_t i = 0; i < NEIGHBOUR_WAYS; i++) {
		if (set[i].ip.family != 0 && set[i].hold != HOLD_NONE)
			continue;
		if (set[i].ip.family == 0) {
			best = &set[i];
			break;
		}
		if (!best || set[i].confirmed_ms < best->confirmed_ms)
			best = &set[i];
	}
	if (!best)
		return NULL;
	if (best->ip.family != 0)
		w->generation++;
	*best = (struct neighbour){.ip = *ip, .port = port, .hold = HOLD_NONE};
	best->ip.port = 0;
	return best;
}

/* Our address to ask from: where the route to the neighbour starts. */
static const struct addr *asker(const struct net_worker *w, const struct neighbour *e)
{
	const struct route_table *t = w->net->routes;
	const struct route *r = route_find(t, &e->ip);

	if (r && r->port == e->port && r->local.family == e->ip.family)
		return &r->local;
	for (uint32_t i = 0; i < t->n_local; i++)
		if (t->local_port[i] == e->port && t->local[i].family == e->ip.family)
			return &t->local[i];
	return NULL;
}

static void ask(struct net_worker *w, struct neighbour *e)
{
	const struct port *p = &w->net->port[e->port];
	const struct addr *from = asker(w, e);

	if (!from || (e->asked_ms && w->now_ms - e->asked_ms < NEIGHBOUR_ASK_MS))
		return;
	e->asked_ms = w->now_ms;
	if (e->ip.family == 4)
		arp_request(w, p, from, &e->ip, e->known ? &e->mac : NULL);
	else
		nd_solicit(w, p, from, &e->ip, e->known ? &e->mac : NULL);
}

const struct rte_ether_addr *neighbour_find(struct net_worker *w, const struct addr *ip,
					    uint8_t port)
{
	struct neighbour *e = entry_find(w->neighbours, ip, port);

	if (!e || !e->known)
		return NULL;
	uint64_t age = w->now_ms - e->confirmed_ms;
	if (age >= NEIGHBOUR_AGE_MS) {
		e->known = false;
		w->generation++;
		return NULL;
	}
	if (age >= NEIGHBOUR_REFRESH_MS)
		ask(w, e);
	return &e->mac;
}

const struct rte_ether_addr *neighbour_fresh(struct neighbours *n, const struct addr *ip,
					     uint8_t port, uint64_t now_ms, uint64_t *until_ms)
{
	const struct neighbour *e = entry_find(n, ip, port);

	if (!e || !e->known || now_ms - e->confirmed_ms >= NEIGHBOUR_REFRESH_MS)
		return NULL;
	*until_ms = e->confirmed_ms + NEIGHBOUR_REFRESH_MS;
	return &e->mac;
}

static struct hold *hold_take(struct neighbours *n, struct neighbour *e, uint64_t now_ms)
{
	for (uint32_t i = 0; i < NEIGHBOUR_HOLDS; i++) {
		if (n->hold[i].of)
			continue;
		n->hold[i] = (struct hold){.of = e, .since_ms = now_ms};
		n->n_holds++;
		e->hold = (uint8_t)i;
		return &n->hold[i];
	}
	return NULL;
}

void neighbour_wait(struct net_worker *w, const struct addr *ip, uint8_t port, struct buf *b)
{
	struct neighbours *n = w->neighbours;
	struct neighbour *e = entry_find(n, ip, port);
	struct hold *h = NULL;

	if (!e)
		e = entry_make(w, ip, port);
	if (e)
		h = e->hold == HOLD_NONE ? hold_take(n, e, w->now_ms) : &n->hold[e->hold];
	if (!h || h->n == NEIGHBOUR_HOLD_PACKETS) {
		count(w->counters, COUNT_DROP_NEIGHBOUR);
		buf_free(b);
		return;
	}
	h->b[h->n++] = b;
	ask(w, e);
}

static bool believable(const struct net_worker *w, const struct addr *ip, uint8_t port,
		       const struct rte_ether_addr *mac)
{
	const struct route *r;

	if (rte_is_multicast_ether_addr(mac) || rte_is_zero_ether_addr(mac))
		return false;
	if (route_local(w->net->routes, ip) >= 0)
		return false;
	if (ip->family == 6 && ip->ip[0] == 0xfe && (ip->ip[1] & 0xc0) == 0x80)
		return true;
	r = route_find(w->net->routes, ip);
	return r && r->port == port && r->gateway.family == 0;
}

static void send_held(struct net_worker *w, struct neighbour *e)
{
	struct buf *b[NEIGHBOUR_HOLD_PACKETS];

	if (e->hold == HOLD_NONE)
		return;
	struct hold *h = &w->neighbours->hold[e->hold];
	uint32_t n = h->n;
	memcpy(b, h->b, sizeof(b));
	/* Released first: sending looks the neighbour up again. */
	hold_release(w->neighbours, h);
	for (uint32_t i = 0; i < n; i++)
		net_output(w, b[i]);
}

/* The entry if the address was taken over. */
static struct neighbour *take_over(struct net_worker *w, const struct addr *ip, uint8_t port,
				   const struct rte_ether_addr *mac,
				   enum neighbour_source source, bool *changed)
{
	struct neighbour *e = entry_find(w->neighbours, ip, port);

	if (!e && source == NEIGHBOUR_TOLD)
		e = entry_make(w, ip, port);
	if (!e)
		return NULL;
	*changed = !e->known || !rte_is_same_ether_addr(&e->mac, mac);
	if (*changed)
		w->generation++;
	e->mac = *mac;
	e->known = true;
	e->confirmed_ms = w->now_ms;
	return e;
}

static void share(struct net_worker *w, struct neighbour_news *news)
{
	for (uint16_t to = 0; to < w->net->n_workers; to++)
		if (to != w->id)
			rte_ring_sp_enqueue_elem(w->net->news[w->id][to], news, sizeof(*news));
}

void neighbour_learn(struct net_worker *w, const struct addr *ip, uint8_t port,
		     const struct rte_ether_addr *mac, enum neighbour_source source)
{
	struct neighbour_news news = {*ip, *mac, port, (uint8_t)source};
	struct neighbour *e;
	bool changed = true;

	if (!believable(w, ip, port, mac))
		return;
	e = take_over(w, ip, port, mac, source, &changed);
	/* Another worker may wait for what is nothing new here. */
	if (!e || changed || w->now_ms - e->shared_ms >= NEIGHBOUR_SHARE_MS) {
		share(w, &news);
		if (e)
			e->shared_ms = w->now_ms;
	}
	if (e)
		send_held(w, e);
}

static bool take_news(struct net_worker *w)
{
	struct neighbour_news news;
	struct neighbour *e;
	bool any = false, changed;

	for (uint16_t from = 0; from < w->net->n_workers; from++) {
		if (from == w->id)
			continue;
		while (rte_ring_sc_dequeue_elem(w->net->news[from][w->id], &news,
						sizeof(news)) == 0) {
			any = true;
			e = take_over(w, &news.ip, news.port, &news.mac, news.source, &changed);
			if (e)
				send_held(w, e);
		}
	}
	return any;
}

static void check_holds(struct net_worker *w)
{
	struct neighbours *n = w->neighbours;

	for (uint32_t i = 0; n->n_holds && i < NEIGHBOUR_HOLDS; i++) {
		struct hold *h = &n->hold[i];

		if (!h->of)
			continue;
		if (w->now_ms - h->since_ms < NEIGHBOUR_HOLD_MS) {
			ask(w, h->of);
			continue;
		}
		count_add(w->counters, COUNT_DROP_NEIGHBOUR, h->n);
		h->of->asked_ms = 0;
		hold_drop(n, h);
	}
}

bool neighbour_tick(struct net_worker *w)
{
	bool any = take_news(w);

	check_holds(w);
	return any;
}
