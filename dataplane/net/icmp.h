/* icmp.h - ICMP and ICMPv6: echo is answered, neighbour discovery passed on; owning worker only
 */
#pragma once

#include "net/worker_state.h"

enum icmp6_type {
	ICMP6_ECHO_REQUEST = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_SOLICIT = 135,
	ICMP6_ADVERTISE = 136,
};

/* p->at is at the type. SEND: the frame was taken. DROP: counted. */
enum verdict icmp4_input(struct net_worker *w, struct packet *p);
enum verdict icmp6_input(struct net_worker *w, struct packet *p);

/* Fills in the checksum of an ICMPv6 message (RFC 4443 §2.3). */
void icmp6_checksum(uint8_t *message, uint32_t len, const struct addr *src,
		    const struct addr *dst);
