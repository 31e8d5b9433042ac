/* userdata.h - the user profile of Cx: IMSSubscription XML (TS 29.228 Annexes B and E)
 *
 * Any thread. The document comes from the HSS and is distrusted all the same: no DTD, no
 * entities, no network, bounded size and depth. The profile's text itself is kept by the
 * caller; here only what registration needs is read.
 */
#pragma once

#include "base/limits.h"
#include "base/slice.h"

enum { USERDATA_DEPTH_MAX = 32, USERDATA_DISPLAY_MAX = 128 };

struct userdata_identity {
	char uri[IMPU_MAX + 1];       /* as provisioned */
	char canonical[IMPU_MAX + 1]; /* sip_uri_identity */
	char display[USERDATA_DISPLAY_MAX +
		     1]; /* "" none; cut, never in the middle of a UTF-8 sequence */
	bool barred;
	bool wildcard;   /* canonical is as provisioned then */
	uint8_t profile; /* index of its ServiceProfile */
};

struct userdata {
	char impi[IMPI_MAX + 1]; /* PrivateID */
	uint32_t n_profile;
	uint32_t n_identity;
	struct userdata_identity identity[SET_IMPUS_MAX];
};

enum userdata_result {
	USERDATA_OK,
	USERDATA_MALFORMED, /* not XML, or not an IMSSubscription */
	USERDATA_HOSTILE,   /* a DTD, too deep or too large */
	USERDATA_TOO_MUCH,  /* more identities than a set can hold */
	USERDATA_EMPTY,     /* no identity in it that could register */
};
/* Those that are no URI are passed over. *out is about 20 kB: heap or
 * static. */
enum userdata_result userdata_decode(struct slice xml, struct userdata *out);
/* Index of the canonical identity, or -1. */
int userdata_find(const struct userdata *u, const char *canonical);
/* Index of the first identity that is neither barred nor wildcarded (TS 24.229 §5.4.1.2.2), or
 * -1. */
int userdata_default(const struct userdata *u);
const char *userdata_result_text(enum userdata_result r);
