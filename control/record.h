/* record.h - a registration set, what a refresh prolongs of it, a set of security associations,
 * a subscription, or what an AS is owed, as octets on disk
 *
 * A format of our own: version, fields in fixed order, little endian, texts with their length
 * in front, and a checksum at the end, so that a page that rotted is told from a registration.
 * Pure; any thread.
 */
#pragma once

#include "control/registration.h"
#include "control/sa.h"

/* malloc'ed, given to the caller; NULL: no memory. */
uint8_t *record_encode(const struct registration_set *s, uint32_t *len);
/* NULL: damaged, of another version, or no memory. Every length and count is checked. */
struct registration_set *record_decode(struct slice record);

/* A contact that a refresh prolonged and changed in nothing else. */
struct record_prolonged {
	uint64_t set_id;
	uint64_t contact; /* record_contact: which of the set */
	uint32_t cseq;
	uint64_t expires_wall_ms, registered_wall_ms;
};
/* A contact by what a prolongation leaves as it was: its URI, and the Call-ID. */
uint64_t record_contact(const struct registration_contact *c);
uint8_t *record_prolonged_encode(const struct record_prolonged *p, uint32_t *len);
bool record_prolonged_decode(struct slice record, struct record_prolonged *out);

/* The same of a set of security associations, its keys included. What decodes is active and
 * would be taken by the data plane. */
uint8_t *record_sa_encode(const struct sa *sa, uint32_t *len);
struct sa *record_sa_decode(struct slice record);

/* And of a subscription to a registration (reg_event.h): what its dialog needs. */
struct record_subscription {
	uint64_t number; /* of our tag */
	uint64_t set_id, sa_id;
	uint64_t begun_wall_ms, expires_wall_ms;
	uint32_t remote_cseq;
	struct addr hop;
	struct slice user, call_id, remote, local, target, event, route;
};
uint8_t *record_subscription_encode(const struct record_subscription *s, uint32_t *len);
/* Lends parts of `record` to *out. */
bool record_subscription_decode(struct slice record, struct record_subscription *out);

/* And of a third-party REGISTER that an Application Server has not answered yet (owed.h). */
struct record_owed {
	uint64_t key;    /* of identity and server */
	uint64_t set_id; /* registration set */
	uint64_t serial; /* of this state: its Call-ID */
	uint64_t since_wall_ms;
	uint64_t expires_wall_ms; /* of the registration; 0: it is over */
	uint8_t kind;             /* one bit of enum ifc_registration */
	bool terminate;           /* DefaultHandling: SESSION_TERMINATED */
	struct slice impu;        /* canonical */
	struct slice to;          /* the same as provisioned */
	struct slice server;      /* SIP URI */
	struct slice headers;     /* whole lines, only for whom we trust; may be empty */
	struct slice type, body;  /* Content-Type and body; both may be empty */
};
uint8_t *record_owed_encode(const struct record_owed *o, uint32_t *len);
/* Lends parts of `record` to *out. */
bool record_owed_decode(struct slice record, struct record_owed *out);
