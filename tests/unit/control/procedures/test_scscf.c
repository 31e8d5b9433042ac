/* test_scscf.c - the registrar: what goes in, what comes out, in which order */
#include "client.h"

static struct fake *f;

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

static struct registration_set *alice(void)
{
	return registrations_by_impu(f->c.registrations, "sip:alice@ims.example");
}

/* Composed: AKA from the first REGISTER to the binding, line by line. */
static void registers(void **state)
{
	struct client cl = {0};

	client_register(f, &cl);
	assert_string_equal(
		f->trace,
		"UAR alice@ims.example sip:alice@ims.example registration visited=ims.example\n"
		"MAR alice@ims.example sip:alice@ims.example Unknown\n"
		"401 Unauthorized\n"
		"UAR alice@ims.example sip:alice@ims.example registration visited=ims.example\n"
		"SAR REGISTRATION alice@ims.example sip:alice@ims.example\n"
		"store sip:alice@ims.example contacts=1\n"
		"install sip:alice@ims.example roles=3 impus=2 <sip:alice@192.0.2.7:5062> "
		"192.0.2.7:5062\n"
		"200 OK\n");
	assert_string_equal(f->headers,
			    "Contact: <sip:alice@192.0.2.7:5062>;expires=3600\r\n"
			    "Service-Route: <sip:orig@scscf.ims.example:5060;lr>\r\n"
			    "P-Associated-URI: <sip:alice@ims.example>, <tel:+15551234>\r\n");
	assert_ptr_equal(registrations_by_impu(f->c.registrations, "tel:+15551234"), alice());
	assert_int_equal(alice()->impu_flags[0], ABI_IMPU_DEFAULT);
	assert_string_equal(alice()->impi, "alice@ims.example");
	assert_string_equal(alice()->user_data, FAKE_ALICE);
}

/* The keys stay inside, the challenge does not. */
static void challenge_to_the_terminal(void **state)
{
	struct client cl = {0};

	fake_aka(f);
	client_send(f, &cl, "");
	assert_string_equal(fake_param(f, "nonce"),
			    "ERERERERERERERERERERESIiIiIiIiIiIiIiIiIiIiI=");
	assert_string_equal(fake_param(f, "realm"), "ims.example");
	assert_non_null(strstr(f->headers, "algorithm=AKAv1-MD5"));
	assert_null(strstr(f->headers, "ck="));
	assert_null(strstr(f->headers, "3333"));
}

static void digest(void **state)
{
	struct client cl = {0};
	const char *line;

	fake_digest(f, "alice@ims.example", "secret");
	client_send(f, &cl, "");
	assert_int_equal(f->status, 401);
	const char *sha = strstr(f->headers, "SHA-256"),
		   *md5 = strstr(f->headers, "algorithm=MD5");
	assert_true(sha && md5 && sha < md5);
	cl.nc = 1;
	line = client_authorization(f, &cl, AUTH_SHA256, SLICE("secret"));
	client_send(f, &cl, line);
	assert_int_equal(f->status, 200);
	/* The same count again is a replay, whatever CSeq it has. */
	fake_clear(f);
	client_send(f, &cl, line);
	assert_int_equal(f->status, 401);
	assert_null(strstr(f->headers, "stale"));
	assert_null(strstr(f->trace, "SAR"));
	assert_null(strstr(f->trace, "store"));
}

/* A nonce may be used again with a higher count, and needs no MAR then. */
static void nonce_count_rises(void **state)
{
	struct client cl = {.nc = 1};

	fake_digest(f, "alice@ims.example", "secret");
	client_send(f, &cl, "");
	client_send(f, &cl, client_authorization(f, &cl, AUTH_MD5, SLICE("secret")));
	assert_int_equal(f->status, 200);
	fake_clear(f);
	cl.nc = 2;
	client_send(f, &cl, client_authorization(f, &cl, AUTH_MD5, SLICE("secret")));
	assert_string_equal(
		f->trace,
		"UAR alice@ims.example sip:alice@ims.example registration visited=ims.example\n"
		"store sip:alice@ims.example contacts=1\n"
		"install sip:alice@ims.example roles=3 impus=2 <sip:alice@192.0.2.7:5062> "
		"192.0.2.7:5062\n"
		"200 OK\n");
	/* Without qop a nonce serves once, and this one has served. */
	cl.nc = 0;
	client_send(f, &cl, client_authorization(f, &cl, AUTH_MD5, SLICE("secret")));
	assert_int_equal(f->status, 401);
	client_send(f, &cl, client_authorization(f, &cl, AUTH_MD5, SLICE("secret")));
	assert_int_equal(f->status, 200);
}

static void stale(void **state)
{
	struct client cl = {.nc = 1};

	fake_digest(f, "alice@ims.example", "secret");
	client_send(
		f, &cl,
		"Authorization: Digest username=\"alice@ims.example\",realm=\"ims.example\","
		"uri=\"sip:ims.example\",nonce=\"\",response=\"\",algorithm=MD5\r\n");
	assert_non_null(strstr(f->trace, "MAR alice@ims.example sip:alice@ims.example Digest"));
	/* A nonce of before a restart: right but for its age. */
	f->status = 401;
	strcpy(f->headers, "nonce=\"long-gone\"");
	client_send(f, &cl, client_authorization(f, &cl, AUTH_MD5, SLICE("secret")));
	assert_int_equal(f->status, 401);
	assert_non_null(strstr(f->headers, "stale=true"));
	strcpy(f->headers, "nonce=\"long-gone\"");
	client_send(f, &cl, client_authorization(f, &cl, AUTH_MD5, SLICE("guess")));
	assert_int_equal(f->status, 401);
	assert_null(strstr(f->headers, "stale"));
	/* Guessing at nonces of one's own choice is counted as well. */
	strcpy(f->headers, "nonce=\"long-gone\"");
	client_send(f, &cl, client_authorization(f, &cl, AUTH_MD5, SLICE("guess")));
	strcpy(f->headers, "nonce=\"long-gone\"");
	f->status = 401;
	client_send(f, &cl, client_authorization(f, &cl, AUTH_MD5, SLICE("guess")));
	assert_int_equal(f->status, 403);
}

static void wrong_thrice(void **state)
{
	struct client cl = {.nc = 1};

	fake_aka(f);
	client_send(f, &cl, "");
	for (int i = 0; i < 2; i++) {
		client_send(f, &cl,
			    client_authorization(f, &cl, AUTH_AKAV1_MD5, SLICE("wrong")));
		assert_int_equal(f->status, 401);
	}
	fake_clear(f);
	f->status = 401;
	client_send(f, &cl, client_authorization(f, &cl, AUTH_AKAV1_MD5, SLICE("wrong")));
	assert_int_equal(f->status, 403);
	assert_string_equal(
		f->trace,
		"UAR alice@ims.example sip:alice@ims.example registration visited=ims.example\n"
		"SAR AUTHENTICATION_FAILURE alice@ims.example sip:alice@ims.example\n"
		"403 Forbidden\n");
	assert_string_equal(f->headers, "Warning: 399 saker \"authentication failed\"\r\n");
	assert_null(alice());
}

/* An AKA nonce is spent by its first response: the same message again changes nothing. */
static void aka_replay(void **state)
{
	struct client cl = {.nc = 1};
	char line[2048];

	fake_aka(f);
	client_send(f, &cl, "");
	strcpy(line, client_authorization(f, &cl, AUTH_AKAV1_MD5, RES));
	client_send(f, &cl, line);
	assert_int_equal(f->status, 200);
	fake_clear(f);
	cl.contact = "Contact: <sip:evil@192.0.2.66>\r\n";
	cl.src = "192.0.2.66:5060";
	client_send(f, &cl, line);
	assert_int_equal(f->status, 401);
	assert_null(strstr(f->trace, "store"));
	assert_string_equal(alice()->contact[0].uri, "sip:alice@192.0.2.7:5062");
}

static void resynchronisation(void **state)
{
	struct client cl = {.nc = 1, .auts = "AAECAwQFBgcICQoLDA0="};

	fake_aka(f);
	client_send(f, &cl, "");
	for (int i = 0; i < 2; i++) {
		fake_clear(f);
		f->status = 401;
		strcpy(f->headers, "nonce=\"ERERERERERERERERERERESIiIiIiIiIiIiIiIiIiIiI=\"");
		client_send(f, &cl, client_authorization(f, &cl, AUTH_AKAV1_MD5, SLICE_EMPTY));
		assert_non_null(strstr(
			f->trace, "MAR alice@ims.example sip:alice@ims.example AKA auts\n401"));
		assert_int_equal(f->auts_len, 30);
		assert_int_equal(f->auts[0], 0x11);
		assert_int_equal(f->auts[29], 13);
	}
	client_send(f, &cl, client_authorization(f, &cl, AUTH_AKAV1_MD5, SLICE_EMPTY));
	assert_int_equal(f->status, 403);
}

/* A challenge for one's own identity is no ticket for another's. */
static void identity_of_another(void **state)
{
	struct client cl = {.nc = 1};
	const char *line;

	fake_digest(f, "alice@ims.example", "secret");
	client_send(f, &cl, "");
	line = client_authorization(f, &cl, AUTH_MD5, SLICE("secret"));
	fake_clear(f);
	cl.user = "bob";
	client_send(f, &cl, line);
	assert_int_equal(f->status, 401);
	assert_non_null(strstr(f->trace, "MAR alice@ims.example sip:bob@ims.example"));
	f->uaa.result = CX_ERROR_IDENTITIES_DONT_MATCH;
	client_send(f, &cl, line);
	assert_int_equal(f->status, 403);
	/* And where the HSS lets it pass, the profile decides. */
	f->uaa.result = CX_FIRST_REGISTRATION;
	client_send(f, &cl,
		    "Authorization: Digest "
		    "username=\"alice@ims.example\",realm=\"ims.example\",nonce=\"\","
		    "response=\"\",uri=\"sip:ims.example\"\r\n");
	client_send(f, &cl, client_authorization(f, &cl, AUTH_MD5, SLICE("secret")));
	assert_int_equal(f->status, 403);
	assert_non_null(strstr(f->trace, "SAR ADMINISTRATIVE_DEREGISTRATION"));
	assert_int_equal(registrations_count(f->c.registrations), 0);
}

static void foreign_uri(void **state)
{
	struct client cl = {.nc = 1};

	fake_digest(f, "alice@ims.example", "secret");
	client_send(
		f, &cl,
		"Authorization: Digest username=\"alice@ims.example\",realm=\"ims.example\","
		"uri=\"sip:evil.example\",nonce=\"n\",response=\"00\"\r\n");
	assert_int_equal(f->status, 400);
}

static void two_contacts(void **state)
{
	struct client cl = {0},
		      tablet = {.call_id = "c2",
				.src = "192.0.2.8:5060",
				.contact =
					"Contact: <sip:alice@192.0.2.8>;q=0.5;expires=600\r\n"};

	client_register(f, &cl);
	client_register(f, &tablet);
	assert_int_equal(f->status, 200);
	assert_string_equal(f->headers,
			    "Contact: <sip:alice@192.0.2.7:5062>;expires=3600\r\n"
			    "Contact: <sip:alice@192.0.2.8>;q=0.5;expires=600\r\n"
			    "Service-Route: <sip:orig@scscf.ims.example:5060;lr>\r\n"
			    "P-Associated-URI: <sip:alice@ims.example>, <tel:+15551234>\r\n");
	assert_int_equal(alice()->contact[1].q, 500);
	/* A query changes nothing. */
	fake_clear(f);
	tablet.contact = "";
	client_register(f, &tablet);
	assert_int_equal(f->status, 200);
	assert_null(strstr(f->trace, "store"));
	assert_non_null(strstr(f->headers, "192.0.2.8"));
	/* One leaves, the other stays: the HSS is not concerned. */
	fake_clear(f);
	tablet.contact = "Contact: <sip:alice@192.0.2.8>;expires=0\r\n";
	client_register(f, &tablet);
	assert_int_equal(f->status, 200);
	assert_null(strstr(f->trace, "SAR"));
	assert_null(strstr(f->headers, "192.0.2.8"));
	assert_int_equal(alice()->n_contact, 1);
}

static void instance_replaces(void **state)
{
	struct client cl = {.contact = "Contact: "
				       "<sip:alice@192.0.2.7:5062>;+sip.instance=\"<urn:uuid:1>"
				       "\";reg-id=1\r\n"};

	client_register(f, &cl);
	cl.contact = "Contact: "
		     "<sip:alice@192.0.2.7:6000>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\r\n";
	client_register(f, &cl);
	assert_int_equal(alice()->n_contact, 1);
	assert_string_equal(alice()->contact[0].uri, "sip:alice@192.0.2.7:6000");
	cl.contact = "Contact: "
		     "<sip:alice@192.0.2.7:6001>;+sip.instance=\"<urn:uuid:1>\";reg-id=2\r\n";
	client_register(f, &cl);
	assert_int_equal(alice()->n_contact, 2);
	cl.contact = "Contact: "
		     "<sip:alice@192.0.2.7:6002>;+sip.instance=\"<urn:uuid:2>\";reg-id=2\r\n";
	client_register(f, &cl);
	assert_int_equal(alice()->n_contact, 3);
}

static void star(void **state)
{
	struct client cl = {0};

	client_register(f, &cl);
	cl.contact = "Contact: *\r\nExpires: 0\r\n";
	fake_clear(f);
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	assert_string_equal(f->trace,
			    "UAR alice@ims.example sip:alice@ims.example de-registration "
			    "visited=ims.example\n"
			    "MAR alice@ims.example sip:alice@ims.example Unknown\n"
			    "401 Unauthorized\n"
			    "UAR alice@ims.example sip:alice@ims.example de-registration "
			    "visited=ims.example\n"
			    "SAR USER_DEREGISTRATION alice@ims.example sip:alice@ims.example\n"
			    "unstore\nuninstall\n200 OK\n");
	assert_null(alice());
}

static void stars_that_lie(void **state)
{
	static const char *const bad[] = {
		"Contact: *\r\n",
		"Contact: *\r\nExpires: 1\r\n",
		"Contact: *, <sip:a@192.0.2.7>\r\nExpires: 0\r\n",
		"Contact: <sip:a@192.0.2.7>, *\r\nExpires: 0\r\n",
		"Contact: *\r\nContact: *\r\nExpires: 0\r\n",
		"Contact: <mailto:a@b>\r\n",
		"Contact: <sips:a@192.0.2.7>\r\n",
		"Contact: <sip:a@192.0.2.7?x=y>\r\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct client cl = {.contact = bad[i]};

		client_register(f, &cl);
		assert_int_equal(f->status, 400);
	}
}

/* The star of an old request must not end a newer registration. */
static void order(void **state)
{
	struct client cl = {.cseq = 10};

	client_register(f, &cl);
	cl.cseq = 2;
	fake_clear(f);
	client_register(f, &cl);
	assert_int_equal(f->status, 500);
	cl.cseq = 4;
	cl.contact = "Contact: *\r\nExpires: 0\r\n";
	client_register(f, &cl);
	assert_int_equal(f->status, 500);
	assert_null(strstr(f->trace, "store"));
	assert_int_equal(alice()->n_contact, 1);
	cl.call_id = "after-a-restart";
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	assert_null(alice());
}

static void intervals(void **state)
{
	struct client cl = {.contact = "Contact: <sip:alice@192.0.2.7>\r\nExpires: 59\r\n"};

	client_register(f, &cl);
	assert_int_equal(f->status, 423);
	assert_string_equal(f->headers,
			    "Warning: 399 saker \"the registration would end too soon\"\r\n"
			    "Min-Expires: 60\r\n");
	cl.contact = "Contact: <sip:alice@192.0.2.7>;expires=4294967296\r\nExpires: 59\r\n";
	client_register(f, &cl);
	assert_non_null(strstr(f->headers, ";expires=7200\r\n"));
	cl.contact = "Contact: <sip:alice@192.0.2.7>;expires=nonsense\r\n";
	client_register(f, &cl);
	assert_non_null(strstr(f->headers, ";expires=3600\r\n"));
}

static void too_many_contacts(void **state)
{
	char lines[2048] = "";
	struct client cl = {.contact = lines};

	for (int i = 0; i < SET_CONTACTS_MAX; i++)
		snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines),
			 "Contact: <sip:a@192.0.2.7:%d>\r\n", 6000 + i);
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	strcpy(lines, "Contact: <sip:one-more@192.0.2.7>\r\n");
	client_register(f, &cl);
	assert_int_equal(f->status, 403);
	assert_int_equal(alice()->n_contact, SET_CONTACTS_MAX);
}

/* Each failure on the way leaves what was there before. */
static void failures(void **state)
{
	struct client cl = {0};

	f->disk_full = true;
	client_register(f, &cl);
	assert_int_equal(f->status, 500);
	assert_null(alice());
	assert_non_null(strstr(f->trace, "SAR ADMINISTRATIVE_DEREGISTRATION"));
	assert_null(strstr(f->trace, "install"));
	f->disk_full = false;
	f->install_status = INSTALL_NO_MEMORY;
	fake_clear(f);
	client_register(f, &cl);
	assert_int_equal(f->status, 503);
	assert_non_null(strstr(f->headers, "Retry-After: "));
	assert_non_null(strstr(f->trace, "unstore\nSAR ADMINISTRATIVE_DEREGISTRATION"));
	assert_null(alice());
	f->install_status = 0;
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	/* With a binding there it is that one that goes back to the disk. */
	f->install_status = INSTALL_NO_MEMORY;
	fake_clear(f);
	cl.contact = "Contact: <sip:alice@192.0.2.7:9>\r\n";
	client_register(f, &cl);
	assert_int_equal(f->status, 503);
	assert_non_null(strstr(f->trace, "contacts=2\ninstall"));
	assert_non_null(strstr(f->trace, "\nstore sip:alice@ims.example contacts=1\n503"));
	assert_int_equal(alice()->n_contact, 1);
	/* The link went down: the next synchronisation brings it, and the user is registered.
	 */
	f->install_status = -1;
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
}

static void hss_answers(void **state)
{
	static const struct {
		int result;
		uint16_t status;
	} table[] = {{CX_NO_ANSWER, 504},
		     {CX_WINDOW_FULL, 503},
		     {CX_TOO_BUSY, 503},
		     {CX_BAD_ANSWER, 500},
		     {CX_ERROR_USER_UNKNOWN, 403},
		     {CX_ERROR_IDENTITIES_DONT_MATCH, 403},
		     {CX_ERROR_ROAMING_NOT_ALLOWED, 403},
		     {CX_UNABLE_TO_COMPLY, 500},
		     {CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED, 403}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct client cl = {.nc = 1};

		f->uaa.result = table[i].result;
		client_send(f, &cl, "");
		assert_int_equal(f->status, table[i].status);
		f->uaa.result = CX_FIRST_REGISTRATION;
		fake_aka(f);
		f->maa.result = table[i].result;
		client_send(f, &cl, "");
		assert_int_equal(f->status, table[i].status);
		f->saa.result = table[i].result;
		client_register(f, &cl);
		assert_int_equal(f->status, table[i].status);
		f->saa.result = CX_SUCCESS;
		assert_null(alice());
	}
}

/* HSS away: what is registered and known can be refreshed as far as S-CSCF and HSS go; removal
 * works. */
static void removal_without_hss(void **state)
{
	struct client cl = {0};

	client_register(f, &cl);
	f->saa.result = CX_NO_ANSWER;
	cl.contact = "Contact: <sip:alice@192.0.2.7:5062>\r\nExpires: 0\r\n";
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	assert_null(alice());
}

/* Each answer but a challenge, once. */
static void answers_are_charged(void **state)
{
	struct client cl = {0};

	f->c.charging = (struct charging *)f;
	client_register(f, &cl);
	assert_non_null(strstr(f->trace, "charge sip:alice@ims.example 200\n"));
	assert_null(strstr(f->trace, "charge sip:alice@ims.example 401"));
	fake_clear(f);
	f->disk_full = true;
	client_register(f, &cl);
	assert_non_null(strstr(f->trace, "charge sip:alice@ims.example 500\n"));
	f->disk_full = false;
	fake_clear(f);
	cl.contact = "Contact: <sip:alice@192.0.2.7:5062>\r\nExpires: 0\r\n";
	client_register(f, &cl);
	assert_non_null(strstr(f->trace, "charge sip:alice@ims.example 200 ended\n"));
}

static void bad_vectors(void **state)
{
	struct client cl = {0};

	fake_aka(f);
	f->maa.n_vectors = 0;
	client_send(f, &cl, "");
	assert_int_equal(f->status, 403);
	fake_aka(f);
	f->maa.vector[0].xres_len = 3;
	client_send(f, &cl, "");
	assert_int_equal(f->status, 403);
	fake_aka(f);
	f->conf.control.aka = false;
	client_send(f, &cl, "");
	assert_int_equal(f->status, 403);
}

static void profiles(void **state)
{
	static const struct {
		struct slice xml;
		uint16_t status;
	} table[] = {
		{SLICE_EMPTY, 500},
		{SLICE("<!DOCTYPE x>" FAKE_ALICE), 500},
		{SLICE(FAKE_PROFILE(FAKE_BARRED("sip:alice@ims.example"))), 403},
		{SLICE(FAKE_PROFILE(FAKE_IDENTITY("sip:bob@ims.example"))), 403},
		{SLICE(FAKE_PROFILE(FAKE_BARRED("sip:alice@ims.example")
					    FAKE_IDENTITY("tel:+1"))),
		 200},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct client cl = {0};

		f->saa.user_data = table[i].xml;
		client_register(f, &cl);
		assert_int_equal(f->status, table[i].status);
	}
	assert_non_null(strstr(f->headers, "P-Associated-URI: <tel:+1>\r\n"));
	assert_string_equal(alice()->impu[0], "tel:+1");
	assert_int_equal(alice()->impu_flags[1], ABI_IMPU_BARRED);
}

/* An RTR was lost: for the HSS nobody is registered any more, and it is told anew. */
static void hss_forgot(void **state)
{
	struct client cl = {0};

	client_register(f, &cl);
	fake_clear(f);
	f->hss_forgot = true;
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	assert_non_null(strstr(f->trace, "SAR RE_REGISTRATION alice@ims.example"));
	f->hss_forgot = false;
	fake_clear(f);
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	assert_null(strstr(f->trace, "SAR"));
}

/* Two REGISTERs of one user: the second waits; of too many the last is told to come again. */
static void one_at_a_time(void **state)
{
	struct client cl = {.nc = 1};

	fake_digest(f, "alice@ims.example", "secret");
	client_send(f, &cl, "");
	f->hold = true;
	f->trace[0] = 0;
	for (uint32_t i = 0; i < 6; i++) {
		cl.nc = i + 1;
		client_send(f, &cl, client_authorization(f, &cl, AUTH_MD5, SLICE("secret")));
	}
	f->n_replies = 0;
	fake_run(f);
	assert_int_equal(f->n_replies, 6);
	/* In turn: each is stored and installed before the next is begun. */
	assert_non_null(strstr(f->trace, "500 Server Internal Error\n"));
	assert_null(strstr(f->trace, "store sip:alice@ims.example contacts=1\nstore"));
	assert_int_equal(alice()->n_contact, 1);
	assert_int_equal(alice()->contact[0].cseq, 6);
}

static void not_from_a_peer(void **state)
{
	struct client cl = {0};
	struct fake *s = fake_new(CONF_SCSCF);

	client_register(s, &cl);
	assert_int_equal(s->status, 403);
	assert_string_equal(s->trace, "403 Forbidden\n");
	fake_free(s);
}

/* S-CSCF alone: Path decides where terminating requests go, and comes back; ck and ik go to the
 * P-CSCF. */
static void alone(void **state)
{
	struct client cl = {.src = "10.0.0.2:5060",
			    .extra = "Path: <sip:tok@10.0.0.7:5060;lr>\r\nRequire: path\r\n"
				     "P-Charging-Vector: icid-value=\"1\"\r\n"};
	struct fake *s = fake_new(CONF_SCSCF);

	s->saa.charging = (struct cx_charging){.primary_ccf = SLICE("ccf1.ims.example"),
					       .primary_ecf = SLICE("ecf1.ims.example")};
	fake_aka(s);
	client_send(s, &cl, "");
	assert_string_equal(fake_param(s, "ck"), "33333333333333333333333333333333");
	assert_string_equal(fake_param(s, "ik"), "44444444444444444444444444444444");
	cl.nc = 1;
	client_send(s, &cl, client_authorization(s, &cl, AUTH_AKAV1_MD5, RES));
	assert_string_equal(
		s->trace,
		"MAR alice@ims.example sip:alice@ims.example Unknown\n401 Unauthorized\n"
		"SAR REGISTRATION alice@ims.example sip:alice@ims.example\n"
		"store sip:alice@ims.example contacts=1\n"
		"install sip:alice@ims.example roles=2 impus=2 <sip:alice@192.0.2.7:5062> "
		"10.0.0.7:5060\n"
		"200 OK\n");
	assert_string_equal(s->headers,
			    "Path: <sip:tok@10.0.0.7:5060;lr>\r\n"
			    "Contact: <sip:alice@192.0.2.7:5062>;expires=3600\r\n"
			    "Service-Route: <sip:orig@scscf.ims.example:5060;lr>\r\n"
			    "P-Associated-URI: <sip:alice@ims.example>, <tel:+15551234>\r\n"
			    "P-Charging-Function-Addresses: ccf=\"ccf1.ims.example\"; "
			    "ecf=\"ecf1.ims.example\"\r\n"
			    "P-Charging-Vector: icid-value=\"1\"\r\n");
	/* A Path to nobody we know would make an open relay of us. */
	cl.extra = "Path: <sip:tok@198.51.100.1:5060;lr>\r\n";
	client_register(s, &cl);
	assert_int_equal(s->status, 403);
	cl.extra = "Path: <sip:tok@scscf.ims.example;lr>\r\n";
	client_register(s, &cl);
	assert_int_equal(s->status, 403);
	cl.extra = "Path: <sip:tok@10.0.0.7:5060;lr>\r\nRequire: path, gruu, x-other\r\n";
	client_register(s, &cl);
	assert_int_equal(s->status, 420);
	assert_non_null(strstr(s->headers, "Unsupported: x-other\r\n"));
	cl.extra = "";
	client_register(s, &cl);
	assert_int_equal(s->status, 400);
	fake_free(s);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(registers),
		T(challenge_to_the_terminal),
		T(digest),
		T(nonce_count_rises),
		T(stale),
		T(wrong_thrice),
		T(aka_replay),
		T(resynchronisation),
		T(identity_of_another),
		T(foreign_uri),
		T(two_contacts),
		T(instance_replaces),
		T(star),
		T(stars_that_lie),
		T(order),
		T(intervals),
		T(too_many_contacts),
		T(failures),
		T(hss_answers),
		T(removal_without_hss),
		T(answers_are_charged),
		T(bad_vectors),
		T(profiles),
		T(hss_forgot),
		T(one_at_a_time),
		T(not_from_a_peer),
		T(alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
