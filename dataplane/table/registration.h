/* registration.h - registered users, as workers see them
 *
 * A registration is immutable once it is published, but for what a refresh prolongs of a
 * contact: three words, of which each stands for itself. The management thread replaces it by a
 * new one and frees the old after a grace period (urcu-qsbr), so a pointer found inside a
 * read-side section stays valid until that section ends: on a worker, until it next announces a
 * quiescent state, once per loop.
 */
#pragma once

#include "abi/install.h"
#include "base/hash.h"
#include "ifc/form.h"

/* The fields in the order of need: what a request inside a dialog asks for comes first. */
struct reg_contact {
	uint64_t expires_ms; /* as abi_contact_view, here and below; table_prolong writes it */
	struct addr flow;    /* family 0: its P-CSCF is elsewhere, */
	struct addr local;   /* and here is the next hop, in the place of our own address */
	uint64_t sa_id;
	uint16_t uri, uri_len; /* offsets from the start of the registration */
	uint16_t path, path_len;
	uint16_t q;
	uint8_t flags; /* enum abi_contact_flags */
	uint8_t n_feature;
	uint16_t feature;       /* offset from the start of the registration */
	uint64_t registered_ms; /* table_prolong writes it */
	uint64_t call_id, instance;
	uint32_t cseq; /* table_prolong writes it */
	uint32_t impi, reg_id;
};

_Static_assert(sizeof(struct reg_contact) == 112,
	       "no larger without need: memory for a contact has a bound (bench/table)");

struct reg_impu {
	uint64_t hash;         /* as table_hash_impu gives it */
	uint16_t at, len;      /* offset from the start of the registration */
	uint32_t flags : 8;    /* enum abi_impu_flags */
	uint32_t profile : 24; /* for table_services */
};

_Static_assert(sizeof(struct reg_impu) == 16, "no larger without need");

/* The identities follow it, and the contacts follow them. */
struct registration {
	uint64_t set_id;
	uint8_t roles; /* enum abi_registration_roles */
	uint8_t n_impu;
	uint8_t n_contact;
	uint8_t default_impu; /* index */
	uint16_t service_route, service_route_len;
	struct addr scscf;
	uint32_t epoch; /* of its put, for table_sync_end; for the management thread */
};

static inline const struct reg_impu *reg_impu(const struct registration *r, uint32_t i)
{
	return (const struct reg_impu *)(r + 1) + i;
}
static inline const struct reg_contact *reg_contact(const struct registration *r, uint32_t i)
{
	return (const struct reg_contact *)reg_impu(r, r->n_impu) + i;
}
static inline struct slice reg_text(const struct registration *r, uint16_t at, uint16_t len)
{
	return (struct slice){(const uint8_t *)r + at, len};
}
/* Any thread. The identity in the set that has this hash, as a dialog token carries it: no text
 * need be hashed again. False: it is none of this set's. */
static inline bool reg_impu_by_hash(const struct registration *r, uint64_t hash,
				    uint32_t *index)
{
	for (uint32_t i = 0; i < r->n_impu; i++) {
		if (reg_impu(r, i)->hash != hash)
			continue;
		*index = i;
		return true;
	}
	return false;
}

/* Any thread. A contact's feature i; they lie at no particular address. */
static inline struct feature reg_feature(const struct registration *r,
					 const struct reg_contact *c, uint32_t i)
{
	struct feature f;

	memcpy(&f, (const uint8_t *)r + c->feature + i * sizeof(f), sizeof(f));
	return f;
}

struct tables;

struct tables_size {
	uint32_t impus;         /* most public identities */
	uint32_t registrations; /* most sets, and most contacts */
};

/* Management thread, at start: all memory is reserved here (huge pages where there are). The
 * key is the node's token key: table_find_user is given hashes that token_user made. NULL:
 * errno. The thread must be registered with urcu-qsbr before it calls any other function, and
 * is the only writer for good. */
struct tables *tables_create(const struct tables_size *size, const struct hash_key *key);
/* Management thread, when no worker reads any more. NULL is allowed. */
void tables_destroy(struct tables *t);

/* Workers and any thread registered with urcu-qsbr, inside a read-side section. */

/* The hash to give to table_find_impu; costs a pass over the text. */
uint64_t table_hash_impu(const struct tables *t, struct slice impu);
uint64_t table_hash_flow(const struct tables *t, const struct addr *flow);
/* Bring memory nearer, in two stages: the first for a whole burst, then the second for all of
 * it, then the look-ups. They answer nothing, and may be left out or asked for in vain.
 *
 * First stage: the line of the bucket. Any thread. */
void table_prefetch_impu(const struct tables *t, uint64_t hash);
void table_prefetch_flow(const struct tables *t, uint64_t hash);
/* Second stage: lines of the registration, 64 octets each. The first two hold struct
 * registration, the identities' hashes and places, and the first contact's expiry, flow and
 * local address, for a set of up to two identities; with each further one, 16 octets more stand
 * before the contact. The identities' text begins in the third, the contact's URI and path
 * behind it. _user_entry and _flow_entry bring two lines, for table_find_user and
 * table_find_flow; _impu_entry brings four, for table_find_impu, which compares text. */
void table_prefetch_impu_entry(const struct tables *t, uint64_t hash);
void table_prefetch_user_entry(const struct tables *t, uint64_t hash);
void table_prefetch_flow_entry(const struct tables *t, uint64_t hash);
/* The set that has this canonical identity, and its index there; NULL: not registered here. */
const struct registration *table_find_impu(const struct tables *t, struct slice impu,
					   uint64_t hash, uint32_t *index);
/* By hash alone, as a dialog token carries it: the first set whose identity hashes to it. A
 * collision is possible and must not decide about trust alone: compare the flow as well. */
const struct registration *table_find_user(const struct tables *t, uint64_t impu_hash);

/* The compiled service profile of an identity of the set, which stays as long as the
 * registration does; NULL: it has none, and no service is asked. */
const struct ifc *table_services(const struct tables *t, const struct registration *r,
				 uint32_t index);

/* A UE's transport address; many sets may share one. */
struct reg_flow {
	struct addr flow;
	struct addr local; /* of the only user's contact; with several users, what one of them
			      came to */
	uint64_t sa_id;    /* likewise: its security associations, or 0 */
	uint32_t users;    /* sets with a contact on this flow, expired or not, until they are
			      removed */
	const struct registration *only; /* the set if users is 1, else NULL */
};
/* Copies to *out, users and only from the same instant; false: nobody is registered from there.
 */
bool table_find_flow(const struct tables *t, const struct addr *flow, uint64_t hash,
		     struct reg_flow *out);
/* Any thread. The set's contact on this flow and under these SAs (0: none) that has not
 * expired, or NULL. */
const struct reg_contact *reg_contact_on_flow(const struct registration *r,
					      const struct addr *flow, uint64_t sa_id,
					      uint64_t now_ms);

/* Management thread only. Each publishes for the readers and returns an enum
 * abi_install_status. What it replaced is kept until a grace period is over: 256 objects at
 * most, then the call that retires one more waits; so does a put that finds no other memory. */

/* The set as a whole, in place of the one with this set_id: identities and flows it no longer
 * has are removed. On anything but INSTALL_OK nothing has changed: MALFORMED (a bound, or an
 * identity twice), CONFLICT, NO_PROFILE, NO_MEMORY (also: more than struct tables_size says).
 * Lends *v. */
int table_put(struct tables *t, const struct abi_registration_view *v);
/* A contact's new time, where it stands: no more is written than that. GONE: the set has no
 * such contact, or one of another Call-ID, or that was prolonged further. */
int table_prolong(struct tables *t, const struct abi_prolong_view *v);
/* A service profile for the identities that name it from now on; `criteria` lies at an address
 * divisible by eight. One that is there already counts as put again: see ABI_PROFILES_RECENT.
 * MALFORMED: ifc_sound says so; NO_MEMORY. */
int table_put_profile(struct tables *t, uint64_t id, struct slice criteria);
/* INSTALL_OK also if there is no such set: that is what was asked for. */
int table_delete(struct tables *t, uint64_t set_id);
void table_sync_begin(struct tables *t);
/* Removes the sets that were not put since table_sync_begin; the number of them. Without a
 * begin, none. */
uint32_t table_sync_end(struct tables *t);
/* Removes sets whose contacts have all expired for longer than grace_ms; looks at no more than
 * `most` sets a call, and goes past no more than 8192 buckets (a slow sweep, called once per
 * tick). The number removed. A set without contacts stays until it is deleted. */
uint32_t table_expire(struct tables *t, uint64_t now_ms, uint64_t grace_ms, uint32_t most);
/* Waits for a grace period, if anything was replaced, and frees it. */
void table_reclaim(struct tables *t);

struct tables_stats {
	uint64_t registrations, impus, contacts, flows;
	uint64_t memory_used, memory_total; /* octets, hash buckets included */
};
/* Management thread only. */
void tables_stats(const struct tables *t, struct tables_stats *out);
