/* reg_event.h - subscriptions to registrations: the notifier of the reg event package at the
 * S-CSCF (RFC 6665, RFC 3680; TS 24.229 §5.4.2.1)
 *
 * Who may subscribe: the user, under any identity of his implicit set; other CSCFs and
 * Application Servers, which are peers of the configuration. One NOTIFY at a time is under way
 * to a subscriber; what changes meanwhile is in the next. Subscriptions are stored when they
 * begin or are prolonged, so that they outlive control; each subscriber is then told all anew.
 * What counts with each NOTIFY is not stored: CSeq and version go on above any that one NOTIFY
 * a second could have come to. Loop thread only.
 */
#pragma once

#include "control/reginfo.h"

struct control;
struct exchange;
struct reg_events;

enum {
	REG_EVENT_EXPIRES = 600000, /* seconds, without a wish, and at most (§5.1.1.3) */
	REG_EVENT_EXPIRES_MIN = 60, /* less: 423 */
	/* Subscribers to one registration: its terminals, their P-CSCFs, some AS. */
	REG_EVENT_PER_USER = 32,
	REG_EVENT_MAX = 1000000, /* in all; some 1 KB each */
};

/* Needs c->exchanges, registrations, persist and link; closed before them. Takes up what was
 * stored, and tells those subscribers when the link had time to come up, some a moment. NULL
 * with a sentence in error. */
struct reg_events *reg_events_open(struct control *c, char *error);
void reg_events_close(struct reg_events *r);

/* A SUBSCRIBE for control: answered here. */
void reg_event_subscribe(struct reg_events *r, struct exchange *x);
/* The set with this id has changed, or is gone, in c->registrations. */
void reg_event_changed(struct reg_events *r, uint64_t set_id, enum reginfo_cause cause);

struct reg_events_stats {
	uint32_t active; /* subscriptions */
	uint64_t subscribed, refused;
	uint64_t notified, failed; /* NOTIFYs; those that were not answered 2xx */
	uint64_t too_large;        /* documents that fit no datagram: those subscriptions end */
};
void reg_events_stats(const struct reg_events *r, struct reg_events_stats *out);

struct reg_event_row {
	struct slice user;       /* as subscribed to, canonical */
	struct slice subscriber; /* its From */
	uint64_t expires_wall_ms;
	uint32_t version; /* of the next document */
};
/* Until it gives false. */
void reg_events_each(const struct reg_events *r,
		     bool (*each)(void *ctx, const struct reg_event_row *row), void *ctx);
