/* test_icscf.c - the I-CSCF: where the HSS's answer sends a REGISTER */
#include "client.h"

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
	const struct CMUnitTest tests[] = {T(to_server_name), T(chosen), T(unreachable),
					   T(kinds), T(with_pcscf)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
