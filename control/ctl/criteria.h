/* criteria.h - the commands about filter criteria */
#pragma once

#include "ctl/ctl.h"

/* FILE: "FILE:LINE: what is wrong" for each thing that is; asks no daemon. */
ctl_run criteria_lint;
/* --message FILE --case CASE, and --profile FILE, or --impu IMPU of a registered user: which
 * criteria match and why the others do not. */
ctl_run criteria_test;
