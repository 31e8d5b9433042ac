/* test_auth.c - digests against the examples of their RFCs, and headers that lie */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/auth.h"
#include "sip/parse.h"

static struct auth_credentials credentials(enum auth_algorithm algorithm, const char *uri,
					   const char *nonce, const char *cnonce)
{
	return (struct auth_credentials){.algorithm = algorithm,
					 .algorithm_given = true,
					 .uri = slice_str(uri),
					 .nonce = slice_str(nonce),
					 .cnonce = slice_str(cnonce),
					 .nc = SLICE("00000001"),
					 .qop = *cnonce ? SLICE("auth") : SLICE_EMPTY};
}

static void expect(enum auth_algorithm algorithm, const char *user, const char *realm,
		   const char *password, struct auth_credentials c, const char *method,
		   const char *response)
{
	char ha1[AUTH_DIGEST_MAX + 1], out[AUTH_DIGEST_MAX + 1];

	assert_int_equal(auth_ha1(algorithm, slice_str(user), slice_str(realm),
				  slice_str(password), ha1),
			 0);
	assert_int_equal(auth_expected(&c, ha1, slice_str(method), out), 0);
	assert_string_equal(out, response);
}

/* RFC 2617 §3.5 */
static void rfc2617(void **state)
{
	expect(AUTH_MD5, "Mufasa", "testrealm@host.com", "Circle Of Life",
	       credentials(AUTH_MD5, "/dir/index.html", "dcd98b7102dd2f0e8b11d0f600bfb0c093",
			   "0a4f113b"),
	       "GET", "6629fae49393a05397450978507c4ef1");
}

/* The same without qop, by the formula of RFC 2069 §2.1.2 (value of its erratum 749). */
static void without_qop(void **state)
{
	expect(AUTH_MD5, "Mufasa", "testrealm@host.com", "CircleOfLife",
	       credentials(AUTH_MD5, "/dir/index.html", "dcd98b7102dd2f0e8b11d0f600bfb0c093",
			   ""),
	       "GET", "1949323746fe6a43ef61f9606e7febea");
}

/* RFC 7616 §3.9.1 */
static void rfc7616(void **state)
{
	static const char nonce[] = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
	static const char cnonce[] = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

	expect(AUTH_MD5, "Mufasa", "http-auth@example.org", "Circle of Life",
	       credentials(AUTH_MD5, "/dir/index.html", nonce, cnonce), "GET",
	       "8ca523f5e9506fed4657c9700eebdbec");
	expect(AUTH_SHA256, "Mufasa", "http-auth@example.org", "Circle of Life",
	       credentials(AUTH_SHA256, "/dir/index.html", nonce, cnonce), "GET",
	       "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

static struct nonces *store;

static struct challenge *aka_challenge(const uint8_t *rand, const uint8_t *autn,
				       const uint8_t *xres, uint32_t len)
{
	struct cx_vector v = {.scheme = CX_AUTH_AKA, .xres_len = len};
	char nonce[NONCE_TEXT_MAX + 1];

	memcpy(v.rand, rand, 16);
	memcpy(v.autn, autn, 16);
	memcpy(v.xres, xres, len);
	assert_true(auth_nonce(&v, nonce));
	assert_non_null(
		nonces_add(store,
			   &(struct challenge_seed){.vector = &v,
						    .nonce = slice_str(nonce),
						    .impi = SLICE("user@ims.example"),
						    .impu = SLICE("sip:user@ims.example"),
						    .realm = SLICE("ims.example")},
			   0));
	return nonces_find(store, slice_str(nonce), 0);
}

/* TS 35.208 §4.3 test set 1: RES of Milenage is the password, octet by octet (RFC 3310 §3.3);
 * the expected digest was computed apart with another implementation of MD5. */
static void aka(void **state)
{
	static const uint8_t rand[16] = {0x23, 0x55, 0x3c, 0xbe, 0x96, 0x37, 0xa8, 0x9d,
					 0x21, 0x8a, 0xe6, 0x4d, 0xae, 0x47, 0xbf, 0x35};
	static const uint8_t autn[16] = {0x55, 0xf3, 0x28, 0xb4, 0x35, 0x77, 0xb9, 0xb9,
					 0x4a, 0x9f, 0xfa, 0xc3, 0x54, 0xdf, 0xaf, 0xb3};
	static const uint8_t res[8] = {0xa5, 0x42, 0x11, 0xd5, 0xe3, 0xba, 0x50, 0xbf};
	struct challenge *ch = aka_challenge(rand, autn, res, sizeof(res));
	struct auth_credentials c =
		credentials(AUTH_AKAV1_MD5, "sip:ims.example", ch->nonce, "0a4f113b");

	assert_string_equal(ch->nonce, "I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M=");
	c.username = SLICE("user@ims.example");
	c.realm = SLICE("ims.example");
	c.response = SLICE("32b891a7ba608d082f8981da1440ca6e");
	assert_true(auth_check(ch, &c, SLICE("REGISTER")));
	/* Case of the digits does not matter, the method does. */
	c.response = SLICE("32B891A7BA608D082F8981DA1440CA6E");
	assert_true(auth_check(ch, &c, SLICE("REGISTER")));
	assert_false(auth_check(ch, &c, SLICE("INVITE")));
	/* Downgrade to plain MD5 over the same password. */
	c.algorithm = AUTH_MD5;
	assert_false(auth_check(ch, &c, SLICE("REGISTER")));
	c.algorithm = AUTH_AKAV1_MD5;
	c.username = SLICE("other@ims.example");
	assert_false(auth_check(ch, &c, SLICE("REGISTER")));
	c.username = SLICE("user@ims.example");
	c.qop = SLICE("auth-int");
	assert_false(auth_check(ch, &c, SLICE("REGISTER")));
}

/* Each single wrong digit, and each wrong length, is refused. */
static void near_misses(void **state)
{
	struct cx_vector v = {.scheme = CX_AUTH_DIGEST};
	struct auth_credentials c = credentials(AUTH_MD5, "sip:ims.example", "n", "c");
	char right[AUTH_DIGEST_MAX + 1], given[AUTH_DIGEST_MAX + 2];
	struct challenge *ch;

	auth_ha1(AUTH_MD5, SLICE("u"), SLICE("r"), SLICE("p"), v.ha1);
	nonces_add(store,
		   &(struct challenge_seed){.vector = &v,
					    .nonce = SLICE("n"),
					    .impi = SLICE("u"),
					    .impu = SLICE("i"),
					    .realm = SLICE("r")},
		   0);
	ch = nonces_find(store, SLICE("n"), 0);
	c.username = SLICE("u");
	c.realm = SLICE("r");
	auth_expected(&c, v.ha1, SLICE("REGISTER"), right);
	c.response = slice_str(right);
	assert_true(auth_check(ch, &c, SLICE("REGISTER")));
	for (uint32_t i = 0; i < 32; i++) {
		strcpy(given, right);
		given[i] = given[i] == '0' ? '1' : '0';
		c.response = slice_str(given);
		assert_false(auth_check(ch, &c, SLICE("REGISTER")));
		c.response = slice_of(right, i);
		assert_false(auth_check(ch, &c, SLICE("REGISTER")));
	}
	snprintf(given, sizeof(given), "%s0", right);
	c.response = slice_str(given);
	assert_false(auth_check(ch, &c, SLICE("REGISTER")));
	/* No SHA-256 was offered for this user. */
	c.algorithm = AUTH_SHA256;
	assert_false(auth_check(ch, &c, SLICE("REGISTER")));
	c.algorithm = AUTH_UNSUPPORTED;
	assert_false(auth_check(ch, &c, SLICE("REGISTER")));
}

static void counts(void **state)
{
	static const struct {
		const char *nc;
		bool ok;
	} table[] = {{"00000001", true},   {"00000001", false}, {"00000002", true},
		     {"00000001", false},  {"0000000a", true},  {"0000000A", false},
		     {"", false},          {"1", false},        {"0000000g", false},
		     {"000000010", false}, {"ffffffff", true},  {"00000000", false}};
	struct challenge *ch = calloc(1, sizeof(*ch));
	struct auth_credentials c = {.qop = SLICE("auth")};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		c.nc = slice_str(table[i].nc);
		assert_int_equal(auth_count(ch, &c), table[i].ok);
	}
	memset(ch, 0, sizeof(*ch));
	c.qop = SLICE_EMPTY;
	assert_true(auth_count(ch, &c));
	assert_false(auth_count(ch, &c));
	c.qop = SLICE("auth");
	c.nc = SLICE("00000005");
	assert_false(auth_count(ch, &c));
	c.nc = SLICE("fffffff0");
	assert_false(auth_count(ch, &c));
	free(ch);
}

/* Requests overtake each other: each count within the window counts once. */
static void counts_out_of_order(void **state)
{
	static const struct {
		const char *nc;
		bool ok;
	} table[] = {{"00000005", true},  {"00000003", true},  {"00000004", true},
		     {"00000003", false}, {"00000005", false}, {"00000000", false},
		     {"00000046", true},  {"00000007", true},  {"00000007", false},
		     {"00000006", false}, {"00000045", true},  {"00000045", false},
		     {"00000086", true},  {"00000047", true},  {"00000046", false},
		     {"00001000", true},  {"00000fff", true},  {"00000fc1", true},
		     {"00000fc0", false}, {"00001000", false}};
	struct challenge *ch = calloc(1, sizeof(*ch));
	struct auth_credentials c = {.qop = SLICE("auth")};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		c.nc = slice_str(table[i].nc);
		if (auth_count(ch, &c) != table[i].ok)
			fail_msg("row %zu: %s", i, table[i].nc);
	}
	free(ch);
}

/* RFC 4169 §3; the password was made by Python's hmac module. */
static void akav2(void **state)
{
	struct cx_vector v = {.scheme = CX_AUTH_AKA, .xres_len = 8};
	struct challenge_seed seed = {.vector = &v,
				      .nonce = SLICE("n"),
				      .impi = SLICE("u"),
				      .impu = SLICE("i"),
				      .realm = SLICE("r")};
	struct nonces *n = nonces_new(4, 1000, NULL, NULL);
	struct auth_credentials c = {.username = SLICE("u"),
				     .realm = SLICE("r"),
				     .nonce = SLICE("n"),
				     .uri = SLICE("sip:r"),
				     .algorithm = AUTH_AKAV2_MD5};
	char password[AUTH_AKAV2_PASSWORD + 1], ha1[AUTH_DIGEST_MAX + 1],
		response[AUTH_DIGEST_MAX + 1];
	uint8_t memory[1024];
	struct text t = text_in(memory, sizeof(memory));
	const struct challenge *ch;

	for (uint8_t i = 0; i < 16; i++) {
		v.xres[i] = i;
		v.ik[i] = (uint8_t)(16 + i);
		v.ck[i] = (uint8_t)(32 + i);
	}
	assert_int_equal(
		auth_akav2_password(slice_of(v.xres, v.xres_len), v.ik, v.ck, password), 0);
	assert_string_equal(password, "5XatUrwRAskv07cSimdd2w==");
	auth_ha1(AUTH_AKAV2_MD5, c.username, c.realm, slice_str(password), ha1);
	auth_expected(&c, ha1, SLICE("REGISTER"), response);
	c.response = slice_str(response);
	/* Not offered: not taken. */
	ch = nonces_add(n, &seed, 0);
	assert_false(auth_check(ch, &c, SLICE("REGISTER")));
	auth_challenge_put(&t, ch, 0, NULL);
	assert_null(strstr(text_cstr(&t), "AKAv2-MD5"));
	/* Offered first, and the first version still holds. */
	seed.akav2 = true;
	seed.nonce = c.nonce = SLICE("m");
	auth_expected(&c, ha1, SLICE("REGISTER"), response);
	ch = nonces_add(n, &seed, 0);
	assert_true(auth_check(ch, &c, SLICE("REGISTER")));
	t.len = 0;
	auth_challenge_put(&t, ch, 0, NULL);
	assert_non_null(strstr(strstr(text_cstr(&t), "AKAv2-MD5"), "AKAv1-MD5"));
	response[0] ^= 1;
	assert_false(auth_check(ch, &c, SLICE("REGISTER")));
	c.algorithm = AUTH_AKAV1_MD5;
	auth_ha1(AUTH_AKAV1_MD5, c.username, c.realm, slice_of(v.xres, v.xres_len), ha1);
	auth_expected(&c, ha1, SLICE("REGISTER"), response);
	assert_true(auth_check(ch, &c, SLICE("REGISTER")));
	/* The password of the one is none of the other. */
	c.algorithm = AUTH_AKAV2_MD5;
	assert_false(auth_check(ch, &c, SLICE("REGISTER")));
	nonces_free(n);
}

static void auts(void **state)
{
	struct challenge *ch = calloc(1, sizeof(*ch));
	struct auth_credentials c = {0};
	uint8_t out[30];

	memset(ch->rand, 7, sizeof(ch->rand));
	c.auts = SLICE("AAECAwQFBgcICQoLDA0=");
	assert_true(auth_auts(ch, &c, out));
	for (uint8_t i = 0; i < 30; i++)
		assert_int_equal(out[i], i < 16 ? 7 : i - 16);
	static const char *const bad[] = {"",
					  "AAECAwQFBgcICQoLDA0",
					  "AAECAwQFBgcICQoLDA==",
					  "AAECAwQFBgcICQoLDA0A",
					  "AAECAwQFBgcICQoLDA0=AAAA",
					  "AA=CAwQFBgcICQoLDA0=",
					  "AAEC\nwQFBgcICQoLDA0=",
					  "AAECAwQFBgcICQoL\0DA="};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c.auts = slice_str(bad[i]);
		assert_false(auth_auts(ch, &c, out));
	}
	free(ch);
}

static enum auth_found decode(const char *lines, struct auth_credentials *c)
{
	static struct sip_msg m;
	static char text[4096];

	snprintf(text, sizeof(text),
		 "REGISTER sip:ims.example SIP/2.0\r\nVia: SIP/2.0/UDP "
		 "h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
		 "To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n%s\r\n",
		 lines);
	assert_int_equal(sip_parse(slice_str(text), &m), SIP_OK);
	return auth_decode(&m, SIP_H_AUTHORIZATION, SLICE("ims.example"), c);
}

static void headers(void **state)
{
	struct auth_credentials c;

	assert_int_equal(decode("", &c), AUTH_NONE);
	assert_int_equal(decode("Authorization: Basic abc\r\n", &c), AUTH_NONE);
	assert_int_equal(decode("Authorization: Digest username=\"a\", realm=\"x\", "
				"nonce=\"\", response=\"\"\r\n"
				"Authorization: Digest username=\"b\", realm=\"ims.example\", "
				"nonce=\"n\","
				" response=\"r\", algorithm=SHA-256, qop=auth, nc=00000001, "
				"cnonce=\"c\"\r\n",
				&c),
			 AUTH_FOUND);
	assert_true(slice_eq(c.username, SLICE("b")));
	assert_int_equal(c.algorithm, AUTH_SHA256);
	assert_true(auth_is_response(&c));
	assert_int_equal(
		decode("Authorization: Digest username=\"a\", nonce=\"\", response=\"\"\r\n",
		       &c),
		AUTH_FOUND);
	assert_false(auth_is_response(&c));
	assert_int_equal(
		decode("Authorization: Digest username=\"a\", algorithm=MD5-sess\r\n", &c),
		AUTH_FOUND);
	assert_int_equal(c.algorithm, AUTH_UNSUPPORTED);
	/* Two readers of one message must not see two users. */
	assert_int_equal(decode("Authorization: Digest username=\"a\", username=\"b\"\r\n", &c),
			 AUTH_MALFORMED);
	assert_int_equal(decode("Authorization: Digest username=\"\", username=\"b\"\r\n", &c),
			 AUTH_MALFORMED);
	assert_int_equal(decode("Authorization: Digest username=\"a\r\n", &c), AUTH_MALFORMED);
	assert_int_equal(decode("Authorization: Digest username=\"a\" realm=\"b\"\r\n", &c),
			 AUTH_MALFORMED);
}

static void challenges(void **state)
{
	static const uint8_t zero[16];
	struct challenge *ch = aka_challenge(zero, zero, zero, 8);
	struct cx_vector keys = {0};
	char out[1024];
	struct text t = text_in(out, sizeof(out));

	memset(keys.ck, 0xab, 16);
	auth_challenge_put(&t, ch, AUTH_OFFER_MD5, &keys);
	assert_non_null(strstr(text_cstr(&t), "algorithm=AKAv1-MD5,qop=\"auth\""));
	assert_non_null(strstr(out, ",ck=\"abababababababababababababababab\",ik="
				    "\"00000000000000000000000000000000\"\r\n"));
	t.len = 0;
	auth_challenge_put(&t, ch, AUTH_OFFER_MD5, NULL);
	assert_null(strstr(text_cstr(&t), "ck="));
	t.len = 0;
	ch->scheme = CX_AUTH_DIGEST;
	strcpy(ch->ha1, "0");
	strcpy(ch->ha1_sha256, "0");
	auth_challenge_put(&t, ch, AUTH_OFFER_MD5 | AUTH_OFFER_SHA256 | AUTH_OFFER_STALE, NULL);
	const char *sha = strstr(text_cstr(&t), "algorithm=SHA-256"),
		   *md5 = strstr(out, "algorithm=MD5");
	assert_true(sha && md5 && sha < md5);
	assert_non_null(strstr(sha, "stale=true"));
}

static int setup(void **state)
{
	store = nonces_new(16, 60000, NULL, NULL);
	return store ? 0 : -1;
}

static int teardown(void **state)
{
	nonces_free(store);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc2617),
		cmocka_unit_test(without_qop),
		cmocka_unit_test(rfc7616),
		cmocka_unit_test(aka),
		cmocka_unit_test(near_misses),
		cmocka_unit_test(counts),
		cmocka_unit_test(counts_out_of_order),
		cmocka_unit_test(akav2),
		cmocka_unit_test(auts),
		cmocka_unit_test(headers),
		cmocka_unit_test(challenges),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
