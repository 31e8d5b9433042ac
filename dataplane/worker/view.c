/* view.c - the answers to sakerctl: rows of JSON from the region, the samples and the
 * configuration */
#include "worker/view.h"

#include <rte_lcore.h>
#include <rte_version.h>
#include <unistd.h>

#include "base/clock.h"
#include "worker/metrics.h"
#include "base/version.h"

static uint64_t get(const _Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static uint64_t count_all(const struct manage *m, enum count_id id)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < m->d->n_workers; i++)
		n += count_read(&abi_worker(m->d->region, i)->counters, id);
	return n;
}

static bool is_drop(enum count_id id)
{
	return strncmp(count_info(id)->name, "drop_", 5) == 0;
}

uint64_t view_drops(const struct counters *c)
{
	uint64_t n = 0;

	for (int id = 0; id < COUNT_MAX; id++)
		if (is_drop(id))
			n += count_read(c, id);
	return n;
}

double view_ring_fill(struct abi_region *r, uint64_t offset, uint64_t size)
{
	const struct abi_ring *ring = abi_ring_at(r, offset);
	/* Both sides write their own end; what control writes is only shown, never trusted. */
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint64_t used = head - atomic_load_explicit(&ring->tail, memory_order_relaxed);

	return used <= size ? (double)used / (double)size : 0;
}

static void view_version(struct manage *m, const struct admin_request *request,
			 struct json *out)
{
	json_object(out, NULL);
	json_str(out, "name", "saker-dataplane");
	json_str(out, "version", SAKER_VERSION);
	json_str(out, "dpdk", rte_version());
	json_u64(out, "abi", ABI_VERSION);
	json_end_object(out);
}

static void view_status(struct manage *m, const struct admin_request *request, struct json *out)
{
	const struct abi_tables *t = abi_tables(m->d->region);
	double rate = 0, busiest = 0;

	for (uint32_t i = 0; i < m->d->n_workers; i++) {
		const struct sample_worker *s = &m->sample.worker[i];
		rate += s->messages_per_s;
		busiest = s->busy_ratio > busiest ? s->busy_ratio : busiest;
	}
	json_object(out, NULL);
	json_str(out, "name", "saker-dataplane");
	json_str(out, "version", SAKER_VERSION);
	json_u64(out, "pid", (uint64_t)getpid());
	json_u64(out, "uptime_s", (clock_ms() - m->start_ms) / 1000);
	json_str(out, "state",
		 atomic_load_explicit(&m->d->order, memory_order_relaxed) == WORKER_RUN
			 ? "running"
			 : "draining");
	json_bool(out, "control", m->control_fd >= 0);
	json_u64(out, "workers", m->d->n_workers);
	json_u64(out, "ports", m->d->net->n_ports);
	json_str(out, "steering", m->d->net->flow_steering ? "nic" : "software");
	json_u64(out, "registrations", get(&t->registrations));
	json_u64(out, "identities", get(&t->impus));
	json_double(out, "messages_per_s", rate);
	json_double(out, "busiest_worker_percent", busiest * 100);
	json_end_object(out);
}

static void lcore_row(struct manage *m, uint32_t i, struct json *out)
{
	struct abi_region *r = m->d->region;
	const struct abi_worker *w = abi_worker(r, i);
	const struct sample_worker *s = &m->sample.worker[i];

	json_object(out, NULL);
	json_u64(out, "lcore", i + 1);
	json_u64(out, "cpu", atomic_load_explicit(&w->cpu, memory_order_relaxed));
	json_u64(out, "numa", rte_lcore_to_socket_id(i + 1));
	json_str(out, "role", "worker");
	json_u64(out, "queues", atomic_load_explicit(&w->queues, memory_order_relaxed));
	json_double(out, "busy_percent", s->busy_ratio * 100);
	json_double(out, "messages_per_s", s->messages_per_s);
	json_double(out, "cycles_per_message", s->cycles_per_message);
	json_double(out, "batch", s->batch);
	json_double(out, "ring_fill_percent",
		    view_ring_fill(r, r->off_punt[i], r->ring_punt) * 100);
	json_u64(out, "transactions", get(&w->transactions));
	json_u64(out, "drops", view_drops(&w->counters));
	json_u64(out, "messages", get(&w->messages)); /* since start, as are the cycles */
	json_u64(out, "busy_cycles", get(&w->busy_cycles));
	json_bool(out, "stuck", s->stuck);
	json_end_object(out);
}

static void view_lcores(struct manage *m, const struct admin_request *request, struct json *out)
{
	json_array(out, NULL);
	for (uint32_t i = 0; i < m->d->n_workers; i++)
		lcore_row(m, i, out);
	json_end_array(out);
}

static void counter_rows(struct manage *m, struct json *out, bool drops_only, bool all)
{
	json_array(out, NULL);
	for (int id = 0; id < COUNT_MAX; id++) {
		const struct count_info *info = count_info(id);
		uint64_t n = count_all(m, id);

		if ((drops_only && !is_drop(id)) || (n == 0 && !all))
			continue;
		json_object(out, NULL);
		json_str(out, "reason", info->name);
		json_u64(out, "count", n);
		json_str(out, "trouble", info->trouble && n ? "*" : "");
		json_str(out, "text", info->help);
		json_end_object(out);
	}
	json_end_array(out);
}

static bool wants_all(const struct admin_request *r)
{
	return r->n_words > 1 && strcmp(r->word[r->n_words - 1], "--all") == 0;
}

static void view_drop_rows(struct manage *m, const struct admin_request *request,
			   struct json *out)
{
	counter_rows(m, out, true, wants_all(request));
}

static void view_counters(struct manage *m, const struct admin_request *request,
			  struct json *out)
{
	counter_rows(m, out, false, wants_all(request));
}

static void port_row(struct manage *m, uint32_t i, struct json *out)
{
	const struct abi_port *s = abi_port(m->d->region, i);
	const struct port *p = &m->d->net->port[i];

	json_object(out, NULL);
	json_str(out, "port", p->name);
	json_str(out, "driver", p->driver);
	json_str(out, "device", m->d->conf->dataplane.port[i].device);
	json_bool(out, "link_up", atomic_load_explicit(&s->link_up, memory_order_relaxed));
	json_u64(out, "mtu", p->mtu);
	json_u64(out, "vlan", p->vlan);
	json_u64(out, "rx_queues", p->n_rx);
	json_u64(out, "tx_queues", p->n_tx);
	json_u64(out, "rx_packets", get(&s->rx_packets));
	json_u64(out, "tx_packets", get(&s->tx_packets));
	json_u64(out, "rx_bytes", get(&s->rx_bytes));
	json_u64(out, "tx_bytes", get(&s->tx_bytes));
	json_u64(out, "rx_missed", get(&s->rx_missed));
	json_u64(out, "rx_errors", get(&s->rx_errors));
	json_u64(out, "tx_errors", get(&s->tx_errors));
	json_u64(out, "rx_nombuf", get(&s->rx_nombuf));
	json_end_object(out);
}

static void view_ports(struct manage *m, const struct admin_request *request, struct json *out)
{
	sample_ports(m->d);
	json_array(out, NULL);
	for (uint32_t i = 0; i < m->d->net->n_ports; i++)
		port_row(m, i, out);
	json_end_array(out);
}

static void view_peers(struct manage *m, const struct admin_request *request, struct json *out)
{
	const struct conf_dataplane *c = &m->d->conf->dataplane;

	json_array(out, NULL);
	for (uint32_t i = 0; i < c->n_peer; i++) {
		uint8_t memory[ADDR_TEXT_MAX + 8];
		struct text t = text_in(memory, sizeof(memory));

		addr_put_host(&t, &c->peer[i].net.ip);
		text_printf(&t, "/%u", c->peer[i].net.bits);
		json_object(out, NULL);
		json_str(out, "peer", c->peer[i].name);
		json_slice(out, "address", text_slice(&t));
		json_bool(out, "trusted", true);
		json_end_object(out);
	}
	json_end_array(out);
}

static void view_metrics(struct manage *m, const struct admin_request *request,
			 struct json *out)
{
	metrics_answer(m, out);
}

/* One or two words; more may follow as options. */
static const struct command {
	const char *noun, *verb;
	void (*answer)(struct manage *m, const struct admin_request *request, struct json *out);
} commands[] = {
	{"status", NULL, view_status},     {"version", NULL, view_version},
	{"lcore", "show", view_lcores},    {"drops", NULL, view_drop_rows},
	{"counters", NULL, view_counters}, {"port", "show", view_ports},
	{"peers", "show", view_peers},     {"metrics", NULL, view_metrics},
};

void view_answer(void *ctx, const struct admin_request *request, struct json *out)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *c = &commands[i];

		if (request->n_words < (c->verb ? 2 : 1) ||
		    strcmp(request->word[0], c->noun) != 0)
			continue;
		if (c->verb && strcmp(request->word[1], c->verb) != 0)
			continue;
		c->answer(ctx, request, out);
		return;
	}
	admin_error(out, "unknown_command", "the data plane has no such command",
		    "status, version, lcore show, port show, drops [--all], counters [--all], "
		    "peers show, "
		    "metrics");
}
