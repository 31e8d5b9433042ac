/* test_lir.c - Location-Info by the steps of TS 29.228 §6.1.4.1 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fixture.h"

static void test_table(void **state)
{
	static const struct {
		const char *impu;
		enum store_state state;
		const char *scscf;
		bool originating;
		int result;
		const char *name;
	} row[] = {
		{"sip:alice@home.example", STORE_NOT_REGISTERED, "", false,
		 CX_ERROR_IDENTITY_NOT_REGISTERED, ""},
		{"sip:alice@home.example", STORE_NOT_REGISTERED, "sip:s1", false,
		 CX_ERROR_IDENTITY_NOT_REGISTERED, ""},
		{"sip:alice@home.example", STORE_REGISTERED, "sip:s1", false, CX_SUCCESS,
		 "sip:s1"},
		{"tel:+1", STORE_REGISTERED, "sip:s1", true, CX_SUCCESS, "sip:s1"},
		{"sip:+1@home.example;user=phone", STORE_REGISTERED, "sip:s1", false,
		 CX_SUCCESS, "sip:s1"},
		{"sip:alice@home.example", STORE_UNREGISTERED, "sip:s1", false, CX_SUCCESS,
		 "sip:s1"},
		/* bob has a service for terminating requests while he is not registered, none
		   for originating ones */
		{"sip:bob@home.example", STORE_NOT_REGISTERED, "", false,
		 CX_UNREGISTERED_SERVICE, ""},
		{"sip:bob@home.example", STORE_NOT_REGISTERED, "sip:s2", false, CX_SUCCESS,
		 "sip:s2"},
		{"sip:bob@home.example", STORE_NOT_REGISTERED, "", true,
		 CX_ERROR_IDENTITY_NOT_REGISTERED, ""},
		{"sip:bob@home.example", STORE_UNREGISTERED, "sip:s2", true, CX_SUCCESS,
		 "sip:s2"},
		{"sip:nobody@home.example", STORE_NOT_REGISTERED, "", false,
		 CX_ERROR_USER_UNKNOWN, ""},
		{"urn:service:sos", STORE_NOT_REGISTERED, "", false, CX_ERROR_USER_UNKNOWN, ""},
		{"", STORE_NOT_REGISTERED, "", false, CX_ERROR_USER_UNKNOWN, ""},
	};
	static const char *const base[] = {"sip:alice@home.example", "sip:bob@home.example"};
	struct fixture *f = *state;
	struct store_impu u;

	fixture_people(f);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct cx_lir r = {.impu = slice_str(row[i].impu),
				   .originating = row[i].originating};
		struct cx_lia a;

		for (int k = 0; k < 2; k++) {
			assert_int_equal(store_find_impu(f->store, slice_str(base[k]), &u),
					 STORE_OK);
			assert_int_equal(store_assign(f->store, u.implicit_set, row[i].state,
						      slice_str(row[i].scscf), SLICE_EMPTY),
					 STORE_OK);
		}
		hss_lir(f->hss, &r, &a);
		assert_int_equal(a.result, row[i].result);
		assert_true(slice_eq(a.server_name, slice_str(row[i].name)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_table, fixture_make, fixture_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
