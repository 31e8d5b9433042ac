/* description.h - the session description in a body (RFC 8866), alone or as a part of several
 */
#pragma once

#include "sip/sip.h"

/* What the message carries as application/sdp, alone or as the first such part of a multipart
 * body (RFC 2046 §5.1); empty: nothing. */
struct slice description_of(const struct sip_msg *m);

/* The next line of it, without its end: first call with *rest the whole. False at the end.
 * *type: the letter before "=", 0 if the line has no such form; *value: what is behind. */
bool description_line(struct slice *rest, uint8_t *type, struct slice *value);
