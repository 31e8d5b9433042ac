/* test_refresh.c - refresh REGISTERs: which the worker answers, with what, and which it leaves
 * to control */
#include "abi/gruu.h"
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UE      "10.10.0.2:5062"
#define URI     "sip:alice@10.10.0.2:5062"
#define NODE    "10.10.0.1"
#define CALL_ID "refresh-1"

static struct bench *b;
static struct abi_registration_view alice;

static uint64_t hash(const char *text)
{
	return hash_table(&b->node.token_key, text, (uint32_t)strlen(text));
}

static int setup(void **state)
{
	b = bench_open(NODE_PCSCF | NODE_ICSCF | NODE_SCSCF);
	atomic_store(&b->node.expires.min_s, 60);
	atomic_store(&b->node.expires.default_s, 1800);
	atomic_store(&b->node.expires.max_s, 7200);
	alice = (struct abi_registration_view){
		.set_id = 1,
		.roles = ABI_REG_PCSCF | ABI_REG_SCSCF,
		.service_route = SLICE("<sip:orig@scscf.ims.example:5060;lr>"),
		.n_impu = 3,
		.impu = {{SLICE("sip:alice@ims.example"), ABI_IMPU_DEFAULT},
			 {SLICE("sip:barred@ims.example"), ABI_IMPU_BARRED},
			 {SLICE("tel:+15551234"), 0}},
		.n_contact = 1,
		.contact = {{.flow = bench_addr(UE),
			     .local = bench_addr(NODE),
			     .expires_ms = b->now + 600500,
			     .registered_ms = b->now - 1000,
			     .call_id = hash(CALL_ID),
			     .cseq = 7,
			     .impi = (uint32_t)hash("alice@home"),
			     .q = 1000,
			     .flags = ABI_CONTACT_PROTECTED | ABI_CONTACT_REFRESH,
			     .uri = SLICE(URI)}},
	};
	bench_put(b, &alice);
	return 0;
}

static int teardown(void **state)
{
	bench_close(b);
	return 0;
}

/* What a terminal sends; NULL and 0: as usual. */
struct ask {
	const char *uri, *from, *to, *call_id, *contact, *lines, *src;
	uint32_t cseq;
	const char *why; /* of a row */
};

static const char * or (const char *a, const char *usual)
{
	return a ? a : usual;
}

static void ask(const struct ask *a)
{
	char text[BENCH_MESSAGE_MAX];

	snprintf(text, sizeof(text),
		 "REGISTER %s SIP/2.0\n"
		 "Via: SIP/2.0/UDP 10.10.0.2:5062;branch=z9hG4bKr%u;rport\n"
		 "Max-Forwards: 70\n"
		 "From: <%s>;tag=f\n"
		 "To: <%s>\n"
		 "Call-ID: %s\n"
		 "CSeq: %u REGISTER\n"
		 "%s%s"
		 "Content-Length: 0\n\n",
		 or (a->uri, "sip:ims.example"), a->cseq, or (a->from, "sip:alice@ims.example"),
		 or (a->to, "sip:alice@ims.example"), or (a->call_id, CALL_ID),
		 a->cseq ? a->cseq : 8, or (a->contact, "Contact: <" URI ">;expires=600\n"),
		 or (a->lines, ""));
	bench_input(b, text, or (a->src, UE), NODE);
}

static void is_refreshed(uint32_t seconds)
{
	assert_int_equal(b->verdict, VERDICT_PUNT);
	assert_int_equal(b->punt, PUNT_REFRESHED);
	assert_int_equal(b->n_out, 1);
	assert_int_equal(b->out[0].msg.status, 200);
	assert_int_equal(role_granted(b->worker), seconds);
}

static bool is_left_to_control(void)
{
	return b->verdict == VERDICT_PUNT && b->punt == PUNT_REGISTER && b->n_out == 0;
}

static void answers(void **state)
{
	const char *head =
		"SIP/2.0 200 OK\r\n"
		"Via: SIP/2.0/UDP 10.10.0.2:5062;branch=z9hG4bKr8;received=10.10.0.2;"
		"rport=5062\r\n"
		"From: <sip:alice@ims.example>;tag=f\r\n"
		"To: <sip:alice@ims.example>;tag=";
	const char *rest = "\r\n"
			   "Call-ID: refresh-1\r\n"
			   "CSeq: 8 REGISTER\r\n"
			   "Contact: <" URI ">;q=0.7;+sip.instance=\"<urn:uuid:1;2>\";x"
			   ";expires=700\r\n"
			   "Service-Route: <sip:orig@scscf.ims.example:5060;lr>\r\n"
			   "P-Associated-URI: <sip:alice@ims.example>, <tel:+15551234>\r\n"
			   "Content-Length: 0\r\n\r\n";

	ask(&(struct ask){.cseq = 8,
			  .contact = "Contact: \"A\" <" URI ">;q=0.7;Expires=700;"
				     "+sip.instance=\"<urn:uuid:1;2>\";x\n",
			  .lines = "Supported: path, gruu\nRequire: path\nExpires: 300\n"});
	is_refreshed(700);
	assert_int_equal(strncmp(b->out[0].text, head, strlen(head)), 0);
	assert_string_equal(b->out[0].text + strlen(head) + 16, rest);
	assert_true(addr_eq(&b->out[0].dst, &alice.contact[0].flow));
	assert_true(addr_eq(&b->out[0].src, &alice.contact[0].local));
	/* The caller counts, when it knows whether control will hear of it. */
	bench_expect_count(b, COUNT_ANSWERED, 0);
	/* Nothing was written: another one is answered as well. */
	ask(&(struct ask){.cseq = 9});
	is_refreshed(600);
}

/* A terminal that has names is told them, and that its flow is kept. */
static void names_of_the_terminal(void **state)
{
	static const char contact[] =
		"Contact: <" URI ">;+sip.instance=\"<urn:uuid:F8>\";reg-id=1;temp-gruu=\"x\"\n";
	struct gruu g;
	const char *at;

	alice.contact[0].instance = gruu_instance(&b->node.token_key, SLICE("urn:uuid:f8"));
	alice.contact[0].reg_id = 1;
	b->node.flow_timer_s = 90;
	bench_put(b, &alice);
	ask(&(struct ask){.contact = contact,
			  .lines = "Supported: gruu, outbound\nExpires: 600\n"});
	is_refreshed(600);
	assert_non_null(strstr(b->out[0].text,
			       ";reg-id=1;pub-gruu=\"sip:alice@ims.example;gr=urn:uuid:F8\""
			       ";temp-gruu=\"sip:tgruu"));
	assert_non_null(strstr(b->out[0].text, "Require: outbound\r\nFlow-Timer: 90\r\n"));
	at = strstr(b->out[0].text, "sip:tgruu") + 4;
	assert_true(gruu_temporary_get(slice_of(at, GRUU_OPAQUE_LEN), &b->node.token_key, &g));
	assert_int_equal(g.instance, alice.contact[0].instance);
	assert_int_equal(g.call, (uint32_t)hash(CALL_ID));
	assert_int_equal(g.user, hash("sip:alice@ims.example"));
	/* The one of a telephone number is nobody's name (TS 24.229 §5.4.7A). */
	ask(&(struct ask){.contact = contact,
			  .to = "tel:+15551234",
			  .from = "tel:+15551234",
			  .lines = "Supported: gruu\nExpires: 600\n"});
	is_refreshed(600);
	assert_null(strstr(b->out[0].text, "gruu=\""));
	/* Another terminal at this address is control's to look at. */
	ask(&(struct ask){.contact = "Contact: <" URI ">;+sip.instance=\"<urn:uuid:F9>\"\n",
			  .lines = "Supported: gruu\nExpires: 600\n"});
	assert_true(is_left_to_control());
}

static void expiry_is_bounded(void **state)
{
	static const struct {
		const char *contact, *lines;
		uint32_t granted; /* 0: control's */
	} row[] = {
		{"Contact: <" URI ">\n", "", 1800},
		{"Contact: <" URI ">\n", "Expires: 61\n", 61},
		{"Contact: <" URI ">\n", "Expires: 60\n", 60},
		{"Contact: <" URI ">\n", "Expires: 59\n", 0},
		{"Contact: <" URI ">\n", "Expires: 0\n", 0},
		{"Contact: <" URI ">\n", "Expires: soon\n", 0},
		{"Contact: <" URI ">\n", "Expires: 600\nExpires: 700\n", 0},
		{"Contact: <" URI ">;expires=0\n", "Expires: 600\n", 0},
		{"Contact: <" URI ">;expires=\n", "Expires: 600\n", 0},
		{"Contact: <" URI ">;expires=x\n", "Expires: 600\n", 0},
		{"Contact: <" URI ">;expires=7200\n", "", 7200},
		{"Contact: <" URI ">;expires=7201\n", "", 7200},
		{"Contact: <" URI ">;expires=4294967296\n", "", 7200},
		{"Contact: " URI ";expires=90\n", "", 90},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		ask(&(struct ask){.contact = row[i].contact, .lines = row[i].lines});
		if (row[i].granted)
			is_refreshed(row[i].granted);
		else if (!is_left_to_control())
			fail_msg("row %zu was not left to control", i);
	}
	/* A reload is heeded at once. */
	atomic_store(&b->node.expires.max_s, 100);
	ask(&(struct ask){0});
	is_refreshed(100);
	atomic_store(&b->node.expires.max_s, 0);
	ask(&(struct ask){0});
	assert_true(is_left_to_control());
}

static void what_is_unusual_is_left_to_control(void **state)
{
	static const struct ask row[] = {
		{.src = "10.10.0.3:5062", .why = "another address"},
		{.src = "10.10.0.2:5063", .why = "another port"},
		{.uri = "sip:other.example", .why = "another domain"},
		{.uri = "sip:alice@ims.example", .why = "a user in the Request-URI"},
		{.uri = "tel:+15551234", .why = "no domain"},
		{.to = "sip:bob@ims.example", .from = "sip:bob@ims.example", .why = "not his"},
		{.to = "sip:barred@ims.example",
		 .from = "sip:barred@ims.example",
		 .why = "barred"},
		{.to = "sip:alice@other.example",
		 .from = "sip:alice@other.example",
		 .why = "an identity of another domain"},
		{.from = "sip:bob@ims.example", .why = "for somebody else"},
		{.to = "sip:alice@ims.example>;tag=<t", .why = "a malformed To"},
		{.contact = "", .why = "a query"},
		{.contact = "Contact: *\n",
		 .lines = "Expires: 0\n",
		 .why = "all to be removed"},
		{.contact = "Contact: <sip:alice@10.10.0.2:5070>\n", .why = "another contact"},
		{.contact = "Contact: <" URI ";transport=tcp>\n", .why = "another transport"},
		{.contact = "Contact: <" URI ">, <" URI ";x>\n", .why = "two contacts"},
		{.contact = "Contact: <" URI ">\nContact: <" URI ">\n", .why = "two headers"},
		{.contact = "Contact: <" URI ">;expires=600\n ;q=1\n", .why = "a fold"},
		{.contact = "Contact: <" URI ">;expires=600;=3\n", .why = "a broken parameter"},
		{.contact = "Contact: <" URI ">;expires=600;;x\n", .why = "an empty one"},
		{.lines = "Require: sec-agree\n", .why = "an extension"},
		{.lines = "Require: path\nRequire: path, x-other\n",
		 .why = "another extension"},
		{.lines = "Proxy-Require: path\n", .why = "an extension of proxies"},
		{.lines = "Path: <sip:p@10.30.0.5;lr>\n", .why = "a P-CSCF before us"},
		{.lines = "Security-Client: ipsec-3gpp\n", .why = "a security agreement"},
		{.lines = "Security-Verify: ipsec-3gpp\n", .why = "another one"},
		{.cseq = 6, .why = "a late one"},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		ask(&row[i]);
		if (!is_left_to_control() && (b->n_out != 1 || b->out[0].msg.status < 400))
			fail_msg("%s: not left to control", row[i].why);
	}
	/* It is these alone that stand in the way. */
	ask(&(struct ask){0});
	is_refreshed(600);
}

static void credentials(void **state)
{
	static const struct {
		const char *lines;
		bool refreshed;
	} row[] = {
		{"Authorization: Digest username=\"alice@home\",realm=\"ims.example\","
		 "nonce=\"\",uri=\"sip:ims.example\",response=\"\"\n",
		 true},
		{"Authorization: Digest uri=\"sip:x\", username=\"alice@home\"\n", true},
		{"Authorization: Digest username=\"bob@home\",response=\"\"\n", false},
		{"Authorization: Digest username=\"alice@home\",username=\"bob@home\"\n",
		 false},
		{"Authorization: Digest username=\"alice@home\",username=\"alice@home\"\n",
		 false},
		{"Authorization: Digest username=\"\",response=\"\"\n", false},
		{"Authorization: Digest realm=\"ims.example\"\n", false},
		{"Authorization: Digest username=\"alice@home\",response=\"0f\"\n", false},
		{"Authorization: Digest username=\"alice@home\",auts=\"AA\"\n", false},
		{"Authorization: Basic username=\"alice@home\"\n", false},
		{"Authorization: Digest username=\"alice@home\",\"\n", false},
		{"Authorization: Digest username=\"alice@home\"\n"
		 "Authorization: Digest username=\"alice@home\"\n",
		 false},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		ask(&(struct ask){.lines = row[i].lines});
		if (row[i].refreshed)
			is_refreshed(600);
		else if (!is_left_to_control())
			fail_msg("row %zu was not left to control", i);
	}
}

/* By another of his identities: the binding is of all of them. */
static void any_identity(void **state)
{
	ask(&(struct ask){.from = "tel:+1-555-1234", .to = "tel:+1-555-1234"});
	is_refreshed(600);
	ask(&(struct ask){.from = "sip:alice@IMS.example;x=1",
			  .to = "sip:alice@IMS.example;x=1"});
	is_refreshed(600);
}

static void order(void **state)
{
	/* The request that made the binding, again: what is left of what it was granted. */
	ask(&(struct ask){.cseq = 7});
	assert_int_equal(b->verdict, VERDICT_SEND);
	assert_int_equal(b->n_out, 1);
	assert_string_equal(bench_header(b, 0, SIP_H_CONTACT), "<" URI ">;expires=601");
	bench_expect_count(b, COUNT_ANSWERED, 1);
	/* Another start of the terminal. */
	ask(&(struct ask){.cseq = 1, .call_id = "another"});
	is_refreshed(600);
	/* After Timer J it is no repeat: 1 s was over already. */
	b->now += 31000;
	ask(&(struct ask){.cseq = 7});
	assert_int_equal(b->verdict, VERDICT_SEND);
	b->now += 1;
	ask(&(struct ask){.cseq = 7});
	assert_true(is_left_to_control());
	ask(&(struct ask){.cseq = 8});
	is_refreshed(600);
}

static void put(uint8_t flags, uint8_t roles, uint64_t expires_ms)
{
	struct abi_registration_view v = alice;

	v.contact[0].flags = flags;
	v.contact[0].expires_ms = expires_ms;
	v.roles = roles;
	bench_put(b, &v);
}

static void only_bindings_declared_so(void **state)
{
	const uint8_t both = ABI_REG_PCSCF | ABI_REG_SCSCF;
	const uint8_t flags = ABI_CONTACT_PROTECTED | ABI_CONTACT_REFRESH;

	put(0, both, b->now + 60000);
	ask(&(struct ask){0});
	assert_true(is_left_to_control());
	put(ABI_CONTACT_PROTECTED, both, b->now + 60000);
	ask(&(struct ask){0});
	assert_true(is_left_to_control());
	put(ABI_CONTACT_REFRESH, both, b->now + 60000);
	ask(&(struct ask){0});
	assert_true(is_left_to_control());
	put(flags, ABI_REG_PCSCF, b->now + 60000);
	ask(&(struct ask){0});
	assert_true(is_left_to_control());
	put(flags, both, b->now);
	ask(&(struct ask){0});
	assert_true(is_left_to_control());
	put(flags, both, b->now + 1);
	ask(&(struct ask){0});
	is_refreshed(600);
}

static void only_the_one_live_contact(void **state)
{
	struct abi_registration_view v = alice;

	v.n_contact = 2;
	v.contact[1] = v.contact[0];
	v.contact[1].flow = bench_addr("10.10.0.9:5060");
	v.contact[1].uri = SLICE("sip:alice@10.10.0.9");
	bench_put(b, &v);
	ask(&(struct ask){0});
	assert_true(is_left_to_control());
	v.contact[1].expires_ms = b->now;
	bench_put(b, &v);
	ask(&(struct ask){0});
	is_refreshed(600);
}

static void only_the_one_user_of_a_flow(void **state)
{
	const char *flow[] = {UE};

	bench_register(b, "bob", 1, flow);
	ask(&(struct ask){0});
	assert_true(is_left_to_control());
}

static const char *padded_contact(uint32_t params)
{
	static char contact[3000];
	int head = snprintf(contact, sizeof(contact), "Contact: <" URI ">"), n;

	n = snprintf(contact + head, sizeof(contact) - head, ";expires=600;x=");
	memset(contact + head + n, 'y', params - n);
	strcpy(contact + head + params, "\n");
	return contact;
}

/* What control would not register, and what there is no room for. */
static void too_long(void **state)
{
	static uint8_t route[1900];
	struct abi_registration_view v = alice;

	ask(&(struct ask){.contact = padded_contact(ABI_CONTACT_PARAMS_MAX)});
	is_refreshed(600);
	ask(&(struct ask){.contact = padded_contact(ABI_CONTACT_PARAMS_MAX + 1)});
	assert_true(is_left_to_control());
	memset(route, 'r', sizeof(route));
	v.service_route = slice_of(route, sizeof(route));
	bench_put(b, &v);
	ask(&(struct ask){.contact = padded_contact(100)});
	assert_true(is_left_to_control());
	v.service_route = slice_of(route, 1000);
	bench_put(b, &v);
	ask(&(struct ask){.contact = padded_contact(100)});
	is_refreshed(600);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(answers),
		TEST(names_of_the_terminal),
		TEST(expiry_is_bounded),
		TEST(what_is_unusual_is_left_to_control),
		TEST(credentials),
		TEST(any_identity),
		TEST(order),
		TEST(only_bindings_declared_so),
		TEST(only_the_one_live_contact),
		TEST(only_the_one_user_of_a_flow),
		TEST(too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
