/* contacts.h - the called user's contacts that a request goes to */
#pragma once

#include "role/pass.h"

/* Sets the targets: those of p->term_set to try now; p->more: others come after them. Without
 * targets there is none to try. False: the request is for a terminal by a temporary GRUU that a
 * later registration has ended. */
bool contacts_choose(struct pass *p);
