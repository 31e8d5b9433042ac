/* emit.h - apply splices to a message, once */
#pragma once

#include "sip/edit.h"

/* Octets of the message after the edits; 0 if they overflowed or exceed SIP_MESSAGE_MAX. */
uint32_t sip_emit_length(const struct sip_msg *msg, const struct sip_edits *e);

/* Writes the edited message to out, which does not overlap the message and has room for
 * sip_emit_length octets; gives the length, or 0. */
uint32_t sip_emit_copy(const struct sip_msg *msg, const struct sip_edits *e, uint8_t *out);

/* Edits the message where it lies: what is behind the last splice stays, the head moves into up
 * to `headroom` octets before the message, or away from its start. Returns the new start of the
 * message and *len, or NULL if there is not enough headroom (nothing is changed then). The
 * memory of the message must be writable; slices into its head are void afterwards. */
uint8_t *sip_emit_in_place(const struct sip_msg *msg, const struct sip_edits *e,
			   uint32_t headroom, uint32_t *len);
