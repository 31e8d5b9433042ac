/* mutate.h - messages nobody would send, the same on each run */
#pragma once

#include "base/text.h"

/* A message put together from well-formed and odd parts. */
void compose(uint64_t *seed, struct text *out);
/* Some random changes to what is in *out, which grows at most to its capacity. */
void mutate(uint64_t *seed, struct text *out);
