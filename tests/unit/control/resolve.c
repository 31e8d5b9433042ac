/* resolve.c - tests of control/resolve.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "conf/conf.h"
#include "control/resolve.h"

static void make_conf(struct conf *c)
{
	memset(c, 0, sizeof(*c));
	snprintf(c->pcscf_uri, sizeof(c->pcscf_uri), "sip:pcscf.example.org:5060");
	snprintf(c->icscf_uri, sizeof(c->icscf_uri), "sip:icscf.example.org:5060");
	snprintf(c->scscf_uri, sizeof(c->scscf_uri), "sip:scscf.example.org:5060");
	c->dataplane.roles = CONF_PCSCF | CONF_SCSCF;
	c->dataplane.icscf = addr_v4(0x0a000002, 5060);
	c->dataplane.sip_port = 5060;
	c->dataplane.worker_port_base = 5080;
	c->dataplane.workers = 2;
	c->dataplane.n_port = 1;
	c->dataplane.port[0].n_address = 1;
	c->dataplane.port[0].address[0].ip = addr_v4(0x0a000001, 0);
	c->dataplane.n_peer = 2;
	snprintf(c->dataplane.peer[0].name, sizeof(c->dataplane.peer[0].name),
		 "as.example.net");
	c->dataplane.peer[0].net = (struct conf_prefix){addr_v4(0x0a000009, 0), 32};
	snprintf(c->dataplane.peer[1].name, sizeof(c->dataplane.peer[1].name),
		 "net.example.net");
	c->dataplane.peer[1].net = (struct conf_prefix){addr_v4(0x0a010000, 0), 16};
}

static void test_table(void **state)
{
	static const struct {
		const char *uri;
		enum resolve_result result;
		uint32_t ip;
		uint16_t port;
	} row[] = {
		{"sip:scscf.example.org:5060", RESOLVE_SELF, 0, 0},
		{"sip:orig@SCSCF.Example.org;lr", RESOLVE_SELF, 0, 0},
		{"sip:scscf.example.org:5070", RESOLVE_UNKNOWN, 0,
		 0}, /* another node of this name */
		{"sip:icscf.example.org", RESOLVE_OK, 0x0a000002,
		 5060}, /* this role runs elsewhere */
		{"sip:10.0.0.1", RESOLVE_SELF, 0, 0},
		{"sip:tok@10.0.0.1:5081;lr", RESOLVE_SELF, 0, 0}, /* a worker's port */
		{"sip:10.0.0.1:5082", RESOLVE_OK, 0x0a000001,
		 5082}, /* somebody else on this host */
		{"sip:10.0.0.7:6000", RESOLVE_OK, 0x0a000007, 6000},
		{"sip:as.example.net;lr", RESOLVE_OK, 0x0a000009, 5060},
		{"sip:x@AS.example.net:5064", RESOLVE_OK, 0x0a000009, 5064},
		{"sip:net.example.net", RESOLVE_UNKNOWN, 0, 0}, /* a network, no address */
		{"sip:nobody.example.net", RESOLVE_UNKNOWN, 0, 0},
		{"tel:+123", RESOLVE_UNKNOWN, 0, 0},
		{"sip:", RESOLVE_UNKNOWN, 0, 0},
		{"", RESOLVE_UNKNOWN, 0, 0},
	};
	static struct conf conf;

	make_conf(&conf);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct addr out = {0}, want = addr_v4(row[i].ip, row[i].port);

		if (resolve_uri(&conf, slice_str(row[i].uri), &out) != row[i].result)
			fail_msg("%s: wrong result", row[i].uri);
		if (row[i].result == RESOLVE_OK && !addr_eq(&out, &want))
			fail_msg("%s: wrong address", row[i].uri);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
