/* find.h - the address a SIP host name leads to over UDP (RFC 3263 §4)
 *
 * An address literal is itself; with a port, A and AAAA; else NAPTR, of which SIP+D2U counts,
 * then SRV, then A and AAAA at 5060. Of SRV records the lowest priority, and in it one by
 * weight. Loop thread only.
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

typedef void find_done(void *ctx, enum find_status status, const struct addr *hop);

/* Calls done once, maybe within this call. The URI may go when this returns. */
void find_hop(struct dns *d, const struct sip_uri *uri, find_done *done, void *ctx);
