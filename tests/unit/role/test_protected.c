/* test_protected.c - terminals under security associations: who may say what, and what leaves
 * under what (TS 33.203 §7, TS 24.229 §5.2) */
#include "bench.h"
#include "support/buf_malloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALL (NODE_PCSCF | NODE_ICSCF | NODE_SCSCF)

enum { ALICE = 7, BOB = 9 };

/* Alice and Bob have SAs: they send from a protected client port, and their Contacts and Vias
 * name the server port. Carol has none. */
#define ALICE_UC  "10.10.0.2:40001"
#define BOB_UC    "10.20.0.2:50001"
#define CAROL     "10.10.0.5:5060"
#define NODE_LTE  "10.10.0.1:5101"
#define NODE_WLAN "10.20.0.1:5101"

static void add(struct bench *b, const char *name, const char *flow, const char *uri,
		uint64_t sa_id)
{
	char impu[64];
	struct abi_registration_view v = {
		.roles = ABI_REG_PCSCF | ABI_REG_SCSCF, .n_impu = 1, .n_contact = 1};
	struct addr a = bench_addr(flow);

	snprintf(impu, sizeof(impu), "sip:%s@ims.example", name);
	v.set_id = hash_table(&b->node.token_key, impu, (uint32_t)strlen(impu));
	v.impu[0] = (struct abi_impu_view){slice_str(impu), ABI_IMPU_DEFAULT, 0};
	v.contact[0] = (struct abi_contact_view){
		.flow = a,
		.local = bench_addr(a.ip[1] == 10 ? "10.10.0.1" : "10.20.0.1"),
		.expires_ms = b->now + 600000,
		.q = 1000,
		.uri = slice_str(uri),
		.sa_id = sa_id,
	};
	v.contact[0].local.port = sa_id ? 5101 : 5060;
	bench_put(b, &v);
}

static struct bench *open_all(void)
{
	struct bench *b = bench_open(ALL);

	b->node.port_ps = 5101;
	add(b, "alice", ALICE_UC, "sip:alice@10.10.0.2:40002", ALICE);
	add(b, "bob", BOB_UC, "sip:bob@10.20.0.2:50002", BOB);
	add(b, "carol", CAROL, "sip:carol@" CAROL, 0);
	return b;
}

static void input_under(struct bench *b, uint64_t sa_id, const char *text, const char *src,
			const char *dst)
{
	b->under = sa_id;
	bench_input(b, text, src, dst);
	b->under = 0;
}

/* A request outside dialogs of Alice's. */
static const char *request(const char *method, const char *to, const char *more)
{
	static char text[BENCH_MESSAGE_MAX];

	snprintf(text, sizeof(text),
		 "%s sip:%s@ims.example SIP/2.0\n"
		 "Via: SIP/2.0/UDP 10.10.0.2:40002;branch=z9hG4bKabc\n"
		 "Route: <sip:10.10.0.1:5101;lr>,<sip:orig@scscf.ims.example:5060;lr>\n"
		 "Max-Forwards: 70\n"
		 "From: <sip:alice@ims.example>;tag=1\n"
		 "To: <sip:%s@ims.example>\n"
		 "Call-ID: call-1\n"
		 "CSeq: 1 %s\n"
		 "%s"
		 "Contact: <sip:alice@10.10.0.2:40002>\n"
		 "Content-Length: 0\n\n",
		 method, to, to, method, more);
	return text;
}

static void goes_to(struct bench *b, uint32_t i, const char *dst, uint64_t sa_id)
{
	char is[ADDR_TEXT_MAX];

	assert_true(i < b->n_out);
	assert_string_equal(addr_text(&b->out[i].dst, is), dst);
	assert_int_equal(b->out[i].sa_id, sa_id);
}

static void is_refused(struct bench *b, uint16_t status, uint64_t sa_id)
{
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, status);
	assert_int_equal(b->out[0].sa_id, sa_id);
}

static void test_message_and_its_answer(void **state)
{
	struct bench *b = open_all();

	input_under(b, ALICE, request("MESSAGE", "bob", ""), ALICE_UC, NODE_LTE);
	assert_int_equal(b->n_out, 1);
	goes_to(b, 0, BOB_UC, BOB);
	assert_non_null(strstr(b->out[0].text, "Via: SIP/2.0/UDP 10.20.0.1:5101;branch="));
	assert_string_equal(bench_header(b, 0, SIP_H_P_ASSERTED_IDENTITY),
			    "<sip:alice@ims.example>");
	const char *ok = strdup(bench_response(b, 0, "200 OK", "2"));
	input_under(b, BOB, ok, BOB_UC, NODE_WLAN);
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 200);
	goes_to(b, 0, "10.10.0.2:40002", ALICE);
	/* The same in clear, though all it says is right. */
	bench_input(b, ok, BOB_UC, "10.20.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_DROP);
	bench_expect_count(b, COUNT_DROP_SA_FOREIGN, 1);
	/* The SA it goes back under is part of what is signed. */
	char *sa = strstr(ok, "-0000000000000007");
	assert_non_null(sa);
	sa[16] = '9';
	input_under(b, BOB, ok, BOB_UC, NODE_WLAN);
	assert_int_equal(b->verdict, VERDICT_DROP);
	bench_expect_count(b, COUNT_DROP_RESPONSE_FORGED, 1);
	free((void *)(uintptr_t)ok);
	bench_close(b);
}

static void test_who_may_not(void **state)
{
	struct bench *b = open_all();

	/* In clear, from the very address of the contact. */
	bench_input(b, request("MESSAGE", "bob", ""), ALICE_UC, "10.10.0.1:5060");
	is_refused(b, 403, 0);
	/* Under somebody else's SA. */
	input_under(b, BOB, request("MESSAGE", "bob", ""), ALICE_UC, NODE_LTE);
	is_refused(b, 403, BOB);
	/* Under an SA that no contact has. */
	input_under(b, 11, request("MESSAGE", "bob", ""), ALICE_UC, NODE_LTE);
	is_refused(b, 403, 11);
	/* Carol is in clear: an SA makes her somebody else. */
	input_under(b, ALICE, request("MESSAGE", "bob", ""), CAROL, NODE_LTE);
	is_refused(b, 403, ALICE);
	/* A peer's address proves nothing under an SA. */
	input_under(b, ALICE, request("MESSAGE", "bob", ""), "10.30.0.5:5060",
		    "10.30.0.1:5101");
	is_refused(b, 403, ALICE);
	/* An identity of another: her own is asserted in its place. */
	input_under(
		b, ALICE,
		request("MESSAGE", "carol", "P-Preferred-Identity: <sip:bob@ims.example>\n"),
		ALICE_UC, NODE_LTE);
	assert_string_equal(bench_header(b, 0, SIP_H_P_ASSERTED_IDENTITY),
			    "<sip:alice@ims.example>");
	bench_close(b);
}

static void test_agreement_ends_here(void **state)
{
	struct bench *b = open_all();

	input_under(b, ALICE,
		    request("MESSAGE", "carol",
			    "Security-Verify: ipsec-3gpp;q=0.1;alg=hmac-sha-1-96\n"
			    "Require: sec-agree\nProxy-Require: sec-agree,path\n"),
		    ALICE_UC, NODE_LTE);
	goes_to(b, 0, CAROL, 0);
	assert_int_equal(bench_headers(b, 0, SIP_H_SECURITY_VERIFY), 0);
	assert_int_equal(bench_headers(b, 0, SIP_H_REQUIRE), 0);
	assert_string_equal(bench_header(b, 0, SIP_H_PROXY_REQUIRE), "path");
	/* Without an SA nobody here knows the option. */
	bench_input(b, request("MESSAGE", "carol", "Proxy-Require: sec-agree\n"), CAROL,
		    "10.10.0.1:5060");
	is_refused(b, 420, 0);
	bench_close(b);
}

static const char *in_dialog(const char *method, uint32_t cseq, const char *via,
			     const char *route, const char *uri, bool from_callee)
{
	static char text[BENCH_MESSAGE_MAX];

	snprintf(text, sizeof(text),
		 "%s %s SIP/2.0\n"
		 "Via: SIP/2.0/UDP %s;branch=z9hG4bK%u\n"
		 "Route: %s\n"
		 "Max-Forwards: 70\n"
		 "From: <sip:%s@ims.example>;tag=%s\n"
		 "To: <sip:%s@ims.example>;tag=%s\n"
		 "Call-ID: call-1\n"
		 "CSeq: %u %s\n"
		 "Content-Length: 0\n\n",
		 method, uri, via, cseq, route, from_callee ? "bob" : "alice",
		 from_callee ? "2" : "1", from_callee ? "alice" : "bob",
		 from_callee ? "1" : "2", cseq, method);
	return text;
}

static void test_call(void **state)
{
	struct bench *b = open_all();
	char route[512], reversed[512];

	input_under(b, ALICE, request("INVITE", "bob", ""), ALICE_UC, NODE_LTE);
	assert_int_equal(b->n_out, 2);
	assert_int_equal(b->out[0].msg.status, 100);
	goes_to(b, 0, "10.10.0.2:40002", ALICE);
	goes_to(b, 1, BOB_UC, BOB);
	struct slice recorded =
		sip_value(&b->out[1].msg, sip_first(&b->out[1].msg, SIP_H_RECORD_ROUTE));
	snprintf(route, sizeof(route), "%.*s", SLICE_ARG(recorded));
	char *second = strstr(route, ",<sip:");
	assert_non_null(second);
	snprintf(reversed, sizeof(reversed), "%s,%.*s", second + 1, (int)(second - route),
		 route);
	assert_non_null(strstr(route, "@10.20.0.1:5101;lr>"));
	assert_non_null(strstr(second, "@10.10.0.1:5101;lr>"));
	const char *ok = strdup(bench_response(b, 1, "200 OK", "2"));
	bench_input(b, ok, BOB_UC, "10.20.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_DROP);
	bench_expect_count(b, COUNT_DROP_SA_FOREIGN, 1);
	input_under(b, BOB, ok, BOB_UC, NODE_WLAN);
	goes_to(b, 0, "10.10.0.2:40002", ALICE);
	free((void *)(uintptr_t)ok);

	input_under(b, ALICE,
		    in_dialog("ACK", 1, "10.10.0.2:40002", reversed, "sip:bob@10.20.0.2:50002",
			      false),
		    ALICE_UC, NODE_LTE);
	goes_to(b, 0, BOB_UC, BOB);
	const char *bye = strdup(in_dialog("BYE", 5, "10.20.0.2:50002", route,
					   "sip:alice@10.10.0.2:40002", true));
	bench_input(b, bye, BOB_UC, "10.20.0.1:5060");
	is_refused(b, 403, 0);
	input_under(b, ALICE, bye, BOB_UC, NODE_WLAN);
	is_refused(b, 403, ALICE);
	input_under(b, BOB, bye, BOB_UC, NODE_WLAN);
	goes_to(b, 0, ALICE_UC, ALICE);
	assert_int_equal(b->out[0].msg.method, SIP_M_BYE);
	free((void *)(uintptr_t)bye);
	bench_close(b);
}

/* What a transaction makes or repeats goes under the branch's SA. */
static void test_made_by_a_transaction(void **state)
{
	struct bench *b = open_all();

	input_under(b, ALICE, request("INVITE", "bob", ""), ALICE_UC, NODE_LTE);
	const char *ringing = strdup(bench_response(b, 1, "180 Ringing", "2"));
	const char *busy = strdup(bench_response(b, 1, "486 Busy Here", "2"));
	bench_wait(b, 600);
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.method, SIP_M_INVITE);
	goes_to(b, 0, BOB_UC, BOB);
	input_under(b, BOB, ringing, BOB_UC, NODE_WLAN);
	goes_to(b, 0, "10.10.0.2:40002", ALICE);
	input_under(b, ALICE, request("INVITE", "bob", ""), ALICE_UC, NODE_LTE);
	assert_int_equal(b->out[0].msg.status, 180);
	goes_to(b, 0, "10.10.0.2:40002", ALICE);
	/* Whoever saw the INVITE could write this, in clear or under an SA of his own. */
	bench_input(b, request("CANCEL", "bob", ""), ALICE_UC, "10.10.0.1:5060");
	for (uint32_t i = 0; i < b->n_out; i++)
		assert_false(sip_is_request(&b->out[i].msg));
	input_under(b, BOB, request("CANCEL", "bob", ""), ALICE_UC, NODE_LTE);
	for (uint32_t i = 0; i < b->n_out; i++)
		assert_false(sip_is_request(&b->out[i].msg));
	input_under(b, ALICE, request("CANCEL", "bob", ""), ALICE_UC, NODE_LTE);
	for (uint32_t i = 0; i < b->n_out; i++)
		assert_int_equal(b->out[i].sa_id, sip_is_request(&b->out[i].msg) ? BOB : ALICE);
	assert_true(b->n_out >= 2);
	input_under(b, BOB, busy, BOB_UC, NODE_WLAN);
	for (uint32_t i = 0; i < b->n_out; i++)
		assert_int_equal(b->out[i].sa_id, sip_is_request(&b->out[i].msg) ? BOB : ALICE);
	assert_int_equal(b->n_out, 2);
	bench_wait(b, 600); /* timer G */
	goes_to(b, 0, "10.10.0.2:40002", ALICE);
	free((void *)(uintptr_t)ringing);
	free((void *)(uintptr_t)busy);
	bench_close(b);
}

/* One side under an SA, the other in clear, at one address of ours. */
static void test_mixed_call(void **state)
{
	struct bench *b = open_all();

	input_under(b, ALICE, request("INVITE", "carol", ""), ALICE_UC, NODE_LTE);
	goes_to(b, 1, CAROL, 0);
	assert_non_null(strstr(b->out[1].text, "Via: SIP/2.0/UDP 10.10.0.1:5060;branch="));
	assert_non_null(strstr(b->out[1].text, "@10.10.0.1:5060;lr>,<sip:d"));
	assert_non_null(strstr(b->out[1].text, "@10.10.0.1:5101;lr>\r\n"));
	const char *ok = strdup(bench_response(b, 1, "200 OK", "2"));
	/* Somebody with an SA answers in Carol's place. */
	input_under(b, BOB, ok, BOB_UC, NODE_WLAN);
	assert_int_equal(b->verdict, VERDICT_DROP);
	bench_expect_count(b, COUNT_DROP_SA_FOREIGN, 1);
	bench_input(b, ok, CAROL, "10.10.0.1:5060");
	goes_to(b, 0, "10.10.0.2:40002", ALICE);
	free((void *)(uintptr_t)ok);
	bench_close(b);
}

/* Behind a NAT: no route leads to the UE's own address, and none is needed. */
static void test_address_behind_a_nat(void **state)
{
	struct bench *b = open_all();

	add(b, "dora", "192.168.1.5:40001", "sip:dora@192.168.1.5:40002", 21);
	input_under(b, ALICE, request("MESSAGE", "dora", ""), ALICE_UC, NODE_LTE);
	goes_to(b, 0, "192.168.1.5:40001", 21);
	const char *ok = strdup(bench_response(b, 0, "200 OK", "2"));
	input_under(b, 21, ok, "192.168.1.5:40001", NODE_LTE);
	goes_to(b, 0, "10.10.0.2:40002", ALICE);
	free((void *)(uintptr_t)ok);
	bench_close(b);
}

static void test_register_is_controls(void **state)
{
	struct bench *b = open_all();

	input_under(b, ALICE, request("REGISTER", "alice", ""), ALICE_UC, NODE_LTE);
	assert_int_equal(b->verdict, VERDICT_PUNT);
	assert_int_equal(b->punt, PUNT_REGISTER);
	bench_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_and_its_answer),
		cmocka_unit_test(test_who_may_not),
		cmocka_unit_test(test_agreement_ends_here),
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_made_by_a_transaction),
		cmocka_unit_test(test_mixed_call),
		cmocka_unit_test(test_address_behind_a_nat),
		cmocka_unit_test(test_register_is_controls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
