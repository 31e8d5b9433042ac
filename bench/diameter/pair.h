/* pair.h - two bare freeDiameter nodes, set up as ours are, with nothing behind them
 *
 * What the four exchanges of a registration cost where no store, no vectors and no registrar
 * have part in it: the bound of what Cx can carry here. Each node is a process of its own,
 * because the library starts once a process.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define PAIR_REALM  "ims.example"
#define PAIR_CLIENT "scscf.ims.example"
#define PAIR_SERVER "hss.ims.example"

/* The server: writes one octet to ready_fd once it listens, and ends with SIGTERM. An exit
 * code. */
int serve(const struct addr *listen, int ready_fd);

/* The client. */
struct ask;

/* Connects and keeps `window` exchanges under way from then on, sent by one thread. NULL with a
 * sentence on stderr. */
struct ask *ask_open(const struct addr *server, uint32_t window);
/* Exchanges answered with success so far; any thread. */
uint64_t ask_answered(const struct ask *a);
/* Exchanges that failed. */
uint64_t ask_failed(const struct ask *a);
/* Sends no more, ends the library, and frees it. */
void ask_close(struct ask *a);
