/* test_load.c - what a right configuration becomes, key by key */
#include "file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_addr(const struct addr *a, const char *expected)
{
	char text[ADDR_TEXT_MAX];

	assert_string_equal(addr_text(a, text), expected);
}

static void test_defaults_of_dataplane(void **state)
{
	struct conf *c = load_good("realm: ims.example\n");
	const struct conf_dataplane *d = &c->dataplane;

	assert_int_equal(d->roles, CONF_PCSCF | CONF_ICSCF | CONF_SCSCF);
	assert_int_equal(d->workers, 1);
	assert_string_equal(d->cores, "");
	assert_int_equal(d->idle, CONF_IDLE_POLL);
	assert_int_equal(d->huge_pages, CONF_AUTO);
	assert_int_equal(d->memory, 256 << 20);
	assert_int_equal(d->buffers, 16384);
	assert_int_equal(d->users, 100000);
	assert_int_equal(d->transactions, 65536);
	assert_int_equal(d->steering, CONF_STEER_AUTO);
	assert_int_equal(d->sip_port, 5060);
	assert_int_equal(d->worker_port_base, 5080);
	assert_int_equal(d->n_port + d->n_peer + d->n_route, 0);
	assert_int_equal(d->t1_ms, 500);
	assert_int_equal(d->t2_ms, 4000);
	assert_int_equal(d->t4_ms, 5000);
	assert_int_equal(d->timer_c_ms, 185000);
	assert_int_equal(d->ring_ms, 20000);
	assert_int_equal(d->max_breadth, 60);
	assert_int_equal(d->icscf.family, 0);
	assert_int_equal(d->scscf.family, 0);
	assert_int_equal(d->punt_ring, 4 << 20);
	assert_string_equal(d->key_file, "/var/lib/saker/node.key");
	assert_int_equal(c->pcscf.port_ps, 0);
	assert_int_equal(c->pcscf.n_port_pc, 0);
	assert_false(c->pcscf.required);
	assert_int_equal(c->pcscf.n_integrity, 3);
	assert_int_equal(c->pcscf.integrity[0], CONF_HMAC_SHA_256_128);
	assert_int_equal(c->pcscf.n_encryption, 3);
	assert_int_equal(c->pcscf.encryption[0], CONF_AES_GCM);
	assert_int_equal(c->pcscf.sa_sets, 0);
	assert_int_equal(c->pcscf.temporary, 10000);
	assert_int_equal(c->pcscf.temporary_address, 1000);
	conf_free(c);
}

static void test_security(void **state)
{
	struct conf *c = load_good("realm: a.b\n"
				   "pcscf:\n"
				   "  protected-ports: {server: 5101, client: [5102, 5103]}\n"
				   "  security: {required: true, integrity: [hmac-md5-96, "
				   "aes-gmac], encryption: [\"null\"], sets: 7}\n");
	const struct conf_pcscf *p = &c->pcscf;

	assert_int_equal(p->port_ps, 5101);
	assert_int_equal(p->n_port_pc, 2);
	assert_int_equal(p->port_pc[0], 5102);
	assert_int_equal(p->port_pc[1], 5103);
	assert_true(p->required);
	assert_int_equal(p->n_integrity, 2);
	assert_int_equal(p->integrity[0], CONF_HMAC_MD5_96);
	assert_int_equal(p->integrity[1], CONF_AES_GMAC);
	assert_int_equal(p->n_encryption, 1);
	assert_int_equal(p->encryption[0], CONF_NULL);
	assert_int_equal(p->sa_sets, 7);
	conf_free(c);
	/* AES-GCM needs no other algorithm; sections may be empty. */
	c = load_good("realm: a.b\npcscf:\n  protected-ports:\n  security: {integrity: [], "
		      "encryption: [aes-gcm]}\n");
	assert_int_equal(c->pcscf.n_integrity, 0);
	conf_free(c);
}

static void test_defaults_of_the_rest(void **state)
{
	struct conf *c = load_good("realm: ims.example\n");

	assert_string_equal(c->file, "saker.yaml");
	assert_string_equal(c->visited_network, "ims.example");
	assert_string_equal(c->pcscf_uri, "sip:pcscf.ims.example:5060");
	assert_string_equal(c->icscf_uri, "sip:icscf.ims.example:5060");
	assert_string_equal(c->scscf_uri, "sip:scscf.ims.example:5060");
	assert_string_equal(c->runtime_dir, "/run/saker");
	assert_string_equal(c->state_dir, "/var/lib/saker");
	assert_string_equal(c->log_level, "info");
	assert_string_equal(c->control.diameter_identity, "scscf.ims.example");
	assert_int_equal(c->control.diameter_port, 0);
	assert_addr(&c->control.diameter_listen, "127.0.0.1:0");
	assert_string_equal(c->control.hss_identity, "hss.ims.example");
	assert_addr(&c->control.hss, "127.0.0.1:3868");
	assert_int_equal(c->control.cx_window, 128);
	assert_int_equal(c->control.cx_timeout_ms, 3000);
	assert_string_equal(c->control.store, "/var/lib/saker/control.db");
	assert_int_equal(c->control.expires_min_s, 60);
	assert_int_equal(c->control.expires_default_s, 600000);
	assert_int_equal(c->control.expires_max_s, 600000);
	assert_false(c->control.expires_lengthen);
	assert_int_equal(c->control.expires_emergency_s, 600);
	assert_int_equal(c->control.contacts_max, SET_CONTACTS_MAX);
	assert_false(c->control.contacts_replace || c->control.contacts_one_per_flow);
	assert_int_equal(c->control.flow_timer_s, 0);
	assert_int_equal(c->control.auth_tries, 3);
	assert_int_equal(c->control.nonce_ttl_s, 60);
	assert_int_equal(c->control.nonce_max, 100000);
	assert_true(c->control.digest_md5 && c->control.digest_sha256 && c->control.aka);
	assert_false(c->control.ip_association);
	assert_addr(&c->control.metrics_listen, "127.0.0.1:9390");
	assert_string_equal(c->hss.diameter_identity, "hss.ims.example");
	assert_addr(&c->hss.diameter_listen, "127.0.0.1:3868");
	assert_string_equal(c->hss.store, "/var/lib/saker/hss.db");
	assert_int_equal(c->hss.n_peer, 1);
	assert_string_equal(c->hss.peer[0], "scscf.ims.example");
	assert_int_equal(c->hss.app_threads, 1);
	assert_int_equal(c->hss.av_max, 5);
	assert_memory_equal(c->hss.amf, "\x80\x00", 2);
	assert_addr(&c->hss.metrics_listen, "127.0.0.1:9391");
	conf_free(c);
}

/* What follows from another key follows it wherever that stands in the file. */
static void test_derived(void **state)
{
	struct conf *c = load_good("control:\n  diameter-identity: cscf1.net.example\n"
				   "dataplane:\n  sip-port: 5070\n"
				   "state-dir: /srv/saker\n"
				   "scscf-uri: sip:s1.net.example\n"
				   "realm: net.example\n");

	assert_string_equal(c->pcscf_uri, "sip:pcscf.net.example:5070");
	assert_string_equal(c->scscf_uri, "sip:s1.net.example");
	assert_string_equal(c->dataplane.key_file, "/srv/saker/node.key");
	assert_string_equal(c->hss.store, "/srv/saker/hss.db");
	assert_string_equal(c->hss.peer[0], "cscf1.net.example");
	assert_string_equal(c->control.hss_identity, "hss.net.example");
	conf_free(c);
}

static void test_ports(void **state)
{
	struct conf *c = load_good("realm: a.b\n"
				   "dataplane:\n"
				   "  ports:\n"
				   "    - name: lte\n"
				   "      device: \"net_af_xdp0,iface=lte\"\n"
				   "      addresses: [10.0.0.1/24, \"fd00::1/64\"]\n"
				   "      routes: [10.9.0.0/16, \"fd09::/16\", 192.0.2.7]\n"
				   "      gateway: [\"fd00::2\", 10.0.0.254]\n"
				   "      vlan: 100\n"
				   "      mtu: 9000\n"
				   "      zone: core\n"
				   "      queues: 4\n"
				   "    - {name: core, device: 0000:3b:00.0, addresses: "
				   "[10.1.0.1/30], gateway: 10.1.0.2}\n");
	const struct conf_port *p = c->dataplane.port;

	assert_int_equal(c->dataplane.n_port, 2);
	assert_string_equal(p[0].name, "lte");
	assert_string_equal(p[0].device, "net_af_xdp0,iface=lte");
	assert_int_equal(p[0].n_address, 2);
	assert_addr(&p[0].address[0].ip, "10.0.0.1:0");
	assert_int_equal(p[0].address[0].bits, 24);
	assert_addr(&p[0].address[1].ip, "[fd00::1]:0");
	assert_int_equal(p[0].address[1].bits, 64);
	assert_int_equal(p[0].n_route, 3);
	assert_int_equal(p[0].route[1].bits, 16);
	assert_int_equal(p[0].route[2].bits, 32);
	assert_addr(&p[0].gateway4, "10.0.0.254:0");
	assert_addr(&p[0].gateway6, "[fd00::2]:0");
	assert_int_equal(p[0].vlan, 100);
	assert_int_equal(p[0].mtu, 9000);
	assert_int_equal(p[0].zone, CONF_ZONE_CORE);
	assert_int_equal(p[0].queues, 4);
	assert_string_equal(p[1].device, "0000:3b:00.0");
	assert_addr(&p[1].gateway4, "10.1.0.2:0");
	assert_int_equal(p[1].gateway6.family, 0);
	assert_int_equal(p[1].vlan, 0);
	assert_int_equal(p[1].mtu, 1500);
	assert_int_equal(p[1].zone, CONF_ZONE_ACCESS);
	assert_int_equal(p[1].queues, 1);
	conf_free(c);
}

static void test_scscfs_and_hsses(void **state)
{
	struct conf *c = load_good("realm: a.b\n"
				   "icscf:\n"
				   "  scscfs:\n"
				   "    - {name: \"sip:s1.a.b\", address: 10.0.0.4}\n"
				   "    - name: sip:s2.a.b:5070\n"
				   "      address: 10.0.0.5:5070\n"
				   "      capabilities: [1, 4294967295]\n"
				   "control:\n"
				   "  restoration: false\n"
				   "  hsses:\n"
				   "    - {identity: hss2.a.b, address: 10.0.0.41}\n");

	assert_int_equal(c->icscf.n_scscf, 2);
	assert_string_equal(c->icscf.scscf[0].name, "sip:s1.a.b");
	assert_addr(&c->icscf.scscf[0].address, "10.0.0.4:5060");
	assert_int_equal(c->icscf.scscf[0].n_capability, 0);
	assert_int_equal(c->icscf.scscf[1].n_capability, 2);
	assert_int_equal(c->icscf.scscf[1].capability[1], UINT32_MAX);
	assert_false(c->control.restoration);
	assert_int_equal(c->control.n_hsses, 1);
	assert_string_equal(c->control.hsses[0].identity, "hss2.a.b");
	assert_addr(&c->control.hsses[0].address, "10.0.0.41:3868");
	conf_free(c);
	c = load_good("realm: a.b\n");
	assert_int_equal(c->icscf.n_scscf + c->control.n_hsses, 0);
	assert_true(c->control.restoration);
	conf_free(c);
}

static void test_peers_and_routes(void **state)
{
	struct conf *c = load_good("realm: a.b\n"
				   "domains: [c.d, e.f]\n"
				   "dataplane:\n"
				   "  roles: [scscf, pcscf]\n"
				   "  peers:\n"
				   "    - {name: as1.a.b, net: 10.0.0.9}\n"
				   "    - net: 10.2.0.0/16\n"
				   "  routes:\n"
				   "    - {user: conf, to: 10.0.0.9}\n"
				   "    - {domain: other.example, to: \"[fd00::9]:5070\"}\n"
				   "hss:\n"
				   "  peers: []\n");
	const struct conf_dataplane *d = &c->dataplane;

	assert_int_equal(c->n_domain, 2);
	assert_string_equal(c->domain[1], "e.f");
	assert_int_equal(d->roles, CONF_PCSCF | CONF_SCSCF);
	assert_int_equal(d->n_peer, 2);
	assert_string_equal(d->peer[0].name, "as1.a.b");
	assert_int_equal(d->peer[0].net.bits, 32);
	assert_string_equal(d->peer[1].name, "");
	assert_int_equal(d->peer[1].net.bits, 16);
	assert_int_equal(d->n_route, 2);
	assert_addr(&d->route[0].to, "10.0.0.9:5060");
	assert_string_equal(d->route[0].domain, "");
	assert_string_equal(d->route[1].user, "");
	assert_addr(&d->route[1].to, "[fd00::9]:5070");
	assert_int_equal(c->hss.n_peer, 0); /* nobody, which is not the default */
	conf_free(c);
}

static void test_units(void **state)
{
	struct conf *c =
		load_good("realm: a.b\n"
			  "dataplane: {t1: 1s, timer-c: 4m, memory: 2GiB, punt-ring: 128KiB}\n"
			  "control: {expires-min: 2m, expires-max: 24h, expires-default: 1h,\n"
			  "  cx-timeout: 1500ms, metrics-listen: \"0.0.0.0:0\"}\n");

	assert_int_equal(c->dataplane.t1_ms, 1000);
	assert_int_equal(c->dataplane.timer_c_ms, 240000);
	assert_int_equal(c->dataplane.memory, 2ull << 30);
	assert_int_equal(c->dataplane.punt_ring, 128 << 10);
	assert_int_equal(c->control.expires_min_s, 120);
	assert_int_equal(c->control.expires_max_s, 86400);
	assert_int_equal(c->control.expires_default_s, 3600);
	assert_int_equal(c->control.cx_timeout_ms, 1500);
	assert_int_equal(c->control.metrics_listen.port, 0);
	conf_free(c);
}

/* Sections that have nothing below them, as after commenting all out; anchors are YAML's own
 * affair. */
static void test_empty_sections_and_anchors(void **state)
{
	struct conf *c = load_good(
		"realm: &r a.b\nvisited-network: *r\ndataplane:\n#  workers: 2\nhss:\n");

	assert_string_equal(c->visited_network, "a.b");
	assert_int_equal(c->dataplane.workers, 1);
	conf_free(c);
}

static void test_cores(void **state)
{
	struct conf *c = load_good("realm: a.b\ndataplane: {workers: 4, cores: \"2,4-6\"}\n");

	assert_string_equal(c->dataplane.cores, "2,4-6");
	conf_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_of_dataplane),
		cmocka_unit_test(test_defaults_of_the_rest),
		cmocka_unit_test(test_derived),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_peers_and_routes),
		cmocka_unit_test(test_scscfs_and_hsses),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_security),
		cmocka_unit_test(test_empty_sections_and_anchors),
		cmocka_unit_test(test_cores),
	};

	return cmocka_run_group_tests(tests, file_setup, file_teardown);
}
