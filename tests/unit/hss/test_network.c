/* test_network.c - S-CSCF selection, service identities, restoration and reassignment, over a
 * real store */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fixture.h"
#include "hss/decide.h"
#include "hss/psi.h"
#include "hss/restoration.h"

static struct cx_saa answer;

static struct store_impu impu_of(struct fixture *f, const char *name)
{
	struct store_impu u;

	assert_int_equal(store_find_impu(f->store, slice_str(name), &u), STORE_OK);
	return u;
}

/* carol wants capabilities 1 and 2, would like 7, and sip:s1 most of all. */
static void put_carol(struct fixture *f, uint32_t services)
{
	static const char *const impu[] = {"sip:carol@home.example", NULL};
	struct store_subscriber *sub = fixture_subscriber("carol@home.example", impu);

	if (services) {
		assert_int_equal(store_profile_put(f->store, "p", SLICE("<x/>"), -1, services),
				 STORE_OK);
		strcpy(sub->profile, "p");
	}
	sub->service = (struct store_service){.n_mandatory = 2,
					      .n_optional = 1,
					      .n_servers = 1,
					      .n_ccf = 2,
					      .n_ecf = 1,
					      .mandatory = {1, 2},
					      .optional = {7},
					      .server = {"sip:s1.home.example"},
					      .ccf = {"ccf1.home.example", "ccf2.home.example"},
					      .ecf = {"ecf1.home.example"}};
	fixture_put(f, sub);
}

static void is_carols(const struct cx_capabilities *c)
{
	assert_int_equal(c->n_mandatory, 2);
	assert_int_equal(c->mandatory[0], 1);
	assert_int_equal(c->mandatory[1], 2);
	assert_int_equal(c->n_optional, 1);
	assert_int_equal(c->optional[0], 7);
	assert_int_equal(c->n_names, 1);
	assert_true(slice_eq(c->name[0], SLICE("sip:s1.home.example")));
}

static struct cx_uaa uar(struct fixture *f, enum cx_uat type)
{
	struct cx_uar r = {.impi = SLICE("carol@home.example"),
			   .impu = SLICE("sip:carol@home.example"),
			   .visited_network = SLICE("home.example"),
			   .type = type};
	struct cx_uaa a;

	hss_uar(f->hss, &r, &a);
	return a;
}

static int sar(struct fixture *f, enum cx_sat type, const char *scscf, const char *host,
	       const struct cx_restoration *restoration)
{
	struct cx_sar r = {.impi = SLICE("carol@home.example"),
			   .server_name = slice_str(scscf),
			   .type = type,
			   .origin_host = slice_str(host),
			   .n_impus = 1,
			   .impu = {SLICE("sip:carol@home.example")}};

	if (restoration)
		r.restoration = *restoration;
	hss_sar(f->hss, &r, &answer);
	return answer.result;
}

static void test_capabilities(void **state)
{
	struct fixture *f = *state;
	struct cx_lir l = {.impu = SLICE("sip:carol@home.example")};
	struct cx_uaa a;
	struct cx_lia la;

	put_carol(f, STORE_TERMINATING_UNREGISTERED);
	a = uar(f, CX_UAT_REGISTRATION);
	assert_int_equal(a.result, CX_FIRST_REGISTRATION);
	assert_int_equal(a.server_name.len, 0);
	is_carols(&a.capabilities);
	hss_lir(f->hss, &l, &la);
	assert_int_equal(la.result, CX_UNREGISTERED_SERVICE);
	is_carols(&la.capabilities);
	/* Once there is one its name is the answer; asked for both, the choice is open again.
	 */
	assert_int_equal(sar(f, CX_SAT_REGISTRATION, "sip:s9", "s9", NULL), CX_SUCCESS);
	a = uar(f, CX_UAT_REGISTRATION);
	assert_int_equal(a.result, CX_SUBSEQUENT_REGISTRATION);
	assert_int_equal(a.capabilities.n_mandatory, 0);
	a = uar(f, CX_UAT_REGISTRATION_AND_CAPABILITIES);
	assert_int_equal(a.result, CX_SUCCESS);
	assert_int_equal(a.server_name.len, 0);
	is_carols(&a.capabilities);
}

/* What is kept lives and dies with its subscription, over a restart. */
static void test_service_is_kept(void **state)
{
	struct fixture *f = *state;
	struct store_subscriber *sub = calloc(1, sizeof(*sub));
	char error[STORE_ERROR_MAX];
	struct store_service v;
	int64_t subscription;

	put_carol(f, 0);
	fixture_reopen(f);
	assert_int_equal(store_subscriber_get(f->store, SLICE("carol@home.example"), sub),
			 STORE_OK);
	assert_int_equal(sub->service.n_ccf, 2);
	assert_string_equal(sub->service.ccf[1], "ccf2.home.example");
	assert_string_equal(sub->service.ecf[0], "ecf1.home.example");
	sub->service.n_mandatory = 0;
	assert_int_equal(store_subscriber_put(f->store, sub, true, error), STORE_OK);
	subscription = impu_of(f, "sip:carol@home.example").subscription;
	assert_int_equal(store_service(f->store, subscription, &v), STORE_OK);
	assert_int_equal(v.n_mandatory, 0);
	assert_int_equal(v.n_optional, 1);
	assert_int_equal(store_subscriber_del(f->store, SLICE("carol@home.example")), STORE_OK);
	assert_int_equal(store_service(f->store, subscription, &v), STORE_OK);
	assert_int_equal(v.n_optional + v.n_servers + v.n_ccf, 0);
	sub->service.n_ccf = 100;
	assert_int_equal(store_subscriber_put(f->store, sub, false, error), STORE_FAIL);
	free(sub);
}

static void test_charging(void **state)
{
	struct fixture *f = *state;

	put_carol(f, 0);
	assert_int_equal(sar(f, CX_SAT_REGISTRATION, "sip:s1", "s1", NULL), CX_SUCCESS);
	assert_true(slice_eq(answer.charging.primary_ccf, SLICE("ccf1.home.example")));
	assert_true(slice_eq(answer.charging.secondary_ccf, SLICE("ccf2.home.example")));
	assert_true(slice_eq(answer.charging.primary_ecf, SLICE("ecf1.home.example")));
	assert_int_equal(answer.charging.secondary_ecf.len, 0);
}

static const struct cx_restoration one_contact = {
	.impi = SLICE("carol@home.example"),
	.n = 1,
	.contact = {{SLICE("<sip:t@p;lr>"), SLICE("<sip:carol@192.0.2.1>;q=0.5"), SLICE("c1"),
		     77}},
};

static const struct cx_restoration other_contact = {
	.impi = SLICE("carol@home.example"),
	.n = 1,
	.contact = {{SLICE("<sip:t@p;lr>"), SLICE("<sip:carol@192.0.2.2>"), SLICE("c2"), 1}},
};

static void test_restoration(void **state)
{
	struct fixture *f = *state;
	const struct cx_restored *c = &answer.restoration[0].contact[0];

	put_carol(f, 0);
	/* Nothing kept: the type does not fit one who is registered. */
	assert_int_equal(sar(f, CX_SAT_REGISTRATION, "sip:s1", "s1", NULL), CX_SUCCESS);
	assert_int_equal(sar(f, CX_SAT_UNREGISTERED_USER, "sip:s1", "s1", NULL),
			 CX_ERROR_IN_ASSIGNMENT_TYPE);
	assert_int_equal(sar(f, CX_SAT_NO_ASSIGNMENT, "sip:s1", "s1", NULL), CX_SUCCESS);
	assert_int_equal(answer.n_restorations, 0);
	assert_int_equal(sar(f, CX_SAT_RE_REGISTRATION, "sip:s1", "s1", &one_contact),
			 CX_SUCCESS);
	assert_int_equal(answer.n_restorations, 0);
	fixture_reopen(f);
	for (int type = CX_SAT_NO_ASSIGNMENT; type <= CX_SAT_UNREGISTERED_USER;
	     type += CX_SAT_UNREGISTERED_USER) {
		assert_int_equal(sar(f, (enum cx_sat)type, "sip:s1", "s1", NULL), CX_SUCCESS);
		assert_true(answer.user_data.len > 0);
		assert_int_equal(answer.n_restorations, 1);
		assert_true(slice_eq(answer.restoration[0].impi, SLICE("carol@home.example")));
		assert_int_equal(answer.restoration[0].n, 1);
		assert_true(slice_eq(c->path, SLICE("<sip:t@p;lr>")));
		assert_true(slice_eq(c->contact, SLICE("<sip:carol@192.0.2.1>;q=0.5")));
		assert_true(slice_eq(c->call_id, SLICE("c1")));
		assert_int_equal(c->cseq, 77);
		assert_int_equal(impu_of(f, "sip:carol@home.example").state, STORE_REGISTERED);
	}
	/* The S-CSCF lost its state, and the next it hears is a REGISTER with another contact:
	 * it is given what was there, and then what it says counts. */
	assert_int_equal(sar(f, CX_SAT_REGISTRATION, "sip:s1", "s1", &other_contact),
			 CX_SUCCESS);
	assert_int_equal(answer.n_restorations, 1);
	assert_true(slice_eq(c->contact, SLICE("<sip:carol@192.0.2.1>;q=0.5")));
	assert_int_equal(sar(f, CX_SAT_NO_ASSIGNMENT, "sip:s1", "s1", NULL), CX_SUCCESS);
	assert_true(slice_eq(c->contact, SLICE("<sip:carol@192.0.2.2>")));
	/* Not for an S-CSCF that the user is not at. */
	assert_int_equal(sar(f, CX_SAT_NO_ASSIGNMENT, "sip:s2", "s2", NULL),
			 CX_UNABLE_TO_COMPLY);
	assert_int_equal(answer.n_restorations, 0);
	/* It ends with the registration. */
	assert_int_equal(sar(f, CX_SAT_TIMEOUT_DEREGISTRATION, "sip:s1", "s1", NULL),
			 CX_SUCCESS);
	assert_int_equal(sar(f, CX_SAT_REGISTRATION, "sip:s1", "s1", NULL), CX_SUCCESS);
	assert_int_equal(sar(f, CX_SAT_NO_ASSIGNMENT, "sip:s1", "s1", NULL), CX_SUCCESS);
	assert_int_equal(answer.n_restorations, 0);
}

static void test_restoration_octets(void **state)
{
	uint8_t memory[STORE_RESTORATION_MAX];
	static char path[CX_PATH_MAX], contact[CX_CONTACT_MAX];
	struct cx_restoration many = {.impi = SLICE("a@b"), .n = CX_RESTORED_MAX}, out;
	struct slice s = restoration_encode(&one_contact, memory);

	assert_true(restoration_decode(s, &out));
	assert_int_equal(out.n, 1);
	/* A cut record is no record, wherever it is cut. */
	for (uint32_t len = 0; len < s.len; len++) {
		uint8_t *copy = memcpy(malloc(len + 1), s.p, len);

		assert_false(restoration_decode(slice_of(copy, len), &out));
		free(copy);
	}
	/* More than there is room for: whole contacts, as many as fit. */
	memset(path, 'p', sizeof(path));
	memset(contact, 'c', sizeof(contact));
	for (uint32_t i = 0; i < many.n; i++)
		many.contact[i] =
			(struct cx_restored){.path = slice_of(path, sizeof(path)),
					     .contact = slice_of(contact, sizeof(contact))};
	assert_true(restoration_decode(restoration_encode(&many, memory), &out));
	assert_in_range(out.n, 1, CX_RESTORED_MAX - 1);
	assert_int_equal(out.contact[out.n - 1].contact.len, CX_CONTACT_MAX);
}

/* A profile that fills the message leaves no room for contacts, and goes alone. */
static void test_restoration_too_large(void **state)
{
	enum { CRITERIA = 32000 };
	static const char *const impu[] = {"sip:carol@home.example", "sip:c2@home.example",
					   NULL};
	static char path[CX_PATH_MAX], contact[2000], xml[CRITERIA];
	struct fixture *f = *state;
	struct store_subscriber *sub = fixture_subscriber("carol@home.example", impu);
	struct cx_restoration many = {.impi = SLICE("carol@home.example"), .n = 5};

	memset(path, 'p', sizeof(path));
	memset(contact, 'c', sizeof(contact));
	memset(xml, 'x', sizeof(xml));
	for (uint32_t i = 0; i < many.n; i++)
		many.contact[i] =
			(struct cx_restored){.path = slice_of(path, sizeof(path)),
					     .contact = slice_of(contact, sizeof(contact))};
	assert_int_equal(store_profile_put(f->store, "a", slice_of(xml, sizeof(xml)), -1, 0),
			 STORE_OK);
	assert_int_equal(
		store_profile_put(f->store, "b", slice_of(xml, sizeof(xml) / 2), -1, 0),
		STORE_OK);
	strcpy(sub->profile, "a");
	strcpy(sub->impu_profile[1], "b");
	fixture_put(f, sub);
	assert_int_equal(sar(f, CX_SAT_REGISTRATION, "sip:s1", "s1", &many), CX_SUCCESS);
	assert_int_equal(sar(f, CX_SAT_NO_ASSIGNMENT, "sip:s1", "s1", NULL), CX_SUCCESS);
	assert_true(answer.user_data.len > CRITERIA * 3 / 2);
	assert_int_equal(answer.n_restorations, 0);
	/* Also where it was read before the profile. */
	assert_int_equal(sar(f, CX_SAT_REGISTRATION, "sip:s1", "s1", &many), CX_SUCCESS);
	assert_true(answer.user_data.len > CRITERIA * 3 / 2);
	assert_int_equal(answer.n_restorations, 0);
}

/* Another S-CSCF was chosen: by the MAR it has the name, by the SAR the user; the one of before
 * is to be told. */
static void test_reassignment(void **state)
{
	struct fixture *f = *state;
	struct cx_mar m = {.impi = SLICE("carol@home.example"),
			   .impu = SLICE("sip:carol@home.example"),
			   .server_name = SLICE("sip:s2"),
			   .n_vectors = 1,
			   .scheme = CX_AUTH_AKA};
	struct cx_maa a;

	put_carol(f, 0);
	assert_int_equal(sar(f, CX_SAT_REGISTRATION, "sip:s1", "s1", NULL), CX_SUCCESS);
	assert_false(f->hss->replaced);
	assert_int_equal(sar(f, CX_SAT_REGISTRATION, "sip:s2", "s2", NULL),
			 CX_ERROR_IDENTITY_ALREADY_REGISTERED);
	hss_mar(f->hss, &m, &a);
	assert_int_equal(a.result, CX_SUCCESS);
	assert_int_equal(sar(f, CX_SAT_REGISTRATION, "sip:s2", "s2", NULL), CX_SUCCESS);
	assert_true(f->hss->replaced);
	assert_int_equal(f->hss->n_set, 1);
	assert_string_equal(f->hss->set[0].scscf_host, "s1");
	assert_string_equal(impu_of(f, "sip:carol@home.example").scscf_host, "s2");
	assert_int_equal(sar(f, CX_SAT_RE_REGISTRATION, "sip:s2", "s2", NULL), CX_SUCCESS);
	assert_false(f->hss->replaced);
	/* The old one has nothing to say any more. */
	assert_int_equal(sar(f, CX_SAT_TIMEOUT_DEREGISTRATION, "sip:s1", "s1", NULL),
			 CX_UNABLE_TO_COMPLY);
}

static void put_psi(struct fixture *f, const char *identity, const char *server)
{
	char name[IMPU_MAX + 1], error[STORE_ERROR_MAX];
	bool wildcard;

	if (!psi_check(slice_str(identity), name, &wildcard, error))
		fail_msg("%s: %s", identity, error);
	assert_int_equal(store_psi_put(f->store, name, wildcard, server), STORE_OK);
}

static void test_service_identities(void **state)
{
	static const struct {
		const char *impu;
		int result;
		const char *server, *wildcard;
	} row[] = {
		{"sip:news@home.example", CX_SUCCESS, "sip:as1", ""},
		{"sip:news@HOME.example;x=y", CX_SUCCESS, "sip:as1", ""},
		{"sip:chat-room1@home.example", CX_SUCCESS, "sip:as2",
		 "sip:chat-!.*!@home.example"},
		{"sip:chat-vip@home.example", CX_SUCCESS, "sip:as3", ""},
		{"sip:xchat-room1@home.example", CX_ERROR_USER_UNKNOWN, "", ""},
		{"sip:chat-room1@home.example.evil", CX_ERROR_USER_UNKNOWN, "", ""},
		{"sip:chat-room1@homeXexample", CX_ERROR_USER_UNKNOWN, "", ""},
		{"tel:+49800123", CX_SUCCESS, "sip:as4", "tel:+49800![0-9]{3}!"},
		{"tel:+498001234", CX_ERROR_USER_UNKNOWN, "", ""},
		{"sip:!.*!@home.example", CX_ERROR_USER_UNKNOWN, "", ""},
		/* An expression that would take for ever gives up, and matches nobody. */
		{"sip:slow-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab@home.example",
		 CX_ERROR_USER_UNKNOWN, "", ""},
		/* A user's own identity goes before any service's. */
		{"sip:alice@home.example", CX_ERROR_IDENTITY_NOT_REGISTERED, "", ""},
	};
	struct fixture *f = *state;
	struct cx_lir r = {0};
	struct cx_lia a;

	fixture_people(f);
	put_psi(f, "sip:News@home.example;lr", "sip:as9");
	put_psi(f, "sip:news@home.example", "sip:as1");
	put_psi(f, "sip:chat-!.*!@home.example", "sip:as2");
	put_psi(f, "sip:chat-vip@home.example", "sip:as3");
	put_psi(f, "tel:+49800![0-9]{3}!", "sip:as4");
	put_psi(f, "sip:slow-!(a+)+!@home.example", "sip:as5");
	put_psi(f, "sip:alice!.*!@home.example", "sip:as6");
	fixture_reopen(f);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		r.impu = slice_str(row[i].impu);
		hss_lir(f->hss, &r, &a);
		if (a.result != row[i].result)
			fail_msg("%s: %d", row[i].impu, a.result);
		assert_true(slice_eq(a.server_name, slice_str(row[i].server)));
		assert_true(slice_eq(a.wildcard, slice_str(row[i].wildcard)));
	}
	assert_int_equal(store_psi_del(f->store, "sip:news@home.example"), STORE_OK);
	assert_int_equal(store_psi_del(f->store, "sip:news@home.example"), STORE_NONE);
	r.impu = SLICE("sip:news@home.example");
	hss_lir(f->hss, &r, &a);
	assert_int_equal(a.result, CX_ERROR_USER_UNKNOWN);
}

static void test_service_identities_refused(void **state)
{
	static const char *const bad[] = {
		"",          "nonsense",      "sip:!(!@x",
		"sip:a!@x",  "sip:a!!@x",     "sip:a!b!c!@x",
		"http:!.*!", "sip:a b!.*!@x", "sip:!\\C!@x",
	};
	char out[IMPU_MAX + 1], error[STORE_ERROR_MAX];
	bool wildcard;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		*error = 0;
		if (psi_check(slice_str(bad[i]), out, &wildcard, error) || !*error)
			fail_msg("%s", bad[i]);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_capabilities),
		CASE(test_service_is_kept),
		CASE(test_charging),
		CASE(test_restoration),
		CASE(test_restoration_octets),
		CASE(test_restoration_too_large),
		CASE(test_reassignment),
		CASE(test_service_identities),
		CASE(test_service_identities_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
