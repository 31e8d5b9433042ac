/* deviation.h - where libosip2 and we are known to see different things, and why */
#pragma once

#include "view.h"

struct deviation {
	const char *name;
	const char *reason;
	const char *example; /* shows it; a list entry that shows nothing any more is stale */
	enum field field;
	/* True if the difference in this message can be this deviation. */
	bool (*applies)(struct slice message, const char *ours, const char *osip);
};

extern const struct deviation deviations[];
extern const uint32_t n_deviations;
