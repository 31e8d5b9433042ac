/* test_call.c - calls and messages through one composed node, message by message */
#include "bench.h"
#include "support/buf_malloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALL (NODE_PCSCF | NODE_ICSCF | NODE_SCSCF)

static const char *const alice_flow[] = {"10.10.0.2:5060"};
static const char *const bob_flow[] = {"10.20.0.2:5060"};
static const char *const bob_three[] = {"10.20.0.2:5060", "10.20.0.3:5060", "10.10.0.9:5062"};

static const char invite[] =
	"INVITE sip:bob@ims.example SIP/2.0\n"
	"Via: SIP/2.0/UDP 10.10.0.2:5060;branch=z9hG4bKabc;rport\n"
	"Route: <sip:10.10.0.1:5060;lr>,<sip:orig@scscf.ims.example:5060;lr>\n"
	"Max-Forwards: 70\n"
	"From: <sip:alice@ims.example>;tag=1\n"
	"To: <sip:bob@ims.example>\n"
	"Call-ID: call-1\n"
	"CSeq: 1 INVITE\n"
	"Contact: <sip:alice@10.10.0.2:5060>\n"
	"P-Asserted-Identity: <sip:carol@ims.example>\n"
	"P-Charging-Vector : icid-value=evil\n"
	"P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=1\n"
	"Content-Type: application/sdp\n"
	"Content-Length: 5\n\nv=0\n";

static struct bench *with_users(uint32_t roles)
{
	struct bench *b = bench_open(roles);

	bench_register(b, "alice", 1, alice_flow);
	bench_register(b, "bob", 1, bob_flow);
	return b;
}

/* The text of `message` with `from` replaced by `to`, once. */
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

static void test_invite_goes_to_the_callee(void **state)
{
	struct bench *b = with_users(ALL);

	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_SEND);
	assert_int_equal(b->n_out, 2);
	assert_int_equal(b->out[0].msg.status, 100);
	dst_is(b, 0, "10.10.0.2:5060");
	assert_memory_equal(b->out[1].text, "INVITE sip:bob@10.20.0.2:5060 SIP/2.0\r\n", 39);
	dst_is(b, 1, "10.20.0.2:5060");
	assert_int_equal(bench_headers(b, 1, SIP_H_VIA), 2);
	assert_int_equal(bench_headers(b, 1, SIP_H_ROUTE), 0);
	assert_string_equal(bench_header(b, 1, SIP_H_MAX_FORWARDS), "69");
	assert_string_equal(bench_header(b, 1, SIP_H_P_ASSERTED_IDENTITY),
			    "<sip:alice@ims.example>");
	assert_string_equal(bench_header(b, 1, SIP_H_P_CALLED_PARTY_ID),
			    "<sip:bob@ims.example>");
	assert_int_equal(bench_headers(b, 1, SIP_H_P_CHARGING_VECTOR), 0);
	assert_int_equal(bench_headers(b, 1, SIP_H_P_ACCESS_NETWORK_INFO), 0);
	assert_non_null(strstr(b->out[1].text, ";rport=5060"));
	assert_non_null(
		strstr(bench_header(b, 1, SIP_H_RECORD_ROUTE), "@10.20.0.1:5060;lr>,<sip:d"));
	assert_non_null(strstr(b->out[1].text, "\r\n\r\nv=0\r\n"));
	bench_close(b);
}

/* A repeat of the INVITE is answered by the transaction with the last response. */
static void test_invite_repeated(void **state)
{
	struct bench *b = with_users(ALL);

	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 100);
	bench_expect_count(b, COUNT_RETRANS_RX, 1);
	bench_close(b);
}

/* Timer A doubles; timer B gives 408 (RFC 3261 section 17.1.1.2). */
static void test_no_answer(void **state)
{
	struct bench *b = with_users(ALL);
	uint32_t sent = 0;

	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	for (uint32_t ms = 0; ms < 31000; ms += 100) {
		bench_wait(b, 100);
		sent += b->n_out;
		for (uint32_t i = 0; i < b->n_out; i++)
			assert_int_equal(b->out[i].msg.method, SIP_M_INVITE);
	}
	assert_int_equal(sent, 5); /* at 0.5, 1.5, 3.5, 7.5 and 15.5 s */
	for (uint32_t ms = 0; ms < 4000 && b->out[0].msg.status != 408; ms += 100)
		bench_wait(b, 100);
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 408);
	dst_is(b, 0, "10.10.0.2:5060");
	bench_expect_count(b, COUNT_TXN_TIMEOUT, 1);
	bench_close(b);
}

/* The caller's side of an established dialog: Route set and remote target from the 200. */
struct dialog {
	char route[1024], to[256];
};

static struct dialog answer_call(struct bench *b)
{
	struct dialog d;

	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 2);
	bench_input(b, bench_response(b, 1, "200 OK", "b"), "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 200);
	dst_is(b, 0, "10.10.0.2:5060");
	assert_int_equal(bench_headers(b, 0, SIP_H_VIA), 1);
	assert_string_equal(bench_header(b, 0, SIP_H_P_ASSERTED_IDENTITY),
			    "<sip:bob@ims.example>");
	snprintf(d.to, sizeof(d.to), "%s", bench_header(b, 0, SIP_H_TO));
	/* The caller's route set is the Record-Route upside down (RFC 3261 section 12.1.2). */
	char *rr = strdup(bench_header(b, 0, SIP_H_RECORD_ROUTE)), *comma = strchr(rr, ',');
	*comma = 0;
	snprintf(d.route, sizeof(d.route), "%s,%s", comma + 1, rr);
	free(rr);
	return d;
}

static const char *in_dialog(const struct dialog *d, const char *method, uint32_t cseq)
{
	static char out[BENCH_MESSAGE_MAX];

	snprintf(out, sizeof(out),
		 "%s sip:bob@10.20.0.2:5060 SIP/2.0\n"
		 "Via: SIP/2.0/UDP 10.10.0.2:5060;branch=z9hG4bK%s%u;rport\n"
		 "Route: %s\nMax-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\nTo: %s\n"
		 "Call-ID: call-1\nCSeq: %u %s\nContent-Length: 0\n\n",
		 method, method, cseq, d->route, d->to, cseq, method);
	return out;
}

static void test_whole_call(void **state)
{
	struct bench *b = with_users(ALL);
	struct dialog d = answer_call(b);

	bench_input(b, in_dialog(&d, "ACK", 1), "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.method, SIP_M_ACK);
	dst_is(b, 0, "10.20.0.2:5060");
	assert_int_equal(bench_headers(b, 0, SIP_H_ROUTE), 0);

	bench_input(b, in_dialog(&d, "BYE", 2), "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 1);
	dst_is(b, 0, "10.20.0.2:5060");
	bench_input(b, bench_response(b, 0, "200 OK", NULL), "10.20.0.2:5060",
		    "10.20.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 200);
	dst_is(b, 0, "10.10.0.2:5060");

	/* The 2xx has ended the transaction. */
	assert_int_equal(role_transactions(b->worker), 0);
	bench_close(b);
}

/* A Request-URI that is too long to keep for ACKs: the INVITE is kept, as long as repeats may
 * come. */
static void test_rejected_long_uri(void **state)
{
	struct bench *b = bench_open(ALL);
	char uri[400], *busy;
	struct abi_registration_view v = {.set_id = 9,
					  .roles = ABI_REG_PCSCF | ABI_REG_SCSCF,
					  .n_impu = 1,
					  .n_contact = 1,
					  .impu = {{SLICE("sip:bob@ims.example"), 2}}};

	bench_register(b, "alice", 1, alice_flow);
	snprintf(uri, sizeof(uri), "sip:%0300d@10.20.0.2", 0);
	v.contact[0] = (struct abi_contact_view){.flow = bench_addr("10.20.0.2:5060"),
						 .local = bench_addr("10.20.0.1"),
						 .expires_ms = b->now + 600000,
						 .uri = slice_str(uri)};
	bench_put(b, &v);
	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 2);
	busy = strdup(bench_response(b, 1, "486 Busy Here", "b"));
	for (int i = 0; i < 3; i++) {
		bench_input(b, busy, "10.20.0.2:5060", "10.20.0.1:5060");
		assert_int_equal(b->out[0].msg.method, SIP_M_ACK);
		assert_true(slice_eq(b->out[0].msg.uri, slice_str(uri)));
	}
	bench_wait(b, 40000);
	bench_wait(b, 40000);
	assert_int_equal(test_bufs_live(), 0);
	free(busy);
	bench_close(b);
}

/* RFC 6026: a 2xx sent again by the callee still finds its way. */
static void test_2xx_repeated(void **state)
{
	struct bench *b = with_users(ALL);
	char *ok;

	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	ok = strdup(bench_response(b, 1, "200 OK", "b"));
	for (int i = 0; i < 3; i++) {
		bench_input(b, ok, "10.20.0.2:5060", "10.20.0.1:5060");
		assert_int_equal(b->n_out, 1);
		dst_is(b, 0, "10.10.0.2:5060");
	}
	/* The INVITE that crosses it is absorbed, for 64*T1. */
	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 0);
	assert_int_equal(b->verdict, VERDICT_SEND);
	/* Way back and side are in the branch: no record is needed, and none is there. */
	assert_int_equal(role_transactions(b->worker), 0);
	bench_input(b, changed(ok, "branch=z9hG4bKabc", "branch=z9hG4bKabd"), "10.20.0.2:5060",
		    "10.20.0.1:5060");
	assert_int_equal(b->n_out, 1);
	bench_input(b, changed(ok, "received=10.10.0.2", "received=10.10.0.3"),
		    "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_DROP);
	bench_expect_count(b, COUNT_DROP_RESPONSE_FORGED, 1);
	free(ok);
	bench_close(b);
}

/* In-dialog requests are a registered party's; the token is bound to its Call-ID. */
static void test_dialog_injection(void **state)
{
	struct bench *b = with_users(ALL);
	struct dialog d = answer_call(b);

	bench_input(b, in_dialog(&d, "BYE", 2), "10.10.0.77:5060", "10.10.0.1:5060");
	assert_int_equal(b->out[0].msg.status, 403);
	dst_is(b, 0, "10.10.0.77:5060");
	bench_input(b, changed(in_dialog(&d, "BYE", 2), "Call-ID: call-1", "Call-ID: call-2"),
		    "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->out[0].msg.status, 481);
	bench_input(b,
		    changed(in_dialog(&d, "BYE", 2), "sip:bob@10.20.0.2:5060",
			    "sip:carol@192.0.2.1:5060"),
		    "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->out[0].msg.status, 404);
	bench_close(b);
}

static void move_bob(struct bench *b)
{
	static const char *const flow[] = {"10.20.0.9:5060"};

	bench_register(b, "bob", 1, flow);
}

/* He has not said where he is now: his one terminal is meant. */
static void test_dialog_with_who_has_moved(void **state)
{
	struct bench *b = with_users(ALL);
	struct dialog d = answer_call(b);

	move_bob(b);
	bench_input(b, in_dialog(&d, "BYE", 2), "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 1);
	dst_is(b, 0, "10.20.0.9:5060");
	assert_true(slice_eq(b->out[0].msg.uri, SLICE("sip:bob@10.20.0.9:5060")));
	bench_close(b);
}

static void wait_for_one(struct bench *b)
{
	for (int i = 0; i < 40 && b->n_out == 0; i++)
		bench_wait(b, 100);
	assert_int_equal(b->n_out, 1);
}

static void test_invite_follows(void **state)
{
	struct bench *b = with_users(ALL);

	b->node.follow = true;
	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	dst_is(b, 1, "10.20.0.2:5060");
	b->n_out = 0;
	wait_for_one(b);
	dst_is(b, 0, "10.20.0.2:5060");
	move_bob(b);
	b->n_out = 0;
	wait_for_one(b);
	dst_is(b, 0, "10.20.0.9:5060");
	assert_true(slice_eq(b->out[0].msg.uri, SLICE("sip:bob@10.20.0.9:5060")));
	bench_expect_count(b, COUNT_FOLLOWED, 1);
	bench_input(b, bench_response(b, 0, "200 OK", "b"), "10.20.0.9:5060", "10.20.0.1:5060");
	assert_int_equal(b->out[0].msg.status, 200);
	dst_is(b, 0, "10.10.0.2:5060");
	/* The one to the old place is over. */
	for (int i = 0; i < 80; i++) {
		bench_wait(b, 500);
		assert_int_equal(b->n_out, 0);
	}
	bench_close(b);
}

/* A terminal that rings is where it is. */
static void test_invite_that_was_heard_stays(void **state)
{
	struct bench *b = with_users(ALL);

	b->node.follow = true;
	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	bench_input(b, bench_response(b, 1, "180 Ringing", "b"), "10.20.0.2:5060",
		    "10.20.0.1:5060");
	move_bob(b);
	for (int i = 0; i < 40; i++) {
		bench_wait(b, 500);
		assert_int_equal(b->n_out, 0);
	}
	bench_expect_count(b, COUNT_FOLLOWED, 0);
	bench_close(b);
}

static void test_rejected(void **state)
{
	struct bench *b = with_users(ALL);
	char *busy, *ack;

	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	busy = strdup(bench_response(b, 1, "486 Busy Here", "b"));
	bench_input(b, busy, "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->n_out, 2);
	assert_int_equal(b->out[0].msg.method, SIP_M_ACK);
	assert_true(slice_eq(b->out[0].msg.uri, SLICE("sip:bob@10.20.0.2:5060")));
	assert_string_equal(bench_header(b, 0, SIP_H_TO), "<sip:bob@ims.example>;tag=b");
	ack = strdup(b->out[0].text);
	assert_int_equal(test_bufs_live(), 1); /* of all, the 486 for timer G */
	dst_is(b, 0, "10.20.0.2:5060");
	assert_int_equal(bench_headers(b, 0, SIP_H_VIA), 1);
	assert_int_equal(b->out[1].msg.status, 486);
	dst_is(b, 1, "10.10.0.2:5060");

	bench_input(
		b, busy, "10.20.0.2:5060",
		"10.20.0.1:5060"); /* the repeat is acknowledged again, and goes no further */
	assert_int_equal(b->n_out, 1);
	assert_string_equal(b->out[0].text, ack);
	free(ack);

	bench_wait(b, 520); /* timer G */
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 486);

	bench_input(b,
		    "ACK sip:bob@ims.example SIP/2.0\nVia: SIP/2.0/UDP "
		    "10.10.0.2:5060;branch=z9hG4bKabc;rport\n"
		    "Max-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\nTo: "
		    "<sip:bob@ims.example>;tag=b\n"
		    "Call-ID: call-1\nCSeq: 1 ACK\nContent-Length: 0\n\n",
		    "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 0);
	bench_wait(b, 40000);
	assert_int_equal(role_transactions(b->worker), 0);
	free(busy);
	bench_close(b);
}

/* RFC 3261 section 16.7 step 6. */
static void test_503_becomes_500(void **state)
{
	struct bench *b = with_users(ALL);

	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	bench_input(b, bench_response(b, 1, "503 Service Unavailable", "b"), "10.20.0.2:5060",
		    "10.20.0.1:5060");
	assert_int_equal(b->out[1].msg.status, 500);
	bench_close(b);
}

static const char cancel[] =
	"CANCEL sip:bob@ims.example SIP/2.0\nVia: SIP/2.0/UDP "
	"10.10.0.2:5060;branch=z9hG4bKabc;rport\n"
	"Max-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\nTo: <sip:bob@ims.example>\n"
	"Call-ID: call-1\nCSeq: 1 CANCEL\nContent-Length: 0\n\n";

static void test_cancel(void **state)
{
	struct bench *b = with_users(ALL);
	struct bench_out *sent = malloc(sizeof(*sent));

	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	char *ringing = strdup(bench_response(b, 1, "180 Ringing", "b"));
	char *cancelled = strdup(bench_response(b, 1, "487 Request Terminated", "b"));
	*sent = b->out[1];

	/* Nobody else may cancel it. */
	bench_input(b, cancel, "10.10.0.3:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 481);

	/* Before a provisional response no CANCEL goes out (RFC 3261 section 9.1); it follows
	 * the 180. */
	bench_input(b, cancel, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 200);
	bench_input(b, ringing, "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->n_out, 2);
	assert_int_equal(b->out[0].msg.method, SIP_M_CANCEL);
	dst_is(b, 0, "10.20.0.2:5060");
	assert_true(slice_eq(sip_first_value(&b->out[0].msg, SIP_H_VIA),
			     sip_first_value(&sent->msg, SIP_H_VIA)) ||
		    strstr(sent->text, bench_header(b, 0, SIP_H_VIA)));
	assert_int_equal(b->out[1].msg.status, 180);

	bench_input(b, cancelled, "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->n_out, 2);
	assert_int_equal(b->out[0].msg.method, SIP_M_ACK);
	assert_int_equal(b->out[1].msg.status, 487);
	free(sent);
	free(ringing);
	free(cancelled);
	bench_close(b);
}

/* Three contacts ring; one answers; the others are cancelled (RFC 3261 section 16.7 step 10).
 */
static void test_fork(void **state)
{
	struct bench *b = bench_open(ALL);
	char *ringing[3], *ok;

	bench_register(b, "alice", 1, alice_flow);
	bench_register(b, "bob", 3, bob_three);
	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 4);
	assert_string_equal(bench_header(b, 1, SIP_H_MAX_BREADTH), "20");
	for (int i = 0; i < 3; i++)
		ringing[i] = strdup(bench_response(b, (uint32_t)i + 1, "180 Ringing", "x"));
	ok = strdup(bench_response(b, 2, "200 OK", "y"));
	for (int i = 0; i < 3; i++) {
		bench_input(b, ringing[i], bob_three[i], "10.20.0.1:5060");
		assert_int_equal(b->n_out, 1);
		free(ringing[i]);
	}
	bench_input(b, ok, bob_three[1], "10.20.0.1:5060");
	assert_int_equal(b->n_out, 3);
	assert_int_equal(b->out[0].msg.status, 200);
	assert_int_equal(b->out[1].msg.method, SIP_M_CANCEL);
	assert_int_equal(b->out[2].msg.method, SIP_M_CANCEL);
	free(ok);
	bench_close(b);
}

static void test_fork_best_response(void **state)
{
	struct bench *b = bench_open(ALL);
	char *final[3];
	const char *lines[] = {"404 Not Found", "486 Busy Here", "401 Unauthorized"};

	bench_register(b, "alice", 1, alice_flow);
	bench_register(b, "bob", 3, bob_three);
	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	for (int i = 0; i < 3; i++)
		final[i] = strdup(bench_response(b, (uint32_t)i + 1, lines[i], "x"));
	for (int i = 0; i < 3; i++) {
		bench_input(b, final[i], bob_three[i], "10.20.0.1:5060");
		assert_int_equal(b->n_out, i < 2 ? 1 : 2); /* ACK, and at the end the best */
		free(final[i]);
	}
	assert_int_equal(b->out[1].msg.status, 401);
	bench_close(b);
}

static const char message[] =
	"MESSAGE sip:bob@ims.example SIP/2.0\nVia: SIP/2.0/UDP "
	"10.10.0.2:5060;branch=z9hG4bKm1\n"
	"Max-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\nTo: <sip:bob@ims.example>\n"
	"Call-ID: m-1\nCSeq: 1 MESSAGE\nContent-Type: text/plain\nContent-Length: 2\n\nhi";

static void test_message(void **state)
{
	struct bench *b = with_users(ALL);
	char *first, *ok;

	bench_input(b, message, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 1);
	dst_is(b, 0, "10.20.0.2:5060");
	first = strdup(b->out[0].text);
	ok = strdup(bench_response(b, 0, "200 OK", "b"));

	/* Stateless and deterministic: a repeat leaves octet for octet the same (RFC 3261
	 * section 16.11). */
	bench_input(b, message, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_string_equal(b->out[0].text, first);

	bench_input(b, ok, "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->n_out, 1);
	dst_is(b, 0, "10.10.0.2:5060");
	assert_int_equal(role_transactions(b->worker), 0);

	/* A way back that was tampered with does not pass. */
	bench_input(b, changed(ok, "10.10.0.2:5060", "10.10.0.66:5060"), "10.20.0.2:5060",
		    "10.20.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_DROP);
	bench_expect_count(b, COUNT_DROP_RESPONSE_FORGED, 1);
	free(first);
	free(ok);
	bench_close(b);
}

static void test_identity(void **state)
{
	struct bench *b = with_users(ALL);

	/* Another's identity preferred: the user's own default is asserted (TS 24.229
	 * section 5.2.6.3.3). */
	bench_input(b,
		    changed(message, "Max-Forwards",
			    "P-Preferred-Identity: <sip:bob@ims.example>\nMax-Forwards"),
		    "10.10.0.2:5060", "10.10.0.1:5060");
	assert_string_equal(bench_header(b, 0, SIP_H_P_ASSERTED_IDENTITY),
			    "<sip:alice@ims.example>");
	/* Unregistered sender. */
	bench_input(b, message, "10.10.0.3:5060", "10.10.0.1:5060");
	assert_int_equal(b->out[0].msg.status, 403);
	/* Many users on one flow: From says which, and must be one of them. */
	bench_register(b, "dave", 1, alice_flow);
	bench_input(b, message, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_string_equal(bench_header(b, 0, SIP_H_P_ASSERTED_IDENTITY),
			    "<sip:alice@ims.example>");
	bench_input(b, changed(message, "From: <sip:alice", "From: <sip:bob"), "10.10.0.2:5060",
		    "10.10.0.1:5060");
	assert_int_equal(b->out[0].msg.status, 403);
	bench_close(b);
}

static void test_privacy(void **state)
{
	struct bench *b = with_users(ALL);

	bench_input(b, changed(message, "Max-Forwards", "Privacy: user;id\nMax-Forwards"),
		    "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(bench_headers(b, 0, SIP_H_P_ASSERTED_IDENTITY), 0);
	bench_close(b);
}

/* The strip list against every way to write a header (CVE-2020-28361). */
static void test_strip_spellings(void **state)
{
	static const char *const names[] = {
		"P-Asserted-Identity",  "P-Charging-Vector",
		"P-Served-User",        "P-Charging-Function-Addresses",
		"P-Visited-Network-ID", "P-Called-Party-ID",
		"P-Profile-Key",        "P-User-Database",
		"P-Asserted-Service",   "P-Associated-URI"};
	static const char *const spelled[] = {"%s: <sip:evil@x>\n",
					      "%s : <sip:evil@x>\n",
					      "%s\t: <sip:evil@x>\n",
					      "%s:\n <sip:evil@x>\n",
					      "%s:<sip:evil@x>\n",
					      "%s   :\t<sip:evil@x>\n",
					      "%s: <sip:evil@x>\n%s: <sip:evil@y>\n"};
	struct bench *b = with_users(ALL);

	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		for (size_t s = 0; s < 3 * sizeof(spelled) / sizeof(spelled[0]); s++) {
			char name[64], line[256];

			snprintf(name, sizeof(name), "%s", names[n]);
			for (char *c = name; *c; c++) /* as written, lower, UPPER */
				if (s % 3)
					*c = (char)(s % 3 == 1
							    ? (*c | 0x20)
							    : (*c >= 'a' && *c <= 'z' ? *c - 32
										      : *c));
			for (char *c = name; *c; c++)
				if (*c == ('-' | 0x20))
					*c = '-';
			snprintf(line, sizeof(line), spelled[s / 3], name, name);
			strcat(line, "Max-Forwards");
			bench_input(b, changed(message, "Max-Forwards", line), "10.10.0.2:5060",
				    "10.10.0.1:5060");
			assert_int_equal(b->n_out, 1);
			assert_int_equal(b->out[0].msg.status, 0);
			assert_null(strstr(b->out[0].text, "evil"));
		}
	}
	bench_close(b);
}

static void status_of(struct bench *b, const char *text, const char *src, uint16_t status)
{
	bench_input(b, text, src, "10.10.0.1:5060");
	if (b->n_out != 1)
		fail_msg("verdict %d, %u messages out for %s", b->verdict, b->n_out, text);
	if (b->out[0].msg.status != status)
		fail_msg("expected %u, got %s", status, b->out[0].text);
}

static void test_refusals(void **state)
{
	struct bench *b = with_users(ALL);
	const char *ue = "10.10.0.2:5060";

	status_of(b, changed(message, "Max-Forwards: 70", "Max-Forwards: 0"), ue, 483);
	status_of(b, changed(message, "Max-Forwards: 70", "Max-Forwards: x"), ue, 400);
	status_of(b, changed(message, "MESSAGE sip:bob@ims.example", "MESSAGE http://bob"), ue,
		  416);
	status_of(b, changed(message, "SIP/2.0\n", "SIP/3.0\n"), ue, 505);
	status_of(b, changed(message, "Max-Forwards", "Proxy-Require: nothing\nMax-Forwards"),
		  ue, 420);
	assert_string_equal(bench_header(b, 0, SIP_H_UNSUPPORTED), "nothing");
	status_of(b, changed(message, "Call-ID: m-1\n", ""), ue, 400);
	status_of(b, changed(message, "Content-Length: 2", "Content-Length: 3"), ue, 400);
	assert_non_null(strstr(bench_header(b, 0, SIP_H_WARNING), "Content-Length"));
	status_of(b,
		  changed(message, "sip:bob@ims.example SIP", "sip:bob@elsewhere.example SIP"),
		  ue, 404);
	status_of(b,
		  changed(message, "To: <sip:bob@ims.example>",
			  "To: <sip:bob@ims.example>;tag=x"),
		  ue, 481);
	bench_close(b);
}

/* A malformed response is dropped, never answered. */
static void test_malformed_response(void **state)
{
	struct bench *b = with_users(ALL);

	bench_input(b,
		    "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 10.10.0.1;branch=z9hG4bKx\nCSeq: 1 "
		    "INVITE\n\n",
		    "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_DROP);
	assert_int_equal(b->n_out, 0);
	bench_expect_count(b, COUNT_DROP_PARSE_RESPONSE, 1);
	bench_close(b);
}

static void test_forged_response(void **state)
{
	struct bench *b = with_users(ALL);
	char *ok, *at;

	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	ok = strdup(bench_response(b, 1, "200 OK", "b"));
	at = strstr(ok, "z9hG4bKl") + 12;
	*at = *at == '0' ? '1' : '0';
	bench_input(b, ok, "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_DROP);
	bench_expect_count(b, COUNT_DROP_RESPONSE_FORGED, 1);
	free(ok);
	bench_close(b);
}

static void test_options(void **state)
{
	struct bench *b = with_users(ALL);

	status_of(b,
		  changed(changed(message, "MESSAGE sip:bob@ims.example",
				  "OPTIONS sip:10.10.0.1"),
			  "1 MESSAGE", "1 OPTIONS"),
		  "10.10.0.9:5060", 200);
	bench_close(b);
}

/* The called user is not in the tables: control is asked, the caller gets its 100, and repeats
 * wait. */
static void test_locate(void **state)
{
	struct bench *b = bench_open(ALL);

	bench_register(b, "alice", 1, alice_flow);
	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_PUNT);
	assert_int_equal(b->punt, PUNT_LOCATE);
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 100);
	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_SEND);

	bench_resume(b, invite, "10.10.0.2:5060", "10.10.0.1:5060", LOCATE_REJECT, 404, NULL,
		     NULL);
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 404);
	/* The verdict comes once; a second finds nothing to resume. */
	bench_resume(b, invite, "10.10.0.2:5060", "10.10.0.1:5060", LOCATE_REJECT, 404, NULL,
		     NULL);
	assert_int_equal(b->n_out, 0);
	bench_expect_count(b, COUNT_DROP_RESUME, 1);
	bench_close(b);
}

/* A user who registered by digest is asked who he is, once a request (TS 33.203 Annex N). */
static void test_challenged(void **state)
{
	struct bench *b = bench_open(ALL);
	const char *with = changed(invite, "Contact:",
				   "Proxy-Authorization: Digest realm=\"ims.example\", "
				   "username=\"alice@ims.example\"\n"
				   "Proxy-Authorization: Digest realm=\"other.example\"\n"
				   "Contact:");
	uint64_t user;

	with = strdup(with);
	b->roles = ABI_REG_CHALLENGED;
	bench_register(b, "alice", 1, alice_flow);
	b->roles = 0;
	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_PUNT);
	assert_int_equal(b->punt, PUNT_AUTHENTICATE);
	user = b->punt_user;
	assert_int_not_equal(user, 0);
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 100);
	/* A repeat is not punted again. */
	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_SEND);
	b->user = user;
	bench_resume(b, invite, "10.10.0.2:5060", "10.10.0.1:5060", LOCATE_REJECT, 407, NULL,
		     "Proxy-Authenticate: Digest realm=\"ims.example\"\r\n");
	/* Whoever is named, a rejection passes nobody. */
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 407);
	bench_close(b);

	b = bench_open(ALL);
	b->roles = ABI_REG_CHALLENGED;
	bench_register(b, "alice", 1, alice_flow);
	b->roles = 0;
	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	bench_resume(b, invite, "10.10.0.2:5060", "10.10.0.1:5060", LOCATE_REJECT, 407, NULL,
		     "Proxy-Authenticate: Digest realm=\"ims.example\"\r\n");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 407);
	assert_string_equal(bench_header(b, 0, SIP_H_PROXY_AUTHENTICATE),
			    "Digest realm=\"ims.example\"");
	bench_close(b);

	/* The next one has an answer; where it goes is asked after that, by the same user. */
	b = bench_open(ALL);
	b->roles = ABI_REG_CHALLENGED;
	bench_register(b, "alice", 1, alice_flow);
	b->roles = 0;
	bench_input(b, with, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->punt, PUNT_AUTHENTICATE);
	b->user = user;
	bench_resume(b, with, "10.10.0.2:5060", "10.10.0.1:5060", LOCATE_PASS, 0, NULL, NULL);
	assert_int_equal(b->verdict, VERDICT_PUNT);
	assert_int_equal(b->punt, PUNT_LOCATE);
	assert_true(b->punt_user == user);
	bench_register(b, "bob", 1, bob_flow);
	bench_resume(b, with, "10.10.0.2:5060", "10.10.0.1:5060", LOCATE_LOCAL, 0, NULL, NULL);
	assert_int_equal(b->n_out, 1);
	assert_memory_equal(b->out[0].text, "INVITE sip:bob@10.20.0.2:5060 ", 30);
	assert_int_equal(bench_headers(b, 0, SIP_H_PROXY_AUTHORIZATION), 1);
	assert_string_equal(bench_header(b, 0, SIP_H_PROXY_AUTHORIZATION),
			    "Digest realm=\"other.example\"");
	bench_close(b);

	/* Another one's name does not do. */
	b = bench_open(ALL);
	b->roles = ABI_REG_CHALLENGED;
	bench_register(b, "alice", 1, alice_flow);
	b->roles = 0;
	bench_register(b, "bob", 1, bob_flow);
	bench_input(b, with, "10.10.0.2:5060", "10.10.0.1:5060");
	b->user = user + 1;
	bench_resume(b, with, "10.10.0.2:5060", "10.10.0.1:5060", LOCATE_PASS, 0, NULL, NULL);
	assert_int_equal(b->verdict, VERDICT_PUNT);
	assert_int_equal(b->punt, PUNT_AUTHENTICATE);
	assert_true(b->punt_user == user);
	b->user = user;
	bench_resume(b, with, "10.10.0.2:5060", "10.10.0.1:5060", LOCATE_PASS, 0, NULL, NULL);
	assert_int_equal(b->n_out, 1);
	assert_memory_equal(b->out[0].text, "INVITE sip:bob@10.20.0.2:5060 ", 30);
	bench_close(b);
	free((char *)(uintptr_t)with);
}

static void test_locate_elsewhere(void **state)
{
	struct bench *b = bench_open(ALL);

	bench_register(b, "alice", 1, alice_flow);
	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	bench_resume(b, invite, "10.10.0.2:5060", "10.10.0.1:5060", LOCATE_SCSCF, 0,
		     "10.30.0.50:5060", "sip:scscf2.ims.example:5060");
	assert_int_equal(b->n_out, 1);
	dst_is(b, 0, "10.30.0.50:5060");
	assert_string_equal(bench_header(b, 0, SIP_H_ROUTE),
			    "<sip:scscf2.ims.example:5060;lr>");
	assert_int_equal(bench_headers(b, 0, SIP_H_P_CHARGING_VECTOR), 1);
	assert_null(strstr(b->out[0].text, "evil"));
	bench_close(b);
}

/* A foreign domain and a number are let out for a user of ours, where control knows ways. */
static void test_outbound(void **state)
{
	struct bench *b = with_users(ALL);
	char *out = strdup(changed(invite, "sip:bob@ims.example SIP", "sip:x@far.example SIP"));
	char *number = strdup(changed(invite, "sip:bob@ims.example SIP", "tel:+4930 SIP"));

	bench_input(b, out, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_SEND);
	assert_int_equal(b->out[0].msg.status, 404);
	bench_close(b);

	b = with_users(ALL);
	b->node.outbound = true;
	bench_input(b, out, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_PUNT);
	assert_int_equal(b->punt, PUNT_OUTBOUND);
	bench_resume(b, out, "10.10.0.2:5060", "10.10.0.1:5060", LOCATE_ONWARD, 0,
		     "10.30.0.50:5060", NULL);
	assert_int_equal(b->n_out, 1);
	dst_is(b, 0, "10.30.0.50:5060");
	assert_memory_equal(b->out[0].text, "INVITE sip:x@far.example SIP/2.0\r\n", 34);
	assert_int_equal(bench_headers(b, 0, SIP_H_ROUTE), 0);
	bench_close(b);

	b = with_users(ALL);
	b->node.outbound = true;
	bench_input(b, number, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->punt, PUNT_OUTBOUND);
	bench_resume(b, number, "10.10.0.2:5060", "10.10.0.1:5060", LOCATE_ONWARD, 0,
		     "10.30.0.50:5060", "sip:30@far.example");
	dst_is(b, 0, "10.30.0.50:5060");
	assert_memory_equal(b->out[0].text, "INVITE sip:30@far.example SIP/2.0\r\n", 35);
	bench_close(b);
	free(out);
	free(number);
}

/* A neighbour may not pass through us to where only our users go. */
static void test_outbound_is_for_our_users(void **state)
{
	struct bench *b = with_users(ALL);
	char *number = strdup(changed(invite, "sip:bob@ims.example SIP", "tel:+4930 SIP"));
	char *bare = strdup(changed(
		number, "Route: <sip:10.10.0.1:5060;lr>,<sip:orig@scscf.ims.example:5060;lr>\n",
		""));

	b->node.outbound = true;
	bench_input(b, bare, "10.30.0.9:5060", "10.30.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_PUNT);
	assert_int_equal(b->punt, PUNT_LOCATE);
	bench_close(b);
	free(number);
	free(bare);
}

static void test_locate_cancelled(void **state)
{
	struct bench *b = bench_open(ALL);

	bench_register(b, "alice", 1, alice_flow);
	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	bench_input(b, cancel, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 2);
	assert_int_equal(b->out[0].msg.status, 487);
	assert_int_equal(b->out[1].msg.status, 200);
	bench_close(b);
}

static void test_register_is_punted(void **state)
{
	struct bench *b = with_users(ALL);

	bench_input(b,
		    changed(changed(message, "MESSAGE sip:bob@", "REGISTER sip:"), "1 MESSAGE",
			    "1 REGISTER"),
		    "10.10.0.44:5060", "10.10.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_PUNT);
	assert_int_equal(b->punt, PUNT_REGISTER);
	bench_close(b);
}

/* The stock generator: no Route, From names its own address, BYE without our Record-Route. */
static void test_static_route(void **state)
{
	struct bench *b = bench_open(ALL);
	static const char stock[] = "INVITE sip:service@10.30.0.1:5060 SIP/2.0\nVia: "
				    "SIP/2.0/UDP 10.30.0.10:5060;branch=z9hG4bK-1-1-0\n"
				    "From: sipp <sip:sipp@10.30.0.10:5060>;tag=1\nTo: service "
				    "<sip:service@10.30.0.1:5060>\n"
				    "Call-ID: s-1\nCSeq: 1 INVITE\nContact: "
				    "sip:sipp@10.30.0.10:5060\nMax-Forwards: 70\n"
				    "Content-Length: 0\n\n";

	bench_input(b, stock, "10.30.0.10:5060", "10.30.0.1:5060");
	assert_int_equal(b->n_out, 2);
	dst_is(b, 1, "10.30.0.11:5070");
	bench_input(b,
		    changed(changed(changed(changed(stock, "INVITE sip", "BYE sip"), "1 INVITE",
					    "2 BYE"),
				    "1-1-0", "1-1-7"),
			    "5060>\nCall", "5060>;tag=9\nCall"),
		    "10.30.0.10:5060", "10.30.0.1:5060");
	assert_int_equal(b->n_out, 1);
	dst_is(b, 0, "10.30.0.11:5070");
	/* The same from an address that is no peer. */
	bench_input(b, changed(stock, "1-1-0", "1-1-8"), "10.10.0.10:5060", "10.10.0.1:5060");
	assert_int_equal(b->out[0].msg.status, 403);
	bench_close(b);
}

static void test_barred_and_expired(void **state)
{
	struct bench *b = with_users(ALL);

	b->now += 601000;
	bench_register(b, "alice", 1, alice_flow);
	bench_input(b, message, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->out[0].msg.status, 480);
	bench_close(b);
}

static void test_table_full(void **state)
{
	struct bench *b = with_users(ALL);
	char text[BENCH_MESSAGE_MAX], branch[64];

	for (int i = 0; i < 64; i++) {
		snprintf(branch, sizeof(branch), "z9hG4bKfull%d", i);
		snprintf(text, sizeof(text), "%s", changed(invite, "z9hG4bKabc", branch));
		bench_input(b, text, "10.10.0.2:5060", "10.10.0.1:5060");
		assert_int_equal(b->n_out, 2);
	}
	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 503);
	assert_string_equal(bench_header(b, 0, SIP_H_RETRY_AFTER), "5");
	bench_close(b);
}

/* A request that comes back to us unchanged (RFC 5393). */
static void test_loop(void **state)
{
	struct bench *b = bench_open(ALL);
	char *looped;

	bench_register(b, "alice", 1, alice_flow);
	bench_input(b,
		    changed(invite, "sip:bob@ims.example SIP", "sip:service@ims.example SIP"),
		    "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 2);
	looped = strdup(b->out[1].text);
	/* The far end sends it straight back: same Request-URI, same tags, our Via on top of
	 * the stack. */
	char twice[BENCH_MESSAGE_MAX];
	snprintf(twice, sizeof(twice), "%s",
		 changed(looped, "Via: ",
			 "Via: SIP/2.0/UDP 10.30.0.11:5070;branch=z9hG4bKfar\r\nVia: "));
	bench_input(b, twice, "10.30.0.11:5070", "10.30.0.1:5060");
	assert_int_equal(b->n_out, 2); /* Routes were taken off, so it is a spiral once... */
	snprintf(twice, sizeof(twice), "%s",
		 changed(b->out[1].text, "Via: ",
			 "Via: SIP/2.0/UDP 10.30.0.11:5070;branch=z9hG4bKfar2\r\nVia: "));
	bench_input(b, twice, "10.30.0.11:5070", "10.30.0.1:5060");
	assert_int_equal(b->n_out, 1); /* ... and then a loop */
	assert_int_equal(b->out[0].msg.status, 482);
	free(looped);
	bench_close(b);
}

/* A terminal may not claim what only the network knows, however it writes it (RFC 7315
 * section 5.4). */
static void test_network_provided(void **state)
{
	static const char *const tries[] = {"x;a=1, y;utran-cell-id-3gpp=EVIL;network-provided",
					    "x;a=EVIL;;network-provided",
					    "x;a=EVIL;Network-Provided",
					    "x;a=EVIL;network-provided=1"};
	struct bench *b = bench_open(NODE_PCSCF);
	struct abi_registration_view v = {
		.roles = ABI_REG_PCSCF, .set_id = 9, .n_impu = 1, .n_contact = 1};
	char line[256];

	v.scscf = bench_addr("10.30.0.4");
	v.impu[0] = (struct abi_impu_view){SLICE("sip:alice@ims.example"), ABI_IMPU_DEFAULT, 0};
	v.contact[0] = (struct abi_contact_view){.flow = bench_addr("10.10.0.2"),
						 .local = bench_addr("10.10.0.1"),
						 .expires_ms = b->now + 60000,
						 .uri = SLICE("sip:a@10.10.0.2")};
	bench_put(b, &v);
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		snprintf(line, sizeof(line), "P-Access-Network-Info: %s\nMax-Forwards",
			 tries[i]);
		bench_input(b, changed(message, "Max-Forwards", line), "10.10.0.2:5060",
			    "10.10.0.1:5060");
		assert_int_equal(b->n_out, 1);
		dst_is(b, 0, "10.30.0.4:5060");
		assert_null(strstr(b->out[0].text, "EVIL"));
	}
	bench_close(b);
}

/* RFC 3261 section 17.2.3: without the cookie the branch alone names no transaction. */
static void test_rfc2543_branch(void **state)
{
	struct bench *b = with_users(ALL);
	const char *old = changed(invite, "z9hG4bKabc", "1");

	bench_input(b, old, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 2);
	bench_input(b, changed(old, "call-1", "call-2"), "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 2); /* another call, not a repeat */
	bench_close(b);
}

/* CANCEL is sent again until it is answered (section 17.1.2). */
static void test_cancel_repeated(void **state)
{
	struct bench *b = with_users(ALL);
	uint32_t sent = 0;

	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	bench_input(b, bench_response(b, 1, "180 Ringing", "b"), "10.20.0.2:5060",
		    "10.20.0.1:5060");
	bench_input(b, cancel, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->n_out, 2);
	char *answered = strdup(bench_response(b, 0, "200 OK", "b"));
	for (uint32_t ms = 0; ms < 8000; ms += 100) {
		bench_wait(b, 100);
		sent += b->n_out;
	}
	assert_int_equal(sent, 4); /* at 0.5, 1.5, 3.5 and 7.5 s */
	bench_input(b, answered, "10.20.0.2:5060", "10.20.0.1:5060");
	for (uint32_t ms = 0; ms < 20000; ms += 100) {
		bench_wait(b, 100);
		assert_int_equal(b->n_out, 0);
	}
	free(answered);
	bench_close(b);
}

/* A response must lead back the way its INVITE came. */
static void test_response_of_another_call(void **state)
{
	struct bench *b = with_users(ALL);
	char *ok;

	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	ok = strdup(bench_response(b, 1, "200 OK", "b"));
	bench_input(b, changed(ok, "CSeq: 1", "CSeq: 2"), "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_DROP);
	bench_input(b, changed(ok, "rport=5060", "rport=5061"), "10.20.0.2:5060",
		    "10.20.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_DROP);
	bench_expect_count(b, COUNT_DROP_RESPONSE_FORGED, 1);
	bench_input(b, ok, "10.20.0.2:5060", "10.20.0.1:5060");
	assert_int_equal(b->n_out, 1);
	free(ok);
	bench_close(b);
}

/* Control never comes back: answered after 64 * T1, and gone when the ACK was waited for in
 * vain. */
static void test_locate_unanswered(void **state)
{
	struct bench *b = bench_open(ALL);

	bench_register(b, "alice", 1, alice_flow);
	bench_input(b, invite, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(role_transactions(b->worker), 1);
	bench_wait(b, 32100);
	assert_int_equal(b->out[0].msg.status, 504);
	for (uint32_t ms = 0; ms < 33000; ms += 500)
		bench_wait(b, 500);
	assert_int_equal(role_transactions(b->worker), 0);
	bench_close(b);
}

/* Of new requests the share that was set is refused, each the same when it is repeated; of
 * dialogs nothing, and no call for help. */
static void test_refusal(void **state)
{
	struct bench *b = with_users(ALL);
	struct dialog d = answer_call(b);
	uint32_t refused = 0;

	role_refuse(b->worker, 4);
	for (uint32_t i = 0; i < 400; i++) {
		char branch[32];
		bool first;

		snprintf(branch, sizeof(branch), "z9hG4bKload%u", i / 2);
		bench_input(b, changed(message, "z9hG4bKm", branch), "10.10.0.2:5060",
			    "10.10.0.1:5060");
		assert_int_equal(b->n_out, 1);
		if (i % 2)
			assert_int_equal(b->out[0].msg.status == 503, first);
		first = b->out[0].msg.status == 503;
		refused += first;
		if (first)
			assert_string_equal(bench_header(b, 0, SIP_H_RETRY_AFTER), "5");
	}
	assert_in_range(refused, 60, 140);
	bench_expect_count(b, COUNT_DROP_OVERLOAD, refused);
	role_refuse(b->worker, 16);
	bench_input(b, in_dialog(&d, "BYE", 2), "10.10.0.2:5060", "10.10.0.1:5060");
	dst_is(b, 0, "10.20.0.2:5060");
	bench_input(b, changed(message, "sip:bob@ims.example", "urn:service:sos"),
		    "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_not_equal(b->out[0].msg.status, 503);
	bench_close(b);
}

/* TS 24.229 §5.4.2.1: the registrar's own, whoever asks of those that may. */
static void test_reg_event_is_controls(void **state)
{
	static const char from_ue[] =
		"SUBSCRIBE sip:alice@ims.example SIP/2.0\n"
		"Via: SIP/2.0/UDP 10.10.0.2:5060;branch=z9hG4bKs\n"
		"Route: <sip:10.10.0.1:5060;lr>,<sip:orig@scscf.ims.example:5060;lr>\n"
		"Max-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\n"
		"To: <sip:alice@ims.example>\nCall-ID: s\nCSeq: 1 SUBSCRIBE\n"
		"Event: reg;id=1\nContact: <sip:alice@10.10.0.2:5060>\n\n";
	struct bench *b = with_users(ALL);
	const char *inside;

	bench_input(b, from_ue, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_PUNT);
	assert_int_equal(b->punt, PUNT_REQUEST);
	/* From a peer, without our Service-Route. */
	bench_input(b,
		    changed(from_ue,
			    "Route: "
			    "<sip:10.10.0.1:5060;lr>,<sip:orig@scscf.ims.example:5060;lr>\n",
			    ""),
		    "10.30.0.9:5060", "10.30.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_PUNT);
	assert_int_equal(b->punt, PUNT_REQUEST);
	/* Another package goes to the terminals. */
	bench_input(b, changed(from_ue, "reg;id=1", "presence"), "10.10.0.2:5060",
		    "10.10.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_SEND);
	/* A stranger's does not get that far. */
	bench_input(b, from_ue, "10.10.0.99:5060", "10.10.0.1:5060");
	assert_int_equal(b->out[0].msg.status, 403);
	/* Within the dialog with control. */
	inside = changed(changed(from_ue, "To: <sip:alice@ims.example>",
				 "To: <sip:alice@ims.example>;tag=c"),
			 "SUBSCRIBE sip:alice@ims.example", "SUBSCRIBE sip:reg@10.10.0.1:5060");
	bench_input(b, inside, "10.10.0.2:5060", "10.10.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_PUNT);
	assert_int_equal(b->punt, PUNT_REQUEST);
	bench_input(b, inside, "10.10.0.99:5060", "10.10.0.1:5060");
	assert_int_equal(b->out[0].msg.status, 403);
	bench_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_invite_goes_to_the_callee),
		cmocka_unit_test(test_invite_repeated),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_whole_call),
		cmocka_unit_test(test_2xx_repeated),
		cmocka_unit_test(test_dialog_injection),
		cmocka_unit_test(test_dialog_with_who_has_moved),
		cmocka_unit_test(test_invite_follows),
		cmocka_unit_test(test_invite_that_was_heard_stays),
		cmocka_unit_test(test_rejected),
		cmocka_unit_test(test_503_becomes_500),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_fork_best_response),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_privacy),
		cmocka_unit_test(test_strip_spellings),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_malformed_response),
		cmocka_unit_test(test_forged_response),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_locate),
		cmocka_unit_test(test_challenged),
		cmocka_unit_test(test_locate_elsewhere),
		cmocka_unit_test(test_locate_cancelled),
		cmocka_unit_test(test_register_is_punted),
		cmocka_unit_test(test_static_route),
		cmocka_unit_test(test_barred_and_expired),
		cmocka_unit_test(test_table_full),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_network_provided),
		cmocka_unit_test(test_rfc2543_branch),
		cmocka_unit_test(test_cancel_repeated),
		cmocka_unit_test(test_response_of_another_call),
		cmocka_unit_test(test_locate_unanswered),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_rejected_long_uri),
		cmocka_unit_test(test_outbound),
		cmocka_unit_test(test_outbound_is_for_our_users),
		cmocka_unit_test(test_reg_event_is_controls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
