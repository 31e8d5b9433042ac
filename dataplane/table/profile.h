/* profile.h - service profiles, each once for all users who have it; for the files of this
 * folder
 *
 * An identity names its profile by a slot, in three octets that it had to spare. A slot is
 * given to another profile only after a grace period in which no registration named it.
 *
 * Who installs registrations puts their profiles first. One that nobody refers to stays until
 * ABI_PROFILES_RECENT others have been put since its own last put: so whoever remembers what it
 * put of late need not put it again for each user.
 */
#pragma once

#include <stdatomic.h>

#include "abi/install.h"
#include "ifc/ifc.h"

enum { PROFILES_MAX = 65536, PROFILES_BUCKETS = 65536 };

_Static_assert(PROFILES_MAX < 1 << 24, "a slot, counted from 1, has three octets");
_Static_assert((int)ABI_PROFILE_MAX == (int)IFC_SIZE_MAX, "what compiles can be installed");

/* As it lies in the arena. The criteria are immutable; the rest is the management thread's. */
struct profile {
	uint64_t id;
	uint64_t put;  /* number of its last put */
	uint32_t refs; /* identities */
	uint32_t slot;
	uint32_t next; /* in its bucket: a slot, counted from 1; 0: none */
	uint32_t pad;
	uint8_t criteria[]; /* struct ifc */
};

_Static_assert(sizeof(struct profile) % 8 == 0, "criteria want an address divisible by eight");

struct profiles {
	const struct profile *_Atomic *slot; /* read by workers */
	uint32_t *bucket;                    /* by id: a slot, counted from 1 */
	uint32_t *free;                      /* slots */
	uint32_t n_free;
	uint32_t *left; /* slots whose profile is gone, until the grace period ends */
	uint32_t n_left;
	uint64_t puts;
	uint64_t recent[ABI_PROFILES_RECENT]; /* ids of the last puts, in turn */
};

struct tables;

/* Management thread, all of these. At start; false: no memory. */
bool profiles_create(struct profiles *p);
void profiles_destroy(struct profiles *p);
/* The slot of a profile, counted from 1; 0: not there. */
uint32_t profiles_find(const struct tables *t, uint64_t id);
/* An identity with the slot (counted from 1; 0: none) has come, or has gone. */
void profiles_take(struct tables *t, uint32_t slot);
void profiles_drop(struct tables *t, uint32_t slot);
/* A grace period is over: what left before it is free. */
void profiles_reclaim(struct profiles *p);
