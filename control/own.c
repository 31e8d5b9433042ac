/* own.c - what is ours and whom we trust */
#include "conf/conf.h"
#include "control/register.h"
#include "control/resolve.h"
#include "sip/uri.h"

bool own_domain(const struct conf *conf, struct slice host)
{
	if (slice_eq_nocase(host, slice_str(conf->realm)))
		return true;
	for (uint32_t i = 0; i < conf->n_domain; i++)
		if (slice_eq_nocase(host, slice_str(conf->domain[i])))
			return true;
	return false;
}

bool own_in_prefix(const struct addr *ip, uint8_t bits, const struct addr *a)
{
	uint32_t whole = bits / 8, part = bits % 8;
	uint8_t mask = (uint8_t)(0xff00 >> part);

	if (ip->family != a->family || bits > (a->family == 4 ? 32 : 128))
		return false;
	if (memcmp(ip->ip, a->ip, whole))
		return false;
	return !part || ((ip->ip[whole] ^ a->ip[whole]) & mask) == 0;
}

static bool in_prefix(const struct conf_prefix *p, const struct addr *a)
{
	return own_in_prefix(&p->ip, p->bits, a);
}

uint32_t own_schemes(const struct conf *conf, const struct addr *ue)
{
	const struct conf_access *best = NULL;
	uint32_t schemes = 0;

	for (uint32_t i = 0; i < conf->control.n_access; i++) {
		const struct conf_access *a = &conf->control.access[i];

		if (in_prefix(&a->prefix, ue) && (!best || a->prefix.bits > best->prefix.bits))
			best = a;
	}
	if (!best)
		return CONF_SCHEME_AKA | CONF_SCHEME_DIGEST;
	for (uint32_t i = 0; i < best->n_allow; i++)
		schemes |= best->allow[i];
	return schemes;
}

bool own_peer(const struct conf *conf, const struct addr *a)
{
	for (uint32_t i = 0; i < conf->dataplane.n_peer; i++)
		if (in_prefix(&conf->dataplane.peer[i].net, a))
			return true;
	return false;
}

bool own_policy_covers(const struct conf *conf, const struct addr *ue)
{
	for (uint32_t i = 0; i < conf->policy.n_access; i++)
		if (in_prefix(&conf->policy.access[i], ue))
			return true;
	return false;
}

bool own_uri(const struct conf *conf, struct slice uri)
{
	struct sip_uri u;
	struct addr a;

	if (sip_uri_decode(uri, &u) != SIP_OK || u.scheme > SIP_SCHEME_SIPS)
		return false;
	return own_domain(conf, u.host) || resolve_uri(conf, uri, &a) == RESOLVE_SELF;
}

bool own_way(const struct control *c, const struct addr *flow, uint64_t sa_id,
	     struct request_way *out)
{
	const struct sa *sa;

	*out = (struct request_way){.dst = *flow};
	if (sa_id == 0)
		return true;
	sa = sas_find(c->sas, sa_id);
	if (!sa)
		return false;
	*out = (struct request_way){.dst = sa->ue, .src = sa->local, .sa_id = sa_id};
	return true;
}
