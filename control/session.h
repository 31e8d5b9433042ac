/* session.h - sessions of the users we are S-CSCF of, so that they can be ended
 *
 * Workers forward dialogs without remembering them. Of each that an INVITE began they tell
 * control, and of its BYE; here is kept what a BYE to either side needs. When a user is
 * de-registered both sides of his sessions get one (TS 24.229 §5.4.5.1.2), and so do those of a
 * session that was given a time and not refreshed within it (RFC 4028 §10). Bounded: beyond
 * control.sessions the oldest is forgotten, and goes on without being watched. Nothing of it
 * outlives control: sessions begun under another control are not known to this one. Loop thread
 * only.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"

struct control;
struct abi_punt;
struct registration_set;
struct sessions;

/* most: sessions at one time; 0: none is watched. NULL: no memory. Needs c->exchanges and
 * c->link, and closes before them. */
struct sessions *sessions_open(struct control *c, uint32_t most);
void sessions_close(struct sessions *s);

/* PUNT_SESSION_BEGUN, of a re-INVITE too. */
void sessions_begun(struct sessions *s, const struct abi_punt *p);
/* PUNT_SESSION_REFRESHED */
void sessions_refreshed(struct sessions *s, const struct abi_punt *p);
/* PUNT_SESSION_ENDED */
void sessions_ended(struct sessions *s, const struct abi_punt *p);

/* Each second, with CLOCK_MONOTONIC: ends those that were due to be refreshed, half a minute
 * ago at the least. */
void sessions_expire(struct sessions *s, uint64_t now_ms);

/* Ends all sessions of all identities of the set: a BYE to both sides of each, with `text` in
 * Reason (RFC 3326). The number of them. */
uint32_t sessions_release(struct sessions *s, const struct registration_set *set,
			  const char *text);

/* Called with each session that control ends, for no worker tells of those. */
void sessions_on_release(struct sessions *s, void (*fn)(void *ctx, struct slice call_id),
			 void *ctx);
/* Names the dialog that a message is of, whichever side's; 0: none. */
uint64_t sessions_dialog(struct sessions *s, const struct abi_punt *p);
/* Ends that session, if it is one that is watched, likewise, with the cause `status`. */
void sessions_refuse(struct sessions *s, uint64_t dialog, uint16_t status, const char *text);

struct sessions_stats {
	uint32_t active;
	uint64_t begun, ended, released;
	uint64_t expired;   /* of those released, for want of a refresh */
	uint64_t refused;   /* of those released, by sessions_refuse */
	uint64_t forgotten; /* the oldest, for want of room */
	uint64_t unread;    /* notices of which nothing could be made */
	uint64_t byes, byes_unanswered;
};
void sessions_stats(const struct sessions *s, struct sessions_stats *out);

struct session_row {
	struct slice call_id;
	struct slice caller, callee; /* From and To of the INVITE */
	uint64_t begun_wall_ms;
};
/* Oldest first, until it gives false. */
void sessions_each(const struct sessions *s,
		   bool (*each)(void *ctx, const struct session_row *row), void *ctx);
