/* edit.h - what shall change in a message: splices, applied once by emit.h
 *
 * Roles do not write into a message. They collect splices (at, delete, insert). Splices are
 * kept in the order of their offsets; several inserts at one place come out in the order of the
 * calls. A splice that overlaps an earlier one, or does not fit (SIP_EDITS_MAX splices,
 * SIP_EDIT_TEXT_MAX octets of text), sets `overflow`, and the message is not emitted. An insert
 * at the first octet of a deleted stretch, or behind its last, does not overlap it. One thread
 * at a time; no allocation.
 */
#pragma once

#include "sip/sip.h"

struct sip_edit {
	uint16_t at;
	uint16_t del;
	struct slice insert; /* must stay valid until sip_emit; text in `arena` does, and so
				does a slice of the message itself */
};

struct sip_edits {
	uint32_t n;
	bool overflow;
	uint32_t inserted; /* octets of all inserts */
	uint32_t deleted;
	struct text arena; /* for text the caller composes */
	struct sip_edit edit[SIP_EDITS_MAX];
	uint8_t memory[SIP_EDIT_TEXT_MAX];
};

/* Before first use, and for the next message. */
void sip_edits_reset(struct sip_edits *e);
void sip_edit_insert(struct sip_edits *e, uint32_t at, struct slice text);
void sip_edit_delete(struct sip_edits *e, uint32_t at, uint32_t len);
/* Both at once. */
void sip_edit_replace(struct sip_edits *e, uint32_t at, uint32_t len, struct slice text);
/* The slice must point into msg->raw. */
void sip_edit_replace_slice(struct sip_edits *e, const struct sip_msg *msg, struct slice old,
			    struct slice text);
/* A whole header line. */
void sip_edit_delete_header(struct sip_edits *e, const struct sip_header *h);
void sip_edit_delete_all(struct sip_edits *e, const struct sip_msg *msg, enum sip_header_id id);
/* The first element of the header's comma list; the whole line if it is the only one. `rest` is
 * what the element's decoder returned as rest. */
void sip_edit_delete_first_value(struct sip_edits *e, const struct sip_msg *msg,
				 const struct sip_header *h, struct slice rest);

/* Text composed in the arena: start, write into e->arena, then take the slice.
 *   uint32_t from = e->arena.len;
 *   text_lit(&e->arena, "Via: "); ...;
 *   line = text_since(&e->arena, from); */

/* Inserts behind the start line: new Via, Record-Route and P-headers, so that in the common
 * case only the head of the message moves. */
static inline void sip_edit_push(struct sip_edits *e, const struct sip_msg *msg,
				 struct slice line)
{
	sip_edit_insert(e, msg->first_line, line);
}
