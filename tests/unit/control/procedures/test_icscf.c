/* test_icscf.c - the I-CSCF: where the HSS's answer sends a REGISTER */
#include "client.h"
#include "control/select.h"

static struct fake *f;

static int setup(void **state)
{
	f = fake_new(CONF_ICSCF);
	return 0;
}

static int teardown(void **state)
{
	fake_free(f);
	return 0;
}

static struct client peer(void)
{
	return (struct client){.src = "10.0.0.7:5060",
			       .extra = "Path: <sip:t@10.0.0.7;lr>\r\nP-Visited-Network-ID: "
					"\"visited.example\"\r\n"};
}

static void to_server_name(void **state)
{
	struct client cl = peer();

	f->uaa.result = CX_SUBSEQUENT_REGISTRATION;
	f->uaa.server_name = SLICE("sip:other.ims.example:5060");
	client_send(f, &cl, "");
	assert_string_equal(f->trace, "UAR alice@ims.example sip:alice@ims.example "
				      "registration visited=visited.example\n"
				      "send 10.0.0.9:5060\n");
	assert_string_equal(
		f->sent,
		"REGISTER sip:other.ims.example:5060 SIP/2.0\r\n"
		"Via: SIP/2.0/UDP "
		"192.0.2.7:5062;branch=z9hG4bK1;received=10.0.0.7\r\nMax-Forwards: 69\r\n"
		"From: <sip:alice@ims.example>;tag=f\r\nTo: "
		"<sip:alice@ims.example>\r\nCall-ID: c1\r\n"
		"CSeq: 1 REGISTER\r\nContact: <sip:alice@192.0.2.7:5062>\r\nPath: "
		"<sip:t@10.0.0.7;lr>\r\n"
		"P-Visited-Network-ID: \"visited.example\"\r\n\r\n");
	fake_respond(
		f,
		"SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP "
		"10.0.0.1;branch=z9hG4bKc\r\nFrom: <sip:a@b>;tag=1\r\n"
		"To: <sip:a@b>;tag=2\r\nCall-ID: c1\r\nCSeq: 1 REGISTER\r\n"
		"WWW-Authenticate: Digest realm=\"r\",ck=\"00\"\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(f->status, 401);
	/* To the P-CSCF with the keys. */
	assert_string_equal(f->headers, "WWW-Authenticate: Digest realm=\"r\",ck=\"00\"\r\n");
}

static void chosen(void **state)
{
	struct client cl = peer();

	client_send(f, &cl, "");
	assert_non_null(strstr(f->trace, "send 10.0.0.3:5060\n"));
	assert_memory_equal(f->sent, "REGISTER sip:10.0.0.3:5060 SIP/2.0\r\n", 36);
	fake_respond(f, NULL);
	/* There is no other. */
	assert_non_null(strstr(f->trace, " capabilities visited"));
	assert_int_equal(f->status, 504);
	f->uaa.capabilities.n_names = 2;
	f->uaa.capabilities.name[0] = SLICE("sip:nobody.example");
	f->uaa.capabilities.name[1] = SLICE("sip:other.ims.example");
	client_send(f, &cl, "");
	assert_non_null(strstr(f->trace, "send 10.0.0.9:5060\n"));
	fake_respond(f, NULL);
	f->conf.dataplane.scscf.family = 0;
	f->uaa.capabilities.n_names = 0;
	client_send(f, &cl, "");
	assert_int_equal(f->status, 504);
}

static void unreachable(void **state)
{
	struct client cl = peer();

	f->uaa.result = CX_SUBSEQUENT_REGISTRATION;
	f->uaa.server_name = SLICE("sip:nobody.example");
	client_send(f, &cl, "");
	assert_int_equal(f->status, 504);
	/* The role behind our own name does not run here. */
	f->uaa.server_name = SLICE("sip:scscf.ims.example:5060");
	client_send(f, &cl, "");
	assert_int_equal(f->status, 504);
	assert_null(strstr(f->trace, "send"));
}

static void kinds(void **state)
{
	struct client cl = peer();

	f->uaa.result = CX_ERROR_ROAMING_NOT_ALLOWED;
	cl.contact = "Contact: *\r\nExpires: 0\r\n";
	client_send(f, &cl, "");
	assert_non_null(strstr(f->trace, " de-registration "));
	assert_int_equal(f->status, 403);
	fake_clear(f);
	cl.contact = "Contact: <sip:a@192.0.2.7;sos>\r\n";
	client_send(f, &cl, "");
	assert_non_null(strstr(f->trace, " registration visited=visited.example emergency\n"));
	fake_clear(f);
	cl.src = UE;
	client_send(f, &cl, "");
	assert_string_equal(f->trace, "403 Forbidden\n");
}

static void add_scscf(const char *name, const char *address, uint32_t n, uint32_t first)
{
	struct conf_scscf *s = &f->conf.icscf.scscf[f->conf.icscf.n_scscf++];

	snprintf(s->name, sizeof(s->name), "%s", name);
	assert_true(addr_parse(slice_str(address), 5060, &s->address));
	for (uint32_t i = 0; i < n; i++)
		s->capability[s->n_capability++] = first + i;
}

/* s1 can do 1 and 2; s2 1, 2 and 3; s3 the same; s4 only 9. */
static void add_four(void)
{
	add_scscf("sip:s1.ims.example", "10.0.0.31", 2, 1);
	add_scscf("sip:s2.ims.example", "10.0.0.32", 3, 1);
	add_scscf("sip:s3.ims.example", "10.0.0.33", 3, 1);
	add_scscf("sip:s4.ims.example", "10.0.0.34", 1, 9);
}

static void want(uint32_t mandatory, uint32_t optional)
{
	f->uaa.capabilities = (struct cx_capabilities){.n_mandatory = mandatory ? 1 : 0,
						       .n_optional = optional ? 1 : 0,
						       .mandatory = {mandatory},
						       .optional = {optional}};
}

static void goes_to(const char *address)
{
	struct client cl = peer();
	char line[64];

	fake_clear(f);
	client_send(f, &cl, "");
	snprintf(line, sizeof(line), "send %s:5060\n", address);
	if (!strstr(f->trace, line))
		fail_msg("%s, not %s", f->trace, address);
	fake_respond(f, "SIP/2.0 403 Forbidden\r\nVia: SIP/2.0/UDP "
			"10.0.0.1;branch=z9hG4bKc\r\nFrom: <sip:a@b>;tag=1\r\n"
			"To: <sip:a@b>;tag=2\r\nCall-ID: c1\r\nCSeq: 1 REGISTER\r\n"
			"Content-Length: 0\r\n\r\n");
	assert_int_equal(f->status, 403);
}

/* TS 29.228 §6.7: all mandatory ones, most of the optional ones, then the least chosen. */
static void by_capabilities(void **state)
{
	struct client cl = peer();

	add_four();
	want(9, 0);
	goes_to("10.0.0.34");
	goes_to("10.0.0.34");
	want(2, 0);
	goes_to("10.0.0.31");
	goes_to("10.0.0.32");
	goes_to("10.0.0.33");
	goes_to("10.0.0.31");
	want(2, 3);
	goes_to("10.0.0.32");
	goes_to("10.0.0.33");
	goes_to("10.0.0.32");
	/* What nobody can do besides is no hindrance. */
	want(9, 77);
	goes_to("10.0.0.34");
	/* A name goes before all numbers. */
	f->uaa.capabilities.n_names = 1;
	f->uaa.capabilities.name[0] = SLICE("sip:s1.ims.example");
	goes_to("10.0.0.31");
	want(77, 0);
	fake_clear(f);
	client_send(f, &cl, "");
	assert_null(strstr(f->trace, "send"));
	assert_int_equal(f->status, 600);
}

static const char *response(const char *status)
{
	static char text[256];

	snprintf(text, sizeof(text),
		 "SIP/2.0 %s\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKc\r\nFrom: "
		 "<sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: c1\r\nCSeq: 1 "
		 "REGISTER\r\nContent-Length: 0\r\n\r\n",
		 status);
	return text;
}

/* TS 24.229 §5.3.1.3: the assigned one does not answer; the HSS is asked anew, and another
 * serves the user. */
static void another(void **state)
{
	static const char *const failure[] = {NULL, "480 Temporarily Unavailable", "302 Moved",
					      "503 Service Unavailable", "504 Server Time-out"};
	static const char *const final[] = {"401 Unauthorized", "403 Forbidden",
					    "500 Server Internal Error", "200 OK"};
	struct client cl = peer();

	add_four();
	for (size_t i = 0; i < sizeof(failure) / sizeof(failure[0]); i++) {
		fake_clear(f);
		f->uaa.result = CX_SUBSEQUENT_REGISTRATION;
		f->uaa.server_name = SLICE("sip:s1.ims.example");
		client_send(f, &cl, "");
		f->uaa.result = CX_SUCCESS;
		f->uaa.server_name = SLICE_EMPTY;
		want(1, 0);
		fake_respond(f, failure[i] ? response(failure[i]) : NULL);
		assert_int_equal(f->status, 0);
		assert_non_null(strstr(
			f->trace, "registration visited=visited.example\nsend 10.0.0.31:5060\n"
				  "UAR alice@ims.example sip:alice@ims.example capabilities "
				  "visited=visited.example\nsend 10.0.0.3"));
		assert_null(strstr(strstr(f->trace, "capabilities"), "10.0.0.31"));
		fake_respond(f, response("401 Unauthorized"));
		assert_int_equal(f->status, 401);
	}
	/* These are the S-CSCF's own answers. */
	for (size_t i = 0; i < sizeof(final) / sizeof(final[0]); i++) {
		fake_clear(f);
		client_send(f, &cl, "");
		fake_respond(f, response(final[i]));
		assert_null(strstr(f->trace, "capabilities"));
		assert_int_equal(f->status, atoi(final[i]));
	}
}

/* Nobody answers: each is tried once, and there is an end. */
static void nobody_answers(void **state)
{
	struct client cl = peer();
	uint32_t sent = 0;

	add_four();
	want(1, 0);
	client_send(f, &cl, "");
	while (f->status == 0) {
		assert_true(sent++ < SELECT_TRIES_MAX);
		fake_respond(f, NULL);
	}
	assert_int_equal(sent, 3);
	assert_int_equal(f->status, 504);
	/* Not worth it: who leaves is gone with the S-CSCF that forgot him. */
	fake_clear(f);
	cl.contact = "Contact: *\r\nExpires: 0\r\n";
	f->uaa.result = CX_SUCCESS;
	f->uaa.server_name = SLICE("sip:s1.ims.example");
	client_send(f, &cl, "");
	fake_respond(f, NULL);
	assert_int_equal(f->status, 504);
	assert_null(strstr(f->trace, "capabilities"));
	/* The HSS insists on a name that nobody can reach. */
	fake_clear(f);
	cl.contact = NULL;
	f->uaa.server_name = SLICE("sip:nobody.example");
	client_send(f, &cl, "");
	assert_int_equal(f->status, 504);
}

/* TS 24.229 §5.3.1.2, TS 29.228 §6.1.1.1. */
static void results(void **state)
{
	static const struct {
		int result;
		uint16_t status;
	} table[] = {
		{CX_ERROR_USER_UNKNOWN, 403},
		{CX_ERROR_IDENTITIES_DONT_MATCH, 403},
		{CX_ERROR_ROAMING_NOT_ALLOWED, 403},
		{CX_ERROR_IDENTITY_NOT_REGISTERED, 403},
		{CX_ERROR_IDENTITY_ALREADY_REGISTERED, 403},
		{CX_AUTHORIZATION_REJECTED, 403},
		{CX_ERROR_FEATURE_UNSUPPORTED, 500},
		{CX_UNABLE_TO_COMPLY, 500},
		{CX_MISSING_AVP, 500},
		{CX_INVALID_AVP_VALUE, 500},
		{CX_BAD_ANSWER, 500},
		{CX_NO_ANSWER, 504},
		{CX_UNABLE_TO_DELIVER, 504},
		{CX_TOO_BUSY, 503},
		{CX_WINDOW_FULL, 503},
	};
	struct client cl = peer();

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		fake_clear(f);
		f->uaa = (struct cx_uaa){.result = table[i].result,
					 .server_name = SLICE("sip:other.ims.example")};
		client_send(f, &cl, "");
		assert_null(strstr(f->trace, "send"));
		assert_int_equal(f->status, table[i].status);
	}
}

/* P-CSCF and I-CSCF here, S-CSCF elsewhere: one message with the edits of both. */
static void with_pcscf(void **state)
{
	struct client cl = {0};
	struct fake *p = fake_new(CONF_PCSCF | CONF_ICSCF);

	client_send(p, &cl, "");
	assert_string_equal(
		p->trace,
		"UAR alice@ims.example sip:alice@ims.example registration visited=ims.example\n"
		"send 10.0.0.3:5060\n");
	assert_ptr_equal(strstr(p->sent, "REGISTER sip:10.0.0.3:5060 SIP/2.0\r\nPath: <sip:p"),
			 p->sent);
	fake_respond(p, NULL);
	fake_free(p);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(to_server_name),  T(chosen),  T(unreachable),    T(kinds),  T(with_pcscf),
		T(by_capabilities), T(another), T(nobody_answers), T(results)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
