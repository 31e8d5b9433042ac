/* outbound.c - the next hops of a request that leaves the network */
#include "control/outbound.h"

#include <stdlib.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "control/bgcf.h"
#include "control/control.h"
#include "control/dns/enum.h"
#include "control/dns/find.h"
#include "control/resolve.h"
#include "control/routes.h"
#include "sip/uri.h"

enum {
	NUMBER_MAX = 32,
	/* How long the HSS's word holds that a number is not ours. */
	NUMBER_MS = 60000,
};

/* ITU-T Q.850, in Reason (RFC 6432). */
enum cause { CAUSE_NONE = 0, CAUSE_UNALLOCATED = 1, CAUSE_FORMAT = 28 };

enum way { BY_ENUM, BY_RULE, BY_DOMAIN, BY_ICSCF };

struct outbound {
	struct control *c;
	struct dns *dns;
	struct routes *routes;
	struct leaving *installing; /* what they found is being told to the data plane */
	struct outbound_stats stats;
};

struct leaving {
	struct leaving *next, **at; /* among those that are installing */
	struct outbound *o;
	struct held *h;
	outbound_own *own;
	enum way way;
	uint64_t until_ms; /* that what was found may be relied upon */
	struct addr hop;
	uint32_t uri_len;
	uint8_t uri[HELD_ROUTE_MAX]; /* new Request-URI, or the Route */
	uint32_t number_len;
	uint8_t number[NUMBER_MAX]; /* "+" and digits, by which rules are chosen */
	uint32_t to_len;            /* 0: what is found holds for this request alone */
	uint8_t to[ABI_ROUTE_TO_MAX];
};

struct outbound *outbound_open(struct control *c)
{
	struct outbound *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->c = c;
	o->dns = dns_open(c->loop, &c->conf->dns);
	o->routes = o->dns ? routes_open(c) : NULL;
	if (o->routes)
		return o;
	dns_close(o->dns);
	free(o);
	return NULL;
}

static void reject_for(struct leaving *l, uint16_t status, enum cause cause)
{
	struct text t = text_in(l->h->route, sizeof(l->h->route));

	if (status == 504)
		l->o->stats.failed++;
	else
		l->o->stats.nowhere++;
	if (cause) {
		text_lit(&t, "Reason: Q.850;cause=");
		text_u64(&t, cause);
		text_lit(&t, "\r\n");
	}
	l->h->route_len = t.len;
	held_reject(l->h, status);
	free(l);
}

static void reject(struct leaving *l, uint16_t status)
{
	reject_for(l, status, CAUSE_NONE);
}

void outbound_close(struct outbound *o)
{
	if (!o)
		return;
	dns_close(o->dns);
	/* Nobody calls them back: the installer ends with the rest. */
	while (o->installing) {
		struct leaving *l = o->installing;

		o->installing = l->next;
		reject(l, 504);
	}
	routes_close(o->routes);
	free(o);
}

static void live(struct leaving *l, uint64_t until_ms)
{
	if (until_ms < l->until_ms)
		l->until_ms = until_ms;
}

/* ---- the way is found ---- */

static void resume(struct leaving *l)
{
	struct outbound_stats *s = &l->o->stats;

	s->enumerated += l->way == BY_ENUM;
	s->by_rule += l->way == BY_RULE;
	s->by_domain += l->way == BY_DOMAIN;
	l->h->hop = l->hop;
	/* A rule names the next proxy: it is routed to. ENUM names the callee. */
	l->h->locate = l->way == BY_RULE ? LOCATE_SCSCF : LOCATE_ONWARD;
	l->h->route_len = l->uri_len;
	memcpy(l->h->route, l->uri, l->uri_len);
	held_resume(l->h);
	free(l);
}

/* Whatever came of it: the request has its first hop. */
static void installed(void *ctx, int status)
{
	struct leaving *l = ctx;

	*l->at = l->next;
	if (l->next)
		l->next->at = l->at;
	resume(l);
}

static void go(struct leaving *l, const struct addr *hop, uint32_t n)
{
	struct abi_route_view v = {
		.to = slice_of(l->to, l->to_len),
		.kind = l->way == BY_RULE ? ABI_ROUTE_PROXY : ABI_ROUTE_CALLED,
		.uri = slice_of(l->uri, l->uri_len),
		.expires_ms = l->until_ms,
		.n_addr = n,
	};

	l->hop = hop[0];
	if (l->to_len == 0) {
		resume(l);
		return;
	}
	memcpy(v.addr, hop, n * sizeof(*hop));
	l->next = l->o->installing;
	l->at = &l->o->installing;
	if (l->next)
		l->next->at = &l->next;
	l->o->installing = l;
	routes_put(l->o->routes, &v, installed, l);
}

bool outbound_reachable(const struct conf *conf, const struct addr *a)
{
	static const uint8_t loopback[16] = {[15] = 1};
	uint8_t memory[8 + ADDR_TEXT_MAX];
	struct text t = text_in(memory, sizeof(memory));
	struct addr out;

	if (a->family == 4 ? a->ip[0] == 0 || a->ip[0] == 127 || a->ip[0] >= 224
			   : a->ip[0] == 0xff || memcmp(a->ip, loopback, 16) == 0)
		return false;
	text_lit(&t, "sip:");
	addr_put(&t, a);
	return resolve_uri(conf, text_slice(&t), &out) == RESOLVE_OK;
}

_Static_assert((int)FIND_HOPS_MAX <= (int)ABI_ROUTE_ADDRESSES, "all of them are installed");

static void found(void *ctx, enum find_status status, const struct addr *hop, uint32_t n,
		  uint64_t until_ms)
{
	struct addr good[FIND_HOPS_MAX];
	struct leaving *l = ctx;
	uint32_t n_good = 0;

	live(l, until_ms);
	for (uint32_t i = 0; i < n; i++)
		if (outbound_reachable(l->o->c->conf, &hop[i]))
			good[n_good++] = hop[i];
	if (status == FIND_FAILED)
		reject(l, 504);
	else if (n_good == 0)
		/* A rule of ours that leads nowhere is our fault, not the caller's. */
		reject(l, l->way == BY_RULE ? 504 : 404);
	else
		go(l, good, n_good);
}

/* ---- where it leads ---- */

static bool uri_set(struct leaving *l, struct slice uri)
{
	if (uri.len > sizeof(l->uri))
		return false;
	l->uri_len = uri.len;
	if (uri.len)
		memcpy(l->uri, uri.p, uri.len);
	return true;
}

/* To the host of a URI: peers by name come before the DNS. */
static void go_to(struct leaving *l, struct slice uri)
{
	struct sip_uri u;
	struct addr hop;

	if (sip_uri_decode(uri, &u) != SIP_OK ||
	    !uri_set(l, l->way == BY_DOMAIN ? SLICE_EMPTY : uri)) {
		reject(l, 404);
		return;
	}
	switch (resolve_uri(l->o->c->conf, uri, &hop)) {
	case RESOLVE_OK:
		found(l, FIND_OK, &hop, 1, UINT64_MAX);
		return;
	case RESOLVE_SELF:
		reject(l, 404);
		return;
	case RESOLVE_UNKNOWN:
		find_hops(l->o->dns, &u, found, l);
		return;
	}
}

/* The I-CSCF is elsewhere, and the HSS its to ask. */
static bool icscf_is_elsewhere(const struct conf *conf)
{
	return !(conf->dataplane.roles & CONF_ICSCF) && conf->dataplane.icscf.family;
}

static void to_icscf(struct leaving *l, struct slice uri)
{
	l->way = BY_ICSCF;
	if (uri_set(l, uri))
		go(l, &l->o->c->conf->dataplane.icscf, 1);
	else
		reject(l, 404);
}

static void by_rule(struct leaving *l)
{
	const struct conf *conf = l->o->c->conf;
	const struct conf_bgcf *rule = bgcf_number(conf, slice_of(l->number, l->number_len));

	l->way = BY_RULE;
	if (rule)
		go_to(l, slice_str(rule->to));
	else if (icscf_is_elsewhere(conf))
		to_icscf(l, SLICE_EMPTY);
	else
		reject_for(l, 404, CAUSE_UNALLOCATED);
}

static bool own_domain(const struct conf *conf, struct slice host)
{
	bool own = slice_eq_nocase(host, slice_str(conf->realm));

	for (uint32_t i = 0; !own && i < conf->n_domain; i++)
		own = slice_eq_nocase(host, slice_str(conf->domain[i]));
	return own;
}

/* A number of our own by the DNS. */
static void enumerated_own(struct leaving *l, struct slice uri)
{
	struct held *h = l->h;
	outbound_own *own = l->own;

	if (icscf_is_elsewhere(l->o->c->conf)) {
		to_icscf(l, uri);
	} else if (own) {
		l->o->stats.own++;
		free(l);
		own(h, uri);
	} else {
		/* The HSS knows neither the number nor that user: to go on would be a circle.
		 */
		by_rule(l);
	}
}

/* Without visual separators (RFC 3966 §3). */
static bool number_set(struct leaving *l, struct slice s)
{
	l->number_len = 0;
	for (uint32_t i = 0; i < s.len; i++) {
		uint8_t c = s.p[i];

		if (c == '-' || c == '.' || c == '(' || c == ')')
			continue;
		if (!(ascii_is_digit(c) || (c == '+' && i == 0)) ||
		    l->number_len == sizeof(l->number))
			return false;
		l->number[l->number_len++] = c;
	}
	return l->number_len > 1 && l->number[0] == '+';
}

/* What stands behind a number about its portability decides by itself (RFC 4694 §4): rn, if
 * there, is where the number is served. False: malformed. */
static bool ported(struct leaving *l, struct slice params, bool *is)
{
	struct slice value;

	*is = sip_param(params, SLICE("npdi"), &value);
	if (!sip_param(params, SLICE("rn"), &value))
		return true;
	*is = true;
	return number_set(l, value);
}

/* The number with what the DNS says of its portability (RFC 4769) goes on instead of itself. */
static void enumerated_tel(struct leaving *l, struct slice uri, const struct sip_uri *u)
{
	bool is;

	if (!number_set(l, u->user) || !ported(l, u->params, &is)) {
		reject_for(l, 404, CAUSE_FORMAT);
		return;
	}
	if (!held_rename(l->h, uri)) {
		reject(l, 503);
		return;
	}
	l->to_len = 0; /* the next request is to be renamed too */
	by_rule(l);
}

static void enumerated(void *ctx, enum dns_status status, struct slice uri, uint64_t until_ms)
{
	struct leaving *l = ctx;
	struct sip_uri u;

	live(l, until_ms);
	if (status == DNS_OK && sip_uri_decode(uri, &u) == SIP_OK) {
		l->way = BY_ENUM;
		if (u.scheme == SIP_SCHEME_TEL)
			enumerated_tel(l, uri, &u);
		else if (own_domain(l->o->c->conf, u.host))
			enumerated_own(l, uri);
		else
			go_to(l, uri);
		return;
	}
	/* A silent DNS does not end calls that rules alone can route (TS 24.229 §5.4.3.2). */
	if (status == DNS_FAILED &&
	    !bgcf_number(l->o->c->conf, slice_of(l->number, l->number_len)))
		reject(l, 504);
	else
		by_rule(l);
}

/* All numbers of the rule leave as this one does. */
static void directly(struct leaving *l, const struct conf_bgcf *rule)
{
	struct text t = text_in(l->to, sizeof(l->to));

	if (bgcf_is_whole(l->o->c->conf, rule)) {
		text_str(&t, rule->prefix);
		text_char(&t, '*');
	} else {
		text_put(&t, slice_of(l->number, l->number_len));
	}
	l->to_len = t.len;
	by_rule(l);
}

static void leave_by_number(struct leaving *l, const struct sip_uri *u)
{
	struct slice params = u->params, user = u->user;
	const struct conf_bgcf *rule;
	bool is;

	/* user=phone: what is behind the number in the user part are a tel URI's parameters. */
	if (u->scheme != SIP_SCHEME_TEL) {
		params = slice_from(user, slice_find(user, ';'));
		user = slice_sub(user, 0, slice_find(user, ';'));
	}
	if (!number_set(l, user)) {
		reject_for(l, 484, CAUSE_FORMAT);
		return;
	}
	if (outbound_is_direct(l->o->c->conf, slice_of(l->number, l->number_len), &rule)) {
		directly(l, rule);
		return;
	}
	live(l, clock_ms() + NUMBER_MS);
	memcpy(l->to, l->number, l->number_len);
	l->to_len = l->number_len;
	if (!ported(l, params, &is)) {
		reject_for(l, 404, CAUSE_FORMAT);
	} else if (is) {
		l->to_len = 0;
		by_rule(l);
	} else {
		enum_ask(l->o->dns, slice_of(l->number, l->number_len), l->o->c->conf->dns.zone,
			 enumerated, l);
	}
}

static void leave_by_domain(struct leaving *l, struct slice uri, const struct sip_uri *u)
{
	const char *to = bgcf_domain(l->o->c->conf, u->host);
	struct text t = text_in(l->to, sizeof(l->to));

	for (uint32_t i = 0; i < u->host.len && !t.overflow; i++)
		text_char(&t, ascii_lower(u->host.p[i]));
	if (u->port) {
		text_char(&t, ':');
		text_u64(&t, u->port);
	}
	l->to_len = t.overflow ? 0 : t.len;
	l->way = to ? BY_RULE : BY_DOMAIN;
	go_to(l, to ? slice_str(to) : uri);
}

bool outbound_is_direct(const struct conf *conf, struct slice number,
			const struct conf_bgcf **rule)
{
	*rule = bgcf_number(conf, number);
	return *rule && (*rule)->direct;
}

void outbound_request(struct outbound *o, struct held *h, struct slice uri, outbound_own *own)
{
	struct leaving *l = calloc(1, sizeof(*l));
	struct sip_uri u;

	if (!l) {
		held_reject(h, 503);
		return;
	}
	l->o = o;
	l->h = h;
	l->own = own;
	l->until_ms = clock_ms() + o->c->conf->dns.ttl_max_s * 1000ull;
	if (sip_uri_decode(uri, &u) != SIP_OK)
		reject(l, 400);
	else if (u.scheme == SIP_SCHEME_TEL || own_domain(o->c->conf, u.host))
		leave_by_number(l, &u);
	else if (u.scheme == SIP_SCHEME_SIP)
		leave_by_domain(l, uri, &u);
	else
		reject(l, 404);
}

void outbound_stats(const struct outbound *o, struct outbound_stats *out)
{
	*out = o->stats;
}

struct dns *outbound_dns(const struct outbound *o)
{
	return o->dns;
}

struct routes *outbound_routes(const struct outbound *o)
{
	return o->routes;
}
