/* test_charging.c - accounting sessions: which records are written, and until when they are
 * kept */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/token.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "control/charging.h"
#include "control/control.h"
#include "control/link.h"
#include "control/persist.h"
#include "control/query.h"
#include "control/registration.h"
#include "diameter/diameter.h"
#include "rf/rf.h"
#include "../sets.h"

static struct control c;
static struct conf conf;
static struct charging *ch;

/* ---- time goes on when the test says so ---- */

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

static void wait_for(uint32_t seconds)
{
	later_s += seconds;
	ev_sleep(1.05);
	ev_run(c.loop, EVRUN_NOWAIT);
}

/* ---- the CDF: what it is told waits for the test's answer ---- */

enum { TOLD_MAX = 16 };

static struct {
	const struct query_interface *of;
	bool down, second_down;
	uint32_t n;
	uint32_t host[TOLD_MAX];
	struct query_waiter w[TOLD_MAX];
	struct rf_acr *acr[TOLD_MAX];
} cdf;

struct queries *queries_open(struct ev_loop *loop, const struct query_config *q)
{
	cdf.of = q->of;
	return (struct queries *)&cdf;
}

void queries_stop(struct queries *q)
{
	while (cdf.n) {
		cdf.n--;
		cdf.of->tell(&cdf.w[cdf.n], NULL, CX_NO_ANSWER);
		free(cdf.acr[cdf.n]);
	}
}

void queries_close(struct queries *q)
{
}

bool queries_open_to(const struct queries *q, uint32_t host)
{
	return !cdf.down && !(host == 1 && cdf.second_down);
}

void query(struct queries *q, uint32_t host, const void *r, struct query_waiter w)
{
	assert_true(cdf.n < TOLD_MAX);
	cdf.host[cdf.n] = host;
	cdf.w[cdf.n] = w;
	cdf.acr[cdf.n++] = cdf.of->copy_request(w.command, r);
}

static void answer(int result)
{
	struct query_waiter w = cdf.w[0];

	assert_true(cdf.n > 0);
	free(cdf.acr[0]);
	cdf.n--;
	memmove(&cdf.w[0], &cdf.w[1], cdf.n * sizeof(cdf.w[0]));
	memmove(&cdf.host[0], &cdf.host[1], cdf.n * sizeof(cdf.host[0]));
	memmove(&cdf.acr[0], &cdf.acr[1], cdf.n * sizeof(cdf.acr[0]));
	if (result < 0)
		cdf.of->tell(&w, NULL, result);
	else
		cdf.of->tell(&w, &result, 0);
}

static void told(uint32_t i, uint32_t record, uint32_t number, uint32_t role, uint32_t node,
		 bool again)
{
	assert_true(i < cdf.n);
	assert_int_equal(cdf.acr[i]->record, record);
	assert_int_equal(cdf.acr[i]->number, number);
	assert_int_equal(cdf.acr[i]->role, role);
	assert_int_equal(cdf.acr[i]->node, node);
	assert_int_equal(cdf.acr[i]->again, again);
}

/* ---- the disk ---- */

enum { ROWS_MAX = 32 };

static struct {
	enum persist_rows of;
	uint64_t key;
	uint8_t record[2048];
	uint32_t len;
} row[ROWS_MAX];

static int find_row(enum persist_rows of, uint64_t key)
{
	for (int i = 0; i < ROWS_MAX; i++)
		if (row[i].len && row[i].of == of && row[i].key == key)
			return i;
	return -1;
}

void persist_row_put(struct persist *persist, enum persist_rows of, uint64_t key,
		     struct slice record)
{
	int i = find_row(of, key);

	for (int k = 0; i < 0 && k < ROWS_MAX; k++)
		if (!row[k].len)
			i = k;
	assert_true(i >= 0);
	row[i].of = of;
	row[i].key = key;
	row[i].len = record.len;
	memcpy(row[i].record, record.p, record.len);
}

void persist_row_delete(struct persist *persist, enum persist_rows of, uint64_t key)
{
	int i = find_row(of, key);

	if (i >= 0)
		row[i].len = 0;
}

bool persist_load_rows(struct persist *persist, enum persist_rows of,
		       bool (*each)(void *ctx, uint64_t key, struct slice record), void *ctx,
		       char *error)
{
	for (uint64_t key = 0; key < 100; key++) {
		int i = find_row(of, key);

		if (i >= 0)
			assert_true(each(ctx, key, slice_of(row[i].record, row[i].len)));
	}
	return true;
}

static uint32_t on_disk(enum persist_rows of)
{
	uint32_t n = 0;

	for (int i = 0; i < ROWS_MAX; i++)
		n += row[i].len && row[i].of == of;
	return n;
}

/* ---- workers ---- */

bool link_token_key(const struct link *l, struct hash_key *out)
{
	*out = (struct hash_key){1, 2};
	return true;
}

static const char *caller;
static uint8_t legs = TOKEN_ORIG_UE | TOKEN_TERM_UE;

static void notice(void (*to)(struct charging *, const struct abi_punt *), const char *first,
		   const char *call)
{
	uint8_t memory[256];
	struct text token = text_in(memory, sizeof(memory));
	char text[1024];
	struct abi_punt *p;
	int len;

	token_dialog_put(&token, &(struct hash_key){1, 2},
			 &(struct token_dialog){.legs = legs, .orig = 7, .term = 8},
			 slice_str(call));
	len = snprintf(text, sizeof(text),
		       "%s\r\nVia: SIP/2.0/UDP 10.10.0.2;branch=z9hG4bK1\r\n"
		       "Record-Route: <sip:%.*s@10.10.0.1;lr>\r\n"
		       "From: <%s>;tag=1\r\nTo: <sip:bob@ims.example>;tag=b\r\n"
		       "Call-ID: %s\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n",
		       first, SLICE_ARG(text_slice(&token)), caller, call,
		       to == charging_ended ? "BYE" : "INVITE");
	p = calloc(1, sizeof(*p) + (size_t)len);
	p->len = (uint32_t)len;
	memcpy(p->data, text, (size_t)len);
	to(ch, p);
	free(p);
}

static void begin(const char *call)
{
	notice(charging_begun, "SIP/2.0 200 OK", call);
}

static void end(const char *call)
{
	notice(charging_ended, "BYE sip:bob@10.20.0.2 SIP/2.0", call);
}

/* ---- */

static struct charging_stats stats(void)
{
	struct charging_stats s;

	charging_stats(ch, &s);
	return s;
}

static void open_it(void)
{
	char error[256];

	ch = charging_open(&c, error);
	assert_non_null(ch);
}

static int setup(void **state)
{
	memset(&cdf, 0, sizeof(cdf));
	memset(row, 0, sizeof(row));
	memset(&conf, 0, sizeof(conf));
	later_s = 0;
	caller = "sip:alice@ims.example";
	conf.dataplane.roles = CONF_SCSCF;
	strcpy(conf.realm, "ims.example");
	conf.charging.n_cdf = 1;
	conf.charging.window = 8;
	conf.charging.spool = 8;
	c = (struct control){
		.conf = &conf, .loop = ev_loop_new(0), .registrations = registrations_new()};
	assert_non_null(c.registrations);
	open_it();
	return 0;
}

static int teardown(void **state)
{
	charging_close(ch);
	registrations_free(c.registrations);
	ev_loop_destroy(c.loop);
	return 0;
}

static void session_from_start_to_stop(void **state)
{
	begin("c1");
	assert_int_equal(cdf.n, 2);
	told(0, RF_START, 0, RF_ORIGINATING, RF_SCSCF, false);
	told(1, RF_START, 0, RF_TERMINATING, RF_SCSCF, false);
	assert_true(slice_eq(cdf.acr[0]->user[0].identity, SLICE("sip:alice@ims.example")));
	assert_true(slice_eq(cdf.acr[1]->user[0].identity, SLICE("sip:bob@ims.example")));
	assert_true(slice_eq(cdf.acr[0]->icid, cdf.acr[1]->icid));
	assert_int_equal(cdf.acr[0]->icid.len, 32);
	assert_int_equal(on_disk(PERSIST_ACR), 2);
	assert_int_equal(on_disk(PERSIST_CHARGE), 1);
	answer(CX_SUCCESS);
	answer(CX_SUCCESS);
	assert_int_equal(on_disk(PERSIST_ACR), 0);
	begin("c1"); /* a re-INVITE */
	told(0, RF_INTERIM, 1, RF_ORIGINATING, RF_SCSCF, false);
	notice(charging_refreshed, "SIP/2.0 200 OK", "c1");
	told(3, RF_INTERIM, 2, RF_TERMINATING, RF_SCSCF, false);
	for (int i = 0; i < 4; i++)
		answer(CX_SUCCESS);
	end("c1");
	told(0, RF_STOP, 3, RF_ORIGINATING, RF_SCSCF, false);
	assert_int_equal(cdf.acr[0]->cause, RF_CAUSE_NORMAL);
	assert_int_equal(on_disk(PERSIST_CHARGE), 0);
	assert_int_equal(stats().open, 0);
	end("c1");
	assert_int_equal(cdf.n, 2);
}

static void terminals_too(void **state)
{
	conf.charging.pcscf = true;
	begin("c1");
	assert_int_equal(cdf.n, 4);
	told(2, RF_START, 0, RF_ORIGINATING, RF_PCSCF, false);
	told(3, RF_START, 0, RF_TERMINATING, RF_PCSCF, false);
	conf.dataplane.roles = CONF_PCSCF;
	legs = TOKEN_TERM_UE;
	begin("c2");
	legs = TOKEN_ORIG_UE | TOKEN_TERM_UE;
	assert_int_equal(cdf.n, 5);
	told(4, RF_START, 0, RF_TERMINATING, RF_PCSCF, false);
}

static void records_are_told_again(void **state)
{
	static const int transient[] = {CX_NO_ANSWER, CX_TOO_BUSY, 4002};

	begin("c1");
	for (int i = 0; i < 3; i++) {
		answer(transient[i]);
		answer(transient[i]);
		assert_int_equal(cdf.n, 0);
		assert_int_equal(on_disk(PERSIST_ACR), 2);
		wait_for(6);
		assert_int_equal(cdf.n, 2);
		told(0, RF_START, 0, RF_ORIGINATING, RF_SCSCF, true);
		told(1, RF_START, 0, RF_TERMINATING, RF_SCSCF, true);
	}
	answer(CX_SUCCESS);
	answer(5012);
	assert_int_equal(on_disk(PERSIST_ACR), 0);
	assert_int_equal(stats().taken, 1);
	assert_int_equal(stats().rejected, 1);
	assert_int_equal(stats().repeated, 6);
}

static void spool_is_bounded(void **state)
{
	cdf.down = true;
	for (int i = 0; i < 5; i++) {
		char call[8];

		snprintf(call, sizeof(call), "n%d", i);
		begin(call);
	}
	assert_int_equal(cdf.n, 0);
	assert_int_equal(stats().spooled, 8);
	assert_int_equal(stats().lost, 2);
	cdf.down = false;
	wait_for(1);
	assert_int_equal(cdf.n, 8);
	/* In whatever order answers come. */
	while (cdf.n)
		answer(CX_SUCCESS);
	assert_int_equal(stats().spooled, 0);
	assert_int_equal(on_disk(PERSIST_ACR), 0);
}

static void next_control_goes_on(void **state)
{
	begin("c1");
	answer(CX_SUCCESS);
	charging_close(ch);
	open_it();
	assert_int_equal(stats().open, 2);
	assert_int_equal(stats().spooled, 1);
	wait_for(1);
	told(0, RF_START, 0, RF_TERMINATING, RF_SCSCF, true);
	answer(CX_SUCCESS);
	end("c1");
	told(0, RF_STOP, 1, RF_ORIGINATING, RF_SCSCF, false);
	told(1, RF_STOP, 1, RF_TERMINATING, RF_SCSCF, false);
	assert_int_equal(stats().open, 0);
}

static void interim_records(void **state)
{
	conf.charging.interim_s = 60;
	begin("c1");
	answer(CX_SUCCESS);
	answer(CX_SUCCESS);
	wait_for(30);
	assert_int_equal(cdf.n, 0);
	wait_for(31);
	told(0, RF_INTERIM, 1, RF_ORIGINATING, RF_SCSCF, false);
	answer(CX_SUCCESS);
	answer(CX_SUCCESS);
	wait_for(61);
	told(0, RF_INTERIM, 2, RF_ORIGINATING, RF_SCSCF, false);
}

static void session_that_the_network_ends(void **state)
{
	begin("c1");
	answer(CX_SUCCESS);
	answer(CX_SUCCESS);
	charging_released(ch, SLICE("c2"));
	assert_int_equal(cdf.n, 0);
	charging_released(ch, SLICE("c1"));
	told(0, RF_STOP, 1, RF_ORIGINATING, RF_SCSCF, false);
	assert_int_equal(cdf.acr[0]->cause, RF_CAUSE_UNSPECIFIED);
	/* Nothing where nothing is charged. */
	charging_released(NULL, SLICE("c1"));
}

static void registered(const char *call, uint16_t status, bool ended)
{
	charging_registered(ch, &(struct charging_register){
					.call_id = slice_str(call),
					.identity = SLICE("sip:alice@ims.example"),
					.pcscf = true,
					.ended = ended,
					.status = status,
				});
}

static void registrations_are_events(void **state)
{
	registered("r1", 200, false);
	assert_int_equal(cdf.n, 0);
	conf.charging.registrations = true;
	registered("r1", 200, false);
	registered("r1", 403, false);
	registered("r1", 200, true);
	assert_int_equal(cdf.n, 3);
	for (uint32_t i = 0; i < 3; i++) {
		told(i, RF_EVENT, 0, RF_ORIGINATING, RF_SCSCF, false);
		assert_true(slice_eq(cdf.acr[i]->method, SLICE("REGISTER")));
		assert_true(slice_eq(cdf.acr[i]->called, SLICE("sip:alice@ims.example")));
		assert_true(slice_eq(cdf.acr[i]->icid, cdf.acr[0]->icid));
		assert_int_equal(cdf.acr[i]->icid.len, 32);
	}
	assert_false(slice_eq(cdf.acr[0]->session, cdf.acr[1]->session));
	assert_int_equal((int32_t)cdf.acr[0]->cause, RF_CAUSE_SUCCESS);
	assert_int_equal(cdf.acr[1]->cause, 403);
	assert_int_equal((int32_t)cdf.acr[2]->cause, RF_CAUSE_REGISTRATION_ENDED);
	/* They are on disk like all others, and no session. */
	assert_int_equal(on_disk(PERSIST_ACR), 3);
	assert_int_equal(stats().open, 0);
	while (cdf.n)
		answer(CX_SUCCESS);
	assert_int_equal(on_disk(PERSIST_ACR), 0);
	conf.charging.pcscf = true;
	registered("r2", 200, false);
	told(1, RF_EVENT, 0, RF_ORIGINATING, RF_PCSCF, false);
	conf.dataplane.roles = CONF_PCSCF;
	registered("r3", 200, false);
	assert_int_equal(cdf.n, 3);
}

/* user1, as the HSS told of him. */
static void charged_by(const char *functions)
{
	struct registration_set *set = make_set(1, 1, UINT64_MAX);

	free(set->charging);
	set->charging = strdup(functions);
	assert_true(registrations_put(c.registrations, set));
	caller = "sip:user1@example.org";
}

static void the_users_own_function(void **state)
{
	static const struct {
		const char *functions;
		uint32_t host;
	} table[] = {
		{"ccf=\"aaa://cdf2.ims.example:3868;transport=tcp\"; ecf=\"ocs\"", 1},
		{"ccf=\"CDF2.ims.example\"", 1},
		{"ccf=\"elsewhere\"; ccf=\"aaas://cdf2.ims.example\"", 1},
		{"ccf=\"cdf1.ims.example\"; ccf=\"cdf2.ims.example\"", 0},
		{"ecf=\"cdf2.ims.example\"", 0},
		{"ccf=", 0},
		{"", 0},
	};

	conf.charging.n_cdf = 2;
	strcpy(conf.charging.cdf[0].identity, "cdf1.ims.example");
	strcpy(conf.charging.cdf[1].identity, "cdf2.ims.example");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char call[8];

		snprintf(call, sizeof(call), "f%zu", i);
		charged_by(table[i].functions);
		begin(call);
		assert_int_equal(cdf.n, 2);
		/* Of the called user nobody knows anything. */
		assert_int_equal(cdf.host[0], table[i].host);
		assert_int_equal(cdf.host[1], 0);
		answer(CX_SUCCESS);
		answer(CX_SUCCESS);
	}
}

static void it_is_remembered(void **state)
{
	conf.charging.n_cdf = 2;
	strcpy(conf.charging.cdf[0].identity, "cdf1.ims.example");
	strcpy(conf.charging.cdf[1].identity, "cdf2.ims.example");
	charged_by("ccf=\"cdf2.ims.example\"");
	begin("c1");
	answer(CX_NO_ANSWER);
	answer(CX_SUCCESS);
	charging_close(ch);
	open_it();
	wait_for(6);
	assert_int_equal(cdf.n, 1);
	assert_int_equal(cdf.host[0], 1);
	answer(CX_SUCCESS);
	/* While it is away another one is told. */
	cdf.second_down = true;
	end("c1");
	assert_int_equal(cdf.host[0], 0);
	assert_int_equal(cdf.acr[0]->number, 1);
}

static bool count_row(void *ctx, const struct charging_row *shown)
{
	uint32_t *n = ctx;

	assert_int_equal(shown->accounts, 2);
	assert_int_equal(shown->records, 1);
	assert_true(slice_eq(shown->caller, SLICE("sip:alice@ims.example")));
	return ++*n < 2;
}

static void sessions_are_shown(void **state)
{
	uint32_t n = 0;

	conf.charging.spool = 16;
	begin("c1");
	begin("c2");
	begin("c3");
	charging_each(ch, count_row, &n);
	assert_int_equal(n, 2);
}

static int start(void **state)
{
	struct diameter_config d = {.identity = "scscf.home.test", .realm = "home.test"};
	char error[256];

	d.listen = addr_v4(0x7f000001, 0);
	return diameter_init(&d, error);
}

static int stop(void **state)
{
	diameter_stop();
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(session_from_start_to_stop),
		TEST(terminals_too),
		TEST(records_are_told_again),
		TEST(spool_is_bounded),
		TEST(next_control_goes_on),
		TEST(interim_records),
		TEST(session_that_the_network_ends),
		TEST(registrations_are_events),
		TEST(sessions_are_shown),
		TEST(the_users_own_function),
		TEST(it_is_remembered),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
