/* guard.h - who is refused before freeDiameter parses what was received */
#pragma once

#include "base/slice.h"

/* A CER without a known peer's Origin-Host, or with another one besides (RFC 6733 §5.3: it may
 * be discarded). freeDiameter would make an entry and a thread for every name. Any thread. */
bool guard_stranger(const uint8_t *octets, uint32_t len, bool (*known)(struct slice identity));
