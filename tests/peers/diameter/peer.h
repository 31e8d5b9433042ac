/* peer.h - a Diameter peer for the lab: what it gets is held to the specification and printed
 *
 * One line of JSON a request on stdout: command, every AVP, and what is wrong with them by the
 * rules. How it answers is told by lines on stdin, at any time. For PCRF, CDF and OCS, each
 * with its own rules.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct msg;

/* One AVP that a command (parent 0) or a grouped AVP of this code may have. */
struct peer_rule {
	uint32_t command; /* 0: in whatever command, in that parent */
	uint32_t parent, code, vendor;
	uint32_t min, max; /* how often */
	char m; /* 'M': the flag has to be set, 'm': it must not, '-': as one likes */
};

/* Prints the request, and what is wrong with it. The number of faults. */
uint32_t peer_print(const char *name, struct msg *m, const struct peer_rule *rules, size_t n);

/* How to answer, as last told on stdin. */
struct peer_mode {
	enum { PEER_ANSWER, PEER_SILENT, PEER_WRONG } what;
	int result; /* as in cx.h: + 100000 is experimental */
	uint32_t delay_ms;
	uint32_t times; /* for so many requests, then again as before; 0: for good */
};
/* Makes an answer one that nobody can read: without its result. */
void peer_spoil(struct msg *answer);
/* Takes one request off the count. Any thread. */
struct peer_mode peer_mode(void);
/* Reads stdin until its end: "ok", "refuse N", "error N", "delay MS", "silent", "wrong" (an
 * answer without a result), each with an optional count behind it, is kept for peer_mode; any
 * other line goes to `other`. */
void peer_listen(void (*other)(const char *line));
