/* rx.h - the Rx interface (TS 29.214) as plain structures
 *
 * What the two commands a P-CSCF sends as application function (AAR, STR) and the two of the
 * PCRF (RAR, ASR) carry, decoded. Slices point into memory of the message or of the caller, and
 * are valid during the call or callback in which they are given. What may be absent is
 * FIELD_UNSAID, or an empty slice.
 */
#pragma once

#include "cx/cx.h"

enum {
	RX_APPLICATION = 16777236,
	RX_RAR = 258, /* of the base protocol, as STR and ASR are */
	RX_AAR = 265,
	RX_ASR = 274,
	RX_STR = 275,
	RX_SESSION_MAX = 320,
	RX_COMPONENTS_MAX = 16,
	RX_FLOWS_MAX = 2, /* of a component, */
	RX_CODECS_MAX = 2,
	RX_DESCRIPTIONS_MAX = 2, /* and of a flow */
	RX_FLOW_TEXT_MAX = 160,
	RX_CODEC_MAX = 4096,
	RX_ACTIONS_MAX = 16,
};

#define RX_UNSAID (UINT32_MAX - 1)

/* Experimental results of §5.5, with the 100000 of cx.h. */
enum rx_result_code {
	RX_TEMPORARILY_NOT_AUTHORIZED = 4261 + 100000,
	RX_INVALID_SERVICE_INFORMATION = 5061 + 100000,
	RX_FILTER_RESTRICTIONS = 5062 + 100000,
	RX_SERVICE_NOT_AUTHORIZED = 5063 + 100000,
	RX_DUPLICATED_AF_SESSION = 5064 + 100000,
	RX_IP_CAN_SESSION_NOT_AVAILABLE = 5065 + 100000,
	RX_UNAUTHORIZED_NON_EMERGENCY = 5066 + 100000,
	RX_UNKNOWN_SESSION_ID = 5002, /* RFC 6733 §7.1.5 */
};
/* As cx_result_name. */
const char *rx_result_name(int code);

enum rx_action { /* Specific-Action, §5.3.13 */
		 RX_LOSS_OF_BEARER = 2,
		 RX_RECOVERY_OF_BEARER = 3,
		 RX_RELEASE_OF_BEARER = 4,
		 RX_IP_CAN_CHANGE = 6,
		 RX_OUT_OF_CREDIT = 7,
		 RX_RESOURCES_ALLOCATED = 8,
		 RX_RESOURCES_FAILED = 9,
		 RX_USAGE_REPORT = 11,
};
const char *rx_action_name(uint32_t action);
/* Of IP-CAN-Type (TS 29.212 §5.3.27) and RAT-Type (§5.3.31); RX_UNSAID: "". */
const char *rx_ip_can_name(uint32_t ip_can);
const char *rx_rat_name(uint32_t rat);

enum { RX_USAGE_NONE, RX_USAGE_RTCP, RX_USAGE_SIGNALLING }; /* Flow-Usage, §5.3.12 */
enum { RX_PROTOCOL_NONE, RX_PROTOCOL_SIP };                 /* §5.3.26 */
enum { RX_INFO_FINAL, RX_INFO_PRELIMINARY };                /* Service-Info-Status, §5.3.25 */
enum { RX_REQUEST_INITIAL, RX_REQUEST_UPDATE };             /* Rx-Request-Type, §5.3.31 */
enum { RX_LOGOUT = 1 };                                     /* RFC 6733 §8.15 */

/* Media-Sub-Component, §5.3.17 */
struct rx_flow {
	uint32_t number;
	uint32_t n_description;
	struct slice description[RX_DESCRIPTIONS_MAX]; /* IPFilterRule, RFC 6733 §4.3.1 */
	uint32_t status, usage, protocol;
};

/* Media-Component-Description, §5.3.16 */
struct rx_component {
	uint32_t number;
	uint32_t n_flow;
	struct rx_flow flow[RX_FLOWS_MAX];
	uint32_t type, up, down, status, rs, rr; /* bits per second */
	uint32_t n_codec;
	struct slice codec[RX_CODECS_MAX]; /* §5.3.7 */
};

struct rx_aar {
	struct slice session;
	struct slice application; /* AF-Application-Identifier */
	uint32_t n_component;
	struct rx_component component[RX_COMPONENTS_MAX];
	uint32_t info_status;
	struct slice charging; /* AF-Charging-Identifier: the ICID */
	uint32_t n_action;
	uint32_t action[RX_ACTIONS_MAX];
	uint32_t n_user; /* 0 or 1 */
	struct rx_user {
		uint32_t type; /* 2: a SIP URI (RFC 8506 §8.47) */
		struct slice identity;
	} user[1];
	struct slice ipv4, ipv6; /* Framed-IP-Address; Framed-IPv6-Prefix (RFC 3162 §2.3) */
	struct slice service;    /* Service-URN */
	uint32_t request_type;
};
struct rx_aaa {
	int result;
	uint32_t ip_can, rat; /* as the PCRF's numbers */
};

struct rx_str {
	struct slice session;
	uint32_t cause;
};
struct rx_sta {
	int result;
};

struct rx_rar {
	struct slice session;
	uint32_t n_action;
	uint32_t action[RX_ACTIONS_MAX];
	uint32_t ip_can, rat, abort_cause;
};
struct rx_raa {
	int result;
};

struct rx_asr {
	struct slice session;
	uint32_t abort_cause;
};
struct rx_asa {
	int result;
};
