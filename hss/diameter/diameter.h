/* diameter.h - freeDiameter, set up from our configuration and kept alive
 *
 * One Diameter node a process. Starts freeDiameter without a configuration file of its own lying about: what it needs is
 * generated from saker.yaml into a private temporary file, read, and removed. Registers the hooks that
 * matter for speed and for safety: no-op hooks for the per-message types (a default formats every
 * message under a lock), one of which walks the raw octets and closes the two remote stops of the library
 * (NUL in Session-Id; AVP 263 with the V bit). Listens on exactly the address configured, loopback included.
 * Only peers in the list may connect.
 */
#pragma once

#include "base/addr.h"

enum { DIAMETER_PEERS_MAX = 16 };

struct diameter_peer {
	const char *identity;
	struct addr connect; /* family 0: it connects to us */
};

struct diameter_config {
	const char *identity, *realm;
	struct addr listen;  /* port 0: do not listen */
	uint32_t n_peers;
	struct diameter_peer peer[DIAMETER_PEERS_MAX];
	uint32_t app_threads; /* default 1 */
};

/* Before any dictionary work. 0, or -1 with a sentence in error (256 octets). */
int diameter_init(const struct diameter_config *c, char *error);
int diameter_start(char *error);
/* Drains, disconnects (DPR) and ends the library's threads. */
void diameter_stop(void);

struct diameter_peer_state {
	char identity[256];
	char state[32]; /* "open", "closed", ... */
	bool open;
};
/* Any thread. The number of peers written to out. */
uint32_t diameter_peers(struct diameter_peer_state *out, uint32_t most);

/* The in-place guard of the raw octets, as installed; for tests. The number of changes made. */
uint32_t diameter_guard(uint8_t *octets, uint32_t len);
uint64_t diameter_guarded(void); /* changes made since start */
