/* test_trust.c - each row of the trust boundary, in requests and responses, each way; and
 * Resource-Priority */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALL (NODE_PCSCF | NODE_ICSCF | NODE_SCSCF)

static const char *const alice_flow[] = {"10.10.0.2:5060"};
static const char *const bob_flow[] = {"10.20.0.2:5060"};

enum side { UE, HOME, FOREIGN };

static const char *const flow[] = {"10.10.0.2:5060", "10.30.0.5:5060", "10.30.0.200:5060"};
static const char *const at[] = {"10.10.0.1:5060", "10.30.0.1:5060", "10.30.0.1:5060"};
static const char *const called[] = {"sip:bob@ims.example", "sip:service@ims.example",
				     "sip:bob@foreign.example"};

static struct bench *with_all(void)
{
	struct bench *b = bench_open(ALL);

	bench_register(b, "alice", 1, alice_flow);
	bench_register(b, "bob", 1, bob_flow);
	b->node.peer[1] = b->node.peer[0];
	b->node.peer[0] = (struct node_prefix){
		.ip = bench_addr("10.30.0.200"), .bits = 32, .foreign = true};
	b->node.n_peers = 2;
	b->node.route[b->node.n_routes++] = (struct node_route){
		.domain = SLICE("foreign.example"), .to = bench_addr("10.30.0.200")};
	b->node.priority[b->node.n_priorities++] = (struct node_priority){
		.space = SLICE("ets"),
		.n_value = 2,
		.value = {SLICE("0"), SLICE("1")},
		.n_user = 1,
		.user = {SLICE("sip:alice@ims.example")},
	};
	return b;
}

static const char *message(enum side to, const char *line)
{
	static char out[BENCH_MESSAGE_MAX];
	static uint32_t number;

	snprintf(out, sizeof(out),
		 "MESSAGE %s SIP/2.0\n"
		 "Via: SIP/2.0/UDP 10.10.0.2:5060;branch=z9hG4bKm%u;rport\n"
		 "Max-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\nTo: <%s>\n"
		 "Call-ID: m\nCSeq: 1 MESSAGE\n%sContent-Length: 0\n\n",
		 called[to], ++number, called[to], line);
	return out;
}

/* The header as the table has it, and whether it crosses: from and to each side. */
static const struct {
	const char *line; /* with further lines that decide about it */
	bool ue_home, home_ue, foreign_home, home_foreign;
} row[] = {
	{"P-Asserted-Identity: <sip:x@y>\n", false, true, false, true},
	{"P-Asserted-Identity: <sip:x@y>\nPrivacy: id\n", false, false, false, false},
	{"P-Asserted-Identity: <sip:x@y>\nPrivacy: none\n", false, true, false, true},
	{"P-Preferred-Identity: <sip:x@y>\n", false, true, false, false},
	{"P-Asserted-Service: urn:x\n", false, true, false, false},
	{"P-Preferred-Service: urn:x\n", true, true, false, false},
	{"P-Charging-Vector: icid-value=marked\n", false, false, false, false},
	{"P-Charging-Function-Addresses: ccf=x\n", false, false, false, false},
	{"P-Served-User: <sip:x@y>\n", false, false, false, false},
	{"P-Profile-Key: <sip:x@y>\n", false, false, false, false},
	{"P-User-Database: <aaa://x>\n", false, false, false, false},
	{"P-Visited-Network-ID: x\n", false, false, false, false},
	{"P-Associated-URI: <sip:x@y>\n", false, true, false, false},
	{"P-Access-Network-Info: 3GPP-GERAN\n", true, false, false, false},
	{"P-Access-Network-Info: 3GPP-GERAN;Network-Provided\n", false, false, false, false},
	{"P-Early-Media: supported\n", true, true, false, false},
	{"History-Info: <sip:x@y>;index=1\n", true, true, true, true},
	{"History-Info: <sip:x@y>;index=1\nPrivacy: history\n", true, false, true, false},
	{"Feature-Caps: *;+g.x\n", false, true, false, false},
	{"Resource-Priority: ets.1\n", true, false, false, false},
	{"Resource-Priority: ets.9\n", false, false, false, false},
	{"Resource-Priority: ets.0, wps.1\n", false, false, false, false},
	{"Priority: psap-callback\n", false, true, false, true},
	{"Priority: urgent\n", true, true, true, true},
	{"Subject: hello\n", true, true, true, true},
};

static bool crossed(struct bench *b, uint32_t i, const char *line)
{
	char first[256];

	snprintf(first, sizeof(first), "\n%.*s\r\n", (int)strcspn(line, "\n"), line);
	return strstr(b->out[i].text, first) != NULL;
}

static void check_request(size_t i, enum side from, enum side to, bool wanted)
{
	struct bench *b = with_all();

	bench_input(b, message(to, row[i].line), flow[from], at[from]);
	if (b->n_out != 1 || b->out[0].msg.status)
		fail_msg("row %zu from %d to %d is not forwarded: %s", i, from, to,
			 b->out[0].text);
	if (crossed(b, 0, row[i].line) != wanted)
		fail_msg("row %zu from %d to %d: %s", i, from, to, b->out[0].text);
	bench_close(b);
}

/* A response that crosses: the request went the other way. */
static void check_response(size_t i, enum side from, enum side to, bool wanted)
{
	struct bench *b = with_all();
	char dst[ADDR_TEXT_MAX], src[ADDR_TEXT_MAX], text[BENCH_MESSAGE_MAX];
	const char *said, *rest;

	bench_input(b, message(from, ""), flow[to], at[to]);
	assert_int_equal(b->n_out, 1);
	addr_text(&b->out[0].dst, src);
	addr_text(&b->out[0].src, dst);
	said = bench_response(b, 0, "200 OK", "b");
	rest = strchr(said, '\n') + 1;
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(rest - said), said, row[i].line, rest);
	bench_input(b, text, src, dst);
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 200);
	if (crossed(b, 0, row[i].line) != wanted)
		fail_msg("row %zu, response from %d to %d: %s", i, from, to, b->out[0].text);
	bench_close(b);
}

static bool is_of_requests(size_t i)
{
	return strncmp(row[i].line, "Resource-Priority", 17) == 0;
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		check_request(i, UE, HOME, row[i].ue_home);
		check_request(i, HOME, UE, row[i].home_ue);
		check_request(i, FOREIGN, HOME, row[i].foreign_home);
		check_request(i, HOME, FOREIGN, row[i].home_foreign);
		check_request(i, UE, UE, row[i].ue_home && row[i].home_ue);
		check_request(i, UE, FOREIGN, row[i].ue_home && row[i].home_foreign);
		check_request(i, FOREIGN, UE, row[i].foreign_home && row[i].home_ue);
		check_request(i, HOME, HOME, true);
		if (is_of_requests(i))
			continue;
		check_response(i, UE, HOME, row[i].ue_home);
		check_response(i, HOME, UE, row[i].home_ue);
		check_response(i, FOREIGN, HOME, row[i].foreign_home);
		check_response(i, HOME, FOREIGN, row[i].home_foreign);
	}
}

/* A foreign network is served nobody of ours. */
static void test_orig_from_abroad(void **state)
{
	struct bench *b = with_all();
	const char *line = "Route: <sip:orig@scscf.ims.example:5060;lr>\n"
			   "P-Asserted-Identity: <sip:alice@ims.example>\n";

	bench_input(b, message(UE, line), flow[FOREIGN], at[FOREIGN]);
	assert_int_equal(b->out[0].msg.status, 403);
	bench_input(b, message(UE, line), flow[HOME], at[HOME]);
	assert_int_equal(b->out[0].msg.status, 0);
	bench_close(b);
}

static void test_required(void **state)
{
	struct bench *b = with_all();

	bench_input(b, message(HOME, "Require: resource-priority\nResource-Priority: wps.1\n"),
		    flow[UE], at[UE]);
	assert_int_equal(b->out[0].msg.status, 417);
	assert_non_null(
		strstr(b->out[0].text, "\r\nAccept-Resource-Priority: ets.0, ets.1\r\n"));
	bench_input(
		b,
		message(HOME, "Require: resource-priority\nResource-Priority: wps.1, ets.0\n"),
		flow[UE], at[UE]);
	assert_int_equal(b->out[0].msg.status, 0);
	bench_input(b, message(HOME, "Resource-Priority: wps.1\n"), flow[UE], at[UE]);
	assert_int_equal(b->out[0].msg.status, 0);
	b->node.priority[0].user[0] = SLICE("sip:carol@ims.example");
	bench_input(b, message(HOME, "Require: resource-priority\nResource-Priority: ets.1\n"),
		    flow[UE], at[UE]);
	assert_int_equal(b->out[0].msg.status, 403);
	bench_close(b);
}

/* Who may goes ahead; who only says so does not. */
static void test_overload(void **state)
{
	static const struct {
		const char *line;
		enum side from;
		bool ahead;
	} who[] = {
		{"Resource-Priority: ets.0\n", UE, true},
		{"Resource-Priority: ets.5\n", UE, false},
		{"Resource-Priority: wps.0\n", UE, false},
		{"", UE, false},
		{"Resource-Priority: ets.0\n", HOME, true},
		{"Resource-Priority: wps.0\n", HOME, false},
		{"Resource-Priority: ets.0\n", FOREIGN, false},
	};
	struct bench *b = with_all();

	role_refuse(b->worker, 16);
	for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
		bench_input(b, message(HOME, who[i].line), flow[who[i].from], at[who[i].from]);
		assert_int_equal(b->out[0].msg.status, who[i].ahead ? 0 : 503);
	}
	bench_input(b, message(HOME, "Resource-Priority: ets.0\n"), "10.10.0.99:5060", at[UE]);
	assert_int_equal(b->out[0].msg.status, 503);
	bench_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_orig_from_abroad),
		cmocka_unit_test(test_required),
		cmocka_unit_test(test_overload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
