/* deviation.c - where libosip2 and we are known to see different things, and why */
#include <stdlib.h>

#include "deviation.h"
#include "sip/name_addr.h"
#include "sip/parse.h"

#define MESSAGE(line)                                                                          \
	"BYE sip:bob@home.example SIP/2.0\r\nVia: SIP/2.0/UDP h.example;branch=z9hG4bKd\r\n"   \
	"From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\nCall-ID: c\r\nCSeq: 1 BYE\r\n" line   \
	"\r\nContent-Length: 0\r\n\r\n"

/* libosip2 silently leaves out a Route it cannot decode, and takes the message. */
static bool is_short(const struct sip_name_addr *route)
{
	return route->uri.len < 6;
}

static bool has_other_scheme(const struct sip_name_addr *route)
{
	struct sip_uri uri;

	return sip_uri_decode(route->uri, &uri) == SIP_OK && uri.scheme == SIP_SCHEME_OTHER;
}

static bool has_headers(const struct sip_name_addr *route)
{
	return slice_find(route->uri, '?') < route->uri.len;
}

static bool has_8bit_name(const struct sip_name_addr *route)
{
	for (uint32_t i = 0; i < route->display.len; i++)
		if (route->display.p[i] > 127)
			return true;
	return false;
}

static bool drops_routes(struct slice message, const char *ours, const char *osip)
{
	struct sip_name_addr_walk walk;
	struct sip_name_addr route;
	struct sip_msg msg;
	int odd = 0, missing = atoi(ours) - atoi(osip);

	sip_parse(message, &msg);
	sip_walk(&walk, &msg, SIP_H_ROUTE, SIP_E_ROUTE);
	while (sip_walk_next(&walk, &route))
		odd += is_short(&route) || has_other_scheme(&route) || has_headers(&route) ||
		       has_8bit_name(&route);
	return missing > 0 && missing <= odd;
}

const struct deviation deviations[] = {
	{"short-route", "a URI of less than six characters is a URI", MESSAGE("Route: <sip:c>"),
	 F_ROUTES, drops_routes},
	{"route-scheme", "whether a scheme can be routed on is the role's decision",
	 MESSAGE("Route: <soap.beep:host.example>"), F_ROUTES, drops_routes},
	{"route-headers", "what stands behind a '?' is opaque, '=' or not",
	 MESSAGE("Route: <sip:host.e?ample;lr>"), F_ROUTES, drops_routes},
	{"route-name", "UTF-8 in a display name is taken without quotes too",
	 MESSAGE("Route: J\xc3\xbcrgen <sip:host.example>"), F_ROUTES, drops_routes},
};
const uint32_t n_deviations = sizeof(deviations) / sizeof(deviations[0]);
