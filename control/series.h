/* series.h - everything control and the data plane count, as metric series
 *
 * Names follow the habits of Prometheus: prefix, base units, _total for counters. Each series
 * has HELP and TYPE; each enumeration is there from the start, at 0. No label comes from the
 * network. Loop thread only.
 */
#pragma once

#include "base/json.h"
#include "control/control.h"

struct capture;

struct series_sources {
	const struct control *control;
	const struct capture *capture;
	uint64_t start_wall_ms;
};

/* The text form that Prometheus scrapes. */
void series_write_text(const struct series_sources *s, struct json *out);
/* The same as an array of {"metric", "value"} under `key`. */
void series_write_rows(const struct series_sources *s, struct json *out, const char *key);
