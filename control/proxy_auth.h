/* proxy_auth.h - is a request its user's? SIP digest for requests other than REGISTER, at the
 * S-CSCF (TS 33.203 Annex N, TS 24.229 §5.4.3.2, RFC 3261 §22.3)
 *
 * Who registered by digest, without security associations, answers a challenge (407) for each
 * request that begins a dialog or stands alone. What the answer is checked with comes from the
 * HSS with each challenge, and lies in the challenge; a terminal may use one as long as it
 * lasts, with a rising count. Loop thread only.
 */
#pragma once

#include <stdint.h>

struct control;
struct abi_punt;
struct proxy_auths;

/* Needs c->registrations and helds; cx may follow. Closed after cx, which calls back while it
 * closes. NULL: no memory. */
struct proxy_auths *proxy_auths_open(struct control *c);
void proxy_auths_close(struct proxy_auths *a);
/* A request held since PUNT_AUTHENTICATE: passed, challenged, or refused. */
void proxy_auth_request(struct proxy_auths *a, const struct abi_punt *p);

struct proxy_auths_stats {
	uint64_t passed, challenged, wrong, stale, failed; /* failed: the HSS gave nothing */
	uint32_t challenges;                               /* outstanding */
};
void proxy_auths_stats(const struct proxy_auths *a, struct proxy_auths_stats *out);
