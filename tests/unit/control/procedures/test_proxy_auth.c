/* test_proxy_auth.c - requests of digest users: challenged, passed, refused */
#include "client.h"

#include "abi/message.h"
#include "base/clock.h"

static struct fake *f;
static struct registration_set *alice;
static char nonce[128];

static struct registration_set *set_of_alice(void)
{
	return registrations_by_impu(f->c.registrations, "sip:alice@ims.example");
}

/* By digest, so that the set says she is to be challenged. */
static int setup(void **state)
{
	struct client cl = {.nc = 1};

	f = fake_new(CONF_PCSCF | CONF_ICSCF | CONF_SCSCF);
	f->conf.control.proxy_auth = CONF_PROXY_AUTH_INITIAL;
	fake_digest(f, "alice@ims.example", "secret");
	client_send(f, &cl, "");
	assert_int_equal(f->status, 401);
	client_send(f, &cl, client_authorization(f, &cl, AUTH_MD5, SLICE("secret")));
	assert_int_equal(f->status, 200);
	alice = set_of_alice();
	fake_clear(f);
	nonce[0] = 0;
	return 0;
}

static int teardown(void **state)
{
	fake_free(f);
	return 0;
}

struct ask {
	const char *method, *password, *username, *uri, *line;
	uint32_t branch, nc;
	uint64_t user; /* default: alice's */
};

static void ask(struct ask a)
{
	static _Alignas(struct abi_punt) uint8_t memory[4096];
	struct abi_punt *p = (struct abi_punt *)memory;
	const char *username = a.username ? a.username : "alice@ims.example";
	const char *uri = a.uri ? a.uri : "sip:bob@ims.example";
	char ha1[AUTH_DIGEST_MAX + 1], response[AUTH_DIGEST_MAX + 1], nc[9] = "",
								      line[1024] = "";
	struct auth_credentials c = {.algorithm = AUTH_MD5,
				     .uri = slice_str(uri),
				     .nonce = slice_str(nonce),
				     .cnonce = SLICE("cn"),
				     .qop = SLICE("auth")};
	const char *method = a.method ? a.method : "MESSAGE";

	if (a.password) {
		snprintf(nc, sizeof(nc), "%08x", a.nc ? a.nc : 1);
		c.nc = slice_str(nc);
		auth_ha1(AUTH_MD5, slice_str(username), SLICE("ims.example"),
			 slice_str(a.password), ha1);
		auth_expected(&c, ha1, slice_str(method), response);
		snprintf(line, sizeof(line),
			 "Proxy-Authorization: Digest username=\"%s\",realm=\"ims.example\","
			 "uri=\"%s\",nonce=\"%s\",response=\"%s\",cnonce=\"cn\",qop=auth,nc=%"
			 "s\r\n",
			 username, uri, nonce, response, nc);
	}
	memset(p, 0, sizeof(*p));
	p->reason = PUNT_AUTHENTICATE;
	p->user = a.user ? a.user : alice->id;
	p->len = (uint32_t)snprintf(
		(char *)p->data, sizeof(memory) - sizeof(*p),
		"%s sip:bob@ims.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK%u"
		"\r\nFrom: <sip:alice@ims.example>;tag=1\r\nTo: <sip:bob@ims.example>\r\n"
		"Call-ID: 1\r\nCSeq: 1 %s\r\n%s%s\r\n",
		method, a.branch, method, line, a.line ? a.line : "");
	fake_clear(f);
	proxy_auth_request(f->c.proxy_auths, p);
	if (f->status == 407)
		snprintf(nonce, sizeof(nonce), "%s", fake_param(f, "nonce"));
}

static struct proxy_auths_stats stats(void)
{
	struct proxy_auths_stats s;

	proxy_auths_stats(f->c.proxy_auths, &s);
	return s;
}

static void challenged_then_passed(void **state)
{
	ask((struct ask){.branch = 1});
	assert_string_equal(f->trace, "MAR alice@ims.example sip:alice@ims.example Digest\n"
				      "resume reject 407\n");
	assert_memory_equal(f->headers, "Proxy-Authenticate: Digest realm=\"ims.example\",",
			    47);
	assert_null(strstr(f->headers, "WWW-"));
	assert_null(strstr(f->headers, "stale"));
	ask((struct ask){.branch = 2, .password = "secret"});
	assert_string_equal(f->trace, "resume pass\n");
	/* Its repeat passes as well, and uses up nothing. */
	ask((struct ask){.branch = 2, .password = "secret"});
	assert_string_equal(f->trace, "resume pass\n");
	/* The same count in another request does not. */
	ask((struct ask){.branch = 3, .password = "secret"});
	assert_int_equal(f->status, 407);
	assert_int_equal(stats().stale, 1);
	/* The next count needs no new challenge. */
	ask((struct ask){.branch = 4, .password = "secret"});
	ask((struct ask){.branch = 5, .nc = 2, .password = "secret", .method = "INVITE"});
	assert_string_equal(f->trace, "resume pass\n");
	assert_int_equal(stats().passed, 3);
}

static void wrong_passwords(void **state)
{
	ask((struct ask){.branch = 1});
	for (uint32_t i = 2; i < 4; i++) {
		ask((struct ask){.branch = i, .password = "guess"});
		assert_int_equal(f->status, 407);
		assert_null(strstr(f->headers, "stale"));
	}
	ask((struct ask){.branch = 4, .password = "guess"});
	assert_string_equal(f->trace, "resume reject 403\n");
	assert_int_equal(stats().wrong, 3);
	assert_int_equal(stats().passed, 0);
}

static void old_nonces(void **state)
{
	strcpy(nonce, "of-before-a-restart");
	ask((struct ask){.branch = 1, .password = "secret"});
	assert_int_equal(f->status, 407);
	assert_non_null(strstr(f->headers, ",stale=true"));
	/* With a nonce of one's own choice a wrong one is a guess. */
	strcpy(nonce, "mine");
	ask((struct ask){.branch = 2, .password = "guess"});
	assert_int_equal(f->status, 407);
	assert_null(strstr(f->headers, "stale"));
	assert_int_equal(stats().wrong, 1);
}

static void other_wrong_answers(void **state)
{
	ask((struct ask){.branch = 1});
	ask((struct ask){.branch = 2, .password = "secret", .username = "bob@ims.example"});
	assert_string_equal(f->trace, "resume reject 403\n");
	ask((struct ask){.branch = 3, .password = "secret", .uri = "sip:carol@ims.example"});
	assert_string_equal(f->trace, "resume reject 400\n");
	ask((struct ask){.branch = 4,
			 .line = "Proxy-Authorization: Digest realm=\"a\",realm=\"b\"\r\n"});
	assert_string_equal(f->trace, "resume reject 400\n");
	ask((struct ask){.branch = 5, .line = "Proxy-Authorization: Basic YTpi\r\n"});
	assert_int_equal(f->status, 407);
	ask((struct ask){.branch = 6, .user = 12345});
	assert_string_equal(f->trace, "resume reject 403\n");
	assert_int_equal(stats().passed, 0);
}

static void hss_trouble(void **state)
{
	f->maa = (struct cx_maa){.result = CX_NO_ANSWER};
	ask((struct ask){.branch = 1});
	assert_int_equal(f->status, 504);
	fake_aka(f);
	ask((struct ask){.branch = 2});
	assert_int_equal(f->status, 403);
	assert_int_equal(stats().failed, 2);
	fake_digest(f, "alice@ims.example", "secret");
	f->hold = true;
	ask((struct ask){.branch = 3});
	ask((struct ask){.branch = 3}); /* a repeat meanwhile */
	assert_string_equal(f->trace, "");
	fake_run(f);
	assert_string_equal(f->trace, "resume reject 407\n");
}

/* Who has keys, or need not, is not asked. */
static void only_digest_users(void **state)
{
	struct client cl = {.call_id = "aka", .cseq = 20};

	assert_true(alice->roles & ABI_REG_CHALLENGED);
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	assert_false(set_of_alice()->roles & ABI_REG_CHALLENGED);
	f->conf.control.proxy_auth = CONF_PROXY_AUTH_NONE;
	fake_digest(f, "alice@ims.example", "secret");
	client_send(f, &cl, "");
	cl.nc = 1;
	client_send(f, &cl, client_authorization(f, &cl, AUTH_MD5, SLICE("secret")));
	assert_int_equal(f->status, 200);
	assert_false(set_of_alice()->roles & ABI_REG_CHALLENGED);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(challenged_then_passed), TEST(wrong_passwords), TEST(old_nonces),
		TEST(other_wrong_answers),    TEST(hss_trouble),     TEST(only_digest_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
