/* test_sar.c - Server-Assignment by the steps of TS 29.228 §6.1.2.1 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fixture.h"

static struct cx_saa answer;

static int ask(struct fixture *f, const char *impi, const char *impu, enum cx_sat type,
	       const char *scscf)
{
	struct cx_sar r = {.impi = slice_str(impi),
			   .server_name = slice_str(scscf),
			   .type = type,
			   .origin_host = SLICE("s.home.example"),
			   .n_impus = *impu ? 1 : 0,
			   .impu = {slice_str(impu)}};

	hss_sar(f->hss, &r, &answer);
	return answer.result;
}

static struct store_impu impu_of(struct fixture *f, const char *name)
{
	struct store_impu u;

	assert_int_equal(store_find_impu(f->store, slice_str(name), &u), STORE_OK);
	return u;
}

static void is_now(struct fixture *f, const char *impu, enum store_state state,
		   const char *scscf)
{
	struct store_impu u = impu_of(f, impu);

	assert_int_equal(u.state, state);
	assert_string_equal(u.scscf, scscf);
}

static void put_state(struct fixture *f, const char *impi, const char *impu,
		      enum store_state state, const char *scscf, bool registered, bool pending)
{
	struct store_impu u = impu_of(f, impu);
	struct store_impi i;

	assert_int_equal(store_find_impi(f->store, slice_str(impi), &i), STORE_OK);
	assert_int_equal(
		store_assign(f->store, u.implicit_set, state, slice_str(scscf), SLICE_EMPTY),
		STORE_OK);
	assert_int_equal(store_untie(f->store, u.implicit_set), STORE_OK);
	assert_int_equal(store_tie(f->store, u.implicit_set, i.id, registered, pending),
			 STORE_OK);
}

static void test_presence_and_identities(void **state)
{
	static const struct {
		const char *impi, *impu;
		enum cx_sat type;
		const char *scscf;
		int result;
	} row[] = {
		{"", "tel:+1", CX_SAT_REGISTRATION, "sip:s1", CX_MISSING_AVP},
		{"alice@home.example", "", CX_SAT_REGISTRATION, "sip:s1", CX_MISSING_AVP},
		{"alice@home.example", "tel:+1", CX_SAT_REGISTRATION, "", CX_MISSING_AVP},
		{"", "", CX_SAT_USER_DEREGISTRATION, "sip:s1", CX_MISSING_AVP},
		{"", "", CX_SAT_UNREGISTERED_USER, "sip:s1", CX_MISSING_AVP},
		{"nobody@home.example", "tel:+1", CX_SAT_REGISTRATION, "sip:s1",
		 CX_ERROR_USER_UNKNOWN},
		{"alice@home.example", "tel:+2", CX_SAT_REGISTRATION, "sip:s1",
		 CX_ERROR_USER_UNKNOWN},
		{"alice@home.example", "sip:bob@home.example", CX_SAT_REGISTRATION, "sip:s1",
		 CX_ERROR_IDENTITIES_DONT_MATCH},
		{"", "sip:nobody@home.example", CX_SAT_UNREGISTERED_USER, "sip:s1",
		 CX_ERROR_USER_UNKNOWN},
		{"alice@home.example", "tel:+1", (enum cx_sat)77, "sip:s1",
		 CX_INVALID_AVP_VALUE},
	};
	struct fixture *f = *state;

	fixture_people(f);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(ask(f, row[i].impi, row[i].impu, row[i].type, row[i].scscf),
				 row[i].result);
		assert_int_equal(answer.user_data.len, 0);
		is_now(f, "tel:+1", STORE_NOT_REGISTERED, "");
	}
}

static void test_several_identities(void **state)
{
	struct fixture *f = *state;
	struct cx_sar r = {.impi = SLICE("alice@home.example"),
			   .server_name = SLICE("sip:s1"),
			   .n_impus = 2,
			   .impu = {SLICE("tel:+1"), SLICE("sip:alice@home.example")}};

	fixture_people(f);
	for (int type = CX_SAT_NO_ASSIGNMENT; type <= CX_SAT_DEREGISTRATION_TOO_MUCH_DATA;
	     type++) {
		bool leaves = type >= CX_SAT_TIMEOUT_DEREGISTRATION &&
			      type != CX_SAT_AUTHENTICATION_FAILURE &&
			      type != CX_SAT_AUTHENTICATION_TIMEOUT;

		r.type = (enum cx_sat)type;
		hss_sar(f->hss, &r, &answer);
		if (leaves)
			assert_in_range(answer.result % 100000, 2001, 2004);
		else
			assert_int_equal(answer.result, CX_TOO_MANY_AVPS);
	}
	r.impu[1] = SLICE("sip:bob@home.example");
	r.type = CX_SAT_USER_DEREGISTRATION;
	hss_sar(f->hss, &r, &answer);
	assert_int_equal(answer.result, CX_ERROR_IDENTITIES_DONT_MATCH);
}

/* Every type in every state, for alice (nothing to do while she is away) and bob (something).
 */
static void test_types_and_states(void **state)
{
	enum { SAME, OTHER, NOBODY };
	static const struct {
		enum cx_sat type;
		enum store_state before;
		int who;
		int alice, bob;
		enum store_state alice_after, bob_after;
		bool profile;
	} row[] = {
#define N STORE_NOT_REGISTERED
#define R STORE_REGISTERED
#define U STORE_UNREGISTERED
		{CX_SAT_REGISTRATION, N, NOBODY, CX_SUCCESS, CX_SUCCESS, R, R, true},
		{CX_SAT_REGISTRATION, N, SAME, CX_SUCCESS, CX_SUCCESS, R, R, true},
		{CX_SAT_REGISTRATION, N, OTHER, CX_SUCCESS, CX_SUCCESS, R, R, true},
		{CX_SAT_REGISTRATION, R, SAME, CX_SUCCESS, CX_SUCCESS, R, R, true},
		{CX_SAT_REGISTRATION, R, OTHER, CX_ERROR_IDENTITY_ALREADY_REGISTERED,
		 CX_ERROR_IDENTITY_ALREADY_REGISTERED, R, R, false},
		{CX_SAT_REGISTRATION, U, SAME, CX_SUCCESS, CX_SUCCESS, R, R, true},
		{CX_SAT_REGISTRATION, U, OTHER, CX_SUCCESS, CX_SUCCESS, R, R, true},
		{CX_SAT_RE_REGISTRATION, R, SAME, CX_SUCCESS, CX_SUCCESS, R, R, true},
		{CX_SAT_RE_REGISTRATION, N, NOBODY, CX_SUCCESS, CX_SUCCESS, R, R, true},
		{CX_SAT_UNREGISTERED_USER, N, NOBODY, CX_SUCCESS, CX_SUCCESS, U, U, true},
		{CX_SAT_UNREGISTERED_USER, U, SAME, CX_SUCCESS, CX_SUCCESS, U, U, true},
		{CX_SAT_UNREGISTERED_USER, U, OTHER, CX_ERROR_IDENTITY_ALREADY_REGISTERED,
		 CX_ERROR_IDENTITY_ALREADY_REGISTERED, U, U, false},
		{CX_SAT_UNREGISTERED_USER, R, SAME, CX_ERROR_IN_ASSIGNMENT_TYPE,
		 CX_ERROR_IN_ASSIGNMENT_TYPE, R, R, false},
		{CX_SAT_NO_ASSIGNMENT, R, SAME, CX_SUCCESS, CX_SUCCESS, R, R, true},
		{CX_SAT_NO_ASSIGNMENT, R, OTHER, CX_UNABLE_TO_COMPLY, CX_UNABLE_TO_COMPLY, R, R,
		 false},
		{CX_SAT_NO_ASSIGNMENT, N, NOBODY, CX_UNABLE_TO_COMPLY, CX_UNABLE_TO_COMPLY, N,
		 N, false},
		{CX_SAT_AUTHENTICATION_FAILURE, N, SAME, CX_SUCCESS, CX_SUCCESS, N, N, false},
		{CX_SAT_AUTHENTICATION_TIMEOUT, R, SAME, CX_SUCCESS, CX_SUCCESS, R, R, false},
		{CX_SAT_AUTHENTICATION_TIMEOUT, U, SAME, CX_SUCCESS, CX_SUCCESS, U, U, false},
		{CX_SAT_AUTHENTICATION_FAILURE, R, OTHER, CX_UNABLE_TO_COMPLY,
		 CX_UNABLE_TO_COMPLY, R, R, false},
		{CX_SAT_USER_DEREGISTRATION, R, SAME, CX_SUCCESS, CX_SUCCESS, N, N, false},
		{CX_SAT_TIMEOUT_DEREGISTRATION, U, SAME, CX_SUCCESS, CX_SUCCESS, N, N, false},
		{CX_SAT_ADMINISTRATIVE_DEREGISTRATION, R, SAME, CX_SUCCESS, CX_SUCCESS, N, N,
		 false},
		{CX_SAT_DEREGISTRATION_TOO_MUCH_DATA, R, SAME, CX_SUCCESS, CX_SUCCESS, N, N,
		 false},
		{CX_SAT_USER_DEREGISTRATION, R, OTHER, CX_UNABLE_TO_COMPLY, CX_UNABLE_TO_COMPLY,
		 R, R, false},
		{CX_SAT_USER_DEREGISTRATION, N, NOBODY, CX_SUCCESS, CX_SUCCESS, N, N, false},
		{CX_SAT_USER_DEREGISTRATION_STORE_SERVER_NAME, R, SAME,
		 CX_SUCCESS_SERVER_NAME_NOT_STORED, CX_SUCCESS, N, U, false},
		{CX_SAT_TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME, R, SAME,
		 CX_SUCCESS_SERVER_NAME_NOT_STORED, CX_SUCCESS, N, U, false},
#undef N
#undef R
#undef U
	};
	static const char *const impi[] = {"alice@home.example", "bob@home.example"};
	static const char *const impu[] = {"sip:alice@home.example", "sip:bob@home.example"};
	static const char *const had[] = {"sip:s1", "sip:s2", ""};
	struct fixture *f = *state;

	fixture_people(f);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		for (int p = 0; p < 2; p++) {
			enum store_state after = p ? row[i].bob_after : row[i].alice_after;
			int result = p ? row[i].bob : row[i].alice;

			put_state(f, impi[p], impu[p], row[i].before, had[row[i].who],
				  row[i].before == STORE_REGISTERED, true);
			assert_int_equal(ask(f, impi[p], impu[p], row[i].type, "sip:s1"),
					 result);
			assert_int_equal(answer.user_data.len != 0, row[i].profile);
			is_now(f, impu[p], after,
			       after == STORE_NOT_REGISTERED ? ""
			       : result == CX_SUCCESS        ? "sip:s1"
							     : had[row[i].who]);
		}
	}
}

static void test_pending_flag_and_host(void **state)
{
	struct fixture *f = *state;
	struct store_impi i;
	struct store_tie t;

	fixture_people(f);
	put_state(f, "alice@home.example", "tel:+1", STORE_NOT_REGISTERED, "sip:s1", false,
		  true);
	assert_int_equal(ask(f, "alice@home.example", "tel:+1", CX_SAT_REGISTRATION, "sip:s1"),
			 CX_SUCCESS);
	assert_int_equal(store_find_impi(f->store, SLICE("alice@home.example"), &i), STORE_OK);
	assert_int_equal(store_find_tie(f->store, i.implicit_set, i.id, &t), STORE_OK);
	assert_true(t.registered);
	assert_false(t.pending);
	fixture_reopen(f);
	/* All of the set, and where its S-CSCF can be asked. */
	is_now(f, "sip:alice@home.example", STORE_REGISTERED, "sip:s1");
	assert_string_equal(impu_of(f, "sip:alice@home.example").scscf_host, "s.home.example");
	/* All identities of the IMPI leave. */
	assert_int_equal(
		ask(f, "alice@home.example", "", CX_SAT_TIMEOUT_DEREGISTRATION, "sip:s1"),
		CX_SUCCESS);
	is_now(f, "tel:+1", STORE_NOT_REGISTERED, "");
}

static void test_shared_identity(void **state)
{
	struct fixture *f = *state;

	fixture_people(f);
	assert_int_equal(ask(f, "one@home.example", "sip:shared@home.example",
			     CX_SAT_REGISTRATION, "sip:s1"),
			 CX_SUCCESS);
	assert_int_equal(answer.n_associated, 2);
	assert_true(slice_eq(answer.associated_impi[0], SLICE("one@home.example")));
	assert_true(slice_eq(answer.associated_impi[1], SLICE("two@home.example")));
	assert_int_equal(ask(f, "two@home.example", "sip:shared@home.example",
			     CX_SAT_REGISTRATION, "sip:s1"),
			 CX_SUCCESS);
	/* One leaves, the other stays. */
	assert_int_equal(ask(f, "one@home.example", "", CX_SAT_USER_DEREGISTRATION, "sip:s1"),
			 CX_SUCCESS);
	is_now(f, "sip:shared@home.example", STORE_REGISTERED, "sip:s1");
	assert_int_equal(ask(f, "two@home.example", "", CX_SAT_USER_DEREGISTRATION, "sip:s1"),
			 CX_SUCCESS);
	is_now(f, "sip:shared@home.example", STORE_NOT_REGISTERED, "");
	/* Two fails to authenticate while one still tries: the name stays for one. */
	put_state(f, "one@home.example", "sip:shared@home.example", STORE_NOT_REGISTERED,
		  "sip:s1", false, true);
	assert_int_equal(ask(f, "two@home.example", "sip:shared@home.example",
			     CX_SAT_AUTHENTICATION_FAILURE, "sip:s1"),
			 CX_SUCCESS);
	is_now(f, "sip:shared@home.example", STORE_NOT_REGISTERED, "sip:s1");
	assert_int_equal(ask(f, "one@home.example", "sip:shared@home.example",
			     CX_SAT_AUTHENTICATION_FAILURE, "sip:s1"),
			 CX_SUCCESS);
	is_now(f, "sip:shared@home.example", STORE_NOT_REGISTERED, "");
}

static void test_profile_known_already(void **state)
{
	struct fixture *f = *state;
	struct cx_sar r = {.impi = SLICE("alice@home.example"),
			   .server_name = SLICE("sip:s1"),
			   .n_impus = 1,
			   .impu = {SLICE("tel:+1")},
			   .type = CX_SAT_RE_REGISTRATION,
			   .user_data_available = true};

	fixture_people(f);
	hss_sar(f->hss, &r, &answer);
	assert_int_equal(answer.result, CX_SUCCESS);
	assert_int_equal(answer.user_data.len, 0);
	/* Without an IMPI the profile is given in the name of the first. */
	r = (struct cx_sar){.server_name = SLICE("sip:s1"),
			    .n_impus = 1,
			    .impu = {SLICE("sip:shared@home.example")},
			    .type = CX_SAT_UNREGISTERED_USER};
	hss_sar(f->hss, &r, &answer);
	assert_int_equal(answer.result, CX_SUCCESS);
	assert_non_null(memmem(answer.user_data.p, answer.user_data.len,
			       "<PrivateID>one@home.example<", 28));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_presence_and_identities), CASE(test_several_identities),
		CASE(test_types_and_states),        CASE(test_pending_flag_and_host),
		CASE(test_shared_identity),         CASE(test_profile_known_already),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
