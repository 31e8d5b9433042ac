/* protected.c - a whole P-CSCF's control over a fake data plane: a terminal registers under its
 * security associations, and control is started anew from what it stored
 *
 * Nothing of control is stood in for but main.c; the test plays the data plane and the I-CSCF.
 */
#include <ev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/control.h"
#include "control/exchange.h"
#include "control/install.h"
#include "control/link.h"
#include "control/persist.h"
#include "control/registrar.h"
#include "control/reg_event.h"
#include "control/session.h"
#include "control/watcher.h"
#include "dataplane.h"

static struct fake fake;
static struct conf conf;
static char store[128];

struct node {
	struct control c;
	bool up;
};

static void on_request(void *ctx, struct exchange *x)
{
	registrar_register(((struct node *)ctx)->c.registrar, x);
}

static void on_message(void *ctx, const struct abi_punt *p)
{
	struct node *n = ctx;

	if (p->reason == PUNT_SA_USED)
		registrar_sa_used(n->c.registrar, p->sa_id);
	else
		exchanges_input(n->c.exchanges, p);
}

static void on_ack(void *ctx, const struct abi_ack *ack)
{
	install_ack(((struct node *)ctx)->c.installer, ack);
}

static void on_up(void *ctx, bool fresh)
{
	struct node *n = ctx;

	n->up = true;
	install_all(n->c.installer, n->c.registrations, n->c.sas);
}

static void on_sa_lost(void *ctx, uint64_t sa_id)
{
	registrar_sa_lost(((struct node *)ctx)->c.registrar, sa_id);
}

static void on_round(void *ctx)
{
	struct node *n = ctx;

	while (persist_pending(n->c.persist))
		persist_commit(n->c.persist);
	install_pump(n->c.installer);
}

static void configure(void)
{
	struct conf_pcscf *p = &conf.pcscf;

	fake_conf(&fake, &conf);
	strcpy(conf.realm, "example.org");
	strcpy(conf.visited_network, "example.org");
	strcpy(conf.pcscf_uri, "sip:pcscf.example.org");
	strcpy(conf.icscf_uri, "sip:icscf.example.org");
	strcpy(conf.scscf_uri, "sip:scscf.example.org");
	conf.dataplane.roles = CONF_PCSCF;
	conf.dataplane.users = 100;
	conf.dataplane.t1_ms = 500;
	conf.dataplane.icscf = addr_v4(0xc6336409, 5060);
	conf.control.expires_max_s = 7200;
	conf.control.expires_default_s = 3600;
	conf.control.contacts_max = SET_CONTACTS_MAX;
	conf.control.nonce_max = 10;
	conf.control.vectors = 1;
	conf.control.nonce_ttl_s = 60;
	*p = (struct conf_pcscf){.port_ps = 5101,
				 .port_pc = {5102, 5103},
				 .n_port_pc = 2,
				 .integrity = {CONF_HMAC_SHA_1_96},
				 .n_integrity = 1,
				 .encryption = {CONF_AES_CBC},
				 .n_encryption = 1,
				 .temporary = 10,
				 .temporary_address = 10};
}

static void node_open(struct node *n)
{
	const struct link_events events = {
		.message = on_message, .ack = on_ack, .up = on_up, .round = on_round, .ctx = n};
	char error[256];

	memset(n, 0, sizeof(*n));
	n->c.conf = &conf;
	n->c.loop = ev_loop_new(0);
	n->c.persist = persist_open(store, error);
	n->c.registrations = registrations_new();
	n->c.sas = sas_new();
	assert_true(persist_load(n->c.persist, n->c.registrations, error));
	assert_true(persist_load_sas(n->c.persist, n->c.sas, error));
	n->c.link = link_open(n->c.loop, &conf, &events);
	n->c.exchanges = exchanges_open(n->c.loop, n->c.link, on_request, n);
	n->c.installer = installer_open(n->c.loop, n->c.link, false);
	n->c.sessions = sessions_open(&n->c, 0);
	n->c.reg_events = reg_events_open(&n->c, error);
	n->c.registrar = registrar_open(&n->c);
	installer_on_lost(n->c.installer, on_sa_lost, n);
	n->c.watchers = watchers_open(&n->c);
	assert_true(run_until(n->c.loop, &n->up));
}

/* As kill -9 would: nothing is written any more. */
static void node_close(struct node *n)
{
	watchers_close(n->c.watchers);
	registrar_close(n->c.registrar);
	sessions_close(n->c.sessions);
	reg_events_close(n->c.reg_events);
	installer_close(n->c.installer);
	exchanges_close(n->c.exchanges);
	link_close(n->c.link);
	sas_free(n->c.sas);
	registrations_free(n->c.registrations);
	persist_close(n->c.persist);
	ev_loop_destroy(n->c.loop);
}

static void next_answered(struct node *n, enum abi_install_type type,
			  struct abi_install_view *v, enum abi_install_status status)
{
	for (int i = 0; i < 100; i++) {
		if (fake_installed(&fake, v)) {
			assert_int_equal(v->type, type);
			fake_acknowledge(&fake, v->seq, status);
			return;
		}
		run_for(n->c.loop, 0.005);
	}
	fail_msg("no install record of type %d", type);
}

static void next_installed(struct node *n, enum abi_install_type type,
			   struct abi_install_view *v)
{
	next_answered(n, type, v, INSTALL_OK);
}

/* The next message that control sends. Static memory. */
static const char *next_sent(struct node *n, uint64_t sa_id)
{
	static char text[SIP_MESSAGE_MAX + 1];
	const struct abi_inject *j = NULL;

	for (int i = 0; i < 100 && !(j = fake_injected(&fake)); i++)
		run_for(n->c.loop, 0.005);
	assert_non_null(j);
	assert_int_equal(j->sa_id, sa_id);
	memcpy(text, j->data, j->len);
	text[j->len] = 0;
	return text;
}

/* The value behind `name` in a message. Static memory. */
static const char *value_of(const char *message, const char *name)
{
	static char value[4096];
	const char *at = strstr(message, name);

	assert_non_null(at);
	at += strlen(name);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
	return value;
}

static void punt(uint8_t reason, uint64_t sa_id, uint16_t port, const char *text)
{
	static _Alignas(struct abi_punt) uint8_t memory[sizeof(struct abi_punt) + 8192];
	struct abi_punt *p = (struct abi_punt *)memory;
	uint32_t len = (uint32_t)strlen(text);

	*p = (struct abi_punt){.reason = reason,
			       .len = len,
			       .src = fake_ue(port),
			       .dst = fake_node(),
			       .sa_id = sa_id};
	if (sa_id)
		p->dst.port = 5101;
	memcpy(p->data, text, len);
	fake_punt_octets(&fake, 0, p, (uint32_t)sizeof(*p) + len);
}

/* `set` gives the terminal its SPIs and its client port: they are new in each agreement. */
static void send_register(uint64_t sa_id, int set, int cseq, const char *verify)
{
	uint16_t port = (uint16_t)(6000 + 10 * set);
	char text[4096];

	snprintf(
		text, sizeof(text),
		"REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP "
		"192.0.2.1:6001;branch=z9hG4bKu%d;rport\r\nMax-Forwards: 70\r\nFrom: "
		"<sip:alice@example.org>;tag=a\r\nTo: <sip:alice@example.org>\r\nCall-ID: u\r\n"
		"CSeq: %d REGISTER\r\nContact: <sip:alice@192.0.2.1:6001>\r\nRequire: "
		"sec-agree\r\nProxy-Require: sec-agree\r\nSecurity-Client: "
		"ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;spi-c=%u;spi-s=%u;port-c=%u;port-s="
		"6001\r\n%s%s%sAuthorization: Digest "
		"username=\"alice@example.org\",realm=\"example.org\",nonce=\"\",uri=\"sip:"
		"example.org\",response=\"\"\r\nContent-Length: 0\r\n\r\n",
		cseq, cseq, 1000u + port, 2000u + port, port, verify ? "Security-Verify: " : "",
		verify ? verify : "", verify ? "\r\n" : "");
	punt(PUNT_REGISTER, sa_id, sa_id ? port : 6001, text);
}

/* The I-CSCF's response to the request that control sent. */
static void respond(const char *request, const char *status, const char *headers)
{
	char text[4096], via[512], cseq[64];

	snprintf(via, sizeof(via), "%.500s", value_of(request, "\r\nVia: "));
	snprintf(cseq, sizeof(cseq), "%.60s", value_of(request, "\r\nCSeq: "));
	snprintf(text, sizeof(text),
		 "SIP/2.0 %s\r\nVia: %s\r\nVia: SIP/2.0/UDP 192.0.2.1:6001;branch=z9hG4bKu\r\n"
		 "From: <sip:alice@example.org>;tag=a\r\nTo: <sip:alice@example.org>;tag=b\r\n"
		 "Call-ID: u\r\nCSeq: %s\r\n%sContent-Length: 0\r\n\r\n",
		 status, via, cseq, headers);
	punt(PUNT_RESPONSE, 0, 5060, text);
}

#define CHALLENGE                                                                              \
	"WWW-Authenticate: Digest realm=\"example.org\",nonce=\"bg==\",algorithm=AKAv1-MD5,"   \
	"ck=\"000102030405060708090a0b0c0d0e0f\",ik=\"f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff\"\r\n"
#define GRANTED                                                                                \
	"Contact: <sip:alice@192.0.2.1:6001>;expires=3600\r\nService-Route: "                  \
	"<sip:orig@198.51.100.9;lr>\r\nP-Associated-URI: <sip:alice@example.org>\r\n"

/* Challenge, and registration under the set that it gave, in *v as it was installed last. */
static void register_under(struct node *n, uint64_t came_under, int set, char *verify,
			   struct abi_install_view *v)
{
	int cseq = 10 * set;
	const char *text;
	uint64_t id;

	send_register(came_under, set, cseq, verify[0] ? verify : NULL);
	respond(next_sent(n, 0), "401 Unauthorized", CHALLENGE);
	/* The challenge waits for the data plane. */
	next_installed(n, INSTALL_SA, v);
	assert_int_equal(v->sa.set_id, 0);
	assert_false(v->sa.used);
	assert_int_equal(v->sa.ck[15], 0x0f);
	assert_int_equal(v->sa.ik[0], 0xf0);
	id = v->sa.sa_id;
	text = next_sent(n, came_under);
	assert_non_null(strstr(text, "SIP/2.0 401 "));
	assert_null(strstr(text, "ck="));
	strcpy(verify, value_of(text, "\r\nSecurity-Server: "));
	send_register(id, set, cseq + 1, verify);
	text = next_sent(n, 0);
	assert_non_null(strstr(text, "integrity-protected=\"yes\""));
	respond(text, "200 OK", GRANTED);
	next_installed(n, INSTALL_SA, v);
	assert_int_equal(v->sa.sa_id, id);
	assert_int_not_equal(v->sa.set_id, 0);
	assert_true(v->sa.used);
}

/* old: what it may still come under, 0: nothing. */
static void assert_registered(struct node *n, const struct abi_install_view *sa, uint64_t old)
{
	struct abi_install_view *v = calloc(1, sizeof(*v));

	next_installed(n, INSTALL_REGISTRATION, v);
	assert_int_equal(v->registration.set_id, sa->sa.set_id);
	assert_int_equal(v->registration.n_contact, old ? 2 : 1);
	if (old) {
		assert_int_equal(v->registration.contact[1].sa_id, old);
		assert_int_equal(v->registration.contact[1].flags, ABI_CONTACT_SUCCEEDED);
	}
	assert_int_equal(v->registration.contact[0].sa_id, sa->sa.sa_id);
	assert_true(addr_eq(&v->registration.contact[0].flow, &sa->sa.ue));
	assert_true(addr_eq(&v->registration.contact[0].local, &sa->sa.local));
	free(v);
}

static void start(struct node *n)
{
	struct abi_install_view *v = calloc(1, sizeof(*v));

	log_set_level(LOG_ERROR);
	fake_dir(&fake);
	fake_start(&fake);
	configure();
	snprintf(store, sizeof(store), "%s/control.db", fake.dir);
	node_open(n);
	next_installed(n, INSTALL_SYNC_BEGIN, v);
	next_installed(n, INSTALL_SYNC_END, v);
	free(v);
}

static void stop(struct node *n)
{
	static const char *const suffix[] = {"", "-wal", "-shm"};
	char file[160];

	node_close(n);
	fake_stop(&fake);
	for (int i = 0; i < 3; i++) {
		snprintf(file, sizeof(file), "%s%s", store, suffix[i]);
		unlink(file);
	}
	fake_remove_dir(&fake);
}

static void protected_over_a_restart(void **state)
{
	struct abi_install_view *v = calloc(2, sizeof(*v)), *again = v + 1;
	char verify[4096] = "";
	struct node n;

	start(&n);
	register_under(&n, 0, 1, verify, v);
	assert_registered(&n, v, 0);
	assert_non_null(strstr(next_sent(&n, v->sa.sa_id), "SIP/2.0 200 OK"));
	assert_int_equal(sas_count(n.c.sas, SA_ACTIVE), 1);
	assert_in_range(v->sa.expires_ms, clock_ms() + 3625000, clock_ms() + 3630000);

	/* Both die and come back: all there is is what was stored. */
	node_close(&n);
	fake_stop(&fake);
	fake_start(&fake);
	node_open(&n);
	next_installed(&n, INSTALL_SYNC_BEGIN, again);
	next_installed(&n, INSTALL_SA, again);
	assert_int_equal(again->sa.sa_id, v->sa.sa_id);
	assert_int_equal(again->sa.set_id, v->sa.set_id);
	assert_int_equal(again->sa.spi_ps, v->sa.spi_ps);
	assert_int_equal(again->sa.port_pc, v->sa.port_pc);
	assert_memory_equal(again->sa.ck, v->sa.ck, ABI_SA_KEY);
	assert_memory_equal(again->sa.ik, v->sa.ik, ABI_SA_KEY);
	assert_registered(&n, v, 0);
	next_installed(&n, INSTALL_SYNC_END, again);

	/* And knows what it offered: a REGISTER under the set goes on, and prolongs it. */
	send_register(v->sa.sa_id, 2, 30, "ipsec-3gpp;q=0.9;alg=null;ealg=aes-gcm");
	assert_non_null(strstr(next_sent(&n, v->sa.sa_id), "SIP/2.0 494 "));
	send_register(v->sa.sa_id, 2, 31, verify);
	respond(next_sent(&n, 0), "200 OK", GRANTED);
	next_installed(&n, INSTALL_SA, again);
	assert_true(again->sa.expires_ms >= v->sa.expires_ms);
	assert_registered(&n, v, 0);
	assert_non_null(strstr(next_sent(&n, v->sa.sa_id), "SIP/2.0 200 OK"));
	stop(&n);
	free(v);
}

/* The data plane has no sequence numbers to go on with: the terminal has to come anew. */
static void lost_by_the_data_plane(void **state)
{
	struct abi_install_view *v = calloc(1, sizeof(*v));
	struct registration_set *set;
	char verify[4096] = "";
	struct node n;
	uint64_t id, set_id;

	start(&n);
	register_under(&n, 0, 1, verify, v);
	id = v->sa.sa_id;
	set_id = v->sa.set_id;
	assert_registered(&n, v, 0);
	next_sent(&n, id);
	node_close(&n);
	fake_stop(&fake);
	fake_start(&fake);
	node_open(&n);
	next_installed(&n, INSTALL_SYNC_BEGIN, v);
	next_answered(&n, INSTALL_SA, v, INSTALL_LOST);
	assert_true(v->sa.used);
	next_installed(&n, INSTALL_REGISTRATION, v);
	next_installed(&n, INSTALL_SYNC_END, v);
	next_installed(&n, INSTALL_SA_DELETE, v);
	assert_int_equal(v->sa_id, id);
	assert_int_equal(sas_total(n.c.sas), 0);
	set = registrations_by_id(n.c.registrations, set_id);
	assert_true(set->contact[0].expires_wall_ms <= clock_wall_ms());
	registrar_expire(n.c.registrar, set);
	next_installed(&n, INSTALL_DELETE, v);
	assert_int_equal(v->set_id, set_id);
	stop(&n);
	free(v);
}

static void succeeded_when_used(void **state)
{
	struct abi_install_view *v = calloc(1, sizeof(*v));
	char verify[4096] = "";
	uint64_t old, id;
	struct node n;

	start(&n);
	register_under(&n, 0, 1, verify, v);
	assert_registered(&n, v, 0);
	old = v->sa.sa_id;
	assert_int_equal(v->sa.port_pc, 5102);
	assert_non_null(strstr(next_sent(&n, old), "SIP/2.0 200 OK"));
	register_under(&n, old, 2, verify, v);
	assert_registered(&n, v, old);
	id = v->sa.sa_id;
	assert_int_equal(v->sa.port_pc, 5103);
	assert_int_equal(v->sa.ue.port, 6020);
	assert_non_null(strstr(next_sent(&n, id), "SIP/2.0 200 OK"));
	assert_int_equal(sas_count(n.c.sas, SA_ACTIVE), 2);
	/* A worker saw the terminal use it: the old one leaves, and is on disk no more. */
	punt(PUNT_SA_USED, id, 6020, "MESSAGE sip:bob@example.org SIP/2.0\r\n\r\n");
	run_for(n.c.loop, 0.05);
	assert_int_equal(sas_find(n.c.sas, old)->state, SA_LEAVING);
	assert_int_equal(sas_find(n.c.sas, id)->state, SA_ACTIVE);
	next_installed(&n, INSTALL_REGISTRATION, v);
	assert_int_equal(v->registration.n_contact, 1);
	assert_int_equal(v->registration.contact[0].sa_id, id);
	/* Its time is over. */
	sas_set_state(n.c.sas, sas_find(n.c.sas, old), SA_LEAVING, 1);
	next_installed(&n, INSTALL_SA_DELETE, v);
	assert_int_equal(v->sa_id, old);
	node_close(&n);
	fake_stop(&fake);
	fake_start(&fake);
	node_open(&n);
	assert_null(sas_find(n.c.sas, old));
	assert_non_null(sas_find(n.c.sas, id));
	stop(&n);
	free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(protected_over_a_restart),
		cmocka_unit_test(succeeded_when_used),
		cmocka_unit_test(lost_by_the_data_plane),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
