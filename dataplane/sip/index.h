/* index.h - stage two of the parser: each header line into the index */
#pragma once

#include "sip/scan.h"
#include "sip/sip.h"

/* Fills header[], first[] and last[] from the lines behind the start line; msg->raw is set, and
 * first[] is all SIP_NO_HEADER. A line that begins with white space continues the one before
 * (RFC 3261 §7.3.1). Any thread. Gives what was wrong first; lines that are sound are indexed
 * nevertheless: SIP_E_HEADER, SIP_E_HEADER_COUNT. */
enum sip_error sip_index_lines(struct sip_msg *msg, const struct sip_scan *scan);
