/* gruus.h - the two names of a registered terminal (RFC 5627 §5.3) */
#pragma once

#include "base/hash.h"
#include "base/limits.h"
#include "base/text.h"

enum { GRUU_TEXT_MAX = 2 * SIP_URI_MAX };

struct gruus {
	char public[GRUU_TEXT_MAX];
	char temporary[GRUU_TEXT_MAX]; /* another one each time; "": none could be made */
};

/* Of the terminal `instance` that registered under this Call-ID, for the identity. False: there
 * are none for it. Any thread. */
bool gruus_make(const struct hash_key *key, struct slice impu, struct slice instance,
		struct slice call_id, struct gruus *out);
