/* echo_role.h - in place of the roles: messages go back to where they came from, or do as they
 * are told
 *
 *   PUNT...   to control       DROP...  dropped       HAND n...  to worker n
 *   TIME n..  n messages from timers later            FRESH...   punted as answered: OK
 *   else      sent back
 */
#pragma once

#include "role/role.h"

/* The last verdict of control that was taken up, for the test to look at. */
struct echo_seen {
	uint32_t resumed;
	uint16_t status;
	char route[64];
	uint32_t timers; /* messages that timers still have to send */
};
struct echo_seen *echo_seen(struct role_worker *w);
