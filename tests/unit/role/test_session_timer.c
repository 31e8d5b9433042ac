/* test_session_timer.c - tests of role/session_timer.c: the time of a session */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const alice_flow[] = {"10.10.0.2:5060"};
static const char *const bob_flow[] = {"10.20.0.2:5060"};

static struct bench *with_timer(uint32_t seconds, uint32_t least)
{
	struct bench *b = bench_open(NODE_PCSCF | NODE_ICSCF | NODE_SCSCF);

	b->node.session_expires_s = seconds;
	b->node.min_se_s = least;
	b->node.watch_sessions = true;
	bench_register(b, "alice", 1, alice_flow);
	bench_register(b, "bob", 1, bob_flow);
	return b;
}

static void call(struct bench *b, const char *lines)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "INVITE sip:bob@ims.example SIP/2.0\n"
		 "Via: SIP/2.0/UDP 10.10.0.2:5060;branch=z9hG4bKabc\n"
		 "Route: <sip:10.10.0.1:5060;lr>,<sip:orig@scscf.ims.example:5060;lr>\n"
		 "Max-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\n"
		 "To: <sip:bob@ims.example>\nCall-ID: c1\nCSeq: 1 INVITE\n"
		 "Contact: <sip:alice@10.10.0.2:5060>\n%sContent-Length: 0\n\n",
		 lines);
	bench_input(b, text, "10.10.0.2:5060", "10.10.0.1:5060");
}

/* The callee's answer, with further lines, as it comes out toward the caller. */
static void answer(struct bench *b, const char *status_line, const char *lines)
{
	char text[BENCH_MESSAGE_MAX], *at;
	size_t len = strlen(lines);

	snprintf(text, sizeof(text), "%s", bench_response(b, 1, status_line, "b"));
	at = strstr(text, "CSeq:");
	assert_non_null(at);
	memmove(at + len, at, strlen(at) + 1);
	memcpy(at, lines, len);
	bench_input(b, text, "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->n_out, 1);
}

static void session_is_given_its_time(void **state)
{
	struct bench *b = with_timer(1800, 90);
	char twice[BENCH_MESSAGE_MAX];

	call(b, "Supported: 100rel, timer\n");
	assert_int_equal(b->n_out, 2);
	assert_string_equal(bench_header(b, 1, SIP_H_SESSION_EXPIRES), "1800");
	assert_int_equal(bench_headers(b, 1, SIP_H_MIN_SE), 0);
	snprintf(twice, sizeof(twice), "%s", bench_response(b, 1, "200 OK", "b"));
	answer(b, "180 Ringing", "");
	assert_int_equal(bench_headers(b, 0, SIP_H_SESSION_EXPIRES), 0);
	/* The callee knows nothing of timers: the caller refreshes; of a repeat as well. */
	bench_input(b, twice, "10.20.0.2:5060", "10.20.0.1:5060");
	assert_string_equal(bench_header(b, 0, SIP_H_SESSION_EXPIRES), "1800;refresher=uac");
	assert_string_equal(bench_header(b, 0, SIP_H_REQUIRE), "timer");
	assert_int_equal(b->notice.reason, PUNT_SESSION_BEGUN);
	assert_non_null(strstr(b->notice_text, "Session-Expires: 1800"));
	bench_input(b, twice, "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_string_equal(bench_header(b, 0, SIP_H_SESSION_EXPIRES), "1800;refresher=uac");
	bench_close(b);
}

static void callee_has_the_last_word(void **state)
{
	struct bench *b = with_timer(1800, 90);

	call(b, "Supported: timer\n");
	answer(b, "200 OK", "Session-Expires: 900;refresher=uas\r\n");
	assert_int_equal(bench_headers(b, 0, SIP_H_SESSION_EXPIRES), 1);
	assert_string_equal(bench_header(b, 0, SIP_H_SESSION_EXPIRES), "900;refresher=uas");
	bench_close(b);
}

/* Nobody would refresh it. */
static void none_of_both_knows_timers(void **state)
{
	struct bench *b = with_timer(1800, 90);

	call(b, "");
	assert_string_equal(bench_header(b, 1, SIP_H_SESSION_EXPIRES), "1800");
	answer(b, "200 OK", "");
	assert_int_equal(bench_headers(b, 0, SIP_H_SESSION_EXPIRES), 0);
	assert_int_equal(bench_headers(b, 0, SIP_H_REQUIRE), 0);
	bench_close(b);
}

static void wishes_are_left_as_they_are(void **state)
{
	static const char *const lines[] = {
		"Session-Expires: 90;refresher=uac\nSupported: timer\n", "x: 4000\n",
		"Session-Expires: soon\nSupported: timer\n"};
	static const char *const want[] = {"90;refresher=uac", "4000", "soon"};

	for (int i = 0; i < 3; i++) {
		struct bench *b = with_timer(1800, 90);

		call(b, lines[i]);
		assert_int_equal(bench_headers(b, 1, SIP_H_SESSION_EXPIRES), 1);
		assert_string_equal(bench_header(b, 1, SIP_H_SESSION_EXPIRES), want[i]);
		bench_close(b);
	}
}

static void least_of_another_proxy_is_kept(void **state)
{
	struct bench *b = with_timer(1800, 90);

	call(b, "Min-SE: 1801\nSupported: timer\n");
	assert_int_equal(bench_headers(b, 1, SIP_H_SESSION_EXPIRES), 0);
	bench_close(b);
	b = with_timer(1800, 90);
	call(b, "Min-SE: 1800\nSupported: timer\n");
	assert_string_equal(bench_header(b, 1, SIP_H_SESSION_EXPIRES), "1800");
	bench_close(b);
}

static void too_brief_a_wish(void **state)
{
	struct bench *b = with_timer(1800, 300);

	call(b, "Session-Expires: 299\nSupported: timer\n");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 422);
	assert_string_equal(bench_header(b, 0, SIP_H_MIN_SE), "300");
	bench_close(b);
	/* Who did not ask for it cannot ask for more. */
	b = with_timer(1800, 300);
	call(b, "Session-Expires: 299;a=1\nMin-SE: 100\n");
	assert_int_equal(b->n_out, 2);
	assert_int_equal(bench_headers(b, 1, SIP_H_SESSION_EXPIRES), 1);
	assert_string_equal(bench_header(b, 1, SIP_H_SESSION_EXPIRES), "300");
	assert_int_equal(bench_headers(b, 1, SIP_H_MIN_SE), 1);
	assert_string_equal(bench_header(b, 1, SIP_H_MIN_SE), "300");
	bench_close(b);
}

static void no_policy_no_time(void **state)
{
	struct bench *b = with_timer(0, 90);

	call(b, "Session-Expires: 1\nSupported: timer\n");
	assert_int_equal(b->n_out, 2);
	assert_string_equal(bench_header(b, 1, SIP_H_SESSION_EXPIRES), "1");
	bench_close(b);
	b = with_timer(0, 90);
	call(b, "Supported: timer\n");
	assert_int_equal(bench_headers(b, 1, SIP_H_SESSION_EXPIRES), 0);
	answer(b, "200 OK", "");
	assert_int_equal(bench_headers(b, 0, SIP_H_SESSION_EXPIRES), 0);
	bench_close(b);
}

static void update_is_told(void **state)
{
	struct bench *b = with_timer(1800, 90);
	char route[512], text[BENCH_MESSAGE_MAX], *second;

	call(b, "Supported: timer\n");
	answer(b, "200 OK", "");
	snprintf(route, sizeof(route), "%s", bench_header(b, 0, SIP_H_RECORD_ROUTE));
	second = strchr(route, ',');
	assert_non_null(second);
	*second++ = 0;
	snprintf(text, sizeof(text),
		 "UPDATE sip:bob@10.20.0.2:5060 SIP/2.0\n"
		 "Via: SIP/2.0/UDP 10.10.0.2:5060;branch=z9hG4bKupd\n"
		 "Route: %s,%s\nMax-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\n"
		 "To: <sip:bob@ims.example>;tag=b\nCall-ID: c1\nCSeq: 2 UPDATE\n"
		 "Contact: <sip:alice@10.10.0.2:5060>\nSession-Expires: 1800\n"
		 "Supported: timer\nContent-Length: 0\n\n",
		 second, route);
	bench_input(b, text, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->notice.reason, 0);
	snprintf(text, sizeof(text), "%s", bench_response(b, 0, "200 OK", NULL));
	bench_input(b, text, "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 200);
	assert_int_equal(b->notice.reason, PUNT_SESSION_REFRESHED);
	assert_non_null(strstr(b->notice_text, "CSeq: 2 UPDATE"));
	bench_close(b);
}

/* A terminal cannot make itself the one who has to refresh by writing our branch. */
static void forged_side_is_refused(void **state)
{
	struct bench *b = with_timer(1800, 90);
	char text[BENCH_MESSAGE_MAX], *side;

	call(b, "");
	snprintf(text, sizeof(text), "%s", bench_response(b, 1, "200 OK", "b"));
	side = strstr(text, "branch=z9hG4bK") + 14;
	*side += 8;
	bench_input(b, text, "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->n_out, 0);
	bench_expect_count(b, COUNT_DROP_RESPONSE_FORGED, 1);
	bench_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session_is_given_its_time),
		cmocka_unit_test(callee_has_the_last_word),
		cmocka_unit_test(none_of_both_knows_timers),
		cmocka_unit_test(wishes_are_left_as_they_are),
		cmocka_unit_test(least_of_another_proxy_is_kept),
		cmocka_unit_test(too_brief_a_wish),
		cmocka_unit_test(no_policy_no_time),
		cmocka_unit_test(update_is_told),
		cmocka_unit_test(forged_side_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
