/* header.h - a header field's name into its id */
#pragma once

#include "sip/sip.h"

/* `name` in any case, long or compact form, no white space around it; SIP_H_OTHER if it is none
 * of header.def. Any thread. */
enum sip_header_id sip_header_id(struct slice name);

/* The same for the inner loop of the parser: at least 16 octets may be read from name.p,
 * whatever name.len is. */
enum sip_header_id sip_header_id_padded(struct slice name);
