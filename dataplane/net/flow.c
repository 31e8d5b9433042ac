/* flow.c - steering by the NIC: the UDP port of worker i to the receive queue of worker i */
#include "net/flow.h"

#include <rte_ethdev.h>
#include <rte_flow.h>

#include "base/log.h"

static void refused(const struct port *p, const char *why)
{
	log_event(LOG_INFO, "net", "flow_refused", LOG_Z("port", p->name),
		  LOG_Z("reason", why));
}

static bool steer_one(const struct port *p, uint16_t udp_port, uint16_t queue,
		      enum rte_flow_item_type network)
{
	const struct rte_flow_attr attr = {.ingress = 1};
	const struct rte_flow_item_udp spec = {.hdr.dst_port = rte_cpu_to_be_16(udp_port)};
	const struct rte_flow_item_udp mask = {.hdr.dst_port = UINT16_MAX};
	const struct rte_flow_item pattern[] = {
		{.type = RTE_FLOW_ITEM_TYPE_ETH},
		{.type = network},
		{.type = RTE_FLOW_ITEM_TYPE_UDP, .spec = &spec, .mask = &mask},
		{.type = RTE_FLOW_ITEM_TYPE_END},
	};
	const struct rte_flow_action_queue to = {.index = queue};
	const struct rte_flow_action actions[] = {
		{.type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &to},
		{.type = RTE_FLOW_ACTION_TYPE_END},
	};
	struct rte_flow_error error = {.message = NULL};

	if (rte_flow_validate(p->id, &attr, pattern, actions, &error) == 0 &&
	    rte_flow_create(p->id, &attr, pattern, actions, &error))
		return true;
	refused(p, error.message ? error.message : "the driver has no such rule");
	return false;
}

static bool steer_port(const struct net *n, const struct port *p)
{
	if (p->n_rx < n->n_workers) {
		refused(p, "fewer queues than workers");
		return false;
	}
	if (p->vlan) {
		refused(p, "rules are not made for tagged frames");
		return false;
	}
	for (uint16_t i = 0; i < n->n_workers; i++) {
		uint16_t udp = (uint16_t)(n->worker_port_base + i);
		if (!steer_one(p, udp, i, RTE_FLOW_ITEM_TYPE_IPV4) ||
		    !steer_one(p, udp, i, RTE_FLOW_ITEM_TYPE_IPV6))
			return false;
	}
	return true;
}

bool flow_steer(struct net *n, enum conf_steering steering)
{
	bool all = true;

	if (steering == CONF_STEER_SOFTWARE || n->n_workers < 2)
		return false;
	for (uint16_t i = 0; all && i < n->n_ports; i++)
		all = steer_port(n, &n->port[i]);
	/* Some rules without the others would send messages to workers that do not own them. */
	for (uint16_t i = 0; !all && i < n->n_ports; i++)
		rte_flow_flush(n->port[i].id, NULL);
	log_event(steering == CONF_STEER_FLOW && !all ? LOG_WARN : LOG_INFO, "net", "steering",
		  LOG_Z("by", all ? "nic" : "software"));
	return all;
}
