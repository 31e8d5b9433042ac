/* enum.h - telephone numbers to SIP URIs (RFC 6116)
 *
 * Loop thread only, but for enum_name and enum_rewrite, which are pure.
 */
#pragma once

#include "base/text.h"
#include "control/dns/dns.h"

enum { ENUM_STEPS_MAX = 5 };

/* uri is empty but for DNS_OK, and lent for the time of the call: a SIP URI, or a tel URI that
 * says more of the number (RFC 4769). until_ms as dns_done's. */
typedef void enum_done(void *ctx, enum dns_status status, struct slice uri, uint64_t until_ms);

/* number: "+" and digits. Calls done once, maybe within this call. Records that are not
 * terminal (RFC 3402 §2) are followed ENUM_STEPS_MAX times. */
void enum_ask(struct dns *d, struct slice number, const char *zone, enum_done *done, void *ctx);

/* "+4930" in "e164.arpa" as "0.3.9.4.e164.arpa" (RFC 6116 §3.2). False: no global number of at
 * most 15 digits, or too long. */
bool enum_name(struct slice number, const char *zone, char out[DNS_NAME_MAX + 1]);
/* Applies the regexp field of a NAPTR record, such as "!^.*$!sip:x@y!" (RFC 3402 §3.2), to a
 * number. It is bounded in length, steps and memory, whoever wrote it. False: malformed, does
 * not match, or the result does not fit. */
bool enum_rewrite(const char *regexp, struct slice number, struct text *out);
