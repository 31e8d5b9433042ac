/* link.c - tests of control/link.c and install.c against a fake data plane */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/clock.h"
#include "control/install.h"
#include "control/link.h"
#include "dataplane.h"
#include "sets.h"

static struct fake fake;
static struct conf conf;

struct seen {
	struct ev_loop *loop;
	struct link *link;
	struct installer *installer;
	struct registrations *all;
	struct sas *sas;
	int messages, ups, freshes, downs, rounds;
	bool up, down, message;
	char text[64];
	uint16_t worker;
	int done, last_status;
	bool is_done;
	uint64_t gone;
};

static void on_message(void *ctx, const struct abi_punt *p)
{
	struct seen *s = ctx;

	s->messages++;
	s->message = true;
	s->worker = p->worker;
	memcpy(s->text, p->data, p->len < 63 ? p->len : 63);
}

static void on_ack(void *ctx, const struct abi_ack *a)
{
	struct seen *s = ctx;

	if (s->installer)
		install_ack(s->installer, a);
}

static void on_up(void *ctx, bool fresh)
{
	struct seen *s = ctx;

	s->up = true;
	s->ups++;
	s->freshes += fresh;
	if (s->installer)
		install_all(s->installer, s->all, s->sas);
}

static void on_down(void *ctx)
{
	struct seen *s = ctx;

	s->down = true;
	s->downs++;
	if (s->installer)
		install_link_down(s->installer);
}

static void on_round(void *ctx)
{
	struct seen *s = ctx;

	s->rounds++;
	if (s->installer)
		install_pump(s->installer);
}

static void on_done(void *ctx, int status)
{
	struct seen *s = ctx;

	s->done++;
	s->is_done = true;
	s->last_status = status;
}

static void open_all(struct seen *s, bool installer)
{
	const struct link_events events = {on_message, on_ack, on_up, on_down, on_round, s};

	*s = (struct seen){.loop = ev_loop_new(0)};
	fake_dir(&fake);
	fake_start(&fake);
	fake_conf(&fake, &conf);
	s->link = link_open(s->loop, &conf, &events);
	if (installer) {
		s->installer = installer_open(s->loop, s->link, true);
		s->all = registrations_new();
	}
}

static void close_all(struct seen *s)
{
	if (s->installer) {
		installer_close(s->installer);
		registrations_free(s->all);
	}
	link_close(s->link);
	ev_loop_destroy(s->loop);
	fake_stop(&fake);
	fake_remove_dir(&fake);
}

static void test_message_wakes_control(void **state)
{
	struct seen s;
	struct hash_key key;

	open_all(&s, false);
	assert_false(link_token_key(s.link, &key));
	assert_true(run_until(s.loop, &s.up));
	run_for(s.loop, 0.02); /* asleep */
	fake_punt(&fake, 1, PUNT_REGISTER, "REGISTER sip:x");
	assert_true(run_until(s.loop, &s.message));
	assert_string_equal(s.text, "REGISTER sip:x");
	assert_int_equal(s.worker, 1);
	assert_true(s.rounds > 0);
	assert_true(link_token_key(s.link, &key));
	assert_true(key.k0 == 1 && key.k1 == 2);
	close_all(&s);
}

static void test_all_of_a_flood_arrives(void **state)
{
	struct seen s;

	open_all(&s, false);
	for (int i = 0; i < 500; i++)
		fake_punt(&fake, (uint16_t)(i % 2), PUNT_REGISTER, "REGISTER sip:flood");
	assert_true(run_until(s.loop, &s.message));
	run_for(s.loop, 0.1);
	assert_int_equal(s.messages, 500);
	assert_true(s.rounds >= 4); /* 64 from a ring at a time */
	close_all(&s);
}

static void test_bad_punt_is_left_out(void **state)
{
	struct abi_punt bad = {
		.reason = PUNT_REGISTER, .len = 5000, .src = fake_ue(1), .dst = fake_node()};
	struct seen s;

	open_all(&s, false);
	assert_true(run_until(s.loop, &s.up));
	fake_punt_octets(&fake, 0, &bad, sizeof(bad)); /* says more than it has */
	fake_punt_octets(&fake, 0, "x", 1);
	fake_punt(&fake, 0, PUNT_REGISTER, "good");
	assert_true(run_until(s.loop, &s.message));
	assert_int_equal(s.messages, 1);
	assert_string_equal(s.text, "good");
	close_all(&s);
}

static void test_sends_and_resumes(void **state)
{
	const struct addr ue = fake_ue(5070), node = fake_node(), none = {0};
	const struct abi_inject *j;
	struct abi_punt *held = calloc(1, sizeof(*held) + 4);
	struct seen s;

	open_all(&s, false);
	assert_false(link_send(s.link, SLICE("SIP/2.0"), &none, &ue, 0)); /* down */
	assert_true(run_until(s.loop, &s.up));
	assert_true(link_send(s.link, SLICE("SIP/2.0"), &node, &ue, 77));
	j = fake_injected(&fake);
	assert_non_null(j);
	assert_int_equal(j->type, INJECT_SEND);
	assert_int_equal(j->sa_id, 77);
	assert_true(addr_eq(&j->dst, &ue) && addr_eq(&j->src, &node));
	assert_memory_equal(j->data, "SIP/2.0", 7);

	*held = (struct abi_punt){.reason = PUNT_LOCATE,
				  .port = 3,
				  .worker = 1,
				  .len = 4,
				  .src = ue,
				  .dst = node};
	memcpy(held->data, "held", 4);
	const struct link_verdict found = {
		.locate = LOCATE_SCSCF, .hop = node, .user = 77, .route = SLICE("sip:s")};

	assert_true(link_resume(s.link, held, &found));
	assert_null(ring_peek(&fake.inject[0]).p); /* on the worker it came from */
	j = fake_injected(&fake);
	assert_int_equal(j->type, INJECT_RESUME);
	assert_int_equal(j->port, 3);
	assert_int_equal(j->route_len, 5);
	assert_int_equal(j->user, 77);
	assert_memory_equal(j->data, "heldsip:s", 9);
	held->worker = FAKE_WORKERS;
	assert_false(link_resume(s.link, held, &found));
	free(held);
	close_all(&s);
}

static void test_full_inject_ring_is_told(void **state)
{
	const struct addr ue = fake_ue(5070), node = fake_node();
	static uint8_t big[SIP_MESSAGE_MAX];
	struct seen s;
	int sent = 0;

	open_all(&s, false);
	assert_true(run_until(s.loop, &s.up));
	while (sent < 1000 && link_send(s.link, slice_of(big, sizeof(big)), &node, &ue, 0))
		sent++;
	assert_in_range(sent, 20, 40); /* both workers' rings: 2 * 256 KiB / 16 KiB */
	assert_false(link_send(s.link, slice_of(big, sizeof(big) + 1), &node, &ue, 0));
	close_all(&s);
}

static void test_source_follows_the_routes(void **state)
{
	const struct addr near = addr_v4(0xc6336409, 5060), far = addr_v4(0x08080808, 5060);
	const struct addr six = {.ip = {0x20, 1}, .port = 5060, .family = 6};
	struct addr out;
	struct seen s;

	open_all(&s, false);
	assert_true(link_source(s.link, &near, &out));
	assert_true(addr_eq(
		&out, &(struct addr){.ip = {198, 51, 100, 1}, .port = 5060, .family = 4}));
	assert_true(link_source(s.link, &far, &out)); /* by the gateway */
	assert_false(link_source(s.link, &six, &out));
	assert_true(run_until(s.loop, &s.up));
	close_all(&s);
}

static void test_comes_back_and_tells_a_fresh_start(void **state)
{
	struct seen s;

	open_all(&s, false);
	assert_true(run_until(s.loop, &s.up));
	assert_int_equal(s.freshes, 1);
	fake_stop(&fake);
	assert_true(run_until(s.loop, &s.down));
	assert_false(link_is_up(s.link));
	assert_null(link_region(s.link));
	s.up = false;
	fake_start(&fake);
	assert_true(run_until(s.loop, &s.up));
	assert_int_equal(s.freshes, 2);
	assert_int_equal(s.ups, 2);
	close_all(&s);
}

static void test_broken_ring_takes_the_link_down(void **state)
{
	struct seen s;

	open_all(&s, false);
	assert_true(run_until(s.loop, &s.up));
	atomic_store(&fake.punt[0].shared->head, 3); /* no multiple of a word */
	fake_wake(&fake);
	assert_true(run_until(s.loop, &s.down));
	close_all(&s);
}

static bool next_install(struct seen *s, struct abi_install_view *v)
{
	for (int i = 0; i < 50; i++) {
		if (fake_installed(&fake, v))
			return true;
		run_for(s->loop, 0.002);
	}
	return false;
}

static void expect_sync(struct seen *s, uint32_t sets)
{
	struct abi_install_view v;

	assert_true(next_install(s, &v));
	assert_int_equal(v.type, INSTALL_SYNC_BEGIN);
	fake_acknowledge(&fake, v.seq, INSTALL_OK);
	for (uint32_t i = 0; s->sas && i < sas_total(s->sas); i++) {
		assert_true(next_install(s, &v));
		assert_int_equal(v.type, INSTALL_SA);
		assert_memory_equal(v.sa.ck, "CCCCCCCCCCCCCCCC", ABI_SA_KEY);
		assert_int_equal(sas_find(s->sas, v.sa.sa_id)->spi_ps, v.sa.spi_ps);
		fake_acknowledge(&fake, v.seq, INSTALL_OK);
	}
	for (uint32_t i = 0; i < sets; i++) {
		assert_true(next_install(s, &v));
		assert_int_equal(v.type, INSTALL_REGISTRATION);
		fake_acknowledge(&fake, v.seq, INSTALL_OK);
	}
	assert_true(next_install(s, &v));
	assert_int_equal(v.type, INSTALL_SYNC_END);
	fake_acknowledge(&fake, v.seq, INSTALL_OK);
}

static void test_put_is_acknowledged(void **state)
{
	struct abi_install_view v;
	struct registration_set *set = make_set(1, 2, 0);
	uint64_t mono, wall;
	struct timespec t;
	struct seen s;

	open_all(&s, true);
	assert_true(run_until(s.loop, &s.up));
	expect_sync(&s, 0);
	clock_gettime(CLOCK_REALTIME, &t);
	wall = (uint64_t)t.tv_sec * 1000;
	clock_gettime(CLOCK_MONOTONIC, &t);
	mono = (uint64_t)t.tv_sec * 1000;
	set->contact[0].expires_wall_ms = wall + 600000;
	set->contact[1].expires_wall_ms = wall - 60000;
	install_put(s.installer, set, on_done, &s);
	assert_true(next_install(&s, &v));
	assert_int_equal(v.type, INSTALL_REGISTRATION);
	assert_true(v.registration.set_id == set->id);
	assert_int_equal(v.registration.n_impu, 2);
	assert_true(slice_eq(v.registration.impu[1].impu, SLICE("sip:user1-b@example.org")));
	assert_int_equal(v.registration.impu[0].flags, ABI_IMPU_DEFAULT);
	assert_true(slice_eq(v.registration.contact[1].uri, SLICE("sip:user@10.0.0.1:5061")));
	assert_in_range(v.registration.contact[0].expires_ms, mono + 597000, mono + 603000);
	assert_true(v.registration.contact[1].expires_ms < mono);
	assert_int_equal(s.done, 0);
	fake_acknowledge(&fake, v.seq - 1000, INSTALL_OK); /* of an earlier control */
	fake_acknowledge(&fake, v.seq, INSTALL_CONFLICT);
	assert_true(run_until(s.loop, &s.is_done));
	assert_int_equal(s.done, 1);
	assert_int_equal(s.last_status, INSTALL_CONFLICT);

	install_delete(s.installer, set->id, on_done, &s);
	assert_true(next_install(&s, &v));
	assert_int_equal(v.type, INSTALL_DELETE);
	assert_true(v.set_id == set->id);
	registration_set_free(set);
	close_all(&s);
}

static void on_gone(void *ctx, uint64_t set_id)
{
	struct seen *s = ctx;

	s->gone = set_id;
	s->is_done = true;
}

static void test_contact_is_prolonged(void **state)
{
	struct registration_set *set = make_set(1, 2, 0);
	struct abi_install_view v;
	uint64_t call_id;
	struct seen s;

	open_all(&s, true);
	installer_on_gone(s.installer, on_gone, &s);
	install_prolong(s.installer, set, 1); /* nowhere to, and not owed later */
	assert_true(run_until(s.loop, &s.up));
	expect_sync(&s, 0);
	install_put(s.installer, set, NULL, NULL);
	assert_true(next_install(&s, &v));
	call_id = v.registration.contact[1].call_id;
	fake_acknowledge(&fake, v.seq, INSTALL_OK);
	set->contact[1].cseq = 4711;
	set->contact[1].expires_wall_ms = clock_wall_ms() + 60000;
	install_prolong(s.installer, set, 1);
	assert_true(next_install(&s, &v));
	assert_int_equal(v.type, INSTALL_PROLONG);
	assert_true(v.prolong.set_id == set->id);
	assert_int_equal(v.prolong.contact, 1);
	assert_int_equal(v.prolong.cseq, 4711);
	assert_true(v.prolong.call_id == call_id);
	assert_in_range(v.prolong.expires_ms, clock_ms() + 59000, clock_ms() + 60000);
	fake_acknowledge(&fake, v.seq, INSTALL_OK);
	install_prolong(s.installer, set, 0);
	assert_true(next_install(&s, &v));
	assert_true(s.gone == 0);
	fake_acknowledge(&fake, v.seq, INSTALL_GONE);
	assert_true(run_until(s.loop, &s.is_done));
	assert_true(s.gone == set->id);
	registration_set_free(set);
	close_all(&s);
}

static void test_link_down_ends_what_is_open(void **state)
{
	struct registration_set *set = make_set(1, 1, 0);
	struct seen s;

	open_all(&s, true);
	install_put(s.installer, set, on_done, &s); /* before the link is up */
	assert_int_equal(s.done, 0);
	assert_true(run_until(s.loop, &s.is_done));
	assert_int_equal(s.last_status, -1);
	assert_true(run_until(s.loop, &s.up));
	expect_sync(&s, 0);
	s.last_status = 0;
	install_put(s.installer, set, on_done, &s);
	fake_stop(&fake);
	assert_true(run_until(s.loop, &s.down));
	run_for(s.loop, 0.01);
	assert_int_equal(s.done, 2);
	assert_int_equal(s.last_status, -1);
	fake_start(&fake);
	registration_set_free(set);
	close_all(&s);
}

/* Associations come before the registrations that name them, each once, and are put and
 * deleted like these. */
static void test_associations_are_installed(void **state)
{
	struct sa *sa[3];
	struct abi_install_view v;
	struct seen s;

	open_all(&s, true);
	s.sas = sas_new();
	for (uint32_t i = 0; i < 3; i++) {
		sa[i] = make_sa(i);
		assert_true(sas_put(s.sas, sa[i]));
	}
	assert_true(registrations_put(s.all, make_set(1, 1, 1)));
	assert_true(run_until(s.loop, &s.up));
	expect_sync(&s, 1);
	s.is_done = false;
	sas_set_state(s.sas, sa[1], SA_ACTIVE, clock_wall_ms() + 5000);
	install_sa(s.installer, sa[1], on_done, &s);
	assert_true(next_install(&s, &v));
	assert_int_equal(v.type, INSTALL_SA);
	assert_int_equal(v.sa.sa_id, 501);
	assert_int_equal(v.sa.set_id, sa[1]->set_id);
	assert_int_equal(v.sa.integrity, ABI_SA_HMAC_SHA_1_96);
	assert_int_equal(v.sa.cipher, ABI_SA_AES_CBC);
	assert_in_range(v.sa.expires_ms, clock_ms() + 4000, clock_ms() + 5000);
	fake_acknowledge(&fake, v.seq, INSTALL_OK);
	assert_true(run_until(s.loop, &s.is_done));
	assert_int_equal(s.last_status, INSTALL_OK);
	install_sa_delete(s.installer, 501, NULL, NULL);
	assert_true(next_install(&s, &v));
	assert_int_equal(v.type, INSTALL_SA_DELETE);
	assert_int_equal(v.sa_id, 501);
	fake_acknowledge(&fake, v.seq, INSTALL_OK);
	close_all(&s);
	sas_free(s.sas);
}

/* More than the ring holds: what waits is sent when acknowledgements make room. */
static void test_synchronises_more_than_the_ring_holds(void **state)
{
	enum { MANY = 20000 };
	struct abi_install_view v;
	struct seen s;
	uint32_t puts = 0;

	open_all(&s, true);
	for (uint32_t i = 0; i < MANY; i++)
		assert_true(registrations_put(s.all, make_set(i, 1, 1)));
	assert_true(run_until(s.loop, &s.up));
	assert_true(next_install(&s, &v));
	assert_int_equal(v.type, INSTALL_SYNC_BEGIN);
	fake_acknowledge(&fake, v.seq, INSTALL_OK);
	/* Asked for during the synchronisation: sent once, and not again by it. */
	install_put(s.installer, registrations_by_impu(s.all, "sip:user19999@example.org"),
		    on_done, &s);
	install_delete(s.installer,
		       registrations_by_impu(s.all, "sip:user19998@example.org")->id, on_done,
		       &s);
	for (;;) {
		assert_true(next_install(&s, &v));
		fake_acknowledge(&fake, v.seq, INSTALL_OK);
		if (v.type == INSTALL_SYNC_END)
			break;
		puts += v.type == INSTALL_REGISTRATION;
	}
	assert_int_equal(puts, MANY - 1);
	run_for(s.loop, 0.05);
	assert_int_equal(s.done, 2);
	assert_int_equal(s.last_status, INSTALL_OK);
	close_all(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_wakes_control),
		cmocka_unit_test(test_all_of_a_flood_arrives),
		cmocka_unit_test(test_bad_punt_is_left_out),
		cmocka_unit_test(test_sends_and_resumes),
		cmocka_unit_test(test_full_inject_ring_is_told),
		cmocka_unit_test(test_source_follows_the_routes),
		cmocka_unit_test(test_comes_back_and_tells_a_fresh_start),
		cmocka_unit_test(test_broken_ring_takes_the_link_down),
		cmocka_unit_test(test_put_is_acknowledged),
		cmocka_unit_test(test_contact_is_prolonged),
		cmocka_unit_test(test_link_down_ends_what_is_open),
		cmocka_unit_test(test_associations_are_installed),
		cmocka_unit_test(test_synchronises_more_than_the_ring_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
