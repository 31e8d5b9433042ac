/* test_onward.c - tests of role/onward.c: what leaves the network, and next hops that fail */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table/next_hop.h"

#define ALL    (NODE_PCSCF | NODE_ICSCF | NODE_SCSCF)
#define HOP(n) "10.30.0.4" #n ":5060"

static struct bench *b;

static int start(void **state)
{
	static const char *const flow[] = {"10.10.0.2:5060"};

	b = bench_open(ALL);
	b->node.outbound = true;
	bench_register(b, "alice", 1, flow);
	return 0;
}

static int teardown(void **state)
{
	bench_close(b);
	return 0;
}

/* To HOP(1) and on, for a minute. */
static void way(const char *to, enum abi_route_kind kind, const char *uri, uint32_t n,
		uint64_t expires_ms)
{
	struct abi_route_view v = {.to = slice_str(to),
				   .kind = (uint8_t)kind,
				   .uri = uri ? slice_str(uri) : SLICE_EMPTY,
				   .expires_ms = expires_ms,
				   .n_addr = n};

	for (uint32_t i = 0; i < n; i++)
		v.addr[i] = addr_v4(0x0a1e0029 + i, 5060);
	assert_int_equal(table_put_next_hop(b->tables, &v), INSTALL_OK);
}

static const char *request(const char *method, const char *uri)
{
	static uint32_t branch;
	static char text[2048];

	snprintf(text, sizeof(text),
		 "%s %s SIP/2.0\n"
		 "Via: SIP/2.0/UDP 10.10.0.2:5060;branch=z9hG4bKon%u\n"
		 "Route: <sip:10.10.0.1:5060;lr>,<sip:orig@scscf.ims.example:5060;lr>\n"
		 "Max-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\n"
		 "To: <sip:x@far.example>\nCall-ID: c%u\nCSeq: 1 %s\n"
		 "Contact: <sip:alice@10.10.0.2:5060>\nContent-Length: 0\n\n",
		 method, uri, branch, branch, method);
	branch++;
	return text;
}

static void send_request(const char *method, const char *uri)
{
	bench_input(b, request(method, uri), "10.10.0.2:5060", "10.10.0.1:5060");
}

/* Index of the first output that is a request for this destination; -1: none. */
static int out_to(const char *dst)
{
	struct addr a = bench_addr(dst);

	for (uint32_t i = 0; i < b->n_out; i++)
		if (sip_is_request(&b->out[i].msg) && addr_eq(&b->out[i].dst, &a))
			return (int)i;
	return -1;
}

static uint16_t answered(void)
{
	for (uint32_t i = 0; i < b->n_out; i++)
		if (b->out[i].msg.status > 100)
			return b->out[i].msg.status;
	return 0;
}

/* Time goes on until there is a request for dst; its output. */
static uint32_t wait_for(const char *dst, uint32_t ms)
{
	for (uint32_t t = 0; t < ms; t += 100) {
		bench_wait(b, 100);
		if (out_to(dst) >= 0)
			return (uint32_t)out_to(dst);
	}
	fail_msg("nothing for %s", dst);
	return 0;
}

static uint16_t wait_for_answer(uint32_t ms)
{
	for (uint32_t t = 0; t < ms; t += 100) {
		bench_wait(b, 100);
		if (answered())
			return answered();
	}
	return 0;
}

static void respond(uint32_t i, const char *from, const char *status_line)
{
	bench_input(b, bench_response(b, i, status_line, "far"), from, "10.30.0.1:5060");
}

static void known_ways_ask_nobody(void **state)
{
	way("far.example", ABI_ROUTE_CALLED, NULL, 2, b->now + 60000);
	way("far.example:5070", ABI_ROUTE_PROXY, "sip:ibcf.example", 1, b->now + 60000);
	send_request("MESSAGE", "sip:x@Far.Example");
	assert_int_equal(b->verdict, VERDICT_SEND);
	assert_int_equal(out_to(HOP(1)), 0);
	assert_memory_equal(b->out[0].text, "MESSAGE sip:x@Far.Example SIP/2.0\r\n", 35);
	assert_int_equal(bench_headers(b, 0, SIP_H_ROUTE), 0);
	respond(0, HOP(1), "200 OK");
	assert_int_equal(answered(), 200);
	send_request("INVITE", "sip:x@far.example:5070");
	int i = out_to(HOP(1));
	assert_true(i >= 0);
	assert_string_equal(bench_header(b, (uint32_t)i, SIP_H_ROUTE), "<sip:ibcf.example;lr>");
	send_request("MESSAGE", "sip:x@near.example");
	assert_int_equal(b->verdict, VERDICT_PUNT);
	assert_int_equal(b->punt, PUNT_OUTBOUND);
	bench_expect_count(b, COUNT_ONWARD, 2);
	bench_expect_count(b, COUNT_ONWARD_NEXT, 0);
}

static void numbers(void **state)
{
	way("+4930", ABI_ROUTE_CALLED, "sip:30@far.example", 1, b->now + 60000);
	way("+44*", ABI_ROUTE_PROXY, "sip:mgcf.example", 1, b->now + 60000);
	send_request("MESSAGE", "tel:+49-30");
	assert_int_equal(out_to(HOP(1)), 0);
	assert_memory_equal(b->out[0].text, "MESSAGE sip:30@far.example SIP/2.0\r\n", 36);
	send_request("MESSAGE", "sip:+441234@ims.example;user=phone");
	assert_int_equal(out_to(HOP(1)), 0);
	assert_memory_equal(b->out[0].text, "MESSAGE sip:+441234@ims.example;user=phone ", 43);
	assert_string_equal(bench_header(b, 0, SIP_H_ROUTE), "<sip:mgcf.example;lr>");
	/* What of portability is known already is control's. */
	static const char *const other[] = {"tel:+49301", "tel:+4930;npdi", "tel:+4930;rn=+491",
					    "sip:+4930;npdi@ims.example;user=phone"};
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		send_request("MESSAGE", other[i]);
		assert_int_equal(b->verdict, VERDICT_PUNT);
		assert_int_equal(b->punt, PUNT_OUTBOUND);
	}
}

/* Who registers here is called here, whatever way was found before. */
static void our_own_come_first(void **state)
{
	struct abi_registration_view v = {.roles = ABI_REG_PCSCF | ABI_REG_SCSCF,
					  .set_id = 9,
					  .n_impu = 1,
					  .n_contact = 1};

	way("+4930", ABI_ROUTE_CALLED, NULL, 1, b->now + 60000);
	v.impu[0] = (struct abi_impu_view){SLICE("tel:+4930"), ABI_IMPU_DEFAULT, 0};
	v.contact[0] = (struct abi_contact_view){.flow = bench_addr("10.20.0.2:5060"),
						 .local = bench_addr("10.20.0.1"),
						 .expires_ms = b->now + 600000,
						 .q = 1000,
						 .uri = SLICE("sip:bob@10.20.0.2")};
	bench_put(b, &v);
	send_request("MESSAGE", "tel:+4930");
	assert_int_equal(out_to("10.20.0.2:5060"), 0);
}

static void from_outside_nothing_passes_through(void **state)
{
	way("far.example", ABI_ROUTE_CALLED, NULL, 1, b->now + 60000);
	way("+4930", ABI_ROUTE_CALLED, NULL, 1, b->now + 60000);
	for (int i = 0; i < 2; i++) {
		char text[1024];

		snprintf(text, sizeof(text),
			 "MESSAGE %s SIP/2.0\nVia: SIP/2.0/UDP "
			 "10.30.0.9:5060;branch=z9hG4bKp%d\n"
			 "Max-Forwards: 70\nFrom: <sip:y@near.example>;tag=1\nTo: <tel:+4930>\n"
			 "Call-ID: p%d\nCSeq: 1 MESSAGE\nContent-Length: 0\n\n",
			 i ? "tel:+4930" : "sip:x@far.example", i, i);
		bench_input(b, text, "10.30.0.9:5060", "10.30.0.1:5060");
		assert_int_equal(out_to(HOP(1)), -1);
	}
	bench_expect_count(b, COUNT_ONWARD, 0);
}

static void the_next_where_one_is_silent(void **state)
{
	static const char *const method[] = {"INVITE", "MESSAGE"};

	for (int k = 0; k < 2; k++) {
		way("far.example", ABI_ROUTE_CALLED, NULL, 3, b->now + 60000);
		send_request(method[k], "sip:x@far.example");
		assert_true(out_to(HOP(1)) >= 0);
		bench_wait(b, 3500);
		assert_int_equal(out_to(HOP(2)), -1);
		uint32_t i = wait_for(HOP(2), 1000);
		assert_int_equal(bench_headers(b, i, SIP_H_MAX_BREADTH), 1);
		i = wait_for(HOP(3), 4500);
		respond(i, HOP(3), "200 OK");
		assert_int_equal(answered(), 200);
		bench_expect_count(b, COUNT_ONWARD_NEXT, 2);
		/* The two are left alone for a while. */
		send_request(method[k], "sip:x@far.example");
		assert_true(out_to(HOP(3)) >= 0);
		bench_wait(b, 11000);
		send_request(method[k], "sip:x@far.example");
		assert_true(out_to(HOP(1)) >= 0);
		if (k == 0) {
			teardown(state);
			start(state);
		}
	}
}

static void the_next_where_one_says_503(void **state)
{
	static const char *const method[] = {"INVITE", "MESSAGE"};

	way("far.example", ABI_ROUTE_CALLED, NULL, 2, b->now + 60000);
	for (int k = 0; k < 2; k++) {
		send_request(method[k], "sip:x@far.example");
		int i = out_to(HOP(1));
		assert_true(i >= 0);
		respond((uint32_t)i, HOP(1), "503 Service Unavailable");
		assert_int_equal(answered(), 0);
		i = out_to(HOP(2));
		assert_true(i >= 0);
		respond((uint32_t)i, HOP(2), "404 Not Found");
		assert_int_equal(answered(), 404);
		bench_wait(b, 15000);
	}
	bench_expect_count(b, COUNT_ONWARD_NEXT, 2);
}

/* No more can be tried: the 503 of one network's host says nothing of others (RFC 3261 §16.7
 * step 6). */
static void all_say_503(void **state)
{
	way("far.example", ABI_ROUTE_CALLED, NULL, 2, b->now + 60000);
	send_request("INVITE", "sip:x@far.example");
	respond((uint32_t)out_to(HOP(1)), HOP(1), "503 Service Unavailable");
	respond((uint32_t)out_to(HOP(2)), HOP(2), "503 Service Unavailable");
	assert_int_equal(answered(), 500);
}

static void another_answer_stands(void **state)
{
	static const char *const line[] = {"404 Not Found", "486 Busy Here", "500 Broken",
					   "408 Request Timeout", "603 Decline"};
	static const uint16_t status[] = {404, 486, 500, 408, 603};

	way("far.example", ABI_ROUTE_CALLED, NULL, 2, b->now + 60000);
	for (int i = 0; i < 5; i++) {
		send_request("INVITE", "sip:x@far.example");
		respond((uint32_t)out_to(HOP(1)), HOP(1), line[i]);
		assert_int_equal(out_to(HOP(2)), -1);
		assert_int_equal(answered(), status[i]);
	}
	bench_expect_count(b, COUNT_ONWARD_NEXT, 0);
}

static void who_has_said_something_keeps_it(void **state)
{
	way("far.example", ABI_ROUTE_CALLED, NULL, 2, b->now + 60000);
	send_request("INVITE", "sip:x@far.example");
	uint32_t i = (uint32_t)out_to(HOP(1));
	char ok[BENCH_MESSAGE_MAX];
	snprintf(ok, sizeof(ok), "%s", bench_response(b, i, "200 OK", "far"));
	respond(i, HOP(1), "100 Trying");
	bench_wait(b, 20000);
	assert_int_equal(out_to(HOP(2)), -1);
	bench_input(b, ok, HOP(1), "10.30.0.1:5060");
	assert_int_equal(answered(), 200);
}

static void nobody_answers(void **state)
{
	static const char *const method[] = {"INVITE", "MESSAGE"};

	way("far.example", ABI_ROUTE_CALLED, NULL, 2, b->now + 60000);
	for (int k = 0; k < 2; k++) {
		send_request(method[k], "sip:x@far.example");
		assert_int_equal(wait_for_answer(9000), 504);
		bench_wait(b, 64000);
		way("far.example", ABI_ROUTE_CALLED, NULL, 2, b->now + 60000);
	}
}

static void given_up_by_the_caller(void **state)
{
	char cancel[2048];
	const char *invite;

	way("far.example", ABI_ROUTE_CALLED, NULL, 2, b->now + 60000);
	invite = request("INVITE", "sip:x@far.example");
	snprintf(cancel, sizeof(cancel), "CANCEL%s", invite + 6);
	memcpy(strstr(cancel, "CSeq: 1 INVITE"), "CSeq: 1 CANCEL", 14);
	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_true(out_to(HOP(1)) >= 0);
	bench_input(b, cancel, "10.10.0.2:5060", "10.10.0.1:5060");
	for (uint32_t t = 0; t < 40000; t += 100) {
		bench_wait(b, 100);
		assert_int_equal(out_to(HOP(2)), -1);
	}
}

static void expired(void **state)
{
	const char *text;

	way("far.example", ABI_ROUTE_CALLED, NULL, 2, b->now + 1000);
	bench_wait(b, 1000);
	text = request("MESSAGE", "sip:x@far.example");
	bench_input(b, text, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_PUNT);
	/* Of those for whom control found it, it serves failover still. */
	bench_resume(b, text, "10.10.0.2:5060", "10.10.0.1:5060", LOCATE_ONWARD, 0, HOP(1),
		     NULL);
	assert_int_equal(out_to(HOP(1)), 0);
	wait_for(HOP(2), 4500);
}

/* What control says counts before what was installed. */
static void control_decides(void **state)
{
	const char *text = request("MESSAGE", "sip:x@far.example");

	bench_input(b, text, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_PUNT);
	way("far.example", ABI_ROUTE_CALLED, NULL, 2, b->now + 60000);
	bench_resume(b, text, "10.10.0.2:5060", "10.10.0.1:5060", LOCATE_REJECT, 404, NULL,
		     NULL);
	assert_int_equal(answered(), 404);
	text = request("MESSAGE", "sip:x@far.example");
	bench_resume(b, text, "10.10.0.2:5060", "10.10.0.1:5060", LOCATE_ONWARD, 0,
		     "10.30.0.77:5060", NULL);
	assert_int_equal(out_to("10.30.0.77:5060"), 0);
}

/* A way that is gone by the time that the next hop is wanted. */
static void gone_meanwhile(void **state)
{
	way("far.example", ABI_ROUTE_CALLED, NULL, 2, b->now + 60000);
	send_request("INVITE", "sip:x@far.example");
	way("far.example", ABI_ROUTE_CALLED, NULL, 0, 0);
	assert_int_equal(wait_for_answer(5000), 504);
}

static void no_port_leads_there(void **state)
{
	struct abi_route_view v = {
		.to = SLICE("far.example"),
		.kind = ABI_ROUTE_CALLED,
		.expires_ms = b->now + 60000,
		.n_addr = 2,
		.addr = {{.ip = {0xfd, [15] = 1}, .port = 5060, .family = 6}}};

	v.addr[1] = bench_addr(HOP(2));
	assert_int_equal(table_put_next_hop(b->tables, &v), INSTALL_OK);
	send_request("MESSAGE", "sip:x@far.example");
	assert_int_equal(out_to(HOP(2)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(known_ways_ask_nobody, start, teardown),
		cmocka_unit_test_setup_teardown(numbers, start, teardown),
		cmocka_unit_test_setup_teardown(our_own_come_first, start, teardown),
		cmocka_unit_test_setup_teardown(from_outside_nothing_passes_through, start,
						teardown),
		cmocka_unit_test_setup_teardown(the_next_where_one_is_silent, start, teardown),
		cmocka_unit_test_setup_teardown(the_next_where_one_says_503, start, teardown),
		cmocka_unit_test_setup_teardown(all_say_503, start, teardown),
		cmocka_unit_test_setup_teardown(another_answer_stands, start, teardown),
		cmocka_unit_test_setup_teardown(who_has_said_something_keeps_it, start,
						teardown),
		cmocka_unit_test_setup_teardown(nobody_answers, start, teardown),
		cmocka_unit_test_setup_teardown(given_up_by_the_caller, start, teardown),
		cmocka_unit_test_setup_teardown(expired, start, teardown),
		cmocka_unit_test_setup_teardown(control_decides, start, teardown),
		cmocka_unit_test_setup_teardown(gone_meanwhile, start, teardown),
		cmocka_unit_test_setup_teardown(no_port_leads_there, start, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
