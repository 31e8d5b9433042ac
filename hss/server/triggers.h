/* triggers.h - would an S-CSCF take these filter criteria whole? */
#pragma once

#include "base/slice.h"

enum { TRIGGERS_ERROR_MAX = 256 };

/* Initial filter criteria as an operator gives them, read and compiled as an S-CSCF of ours
 * does it: each trigger and each expression. Any thread. False: the first thing that is wrong,
 * with its line, in error. */
bool triggers_check(struct slice xml, char error[TRIGGERS_ERROR_MAX]);
