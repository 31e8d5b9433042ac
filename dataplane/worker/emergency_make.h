/* emergency_make.h - the policy of calls for help, from the configuration */
#pragma once

#include "conf/conf.h"
#include "role/node.h"

/* Management thread, at start and at a reload while workers run: publishes a new policy in the
 * node and, a grace period later, frees the old one. False: no memory, the old one stays. */
bool emergency_replace(struct node *n, const struct conf *c);
/* When no worker runs any more. */
void emergency_end(struct node *n);
