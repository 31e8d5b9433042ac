/* header.h - a header field's name into its id */
#pragma once

#include "sip/sip.h"

/* `name` in any case, long or compact form, no white space around it; SIP_H_OTHER if it is none
 * of header.def. Any thread. */
enum sip_header_id sip_header_id(struct slice name);

/* The same for the inner loop of the parser: at least 16 octets may be read from name.p,
 * whatever name.len is. */
enum sip_header_id sip_header_id_padded(struct slice name);

/* The same as an index into sip_header_names; 0: SIP_H_OTHER. Any `name`. */
uint32_t sip_header_known(struct slice name);

/* The table of names. A hash says which one a name can be at all, and one comparison decides:
 * as it is of all octets, no crafted name passes for another. */
enum { SIP_NAME_MAX = 30, SIP_NAME_ROOM = 32, SIP_NAMES_MAX = 128, SIP_NAME_SLOT_BITS = 9 };

/* A line of 32 octets begins with the name and ": " if it differs from `text` in no bit of
 * `bits`: those of the octets of the name, but for the one that makes the case of a letter. */
struct sip_header_name {
	uint8_t text[SIP_NAME_ROOM]; /* in lower case, then ": ", then zeros */
	uint8_t bits[SIP_NAME_ROOM];
} __attribute__((aligned(64)));

struct sip_header_names {
	/* An index into id and name; 0: no such name. No two names share a slot. */
	uint8_t slot[1 << SIP_NAME_SLOT_BITS];
	/* The same for names as they are written in header.def, by less of each; of two that
	 * agree in that, the first is in it. */
	uint8_t slot_usual[1 << SIP_NAME_SLOT_BITS];
	uint64_t factor;       /* of sip_header_slot, so that no two share a slot */
	uint32_t factor_usual; /* of sip_header_slot_usual */
	uint8_t id[SIP_NAMES_MAX];
	uint8_t len[SIP_NAMES_MAX];
	struct sip_header_name name[SIP_NAMES_MAX]; /* the first is none: no line has it */
};

/* Filled before main, and only read from then on. */
extern struct sip_header_names sip_header_names;

/* `head`: the first eight octets, zeros behind a shorter name. `last`: the last octet. */
static inline uint32_t sip_header_slot(uint64_t head, uint32_t last, uint32_t len,
				       uint64_t factor)
{
	return (uint32_t)((head * factor + (last + 8 * len) * 0x9e3779b97f4a7c15u) >>
			  (64 - SIP_NAME_SLOT_BITS));
}

/* `line`: the four octets that a line begins with, the colon of a short name and what is behind
 * it included. */
static inline uint32_t sip_header_slot_usual(uint32_t line, uint32_t len, uint32_t factor)
{
	/* Behind a compact form, the fourth is of the value. */
	if (len == 1)
		line &= 0xffffff;
	return ((line * factor >> (32 - SIP_NAME_SLOT_BITS)) + 16 * len) &
	       ((1 << SIP_NAME_SLOT_BITS) - 1);
}
