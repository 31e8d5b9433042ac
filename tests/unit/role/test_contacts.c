/* test_contacts.c - which of a user's contacts an INVITE goes to, one after the other or at
 * once */
#include "bench.h"

#include "abi/gruu.h"
#include "abi/token.h"
#include "sip/feature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALL   (NODE_PCSCF | NODE_ICSCF | NODE_SCSCF)
#define ALICE "10.10.0.2:5060"
#define NODE  "10.10.0.1:5060"

static const char *const alice_flow[] = {ALICE};

struct terminal {
	const char *flow;
	uint16_t q;
	const char *instance;
	uint32_t reg_id;
	const char *params;
	uint8_t flags;
	const char *call_id;
};

static uint64_t hash_of(struct bench *b, const char *text)
{
	return hash_table(&b->node.token_key, text, (uint32_t)strlen(text));
}

static void register_bob(struct bench *b, uint32_t n, const struct terminal *t)
{
	char uri[SET_CONTACTS_MAX][64];
	struct abi_registration_view *v = calloc(1, sizeof(*v));

	v->set_id = 7;
	v->roles = ABI_REG_PCSCF | ABI_REG_SCSCF;
	v->n_impu = 1;
	v->n_contact = n;
	v->impu[0] = (struct abi_impu_view){SLICE("sip:bob@ims.example"), ABI_IMPU_DEFAULT, 0};
	for (uint32_t i = 0; i < n; i++) {
		struct abi_contact_view *c = &v->contact[i];

		snprintf(uri[i], sizeof(uri[i]), "sip:bob@%s", t[i].flow);
		*c = (struct abi_contact_view){
			.flow = bench_addr(t[i].flow),
			.local = bench_addr("10.20.0.1"),
			.expires_ms = b->now + 600000,
			.registered_ms = b->now + i,
			.q = t[i].q,
			.flags = t[i].flags,
			.reg_id = t[i].reg_id,
			.uri = slice_str(uri[i]),
		};
		if (t[i].instance)
			c->instance =
				gruu_instance(&b->node.token_key, slice_str(t[i].instance));
		if (t[i].call_id)
			c->call_id = hash_of(b, t[i].call_id);
		if (t[i].params)
			c->n_feature = sip_features(slice_str(t[i].params), &b->node.token_key,
						    c->feature, FEATURES_MAX, NULL);
	}
	bench_put(b, v);
	free(v);
}

static struct bench *with_bob(uint32_t n, const struct terminal *t)
{
	struct bench *b = bench_open(ALL);

	bench_register(b, "alice", 1, alice_flow);
	register_bob(b, n, t);
	return b;
}

static void invite_uri(struct bench *b, const char *uri, const char *lines)
{
	char text[BENCH_MESSAGE_MAX];

	snprintf(text, sizeof(text),
		 "INVITE %s SIP/2.0\nVia: SIP/2.0/UDP " ALICE ";branch=z9hG4bKabc;rport\n"
		 "Max-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\n"
		 "To: <sip:bob@ims.example>\nCall-ID: call-1\nCSeq: 1 INVITE\n"
		 "Contact: <sip:alice@" ALICE ">\n%sContent-Length: 0\n\n",
		 uri, lines);
	bench_input(b, text, ALICE, NODE);
}

static void invite(struct bench *b, const char *lines)
{
	invite_uri(b, "sip:bob@ims.example", lines);
}

/* Where the INVITEs among what came out went, as text: "10.20.0.2:5060 10.20.0.3:5060 ". */
static const char *invited(struct bench *b)
{
	static char all[512];
	char one[ADDR_TEXT_MAX];

	all[0] = 0;
	for (uint32_t i = 0; i < b->n_out; i++)
		if (b->out[i].msg.method == SIP_M_INVITE && sip_is_request(&b->out[i].msg)) {
			strcat(all, addr_text(&b->out[i].dst, one));
			strcat(all, " ");
		}
	return all;
}

static uint32_t count_of(struct bench *b, enum sip_method m)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n_out; i++)
		n += b->out[i].msg.method == m && sip_is_request(&b->out[i].msg);
	return n;
}

/* The status of the last response that came out; 0: none. */
static uint16_t answered(struct bench *b)
{
	for (uint32_t i = b->n_out; i-- > 0;)
		if (!sip_is_request(&b->out[i].msg))
			return b->out[i].msg.status;
	return 0;
}

/* A response to the INVITE that is output i; kept, for other output comes first. */
static char *response_to(struct bench *b, uint32_t i, const char *line)
{
	return strdup(bench_response(b, i, line, "x"));
}

static void take(struct bench *b, char *response, const char *from)
{
	bench_input(b, response, from, "10.20.0.1:5060");
	free(response);
}

#define A "10.20.0.2:5060"
#define B "10.20.0.3:5060"
#define C "10.20.0.4:5060"

static const struct terminal by_q[] = {
	{.flow = B, .q = 500}, {.flow = A, .q = 1000}, {.flow = C, .q = 500}};

static void test_by_q(void **state)
{
	struct bench *b = with_bob(3, by_q);
	char *ok;

	invite(b, "");
	assert_string_equal(invited(b), A " ");
	assert_string_equal(bench_header(b, 1, SIP_H_MAX_BREADTH), "30");
	take(b, response_to(b, 1, "486 Busy Here"), A);
	/* ACK, and the next two; the latest of equals first */
	assert_int_equal(count_of(b, SIP_M_ACK), 1);
	assert_string_equal(invited(b), C " " B " ");
	assert_int_equal(answered(b), 0);
	assert_string_equal(bench_header(b, 1, SIP_H_MAX_BREADTH), "30");
	char *ringing = response_to(b, 1, "180 Ringing");
	ok = response_to(b, 2, "200 OK");
	take(b, ringing, C);
	assert_int_equal(answered(b), 180);
	take(b, ok, B);
	assert_int_equal(answered(b), 200);
	assert_int_equal(count_of(b, SIP_M_CANCEL), 1);
	bench_wait(b, 64 * 500 + 100);
	bench_wait(b, 64 * 500 + 100);
	bench_close(b);
}

/* All fail: the best of all groups is the answer. */
static void test_best_of_all_groups(void **state)
{
	struct bench *b = with_bob(3, by_q);
	char *c, *last;

	invite(b, "");
	take(b, response_to(b, 1, "404 Not Found"), A);
	c = response_to(b, 1, "500 Server Internal Error");
	last = response_to(b, 2, "486 Busy Here");
	take(b, c, C);
	assert_int_equal(answered(b), 0);
	take(b, last, B);
	assert_int_equal(answered(b), 404);
	bench_close(b);
}

static void test_6xx_ends_it(void **state)
{
	struct bench *b = with_bob(3, by_q);

	invite(b, "");
	take(b, response_to(b, 1, "603 Decline"), A);
	assert_string_equal(invited(b), "");
	assert_int_equal(answered(b), 603);
	bench_close(b);
}

/* It rings, nobody answers: the next are called, and the first is not any more. */
static void test_ring_time(void **state)
{
	struct bench *b = with_bob(3, by_q);
	char *late;

	invite(b, "");
	late = response_to(b, 1, "487 Request Terminated");
	take(b, response_to(b, 1, "180 Ringing"), A);
	bench_wait(b, 19000);
	assert_string_equal(invited(b), "");
	bench_wait(b, 1100);
	assert_string_equal(invited(b), C " " B " ");
	assert_int_equal(count_of(b, SIP_M_CANCEL), 1);
	assert_string_equal(bench_header(b, 0, SIP_H_MAX_BREADTH), "15");
	char *busy1 = NULL, *busy2 = NULL;
	for (uint32_t i = 0; i < b->n_out; i++)
		if (b->out[i].msg.method == SIP_M_INVITE)
			*(busy1 ? &busy2 : &busy1) = response_to(b, i, "486 Busy Here");
	take(b, late, A);
	assert_int_equal(answered(b), 0);
	take(b, busy1, C);
	take(b, busy2, B);
	/* What we ended ourselves is no answer. */
	assert_int_equal(answered(b), 486);
	bench_close(b);
}

static void test_caller_gives_up(void **state)
{
	struct bench *b = with_bob(3, by_q);
	char *late;

	invite(b, "");
	late = response_to(b, 1, "487 Request Terminated");
	take(b, response_to(b, 1, "180 Ringing"), A);
	bench_input(b,
		    "CANCEL sip:bob@ims.example SIP/2.0\nVia: SIP/2.0/UDP " ALICE
		    ";branch=z9hG4bKabc;rport\nMax-Forwards: 70\n"
		    "From: <sip:alice@ims.example>;tag=1\nTo: <sip:bob@ims.example>\n"
		    "Call-ID: call-1\nCSeq: 1 CANCEL\nContent-Length: 0\n\n",
		    ALICE, NODE);
	assert_int_equal(count_of(b, SIP_M_CANCEL), 1);
	take(b, late, A);
	assert_string_equal(invited(b), "");
	assert_int_equal(answered(b), 487);
	bench_close(b);
}

/* The next has gone meanwhile: the first rings on. */
static void test_next_is_gone(void **state)
{
	struct bench *b = with_bob(3, by_q);
	char *ok;

	invite(b, "");
	ok = response_to(b, 1, "200 OK");
	take(b, response_to(b, 1, "180 Ringing"), A);
	register_bob(b, 1, &by_q[1]);
	bench_wait(b, 20100);
	assert_int_equal(b->n_out, 0);
	take(b, ok, A);
	assert_int_equal(answered(b), 200);
	bench_close(b);
}

/* One that came meanwhile is called as well; one that is gone altogether leaves the answer. */
static void test_registers_meanwhile(void **state)
{
	struct bench *b = with_bob(3, by_q);
	static const struct terminal now[] = {{.flow = A, .q = 1000},
					      {.flow = "10.20.0.9:5060", .q = 700}};

	invite(b, "");
	register_bob(b, 2, now);
	take(b, response_to(b, 1, "486 Busy Here"), A);
	assert_string_equal(invited(b), "10.20.0.9:5060 ");
	take(b, response_to(b, 1, "480 Temporarily Unavailable"), "10.20.0.9:5060");
	assert_int_equal(answered(b), 480);
	bench_close(b);
}

static void test_disposition(void **state)
{
	static const struct {
		const char *lines, *first, *second;
	} table[] = {
		{"Request-Disposition: parallel\n", A " " C " " B " ", NULL},
		{"Request-Disposition: sequential\n", A " ", C " "},
		{"d: proxy, sequential\n", A " ", C " "},
		{"Request-Disposition: no-fork\n", A " ", ""},
		{"Request-Disposition: fork\n", A " ", C " " B " "},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct bench *b = with_bob(3, by_q);

		invite(b, table[i].lines);
		assert_string_equal(invited(b), table[i].first);
		if (table[i].second) {
			take(b, response_to(b, 1, "486 Busy Here"), A);
			assert_string_equal(invited(b), table[i].second);
		}
		bench_close(b);
	}
}

static void test_breadth(void **state)
{
	static const struct terminal equal[] = {
		{.flow = A, .q = 1000}, {.flow = B, .q = 1000}, {.flow = C, .q = 1000}};
	struct bench *b = with_bob(3, equal);
	char *one, *two;

	invite(b, "Max-Breadth: 0\n");
	assert_int_equal(answered(b), 440);
	bench_close(b);

	/* Two at once, the third when there is room again. */
	b = with_bob(3, equal);
	invite(b, "Max-Breadth: 2\n");
	assert_string_equal(invited(b), C " " B " ");
	assert_string_equal(bench_header(b, 1, SIP_H_MAX_BREADTH), "1");
	assert_int_equal(bench_headers(b, 1, SIP_H_MAX_BREADTH), 1);
	one = response_to(b, 1, "486 Busy Here");
	two = response_to(b, 2, "486 Busy Here");
	take(b, one, C);
	assert_string_equal(invited(b), "");
	take(b, two, B);
	assert_string_equal(invited(b), A " ");
	assert_string_equal(bench_header(b, 1, SIP_H_MAX_BREADTH), "2");
	bench_close(b);

	/* What does not divide goes to the first. */
	b = with_bob(3, equal);
	invite(b, "Max-Breadth: 5\n");
	assert_string_equal(bench_header(b, 1, SIP_H_MAX_BREADTH), "2");
	assert_string_equal(bench_header(b, 2, SIP_H_MAX_BREADTH), "2");
	assert_string_equal(bench_header(b, 3, SIP_H_MAX_BREADTH), "1");
	bench_close(b);

	/* The ring time ends, but the breadth is held still: cancelled first, then the next. */
	b = with_bob(3, by_q);
	invite(b, "Max-Breadth: 1\n");
	one = response_to(b, 1, "487 Request Terminated");
	take(b, response_to(b, 1, "180 Ringing"), A);
	bench_wait(b, 20100);
	assert_int_equal(count_of(b, SIP_M_CANCEL), 1);
	assert_string_equal(invited(b), "");
	take(b, one, A);
	assert_string_equal(invited(b), C " ");
	bench_close(b);
}

/* RFC 5626 §7: of one terminal one flow, and the other only if that was dead. */
static void test_flows_of_one_terminal(void **state)
{
	static const struct terminal flows[] = {
		{.flow = A, .q = 1000, .instance = "<urn:uuid:1>", .reg_id = 1},
		{.flow = B, .q = 1000, .instance = "<urn:uuid:1>", .reg_id = 2},
		{.flow = C, .q = 1000, .instance = "<urn:uuid:2>", .reg_id = 1}};
	struct bench *b = with_bob(3, flows);
	char *c, *flow;

	invite(b, "");
	assert_string_equal(invited(b), C " " B " ");
	c = response_to(b, 1, "486 Busy Here");
	flow = response_to(b, 2, "430 Flow Failed");
	take(b, c, C);
	take(b, flow, B);
	assert_string_equal(invited(b), A " ");
	take(b, response_to(b, 1, "480 Temporarily Unavailable"), A);
	assert_int_equal(answered(b), 430);
	bench_close(b);

	b = with_bob(3, flows);
	invite(b, "");
	c = response_to(b, 1, "404 Not Found");
	flow = response_to(b, 2, "486 Busy Here");
	take(b, c, C);
	take(b, flow, B);
	assert_string_equal(invited(b), "");
	assert_int_equal(answered(b), 404);
	bench_close(b);
}

static void test_challenges_together(void **state)
{
	static const struct terminal equal[] = {{.flow = A, .q = 1000}, {.flow = B, .q = 1000}};
	struct bench *b = with_bob(2, equal);
	char *one, *two, text[BENCH_MESSAGE_MAX];

	invite(b, "");
	one = response_to(b, 1, "401 Unauthorized\nWWW-Authenticate: Digest realm=\"b\"");
	two = response_to(b, 2,
			  "407 Proxy Authentication Required\n"
			  "Proxy-Authenticate: Digest realm=\"a\"");
	take(b, one, B);
	take(b, two, A);
	assert_int_equal(answered(b), 401);
	snprintf(text, sizeof(text), "%s", b->out[b->n_out - 1].text);
	assert_non_null(strstr(text, "WWW-Authenticate: Digest realm=\"b\""));
	assert_non_null(strstr(text, "Proxy-Authenticate: Digest realm=\"a\""));
	bench_close(b);
}

static void test_preferences(void **state)
{
	static const struct terminal can[] = {
		{.flow = A, .q = 1000, .params = ";audio;video;mobility=\"mobile\""},
		{.flow = B, .q = 1000, .params = ";audio;automata;language=\"en,de\""},
		{.flow = C, .q = 500}, /* says nothing: tried always */
	};
	static const struct {
		const char *lines, *first, *second;
	} table[] = {
		{"", B " " A " ", C " "},
		{"Accept-Contact: *;video;require;explicit\n", A " ", C " "},
		/* B says nothing of video: it could do it, and comes after A. */
		{"Accept-Contact: *;video;require\n", A " ", B " "},
		{"Accept-Contact: *;video\n", A " ", B " "},
		{"Accept-Contact: *;video=\"FALSE\";require\n", B " ", C " "},
		{"Reject-Contact: *;automata\n", A " ", C " "},
		{"Reject-Contact: *;automata;video\n", B " " A " ", C " "},
		{"a: *;audio;language=\"de\"\n", B " ", A " "},
		{"Accept-Contact: *;language=\"fr\";require\n", A " ", C " "},
		{"Accept-Contact: *;mobility=\"!fixed\";explicit\n", A " ", B " "},
		{"Accept-Contact: *;audio;require, *;automata;require;explicit\n", B " ",
		 C " "},
		{"Accept-Contact: nonsense;video;require\n", B " " A " ", C " "},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct bench *b = with_bob(3, can);
		char *last[2];
		uint32_t n = 0;

		invite(b, table[i].lines);
		assert_string_equal(invited(b), table[i].first);
		for (uint32_t k = 1; k < b->n_out; k++)
			last[n++] = response_to(b, k, "486 Busy Here");
		for (uint32_t k = 0; k < n; k++)
			take(b, last[k], A);
		assert_string_equal(invited(b), table[i].second);
		bench_close(b);
	}
}

/* Nobody is left: 480, not somebody the caller does not want. */
static void test_preferences_leave_nobody(void **state)
{
	static const struct terminal can[] = {{.flow = A, .q = 1000, .params = ";audio"}};
	struct bench *b = with_bob(1, can);

	invite(b, "Accept-Contact: *;video;require;explicit\n");
	assert_int_equal(answered(b), 480);
	bench_close(b);
}

static void test_emergency_contact(void **state)
{
	static const struct terminal t[] = {
		{.flow = A, .q = 500}, {.flow = B, .q = 1000, .flags = ABI_CONTACT_EMERGENCY}};
	struct bench *b = with_bob(2, t);

	invite(b, "");
	assert_string_equal(invited(b), A " ");
	bench_close(b);
	b = with_bob(1, &t[1]);
	invite(b, "");
	assert_int_equal(answered(b), 480);
	bench_close(b);
}

static const struct terminal named[] = {
	{.flow = A, .q = 1000, .instance = "<urn:uuid:AB-1>", .call_id = "r1"},
	{.flow = B, .q = 1000, .instance = "<urn:uuid:ab-2>", .call_id = "r2"},
	{.flow = C, .q = 100, .instance = "<urn:uuid:ab-2>", .reg_id = 2, .call_id = "r2"}};

static void test_public_gruu(void **state)
{
	struct bench *b = with_bob(3, named);

	invite_uri(b, "sip:bob@ims.example;gr=urn:uuid:ab-1", "");
	assert_string_equal(invited(b), A " ");
	assert_string_equal(bench_header(b, 1, SIP_H_P_CALLED_PARTY_ID),
			    "<sip:bob@ims.example;gr=urn:uuid:ab-1>");
	take(b, response_to(b, 1, "486 Busy Here"), A);
	assert_string_equal(invited(b), "");
	assert_int_equal(answered(b), 486);
	bench_close(b);

	b = with_bob(3, named);
	invite_uri(b, "sip:bob@ims.example;gr=urn%3auuid%3aab-2", "");
	assert_string_equal(invited(b), B " ");
	take(b, response_to(b, 1, "430 Flow Failed"), B);
	assert_string_equal(invited(b), C " ");
	bench_close(b);

	b = with_bob(3, named);
	invite_uri(b, "sip:bob@ims.example;gr=urn:uuid:other", "");
	assert_int_equal(answered(b), 480);
	bench_close(b);
}

static const char *temporary(struct bench *b, const char *user, const char *instance,
			     const char *call_id, uint32_t serial)
{
	static char uri[256];
	struct text t = text_in(uri, sizeof(uri));
	struct gruu g = {
		.user = token_user(&b->node.token_key, slice_str(user)),
		.instance = gruu_instance(&b->node.token_key, slice_str(instance)),
		.call = (uint32_t)hash_of(b, call_id),
		.serial = serial,
	};

	assert_true(gruu_temporary_put(&t, &b->node.token_key, slice_str(user), &g));
	return text_cstr(&t);
}

static void test_temporary_gruu(void **state)
{
	static const struct {
		const char *user, *instance, *call_id;
		const char *first;
		uint16_t status;
	} table[] = {
		{"sip:bob@ims.example", "urn:uuid:ab-1", "r1", A " ", 100},
		{"sip:bob@ims.example", "urn:uuid:ab-2", "r2", B " ", 100},
		{"sip:bob@ims.example", "urn:uuid:ab-2", "r1", "", 404},
		{"sip:bob@ims.example", "urn:uuid:gone", "r1", "", 480},
		{"sip:carol@ims.example", "urn:uuid:ab-1", "r1", "", 480},
	};

	for (uint32_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct bench *b = with_bob(3, named);

		invite_uri(b,
			   temporary(b, table[i].user, table[i].instance, table[i].call_id, i),
			   "");
		assert_string_equal(invited(b), table[i].first);
		assert_int_equal(answered(b), table[i].status);
		bench_close(b);
	}
}

/* A digit changed, a stranger's, one of nothing: 404, and nobody is asked. */
static void test_unknown_gruu(void **state)
{
	char uri[256];

	for (uint32_t i = 0; i < 70; i += 3) {
		struct bench *b = with_bob(3, named);

		strcpy(uri, temporary(b, "sip:bob@ims.example", "urn:uuid:ab-1", "r1", i));
		uri[4 + i % 69] = uri[4 + i % 69] == '0' ? '1' : '0';
		invite_uri(b, uri, "");
		assert_int_equal(b->verdict, VERDICT_SEND);
		assert_int_equal(answered(b), 404);
		bench_close(b);
	}
	struct bench *b = with_bob(3, named);
	invite_uri(b, "sip:bob@ims.example;gr", "");
	assert_int_equal(answered(b), 404);
	bench_close(b);
}

/* A terminal that gave its GRUU as its Contact is found by it in the dialog too, and sees what
 * it registered. */
static void test_gruu_in_a_dialog(void **state)
{
	const char *gruu[2];
	char text[BENCH_MESSAGE_MAX], route[512], temp[256];
	struct bench *b = with_bob(3, named);

	invite_uri(b, "sip:bob@ims.example;gr=urn:uuid:ab-1", "");
	take(b, response_to(b, 1, "200 OK"), A);
	snprintf(route, sizeof(route), "%s", bench_header(b, 0, SIP_H_RECORD_ROUTE));
	char *comma = strchr(route, ',');
	*comma = 0;
	snprintf(temp, sizeof(temp), "%s",
		 temporary(b, "sip:bob@ims.example", "urn:uuid:ab-1", "r1", 1));
	gruu[0] = "sip:bob@ims.example;gr=urn:uuid:ab-1";
	gruu[1] = temp;
	for (int i = 0; i < 3; i++) {
		snprintf(text, sizeof(text),
			 "BYE %s SIP/2.0\nVia: SIP/2.0/UDP " ALICE ";branch=z9hG4bKbye%d\n"
			 "Route: %s,%s\nMax-Forwards: 70\nFrom: <sip:alice@ims.example>;tag=1\n"
			 "To: <sip:bob@ims.example>;tag=x\nCall-ID: call-1\nCSeq: 2 BYE\n"
			 "Content-Length: 0\n\n",
			 i < 2 ? gruu[i] : "sip:bob@ims.example;gr=urn:uuid:other", i,
			 comma + 1, route);
		bench_input(b, text, ALICE, NODE);
		assert_int_equal(b->n_out, 1);
		if (i == 2) {
			assert_int_equal(b->out[0].msg.status, 404);
			continue;
		}
		assert_true(slice_eq(b->out[0].msg.uri, SLICE("sip:bob@" A)));
		struct addr a = bench_addr(A);
		assert_true(addr_eq(&b->out[0].dst, &a));
	}
	bench_close(b);
}

static void message(struct bench *b, const char *branch, const char *lines)
{
	char text[BENCH_MESSAGE_MAX];

	snprintf(text, sizeof(text),
		 "MESSAGE sip:bob@ims.example SIP/2.0\nVia: SIP/2.0/UDP " ALICE
		 ";branch=z9hG4bK%s;rport\nMax-Forwards: 70\nFrom: "
		 "<sip:alice@ims.example>;tag=1\n"
		 "To: <sip:bob@ims.example>\nCall-ID: message-%s\nCSeq: 1 MESSAGE\n"
		 "%sContent-Length: 2\n\nhi",
		 branch, branch, lines);
	bench_input(b, text, ALICE, NODE);
}

/* A MESSAGE goes to one terminal, and to another where that one does not take it. */
static void test_message_in_turn(void **state)
{
	struct bench *b = with_bob(3, by_q);
	char *late, *ok, *busy;
	struct addr c = bench_addr(C);

	message(b, "m1", "");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].dst.ip[3], 2);
	late = response_to(b, 0, "480 Temporarily Unavailable");
	/* A repeat waits with the first. */
	message(b, "m1", "");
	assert_int_equal(b->n_out, 0);
	take(b, strdup(late), A);
	assert_int_equal(b->n_out, 1);
	assert_true(addr_eq(&b->out[0].dst, &c));
	assert_int_equal(b->out[0].msg.method, SIP_M_MESSAGE);
	ok = response_to(b, 0, "200 OK");
	take(b, late, A);
	assert_int_equal(b->n_out, 0);
	take(b, strdup(ok), C);
	assert_int_equal(answered(b), 200);
	/* The response came twice, and the request again: one answer each. */
	take(b, ok, C);
	assert_int_equal(b->n_out, 0);
	message(b, "m1", "");
	assert_int_equal(answered(b), 200);
	bench_wait(b, 64 * 500 + 100);
	assert_int_equal(b->n_out, 0);
	assert_int_equal(role_transactions(b->worker), 0);

	/* All refuse: the best of them. */
	message(b, "m2", "");
	busy = response_to(b, 0, "404 Not Found");
	take(b, busy, A);
	busy = response_to(b, 0, "503 Service Unavailable");
	take(b, busy, C);
	busy = response_to(b, 0, "486 Busy Here");
	assert_int_equal(answered(b), 0);
	take(b, busy, B);
	assert_int_equal(answered(b), 404);

	/* 6xx speaks for the user. */
	message(b, "m3", "");
	take(b, response_to(b, 0, "603 Decline"), A);
	assert_int_equal(answered(b), 603);

	/* Nobody but the first: as a single contact. */
	message(b, "m4", "Request-Disposition: no-fork\n");
	take(b, response_to(b, 0, "480 Temporarily Unavailable"), A);
	assert_int_equal(answered(b), 480);
	bench_wait(b, 64 * 500 + 100);
	assert_int_equal(role_transactions(b->worker), 0);
	bench_close(b);
}

/* One that is out of reach: repeated to it, then another is asked; without any answer there is
 * none upstream (RFC 4320). */
static void test_message_unanswered(void **state)
{
	struct bench *b = with_bob(3, by_q);
	uint32_t first = 0, all = 0, up = 0;
	char *ok;

	message(b, "m1", "");
	for (uint32_t ms = 0; ms < 3900; ms += 100) {
		bench_wait(b, 100);
		first += b->n_out;
	}
	assert_int_equal(first, 3); /* 0.5, 1.5, 3.5 s */
	bench_wait(b, 200);
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].dst.ip[3], 4);
	ok = response_to(b, 0, "200 OK");
	take(b, ok, C);
	assert_int_equal(answered(b), 200);
	bench_wait(b, 64 * 500);
	bench_wait(b, 64 * 500);
	assert_int_equal(role_transactions(b->worker), 0);

	message(b, "m2", "");
	for (uint32_t ms = 0; ms < 80000; ms += 100) {
		bench_wait(b, 100);
		all += b->n_out;
		for (uint32_t i = 0; i < b->n_out; i++)
			up += b->out[i].msg.status != 0;
	}
	assert_in_range(all, 20, 40);
	assert_int_equal(up, 0);
	assert_int_equal(role_transactions(b->worker), 0);
	bench_close(b);
}

/* Control says that the number is a wildcard's: that user's contacts are called, by their q,
 * and who is called sees his number. */
static void test_wildcard(void **state)
{
	static const char text[] =
		"INVITE sip:pbx-77@ims.example SIP/2.0\nVia: SIP/2.0/UDP " ALICE
		";branch=z9hG4bKabc;rport\nMax-Forwards: 70\n"
		"From: <sip:alice@ims.example>;tag=1\nTo: <sip:pbx-77@ims.example>\n"
		"Call-ID: call-1\nCSeq: 1 INVITE\nContact: <sip:alice@" ALICE ">\n"
		"Content-Length: 0\n\n";
	struct abi_registration_view *v = calloc(1, sizeof(*v));
	struct bench *b = with_bob(1, by_q);
	const char *flow[] = {A, B};

	v->set_id = 9;
	v->roles = ABI_REG_PCSCF | ABI_REG_SCSCF;
	v->n_impu = v->n_contact = 2;
	v->impu[0] =
		(struct abi_impu_view){SLICE("sip:pbx-!.*!@ims.example"), ABI_IMPU_WILDCARD, 0};
	v->impu[1] = (struct abi_impu_view){SLICE("sip:pbx@ims.example"), 0, 0};
	for (uint32_t i = 0; i < 2; i++)
		v->contact[i] = (struct abi_contact_view){
			.flow = bench_addr(flow[i]),
			.local = bench_addr("10.20.0.1"),
			.expires_ms = b->now + 600000,
			.q = (uint16_t)(1000 - 500 * i),
			.uri = i ? SLICE("sip:pbx@" B) : SLICE("sip:pbx@" A),
		};
	bench_put(b, v);
	bench_input(b, text, ALICE, NODE);
	assert_int_equal(b->verdict, VERDICT_PUNT);
	assert_int_equal(b->punt, PUNT_LOCATE);
	bench_resume(b, text, ALICE, NODE, LOCATE_LOCAL, 0, NULL, "sip:pbx-!.*!@ims.example");
	assert_int_equal(b->n_out, 1);
	assert_string_equal(invited(b), A " ");
	assert_string_equal(bench_header(b, 0, SIP_H_P_CALLED_PARTY_ID),
			    "<sip:pbx-77@ims.example>");
	take(b, response_to(b, 0, "480 Temporarily Unavailable"), A);
	assert_string_equal(invited(b), B " ");
	take(b, response_to(b, 1, "200 OK"), B);
	assert_int_equal(answered(b), 200);
	assert_string_equal(bench_header(b, 0, SIP_H_P_ASSERTED_IDENTITY),
			    "<sip:pbx@ims.example>");
	bench_wait(b, 64 * 500 + 100);
	bench_close(b);
	free(v);
}

/* RFC 5769 §2.2 has no such keep-alive; the octets are those of RFC 5389 §6 and §15.2. */
static void test_keepalive(void **state)
{
	static const uint8_t request[] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1,  2,
					  3, 4, 5, 6, 7,    8,    9,    10,   11, 12};
	static const uint8_t response[] = {
		1, 1,  0,           12,          0x21,      0x12,      0xa4,     0x42,
		1, 2,  3,           4,           5,         6,         7,        8,
		9, 10, 11,          12,          0,         0x20,      0,        8,
		0, 1,  0x13 ^ 0x21, 0xc4 ^ 0x12, 10 ^ 0x21, 20 ^ 0x12, 0 ^ 0xa4, 2 ^ 0x42};
	uint8_t other[28];
	struct bench *b = with_bob(1, &by_q[1]);
	struct addr a = bench_addr(A);

	bench_datagram(b, request, sizeof(request), A, "10.20.0.1:5060");
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].len, sizeof(response));
	assert_memory_equal(b->out[0].text, response, sizeof(response));
	assert_true(addr_eq(&b->out[0].dst, &a));
	/* A stranger's. */
	bench_datagram(b, request, sizeof(request), B, "10.20.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_DROP);
	/* Cut short, with another length, type or cookie. */
	for (uint32_t len = 0; len < sizeof(request); len++) {
		bench_datagram(b, request, len, A, "10.20.0.1:5060");
		assert_int_equal(b->verdict, VERDICT_DROP);
	}
	for (uint32_t i = 0; i < 8; i++) {
		memcpy(other, request, sizeof(request));
		other[i] ^= 4;
		bench_datagram(b, other, sizeof(request), A, "10.20.0.1:5060");
		assert_int_equal(b->verdict, VERDICT_DROP);
	}
	/* An attribute that may be passed over, one that may not, and one that runs over the
	 * end. */
	memcpy(other, request, sizeof(request));
	other[3] = 8;
	memcpy(other + 20, "\x80\x22\0\3abc", 8);
	bench_datagram(b, other, sizeof(other), A, "10.20.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_SEND);
	other[23] = 5;
	bench_datagram(b, other, sizeof(other), A, "10.20.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_DROP);
	memcpy(other + 20, "\0\6\0\4user", 8);
	bench_datagram(b, other, sizeof(other), A, "10.20.0.1:5060");
	assert_int_equal(b->verdict, VERDICT_DROP);
	bench_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_q),
		cmocka_unit_test(test_best_of_all_groups),
		cmocka_unit_test(test_6xx_ends_it),
		cmocka_unit_test(test_ring_time),
		cmocka_unit_test(test_caller_gives_up),
		cmocka_unit_test(test_next_is_gone),
		cmocka_unit_test(test_registers_meanwhile),
		cmocka_unit_test(test_disposition),
		cmocka_unit_test(test_breadth),
		cmocka_unit_test(test_flows_of_one_terminal),
		cmocka_unit_test(test_challenges_together),
		cmocka_unit_test(test_preferences),
		cmocka_unit_test(test_preferences_leave_nobody),
		cmocka_unit_test(test_emergency_contact),
		cmocka_unit_test(test_public_gruu),
		cmocka_unit_test(test_temporary_gruu),
		cmocka_unit_test(test_message_in_turn),
		cmocka_unit_test(test_message_unanswered),
		cmocka_unit_test(test_wildcard),
		cmocka_unit_test(test_unknown_gruu),
		cmocka_unit_test(test_keepalive),
		cmocka_unit_test(test_gruu_in_a_dialog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
