/* sample.c - what the workers and ports did within the last second */
#include "worker/sample.h"

#include "base/log.h"

static uint64_t get(const _Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static double ratio(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

static void watch(struct sample_worker *s, uint32_t i, bool moved)
{
	if (s->stuck == !moved)
		return;
	s->stuck = !moved;
	log_event(moved ? LOG_INFO : LOG_ERROR, "manage",
		  moved ? "worker_moves_again" : "worker_stuck", LOG_U("worker", i));
}

static void take_worker(struct sample_worker *s, const struct abi_worker *w, uint32_t i,
			double seconds)
{
	const struct sample_worker before = *s;

	s->busy_cycles = get(&w->busy_cycles);
	s->total_cycles = get(&w->total_cycles);
	s->messages = get(&w->messages);
	s->busy_polls = get(&w->busy_polls);
	s->heartbeat = get(&w->heartbeat);

	double busy = (double)(s->busy_cycles - before.busy_cycles);
	double messages = (double)(s->messages - before.messages);
	s->busy_ratio = ratio(busy, (double)(s->total_cycles - before.total_cycles));
	s->messages_per_s = ratio(messages, seconds);
	s->cycles_per_message = ratio(busy, messages);
	s->batch = ratio(messages, (double)(s->busy_polls - before.busy_polls));
	watch(s, i, s->heartbeat != before.heartbeat);
}

static void put(_Atomic uint64_t *to, uint64_t v)
{
	atomic_store_explicit(to, v, memory_order_relaxed);
}

static void take_port(struct abi_port *to, const struct port *p)
{
	struct port_stats s;
	uint32_t was_up = atomic_load_explicit(&to->link_up, memory_order_relaxed);

	port_stats(p, &s);
	put(&to->rx_packets, s.rx_packets);
	put(&to->tx_packets, s.tx_packets);
	put(&to->rx_bytes, s.rx_bytes);
	put(&to->tx_bytes, s.tx_bytes);
	put(&to->rx_missed, s.rx_missed);
	put(&to->rx_errors, s.rx_errors);
	put(&to->tx_errors, s.tx_errors);
	put(&to->rx_nombuf, s.rx_nombuf);
	atomic_store_explicit(&to->link_up, s.link_up, memory_order_relaxed);
	if (was_up != (uint32_t)s.link_up)
		log_event(s.link_up ? LOG_INFO : LOG_WARN, "manage",
			  s.link_up ? "link_up" : "link_down", LOG_Z("port", p->name));
}

void sample_ports(struct dataplane *d)
{
	for (uint32_t i = 0; i < d->net->n_ports; i++)
		take_port(abi_port(d->region, i), &d->net->port[i]);
}

void sample_take(struct sample *s, struct dataplane *d, uint64_t now_ms)
{
	double seconds = (double)(now_ms - s->taken_ms) / 1000;

	for (uint32_t i = 0; i < d->n_workers; i++)
		take_worker(&s->worker[i], abi_worker(d->region, i), i, seconds);
	sample_ports(d);
	s->taken_ms = now_ms;
}
