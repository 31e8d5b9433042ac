/* dns.h - sakerctl dns query */
#pragma once

#include "ctl/ctl.h"

/* Asks control until it has the answer, at most for ten seconds. */
ctl_run dns_query;
