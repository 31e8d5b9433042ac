/* resolve.c - the address of a SIP URI's host */
#include "control/resolve.h"

#include "conf/conf.h"
#include "sip/uri.h"

enum { DEFAULT_SIP_PORT = 5060 };

static uint16_t port_of(const struct sip_uri *uri)
{
	return uri->port ? uri->port : DEFAULT_SIP_PORT;
}

static bool same_host(const struct sip_uri *uri, const char *other)
{
	struct sip_uri o;

	return sip_uri_decode(slice_str(other), &o) == SIP_OK &&
	       slice_eq_nocase(uri->host, o.host) && port_of(uri) == port_of(&o);
}

/* The URI of a role that runs here. */
static bool own_role(const struct conf *conf, const struct sip_uri *uri)
{
	uint32_t roles = conf->dataplane.roles;

	return ((roles & CONF_PCSCF) && same_host(uri, conf->pcscf_uri)) ||
	       ((roles & CONF_ICSCF) && same_host(uri, conf->icscf_uri)) ||
	       ((roles & CONF_SCSCF) && same_host(uri, conf->scscf_uri));
}

/* The address configured for a role that runs elsewhere. */
static bool role_resolve(const struct conf *conf, const struct sip_uri *uri, struct addr *out)
{
	const struct {
		const char *uri;
		const struct addr *elsewhere;
	} role[] = {
		{conf->icscf_uri, &conf->dataplane.icscf},
		{conf->scscf_uri, &conf->dataplane.scscf},
	};

	for (uint32_t i = 0; i < sizeof(role) / sizeof(role[0]); i++)
		if (same_host(uri, role[i].uri) && role[i].elsewhere->family) {
			*out = *role[i].elsewhere;
			return true;
		}
	return false;
}

static bool is_own(const struct conf *conf, const struct addr *a)
{
	const struct conf_dataplane *d = &conf->dataplane;
	const struct conf_pcscf *p = &conf->pcscf;
	bool port = a->port == d->sip_port ||
		    (a->port >= d->worker_port_base &&
		     a->port - d->worker_port_base < (int)d->workers) ||
		    (p->port_ps && (a->port == p->port_ps || a->port == p->port_pc[0] ||
				    a->port == p->port_pc[1]));

	for (uint32_t i = 0; port && i < d->n_port; i++)
		for (uint32_t j = 0; j < d->port[i].n_address; j++)
			if (addr_same_ip(&d->port[i].address[j].ip, a))
				return true;
	return false;
}

/* A name that stands for one address, not for a network. */
static bool peer_resolve(const struct conf *conf, const struct sip_uri *uri, struct addr *out)
{
	for (uint32_t i = 0; i < conf->dataplane.n_peer; i++) {
		const struct conf_peer *p = &conf->dataplane.peer[i];

		if (p->name[0] == 0 || !slice_eq_nocase(uri->host, slice_str(p->name)) ||
		    p->net.bits != (p->net.ip.family == 4 ? 32 : 128))
			continue;
		*out = p->net.ip;
		out->port = port_of(uri);
		return true;
	}
	return false;
}

/* icscf.scscfs; the one of this node is found among the roles before. */
static bool scscf_resolve(const struct conf *conf, const struct sip_uri *uri, struct addr *out)
{
	for (uint32_t i = 0; i < conf->icscf.n_scscf; i++)
		if (same_host(uri, conf->icscf.scscf[i].name)) {
			*out = conf->icscf.scscf[i].address;
			return true;
		}
	return false;
}

enum resolve_result resolve_uri(const struct conf *conf, struct slice uri, struct addr *out)
{
	struct sip_uri u;

	if (sip_uri_decode(uri, &u) != SIP_OK || u.scheme != SIP_SCHEME_SIP)
		return RESOLVE_UNKNOWN;
	if (own_role(conf, &u))
		return RESOLVE_SELF;
	if (scscf_resolve(conf, &u, out))
		return RESOLVE_OK;
	if (role_resolve(conf, &u, out))
		return RESOLVE_OK;
	if (sip_uri_addr(&u, DEFAULT_SIP_PORT, out))
		return is_own(conf, out) ? RESOLVE_SELF : RESOLVE_OK;
	return peer_resolve(conf, &u, out) ? RESOLVE_OK : RESOLVE_UNKNOWN;
}
