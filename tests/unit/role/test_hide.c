/* test_hide.c - topology hiding: what a foreign network sees, and what comes back of it */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The S-CSCF between a P-CSCF of ours, 10.30.0.5, and a foreign network, 10.30.0.200. */
static const char invite[] =
	"INVITE sip:bob@foreign.example SIP/2.0\n"
	"Via: SIP/2.0/UDP 10.30.0.5:5060;branch=z9hG4bKsecret1;rport\n"
	"Via: SIP/2.0/UDP 10.10.0.2:5062;branch=z9hG4bKsecret2;received=10.10.0.3,"
	"SIP/2.0/UDP 10.10.0.4;branch=z9hG4bKsecret3\n"
	"Record-Route: <sip:d1@10.30.0.5:5060;lr>\n"
	"Record-Route: <sip:as@10.30.0.6;lr>, <sip:d1@10.30.0.7:5060;lr>\n"
	"Max-Forwards: 70\n"
	"From: <sip:alice@ims.example>;tag=1\n"
	"To: <sip:bob@foreign.example>\n"
	"Call-ID: call-1\n"
	"CSeq: 1 INVITE\n"
	"Contact: <sip:alice@ims.example>\n"
	"Content-Length: 0\n\n";

static struct bench *between(void)
{
	struct bench *b = bench_open(NODE_SCSCF);

	b->node.peer[1] = b->node.peer[0];
	b->node.peer[0] = (struct node_prefix){
		.ip = bench_addr("10.30.0.200"), .bits = 32, .foreign = true, .hiding = true};
	b->node.n_peers = 2;
	b->node.hides = true;
	b->node.route[b->node.n_routes++] = (struct node_route){
		.domain = SLICE("foreign.example"), .to = bench_addr("10.30.0.200")};
	b->node.route[b->node.n_routes++] = (struct node_route){.domain = SLICE("home.example"),
								.to = bench_addr("10.30.0.6")};
	return b;
}

static const char *changed(const char *message, const char *from, const char *to)
{
	static char out[BENCH_MESSAGE_MAX];
	const char *at = strstr(message, from);

	assert_non_null(at);
	char *next = strdup(message); /* which may be `out` */
	snprintf(out, sizeof(out), "%.*s%s%s", (int)(at - message), next, to,
		 next + (at - message) + strlen(from));
	free(next);
	return out;
}

static void from(struct bench *b, const char *message, const char *src)
{
	bench_input(b, message, src, "10.30.0.1:5060");
}

static void dst_is(struct bench *b, uint32_t i, const char *dst)
{
	char is[ADDR_TEXT_MAX];

	assert_true(i < b->n_out);
	assert_string_equal(addr_text(&b->out[i].dst, is), dst);
}

static void has(struct bench *b, uint32_t i, const char *text)
{
	if (!strstr(b->out[i].text, text))
		fail_msg("no \"%s\" in\n%s", text, b->out[i].text);
}

static void shows_nothing(struct bench *b, uint32_t i)
{
	static const char *const secret[] = {"10.30.0.5", "10.30.0.6", "10.30.0.7",
					     "10.10.0.",  "secret",    "sip:as@"};

	for (size_t k = 0; k < sizeof(secret) / sizeof(secret[0]); k++)
		if (strstr(b->out[i].text, secret[k]))
			fail_msg("shows \"%s\":\n%s", secret[k], b->out[i].text);
}

/* The values of all headers of that name, with ", " between. */
static const char *all(struct bench *b, uint32_t i, enum sip_header_id id)
{
	static char out[BENCH_MESSAGE_MAX];
	uint32_t n = 0;

	out[0] = 0;
	for (const struct sip_header *h = sip_first(&b->out[i].msg, id); h;
	     h = sip_next(&b->out[i].msg, h))
		n += (uint32_t)snprintf(out + n, sizeof(out) - n, "%s%.*s", n ? ", " : "",
					SLICE_ARG(sip_value(&b->out[i].msg, h)));
	return out;
}

static void send_invite(struct bench *b)
{
	from(b, invite, "10.30.0.5:5060");
	assert_int_equal(b->n_out, 2);
	assert_int_equal(b->out[0].msg.status, 100);
	has(b, 0, "z9hG4bKsecret3");
	dst_is(b, 1, "10.30.0.200:5060");
}

static void test_request(void **state)
{
	struct bench *b = between();

	send_invite(b);
	shows_nothing(b, 1);
	assert_int_equal(bench_headers(b, 1, SIP_H_VIA), 2);
	assert_int_equal(bench_headers(b, 1, SIP_H_RECORD_ROUTE), 2);
	has(b, 1, ";tokenized-by=ims.example");
	bench_close(b);
}

static void vias_are_back(struct bench *b, uint32_t i)
{
	has(b, i, "Via: SIP/2.0/UDP 10.30.0.5:5060;branch=z9hG4bKsecret1;");
	has(b, i,
	    "SIP/2.0/UDP 10.10.0.2:5062;branch=z9hG4bKsecret2;received=10.10.0.3,"
	    "SIP/2.0/UDP 10.10.0.4;branch=z9hG4bKsecret3\r\n");
	assert_null(strstr(b->out[i].text, "hidden="));
}

static void test_response(void **state)
{
	struct bench *b = between();
	char repeat[BENCH_MESSAGE_MAX];

	send_invite(b);
	snprintf(repeat, sizeof(repeat), "%s", bench_response(b, 1, "200 OK", "b"));
	for (int i = 0; i < 2; i++) { /* the second finds no transaction any more */
		from(b, repeat, "10.30.0.200:5060");
		assert_int_equal(b->n_out, 1);
		dst_is(b, 0, "10.30.0.5:5060");
		vias_are_back(b, 0);
		assert_non_null(strstr(all(b, 0, SIP_H_RECORD_ROUTE),
				       "<sip:d1@10.30.0.5:5060;lr>,<sip:as@10.30.0.6;lr>, "
				       "<sip:d1@10.30.0.7:5060;lr>"));
		assert_null(strstr(b->out[0].text, "tokenized-by"));
	}
	bench_close(b);
}

/* What this node answers itself, and what it sends again. */
static void test_own_answers(void **state)
{
	struct bench *b = between();
	bool answered = false;

	send_invite(b);
	for (uint32_t ms = 0; ms < 40000 && !answered; ms += 500) {
		bench_wait(b, 500);
		for (uint32_t i = 0; i < b->n_out; i++) {
			if (b->out[i].msg.status == 0) {
				shows_nothing(b, i);
				continue;
			}
			assert_int_equal(b->out[i].msg.status, 408);
			has(b, i, "z9hG4bKsecret1");
			has(b, i, "z9hG4bKsecret3");
			answered = true;
		}
	}
	assert_true(answered);
	bench_close(b);
}

static const char *bye(const char *routes)
{
	static char text[BENCH_MESSAGE_MAX + 512];

	snprintf(text, sizeof(text),
		 "BYE sip:alice@ims.example SIP/2.0\n"
		 "Via: SIP/2.0/UDP 10.30.0.200:5060;branch=z9hG4bKbye\nRoute: %s\n"
		 "Max-Forwards: 70\nFrom: <sip:bob@foreign.example>;tag=b\n"
		 "To: <sip:alice@ims.example>;tag=1\nCall-ID: call-1\nCSeq: 2 BYE\n"
		 "Content-Length: 0\n\n",
		 routes);
	return text;
}

/* The called side abroad: its Routes are our Record-Routes as they came. */
static void test_request_of_the_called(void **state)
{
	struct bench *b = between();
	char routes[BENCH_MESSAGE_MAX];

	send_invite(b);
	snprintf(routes, sizeof(routes), "%s", all(b, 1, SIP_H_RECORD_ROUTE));
	from(b, bye(routes), "10.30.0.200:5060");
	assert_int_equal(b->n_out, 1);
	dst_is(b, 0, "10.30.0.5:5060");
	assert_string_equal(all(b, 0, SIP_H_ROUTE),
			    "<sip:d1@10.30.0.5:5060;lr>,<sip:as@10.30.0.6;lr>, "
			    "<sip:d1@10.30.0.7:5060;lr>");
	/* With more Routes behind the token, on its line and on a further one. */
	strcat(routes, ", <sip:more.example;lr>\nRoute: <sip:most.example;lr>");
	from(b, bye(routes), "10.30.0.200:5060");
	assert_non_null(
		strstr(all(b, 0, SIP_H_ROUTE),
		       "10.30.0.7:5060;lr>,<sip:more.example;lr>, <sip:most.example;lr>"));
	bench_close(b);
}

/* A token of another call, and one with another letter. */
static void test_forged(void **state)
{
	struct bench *b = between();
	char routes[BENCH_MESSAGE_MAX], text[BENCH_MESSAGE_MAX];
	char *at;

	send_invite(b);
	snprintf(routes, sizeof(routes), "%s", all(b, 1, SIP_H_RECORD_ROUTE));
	snprintf(text, sizeof(text), "%s", bench_response(b, 1, "200 OK", "b"));
	from(b, changed(bye(routes), "call-1", "call-2"), "10.30.0.200:5060");
	assert_int_equal(b->out[0].msg.status, 403);
	at = strstr(routes, "<sip:h") + 20;
	*at = *at == 'A' ? 'B' : 'A';
	from(b, bye(routes), "10.30.0.200:5060");
	assert_int_equal(b->out[0].msg.status, 403);
	at = strstr(text, "hidden=") + 20;
	*at = *at == 'A' ? 'B' : 'A';
	from(b, text, "10.30.0.200:5060");
	assert_int_equal(b->verdict, VERDICT_DROP);
	bench_expect_count(b, COUNT_HIDING_FORGED, 3);
	bench_expect_count(b, COUNT_DROP_RESPONSE_FORGED, 1);
	bench_close(b);
}

/* Whatever a foreign network makes of what it was given: no more than an answer. */
static void test_hostile(void **state)
{
	static const char put[] = {'A', ',', '>', 0x01, ';', (char)0xff};
	struct bench *b = between();
	char routes[BENCH_MESSAGE_MAX], said[BENCH_MESSAGE_MAX], text[BENCH_MESSAGE_MAX + 512];

	send_invite(b);
	snprintf(routes, sizeof(routes), "%s", all(b, 1, SIP_H_RECORD_ROUTE));
	snprintf(said, sizeof(said), "%s", bench_response(b, 1, "180 Ringing", "b"));
	for (int response = 0; response < 2; response++) {
		const char *sound = response ? said : bye(routes);
		size_t n = strlen(sound);

		for (size_t i = 0; i < n * sizeof(put); i++) {
			memcpy(text, sound, n + 1);
			text[i / sizeof(put)] = put[i % sizeof(put)];
			from(b, text, "10.30.0.200:5060");
			assert_true(b->n_out <= 1);
			if (b->n_out && b->out[0].dst.ip[3] == 200)
				shows_nothing(b, 0);
		}
	}
	bench_close(b);
}

/* A call from abroad: what our network records is hidden in the answer, and comes back in the
 * Routes of the caller, who turns them round. */
static void test_call_from_abroad(void **state)
{
	static const char call[] =
		"INVITE sip:alice@home.example SIP/2.0\n"
		"Via: SIP/2.0/UDP 10.30.0.200:5060;branch=z9hG4bKin\n"
		"Record-Route: <sip:x@abroad.example;lr>\n"
		"Max-Forwards: 70\nFrom: <sip:bob@foreign.example>;tag=1\n"
		"To: <sip:alice@home.example>\nCall-ID: call-1\nCSeq: 1 INVITE\n"
		"Contact: <sip:bob@foreign.example>\nContent-Length: 0\n\n";
	struct bench *b = between();
	char routes[BENCH_MESSAGE_MAX], ours[512], token[1024];
	const char *said;

	from(b, call, "10.30.0.200:5060");
	dst_is(b, 1, "10.30.0.6:5060");
	said = changed(bench_response(b, 1, "200 OK", "b"), "Record-Route: ",
		       "Record-Route: <sip:d1@10.30.0.5:5060;lr>, <sip:as@10.30.0.6;lr>\n"
		       "Record-Route: ");
	from(b, changed(said, "sip:bob@10.20.0.2:5060", "sip:alice@home.example"),
	     "10.30.0.6:5060");
	assert_int_equal(b->n_out, 1);
	dst_is(b, 0, "10.30.0.200:5060");
	shows_nothing(b, 0);
	said = all(b, 0, SIP_H_RECORD_ROUTE);
	assert_non_null(strstr(said, "<sip:x@abroad.example;lr>"));
	assert_int_equal(sscanf(said, "<%1000[^>]>,<%500[^>]>", token, ours), 2);
	snprintf(routes, sizeof(routes), "<%s>,<%s>", ours, token);
	from(b, bye(routes), "10.30.0.200:5060");
	dst_is(b, 0, "10.30.0.6:5060");
	assert_string_equal(all(b, 0, SIP_H_ROUTE),
			    "<sip:as@10.30.0.6;lr>,<sip:d1@10.30.0.5:5060;lr>");
	bench_close(b);
}

/* Without a transaction, and to a peer that may see us. */
static void test_stateless_and_open(void **state)
{
	struct bench *b = between();
	const char *message = changed(invite, "INVITE sip", "MESSAGE sip");

	from(b, changed(message, "1 INVITE", "1 MESSAGE"), "10.30.0.5:5060");
	assert_int_equal(b->n_out, 1);
	shows_nothing(b, 0);
	from(b, bench_response(b, 0, "200 OK", "b"), "10.30.0.200:5060");
	dst_is(b, 0, "10.30.0.5:5060");
	vias_are_back(b, 0);
	b->node.peer[0].hiding = b->node.hides = false;
	from(b, invite, "10.30.0.5:5060");
	has(b, 1, "z9hG4bKsecret3");
	assert_int_equal(bench_headers(b, 1, SIP_H_VIA), 3);
	bench_close(b);
}

static void test_too_long(void **state)
{
	struct bench *b = between();
	char vias[2048] = "";

	for (int i = 0; i < 20; i++)
		snprintf(vias + strlen(vias), sizeof(vias) - strlen(vias),
			 "Via: SIP/2.0/UDP 10.30.0.77:5060;branch=z9hG4bKlong%02d\n", i);
	strcat(vias, "Max-Forwards");
	from(b, changed(invite, "Max-Forwards", vias), "10.30.0.5:5060");
	assert_int_equal(b->out[b->n_out - 1].msg.status, 513);
	bench_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_response),
		cmocka_unit_test(test_own_answers),
		cmocka_unit_test(test_request_of_the_called),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_call_from_abroad),
		cmocka_unit_test(test_stateless_and_open),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
