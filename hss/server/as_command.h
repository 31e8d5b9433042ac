/* as_command.h - the `as ...` commands of the HSS's admin socket: Application Servers over Sh
 *
 *   as add HOST REFERENCE=OPERATIONS ...
 *                  HOST: its Diameter identity; REFERENCE: a name of sh.h, or all; OPERATIONS:
 *                  pull, update, notify, between commas, or all or none. What is not given
 * stays as del HOST    with its subscriptions as list as watches [--limit N] [--from ID]
 *                  subscriptions to notifications
 *   as dsai put TAG SIP-URI
 *                  DSAI-Tag TAG stands for the filter criteria that lead to this server
 *   as dsai del TAG
 *                  who had them off has them on again from his next registration on
 *   as dsai list
 */
#pragma once

#include "base/admin.h"
#include "hss/pnr.h"

/* r->word[0] is "as". Writes one JSON value. The store's thread. */
void as_command(struct store *s, struct pnr *pnr, const struct admin_request *r,
		struct json *out);
