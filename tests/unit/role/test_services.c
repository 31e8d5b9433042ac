/* test_services.c - tests of role/services.c: chains of Application Servers, message by message
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criteria/compile.h"
#include "table/server.h"

#define ALL (NODE_PCSCF | NODE_ICSCF | NODE_SCSCF)

/* Servers are peers at 10.30.0.21 and on. */
#define CRITERION(priority, server, handling, trigger)                                         \
	"<InitialFilterCriteria><Priority>" priority "</Priority>" trigger                     \
	"<ApplicationServer><ServerName>" server "</ServerName><DefaultHandling>" handling     \
	"</DefaultHandling></ApplicationServer></InitialFilterCriteria>"
#define CASE(n)                                                                                \
	"<TriggerPoint><ConditionTypeCNF>1</ConditionTypeCNF><SPT><ConditionNegated>0"         \
	"</ConditionNegated><Group>0</Group><SessionCase>" n                                   \
	"</SessionCase></SPT></TriggerPoint>"
#define METHOD(m)                                                                              \
	"<TriggerPoint><ConditionTypeCNF>1</ConditionTypeCNF><SPT><ConditionNegated>0"         \
	"</ConditionNegated><Group>0</Group><Method>" m "</Method></SPT></TriggerPoint>"
#define AS(n) "sip:10.30.0.2" n ":5070"

static struct bench *b;

static int teardown(void **state)
{
	bench_close(b);
	return 0;
}

static uint64_t profile_put(const char *xml)
{
	static struct criteria_compiled out;
	static uint64_t id;
	struct criteria_document d;

	if (!xml)
		return 0;
	assert_true(criteria_read(slice_str(xml), NULL, &d));
	assert_true(criteria_compile(d.profile[0], NULL, &out));
	criteria_free(&d);
	assert_int_equal(table_put_profile(b->tables, ++id, slice_of(out.memory, out.len)),
			 INSTALL_OK);
	return id;
}

/* flow NULL: not registered, but served. */
static void user(const char *name, const char *flow, const char *xml)
{
	char impu[64], uri[96];
	struct abi_registration_view v = {
		.roles = ABI_REG_SCSCF, .n_impu = 1, .n_contact = flow ? 1 : 0};

	v.roles |= flow ? ABI_REG_PCSCF : ABI_REG_UNREGISTERED;
	snprintf(impu, sizeof(impu), "sip:%s@ims.example", name);
	v.set_id = hash_table(&b->node.token_key, impu, (uint32_t)strlen(impu));
	v.impu[0] = (struct abi_impu_view){slice_str(impu), ABI_IMPU_DEFAULT, profile_put(xml)};
	if (flow) {
		struct addr a = bench_addr(flow);

		snprintf(uri, sizeof(uri), "sip:%s@%s", name, flow);
		v.contact[0] = (struct abi_contact_view){
			.flow = a,
			.local = bench_addr(a.ip[1] == 10 ? "10.10.0.1" : "10.20.0.1"),
			.expires_ms = b->now + 600000,
			.registered_ms = b->now,
			.q = 1000,
			.uri = slice_str(uri),
		};
	}
	bench_put(b, &v);
}

static void open_with(const char *alice, const char *bob)
{
	b = bench_open(ALL);
	b->node.server_ms = 2000;
	user("alice", "10.10.0.2:5060", alice);
	user("bob", "10.20.0.2:5060", bob);
}

static const char *called = "bob";

static void send_request(const char *method)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "%s sip:%s@ims.example SIP/2.0\n"
		 "Via: SIP/2.0/UDP 10.10.0.2:5060;branch=z9hG4bKabc\n"
		 "Route: <sip:10.10.0.1:5060;lr>,<sip:orig@scscf.ims.example:5060;lr>\n"
		 "Max-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\n"
		 "To: <sip:%s@ims.example>\nCall-ID: c1\nCSeq: 1 %s\n"
		 "Contact: <sip:alice@10.10.0.2:5060>\nContent-Length: 0\n\n",
		 method, called, called, method);
	bench_input(b, text, "10.10.0.2:5060", "10.10.0.1:5060");
}

/* The output that is a request; fails if there is none. */
static uint32_t request_out(void)
{
	for (uint32_t i = 0; i < b->n_out; i++)
		if (sip_is_request(&b->out[i].msg))
			return i;
	fail_msg("no request of %u messages, the first is %.80s", b->n_out, b->out[0].text);
	return 0;
}

static void goes_to(uint32_t i, const char *dst)
{
	char text[ADDR_TEXT_MAX];

	assert_string_equal(addr_text(&b->out[i].dst, text), dst);
}

/* What a server does that is a proxy: its own Route goes, its Via comes. uri NULL: as it is. */
static const char *sent_on(uint32_t i, const char *server, const char *uri, const char *branch)
{
	static char text[BENCH_MESSAGE_MAX];
	const char *whole = b->out[i].text, *line = strstr(whole, " "), *route, *ours, *end;

	end = strstr(whole, " SIP/2.0\r\n");
	snprintf(text, sizeof(text),
		 "%.*s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s\r\n",
		 (int)(line - whole), whole, uri ? uri : "", server, branch);
	if (!uri) {
		snprintf(text, sizeof(text),
			 "%.*s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s\r\n",
			 (int)(end - whole), whole, server, branch);
	}
	route = strstr(end, "Route: <");
	while (route && route[-1] != '\n') /* Record-Route */
		route = strstr(route + 1, "Route: <");
	assert_non_null(route);
	ours = strstr(route, ">,<") + 2;
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "%.*sRoute: %s",
		 (int)(route - (end + 10)), end + 10, ours);
	return text;
}

static void asked_by_route(uint32_t i, const char *server)
{
	char begin[128];

	snprintf(begin, sizeof(begin), "<%s;lr>,<sip:i", server);
	assert_memory_equal(bench_header(b, i, SIP_H_ROUTE), begin, strlen(begin));
}

/* ---- the chain ---- */

static void chain_of_two_and_one(void **state)
{
	open_with(CRITERION("1", AS("1"), "0", CASE("0"))
			  CRITERION("5", AS("2"), "0", METHOD("INVITE")),
		  CRITERION("1", AS("3"), "0", CASE("1")));
	send_request("INVITE");
	uint32_t i = request_out();
	goes_to(i, "10.30.0.21:5070");
	asked_by_route(i, AS("1"));
	assert_memory_equal(b->out[i].text, "INVITE sip:bob@ims.example SIP/2.0", 34);
	assert_string_equal(bench_header(b, i, SIP_H_P_SERVED_USER),
			    "<sip:alice@ims.example>;sescase=orig;regstate=reg");
	assert_string_equal(bench_header(b, i, SIP_H_P_ASSERTED_IDENTITY),
			    "<sip:alice@ims.example>");
	bench_input(b, sent_on(i, "10.30.0.21:5070", NULL, "as1"), "10.30.0.21:5070",
		    "10.30.0.1:5060");
	i = request_out();
	goes_to(i, "10.30.0.22:5070");
	asked_by_route(i, AS("2"));
	assert_int_equal(bench_headers(b, i, SIP_H_P_SERVED_USER), 1);
	bench_input(b, sent_on(i, "10.30.0.22:5070", NULL, "as2"), "10.30.0.22:5070",
		    "10.30.0.1:5060");
	i = request_out();
	goes_to(i, "10.30.0.23:5070");
	assert_string_equal(bench_header(b, i, SIP_H_P_SERVED_USER),
			    "<sip:bob@ims.example>;sescase=term;regstate=reg");
	bench_input(b, sent_on(i, "10.30.0.23:5070", NULL, "as3"), "10.30.0.23:5070",
		    "10.30.0.1:5060");
	i = request_out();
	goes_to(i, "10.20.0.2:5060");
	assert_memory_equal(b->out[i].text, "INVITE sip:bob@10.20.0.2:5060 SIP/2.0", 37);
	assert_int_equal(bench_headers(b, i, SIP_H_P_SERVED_USER), 0);
	assert_int_equal(bench_headers(b, i, SIP_H_ROUTE), 0);
	bench_expect_count(b, COUNT_CHAIN_ASKED, 3);
}

/* And so is a request that is no INVITE; its answers go back the whole way. */
static void message_through_a_server(void **state)
{
	open_with(CRITERION("1", AS("1"), "0", ""), NULL);
	send_request("MESSAGE");
	uint32_t i = request_out();
	goes_to(i, "10.30.0.21:5070");
	char to_bob[BENCH_MESSAGE_MAX];
	snprintf(to_bob, sizeof(to_bob), "%s", bench_response(b, i, "202 Accepted", "as"));
	bench_input(b, sent_on(i, "10.30.0.21:5070", NULL, "as1"), "10.30.0.21:5070",
		    "10.30.0.1:5060");
	i = request_out();
	goes_to(i, "10.20.0.2:5060");
	bench_input(b, to_bob, "10.30.0.21:5070", "10.30.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 202);
	goes_to(0, "10.10.0.2:5060");
}

static void server_without_criterion_is_not_asked(void **state)
{
	open_with(CRITERION("1", AS("1"), "0", CASE("1")),
		  CRITERION("1", AS("2"), "0", CASE("0")));
	send_request("INVITE");
	goes_to(request_out(), "10.20.0.2:5060");
	bench_expect_count(b, COUNT_CHAIN_ASKED, 0);
}

static void diverted_by_a_server(void **state)
{
	open_with(NULL, CRITERION("1", AS("1"), "0", CASE("1"))
				CRITERION("2", AS("2"), "0", CASE("4")));
	user("carol", "10.20.0.9:5060", NULL);
	send_request("INVITE");
	uint32_t i = request_out();
	goes_to(i, "10.30.0.21:5070");
	bench_input(b, sent_on(i, "10.30.0.21:5070", "sip:carol@ims.example", "as1"),
		    "10.30.0.21:5070", "10.30.0.1:5060");
	i = request_out();
	goes_to(i, "10.30.0.22:5070");
	assert_string_equal(bench_header(b, i, SIP_H_P_SERVED_USER),
			    "<sip:bob@ims.example>;orig-cdiv;regstate=reg");
	bench_input(b, sent_on(i, "10.30.0.22:5070", NULL, "as2"), "10.30.0.22:5070",
		    "10.30.0.1:5060");
	i = request_out();
	goes_to(i, "10.20.0.9:5060");
	assert_memory_equal(b->out[i].text, "INVITE sip:carol@10.20.0.9:5060", 31);
}

static void called_without_being_registered(void **state)
{
	open_with(NULL, NULL);
	user("dora", NULL,
	     CRITERION("1", AS("1"), "0", CASE("1")) CRITERION("2", AS("2"), "0", CASE("2")));
	char text[1024];
	snprintf(text, sizeof(text),
		 "MESSAGE sip:dora@ims.example SIP/2.0\n"
		 "Via: SIP/2.0/UDP 10.10.0.2:5060;branch=z9hG4bKd\n"
		 "Route: <sip:10.10.0.1:5060;lr>,<sip:orig@scscf.ims.example:5060;lr>\n"
		 "Max-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\n"
		 "To: <sip:dora@ims.example>\nCall-ID: c1\nCSeq: 1 MESSAGE\nContent-Length: "
		 "0\n\n");
	bench_input(b, text, "10.10.0.2:5060", "10.10.0.1:5060");
	uint32_t i = request_out();
	goes_to(i, "10.30.0.22:5070");
	assert_string_equal(bench_header(b, i, SIP_H_P_SERVED_USER),
			    "<sip:dora@ims.example>;sescase=term;regstate=unreg");
	bench_input(b, sent_on(i, "10.30.0.22:5070", NULL, "as2"), "10.30.0.22:5070",
		    "10.30.0.1:5060");
	assert_int_equal(b->out[0].msg.status, 480);
}

/* A server speaks for a user, registered or not. */
static void originated_by_a_server(void **state)
{
	open_with(CRITERION("1", AS("2"), "0", CASE("0")), NULL);
	user("dora", NULL, CRITERION("1", AS("2"), "0", CASE("3")));
	static const char *const who[] = {"alice", "dora"};
	static const char *const served[] = {
		"<sip:alice@ims.example>;sescase=orig;regstate=reg",
		"<sip:dora@ims.example>;sescase=orig;regstate=unreg"};

	for (int k = 0; k < 2; k++) {
		char text[1024];

		snprintf(text, sizeof(text),
			 "MESSAGE sip:bob@ims.example SIP/2.0\n"
			 "Via: SIP/2.0/UDP 10.30.0.21:5070;branch=z9hG4bKo%d\n"
			 "Route: <sip:orig@scscf.ims.example:5060;lr>\n"
			 "Max-Forwards: 70\nFrom: <sip:as@ims.example>;tag=1\n"
			 "P-Served-User: <sip:%s@ims.example>\n"
			 "P-Asserted-Identity: <sip:bob@ims.example>\n"
			 "To: <sip:bob@ims.example>\nCall-ID: c%d\nCSeq: 1 MESSAGE\n"
			 "Content-Length: 0\n\n",
			 k, who[k], k);
		bench_input(b, text, "10.30.0.21:5070", "10.30.0.1:5060");
		uint32_t i = request_out();
		goes_to(i, "10.30.0.22:5070");
		assert_string_equal(bench_header(b, i, SIP_H_P_SERVED_USER), served[k]);
	}
}

/* ---- servers that fail ---- */

/* Time goes on until a request comes out that is no repeat; its output. */
static uint32_t wait_for_next(uint32_t ms, const char *not_to)
{
	for (uint32_t t = 0; t < ms; t += 100) {
		bench_wait(b, 100);
		for (uint32_t i = 0; i < b->n_out; i++) {
			char text[ADDR_TEXT_MAX];

			if (strcmp(addr_text(&b->out[i].dst, text), not_to))
				return i;
		}
	}
	fail_msg("nothing came");
	return 0;
}

static void silent_server_is_passed_over(void **state)
{
	static const char *const method[] = {"INVITE", "MESSAGE"};

	for (int k = 0; k < 2; k++) {
		open_with(CRITERION("1", AS("1"), "0", "") CRITERION("2", AS("2"), "0", ""),
			  NULL);
		send_request(method[k]);
		goes_to(request_out(), "10.30.0.21:5070");
		uint32_t i = wait_for_next(2500, "10.30.0.21:5070");
		goes_to(i, "10.30.0.22:5070");
		asked_by_route(i, AS("2"));
		bench_input(b, sent_on(i, "10.30.0.22:5070", NULL, "as2"), "10.30.0.22:5070",
			    "10.30.0.1:5060");
		goes_to(request_out(), "10.20.0.2:5060");
		if (k == 0)
			bench_close(b);
	}
}

static void failing_server_is_passed_over(void **state)
{
	open_with(CRITERION("1", AS("1"), "0", ""), NULL);
	send_request("INVITE");
	uint32_t i = request_out();
	bench_input(b, bench_response(b, i, "503 Service Unavailable", "as"), "10.30.0.21:5070",
		    "10.30.0.1:5060");
	i = request_out();
	for (i = 0; i < b->n_out && b->out[i].msg.method != SIP_M_INVITE; i++)
		;
	goes_to(i, "10.20.0.2:5060");
	assert_memory_equal(b->out[i].text, "INVITE sip:bob@10.20.0.2:5060", 29);
	assert_int_equal(bench_headers(b, i, SIP_H_ROUTE), 0);
	assert_int_equal(bench_headers(b, i, SIP_H_P_SERVED_USER), 0);
	bench_expect_count(b, COUNT_CHAIN_SKIPPED, 1);
}

/* SESSION_TERMINATED. */
static void silent_server_ends_the_request(void **state)
{
	open_with(CRITERION("1", AS("1"), "1", ""), NULL);
	send_request("INVITE");
	uint32_t i = wait_for_next(2500, "10.30.0.21:5070");
	assert_int_equal(b->out[i].msg.status, 408);
	goes_to(i, "10.10.0.2:5060");
	bench_expect_count(b, COUNT_CHAIN_ENDED, 1);
}

static void failing_server_ends_the_request(void **state)
{
	open_with(CRITERION("1", AS("1"), "1", ""), NULL);
	send_request("INVITE");
	uint32_t i = request_out();
	bench_input(b, bench_response(b, i, "502 Bad Gateway", "as"), "10.30.0.21:5070",
		    "10.30.0.1:5060");
	for (i = 0; i < b->n_out && b->out[i].msg.status != 502; i++)
		;
	goes_to(i, "10.10.0.2:5060");
}

/* What it says otherwise is its word: a redirection, a refusal, and 5xx behind a 180. */
static void servers_word_stands(void **state)
{
	static const char *const said[] = {"302 Moved Temporarily", "486 Busy Here",
					   "603 Decline", "500 Server Internal Error"};

	for (uint32_t k = 0; k < 4; k++) {
		char final[BENCH_MESSAGE_MAX], ringing[BENCH_MESSAGE_MAX];

		open_with(CRITERION("1", AS("1"), "0", ""), NULL);
		send_request("INVITE");
		uint32_t i = request_out();
		snprintf(final, sizeof(final), "%s", bench_response(b, i, said[k], "as"));
		snprintf(ringing, sizeof(ringing), "%s",
			 bench_response(b, i, "180 Ringing", "as"));
		if (k == 3)
			bench_input(b, ringing, "10.30.0.21:5070", "10.30.0.1:5060");
		bench_input(b, final, "10.30.0.21:5070", "10.30.0.1:5060");
		for (i = 0; i < b->n_out && sip_is_request(&b->out[i].msg); i++)
			assert_int_equal(b->out[i].msg.method, SIP_M_ACK);
		assert_true(i < b->n_out);
		assert_int_equal(b->out[i].msg.status, atoi(said[k]));
		goes_to(i, "10.10.0.2:5060");
		if (k < 3)
			bench_close(b);
	}
}

/* Carol is not known here. The server says nothing to a request for her, and control is asked
 * where it goes then. */
static void ask_past_silent_server(const char *method)
{
	open_with(CRITERION("1", AS("1"), "0", ""), NULL);
	called = "carol";
	send_request(method);
	goes_to(request_out(), "10.30.0.21:5070");
	for (uint32_t t = 0; t < 2500 && !b->asked; t += 100)
		bench_wait(b, 100);
	called = "bob";
	assert_int_equal(b->asked, PUNT_LOCATE);
	assert_memory_equal(b->asked_text, method, strlen(method));
	bench_expect_count(b, COUNT_CHAIN_SKIPPED, 1);
}

static void said(enum abi_locate locate, uint16_t status, const char *hop)
{
	char text[BENCH_MESSAGE_MAX];

	snprintf(text, sizeof(text), "%s", b->asked_text);
	bench_resume(b, text, "10.10.0.2:5060", "10.10.0.1:5060", locate, status, hop, NULL);
}

static void control_is_asked_behind_a_silent_server(void **state)
{
	static const char *const method[] = {"INVITE", "MESSAGE"};

	for (int k = 0; k < 4; k++) {
		uint32_t i = 0;

		ask_past_silent_server(method[k % 2]);
		if (k < 2) {
			said(LOCATE_ONWARD, 0, "10.30.0.9:5060");
			goes_to(request_out(), "10.30.0.9:5060");
			i = request_out();
			assert_int_equal(bench_headers(b, i, SIP_H_P_SERVED_USER), 0);
			bench_input(b, bench_response(b, i, "200 OK", "c"), "10.30.0.9:5060",
				    "10.30.0.1:5060");
			assert_int_equal(b->out[0].msg.status, 200);
		} else {
			said(LOCATE_REJECT, 404, NULL);
			assert_int_equal(b->n_out, 1);
			assert_int_equal(b->out[0].msg.status, 404);
		}
		goes_to(0, "10.10.0.2:5060");
		if (k < 3)
			bench_close(b);
	}
}

static void control_does_not_answer(void **state)
{
	ask_past_silent_server("INVITE");
	bench_wait(b, 33000);
	assert_int_equal(b->out[b->n_out - 1].msg.status, 504);
	goes_to(b->n_out - 1, "10.10.0.2:5060");
	/* And then it is too late. */
	said(LOCATE_ONWARD, 0, "10.30.0.9:5060");
	assert_int_equal(b->n_out, 0);
}

static void caller_gives_up_meanwhile(void **state)
{
	ask_past_silent_server("INVITE");
	bench_input(b,
		    "CANCEL sip:carol@ims.example SIP/2.0\n"
		    "Via: SIP/2.0/UDP 10.10.0.2:5060;branch=z9hG4bKabc\n"
		    "Max-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\n"
		    "To: <sip:carol@ims.example>\nCall-ID: c1\nCSeq: 1 CANCEL\n"
		    "Content-Length: 0\n\n",
		    "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 2);
	assert_int_equal(b->out[0].msg.status, 487);
	assert_int_equal(b->out[1].msg.status, 200);
	said(LOCATE_ONWARD, 0, "10.30.0.9:5060");
	assert_int_equal(b->n_out, 0);
}

/* Control's way leads nowhere. */
static void nowhere_to_go_behind_the_server(void **state)
{
	open_with(CRITERION("1", AS("1"), "0", ""), NULL);
	called = "carol";
	send_request("INVITE");
	bench_input(b, bench_response(b, request_out(), "503 Service Unavailable", "as"),
		    "10.30.0.21:5070", "10.30.0.1:5060");
	called = "bob";
	assert_int_equal(b->asked, PUNT_LOCATE);
	said(LOCATE_ONWARD, 0, "172.16.0.9:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 500);
	goes_to(0, "10.10.0.2:5060");
}

/* A server that rings is not given up. */
static void ringing_server_is_waited_for(void **state)
{
	open_with(CRITERION("1", AS("1"), "0", ""), NULL);
	send_request("INVITE");
	uint32_t i = request_out();
	bench_input(b, bench_response(b, i, "100 Trying", NULL), "10.30.0.21:5070",
		    "10.30.0.1:5060");
	for (uint32_t t = 0; t < 60000; t += 500) {
		bench_wait(b, 500);
		assert_int_equal(b->n_out, 0);
	}
}

static void put_server(const char *host, uint32_t n, const char *const *addr)
{
	struct abi_server_view v = {.host = slice_str(host), .n_addr = n};

	v.server_id = abi_server_id(v.host, 0);
	for (uint32_t i = 0; i < n; i++)
		v.addr[i] = bench_addr(addr[i]);
	assert_int_equal(table_put_server(b->tables, &v), INSTALL_OK);
}

static void named_server_has_two_addresses(void **state)
{
	static const char *const at[] = {"10.30.0.21:5070", "10.30.0.22:5071"};

	open_with(CRITERION("1", "sip:as.ims.example", "1", ""), NULL);
	put_server("as.ims.example", 2, at);
	send_request("MESSAGE");
	uint32_t i = request_out();
	goes_to(i, at[0]);
	asked_by_route(i, "sip:as.ims.example");
	i = wait_for_next(2500, at[0]);
	goes_to(i, at[1]);
	asked_by_route(i, "sip:as.ims.example");
	/* The dead one is left alone for a while. */
	bench_close(b);
}

static void dead_address_rests(void **state)
{
	static const char *const at[] = {"10.30.0.21:5070", "10.30.0.22:5071"};
	char text[1024];

	open_with(CRITERION("1", "sip:as.ims.example", "0", ""), NULL);
	put_server("as.ims.example", 2, at);
	send_request("MESSAGE");
	wait_for_next(2500, at[0]);
	snprintf(text, sizeof(text),
		 "MESSAGE sip:bob@ims.example SIP/2.0\n"
		 "Via: SIP/2.0/UDP 10.10.0.2:5060;branch=z9hG4bKnext\n"
		 "Route: <sip:10.10.0.1:5060;lr>,<sip:orig@scscf.ims.example:5060;lr>\n"
		 "Max-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\n"
		 "To: <sip:bob@ims.example>\nCall-ID: c9\nCSeq: 1 MESSAGE\nContent-Length: "
		 "0\n\n");
	bench_input(b, text, "10.10.0.2:5060", "10.10.0.1:5060");
	goes_to(request_out(), at[1]);
}

static void unknown_server(void **state)
{
	open_with(CRITERION("1", "sip:nowhere.example", "0", "")
			  CRITERION("2", AS("2"), "0", ""),
		  NULL);
	send_request("INVITE");
	goes_to(request_out(), "10.30.0.22:5070");
	bench_close(b);
	open_with(CRITERION("1", "sip:nowhere.example", "1", ""), NULL);
	send_request("INVITE");
	uint32_t i;
	for (i = 0; i < b->n_out && b->out[i].msg.status != 408; i++)
		;
	assert_true(i < b->n_out);
	bench_expect_count(b, COUNT_CHAIN_ENDED, 1);
}

/* ---- identifiers that are none ---- */

static void comes_back(const char *changed_octet, const char *from, uint16_t status)
{
	open_with(CRITERION("1", AS("1"), "0", ""), NULL);
	send_request("MESSAGE");
	uint32_t i = request_out();
	char text[BENCH_MESSAGE_MAX], *at;

	snprintf(text, sizeof(text), "%s", sent_on(i, "10.30.0.21:5070", NULL, "as1"));
	at = strstr(text, "<sip:i");
	if (changed_octet) {
		at += 5 + atoi(changed_octet);
		*at = *at == '0' ? '1' : '0'; /* a digit still */
	}
	bench_input(b, text, from, from[3] == '3' ? "10.30.0.1:5060" : "10.10.0.1:5060");
	if (status) {
		assert_int_equal(b->n_out, 1);
		assert_int_equal(b->out[0].msg.status, status);
		bench_expect_count(b, COUNT_CHAIN_REFUSED, 1);
	}
}

static void forged_identifiers(void **state)
{
	static const char *const at[] = {"2", "4", "12", "20", "30", "50"};

	for (int i = 0; i < 6; i++) {
		comes_back(at[i], "10.30.0.21:5070", 403);
		bench_close(b);
	}
	/* One that is good, from a terminal, and from nobody. */
	comes_back(NULL, "10.10.0.2:5060", 403);
	bench_close(b);
	comes_back(NULL, "10.10.0.77:5060", 403);
}

static void expired_identifier(void **state)
{
	open_with(CRITERION("1", AS("1"), "0", ""), NULL);
	send_request("MESSAGE");
	char text[BENCH_MESSAGE_MAX];
	snprintf(text, sizeof(text), "%s",
		 sent_on(request_out(), "10.30.0.21:5070", NULL, "as1"));
	b->now += 12 * 60000;
	bench_input(b, text, "10.30.0.21:5070", "10.30.0.1:5060");
	assert_int_equal(b->out[b->n_out - 1].msg.status, 481);
}

static void user_is_gone(void **state)
{
	open_with(CRITERION("1", AS("1"), "0", ""), NULL);
	send_request("MESSAGE");
	char text[BENCH_MESSAGE_MAX];
	snprintf(text, sizeof(text), "%s",
		 sent_on(request_out(), "10.30.0.21:5070", NULL, "as1"));
	assert_int_equal(table_delete(b->tables, hash_table(&b->node.token_key,
							    "sip:alice@ims.example", 21)),
			 INSTALL_OK);
	bench_input(b, text, "10.30.0.21:5070", "10.30.0.1:5060");
	assert_int_equal(b->out[b->n_out - 1].msg.status, 480);
}

/* Two users who divert to each other, and a server that begins a new dialog each time: neither
 * Via nor Max-Forwards would end it. */
static void chain_does_not_run_for_ever(void **state)
{
	static const char all[] = CRITERION("1", AS("1"), "0", "");
	uint32_t passes = 0, i;

	open_with(all, all);
	send_request("MESSAGE");
	for (i = request_out(); sip_is_request(&b->out[i].msg); i = b->n_out - 1) {
		char text[1024], ours[256];

		snprintf(ours, sizeof(ours), "%s",
			 strstr(bench_header(b, i, SIP_H_ROUTE), ">,<") + 2);
		snprintf(text, sizeof(text),
			 "MESSAGE sip:%s@ims.example SIP/2.0\n"
			 "Via: SIP/2.0/UDP 10.30.0.21:5070;branch=z9hG4bKp%u\nRoute: %s\n"
			 "Max-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=%u\n"
			 "To: <sip:bob@ims.example>\nCall-ID: p%u\nCSeq: 1 MESSAGE\n"
			 "Content-Length: 0\n\n",
			 (passes + 1) / 2 % 2 ? "alice" : "bob", passes, ours, passes, passes);
		assert_true(passes++ < 100);
		bench_input(b, text, "10.30.0.21:5070", "10.30.0.1:5060");
		assert_true(b->n_out > 0);
		goes_to(b->n_out - 1, "10.30.0.21:5070");
	}
	assert_int_equal(b->out[i].msg.status, 482);
	assert_in_range(passes, 32, 34);
	bench_expect_count(b, COUNT_CHAIN_REFUSED, 1);
}

/* ---- inside the dialog ---- */

static void dialog_passes_the_server(void **state)
{
	char route[1024], text[BENCH_MESSAGE_MAX];

	open_with(CRITERION("1", AS("1"), "0", ""), NULL);
	send_request("INVITE");
	uint32_t i = request_out();
	char first[512];
	snprintf(first, sizeof(first), "%s", bench_header(b, i, SIP_H_RECORD_ROUTE));
	/* The caller's route set: our entries of the first pass, the server, ours of the
	 * second; the last two are enough for what is asked here. */
	char *second = strchr(first, ',');
	if (second)
		*second++ = 0;
	snprintf(route, sizeof(route), "%s%s%s,<sip:10.30.0.21:5070;lr>", second ? second : "",
		 second ? "," : "", first);
	snprintf(text, sizeof(text),
		 "BYE sip:bob@10.20.0.2:5060 SIP/2.0\n"
		 "Via: SIP/2.0/UDP 10.10.0.2:5060;branch=z9hG4bKbye\nRoute: %s\n"
		 "Max-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\n"
		 "To: <sip:bob@ims.example>;tag=b\nCall-ID: c1\nCSeq: 2 BYE\n"
		 "Content-Length: 0\n\n",
		 route);
	bench_input(b, text, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 1);
	goes_to(0, "10.30.0.21:5070");
	assert_string_equal(bench_header(b, 0, SIP_H_ROUTE), "<sip:10.30.0.21:5070;lr>");
}

/* Servers of either user have left the path: the dialog's entries are all ours, and go in one
 * pass. */
static void dialog_without_the_servers(void **state)
{
	char routes[BENCH_MESSAGE_MAX] = "", back[2048] = "", text[BENCH_MESSAGE_MAX], *at;

	open_with(CRITERION("1", AS("1"), "0", CASE("0")),
		  CRITERION("1", AS("2"), "0", CASE("1")));
	send_request("INVITE");
	uint32_t i = request_out();
	for (int server = 1; server <= 2; server++) {
		char from[32], branch[8];

		snprintf(from, sizeof(from), "10.30.0.2%d:5070", server);
		snprintf(branch, sizeof(branch), "as%d", server);
		bench_input(b, sent_on(i, from, NULL, branch), from, "10.30.0.1:5060");
		i = request_out();
	}
	goes_to(i, "10.20.0.2:5060");
	for (const struct sip_header *h = sip_first(&b->out[i].msg, SIP_H_RECORD_ROUTE); h;
	     h = sip_next(&b->out[i].msg, h)) {
		char one[512];

		snprintf(one, sizeof(one), "%.*s", SLICE_ARG(sip_value(&b->out[i].msg, h)));
		snprintf(text, sizeof(text), "%s%s%s", one, routes[0] ? "," : "", routes);
		snprintf(routes, sizeof(routes), "%s", text);
		snprintf(back + strlen(back), sizeof(back) - strlen(back), "%s%s",
			 back[0] ? "," : "", one);
	}
	at = strstr(b->out[i].text, "sip:bob@");
	assert_non_null(at);
	snprintf(text, sizeof(text),
		 "BYE %.*s SIP/2.0\n"
		 "Via: SIP/2.0/UDP 10.10.0.2:5060;branch=z9hG4bKbye\nRoute: %s\n"
		 "Max-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\n"
		 "To: <sip:bob@ims.example>;tag=b\nCall-ID: c1\nCSeq: 2 BYE\n"
		 "Content-Length: 0\n\n",
		 (int)strcspn(at, " "), at, routes);
	bench_input(b, text, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 1);
	goes_to(0, "10.20.0.2:5060");
	snprintf(text, sizeof(text),
		 "BYE sip:alice@10.10.0.2:5060 SIP/2.0\n"
		 "Via: SIP/2.0/UDP 10.20.0.2:5060;branch=z9hG4bKbye\nRoute: %s\n"
		 "Max-Forwards: 70\nFrom: <sip:bob@ims.example>;tag=b\n"
		 "To: <sip:alice@ims.example>;tag=1\nCall-ID: c1\nCSeq: 2 BYE\n"
		 "Content-Length: 0\n\n",
		 back);
	bench_input(b, text, "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->n_out, 1);
	goes_to(0, "10.10.0.2:5060");
	/* A stranger is no party of it. */
	bench_input(b, text, "10.20.0.9:5060", "10.20.0.1:5060");
	assert_int_equal(b->out[0].msg.status, 403);
}

/* ---- communication services (RFC 6050) ---- */

#define SERVICE(id) "<ServiceId>urn:urn-7:3gpp-service.ims.icsi." id "</ServiceId>"
#define WITH_SERVICES(ids, criteria)                                                           \
	"<ServiceProfile><PublicIdentity><Identity>sip:x@ims.example</Identity>"               \
	"</PublicIdentity><CoreNetworkServicesAuthorization><Extension><ListOfServiceIds>" ids \
	"</ListOfServiceIds></Extension></CoreNetworkServicesAuthorization>" criteria          \
	"</ServiceProfile>"
#define HEADER(name, content)                                                                  \
	"<TriggerPoint><ConditionTypeCNF>1</ConditionTypeCNF><SPT><ConditionNegated>0"         \
	"</ConditionNegated><Group>0</Group><SIPHeader><Header>" name "</Header>"              \
	"<Content>" content "</Content></SIPHeader></SPT></TriggerPoint>"
#define ICSI(id)          "urn:urn-7:3gpp-service.ims.icsi." id
#define ASSERTED(content) HEADER("P-Asserted-Service", content)

static void send_preferring(const char *lines)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "MESSAGE sip:bob@ims.example SIP/2.0\n"
		 "Via: SIP/2.0/UDP 10.10.0.2:5060;branch=z9hG4bKabc\n"
		 "Route: <sip:10.10.0.1:5060;lr>,<sip:orig@scscf.ims.example:5060;lr>\n"
		 "Max-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\n"
		 "To: <sip:bob@ims.example>\nCall-ID: c1\nCSeq: 1 MESSAGE\n"
		 "%sContent-Length: 0\n\n",
		 lines);
	bench_input(b, text, "10.10.0.2:5060", "10.10.0.1:5060");
}

static void subscribed_service_is_asserted(void **state)
{
	open_with(WITH_SERVICES(SERVICE("mmtel") SERVICE("cpm"), ""), NULL);
	send_preferring("P-Preferred-Service: " ICSI("foo") ", " ICSI("mmtel.x") "\n");
	assert_int_equal(b->n_out, 1);
	goes_to(0, "10.20.0.2:5060");
	assert_int_equal(bench_headers(b, 0, SIP_H_P_PREFERRED_SERVICE), 0);
	assert_int_equal(bench_headers(b, 0, SIP_H_P_ASSERTED_SERVICE), 1);
	assert_string_equal(bench_header(b, 0, SIP_H_P_ASSERTED_SERVICE), ICSI("mmtel.x"));
}

static void forged_assertion_goes(void **state)
{
	open_with(WITH_SERVICES(SERVICE("mmtel"), ""), WITH_SERVICES(SERVICE("cpm"), ""));
	send_preferring("P-Asserted-Service: " ICSI("mmtel") "\n");
	assert_int_equal(b->n_out, 1);
	goes_to(0, "10.20.0.2:5060");
	assert_int_equal(bench_headers(b, 0, SIP_H_P_ASSERTED_SERVICE), 0);
}

static void other_service_is_refused(void **state)
{
	open_with(WITH_SERVICES(SERVICE("mmtel"), ""), NULL);
	send_preferring("P-Preferred-Service: " ICSI("foo") "\n");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 403);
}

static void profile_without_services_asserts_none(void **state)
{
	open_with(CRITERION("1", AS("1"), "0", METHOD("INVITE")), NULL);
	send_preferring("P-Preferred-Service: " ICSI("foo") "\n");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(bench_headers(b, 0, SIP_H_P_PREFERRED_SERVICE), 0);
	assert_int_equal(bench_headers(b, 0, SIP_H_P_ASSERTED_SERVICE), 0);
}

/* Steps 4 and 5 of TS 24.229 §5.4.3.2: asserted first, then the criteria. */
static void criteria_see_what_is_asserted(void **state)
{
	open_with(WITH_SERVICES(SERVICE("mmtel"),
				CRITERION("1", AS("1"), "0", ASSERTED("icsi[.]mmtel"))),
		  NULL);
	send_preferring("P-Preferred-Service: " ICSI("mmtel") "\n");
	uint32_t i = request_out();
	goes_to(i, "10.30.0.21:5070");
	assert_string_equal(bench_header(b, i, SIP_H_P_ASSERTED_SERVICE), ICSI("mmtel"));
	bench_input(b, sent_on(i, "10.30.0.21:5070", NULL, "as1"), "10.30.0.21:5070",
		    "10.30.0.1:5060");
	i = request_out();
	goes_to(i, "10.20.0.2:5060");
	assert_string_equal(bench_header(b, i, SIP_H_P_ASSERTED_SERVICE), ICSI("mmtel"));
}

/* What a terminal asserts nobody believes; what the P-CSCF will say of it counts already. */
static void criteria_do_not_see_what_is_forged(void **state)
{
	static const char *const forged[] = {"P-Asserted-Service: " ICSI("mmtel") "\n",
					     "P-Asserted-Identity: <sip:king@ims.example>\n"};
	static const char *const criterion[] = {
		CRITERION("1", AS("1"), "0", ASSERTED("icsi[.]mmtel")),
		CRITERION("1", AS("1"), "0", HEADER("P-Asserted-Identity", "king@")),
		CRITERION("1", AS("1"), "0", HEADER("P-Asserted.*", "king@"))};

	for (int k = 0; k < 3; k++) {
		open_with(criterion[k], NULL);
		send_preferring(forged[k > 0]);
		assert_int_equal(b->n_out, 1);
		goes_to(0, "10.20.0.2:5060");
		bench_close(b);
	}
	open_with(CRITERION("1", AS("1"), "0",
			    HEADER("P-Asserted-Identity", "&lt;sip:alice@ims[.]example&gt;")),
		  NULL);
	send_preferring(forged[1]);
	goes_to(request_out(), "10.30.0.21:5070");
}

static void called_user_without_it_does_not_see_it(void **state)
{
	open_with(WITH_SERVICES(SERVICE("mmtel"), ""), WITH_SERVICES(SERVICE("cpm"), ""));
	send_preferring("P-Preferred-Service: " ICSI("mmtel") "\n");
	assert_int_equal(b->n_out, 1);
	goes_to(0, "10.20.0.2:5060");
	assert_int_equal(bench_headers(b, 0, SIP_H_P_ASSERTED_SERVICE), 0);
}

#define T(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(chain_of_two_and_one),
		T(message_through_a_server),
		T(server_without_criterion_is_not_asked),
		T(diverted_by_a_server),
		T(called_without_being_registered),
		T(originated_by_a_server),
		T(silent_server_is_passed_over),
		T(failing_server_is_passed_over),
		T(silent_server_ends_the_request),
		T(failing_server_ends_the_request),
		T(servers_word_stands),
		T(control_is_asked_behind_a_silent_server),
		T(control_does_not_answer),
		T(caller_gives_up_meanwhile),
		T(nowhere_to_go_behind_the_server),
		T(ringing_server_is_waited_for),
		cmocka_unit_test(named_server_has_two_addresses),
		T(dead_address_rests),
		T(unknown_server),
		T(forged_identifiers),
		T(expired_identifier),
		T(user_is_gone),
		T(chain_does_not_run_for_ever),
		T(dialog_passes_the_server),
		T(dialog_without_the_servers),
		T(subscribed_service_is_asserted),
		T(forged_assertion_goes),
		T(other_service_is_refused),
		T(profile_without_services_asserts_none),
		T(criteria_see_what_is_asserted),
		T(criteria_do_not_see_what_is_forged),
		T(called_user_without_it_does_not_see_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
