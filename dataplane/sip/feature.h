/* feature.h - feature parameters of Contact, Accept-Contact and Reject-Contact (RFC 3840 §9) */
#pragma once

#include "base/feature.h"
#include "base/hash.h"
#include "sip/param.h"

/* The features that the parameters name; parameters that are none (q, expires, require) and
 * malformed values are passed over. Their number, at most `most`. *cut, if not NULL: there were
 * more. Any thread. */
uint32_t sip_features(struct slice params, const struct hash_key *key, struct feature *out,
		      uint32_t most, bool *cut);
/* True if some value allows both (RFC 2533 §4.1): of the same tag. */
bool sip_feature_meets(const struct feature *a, const struct feature *b);
