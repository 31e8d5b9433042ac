/* services.c - tests of control/services.c, and of profiles on their way to a fake data plane
 */
#include "control/services.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/control.h"
#include "control/install.h"
#include "control/link.h"
#include "control/servers.h"
#include "dataplane.h"
#include "ifc/ifc.h"
#include "sets.h"

#define IFC(priority, server)                                                                  \
	"<InitialFilterCriteria><Priority>" priority                                           \
	"</Priority><ApplicationServer><ServerName>"                                           \
	"sip:" server "</ServerName></ApplicationServer></InitialFilterCriteria>"

static struct fake fake;
static struct conf conf;

/* One ServiceProfile with this identity. */
static int put_profile(char *out, size_t cap, const char *impu, const char *services)
{
	return snprintf(
		out, cap,
		"<ServiceProfile><PublicIdentity><Identity>%s</Identity></PublicIdentity>"
		"%s</ServiceProfile>",
		impu, services);
}

/* User n's two identities in one profile, or each in its own. */
static struct registration_set *set_with(uint32_t n, const char *first, const char *second)
{
	struct registration_set *s = make_set(n, 1, 4000000000000u);
	char xml[4096];
	int at = snprintf(xml, sizeof(xml), "<IMSSubscription><PrivateID>%s</PrivateID>",
			  s->impi);

	at += put_profile(xml + at, sizeof(xml) - (size_t)at, s->impu[0], first);
	if (second)
		at += put_profile(xml + at, sizeof(xml) - (size_t)at, s->impu[1], second);
	snprintf(xml + at, sizeof(xml) - (size_t)at, "</IMSSubscription>");
	free(s->user_data);
	s->user_data = strdup(xml);
	return s;
}

static const struct ifc *form(const struct service_profile *p)
{
	assert_null(ifc_sound(p->octets.p, p->octets.len));
	return (const struct ifc *)p->octets.p;
}

static struct services *open_good(const char *file)
{
	char error[256] = "";
	struct services *s = services_open(file, error);

	if (!s)
		fail_msg("%s", error);
	return s;
}

static void users_share_a_profile(void **state)
{
	struct services *s = open_good("");
	struct registration_set *a = set_with(1, IFC("1", "one"), NULL);
	struct registration_set *b = set_with(2, IFC("1", "one"), NULL);
	struct registration_set *c = set_with(3, IFC("1", "two"), IFC("1", "one"));
	struct registration_set *none = set_with(4, "", NULL);
	struct service_profile pa[SET_IMPUS_MAX], pb[SET_IMPUS_MAX];
	(void)state;

	services_of(s, a, pa);
	assert_true(pa[0].id != 0 && pa[0].id == pa[1].id && pa[2].id == 0);
	assert_int_equal(form(&pa[0])->n_criteria, 1);
	services_of(s, b, pb);
	assert_true(pb[0].id == pa[0].id);
	/* By identity, and the same content is the same wherever it comes from. */
	services_of(s, c, pb);
	assert_true(pb[0].id != pa[0].id);
	assert_true(pb[1].id == pa[0].id);
	assert_true(slice_eq(ifc_text(form(&pb[0]), ifc_criterion(form(&pb[0]), 0)->server),
			     SLICE("sip:two")));
	services_of(s, none, pb);
	assert_true(pb[0].id == 0);
	a->roles = ABI_REG_PCSCF;
	services_of(s, a, pb);
	assert_true(pb[0].id == 0);
	services_of(NULL, b, pb);
	assert_true(pb[0].id == 0);
	registration_set_free(a);
	registration_set_free(b);
	registration_set_free(c);
	registration_set_free(none);
	services_close(s);
}

static void served_without_what_is_broken(void **state)
{
	struct services *s = open_good("");
	struct registration_set *a = set_with(
		1, IFC("1", "one") "<InitialFilterCriteria/>" IFC("2", "two") IFC("2", "three"),
		NULL);
	struct service_profile p[SET_IMPUS_MAX];
	(void)state;

	services_look(s, a->impi, slice_str(a->user_data));
	services_of(s, a, p);
	assert_int_equal(form(&p[0])->n_criteria, 2);
	free(a->user_data);
	a->user_data = strdup("<IMSSubscription><broken");
	services_look(s, a->impi, slice_str(a->user_data));
	services_of(s, a, p);
	assert_true(p[0].id == 0);
	registration_set_free(a);
	services_close(s);
}

static void shared_sets_come_from_a_file(void **state)
{
	static const char sets[] =
		"<SharedIFCSets><SharedIFCSet><SharedIFCSetID>5</SharedIFCSetID>" IFC(
			"7", "shared") "</SharedIFCSet></SharedIFCSets>";
	char path[] = "/tmp/saker-sets-XXXXXX", error[256] = "";
	int fd = mkstemp(path);
	struct registration_set *a = set_with(
		1, IFC("9", "own") "<Extension><SharedIFCSetID>5</SharedIFCSetID></Extension>",
		NULL);
	struct service_profile p[SET_IMPUS_MAX];
	struct services *s;
	(void)state;

	assert_int_equal(write(fd, sets, sizeof(sets) - 1), sizeof(sets) - 1);
	s = open_good(path);
	services_of(s, a, p);
	assert_int_equal(form(&p[0])->n_criteria, 2);
	assert_int_equal(ifc_criterion(form(&p[0]), 0)->priority, 7);
	services_close(s);
	/* The operator's own file is right, or nothing starts. */
	assert_int_equal(ftruncate(fd, 30), 0);
	assert_null(services_open(path, error));
	assert_non_null(strstr(error, path));
	close(fd);
	unlink(path);
	assert_null(services_open(path, error));
	registration_set_free(a);
}

static void explains(void **state)
{
	static const char request[] =
		"INVITE sip:b@example.org SIP/2.0\r\nVia: SIP/2.0/UDP "
		"192.0.2.1;branch=z9hG4bK1\r\n"
		"From: <sip:a@example.org>;tag=1\r\nTo: <sip:b@example.org>\r\nCall-ID: 1\r\n"
		"CSeq: 1 INVITE\r\nMax-Forwards: 70\r\n\r\n";
	struct services *s = open_good("");
	struct registration_set *a = set_with(
		1,
		IFC("1",
		    "one") "<InitialFilterCriteria><Priority>2</Priority><TriggerPoint>"
			   "<ConditionTypeCNF>1</ConditionTypeCNF><SPT><Group>0</Group>"
			   "<Method>MESSAGE</Method></SPT></TriggerPoint><ApplicationServer>"
			   "<ServerName>sip:two</ServerName></ApplicationServer>"
			   "</InitialFilterCriteria>",
		NULL);
	struct json out;
	(void)state;

	json_init(&out);
	services_explain(s, a, a->impu[0], "orig", NULL, slice_of(request, sizeof(request) - 1),
			 &out);
	json_raw(&out, "", 1);
	assert_string_equal(
		out.p, "{\"rows\":[{\"priority\":1,\"server\":\"sip:one\",\"matches\":\"yes\","
		       "\"why\":\"it has no trigger\"},{\"priority\":2,\"server\":\"sip:two\","
		       "\"matches\":\"no\",\"why\":\"group 0: false is Method is MESSAGE\"}]}");
	json_free(&out);
	json_init(&out);
	services_explain(s, a, a->impu[0], "sideways", NULL,
			 slice_of(request, sizeof(request) - 1), &out);
	json_raw(&out, "", 1);
	assert_non_null(strstr(out.p, "\"error\""));
	json_free(&out);
	json_init(&out);
	services_explain(s, a, a->impu[0], "orig", NULL, SLICE("junk"), &out);
	json_raw(&out, "", 1);
	assert_non_null(strstr(out.p, "\"error\""));
	json_free(&out);
	registration_set_free(a);
	services_close(s);
}

struct scene {
	struct ev_loop *loop;
	struct link *link;
	struct installer *installer;
	struct registrations *all;
	bool up, down;
};

static void on_message(void *ctx, const struct abi_punt *p)
{
}

static void on_ack(void *ctx, const struct abi_ack *a)
{
	install_ack(((struct scene *)ctx)->installer, a);
}

static void on_up(void *ctx, bool fresh)
{
	struct scene *s = ctx;

	s->up = true;
	install_all(s->installer, s->all, NULL);
}

static void on_down(void *ctx)
{
	struct scene *s = ctx;

	s->down = true;
	install_link_down(s->installer);
}

static void on_round(void *ctx)
{
	install_pump(((struct scene *)ctx)->installer);
}

static void expect(struct scene *s, enum abi_install_type type, struct abi_install_view *v)
{
	for (int i = 0; i < 50; i++) {
		if (fake_installed(&fake, v)) {
			assert_int_equal(v->type, type);
			fake_acknowledge(&fake, v->seq, INSTALL_OK);
			return;
		}
		run_for(s->loop, 0.002);
	}
	fail_msg("no record of type %d", type);
}

/* Each profile once, before the first set that names it, and again for another data plane. */
static void expect_all(struct scene *s)
{
	static struct abi_install_view v;
	uint64_t id;

	expect(s, INSTALL_SYNC_BEGIN, &v);
	expect(s, INSTALL_PROFILE, &v);
	assert_null(ifc_sound(v.profile.p, v.profile.len));
	id = v.profile_id;
	expect(s, INSTALL_REGISTRATION, &v);
	assert_true(v.registration.impu[0].profile == id &&
		    v.registration.impu[1].profile == id);
	expect(s, INSTALL_REGISTRATION, &v);
	assert_true(v.registration.impu[1].profile == id);
	expect(s, INSTALL_SYNC_END, &v);
}

static void profiles_go_before_their_sets(void **state)
{
	const struct link_events events = {on_message, on_ack,   on_up,
					   on_down,    on_round, &(struct scene){0}};
	struct scene *s = events.ctx;
	struct services *services = open_good("");
	struct registration_set *other = set_with(3, IFC("1", "two"), IFC("1", "one"));
	static struct abi_install_view v;
	(void)state;

	s->loop = ev_loop_new(0);
	fake_dir(&fake);
	fake_start(&fake);
	fake_conf(&fake, &conf);
	s->link = link_open(s->loop, &conf, &events);
	s->installer = installer_open(s->loop, s->link, true);
	installer_serve(s->installer, services);
	s->all = registrations_new();
	assert_true(registrations_put(s->all, set_with(1, IFC("1", "one"), NULL)));
	assert_true(registrations_put(s->all, set_with(2, IFC("1", "one"), NULL)));
	assert_true(run_until(s->loop, &s->up));
	expect_all(s);
	install_put(s->installer, other, NULL, NULL);
	expect(s, INSTALL_PROFILE, &v);
	expect(s, INSTALL_REGISTRATION, &v);
	assert_true(v.registration.impu[0].profile != v.registration.impu[1].profile);
	install_put(s->installer, other, NULL, NULL);
	expect(s, INSTALL_REGISTRATION, &v);
	fake_stop(&fake);
	assert_true(run_until(s->loop, &s->down));
	s->up = false;
	fake_start(&fake);
	assert_true(run_until(s->loop, &s->up));
	expect_all(s);
	installer_close(s->installer);
	registrations_free(s->all);
	registration_set_free(other);
	services_close(services);
	link_close(s->link);
	ev_loop_destroy(s->loop);
	fake_stop(&fake);
	fake_remove_dir(&fake);
}

/* Where a server is goes before the profile that names it, and is said again when it is known
 * better. */
static void servers_go_before_profiles(void **state)
{
	const struct link_events events = {on_message, on_ack,   on_up,
					   on_down,    on_round, &(struct scene){0}};
	struct scene *s = events.ctx;
	struct services *services = open_good("");
	struct registration_set *other = set_with(2, IFC("1", "scscf.ims.example"), NULL);
	struct control c = {.conf = &conf};
	static struct abi_install_view v;

	s->loop = c.loop = ev_loop_new(0);
	fake_dir(&fake);
	fake_start(&fake);
	fake_conf(&fake, &conf);
	strcpy(conf.scscf_uri, "sip:scscf.ims.example");
	conf.dataplane.roles = CONF_SCSCF;
	strcpy(conf.dataplane.peer[0].name, "as.ims.example");
	conf.dataplane.peer[0].net = (struct conf_prefix){addr_v4(0x0a000009, 0), 32};
	conf.dataplane.n_peer = 1;
	s->link = link_open(s->loop, &conf, &events);
	s->installer = installer_open(s->loop, s->link, true);
	installer_serve(s->installer, services);
	c.servers = servers_open(&c);
	installer_find(s->installer, c.servers);
	s->all = registrations_new();
	assert_true(
		registrations_put(s->all, set_with(1, IFC("1", "AS.ims.example:5070"), NULL)));
	assert_true(run_until(s->loop, &s->up));
	for (int twice = 0; twice < 2; twice++) {
		expect(s, INSTALL_SYNC_BEGIN, &v);
		expect(s, INSTALL_SERVER, &v);
		assert_true(slice_eq(v.server.host, SLICE("as.ims.example")));
		assert_int_equal(v.server.port, 5070);
		assert_int_equal(v.server.n_addr, 1);
		assert_int_equal(v.server.addr[0].ip[3], 9);
		assert_int_equal(v.server.addr[0].port, 5070);
		expect(s, INSTALL_PROFILE, &v);
		expect(s, INSTALL_REGISTRATION, &v);
		expect(s, INSTALL_SYNC_END, &v);
		if (twice)
			break;
		fake_stop(&fake);
		assert_true(run_until(s->loop, &s->down));
		s->up = false;
		fake_start(&fake);
		assert_true(run_until(s->loop, &s->up));
	}
	install_put(s->installer, other, NULL, NULL);
	expect(s, INSTALL_SERVER, &v);
	assert_int_equal(v.server.n_addr, 0);
	assert_int_equal(v.server.port, 0);
	expect(s, INSTALL_PROFILE, &v);
	expect(s, INSTALL_REGISTRATION, &v);
	installer_find(s->installer, NULL);
	servers_close(c.servers);
	installer_close(s->installer);
	registrations_free(s->all);
	registration_set_free(other);
	services_close(services);
	link_close(s->link);
	ev_loop_destroy(s->loop);
	fake_stop(&fake);
	fake_remove_dir(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_share_a_profile),
		cmocka_unit_test(served_without_what_is_broken),
		cmocka_unit_test(shared_sets_come_from_a_file),
		cmocka_unit_test(explains),
		cmocka_unit_test(profiles_go_before_their_sets),
		cmocka_unit_test(servers_go_before_profiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
