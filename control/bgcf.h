/* bgcf.h - where sessions leave the network (TS 24.229 §5.6, TS 23.228 §4.6.4) */
#pragma once

#include "base/slice.h"

struct conf;

struct conf_bgcf;

/* The rule for a number ("+" and digits): that with the longest prefix; of those, the first.
 * NULL: no rule. Any thread. */
const struct conf_bgcf *bgcf_number(const struct conf *conf, struct slice number);
/* True if all numbers that begin as the rule's do are its: no rule has a longer prefix of that
 * kind. */
bool bgcf_is_whole(const struct conf *conf, const struct conf_bgcf *rule);
/* For a domain: the first rule that names it. */
const char *bgcf_domain(const struct conf *conf, struct slice domain);
