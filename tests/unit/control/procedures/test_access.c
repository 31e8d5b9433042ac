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
	assert_null(strstr(f->trace, "GIBA\nMAR"));
	/* Where it is not allowed the address proves nothing. */
	framed("192.0.3.7", 32);
	cl.src = "192.0.3.7:5062";
	fake_clear(f);
	client_send(f, &cl, "");
	assert_int_equal(f->status, 403);
	assert_null(strstr(f->trace, "GIBA"));
}

/* Not even to the HSS: it is asked by what is allowed. */
static void asks_by_what_is_allowed(void **state)
{
	static const char md5[] =
		"Authorization: Digest username=\"alice@ims.example\",realm=\"ims.example\","
		"uri=\"sip:ims.example\",nonce=\"\",response=\"\",algorithm=MD5\r\n";
	struct client cl = {0};

	allow("192.0.2.0", 24, 1, CONF_SCHEME_DIGEST, 0);
	fake_digest(f, "alice@ims.example", "secret");
	client_send(f, &cl, "");
	assert_int_equal(f->status, 401);
	assert_non_null(strstr(f->trace, "sip:alice@ims.example Digest\n"));
	f->conf.control.access[0].allow[0] = CONF_SCHEME_AKA;
	fake_clear(f);
	fake_aka(f);
	client_send(f, &cl, "");
	assert_int_equal(f->status, 401);
	assert_non_null(strstr(f->trace, "sip:alice@ims.example AKA\n"));
	fake_clear(f);
	client_send(f, &cl, md5);
	assert_int_equal(f->status, 403);
	assert_null(strstr(f->trace, "MAR"));
}

/* Challenged in one network, answered in another where that is not allowed. */
static void challenge_taken_along(void **state)
{
	struct client cl = {.nc = 1};

	allow("198.51.100.0", 24, 1, CONF_SCHEME_AKA, 0);
	fake_digest(f, "alice@ims.example", "secret");
	client_send(f, &cl, "");
	assert_int_equal(f->status, 401);
	cl.src = "198.51.100.1:5060";
	client_send(f, &cl, client_authorization(f, &cl, AUTH_MD5, SLICE("secret")));
	assert_int_equal(f->status, 403);
	assert_int_equal(registrations_count(f->c.registrations), 0);
	cl.src = NULL;
	client_send(f, &cl, client_authorization(f, &cl, AUTH_MD5, SLICE("secret")));
	assert_int_equal(f->status, 200);
}

/* A neighbour moves neither the binding nor the HSS's state of the user. */
static void neighbour(void **state)
{
	struct client cl = {0}, evil = {.src = "192.0.2.8:5062",
					.contact = "Contact: <sip:evil@192.0.2.8>\r\n"};
	struct registration_set *set;

	allow("192.0.2.0", 24, 1, CONF_SCHEME_GIBA, 0);
	framed("192.0.2.7", 32);
	client_send(f, &evil, "");
	assert_int_equal(f->status, 403);
	assert_non_null(strstr(f->trace, "SAR AUTHENTICATION_FAILURE"));
	client_send(f, &cl, "");
	assert_int_equal(f->status, 200);
	fake_clear(f);
	client_send(f, &evil, "");
	assert_int_equal(f->status, 403);
	assert_null(strstr(f->trace, "SAR"));
	assert_null(strstr(f->trace, "store"));
	set = registrations_by_impu(f->c.registrations, "sip:alice@ims.example");
	assert_int_equal(set->n_contact, 1);
	assert_string_equal(set->contact[0].uri, "sip:alice@192.0.2.7:5062");
}

/* A P-CSCF elsewhere says where the terminal is; what the terminal itself says counts for
 * nothing. */
static void of_a_remote_terminal(void **state)
{
	static const struct {
		const char *vias;
		uint16_t status;
	} row[] = {
		{"Via: SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bK1\r\n", 200},
		{"Via: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1, SIP/2.0/UDP "
		 "192.0.2.7:5062;branch=z9hG4bK1\r\n",
		 200},
		{"Via: SIP/2.0/UDP 192.0.2.99;received=192.0.2.7;branch=z9hG4bK1\r\n", 200},
		{"Via: SIP/2.0/UDP host.example;received=192.0.2.7;branch=z9hG4bK1\r\n", 200},
		{"Via: SIP/2.0/UDP 192.0.2.7;received=192.0.2.99;branch=z9hG4bK1\r\n", 403},
		/* A Via that the terminal brought along. */
		{"Via: SIP/2.0/UDP 192.0.2.8;branch=z9hG4bK1\r\n"
		 "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\n",
		 403},
		{"Via: SIP/2.0/UDP 192.0.2.8;branch=z9hG4bK1, SIP/2.0/UDP "
		 "192.0.2.7;branch=z9hG4bK1\r\n",
		 403},
		/* None that shows an address. */
		{"Via: SIP/2.0/UDP host.example;branch=z9hG4bK1\r\n"
		 "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\n",
		 403},
		{"", 403},
	};
	char message[2048];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		fake_free(f);
		f = fake_new(CONF_SCSCF);
		allow("192.0.2.0", 24, 1, CONF_SCHEME_GIBA, 0);
		framed("192.0.2.7", 32);
		snprintf(message, sizeof(message),
			 "REGISTER sip:ims.example SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKp\r\n%s"
			 "Max-Forwards: 69\r\nPath: <sip:t@10.0.0.9:5060;lr>\r\n"
			 "Require: path\r\nFrom: <sip:alice@ims.example>;tag=f\r\n"
			 "To: <sip:alice@ims.example>\r\nCall-ID: c1\r\n"
			 "CSeq: 1 REGISTER\r\nContact: <sip:alice@192.0.2.7>\r\n\r\n",
			 row[i].vias);
		fake_register(f, "10.0.0.9:5060", message);
		assert_int_equal(f->status, row[i].status);
		assert_int_equal(registrations_count(f->c.registrations), row[i].status == 200);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(longest_prefix),
		TEST(only_what_is_allowed),
		TEST(by_address),
		TEST(of_a_remote_terminal),
		TEST(asks_by_what_is_allowed),
		TEST(challenge_taken_along),
		TEST(neighbour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
