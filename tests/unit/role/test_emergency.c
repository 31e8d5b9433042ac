/* test_emergency.c - calls for help: who may make them, where they go, that nothing stops them
 */
#include "bench.h"

#include "abi/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALL  (NODE_PCSCF | NODE_ICSCF | NODE_SCSCF)
#define HELP (ALL | NODE_ECSCF)

static const char *const alice_flow[] = {"10.10.0.2:5060"};

static const char call[] =
	"INVITE urn:service:sos SIP/2.0\n"
	"Via: SIP/2.0/UDP 10.10.0.2:5060;branch=z9hG4bKsos;rport\n"
	"Route: <sip:10.10.0.1:5060;lr>,<sip:elsewhere.example;lr>\n"
	"Max-Forwards: 70\n"
	"From: <sip:alice@ims.example>;tag=1\n"
	"To: <urn:service:sos>\n"
	"Call-ID: help-1\n"
	"CSeq: 1 INVITE\n"
	"Contact: <sip:alice@10.10.0.2:5060>\n"
	"P-Preferred-Identity: <sip:alice@ims.example>\n"
	"P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=26201d0f1\n"
	"Content-Length: 0\n\n";

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

static void dst_is(struct bench *b, uint32_t i, const char *dst)
{
	char is[ADDR_TEXT_MAX];

	assert_true(i < b->n_out);
	assert_string_equal(addr_text(&b->out[i].dst, is), dst);
}

static void from(struct bench *b, const char *message, const char *src)
{
	bench_input(b, message, src, "10.10.0.1:5060");
}

static void add_psap(struct bench *b, const char *service, const char *access,
		     const char *route, const char *address)
{
	b->emergency.psap[b->emergency.n_psap++] = (struct emergency_psap){
		slice_str(service), slice_str(access), slice_str(route), bench_addr(address)};
}

/* Numbers 112 and 110; police in one cell, then anything; a second one for all. */
static struct bench *with_help(uint32_t roles)
{
	struct bench *b = bench_open(roles);

	bench_register(b, "alice", 1, alice_flow);
	b->emergency.hosts_ecscf = roles & NODE_ECSCF;
	b->emergency.number[b->emergency.n_number++] =
		(struct emergency_number){SLICE("112"), SLICE("urn:service:sos")};
	b->emergency.number[b->emergency.n_number++] =
		(struct emergency_number){SLICE("110"), SLICE("urn:service:sos.police")};
	add_psap(b, "urn:service:sos.police", "3gpp-e-utran-fdd;utran-cell-id-3gpp=26201*",
		 "<sip:police.example;lr>", "10.30.0.40");
	add_psap(b, "urn:service:sos", "", "<sip:psap1.example;lr>", "10.30.0.41");
	add_psap(b, "urn:service:sos", "", "<sip:psap2.example;lr>", "10.30.0.42");
	return b;
}

static void test_registered(void **state)
{
	struct bench *b = with_help(HELP);

	from(b, call, "10.10.0.2:5060");
	assert_int_equal(b->n_out, 2);
	assert_int_equal(b->out[0].msg.status, 100);
	dst_is(b, 1, "10.30.0.41:5060");
	assert_memory_equal(b->out[1].text, "INVITE urn:service:sos SIP/2.0\r\n", 32);
	assert_string_equal(bench_header(b, 1, SIP_H_ROUTE), "<sip:psap1.example;lr>");
	assert_int_equal(bench_headers(b, 1, SIP_H_ROUTE), 1);
	assert_string_equal(bench_header(b, 1, SIP_H_P_ASSERTED_IDENTITY),
			    "<sip:alice@ims.example>");
	assert_int_equal(bench_headers(b, 1, SIP_H_P_PREFERRED_IDENTITY), 0);
	assert_int_equal(bench_headers(b, 1, SIP_H_P_CHARGING_VECTOR), 1);
	assert_int_equal(bench_headers(b, 1, SIP_H_P_ACCESS_NETWORK_INFO), 1);
	bench_expect_count(b, COUNT_EMERGENCY, 1);
	bench_close(b);
}

/* Every way to write it, and what only looks like it. */
static void test_recognised(void **state)
{
	static const struct {
		const char *uri, *sent; /* sent NULL: it is no call for help */
	} row[] = {
		{"urn:service:sos", "urn:service:sos"},
		{"URN:SERVICE:SOS", "URN:SERVICE:SOS"},
		{"urn:service:sos.police", "urn:service:sos.police"},
		{"urn:service:sos.fire.wood", "urn:service:sos.fire.wood"},
		{"tel:112", "urn:service:sos"},
		{"tel:1-1-2", "urn:service:sos"},
		{"tel:112;phone-context=ims.example", "urn:service:sos"},
		{"tel:110;phone-context=+49", "urn:service:sos.police"},
		{"sip:112@elsewhere.example;user=phone", "urn:service:sos"},
		{"sip:112;phone-context=+49@elsewhere.example;user=phone", "urn:service:sos"},
		{"sip:112@ims.example", "urn:service:sos"},
		{"sip:112@ims.example;user=dialstring", "urn:service:sos"},
		{"urn:service:sosx", NULL},
		{"urn:service:counseling", NULL},
		{"tel:1122", NULL},
		{"tel:11", NULL},
		{"tel:+112", NULL},
		{"sip:112@elsewhere.example", NULL},
		{"sip:a112@ims.example", NULL},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct bench *b = with_help(HELP);
		char line[256];

		from(b, changed(call, "urn:service:sos", row[i].uri), "10.10.0.2:5060");
		bench_expect_count(b, COUNT_EMERGENCY, row[i].sent != NULL);
		if (row[i].sent) {
			assert_int_equal(b->n_out, 2);
			snprintf(line, sizeof(line), "INVITE %s SIP/2.0\r\n", row[i].sent);
			assert_memory_equal(b->out[1].text, line, strlen(line));
		}
		bench_close(b);
	}
}

/* The service and the place decide; what the network knows counts before what a terminal says.
 */
static void test_place(void **state)
{
	struct bench *b = with_help(HELP);

	from(b, changed(call, "urn:service:sos", "urn:service:sos.police"), "10.10.0.2:5060");
	dst_is(b, 1, "10.30.0.40:5060");
	bench_close(b);

	b = with_help(HELP);
	b->emergency.place[b->emergency.n_place++] =
		(struct emergency_place){{.ip = bench_addr("10.10.0.0"), .bits = 16},
					 SLICE("3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=99999f")};
	from(b, changed(call, "urn:service:sos", "urn:service:sos.police"), "10.10.0.2:5060");
	dst_is(b, 1, "10.30.0.41:5060");
	assert_int_equal(bench_headers(b, 1, SIP_H_P_ACCESS_NETWORK_INFO), 2);
	assert_non_null(
		strstr(b->out[1].text,
		       "P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=99999f"
		       ";network-provided\r\n"));
	bench_close(b);
}

/* One that is busy, and one that is silent: the next. */
static void test_failover(void **state)
{
	struct bench *b = with_help(HELP);

	from(b, call, "10.10.0.2:5060");
	bench_input(b, bench_response(b, 1, "503 Busy", "x"), "10.30.0.41:5060",
		    "10.30.0.1:5060");
	assert_int_equal(b->n_out, 2);
	assert_int_equal(b->out[0].msg.method, SIP_M_ACK);
	dst_is(b, 1, "10.30.0.42:5060");
	assert_string_equal(bench_header(b, 1, SIP_H_ROUTE), "<sip:psap2.example;lr>");
	assert_string_equal(bench_header(b, 1, SIP_H_P_ASSERTED_IDENTITY),
			    "<sip:alice@ims.example>");
	bench_expect_count(b, COUNT_EMERGENCY_FAILOVER, 1);
	bench_expect_count(b, COUNT_EMERGENCY, 1);
	bench_input(b, bench_response(b, 1, "503 Busy", "y"), "10.30.0.42:5060",
		    "10.30.0.1:5060");
	assert_int_equal(b->n_out, 2);               /* nobody is left */
	assert_int_equal(b->out[1].msg.status, 500); /* RFC 3261 section 16.7 step 6 */
	dst_is(b, 1, "10.10.0.2:5060");
	bench_close(b);
}

static void test_silence(void **state)
{
	struct bench *b = with_help(HELP);
	uint32_t ms, second = 0;

	from(b, call, "10.10.0.2:5060");
	for (ms = 0; ms < 6000 && !second; ms += 100) {
		bench_wait(b, 100);
		for (uint32_t i = 0; i < b->n_out; i++)
			second += b->out[i].dst.ip[3] == 42;
	}
	assert_int_equal(second, 1);
	assert_in_range(ms, 4000, 4300); /* T2 */
	bench_close(b);
}

/* One that rings keeps the call. */
static void test_ringing(void **state)
{
	struct bench *b = with_help(HELP);

	from(b, call, "10.10.0.2:5060");
	bench_input(b, bench_response(b, 1, "180 Ringing", "x"), "10.30.0.41:5060",
		    "10.30.0.1:5060");
	assert_int_equal(b->out[0].msg.status, 180);
	for (uint32_t ms = 0; ms < 60000; ms += 500) {
		bench_wait(b, 500);
		assert_int_equal(b->n_out, 0);
	}
	bench_expect_count(b, COUNT_EMERGENCY_FAILOVER, 0);
	bench_close(b);
}

static void test_unregistered_refused(void **state)
{
	struct bench *b = with_help(HELP);

	from(b, call, "10.10.0.7:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 403);
	bench_expect_count(b, COUNT_EMERGENCY_REFUSED, 1);
	bench_close(b);
}

/* The whole call of a terminal that nobody knows: both sides speak in it, and nobody else. */
static void test_unregistered(void **state)
{
	struct bench *b = with_help(HELP);
	char route[512], text[2048];

	b->emergency.unregistered = true;
	from(b, changed(call, "P-Preferred-Identity", "P-Asserted-Identity"), "10.10.0.7:5062");
	assert_int_equal(b->n_out, 2);
	dst_is(b, 1, "10.30.0.41:5060");
	assert_int_equal(bench_headers(b, 1, SIP_H_P_ASSERTED_IDENTITY), 0);
	snprintf(route, sizeof(route), "%.*s",
		 SLICE_ARG(sip_value(&b->out[1].msg,
				     sip_first(&b->out[1].msg, SIP_H_RECORD_ROUTE))));
	bench_input(b, bench_response(b, 1, "200 OK", "x"), "10.30.0.41:5060",
		    "10.30.0.1:5060");
	assert_int_equal(b->out[0].msg.status, 200);
	dst_is(b, 0, "10.10.0.7:5062");

	snprintf(text, sizeof(text),
		 "BYE sip:bob@10.20.0.2:5060 SIP/2.0\n"
		 "Via: SIP/2.0/UDP 10.30.0.41:5060;branch=z9hG4bKbye\nRoute: %s\n"
		 "Max-Forwards: 70\nFrom: <urn:service:sos>;tag=x\n"
		 "To: <sip:alice@ims.example>;tag=1\nCall-ID: help-1\nCSeq: 9 BYE\n"
		 "Content-Length: 0\n\n",
		 route);
	bench_input(b, text, "10.30.0.41:5060", "10.30.0.1:5060");
	assert_int_equal(b->n_out, 1);
	dst_is(b, 0, "10.10.0.7:5062");
	/* The terminal's own, to the answering point. */
	from(b, changed(text, "bob@10.20.0.2", "psap@10.30.0.41"), "10.10.0.7:5062");
	assert_int_equal(b->n_out, 1);
	dst_is(b, 0, "10.30.0.41:5060");
	/* Not to anybody else. */
	from(b, changed(text, "bob@10.20.0.2", "bob@10.20.0.9"), "10.10.0.7:5062");
	assert_int_equal(b->out[0].msg.status, 404);
	/* From another flow, or in another call. */
	from(b, changed(text, "bob@10.20.0.2", "psap@10.30.0.41"), "10.10.0.7:5063");
	assert_int_equal(b->out[0].msg.status, 403);
	from(b, changed(changed(text, "bob@10.20.0.2", "psap@10.30.0.41"), "help-1", "help-2"),
	     "10.10.0.7:5062");
	assert_int_equal(b->out[0].msg.status, 403);
	bench_close(b);
}

/* What stands in Record-Route of such a call, for both families. */
static void test_flow_token(void **state)
{
	static const char *const flow[] = {"10.10.0.7:5062", "[fd00:10::7]:65535"};
	const struct hash_key key = {5, 6}, other = {5, 7};

	for (int i = 0; i < 2; i++) {
		uint8_t memory[TOKEN_TEXT_MAX];
		struct text t = text_in(memory, sizeof(memory));
		struct addr a = bench_addr(flow[i]), got;

		token_flow_put(&t, &key, &a, SLICE("call"));
		assert_false(t.overflow);
		assert_true(token_flow_get(text_slice(&t), &key, SLICE("call"), &got));
		assert_true(addr_eq(&a, &got));
		assert_false(token_flow_get(text_slice(&t), &key, SLICE("cal"), &got));
		assert_false(token_flow_get(text_slice(&t), &other, SLICE("call"), &got));
		assert_false(token_path_get(text_slice(&t), &key, &got));
		for (uint32_t k = 0; k < t.len; k++) {
			memory[k] ^= 1;
			assert_false(token_flow_get(text_slice(&t), &key, SLICE("call"), &got));
			memory[k] ^= 1;
		}
	}
}

/* Not from the core, where terminals are not; and nothing but a call for help. */
static void test_no_relay(void **state)
{
	struct bench *b = with_help(HELP);

	b->emergency.unregistered = true;
	from(b, changed(call, "urn:service:sos", "sip:alice@ims.example"), "10.10.0.7:5060");
	assert_int_equal(b->out[0].msg.status, 403);
	from(b, changed(call, "urn:service:sos", "urn:service:counseling"), "10.10.0.7:5060");
	assert_int_equal(b->out[0].msg.status, 403);
	b->node.n_peers = 0;
	bench_input(b, call, "10.30.0.77:5060", "10.30.0.1:5060");
	assert_int_equal(b->out[0].msg.status, 403);
	bench_expect_count(b, COUNT_EMERGENCY, 0);
	bench_close(b);
}

static void test_unregistered_rate(void **state)
{
	struct bench *b = with_help(HELP);
	uint32_t taken = 0, refused = 0;

	b->emergency.unregistered = true;
	b->emergency.unregistered_rate = 3;
	for (int i = 0; i < 8; i++) {
		char branch[32];

		snprintf(branch, sizeof(branch), "z9hG4bKsos%d", i);
		from(b, changed(call, "z9hG4bKsos", branch), "10.10.0.7:5060");
		taken += b->out[0].msg.status == 100;
		refused += b->out[0].msg.status == 503;
	}
	assert_int_equal(taken, 3);
	assert_int_equal(refused, 5);
	bench_expect_count(b, COUNT_EMERGENCY_LIMITED, 5);
	from(b, call, "10.10.0.2:5060"); /* who is registered does not notice */
	assert_int_equal(b->out[0].msg.status, 100);
	b->now += 1000;
	from(b, changed(call, "z9hG4bKsos", "z9hG4bKlater"), "10.10.0.7:5060");
	assert_int_equal(b->out[0].msg.status, 100);
	bench_close(b);
}

static void test_alternative(void **state)
{
	struct bench *b = with_help(HELP);

	b->emergency.n_psap = 0;
	from(b, call, "10.10.0.2:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 380);
	assert_string_equal(bench_header(b, 0, SIP_H_CONTENT_TYPE),
			    "application/3gpp-ims+xml;sv=\"1\"");
	assert_non_null(strstr(b->out[0].text, "<type>emergency</type>"));
	assert_null(strstr(b->out[0].text, "<action>"));
	assert_int_equal(b->out[0].msg.body.len,
			 strlen(strstr(b->out[0].text, "\r\n\r\n")) - 4);
	bench_close(b);

	b = with_help(HELP);
	b->emergency.normal = false;
	from(b, call, "10.10.0.2:5060");
	assert_int_equal(b->out[0].msg.status, 380);
	assert_non_null(strstr(b->out[0].text, "<action>emergency-registration</action>"));
	bench_close(b);
}

/* Overload refuses all that begins something, and no call for help. */
static void test_overload(void **state)
{
	struct bench *b = with_help(HELP);

	role_refuse(b->worker, 16);
	from(b, changed(call, "urn:service:sos", "sip:alice@ims.example"), "10.10.0.2:5060");
	assert_int_equal(b->out[0].msg.status, 503);
	from(b, changed(call, "urn:service:sos", "tel:112"), "10.10.0.2:5060");
	assert_int_equal(b->out[0].msg.status, 100);
	from(b,
	     "REGISTER sip:ims.example SIP/2.0\nVia: SIP/2.0/UDP "
	     "10.10.0.9:5060;branch=z9hG4bKr\n"
	     "Max-Forwards: 70\nFrom: <sip:dave@ims.example>;tag=1\nTo: "
	     "<sip:dave@ims.example>\n"
	     "Call-ID: r\nCSeq: 1 REGISTER\nContact: <sip:dave@10.10.0.9:5060;sos>\n\n",
	     "10.10.0.9:5060");
	assert_int_equal(b->verdict, VERDICT_PUNT);
	assert_true(role_is_help(b->worker, slice_str(call)));
	assert_true(role_is_help(b->worker, SLICE("INVITE tel:112 SIP/2.0\r\n")));
	assert_true(role_is_help(b->worker, SLICE("INVITE sip:110@ims.example SIP/2.0\r\n")));
	assert_false(role_is_help(b->worker, SLICE("INVITE tel:113 SIP/2.0\r\n")));
	assert_false(role_is_help(b->worker, SLICE("INVITE ")));
	assert_false(role_is_help(b->worker, SLICE("MESSAGE urn:service:sos SIP/2.0")));
	bench_close(b);
}

/* §5.4.3.3: who called for help is called back though he is barred, and where he called from.
 */
static void test_callback(void **state)
{
	static const char back[] =
		"INVITE sip:barred@ims.example SIP/2.0\n"
		"Via: SIP/2.0/UDP 10.30.0.41:5060;branch=z9hG4bKback\n"
		"Max-Forwards: 70\nFrom: <sip:psap1.example>;tag=1\n"
		"To: <sip:barred@ims.example>\nCall-ID: back\nCSeq: 1 INVITE\n"
		"Priority: psap-callback\nContent-Length: 0\n\n";
	struct bench *b = with_help(HELP);
	struct abi_registration_view v = {.roles = ABI_REG_PCSCF | ABI_REG_SCSCF,
					  .n_impu = 1,
					  .n_contact = 1,
					  .set_id = 77};

	v.impu[0] = (struct abi_impu_view){SLICE("sip:barred@ims.example"),
					   ABI_IMPU_DEFAULT | ABI_IMPU_BARRED, 0};
	v.contact[0] = (struct abi_contact_view){.flow = bench_addr("10.10.0.8:5060"),
						 .local = bench_addr("10.10.0.1"),
						 .expires_ms = b->now + 600000,
						 .flags = ABI_CONTACT_EMERGENCY,
						 .q = 1000,
						 .uri = SLICE("sip:x@10.10.0.8:5060;sos")};
	bench_put(b, &v);
	bench_input(b, changed(back, "psap-callback", "emergency"), "10.30.0.41:5060",
		    "10.30.0.1:5060");
	assert_int_equal(b->out[b->n_out - 1].msg.status, 404);
	role_refuse(b->worker, 16);
	bench_input(b, changed(back, "z9hG4bKback", "z9hG4bKback2"), "10.30.0.41:5060",
		    "10.30.0.1:5060");
	dst_is(b, b->n_out - 1, "10.10.0.8:5060");
	/* A terminal cannot say so of itself. */
	from(b,
	     changed(changed(back, "z9hG4bKback", "z9hG4bKback3"), "sip:psap1.example",
		     "sip:alice@ims.example"),
	     "10.10.0.2:5060");
	assert_int_equal(b->out[0].msg.status, 503);
	bench_close(b);
}

/* P-CSCF and E-CSCF as two nodes. */
static void test_two_nodes(void **state)
{
	struct bench *b = with_help(ALL);

	b->emergency.ecscf[b->emergency.n_ecscf++] = bench_addr("10.30.0.50:5060");
	b->emergency.ecscf[b->emergency.n_ecscf++] = bench_addr("10.30.0.51:5060");
	from(b, changed(call, "urn:service:sos", "tel:110"), "10.10.0.2:5060");
	dst_is(b, 1, "10.30.0.50:5060");
	assert_string_equal(bench_header(b, 1, SIP_H_ROUTE), "<sip:10.30.0.50:5060;lr>");
	assert_memory_equal(b->out[1].text, "INVITE urn:service:sos.police SIP/2.0\r\n", 39);
	bench_input(b, bench_response(b, 1, "500 Broken", "x"), "10.30.0.50:5060",
		    "10.30.0.1:5060");
	dst_is(b, 1, "10.30.0.51:5060");
	bench_close(b);

	b = with_help(NODE_ECSCF);
	bench_input(b, changed(call, "urn:service:sos", "urn:service:sos.police"),
		    "10.30.0.60:5060", "10.30.0.1:5060");
	dst_is(b, 1, "10.30.0.40:5060");
	assert_string_equal(bench_header(b, 1, SIP_H_ROUTE), "<sip:police.example;lr>");
	assert_int_equal(bench_headers(b, 1, SIP_H_RECORD_ROUTE), 1);
	bench_close(b);

	b = with_help(ALL);
	bench_input(b, call, "10.30.0.60:5060", "10.30.0.1:5060");
	assert_int_equal(b->out[0].msg.status, 404);
	bench_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registered),
		cmocka_unit_test(test_recognised),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_failover),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_ringing),
		cmocka_unit_test(test_unregistered_refused),
		cmocka_unit_test(test_unregistered),
		cmocka_unit_test(test_flow_token),
		cmocka_unit_test(test_no_relay),
		cmocka_unit_test(test_unregistered_rate),
		cmocka_unit_test(test_alternative),
		cmocka_unit_test(test_overload),
		cmocka_unit_test(test_callback),
		cmocka_unit_test(test_two_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
