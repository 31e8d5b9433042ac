/* registration.h - control's own record of who is registered: the truth that is persisted and
 * installed */
#pragma once

#include "abi/install.h"
#include "base/addr.h"

enum { REG_ROUTE_MAX = 1024, REG_CONTACT_URI_MAX = SIP_URI_MAX };

/* How a terminal still comes that has agreed on new security associations and not used them yet
 * (TS 33.203 §7.4). */
struct registration_old {
	uint64_t sa_id; /* 0: it does not */
	struct addr flow, local;
};

struct registration_contact {
	struct addr flow, local, hop;
	uint64_t sa_id; /* set of security associations it is reached through (sa.h); 0: in
			   clear */
	struct registration_old old; /* forgotten when control ends */
	uint64_t expires_wall_ms, registered_wall_ms;
	uint16_t q;
	char *uri;      /* heap, owned */
	char *path;     /* heap, owned; "" none */
	char *instance; /* +sip.instance, heap; "" none */
	uint32_t reg_id;
	bool emergency; /* TS 24.229 §5.4.8 */
	char *impi;     /* the private identity that registered it, heap: several may share the
			   set (TS 23.228 §4.3.3.4) */
	char *call_id;  /* of its last REGISTER, with cseq: RFC 3261 §10.3 step 7 */
	uint32_t cseq;
	bool prolonged; /* with REGISTRATION_PROLONGED: it is one of those */
	char *params;   /* further Contact parameters to echo, "" none */
};

/* What of a refresh is not yet given to disk and data plane. */
enum registration_unwritten {
	REGISTRATION_WRITTEN,
	REGISTRATION_PROLONGED, /* of some contacts when they expire, and their CSeq */
	REGISTRATION_CHANGED,   /* more */
};

/* One registration set: the implicit set of public identities of one user, and its contacts. */
struct registration_set {
	uint64_t id;   /* hash of the first identity; key everywhere */
	uint8_t roles; /* enum abi_registration_roles */
	char *impi;    /* that registered first, heap; "" at a P-CSCF that did not see one */
	uint32_t n_impu;
	char *impu[SET_IMPUS_MAX];     /* canonical, default first */
	char *impu_uri[SET_IMPUS_MAX]; /* as provisioned, for P-Associated-URI */
	uint8_t impu_flags[SET_IMPUS_MAX];
	struct addr scscf;
	char *service_route;
	char *user_data;  /* XML of the SAA, heap; "" none */
	char *charging;   /* value of P-Charging-Function-Addresses, heap; NULL or "" none */
	uint32_t version; /* rises with each put: whose copy is of an older one, changes another
			     set than it has seen */
	uint8_t unwritten; /* enum registration_unwritten */
	uint32_t n_contact;
	uint32_t room;                        /* in contact */
	struct registration_contact *contact; /* heap: nearly always there is one */
};

struct registrations; /* all of them, by id and by identity */

struct registrations *registrations_new(void);
void registrations_free(struct registrations *r);
/* NULL: none. */
struct registration_set *registrations_by_impu(struct registrations *r, const char *impu);
/* The set with a wildcarded identity that stands for this one; *wildcard: which. A walk over
 * those that have any. NULL: none. */
struct registration_set *registrations_by_wildcard(struct registrations *r, const char *impu,
						   const char **wildcard);
struct registration_set *registrations_by_id(struct registrations *r, uint64_t id);
/* Takes the set, replacing one of the same id (freed). False: an identity belongs to another
 * set; the set is still the caller's then. */
bool registrations_put(struct registrations *r, struct registration_set *set);
/* Takes it out and gives it to the caller. */
struct registration_set *registrations_take(struct registrations *r, uint64_t id);
uint32_t registrations_count(const struct registrations *r);
/* In a stable order; stops when each gives false. */
void registrations_each(struct registrations *r,
			bool (*each)(void *ctx, struct registration_set *s), void *ctx);
/* The set that is due first, and when (time of day, ms): the earliest expiry of its contacts,
 * or later if it was deferred. NULL: none, *due_ms is UINT64_MAX then. */
struct registration_set *registrations_next_expiry(struct registrations *r, uint64_t *due_ms);
/* The set is not due before: its expiry is being worked on (an SAR is under way).
 * registrations_touch ends it. */
void registrations_defer(struct registrations *r, uint64_t id, uint64_t until_wall_ms);
/* After contacts of a set changed their expiry. */
void registrations_touch(struct registrations *r, struct registration_set *set);

struct registration_set *registration_set_new(void);
/* Room for n contacts, SET_CONTACTS_MAX at most; those behind n_contact are all zero. False: no
 * memory, and nothing has changed. */
bool registration_room(struct registration_set *set, uint32_t n);
struct registration_set *registration_set_copy(const struct registration_set *s);
void registration_set_free(struct registration_set *s);
