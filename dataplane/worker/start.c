/* start.c - the data plane's parts, brought up in order and taken down in the reverse */
#include "worker/start.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <urcu-qsbr.h>

#include "net/eal.h"
#include "worker/emergency_make.h"

_Static_assert((int)START_ERROR_MAX >= (int)EAL_ERROR_MAX &&
		       (int)START_ERROR_MAX >= (int)NET_ERROR_MAX &&
		       (int)START_ERROR_MAX >= (int)NODE_ERROR_MAX &&
		       (int)START_ERROR_MAX >= (int)ESP_ERROR_MAX,
	       "one buffer serves all parts");

typedef enum exit_code start_step(struct dataplane *d, char *error);

static enum exit_code start_node(struct dataplane *d, char *error)
{
	if (!node_make(d->conf, &d->node, error))
		return EXIT_CODE_CONF;
	if (!emergency_replace(&d->node.node, d->conf)) {
		snprintf(error, NODE_ERROR_MAX, "no memory");
		return EXIT_CODE_ENVIRONMENT;
	}
	return node_keys(&d->conf->dataplane, &d->node.node, error) ? EXIT_CODE_OK
								    : EXIT_CODE_ENVIRONMENT;
}

static enum exit_code start_eal(struct dataplane *d, char *error)
{
	return eal_start(d->conf, error) ? EXIT_CODE_OK : EXIT_CODE_ENVIRONMENT;
}

static enum exit_code start_net(struct dataplane *d, char *error)
{
	d->net = net_create(&d->conf->dataplane, &d->node.routes, error);
	if (!d->net)
		return EXIT_CODE_ENVIRONMENT;
	d->node.node.worker_ports = d->net->flow_steering;
	return EXIT_CODE_OK;
}

static enum exit_code start_region(struct dataplane *d, char *error)
{
	uint32_t ring = d->conf->dataplane.punt_ring;

	d->memfd = abi_region_create(d->n_workers, d->net->n_ports, ring, ring, &d->region);
	d->wake_fd = d->memfd < 0 ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->wake_fd < 0) {
		snprintf(error, START_ERROR_MAX,
			 "shared memory for control (punt-ring %u octets): %m", ring);
		return EXIT_CODE_ENVIRONMENT;
	}
	d->region->tsc_hz = rte_get_tsc_hz();
	d->region->token_key[0] = d->node.node.token_key.k0;
	d->region->token_key[1] = d->node.node.token_key.k1;
	for (uint32_t i = 0; i < d->net->n_ports; i++) {
		struct abi_port *p = abi_port(d->region, i);

		memcpy(p->name, d->net->port[i].name, sizeof(p->name));
		memcpy(p->driver, d->net->port[i].driver, sizeof(p->driver));
	}
	return EXIT_CODE_OK;
}

static enum exit_code start_tables(struct dataplane *d, char *error)
{
	const struct tables_size size = {d->conf->dataplane.users, d->conf->dataplane.users};

	/* Dialog tokens name a user by the hash the tables know it by, so both have one secret.
	 */
	d->tables = tables_create(&size, &d->node.node.token_key);
	if (d->tables)
		return EXIT_CODE_OK;
	snprintf(error, START_ERROR_MAX,
		 "tables for %u users: %m; lower dataplane.users, or add memory", size.impus);
	return EXIT_CODE_ENVIRONMENT;
}

/* Two sets for each of 100,000 UEs, while one follows the other; fewer for fewer users. */
static uint32_t sa_sets(const struct conf *c)
{
	enum { EACH = 2, MOST = 200000 };

	if (c->pcscf.sa_sets)
		return c->pcscf.sa_sets;
	return c->dataplane.users < MOST / EACH ? EACH * c->dataplane.users : MOST;
}

static enum exit_code start_sas(struct dataplane *d, char *error)
{
	const struct conf_pcscf *c = &d->conf->pcscf;
	uint16_t port[NET_PROTECTED_MAX] = {c->port_ps};
	char path[CONF_PATH_MAX + 32];
	struct esp_options o = {.sets = sa_sets(d->conf),
				.workers = (uint16_t)d->n_workers,
				.key = d->node.node.branch_key,
				.run_path = path};

	if (!c->port_ps)
		return EXIT_CODE_OK;
	for (uint32_t i = 0; i < c->n_port_pc; i++)
		port[i + 1] = c->port_pc[i];
	net_protect(d->net, port, 1 + c->n_port_pc);
	snprintf(path, sizeof(path), "%s/sequence-numbers", d->conf->runtime_dir);
	d->sas = esp_sas_create(&o, error);
	return d->sas ? EXIT_CODE_OK : EXIT_CODE_ENVIRONMENT;
}

static enum exit_code start_workers(struct dataplane *d, char *error)
{
	for (uint32_t i = 0; i < d->n_workers; i++) {
		const struct worker_options o = {
			.id = (uint16_t)i,
			.idle = d->conf->dataplane.idle,
			.order = &d->order,
			.net = d->net,
			.node = &d->node.node,
			.tables = d->tables,
			.sas = d->sas,
			.region = d->region,
			.wake_fd = d->wake_fd,
		};

		d->worker[i] = worker_create(&o);
		if (!d->worker[i]) {
			snprintf(error, START_ERROR_MAX,
				 "no memory for worker %u; lower dataplane.transactions, or "
				 "raise "
				 "dataplane.memory",
				 i);
			return EXIT_CODE_ENVIRONMENT;
		}
	}
	return EXIT_CODE_OK;
}

/* Worker i runs on lcore i + 1: see eal.h. */
static enum exit_code launch_workers(struct dataplane *d, char *error)
{
	for (uint32_t i = 0; i < d->n_workers; i++) {
		if (rte_eal_remote_launch(worker_run, d->worker[i], i + 1) != 0) {
			snprintf(error, START_ERROR_MAX,
				 "worker %u cannot be started on its lcore", i);
			return EXIT_CODE_BUG;
		}
		d->n_running++;
	}
	return EXIT_CODE_OK;
}

/* Configuration errors show before anything is touched; ports before memory is shared out;
 * workers last, when all they point at is there. */
static start_step *const steps[] = {
	start_node,   start_eal, start_net,     start_region,
	start_tables, start_sas, start_workers, launch_workers,
};

enum exit_code dataplane_start(struct dataplane *d, struct conf *c, char error[START_ERROR_MAX])
{
	enum exit_code code = EXIT_CODE_OK;

	memset(d, 0, sizeof(*d));
	d->conf = c;
	d->memfd = d->wake_fd = -1;
	d->n_workers = c->dataplane.workers;
	urcu_qsbr_register_thread();
	for (size_t i = 0; code == EXIT_CODE_OK && i < sizeof(steps) / sizeof(steps[0]); i++)
		code = steps[i](d, error);
	if (code != EXIT_CODE_OK)
		dataplane_stop(d);
	return code;
}

static void stop_workers(struct dataplane *d)
{
	atomic_store_explicit(&d->order, WORKER_STOP, memory_order_release);
	for (uint32_t i = 0; i < d->n_running; i++)
		rte_eal_wait_lcore(i + 1);
	for (uint32_t i = 0; i < d->n_workers; i++)
		if (d->worker[i])
			worker_destroy(d->worker[i]);
}

void dataplane_stop(struct dataplane *d)
{
	bool eal_is_up = d->net != NULL;

	stop_workers(d);
	esp_sas_destroy(d->sas);
	tables_destroy(d->tables);
	if (d->net)
		net_destroy(d->net);
	if (d->region)
		munmap(d->region, d->region->size);
	if (d->memfd >= 0)
		close(d->memfd);
	if (d->wake_fd >= 0)
		close(d->wake_fd);
	if (eal_is_up)
		eal_stop();
	emergency_end(&d->node.node);
	urcu_qsbr_unregister_thread();
}
