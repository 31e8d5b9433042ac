/* link.h - the wire: one DPDK port, and the datagrams of all terminals on it
 *
 * Every terminal has an address of its own; to the node they are all behind this port's
 * address, as behind a mobile network's gateway. ARP is answered for it. One thread.
 */
#pragma once

#include <rte_mbuf.h>

#include "base/addr.h"

enum { LINK_BURST = 32, LINK_MESSAGE_MAX = 4096, LINK_PIECES = 2 * LINK_BURST };

/* A datagram that comes in fragments, as far as it is there: its UDP header, and what is
 * behind. */
struct link_pieces {
	uint32_t from, to; /* host order */
	uint16_t id;
	uint16_t len; /* 0: free */
	uint8_t octets[LINK_MESSAGE_MAX];
};

struct link_options {
	uint32_t own_ip;  /* the gateway's, host order */
	uint32_t node_ip; /* of what is tested */
	uint16_t node_port;
	uint16_t mtu; /* a longer packet goes in fragments */
};

struct link {
	struct link_options o;
	struct rte_mempool *pool;
	uint8_t mac[6], node_mac[6];
	bool met; /* node_mac is known */
	uint16_t packet_id;
	uint16_t n_out;
	struct rte_mbuf *out[LINK_BURST];
	uint32_t next_pieces; /* the one to be used for the next */
	struct link_pieces pieces[LINK_PIECES];
	uint64_t sent_packets, received_packets, not_sent;
};

/* A datagram that came: for a terminal. */
struct link_datagram {
	struct addr from, to; /* ports 0 with ESP */
	bool esp; /* `message` is the payload of an ESP packet, and may be written to */
	struct slice message;
};

/* Opens the first port of DPDK. NULL: all is well; else a sentence. */
const char *link_open(struct link *l, const struct link_options *o);
void link_close(struct link *l);
/* Asks for the node's MAC address, again and again, for so many seconds. False: no answer. */
bool link_meet(struct link *l, double seconds);

/* A message of the terminal at `from` to the node. */
void link_send(struct link *l, const struct addr *from, struct slice message);
/* An ESP packet in its place: the payload alone. */
void link_send_esp(struct link *l, const struct addr *from, struct slice payload);
/* Gives what waits to the port. */
void link_flush(struct link *l);
/* Up to LINK_BURST datagrams; valid until link_release of the same frames. */
uint16_t link_receive(struct link *l, struct link_datagram *d, struct rte_mbuf **frame,
		      uint16_t *n_frames);
void link_release(struct rte_mbuf **frame, uint16_t n);
