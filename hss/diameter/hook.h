/* hook.h - what freeDiameter calls: hooks and its log */
#pragma once

#include "base/slice.h"

/* Before fd_core_initialize. */
int hook_log_register(void);
/* After fd_core_initialize. `known` says whether a Diameter identity may connect. 0 or an
 * errno. */
int hook_register(bool (*known)(struct slice identity));
/* While true, the library's decision to stop is not ours, and aborts the process. Any thread.
 */
void hook_must_run(bool must);
