/* person.h - the terminals: who they are, with what keys, at which address */
#pragma once

#include "base/addr.h"

struct person {
	uint8_t k[16], opc[16];
	uint32_t cseq;
	uint32_t attempt; /* low bits of the registration under way */
	bool registered;
	uint8_t name_len;
	char name[31]; /* user part; the domain is the same for all */
};

enum { PERSON_PORTS = 4 };

/* Reads subscribers as `sakerctl sub import` does (impi,impu,k,op,amf), at most `most`. *n is
 * how many. NULL with a sentence on standard error. */
struct person *people_load(const char *file, uint32_t most, uint32_t *n, char domain[64]);
/* People without keys, for a proxy that does not register them. */
struct person *people_make(uint32_t n);

struct addr person_addr(uint32_t person);
/* Whose address it is; UINT32_MAX: nobody's. */
uint32_t person_at(const struct addr *a);
