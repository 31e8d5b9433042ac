/* install.h - what control writes into the data plane's tables, record by record
 *
 * A registration set (TS 23.228 §5.2.1a: public identities registered together, with all
 * their contacts) is put or deleted as a whole; the data plane swaps the old for the new so
 * that a worker sees one or the other. Each record carries a sequence number; the data plane
 * answers each in order with an abi_ack, and control may then forget its copy.
 *
 * Security associations (TS 33.203 §7.1) are records of their own: a set of them serves one UE
 * and has one id, and a contact names the one that its traffic goes through. Their keys lie in
 * the install ring until it is written over; only the two processes map it.
 *
 * After connecting, control sends SYNC_BEGIN, puts all it knows, and SYNC_END: sets of both
 * kinds that were not put in between are removed then (graceful restart). Until then all old
 * ones keep working.
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
	INSTALL_SA, /* put, or replace the one of the same sa_id; what has run on, such as
		       sequence numbers, runs on */
	INSTALL_SA_DELETE, /* by sa_id, at once: control decides when the last response has left
			    */
	INSTALL_PROFILE,   /* a service profile: before the first identity that names it */
	INSTALL_PROLONG,   /* a contact of a set stays as it is, but for when it expires */
	INSTALL_SERVER,    /* where an Application Server is: before the first profile that
			      names it; one that a synchronisation leaves out goes */
	INSTALL_ROUTE,     /* a way out of the network; one that a synchronisation leaves out
			      goes */
};

/* Which of our roles hold this set. */
enum abi_registration_roles {
	ABI_REG_PCSCF = 1, /* its contacts' flows end here */
	ABI_REG_SCSCF = 2, /* we are its registrar */
	/* It registered by SIP digest, without protection: who begins something in its name has
	   to answer a challenge (TS 33.203 Annex N). With ABI_REG_SCSCF. */
	ABI_REG_CHALLENGED = 4,
	/* Nobody is registered: there are no contacts, and services for that state. With
	   ABI_REG_SCSCF. */
	ABI_REG_UNREGISTERED = 8,
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
	/* Security associations that another contact of the terminal has succeeded: its
	   requests may still come under them, and nothing is sent there (TS 33.203 §7.4). */
	ABI_CONTACT_SUCCEEDED = 8,
};

enum abi_install_status {
	INSTALL_OK,
	INSTALL_MALFORMED,
	INSTALL_NO_MEMORY,
	INSTALL_CONFLICT, /* an identity or SPI belongs to another set */
	INSTALL_LOST,     /* an SA of old whose sequence numbers are not known any more: its UE
			     has to register again */
	INSTALL_NO_PROFILE, /* an identity names a profile that is not there */
	INSTALL_GONE,       /* there is no such contact to prolong: the set has to be put */
};

enum {
	ABI_PROFILE_MAX = 16384, /* octets of a service profile */
	/* A profile that no identity names stays until so many others were put after it. */
	ABI_PROFILES_RECENT = 1024,
	ABI_SERVER_ADDRESSES = 4,
	ABI_SERVERS_MAX = 2048, /* Application Servers */
	ABI_ROUTE_ADDRESSES = 4,
	ABI_ROUTE_TO_MAX = 255 + 6,
	ABI_ROUTES_MAX = 4096, /* ways out of the network */
};

struct abi_impu_view {
	struct slice impu; /* canonical: sip/uri.h */
	uint8_t flags;
	uint64_t profile; /* id of its service profile; 0: none */
};

struct abi_contact_view {
	struct addr flow;  /* UE's address and port the REGISTER came from; family 0: its P-CSCF
			      is elsewhere */
	struct addr local; /* our address and port it came to: terminating requests leave from
			      there */
	uint64_t sa_id;    /* 0: none. Else flow is that SA's `ue` and local its `local`, and
			      what goes to the contact goes from port_pc to port_us, under that
			      SA or not at all */
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

/* The algorithms of TS 33.203 Annex H, and HMAC-SHA-256-128 (RFC 4868). */
enum abi_sa_integrity {
	ABI_SA_INTEGRITY_NONE, /* only with AES-GCM, which has its own */
	ABI_SA_HMAC_MD5_96,
	ABI_SA_HMAC_SHA_1_96,
	ABI_SA_HMAC_SHA_256_128,
	ABI_SA_AES_GMAC, /* only with the null cipher (RFC 4543) */
	ABI_SA_INTEGRITY_MAX
};

enum abi_sa_cipher { ABI_SA_NULL, ABI_SA_AES_CBC, ABI_SA_AES_GCM, ABI_SA_CIPHER_MAX };

enum {
	ABI_SA_KEY = 16,
	ABI_SA_SPI_MIN = 256, /* those below are reserved (RFC 4303 §2.1) */
};

/* The four SAs of a UE (TS 33.203 §7.1). Over UDP two of them carry all, requests and responses
 * alike: from the UE's port_uc to our port_ps under spi_ps, and from our port_pc to its port_us
 * under spi_us. The other two, under spi_uc and spi_pc, are TCP's way back.
 */
struct abi_sa_view {
	uint64_t sa_id;    /* never 0, never used twice */
	uint64_t set_id;   /* registration set it serves; 0 while the REGISTER that proves it
			      is awaited */
	struct addr ue;    /* the UE's address, inside when it is behind a NAT, and its
			      protected client port, port_uc */
	struct addr local; /* our address, and our protected server port, port_ps */
	uint16_t port_us;  /* the UE's protected server port */
	uint16_t port_pc;  /* our protected client port */
	uint32_t spi_uc, spi_us; /* chosen by the UE */
	uint32_t spi_pc, spi_ps; /* chosen by us: unique in the node */
	struct addr nat;   /* UDP-encapsulated tunnel mode (TS 33.203 Annex M): where the NAT
			      showed the UE; family 0: transport mode */
	uint8_t integrity; /* enum abi_sa_integrity */
	uint8_t cipher;    /* enum abi_sa_cipher */
	bool used; /* it was in force before this put, so it may have sent: unless its sequence
		      numbers are known it is INSTALL_LOST */
	uint8_t ck[ABI_SA_KEY], ik[ABI_SA_KEY]; /* as AKA gave them; the data plane expands them
						   (TS 33.203 Annex I) */
	uint64_t expires_ms;                    /* CLOCK_MONOTONIC */
};

/* What a refresh changes of a contact, which is the one that the set's last put had in this
 * place (RFC 3261 §10.3 step 7). */
struct abi_prolong_view {
	uint64_t set_id;
	uint8_t contact;  /* index */
	uint64_t call_id; /* as in abi_contact_view, here and below: the same as it was */
	uint32_t cseq;    /* not below what it was */
	uint64_t expires_ms, registered_ms;
};

/* An Application Server whose SIP URI has a name for a host. */
struct abi_server_view {
	uint64_t server_id; /* abi_server_id() of the two that follow */
	struct slice host;
	uint16_t port;                          /* 0: the URI has none */
	uint32_t n_addr;                        /* 0: it is known to be nowhere */
	struct addr addr[ABI_SERVER_ADDRESSES]; /* in the order in which they are tried */
};

/* Any thread. Of the host of a SIP URI, letters of either case, and its port, 0: none; never 0.
 */
uint64_t abi_server_id(struct slice host, uint16_t port);

/* What becomes of a request that a way leads out of the network. */
enum abi_route_kind {
	ABI_ROUTE_CALLED = 1, /* `uri`, if any, is its new Request-URI: by DNS, by ENUM */
	ABI_ROUTE_PROXY,      /* `uri` goes on top of Route: a rule's */
};

/* Where requests go that leave for a domain, or for a number. */
struct abi_route_view {
	struct slice to; /* host of the Request-URI in small letters, with ":port" where it has
			    one; or a number, "+4930"; or "+49*", numbers that begin so and have
			    no way of their own */
	uint8_t kind;    /* enum abi_route_kind */
	struct slice uri;
	uint64_t expires_ms; /* CLOCK_MONOTONIC: no request that comes later goes there */
	uint32_t n_addr;     /* 0: there is none any more */
	struct addr addr[ABI_ROUTE_ADDRESSES]; /* in the order in which they are tried */
};

struct abi_install_view {
	enum abi_install_type type;
	uint64_t seq;
	uint64_t set_id;      /* INSTALL_DELETE */
	uint64_t sa_id;       /* INSTALL_SA_DELETE */
	uint64_t profile_id;  /* INSTALL_PROFILE: never 0, and the same for the same octets */
	struct slice profile; /* struct ifc of ifc/form.h, whole */
	struct abi_registration_view registration;
	struct abi_sa_view sa;
	struct abi_prolong_view prolong;
	struct abi_server_view server;
	struct abi_route_view route;
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
 * A server's host has up to 255 octets, and its id is that of host and port; all its addresses
 * have a port. A way's `to` has up to ABI_ROUTE_TO_MAX octets, and a way by a proxy its URI;
 * all its addresses have a port. Of an SA all addresses but nat are there and of one family,
 * ports are there and differ on each side, and so do SPIs, which are not reserved ones; the
 * algorithms go together.
 */
const char *abi_install_decode(struct slice record, struct abi_install_view *v);
