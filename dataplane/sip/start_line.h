/* start_line.h - Request-Line and Status-Line (RFC 3261 §7.1, §7.2) */
#pragma once

#include "sip/sip.h"

/* Fills method, method_name and uri, or status and reason, from the first line (without its
 * line end). What was understood before an error stays filled. SIP_E_NOT_SIP and SIP_E_STATUS:
 * there is nothing to answer; the rest of the message need not be looked at. */
enum sip_error sip_start_line(struct slice line, struct sip_msg *msg);
