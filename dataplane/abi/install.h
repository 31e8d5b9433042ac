/* install.h - what control writes into the data plane's tables, record by record
 *
 * A registration set (TS 23.228 §5.2.1a: public identities registered together, with all
 * their contacts) is put or deleted as a whole; the data plane swaps the old for the new so
 * that a worker sees one or the other. Each record carries a sequence number; the data plane
 * answers each in order with an abi_ack, and control may then forget its copy.
 *
 * After connecting, control sends SYNC_BEGIN, puts all it knows, and SYNC_END: sets that were
 * not put in between are removed then (graceful restart). Until then all old sets keep working.
 */
#pragma once

#include "base/addr.h"
#include "base/feature.h"
#include "base/limits.h"

enum abi_install_type {
	INSTALL_REGISTRATION = 1,
	INSTALL_DELETE, /* by set_id */
	INSTALL_SYNC_BEGIN,
	INSTALL_SYNC_END,
};

/* Which of our roles hold this set. */
enum abi_registration_roles {
	ABI_REG_PCSCF = 1, /* its contacts' flows end here */
	ABI_REG_SCSCF = 2, /* we are its registrar */
};

enum abi_impu_flags {
	ABI_IMPU_BARRED = 1,   /* may not be used in sessions (TS 29.228 B.2.1) */
	ABI_IMPU_DEFAULT = 2,  /* first not barred: asserted when the user does not say
				  (TS 24.229 §5.2.6.3) */
	ABI_IMPU_WILDCARD = 4, /* stands for others (TS 23.003 §13.4A); nobody is it */
};

/* Octets of the parameters of a Contact that can be registered. */
enum { ABI_CONTACT_PARAMS_MAX = 512 };

enum abi_contact_flags {
	/* REGISTERs from its flow are as good as authenticated: the address stands for the user
	   (TS 24.229 §5.2.2.3, "ip-assoc-yes"). Only with a flow. */
	ABI_CONTACT_PROTECTED = 1,
	/* What the 200 OK to its refresh says of the user is in this record: the identities are
	   as provisioned. */
	ABI_CONTACT_REFRESH = 2,
	/* Of an emergency registration: no request of a normal kind goes there (TS 24.229
	   §5.4.8). */
	ABI_CONTACT_EMERGENCY = 4,
};

enum abi_install_status {
	INSTALL_OK,
	INSTALL_MALFORMED,
	INSTALL_NO_MEMORY,
	INSTALL_CONFLICT, /* an identity belongs to another set */
};

struct abi_impu_view {
	struct slice impu; /* canonical: sip/uri.h */
	uint8_t flags;
};

struct abi_contact_view {
	struct addr flow;  /* UE's address and port the REGISTER came from; family 0: its P-CSCF
			      is elsewhere */
	struct addr local; /* our address and port it came to: terminating requests leave from
			      there */
	struct addr hop;   /* next hop when the P-CSCF is elsewhere, else family 0 */
	uint64_t expires_ms; /* CLOCK_MONOTONIC */
	uint64_t registered_ms;
	/* Of its last REGISTER (RFC 3261 §10.3 step 7). The hashes are hash_table's, under the
	   region's token key. */
	uint64_t call_id;  /* hash of the Call-ID */
	uint64_t instance; /* gruu_instance() of its +sip.instance; 0: none */
	uint32_t reg_id;   /* RFC 5626; 0: none */
	uint32_t cseq;
	uint32_t impi;     /* the lower half of the hash of the private identity */
	uint16_t q;        /* 0-1000 */
	uint8_t flags;     /* enum abi_contact_flags */
	struct slice uri;  /* the Contact's URI: becomes the Request-URI */
	struct slice path; /* value of Path as the REGISTER carried it; empty: none */
	uint32_t n_feature;
	struct feature feature[FEATURES_MAX]; /* hashed under the region's token key */
};

/* The decoded, or to be encoded, form of INSTALL_REGISTRATION. */
struct abi_registration_view {
	uint64_t set_id;
	uint8_t roles;
	struct addr scscf; /* P-CSCF alone: next hop of the user's requests, else family 0 */
	struct slice service_route; /* value as in the 200 OK to the UE */
	uint32_t n_impu, n_contact;
	struct abi_impu_view impu[SET_IMPUS_MAX];
	struct abi_contact_view contact[SET_CONTACTS_MAX];
};

struct abi_install_view {
	enum abi_install_type type;
	uint64_t seq;
	uint64_t set_id; /* INSTALL_DELETE */
	struct abi_registration_view registration;
};

struct abi_ack {
	uint64_t seq;
	uint32_t status;
	uint32_t pad;
};

/* Any thread. Writes a record to out; its length, or 0 if it does not fit into cap or a ring's
 * record, or says what abi_install_decode would refuse. */
uint32_t abi_install_encode(const struct abi_install_view *v, void *out, uint32_t cap);
/* Any thread. The record in private memory: every length is checked, all slices point into it.
 * NULL, or a sentence that says what is wrong; *v is complete only on NULL, but v->seq is
 * always set (0: the record is too short to have one), for the acknowledgement. At least one
 * identity is there and none is empty; a contact has a URI; no text holds control characters
 * but HTAB; a URI has up to SIP_URI_MAX octets, path and service_route up to SIP_EDIT_TEXT_MAX.
 */
const char *abi_install_decode(struct slice record, struct abi_install_view *v);
