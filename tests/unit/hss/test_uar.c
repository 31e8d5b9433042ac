/* test_uar.c - User-Authorization by the steps of TS 29.228 §6.1.1.1 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fixture.h"

static int ask(struct fixture *f, const char *impi, const char *impu, const char *visited,
	       enum cx_uat type, struct cx_uaa *a)
{
	struct cx_uar r = {.impi = slice_str(impi),
			   .impu = slice_str(impu),
			   .visited_network = slice_str(visited),
			   .type = type};

	hss_uar(f->hss, &r, a);
	return a->result;
}

static void state_of(struct fixture *f, const char *impu, enum store_state state,
		     const char *scscf)
{
	struct store_impu u;

	assert_int_equal(store_find_impu(f->store, slice_str(impu), &u), STORE_OK);
	assert_int_equal(
		store_assign(f->store, u.implicit_set, state, slice_str(scscf), SLICE("host")),
		STORE_OK);
}

static void test_identities(void **state)
{
	static const struct {
		const char *impi, *impu;
		int result;
	} row[] = {
		{"alice@home.example", "sip:alice@home.example", CX_FIRST_REGISTRATION},
		{"alice@home.example", "sips:alice@HOME.example;x=y", CX_FIRST_REGISTRATION},
		{"alice@home.example", "sip:alic%65@home.example", CX_FIRST_REGISTRATION},
		{"nobody@home.example", "sip:alice@home.example", CX_ERROR_USER_UNKNOWN},
		{"alice@home.example", "sip:nobody@home.example", CX_ERROR_USER_UNKNOWN},
		{"", "sip:alice@home.example", CX_ERROR_USER_UNKNOWN},
		{"alice@home.example", "nonsense", CX_ERROR_USER_UNKNOWN},
		{"' OR 1=1 --", "sip:alice@home.example", CX_ERROR_USER_UNKNOWN},
		{"alice@home.example", "sip:bob@home.example", CX_ERROR_IDENTITIES_DONT_MATCH},
		{"two@home.example", "sip:shared@home.example", CX_FIRST_REGISTRATION},
	};
	struct fixture *f = *state;
	struct cx_uaa a;

	fixture_people(f);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(ask(f, row[i].impi, row[i].impu, "home.example",
				     CX_UAT_REGISTRATION, &a),
				 row[i].result);
}

static void test_long_and_odd_names(void **state)
{
	struct fixture *f = *state;
	char *text = malloc(100000);
	struct cx_uar r = {.impi = slice_of(text, 100000), .impu = slice_of(text, 100000)};
	struct cx_uaa a;

	fixture_people(f);
	memset(text, 'a', 100000);
	hss_uar(f->hss, &r, &a);
	assert_int_equal(a.result, CX_ERROR_USER_UNKNOWN);
	/* A NUL inside is a letter like any other, not an end. */
	r.impi = slice_of("alice@home.example\0x", 20);
	r.impu = SLICE("sip:alice@home.example");
	hss_uar(f->hss, &r, &a);
	assert_int_equal(a.result, CX_ERROR_USER_UNKNOWN);
	r.impi = SLICE("alice@home.example");
	r.visited_network = slice_of(text, 100000);
	hss_uar(f->hss, &r, &a);
	assert_int_equal(a.result, CX_ERROR_ROAMING_NOT_ALLOWED);
	free(text);
}

static void test_barring(void **state)
{
	static const char *const half[] = {"sip:half1@home.example", "sip:half2@home.example",
					   NULL};
	static const char *const whole[] = {"sip:whole@home.example", NULL};
	struct fixture *f = *state;
	struct store_subscriber *sub = fixture_subscriber("half@home.example", half);
	struct cx_uar r = {.impi = SLICE("whole@home.example"),
			   .impu = SLICE("sip:whole@home.example"),
			   .visited_network = SLICE("elsewhere.example"),
			   .emergency = true};
	struct cx_uaa a;

	sub->barred[0] = true;
	fixture_put(f, sub);
	sub = fixture_subscriber("whole@home.example", whole);
	sub->barred[0] = true;
	fixture_put(f, sub);
	assert_int_equal(ask(f, "half@home.example", "sip:half1@home.example", "home.example",
			     CX_UAT_REGISTRATION, &a),
			 CX_FIRST_REGISTRATION);
	assert_int_equal(ask(f, "whole@home.example", "sip:whole@home.example", "home.example",
			     CX_UAT_REGISTRATION, &a),
			 CX_AUTHORIZATION_REJECTED);
	/* In an emergency neither barring nor roaming counts. */
	hss_uar(f->hss, &r, &a);
	assert_int_equal(a.result, CX_FIRST_REGISTRATION);
}

static void test_roaming(void **state)
{
	static const struct {
		const char *impi, *impu, *visited;
		enum cx_uat type;
		int result;
	} row[] = {
		{"alice@home.example", "sip:alice@home.example", "HOME.example",
		 CX_UAT_REGISTRATION, CX_FIRST_REGISTRATION},
		{"alice@home.example", "sip:alice@home.example", "\"home.example\"",
		 CX_UAT_REGISTRATION, CX_FIRST_REGISTRATION},
		{"alice@home.example", "sip:alice@home.example", "abroad.example",
		 CX_UAT_REGISTRATION, CX_ERROR_ROAMING_NOT_ALLOWED},
		{"alice@home.example", "sip:alice@home.example", "", CX_UAT_REGISTRATION,
		 CX_ERROR_ROAMING_NOT_ALLOWED},
		{"alice@home.example", "sip:alice@home.example", "abroad.example",
		 CX_UAT_REGISTRATION_AND_CAPABILITIES, CX_ERROR_ROAMING_NOT_ALLOWED},
		{"bob@home.example", "sip:bob@home.example", "Abroad.example",
		 CX_UAT_REGISTRATION, CX_FIRST_REGISTRATION},
		{"bob@home.example", "sip:bob@home.example", "far.example", CX_UAT_REGISTRATION,
		 CX_ERROR_ROAMING_NOT_ALLOWED},
		/* To leave, nobody needs leave. */
		{"alice@home.example", "sip:alice@home.example", "abroad.example",
		 CX_UAT_DE_REGISTRATION, CX_ERROR_IDENTITY_NOT_REGISTERED},
	};
	struct fixture *f = *state;
	struct cx_uaa a;

	fixture_people(f);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(
			ask(f, row[i].impi, row[i].impu, row[i].visited, row[i].type, &a),
			row[i].result);
}

static void test_states(void **state)
{
	static const struct {
		enum store_state state;
		const char *scscf;
		enum cx_uat type;
		int result;
		const char *name;
	} row[] = {
		{STORE_NOT_REGISTERED, "", CX_UAT_REGISTRATION, CX_FIRST_REGISTRATION, ""},
		{STORE_NOT_REGISTERED, "sip:s1", CX_UAT_REGISTRATION,
		 CX_SUBSEQUENT_REGISTRATION, "sip:s1"},
		{STORE_REGISTERED, "sip:s1", CX_UAT_REGISTRATION, CX_SUBSEQUENT_REGISTRATION,
		 "sip:s1"},
		{STORE_UNREGISTERED, "sip:s1", CX_UAT_REGISTRATION, CX_SUBSEQUENT_REGISTRATION,
		 "sip:s1"},
		{STORE_NOT_REGISTERED, "", CX_UAT_DE_REGISTRATION,
		 CX_ERROR_IDENTITY_NOT_REGISTERED, ""},
		{STORE_NOT_REGISTERED, "sip:s1", CX_UAT_DE_REGISTRATION,
		 CX_ERROR_IDENTITY_NOT_REGISTERED, ""},
		{STORE_REGISTERED, "sip:s1", CX_UAT_DE_REGISTRATION, CX_SUCCESS, "sip:s1"},
		{STORE_UNREGISTERED, "sip:s1", CX_UAT_DE_REGISTRATION, CX_SUCCESS, "sip:s1"},
		{STORE_REGISTERED, "sip:s1", CX_UAT_REGISTRATION_AND_CAPABILITIES, CX_SUCCESS,
		 ""},
		{STORE_NOT_REGISTERED, "", CX_UAT_REGISTRATION_AND_CAPABILITIES, CX_SUCCESS,
		 ""},
	};
	struct fixture *f = *state;
	struct cx_uaa a;

	fixture_people(f);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		state_of(f, "sip:alice@home.example", row[i].state, row[i].scscf);
		assert_int_equal(
			ask(f, "alice@home.example", "tel:+1", "home.example", row[i].type, &a),
			row[i].result);
		assert_true(slice_eq(a.server_name, slice_str(row[i].name)));
	}
}

/* Two sets of one subscription go to the same S-CSCF. */
static void test_other_set_of_the_subscription(void **state)
{
	static const char *const a1[] = {"sip:a1@home.example", NULL},
				 *const a2[] = {"sip:a2@home.example", NULL};
	struct fixture *f = *state;
	struct store_subscriber *sub = fixture_subscriber("a1@home.example", a1);
	struct cx_uaa a;

	snprintf(sub->subscription, sizeof(sub->subscription), "a");
	fixture_put(f, sub);
	sub = fixture_subscriber("a2@home.example", a2);
	snprintf(sub->subscription, sizeof(sub->subscription), "a");
	fixture_put(f, sub);
	state_of(f, "sip:a1@home.example", STORE_REGISTERED, "sip:s9");
	assert_int_equal(ask(f, "a2@home.example", "sip:a2@home.example", "home.example",
			     CX_UAT_REGISTRATION, &a),
			 CX_SUBSEQUENT_REGISTRATION);
	assert_true(slice_eq(a.server_name, SLICE("sip:s9")));
	assert_int_equal(ask(f, "a1@home.example", "sip:a2@home.example", "home.example",
			     CX_UAT_REGISTRATION, &a),
			 CX_ERROR_IDENTITIES_DONT_MATCH);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_identities), CASE(test_long_and_odd_names),
		CASE(test_barring),    CASE(test_roaming),
		CASE(test_states),     CASE(test_other_set_of_the_subscription),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
