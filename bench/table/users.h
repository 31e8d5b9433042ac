/* users.h - made-up users of any number, each the same whenever he is asked for
 *
 * A user is a registration set of two identities (tel: and sip:) and one contact, with texts as
 * long as an operator's network has them: the contact's URI about 60 octets, its Path about 90.
 * The Service-Route is the same for all.
 */
#pragma once

#include "table/registration.h"

enum { USER_IMPUS = 2, USER_TEXT_MAX = 112 };

/* A view of one user, and the texts it points into. */
struct user_view {
	struct abi_registration_view v;
	char impu[USER_IMPUS][USER_TEXT_MAX], uri[USER_TEXT_MAX], path[USER_TEXT_MAX];
};

/* The user's identity, `which` below USER_IMPUS, written to `to`. */
struct slice user_impu(uint64_t user, uint32_t which, char to[USER_TEXT_MAX]);
/* The transport address he registered from; of his alone. */
struct addr user_flow(uint64_t user);
/* The whole of him; expires_ms tells one put from the next. */
void user_fill(struct user_view *u, uint64_t user, uint64_t expires_ms);
