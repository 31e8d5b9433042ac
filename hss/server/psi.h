/* psi.h - public service identities that an Application Server hosts itself (TS 23.228 §5.4.12)
 *
 * A distinct one is stored in canonical form. A wildcarded one holds an extended regular
 * expression between two exclamation marks (TS 23.003 §13.5): "sip:chat-!.*!@ims.example". A
 * distinct one goes before all wildcarded ones, of which the first in the order of their names
 * counts. Any thread; one store, one thread.
 */
#pragma once

#include "base/slice.h"
#include "store/store.h"

/* Canonical form, and whether it is wildcarded. False with a sentence in error
 * (STORE_ERROR_MAX). */
bool psi_check(struct slice identity, char out[IMPU_MAX + 1], bool *wildcard, char *error);
/* The server of an identity as a request has it, and the wildcarded identity that it matched.
 * STORE_NONE: no service has it. */
enum store_result psi_find(struct store *s, struct slice identity,
			   char server[STORE_HOST_MAX + 1], char matched[IMPU_MAX + 1],
			   bool *wildcard);
