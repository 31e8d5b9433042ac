/* test_agreement.c - security agreements: the P-CSCF alone and with the others, from the first
 * REGISTER to the last response under a set, and everything a UE or somebody between can do
 * wrong */
#include "abi/token.h"
#include "base/clock.h"
#include "client.h"
#include "control/register.h"

#define ENDS(n) "spi-c=" n "001;spi-s=" n "002;port-c=" n "1;port-s=5002"
#define OFFER(n)                                                                               \
	"ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;" ENDS(                                     \
		n) ", ipsec-3gpp;alg=hmac-md5-96;ealg=null;" ENDS(n)
#define WANTED        "Require: sec-agree\r\nProxy-Require: sec-agree\r\n"
#define CLIENT(offer) WANTED "Security-Client: " offer "\r\n"
#define FIRST         CLIENT(OFFER("500"))
#define SECOND        CLIENT(OFFER("600"))
#define UE_UC         "192.0.2.7:5001"

static struct fake *f;

static void set_up_ports(void)
{
	struct conf_pcscf *p = &f->conf.pcscf;

	*p = (struct conf_pcscf){.port_ps = 5101,
				 .port_pc = {5102, 5103},
				 .n_port_pc = 2,
				 .integrity = {CONF_HMAC_SHA_256_128, CONF_HMAC_SHA_1_96},
				 .n_integrity = 2,
				 .encryption = {CONF_AES_GCM, CONF_AES_CBC},
				 .n_encryption = 2,
				 .temporary = 10,
				 .temporary_address = 5};
	f->under_port = 5101;
}

static int setup(void **state)
{
	f = fake_new(CONF_PCSCF);
	set_up_ports();
	return 0;
}

static int setup_all(void **state)
{
	f = fake_new(CONF_PCSCF | CONF_ICSCF | CONF_SCSCF);
	set_up_ports();
	f->uaa.result = CX_FIRST_REGISTRATION;
	return 0;
}

static int teardown(void **state)
{
	fake_free(f);
	return 0;
}

#define RESPONSE(line, headers)                                                                \
	"SIP/2.0 " line "\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKc1\r\nFrom: "        \
	"<sip:alice@ims.example>;tag=f\r\n"                                                    \
	"To: <sip:alice@ims.example>;tag=t\r\nCall-ID: c1\r\nCSeq: 1 REGISTER\r\n" headers     \
	"Content-Length: 0\r\n\r\n"
#define CHALLENGE                                                                              \
	RESPONSE("401 Unauthorized",                                                           \
		 "WWW-Authenticate: Digest realm=\"ims.example\",nonce=\"bm9uY2U=\","          \
		 "algorithm=AKAv1-MD5,ck=\"000102030405060708090a0b0c0d0e0f\","                \
		 "ik=\"101112131415161718191a1b1c1d1e1f\"\r\n"                                 \
		 "Security-Server: tls;q=0.1\r\n")
#define OK_UNTIL(seconds)                                                                      \
	RESPONSE("200 OK", "Contact: <sip:alice@192.0.2.7:5062>;expires=" seconds              \
			   "\r\nService-Route: <sip:orig@other.ims.example;lr>\r\n"            \
			   "P-Associated-URI: <sip:alice@ims.example>\r\n")
#define CREDENTIALS                                                                            \
	"Authorization: Digest username=\"alice@ims.example\",realm=\"ims.example\","          \
	"nonce=\"bm9uY2U=\",uri=\"sip:ims.example\",response=\"00\",algorithm=AKAv1-MD5\r\n"
#define EMPTY                                                                                  \
	"Authorization: Digest username=\"alice@ims.example\",realm=\"ims.example\","          \
	"nonce=\"\",uri=\"sip:ims.example\",response=\"\"\r\n"

/* The value of Security-Server in the last answer. Static memory. */
static const char *server(void)
{
	static char value[2048];
	const char *at = strstr(f->headers, "Security-Server: ");

	value[0] = 0;
	if (at)
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + 17, "\r"), at + 17);
	return value;
}

/* CLIENT lines with a Security-Verify behind. Static memory. */
static const char *with_verify(const char *lines, const char *verify)
{
	static char text[4096];

	snprintf(text, sizeof(text), "%sSecurity-Verify: %s\r\n", lines, verify);
	return text;
}

/* What our Security-Server said of a set. Static memory. */
static const char *server_of(uint64_t sa_id)
{
	static uint8_t memory[2048];
	struct text t = text_in(memory, sizeof(memory));
	struct sec_server s;

	sa_server(sas_find(f->c.sas, sa_id), &s);
	sec_agree_put(&t, &s);
	return text_cstr(&t);
}

/* A REGISTER under a set, from its port. */
static void send_under(struct client *cl, uint64_t sa_id, const char *extra)
{
	static char src[32];
	const struct sa *sa = sas_find(f->c.sas, sa_id);

	snprintf(src, sizeof(src), "192.0.2.7:%u", sa ? sa->ue.port : 1);
	cl->src = src;
	cl->extra = extra;
	f->under = sa_id;
	client_send(f, cl, CREDENTIALS);
	f->under = 0;
	cl->src = NULL;
}

/* In clear up to the 401; the id of the temporary set. */
static uint64_t challenge(struct client *cl, const char *extra)
{
	cl->extra = extra;
	client_send(f, cl, EMPTY);
	fake_respond(f, CHALLENGE);
	assert_int_equal(f->status, 401);
	return f->installed_sa;
}

/* And to the 200 OK; the id of the active set. */
static uint64_t register_protected(struct client *cl)
{
	uint64_t id = challenge(cl, FIRST);

	send_under(cl, id, with_verify(FIRST, server()));
	fake_respond(f, OK_UNTIL("600"));
	assert_int_equal(f->status, 200);
	assert_int_equal(sas_find(f->c.sas, id)->state, SA_ACTIVE);
	return id;
}

/* A re-REGISTER under `id`, challenged; the new temporary set. */
static uint64_t challenge_again(struct client *cl, uint64_t id, const char *lines)
{
	send_under(cl, id, with_verify(lines, server_of(id)));
	fake_respond(f, CHALLENGE);
	assert_int_equal(f->status, 401);
	return f->installed_sa;
}

static uint64_t refused(enum sa_refusal why)
{
	struct registrar_stats s;

	registrar_stats(f->c.registrar, &s);
	return s.sa_refused[why];
}

static struct registration_contact *contact(void)
{
	struct registration_set *set =
		registrations_by_impu(f->c.registrations, "sip:alice@ims.example");

	assert_non_null(set);
	assert_int_equal(set->n_contact, 1);
	return &set->contact[0];
}

static void run_out(uint64_t id)
{
	struct sa *sa = sas_find(f->c.sas, id);

	assert_non_null(sa);
	sas_set_state(f->c.sas, sa, sa->state, 1);
	agreement_expire(f->c.registrar);
}

static void first_register_gets_a_temporary_set(void **state)
{
	struct client cl = {.extra = FIRST "Require: path, Sec-Agree\r\n"};
	const struct sa *sa;
	char expected[2048];

	client_send(f, &cl, EMPTY);
	assert_null(strstr(f->sent, "ec-agree"));
	assert_null(strstr(f->sent, "ec-Agree"));
	assert_null(strstr(f->sent, "Security-"));
	assert_null(strstr(f->sent, "Proxy-Require"));
	assert_non_null(strstr(f->sent, "Require: path\r\n"));
	assert_non_null(strstr(f->sent, "integrity-protected=\"no\"\r\n"));
	fake_clear(f);
	fake_respond(f, CHALLENGE);
	/* The set is in the data plane before the UE can use it; nothing is on disk. */
	assert_string_equal(f->trace, "install sa temporary port_uc=5001 port_pc=5102\n"
				      "401 Unauthorized\n");
	sa = sas_find(f->c.sas, f->installed_sa);
	assert_non_null(sa);
	assert_int_equal(sa->state, SA_TEMPORARY);
	assert_int_equal(sa->set_id, 0);
	assert_int_equal(sa->ck[15], 0x0f);
	assert_int_equal(sa->ik[15], 0x1f);
	assert_int_equal(sa->ue.ip[3], 7);
	assert_int_equal(sa->port_us, 5002);
	assert_int_equal(sa->local.ip[3], 100);
	assert_int_equal(sa->local.port, 5101);
	assert_int_equal(sa->nat.family, 0);
	assert_int_equal(sa->spi_uc, 500001);
	assert_int_equal(sa->pair.integrity, ABI_SA_HMAC_SHA_1_96);
	assert_int_equal(sa->pair.cipher, ABI_SA_AES_CBC);
	assert_in_range(sa->due_wall_ms, sa->created_wall_ms + 239999,
			sa->created_wall_ms + 240001);
	snprintf(expected, sizeof(expected),
		 "WWW-Authenticate: Digest realm=\"ims.example\",nonce=\"bm9uY2U=\","
		 "algorithm=AKAv1-MD5\r\n"
		 "Security-Server: ipsec-3gpp;q=0.9;alg=null;ealg=aes-gcm;prot=esp;mod=trans;"
		 "spi-c=%1$u;spi-s=%2$u;port-c=5102;port-s=5101, "
		 "ipsec-3gpp;q=0.8;alg=hmac-sha-256-128;ealg=aes-cbc;prot=esp;mod=trans;"
		 "spi-c=%1$u;spi-s=%2$u;port-c=5102;port-s=5101, "
		 "ipsec-3gpp;q=0.7;alg=hmac-sha-1-96;ealg=aes-cbc;prot=esp;mod=trans;"
		 "spi-c=%1$u;spi-s=%2$u;port-c=5102;port-s=5101\r\n",
		 sa->spi_pc, sa->spi_ps);
	assert_string_equal(f->headers, expected);
}

static void other_options_go_on(void **state)
{
	struct client cl = {.extra = "Security-Client: " OFFER(
				    "500") "\r\nRequire: "
					   "sec-agree, path\r\nProxy-Require: sec-agree\r\n"};

	client_send(f, &cl, EMPTY);
	assert_non_null(strstr(f->sent, "\r\nRequire: path\r\n"));
	assert_null(strstr(f->sent, "Proxy-Require"));
	fake_respond(f, NULL);
	assert_int_equal(f->status, 504);
	/* With an agreement the P-CSCF knows sec-agree, and still nothing else. */
	fake_clear(f);
	cl.extra = CLIENT(OFFER("500")) "Proxy-Require: x\r\n";
	client_send(f, &cl, EMPTY);
	assert_int_equal(f->status, 420);
	assert_string_equal(strstr(f->headers, "Unsupported"), "Unsupported: x\r\n");
}

static void second_register_proves_it(void **state)
{
	struct client cl = {0};
	uint64_t id = challenge(&cl, FIRST);
	const struct sa *sa = sas_find(f->c.sas, id);
	struct hash_key key = {1, 2};
	struct addr flow;
	const char *path;

	send_under(&cl, id, with_verify(FIRST, server()));
	assert_non_null(strstr(f->sent, "response=\"00\",algorithm=AKAv1-MD5,"
					"integrity-protected=\"yes\"\r\n"));
	assert_null(strstr(f->sent, "Security-"));
	/* Path names the protected flow. */
	path = strstr(f->sent, "Path: <sip:") + 11;
	assert_true(token_path_get(slice_of(path, strcspn(path, "@")), &key, &flow));
	assert_int_equal(flow.port, 5001);
	fake_clear(f);
	fake_respond(f, OK_UNTIL("600"));
	assert_string_equal(f->trace, "store sa port_uc=5001 set=yes\n"
				      "store sip:alice@ims.example contacts=1\n"
				      "install sa active port_uc=5001 port_pc=5102\n"
				      "install sip:alice@ims.example roles=1 impus=1 "
				      "<sip:alice@192.0.2.7:5062> 192.0.2.7:5001\n"
				      "200 OK\n");
	assert_int_equal(contact()->sa_id, id);
	assert_int_equal(contact()->local.port, 5101);
	assert_true(addr_eq(&contact()->flow, &sa->ue));
	assert_int_equal(sa->state, SA_ACTIVE);
	assert_null(sa->client);
	assert_ptr_equal(
		sas_of_set(
			f->c.sas,
			registrations_by_impu(f->c.registrations, "sip:alice@ims.example")->id,
			NULL),
		sa);
	/* As long as the registration and half a minute. */
	assert_int_equal(sa->due_wall_ms, contact()->expires_wall_ms + 30000);
}

/* All roles on one node: the keys come from the vector. */
static void whole_registration_on_one_node(void **state)
{
	struct client cl = {.extra = FIRST};
	const struct sa *sa;
	uint64_t id;

	fake_aka(f);
	client_send(f, &cl, "");
	assert_int_equal(f->status, 401);
	assert_null(strstr(f->headers, "ck="));
	assert_null(strstr(f->headers, "3333"));
	assert_non_null(strstr(f->headers, "WWW-Authenticate: Digest realm=\"ims.example\""));
	id = f->installed_sa;
	sa = sas_find(f->c.sas, id);
	assert_int_equal(sa->ck[0], 0x33);
	assert_int_equal(sa->ik[0], 0x44);
	cl.src = UE_UC;
	cl.extra = with_verify(FIRST, server());
	cl.nc = 1;
	f->under = id;
	client_send(f, &cl, client_authorization(f, &cl, AUTH_AKAV1_MD5, RES));
	assert_int_equal(f->status, 200);
	assert_int_equal(contact()->sa_id, id);
	assert_int_equal(sa->state, SA_ACTIVE);
	/* The network ends the registration: the set goes when its last response has. */
	f->under = 0;
	fake_clear(f);
	assert_int_equal(registrar_deregister(f->c.registrar, SLICE("alice@ims.example"), NULL,
					      0, CX_REASON_PERMANENT_TERMINATION),
			 1);
	assert_non_null(strstr(f->trace, "unstore sa\n"));
	assert_null(strstr(f->trace, "uninstall sa\n"));
	assert_int_equal(sa->state, SA_LEAVING);
	assert_in_range(sa->due_wall_ms, clock_wall_ms() + 31000, clock_wall_ms() + 32001);
	run_out(id);
	assert_non_null(strstr(f->trace, "uninstall sa\n"));
	assert_null(sas_find(f->c.sas, id));
}

/* Where the policy is not to challenge again: a REGISTER under the set prolongs it; one in
 * clear, and one that says itself that it is protected, is challenged. */
static void not_challenged_again(void **state)
{
	struct client cl = {.extra = FIRST};
	uint64_t id;

	f->conf.control.challenge_protected = false;
	fake_aka(f);
	client_send(f, &cl, "");
	id = f->installed_sa;
	cl.src = UE_UC;
	cl.extra = with_verify(FIRST, server());
	cl.nc = 1;
	f->under = id;
	client_send(f, &cl, EMPTY);
	assert_int_equal(f->status, 401); /* nobody is registered yet */
	id = f->installed_sa;
	f->under = id;
	cl.extra = with_verify(FIRST, server());
	client_send(f, &cl, client_authorization(f, &cl, AUTH_AKAV1_MD5, RES));
	assert_int_equal(f->status, 200);
	fake_clear(f);
	cl.extra = with_verify(SECOND, server_of(id));
	client_send(f, &cl, EMPTY);
	assert_int_equal(f->status, 200);
	assert_null(strstr(f->trace, "MAR"));
	assert_int_equal(contact()->sa_id, id);
	assert_int_equal(sas_count(f->c.sas, SA_ACTIVE), 1);
	f->under = 0;
	cl.src = NULL;
	cl.extra = "";
	client_send(f, &cl,
		    "Authorization: Digest username=\"alice@ims.example\","
		    "realm=\"ims.example\",nonce=\"\",uri=\"sip:ims.example\",response=\"\","
		    "integrity-protected=\"yes\"\r\n");
	assert_int_equal(f->status, 401);
	assert_non_null(strstr(f->trace, "MAR"));
}

static void wrong_in_clear(void **state)
{
	static const struct {
		const char *lines;
		uint16_t status;
		enum sa_refusal why;
	} table[] = {
		{WANTED, 494, SA_REFUSED_MISSING},
		{CLIENT("tls"), 494, SA_REFUSED_NOTHING_IN_COMMON},
		{CLIENT("ipsec-3gpp;alg=hmac-md5-96;" ENDS("500")), 494,
		 SA_REFUSED_NOTHING_IN_COMMON},
		{CLIENT("ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;prot=ah;" ENDS("500")), 494,
		 SA_REFUSED_NOTHING_IN_COMMON},
		{CLIENT("ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;mod=tun;" ENDS("500")), 494,
		 SA_REFUSED_NOTHING_IN_COMMON},
		{CLIENT("ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;mod=UDP-enc-tun;" ENDS(
			 "500")),
		 494, SA_REFUSED_NOTHING_IN_COMMON},
		{CLIENT("ipsec-3gpp;" ENDS("500")), 400, SA_REFUSED_MALFORMED},
		{CLIENT("ipsec-3gpp;alg=hmac-sha-1-96;spi-c=0;spi-s=900;port-c=1;port-s=2"),
		 400, SA_REFUSED_MALFORMED},
		{CLIENT("ipsec-3gpp;alg=hmac-sha-1-96;spi-c=900;spi-s=900;port-c=1;port-s=2"),
		 400, SA_REFUSED_MALFORMED},
		{CLIENT("ipsec-3gpp;alg=hmac-sha-1-96;spi-c=901;spi-s=900;port-c=0;port-s=2"),
		 400, SA_REFUSED_MALFORMED},
		{CLIENT("ipsec-3gpp;alg=hmac-sha-1-96;spi-c=901;spi-s=900;port-c=2;port-s=2"),
		 400, SA_REFUSED_MALFORMED},
		{CLIENT("ipsec-3gpp;alg=hmac-sha-1-96;alg=null;" ENDS("500")), 400,
		 SA_REFUSED_MALFORMED},
		{FIRST "Security-Verify: " OFFER("500") "\r\n", 494, SA_REFUSED_VERIFY},
		{"Security-Verify: x\r\n", 494, SA_REFUSED_VERIFY},
	};
	static const char list[] =
		"Security-Server: ipsec-3gpp;q=0.9;alg=null;ealg=aes-gcm;prot=esp;mod=trans, "
		"ipsec-3gpp;q=0.8;alg=hmac-sha-256-128;ealg=aes-cbc;prot=esp;mod=trans, "
		"ipsec-3gpp;q=0.7;alg=hmac-sha-1-96;ealg=aes-cbc;prot=esp;mod=trans\r\n";

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct client cl = {.extra = table[i].lines};
		uint64_t before = refused(table[i].why);

		fake_clear(f);
		client_send(f, &cl, EMPTY);
		if (f->status != table[i].status)
			fail_msg("%u for %s", f->status, table[i].lines);
		assert_int_equal(refused(table[i].why), before + 1);
		assert_non_null(strstr(f->headers, "Warning: 399 saker \""));
		assert_non_null(strstr(f->headers, list));
		assert_int_equal(strstr(f->headers, "\r\nRequire: sec-agree\r\n") != NULL,
				 f->status == 494);
		assert_null(strstr(f->trace, "send"));
		assert_int_equal(sas_total(f->c.sas), 0);
	}
}

/* Even should the data plane let it through. */
static void clear_at_a_protected_port(void **state)
{
	struct client cl = {.extra = FIRST};

	f->dst_port = 5103;
	client_send(f, &cl, EMPTY);
	assert_int_equal(f->status, 403);
	assert_int_equal(refused(SA_REFUSED_IN_CLEAR), 1);
	assert_null(strstr(f->trace, "send"));
}

static void lists_too_long(void **state)
{
	static char lines[16000];
	struct client cl = {.extra = lines};

	strcpy(lines, WANTED "Security-Client: tls");
	for (int i = 0; i < SEC_MECHANISMS_MAX; i++)
		strcat(lines, ", tls");
	strcat(lines, "\r\n");
	client_send(f, &cl, EMPTY);
	assert_int_equal(f->status, 400);
	strcpy(lines, WANTED "Security-Client: ipsec-3gpp;alg=");
	memset(lines + strlen(lines), 'a', SEC_TEXT_MAX);
	strcat(lines, "\r\n");
	client_send(f, &cl, EMPTY);
	assert_int_equal(f->status, 400);
	assert_int_equal(refused(SA_REFUSED_MALFORMED), 2);
	assert_null(strstr(f->trace, "send"));
}

static void policy_decides_who_may_go_without(void **state)
{
	struct client cl = {0};

	/* Not required: as if there were no agreements. */
	client_send(f, &cl, EMPTY);
	fake_respond(f, CHALLENGE);
	assert_int_equal(f->status, 401);
	assert_string_equal(server(), "");
	cl.extra = "Security-Client: " OFFER("500") "\r\n"; /* not said to be meant */
	client_send(f, &cl, EMPTY);
	assert_null(strstr(f->sent, "Security-Client"));
	fake_respond(f, CHALLENGE);
	assert_int_equal(f->status, 401);
	assert_string_equal(server(), "");
	assert_int_equal(sas_total(f->c.sas), 0);

	f->conf.pcscf.required = true;
	cl.extra = NULL;
	fake_clear(f);
	client_send(f, &cl, EMPTY);
	assert_int_equal(f->status, 421);
	assert_string_equal(f->reason, "Extension Required");
	assert_non_null(strstr(f->headers, "\r\nRequire: sec-agree\r\n"));
	assert_non_null(strstr(server(), "ealg=aes-gcm"));
	cl.extra = "Supported: path, sec-agree\r\n";
	client_send(f, &cl, EMPTY);
	assert_int_equal(f->status, 494);
	assert_string_equal(f->reason, "Security Agreement Required");
	assert_non_null(strstr(server(), "ealg=aes-gcm"));
	assert_int_equal(refused(SA_REFUSED_MISSING), 2);
	assert_null(strstr(f->trace, "send"));
	/* An agreement without keys is none. */
	cl.extra = FIRST;
	client_send(f, &cl, EMPTY);
	fake_respond(f, RESPONSE("401 Unauthorized", "WWW-Authenticate: Digest realm=\"r\","
						     "nonce=\"n\",algorithm=MD5\r\n"));
	assert_int_equal(f->status, 403);
	assert_int_equal(refused(SA_REFUSED_NO_KEYS), 1);
	assert_int_equal(sas_total(f->c.sas), 0);
}

static void challenge_without_keys_needs_no_set(void **state)
{
	static const char *const keys[] = {
		"",
		",ck=\"000102030405060708090a0b0c0d0e0f\"",
		",ck=\"000102030405060708090a0b0c0d0e0f\",ik=\"10\"",
		",ck=\"x00102030405060708090a0b0c0d0e0f\","
		"ik=\"101112131415161718191a1b1c1d1e1f\"",
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct client cl = {.extra = FIRST};
		char response[1024];

		client_send(f, &cl, EMPTY);
		snprintf(response, sizeof(response),
			 RESPONSE("401 Unauthorized", "WWW-Authenticate: Digest realm=\"r\","
						      "nonce=\"n\"%s\r\n"),
			 keys[i]);
		fake_respond(f, response);
		assert_int_equal(f->status, 401);
		assert_string_equal(server(), "");
		assert_null(strstr(f->headers, "ck="));
		assert_null(strstr(f->headers, "ik="));
		assert_int_equal(sas_total(f->c.sas), 0);
	}
}

/* Each thing that somebody between could have changed; the set and the registration stay. */
static void wrong_under_the_set(void **state)
{
	struct client cl = {0}, other = {.username = "bob@ims.example"};
	uint64_t id = challenge(&cl, FIRST);
	char good[2048], weaker[2048];

	strcpy(good, server());
	strcpy(weaker, strchr(good, ',') + 2); /* the strongest is gone: bidding down */
	fake_clear(f);
	send_under(&cl, id, with_verify(FIRST, weaker));
	assert_int_equal(f->status, 494);
	assert_string_equal(server(), good);
	send_under(&cl, id, FIRST);
	assert_int_equal(f->status, 494);
	send_under(&cl, id, with_verify(FIRST, OFFER("500")));
	assert_int_equal(f->status, 494);
	send_under(&cl, id, with_verify(FIRST, "ipsec-3gpp;"));
	assert_int_equal(f->status, 494);
	assert_int_equal(refused(SA_REFUSED_VERIFY), 4);
	send_under(&cl, id, with_verify(SECOND, good));
	assert_int_equal(f->status, 494);
	send_under(&cl, id, with_verify(WANTED, good));
	assert_int_equal(f->status, 494);
	assert_int_equal(refused(SA_REFUSED_CLIENT), 2);
	/* Another user, by his credentials. */
	f->under = id;
	other.extra = with_verify(FIRST, good);
	client_send(f, &other,
		    "Authorization: Digest username=\"bob@ims.example\",realm=\"ims.example\","
		    "nonce=\"n\",uri=\"sip:ims.example\",response=\"00\"\r\n");
	assert_int_equal(f->status, 403);
	assert_int_equal(refused(SA_REFUSED_IDENTITY), 1);
	/* A set that is gone. */
	f->under = 0;
	send_under(&cl, id + 1, with_verify(FIRST, good));
	assert_int_equal(f->status, 500);
	assert_int_equal(refused(SA_REFUSED_UNKNOWN), 1);
	assert_null(strstr(f->trace, "send"));
	assert_null(strstr(f->trace, "install"));
	assert_int_equal(sas_find(f->c.sas, id)->state, SA_TEMPORARY);
	assert_int_equal(sas_total(f->c.sas), 1);
	/* And with the right ones it goes on; order and case of parameters do not count. */
	send_under(&cl, id, with_verify(FIRST, good));
	fake_respond(f, OK_UNTIL("600"));
	assert_int_equal(f->status, 200);
}

/* The set is another user's even where no credentials say who asks. */
static void identity_without_credentials(void **state)
{
	struct client cl = {0}, other = {.user = "bob"};
	uint64_t id = challenge(&cl, FIRST);

	other.extra = with_verify(FIRST, server());
	f->under = id;
	client_send(f, &other, "");
	assert_int_equal(f->status, 403);
	assert_int_equal(refused(SA_REFUSED_IDENTITY), 1);
}

static void refused_registration_drops_the_temporary_set(void **state)
{
	struct client cl = {0};
	uint64_t active = register_protected(&cl), id;
	char verify[2048];

	id = challenge_again(&cl, active, SECOND);
	strcpy(verify, server());
	assert_int_not_equal(id, active);
	send_under(&cl, id, with_verify(SECOND, verify));
	fake_respond(f, RESPONSE("403 Forbidden", ""));
	assert_int_equal(f->status, 403);
	assert_int_equal(sas_find(f->c.sas, id)->state, SA_LEAVING);
	assert_int_equal(sas_find(f->c.sas, active)->state, SA_ACTIVE);
	assert_int_equal(contact()->sa_id, active);
	run_out(id);
	assert_null(sas_find(f->c.sas, id));
	assert_non_null(sas_find(f->c.sas, active));
}

static void temporary_set_runs_out(void **state)
{
	struct client cl = {0};
	uint64_t id = challenge(&cl, FIRST);
	struct registrar_stats s;

	fake_clear(f);
	agreement_expire(f->c.registrar);
	assert_string_equal(f->trace, "");
	run_out(id);
	assert_string_equal(f->trace, "uninstall sa\n");
	assert_int_equal(sas_total(f->c.sas), 0);
	registrar_stats(f->c.registrar, &s);
	assert_int_equal(s.sa_unproven, 1);
}

/* While its REGISTER waits for the registrar the set stays. */
static void temporary_set_in_work_stays(void **state)
{
	struct client cl = {0};
	uint64_t id = challenge(&cl, FIRST);

	send_under(&cl, id, with_verify(FIRST, server()));
	run_out(id);
	assert_int_equal(sas_find(f->c.sas, id)->state, SA_TEMPORARY);
	fake_respond(f, OK_UNTIL("600"));
	assert_int_equal(f->status, 200);
	assert_int_equal(sas_find(f->c.sas, id)->state, SA_ACTIVE);
}

static void another_challenge_takes_its_place(void **state)
{
	struct client cl = {0};
	uint64_t id = challenge(&cl, FIRST), next;

	fake_clear(f);
	next = challenge(&cl, FIRST);
	assert_int_not_equal(next, id);
	assert_null(sas_find(f->c.sas, id));
	assert_int_equal(sas_total(f->c.sas), 1);
	assert_non_null(strstr(f->trace, "uninstall sa\ninstall sa temporary"));
	/* One that was answered by another challenge has a response under it. */
	send_under(&cl, next, with_verify(FIRST, server()));
	fake_respond(f, CHALLENGE);
	assert_int_equal(f->status, 401);
	assert_int_equal(sas_find(f->c.sas, next)->state, SA_LEAVING);
	assert_int_equal(sas_find(f->c.sas, f->installed_sa)->state, SA_TEMPORARY);
	assert_int_equal(sas_find(f->c.sas, f->installed_sa)->old_id, 0);
}

static void answered_without_a_challenge_it_lasts_longer(void **state)
{
	struct client cl = {0};
	uint64_t id = register_protected(&cl);
	const struct sa *sa = sas_find(f->c.sas, id);
	uint64_t due = sa->due_wall_ms;

	send_under(&cl, id, with_verify(SECOND, server_of(id)));
	assert_non_null(strstr(f->sent, "integrity-protected=\"yes\""));
	fake_respond(f, OK_UNTIL("3600"));
	assert_int_equal(f->status, 200);
	assert_in_range(sa->due_wall_ms, due + 2999000, due + 3002000);
	assert_int_equal(sas_total(f->c.sas), 1);
	due = sa->due_wall_ms;
	/* A shorter registration does not shorten it. */
	send_under(&cl, id, with_verify(WANTED, server_of(id)));
	fake_respond(f, OK_UNTIL("60"));
	assert_int_equal(f->status, 200);
	assert_int_equal(sa->due_wall_ms, due);
}

static void new_set_succeeds_the_old(void **state)
{
	struct client cl = {0};
	uint64_t old = register_protected(&cl), id;
	char verify[2048];
	const struct sa *sa;

	fake_clear(f);
	id = challenge_again(&cl, old, SECOND);
	sa = sas_find(f->c.sas, id);
	strcpy(verify, server());
	/* Our other client port; new SPIs; the same protected server port. */
	assert_int_equal(sa->port_pc, 5103);
	assert_int_equal(sa->local.port, 5101);
	assert_int_equal(sa->old_id, old);
	assert_int_not_equal(sa->spi_ps, sas_find(f->c.sas, old)->spi_ps);
	assert_int_equal(contact()->sa_id, old);
	send_under(&cl, id, with_verify(SECOND, verify));
	fake_respond(f, OK_UNTIL("600"));
	assert_int_equal(f->status, 200);
	assert_int_equal(contact()->sa_id, id);
	assert_int_equal(contact()->flow.port, 6001);
	/* The old one stays until the UE uses the new one. */
	assert_int_equal(sas_find(f->c.sas, old)->state, SA_ACTIVE);
	registrar_sa_used(f->c.registrar, old);
	assert_int_equal(sas_find(f->c.sas, old)->state, SA_ACTIVE);
	fake_clear(f);
	registrar_sa_used(f->c.registrar, id);
	assert_int_equal(sas_find(f->c.sas, old)->state, SA_LEAVING);
	assert_string_equal(f->trace,
			    "store sa port_uc=6001 set=yes\n"
			    "install sip:alice@ims.example roles=1 impus=1 "
			    "<sip:alice@192.0.2.7:5062> 192.0.2.7:6001\nunstore sa\n");
	fake_clear(f);
	registrar_sa_used(f->c.registrar, id);
	assert_string_equal(f->trace, "");
	run_out(old);
	assert_null(sas_find(f->c.sas, old));
	assert_int_equal(sa->state, SA_ACTIVE);
	/* And the third has the port of the first. */
	assert_int_equal(
		sas_find(f->c.sas, challenge_again(&cl, id, CLIENT(OFFER("700"))))->port_pc,
		5102);
}

/* The next REGISTER under the new set is a use of it, too; and so is its answer's end. */
static void register_under_the_new_set_uses_it(void **state)
{
	struct client cl = {0};
	uint64_t old = register_protected(&cl), id = challenge_again(&cl, old, SECOND);
	char verify[2048];

	strcpy(verify, server());
	send_under(&cl, id, with_verify(SECOND, verify));
	fake_respond(f, OK_UNTIL("600"));
	assert_int_equal(sas_find(f->c.sas, old)->state, SA_ACTIVE);
	send_under(&cl, id, with_verify(WANTED, verify));
	assert_int_equal(sas_find(f->c.sas, old)->state, SA_LEAVING);
	fake_respond(f, OK_UNTIL("600"));
	assert_int_equal(f->status, 200);
	assert_int_equal(contact()->sa_id, id);
}

static void ue_that_begins_anew_in_clear(void **state)
{
	struct client cl = {0};
	uint64_t old = register_protected(&cl), id;

	/* It lost its state and takes the same SPIs again; the old set serves until the new one
	 * is proven, and then nobody needs it. */
	id = challenge(&cl, FIRST);
	assert_int_equal(sas_find(f->c.sas, id)->port_pc, 5103);
	assert_int_equal(sas_find(f->c.sas, id)->old_id, 0);
	assert_int_equal(sas_find(f->c.sas, old)->state, SA_ACTIVE);
	send_under(&cl, id, with_verify(FIRST, server()));
	fake_respond(f, OK_UNTIL("600"));
	assert_int_equal(f->status, 200);
	assert_int_equal(sas_find(f->c.sas, old)->state, SA_LEAVING);
	assert_int_equal(contact()->sa_id, id);
}

static void spi_that_is_in_use(void **state)
{
	struct client cl = {0}, bob = {.user = "bob", .extra = FIRST};
	uint64_t id = register_protected(&cl);

	/* Another user at the same address. */
	fake_clear(f);
	client_send(f, &bob, "");
	assert_int_equal(f->status, 494);
	assert_int_equal(refused(SA_REFUSED_SPI), 1);
	/* The same UE, which knows what it has. */
	send_under(&cl, id, with_verify(FIRST, server_of(id)));
	assert_int_equal(f->status, 494);
	assert_int_equal(refused(SA_REFUSED_SPI), 2);
	/* Elsewhere they are free. */
	bob.src = "192.0.2.8:5060";
	bob.extra = CLIENT(OFFER("500")) "X: y\r\n";
	client_send(f, &bob, "");
	assert_null(strstr(f->trace, "send"));
	assert_int_equal(f->status,
			 494); /* its Via says .7: behind a NAT, which it does not offer */
	assert_int_equal(refused(SA_REFUSED_NOTHING_IN_COMMON), 1);
}

static void deregistration_ends_all_sets(void **state)
{
	struct client cl = {0};
	uint64_t id = register_protected(&cl);

	cl.contact = "Contact: <sip:alice@192.0.2.7:5062>;expires=0\r\n";
	send_under(&cl, id, with_verify(WANTED, server_of(id)));
	fake_clear(f);
	fake_respond(f, RESPONSE("200 OK", "P-Associated-URI: <sip:alice@ims.example>\r\n"));
	assert_string_equal(f->trace, "unstore\nunstore sa\nuninstall\n200 OK\n");
	assert_int_equal(registrations_count(f->c.registrations), 0);
	/* The response goes under it, and its repeats. */
	assert_int_equal(sas_find(f->c.sas, id)->state, SA_LEAVING);
	run_out(id);
	assert_int_equal(sas_total(f->c.sas), 0);
}

static void end_of_the_registration_ends_all_sets(void **state)
{
	struct client cl = {0};
	uint64_t old = register_protected(&cl), id = challenge_again(&cl, old, SECOND);

	send_under(&cl, id, with_verify(SECOND, server()));
	fake_respond(f, OK_UNTIL("600"));
	contact()->expires_wall_ms = 1;
	registrar_expire(f->c.registrar,
			 registrations_by_impu(f->c.registrations, "sip:alice@ims.example"));
	assert_int_equal(registrations_count(f->c.registrations), 0);
	assert_int_equal(sas_find(f->c.sas, old)->state, SA_LEAVING);
	assert_int_equal(sas_find(f->c.sas, id)->state, SA_LEAVING);
}

static void limits(void **state)
{
	struct client cl = {.extra = FIRST};
	char user[16], src[32], lines[512];

	/* As many as one address may have; then the others'. */
	for (int i = 0; i < 12; i++) {
		snprintf(user, sizeof(user), "u%d", i);
		snprintf(src, sizeof(src), "192.0.2.7:%d", 5060 + i);
		cl.user = user;
		cl.src = src;
		snprintf(lines, sizeof(lines),
			 CLIENT("ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;spi-c=%d;spi-s=%d;"
				"port-c=7000;port-s=7001"),
			 1000 + i, 2000 + i);
		cl.extra = lines;
		client_send(f, &cl, "");
		fake_respond(f, CHALLENGE);
		assert_int_equal(f->status, i < 5 ? 401 : 503);
		if (i >= 5)
			assert_non_null(strstr(f->headers, "Retry-After: "));
	}
	assert_int_equal(refused(SA_REFUSED_ADDRESS_FULL), 7);
	f->conf.pcscf.temporary_address = 100;
	f->conf.pcscf.temporary = 5;
	cl = (struct client){.extra = FIRST};
	client_send(f, &cl, EMPTY);
	fake_respond(f, CHALLENGE);
	assert_int_equal(f->status, 503);
	assert_int_equal(refused(SA_REFUSED_TEMPORARY_FULL), 1);
	f->conf.pcscf.temporary = 100;
	f->conf.pcscf.sa_sets = 5;
	client_send(f, &cl, EMPTY);
	fake_respond(f, CHALLENGE);
	assert_int_equal(f->status, 503);
	assert_int_equal(refused(SA_REFUSED_FULL), 1);
	assert_int_equal(sas_total(f->c.sas), 5);
	/* Without a limit of its own: four for each user. */
	f->conf.pcscf.sa_sets = 0;
	challenge(&cl, FIRST);
	assert_int_equal(sas_total(f->c.sas), 6);
}

static void data_plane_refuses(void **state)
{
	struct client cl = {.extra = FIRST};

	f->install_status = INSTALL_NO_MEMORY;
	client_send(f, &cl, EMPTY);
	fake_respond(f, CHALLENGE);
	assert_int_equal(f->status, 503);
	assert_non_null(strstr(f->headers, "Retry-After: "));
	assert_int_equal(sas_total(f->c.sas), 0);
	f->install_status = -1; /* the link is down */
	client_send(f, &cl, EMPTY);
	fake_respond(f, CHALLENGE);
	assert_int_equal(f->status, 503);
	assert_int_equal(refused(SA_REFUSED_NOT_INSTALLED), 2);
	assert_int_equal(sas_total(f->c.sas), 0);
}

static void registration_that_cannot_be_kept(void **state)
{
	struct client cl = {0};
	uint64_t id = challenge(&cl, FIRST);
	const struct sa *sa = sas_find(f->c.sas, id);

	send_under(&cl, id, with_verify(FIRST, server()));
	f->install_status = INSTALL_NO_MEMORY;
	fake_clear(f);
	fake_respond(f, OK_UNTIL("600"));
	assert_int_equal(f->status, 503);
	/* What was written of it is taken back. */
	assert_string_equal(f->trace, "store sa port_uc=5001 set=yes\n"
				      "store sip:alice@ims.example contacts=1\n"
				      "install sa active port_uc=5001 port_pc=5102\n"
				      "install sip:alice@ims.example roles=1 impus=1 "
				      "<sip:alice@192.0.2.7:5062> 192.0.2.7:5001\n"
				      "unstore sa\n"
				      "install sa temporary port_uc=5001 port_pc=5102\n"
				      "unstore\n"
				      "503 Service Unavailable\n");
	assert_int_equal(sa->state, SA_LEAVING);
	assert_int_equal(registrations_count(f->c.registrations), 0);
}

/* A refresh that fails leaves set and registration as they were. */
static void refresh_that_cannot_be_kept(void **state)
{
	struct client cl = {0};
	uint64_t id = register_protected(&cl);
	const struct sa *sa = sas_find(f->c.sas, id);
	uint64_t due = sa->due_wall_ms;

	send_under(&cl, id, with_verify(WANTED, server_of(id)));
	f->install_status = INSTALL_NO_MEMORY;
	fake_clear(f);
	fake_respond(f, OK_UNTIL("3600"));
	assert_int_equal(f->status, 503);
	assert_int_equal(sa->state, SA_ACTIVE);
	assert_int_equal(sa->due_wall_ms, due);
	assert_int_equal(contact()->sa_id, id);
	assert_null(strstr(f->trace, "unstore sa"));
}

static void ue_behind_a_nat(void **state)
{
	static const char both[] =
		CLIENT("ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;mod=trans;" ENDS(
			"500") ",ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;mod=UDP-enc-"
			       "tun;" ENDS("600"));
	struct client cl = {.src = "198.51.100.9:40001", .extra = both};
	const struct sa *sa;
	uint64_t id;

	client_send(f, &cl, EMPTY);
	fake_respond(f, CHALLENGE);
	assert_int_equal(f->status, 401);
	id = f->installed_sa;
	sa = sas_find(f->c.sas, id);
	assert_int_equal(sa->ue.ip[0], 192);
	assert_int_equal(sa->ue.ip[3], 7);
	assert_int_equal(sa->ue.port, 6001);
	assert_int_equal(sa->nat.ip[3], 9);
	assert_int_equal(sa->nat.port, 40001);
	assert_int_equal(sa->spi_uc, 600001);
	assert_non_null(strstr(server(), "mod=UDP-enc-tun"));
	assert_null(strstr(server(), "mod=trans"));
	send_under(&cl, id, with_verify(both, server()));
	fake_respond(f, OK_UNTIL("600"));
	assert_int_equal(f->status, 200);
	assert_true(addr_eq(&contact()->flow, &sa->ue));
	assert_int_equal(contact()->sa_id, id);
}

/* Behind a NAT a UE may have an address like a peer's; it is none, whatever Path it brings. */
static void ue_with_an_address_like_a_peers(void **state)
{
	static const char nat[] = CLIENT(
		"ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;mod=UDP-enc-tun;" ENDS("500"));
	struct client cl = {.src = "198.51.100.9:40001", .extra = nat};
	struct sa *sa;

	client_send(f, &cl, EMPTY);
	fake_respond(f, CHALLENGE);
	sa = sas_find(f->c.sas, f->installed_sa);
	f->under = sa->id;
	cl.src = "10.0.0.77:5001";
	cl.extra = with_verify("Path: <sip:evil@10.0.0.77;lr>\r\n", server());
	client_send(f, &cl, CREDENTIALS);
	assert_int_equal(f->status, 494); /* the P-CSCF's checks */
	assert_int_equal(refused(SA_REFUSED_CLIENT), 1);
}

/* Nothing begins under a set that leaves. */
static void set_that_leaves_takes_no_register(void **state)
{
	struct client cl = {0};
	uint64_t id = register_protected(&cl);

	registrar_deregister(f->c.registrar, SLICE("alice@ims.example"), NULL, 0,
			     CX_REASON_PERMANENT_TERMINATION);
	assert_int_equal(sas_find(f->c.sas, id)->state, SA_LEAVING);
	fake_clear(f);
	send_under(&cl, id, with_verify(SECOND, server_of(id)));
	assert_int_equal(f->status, 500);
	assert_int_equal(refused(SA_REFUSED_UNKNOWN), 1);
	assert_null(strstr(f->trace, "send"));
}

/* The set went while the registrar was asked: the contact is not bound in clear instead. */
static void set_that_goes_meanwhile_binds_nothing(void **state)
{
	struct client cl = {0};
	uint64_t id = challenge(&cl, FIRST);

	send_under(&cl, id, with_verify(FIRST, server()));
	sas_remove(f->c.sas, sas_find(f->c.sas, id));
	fake_respond(f, OK_UNTIL("600"));
	assert_int_equal(f->status, 503);
	assert_int_equal(registrations_count(f->c.registrations), 0);
}

/* After a restart: sets of registrations that are gone leave, the others stay. */
static void start_with_what_was_stored(void **state)
{
	struct client cl = {0};
	uint64_t id = register_protected(&cl);
	struct sa *stray = sa_new();

	*stray = *sas_find(f->c.sas, id);
	stray->id = 77;
	stray->set_id = 4711;
	stray->spi_pc = 300;
	stray->spi_ps = 301;
	stray->impi = strdup("x");
	stray->impu = strdup("sip:x");
	assert_true(sas_put(f->c.sas, stray));
	assert_true(agreement_open(&f->c));
	assert_int_equal(stray->state, SA_LEAVING);
	assert_int_equal(sas_find(f->c.sas, id)->state, SA_ACTIVE);
}

/* Without protected ports all is as it was before there were agreements. */
static void switched_off(void **state)
{
	struct client cl = {.extra = FIRST};

	f->conf.pcscf.port_ps = 0;
	client_send(f, &cl, EMPTY);
	assert_int_equal(f->status, 420);
	cl.extra = "Security-Verify: x\r\n";
	client_send(f, &cl, EMPTY);
	fake_respond(f, CHALLENGE);
	assert_int_equal(f->status, 401);
	assert_null(strstr(f->headers, "ck="));
	assert_int_equal(sas_total(f->c.sas), 0);
}

#define T(name)     cmocka_unit_test_setup_teardown(name, setup, teardown)
#define T_ALL(name) cmocka_unit_test_setup_teardown(name, setup_all, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(first_register_gets_a_temporary_set),
		T(other_options_go_on),
		T(second_register_proves_it),
		T_ALL(whole_registration_on_one_node),
		T_ALL(not_challenged_again),
		T(wrong_in_clear),
		T(clear_at_a_protected_port),
		T(lists_too_long),
		T(policy_decides_who_may_go_without),
		T(challenge_without_keys_needs_no_set),
		T(wrong_under_the_set),
		T(identity_without_credentials),
		T(refused_registration_drops_the_temporary_set),
		T(temporary_set_runs_out),
		T(temporary_set_in_work_stays),
		T(another_challenge_takes_its_place),
		T(answered_without_a_challenge_it_lasts_longer),
		T(new_set_succeeds_the_old),
		T(register_under_the_new_set_uses_it),
		T(ue_that_begins_anew_in_clear),
		T(spi_that_is_in_use),
		T(deregistration_ends_all_sets),
		T(end_of_the_registration_ends_all_sets),
		T(limits),
		T(data_plane_refuses),
		T(registration_that_cannot_be_kept),
		T(refresh_that_cannot_be_kept),
		T(ue_behind_a_nat),
		T(ue_with_an_address_like_a_peers),
		T(set_that_leaves_takes_no_register),
		T(set_that_goes_meanwhile_binds_nothing),
		T(start_with_what_was_stored),
		T(switched_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
