/* test_network.c - registrations that time, the HSS or the operator end or change */
#include <ev.h>

#include "base/clock.h"
#include "client.h"

static struct fake *f;

static int setup(void **state)
{
	struct client cl = {0};

	f = fake_new(CONF_PCSCF | CONF_ICSCF | CONF_SCSCF);
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	fake_clear(f);
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

static void expiry(void **state)
{
	struct client other = {.call_id = "c2",
			       .contact = "Contact: <sip:alice@192.0.2.9>\r\n"};

	registrar_expire(f->c.registrar, alice());
	assert_string_equal(f->trace, "");
	client_register(f, &other);
	fake_clear(f);
	alice()->contact[0].expires_wall_ms = clock_wall_ms();
	registrar_expire(f->c.registrar, alice());
	assert_string_equal(f->trace, "store sip:alice@ims.example contacts=1\n"
				      "install sip:alice@ims.example roles=3 impus=2 "
				      "<sip:alice@192.0.2.9> 192.0.2.7:5062\n");
	fake_clear(f);
	alice()->contact[0].expires_wall_ms = clock_wall_ms() - 1;
	registrar_expire(f->c.registrar, alice());
	assert_string_equal(
		f->trace, "SAR TIMEOUT_DEREGISTRATION alice@ims.example sip:alice@ims.example\n"
			  "unstore\nuninstall\n");
	assert_null(alice());
}

/* While a refresh is being written the old expiry must not take the set away under it. */
static void expiry_during_refresh(void **state)
{
	struct client cl = {.cseq = 10};
	uint64_t due;

	fake_aka(f);
	client_send(f, &cl, "");
	cl.nc = 1;
	f->hold = true;
	client_send(f, &cl, client_authorization(f, &cl, AUTH_AKAV1_MD5, RES));
	/* UAR is answered; the disk is not done yet. */
	struct fake_pending uar = f->pending[0];
	f->n_pending = 0;
	((void (*)(void *, const struct cx_uaa *))uar.fn)(uar.ctx, &f->uaa);
	assert_int_equal(f->pending[0].kind, PENDING_STORE);
	alice()->contact[0].expires_wall_ms = 1;
	registrations_touch(f->c.registrations, alice());
	fake_clear(f);
	registrar_expire(f->c.registrar, alice());
	assert_string_equal(f->trace, "");
	assert_non_null(registrations_next_expiry(f->c.registrations, &due));
	assert_true(due > clock_wall_ms());
	fake_run(f);
	assert_int_equal(f->status, 200);
	assert_int_equal(alice()->n_contact, 1);
	assert_true(alice()->contact[0].expires_wall_ms > clock_wall_ms() + 3000000);
}

static int rtr(const char *impi, const char *impu)
{
	struct cx_rtr q = {.impi = slice_str(impi)};
	struct cx_rta a = {0};

	if (impu)
		q.impu[q.n_impus++] = slice_str(impu);
	registrar_rtr(&f->c, &q, &a);
	return a.result;
}

static void rtr_by_impi(void **state)
{
	assert_int_equal(rtr("nobody@ims.example", NULL), CX_SUCCESS);
	assert_non_null(alice());
	assert_int_equal(rtr("nobody@ims.example", "sip:alice@ims.example"), CX_SUCCESS);
	assert_non_null(alice());
	assert_int_equal(rtr("alice@ims.example", NULL), CX_SUCCESS);
	assert_null(alice());
	/* The HSS knows: it asked. */
	assert_string_equal(f->trace, "unstore\nuninstall\n");
}

static void rtr_by_impu(void **state)
{
	assert_int_equal(rtr("alice@ims.example", "sip:bob@ims.example"), CX_SUCCESS);
	assert_non_null(alice());
	assert_int_equal(rtr("alice@ims.example", "tel:+15551234"), CX_SUCCESS);
	assert_null(alice());
}

/* An RTR between the HSS's assignment and the 200 OK: the registration does not come back. */
static void rtr_during_refresh(void **state)
{
	struct client cl = {.cseq = 10};

	fake_aka(f);
	client_send(f, &cl, "");
	cl.nc = 1;
	f->hold = true;
	client_send(f, &cl, client_authorization(f, &cl, AUTH_AKAV1_MD5, RES));
	struct fake_pending uar = f->pending[0];
	f->n_pending = 0;
	((void (*)(void *, const struct cx_uaa *))uar.fn)(uar.ctx, &f->uaa);
	rtr("alice@ims.example", NULL);
	assert_null(alice());
	fake_run(f);
	assert_int_equal(f->status, 500);
	assert_null(alice());
	assert_non_null(strstr(f->trace, "uninstall\n500"));
}

static void by_operator(void **state)
{
	struct slice impu = SLICE("sip:alice@ims.example");

	assert_int_equal(registrar_deregister(f->c.registrar, SLICE_EMPTY, &impu, 1,
					      CX_REASON_PERMANENT_TERMINATION),
			 1);
	assert_string_equal(
		f->trace,
		"unstore\nuninstall\n"
		"SAR ADMINISTRATIVE_DEREGISTRATION alice@ims.example sip:alice@ims.example\n");
	assert_int_equal(registrar_deregister(f->c.registrar, SLICE_EMPTY, &impu, 1,
					      CX_REASON_PERMANENT_TERMINATION),
			 0);
	assert_int_equal(registrar_deregister(f->c.registrar, SLICE_EMPTY, NULL, 0,
					      CX_REASON_PERMANENT_TERMINATION),
			 0);
}

static int ppr(const char *impi, struct slice xml)
{
	struct cx_ppr q = {.impi = slice_str(impi), .user_data = xml};
	struct cx_ppa a = {0};

	registrar_ppr(&f->c, &q, &a);
	return a.result;
}

static void profile_pushed(void **state)
{
	assert_int_equal(
		ppr("alice@ims.example",
		    SLICE(FAKE_PROFILE(FAKE_IDENTITY("sip:alice@ims.example")
					       FAKE_IDENTITY("sip:ally@ims.example")))),
		CX_SUCCESS);
	assert_string_equal(f->trace, "store sip:alice@ims.example contacts=1\n"
				      "install sip:alice@ims.example roles=3 impus=2 "
				      "<sip:alice@192.0.2.7:5062> 192.0.2.7:5062\n");
	assert_ptr_equal(registrations_by_impu(f->c.registrations, "sip:ally@ims.example"),
			 alice());
	assert_null(registrations_by_impu(f->c.registrations, "tel:+15551234"));
	/* Another identity in front gives the set another id. */
	fake_clear(f);
	assert_int_equal(
		ppr("alice@ims.example",
		    SLICE(FAKE_PROFILE(FAKE_IDENTITY("sip:ally@ims.example")
					       FAKE_IDENTITY("sip:alice@ims.example")))),
		CX_SUCCESS);
	assert_string_equal(f->trace,
			    "unstore\nuninstall\nstore sip:ally@ims.example contacts=1\n"
			    "install sip:ally@ims.example roles=3 impus=2 "
			    "<sip:alice@192.0.2.7:5062> 192.0.2.7:5062\n");
	assert_int_equal(registrations_count(f->c.registrations), 1);
	assert_int_equal(alice()->n_contact, 1);
}

static void profile_refused(void **state)
{
	assert_int_equal(ppr("nobody@ims.example", SLICE(FAKE_ALICE)), CX_ERROR_USER_UNKNOWN);
	assert_int_equal(ppr("alice@ims.example", SLICE("<x/>")),
			 CX_ERROR_NOT_SUPPORTED_USER_DATA);
	assert_int_equal(ppr("alice@ims.example", SLICE("<!DOCTYPE x>" FAKE_ALICE)),
			 CX_ERROR_NOT_SUPPORTED_USER_DATA);
	assert_int_equal(ppr("alice@ims.example",
			     SLICE(FAKE_PROFILE(FAKE_IDENTITY("sip:bob@ims.example")))),
			 CX_ERROR_USER_UNKNOWN);
	assert_int_equal(ppr("alice@ims.example",
			     SLICE(FAKE_PROFILE(FAKE_BARRED("sip:alice@ims.example")))),
			 CX_ERROR_NOT_SUPPORTED_USER_DATA);
	/* Nothing at all. */
	assert_int_equal(ppr("alice@ims.example", SLICE_EMPTY), CX_SUCCESS);
	assert_string_equal(f->trace, "");
	assert_int_equal(alice()->n_impu, 2);
}

static char *repeated(const char *head, const char *each, uint32_t n, const char *tail)
{
	size_t len = strlen(head) + n * strlen(each) + strlen(tail) + 1;
	char *out = malloc(len), *at = stpcpy(out, head);

	while (n--)
		at = stpcpy(at, each);
	strcpy(at, tail);
	return out;
}

#define SOUND                                                                                  \
	"<IMSSubscription><PrivateID>alice@ims.example</PrivateID><ServiceProfile>"            \
	"<PublicIdentity><Identity>sip:alice@ims.example</Identity></PublicIdentity>"
#define END "</ServiceProfile></IMSSubscription>"

/* XML from the HSS that is huge, deep, or carries entities: refused wherever it comes from, by
 * a code, and nothing changes. */
static void hostile_profiles(void **state)
{
	char *xml[] = {
		repeated(SOUND, "<a>", 100, END),
		repeated(SOUND "<x>", "aaaaaaaaaaaaaaaa", 4000, "</x>" END),
		repeated(SOUND, "<a/>", 20000, END),
		repeated("<!DOCTYPE l [<!ENTITY a \"ha\">", "<!ENTITY b \"&a;&a;\">", 20,
			 "]>" SOUND "&b;" END),
		repeated("<!DOCTYPE l SYSTEM \"file:///etc/passwd\">", "", 0, SOUND END),
		repeated(SOUND "<Extension>&", "x", 1, ";</Extension>" END),
		repeated("<?xml version=\"1.0\" encoding=\"UTF-7\"?>+ADwAIQ-DOCTYPE l [", "", 0,
			 "]>" SOUND END),
		repeated(SOUND "</ServiceProfile>", "<ServiceProfile/>", 300,
			 "</IMSSubscription>"),
		repeated(SOUND "</ServiceProfile", "", 0, "<"),
	};
	struct client bob = {.user = "bob",
			     .username = "bob@ims.example",
			     .call_id = "b",
			     .contact = "Contact: <sip:bob@192.0.2.8>\r\n"};
	char *before = strdup(alice()->user_data);

	for (size_t i = 0; i < sizeof(xml) / sizeof(xml[0]); i++) {
		fake_clear(f);
		assert_int_equal(ppr("alice@ims.example", slice_str(xml[i])),
				 CX_ERROR_NOT_SUPPORTED_USER_DATA);
		assert_string_equal(f->trace, "");
		assert_string_equal(alice()->user_data, before);
		assert_int_equal(alice()->n_impu, 2);
		f->saa.user_data = slice_str(xml[i]);
		client_register(f, &bob);
		assert_int_equal(f->status, 500);
		/* The HSS learns that nobody is registered after all. */
		assert_non_null(strstr(f->trace, "SAR ADMINISTRATIVE_DEREGISTRATION"));
		assert_null(strstr(f->trace, "store"));
		assert_null(registrations_by_impu(f->c.registrations, "sip:bob@ims.example"));
		free(xml[i]);
	}
	free(before);
}

/* TS 29.228 §6.2.1: charging addresses alone; the profile stays. */
static void charging_pushed(void **state)
{
	struct cx_ppr q = {.impi = SLICE("alice@ims.example"),
			   .charging = {.primary_ccf = SLICE("aaa://ccf1.ims.example"),
					.secondary_ccf = SLICE("ccf2\r\n\"x"),
					.primary_ecf = SLICE("ecf1")}};
	struct cx_ppa a = {0};

	registrar_ppr(&f->c, &q, &a);
	assert_int_equal(a.result, CX_SUCCESS);
	assert_string_equal(alice()->charging,
			    "ccf=\"aaa://ccf1.ims.example\"; ccf=\"ccf2x\"; ecf=\"ecf1\"");
	assert_int_equal(alice()->n_impu, 2);
	assert_non_null(strstr(f->trace, "store sip:alice@ims.example contacts=1\n"));
	q.impi = SLICE("nobody@ims.example");
	registrar_ppr(&f->c, &q, &a);
	assert_int_equal(a.result, CX_ERROR_USER_UNKNOWN);
	/* A profile alone does not take them away. */
	assert_int_equal(ppr("alice@ims.example", SLICE(FAKE_ALICE)), CX_SUCCESS);
	assert_non_null(strstr(alice()->charging, "ccf1"));
}

/* A profile that names another user's identity does not take it from him. */
static void profile_that_steals(void **state)
{
	struct client bob = {.user = "bob",
			     .username = "bob@ims.example",
			     .contact = "Contact: <sip:bob@192.0.2.8>\r\n"};

	f->saa.user_data = SLICE(FAKE_PROFILE(FAKE_IDENTITY("sip:bob@ims.example")));
	client_register(f, &bob);
	assert_int_equal(f->status, 200);
	assert_int_equal(ppr("alice@ims.example",
			     SLICE(FAKE_PROFILE(FAKE_IDENTITY("sip:alice@ims.example")
							FAKE_IDENTITY("sip:bob@ims.example")))),
			 CX_UNABLE_TO_COMPLY);
	f->saa.user_data = SLICE(FAKE_PROFILE(FAKE_IDENTITY("sip:carol@ims.example")
						      FAKE_IDENTITY("sip:bob@ims.example")));
	bob = (struct client){.user = "carol", .username = "carol@ims.example"};
	client_register(f, &bob);
	assert_int_equal(f->status, 503);
	assert_string_equal(
		registrations_by_impu(f->c.registrations, "sip:bob@ims.example")->impi,
		"bob@ims.example");
}

static void run_timer(double seconds)
{
	ev_sleep(seconds);
	ev_run(f->c.loop, EVRUN_ONCE);
}

/* TS 24.229 §5.4.1.2.3A: nobody answers the challenge. */
static void challenge_times_out(void **state)
{
	struct client bob = {.user = "bob"};
	struct client cl = {.cseq = 20};

	registrar_close(f->c.registrar);
	f->conf.control.nonce_ttl_s = 0;
	f->c.registrar = registrar_open(&f->c);
	fake_aka(f);
	client_send(f, &bob, "");
	client_send(f, &cl, "");
	fake_clear(f);
	run_timer(0.3);
	/* Not for alice: a stranger's REGISTER does not touch one who is registered. */
	assert_string_equal(f->trace,
			    "SAR AUTHENTICATION_TIMEOUT bob@ims.example sip:bob@ims.example\n");
}

static void statistics(void **state)
{
	struct client cl = {.cseq = 10};
	struct registrar_stats s;

	client_register(f, &cl);
	cl.contact = "Contact: *\r\nExpires: 0\r\n";
	client_register(f, &cl);
	registrar_stats(f->c.registrar, &s);
	assert_int_equal(s.successes[0], 1);
	assert_int_equal(s.successes[1], 1);
	assert_int_equal(s.successes[2], 1);
	assert_int_equal(s.attempts[0] + s.attempts[1] + s.attempts[2], 3);
	assert_int_equal(s.auth_ok, 3);
	assert_int_equal(s.challenges, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(expiry),           T(expiry_during_refresh), T(rtr_by_impi),
		T(rtr_by_impu),      T(rtr_during_refresh),    T(by_operator),
		T(profile_pushed),   T(profile_refused),       T(charging_pushed),
		T(hostile_profiles), T(profile_that_steals),   T(challenge_times_out),
		T(statistics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
