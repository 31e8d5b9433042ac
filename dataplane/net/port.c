/* port.c - one Ethernet port of any DPDK driver, and which worker has which of its queues */
#include "net/port.h"

#include <stdarg.h>
#include <stdio.h>

#include <rte_byteorder.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "base/log.h"
#include "net/net.h"

/* AF_PACKET's rings: a frame holds the largest reassembled message and the kernel's own header.
 * Frames must fill a block of whole pages without a gap: the driver counts on it. */
enum {
	AF_PACKET_FRAME = 17408,
	AF_PACKET_BLOCK = 69632,
	AF_PACKET_FRAMES = 512,
};
_Static_assert((int)AF_PACKET_FRAME >= SIP_MESSAGE_MAX + 8 + 20 + 18 + 80,
	       "a message fits a frame");
_Static_assert((int)AF_PACKET_FRAME - 32 <= MBUFS_JUMBO_ROOM - RTE_PKTMBUF_HEADROOM,
	       "what a frame may hold fits a jumbo buffer");
_Static_assert((int)AF_PACKET_BLOCK % AF_PACKET_FRAME == 0 && AF_PACKET_BLOCK % 4096 == 0,
	       "no gap");

static bool fail(char *error, const struct conf_port *c, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool fail(char *error, const struct conf_port *c, const char *format, ...)
{
	int n = snprintf(error, NET_ERROR_MAX, "port %s (%s): ", c->name, c->device);
	va_list ap;

	if (n < 0 || n >= NET_ERROR_MAX)
		return false;
	va_start(ap, format);
	vsnprintf(error + n, (size_t)(NET_ERROR_MAX - n), format, ap);
	va_end(ap);
	return false;
}

bool port_is_vdev(const struct conf_port *c)
{
	return strncmp(c->device, "net_", 4) == 0;
}

static bool device_is(const struct conf_port *c, const char *driver)
{
	return strncmp(c->device, driver, strlen(driver)) == 0;
}

bool port_is_jumbo(const struct conf_port *c)
{
	/* The kernel puts IPv4 fragments together before AF_PACKET hands them to us (its driver
	 * joins a fan-out group with PACKET_FANOUT_FLAG_DEFRAG), whatever the MTU. */
	return device_is(c, "net_af_packet") ||
	       c->mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN > MBUFS_SMALL_ROOM;
}

uint32_t port_buffers(const struct conf_port *c, uint16_t n_workers)
{
	/* AF_XDP fills a ring of its own size, twice its descriptors, and keeps as many in
	 * flight. */
	const uint32_t af_xdp = 8192;
	uint32_t queues = c->queues ? c->queues : 1;

	/* The kernel's ring is not made of buffers: only what is on its way. */
	if (device_is(c, "net_af_packet"))
		return (queues + n_workers) * PORT_DESCRIPTORS / 4;
	return queues * (device_is(c, "net_af_xdp") ? af_xdp : PORT_DESCRIPTORS) +
	       n_workers * PORT_DESCRIPTORS;
}

static void put_default(struct text *args, const char *key, unsigned value)
{
	struct slice have = text_slice(args);
	uint32_t len = (uint32_t)strlen(key);

	for (uint32_t i = 0; i + len < have.len; i++)
		if (have.p[i] == ',' && memcmp(have.p + i + 1, key, len) == 0 &&
		    i + 1 + len < have.len && have.p[i + 1 + len] == '=')
			return;
	text_printf(args, ",%s=%u", key, value);
}

bool port_device_args(const struct conf_port *c, struct text *name, struct text *args)
{
	struct slice device = slice_str(c->device);
	uint32_t comma = slice_find(device, ',');
	unsigned queues = c->queues ? c->queues : 1;

	text_put(name, slice_sub(device, 0, comma));
	/* A leading comma while keys are looked for, taken off by the caller. */
	text_char(args, ',');
	text_put(args, slice_from(device, comma + 1));
	if (device_is(c, "net_af_xdp")) {
		put_default(args, "queue_count", queues);
		put_default(args, "busy_budget", 0);
	} else if (device_is(c, "net_af_packet")) {
		put_default(args, "qpairs", queues);
		put_default(args, "framesz", AF_PACKET_FRAME);
		put_default(args, "blocksz", AF_PACKET_BLOCK);
		put_default(args, "framecnt", AF_PACKET_FRAMES);
	}
	return !name->overflow && !args->overflow;
}

static bool find_device(struct port *p, const struct conf_port *c, char *error)
{
	char name_memory[CONF_NAME_MAX], args_memory[2 * CONF_NAME_MAX];
	struct text name = text_in(name_memory, sizeof(name_memory));
	struct text args = text_in(args_memory, sizeof(args_memory));

	if (!port_is_vdev(c)) {
		if (rte_eth_dev_get_port_by_name(c->device, &p->id) == 0)
			return true;
		return fail(error, c,
			    "no such PCI device for DPDK; bind it to vfio-pci "
			    "(dpdk-devbind.py) and check "
			    "the address");
	}
	if (!port_device_args(c, &name, &args))
		return fail(error, c, "device is too long");
	if (rte_eth_dev_get_port_by_name(text_cstr(&name), &p->id) == 0)
		return true;
	if (rte_eal_hotplug_add("vdev", text_cstr(&name), text_cstr(&args) + 1) == 0 &&
	    rte_eth_dev_get_port_by_name(text_cstr(&name), &p->id) == 0)
		return true;
	return fail(error, c,
		    "the driver refuses, for the reason in the mod=dpdk lines above; does the "
		    "interface exist, has it "
		    "so many queues, and may this process open it (CAP_NET_ADMIN, CAP_NET_RAW; "
		    "AF_XDP: "
		    "CAP_BPF as well)?");
}

static uint16_t least(uint32_t a, uint32_t b)
{
	return (uint16_t)(a < b ? a : b);
}

/* What is wanted, cut to what the device has. */
static void plan_queues(struct port *p, const struct conf_port *c,
			const struct rte_eth_dev_info *info, uint16_t n_workers)
{
	uint16_t wanted = c->queues ? c->queues : 1;

	p->n_rx = least(least(wanted, info->max_rx_queues), PORT_QUEUES_MAX);
	/* Software drivers pair their queues, or negotiate them with the far end. */
	p->n_tx = least(p->vdev ? p->n_rx : n_workers, info->max_tx_queues);
	if (p->n_rx < wanted)
		log_event(LOG_WARN, "net", "fewer_queues", LOG_Z("port", p->name),
			  LOG_U("wanted", wanted), LOG_U("have", p->n_rx));
}

void port_share_queues(struct port *p, uint16_t n_workers, uint32_t *next_queue)
{
	uint16_t q, w;

	for (q = 0; q < p->n_rx; q++) {
		/* With a queue for everybody, queue i is worker i's, so that steering rules are
		 * simple. */
		p->rx_owner[q] =
			(uint8_t)((p->n_rx >= n_workers ? q : *next_queue) % n_workers);
		++*next_queue;
	}
	memset(p->tx_queue, PORT_NO_QUEUE, sizeof(p->tx_queue));
	for (q = 0; q < p->n_tx; q++) {
		w = q < p->n_rx ? p->rx_owner[q] : q % n_workers;
		for (uint16_t tried = 0; tried < n_workers; tried++, w = (w + 1) % n_workers) {
			if (p->tx_queue[w] != PORT_NO_QUEUE)
				continue;
			p->tx_queue[w] = (uint8_t)q;
			break;
		}
	}
	/* Who has none shares an owner, the owners taken in turn. */
	uint16_t via = 0;
	for (w = 0; w < n_workers; w++) {
		p->tx_via[w] = (uint8_t)w;
		if (p->tx_queue[w] != PORT_NO_QUEUE)
			continue;
		do
			via = (via + 1) % n_workers;
		while (p->tx_queue[via] == PORT_NO_QUEUE);
		p->tx_via[w] = (uint8_t)via;
	}
}

static void plan_offloads(struct port *p, const struct rte_eth_dev_info *info,
			  struct rte_eth_conf *conf)
{
	const uint64_t rx = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
	const uint64_t tx = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	const uint64_t rss = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP;

	conf->rxmode.offloads = info->rx_offload_capa & rx;
	p->tx_checksum = (info->tx_offload_capa & tx) == tx;
	if (p->tx_checksum)
		conf->txmode.offloads = tx;
	if (p->n_rx > 1 && (info->flow_type_rss_offloads & rss)) {
		conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf->rx_adv_conf.rss_conf.rss_hf = info->flow_type_rss_offloads & rss;
	}
}

static bool setup_queues(struct port *p, const struct conf_port *c, const struct mbufs *pool,
			 char *error)
{
	uint16_t rx_desc = PORT_DESCRIPTORS, tx_desc = PORT_DESCRIPTORS;
	int socket = rte_eth_dev_socket_id(p->id);
	struct rte_mempool *mp = port_is_jumbo(c) ? pool->jumbo : pool->small;
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &rx_desc, &tx_desc);

	for (uint16_t q = 0; rc == 0 && q < p->n_rx; q++)
		rc = rte_eth_rx_queue_setup(p->id, q, rx_desc, (unsigned)socket, NULL, mp);
	for (uint16_t q = 0; rc == 0 && q < p->n_tx; q++)
		rc = rte_eth_tx_queue_setup(p->id, q, tx_desc, (unsigned)socket, NULL);
	if (rc < 0)
		return fail(error, c,
			    "queues cannot be set up: %s; raise dataplane.buffers, or the "
			    "limit of locked memory "
			    "(ulimit -l)",
			    rte_strerror(-rc));
	return true;
}

static void set_mtu(struct port *p, const struct conf_port *c)
{
	uint16_t wanted = c->mtu ? c->mtu : RTE_ETHER_MTU, have;

	p->mtu = wanted;
	if (rte_eth_dev_set_mtu(p->id, wanted) == 0)
		return;
	/* A driver without that operation sends what its device takes; the operator sets the
	 * device. */
	if (rte_eth_dev_get_mtu(p->id, &have) == 0 && have < wanted) {
		p->mtu = have;
		log_event(LOG_WARN, "net", "mtu_lower", LOG_Z("port", p->name),
			  LOG_U("wanted", wanted), LOG_U("have", have));
	}
}

static void read_mac(struct port *p)
{
	uint64_t word = 0;

	rte_eth_macaddr_get(p->id, &p->mac);
	memcpy(&word, p->mac.addr_bytes, RTE_ETHER_ADDR_LEN);
	p->mac_word = rte_le_to_cpu_64(word);
}

bool port_open(struct port *p, const struct conf_port *c, uint8_t index,
	       const struct mbufs *pool, uint16_t n_workers, uint32_t *next_queue, char *error)
{
	struct rte_eth_conf conf = {.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE};
	struct rte_eth_dev_info info;

	*p = (struct port){.index = index, .vlan = c->vlan, .vdev = port_is_vdev(c)};
	p->l2_len = RTE_ETHER_HDR_LEN + (c->vlan ? RTE_VLAN_HLEN : 0);
	snprintf(p->name, sizeof(p->name), "%s", c->name);
	if (!find_device(p, c, error))
		return false;
	if (rte_eth_dev_info_get(p->id, &info) != 0 || info.max_rx_queues == 0 ||
	    info.max_tx_queues == 0)
		return fail(error, c, "the device has no queues");
	snprintf(p->driver, sizeof(p->driver), "%s", info.driver_name);
	plan_queues(p, c, &info, n_workers);
	port_share_queues(p, n_workers, next_queue);
	plan_offloads(p, &info, &conf);
	int rc = rte_eth_dev_configure(p->id, p->n_rx, p->n_tx, &conf);
	if (rc < 0)
		return fail(error, c, "cannot be configured: %s", rte_strerror(-rc));
	set_mtu(p, c);
	if (!setup_queues(p, c, pool, error))
		return false;
	read_mac(p);
	return true;
}

bool port_start(struct port *p, char *error)
{
	int rc = rte_eth_dev_start(p->id);

	if (rc < 0) {
		snprintf(error, NET_ERROR_MAX, "port %s (%s): does not start: %s", p->name,
			 p->driver, rte_strerror(-rc));
		return false;
	}
	/* Solicited-node multicast (RFC 4861 §7.2): any of our addresses may be asked for.
	 * Drivers that see every frame anyway have no such switch. */
	rte_eth_promiscuous_disable(p->id);
	rte_eth_allmulticast_enable(p->id);
	/* Some drivers settle their address only now. */
	read_mac(p);
	return true;
}

void port_close(struct port *p)
{
	rte_eth_dev_stop(p->id);
	rte_eth_dev_close(p->id);
}

void port_stats(const struct port *p, struct port_stats *out)
{
	struct rte_eth_stats s;
	struct rte_eth_link link;

	*out = (struct port_stats){0};
	if (rte_eth_stats_get(p->id, &s) == 0) {
		out->rx_packets = s.ipackets;
		out->tx_packets = s.opackets;
		out->rx_bytes = s.ibytes;
		out->tx_bytes = s.obytes;
		out->rx_missed = s.imissed;
		out->rx_errors = s.ierrors;
		out->tx_errors = s.oerrors;
		out->rx_nombuf = s.rx_nombuf;
	}
	if (rte_eth_link_get_nowait(p->id, &link) == 0)
		out->link_up = link.link_status == RTE_ETH_LINK_UP;
}
