/* metrics.c - the data plane's part of the Prometheus page */
#include "worker/metrics.h"

#include <stdlib.h>

#include <rte_mempool.h>
#include <rte_version.h>

#include "base/version.h"
#include "worker/view.h"

enum { PAGE_MAX = 1 << 20 };

static uint64_t get(const _Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static void family(struct text *t, const char *name, const char *type, const char *help)
{
	text_printf(t, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Label values are the operator's words: kept, but for what would end the quotes. */
static void label(struct text *t, const char *value)
{
	for (; *value; value++)
		text_char(t, *value == '"' || *value == '\\' || *value == '\n'
				     ? '_'
				     : (uint8_t)*value);
}

/* Every series is there from the start, at 0, so that rates need no special case. */
static void put_counters(struct text *t, const struct manage *m)
{
	for (int id = 0; id < COUNT_MAX; id++) {
		const struct count_info *info = count_info(id);

		if (strncmp(info->name, "drop_", 5) == 0)
			continue;
		text_printf(t,
			    "# HELP saker_dataplane_%s_total %s\n# TYPE "
			    "saker_dataplane_%s_total counter\n",
			    info->name, info->help, info->name);
		for (uint32_t i = 0; i < m->d->n_workers; i++)
			text_printf(t, "saker_dataplane_%s_total{lcore=\"%u\"} %llu\n",
				    info->name, i + 1,
				    (unsigned long long)count_read(
					    &abi_worker(m->d->region, i)->counters, id));
	}
}

static void put_drops(struct text *t, const struct manage *m)
{
	family(t, "saker_sip_drops_total", "counter",
	       "packets and messages dropped, by reason");
	for (int id = 0; id < COUNT_MAX; id++) {
		const char *name = count_info(id)->name;

		if (strncmp(name, "drop_", 5) != 0)
			continue;
		for (uint32_t i = 0; i < m->d->n_workers; i++)
			text_printf(t,
				    "saker_sip_drops_total{role=\"dataplane\",reason=\"%s\","
				    "lcore=\"%u\"} %llu\n",
				    name + 5, i + 1,
				    (unsigned long long)count_read(
					    &abi_worker(m->d->region, i)->counters, id));
	}
}

static void put_workers(struct text *t, const struct manage *m)
{
	static const struct {
		const char *name, *type, *help;
		size_t at;
	} series[] = {
		{"saker_lcore_cycles_total", "counter", "TSC cycles since the worker started",
		 offsetof(struct abi_worker, total_cycles)},
		{"saker_lcore_busy_cycles_total", "counter",
		 "TSC cycles of turns that found work",
		 offsetof(struct abi_worker, busy_cycles)},
		{"saker_lcore_messages_total", "counter", "SIP messages worked on",
		 offsetof(struct abi_worker, messages)},
		{"saker_sip_transactions", "gauge", "live INVITE transactions",
		 offsetof(struct abi_worker, transactions)},
	};

	for (size_t s = 0; s < sizeof(series) / sizeof(series[0]); s++) {
		family(t, series[s].name, series[s].type, series[s].help);
		for (uint32_t i = 0; i < m->d->n_workers; i++) {
			const uint8_t *w = (const uint8_t *)abi_worker(m->d->region, i);
			text_printf(t, "%s{lcore=\"%u\"} %llu\n", series[s].name, i + 1,
				    (unsigned long long)get(
					    (const _Atomic uint64_t *)(w + series[s].at)));
		}
	}
	family(t, "saker_lcore_busy_ratio", "gauge",
	       "part of the last second a worker had work");
	for (uint32_t i = 0; i < m->d->n_workers; i++)
		text_printf(t, "saker_lcore_busy_ratio{lcore=\"%u\"} %.4f\n", i + 1,
			    m->sample.worker[i].busy_ratio);
}

static void put_ports(struct text *t, const struct manage *m)
{
	static const struct {
		const char *name, *help;
		size_t at;
	} series[] = {
		{"saker_port_rx_packets_total", "frames received",
		 offsetof(struct abi_port, rx_packets)},
		{"saker_port_tx_packets_total", "frames sent",
		 offsetof(struct abi_port, tx_packets)},
		{"saker_port_rx_bytes_total", "octets received",
		 offsetof(struct abi_port, rx_bytes)},
		{"saker_port_tx_bytes_total", "octets sent",
		 offsetof(struct abi_port, tx_bytes)},
		{"saker_port_rx_missed_total",
		 "frames lost because no worker took them in time",
		 offsetof(struct abi_port, rx_missed)},
		{"saker_port_rx_errors_total", "broken frames",
		 offsetof(struct abi_port, rx_errors)},
		{"saker_port_tx_errors_total", "frames the device did not send",
		 offsetof(struct abi_port, tx_errors)},
		{"saker_port_rx_nombuf_total", "frames lost for want of a buffer",
		 offsetof(struct abi_port, rx_nombuf)},
	};

	for (size_t s = 0; s < sizeof(series) / sizeof(series[0]); s++) {
		family(t, series[s].name, "counter", series[s].help);
		for (uint32_t i = 0; i < m->d->net->n_ports; i++) {
			const uint8_t *p = (const uint8_t *)abi_port(m->d->region, i);

			text_printf(t, "%s{port=\"", series[s].name);
			label(t, m->d->net->port[i].name);
			text_printf(t, "\"} %llu\n",
				    (unsigned long long)get(
					    (const _Atomic uint64_t *)(p + series[s].at)));
		}
	}
	family(t, "saker_port_up", "gauge", "1 if the port has a link");
	for (uint32_t i = 0; i < m->d->net->n_ports; i++) {
		text_lit(t, "saker_port_up{port=\"");
		label(t, m->d->net->port[i].name);
		text_printf(t, "\"} %u\n",
			    atomic_load_explicit(&abi_port(m->d->region, i)->link_up,
						 memory_order_relaxed));
	}
}

static void put_pool(struct text *t, const char *name, const struct rte_mempool *mp)
{
	text_printf(t, "saker_mempool_free_ratio{pool=\"%s\"} %.4f\n", name,
		    (double)rte_mempool_avail_count(mp) / (double)mp->size);
}

static void put_node(struct text *t, const struct manage *m)
{
	struct abi_region *r = m->d->region;

	family(t, "saker_build_info", "gauge", "what is running");
	text_printf(t, "saker_build_info{daemon=\"dataplane\",version=\"%s\",dpdk=\"%s\"} 1\n",
		    SAKER_VERSION, rte_version());
	family(t, "saker_control_up", "gauge", "1 if saker-control is connected");
	text_printf(t, "saker_control_up %d\n", m->control_fd >= 0);
	family(t, "saker_dataplane_registrations", "gauge", "registration sets in the tables");
	text_printf(t, "saker_dataplane_registrations %llu\n",
		    (unsigned long long)get(&abi_tables(r)->registrations));
	family(t, "saker_mempool_free_ratio", "gauge",
	       "part of the packet buffers that is free");
	put_pool(t, "small", m->d->net->pool.small);
	put_pool(t, "jumbo", m->d->net->pool.jumbo);
	family(t, "saker_ring_fill_ratio", "gauge", "part of a ring to control that is filled");
	for (uint32_t i = 0; i < m->d->n_workers; i++)
		text_printf(t, "saker_ring_fill_ratio{ring=\"punt%u\"} %.4f\n", i,
			    view_ring_fill(r, r->off_punt[i], r->ring_punt));
}

void metrics_answer(struct manage *m, struct json *out)
{
	uint8_t *page = malloc(PAGE_MAX);
	struct text t = text_in(page, page ? PAGE_MAX : 0);

	sample_ports(m->d);
	put_node(&t, m);
	put_workers(&t, m);
	put_ports(&t, m);
	put_counters(&t, m);
	put_drops(&t, m);
	if (t.overflow) {
		admin_error(out, "no_memory", "the page of metrics exceeds its room", NULL);
	} else {
		json_object(out, NULL);
		json_slice(out, "data", text_slice(&t));
		json_end_object(out);
	}
	free(page);
}
