/* select.h - which S-CSCF an I-CSCF chooses for a user (TS 29.228 §6.7, TS 24.229 §5.3.1.2)
 *
 * From icscf.scscfs of the configuration: one that the HSS names, in its order; else of those
 * with all mandatory capabilities the one with most of the optional, and of equals the one
 * chosen least. Without that list every S-CSCF of the network is taken to be able to do
 * everything: a named one, else the one of this node, else dataplane.scscf. Loop thread only.
 */
#pragma once

#include "base/addr.h"
#include "base/limits.h"
#include "cx/cx.h"

struct conf;

enum { SELECT_TRIES_MAX = 4 };

/* How often each was chosen, by its place in the list. */
struct select_counts {
	uint64_t chosen[SCSCFS_MAX];
};

/* Which were tried for one request. */
struct select_tried {
	uint32_t n;
	uint64_t hash[SELECT_TRIES_MAX]; /* of its URI */
};

enum select_result {
	SELECT_OK,
	SELECT_NONE, /* nobody has the mandatory capabilities */
	SELECT_USED, /* all that could serve were tried, or too many */
};

/* Writes the SIP URI of the chosen one, up to SIP_URI_MAX octets, to uri, and notes it as
 * tried. */
enum select_result select_scscf(const struct conf *conf, const struct cx_capabilities *want,
				struct select_counts *counts, struct select_tried *tried,
				struct text *uri);
/* Notes one that the HSS had assigned. False: it was tried before, or too many were. */
bool select_note(struct select_tried *tried, struct slice uri);
