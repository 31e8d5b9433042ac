/* test_access.c - which way of authentication an access network allows; the address as proof */
#include "client.h"

#include "control/register.h"

static struct fake *f;

static void allow(const char *prefix, uint8_t bits, uint32_t n, enum conf_scheme a,
		  enum conf_scheme b)
{
	struct conf_access *access = &f->conf.control.access[f->conf.control.n_access++];

	assert_true(addr_parse_ip(slice_str(prefix), &access->prefix.ip));
	access->prefix.bits = bits;
	access->n_allow = n;
	access->allow[0] = a;
	access->allow[1] = b;
}

static int setup(void **state)
{
	f = fake_new(CONF_PCSCF | CONF_ICSCF | CONF_SCSCF);
	return 0;
}

static int teardown(void **state)
{
	fake_free(f);
	return 0;
}

static uint32_t schemes(const char *ip)
{
	struct addr a;

	assert_true(addr_parse_ip(slice_str(ip), &a));
	return own_schemes(&f->conf, &a);
}

static void longest_prefix(void **state)
{
	assert_int_equal(schemes("192.0.2.1"), CONF_SCHEME_AKA | CONF_SCHEME_DIGEST);
	allow("192.0.2.0", 24, 1, CONF_SCHEME_AKA, 0);
	allow("192.0.2.64", 26, 2, CONF_SCHEME_GIBA, CONF_SCHEME_DIGEST);
	allow("192.0.0.0", 8, 1, CONF_SCHEME_DIGEST, 0);
	allow("2001:db8::", 32, 1, CONF_SCHEME_GIBA, 0);
	assert_int_equal(schemes("192.0.2.1"), CONF_SCHEME_AKA);
	assert_int_equal(schemes("192.0.2.127"), CONF_SCHEME_GIBA | CONF_SCHEME_DIGEST);
	assert_int_equal(schemes("192.0.2.128"), CONF_SCHEME_AKA);
	assert_int_equal(schemes("192.1.0.1"), CONF_SCHEME_DIGEST);
	assert_int_equal(schemes("193.0.0.1"), CONF_SCHEME_AKA | CONF_SCHEME_DIGEST);
	assert_int_equal(schemes("2001:db8:ffff::1"), CONF_SCHEME_GIBA);
	assert_int_equal(schemes("2001:db9::1"), CONF_SCHEME_AKA | CONF_SCHEME_DIGEST);
}

static void only_what_is_allowed(void **state)
{
	struct client cl = {0};

	allow("192.0.2.0", 24, 1, CONF_SCHEME_AKA, 0);
	fake_digest(f, "alice@ims.example", "secret");
	client_send(f, &cl, "");
	assert_int_equal(f->status, 403);
	fake_aka(f);
	client_send(f, &cl, "");
	assert_int_equal(f->status, 401);
	f->conf.control.access[0].allow[0] = CONF_SCHEME_DIGEST;
	client_send(f, &cl, "");
	assert_int_equal(f->status, 403);
	/* Another network's terminals are not concerned. */
	cl.src = "192.0.3.7:5062";
	client_send(f, &cl, "");
	assert_int_equal(f->status, 401);
}

static void framed(const char *ip, uint8_t bits)
{
	memset(&f->maa, 0, sizeof(f->maa));
	f->maa.result = CX_SUCCESS;
	f->maa.n_vectors = 1;
	f->maa.vector[0].scheme = CX_AUTH_GIBA;
	assert_true(addr_parse_ip(slice_str(ip), &f->maa.vector[0].framed));
	f->maa.vector[0].framed_bits = bits;
}

static void by_address(void **state)
{
	struct client cl = {0};

	allow("192.0.2.0", 24, 1, CONF_SCHEME_GIBA, 0);
	framed("192.0.2.8", 32);
	client_send(f, &cl, "");
	assert_int_equal(f->status, 403);
	assert_int_equal(registrations_count(f->c.registrations), 0);
	framed("192.0.2.7", 32);
	fake_clear(f);
	client_send(f, &cl, "");
	assert_int_equal(f->status, 200);
	assert_non_null(strstr(f->trace, "MAR alice@ims.example sip:alice@ims.example GIBA\n"));
	/* A subscriber of another kind has to be challenged, which is not allowed here. */
	f->maa = (struct cx_maa){.result = CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED};
	fake_clear(f);
	client_send(f, &cl, "");
	assert_int_equal(f->status, 403);
	assert_non_null(strstr(f->trace, "GIBA\nMAR"));
	/* Where it is not allowed the address proves nothing. */
	framed("192.0.3.7", 32);
	cl.src = "192.0.3.7:5062";
	fake_clear(f);
	client_send(f, &cl, "");
	assert_int_equal(f->status, 403);
	assert_null(strstr(f->trace, "GIBA"));
}

/* Behind another node's P-CSCF it is the terminal's own Via that says it. */
static void of_a_remote_terminal(void **state)
{
	static const char text[] =
		"REGISTER sip:ims.example SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKp\r\n"
		"Via: SIP/2.0/UDP 192.0.2.99:5062;received=192.0.2.7;branch=z9hG4bKu%s\r\n"
		"Max-Forwards: 69\r\nPath: <sip:t@10.0.0.9:5060;lr>\r\nRequire: path\r\n"
		"From: <sip:alice@ims.example>;tag=f\r\nTo: <sip:alice@ims.example>\r\n"
		"Call-ID: c1\r\nCSeq: 1 REGISTER\r\nContact: <sip:alice@192.0.2.7>\r\n\r\n";
	char message[1024];

	allow("192.0.2.0", 24, 1, CONF_SCHEME_GIBA, 0);
	framed("192.0.2.7", 32);
	snprintf(message, sizeof(message), text, "1");
	fake_register(f, "10.0.0.9:5060", message);
	assert_int_equal(f->status, 200);
	framed("192.0.2.99", 32);
	snprintf(message, sizeof(message), text, "2");
	fake_register(f, "10.0.0.9:5060", message);
	assert_int_equal(f->status, 403);
	/* Below its own the terminal may write what it likes. */
	framed("192.0.2.8", 32);
	snprintf(message, sizeof(message), text,
		 "3\r\nVia: SIP/2.0/UDP 192.0.2.8;received=192.0.2.8;branch=z9hG4bKx");
	fake_register(f, "10.0.0.9:5060", message);
	assert_int_equal(f->status, 403);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(longest_prefix),
		TEST(only_what_is_allowed),
		TEST(by_address),
		TEST(of_a_remote_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
