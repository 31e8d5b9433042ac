/* port.h - one Ethernet port of any DPDK driver, and which worker has which of its queues */
#pragma once

#include <rte_ether.h>

#include "conf/conf.h"
#include "net/mbufs.h"

enum {
	PORT_QUEUES_MAX = 64,
	PORT_DESCRIPTORS = 1024,
	PORT_NO_QUEUE = 255,
};

struct port {
	char name[32];
	char driver[32];
	uint16_t id;   /* DPDK's number */
	uint16_t mtu;  /* octets of an IP packet */
	uint16_t vlan; /* 0: untagged */
	uint16_t n_rx, n_tx;
	uint8_t index;    /* ours: struct buf.port */
	uint8_t l2_len;   /* 14, or 18 with a VLAN tag */
	bool vdev;        /* software driver: as many transmit as receive queues */
	bool tx_checksum; /* the NIC fills in IPv4 and UDP checksums */
	struct rte_ether_addr mac;
	uint64_t mac_word;                 /* mac as a number, its first octet lowest */
	uint8_t rx_owner[PORT_QUEUES_MAX]; /* worker that polls the queue */
	uint8_t tx_queue[WORKERS_MAX]; /* of a worker, or PORT_NO_QUEUE: it sends through tx_via
					*/
	uint8_t tx_via[WORKERS_MAX];
};

/* Main thread, at start. Creates a virtual device that is not there yet, and configures the
 * queues; what the driver offers less of than wanted is logged. `next_queue` counts receive
 * queues over all ports, which spreads them over the workers. False with a sentence in error
 * (512 octets). */
bool port_open(struct port *p, const struct conf_port *c, uint8_t index,
	       const struct mbufs *pool, uint16_t n_workers, uint32_t *next_queue, char *error);
/* Main thread, after all are open. */
bool port_start(struct port *p, char *error);
void port_close(struct port *p);

/* Shares n_rx receive and n_tx transmit queues among the workers: pure, for port_open and its
 * test. */
void port_share_queues(struct port *p, uint16_t n_workers, uint32_t *next_queue);

/* Arguments of a virtual device with what the port's other keys imply, unless the operator
 * wrote it: number of queues; AF_XDP without busy polling, which needs its own kernel thread's
 * co-operation. False: too long. */
bool port_device_args(const struct conf_port *c, struct text *name, struct text *args);
/* True if the device is a virtual one ("net_..."), not a PCI address. */
bool port_is_vdev(const struct conf_port *c);

/* Receive buffers a port of this configuration keeps in its rings, for sizing the pools. */
uint32_t port_buffers(const struct conf_port *c, uint16_t n_workers);
/* True if what it receives may be longer than a small buffer. */
bool port_is_jumbo(const struct conf_port *c);

struct port_stats {
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes;
	uint64_t rx_missed, rx_errors, tx_errors, rx_nombuf;
	bool link_up;
};
/* Management thread. */
void port_stats(const struct port *p, struct port_stats *out);
