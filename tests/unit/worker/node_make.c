/* node_make.c - configuration to node: routes, hosts, keys, and what is refused */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/node_make.h"

static struct conf c;
static struct node_memory m;
static char error[NODE_ERROR_MAX];

static struct addr ip(const char *text)
{
	struct addr a;

	assert_true(addr_parse_ip(slice_str(text), &a));
	return a;
}

static void add_address(struct conf_port *p, const char *text, uint8_t bits)
{
	p->address[p->n_address++] = (struct conf_prefix){ip(text), bits};
}

static void base(void)
{
	struct conf_dataplane *d = &c.dataplane;

	memset(&c, 0, sizeof(c));
	snprintf(c.realm, sizeof(c.realm), "IMS.Example");
	snprintf(c.domain[c.n_domain++], CONF_NAME_MAX, "other.example");
	snprintf(c.pcscf_uri, sizeof(c.pcscf_uri), "sip:PCSCF.ims.example:5060");
	snprintf(c.icscf_uri, sizeof(c.icscf_uri), "sip:icscf.ims.example");
	snprintf(c.scscf_uri, sizeof(c.scscf_uri), "sip:scscf.ims.example:5060;transport=udp");
	d->roles = CONF_PCSCF | CONF_SCSCF;
	d->workers = 2;
	d->sip_port = 5060;
	d->worker_port_base = 5080;
	d->n_port = 2;
	c.control.expires_min_s = 60;
	c.control.expires_default_s = 600;
	c.control.expires_max_s = 7200;
	snprintf(d->port[0].name, sizeof(d->port[0].name), "lte");
	add_address(&d->port[0], "10.1.0.1", 16);
	add_address(&d->port[0], "2001:db8:1::1", 64);
	d->port[0].zone = CONF_ZONE_ACCESS;
	snprintf(d->port[1].name, sizeof(d->port[1].name), "core");
	add_address(&d->port[1], "10.2.0.1", 24);
	d->port[1].gateway4 = ip("10.2.0.254");
	d->port[1].route[0] = (struct conf_prefix){ip("10.1.128.0"), 24};
	d->port[1].n_route = 1;
	d->port[1].zone = CONF_ZONE_CORE;
}

static const struct route *to(const char *text)
{
	struct addr a = ip(text);

	return route_find(&m.routes, &a);
}

static void test_routes(void **state)
{
	struct addr gateway = ip("10.2.0.254"), us = ip("10.1.0.1");

	base();
	assert_true(node_make(&c, &m, error));
	assert_int_equal(to("10.1.7.7")->port, 0);
	assert_int_equal(to("10.1.7.7")->access, 1);
	assert_int_equal(to("10.1.7.7")->gateway.family, 0);
	/* The longer prefix wins, though another port's. */
	assert_int_equal(to("10.1.128.9")->port, 1);
	assert_true(addr_same_ip(&to("10.1.128.9")->gateway, &gateway));
	assert_int_equal(to("203.0.113.1")->port, 1);
	assert_int_equal(to("203.0.113.1")->access, 0);
	assert_int_equal(to("2001:db8:1::77")->port, 0);
	assert_null(to("2001:db8:2::77"));
	assert_int_equal(m.routes.n_local, 3);
	assert_int_equal(route_local(&m.routes, &us), 0);
}

static void test_names(void **state)
{
	base();
	assert_true(node_make(&c, &m, error));
	assert_true(slice_eq(m.node.realm, SLICE("ims.example")));
	assert_int_equal(m.node.n_domains, 2);
	assert_true(slice_eq(m.node.domain[1], SLICE("other.example")));
	assert_true(slice_eq(m.node.pcscf_host, SLICE("pcscf.ims.example")));
	assert_true(slice_eq(m.node.scscf_uri, SLICE("sip:scscf.ims.example:5060")));
	assert_int_equal(m.node.roles, NODE_PCSCF | NODE_SCSCF);
	assert_int_equal(m.node.expires.min_s, 60);
	c.control.expires_min_s = 61;
	node_set_expires(&m.node, &c.control);
	assert_int_equal(m.node.expires.min_s, 61);
	assert_int_equal(m.node.expires.default_s, 600);
	assert_int_equal(m.node.expires.max_s, 7200);
}

static void refused(const char *about)
{
	error[0] = 0;
	assert_false(node_make(&c, &m, error));
	if (!strstr(error, about))
		fail_msg("\"%s\" does not name %s", error, about);
}

static void test_refused(void **state)
{
	base();
	snprintf(c.icscf_uri, sizeof(c.icscf_uri), "icscf");
	refused("icscf-uri");
	base();
	c.dataplane.n_port = 0;
	refused("ports");
	base();
	c.dataplane.workers = 0;
	refused("workers");
	base();
	c.dataplane.sip_port = 5081;
	refused("sip-port");
	base();
	c.dataplane.port[1].gateway6 = ip("2001:db8::1");
	refused("port core");
	base();
	c.dataplane.port[0].route[0] = (struct conf_prefix){ip("10.9.0.0"), 16};
	c.dataplane.port[0].n_route = 1;
	refused("port lte");
}

static void test_keys(void **state)
{
	char dir[] = "/tmp/saker-node-XXXXXX";
	struct node a = {0}, b = {0};
	struct stat st;

	base();
	assert_non_null(mkdtemp(dir));
	snprintf(c.dataplane.key_file, sizeof(c.dataplane.key_file), "%s/node.key", dir);
	assert_true(node_keys(&c.dataplane, &a, error));
	assert_int_equal(stat(c.dataplane.key_file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 16);
	/* The same after a restart; that of branches is not. */
	assert_true(node_keys(&c.dataplane, &b, error));
	assert_memory_equal(&a.token_key, &b.token_key, sizeof(a.token_key));
	assert_memory_not_equal(&a.branch_key, &b.branch_key, sizeof(a.branch_key));
	/* Others may read it: not a secret any more. */
	assert_int_equal(chmod(c.dataplane.key_file, 0644), 0);
	assert_false(node_keys(&c.dataplane, &b, error));
	assert_non_null(strstr(error, "node.key"));
	/* Cut short. */
	assert_int_equal(chmod(c.dataplane.key_file, 0600), 0);
	assert_int_equal(truncate(c.dataplane.key_file, 15), 0);
	assert_false(node_keys(&c.dataplane, &b, error));
	unlink(c.dataplane.key_file);
	rmdir(dir);
	assert_false(node_keys(&c.dataplane, &b, error));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
