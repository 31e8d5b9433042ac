/* check.c - what no key shows alone: keys that contradict each other */
#include "conf/load.h"

#include <strings.h>

static uint32_t key_index(enum conf_owner owner, const char *name)
{
	return (uint32_t)(conf_key_find(owner, slice_str(name)) - conf_schema);
}

uint32_t conf_line(const struct conf_load *l, const char *name)
{
	uint32_t line = l->line[key_index(OWNER_CONF, name)][0];

	return line ? line : 1;
}

uint32_t conf_entry_line(const struct conf_load *l, enum conf_owner owner, const char *name,
			 uint32_t i)
{
	uint32_t line = l->line[key_index(owner, name)][i];

	/* Its first required key stands in every entry. */
	for (uint32_t k = 0; !line && k < CONF_KEYS; k++)
		if (conf_schema[k].owner == owner &&
		    conf_schema[k].presence == PRESENCE_REQUIRED)
			line = l->line[k][i];
	return line;
}

static bool in_prefix(const struct conf_prefix *p, const struct addr *a)
{
	if (p->ip.family != a->family)
		return false;
	for (uint32_t bit = 0; bit < p->bits; bit++)
		if ((p->ip.ip[bit / 8] ^ a->ip[bit / 8]) & 0x80 >> bit % 8)
			return false;
	return true;
}

static bool on_link(const struct conf_port *p, const struct addr *a)
{
	for (uint32_t i = 0; i < p->n_address; i++)
		if (in_prefix(&p->address[i], a))
			return true;
	return false;
}

static bool is_own(const struct conf_port *p, const struct addr *a)
{
	for (uint32_t i = 0; i < p->n_address; i++)
		if (addr_same_ip(&p->address[i].ip, a))
			return true;
	return false;
}

/* 0.0.0.0, ::, 224.0.0.0/4 and what is above it, ff00::/8: no host has these. */
static bool is_host_address(const struct addr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->ip, zero, sizeof(zero)) != 0 &&
	       (a->family == 4 ? a->ip[0] < 224 : a->ip[0] != 0xff);
}

static bool check_gateway(struct conf_load *l, uint32_t i, const struct addr *gateway)
{
	const struct conf_port *p = &l->c->dataplane.port[i];
	uint32_t line = conf_entry_line(l, OWNER_PORT, "gateway", i);
	char text[ADDR_TEXT_MAX];
	struct text t = text_in(text, sizeof(text));

	if (gateway->family == 0)
		return true;
	addr_put_host(&t, gateway);
	if (is_own(p, gateway))
		return conf_fail(l, line,
				 "'dataplane.ports[%u].gateway' %s is the port's own address",
				 i, text_cstr(&t));
	if (!on_link(p, gateway))
		return conf_fail(l, line,
				 "'dataplane.ports[%u].gateway' %s is in no prefix of the "
				 "port's addresses",
				 i, text_cstr(&t));
	return true;
}

static bool check_port_routes(struct conf_load *l, uint32_t i)
{
	const struct conf_port *p = &l->c->dataplane.port[i];

	for (uint32_t k = 0; k < p->n_route; k++) {
		uint8_t family = p->route[k].ip.family;
		const struct addr *gateway = family == 4 ? &p->gateway4 : &p->gateway6;

		if (gateway->family == 0)
			return conf_fail(
				l, conf_entry_line(l, OWNER_PORT, "routes", i),
				"'dataplane.ports[%u].routes' has IPv%u, but 'gateway' has not",
				i, family);
	}
	return true;
}

static bool check_port_addresses(struct conf_load *l, uint32_t i)
{
	const struct conf_dataplane *d = &l->c->dataplane;
	const struct conf_port *p = &d->port[i];
	uint32_t line = conf_entry_line(l, OWNER_PORT, "addresses", i);

	if (p->n_address == 0)
		return conf_fail(l, line, "'dataplane.ports[%u].addresses' is empty", i);
	for (uint32_t k = 0; k < p->n_address; k++) {
		const struct addr *a = &p->address[k].ip;

		if (!is_host_address(a))
			return conf_fail(
				l, line,
				"'dataplane.ports[%u].addresses' has one that no host may have",
				i);
		if (a->family == 6 && p->mtu < 1280)
			return conf_fail(
				l, conf_entry_line(l, OWNER_PORT, "mtu", i),
				"'dataplane.ports[%u].mtu' is below the 1280 that IPv6 needs",
				i);
		for (uint32_t other = 0; other <= i; other++)
			for (uint32_t m = 0; m < (other < i ? d->port[other].n_address : k);
			     m++)
				if (addr_same_ip(a, &d->port[other].address[m].ip))
					return conf_fail(
						l, line,
						"'dataplane.ports[%u].addresses' has one that "
						"'dataplane.ports[%u]' has already",
						i, other);
	}
	return true;
}

static bool check_ports(struct conf_load *l)
{
	const struct conf_dataplane *d = &l->c->dataplane;

	for (uint32_t i = 0; i < d->n_port; i++) {
		const struct conf_port *p = &d->port[i];

		for (uint32_t k = 0; k < i; k++) {
			if (strcmp(p->name, d->port[k].name) == 0)
				return conf_fail(l, conf_entry_line(l, OWNER_PORT, "name", i),
						 "two ports have the name '%s'", p->name);
			if (strcmp(p->device, d->port[k].device) == 0)
				return conf_fail(l, conf_entry_line(l, OWNER_PORT, "device", i),
						 "two ports have the same device");
		}
		if (!check_port_addresses(l, i) || !check_gateway(l, i, &p->gateway4) ||
		    !check_gateway(l, i, &p->gateway6) || !check_port_routes(l, i))
			return false;
	}
	return true;
}

/* How many CPUs "2,4-6" names; the text was checked when it was read. */
static uint32_t cpus_count(const char *cpus)
{
	struct slice s = slice_str(cpus);
	uint32_t n = 0;

	while (s.len) {
		struct slice part = slice_sub(s, 0, slice_find(s, ','));
		uint32_t dash = slice_find(part, '-'), first = 0, last = 0;

		slice_u32(slice_sub(part, 0, dash), &first);
		if (dash == part.len || !slice_u32(slice_from(part, dash + 1), &last))
			last = first;
		n += last - first + 1;
		s = slice_from(s, part.len + 1);
	}
	return n;
}

static bool check_workers(struct conf_load *l)
{
	const struct conf_dataplane *d = &l->c->dataplane;
	uint32_t base = d->worker_port_base, line = conf_line(l, "dataplane.worker-port-base");

	if (d->roles == 0)
		return conf_fail(l, conf_line(l, "dataplane.roles"),
				 "'dataplane.roles' is empty");
	if (d->cores[0] && cpus_count(d->cores) < d->workers)
		return conf_fail(l, conf_line(l, "dataplane.cores"),
				 "'dataplane.cores' has %u CPUs for %u workers",
				 cpus_count(d->cores), d->workers);
	if (base + d->workers - 1 > UINT16_MAX)
		return conf_fail(l, line,
				 "'dataplane.worker-port-base' leaves no port for %u workers",
				 d->workers);
	if (d->sip_port >= base && d->sip_port < base + d->workers)
		return conf_fail(l, line,
				 "'dataplane.sip-port' %u is also the port of worker %u "
				 "('dataplane.worker-port-base')",
				 d->sip_port, d->sip_port - base);
	if (d->punt_ring & (d->punt_ring - 1))
		return conf_fail(l, conf_line(l, "dataplane.punt-ring"),
				 "'dataplane.punt-ring' is no power of two");
	if (d->t2_ms < d->t1_ms)
		return conf_fail(l, conf_line(l, "dataplane.t2"),
				 "'dataplane.t2' is shorter than 'dataplane.t1'");
	if (d->session_expires_s && d->session_expires_s < d->min_se_s)
		return conf_fail(l, conf_line(l, "dataplane.session-expires"),
				 "'dataplane.session-expires' is shorter than "
				 "'dataplane.min-se'");
	return true;
}

static bool check_protected_ports(struct conf_load *l)
{
	const struct conf_dataplane *d = &l->c->dataplane;
	const struct conf_pcscf *p = &l->c->pcscf;
	uint32_t line = conf_line(l, "pcscf.protected-ports.client");
	const uint16_t port[3] = {p->port_ps, p->port_pc[0], p->port_pc[1]};

	if (p->n_port_pc != 2 || p->port_ps == 0)
		return conf_fail(
			l, p->port_ps ? conf_line(l, "pcscf.protected-ports.server") : line,
			"'pcscf.protected-ports' takes a 'server' port and two 'client' "
			"ports");
	for (int i = 0; i < 3; i++) {
		if (port[i] == port[(i + 1) % 3])
			return conf_fail(l, line, "'pcscf.protected-ports' has %u twice",
					 port[i]);
		if (port[i] == d->sip_port || (port[i] >= d->worker_port_base &&
					       port[i] < d->worker_port_base + (int)d->workers))
			return conf_fail(l, line,
					 "'pcscf.protected-ports' has %u, which is a port for "
					 "SIP in clear",
					 port[i]);
	}
	return true;
}

static bool check_algorithms(struct conf_load *l)
{
	const struct conf_pcscf *p = &l->c->pcscf;

	for (uint32_t i = 0; i < p->n_integrity; i++)
		for (uint32_t k = 0; k < i; k++)
			if (p->integrity[i] == p->integrity[k])
				return conf_fail(l, conf_line(l, "pcscf.security.integrity"),
						 "'pcscf.security.integrity' names one twice");
	for (uint32_t i = 0; i < p->n_encryption; i++) {
		for (uint32_t k = 0; k < i; k++)
			if (p->encryption[i] == p->encryption[k])
				return conf_fail(l, conf_line(l, "pcscf.security.encryption"),
						 "'pcscf.security.encryption' names one twice");
		if (p->encryption[i] == CONF_AES_CBC && p->n_integrity == 1 &&
		    p->integrity[0] == CONF_AES_GMAC)
			return conf_fail(
				l, conf_line(l, "pcscf.security.integrity"),
				"'pcscf.security.integrity' has nothing that goes with "
				"aes-cbc");
		if (p->encryption[i] != CONF_AES_GCM && p->n_integrity == 0)
			return conf_fail(
				l, conf_line(l, "pcscf.security.integrity"),
				"'pcscf.security.integrity' is empty, and only aes-gcm "
				"can do without");
	}
	if (p->n_encryption == 0)
		return conf_fail(l, conf_line(l, "pcscf.security.encryption"),
				 "'pcscf.security.encryption' is empty; null is for none");
	return true;
}

static bool check_pcscf(struct conf_load *l)
{
	const struct conf_pcscf *p = &l->c->pcscf;

	if ((p->port_ps || p->n_port_pc) && !check_protected_ports(l))
		return false;
	if (p->required && p->port_ps == 0)
		return conf_fail(l, conf_line(l, "pcscf.security.required"),
				 "'pcscf.security.required' needs 'pcscf.protected-ports'");
	return check_algorithms(l);
}

static bool check_control(struct conf_load *l)
{
	const struct conf_control *c = &l->c->control;

	if (c->expires_min_s > c->expires_max_s)
		return conf_fail(l, conf_line(l, "control.expires-min"),
				 "'control.expires-min' is longer than 'control.expires-max'");
	if (c->expires_default_s < c->expires_min_s || c->expires_default_s > c->expires_max_s)
		return conf_fail(
			l, conf_line(l, "control.expires-default"),
			"'control.expires-default' is not between 'control.expires-min' and "
			"'control.expires-max'");
	if (!c->digest_md5 && !c->digest_sha256 && !c->aka)
		return conf_fail(l, conf_line(l, "control.aka"),
				 "'control.aka', 'control.digest-md5' and "
				 "'control.digest-sha256' are all "
				 "false: nobody could register");
	if (strcmp(c->diameter_identity, c->hss_identity) == 0)
		return conf_fail(
			l, conf_line(l, "control.diameter-identity"),
			"'control.diameter-identity' and 'control.hss-identity' are the same");
	return true;
}

static bool is_peer(const struct conf_dataplane *d, const struct addr *a)
{
	for (uint32_t i = 0; i < d->n_peer; i++)
		if (in_prefix(&d->peer[i].net, a))
			return true;
	return false;
}

static bool is_sos(const char *service)
{
	static const char sos[] = "urn:service:sos";

	return strncasecmp(service, sos, strlen(sos)) == 0 &&
	       (service[strlen(sos)] == 0 || service[strlen(sos)] == '.');
}

/* What they send inside the dialog would be refused. */
static bool check_helpers(struct conf_load *l)
{
	const struct conf_emergency *e = &l->c->emergency;
	const struct conf_dataplane *d = &l->c->dataplane;

	for (uint32_t i = 0; i < e->n_ecscf; i++)
		if (!is_peer(d, &e->ecscf[i]))
			return conf_fail(l, conf_line(l, "emergency.ecscf"),
					 "'emergency.ecscf' has one that is none of "
					 "'dataplane.peers'");
	for (uint32_t i = 0; i < e->n_psap; i++)
		if (!is_peer(d, &e->psap[i].address))
			return conf_fail(l, conf_entry_line(l, OWNER_PSAP, "address", i),
					 "'emergency.psap[%u].address' is none of "
					 "'dataplane.peers'",
					 i);
	return true;
}

static bool check_emergency(struct conf_load *l)
{
	const struct conf_emergency *e = &l->c->emergency;

	for (uint32_t i = 0; i < e->n_number; i++) {
		const char *number = e->number[i].number;

		if (number[strspn(number, "0123456789*#")])
			return conf_fail(
				l, conf_entry_line(l, OWNER_NUMBER, "number", i),
				"'emergency.numbers[%u].number' has more than digits, * "
				"and #",
				i);
		if (!is_sos(e->number[i].service))
			return conf_fail(
				l, conf_entry_line(l, OWNER_NUMBER, "service", i),
				"'emergency.numbers[%u].service' is not urn:service:sos "
				"nor below it",
				i);
	}
	for (uint32_t i = 0; i < e->n_psap; i++)
		if (!is_sos(e->psap[i].service))
			return conf_fail(
				l, conf_entry_line(l, OWNER_PSAP, "service", i),
				"'emergency.psap[%u].service' is not urn:service:sos nor "
				"below it",
				i);
	return check_helpers(l);
}

static bool is_digits(const char *s)
{
	return s[strspn(s, "0123456789")] == 0;
}

static bool check_numbers(struct conf_load *l)
{
	const struct conf_numbers *n = &l->c->numbers;
	const struct {
		const char *key, *value;
	} digits[] = {
		{"numbers.country", n->country},
		{"numbers.area", n->area},
		{"numbers.national-prefix", n->national},
		{"numbers.international-prefix", n->international},
	};

	for (uint32_t i = 0; i < sizeof(digits) / sizeof(digits[0]); i++)
		if (!is_digits(digits[i].value))
			return conf_fail(l, conf_line(l, digits[i].key),
					 "'%s' has more than digits", digits[i].key);
	for (uint32_t i = 0; i < n->n_place; i++)
		if (!is_digits(n->place[i].country) || !is_digits(n->place[i].area))
			return conf_fail(l, conf_entry_line(l, OWNER_PLAN, "country", i),
					 "'numbers.access[%u]' has a country or area that is "
					 "more than digits",
					 i);
	for (uint32_t i = 0; i < l->c->n_bgcf; i++)
		if (l->c->bgcf[i].direct && l->c->bgcf[i].prefix[0] != '+')
			return conf_fail(l, conf_entry_line(l, OWNER_BGCF, "direct", i),
					 "'control.bgcf[%u]' is direct, but of no prefix", i);
	return true;
}

static bool check_listeners(struct conf_load *l)
{
	const struct addr *a = &l->c->control.metrics_listen, *b = &l->c->hss.metrics_listen;

	if (a->port && addr_eq(a, b))
		return conf_fail(
			l, conf_line(l, "hss.metrics-listen"),
			"'hss.metrics-listen' and 'control.metrics-listen' are the same");
	return true;
}

bool conf_check(struct conf_load *l)
{
	return check_workers(l) && check_ports(l) && check_pcscf(l) && check_control(l) &&
	       check_emergency(l) && check_numbers(l) && check_listeners(l);
}
