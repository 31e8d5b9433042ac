/* region.h - the memory that data plane and control share, and how control gets it
 *
 * The data plane makes the region in a memfd and listens on RUNTIME_DIR/dataplane-abi.sock.
 * Control connects (same uid, or root; checked by peer credentials), and is sent one struct
 * abi_hello with two descriptors: the memfd, and the eventfd that wakes control. One control at
 * a time: a new connection ends the old one. The region outlives control; records of a control
 * that died in mid-write are not visible, because only ring_commit publishes them.
 *
 *   header | counters per worker | ports | punt, inject and capture ring per worker | install |
 * ack
 */
#pragma once

#include "abi/ring.h"
#include "base/count.h"

enum {
	ABI_VERSION = 4,
	ABI_RING_CAPTURE = 1 << 20,
	ABI_RING_INSTALL = 4 << 20,
	ABI_RING_ACK = 1 << 18,
};
#define ABI_MAGIC 0x53414b4552303031ull /* "SAKER001" */

/* What a worker tells of itself; written by it alone. */
struct abi_worker {
	_Alignas(64) struct counters counters;
	_Atomic uint64_t busy_cycles;  /* TSC cycles in polls that found work */
	_Atomic uint64_t total_cycles; /* since start */
	_Atomic uint64_t messages;     /* SIP messages worked on in busy_cycles */
	_Atomic uint64_t polls, busy_polls;
	_Atomic uint64_t transactions; /* live INVITE transactions */
	_Atomic uint64_t heartbeat;    /* loops; stands still: the worker is stuck */
	_Atomic uint32_t cpu;
	_Atomic uint32_t queues;
};

struct abi_port {
	_Alignas(64) char name[32];
	char driver[32];
	_Atomic uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes;
	_Atomic uint64_t rx_missed, rx_errors, tx_errors, rx_nombuf;
	_Atomic uint32_t link_up;
};

/* Of the management thread. */
struct abi_tables {
	_Alignas(64) _Atomic uint64_t registrations, impus, contacts, flows;
	_Atomic uint64_t memory_used, memory_total;
	_Atomic uint64_t installs, install_errors;
	_Atomic uint64_t sa_sets;
};

struct abi_region {
	uint64_t magic;
	uint32_t version;
	uint32_t layout;  /* abi_layout(): sizes of all shared structures, hashed */
	uint64_t size;    /* octets of the whole region */
	uint64_t boot_id; /* random at each start of the data plane: if it changed, control
			     installs all anew */
	uint64_t tsc_hz;
	uint64_t token_key[2]; /* the node's secret of token.h; control makes Path tokens with
				  it */
	uint32_t n_workers, n_ports;
	uint64_t ring_punt, ring_inject;           /* their data octets */
	uint64_t off_worker, off_port, off_tables; /* offsets from the start of the region */
	uint64_t off_punt[WORKERS_MAX], off_inject[WORKERS_MAX], off_capture[WORKERS_MAX];
	uint64_t off_install, off_ack;
	_Alignas(64) _Atomic uint32_t
		capture_limit;     /* messages each worker still may capture; set by control */
	_Atomic uint32_t draining; /* data plane is going down */
};

struct abi_hello {
	uint64_t magic;
	uint32_t version;
	uint32_t layout;
	uint64_t size;
};

/* Differs between two builds whose shared structures, bounds or counters differ. Any thread. */
uint32_t abi_layout(void);

/* Data plane, at start. punt and inject are powers of two, 4 * RING_RECORD_MAX to 1 GiB. A
 * sealed memfd of the right size, its memory reserved, mapped, all rings made; -1 and errno.
 * The caller owns fd and mapping (munmap, (*out)->size) and fills tsc_hz and token_key. The
 * header lies in memory that control can write: attach rings and take pointers with the
 * functions below before the first abi_accept, and do not read the header's offsets afterwards.
 */
int abi_region_create(uint32_t n_workers, uint32_t n_ports, uint64_t punt, uint64_t inject,
		      struct abi_region **out);
/* Either side: checks magic, version, layout, size and every offset against the mapping's true
 * size: all follow from the numbers of workers and ports and the ring sizes, and must be just
 * that. NULL: sound; else one sentence that says what is wrong. */
const char *abi_region_check(const struct abi_region *r, uint64_t mapped_size);

static inline struct abi_worker *abi_worker(struct abi_region *r, uint32_t i)
{
	return (struct abi_worker *)((uint8_t *)r + r->off_worker) + i;
}
static inline struct abi_port *abi_port(struct abi_region *r, uint32_t i)
{
	return (struct abi_port *)((uint8_t *)r + r->off_port) + i;
}
static inline struct abi_tables *abi_tables(struct abi_region *r)
{
	return (struct abi_tables *)((uint8_t *)r + r->off_tables);
}
static inline struct abi_ring *abi_ring_at(struct abi_region *r, uint64_t offset)
{
	return (struct abi_ring *)((uint8_t *)r + offset);
}

/* The Unix socket (SOCK_SEQPACKET). Both sides non-blocking after this.
 * Data plane: listens (mode 0600), in the place of a socket left behind. -1 and errno. */
int abi_listen(const char *path);
/* Accepts one control and sends it the hello and both descriptors. The connection (kept open:
 * it closes when control dies), or -1: refused or nobody there; *refused_uid is its uid if it
 * was refused for that, else -1. */
int abi_accept(int listen_fd, const struct abi_region *r, int memfd, int wake_fd,
	       int64_t *refused_uid);
/* Control: connects, receives, checks and maps; waits up to 3 s. The connection, or -1 with a
 * sentence in error (256 octets). The caller owns connection, mapping (munmap, its size is in
 * the header) and *wake_fd. */
int abi_connect(const char *path, struct abi_region **r, int *wake_fd, char *error);
