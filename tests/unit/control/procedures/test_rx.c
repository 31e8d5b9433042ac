/* test_rx.c - policy sessions by way of Rx: what the PCRF is asked, and what it says */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "control/control.h"
#include "control/persist.h"
#include "control/policy.h"
#include "control/query.h"
#include "diameter/diameter.h"
#include "media/component.h"
#include "rx/rx.h"

static struct control c;
static struct conf conf;
static struct policy *p;

/* ---- time: sessions are old when the test says so ---- */

static uint64_t later_s;

int __real_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
	int error = __real_clock_gettime(id, out);

	if (id == CLOCK_MONOTONIC)
		out->tv_sec += (time_t)later_s;
	return error;
}

static void tick(void)
{
	ev_sleep(1.05);
	ev_run(c.loop, EVRUN_NOWAIT);
}

/* ---- the PCRFs: what they are asked waits for the test's answer ---- */

enum { ASKED_MAX = 16, AAR = 0, STR = 1, RAR = 2, ASR = 3 };

static struct {
	const struct query_interface *of;
	void *ctx;
	bool down[2];
	uint32_t n;
	struct {
		struct query_waiter w;
		uint32_t host;
		union {
			struct rx_aar *aar;
			struct rx_str *str;
			void *copy;
		};
	} asked[ASKED_MAX];
} pcrf;

struct queries *queries_open(struct ev_loop *loop, const struct query_config *q)
{
	pcrf.of = q->of;
	pcrf.ctx = q->ctx;
	return (struct queries *)&pcrf;
}

bool queries_serve(struct queries *q, struct dict_object *object)
{
	return true;
}

void queries_stop(struct queries *q)
{
	while (pcrf.n) {
		pcrf.n--;
		pcrf.of->tell(&pcrf.asked[pcrf.n].w, NULL, CX_NO_ANSWER);
		free(pcrf.asked[pcrf.n].copy);
	}
}

void queries_close(struct queries *q)
{
}

bool queries_open_to(const struct queries *q, uint32_t host)
{
	return !pcrf.down[host];
}

void queries_stats(const struct queries *q, struct query_stats *out)
{
	*out = (struct query_stats){.late = 5};
}

void query(struct queries *q, uint32_t host, const void *r, struct query_waiter w)
{
	assert_true(pcrf.n < ASKED_MAX);
	pcrf.asked[pcrf.n].w = w;
	pcrf.asked[pcrf.n].host = host;
	pcrf.asked[pcrf.n].copy = pcrf.of->copy_request(w.command, r);
	assert_non_null(pcrf.asked[pcrf.n].copy);
	pcrf.n++;
}

/* The oldest question, of this command. */
static void answer(uint32_t command, int result)
{
	struct query_waiter w = pcrf.asked[0].w;

	assert_true(pcrf.n > 0);
	assert_int_equal(w.command, command);
	free(pcrf.asked[0].copy);
	memmove(&pcrf.asked[0], &pcrf.asked[1], --pcrf.n * sizeof(pcrf.asked[0]));
	if (result < 0)
		pcrf.of->tell(&w, NULL, result);
	else
		pcrf.of->tell(&w, &result, 0);
}

/* ---- the disk ---- */

enum { STORED_MAX = 8 };

static struct {
	uint64_t key;
	char record[1024];
	uint32_t len;
} stored[STORED_MAX];

void persist_row_put(struct persist *persist, enum persist_rows of, uint64_t key,
		     struct slice record)
{
	for (int i = 0; i < STORED_MAX; i++)
		if (!stored[i].len) {
			stored[i].key = key;
			stored[i].len = record.len;
			memcpy(stored[i].record, record.p, record.len);
			return;
		}
	fail_msg("no room");
}

void persist_row_delete(struct persist *persist, enum persist_rows of, uint64_t key)
{
	for (int i = 0; i < STORED_MAX; i++)
		if (stored[i].len && stored[i].key == key)
			stored[i].len = 0;
}

bool persist_load_rows(struct persist *persist, enum persist_rows of,
		       bool (*each)(void *ctx, uint64_t key, struct slice record), void *ctx,
		       char *error)
{
	for (int i = 0; i < STORED_MAX; i++)
		if (stored[i].len &&
		    !each(ctx, stored[i].key, slice_of(stored[i].record, stored[i].len))) {
			strcpy(error, "damaged");
			return false;
		}
	return true;
}

static uint32_t on_disk(void)
{
	uint32_t n = 0;

	for (int i = 0; i < STORED_MAX; i++)
		n += stored[i].len != 0;
	return n;
}

/* ---- who asks ---- */

static char told[1024], a_call[] = "a", a_path[] = "path";
static struct policy_session *to_end; /* by whoever is told next */

static void note(const char *a, const char *b)
{
	size_t at = strlen(told);

	snprintf(told + at, sizeof(told) - at, "%s %s\n", a, b);
	if (to_end)
		policy_end(to_end);
	to_end = NULL;
}

static void done(void *ctx, const struct policy_outcome *o)
{
	static const char *const name[] = {"granted", "refused", "none"};

	note(name[o->verdict], o->why);
}

static void on_call(void *ctx, void *owner, const struct policy_event *e)
{
	static const char *const name[] = {"lost", "recovered", "released", "changed", "other"};
	char text[64];

	snprintf(text, sizeof(text), "%s:%s %s", (const char *)owner, name[e->kind], e->access);
	note(text, e->radio);
}

static void on_path(void *ctx, void *owner, const struct policy_event *e)
{
	note("path", e->why);
}

static char error[256];

static void open_it(void)
{
	const struct policy_events events[POLICY_KINDS] = {
		[POLICY_SIGNALLING] = {on_path, NULL}, [POLICY_SESSION] = {on_call, NULL}};

	p = policy_open(&c, events, error);
	assert_non_null(p);
}

static int setup(void **state)
{
	memset(&pcrf, 0, sizeof(pcrf));
	memset(stored, 0, sizeof(stored));
	told[0] = 0;
	later_s = 0;
	to_end = NULL;
	c.conf = &conf;
	c.loop = ev_loop_new(0);
	conf.policy.n_pcrf = 2;
	strcpy(conf.policy.application, "IMS Services");
	open_it();
	return 0;
}

static int teardown(void **state)
{
	policy_close(p);
	assert_int_equal(pcrf.n, 0);
	ev_loop_destroy(c.loop);
	return 0;
}

static struct policy_stats stats(void)
{
	struct policy_stats s;

	policy_stats(p, &s);
	return s;
}

static struct policy_ask some_ask(const struct media *m)
{
	struct policy_ask a = {
		.kind = POLICY_SESSION,
		.identity = SLICE("sip:alice@ims.example"),
		.icid = SLICE("icid"),
		.name = SLICE("call-1"),
		.preliminary = true,
		.media = m,
	};

	assert_true(addr_parse_ip(SLICE("10.10.0.2"), &a.ue));
	return a;
}

static struct policy_session *begin(void)
{
	const struct policy_ask a = some_ask(NULL);

	return policy_begin(p, &a, done, NULL, a_call);
}

static struct policy_session *established(void)
{
	struct policy_session *s = begin();

	answer(AAR, CX_SUCCESS);
	told[0] = 0;
	return s;
}

#define assert_slice(s, text)                                                                  \
	do {                                                                                   \
		assert_int_equal((s).len, strlen(text));                                       \
		assert_memory_equal((s).p, text, (s).len);                                     \
	} while (0)

#define assert_begins(s, text) assert_slice(slice_sub((s), 0, (uint32_t)strlen(text)), text)

/* ---- */

static void what_is_asked(void **state)
{
	static const char offer[] = "v=0\r\no=- 1 1 IN IP4 10.10.0.2\r\ns=-\r\n"
				    "c=IN IP4 10.10.0.2\r\nt=0 0\r\n"
				    "m=audio 4000 RTP/AVP 8\r\nb=AS:80\r\n"
				    "m=message 7000 TCP/MSRP *\r\n";
	static const char accepted[] = "v=0\r\no=- 1 1 IN IP4 10.20.0.2\r\ns=-\r\n"
				       "c=IN IP4 10.20.0.2\r\nt=0 0\r\n"
				       "m=audio 5000 RTP/AVP 8\r\n"
				       "m=message 0 TCP/MSRP *\r\n";
	struct sdp o, a;
	struct media m;
	struct policy_ask ask;
	struct policy_session *s;
	const struct rx_aar *r;

	assert_null(sdp_read(slice_str(offer), &o));
	assert_null(sdp_read(slice_str(accepted), &a));
	media_of(&o, NULL, true, &m);
	ask = some_ask(&m);
	s = policy_begin(p, &ask, done, NULL, a_call);
	r = pcrf.asked[0].aar;
	assert_int_equal(r->request_type, RX_REQUEST_INITIAL);
	assert_int_equal(r->info_status, RX_INFO_PRELIMINARY);
	assert_int_equal(r->n_action, 4);
	assert_slice(r->application, "IMS Services");
	assert_slice(r->charging, "icid");
	assert_int_equal(r->n_user, 1);
	assert_slice(r->user[0].identity, "sip:alice@ims.example");
	assert_int_equal(r->ipv4.len, 4);
	assert_memory_equal(r->ipv4.p, "\x0a\x0a\x00\x02", 4);
	assert_int_equal(r->ipv6.len, 0);
	assert_int_equal(r->n_component, 2);
	assert_slice(r->component[0].flow[0].description[0],
		     "permit in 17 from 10.10.0.2 to any");
	assert_slice(r->component[0].flow[0].description[1],
		     "permit out 17 from any to 10.10.0.2 4000");
	assert_slice(r->component[1].flow[0].description[1],
		     "permit out 6 from any to 10.10.0.2 7000");
	assert_begins(r->component[0].codec[0], "uplink\noffer\nm=audio 4000 ");
	answer(AAR, CX_SUCCESS);
	assert_string_equal(told, "granted \n");

	media_of(&o, &a, true, &m);
	ask.preliminary = false;
	policy_change(s, &ask, done, NULL);
	r = pcrf.asked[0].aar;
	assert_int_equal(r->request_type, RX_REQUEST_UPDATE);
	assert_int_equal(r->info_status, RX_INFO_FINAL);
	assert_int_equal(r->n_action, 0);
	assert_slice(r->component[0].flow[0].description[0],
		     "permit in 17 from 10.10.0.2 to 10.20.0.2 5000");
	assert_begins(r->component[0].codec[1], "downlink\nanswer\nm=audio 5000");
	assert_int_equal(r->component[1].status, MEDIA_REMOVED);
	answer(AAR, CX_SUCCESS);
	policy_end(s);
	assert_int_equal(pcrf.asked[0].str->cause, RX_LOGOUT);
	answer(STR, CX_SUCCESS);
	assert_int_equal(stats().sessions, 0);
	assert_int_equal(on_disk(), 0);
}

static void the_signalling_path(void **state)
{
	struct policy_ask a = some_ask(NULL);
	const struct rx_aar *r;

	a.kind = POLICY_SIGNALLING;
	a.icid = SLICE_EMPTY;
	assert_true(addr_parse_ip(SLICE("2001:db8::1"), &a.ue));
	policy_begin(p, &a, done, NULL, a_path);
	r = pcrf.asked[0].aar;
	assert_int_equal(r->ipv4.len, 0);
	assert_int_equal(r->ipv6.len, 18);
	assert_memory_equal(r->ipv6.p, "\x00\x80\x20\x01\x0d\xb8", 6);
	assert_int_equal(r->n_component, 1);
	assert_int_equal(r->component[0].number, 0);
	assert_int_equal(r->component[0].flow[0].number, 0);
	assert_int_equal(r->component[0].flow[0].usage, RX_USAGE_SIGNALLING);
	assert_int_equal(r->component[0].flow[0].protocol, RX_PROTOCOL_SIP);
	assert_int_equal(r->info_status, RX_UNSAID);
	assert_int_equal(r->n_action, 3);
}

static void what_it_says(void **state)
{
	static const struct {
		int result;
		const char *told;
		bool known; /* it may have the session: it is ended there, too */
	} row[] = {
		{2002, "granted \n", true},
		{RX_SERVICE_NOT_AUTHORIZED, "refused REQUESTED_SERVICE_NOT_AUTHORIZED\n",
		 false},
		{RX_IP_CAN_SESSION_NOT_AVAILABLE, "refused IP-CAN_SESSION_NOT_AVAILABLE\n",
		 false},
		{CX_UNABLE_TO_COMPLY, "refused DIAMETER_UNABLE_TO_COMPLY\n", false},
		{CX_NO_ANSWER, "none ", true},
		{CX_BAD_ANSWER, "none ", true},
		{CX_WINDOW_FULL, "none ", false},
		{CX_TOO_BUSY, "none ", false},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct policy_session *s = begin();

		told[0] = 0;
		assert_int_equal(on_disk(), 1);
		answer(AAR, row[i].result);
		assert_memory_equal(told, row[i].told, strlen(row[i].told));
		policy_end(s);
		assert_int_equal(pcrf.n, row[i].known);
		if (row[i].known)
			answer(STR, RX_UNKNOWN_SESSION_ID);
		assert_int_equal(stats().sessions, 0);
		assert_int_equal(on_disk(), 0);
	}
	assert_int_equal(stats().granted, 1);
	assert_int_equal(stats().refused, 3);
	assert_int_equal(stats().unanswered, 4);
	assert_int_equal(stats().late, 5);
}

static void ended_while_it_is_asked(void **state)
{
	policy_end(begin());
	assert_int_equal(pcrf.n, 1);
	answer(AAR, CX_SUCCESS);
	assert_string_equal(told, "granted \n");
	answer(STR, CX_SUCCESS);
	/* By whoever hears the answer. */
	to_end = begin();
	answer(AAR, CX_SUCCESS);
	answer(STR, CX_SUCCESS);
	to_end = begin();
	answer(AAR, RX_FILTER_RESTRICTIONS);
	assert_int_equal(pcrf.n, 0);
	/* With two questions under way the second's answer is still to come. */
	struct policy_session *s = begin();
	const struct policy_ask a = some_ask(NULL);

	policy_change(s, &a, done, NULL);
	policy_end(s);
	answer(AAR, CX_SUCCESS);
	assert_int_equal(pcrf.n, 1);
	answer(AAR, CX_SUCCESS);
	answer(STR, CX_SUCCESS);
	assert_int_equal(stats().sessions + stats().ending, 0);
	assert_int_equal(on_disk(), 0);
}

static void an_end_that_nobody_hears(void **state)
{
	policy_end(established());
	answer(STR, CX_NO_ANSWER);
	assert_int_equal(stats().ending, 1);
	tick();
	assert_int_equal(pcrf.n, 0); /* not yet */
	later_s = 6;
	pcrf.down[0] = true;
	tick();
	assert_int_equal(pcrf.n, 0); /* nobody is there */
	pcrf.down[0] = false;
	tick();
	answer(STR, CX_NO_ANSWER);
	later_s = 700;
	tick();
	assert_int_equal(pcrf.n, 0);
	assert_int_equal(stats().abandoned, 1);
	assert_int_equal(stats().sessions + stats().ending, 0);
	assert_int_equal(on_disk(), 0);
}

static void the_other_pcrf(void **state)
{
	struct policy_session *s;
	const struct policy_ask a = some_ask(NULL);

	pcrf.down[0] = true;
	s = begin();
	assert_int_equal(pcrf.asked[0].host, 1);
	answer(AAR, CX_SUCCESS);
	/* It has the session, whoever else is back. */
	pcrf.down[0] = false;
	policy_change(s, &a, done, NULL);
	assert_int_equal(pcrf.asked[0].host, 1);
	assert_true(stats().up);
	pcrf.down[0] = pcrf.down[1] = true;
	assert_false(stats().up);
}

static int rar(const char *id, uint32_t len, uint32_t action)
{
	const struct rx_rar r = {.session = slice_of(id, len),
				 .n_action = 1,
				 .action = {action},
				 .ip_can = action == RX_IP_CAN_CHANGE ? 5 : RX_UNSAID,
				 .rat = action == RX_IP_CAN_CHANGE ? 1004 : RX_UNSAID,
				 .abort_cause = RX_UNSAID};

	return pcrf.of->asked(pcrf.ctx, RAR, &r);
}

static void what_happens(void **state)
{
	char id[RX_SESSION_MAX];
	struct policy_session *s = begin();
	uint32_t len = pcrf.asked[0].aar->session.len;

	memcpy(id, pcrf.asked[0].aar->session.p, len);
	answer(AAR, CX_SUCCESS);
	told[0] = 0;
	assert_int_equal(rar(id, len, RX_LOSS_OF_BEARER), CX_SUCCESS);
	assert_int_equal(rar(id, len, RX_RECOVERY_OF_BEARER), CX_SUCCESS);
	assert_int_equal(rar(id, len, RX_IP_CAN_CHANGE), CX_SUCCESS);
	assert_int_equal(rar(id, len, 77), CX_SUCCESS);
	assert_string_equal(told, "a:lost  \na:recovered  \na:changed 3GPP-EPS E-UTRAN\n"
				  "a:other  \n");
	assert_int_equal(rar(id, len - 1, RX_LOSS_OF_BEARER), RX_UNKNOWN_SESSION_ID);
	assert_int_equal(stats().unknown, 1);
	told[0] = 0;
	to_end = s;
	const struct rx_asr asr = {slice_of(id, len), 0};

	assert_int_equal(pcrf.of->asked(pcrf.ctx, ASR, &asr), CX_SUCCESS);
	assert_string_equal(told, "a:released  \n");
	/* Its end is under way: heard, and nobody is told. */
	assert_int_equal(pcrf.of->asked(pcrf.ctx, ASR, &asr), CX_SUCCESS);
	assert_string_equal(told, "a:released  \n");
	answer(STR, CX_SUCCESS);
	assert_int_equal(pcrf.of->asked(pcrf.ctx, ASR, &asr), RX_UNKNOWN_SESSION_ID);
	assert_int_equal(stats().events[POLICY_RELEASED], 2);
}

static void again(void)
{
	policy_close(p);
	assert_int_equal(pcrf.n, 0);
	open_it();
}

static void calls_over_a_restart(void **state)
{
	established();
	again();
	assert_int_equal(stats().sessions, 1);
	policy_end_named(p, SLICE("another"));
	assert_int_equal(pcrf.n, 0);
	policy_end_named(p, SLICE("call-1"));
	policy_end_named(p, SLICE("call-1"));
	assert_int_equal(pcrf.n, 1);
	answer(STR, CX_SUCCESS);
	assert_int_equal(on_disk(), 0);
	/* One that nobody names is ended a day later. */
	established();
	again();
	later_s = 86401;
	tick();
	answer(STR, CX_SUCCESS);
	assert_int_equal(stats().sessions, 0);
}

static void *owner_of(void *ctx, struct policy_session *s, struct slice name)
{
	assert_slice(name, "call-1"); /* whatever it is called */
	return (*(int *)ctx)++ ? NULL : a_path;
}

static void paths_over_a_restart(void **state)
{
	struct policy_ask a = some_ask(NULL);
	int n = 0;

	a.kind = POLICY_SIGNALLING;
	policy_begin(p, &a, done, NULL, a_path);
	policy_begin(p, &a, done, NULL, a_path);
	answer(AAR, CX_SUCCESS);
	answer(AAR, CX_SUCCESS);
	established();
	again();
	assert_int_equal(stats().sessions, 3);
	/* A call of that name is another matter. */
	policy_end_named(p, SLICE("call-1"));
	answer(STR, CX_SUCCESS);
	assert_int_equal(pcrf.n, 0);
	policy_adopt(p, POLICY_SIGNALLING, owner_of, &n);
	assert_int_equal(n, 2);
	answer(STR, CX_SUCCESS);
	assert_int_equal(pcrf.n, 0);
	assert_int_equal(stats().sessions, 1);
	/* It is not one of before any more. */
	later_s = 86401;
	tick();
	assert_int_equal(stats().sessions, 1);
	assert_int_equal(stats().ending, 0);
}

static void damaged(void **state)
{
	const struct policy_events events[POLICY_KINDS] = {0};

	persist_row_put(NULL, PERSIST_POLICY, 1, SLICE("1\nx\nid\n"));
	assert_null(policy_open(&c, events, error));
	persist_row_delete(NULL, PERSIST_POLICY, 1);
	persist_row_put(NULL, PERSIST_POLICY, 1, SLICE("1\n0\n\nname"));
	assert_null(policy_open(&c, events, error));
}

static int start(void **state)
{
	struct diameter_config d = {.identity = "pcscf.home.test", .realm = "home.test"};

	log_set_level(LOG_ERROR);
	d.listen = addr_v4(0x7f000001, 0);
	return diameter_init(&d, error);
}

static int stop(void **state)
{
	diameter_stop();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(the_signalling_path, setup, teardown),
		cmocka_unit_test_setup_teardown(what_it_says, setup, teardown),
		cmocka_unit_test_setup_teardown(ended_while_it_is_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(an_end_that_nobody_hears, setup, teardown),
		cmocka_unit_test_setup_teardown(the_other_pcrf, setup, teardown),
		cmocka_unit_test_setup_teardown(what_happens, setup, teardown),
		cmocka_unit_test_setup_teardown(calls_over_a_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(paths_over_a_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged, setup, teardown),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
