/* resolve.h - the address of a SIP URI's host
 *
 * An address literal, our own role hosts, or a peer's name in the configuration
 * (dataplane.peers). Loop thread only.
 */
#pragma once

#include "base/addr.h"

struct conf;

enum resolve_result { RESOLVE_OK, RESOLVE_SELF, RESOLVE_UNKNOWN };

/* uri: "sip:scscf.ims.example:5060;transport=udp". RESOLVE_SELF: one of this node's own role
 * URIs. */
enum resolve_result resolve_uri(const struct conf *conf, struct slice uri, struct addr *out);
