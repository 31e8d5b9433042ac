/* test_refreshed.c - refreshes that a worker answers: its 200 OK is control's own, and control
 * takes over what it granted */
#include "client.h"

#include <ev.h>

#include "../../role/bench.h"
#include "base/clock.h"
#include "control/install.h"
#include "control/register.h"

#define FLOW "10.10.0.2:5062"

static struct fake *f;

static int setup(void **state)
{
	f = fake_new(CONF_PCSCF | CONF_ICSCF | CONF_SCSCF);
	return 0;
}

static int teardown(void **state)
{
	fake_free(f);
	return 0;
}

static struct registration_set *alice(void)
{
	return registrations_by_impu(f->c.registrations, "sip:alice@ims.example");
}

static struct registration_contact *contact(void)
{
	assert_int_equal(alice()->n_contact, 1);
	return &alice()->contact[0];
}

static struct registrar_stats stats(void)
{
	struct registrar_stats s;

	registrar_stats(f->c.registrar, &s);
	return s;
}

static void on_stop(struct ev_loop *loop, struct ev_timer *w, int events)
{
	ev_break(loop, EVBREAK_ALL);
}

static void tick(void)
{
	struct ev_timer stop;

	ev_timer_init(&stop, on_stop, 2.5 * REFRESHED_TICK_MS / 1000., 0.);
	ev_timer_start(f->c.loop, &stop);
	ev_run(f->c.loop, 0);
}

static const char *message(const struct client *cl, const char *lines)
{
	static char text[4096];
	const char *user = cl->user ? cl->user : "alice";

	snprintf(text, sizeof(text),
		 "REGISTER sip:ims.example SIP/2.0\r\nVia: SIP/2.0/UDP "
		 "10.10.0.2:5062;branch=z9hG4bK%u\r\n"
		 "Max-Forwards: 70\r\nFrom: <sip:%s@ims.example>;tag=f\r\nTo: "
		 "<sip:%s@ims.example>\r\n"
		 "Call-ID: %s\r\nCSeq: %u REGISTER\r\n%s%s\r\n",
		 cl->cseq, user, user, cl->call_id ? cl->call_id : "c1", cl->cseq,
		 cl->contact ? cl->contact : "Contact: <sip:alice@" FLOW ">\r\n", lines);
	return text;
}

/* The worker's notice, and where the request came to. */
static void refreshed_at(const struct client *cl, uint32_t expires, const char *dst)
{
	const char *text = message(cl, "");
	uint32_t len = (uint32_t)strlen(text);
	struct abi_punt *p = malloc(sizeof(*p) + len);

	*p = (struct abi_punt){.reason = PUNT_REFRESHED,
			       .len = len,
			       .src = bench_addr(cl->src ? cl->src : FLOW),
			       .dst = bench_addr(dst),
			       .expires = expires};
	memcpy(p->data, text, len);
	registrar_refreshed(f->c.registrar, p);
	free(p);
}

/* On another port of ours than it registered at. */
static void refreshed(const struct client *cl, uint32_t expires)
{
	refreshed_at(cl, expires, "10.10.0.1:5080");
}

/* As before in all but its time. */
static void prolonged(const struct client *cl, uint32_t expires)
{
	char local[ADDR_TEXT_MAX];

	refreshed_at(cl, expires, addr_text(&contact()->local, local));
}

static void registers(struct client *cl)
{
	cl->src = FLOW;
	if (!cl->contact)
		cl->contact = "Contact: <sip:alice@" FLOW ">\r\n";
	client_register(f, cl);
	assert_int_equal(f->status, 200);
	fake_clear(f);
}

static uint64_t left(void)
{
	return contact()->expires_wall_ms - clock_wall_ms();
}

/* Of the worker's 200 OK: what stands between CSeq and Content-Length. */
static const char *workers_lines(struct bench *b, uint32_t cseq)
{
	static char lines[BENCH_MESSAGE_MAX];
	char before[64], *at, *end;

	snprintf(before, sizeof(before), "\r\nCSeq: %u REGISTER\r\n", cseq);
	at = strstr(b->out[0].text, before);
	assert_non_null(at);
	snprintf(lines, sizeof(lines), "%s", at + strlen(before));
	end = strstr(lines, "Content-Length: 0\r\n\r\n");
	assert_non_null(end);
	*end = 0;
	return lines;
}

/* What control answers to a refresh it has authenticated, and what a worker answers to the same
 * one, given the set as control installs it. */
static void same_answer(const char *contact_line)
{
	const struct install_policy policy = {.key = {1, 2}, .ip_association = true};
	struct bench *b = bench_open(NODE_PCSCF | NODE_ICSCF | NODE_SCSCF);
	struct client cl = {.contact = contact_line};
	struct abi_registration_view v;

	atomic_store(&b->node.expires.min_s, f->conf.control.expires_min_s);
	atomic_store(&b->node.expires.default_s, f->conf.control.expires_default_s);
	atomic_store(&b->node.expires.max_s, f->conf.control.expires_max_s);
	registers(&cl);
	fake_aka(f);
	client_send(f, &cl, "");
	client_send(f, &cl, client_authorization(f, &cl, AUTH_AKAV1_MD5, RES));
	assert_int_equal(f->status, 200);

	install_view(alice(), &policy, &v);
	bench_put(b, &v);
	cl.cseq++;
	bench_input(b, message(&cl, "Content-Length: 0\r\n"), FLOW, "10.10.0.1");
	assert_int_equal(b->verdict, VERDICT_PUNT);
	assert_int_equal(b->punt, PUNT_REFRESHED);
	assert_string_equal(workers_lines(b, cl.cseq), f->headers);

	/* And the binding is the same afterwards. */
	struct registration_set *by_control = registration_set_copy(alice());
	const struct registration_contact *was = &by_control->contact[0];
	refreshed(&cl, role_granted(b->worker));
	assert_int_equal(contact()->cseq, was->cseq + 1);
	assert_in_range(contact()->expires_wall_ms, was->expires_wall_ms,
			was->expires_wall_ms + 5000);
	assert_string_equal(contact()->params, was->params);
	assert_string_equal(contact()->instance, was->instance);
	assert_int_equal(contact()->q, was->q);
	assert_int_equal(contact()->reg_id, was->reg_id);
	registration_set_free(by_control);
	bench_close(b);
}

static void golden(void **state)
{
	static const char *const line[] = {
		"Contact: <sip:alice@" FLOW ">\r\n",
		"Contact: <sip:alice@" FLOW ">;expires=700\r\n",
		"Contact: <sip:alice@" FLOW ">;expires=99999\r\n",
		"Contact: \"Alice\" <sip:alice@" FLOW ">;q=0.5;expires=700;+g.3gpp.smsip\r\n",
		"Contact: <sip:alice@" FLOW ">;+sip.instance=\"<urn:gsma:imei:3;5-0>\";"
		"reg-id=1\r\nExpires: 900\r\n",
		"Contact: <sip:alice@" FLOW "> ;EXPIRES = 700; q=0.1\r\n",
		"m: <sip:alice@" FLOW ">; expires=300; x=\"a, b;c\"\r\n",
		"Contact: sip:alice@" FLOW ";expires=65\r\n",
	};

	for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
		same_answer(line[i]);
		teardown(NULL);
		setup(NULL);
	}
}

static void view_says_what_is_refreshable(void **state)
{
	struct install_policy policy = {.key = {1, 2}, .ip_association = true};
	const uint8_t both = ABI_CONTACT_PROTECTED | ABI_CONTACT_REFRESH;
	struct abi_registration_view v;
	struct client cl = {0};

	registers(&cl);
	install_view(alice(), &policy, &v);
	assert_int_equal(v.contact[0].flags, both);
	assert_int_equal(v.contact[0].cseq, cl.cseq);
	assert_true(v.contact[0].call_id == hash_table(&policy.key, "c1", 2));
	assert_int_equal(v.contact[0].impi,
			 (uint32_t)hash_table(&policy.key, "alice@ims.example", 17));
	/* Not as provisioned: a worker could not write it. */
	alice()->impu_uri[1][0] = 'T';
	install_view(alice(), &policy, &v);
	assert_int_equal(v.contact[0].flags, ABI_CONTACT_PROTECTED);
	alice()->impu_uri[1][0] = 't';
	policy.ip_association = false;
	install_view(alice(), &policy, &v);
	assert_int_equal(v.contact[0].flags, 0);
	policy.ip_association = true;
	alice()->roles = ABI_REG_PCSCF;
	install_view(alice(), &policy, &v);
	assert_int_equal(v.contact[0].flags, 0);
	alice()->roles = ABI_REG_PCSCF | ABI_REG_SCSCF;
	contact()->flow.family = 0;
	install_view(alice(), &policy, &v);
	assert_int_equal(v.contact[0].flags, 0);
}

/* Prolonged at once, written once. */
static void prolonged_and_written_once(void **state)
{
	struct client cl = {0};
	uint64_t due;

	registers(&cl);
	for (int i = 0; i < 3; i++) {
		cl.cseq++;
		refreshed(&cl, 7000);
	}
	assert_in_range(left(), 6990000, 7000000);
	assert_int_equal(contact()->cseq, cl.cseq);
	assert_int_equal(contact()->local.port, 5080);
	assert_ptr_equal(registrations_next_expiry(f->c.registrations, &due), alice());
	assert_true(due == contact()->expires_wall_ms);
	assert_string_equal(f->trace, "");
	assert_int_equal(stats().refreshed_waiting, 1);
	tick();
	assert_string_equal(f->trace,
			    "store sip:alice@ims.example contacts=1\n"
			    "install sip:alice@ims.example roles=3 impus=2 <sip:alice@" FLOW
			    "> " FLOW "\n");
	assert_int_equal(stats().refreshed_waiting, 0);
	assert_int_equal(stats().refreshed, 3);
	assert_int_equal(stats().attempts[1], 3);
	assert_int_equal(stats().successes[1], 3);
	fake_clear(f);
	tick();
	assert_string_equal(f->trace, "");
}

static void only_the_time_is_told(void **state)
{
	struct client cl = {0};
	char want[128];

	registers(&cl);
	for (int i = 0; i < 3; i++) {
		cl.cseq++;
		prolonged(&cl, 7000);
	}
	assert_int_equal(stats().refreshed_waiting, 1);
	tick();
	snprintf(want, sizeof(want), "journal cseq=%u\nprolong <sip:alice@" FLOW "> cseq=%u\n",
		 cl.cseq, cl.cseq);
	assert_string_equal(f->trace, want);
	assert_int_equal(stats().refreshed_waiting, 0);
	assert_int_equal(f->n_line, 1);
	assert_int_equal(f->line[0].set_id, alice()->id);
	assert_int_equal(f->line[0].expires_wall_ms, contact()->expires_wall_ms);
	/* The data plane has no such contact: it is given the set. */
	fake_clear(f);
	registrar_gone(f->c.registrar, alice()->id);
	tick();
	assert_non_null(strstr(f->trace, "install sip:alice@ims.example"));
	/* More has changed: the set is written, not the line as well. */
	fake_clear(f);
	cl.cseq++;
	prolonged(&cl, 7000);
	cl.cseq++;
	cl.contact = "Contact: <sip:alice@" FLOW ">;q=0.2\r\n";
	prolonged(&cl, 7000);
	tick();
	assert_null(strstr(f->trace, "journal"));
	assert_non_null(strstr(f->trace, "store sip:alice@ims.example"));
	fake_clear(f);
	tick();
	assert_string_equal(f->trace, "");
}

/* As many lines as that are never a few users' last words. */
static void journal_is_shortened(void **state)
{
	struct client cl = {0};

	registers(&cl);
	fake_clear(f);
	cl.cseq++;
	prolonged(&cl, 7000);
	tick();
	f->n_line_elsewhere = 1 << 20;
	cl.cseq++;
	prolonged(&cl, 7000);
	fake_clear(f);
	tick();
	/* The first was overtaken; the second is what counts, and goes to the set. */
	assert_int_equal(f->n_line, 0);
	assert_non_null(strstr(f->trace, "store sip:alice@ims.example"));
	assert_null(strstr(strstr(f->trace, "store") + 1, "store"));
}

static void takes_over_what_changed(void **state)
{
	struct client cl = {.contact = "Contact: <sip:alice@" FLOW ">;q=0.5;a=1\r\n"};

	registers(&cl);
	cl.contact = "Contact: <sip:alice@" FLOW
		     ">;q=0.2;expires=9;+sip.instance=\"<urn:x>\";reg-id=2\r\n";
	cl.call_id = "another";
	cl.cseq = 1;
	refreshed(&cl, 100);
	assert_in_range(left(), 90000, 100000);
	assert_string_equal(contact()->params, ";q=0.2;+sip.instance=\"<urn:x>\";reg-id=2");
	assert_string_equal(contact()->instance, "<urn:x>");
	assert_string_equal(contact()->call_id, "another");
	assert_int_equal(contact()->q, 200);
	assert_int_equal(contact()->reg_id, 2);
	assert_int_equal(contact()->cseq, 1);
}

/* Two workers, and a lost 200 OK. */
static void late_and_repeated_notices(void **state)
{
	struct client cl = {0};
	const char *charged;

	registers(&cl);
	f->c.charging = (struct charging *)f;
	cl.cseq = 9;
	refreshed(&cl, 1000);
	cl.cseq = 8;
	refreshed(&cl, 5000);
	assert_in_range(left(), 990000, 1000000);
	assert_int_equal(contact()->cseq, 9);
	cl.cseq = 9;
	refreshed(&cl, 1001);
	assert_in_range(left(), 1000000, 1001000);
	refreshed(&cl, 500);
	assert_in_range(left(), 1000000, 1001000);
	/* One re-registration, however often it was heard of. */
	charged = strstr(f->trace, "charge sip:alice@ims.example 200\n");
	assert_non_null(charged);
	assert_null(strstr(charged + 1, "charge"));
	assert_int_equal(stats().refreshed, 4);
	assert_int_equal(stats().attempts[1], 1);
}

/* What has ended stays ended. */
static void nothing_rises_again(void **state)
{
	struct client cl = {0}, stranger = {.src = "10.10.0.3:5062"};

	registers(&cl);
	cl.cseq++;
	stranger.cseq = 77;
	refreshed(&stranger, 600);
	assert_int_equal(contact()->cseq, cl.cseq - 1);
	assert_int_equal(stats().refreshed_late, 1);
	/* Prolonged, and ended before it was written. */
	refreshed(&cl, 600);
	assert_int_equal(registrar_deregister(f->c.registrar, SLICE("alice@ims.example"), NULL,
					      0, CX_REASON_PERMANENT_TERMINATION),
			 1);
	fake_clear(f);
	tick();
	assert_string_equal(f->trace, "");
	cl.cseq++;
	refreshed(&cl, 600);
	tick();
	assert_null(alice());
	assert_string_equal(f->trace, "");
	assert_int_equal(stats().refreshed_late, 2);
	assert_int_equal(stats().refreshed, 3);
}

/* A REGISTER works on a copy of the set: what is refreshed meanwhile is not lost with the set
 * that the copy replaces, and nothing older is written behind it. */
static void beside_a_registration(void **state)
{
	struct client cl = {0}, second = {.call_id = "second",
					  .contact = "Contact: <sip:alice@10.10.0.9>\r\n",
					  .src = "10.10.0.9:5060"};

	registers(&cl);
	fake_aka(f);
	client_send(f, &second, "");
	second.nc = 1;
	cl.cseq++;
	refreshed(&cl, 7000);
	f->hold = true;
	client_send(f, &second, client_authorization(f, &second, AUTH_AKAV1_MD5, RES));
	fake_clear(f);
	while (f->n_pending && f->pending[0].kind != PENDING_STORE) {
		struct fake_pending first = f->pending[0];

		assert_int_equal(first.kind, PENDING_UAR);
		f->n_pending = 0;
		((void (*)(void *, const struct cx_uaa *))first.fn)(first.ctx, &f->uaa);
	}
	assert_int_equal(f->n_pending, 1);
	f->hold = false;
	cl.cseq++;
	refreshed(&cl, 5000);
	fake_clear(f);
	tick();
	assert_string_equal(f->trace, "");
	assert_int_equal(contact()->cseq, cl.cseq - 1);
	fake_run(f);
	assert_int_equal(f->status, 200);
	assert_int_equal(alice()->n_contact, 2);
	fake_clear(f);
	tick();
	assert_int_equal(alice()->contact[0].cseq, cl.cseq);
	assert_in_range(alice()->contact[0].expires_wall_ms - clock_wall_ms(), 4990000,
			5000000);
	assert_non_null(strstr(f->trace, "store sip:alice@ims.example contacts=2\ninstall"));
	assert_int_equal(stats().refreshed_waiting, 0);
	assert_int_equal(stats().refreshed, 2);
	assert_int_equal(stats().refreshed_late, 0);
}

static void flushed_before_the_end(void **state)
{
	struct client cl = {0};

	registers(&cl);
	cl.cseq++;
	refreshed(&cl, 600);
	registrar_flush(f->c.registrar);
	assert_non_null(strstr(f->trace, "store sip:alice@ims.example"));
	assert_int_equal(stats().refreshed_waiting, 0);
}

/* Records come from shared memory. */
static void odd_notices(void **state)
{
	static const char *const text[] = {
		"REGISTER",
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKx\r\nFrom: "
		"<sip:a@b>;tag=1\r\n"
		"To: <sip:alice@ims.example>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n\r\n",
		"REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKx\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:alice@ims.example>\r\nCall-ID: c\r\n"
		"CSeq: 1 REGISTER\r\nContact: *\r\n\r\n",
		"REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKx\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <urn:x>\r\nCall-ID: c\r\n"
		"CSeq: 1 REGISTER\r\nContact: <sip:alice@" FLOW ">\r\n\r\n",
	};
	struct client cl = {0};

	registers(&cl);
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		uint32_t len = (uint32_t)strlen(text[i]);
		struct abi_punt *p = calloc(1, sizeof(*p) + len);

		p->reason = PUNT_REFRESHED;
		p->expires = 600;
		p->len = len;
		p->src = bench_addr(FLOW);
		memcpy(p->data, text[i], len);
		registrar_refreshed(f->c.registrar, p);
		free(p);
	}
	assert_int_equal(stats().refreshed_late, sizeof(text) / sizeof(text[0]));
	assert_int_equal(contact()->cseq, cl.cseq);
}

/* More than one tick takes, in turn. */
static void many(void **state)
{
	enum { USERS = 3000 };

	for (uint32_t i = 0; i < USERS; i++) {
		struct registration_set *s = registration_set_new();
		char name[64];

		snprintf(name, sizeof(name), "sip:u%u@ims.example", i);
		s->id = i + 1;
		s->n_impu = 1;
		s->impu[0] = strdup(name);
		s->impu_uri[0] = strdup(name);
		assert_true(registration_room(s, 1));
		s->n_contact = 1;
		s->contact[0] = (struct registration_contact){
			.flow = bench_addr(FLOW),
			.uri = strdup("sip:alice@" FLOW),
			.path = strdup(""),
			.instance = strdup(""),
			.call_id = strdup("c1"),
			.params = strdup(""),
		};
		assert_true(registrations_put(f->c.registrations, s));
	}
	for (uint32_t i = 0; i < USERS; i++) {
		char name[16];
		struct client cl = {.user = name, .cseq = 5};

		snprintf(name, sizeof(name), "u%u", i);
		refreshed(&cl, 600);
		if (i % 100 == 0)
			fake_clear(f);
	}
	assert_int_equal(stats().refreshed_waiting, USERS);
	/* One tick, and no more than its share: a 16th would be less than the least. */
	ev_run(f->c.loop, EVRUN_ONCE);
	assert_int_equal(stats().refreshed_waiting, USERS - 1024);
	fake_clear(f);
	registrar_flush(f->c.registrar);
	assert_int_equal(stats().refreshed_waiting, 0);
	assert_int_equal(stats().refreshed, USERS);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(golden),
		T(view_says_what_is_refreshable),
		T(prolonged_and_written_once),
		T(only_the_time_is_told),
		T(journal_is_shortened),
		T(takes_over_what_changed),
		T(late_and_repeated_notices),
		T(nothing_rises_again),
		T(beside_a_registration),
		T(flushed_before_the_end),
		T(odd_notices),
		T(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
