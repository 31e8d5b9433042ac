/* field.h - small header fields: one decode function each */
#pragma once

#include "sip/sip.h"

/* CSeq: number below 2^31 and method (RFC 3261 §20.16). */
enum sip_error sip_cseq_decode(struct slice value, uint32_t *number, struct slice *method);
/* Max-Forwards 0-255 (RFC 3261 §20.22); larger numbers are taken as 255. */
enum sip_error sip_max_forwards_decode(struct slice value, uint8_t *out);
/* Expires and the like: seconds; a number above 2^32-1 is taken as 2^32-1 (RFC 3261 §20.19).
 * False: no number. */
bool sip_delta_seconds(struct slice value, uint32_t *out);
/* q of a Contact: 0-1000; 1000 if absent or malformed. */
uint16_t sip_qvalue(struct slice params);

/* True if the comma list in any header with this id has the token, without regard to case. */
bool sip_has_token(const struct sip_msg *msg, enum sip_header_id id, struct slice token);
/* Walks the tokens of a comma list: first call with *rest = value. False at the end. */
bool sip_next_token(struct slice *rest, struct slice *token);

/* One "name=value" of a digest challenge or response (RFC 7616 §3): false at the end. Quotes
 * are taken off, escapes inside are left. First call with *rest behind the scheme. */
bool sip_auth_param(struct slice *rest, struct slice *name, struct slice *value);
/* "Digest" and the rest; false: no scheme. */
bool sip_auth_scheme(struct slice value, struct slice *scheme, struct slice *rest);
