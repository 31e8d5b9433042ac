/* test_signalling.c - bearers under registrations: who is asked for, told of, and given up */
#include "client.h"

#include <ev.h>
#include <string.h>

#include "base/clock.h"
#include "control/register.h"
#include "control/signalling.h"

static struct fake *f;

/* ---- the policy function ---- */

enum { SESSIONS_MAX = 64 };

struct policy_session {
	char name[80];
	char ue[ADDR_TEXT_MAX];
	policy_done *done;
	void *ctx, *owner;
	bool asked, ended;
};

static struct {
	struct policy_session session[SESSIONS_MAX];
	uint32_t n;
	bool down, no_memory;
} pcrf;

struct policy_session *policy_begin(struct policy *p, const struct policy_ask *a,
				    policy_done *done, void *ctx, void *owner)
{
	struct policy_session *s = &pcrf.session[pcrf.n];

	if (pcrf.no_memory)
		return NULL;
	assert_true(pcrf.n < SESSIONS_MAX);
	pcrf.n++;
	assert_int_equal(a->kind, POLICY_SIGNALLING);
	assert_int_equal(a->identity.len, strlen("sip:alice@ims.example"));
	snprintf(s->name, sizeof(s->name), "%.*s", SLICE_ARG(a->name));
	addr_text(&a->ue, s->ue);
	s->done = done;
	s->ctx = ctx;
	s->owner = owner;
	s->asked = true;
	return s;
}

void policy_end(struct policy_session *s)
{
	assert_false(s->ended);
	s->ended = true;
}

static struct policy_session before[3];

void policy_adopt(struct policy *p, enum policy_kind kind,
		  void *(*owner_of)(void *ctx, struct policy_session *s, struct slice name),
		  void *ctx)
{
	assert_int_equal(kind, POLICY_SIGNALLING);
	for (int i = 0; i < 3; i++)
		before[i].owner = owner_of(ctx, &before[i], slice_str(before[i].name));
}

void policy_stats(const struct policy *p, struct policy_stats *out)
{
	*out = (struct policy_stats){.up = !pcrf.down};
}

static void answer(uint32_t i, enum policy_verdict verdict)
{
	const struct policy_outcome o = {verdict, "no such access"};

	assert_true(pcrf.session[i].asked);
	pcrf.session[i].asked = false;
	pcrf.session[i].done(pcrf.session[i].ctx, &o);
}

/* ---- */

static void open_it(void)
{
	f->c.signalling = signalling_open(&f->c);
	assert_non_null(f->c.signalling);
}

static int setup(void **state)
{
	memset(&pcrf, 0, sizeof(pcrf));
	memset(before, 0, sizeof(before));
	f = fake_new(CONF_PCSCF);
	f->c.policy = (struct policy *)f;
	f->conf.policy.signalling = true;
	f->conf.policy.window = 4;
	f->conf.policy.n_access = 1;
	assert_true(addr_parse_ip(SLICE("192.0.2.0"), &f->conf.policy.access[0].ip));
	f->conf.policy.access[0].bits = 24;
	open_it();
	return 0;
}

static int teardown(void **state)
{
	signalling_close(f->c.signalling);
	f->c.signalling = NULL;
	fake_free(f);
	return 0;
}

static struct signalling_stats stats(void)
{
	struct signalling_stats s;

	signalling_stats(f->c.signalling, &s);
	return s;
}

static struct registration_set *alice(void)
{
	return registrations_by_impu(f->c.registrations, "sip:alice@ims.example");
}

/* The registrar's 200 OK for it, with these contacts. */
static void registers(const char *src, const char *contact, const char *granted)
{
	char response[2048];
	struct client cl = {.src = src, .contact = contact, .call_id = src};

	client_send(f, &cl, "");
	snprintf(response, sizeof(response),
		 "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKc1\r\nFrom: "
		 "<sip:alice@ims.example>;tag=f\r\nTo: <sip:alice@ims.example>;tag=t\r\n"
		 "Call-ID: c1\r\nCSeq: 1 REGISTER\r\n%sContent-Length: 0\r\n\r\n",
		 granted);
	fake_clear(f);
	fake_respond(f, response);
	assert_int_equal(f->status, 200);
}

#define A "Contact: <sip:alice@192.0.2.7:5062>"
#define B "Contact: <sip:alice@192.0.2.8:5062>"

static void registered(void)
{
	registers(UE, A "\r\n", A ";expires=600\r\n");
}

static void from_the_answer_to_the_end(void **state)
{
	registered();
	assert_int_equal(pcrf.n, 1);
	assert_string_equal(pcrf.session[0].ue, "192.0.2.7:0");
	assert_int_equal(stats().paths, 1);
	assert_int_equal(stats().open, 0);
	answer(0, POLICY_GRANTED);
	assert_int_equal(stats().open, 1);
	/* Again, and nothing is asked anew. */
	registers(UE, A "\r\n", A ";expires=600\r\n");
	assert_int_equal(pcrf.n, 1);
	registers(UE, A ";expires=0\r\n", "");
	assert_null(alice());
	assert_true(pcrf.session[0].ended);
	assert_int_equal(stats().paths + stats().open + stats().waiting, 0);
}

static void one_an_address(void **state)
{
	registered();
	answer(0, POLICY_GRANTED);
	registers("192.0.2.8:5062", B "\r\n", A ";expires=600\r\n" B ";expires=600\r\n");
	assert_int_equal(pcrf.n, 2);
	assert_string_equal(pcrf.session[1].ue, "192.0.2.8:0");
	answer(1, POLICY_GRANTED);
	/* The registrar has ended the first. */
	registers("192.0.2.8:5062", B "\r\n", B ";expires=600\r\n");
	assert_true(pcrf.session[0].ended);
	assert_false(pcrf.session[1].ended);
	assert_int_equal(stats().paths, 1);
}

static void expired(void **state)
{
	registered();
	answer(0, POLICY_GRANTED);
	alice()->contact[0].expires_wall_ms = clock_wall_ms() - 1;
	registrar_expire(f->c.registrar, alice());
	assert_null(alice());
	assert_true(pcrf.session[0].ended);
	assert_int_equal(stats().paths, 0);
}

/* Where the terminal goes while its question is out, the answer finds nobody. */
static void gone_before_the_answer(void **state)
{
	registered();
	registers(UE, A ";expires=0\r\n", "");
	assert_true(pcrf.session[0].ended);
	assert_int_equal(stats().paths, 0);
	answer(0, POLICY_GRANTED);
	assert_int_equal(stats().open, 0);
}

static void refused(void **state)
{
	registered();
	answer(0, POLICY_REFUSED);
	assert_true(pcrf.session[0].ended);
	assert_int_equal(stats().refused, 1);
	assert_int_equal(stats().waiting, 0);
	assert_non_null(alice());
	/* When it registers anew. */
	registered();
	assert_int_equal(pcrf.n, 2);
	answer(1, POLICY_GRANTED);
	assert_int_equal(stats().open, 1);
}

static void tick(void)
{
	struct ev_loop *loop = f->c.loop;

	ev_sleep(1.05);
	ev_run(loop, EVRUN_NOWAIT);
}

static void no_answer(void **state)
{
	registered();
	answer(0, POLICY_NO_ANSWER);
	assert_true(pcrf.session[0].ended);
	assert_int_equal(pcrf.n, 1);
	assert_int_equal(stats().waiting, 1);
	tick();
	assert_int_equal(pcrf.n, 2);
	answer(1, POLICY_GRANTED);
	assert_int_equal(stats().waiting, 0);
	assert_int_equal(stats().open, 1);
}

static void away(void **state)
{
	pcrf.down = true;
	registered();
	assert_int_equal(pcrf.n, 0);
	assert_int_equal(stats().waiting, 1);
	tick();
	assert_int_equal(pcrf.n, 0);
	pcrf.down = false;
	pcrf.no_memory = true;
	tick();
	assert_int_equal(stats().waiting, 1);
	pcrf.no_memory = false;
	tick();
	assert_int_equal(pcrf.n, 1);
	/* Given up while it waits. */
	answer(0, POLICY_NO_ANSWER);
	registers(UE, A ";expires=0\r\n", "");
	assert_int_equal(stats().paths + stats().waiting, 0);
	tick();
	assert_int_equal(pcrf.n, 1);
}

/* A window of 4: 2 may be asked for at a time. */
static void few_at_a_time(void **state)
{
	char contact[256], granted[1024] = "";

	for (int i = 1; i <= 4; i++) {
		char src[32];

		snprintf(src, sizeof(src), "192.0.2.%d:5062", i);
		snprintf(contact, sizeof(contact), "Contact: <sip:alice@%s>\r\n", src);
		snprintf(granted + strlen(granted), sizeof(granted) - strlen(granted),
			 "Contact: <sip:alice@%s>;expires=600\r\n", src);
		registers(src, contact, granted);
	}
	assert_int_equal(pcrf.n, 2);
	assert_int_equal(stats().waiting, 2);
	answer(0, POLICY_GRANTED);
	assert_int_equal(pcrf.n, 3);
	answer(2, POLICY_REFUSED);
	assert_int_equal(pcrf.n, 4);
	assert_int_equal(stats().waiting, 0);
	assert_string_equal(pcrf.session[3].ue, "192.0.2.4:0");
}

static void elsewhere(void **state)
{
	f->conf.policy.access[0].bits = 30;
	registered();
	assert_int_equal(stats().paths, 0);
	f->conf.policy.access[0].bits = 24;
	f->conf.policy.signalling = false;
	registered();
	assert_int_equal(stats().paths, 0);
}

static void tell(enum policy_event_kind kind)
{
	const struct policy_event e = {kind, "", "", ""};
	struct policy_events to = signalling_policy_events(f->c.signalling);

	to.event(to.ctx, pcrf.session[0].owner, &e);
}

static void lost(void **state)
{
	registered();
	answer(0, POLICY_GRANTED);
	tell(POLICY_CHANGED);
	tell(POLICY_LOST);
	assert_int_equal(stats().changed, 1);
	assert_int_equal(stats().lost, 1);
	assert_int_equal(stats().dropped, 0);
	assert_false(pcrf.session[0].ended);
	assert_true(alice()->contact[0].expires_wall_ms > clock_wall_ms() + 1000);
	f->conf.policy.drop_on_signalling_loss = true;
	tell(POLICY_LOST);
	assert_int_equal(stats().dropped, 1);
	assert_true(alice()->contact[0].expires_wall_ms <= clock_wall_ms());
	registrar_expire(f->c.registrar, alice());
	assert_null(alice());
	assert_true(pcrf.session[0].ended);
}

static void taken_away(void **state)
{
	registered();
	answer(0, POLICY_GRANTED);
	tell(POLICY_RELEASED);
	assert_true(pcrf.session[0].ended);
	assert_int_equal(stats().open, 0);
	assert_int_equal(stats().paths, 1);
	assert_non_null(alice());
	registered();
	assert_int_equal(pcrf.n, 2);
}

static void after_a_restart(void **state)
{
	registered();
	answer(0, POLICY_GRANTED);
	/* Control starts anew: one of before is still wanted; its double, and what cannot be
	 * read, are not. */
	strcpy(before[0].name, pcrf.session[0].name);
	strcpy(before[1].name, pcrf.session[0].name);
	strcpy(before[2].name, "call-id@host");
	signalling_close(f->c.signalling);
	open_it();
	signalling_start(f->c.signalling);
	assert_non_null(before[0].owner);
	assert_null(before[1].owner);
	assert_null(before[2].owner);
	assert_int_equal(stats().open, 1);
	assert_int_equal(pcrf.n, 1);
	registers(UE, A ";expires=0\r\n", "");
	assert_true(before[0].ended);
	assert_int_equal(stats().paths, 0);
}

static void after_a_restart_without_sessions(void **state)
{
	registered();
	answer(0, POLICY_GRANTED);
	signalling_close(f->c.signalling);
	open_it();
	signalling_start(f->c.signalling);
	assert_int_equal(pcrf.n, 2);
	answer(1, POLICY_GRANTED);
	assert_int_equal(stats().open, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(from_the_answer_to_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(one_an_address, setup, teardown),
		cmocka_unit_test_setup_teardown(expired, setup, teardown),
		cmocka_unit_test_setup_teardown(gone_before_the_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(refused, setup, teardown),
		cmocka_unit_test_setup_teardown(no_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(away, setup, teardown),
		cmocka_unit_test_setup_teardown(few_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(lost, setup, teardown),
		cmocka_unit_test_setup_teardown(taken_away, setup, teardown),
		cmocka_unit_test_setup_teardown(after_a_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(after_a_restart_without_sessions, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
