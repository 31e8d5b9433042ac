/* net.c - the packet side of the node: made once, and each worker's share */
#include "net/net.h"

#include <stdio.h>
#include <sys/random.h>

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_ring.h>

#include "net/arp.h"
#include "net/flow.h"
#include "net/fragment_in.h"
#include "net/nd.h"
#include "net/neighbour.h"
#include "net/plain_out.h"
#include "net/tx.h"
#include "net/worker_state.h"

static bool pair_rings(struct net *n, uint16_t from, uint16_t to)
{
	const unsigned flags = RING_F_SP_ENQ | RING_F_SC_DEQ;
	char name[32];

	snprintf(name, sizeof(name), "handoff_%u_%u", from, to);
	n->handoff[from][to] = rte_ring_create(name, NET_RING, SOCKET_ID_ANY, flags);
	snprintf(name, sizeof(name), "relay_%u_%u", from, to);
	n->relay[from][to] = rte_ring_create(name, NET_RING, SOCKET_ID_ANY, flags);
	snprintf(name, sizeof(name), "news_%u_%u", from, to);
	n->news[from][to] = rte_ring_create_elem(name, sizeof(struct neighbour_news),
						 NET_NEWS_RING, SOCKET_ID_ANY, flags);
	return n->handoff[from][to] && n->relay[from][to] && n->news[from][to];
}

static bool all_rings(struct net *n)
{
	for (uint16_t from = 0; from < n->n_workers; from++)
		for (uint16_t to = 0; to < n->n_workers; to++)
			if (from != to && !pair_rings(n, from, to))
				return false;
	return true;
}

static void drain(struct rte_ring *r)
{
	void *m;

	while (r && rte_ring_sc_dequeue(r, &m) == 0)
		rte_pktmbuf_free(m);
}

static void free_rings(struct net *n)
{
	for (uint16_t from = 0; from < n->n_workers; from++) {
		for (uint16_t to = 0; to < n->n_workers; to++) {
			drain(n->handoff[from][to]);
			drain(n->relay[from][to]);
			rte_ring_free(n->handoff[from][to]);
			rte_ring_free(n->relay[from][to]);
			rte_ring_free(n->news[from][to]);
		}
	}
}

/* Fragments under way at a time, for each worker: fewer where there are many workers, so that a
 * flood of fragments binds a bounded part of the buffers. */
static uint32_t fragment_datagrams(uint32_t workers)
{
	uint32_t n = FRAGMENT_DATAGRAMS;

	while (n > FRAGMENT_DATAGRAMS / 8 && n * workers > 2 * FRAGMENT_DATAGRAMS)
		n /= 2;
	return n;
}

/* Enough for what the ports keep in their rings, the workers in their caches, and attackers in
 * fragments and questions to neighbours that do not answer, twice over: what may be bound can
 * never be all. */
void net_buffers(const struct conf_dataplane *c, uint32_t *small, uint32_t *jumbo)
{
	uint32_t bound =
		c->workers * (2 * MBUFS_CACHE + NEIGHBOUR_HOLDS * NEIGHBOUR_HOLD_PACKETS +
			      fragment_datagrams(c->workers) * FRAGMENT_PIECES);
	uint32_t bound_jumbo = 64 + c->workers * 2 * MBUFS_JUMBO_CACHE;

	for (uint32_t i = 0; i < c->n_port; i++)
		*(port_is_jumbo(&c->port[i]) ? &bound_jumbo : &bound) +=
			port_buffers(&c->port[i], (uint16_t)c->workers);
	*small = c->buffers > 2 * bound ? c->buffers : 2 * bound;
	*jumbo = c->buffers / 16 > bound_jumbo ? c->buffers / 16 : bound_jumbo;
}

static bool make_mbufs(struct net *n, const struct conf_dataplane *c)
{
	uint32_t small, jumbo;
	bool dma = false;

	for (uint32_t i = 0; i < c->n_port; i++)
		dma |= !port_is_vdev(&c->port[i]);
	net_buffers(c, &small, &jumbo);
	return mbufs_create(&n->pool, small, jumbo, dma, SOCKET_ID_ANY);
}

static bool open_ports(struct net *n, const struct conf_dataplane *c, char *error)
{
	uint32_t next_queue = 0;

	for (uint32_t i = 0; i < c->n_port; i++) {
		if (!port_open(&n->port[i], &c->port[i], (uint8_t)i, &n->pool, n->n_workers,
			       &next_queue, error))
			return false;
		n->n_ports++;
	}
	for (uint16_t i = 0; i < n->n_ports; i++)
		if (!port_start(&n->port[i], error))
			return false;
	return true;
}

static uint64_t random_u64(void)
{
	uint64_t v;

	/* The kernel's pool is ready long before a network interface is. */
	return getrandom(&v, sizeof(v), 0) == sizeof(v) ? v : rte_rdtsc();
}

static void number_addresses(struct net *n, const struct route_table *t)
{
	for (uint32_t i = 0; i < t->n_local; i++) {
		const struct addr *a = &t->local[i];
		uint64_t half[2] = {rte_bswap64(addr_half(a, 0)), rte_bswap64(addr_half(a, 1))};

		if (a->family == 4) {
			n->own4[n->n_own4++] = (uint32_t)half[0];
			n->own4_bits |= 1ULL << (a->ip[3] & 63);
		} else {
			memcpy(n->own6[n->n_own6++], half, sizeof(half));
		}
	}
}

static void number_routes(struct net *n, const struct route_table *t)
{
	for (uint32_t i = 0; i < t->n; i++) {
		const struct route *r = &t->route[i];
		uint32_t mask = rte_bswap32((uint32_t)(addr_mask(r->bits) >> 32));

		if (r->prefix.family != 4)
			continue;
		n->route4[n->n_route4++] = (struct net_route4){
			.mask = mask,
			.prefix = (uint32_t)rte_bswap64(addr_half(&r->prefix, 0)) & mask,
			.route = r,
		};
	}
}

struct net *net_create(const struct conf_dataplane *c, const struct route_table *routes,
		       char error[NET_ERROR_MAX])
{
	struct net *n = rte_zmalloc("net", sizeof(*n), RTE_CACHE_LINE_SIZE);

	snprintf(error, NET_ERROR_MAX,
		 "not enough memory for DPDK; raise dataplane.memory, or reserve "
		 "more huge pages");
	if (!n)
		return NULL;
	n->routes = routes;
	n->sip_port = c->sip_port;
	n->worker_port_base = c->worker_port_base;
	n->n_workers = (uint16_t)c->workers;
	n->secret = random_u64();
	number_addresses(n, routes);
	number_routes(n, routes);
	if (!make_mbufs(n, c)) {
		rte_free(n);
		return NULL;
	}
	if (!all_rings(n) || !open_ports(n, c, error)) {
		net_destroy(n);
		return NULL;
	}
	n->flow_steering = flow_steer(n, c->steering);
	return n;
}

void net_protect(struct net *n, const uint16_t *port, uint32_t n_ports)
{
	memcpy(n->protected_port, port, n_ports * sizeof(*port));
	n->n_protected = n_ports;
}

void net_destroy(struct net *n)
{
	for (uint16_t i = 0; i < n->n_ports; i++)
		port_close(&n->port[i]);
	free_rings(n);
	mbufs_destroy(&n->pool);
	rte_free(n);
}

static void collect_queues(struct net_worker *w)
{
	for (uint16_t i = 0; i < w->net->n_ports; i++) {
		const struct port *p = &w->net->port[i];

		for (uint16_t q = 0; q < p->n_rx; q++)
			if (p->rx_owner[q] == w->id)
				w->queue[w->n_queues++] = (struct rx_queue){p->id, q, p->index};
	}
}

struct net_worker *net_worker_create(struct net *n, uint16_t id, struct counters *counters)
{
	struct net_worker *w = rte_zmalloc("net_worker", sizeof(*w), RTE_CACHE_LINE_SIZE);

	if (!w)
		return NULL;
	w->net = n;
	w->id = id;
	w->counters = counters;
	w->ip_id = (uint16_t)random_u64();
	w->fragment_id = (uint32_t)random_u64();
	w->neighbours = neighbours_create(random_u64());
	w->next_hops = next_hops_create(random_u64());
	w->fragments = fragments_create(fragment_datagrams(n->n_workers), n->secret);
	if (!w->neighbours || !w->next_hops || !w->fragments) {
		net_worker_destroy(w);
		return NULL;
	}
	collect_queues(w);
	return w;
}

void net_worker_destroy(struct net_worker *w)
{
	for (uint16_t i = 0; i < w->net->n_ports; i++)
		rte_pktmbuf_free_bulk(w->tx[i].m, w->tx[i].n);
	neighbours_destroy(w->neighbours);
	next_hops_destroy(w->next_hops);
	fragments_destroy(w->fragments);
	rte_free(w);
}

void net_start(struct net_worker *w, uint64_t now_ms)
{
	const struct route_table *t = w->net->routes;

	mbufs_use(&w->net->pool);
	w->now_ms = now_ms;
	w->now_tsc = rte_rdtsc();
	/* Neighbours may still have the address of a machine we replace. */
	for (uint32_t i = 0; w->id == 0 && i < t->n_local; i++) {
		const struct port *p = &w->net->port[t->local_port[i]];

		if (t->local[i].family == 4)
			arp_request(w, p, &t->local[i], &t->local[i], NULL);
		else
			nd_announce(w, p, &t->local[i]);
	}
	net_tx_flush(w);
}

bool net_tick(struct net_worker *w, uint64_t now_ms)
{
	w->now_ms = now_ms;
	w->now_tsc = rte_rdtsc();
	bool any = neighbour_tick(w);

	any = tx_relay(w) || any;
	fragment_tick(w);
	return any;
}

uint32_t net_held(const struct net_worker *w)
{
	return neighbour_held(w->neighbours) + fragment_held(w->fragments);
}

uint32_t net_queues(const struct net_worker *w)
{
	return w->n_queues;
}
