/* diameter.h - freeDiameter, set up from our configuration and kept alive
 *
 * One Diameter node a process, and one start: the library cannot be started twice in the same
 * process. Starts freeDiameter without a configuration file of its own lying about: what it
 * needs is generated from saker.yaml into a private temporary file, read, and removed.
 * Registers the hooks that matter for speed and for safety: no-op hooks for the per-message
 * types (a default formats every message under a lock), one of which walks the raw octets and
 * closes the remote stops of the library (see diameter_guard, and repair.c for one more).
 * Listens on exactly the address configured, loopback included. Only peers in the list may
 * connect; the connection of anybody else is closed without an answer. Ignores SIGPIPE for the
 * process, because the library writes to sockets without MSG_NOSIGNAL. Where the library
 * decides to stop by itself, the process aborts: a supervisor can start it again, nobody else
 * can.
 *
 * A connection that is lost is tried again after 0 to 4 s; watchdogs (RFC 3539) every 6 s find
 * a dead peer.
 */
#pragma once

#include "base/addr.h"

enum {
	DIAMETER_PEERS_MAX = 32,
	DIAMETER_MESSAGE_MAX =
		65535, /* octets; freeDiameter drops the connection of who sends more */
};

struct diameter_peer {
	const char *identity;
	struct addr connect; /* family 0: it connects to us */
};

struct diameter_config {
	const char *identity, *realm;
	struct addr listen; /* port 0: do not listen; the address is still the one told in CER
			       (Host-IP-Address) */
	uint32_t n_peers;
	struct diameter_peer peer[DIAMETER_PEERS_MAX];
	uint32_t app_threads; /* default 1 */
};

/* Before any dictionary work; the strings are copied. 0, or -1 with a sentence in error (256
 * octets). */
int diameter_init(const struct diameter_config *c, char *error);
/* Does not wait for peers: they may come later. 0, or -1 with a sentence in error (256 octets).
 */
int diameter_start(char *error);
/* Drains, disconnects (DPR) and ends the library's threads. Also after diameter_init alone. */
void diameter_stop(void);

struct diameter_peer_state {
	char identity[256];
	char state[32]; /* "open", "closed", ... */
	bool open;
};
/* Any thread. The number of peers written to out. */
uint32_t diameter_peers(struct diameter_peer_state *out, uint32_t most);
/* Any thread. Is the connection to this peer open for requests? */
bool diameter_open(const char *identity);

/* Tells the guard that this AVP is grouped; that this command is in the dictionary. Between
 * diameter_init and diameter_start only. False: no room. */
bool diameter_grouped(uint32_t vendor, uint32_t code);
bool diameter_command(uint32_t code);
/* The in-place guard of the raw octets of one message, as installed; for tests. The number of
 * changes made.
 *  - NUL in Session-Id becomes '_': freeDiameter 1.2.1 shuts down otherwise;
 *  - Vendor-Id 0 with the V bit becomes 0xffffffff, which no dictionary knows: library code
 * that looks for an AVP by code and vendor would find one without a value, and abort or crash,
 * for CER before it knows the peer (RFC 6733 §4.1.1 forbids such an AVP);
 *  - Proxy-Info with anything but Proxy-Host and Proxy-State in it becomes an unknown AVP: the
 * library stops where it cannot copy one into an error of its own;
 *  - a grouped AVP nested more than 8 deep, or with a member shorter than its own header,
 * becomes an unknown AVP: the library recurses without a bound, and without Debian's patch
 * computes with the negative length;
 *  - an AVP of the message itself shorter than its header spoils the version, so that the
 * message is refused as a whole and its connection closed; so does an answer of a command not
 * in the dictionary;
 *  - in an answer, Result-Code moves to the front, behind Session-Id (not counted), and one of
 * wrong length becomes an unknown AVP: where an answer does not parse, the library looks for
 * the value of Result-Code, and aborts if it had not come so far. */
uint32_t diameter_guard(uint8_t *octets, uint32_t len);
uint64_t diameter_guarded(void); /* changes made since start; any thread */
