/* pcapng.h - blocks of a capture file (draft-ietf-opsawg-pcapng)
 *
 * Section header, one interface of LINKTYPE_RAW with times in nanoseconds, and a packet a SIP
 * message: the IP and UDP headers it travelled with are made up again, checksums included, so
 * that any tool reads it. Fragmentation is not shown. Pure; any thread.
 */
#pragma once

#include "base/addr.h"
#include "base/limits.h"

enum {
	PCAPNG_HEAD_MAX = 256,
	PCAPNG_PACKET_MAX = SIP_MESSAGE_MAX + 256,
};

struct pcapng_packet {
	uint64_t wall_ns;
	bool out; /* sent, else received */
	struct addr src, dst;
	struct slice message; /* at most SIP_MESSAGE_MAX */
};

/* Written once, at the start of the file. */
void pcapng_head(struct text *out);
/* Nothing is written for addresses of different families, or none. */
void pcapng_packet(struct text *out, const struct pcapng_packet *p);
