/* message.h - SIP messages between worker and control: punt, inject and capture */
#pragma once

#include "base/addr.h"
#include "base/limits.h"

/* Why a worker gives a message to control. */
enum abi_punt_reason {
	PUNT_REGISTER = 1, /* a REGISTER, whatever the role */
	PUNT_LOCATE,   /* I-CSCF: which S-CSCF serves the Request-URI? (LIR); control resumes it
			*/
	PUNT_RESPONSE, /* response to a request that control sent (branch begins with
			  ABI_BRANCH_CONTROL) */
	PUNT_REQUEST,  /* a request that is for control itself, such as SUBSCRIBE to reg */
	PUNT_REFRESHED, /* a REGISTER that the worker answered 200: control takes it over */
	PUNT_SA_USED, /* the first request but REGISTER that came under this sa_id since it has
			 a registration: a copy, for control to know that the UE has changed
			 over to it (TS 33.203 §7.4); the worker deals with the request itself
		       */
	/* Of dialogs that INVITEs began here, where the node watches them; the worker has dealt
	   with the message itself: */
	PUNT_SESSION_BEGUN,     /* a 2xx, as it goes from src to dst; behind it the URI of the
				   INVITE's Contact */
	PUNT_SESSION_ENDED,     /* a BYE, as it goes on */
	PUNT_SESSION_REFRESHED, /* a 2xx to an UPDATE, as it goes on: the session has more time,
				   or no bound any more (RFC 4028) */
	PUNT_AUTHENTICATE,      /* S-CSCF: is this request its user's? Control resumes it */
	PUNT_OUTBOUND, /* a user of ours calls a number that is not registered here, or a
			  foreign domain: as PUNT_LOCATE, and it may leave the network */
	PUNT_POLICY,   /* P-CSCF: a request or a response of a session whose resources are asked
			  for; control resumes it */
	/* The worker has dealt with the message itself: */
	PUNT_OFFERED, /* an offer on its way from src to dst, who is to answer in a message that
			 comes with PUNT_POLICY; or an ACK with the answer */
	PUNT_SESSION_FAILED, /* the final response that refuses an INVITE, as it goes on */
};

/* Begins the branch of each request that control sends, so that workers know whose the response
 * is. */
#define ABI_BRANCH_CONTROL "z9hG4bKc"

struct abi_punt {
	uint8_t reason;
	uint8_t port; /* it came in on */
	uint16_t worker;
	uint32_t len;   /* octets of the message */
	uint64_t rx_ns; /* CLOCK_MONOTONIC when punted */
	struct addr src, dst;
	uint32_t expires;   /* PUNT_REFRESHED: seconds that the 200 OK granted, else 0 */
	uint32_t uri_len;   /* PUNT_SESSION_BEGUN: octets of the URI, else 0 */
	uint64_t sa_id;     /* the security association it came under; 0: in clear */
	uint64_t dst_sa_id; /* PUNT_SESSION_BEGUN: that it goes under; else 0 */
	uint64_t user;      /* PUNT_AUTHENTICATE: set_id of the one whose request it should be.
			       PUNT_LOCATE, PUNT_OUTBOUND: of the one it was
			       authenticated as; else 0 */
	uint8_t data[];     /* the SIP message as received, then the URI */
};
_Static_assert(sizeof(struct abi_punt) == 88, "punt record");

enum abi_inject_type {
	INJECT_SEND = 1, /* send `data` from src to dst as it is; src.port 0: the node's SIP
			    port, src.family 0: the address of the port that leads to dst */
	INJECT_RESUME,   /* take up a message again that was punted with PUNT_LOCATE,
			    PUNT_OUTBOUND, PUNT_AUTHENTICATE or PUNT_POLICY: src, dst, port as in the punt */
};

/* INJECT_RESUME: what control found out. */
enum abi_locate {
	LOCATE_LOCAL = 1, /* served here: by now the registration is installed, or an
			     unregistered-service profile; `route`, if any, is the wildcarded
			     identity that stands for the called one */
	LOCATE_SCSCF,  /* forward to the S-CSCF at `hop`, `route` (its SIP URI) on top of Route
			*/
	LOCATE_REJECT, /* answer with `status`, and with `route`, if any, among the headers:
			  whole lines; behind an empty line, a body */
	LOCATE_PASS,   /* its sender is `user`: go on */
	LOCATE_ONWARD, /* forward to `hop`; `route`, if any, is the new Request-URI */
	LOCATE_GRANTED, /* PUNT_POLICY: the resources are there: go on */
};

struct abi_inject {
	uint8_t type;
	uint8_t locate;
	uint16_t status;    /* LOCATE_REJECT: 300-699 */
	uint16_t route_len; /* octets of the route URI, or of the header lines and body */
	uint8_t port;
	uint8_t pad;
	uint32_t len; /* octets of the message */
	struct addr src, dst, hop;
	uint64_t
		sa_id; /* INJECT_SEND: the security association to send it under, to its
			  addresses or not at all; 0: in clear. INJECT_RESUME: as in the punt */
	uint64_t
		user; /* INJECT_RESUME: set_id of the one it was authenticated as; 0: it was not
		       */
	uint8_t data[]; /* the message, then the route URI */
};
_Static_assert(sizeof(struct abi_inject) == 88, "inject record");

struct abi_capture {
	uint64_t tsc;
	uint64_t wall_ns; /* time of day */
	uint8_t out;      /* 1: sent, 0: received */
	uint8_t port;
	uint16_t worker;
	uint32_t len;
	struct addr src, dst;
	uint8_t data[];
};
_Static_assert(sizeof(struct abi_capture) == 64, "capture record");

/* Consumers copy a record into private memory, then check it with these: the lengths inside fit
 * the record's, enums are in range, addresses have a family. NULL or a sentence. */
const char *abi_punt_check(const void *record, uint32_t len);
const char *abi_inject_check(const void *record, uint32_t len);
const char *abi_capture_check(const void *record, uint32_t len);
