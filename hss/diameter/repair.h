/* repair.h - functions of freeDiameter 1.2.1 that are replaced */
#pragma once

#include <stdbool.h>

/* Finds what is replaced. Before the library's threads start. False: not in this version of the
 * library. */
bool repair_init(void);
