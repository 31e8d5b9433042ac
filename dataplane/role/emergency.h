/* emergency.h - calls for help (TS 24.229 §5.2.10, §5.11; TS 23.167; RFC 5031)
 *
 * Such a call passes by all that could refuse it: overload, filter criteria, barring,
 * authentication of requests. It goes from the P-CSCF to an E-CSCF and from there to an
 * answering point, and nowhere else.
 */
#pragma once

#include "role/pass.h"

/* What the configuration says of it. Made by the management thread, read by workers. */
struct emergency {
	bool unregistered;
	bool normal;
	bool hosts_ecscf; /* the answering point is chosen here */
	uint32_t unregistered_rate;
	uint32_t n_number, n_ecscf, n_psap, n_place;
	struct emergency_number {
		struct slice number, service;
	} number[EMERGENCY_NUMBERS_MAX];
	struct addr ecscf[EMERGENCY_ECSCFS_MAX];
	struct emergency_psap {
		struct slice service, access, route; /* route: value of a Route header */
		struct addr address;
	} psap[EMERGENCY_PSAPS_MAX];
	struct emergency_place {
		struct node_prefix prefix;
		struct slice info;
	} place[EMERGENCY_ACCESSES_MAX];
};

/* Sets p->service, if the Request-URI asks for help: urn:service:sos and what is below it, or a
 * local emergency number. NEXT always. */
enum verdict emergency_recognise(struct pass *p);
/* A call for help that comes from a terminal, or from a P-CSCF to this E-CSCF: ROUTED; else
 * NEXT, untouched, or answered: 380 with an alternative service (§5.2.10.4), 403, 503. */
enum verdict emergency_call(struct pass *p);
/* An answering point calls back (RFC 7090): a peer says so. */
bool emergency_is_callback(const struct pass *p);
/* What a call for help leaves with, besides. */
void emergency_leave(struct pass *p, const struct target *to);
