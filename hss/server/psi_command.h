/* psi_command.h - the `sub psi ...` commands of the HSS's admin socket (provision.h lists them)
 */
#pragma once

#include "base/admin.h"
#include "store/store.h"

/* Three words at least, of which the third is the verb. Writes one JSON value. */
void psi_command(struct store *s, const struct admin_request *r, struct json *out);
