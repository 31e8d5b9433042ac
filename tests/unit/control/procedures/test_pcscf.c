/* test_pcscf.c - the P-CSCF alone: what it takes out, what it puts in, and what it remembers */
#include "abi/token.h"
#include "client.h"

static struct fake *f;

static int setup(void **state)
{
	f = fake_new(CONF_PCSCF);
	return 0;
}

static int teardown(void **state)
{
	fake_free(f);
	return 0;
}

/* The ICID is drawn at random: its digits become x. */
static void mask_icid(char *text)
{
	char *at = strstr(text, "icid-value=\"");

	assert_non_null(at);
	for (at += strlen("icid-value=\""); *at != '"'; at++)
		*at = 'x';
}

static void forwards(void **state)
{
	struct client cl = {
		.extra = "Route: <sip:192.0.2.100;lr>\r\nP-Asserted-Identity: "
			 "<sip:boss@ims.example>\r\n"
			 "Path : <sip:evil@192.0.2.66;lr>\r\nP-Charging-Vector: "
			 "icid-value=\"evil\"\r\n"
			 "P-Access-Network-Info: 3GPP-E-UTRAN-FDD; utran-cell-id-3gpp=1\r\n"
			 "P-Access-Network-Info: ADSL; network-provided\r\n"
			 "P-visited-network-id: \"evil\"\r\nP-User-Database: <aaa://evil>\r\n"};

	client_send(f, &cl,
		    "Authorization: Digest username=\"alice@ims.example\", "
		    "realm=\"ims.example\", nonce=\"\", "
		    "uri=\"sip:ims.example\", response=\"\", integrity-protected=\"yes\"\r\n");
	mask_icid(f->sent);
	assert_string_equal(f->trace, "send 10.0.0.2:5060\n");
	assert_string_equal(
		f->sent,
		"REGISTER sip:ims.example SIP/2.0\r\n"
		"Path: <sip:p13c6c00002074e4584ee3ace6b2a@10.0.0.1:5060;lr>\r\nRequire: "
		"path\r\n"
		"P-Visited-Network-ID: \"ims.example\"\r\n"
		"P-Charging-Vector: "
		"icid-value=\"xxxxxxxxxxxxxxxxxxxxxxxx\";icid-generated-at=10.0.0.1;orig-ioi="
		"ims.example\r\n"
		"Via: SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bK1\r\nMax-Forwards: 69\r\n"
		"From: <sip:alice@ims.example>;tag=f\r\nTo: "
		"<sip:alice@ims.example>\r\nCall-ID: c1\r\n"
		"CSeq: 1 REGISTER\r\nContact: <sip:alice@192.0.2.7:5062>\r\n"
		"Authorization: Digest "
		"username=\"alice@ims.example\",realm=\"ims.example\",nonce=\"\","
		"uri=\"sip:ims.example\",response=\"\",integrity-protected=\"no\"\r\n"
		"P-Access-Network-Info: 3GPP-E-UTRAN-FDD; utran-cell-id-3gpp=1\r\n\r\n");
	struct hash_key key = {1, 2};
	struct addr flow;
	assert_true(token_path_get(SLICE("p13c6c00002074e4584ee3ace6b2a"), &key, &flow));
	assert_int_equal(flow.port, 5062);
	fake_respond(f, NULL);
	assert_int_equal(f->status, 504);
}

#define RESPONSE(line, headers)                                                                \
	"SIP/2.0 " line "\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKc1\r\nFrom: "        \
			"<sip:alice@ims.example>;tag=f\r\n"                                    \
	"To: <sip:alice@ims.example>;tag=t\r\nCall-ID: c1\r\nCSeq: 1 REGISTER\r\n" headers     \
	"Content-Length: 0\r\n\r\n"

static void digest_response_is_pending(void **state)
{
	struct client cl = {0};

	client_send(f, &cl,
		    "Authorization: Digest "
		    "username=\"a\",realm=\"ims.example\",nonce=\"n\",response=\"00\"\r\n");
	assert_non_null(strstr(f->sent,
			       "response=\"00\",integrity-protected=\"ip-assoc-pending\"\r\n"));
	fake_respond(f, RESPONSE("403 Forbidden", ""));
	client_send(f, &cl,
		    "Authorization: Digest "
		    "username=\"a\",nonce=\"n\",response=\"00\",algorithm=AKAv1-MD5\r\n");
	assert_non_null(strstr(f->sent, "algorithm=AKAv1-MD5,integrity-protected=\"no\"\r\n"));
	fake_respond(f, RESPONSE("403 Forbidden", ""));
}

static void challenge_goes_on(void **state)
{
	struct client cl = {0};

	client_send(f, &cl, "");
	fake_respond(f, RESPONSE("401 Unauthorized",
				 "WWW-Authenticate: Digest realm=\"ims.example\", nonce=\"n\", "
				 "algorithm=AKAv1-MD5, "
				 "ck=\"00112233\", IK = \"44556677\", qop=\"auth\"\r\nPath: "
				 "<sip:x@10.0.0.1>\r\n"
				 "P-Charging-Vector: icid-value=1\r\n"));
	assert_int_equal(f->status, 401);
	assert_string_equal(f->headers,
			    "WWW-Authenticate: Digest realm=\"ims.example\",nonce=\"n\","
			    "algorithm=AKAv1-MD5,qop=\"auth\"\r\n");
	assert_int_equal(registrations_count(f->c.registrations), 0);
}

#define OK_HEADERS                                                                             \
	"Service-Route: <sip:orig@other.ims.example:5060;lr>\r\n"                              \
	"P-Associated-URI: <sip:default@ims.example>, <sip:alice@ims.example>\r\nPath: "       \
	"<sip:x@10.0.0.1;lr>\r\n"

static void remembers(void **state)
{
	struct client cl = {0};
	struct registration_set *set;

	client_send(f, &cl, "");
	fake_clear(f);
	fake_respond(f, RESPONSE("200 OK", "Contact: <sip:alice@192.0.2.7:5062>;expires=600, "
					   "<sip:alice@192.0.2.9>;expires=60\r\n" OK_HEADERS));
	assert_string_equal(f->trace, "store sip:default@ims.example contacts=1\n"
				      "install sip:default@ims.example roles=1 impus=2 "
				      "<sip:alice@192.0.2.7:5062> 192.0.2.7:5062\n"
				      "200 OK\n");
	assert_string_equal(
		f->headers,
		"Contact: <sip:alice@192.0.2.7:5062>;expires=600, "
		"<sip:alice@192.0.2.9>;expires=60\r\n"
		"Service-Route: <sip:orig@other.ims.example:5060;lr>\r\n"
		"P-Associated-URI: <sip:default@ims.example>, <sip:alice@ims.example>\r\n");
	set = registrations_by_impu(f->c.registrations, "sip:alice@ims.example");
	assert_non_null(set);
	assert_string_equal(set->service_route, "<sip:orig@other.ims.example:5060;lr>");
	assert_int_equal(set->scscf.ip[3], 9);
	/* A refresh that the registrar grants nothing, and a removal, end it. */
	client_send(f, &cl, "");
	fake_clear(f);
	fake_respond(f, RESPONSE("200 OK", OK_HEADERS));
	assert_string_equal(f->trace, "unstore\nuninstall\n200 OK\n");
	assert_int_equal(registrations_count(f->c.registrations), 0);
}

static void failures(void **state)
{
	struct client cl = {0};

	client_send(f, &cl, "");
	f->disk_full = true;
	fake_respond(
		f, RESPONSE("200 OK",
			    "Contact: <sip:alice@192.0.2.7:5062>;expires=600\r\n" OK_HEADERS));
	assert_int_equal(f->status, 500);
	f->disk_full = false;
	f->install_status = INSTALL_NO_MEMORY;
	client_send(f, &cl, "");
	fake_respond(
		f, RESPONSE("200 OK",
			    "Contact: <sip:alice@192.0.2.7:5062>;expires=600\r\n" OK_HEADERS));
	assert_int_equal(f->status, 503);
	assert_int_equal(registrations_count(f->c.registrations), 0);
	client_send(f, &cl, "");
	fake_respond(f, RESPONSE("503 Service Unavailable", "Retry-After: 9\r\n"));
	assert_int_equal(f->status, 503);
	assert_string_equal(f->headers, "Retry-After: 9\r\n");
}

static void refuses(void **state)
{
	static const struct {
		const char *contact, *extra;
		uint16_t status;
		const char *says;
	} table[] = {
		{NULL, "Proxy-Require: sec-agree\r\nRequire: sec-agree\r\n", 420,
		 "Unsupported: sec-agree\r\n"},
		{NULL, "Require: path, sec-agree , x\r\nRequire: y\r\n", 420,
		 "Unsupported: sec-agree, x, y\r\n"},
		{"Contact: <sip:alice@192.0.2.100>\r\n", NULL, 403, "Warning: 399 saker"},
		{"Contact: <sip:alice@10.0.0.1:5081>\r\n", NULL, 403, "Warning: 399 saker"},
		{"Contact: <sip:alice@ims.example>\r\n", NULL, 403, "Warning: 399 saker"},
		{"Contact: <sip:alice@scscf.ims.example>\r\n", NULL, 403, "Warning: 399 saker"},
		{"Contact: <nonsense>\r\n", NULL, 400, "Warning: 399 saker"},
		{NULL, "Authorization: Digest username=\"a\r\n", 400, "Warning: 399 saker"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct client cl = {.contact = table[i].contact, .extra = table[i].extra};

		fake_clear(f);
		client_send(f, &cl, "");
		assert_int_equal(f->status, table[i].status);
		assert_non_null(strstr(f->headers, table[i].says));
		assert_null(strstr(f->trace, "send"));
	}
}

#define REQUEST(uri, hops, to)                                                                 \
	"REGISTER " uri " SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n" hops              \
	"From: <sip:a@ims.example>;tag=1\r\n"                                                  \
	"To: " to "\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n\r\n"

static void addresses(void **state)
{
	static const struct {
		const char *src, *message;
		uint16_t status;
	} table[] = {
		{UE, REQUEST("sip:evil.example", "", "<sip:a@ims.example>"), 404},
		{UE, REQUEST("sip:ims.example", "", "<sip:a@evil.example>"), 404},
		{UE, REQUEST("sip:ims.example", "", "<tel:123>"), 404},
		{UE, REQUEST("sip:ims.example", "", "<tel:+123>"), 403},
		{UE, REQUEST("sip:ims.example", "Max-Forwards: 0\r\n", "<sip:a@ims.example>"),
		 483},
		{UE, REQUEST("sip:ims.example", "Max-Forwards: x\r\n", "<sip:a@ims.example>"),
		 400},
		{"10.0.0.8:5060", REQUEST("sip:ims.example", "", "<sip:a@ims.example>"), 403},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		fake_register(f, table[i].src, table[i].message);
		assert_int_equal(f->status, table[i].status);
	}
	fake_register(f, UE, REQUEST("sip:192.0.2.100", "", "<sip:a@ims.example>"));
	assert_non_null(strstr(f->sent, "\r\nMax-Forwards: 70\r\n"));
	assert_non_null(
		strstr(f->sent, "Via: SIP/2.0/UDP h;branch=z9hG4bK1;received=192.0.2.7"));
	fake_respond(f, NULL);
}

/* More lines to take out than edits fit: refused, and nothing leaks through. */
static void too_much_to_strip(void **state)
{
	char lines[8192] = "";
	struct client cl = {.extra = lines};

	for (int i = 0; i < 100; i++)
		strcat(lines, "P-Asserted-Identity: <sip:boss@ims.example>\r\n");
	client_send(f, &cl, "");
	assert_int_equal(f->status, 513);
	assert_null(strstr(f->trace, "send"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(forwards),          T(digest_response_is_pending),
		T(challenge_goes_on), T(remembers),
		T(failures),          T(refuses),
		T(addresses),         T(too_much_to_strip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
