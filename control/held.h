/* held.h - requests that workers have punted, from then until control says how they go on
 *
 * Of a request whose first copy is still held further copies are dropped; each is resumed once,
 * by held_resume or held_reject, and is gone with that. Loop thread only.
 */
#pragma once

#include "abi/message.h"
#include "base/hash.h"
#include "sip/sip.h"

struct ev_loop;
struct link;
struct helds;

enum { HELD_MAX = 8192, HELD_ROUTE_MAX = SIP_URI_MAX };

/* The first member of a user's own structure. */
struct held {
	/* How it goes on: abi_inject. */
	enum abi_locate locate;
	uint16_t status;
	struct addr hop;
	uint64_t user; /* as in the punt, until changed */
	uint32_t route_len;
	uint8_t route[HELD_ROUTE_MAX];

	/* The store's own. */
	struct helds *all;
	struct held *chain, **at;
	uint64_t key;
	struct held *next_retry;
	uint64_t give_up_ms;
	struct abi_punt *punt; /* the message is in its data */
	struct abi_punt
		*renamed; /* NULL: it is as it came; else the punt, in memory of its own */
};

/* NULL: no memory, or no random numbers. */
struct helds *helds_open(struct ev_loop *loop, struct link *link);
/* Frees all that are held. */
void helds_close(struct helds *h);
/* The key of a message, be it a request (RFC 3261 §17.2.3) or a response: the same of all its
 * copies, of no other. False: its Via is malformed. */
bool held_key(const struct helds *all, const struct abi_punt *p, const struct sip_msg *m,
	      uint64_t *key);
/* A structure of `size` octets that begins with a struct held, zeroed behind it. NULL: a copy
 * is held already, or there is no room, and then the message was answered 503. */
struct held *held_new(struct helds *all, const struct abi_punt *p, uint64_t key, size_t size);
/* Gives the message another Request-URI, with which it goes on. What points into it is not to
 * be used any more. False: no memory, or it gets too long; then it is as it was. */
bool held_rename(struct held *h, struct slice uri);
/* The Request-URI, and the whole message, as they are now. */
struct slice held_uri(const struct held *h);
struct slice held_message(const struct held *h);
/* Ends h: frees it, if need be later. */
void held_resume(struct held *h);
void held_reject(struct held *h, uint16_t status);
/* Answers one that is not held. */
void held_reject_other(struct helds *all, const struct abi_punt *p, uint16_t status);
