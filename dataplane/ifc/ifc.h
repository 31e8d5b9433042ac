/* ifc.h - filter criteria, evaluated (TS 29.228 Annexes B-F, TS 24.229 §5.4.3.2, §5.4.3.3)
 *
 * All functions are pure, allocate nothing and may be called from any thread. What they are
 * given as struct ifc has passed ifc_sound.
 *
 * What a trigger is held to: Request-URI, the value of a header line without folds, and what
 * stands behind "=" in a line of the session description, each searched for the expression
 * octet by octet and with regard to case (IEEE 1003.1 §9.4, extended regular expressions).
 */
#pragma once

#include "ifc/form.h"

/* Compiled criteria in len octets at an address divisible by eight: every offset and count in
 * it is good. NULL, or a sentence that says what is wrong. */
const char *ifc_sound(const void *memory, size_t len);

enum { IFC_OWN_MAX = 2 };

struct ifc_ask {
	uint8_t session_case; /* enum ifc_case */
	bool registered;      /* for IFC_ORIGINATING_CDIV, where the case does not say */
	uint8_t registration; /* of a REGISTER: the one bit of enum ifc_registration; else 0 */
	/* Where the P-CSCF or the border is this node too, the message is as it came from
	   outside: header fields that it would have added are here, */
	uint8_t n_own;
	struct ifc_own {
		enum sip_header_id id;
		struct slice value;
	} own[IFC_OWN_MAX];
	const bool
		*unseen; /* and those that it would have taken out, by their id; NULL: none */
};

struct ifc_match {
	uint32_t index; /* of the criterion: the next is asked for from index + 1 on */
	uint32_t priority;
	struct slice server;  /* SIP URI; it and service point into the criteria */
	struct slice service; /* ServiceInfo; empty: none */
	bool terminate;       /* if the server does not answer; else the request goes on */
	bool include_request, include_response;
};

enum ifc_result {
	IFC_NONE,     /* no criterion from there on holds */
	IFC_MATCH,    /* *out is set */
	IFC_TOO_DEAR, /* expressions took all the steps that one request may cost; none held so
			 far */
};

/* The first criterion from index `from` on that holds for the request. Takes bounded time:
 * linear in the message, and IFC_STEPS_MAX for the sum of all expressions. */
enum ifc_result ifc_next(const struct ifc *f, const struct sip_msg *m,
			 const struct ifc_ask *ask, uint32_t from, struct ifc_match *out);

/* About a millisecond. What an expression costs is its length times that of the text at most,
 * and one step an octet as a rule. */
enum { IFC_STEPS_MAX = 1 << 18 };

/* The index of the first criterion behind this priority: where a chain goes on whose profile
 * may have changed meanwhile. n_criteria: none. */
uint32_t ifc_behind(const struct ifc *f, uint32_t priority);

/* Does the criterion's own point hold, negation included? For tools: a worker has no need. */
bool ifc_point_holds(const struct ifc *f, uint32_t criterion, uint32_t point,
		     const struct sip_msg *m, const struct ifc_ask *ask);

enum ifc_authorisation {
	IFC_SERVICES_UNLISTED, /* the profile names no services: local policy decides */
	IFC_SERVICE_SUBSCRIBED,
	IFC_SERVICE_REFUSED,
};

/* Is the user subscribed to a communication service (TS 24.229 §5.4.3.2 step 4)? `icsi`: as
 * P-Preferred-Service and P-Asserted-Service have it, "urn:urn-7:3gpp-service.ims.icsi.mmtel";
 * a service that continues a subscribed one behind a dot is part of it (RFC 6050 §4.4). */
enum ifc_authorisation ifc_authorised(const struct ifc *f, struct slice icsi);
