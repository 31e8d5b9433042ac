/* test_nodes.c - each role alone on its node: what it takes from Mw, and what it gives to Mw */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/token.h"

static const char invite[] = "INVITE sip:bob@ims.example SIP/2.0\n"
			     "Via: SIP/2.0/UDP %s:5060;branch=z9hG4bKnode1\n"
			     "%s"
			     "Max-Forwards: 69\n"
			     "From: <sip:alice@ims.example>;tag=1\n"
			     "To: <sip:bob@ims.example>\n"
			     "Call-ID: node-1\n"
			     "CSeq: 1 INVITE\n"
			     "Contact: <sip:alice@10.10.0.2:5060>\n"
			     "Content-Length: 0\n\n";

static const char *from(const char *host, const char *lines)
{
	static char out[BENCH_MESSAGE_MAX];

	snprintf(out, sizeof(out), invite, host, lines);
	return out;
}

static void dst_is(struct bench *b, uint32_t i, const char *dst)
{
	char is[ADDR_TEXT_MAX];

	assert_true(i < b->n_out);
	assert_string_equal(addr_text(&b->out[i].dst, is), dst);
}

/* A user as a P-CSCF alone knows it: the flow, the Service-Route, the S-CSCF's address. */
static void register_at_pcscf(struct bench *b)
{
	struct abi_registration_view v = {
		.roles = ABI_REG_PCSCF, .set_id = 5, .n_impu = 1, .n_contact = 1};

	v.scscf = bench_addr("10.30.0.4");
	v.service_route = SLICE("<sip:orig@scscf.ims.example:5060;lr>");
	v.impu[0] = (struct abi_impu_view){SLICE("sip:alice@ims.example"), ABI_IMPU_DEFAULT, 0};
	v.contact[0] = (struct abi_contact_view){.flow = bench_addr("10.10.0.2"),
						 .local = bench_addr("10.10.0.1"),
						 .expires_ms = b->now + 60000,
						 .q = 1000,
						 .uri = SLICE("sip:alice@10.10.0.2:5060")};
	bench_put(b, &v);
}

/* The same user as an S-CSCF alone knows it: behind a P-CSCF's Path. */
static void register_at_scscf(struct bench *b, const char *name, uint8_t flags)
{
	struct abi_registration_view v = {.roles = ABI_REG_SCSCF, .n_impu = 1, .n_contact = 1};
	char impu[64], uri[64];

	snprintf(impu, sizeof(impu), "sip:%s@ims.example", name);
	snprintf(uri, sizeof(uri), "sip:%s@10.10.0.2:5060", name);
	v.set_id = hash_table(&b->node.token_key, impu, (uint32_t)strlen(impu));
	v.impu[0] = (struct abi_impu_view){slice_str(impu), flags, 0};
	v.contact[0] =
		(struct abi_contact_view){.hop = bench_addr("10.30.0.2"),
					  .expires_ms = b->now + 60000,
					  .q = 1000,
					  .uri = slice_str(uri),
					  .path = SLICE("<sip:token@10.30.0.2:5060;lr>")};
	bench_put(b, &v);
}

static void test_pcscf_originating(void **state)
{
	struct bench *b = bench_open(NODE_PCSCF);

	register_at_pcscf(b);
	/* The UE's own idea of a route does not count (TS 24.229 section 5.2.6.3.3). */
	bench_input(b,
		    from("10.10.0.2", "Route: <sip:10.10.0.1;lr>,<sip:elsewhere.example;lr>\n"),
		    "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 2);
	dst_is(b, 1, "10.30.0.4:5060");
	assert_int_equal(bench_headers(b, 1, SIP_H_ROUTE), 1);
	assert_string_equal(bench_header(b, 1, SIP_H_ROUTE),
			    "<sip:orig@scscf.ims.example:5060;lr>");
	assert_string_equal(bench_header(b, 1, SIP_H_P_ASSERTED_IDENTITY),
			    "<sip:alice@ims.example>");
	assert_non_null(
		strstr(bench_header(b, 1, SIP_H_P_CHARGING_VECTOR), "orig-ioi=ims.example"));
	assert_memory_equal(b->out[1].text, "INVITE sip:bob@ims.example", 26);
	bench_close(b);
}

/* Two charging identifiers of one node are never the same, and tell nothing of its keys. */
/* Another for each Call-ID, the same for all that has it. */
static void test_charging_vector(void **state)
{
	struct bench *b = bench_open(NODE_PCSCF);
	char *first, text[BENCH_MESSAGE_MAX];

	register_at_pcscf(b);
	snprintf(text, sizeof(text), "%s", from("10.10.0.2", ""));
	bench_input(b, text, "10.10.0.2:5060", "10.10.0.1:5060");
	first = strdup(bench_header(b, 1, SIP_H_P_CHARGING_VECTOR));
	*strstr(text, "node1") = 'm';
	bench_input(b, text, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_string_equal(bench_header(b, 1, SIP_H_P_CHARGING_VECTOR), first);
	*strstr(text, "mode1") = 'o';
	*(strstr(text, "Call-ID: ") + 9) = 'X';
	bench_input(b, text, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_string_not_equal(bench_header(b, 1, SIP_H_P_CHARGING_VECTOR), first);
	free(first);
	bench_close(b);
}

static const char *path_route(struct bench *b, const char *flow)
{
	static char line[256];
	uint8_t memory[TOKEN_TEXT_MAX];
	struct text token = text_in(memory, sizeof(memory));
	struct addr a = bench_addr(flow);

	token_path_put(&token, &b->node.token_key, &a);
	snprintf(line, sizeof(line), "Route: <sip:%.*s@10.30.0.1:5060;lr>\n",
		 SLICE_ARG(text_slice(&token)));
	return line;
}

static void test_pcscf_delivers(void **state)
{
	struct bench *b = bench_open(NODE_PCSCF);
	char lines[512];

	register_at_pcscf(b);
	snprintf(lines, sizeof(lines),
		 "%sP-Called-Party-ID: <sip:alice@ims.example>\nP-Charging-Vector: "
		 "icid-value=x\n"
		 "P-Asserted-Identity: <sip:carol@ims.example>\nPrivacy: id\n",
		 path_route(b, "10.10.0.2:5060"));
	bench_input(b, from("10.30.0.4", lines), "10.30.0.4:5060", "10.30.0.1:5060");
	assert_int_equal(b->n_out, 2);
	dst_is(b, 1, "10.10.0.2:5060");
	assert_int_equal(bench_headers(b, 1, SIP_H_ROUTE), 0);
	assert_int_equal(bench_headers(b, 1, SIP_H_P_CHARGING_VECTOR), 0);
	assert_int_equal(bench_headers(b, 1, SIP_H_P_ASSERTED_IDENTITY),
			 0); /* Privacy: id (RFC 3325 section 7) */
	assert_string_equal(bench_header(b, 1, SIP_H_P_CALLED_PARTY_ID),
			    "<sip:alice@ims.example>");
	/* What comes back from the UE is asserted for it (section 5.2.6.4.4). */
	bench_input(b, bench_response(b, 1, "180 Ringing", "t"), "10.10.0.2:5060",
		    "10.10.0.1:5060");
	assert_int_equal(b->n_out, 1);
	dst_is(b, 0, "10.30.0.4:5060");
	assert_string_equal(bench_header(b, 0, SIP_H_P_ASSERTED_IDENTITY),
			    "<sip:alice@ims.example>");
	bench_close(b);
}

static void test_path_forged_or_gone(void **state)
{
	struct bench *b = bench_open(NODE_PCSCF);
	char line[256];

	register_at_pcscf(b);
	/* A flow nobody is registered on, but with a sound token: the terminal is gone. */
	bench_input(b, from("10.30.0.4", path_route(b, "10.10.0.99:5060")), "10.30.0.4:5060",
		    "10.30.0.1:5060");
	assert_int_equal(b->out[b->n_out - 1].msg.status, 480);
	/* One digit changed: it leads to no flow at all. */
	snprintf(line, sizeof(line), "%s", path_route(b, "10.10.0.2:5060"));
	char *digit = strstr(line, "<sip:p") + 7;
	*digit = *digit == '0' ? '1' : '0';
	char text[BENCH_MESSAGE_MAX];
	snprintf(text, sizeof(text), "%s", from("10.30.0.4", line));
	*strstr(text, "node1") = 'm';
	bench_input(b, text, "10.30.0.4:5060", "10.30.0.1:5060");
	for (uint32_t i = 0; i < b->n_out; i++)
		assert_true(b->out[i].msg.status >= 400);
	bench_close(b);
}

static void test_icscf_asks(void **state)
{
	struct bench *b = bench_open(NODE_ICSCF);
	const char *text = from("10.30.0.4", "P-Asserted-Identity: <sip:alice@ims.example>\n");

	bench_input(b, text, "10.30.0.4:5060", "10.30.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_PUNT);
	assert_int_equal(b->punt, PUNT_LOCATE);
	bench_resume(b, text, "10.30.0.4:5060", "10.30.0.1:5060", LOCATE_SCSCF, 0,
		     "10.30.0.5:5060", "sip:scscf2.ims.example:5060");
	assert_int_equal(b->n_out, 1);
	dst_is(b, 0, "10.30.0.5:5060");
	assert_string_equal(bench_header(b, 0, SIP_H_ROUTE),
			    "<sip:scscf2.ims.example:5060;lr>");
	assert_string_equal(bench_header(b, 0, SIP_H_P_ASSERTED_IDENTITY),
			    "<sip:alice@ims.example>");
	bench_close(b);
}

static void test_scscf_originating(void **state)
{
	struct bench *b = bench_open(NODE_SCSCF);
	const char *route = "Route: <sip:orig@scscf.ims.example:5060;lr>\nP-Asserted-Identity: "
			    "<sip:alice@ims.example>\n";

	/* Not registered here: control asks whether he is forgotten; he is not. */
	bench_input(b, from("10.30.0.2", route), "10.30.0.2:5060", "10.30.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_PUNT);
	assert_int_equal(b->punt, PUNT_LOCATE);
	bench_resume(b, from("10.30.0.2", route), "10.30.0.2:5060", "10.30.0.1:5060",
		     LOCATE_REJECT, 403, NULL, NULL);
	assert_int_equal(b->out[b->n_out - 1].msg.status, 403);
	bench_close(b);
	/* He is, and has to register again: what control says of that is passed on. */
	b = bench_open(NODE_SCSCF);
	bench_input(b, from("10.30.0.2", route), "10.30.0.2:5060", "10.30.0.1:5060");
	bench_resume(b, from("10.30.0.2", route), "10.30.0.2:5060", "10.30.0.1:5060",
		     LOCATE_REJECT, 504, NULL,
		     "P-Asserted-Identity: <sip:scscf.ims.example>\r\nContent-Type: "
		     "a/b\r\n\r\n<x/>");
	assert_int_equal(b->out[b->n_out - 1].msg.status, 504);
	assert_string_equal(bench_header(b, b->n_out - 1, SIP_H_P_ASSERTED_IDENTITY),
			    "<sip:scscf.ims.example>");
	assert_string_equal(bench_header(b, b->n_out - 1, SIP_H_CONTENT_LENGTH), "4");
	assert_non_null(strstr(b->out[b->n_out - 1].text, "\r\n\r\n<x/>"));
	bench_close(b);
	b = bench_open(NODE_SCSCF);
	register_at_scscf(b, "alice", ABI_IMPU_DEFAULT);
	bench_input(b, from("10.30.0.2", route), "10.30.0.2:5060", "10.30.0.1:5060");
	assert_int_equal(b->n_out, 2);
	dst_is(b, 1, "10.30.0.21:5060"); /* the I-CSCF of our own network */
	assert_int_equal(bench_headers(b, 1, SIP_H_ROUTE), 0);
	assert_int_equal(bench_headers(b, 1, SIP_H_RECORD_ROUTE), 1);
	bench_close(b);
}

static void test_scscf_terminating(void **state)
{
	struct bench *b = bench_open(NODE_SCSCF);
	const char *text = from("10.30.0.3", "Route: <sip:scscf.ims.example:5060;lr>\n");

	bench_input(b, text, "10.30.0.3:5060", "10.30.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_PUNT);
	bench_resume(b, text, "10.30.0.3:5060", "10.30.0.1:5060", LOCATE_REJECT, 504, NULL,
		     NULL);
	assert_int_equal(b->out[b->n_out - 1].msg.status, 504);
	/* What control took for restored and is gone again is not asked for twice. */
	bench_close(b);
	b = bench_open(NODE_SCSCF);
	bench_input(b, text, "10.30.0.3:5060", "10.30.0.1:5060");
	bench_resume(b, text, "10.30.0.3:5060", "10.30.0.1:5060", LOCATE_LOCAL, 0, NULL, NULL);
	assert_int_equal(b->out[b->n_out - 1].msg.status, 480);
	/* Restored. */
	bench_close(b);
	b = bench_open(NODE_SCSCF);
	bench_input(b, text, "10.30.0.3:5060", "10.30.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 100);
	register_at_scscf(b, "bob", ABI_IMPU_DEFAULT);
	bench_resume(b, text, "10.30.0.3:5060", "10.30.0.1:5060", LOCATE_LOCAL, 0, NULL, NULL);
	assert_int_equal(b->n_out, 1);
	assert_memory_equal(b->out[0].text, "INVITE sip:bob@10.10.0.2:5060 ", 30);
	bench_close(b);
	b = bench_open(NODE_SCSCF);
	register_at_scscf(b, "bob", ABI_IMPU_DEFAULT);
	bench_input(b, text, "10.30.0.3:5060", "10.30.0.1:5060");
	assert_int_equal(b->n_out, 2);
	dst_is(b, 1, "10.30.0.2:5060");
	assert_string_equal(bench_header(b, 1, SIP_H_ROUTE), "<sip:token@10.30.0.2:5060;lr>");
	assert_memory_equal(b->out[1].text, "INVITE sip:bob@10.10.0.2:5060 ", 30);
	assert_string_equal(bench_header(b, 1, SIP_H_P_CALLED_PARTY_ID),
			    "<sip:bob@ims.example>");
	bench_close(b);
}

static void test_scscf_barred(void **state)
{
	struct bench *b = bench_open(NODE_SCSCF);

	register_at_scscf(b, "bob", ABI_IMPU_BARRED);
	bench_input(b, from("10.30.0.3", ""), "10.30.0.3:5060", "10.30.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 404);
	bench_close(b);
}

/* A Route behind ours leads to peers only. */
static void test_no_relay(void **state)
{
	struct bench *b = bench_open(NODE_SCSCF);
	const char *lines = "Route: <sip:orig@scscf.ims.example:5060;lr>,<sip:192.0.2.1;lr>\n"
			    "P-Asserted-Identity: <sip:alice@ims.example>\n";

	register_at_scscf(b, "alice", ABI_IMPU_DEFAULT);
	bench_input(b, from("10.30.0.2", lines), "10.30.0.2:5060", "10.30.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 403);
	bench_close(b);
}

/* Whoever is no peer gets nothing out of Mw. */
static void test_strangers(void **state)
{
	static const uint32_t roles[] = {NODE_PCSCF, NODE_ICSCF, NODE_SCSCF,
					 NODE_PCSCF | NODE_ICSCF | NODE_SCSCF};

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		struct bench *b = bench_open(roles[i]);

		bench_input(b,
			    from("10.10.0.66", "Route: <sip:orig@scscf.ims.example:5060;lr>\n"),
			    "10.10.0.66:5060", "10.10.0.1:5060");
		assert_int_equal(b->n_out, 1);
		assert_int_equal(b->out[0].msg.status, 403);
		bench_close(b);
	}
}

/* A peer's address is believed on the port that leads to the peer, not on an access network's.
 */
static void test_spoofed_peer(void **state)
{
	struct bench *b = bench_open(NODE_PCSCF | NODE_ICSCF | NODE_SCSCF);
	const char *lines = "P-Asserted-Identity: <sip:alice@ims.example>\nRoute: "
			    "<sip:orig@scscf.ims.example:5060;lr>\n";

	register_at_scscf(b, "alice", ABI_IMPU_DEFAULT);
	bench_input(b, from("10.30.0.9", lines), "10.30.0.9:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 403);
	bench_close(b);
}

/* The address of a user who left, taken by another: the call is not that other's. */
static void test_deliver_to_the_called(void **state)
{
	struct bench *b = bench_open(NODE_PCSCF);
	char lines[512];

	register_at_pcscf(b);
	snprintf(lines, sizeof(lines), "%sP-Called-Party-ID: <sip:bob@ims.example>\n",
		 path_route(b, "10.10.0.2:5060"));
	bench_input(b, from("10.30.0.4", lines), "10.30.0.4:5060", "10.30.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 480);
	bench_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcscf_originating),
		cmocka_unit_test(test_charging_vector),
		cmocka_unit_test(test_pcscf_delivers),
		cmocka_unit_test(test_path_forged_or_gone),
		cmocka_unit_test(test_icscf_asks),
		cmocka_unit_test(test_scscf_originating),
		cmocka_unit_test(test_scscf_terminating),
		cmocka_unit_test(test_scscf_barred),
		cmocka_unit_test(test_no_relay),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_spoofed_peer),
		cmocka_unit_test(test_deliver_to_the_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
