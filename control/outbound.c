/* outbound.c - the next hop of a request that leaves the network */
#include "control/outbound.h"

#include <stdlib.h>

#include "conf/conf.h"
#include "control/bgcf.h"
#include "control/control.h"
#include "control/dns/enum.h"
#include "control/dns/find.h"
#include "control/resolve.h"
#include "sip/uri.h"

enum { NUMBER_MAX = 32 };

enum way { BY_ENUM, BY_RULE, BY_DOMAIN };

struct outbound {
	struct control *c;
	struct dns *dns;
	struct outbound_stats stats;
};

struct leaving {
	struct outbound *o;
	struct held *h;
	enum way way;
	uint32_t uri_len;
	uint8_t uri[HELD_ROUTE_MAX]; /* new Request-URI, or the Route */
	uint32_t number_len;
	uint8_t number[NUMBER_MAX]; /* "+" and digits, by which rules are chosen */
};

struct outbound *outbound_open(struct control *c)
{
	struct outbound *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->c = c;
	o->dns = dns_open(c->loop, &c->conf->dns);
	if (o->dns)
		return o;
	free(o);
	return NULL;
}

void outbound_close(struct outbound *o)
{
	if (!o)
		return;
	dns_close(o->dns);
	free(o);
}

static void reject(struct leaving *l, uint16_t status)
{
	if (status == 504)
		l->o->stats.failed++;
	else
		l->o->stats.nowhere++;
	held_reject(l->h, status);
	free(l);
}

static void go(struct leaving *l, const struct addr *hop)
{
	struct outbound_stats *s = &l->o->stats;

	s->enumerated += l->way == BY_ENUM;
	s->by_rule += l->way == BY_RULE;
	s->by_domain += l->way == BY_DOMAIN;
	l->h->hop = *hop;
	/* A rule names the next proxy: it is routed to. ENUM names the callee. */
	l->h->locate = l->way == BY_RULE ? LOCATE_SCSCF : LOCATE_ONWARD;
	l->h->route_len = l->way == BY_DOMAIN ? 0 : l->uri_len;
	memcpy(l->h->route, l->uri, l->h->route_len);
	held_resume(l->h);
	free(l);
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

static void found(void *ctx, enum find_status status, const struct addr *hop)
{
	struct leaving *l = ctx;

	if (status == FIND_FAILED)
		reject(l, 504);
	else if (status == FIND_NOTHING || !outbound_reachable(l->o->c->conf, hop))
		/* A rule of ours that leads nowhere is our fault, not the caller's. */
		reject(l, l->way == BY_RULE ? 504 : 404);
	else
		go(l, hop);
}

/* To the host of a URI: peers by name come before the DNS. */
static void go_to(struct leaving *l, struct slice uri)
{
	struct sip_uri u;
	struct addr hop;

	if (sip_uri_decode(uri, &u) != SIP_OK || uri.len > sizeof(l->uri)) {
		reject(l, 404);
		return;
	}
	l->uri_len = uri.len;
	memcpy(l->uri, uri.p, uri.len);
	switch (resolve_uri(l->o->c->conf, uri, &hop)) {
	case RESOLVE_OK:
		found(l, FIND_OK, &hop);
		return;
	case RESOLVE_SELF:
		reject(l, 404);
		return;
	case RESOLVE_UNKNOWN:
		find_hop(l->o->dns, &u, found, l);
		return;
	}
}

static void by_rule(struct leaving *l)
{
	const char *to = bgcf_number(l->o->c->conf, slice_of(l->number, l->number_len));

	if (!to) {
		reject(l, 404);
		return;
	}
	l->way = BY_RULE;
	go_to(l, slice_str(to));
}

static bool own_domain(const struct conf *conf, struct slice host)
{
	bool own = slice_eq_nocase(host, slice_str(conf->realm));

	for (uint32_t i = 0; !own && i < conf->n_domain; i++)
		own = slice_eq_nocase(host, slice_str(conf->domain[i]));
	return own;
}

static void enumerated(void *ctx, enum dns_status status, struct slice uri)
{
	struct leaving *l = ctx;
	struct sip_uri u;

	/* The HSS does not know the number: that ENUM takes it for ours is a mistake, and to
	 * follow it a circle. */
	if (status == DNS_OK && sip_uri_decode(uri, &u) == SIP_OK &&
	    !own_domain(l->o->c->conf, u.host)) {
		l->way = BY_ENUM;
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

/* Number portability has been asked if npdi is there; rn, if there, is where the number is
 * served (RFC 4694 §4). */
static void leave_by_number(struct leaving *l, const struct sip_uri *u)
{
	struct slice params = u->params, value, user = u->user;

	/* user=phone: what is behind the number in the user part are a tel URI's parameters. */
	if (u->scheme != SIP_SCHEME_TEL) {
		params = slice_from(user, slice_find(user, ';'));
		user = slice_sub(user, 0, slice_find(user, ';'));
	}
	if (!number_set(l, user)) {
		reject(l, 484);
		return;
	}
	if (sip_param(params, SLICE("rn"), &value) && !number_set(l, value)) {
		reject(l, 404);
		return;
	}
	if (sip_param(params, SLICE("npdi"), &value) || sip_param(params, SLICE("rn"), &value))
		by_rule(l);
	else
		enum_ask(l->o->dns, slice_of(l->number, l->number_len), l->o->c->conf->dns.zone,
			 enumerated, l);
}

static void leave_by_domain(struct leaving *l, struct slice uri, const struct sip_uri *u)
{
	const char *to = bgcf_domain(l->o->c->conf, u->host);

	l->way = to ? BY_RULE : BY_DOMAIN;
	go_to(l, to ? slice_str(to) : uri);
}

void outbound_request(struct outbound *o, struct held *h, struct slice uri)
{
	struct leaving *l = calloc(1, sizeof(*l));
	struct sip_uri u;

	if (!l) {
		held_reject(h, 503);
		return;
	}
	l->o = o;
	l->h = h;
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
