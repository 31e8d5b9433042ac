/* sh.h - the Sh interface (TS 29.328, TS 29.329) as plain structures
 *
 * What the three commands an Application Server sends (UDR, PUR, SNR) and the one the HSS sends
 * (PNR) carry, decoded. Handlers see these and no AVPs; codec.h turns one into the other.
 * Slices point into memory of the message or of the caller, and are valid during the call or
 * callback in which they are given. The documents in User-Data are document.h's and reader.h's.
 */
#pragma once

#include "cx/cx.h"

enum {
	SH_APPLICATION = 16777217,
	SH_UDR = 306,
	SH_PUR = 307,
	SH_SNR = 308,
	SH_PNR = 309,
	SH_REFERENCES_MAX = 16, /* of one request, and of each of the lists below: */
	SH_LIST_MAX = 8,
	SH_IDENTITY_SETS_MAX = 4,
	SH_NAME_MAX = 128,   /* octets of a Service-Indication or a DSAI-Tag */
	SH_MSISDN_MAX = 8,   /* octets of TBCD: 15 digits (E.164) and a filler */
	SH_DATA_MAX = 32768, /* octets of one ServiceData */
	/* As CX_USER_DATA_MAX. */
	SH_USER_DATA_MAX = 57344,
	SH_TIME_OCTETS = 4,
};

/* Experimental results of TS 29.329 §6.2 besides those of cx.h, with the 100000 of that. */
enum sh_result_code {
	SH_USER_DATA_NOT_AVAILABLE = 4100 + 100000,
	SH_PRIOR_UPDATE_IN_PROGRESS = 4101 + 100000,
	SH_USER_DATA_NOT_RECOGNIZED = 5100 + 100000,
	SH_OPERATION_NOT_ALLOWED = 5101 + 100000,
	SH_USER_DATA_CANNOT_BE_READ = 5102 + 100000,
	SH_USER_DATA_CANNOT_BE_MODIFIED = 5103 + 100000,
	SH_USER_DATA_CANNOT_BE_NOTIFIED = 5104 + 100000,
	SH_TRANSPARENT_DATA_OUT_OF_SYNC = 5105 + 100000,
	SH_SUBS_DATA_ABSENT = 5106 + 100000,
	SH_NO_SUBSCRIPTION_TO_DATA = 5107 + 100000,
	SH_DSAI_NOT_AVAILABLE = 5108 + 100000,
};
/* As cx_result_name, for both. */
const char *sh_result_name(int code);

/* Data-Reference (TS 29.329 §6.3.4): those we have something of. */
enum sh_reference {
	SH_REPOSITORY_DATA = 0,
	SH_IMS_PUBLIC_IDENTITY = 10,
	SH_IMS_USER_STATE = 11,
	SH_SCSCF_NAME = 12,
	SH_INITIAL_FILTER_CRITERIA = 13,
	SH_LOCATION_INFORMATION = 14,
	SH_USER_STATE = 15,
	SH_CHARGING_INFORMATION = 16,
	SH_MSISDN = 17,
	SH_PSI_ACTIVATION = 18,
	SH_DSAI = 19,
	SH_REFERENCE_LAST = 33, /* IMSPrivateUserIdentity */
};

/* Identity-Set (§6.3.10). */
enum sh_identity_set {
	SH_ALL_IDENTITIES,
	SH_REGISTERED_IDENTITIES,
	SH_IMPLICIT_IDENTITIES,
	SH_ALIAS_IDENTITIES,
};

/* Whom a request is about: one of the first two. */
struct sh_user {
	struct slice impu;
	struct slice msisdn; /* TBCD (§6.3.2) */
	struct slice impi;   /* User-Name; may be empty */
	struct slice wildcard;
};

/* Which data. */
struct sh_what {
	uint32_t n_references, n_services, n_tags, n_identity_sets;
	uint32_t reference[SH_REFERENCES_MAX];
	struct slice service[SH_LIST_MAX]; /* Service-Indication */
	struct slice tag[SH_LIST_MAX];     /* DSAI-Tag */
	uint32_t identity_set[SH_IDENTITY_SETS_MAX];
	struct slice server_name;
};

struct sh_udr {
	struct sh_user user;
	struct sh_what what;
	/* Each may be missing: then n is 0. */
	uint32_t n_domain, n_current;
	uint32_t domain[1];       /* Requested-Domain: 0 CS, 1 PS */
	uint32_t current[1];      /* Current-Location: 1 initiate an active retrieval */
	struct slice origin_host; /* the AS's Diameter identity */
};

struct sh_uda {
	int result;
	struct slice wildcard;  /* Wildcarded-Public-Identity that the identity matched */
	struct slice user_data; /* XML (TS 29.328 Annex D); empty: none */
};

struct sh_pur {
	struct sh_user user;
	uint32_t n_references;
	uint32_t reference[SH_REFERENCES_MAX];
	struct slice user_data;
	struct slice origin_host;
};

struct sh_pua {
	int result;
	struct slice wildcard;
};

struct sh_snr {
	struct sh_user user;
	struct sh_what what;
	bool send_data;   /* Send-Data-Indication */
	bool unsubscribe; /* Subs-Req-Type */
	bool once;        /* One-Time-Notification */
	struct slice expiry_octets;
	int64_t expiry; /* Expiry-Time in seconds of 1970; 0: none */
	struct slice origin_host;
};

struct sh_sna {
	int result;
	struct slice wildcard;
	struct slice user_data;
	int64_t expiry; /* as above */
};

struct sh_pnr {
	struct sh_user user;
	struct slice user_data;
	struct slice origin_host; /* of no meaning in a request to send */
};

struct sh_pna {
	int result;
};
