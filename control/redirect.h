/* redirect.h - which HSS has which user, as a subscription locator told (RFC 6733 §6.12 to
 * §6.14, TS 29.228 §5.6)
 *
 * Only HSSs of the configuration count: host 0 is control.hss-identity, the others are
 * control.hsses in their order. Redirect-Host-Usage ALL_USER is kept per user for as long as
 * Redirect-Max-Cache-Time says; any other usage is good for the one request, because a
 * locator's answer is never about a whole realm. A full table forgets whom it must.
 */
#pragma once

#include "base/slice.h"
#include "cx/cx.h"

struct conf;
struct redirects;

enum { REDIRECT_USERS = 8192, REDIRECT_CACHE_MAX_S = 86400 };

/* The host of a DiameterURI, "aaa://FQDN:PORT;transport=tcp" (RFC 6733 §4.3.1), or of a name
 * that is none. Any thread. */
struct slice redirect_uri_host(struct slice uri);

/* NULL: no memory. */
struct redirects *redirects_new(const struct conf *conf);
void redirects_free(struct redirects *r);
/* Identity of a host. Any thread. */
const char *redirects_identity(const struct redirects *r, int host);
/* The first host of the redirection that is ours to ask, or -1. Any thread. */
int redirects_host(const struct redirects *r, const struct cx_redirect *redirect);
/* The host that has the user of a request (CX_UAR ...), or 0. Loop thread only, as the next
 * one. */
int redirects_find(const struct redirects *r, uint32_t command, const void *request,
		   uint64_t now_ms);
void redirects_note(struct redirects *r, uint32_t command, const void *request, int host,
		    uint32_t usage, uint32_t cache_s, uint64_t now_ms);
