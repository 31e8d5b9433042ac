/* test_offers.c - offers that may be made and others, answers that fit and others */
#include "fakes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/message.h"
#include "abi/token.h"
#include "base/clock.h"
#include "control/offers.h"
#include "media/component.h"
#include "../../role/bench.h"

#define HEAD  "v=0\r\no=- 1 1 IN IP4 10.10.0.2\r\ns=-\r\nc=IN IP4 10.10.0.2\r\nt=0 0\r\n"
#define PCMA  "m=audio 4000 RTP/AVP 8\r\n"
#define VIDEO "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"

enum { KEPT_MOST = 4 };

static struct fake *f;

/* ---- the policy function: what it is asked stands in the trace ---- */

struct policy_session {
	int number;
	void *owner;
};

static struct {
	policy_done *done[8];
	void *ctx[8];
	uint32_t n; /* questions that are not answered */
	int sessions;
	void *last_owner;
} pcrf;

static void note(const char *what, int number, const struct policy_ask *a)
{
	size_t at = strlen(f->trace);
	char host[ADDR_TEXT_MAX];

	at += (size_t)snprintf(f->trace + at, sizeof(f->trace) - at, "%s %d", what, number);
	if (a)
		snprintf(f->trace + at, sizeof(f->trace) - at, " %s %s%u %.*s",
			 addr_text(&a->ue, host), a->preliminary ? "preliminary " : "",
			 a->media->n, SLICE_ARG(a->identity));
	strcat(f->trace, "\n");
}

static void pend(policy_done *done, void *ctx)
{
	assert_true(pcrf.n < 8);
	pcrf.done[pcrf.n] = done;
	pcrf.ctx[pcrf.n++] = ctx;
}

struct policy_session *policy_begin(struct policy *p, const struct policy_ask *a,
				    policy_done *done, void *ctx, void *owner)
{
	struct policy_session *s = calloc(1, sizeof(*s));

	s->number = ++pcrf.sessions;
	s->owner = pcrf.last_owner = owner;
	assert_int_equal(a->icid.len, 32);
	note("begin", s->number, a);
	pend(done, ctx);
	return s;
}

void policy_change(struct policy_session *s, const struct policy_ask *a, policy_done *done,
		   void *ctx)
{
	note("change", s->number, a);
	pend(done, ctx);
}

void policy_end(struct policy_session *s)
{
	note("end", s->number, NULL);
	free(s);
}

void policy_end_named(struct policy *p, struct slice name)
{
}

static void answer(enum policy_verdict verdict)
{
	const struct policy_outcome o = {verdict, "no bearer for that"};

	assert_true(pcrf.n > 0);
	pcrf.n--;
	pcrf.done[pcrf.n](pcrf.ctx[pcrf.n], &o);
}

/* ---- */

static int setup(void **state)
{
	f = fake_new(CONF_PCSCF | CONF_ICSCF | CONF_SCSCF);
	f->c.offers = offers_open(&f->c, KEPT_MOST);
	assert_non_null(f->c.offers);
	return 0;
}

static int teardown(void **state)
{
	offers_close(f->c.offers);
	fake_free(f);
	return 0;
}

static int setup_resources(void **state)
{
	setup(state);
	memset(&pcrf, 0, sizeof(pcrf));
	f->c.policy = (struct policy *)f;
	f->conf.policy.preliminary = true;
	f->conf.policy.refused_status = 503;
	f->conf.policy.n_access = 1;
	f->conf.policy.access[0].ip = bench_addr("10.0.0.0:0");
	f->conf.policy.access[0].bits = 8;
	return 0;
}

static struct offers_stats stats(void)
{
	struct offers_stats s;

	offers_stats(f->c.offers, &s);
	return s;
}

struct said {
	enum abi_punt_reason reason;
	const char *first; /* of the message */
	const char *method, *call, *to_tag, *sdp;
	const char *src, *dst; /* default: bob's and alice's */
};

/* Record-Route, as ours of the dialog that a notice tells of. */
static const char *route_of(const char *call)
{
	static uint8_t memory[256];
	struct text t = text_in(memory, sizeof(memory));

	text_lit(&t, "Record-Route: <sip:");
	token_dialog_put(&t, &(struct hash_key){1, 2},
			 &(struct token_dialog){.orig = 7, .term = 8}, slice_str(call));
	text_lit(&t, "@10.10.0.1;lr>\r\n");
	text_char(&t, 0);
	return (const char *)memory;
}

static void say(struct said m)
{
	const char *call = m.call ? m.call : "c1", *sdp = m.sdp ? m.sdp : "";
	const char *uri = m.reason == PUNT_SESSION_BEGUN ? "sip:alice@10.10.0.2:5060" : "";
	static uint32_t branch;
	char text[8192];
	struct abi_punt *p;
	int len = snprintf(text, sizeof(text),
			   "%s\r\nVia: SIP/2.0/UDP 10.10.0.2;branch=z9hG4bK%u\r\n"
			   "From: <sip:alice@ims.example>;tag=1\r\n"
			   "To: <sip:bob@ims.example>%s%s\r\nCall-ID: %s\r\nCSeq: 1 %s\r\n%s"
			   "Contact: <sip:bob@10.20.0.2>\r\nContent-Type: application/sdp\r\n"
			   "Content-Length: %zu\r\n\r\n%s",
			   m.first, ++branch, m.to_tag ? ";tag=" : "", m.to_tag ? m.to_tag : "",
			   call, m.method, route_of(call), strlen(sdp), sdp);

	p = calloc(1, sizeof(*p) + (size_t)len + strlen(uri));
	*p = (struct abi_punt){.reason = (uint8_t)m.reason,
			       .len = (uint32_t)len,
			       .uri_len = (uint32_t)strlen(uri),
			       .src = bench_addr(m.src ? m.src : "10.20.0.2:5060"),
			       .dst = bench_addr(m.dst ? m.dst : "10.10.0.2:5060")};
	memcpy(p->data, text, (size_t)len);
	memcpy(p->data + len, uri, strlen(uri));
	fake_clear(f);
	if (m.reason == PUNT_POLICY)
		offers_request(f->c.offers, p);
	else if (m.reason == PUNT_OFFERED)
		offers_told(f->c.offers, p);
	else if (m.reason == PUNT_SESSION_BEGUN) {
		sessions_begun(f->c.sessions, p);
		offers_begun(f->c.offers, p);
	} else
		offers_ended(f->c.offers, p);
	free(p);
}

static void offer(const char *sdp)
{
	say((struct said){PUNT_POLICY, "INVITE sip:bob@ims.example SIP/2.0", "INVITE",
			  .sdp = sdp, .src = "10.10.0.2:5060"});
}

static void respond(const char *status, const char *tag, const char *sdp)
{
	say((struct said){PUNT_POLICY, status, "INVITE", .to_tag = tag, .sdp = sdp});
}

static void begin(const char *tag, const char *sdp)
{
	say((struct said){PUNT_SESSION_BEGUN, "SIP/2.0 200 OK", "INVITE", .to_tag = tag,
			  .sdp = sdp});
}

static const char both_released[] = "send 10.10.0.2:5060\nsend 10.20.0.2:5060\n";

static void offer_and_answer_pass(void **state)
{
	offer(HEAD PCMA);
	assert_string_equal(f->trace, "resume granted\n");
	assert_int_equal(stats().kept, 1);
	respond("SIP/2.0 200 OK", "b", HEAD PCMA);
	assert_string_equal(f->trace, "resume granted\n");
	begin("b", HEAD PCMA);
	assert_string_equal(f->trace, "");
	assert_int_equal(stats().kept, 0);
	assert_int_equal(stats().passed, 2);
}

static void codec_that_may_not_be_offered(void **state)
{
	strcpy(f->conf.policy.codec[0], "PCMA");
	f->conf.policy.n_codec = 1;
	offer(HEAD PCMA);
	assert_string_equal(f->trace, "resume granted\n");
	offer(HEAD "m=audio 4000 RTP/AVP 0 8\r\n" VIDEO);
	assert_string_equal(f->trace, "resume reject 488\n");
	assert_non_null(strstr(f->headers, "Warning: 305 ims.example \""));
	assert_non_null(strstr(f->headers, "\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"));
	assert_non_null(strstr(f->headers, "m=audio 4000 RTP/AVP 8\r\n"));
	assert_non_null(strstr(f->headers, "m=video 0 RTP/AVP 96\r\n"));
	assert_int_equal(stats().refused, 1);
	/* What is loaded again counts for the next. */
	f->conf.policy.n_codec = 0;
	offer(HEAD "m=audio 4000 RTP/AVP 0 8\r\n" VIDEO);
	assert_string_equal(f->trace, "resume granted\n");
}

static void streams_and_bandwidth(void **state)
{
	f->conf.policy.streams = 1;
	f->conf.policy.bandwidth = 64000;
	offer(HEAD PCMA VIDEO);
	assert_string_equal(f->trace, "resume reject 488\n");
	offer(HEAD PCMA "b=AS:65\r\n");
	assert_string_equal(f->trace, "resume reject 488\n");
	offer(HEAD PCMA "b=AS:64\r\n");
	assert_string_equal(f->trace, "resume granted\n");
}

static void description_that_cannot_be_read(void **state)
{
	offer("v=0\r\nm=audio 99999 RTP/AVP 8\r\n");
	assert_string_equal(f->trace, "resume reject 488\n");
	assert_non_null(strstr(f->headers, "Warning: 399 ims.example \""));
	assert_null(strstr(f->headers, "Content-Type"));
	assert_int_equal(stats().malformed, 1);
	assert_int_equal(stats().kept, 0);
}

static void session_whose_answer_does_not_fit_ends(void **state)
{
	offer(HEAD PCMA);
	respond("SIP/2.0 200 OK", "b", HEAD PCMA VIDEO);
	assert_string_equal(f->trace, "resume granted\n");
	assert_int_equal(stats().unfit, 1);
	begin("b", HEAD PCMA VIDEO);
	assert_string_equal(f->trace, both_released);
	assert_non_null(strstr(f->sent, "Reason: SIP;cause=488;text="));
	assert_int_equal(stats().kept, 0);
}

/* It was the 183 of another fork. */
static void session_of_the_other_fork_goes_on(void **state)
{
	offer(HEAD PCMA);
	respond("SIP/2.0 183 Session Progress", "x", HEAD PCMA VIDEO);
	respond("SIP/2.0 200 OK", "b", HEAD PCMA);
	begin("b", HEAD PCMA);
	assert_string_equal(f->trace, "");
	assert_int_equal(stats().kept, 0);
}

static void answer_within_a_session_that_does_not_fit(void **state)
{
	begin("b", "");
	say((struct said){PUNT_OFFERED, "UPDATE sip:bob@10.20.0.2 SIP/2.0", "UPDATE",
			  .to_tag = "b", .sdp = HEAD PCMA});
	assert_int_equal(stats().kept, 1);
	say((struct said){PUNT_POLICY, "SIP/2.0 200 OK", "UPDATE", .to_tag = "b", .sdp = HEAD});
	assert_int_equal(stats().unfit, 1);
	assert_non_null(strstr(f->trace, both_released));
	assert_non_null(strstr(f->trace, "resume granted\n"));
}

static void late_offer_is_answered_by_the_ack(void **state)
{
	static const struct said ack = {PUNT_OFFERED, "ACK sip:bob@10.20.0.2 SIP/2.0", "ACK",
					.to_tag = "b", .sdp = HEAD PCMA},
				 wrong = {PUNT_OFFERED, "ACK sip:bob@10.20.0.2 SIP/2.0", "ACK",
					  .to_tag = "b", .sdp = HEAD PCMA VIDEO};

	respond("SIP/2.0 200 OK", "b", HEAD PCMA);
	begin("b", HEAD PCMA);
	assert_int_equal(stats().kept, 1);
	say(ack);
	assert_string_equal(f->trace, "");
	assert_int_equal(stats().kept, 0);
	respond("SIP/2.0 200 OK", "b", HEAD PCMA);
	begin("b", HEAD PCMA);
	say(wrong);
	assert_string_equal(f->trace, both_released);
	assert_int_equal(stats().kept, 0);
}

static void late_offer_is_answered_by_the_prack(void **state)
{
	respond("SIP/2.0 183 Session Progress", "b", HEAD PCMA);
	say((struct said){PUNT_POLICY, "PRACK sip:bob@10.20.0.2 SIP/2.0", "PRACK",
			  .to_tag = "b", .sdp = HEAD PCMA VIDEO});
	assert_string_equal(f->trace, "resume granted\n");
	assert_int_equal(stats().unfit, 1);
	begin("b", "");
	assert_string_equal(f->trace, both_released);
	assert_int_equal(stats().kept, 0);
}

/* 24.229 §6.2: it went on, for a response cannot be refused. */
static void late_offer_that_may_not_be_made(void **state)
{
	f->conf.policy.streams = 1;
	respond("SIP/2.0 200 OK", "b", HEAD PCMA VIDEO);
	assert_string_equal(f->trace, "resume granted\n");
	begin("b", HEAD PCMA VIDEO);
	assert_string_equal(f->trace, both_released);
	assert_int_equal(stats().kept, 0);
}

static void what_is_kept_is_bounded(void **state)
{
	uint64_t now = clock_ms();
	char call[8];

	for (int i = 0; i < 2 * KEPT_MOST; i++) {
		snprintf(call, sizeof(call), "n%d", i);
		say((struct said){PUNT_OFFERED, "INVITE sip:bob@ims.example SIP/2.0", "INVITE",
				  .call = call, .sdp = HEAD PCMA});
	}
	assert_int_equal(stats().kept, KEPT_MOST);
	assert_int_equal(stats().forgotten, KEPT_MOST);
	say((struct said){PUNT_SESSION_FAILED, "SIP/2.0 486 Busy Here", "INVITE",
			  .call = "n7"});
	say((struct said){PUNT_SESSION_ENDED, "BYE sip:bob@10.20.0.2 SIP/2.0", "BYE",
			  .call = "n6"});
	say((struct said){PUNT_SESSION_FAILED, "SIP/2.0 486 Busy Here", "INVITE",
			  .call = "n1"});
	assert_int_equal(stats().kept, KEPT_MOST - 2);
	offers_expire(f->c.offers, now + 299000);
	assert_int_equal(stats().kept, KEPT_MOST - 2);
	offers_expire(f->c.offers, now + 301000);
	assert_int_equal(stats().kept, 0);
}

/* ---- preconditions (RFC 3312) ---- */

#define QOS(local, remote)                                                                     \
	HEAD PCMA "a=curr:qos local " local "\r\na=curr:qos remote " remote                    \
		  "\r\na=des:qos mandatory local sendrecv\r\n"                                 \
		  "a=des:qos mandatory remote sendrecv\r\n"

static int setup_preconditions(void **state)
{
	setup(state);
	f->conf.policy.preconditions = true;
	return 0;
}

static void ringing_waits_for_preconditions(void **state)
{
	offer(QOS("none", "none"));
	assert_string_equal(f->trace, "resume granted\n");
	respond("SIP/2.0 183 Session Progress", "b", QOS("none", "none"));
	assert_string_equal(f->trace, "resume granted\n");
	respond("SIP/2.0 180 Ringing", "b", "");
	assert_string_equal(f->trace, "");
	assert_int_equal(stats().ringing, 1);
	say((struct said){PUNT_POLICY, "UPDATE sip:bob@10.20.0.2 SIP/2.0", "UPDATE",
			  .to_tag = "b", .sdp = QOS("sendrecv", "none"),
			  .src = "10.10.0.2:5060"});
	assert_string_equal(f->trace, "resume granted\n");
	say((struct said){PUNT_POLICY, "SIP/2.0 200 OK", "UPDATE", .to_tag = "b",
			  .sdp = QOS("sendrecv", "sendrecv")});
	/* The 180, and the 200. */
	assert_string_equal(f->trace, "resume granted\nresume granted\n");
	assert_int_equal(stats().ringing, 0);
	respond("SIP/2.0 180 Ringing", "b", "");
	assert_string_equal(f->trace, "resume granted\n");
	begin("b", "");
	assert_int_equal(stats().kept, 0);
}

static void ringing_ends_with_the_call(void **state)
{
	offer(QOS("none", "none"));
	respond("SIP/2.0 180 Ringing", "b", "");
	assert_string_equal(f->trace, "");
	say((struct said){PUNT_SESSION_FAILED, "SIP/2.0 487 Request Terminated", "INVITE",
			  .sdp = NULL});
	assert_string_equal(f->trace, "resume granted\n");
	assert_int_equal(stats().ringing, 0);
	assert_int_equal(stats().kept, 0);
}

static void offer_without_preconditions(void **state)
{
	offer(HEAD PCMA);
	assert_string_equal(f->trace, "resume reject 421\n");
	assert_non_null(strstr(f->headers, "Require: precondition\r\n"));
	assert_int_equal(stats().kept, 0);
	/* One from elsewhere may. */
	say((struct said){PUNT_OFFERED, "INVITE sip:bob@ims.example SIP/2.0", "INVITE",
			  .sdp = HEAD PCMA});
	respond("SIP/2.0 180 Ringing", "b", "");
	assert_string_equal(f->trace, "resume granted\n");
}

/* ---- with a policy function ---- */

static void established(void)
{
	offer(HEAD PCMA);
	answer(POLICY_GRANTED);
	respond("SIP/2.0 200 OK", "b", HEAD PCMA);
	answer(POLICY_GRANTED);
	answer(POLICY_GRANTED);
	begin("b", HEAD PCMA);
	fake_clear(f);
}

static void resources_come_first(void **state)
{
	offer(HEAD PCMA);
	assert_string_equal(f->trace,
			    "begin 1 10.10.0.2:5060 preliminary 1 sip:alice@ims.example\n");
	fake_clear(f);
	answer(POLICY_GRANTED);
	assert_string_equal(f->trace, "resume granted\n");
	respond("SIP/2.0 200 OK", "b", HEAD PCMA);
	assert_string_equal(f->trace, "change 1 10.10.0.2:5060 1 sip:alice@ims.example\n"
				      "begin 2 10.20.0.2:5060 1 sip:bob@ims.example\n");
	fake_clear(f);
	answer(POLICY_GRANTED);
	assert_string_equal(f->trace, "");
	answer(POLICY_GRANTED);
	assert_string_equal(f->trace, "resume granted\n");
	begin("b", HEAD PCMA);
	assert_string_equal(f->trace, "");
	assert_int_equal(stats().kept, 1);
	say((struct said){PUNT_SESSION_ENDED, "BYE sip:bob@10.20.0.2 SIP/2.0", "BYE",
			  .sdp = NULL});
	assert_string_equal(f->trace, "end 1\nend 2\n");
	assert_int_equal(stats().kept, 0);
}

static void offer_is_refused(void **state)
{
	offer(HEAD PCMA);
	fake_clear(f);
	answer(POLICY_REFUSED);
	assert_string_equal(f->trace, "end 1\nresume reject 503\n");
	assert_non_null(strstr(f->headers, "Warning: 399 ims.example \"no bearer for that\""));
	assert_int_equal(stats().denied, 1);
	assert_int_equal(stats().kept, 0);
}

static void early_answer_is_refused(void **state)
{
	offer(HEAD PCMA);
	answer(POLICY_GRANTED);
	respond("SIP/2.0 183 Session Progress", "b", HEAD PCMA);
	fake_clear(f);
	answer(POLICY_REFUSED);
	answer(POLICY_GRANTED);
	assert_string_equal(f->trace, "end 1\nend 2\nresume reject 503\n");
	assert_int_equal(stats().kept, 0);
}

/* The called user has taken the call: it ends. */
static void last_answer_is_refused(void **state)
{
	offer(HEAD PCMA);
	answer(POLICY_GRANTED);
	respond("SIP/2.0 200 OK", "b", HEAD PCMA);
	fake_clear(f);
	answer(POLICY_GRANTED);
	answer(POLICY_REFUSED);
	assert_string_equal(f->trace, "resume granted\n");
	begin("b", HEAD PCMA);
	assert_string_equal(f->trace, "send 10.10.0.2:5060\nsend 10.20.0.2:5060\n"
				      "end 1\nend 2\n");
	assert_non_null(strstr(f->sent, "Reason: SIP;cause=503;text=\"no bearer for that\""));
	assert_int_equal(stats().kept, 0);
}

static void nobody_answers(void **state)
{
	offer(HEAD PCMA);
	fake_clear(f);
	answer(POLICY_NO_ANSWER);
	assert_string_equal(f->trace, "resume granted\n");
	assert_int_equal(stats().unasked, 1);
	f->conf.policy.reject_on_failure = true;
	offer(HEAD PCMA);
	fake_clear(f);
	answer(POLICY_NO_ANSWER);
	assert_string_equal(f->trace, "end 1\nresume reject 503\n");
}

static void call_fails_while_it_waits(void **state)
{
	offer(HEAD PCMA);
	say((struct said){PUNT_SESSION_FAILED, "SIP/2.0 487 Request Terminated", "INVITE",
			  .sdp = NULL});
	assert_string_equal(f->trace, "end 1\n");
	fake_clear(f);
	answer(POLICY_GRANTED);
	assert_string_equal(f->trace, "resume granted\n");
	assert_int_equal(stats().kept, 0);
}

/* The caller is in another access network: what it had there is given back. */
static void terminal_moves(void **state)
{
	established();
	say((struct said){PUNT_POLICY, "INVITE sip:bob@10.20.0.2 SIP/2.0", "INVITE",
			  .to_tag = "b", .sdp = HEAD PCMA, .src = "10.40.0.7:5060"});
	assert_string_equal(f->trace, "resume granted\n");
	say((struct said){PUNT_POLICY, "SIP/2.0 200 OK", "INVITE", .to_tag = "b",
			  .sdp = HEAD PCMA, .dst = "10.40.0.7:5060"});
	assert_string_equal(f->trace, "end 1\nbegin 3 10.40.0.7:5060 1 sip:alice@ims.example\n"
				      "change 2 10.20.0.2:5060 1 sip:bob@ims.example\n");
	answer(POLICY_GRANTED);
	answer(POLICY_GRANTED);
	say((struct said){PUNT_SESSION_ENDED, "BYE sip:bob@10.20.0.2 SIP/2.0", "BYE",
			  .sdp = NULL});
	assert_int_equal(stats().kept, 0);
}

static void forks_that_lose_give_back(void **state)
{
	offer(HEAD PCMA);
	answer(POLICY_GRANTED);
	for (int i = 0; i < 2; i++) {
		say((struct said){PUNT_POLICY, "SIP/2.0 183 Session Progress", "INVITE",
				  .to_tag = i ? "b" : "x", .sdp = HEAD PCMA,
				  .src = i ? "10.20.0.2:5060" : "10.20.0.9:5060"});
		answer(POLICY_GRANTED);
		answer(POLICY_GRANTED);
	}
	begin("b", "");
	assert_string_equal(f->trace, "end 2\n");
	say((struct said){PUNT_SESSION_ENDED, "BYE sip:bob@10.20.0.2 SIP/2.0", "BYE",
			  .sdp = NULL});
	assert_string_equal(f->trace, "end 1\nend 3\n");
}

static void released_by_the_network(void **state)
{
	const struct policy_events events = offers_policy_events(f->c.offers);
	struct policy_event e = {POLICY_LOST, "loss of bearer", "", ""};

	established();
	events.event(events.ctx, pcrf.last_owner, &e);
	assert_string_equal(f->trace, "");
	e = (struct policy_event){POLICY_RELEASED, "release of bearer", "", ""};
	events.event(events.ctx, pcrf.last_owner, &e);
	assert_string_equal(f->trace, "send 10.10.0.2:5060\nsend 10.20.0.2:5060\n"
				      "end 1\nend 2\n");
	assert_non_null(strstr(f->sent, "Reason: SIP;cause=503;text=\"release of bearer\""));
	assert_int_equal(stats().ended, 1);
	assert_int_equal(stats().kept, 0);
}

#define PRECONDITIONS(name) cmocka_unit_test_setup_teardown(name, setup_preconditions, teardown)
#define RESOURCES(name)     cmocka_unit_test_setup_teardown(name, setup_resources, teardown)
#define TEST(name)          cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(offer_and_answer_pass),
		TEST(codec_that_may_not_be_offered),
		TEST(streams_and_bandwidth),
		TEST(description_that_cannot_be_read),
		TEST(session_whose_answer_does_not_fit_ends),
		TEST(session_of_the_other_fork_goes_on),
		TEST(answer_within_a_session_that_does_not_fit),
		TEST(late_offer_is_answered_by_the_ack),
		TEST(late_offer_is_answered_by_the_prack),
		TEST(late_offer_that_may_not_be_made),
		TEST(what_is_kept_is_bounded),
		PRECONDITIONS(ringing_waits_for_preconditions),
		PRECONDITIONS(ringing_ends_with_the_call),
		PRECONDITIONS(offer_without_preconditions),
		RESOURCES(resources_come_first),
		RESOURCES(offer_is_refused),
		RESOURCES(early_answer_is_refused),
		RESOURCES(last_answer_is_refused),
		RESOURCES(nobody_answers),
		RESOURCES(call_fails_while_it_waits),
		RESOURCES(terminal_moves),
		RESOURCES(forks_that_lose_give_back),
		RESOURCES(released_by_the_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
