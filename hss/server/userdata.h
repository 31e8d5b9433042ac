/* userdata.h - writes the user profile of Cx: IMSSubscription XML (TS 29.228 Annexes B and E)
 */
#pragma once

#include "base/text.h"
#include "store/store.h"

/* One ServiceProfile for each profile that the IMPUs of the set have, in the order of the set,
 * so that the default identity stands first. 0, or -1: the store failed or the text does not
 * fit. As thread-bound as the store. */
int userdata_write(struct store *s, const char *impi, const struct store_impu *set, uint32_t n,
		   struct text *out);
