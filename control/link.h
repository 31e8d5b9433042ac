/* link.h - control's end of the shared memory
 *
 * Connects to the data plane, again and again with a growing pause when it is not there; maps
 * the region; drains the punt rings and sends what comes to the handler; writes inject records.
 * Loop thread only.
 */
#pragma once

#include "abi/install.h"
#include "abi/message.h"
#include "abi/region.h"
#include "base/hash.h"

struct ev_loop;
struct conf;
struct link;

struct link_events {
	/* A punted message, checked, in private memory; valid during the call. */
	void (*message)(void *ctx, const struct abi_punt *p);
	/* The data plane acknowledged a record of the install ring. */
	void (*ack)(void *ctx, const struct abi_ack *a);
	/* (Re)connected. fresh: another start of the data plane than the last one seen: its
	 * tables are empty. */
	void (*up)(void *ctx, bool fresh);
	void (*down)(void *ctx);
	/* After a round of messages: time to commit and answer in one go. */
	void (*round)(void *ctx);
	void *ctx;
};

struct link *link_open(struct ev_loop *loop, const struct conf *conf,
		       const struct link_events *events);
void link_close(struct link *l);
bool link_is_up(const struct link *l);
/* NULL while down. For statistics, the install ring and captures. */
struct abi_region *link_region(struct link *l);
/* Key of Path tokens; false while down. */
bool link_token_key(const struct link *l, struct hash_key *out);

/* Our address and SIP port on the port that leads to dst, by the configuration; false: nothing
 * leads there. */
bool link_source(const struct link *l, const struct addr *dst, struct addr *out);

/* Sends a SIP message from the node: src as abi_inject (family 0: the port's own address).
 * sa_id: the security association it goes under, to its addresses; 0: in clear. False: link
 * down or ring full; the caller's transaction will try again. */
bool link_send(struct link *l, struct slice message, const struct addr *src,
	       const struct addr *dst, uint64_t sa_id);
/* How a message goes on: abi_inject. */
struct link_verdict {
	enum abi_locate locate;
	uint16_t status;
	struct addr hop;
	uint64_t user;
	struct slice route;
};
/* Resumes a message that is held since its punt, on the worker it came from. */
bool link_resume(struct link *l, const struct abi_punt *held, const struct link_verdict *v);
