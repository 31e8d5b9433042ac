/* server.h - the Application Server of a bench: a proxy that passes on what comes, and no more
 *
 * At an address of its own, behind the same port as the terminals. A request leaves with a Via
 * of the server's on top and without the server's Route, a response without that Via. It keeps
 * nothing: the branch is made of the one below it.
 */
#pragma once

#include "blast/blast.h"

/* What the server at this address makes of a message. False: it is none that can be passed on.
 */
bool server_write(const struct addr *server, struct slice message, struct text *t);
/* The same, sent to the node. */
bool server_pass(struct blast *b, struct slice message);
