/* limits.h - every bound of the project, in one place
 *
 * Counts and lengths that come from the wire are compared with these before use.
 */
#pragma once

enum limits {
	/* SIP messages */
	SIP_MESSAGE_MAX = 16384,  /* octets in one message; larger: 513 */
	SIP_HEADERS_MAX = 128,    /* header lines in one message; more: 400 */
	SIP_URI_MAX = 1024,       /* octets of a URI; larger: 414 */
	SIP_TOKEN_MAX = 256,      /* Call-ID, tags, branch, method: octets */
	SIP_VIA_MAX = 70,         /* Via values in one message */
	SIP_ROUTE_MAX = 32,       /* Route values in one message */
	SIP_CONTACT_MAX = 16,     /* Contact values in one REGISTER */
	SIP_EDITS_MAX = 48,       /* splices on one message */
	SIP_EDIT_TEXT_MAX = 4096, /* octets of text inserted into one message */

	/* Registrations */
	IMPU_MAX = 255,       /* octets of one public identity, canonical form */
	IMPI_MAX = 255,       /* octets of one private identity */
	SET_IMPUS_MAX = 32,   /* public identities of one registration set */
	SET_CONTACTS_MAX = 8, /* contacts of one registration set */
	FORK_MAX = 8,         /* branches of one INVITE */

	/* Processes */
	WORKERS_MAX = 16,
	PORTS_MAX = 8,
	ADDRESSES_MAX = 8, /* per port */
	PEERS_MAX = 64,
	ROUTES_MAX = 64,
	EMERGENCY_NUMBERS_MAX = 32,
	EMERGENCY_ECSCFS_MAX = 4,
	EMERGENCY_PSAPS_MAX = 32,
	EMERGENCY_ACCESSES_MAX = 32,
	PRIORITY_SPACES_MAX = 16, /* namespaces of Resource-Priority, */
	PRIORITY_VALUES_MAX = 16, /* values of one, and */
	PRIORITY_USERS_MAX = 32,  /* users of one */
	BGCF_MAX = 64,            /* rules for what leaves the network */
	DNS_SERVERS_MAX = 4,
	NUMBER_PLACES_MAX = 32, /* with a numbering plan of their own */
	POLICY_ACCESSES_MAX = 16, /* whose terminals' session descriptions are looked at */
	POLICY_CODECS_MAX = 32,
	ACCESSES_MAX = 64,     /* access networks with a policy of their own */
	SCSCFS_MAX = 32,       /* that an I-CSCF chooses from */
	CAPABILITIES_MAX = 16, /* of one S-CSCF */
	HSSES_MAX = 8,         /* behind a subscription locator */
	BURST_MAX = 32,

	/* Data plane <-> control */
	RING_RECORD_MAX = 20480, /* octets of one record, header included */
};

_Static_assert(RING_RECORD_MAX >= SIP_MESSAGE_MAX + 1024,
	       "a message and its context fit a record");
