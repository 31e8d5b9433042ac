/* answer.h - responses this node makes itself */
#pragma once

#include "role/pass.h"

/* Where the response to the request goes: RFC 3261 §18.2.2, RFC 3581 §4, from the top Via and
 * the source address. */
struct addr answer_destination(const struct sip_via *via, const struct addr *source);

/* A response to the request in hand, with a Warning (399) if text is given; headers are further
 * whole lines. NULL: no buffer. src, dst and port are set. */
struct buf *answer_make(struct pass *p, uint16_t status, const char *warning,
			struct slice headers);

/* True if the ACK in hand is for a response that answer() made without a transaction: its To
 * tag says so (RFC 3261 §8.2.7). */
bool answer_is_acknowledged(struct pass *p);

/* Answers and ends the pass: SEND, or DROP for an ACK, which is never answered, and for an
 * INVITE that was only to go on to further contacts. An INVITE that has a server transaction is
 * answered through it. */
enum verdict answer(struct pass *p, uint16_t status, const char *warning);
enum verdict answer_with(struct pass *p, uint16_t status, const char *warning,
			 struct slice headers);
/* With a body, whose Content-Type is among the headers. */
enum verdict answer_body(struct pass *p, uint16_t status, const char *warning,
			 struct slice headers, struct slice body);
