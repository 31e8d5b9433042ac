/* cx.h - the Cx interface (TS 29.228, TS 29.229) as plain structures
 *
 * What the four commands an S-CSCF or I-CSCF sends (UAR, SAR, LIR, MAR) and the two the HSS
 * sends (RTR, PPR) carry, decoded. Handlers and clients see these and no AVPs; codec.h turns
 * one into the other by the table avp.def. Slices point into memory of the message or of the
 * caller, and are valid during the call or callback in which they are given.
 */
#pragma once

#include "base/addr.h"
#include "base/limits.h"
#include "base/slice.h"

enum {
	CX_VENDOR = 10415,
	CX_APPLICATION = 16777216,
	CX_UAR = 300,
	CX_SAR = 301,
	CX_LIR = 302,
	CX_MAR = 303,
	CX_RTR = 304,
	CX_PPR = 305,
	CX_VECTORS_MAX = 8,
	CX_IMPUS_MAX = SET_IMPUS_MAX,
	CX_RESTORED_MAX = SET_CONTACTS_MAX,  /* contacts of one SCSCF-Restoration-Info */
	CX_RESTORATIONS_MAX = 8,             /* of one answer: private identities of the set */
	CX_PATH_MAX = 1024,                  /* octets of Path, and: */
	CX_CONTACT_MAX = SIP_URI_MAX + 1280, /* a Contact with its parameters */
	CX_ASSOCIATED_MAX = 16,              /* private identities in Associated-Identities */
	CX_REDIRECTS_MAX = 8,                /* hosts of one redirection */
	CX_STRING_MAX = 255, /* octets of a name or URI that has no limit of its own */
	/* One message is at most DIAMETER_MESSAGE_MAX octets; this leaves 8 KiB for all other
	   AVPs of an SAA. */
	CX_USER_DATA_MAX = 57344,
};

/* Result-Code, or Experimental-Result-Code with vendor 3GPP (TS 29.229 §6.2): `experimental`
 * tells which. */
enum cx_result_code {
	CX_SUCCESS = 2001,
	CX_FIRST_REGISTRATION = 2001 + 100000, /* experimental: + 100000 in this enum only */
	CX_SUBSEQUENT_REGISTRATION = 2002 + 100000,
	CX_UNREGISTERED_SERVICE = 2003 + 100000,
	CX_SUCCESS_SERVER_NAME_NOT_STORED = 2004 + 100000,
	CX_ERROR_USER_UNKNOWN = 5001 + 100000,
	CX_ERROR_IDENTITIES_DONT_MATCH = 5002 + 100000,
	CX_ERROR_IDENTITY_NOT_REGISTERED = 5003 + 100000,
	CX_ERROR_ROAMING_NOT_ALLOWED = 5004 + 100000,
	CX_ERROR_IDENTITY_ALREADY_REGISTERED = 5005 + 100000,
	CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED = 5006 + 100000,
	CX_ERROR_IN_ASSIGNMENT_TYPE = 5007 + 100000,
	CX_ERROR_TOO_MUCH_DATA = 5008 + 100000,
	CX_ERROR_NOT_SUPPORTED_USER_DATA = 5009 + 100000,
	CX_ERROR_FEATURE_UNSUPPORTED = 5011 + 100000,
	CX_UNABLE_TO_DELIVER = 3002,
	CX_TOO_BUSY = 3004,
	CX_REDIRECT_INDICATION = 3006,
	CX_AVP_UNSUPPORTED = 5001,
	CX_AUTHORIZATION_REJECTED = 5003,
	CX_INVALID_AVP_VALUE = 5004,
	CX_MISSING_AVP = 5005,
	CX_TOO_MANY_AVPS = 5009, /* an AVP occurs too many times */
	CX_UNABLE_TO_COMPLY = 5012,
	/* Made by the client, never on the wire: */
	CX_NO_ANSWER = -1,   /* timeout, or no connection to the HSS */
	CX_WINDOW_FULL = -2, /* too many outstanding: shed */
	CX_BAD_ANSWER = -3,  /* answer that does not decode */
};
#define CX_IS_EXPERIMENTAL(code) ((code) >= 100000)
/* "DIAMETER_ERROR_USER_UNKNOWN"; "unknown" for a number not above. Any thread. */
const char *cx_result_name(int code);

enum cx_uat {
	CX_UAT_REGISTRATION,
	CX_UAT_DE_REGISTRATION,
	CX_UAT_REGISTRATION_AND_CAPABILITIES
};

struct cx_uar {
	struct slice impi, impu, visited_network;
	enum cx_uat type;
	bool emergency; /* UAR-Flags bit 0 (TS 29.229 §6.3.44) */
};

struct cx_capabilities {
	uint32_t n_mandatory, n_optional, n_names;
	uint32_t mandatory[16], optional[16];
	struct slice name[8]; /* Server-Name AVPs in Server-Capabilities */
};

struct cx_uaa {
	int result;
	struct slice server_name; /* empty: none */
	struct cx_capabilities capabilities;
};

struct cx_lir {
	struct slice impu;
	bool originating; /* Originating-Request AVP (TS 29.229 §6.3.34) */
};

struct cx_lia {
	int result;
	struct slice server_name;
	struct cx_capabilities capabilities;
	struct slice wildcard; /* Wildcarded-Public-Identity that the identity matched */
};

enum cx_auth_scheme {
	CX_AUTH_AKA,     /* "Digest-AKAv1-MD5" */
	CX_AUTH_DIGEST,  /* "SIP Digest" */
	CX_AUTH_UNKNOWN, /* "Unknown": the HSS chooses */
	CX_AUTH_GIBA,    /* "Early-IMS-Security": the address that the access network gave */
	CX_AUTH_OTHER,
};

struct cx_mar {
	struct slice impi, impu, server_name;
	uint32_t n_vectors;
	enum cx_auth_scheme scheme;
	struct slice scheme_name; /* as on the wire, when CX_AUTH_OTHER */
	struct slice auts;        /* resynchronisation: RAND || AUTS (30 octets), else empty */
};

/* One SIP-Auth-Data-Item. */
struct cx_vector {
	uint32_t number;
	enum cx_auth_scheme scheme;
	uint8_t rand[16], autn[16]; /* AKA: SIP-Authenticate is RAND || AUTN */
	uint8_t xres[16];
	uint32_t xres_len; /* 4-16 */
	uint8_t ck[16], ik[16];
	char digest_realm[256]; /* SIP Digest (SIP-Digest-Authenticate) */
	char ha1[65];           /* hexadecimal, NUL-terminated: MD5 32 */
	/* SHA-256 64, or empty. On the wire a second SIP-Auth-Data-Item of scheme SIP Digest,
	 * whose Digest-Algorithm is "SHA-256": both carry Digest-HA1. */
	char ha1_sha256[65];
	/* GIBA (TS 33.203 Annex T): Framed-IP-Address, or Framed-IPv6-Prefix of so many bits.
	 */
	struct addr framed;
	uint8_t framed_bits;
};

struct cx_maa {
	int result;
	struct slice impi, impu;
	uint32_t n_vectors;
	struct cx_vector vector[CX_VECTORS_MAX];
};

enum cx_sat { /* Server-Assignment-Type (TS 29.229 §6.3.15) */
	      CX_SAT_NO_ASSIGNMENT = 0,
	      CX_SAT_REGISTRATION = 1,
	      CX_SAT_RE_REGISTRATION = 2,
	      CX_SAT_UNREGISTERED_USER = 3,
	      CX_SAT_TIMEOUT_DEREGISTRATION = 4,
	      CX_SAT_USER_DEREGISTRATION = 5,
	      CX_SAT_TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME = 6,
	      CX_SAT_USER_DEREGISTRATION_STORE_SERVER_NAME = 7,
	      CX_SAT_ADMINISTRATIVE_DEREGISTRATION = 8,
	      CX_SAT_AUTHENTICATION_FAILURE = 9,
	      CX_SAT_AUTHENTICATION_TIMEOUT = 10,
	      CX_SAT_DEREGISTRATION_TOO_MUCH_DATA = 11,
};

/* What an S-CSCF needs of one contact to serve its user again (TS 23.380 §4, TS 29.229
 * §6.3.52). */
struct cx_restored {
	struct slice path, contact; /* values of the headers; neither empty */
	struct slice call_id;       /* of its last REGISTER; empty: unknown */
	uint32_t cseq;              /* of the same; 0: unknown */
};

/* SCSCF-Restoration-Info: of one private identity. */
struct cx_restoration {
	struct slice impi;
	uint32_t n;
	struct cx_restored contact[CX_RESTORED_MAX];
};

struct cx_sar {
	struct slice impi; /* may be empty */
	uint32_t n_impus;
	struct slice impu[CX_IMPUS_MAX];
	struct slice server_name;
	enum cx_sat type;
	bool user_data_available;          /* User-Data-Already-Available */
	bool multiple_registration;        /* Multiple-Registration-Indication */
	struct cx_restoration restoration; /* n 0: none */
	struct slice origin_host; /* the S-CSCF's Diameter identity; of no meaning in a request
				     to send */
};

struct cx_charging {
	struct slice primary_ecf, secondary_ecf, primary_ccf, secondary_ccf;
};

struct cx_saa {
	int result;
	struct slice impi;
	struct slice user_data; /* XML (TS 29.228 Annex E); empty: none */
	struct cx_charging charging;
	uint32_t n_associated;
	struct slice associated_impi[CX_ASSOCIATED_MAX];
	uint32_t n_restorations;
	struct cx_restoration restoration[CX_RESTORATIONS_MAX];
};

/* DIAMETER_REDIRECT_INDICATION (RFC 6733 §6.12 to §6.14): who is to be asked instead. */
enum cx_redirect_usage { CX_REDIRECT_DONT_CACHE = 0, CX_REDIRECT_ALL_USER = 6 };

struct cx_redirect {
	int result;
	uint32_t n_hosts;
	struct slice host[CX_REDIRECTS_MAX]; /* DiameterURI */
	uint32_t usage;                      /* Redirect-Host-Usage */
	uint32_t cache_s;                    /* Redirect-Max-Cache-Time */
};

enum cx_reason { /* Reason-Code (TS 29.229 §6.3.17) */
		 CX_REASON_PERMANENT_TERMINATION,
		 CX_REASON_NEW_SERVER_ASSIGNED,
		 CX_REASON_SERVER_CHANGE,
		 CX_REASON_REMOVE_S_CSCF,
};

struct cx_rtr {
	struct slice impi;
	uint32_t n_associated, n_impus;
	struct slice associated_impi[CX_ASSOCIATED_MAX];
	struct slice impu[CX_IMPUS_MAX]; /* none: all of the IMPI */
	enum cx_reason reason;
	struct slice reason_info;
	struct slice origin_host; /* of the HSS */
};

struct cx_rta {
	int result;
};

struct cx_ppr {
	struct slice impi;
	struct slice user_data;
	struct cx_charging charging;
	struct slice origin_host;
};

struct cx_ppa {
	int result;
};
