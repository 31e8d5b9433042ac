/* peer.c - whom this node is and whom it trusts */
#include "role/pass.h"

bool node_own_port(const struct node *n, uint16_t port)
{
	return port == n->sip_port || (n->port_ps && port == n->port_ps) ||
	       (n->worker_ports && port >= n->worker_port_base &&
		port < n->worker_port_base + n->n_workers);
}

bool node_own_domain(const struct node *n, struct slice host)
{
	for (uint32_t i = 0; i < n->n_domains; i++)
		if (slice_eq_nocase(host, n->domain[i]))
			return true;
	return false;
}

static bool own_role_host(const struct node *n, struct slice host)
{
	return ((n->roles & NODE_PCSCF) && slice_eq_nocase(host, n->pcscf_host)) ||
	       ((n->roles & NODE_ICSCF) && slice_eq_nocase(host, n->icscf_host)) ||
	       ((n->roles & NODE_SCSCF) && slice_eq_nocase(host, n->scscf_host));
}

bool node_own_uri(const struct node *n, const struct sip_uri *uri)
{
	struct addr a;

	if (uri->scheme != SIP_SCHEME_SIP && uri->scheme != SIP_SCHEME_SIPS)
		return false;
	if (sip_uri_addr(uri, 5060, &a))
		return node_own_port(n, a.port) && route_local(n->routes, &a) >= 0;
	return own_role_host(n, uri->host);
}

bool node_is_peer(const struct node *n, const struct addr *a)
{
	for (uint32_t i = 0; i < n->n_peers; i++)
		if (addr_in_prefix(a, &n->peer[i].ip, n->peer[i].bits))
			return true;
	return false;
}

bool pass_from_peer(const struct pass *p)
{
	const struct route *back = route_find(p->w->node->routes, &p->b->src);

	return back && back->port == p->b->port && !p->b->sa_id &&
	       node_is_peer(p->w->node, &p->b->src);
}

/* A route without a domain holds for our own domains and addresses only: a foreign domain is
 * never taken for ours by its user part. */
const struct addr *node_static_route(const struct node *n, const struct sip_uri *uri)
{
	for (uint32_t i = 0; i < n->n_routes; i++) {
		const struct node_route *r = &n->route[i];

		if (r->user.len && !slice_eq(r->user, uri->user))
			continue;
		if (r->domain.len ? slice_eq_nocase(r->domain, uri->host)
				  : node_own_domain(n, uri->host) || node_own_uri(n, uri))
			return &r->to;
	}
	return NULL;
}
