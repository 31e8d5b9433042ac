/* stun.h - keep-alives of terminals with SIP outbound (RFC 5626 §8) */
#pragma once

#include "role/pass.h"

/* A datagram that is no SIP: SEND if it is a STUN Binding request from a registered flow, and
 * is answered; NEXT: it is something else. */
enum verdict stun_keepalive(struct pass *p);
