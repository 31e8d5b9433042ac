/* test_profile.c - service profiles in the tables: found, shared, forgotten, never mixed up */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <urcu-qsbr.h>

#include <cmocka.h>

#include "criteria/compile.h"
#include "table/tables.h"

/* A profile whose only server is sip:NUMBER. */
static struct slice compile(uint32_t number)
{
	static struct criteria_compiled out;
	struct criteria_document d;
	char xml[512];

	snprintf(xml, sizeof(xml),
		 "<InitialFilterCriteria><Priority>1</Priority><ApplicationServer><ServerName>"
		 "sip:%u</ServerName></ApplicationServer></InitialFilterCriteria>",
		 number);
	assert_true(criteria_read(slice_str(xml), NULL, &d));
	assert_true(criteria_compile(d.profile[0], NULL, &out));
	criteria_free(&d);
	return slice_of(out.memory, out.len);
}

static int start(void **state)
{
	*state = tables_create(&(struct tables_size){20000, 10000}, &(struct hash_key){1, 2});
	return *state ? 0 : -1;
}

static int stop(void **state)
{
	tables_destroy(*state);
	return 0;
}

static int put(struct tables *t, uint64_t set, uint64_t first, uint64_t second)
{
	static struct abi_registration_view v;
	char impu[2][32];

	snprintf(impu[0], sizeof(impu[0]), "sip:a%llu@h", (unsigned long long)set);
	snprintf(impu[1], sizeof(impu[1]), "sip:b%llu@h", (unsigned long long)set);
	v = (struct abi_registration_view){
		.set_id = set,
		.roles = ABI_REG_SCSCF,
		.n_impu = 2,
		.impu = {{slice_str(impu[0]), 0, first}, {slice_str(impu[1]), 0, second}},
	};
	return table_put(t, &v);
}

/* The number of the identity's server; 0: it has no profile. */
static uint32_t server_of(struct tables *t, uint64_t set, char which)
{
	const struct registration *r;
	const struct ifc *f;
	char impu[32];
	uint32_t index;
	uint64_t n = 0;

	snprintf(impu, sizeof(impu), "sip:%c%llu@h", which, (unsigned long long)set);
	r = table_find_impu(t, slice_str(impu), table_hash_impu(t, slice_str(impu)), &index);
	assert_non_null(r);
	f = table_services(t, r, index);
	if (!f)
		return 0;
	assert_null(ifc_sound(f, f->size));
	assert_true(slice_u64(slice_from(ifc_text(f, ifc_criterion(f, 0)->server), 4),
			      UINT32_MAX, &n));
	return (uint32_t)n;
}

static void found_by_identity(void **state)
{
	struct tables *t = *state;

	assert_int_equal(table_put_profile(t, 7, compile(70)), INSTALL_OK);
	assert_int_equal(table_put_profile(t, 8, compile(80)), INSTALL_OK);
	assert_int_equal(put(t, 1, 7, 8), INSTALL_OK);
	assert_int_equal(put(t, 2, 8, 0), INSTALL_OK);
	assert_int_equal(server_of(t, 1, 'a'), 70);
	assert_int_equal(server_of(t, 1, 'b'), 80);
	assert_int_equal(server_of(t, 2, 'a'), 80);
	assert_int_equal(server_of(t, 2, 'b'), 0);
	/* One that is not there changes nothing. */
	assert_int_equal(put(t, 1, 9, 8), INSTALL_NO_PROFILE);
	assert_int_equal(server_of(t, 1, 'a'), 70);
	assert_int_equal(put(t, 1, 8, 7), INSTALL_OK);
	assert_int_equal(server_of(t, 1, 'a'), 80);
	assert_int_equal(server_of(t, 1, 'b'), 70);
	assert_int_equal(table_delete(t, 1), INSTALL_OK);
	assert_int_equal(table_delete(t, 2), INSTALL_OK);
	table_reclaim(t);
}

static void refuses_what_is_not_sound(void **state)
{
	struct tables *t = *state;
	_Alignas(8) uint8_t broken[IFC_SIZE_MAX];
	struct slice s = compile(1);

	assert_int_equal(table_put_profile(t, 0, s), INSTALL_MALFORMED);
	memcpy(broken, s.p, s.len);
	assert_int_equal(table_put_profile(t, 5, slice_of(broken, s.len - 1)),
			 INSTALL_MALFORMED);
	((struct ifc *)broken)->criteria = 0xfff0;
	assert_int_equal(table_put_profile(t, 5, slice_of(broken, s.len)), INSTALL_MALFORMED);
	assert_int_equal(put(t, 1, 5, 0), INSTALL_NO_PROFILE);
}

/* As long as it is remembered or used it stays, and no longer. */
static void forgotten_in_order(void **state)
{
	struct tables *t = *state;

	assert_int_equal(table_put_profile(t, 1, compile(1)), INSTALL_OK);
	assert_int_equal(table_put_profile(t, 2, compile(2)), INSTALL_OK);
	assert_int_equal(put(t, 1, 2, 2), INSTALL_OK);
	for (uint32_t i = 0; i < ABI_PROFILES_RECENT - 2; i++)
		assert_int_equal(table_put_profile(t, 100 + i, compile(100 + i)), INSTALL_OK);
	assert_true(profiles_find(t, 1));
	assert_int_equal(table_put_profile(t, 5000, compile(5000)), INSTALL_OK);
	assert_false(profiles_find(t, 1));
	assert_int_equal(table_put_profile(t, 5001, compile(5001)), INSTALL_OK);
	/* In use, and so there; then out of use. */
	assert_int_equal(server_of(t, 1, 'b'), 2);
	assert_int_equal(put(t, 2, 2, 0), INSTALL_OK);
	assert_int_equal(table_delete(t, 1), INSTALL_OK);
	assert_int_equal(server_of(t, 2, 'a'), 2);
	assert_int_equal(table_delete(t, 2), INSTALL_OK);
	assert_false(profiles_find(t, 2));
	/* Put again, it counts from then on. */
	assert_int_equal(table_put_profile(t, 100, compile(100)), INSTALL_OK);
	for (uint32_t i = 0; i < ABI_PROFILES_RECENT - 1; i++)
		assert_int_equal(table_put_profile(t, 9000 + i, compile(9000 + i)), INSTALL_OK);
	assert_true(profiles_find(t, 100));
	assert_false(profiles_find(t, 101));
	table_reclaim(t);
	assert_int_equal(t->profiles.n_left, 0);
	assert_int_equal(t->profiles.n_free, PROFILES_MAX - ABI_PROFILES_RECENT);
}

/* A slot whose profile has gone is not another's before the grace period is over. */
static void slots_wait(void **state)
{
	struct tables *t = *state;
	uint32_t before;

	table_reclaim(t);
	assert_int_equal(table_put_profile(t, 1, compile(1)), INSTALL_OK);
	for (uint32_t i = 0; i < ABI_PROFILES_RECENT; i++)
		assert_int_equal(table_put_profile(t, 20000 + i, compile(2)), INSTALL_OK);
	assert_false(profiles_find(t, 1));
	before = t->profiles.n_left;
	assert_true(before > 0);
	for (uint32_t i = 0; i < before; i++)
		for (uint32_t k = 0; k < t->profiles.n_free; k++)
			assert_int_not_equal(t->profiles.free[k], t->profiles.left[i]);
	table_reclaim(t);
	assert_int_equal(t->profiles.n_left, 0);
}

/* Many sets, few profiles, all at random, against what was last put. */
static void random_churn(void **state)
{
	static uint32_t have[64][2];
	struct tables *t = *state;

	srand(5);
	for (int i = 0; i < 30000; i++) {
		uint32_t set = (uint32_t)rand() % 64, a = (uint32_t)rand() % 200,
			 b = (uint32_t)rand() % 200;

		/* As control does: what it has not put of late it puts again. */
		if (a)
			assert_int_equal(table_put_profile(t, a + 30000, compile(a)),
					 INSTALL_OK);
		if (b)
			assert_int_equal(table_put_profile(t, b + 30000, compile(b)),
					 INSTALL_OK);
		if (rand() % 5 == 0) {
			assert_int_equal(table_delete(t, set + 1), INSTALL_OK);
			assert_int_equal(put(t, set + 1, 0, 0), INSTALL_OK);
			have[set][0] = have[set][1] = 0;
		} else {
			assert_int_equal(put(t, set + 1, a ? a + 30000 : 0, b ? b + 30000 : 0),
					 INSTALL_OK);
			have[set][0] = a;
			have[set][1] = b;
		}
		set = (uint32_t)rand() % 64;
		if (have[set][0]) {
			assert_int_equal(server_of(t, set + 1, 'a'), have[set][0]);
			assert_int_equal(server_of(t, set + 1, 'b'), have[set][1]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(found_by_identity, start, stop),
		cmocka_unit_test_setup_teardown(refuses_what_is_not_sound, start, stop),
		cmocka_unit_test_setup_teardown(forgotten_in_order, start, stop),
		cmocka_unit_test_setup_teardown(slots_wait, start, stop),
		cmocka_unit_test_setup_teardown(random_churn, start, stop),
	};
	int failed;

	urcu_qsbr_register_thread();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	urcu_qsbr_unregister_thread();
	return failed;
}
