/* bgcf.h - where sessions leave the network (TS 24.229 §5.6, TS 23.228 §4.6.4) */
#pragma once

#include "base/slice.h"

struct conf;

/* The SIP URI of the next hop for a number ("+" and digits): the rule with the longest prefix;
 * of those, the first. NULL: no rule. Any thread. */
const char *bgcf_number(const struct conf *conf, struct slice number);
/* For a domain: the first rule that names it. */
const char *bgcf_domain(const struct conf *conf, struct slice domain);
