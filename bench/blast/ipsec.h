/* ipsec.h - the terminals' side of security associations (TS 33.203 §7): ESP in transport mode
 *
 * One table of them for all terminals, by the library that the node uses too; that another
 * reader of ESP sees the same is shown elsewhere (tests/lab/ipsec.sh). One thread.
 */
#pragma once

#include "base/buf.h"
#include "blast/person.h"
#include "esp/esp.h"

struct ipsec;

/* suite: integrity and encryption as in Security-Client (RFC 3329), with '/' between them:
 * "hmac-sha-1-96/aes-cbc". NULL with a sentence on standard error. */
struct ipsec *ipsec_open(const char *suite, uint32_t users);
void ipsec_close(struct ipsec *i);

/* The terminal has none any more. */
void ipsec_leave(struct ipsec *i, struct person *p);
/* A new agreement of this terminal begins: SPIs and ports that it had not last time. */
void ipsec_offer(struct person *p, uint32_t person);
/* The Security-Client line of its offer. */
void ipsec_put_client(struct text *t, const struct ipsec *i, const struct person *p,
		      uint32_t person);
/* Takes the node's side from Security-Server, and the keys: from now on the terminal is
 * protected. *port: the node's protected server port. False: nothing that was offered is in it.
 */
bool ipsec_agree(struct ipsec *i, struct person *p, uint32_t person, const struct addr *node,
		 struct slice security_server, const uint8_t ck[16], const uint8_t ik[16],
		 uint16_t *port);

/* A message in b, with ESP_HEAD_MAX and ESP_TAIL_MAX octets around it: b is the payload of an
 * IP packet then. */
bool ipsec_seal(struct ipsec *i, const struct person *p, struct buf *b);
/* Packets of one burst: on VERDICT_NEXT at, len and sa_id are set. */
void ipsec_unseal(struct ipsec *i, struct esp_packet *p, uint32_t n);
/* Whose set it is. */
uint32_t ipsec_person(uint64_t sa_id);
