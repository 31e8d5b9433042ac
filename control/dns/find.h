/* find.h - the address a SIP host name leads to over UDP (RFC 3263 §4)
 *
 * An address literal is itself; with a port, A and AAAA; else NAPTR, of which SIP+D2U counts,
 * then SRV, then A and AAAA at 5060. SRV records count by priority, and in one priority by lot
 * and weight (RFC 2782). Loop thread only.
 */
#pragma once

#include "base/addr.h"
#include "control/dns/dns.h"
#include "sip/uri.h"

enum find_status {
	FIND_OK,
	FIND_NOTHING, /* the DNS knows no way */
	FIND_FAILED,  /* it did not say, or sent us round and round */
};

enum { FIND_HOPS_MAX = 4, FIND_TARGETS_MAX = 4 /* names, of SRV records */ };

/* The hops, in the order in which they are to be tried (RFC 3263 §4.3), are lent for the time
 * of the call; n is not 0 with FIND_OK alone. until_ms as dns_done's, of all that led there. */
typedef void find_done(void *ctx, enum find_status status, const struct addr *hop, uint32_t n,
		       uint64_t until_ms);

/* Calls done once, maybe within this call. The URI may go when this returns. */
void find_hops(struct dns *d, const struct sip_uri *uri, find_done *done, void *ctx);
