/* metrics.h - the page of control's metrics, watched by its loop
 *
 * Loop thread only.
 */
#pragma once

#include "base/addr.h"
#include "control/series.h"

struct ev_loop;
struct metrics;

/* sources are lent and must outlive it. listen.port 0: none, and the return is a closed one
 * that does nothing. NULL with a sentence in error (256 octets). */
struct metrics *metrics_open(struct ev_loop *loop, const struct addr *listen,
			     const struct series_sources *sources, char *error);
void metrics_close(struct metrics *m);
