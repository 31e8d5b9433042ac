/* outbound.h - the next hops of a request that leaves the network (TS 24.229 §5.4.3.2 step 10,
 * §5.6; RFC 6116, RFC 3263)
 *
 * A number: ENUM, then the rules of the BGCF; one that is ported already (npdi, RFC 4694) by
 * the rules alone, and by its routing number. A domain: the rules, then the DNS. What is found
 * is installed (routes.h) before the request goes on, so that the worker knows all the hops.
 * Loop thread only.
 */
#pragma once

#include "control/dns/dns.h"
#include "control/held.h"

struct conf;
struct conf_bgcf;
struct control;
struct outbound;
struct routes;

/* Borrows c->conf. NULL: no memory, or no DNS. */
struct outbound *outbound_open(struct control *c);
/* Ends what is under way: each held request is rejected. */
void outbound_close(struct outbound *o);

/* ENUM says that the number is this SIP URI of our own; h is given back. uri is lent. */
typedef void outbound_own(struct held *h, struct slice uri);

/* Ends h: resumes or rejects it, maybe within this call. uri: its Request-URI, a foreign domain
 * or a global number; of a tel URI, or user=phone. own NULL: that number is not ours, whatever
 * ENUM says. */
void outbound_request(struct outbound *o, struct held *h, struct slice uri, outbound_own *own);

/* True if nobody has to be asked whose a number ("+" and digits) is: its rule says so. */
bool outbound_is_direct(const struct conf *conf, struct slice number,
			const struct conf_bgcf **rule);

/* Whatever the DNS says: not to ourselves, not to this host, not to a group. */
bool outbound_reachable(const struct conf *conf, const struct addr *a);

struct outbound_stats {
	uint64_t enumerated, by_rule, by_domain; /* that found a way */
	uint64_t own;                            /* numbers that ENUM says are ours */
	uint64_t nowhere, failed;                /* 404 and 484; 504 and the like */
};
void outbound_stats(const struct outbound *o, struct outbound_stats *out);
struct dns *outbound_dns(const struct outbound *o);
struct routes *outbound_routes(const struct outbound *o);
