/* node_make.c - the configuration as workers see it: addresses parsed, routes sorted, keys
 * drawn */
#include "worker/node_make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sip/uri.h"

static bool fail(char *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(char *error, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(error, NODE_ERROR_MAX, format, ap);
	va_end(ap);
	return false;
}

/* A copy in the node's own memory, in lower case: a host name. */
static struct slice keep_lower(char *to, const char *from)
{
	uint32_t n = 0;

	for (; from[n] && n < CONF_NAME_MAX - 1; n++)
		to[n] = (char)ascii_lower((uint8_t)from[n]);
	to[n] = 0;
	return slice_of(to, n);
}

static struct slice keep(char *to, size_t cap, const char *from)
{
	snprintf(to, cap, "%s", from);
	return slice_str(to);
}

static void add_domain(struct node_memory *m, const char *name)
{
	struct node *n = &m->node;

	if (name[0] && n->n_domains < 16) {
		n->domain[n->n_domains] = keep_lower(m->domain[n->n_domains], name);
		n->n_domains++;
	}
}

static bool role_host(const char *key, const char *uri, char *to, struct slice *out,
		      char *error)
{
	struct sip_uri u;
	char host[CONF_NAME_MAX];

	if (sip_uri_decode(slice_str(uri), &u) != SIP_OK || u.host.len == 0 ||
	    u.host.len >= sizeof(host))
		return fail(error, "%s: \"%s\" is no SIP URI", key, uri);
	memcpy(host, u.host.p, u.host.len);
	host[u.host.len] = 0;
	*out = keep_lower(to, host);
	return true;
}

static bool add_route(struct node_memory *m, const struct conf_port *p, const struct route *r,
		      char *error)
{
	if (route_add(&m->routes, r))
		return true;
	return fail(error, "dataplane.ports: port %s: too many routes", p->name);
}

static struct addr first_address(const struct conf_port *p, uint8_t family)
{
	for (uint32_t i = 0; i < p->n_address; i++)
		if (p->address[i].ip.family == family)
			return p->address[i].ip;
	return (struct addr){.family = 0};
}

static bool add_via_gateway(struct node_memory *m, const struct conf_port *p, struct route r,
			    const struct addr *gateway, char *error)
{
	if (gateway->family == 0)
		return true;
	r.gateway = *gateway;
	r.gateway.port = 0;
	r.local = first_address(p, gateway->family);
	if (r.local.family == 0)
		return fail(
			error,
			"dataplane.ports: port %s has a gateway but no address of its family",
			p->name);
	return add_route(m, p, &r, error);
}

static bool add_port(struct node_memory *m, const struct conf_port *p, uint8_t index,
		     char *error)
{
	struct route base = {.port = index, .access = p->zone == CONF_ZONE_ACCESS};
	bool done = true;

	for (uint32_t i = 0; done && i < p->n_address; i++) {
		struct route r = base;

		r.prefix = r.local = p->address[i].ip;
		r.prefix.port = r.local.port = 0;
		r.bits = p->address[i].bits;
		done = add_route(m, p, &r, error);
		if (done && !route_add_local(&m->routes, &r.local, index, base.access))
			done = fail(error, "dataplane.ports: port %s: too many addresses",
				    p->name);
	}
	for (uint32_t i = 0; done && i < p->n_route; i++) {
		bool v4 = p->route[i].ip.family == 4;
		struct route r = base;

		r.prefix = p->route[i].ip;
		r.bits = p->route[i].bits;
		if ((v4 ? p->gateway4 : p->gateway6).family == 0)
			return fail(
				error,
				"dataplane.ports: port %s has routes but no gateway for them",
				p->name);
		done = add_via_gateway(m, p, r, v4 ? &p->gateway4 : &p->gateway6, error);
	}
	/* The port's default routes: everything that nothing longer leads to. */
	struct route v4 = base, v6 = base;
	v4.prefix.family = 4;
	v6.prefix.family = 6;
	return done && add_via_gateway(m, p, v4, &p->gateway4, error) &&
	       add_via_gateway(m, p, v6, &p->gateway6, error);
}

static void add_peers(struct node *n, const struct conf_dataplane *d)
{
	for (uint32_t i = 0; i < d->n_peer; i++) {
		const struct conf_peer *c = &d->peer[i];

		n->peer[n->n_peers++] =
			(struct node_prefix){c->net.ip, c->net.bits, !c->trusted, c->hiding};
		n->hides |= c->hiding;
	}
}

/* Of the configuration, which lives as long as the node. */
static void add_priorities(struct node *n, const struct conf_dataplane *d)
{
	for (uint32_t i = 0; i < d->n_priority; i++) {
		const struct conf_priority *c = &d->priority[i];
		struct node_priority *s = &n->priority[n->n_priorities++];

		s->space = slice_str(c->space);
		for (; s->n_value < c->n_value; s->n_value++)
			s->value[s->n_value] = slice_str(c->value[s->n_value]);
		for (; s->n_user < c->n_user; s->n_user++)
			s->user[s->n_user] = slice_str(c->user[s->n_user]);
	}
}

static void add_static_routes(struct node_memory *m, const struct conf_dataplane *d)
{
	struct node *n = &m->node;

	for (uint32_t i = 0; i < d->n_route; i++) {
		n->route[i].user =
			keep(m->route_user[i], sizeof(m->route_user[i]), d->route[i].user);
		n->route[i].domain = keep_lower(m->route_domain[i], d->route[i].domain);
		n->route[i].to = d->route[i].to;
	}
	n->n_routes = d->n_route;
}

static void copy_policy(struct node *n, const struct conf_dataplane *d)
{
	n->roles = d->roles;
	n->sip_port = d->sip_port;
	n->worker_port_base = d->worker_port_base;
	n->n_workers = d->workers;
	n->icscf = d->icscf;
	n->scscf = d->scscf;
	n->t1_ms = d->t1_ms;
	n->t2_ms = d->t2_ms;
	n->t4_ms = d->t4_ms;
	n->timer_c_ms = d->timer_c_ms;
	n->ring_ms = d->ring_ms;
	n->server_ms = d->server_ms;
	n->session_expires_s = d->session_expires_s;
	n->min_se_s = d->min_se_s;
	n->max_breadth = d->max_breadth;
	n->transactions = d->transactions;
}

static void put(_Atomic uint32_t *to, uint32_t v)
{
	atomic_store_explicit(to, v, memory_order_relaxed);
}

void node_set_expires(struct node *n, const struct conf_control *c)
{
	put(&n->expires.min_s, c->expires_min_s);
	put(&n->expires.default_s, c->expires_default_s);
	put(&n->expires.max_s, c->expires_max_s);
}

static void add_policy(struct node *n, const struct conf_policy *c)
{
	if (!(n->roles & NODE_PCSCF))
		return;
	n->preconditions = c->preconditions;
	for (uint32_t i = 0; i < c->n_access; i++)
		n->policy[n->n_policy++] =
			(struct node_prefix){.ip = c->access[i].ip, .bits = c->access[i].bits};
}

_Static_assert((int)NODE_PCSCF == (int)CONF_PCSCF && (int)NODE_ICSCF == (int)CONF_ICSCF &&
		       (int)NODE_SCSCF == (int)CONF_SCSCF && (int)NODE_ECSCF == (int)CONF_ECSCF,
	       "the same bits");

bool node_make(const struct conf *c, struct node_memory *m, char error[NODE_ERROR_MAX])
{
	const struct conf_dataplane *d = &c->dataplane;
	struct node *n = &m->node;

	memset(m, 0, sizeof(*m));
	copy_policy(n, d);
	add_policy(n, &c->policy);
	n->follow = c->pcscf.follow;
	n->watch_sessions = n->n_policy || (c->control.sessions && (n->roles & NODE_SCSCF));
	node_set_expires(n, &c->control);
	n->flow_timer_s = c->control.flow_timer_s;
	n->outbound = c->dns.n_server || c->n_bgcf || c->numbers.country[0];
	n->numbers = c->numbers.country[0] != 0;
	n->routes = &m->routes;
	add_domain(m, c->realm);
	for (uint32_t i = 0; i < c->n_domain; i++)
		add_domain(m, c->domain[i]);
	n->realm = n->domain[0];
	if (!role_host("pcscf-uri", c->pcscf_uri, m->host[0], &n->pcscf_host, error) ||
	    !role_host("icscf-uri", c->icscf_uri, m->host[1], &n->icscf_host, error) ||
	    !role_host("scscf-uri", c->scscf_uri, m->host[2], &n->scscf_host, error))
		return false;
	n->scscf_uri = keep(m->scscf_uri, sizeof(m->scscf_uri), c->scscf_uri);
	n->scscf_uri = slice_sub(n->scscf_uri, 0, slice_find(n->scscf_uri, ';'));
	n->port_ps = c->pcscf.port_ps;
	n->visited_network =
		keep(m->visited_network, sizeof(m->visited_network), c->visited_network);
	if (d->workers == 0 || d->workers > WORKERS_MAX)
		return fail(error, "dataplane.workers: 1 to %d", WORKERS_MAX);
	if (d->n_port == 0)
		return fail(error, "dataplane.ports: at least one is needed");
	if ((uint16_t)(d->sip_port - d->worker_port_base) < d->workers)
		return fail(error, "dataplane.sip-port is one of the workers' own ports "
				   "(worker-port-base)");
	for (uint32_t i = 0; i < d->n_port; i++)
		if (!add_port(m, &d->port[i], (uint8_t)i, error))
			return false;
	add_peers(n, d);
	add_priorities(n, d);
	add_static_routes(m, d);
	return true;
}

static bool random_key(struct hash_key *k)
{
	return getrandom(k, sizeof(*k), 0) == sizeof(*k);
}

/* A file made by two daemons at once, or cut short by a crash, must not be taken for a key: it
 * appears whole, under its name, or not at all. */
static bool key_file_make(const char *path, const struct hash_key *k)
{
	char temporary[CONF_PATH_MAX + 16];
	int fd;

	snprintf(temporary, sizeof(temporary), "%s.%d", path, (int)getpid());
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	bool done = write(fd, k, sizeof(*k)) == sizeof(*k) && fsync(fd) == 0;
	close(fd);
	done = done && link(temporary, path) == 0;
	unlink(temporary);
	return done;
}

bool node_keys(const struct conf_dataplane *c, struct node *n, char error[NODE_ERROR_MAX])
{
	struct stat st;
	bool read_all = false;

	if (!random_key(&n->branch_key) || !random_key(&n->token_key))
		return fail(error, "the kernel gives no random numbers: %m");
	int fd = open(c->key_file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		if (key_file_make(c->key_file, &n->token_key))
			return true;
		if (errno != EEXIST)
			return fail(error, "dataplane.key-file: %s cannot be made: %m",
				    c->key_file);
		fd = open(c->key_file, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return fail(error, "dataplane.key-file: %s cannot be read: %m", c->key_file);
	if (fstat(fd, &st) == 0 && st.st_size == sizeof(n->token_key) &&
	    (st.st_mode & 077) == 0)
		read_all =
			read(fd, &n->token_key, sizeof(n->token_key)) == sizeof(n->token_key);
	close(fd);
	if (!read_all)
		return fail(error,
			    "dataplane.key-file: %s must have %zu octets and mode 0600; remove "
			    "it to have a "
			    "new one made (running dialogs end then)",
			    c->key_file, sizeof(n->token_key));
	return true;
}
