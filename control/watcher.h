/* watcher.h - a P-CSCF's own subscriptions to the registrations of its users (TS 24.229 §5.2.3)
 *
 * Where the S-CSCF is on another node, it alone knows when a registration ends before its time:
 * by the network, or because another terminal took its place. So the P-CSCF subscribes to the
 * reg event package (RFC 3680) of each user who registers through it, and ends here what has
 * ended there. Subscriptions are not stored: after a start the users who are registered are
 * subscribed to anew, some a moment. Loop thread only.
 */
#pragma once

#include "control/registration.h"

struct control;
struct exchange;
struct watchers;

enum {
	WATCHER_EXPIRES = 600000, /* seconds asked for (TS 24.229 §5.2.3) */
	WATCHERS_MAX = 1000000,   /* in all; some 1 KB each */
	WATCHERS_START_MS = 1,    /* between two of those that are subscribed to at start */
};

/* Needs c->exchanges and registrations; closed before them. Subscribes to nobody where an
 * S-CSCF is on this node, or where pcscf.reg-event is false. NULL: no memory. */
struct watchers *watchers_open(struct control *c);
void watchers_close(struct watchers *w);
/* A REGISTER made this set (`initial`), or prolonged it. */
void watcher_registered(struct watchers *w, const struct registration_set *set, bool initial);
/* The set is gone: the subscription goes a moment later, when its notifier has said so. */
void watcher_gone(struct watchers *w, uint64_t set_id);
/* A NOTIFY for control: answered here. */
void watcher_notify(struct watchers *w, struct exchange *x);

struct watchers_stats {
	uint32_t active;             /* subscriptions that were accepted */
	uint64_t subscribed, failed; /* SUBSCRIBEs sent; those that were not answered 2xx */
	uint64_t notified, refused;  /* NOTIFYs; those that were answered otherwise than 2xx */
	uint64_t ended;              /* contacts that ended, or end sooner, by a NOTIFY */
};
void watchers_stats(const struct watchers *w, struct watchers_stats *out);
