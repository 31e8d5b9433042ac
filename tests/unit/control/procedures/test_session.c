/* test_session.c - sessions as workers tell of them, and the BYEs that end them */
#include "fakes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../role/bench.h"
#include "abi/token.h"
#include "base/clock.h"
#include "control/session.h"

static const char *const alice_flow[] = {"10.10.0.2:5060"};
static const char *const bob_flow[] = {"10.20.0.2:5060"};

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

static struct sessions_stats stats(void)
{
	struct sessions_stats s;

	sessions_stats(f->c.sessions, &s);
	return s;
}

static void tell(enum abi_punt_reason reason, const char *text, const char *uri,
		 const char *src, const char *dst)
{
	uint32_t len = (uint32_t)strlen(text), uri_len = (uint32_t)strlen(uri);
	struct abi_punt *p = calloc(1, sizeof(*p) + len + uri_len);

	*p = (struct abi_punt){.reason = (uint8_t)reason,
			       .len = len,
			       .uri_len = uri_len,
			       .src = bench_addr(src),
			       .dst = bench_addr(dst)};
	memcpy(p->data, text, len);
	memcpy(p->data + len, uri, uri_len);
	assert_null(abi_punt_check(p, (uint32_t)sizeof(*p) + len + uri_len));
	if (reason == PUNT_SESSION_BEGUN)
		sessions_begun(f->c.sessions, p);
	else if (reason == PUNT_SESSION_REFRESHED)
		sessions_refreshed(f->c.sessions, p);
	else
		sessions_ended(f->c.sessions, p);
	free(p);
}

static void tell_as_worker(const struct bench *b)
{
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];

	tell(b->notice.reason, b->notice_text, b->notice_uri, addr_text(&b->notice.src, src),
	     addr_text(&b->notice.dst, dst));
}

static uint32_t release(const char *impu)
{
	struct registration_set set = {.n_impu = 1, .impu = {(char *)impu}};

	fake_clear(f);
	return sessions_release(f->c.sessions, &set, "over");
}

/* ---- from a worker's own notices ---- */

static struct bench *call(const char *call_id)
{
	struct bench *b = bench_open(NODE_PCSCF | NODE_ICSCF | NODE_SCSCF);
	char invite[1024];

	b->node.watch_sessions = true;
	bench_register(b, "alice", 1, alice_flow);
	bench_register(b, "bob", 1, bob_flow);
	snprintf(invite, sizeof(invite),
		 "INVITE sip:bob@ims.example SIP/2.0\n"
		 "Via: SIP/2.0/UDP 10.10.0.2:5060;branch=z9hG4bKabc\n"
		 "Route: <sip:10.10.0.1:5060;lr>,<sip:orig@scscf.ims.example:5060;lr>\n"
		 "Max-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\n"
		 "To: <sip:bob@ims.example>\nCall-ID: %s\nCSeq: 1 INVITE\n"
		 "Contact: \"A\" <sip:alice@10.10.0.2:5060>;x=1\nContent-Length: 0\n\n",
		 call_id);
	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->notice.reason, 0);
	assert_int_equal(b->n_out, 2);
	return b;
}

static struct bench *answered_call(const char *call_id)
{
	struct bench *b = call(call_id);

	bench_input(b, bench_response(b, 1, "200 OK", "b"), "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->n_out, 1);
	return b;
}

static void call_is_ended_by_the_network(void **state)
{
	struct bench *b = answered_call("c1");

	assert_int_equal(b->notice.reason, PUNT_SESSION_BEGUN);
	assert_string_equal(b->notice_uri, "sip:alice@10.10.0.2:5060");
	tell_as_worker(b);
	assert_int_equal(stats().active, 1);
	assert_int_equal(release("sip:carol@ims.example"), 0);
	assert_int_equal(release("sip:alice@ims.example"), 1);
	assert_string_equal(f->trace, "send 10.10.0.2:5060\nsend 10.20.0.2:5060\n");
	assert_string_equal(f->sent_before,
			    "BYE sip:alice@10.10.0.2:5060 SIP/2.0\r\nMax-Forwards: 70\r\n"
			    "From: <sip:bob@ims.example>;tag=b\r\n"
			    "To: <sip:alice@ims.example>;tag=1\r\n"
			    "Call-ID: c1\r\nCSeq: 2147483647 BYE\r\n"
			    "Reason: SIP;cause=480;text=\"over\"\r\nContent-Length: 0\r\n\r\n");
	assert_string_equal(f->sent,
			    "BYE sip:bob@10.20.0.2:5060 SIP/2.0\r\nMax-Forwards: 70\r\n"
			    "From: <sip:alice@ims.example>;tag=1\r\n"
			    "To: <sip:bob@ims.example>;tag=b\r\n"
			    "Call-ID: c1\r\nCSeq: 2147483647 BYE\r\n"
			    "Reason: SIP;cause=480;text=\"over\"\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(stats().active, 0);
	assert_int_equal(stats().released, 1);
	assert_int_equal(release("sip:bob@ims.example"), 0);
	bench_close(b);
}

static void answered_for(uint32_t seconds)
{
	struct bench *b = call("c1");
	char text[BENCH_MESSAGE_MAX], line[64], *at;
	size_t len;

	snprintf(text, sizeof(text), "%s", bench_response(b, 1, "200 OK", "b"));
	at = strstr(text, "CSeq:");
	assert_non_null(at);
	len = (size_t)snprintf(line, sizeof(line), "Session-Expires: %u;refresher=uas\r\n",
			       seconds);
	memmove(at + len, at, strlen(at) + 1);
	memcpy(at, line, len);
	bench_input(b, text, "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->notice.reason, PUNT_SESSION_BEGUN);
	tell_as_worker(b);
	bench_close(b);
	fake_clear(f);
}

static const char update_ok[] = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.10.0.2\r\n"
				"From: <sip:bob@ims.example>;tag=b\r\n"
				"To: <sip:alice@ims.example>;tag=1\r\nCall-ID: c1\r\n"
				"CSeq: 7 UPDATE\r\n%s\r\n";

static void session_ends_that_is_not_refreshed(void **state)
{
	uint64_t now = clock_ms();
	char text[1024];

	answered_for(100);
	sessions_expire(f->c.sessions, now + 130000);
	assert_int_equal(stats().active, 1);
	/* Either side may refresh it, by UPDATE too. */
	snprintf(text, sizeof(text), update_ok, "Session-Expires: 9000;refresher=uac\r\n");
	tell(PUNT_SESSION_REFRESHED, text, "", "10.10.0.2:5060", "10.20.0.2:5060");
	sessions_expire(f->c.sessions, now + 9030000);
	assert_int_equal(stats().active, 1);
	assert_string_equal(f->trace, "");
	sessions_expire(f->c.sessions, now + 9036000);
	assert_int_equal(stats().active, 0);
	assert_int_equal(stats().expired, 1);
	assert_int_equal(stats().released, 1);
	assert_string_equal(f->trace, "send 10.10.0.2:5060\nsend 10.20.0.2:5060\n");
	assert_non_null(strstr(f->sent, "Reason: SIP;cause=408;text="));
	/* And what is refreshed later than that is none of ours. */
	tell(PUNT_SESSION_REFRESHED, text, "", "10.10.0.2:5060", "10.20.0.2:5060");
	assert_int_equal(stats().active, 0);
}

/* RFC 4028 §7.2: no Session-Expires, no bound. */
static void session_loses_its_bound(void **state)
{
	uint64_t now = clock_ms();
	char text[1024];

	answered_for(100);
	snprintf(text, sizeof(text), update_ok, "");
	tell(PUNT_SESSION_REFRESHED, text, "", "10.10.0.2:5060", "10.20.0.2:5060");
	sessions_expire(f->c.sessions, now + 90000000);
	assert_int_equal(stats().active, 1);
	assert_int_equal(release("sip:alice@ims.example"), 1);
}

static void call_of_the_called_user_too(void **state)
{
	struct bench *b = answered_call("c1");

	tell_as_worker(b);
	assert_int_equal(release("sip:bob@ims.example"), 1);
	assert_int_equal(stats().active, 0);
	bench_close(b);
}

/* A repeated 200 is no second session, and one that nobody watches is not told of. */
static void told_once(void **state)
{
	struct bench *b = call("c1");
	char ok[BENCH_MESSAGE_MAX];

	snprintf(ok, sizeof(ok), "%s", bench_response(b, 1, "200 OK", "b"));
	bench_input(b, ok, "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->notice.reason, PUNT_SESSION_BEGUN);
	bench_input(b, ok, "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->notice.reason, 0);
	bench_close(b);

	b = call("c2");
	b->node.watch_sessions = false;
	bench_input(b, bench_response(b, 1, "200 OK", "b"), "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->notice.reason, 0);
	bench_close(b);
}

static void call_ends_by_itself(void **state)
{
	struct bench *b = answered_call("c1");
	char bye[BENCH_MESSAGE_MAX], rr[1024], *comma;

	tell_as_worker(b);
	snprintf(rr, sizeof(rr), "%s", bench_header(b, 0, SIP_H_RECORD_ROUTE));
	comma = strchr(rr, ',');
	*comma = 0;
	snprintf(bye, sizeof(bye),
		 "BYE sip:alice@10.10.0.2:5060 SIP/2.0\n"
		 "Via: SIP/2.0/UDP 10.20.0.2:5060;branch=z9hG4bKbye\n"
		 "Route: %s,%s\nMax-Forwards: 70\nFrom: <sip:bob@ims.example>;tag=b\n"
		 "To: <sip:alice@ims.example>;tag=1\nCall-ID: c1\nCSeq: 7 BYE\n"
		 "Content-Length: 0\n\n",
		 rr, comma + 1);
	bench_input(b, bye, "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->notice.reason, PUNT_SESSION_ENDED);
	tell_as_worker(b);
	assert_int_equal(stats().active, 0);
	assert_int_equal(stats().ended, 1);
	assert_int_equal(release("sip:alice@ims.example"), 0);
	bench_close(b);
}

/* ---- notices as other networks' proxies and terminals make them ---- */

static const char *token(const char *call_id)
{
	static char memory[TOKEN_TEXT_MAX + 1];
	const struct hash_key key = {1, 2};
	const struct token_dialog d = {
		.legs = TOKEN_ORIG_UE | TOKEN_TERM_PEER,
		.orig = token_user(&key, SLICE("sip:alice@ims.example")),
	};
	struct text t = text_in((uint8_t *)memory, sizeof(memory));

	token_dialog_put(&t, &key, &d, slice_str(call_id));
	return text_cstr(&t);
}

static const char *ok(const char *call_id, const char *routes, const char *from_tag,
		      const char *to_tag, const char *contact)
{
	static char text[4096];

	snprintf(text, sizeof(text),
		 "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.10.0.2:5060;branch=z9hG4bKabc\r\n%s"
		 "From: <sip:a@x>;tag=%s\r\nTo: <sip:b@y>;tag=%s\r\nCall-ID: %s\r\n"
		 "CSeq: 1 INVITE\r\n%sContent-Length: 0\r\n\r\n",
		 routes, from_tag, to_tag, call_id, contact);
	return text;
}

static const char *own_route(const char *call_id)
{
	static char line[256];

	snprintf(line, sizeof(line), "Record-Route: <sip:%s@10.10.0.1:5060;lr>\r\n",
		 token(call_id));
	return line;
}

static void begins(const char *call_id)
{
	tell(PUNT_SESSION_BEGUN,
	     ok(call_id, own_route(call_id), "1", "2", "Contact: <sip:b@10.30.0.9>\r\n"),
	     "sip:a@10.10.0.2", "10.30.0.9:5060", "10.10.0.2:5060");
}

static void routes_are_split_at_our_own(void **state)
{
	char routes[1024];

	snprintf(routes, sizeof(routes),
		 "Record-Route: <sip:far.example;lr>, <sip:near.example;lr>\r\n"
		 "Record-Route: <sip:%s@10.10.0.1:5060;lr>, <sip:between.example;lr>\r\n"
		 "Record-Route: <sip:%s@10.10.0.1:5060;lr>\r\n"
		 "Record-Route: <sip:back1.example;lr>,<sip:back2.example;lr>\r\n",
		 token("c9"), token("c9"));
	tell(PUNT_SESSION_BEGUN, ok("c9", routes, "1", "2", "Contact: <sip:b@far.example>\r\n"),
	     "sip:a@10.10.0.2", "10.30.0.9:5060", "10.30.0.8:5060");
	assert_int_equal(release("sip:alice@ims.example"), 1);
	assert_string_equal(f->trace, "send 10.30.0.8:5060\nsend 10.30.0.9:5060\n");
	assert_non_null(strstr(f->sent, "Max-Forwards: 70\r\nRoute: <sip:near.example;lr>\r\n"
					"Route: <sip:far.example;lr>\r\nFrom: <sip:a@x>"));
	assert_non_null(strstr(f->sent_before,
			       "Max-Forwards: 70\r\nRoute: <sip:back1.example;lr>\r\n"
			       "Route: <sip:back2.example;lr>\r\nFrom: <sip:b@y>"));
}

/* Both sides may have moved: the sides are told by their tags (RFC 3261 §12.2). */
static void re_invite_moves_targets(void **state)
{
	begins("c1");
	tell(PUNT_SESSION_BEGUN, ok("c1", "", "2", "1", "Contact: <sip:a@10.10.0.77>\r\n"),
	     "sip:b@10.30.0.99", "10.10.0.77:5060", "10.30.0.99:5060");
	assert_int_equal(stats().active, 1);
	assert_int_equal(stats().begun, 1);
	assert_int_equal(release("sip:alice@ims.example"), 1);
	assert_string_equal(f->trace, "send 10.10.0.77:5060\nsend 10.30.0.99:5060\n");
	assert_memory_equal(f->sent_before, "BYE sip:a@10.10.0.77 SIP/2.0\r\n", 29);
	assert_non_null(strstr(f->sent_before, "\r\nTo: <sip:a@x>;tag=1\r\n"));
	assert_memory_equal(f->sent, "BYE sip:b@10.30.0.99 SIP/2.0\r\n", 30);
	assert_non_null(strstr(f->sent, "\r\nTo: <sip:b@y>;tag=2\r\n"));
}

static void the_oldest_is_forgotten(void **state)
{
	static const char *const id[] = {"c1", "c2", "c3", "c4", "c5", "c6"};

	for (int i = 0; i < 6; i++)
		begins(id[i]);
	assert_int_equal(stats().active, 4);
	assert_int_equal(stats().forgotten, 2);
	assert_int_equal(release("sip:alice@ims.example"), 4);
	assert_non_null(strstr(f->sent, "\r\nCall-ID: c3\r\n"));
	assert_int_equal(stats().byes, 8);
}

/* Nothing can be made of these, and nothing is. */
static void unreadable_notices(void **state)
{
	static char long_uri[SIP_URI_MAX + 1];
	char routes[4096] = "", *at = routes;

	tell(PUNT_SESSION_BEGUN, ok("c1", own_route("c1"), "1", "2", ""), "sip:a@x",
	     "10.30.0.9:5060", "10.10.0.2:5060");
	tell(PUNT_SESSION_BEGUN, ok("c1", own_route("c1"), "1", "2", "Contact: *\r\n"),
	     "sip:a@x", "10.30.0.9:5060", "10.10.0.2:5060");
	tell(PUNT_SESSION_BEGUN, ok("c1", own_route("c2"), "1", "2", "Contact: <sip:b@y>\r\n"),
	     "sip:a@x", "10.30.0.9:5060", "10.10.0.2:5060"); /* a token of another dialog */
	tell(PUNT_SESSION_BEGUN, ok("c1", "", "1", "2", "Contact: <sip:b@y>\r\n"), "sip:a@x",
	     "10.30.0.9:5060", "10.10.0.2:5060");
	for (int i = 0; i < 40; i++)
		at += sprintf(at, "Record-Route: <sip:p%d.example;lr>\r\n", i);
	strcpy(at, own_route("c1"));
	tell(PUNT_SESSION_BEGUN, ok("c1", routes, "1", "2", "Contact: <sip:b@y>\r\n"),
	     "sip:a@x", "10.30.0.9:5060", "10.10.0.2:5060");
	assert_int_equal(stats().unread, 5);
	memset(long_uri, 'a', SIP_URI_MAX);
	tell(PUNT_SESSION_BEGUN, ok("c1", own_route("c1"), "1", "2", "Contact: <sip:b@y>\r\n"),
	     long_uri, "10.30.0.9:5060", "10.10.0.2:5060");
	assert_int_equal(stats().active, 1);
	tell(PUNT_SESSION_ENDED, "BYE\r\n\r\n", "", "10.30.0.9:5060", "10.10.0.2:5060");
	assert_int_equal(stats().active, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(call_is_ended_by_the_network),
		T(session_ends_that_is_not_refreshed),
		T(session_loses_its_bound),
		T(call_of_the_called_user_too),
		T(told_once),
		T(call_ends_by_itself),
		T(routes_are_split_at_our_own),
		T(re_invite_moves_targets),
		T(the_oldest_is_forgotten),
		T(unreadable_notices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
