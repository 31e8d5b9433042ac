/* buf.h - a datagram in hand
 *
 * What the roles know of a packet. In the data plane a struct buf lies in the private
 * area of its mbuf (net/buf.c); tests bring an implementation on malloc. Ownership is
 * visible in the verbs: who allocates or refs a buf gives it away once, by
 * buf_free() or by putting it into an outbox.
 */
#pragma once

#include "base/addr.h"

struct buf {
	uint8_t *data;     /* first octet of the SIP message */
	uint32_t len;      /* octets of the message */
	uint32_t headroom; /* octets that may be written before data (room for L2-L4 is already
			      taken off) */
	uint32_t tailroom; /* octets that may be written behind data + len */
	struct addr src;   /* received: from; to send: our local address and port */
	struct addr dst;   /* received: our local address and port; to send: to */
	uint8_t port; /* index of the port it came in on; BUF_PORT_CONTROL if from control */
	uint8_t flags;
	uint16_t worker; /* that took it from the port */
	uint64_t rx_tsc;
	/* Received: the set of security associations it came under. To send: the one it must
	 * leave under, which says between which addresses. 0: in clear. */
	uint64_t sa_id;
	/* Set of the user that control found its sender to be, or is asked about; 0: none. */
	uint64_t user;
};

enum {
	BUF_PORT_CONTROL = 255,
	BUF_F_SHARED = 1, /* more than one reference: its octets may not be written */
	BUF_F_ESP = 2, /* to send: no message but an ESP packet, the payload of an IP packet */
};

/* Worker only. A buf with at least `size` octets of tailroom (len 0) and room for all
 * lower headers, or NULL: counted by the caller. size <= SIP_MESSAGE_MAX. */
struct buf *buf_alloc(uint32_t size);
/* Worker only. One more reference; each is given back by buf_free. Octets of a buf with
 * several references are read-only. */
void buf_ref(struct buf *b);
void buf_free(struct buf *b);

/* Worker only. Hints, some time ahead: the buf that the n-th buf_alloc from now on may give
 * (from 0) will be written to; this one will be referred to or freed. */
void buf_prefetch_new(uint32_t n);
void buf_prefetch(const struct buf *b);

static inline struct slice buf_slice(const struct buf *b)
{
	return (struct slice){b->data, b->len};
}
