/* persist.h - registrations, their security associations, subscriptions to them, what
 * Application Servers are owed, and rows of others, on disk (SQLite, WAL)
 *
 * The keys of security associations (CK, IK) are in the file, because an association outlives
 * control (sa.h); that is why nobody but its owner may read it.
 *
 * Durability point: persist_put and persist_delete are collected, and written in one
 * transaction by persist_commit, which returns after the WAL was synced to disk; then `done` of
 * each is called, and only then is a 200 OK sent. So what was answered survives a power cut;
 * but for refreshes that a worker answered, which come here a little later (registrar.h).
 * persist_commit is called once a round of the loop. Loop thread only.
 */
#pragma once

#include "control/registration.h"
#include "control/sa.h"

struct persist;
struct record_prolonged;
struct record_subscription;
struct record_owed;

/* Makes the file (mode 0600) and its tables where there are none. NULL with a sentence in error
 * (256 octets). */
struct persist *persist_open(const char *path, char *error);
void persist_close(struct persist *p);
/* The set is copied. done(ctx, ok) after the commit; it may be NULL. */
void persist_put(struct persist *p, const struct registration_set *set,
		 void (*done)(void *ctx, bool ok), void *ctx);
void persist_delete(struct persist *p, uint64_t set_id, void (*done)(void *ctx, bool ok),
		    void *ctx);
/* A contact of a set that is on disk, prolonged: a line of a journal, which costs a fiftieth of
 * the set. What is put later, of whatever CSeq, stands above it. Whoever calls this looks from
 * time to time at what is oldest there, and has it forgotten. */
void persist_prolong(struct persist *p, const struct record_prolonged *r);
/* Lines of the journal. */
uint64_t persist_prolonged(const struct persist *p);
/* The oldest lines, up to `most` of those that are on disk: each is called with them. Until
 * `until`, which is what persist_prolonged_forget takes, 0: none. */
uint64_t persist_prolonged_oldest(struct persist *p, uint32_t most,
				  void (*each)(void *ctx, const struct record_prolonged *r),
				  void *ctx);
/* With the next commit. */
void persist_prolonged_forget(struct persist *p, uint64_t until);
/* The same of a set of security associations. done may be NULL. */
void persist_sa_put(struct persist *p, const struct sa *sa, void (*done)(void *ctx, bool ok),
		    void *ctx);
void persist_sa_delete(struct persist *p, uint64_t sa_id);
/* The same of a subscription, by its number. */
void persist_subscription_put(struct persist *p, const struct record_subscription *s);
void persist_subscription_delete(struct persist *p, uint64_t number);
/* The same of a third-party REGISTER, encoded (record.h): the record is copied. */
void persist_owed_put(struct persist *p, uint64_t key, struct slice record);
void persist_owed_delete(struct persist *p, uint64_t key);
/* Of one that is on disk, as of the last commit: its record, malloc'ed, for the caller. NULL:
 * not there, or no memory. */
uint8_t *persist_owed_get(struct persist *p, uint64_t key, uint32_t *len);
/* What others keep in tables of their own, as they like: the record is copied. */
enum persist_rows {
	PERSIST_POLICY, /* sessions with the policy function (policy.h) */
	PERSIST_CHARGE, /* calls that are being charged, */
	PERSIST_ACR,    /* and what is to be told of them (charging.h) */
};
void persist_row_put(struct persist *p, enum persist_rows of, uint64_t key,
		     struct slice record);
void persist_row_delete(struct persist *p, enum persist_rows of, uint64_t key);
void persist_commit(struct persist *p);
/* True: something waits for persist_commit. */
bool persist_pending(const struct persist *p);
/* At start: every set on disk, prolonged as the journal says. One whose contacts expired
 * meanwhile is among them: its expiry is then worked through as any other, so that the HSS
 * hears of it. A damaged row is logged and left out. False with a sentence in error. */
bool persist_load(struct persist *p, struct registrations *into, char *error);

/* And every set of security associations. */
bool persist_load_sas(struct persist *p, struct sas *into, char *error);

/* And every subscription: given to each, which makes a copy. */
bool persist_load_subscriptions(struct persist *p,
				void (*each)(void *ctx, const struct record_subscription *s),
				void *ctx, char *error);

/* And every third-party REGISTER; `record` is what it was decoded from. */
bool persist_load_owed(struct persist *p,
		       void (*each)(void *ctx, const struct record_owed *o,
				    struct slice record),
		       void *ctx, char *error);

/* And every row of a table, by its key. False from each: the record is damaged. */
bool persist_load_rows(struct persist *p, enum persist_rows of,
		       bool (*each)(void *ctx, uint64_t key, struct slice record), void *ctx,
		       char *error);

struct persist_stats {
	uint64_t commits, changes, failures, damaged;
};
void persist_stats(const struct persist *p, struct persist_stats *out);
