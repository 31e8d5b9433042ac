/* exchange.c - tests of control/exchange.c, osip.c and answered.c against a fake data plane */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "control/answered.h"
#include "control/exchange.h"
#include "control/link.h"
#include "control/transaction.h"
#include "dataplane.h"
#include "sip/parse.h"
#include "sip/via.h"

static struct fake fake;
static struct conf conf;

struct seen {
	struct ev_loop *loop;
	struct link *link;
	struct exchanges *e;
	struct exchange *x;
	int requests, responses;
	bool request, response, up;
	uint16_t status;
};

static void on_message(void *ctx, const struct abi_punt *p)
{
	struct seen *s = ctx;

	exchanges_input(s->e, p);
}

static void on_up(void *ctx, bool fresh)
{
	struct seen *s = ctx;

	s->up = true;
}

static void on_request(void *ctx, struct exchange *x)
{
	struct seen *s = ctx;

	s->x = x;
	s->requests++;
	s->request = true;
}

static void on_response(void *ctx, const struct sip_msg *response)
{
	struct seen *s = ctx;

	s->responses++;
	s->response = true;
	s->status = response ? response->status : 0;
}

static void open_all(struct seen *s)
{
	const struct link_events events = {.message = on_message, .up = on_up, .ctx = s};

	*s = (struct seen){.loop = ev_loop_new(0)};
	fake_dir(&fake);
	fake_start(&fake);
	fake_conf(&fake, &conf);
	s->link = link_open(s->loop, &conf, &events);
	s->e = exchanges_open(s->loop, s->link, on_request, s);
	assert_non_null(s->e);
	assert_true(run_until(s->loop, &s->up));
}

static void close_all(struct seen *s)
{
	exchanges_close(s->e);
	link_close(s->link);
	ev_loop_destroy(s->loop);
	fake_stop(&fake);
	fake_remove_dir(&fake);
}

#define REGISTER(via, cseq)                                                                    \
	"REGISTER sip:example.org SIP/2.0\r\n"                                                 \
	"Via: " via "\r\n"                                                                     \
	"Max-Forwards: 70\r\n"                                                                 \
	"From: <sip:alice@example.org>;tag=a1\r\n"                                             \
	"To: <sip:alice@example.org>\r\n"                                                      \
	"Call-ID: call-1\r\n"                                                                  \
	"CSeq: " cseq " REGISTER\r\n"                                                          \
	"Content-Length: 0\r\n\r\n"

#define VIA "SIP/2.0/UDP 10.0.0.9:5062;branch=z9hG4bKx1"

static struct seen *punt(struct seen *s, const char *text)
{
	s->request = false;
	fake_punt(&fake, 0, PUNT_REGISTER, text);
	run_for(s->loop, 0.02);
	return s;
}

/* The injected message as text; fails where there is none. */
static const char *injected(struct addr *dst)
{
	static char text[SIP_MESSAGE_MAX + 1];
	const struct abi_inject *j = fake_injected(&fake);

	if (!j)
		return NULL;
	memcpy(text, j->data, j->len);
	text[j->len] = 0;
	if (dst)
		*dst = j->dst;
	return text;
}

/* The next one takes the place of what injected() gave. */
static void keep(char *copy, size_t size, const char *message)
{
	assert_non_null(message);
	snprintf(copy, size, "%s", message ? message : "");
}

static void assert_has(const char *text, const char *part)
{
	assert_non_null(text);
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

/* What came under a security association is answered under it, and what comes in clear is no
 * repeat of it. */
static void test_association_is_kept(void **state)
{
	const struct abi_inject *j;
	struct seen s;

	open_all(&s);
	fake.sa_id = 77;
	punt(&s, REGISTER(VIA, "1"));
	assert_int_equal(s.requests, 1);
	assert_int_equal(s.x->sa_id, 77);
	exchange_reply(s.e, s.x, 403, "Forbidden", SLICE_EMPTY, SLICE_EMPTY);
	j = fake_injected(&fake);
	assert_non_null(j);
	assert_int_equal(j->sa_id, 77);
	punt(&s, REGISTER(VIA, "1"));
	assert_int_equal(s.requests, 1);
	j = fake_injected(&fake);
	assert_non_null(j);
	assert_int_equal(j->sa_id, 77);
	fake.sa_id = 0;
	punt(&s, REGISTER(VIA, "1"));
	assert_int_equal(s.requests, 2);
	assert_int_equal(s.x->sa_id, 0);
	exchange_reply(s.e, s.x, 403, "Forbidden", SLICE_EMPTY, SLICE_EMPTY);
	j = fake_injected(&fake);
	assert_non_null(j);
	assert_int_equal(j->sa_id, 0);
	/* Refused without a transaction. */
	fake.sa_id = 78;
	punt(&s, REGISTER(VIA, "x"));
	j = fake_injected(&fake);
	assert_non_null(j);
	assert_int_equal(j->sa_id, 78);
	fake.sa_id = 0;
	close_all(&s);
}

static void test_request_is_answered(void **state)
{
	struct exchange_stats stats;
	struct addr dst;
	struct seen s;
	const char *text;

	open_all(&s);
	punt(&s, REGISTER(VIA, "1"));
	assert_int_equal(s.requests, 1);
	assert_int_equal(s.x->msg.method, SIP_M_REGISTER);
	assert_true(addr_eq(&s.x->src,
			    &(struct addr){.ip = {192, 0, 2, 1}, .port = 5070, .family = 4}));
	exchanges_stats(s.e, &stats);
	assert_int_equal(stats.open, 1);
	exchange_reply(s.e, s.x, 200, "Fine", SLICE("Service-Route: <sip:s>\r\n"), SLICE_EMPTY);
	text = injected(&dst);
	assert_has(text, "SIP/2.0 200 Fine\r\n");
	assert_has(text, "Service-Route: <sip:s>\r\n");
	assert_has(text, "received=192.0.2.1");
	assert_has(text, "To: <sip:alice@example.org>;tag=");
	assert_has(text, "Content-Length: 0\r\n\r\n");
	/* Without rport: the source's address, the sent-by's port. */
	assert_int_equal(dst.port, 5062);
	assert_int_equal(dst.ip[0], 192);
	run_for(s.loop, 0.01);
	exchanges_stats(s.e, &stats);
	assert_int_equal(stats.open, 0);
	assert_int_equal(stats.kept, 1);
	assert_int_equal(stats.answered[2], 1);
	close_all(&s);
}

static void test_rport_is_followed(void **state)
{
	struct addr dst;
	struct seen s;

	open_all(&s);
	punt(&s, REGISTER("SIP/2.0/UDP 10.0.0.9:5062;rport;branch=z9hG4bKx1", "1"));
	exchange_reply(s.e, s.x, 403, NULL, SLICE_EMPTY, SLICE_EMPTY);
	assert_has(injected(&dst), "rport=5070");
	assert_int_equal(dst.port, 5070);
	close_all(&s);
}

static void test_repeats_are_taken_in_then_answered_again(void **state)
{
	struct exchange_stats stats;
	char first[SIP_MESSAGE_MAX + 1];
	struct seen s;

	open_all(&s);
	punt(&s, REGISTER(VIA, "1"));
	punt(&s, REGISTER(VIA, "1"));
	assert_null(injected(NULL)); /* Trying: silence */
	exchange_reply(s.e, s.x, 100, NULL, SLICE_EMPTY, SLICE_EMPTY);
	assert_has(injected(NULL), "SIP/2.0 100 ");
	punt(&s, REGISTER(VIA, "1"));
	assert_has(injected(NULL), "SIP/2.0 100 "); /* Proceeding: the last one again */
	exchange_reply(s.e, s.x, 401, NULL, SLICE_EMPTY, SLICE_EMPTY);
	keep(first, sizeof(first), injected(NULL));
	assert_has(first, "SIP/2.0 401 ");
	punt(&s, REGISTER(VIA, "1"));
	assert_string_equal(injected(NULL), first); /* Completed: octet for octet */
	assert_null(injected(NULL));
	assert_int_equal(s.requests, 1);
	exchanges_stats(s.e, &stats);
	assert_int_equal(stats.repeats, 3);
	/* Another CSeq, or another branch: another request. */
	punt(&s, REGISTER(VIA, "2"));
	punt(&s, REGISTER("SIP/2.0/UDP 10.0.0.9:5062;branch=z9hG4bKx2", "1"));
	assert_int_equal(s.requests, 3);
	close_all(&s);
}

static void test_body_and_its_length(void **state)
{
	struct seen s;
	const char *text;

	open_all(&s);
	punt(&s, REGISTER(VIA, "1"));
	exchange_reply(s.e, s.x, 200, NULL, SLICE("Content-Type: text/plain\r\n"),
		       SLICE("hello"));
	text = injected(NULL);
	assert_has(text, "Content-Length: 5\r\n\r\nhello");
	assert_null(strstr(text, "Content-Length: 0"));
	close_all(&s);
}

static void test_answer_too_long_becomes_500(void **state)
{
	static uint8_t big[SIP_MESSAGE_MAX];
	struct seen s;

	open_all(&s);
	memset(big, 'x', sizeof(big));
	punt(&s, REGISTER(VIA, "1"));
	exchange_reply(s.e, s.x, 200, NULL, SLICE_EMPTY, slice_of(big, sizeof(big)));
	assert_has(injected(NULL), "SIP/2.0 500 ");
	close_all(&s);
}

static void test_malformed_is_answered_by_the_parser(void **state)
{
	struct exchange_stats stats;
	struct seen s;
	const char *text;

	open_all(&s);
	punt(&s, "REGISTER sip:example.org SIP/2.0\r\nVia: " VIA "\r\n"
		 "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n"
		 "Content-Length: 5\r\n\r\n");
	assert_int_equal(s.requests, 0);
	text = injected(NULL);
	assert_has(text, "SIP/2.0 400 ");
	assert_has(text, "Warning: 399 saker \"Content-Length exceeds the datagram\"\r\n");
	punt(&s, "no SIP at all\r\n\r\n");
	punt(&s, "SIP/2.0 200 OK\r\n\r\n");
	assert_null(injected(NULL));
	exchanges_stats(s.e, &stats);
	assert_int_equal(stats.malformed, 3);
	close_all(&s);
}

static void test_too_many_headers_never_reach_a_procedure(void **state)
{
	static char text[SIP_MESSAGE_MAX];
	struct seen s;
	size_t n = 0;

	open_all(&s);
	n += (size_t)snprintf(text, sizeof(text),
			      "REGISTER sip:example.org SIP/2.0\r\nVia: " VIA "\r\n");
	for (int i = 0; i < SIP_HEADERS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "X: y\r\n");
	snprintf(text + n, sizeof(text) - n,
		 "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 "
		 "REGISTER\r\n\r\n");
	punt(&s, text);
	assert_int_equal(s.requests, 0);
	close_all(&s);
}

static void test_sheds_when_too_many_are_open(void **state)
{
	struct exchange_stats stats;
	char text[1024];
	struct seen s;
	const char *answer = NULL;

	open_all(&s);
	for (int i = 0; i < EXCHANGES_OPEN_MAX + 1; i++) {
		snprintf(text, sizeof(text),
			 REGISTER("SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK%d", "1"), i);
		fake_punt(&fake, 0, PUNT_REGISTER, text);
		if (i % 128 == 0 || i == EXCHANGES_OPEN_MAX)
			run_for(s.loop, 0.02);
	}
	run_for(s.loop, 0.05);
	assert_int_equal(s.requests, EXCHANGES_OPEN_MAX);
	answer = injected(NULL);
	assert_has(answer, "SIP/2.0 503 ");
	assert_has(answer, "Retry-After: 5\r\n");
	exchanges_stats(s.e, &stats);
	assert_int_equal(stats.shed, 1);
	assert_int_equal(stats.open, EXCHANGES_OPEN_MAX);
	close_all(&s);
}

static void test_draining_leaves_new_requests_alone(void **state)
{
	struct seen s;

	open_all(&s);
	punt(&s, REGISTER(VIA, "1"));
	exchanges_drain(s.e);
	punt(&s, REGISTER(VIA, "2"));
	assert_int_equal(s.requests, 1);
	assert_null(injected(NULL));
	exchange_reply(s.e, s.x, 200, NULL, SLICE_EMPTY, SLICE_EMPTY);
	assert_has(injected(NULL), "SIP/2.0 200 ");
	close_all(&s);
}

#define OWN_REQUEST                                                                            \
	"REGISTER sip:icscf.example.org SIP/2.0\r\n"                                           \
	"Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKue\r\n"                                       \
	"From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 7 REGISTER\r\n"         \
	"Max-Forwards: 69\r\nContent-Length: 0\r\n\r\n"

/* The response a peer would send to the request. */
static void respond(struct seen *s, const char *request, const char *status, const char *method)
{
	char text[2048], via[256];
	const char *from = strstr(request, "Via: ");

	assert_non_null(from);
	snprintf(via, sizeof(via), "%.*s", (int)strcspn(from, "\r"), from);
	snprintf(text, sizeof(text),
		 "SIP/2.0 %s\r\n%s\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\n"
		 "Call-ID: c\r\nCSeq: 7 %s\r\nContent-Length: 0\r\n\r\n",
		 status, via, method);
	fake_punt(&fake, 1, PUNT_RESPONSE, text);
	run_for(s->loop, 0.02);
}

static void test_own_request_and_its_responses(void **state)
{
	const struct addr peer = addr_v4(0xc6336409, 5060);
	char request[SIP_MESSAGE_MAX + 1];
	struct exchange_stats stats;
	struct addr dst = {0};
	struct seen s;

	open_all(&s);
	request_send(s.e, SLICE(OWN_REQUEST), &(struct request_way){.dst = peer}, on_response,
		     &s);
	keep(request, sizeof(request), injected(&dst));
	assert_true(addr_eq(&dst, &peer));
	assert_has(request, "REGISTER sip:icscf.example.org SIP/2.0\r\n"
			    "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=" ABI_BRANCH_CONTROL);
	assert_has(request, "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKue\r\n");
	run_for(s.loop, 0.55);
	assert_string_equal(injected(NULL), request); /* timer E, T1 */
	run_for(s.loop, 0.9);
	assert_null(injected(NULL)); /* doubled: not before a second */
	run_for(s.loop, 0.15);
	assert_string_equal(injected(NULL), request);
	respond(&s, request, "100 Trying", "REGISTER");
	respond(&s, request, "200 OK", "OPTIONS"); /* not this method */
	assert_int_equal(s.responses, 0);
	respond(&s, request, "401 Unauthorized", "REGISTER");
	assert_int_equal(s.responses, 1);
	assert_int_equal(s.status, 401);
	respond(&s, request, "401 Unauthorized", "REGISTER");
	assert_int_equal(s.responses, 1);
	exchanges_stats(s.e, &stats);
	assert_int_equal(stats.requests_open, 0);
	assert_int_equal(stats.sent, 1);
	close_all(&s);
}

static void test_forged_response_finds_nothing(void **state)
{
	const struct addr peer = addr_v4(0xc6336409, 5060);
	char request[SIP_MESSAGE_MAX + 1], *branch;
	struct seen s;

	open_all(&s);
	request_send(s.e, SLICE(OWN_REQUEST), &(struct request_way){.dst = peer}, on_response,
		     &s);
	keep(request, sizeof(request), injected(NULL));
	branch = strstr(request, ABI_BRANCH_CONTROL) + sizeof(ABI_BRANCH_CONTROL) - 1;
	branch[3] = branch[3] == '0' ? '1' : '0';
	respond(&s, request, "200 OK", "REGISTER");
	branch[16] = 'z';
	respond(&s, request, "200 OK", "REGISTER");
	assert_int_equal(s.responses, 0);
	close_all(&s);
}

static void test_request_that_leads_nowhere_ends(void **state)
{
	const struct addr six = {.ip = {0x20, 1}, .port = 5060, .family = 6};
	const struct addr peer = addr_v4(0xc6336409, 5060);
	struct seen s;

	open_all(&s);
	request_send(s.e, SLICE(OWN_REQUEST), &(struct request_way){.dst = six}, on_response,
		     &s);
	assert_int_equal(s.responses, 0); /* not from within the call */
	assert_true(run_until(s.loop, &s.response));
	assert_int_equal(s.status, 0);
	request_send(s.e, SLICE("no message"), &(struct request_way){.dst = peer}, on_response,
		     &s);
	run_for(s.loop, 0.01);
	assert_int_equal(s.responses, 2);
	close_all(&s);
}

static int sends;

static void count_send(void *owner)
{
	sends++;
}

/* RFC 3261 §17.1.2.2: 500, 1000, 2000, 4000, 4000 ms; T2 in Proceeding. */
static void test_timer_e(void **state)
{
	static const uint32_t length[] = {500, 1000, 2000, 4000, 4000};
	struct transactions *all = transactions_new(count_send);
	struct transaction *t = transaction_client(all, all);

	sends = 0;
	assert_int_equal(transaction_timer_f_ms(t), 32000);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(transaction_timer_e_ms(t), length[i]);
		transaction_timer_e(t);
		assert_int_equal(sends, i + 1);
	}
	transaction_free(t);
	t = transaction_client(all, all);
	transaction_response(t, 180);
	assert_true(transaction_is_open(t));
	assert_int_equal(transaction_timer_e_ms(t), 4000);
	transaction_response(t, 603);
	assert_false(transaction_is_open(t));
	transaction_free(t);
	transactions_free(all);
}

static void test_answers_are_kept_for_timer_j(void **state)
{
	struct answered *a = answered_new();
	struct answer one = {.id = {1, 2}, .message = SLICE("one")}, out;
	struct answered_stats stats;

	answered_put(a, &one, 1000);
	assert_true(answered_get(a, &one.id, 1000 + ANSWERED_MS - 1, &out));
	assert_true(slice_eq(out.message, SLICE("one")));
	assert_false(answered_get(a, &(struct transaction_id){1, 3}, 1000, &out));
	assert_false(answered_get(a, &one.id, 1000 + ANSWERED_MS, &out));
	answered_expire(a, 1000 + ANSWERED_MS);
	answered_stats(a, &stats);
	assert_int_equal(stats.n, 0);
	assert_int_equal(stats.octets, 0);
	answered_free(a);
}

static void test_answers_are_bounded(void **state)
{
	static uint8_t octets[16000];
	struct answered *a = answered_new();
	struct answer one = {.message = slice_of(octets, sizeof(octets))}, out;
	struct answered_stats stats;

	for (uint64_t i = 0; i < 10000; i++) {
		one.id = (struct transaction_id){i, i};
		answered_put(a, &one, 1);
	}
	answered_stats(a, &stats);
	assert_true(stats.octets <= ANSWERED_OCTETS_MAX);
	assert_int_equal(stats.n + stats.early, 10000);
	assert_false(answered_get(a, &(struct transaction_id){0, 0}, 1, &out));
	assert_true(answered_get(a, &one.id, 1, &out));
	answered_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_association_is_kept),
		cmocka_unit_test(test_request_is_answered),
		cmocka_unit_test(test_rport_is_followed),
		cmocka_unit_test(test_repeats_are_taken_in_then_answered_again),
		cmocka_unit_test(test_body_and_its_length),
		cmocka_unit_test(test_answer_too_long_becomes_500),
		cmocka_unit_test(test_malformed_is_answered_by_the_parser),
		cmocka_unit_test(test_too_many_headers_never_reach_a_procedure),
		cmocka_unit_test(test_sheds_when_too_many_are_open),
		cmocka_unit_test(test_draining_leaves_new_requests_alone),
		cmocka_unit_test(test_own_request_and_its_responses),
		cmocka_unit_test(test_forged_response_finds_nothing),
		cmocka_unit_test(test_request_that_leads_nowhere_ends),
		cmocka_unit_test(test_timer_e),
		cmocka_unit_test(test_answers_are_kept_for_timer_j),
		cmocka_unit_test(test_answers_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
