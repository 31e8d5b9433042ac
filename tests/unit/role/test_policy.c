/* test_policy.c - tests of role/policy.c: what waits for resources, and what comes of it */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALICE  "10.10.0.2:5060"
#define BOB    "10.20.0.2:5060"
#define LTE    "10.10.0.1:5060"
#define WLAN   "10.20.0.1:5060"
#define SDP    "Content-Type: application/sdp\nContent-Length: 7\n\nv=0\n\n"
#define NO_SDP "Content-Length: 0\n\n"

static struct bench *b;

/* Sessions of terminals with such an address wait. */
static void open_for(const char *prefix)
{
	static const char *const alice_flow[] = {ALICE};
	static const char *const bob_flow[] = {BOB};

	b = bench_open(NODE_PCSCF | NODE_ICSCF | NODE_SCSCF);
	if (prefix)
		b->node.policy[b->node.n_policy++] =
			(struct node_prefix){.ip = bench_addr(prefix), .bits = 16};
	b->node.watch_sessions = true;
	bench_register(b, "alice", 1, alice_flow);
	bench_register(b, "bob", 1, bob_flow);
}

static int teardown(void **state)
{
	bench_close(b);
	return 0;
}

static const char *invite(const char *body)
{
	static char text[2048];

	snprintf(text, sizeof(text),
		 "INVITE sip:bob@ims.example SIP/2.0\n"
		 "Via: SIP/2.0/UDP " ALICE ";branch=z9hG4bKabc\n"
		 "Route: <sip:10.10.0.1:5060;lr>,<sip:orig@scscf.ims.example:5060;lr>\n"
		 "Max-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\n"
		 "To: <sip:bob@ims.example>\nCall-ID: c1\nCSeq: 1 INVITE\n"
		 "Contact: <sip:alice@" ALICE ">\n%s",
		 body);
	return text;
}

/* Bob's answer to what came out as `i`; in the dialog To has its tag. */
static const char *answer(uint32_t i, const char *status_line, const char *body)
{
	static char text[BENCH_MESSAGE_MAX];
	const char *plain =
		bench_response(b, i, status_line, b->out[i].msg.to_tag.len ? NULL : "b");
	const char *end = strstr(plain, "Content-Length");

	assert_non_null(end);
	snprintf(text, sizeof(text), "%.*sContact: <sip:bob@" BOB ">\n%s", (int)(end - plain),
		 plain, body);
	return text;
}

static void punted(void)
{
	assert_int_equal(b->verdict, VERDICT_PUNT);
	assert_int_equal(b->punt, PUNT_POLICY);
}

static void goes_to(uint32_t i, const char *dst)
{
	char text[ADDR_TEXT_MAX];

	assert_true(i < b->n_out);
	assert_string_equal(addr_text(&b->out[i].dst, text), dst);
}

/* Alice's offer is granted and goes to Bob: output 0. */
static void offer_granted(void)
{
	bench_input(b, invite(SDP), ALICE, LTE);
	punted();
	assert_int_equal(b->out[0].msg.status, 100);
	bench_resume(b, invite(SDP), ALICE, LTE, LOCATE_GRANTED, 0, NULL, NULL);
	assert_int_equal(b->verdict, VERDICT_SEND);
	assert_int_equal(b->n_out, 1);
	goes_to(0, BOB);
}

static void offer_and_answer_wait(void **state)
{
	char ok[BENCH_MESSAGE_MAX];

	open_for("10.10.0.0");
	offer_granted();
	snprintf(ok, sizeof(ok), "%s", answer(0, "200 OK", SDP));
	bench_input(b, ok, BOB, WLAN);
	punted();
	assert_int_equal(b->n_out, 0);
	bench_resume(b, ok, BOB, WLAN, LOCATE_GRANTED, 0, NULL, NULL);
	assert_int_equal(b->verdict, VERDICT_SEND);
	assert_int_equal(b->out[0].msg.status, 200);
	goes_to(0, ALICE);
	assert_int_equal(b->notice.reason, PUNT_SESSION_BEGUN);
	/* A repeat finds no transaction that it could be an answer in. */
	bench_input(b, ok, BOB, WLAN);
	assert_int_equal(b->verdict, VERDICT_SEND);
}

static void others_do_not_wait(void **state)
{
	open_for("10.99.0.0");
	bench_input(b, invite(SDP), ALICE, LTE);
	assert_int_equal(b->verdict, VERDICT_SEND);
	bench_input(b, answer(1, "200 OK", SDP), BOB, WLAN);
	assert_int_equal(b->verdict, VERDICT_SEND);
}

static void what_describes_nothing_does_not_wait(void **state)
{
	open_for("10.10.0.0");
	bench_input(b, invite(NO_SDP), ALICE, LTE);
	assert_int_equal(b->verdict, VERDICT_SEND);
	goes_to(1, BOB);
	char ringing[BENCH_MESSAGE_MAX], progress[BENCH_MESSAGE_MAX];
	snprintf(ringing, sizeof(ringing), "%s", answer(1, "180 Ringing", NO_SDP));
	snprintf(progress, sizeof(progress), "%s", answer(1, "183 Session Progress", SDP));
	bench_input(b, ringing, BOB, WLAN);
	assert_int_equal(b->verdict, VERDICT_SEND);
	bench_input(b, progress, BOB, WLAN);
	punted();
}

/* Alice is on a network that asks nobody: control hears of what she offers. */
/* RFC 3312: whether he may ring. */
static void ringing_waits_for_preconditions(void **state)
{
	char ringing[BENCH_MESSAGE_MAX];

	open_for("10.10.0.0");
	b->node.preconditions = true;
	offer_granted();
	snprintf(ringing, sizeof(ringing), "%s", answer(0, "180 Ringing", NO_SDP));
	bench_input(b, ringing, BOB, WLAN);
	punted();
	bench_resume(b, ringing, BOB, WLAN, LOCATE_GRANTED, 0, NULL, NULL);
	assert_int_equal(b->out[0].msg.status, 180);
	goes_to(0, ALICE);
}

static void offer_from_elsewhere_is_told(void **state)
{
	open_for("10.20.0.0");
	bench_input(b, invite(SDP), ALICE, LTE);
	assert_int_equal(b->verdict, VERDICT_SEND);
	assert_int_equal(b->notice.reason, PUNT_OFFERED);
	char text[ADDR_TEXT_MAX];
	assert_string_equal(addr_text(&b->notice.dst, text), BOB);
	assert_non_null(strstr(b->notice_text, "v=0"));
	bench_input(b, answer(1, "200 OK", SDP), BOB, WLAN);
	punted();
}

static void offer_is_rejected(void **state)
{
	open_for("10.10.0.0");
	bench_input(b, invite(SDP), ALICE, LTE);
	punted();
	bench_resume(b, invite(SDP), ALICE, LTE, LOCATE_REJECT, 488, NULL,
		     "Content-Type: application/sdp\r\n\r\nv=0\r\nm=audio 9 RTP/AVP 0\r\n");
	assert_int_equal(b->verdict, VERDICT_SEND);
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 488);
	assert_non_null(strstr(b->out[0].text, "\r\n\r\nv=0\r\nm=audio 9"));
	goes_to(0, ALICE);
}

static void early_answer_is_rejected(void **state)
{
	char progress[BENCH_MESSAGE_MAX];

	open_for("10.10.0.0");
	offer_granted();
	snprintf(progress, sizeof(progress), "%s", answer(0, "183 Session Progress", SDP));
	bench_input(b, progress, BOB, WLAN);
	punted();
	bench_resume(b, progress, BOB, WLAN, LOCATE_REJECT, 503, NULL, NULL);
	assert_int_equal(b->n_out, 2);
	assert_int_equal(b->out[0].msg.method, SIP_M_CANCEL);
	goes_to(0, BOB);
	assert_int_equal(b->out[1].msg.status, 503);
	goes_to(1, ALICE);
	bench_wait(b, 64000);
	bench_wait(b, 64000);
	assert_int_equal(role_transactions(b->worker), 0);
}

static void final_answer_is_rejected(void **state)
{
	char ok[BENCH_MESSAGE_MAX];

	open_for("10.10.0.0");
	offer_granted();
	snprintf(ok, sizeof(ok), "%s", answer(0, "200 OK", SDP));
	bench_input(b, ok, BOB, WLAN);
	punted();
	bench_resume(b, ok, BOB, WLAN, LOCATE_REJECT, 503, NULL, NULL);
	assert_int_equal(b->n_out, 1); /* no CANCEL: he has answered */
	assert_int_equal(b->out[0].msg.status, 503);
	goes_to(0, ALICE);
	bench_wait(b, 64000);
	bench_wait(b, 64000);
	assert_int_equal(role_transactions(b->worker), 0);
}

static void refusal_is_told(void **state)
{
	open_for("10.20.0.0");
	bench_input(b, invite(SDP), ALICE, LTE);
	bench_input(b, answer(1, "486 Busy Here", NO_SDP), BOB, WLAN);
	assert_int_equal(b->notice.reason, PUNT_SESSION_FAILED);
	assert_non_null(strstr(b->notice_text, "SIP/2.0 486"));
}

static void nothing_is_told_where_nobody_waits(void **state)
{
	open_for(NULL);
	bench_input(b, invite(SDP), ALICE, LTE);
	assert_int_equal(b->notice.reason, 0);
	bench_input(b, answer(1, "486 Busy Here", NO_SDP), BOB, WLAN);
	assert_int_equal(b->notice.reason, 0);
}

/* Cancelled while control thinks: 487 at once, and the grant comes too late. */
static void cancelled_while_it_waits(void **state)
{
	char cancel[2048], *at;

	open_for("10.10.0.0");
	bench_input(b, invite(SDP), ALICE, LTE);
	punted();
	snprintf(cancel, sizeof(cancel), "%s", invite(NO_SDP));
	memcpy(cancel, "CANCEL", 6);
	at = strstr(cancel, "CSeq: 1 INVITE");
	memcpy(at, "CSeq: 1 CANCEL", 14);
	bench_input(b, cancel, ALICE, LTE);
	assert_int_equal(b->n_out, 2);
	bench_resume(b, invite(SDP), ALICE, LTE, LOCATE_GRANTED, 0, NULL, NULL);
	assert_int_equal(b->verdict, VERDICT_DROP);
	bench_expect_count(b, COUNT_DROP_RESUME, 1);
}

/* In the dialog: Alice's UPDATE has no transaction; Bob's answer to it is turned. */
static void update_waits_and_is_turned(void **state)
{
	static char update[BENCH_MESSAGE_MAX], ok[BENCH_MESSAGE_MAX];
	const char *route;

	open_for("10.10.0.0");
	offer_granted();
	snprintf(ok, sizeof(ok), "%s", answer(0, "200 OK", NO_SDP));
	bench_input(b, ok, BOB, WLAN);
	route = bench_header(b, 0, SIP_H_RECORD_ROUTE);
	snprintf(update, sizeof(update),
		 "UPDATE sip:bob@" BOB " SIP/2.0\n"
		 "Via: SIP/2.0/UDP " ALICE ";branch=z9hG4bKupd\n"
		 "Route: %s\n"
		 "Max-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\n"
		 "To: <sip:bob@ims.example>;tag=b\nCall-ID: c1\nCSeq: 2 UPDATE\n"
		 "Contact: <sip:alice@" ALICE ">\n" SDP,
		 strrchr(route, ',') ? strrchr(route, ',') + 1 : route);
	bench_input(b, update, ALICE, LTE);
	punted();
	bench_resume(b, update, ALICE, LTE, LOCATE_GRANTED, 0, NULL, NULL);
	assert_int_equal(b->n_out, 1);
	goes_to(0, BOB);
	snprintf(ok, sizeof(ok), "%s", answer(0, "200 OK", SDP));
	bench_input(b, ok, BOB, WLAN);
	punted();
	bench_resume(b, ok, BOB, WLAN, LOCATE_REJECT, 503, NULL, "Reason: SIP;cause=503\r\n");
	assert_int_equal(b->n_out, 1);
	goes_to(0, ALICE);
	assert_int_equal(b->out[0].msg.status, 503);
	assert_string_equal(bench_header(b, 0, SIP_H_CSEQ), "2 UPDATE");
	assert_int_equal(b->out[0].msg.body.len, 0);
	assert_int_equal(bench_headers(b, 0, SIP_H_CONTENT_TYPE), 0);
	assert_non_null(strstr(b->out[0].text, "Reason: SIP;cause=503\r\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(offer_and_answer_wait, teardown),
		cmocka_unit_test_teardown(others_do_not_wait, teardown),
		cmocka_unit_test_teardown(what_describes_nothing_does_not_wait, teardown),
		cmocka_unit_test_teardown(ringing_waits_for_preconditions, teardown),
		cmocka_unit_test_teardown(offer_from_elsewhere_is_told, teardown),
		cmocka_unit_test_teardown(offer_is_rejected, teardown),
		cmocka_unit_test_teardown(early_answer_is_rejected, teardown),
		cmocka_unit_test_teardown(final_answer_is_rejected, teardown),
		cmocka_unit_test_teardown(refusal_is_told, teardown),
		cmocka_unit_test_teardown(nothing_is_told_where_nobody_waits, teardown),
		cmocka_unit_test_teardown(cancelled_while_it_waits, teardown),
		cmocka_unit_test_teardown(update_waits_and_is_turned, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
