/* record.h - the records of an answer as a zone file would have them */
#pragma once

#include "control/dns/dns.h"

enum { RECORD_TEXT_MAX = 1024, RECORDS_SHOWN = 32 };

/* Those of the type that was asked for, in the order of the answer; malformed ones are left
 * out, and so is what does not fit RECORD_TEXT_MAX. */
void dns_records(struct slice octets, enum dns_type type,
		 void (*each)(void *ctx, const char *text), void *ctx);
