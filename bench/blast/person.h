/* person.h - the terminals: who they are, with what keys, at which address */
#pragma once

#include "base/addr.h"

struct person {
	union {
		struct {
			uint8_t k[16], opc[16];
		};
		char password[32]; /* of SIP Digest, ended by a NUL */
	};
	bool has_password;
	uint32_t cseq;
	uint32_t attempt; /* low bits of the registration under way */
	bool registered;
	uint32_t agreement; /* number of its security agreements */
	uint64_t sa_id;     /* security associations it is protected by; 0: none */
	uint8_t name_len;
	char name[31]; /* user part; the domain is the same for all */
};

enum { PERSON_PORTS = 4 };

/* Reads subscribers as `sakerctl sub import` does, at most `most`: the first line names the
 * columns; used are impi, and k with op or opc (IMS-AKA) or password (SIP Digest). *n is how
 * many there are. NULL with a sentence on standard error. */
struct person *people_load(const char *file, uint32_t most, uint32_t *n, char domain[64]);
/* People without keys, for a proxy that does not register them. */
struct person *people_make(uint32_t n);

struct addr person_addr(uint32_t person);
/* The protected server port of those that have security associations. */
uint16_t person_protected_port(uint32_t person);
/* Whose address it is; UINT32_MAX: nobody's. */
uint32_t person_at(const struct addr *a);
