/* rest.h - addresses that failed, left alone for a while
 *
 * Each worker has learned its own: a bounded memory, in which a later address may take the
 * place of an earlier one. Worker only.
 */
#pragma once

#include "role/pass.h"

/* It said nothing, or 503. */
void rest_begin(struct role_worker *w, const struct addr *a, uint64_t now);
/* Of several that may be asked, it is the last. */
bool rest_holds(const struct pass *p, const struct addr *a);
