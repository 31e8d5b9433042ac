/* rf.h - the Rf interface (TS 32.299 §6.2, TS 32.260 §6.1) as plain structures: what an IMS
 * node tells a CDF
 *
 * Slices point into memory of the message or of the caller, and are valid during the call or
 * callback in which they are given. What may be absent is RF_UNSAID, or an empty slice.
 */
#pragma once

#include "cx/cx.h"

enum {
	RF_APPLICATION = 3, /* base accounting, RFC 6733 §9 */
	RF_ACR = 271,
	RF_SESSION_MAX = 320,
	RF_CALLERS_MAX = 2,
	RF_TIME_OCTETS = 4,
};

#define RF_UNSAID (UINT32_MAX - 1)

enum rf_record { /* Accounting-Record-Type, RFC 6733 §9.8.1 */
		 RF_EVENT = 1,
		 RF_START,
		 RF_INTERIM,
		 RF_STOP,
};

enum { RF_ORIGINATING, RF_TERMINATING }; /* Role-Of-Node, §7.2.169A */
enum { RF_SCSCF, RF_PCSCF, RF_ICSCF };   /* Node-Functionality, §7.2.119 */
enum { /* Cause-Code, §7.2.35; a failure is told by its SIP status */
       RF_CAUSE_NORMAL = 0,
       RF_CAUSE_UNSPECIFIED = 1,
       RF_CAUSE_SUCCESS = -1,
       RF_CAUSE_REGISTRATION_ENDED = -3,
};

struct rf_acr {
	struct slice session;
	uint32_t record; /* enum rf_record */
	uint32_t number;
	uint32_t n_interval;  /* 0 or 1 */
	uint32_t interval[1]; /* seconds */
	int64_t at;           /* seconds of 1970: Event-Timestamp */

	uint32_t n_user; /* 0 or 1: Subscription-Id */
	struct rf_user {
		uint32_t type; /* 2: a SIP URI (RFC 8506 §8.47) */
		struct slice identity;
	} user[1];
	struct slice method;
	uint32_t role, node;
	struct slice call_id; /* User-Session-Id */
	uint32_t n_calling;
	struct slice calling[RF_CALLERS_MAX], called;
	int64_t requested, answered; /* seconds of 1970; 0: not known */
	struct slice orig_ioi, term_ioi, icid;
	uint32_t cause; /* a negative one as two's complement */
	bool again;     /* it may have been sent before: the T flag (RFC 6733 §9.4) */

	struct rf_octets { /* the codec's own */
		struct slice at, requested, answered;
	} octets;
};
struct rf_aca {
	int result;
	uint32_t record, number;
	uint32_t interval; /* seconds; RF_UNSAID: as before */
};
