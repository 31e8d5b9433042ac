/* capture.h - SIP messages of the data plane into a pcapng file
 *
 * The workers copy messages into their capture rings while the region's capture_limit is above
 * zero; a full ring leaves messages out and holds nobody up. While a capture is on, the rings
 * are emptied every few milliseconds. Loop thread only.
 */
#pragma once

#include "base/slice.h"

struct ev_loop;
struct link;
struct capture;

struct capture *capture_open(struct ev_loop *loop, struct link *link);
void capture_close(struct capture *c);
/* A new file, mode 0600 (one that exists is not touched), and at most `limit` messages. False
 * with a sentence in error (256 octets). */
bool capture_start(struct capture *c, const char *file, uint64_t limit, char *error);
void capture_stop(struct capture *c);
/* The rings are about to go: what has come is kept, the capture ends. */
void capture_link_down(struct capture *c);

struct capture_state {
	bool on;
	uint64_t written;
	const char *file;  /* of the running or last capture; "" none */
	const char *ended; /* why the last one ended; "" */
};
void capture_state(const struct capture *c, struct capture_state *out);
