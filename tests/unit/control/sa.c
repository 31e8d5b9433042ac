/* sa.c - tests of control/sa.c: sets are found every way, and go when they are due */
#include "control/sa.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sets.h"

static void found_every_way_until_removed(void **state)
{
	struct sas *s = sas_new();
	struct sa *one = make_sa(1), *twin = make_sa(2), *found;
	const struct addr none = {0};

	/* Another set of the same user, at the same address, for the same registration. */
	free(twin->impi);
	twin->impi = strdup(one->impi);
	twin->ue = one->ue;
	twin->set_id = one->set_id;
	assert_true(sas_put(s, one) && sas_put(s, twin));
	assert_int_equal(sas_total(s), 2);
	assert_ptr_equal(sas_find(s, 501), one);
	assert_null(sas_find(s, 999));
	assert_null(sas_find(s, 0));
	found = sas_of_set(s, one->set_id, NULL);
	assert_true(found == one || found == twin);
	assert_ptr_equal(sas_of_set(s, one->set_id, found), found == one ? twin : one);
	assert_null(sas_of_set(s, one->set_id, found == one ? twin : one));
	found = sas_of_ue(s, "user1@example.org", &one->ue, &none, NULL);
	assert_non_null(found);
	assert_non_null(sas_of_ue(s, "user1@example.org", &one->ue, &none, found));
	assert_null(sas_of_ue(s, "user2@example.org", &one->ue, &none, NULL));
	assert_null(sas_of_ue(s, "user1@example.org", &one->ue, &one->ue, NULL));
	sas_bind(s, twin, 4711);
	assert_ptr_equal(sas_of_set(s, 4711, NULL), twin);
	assert_null(sas_of_set(s, one->set_id, one));
	sas_remove(s, one);
	assert_null(sas_find(s, 501));
	assert_null(sas_of_set(s, 0x1000000000000001u, NULL));
	assert_ptr_equal(sas_find(s, 502), twin);
	assert_int_equal(sas_total(s), 1);
	sas_free(s);
}

static void ids_and_spis_are_unique(void **state)
{
	struct sas *s = sas_new();
	struct sa *one = make_sa(1), *same_id = make_sa(2), *same_spi = make_sa(3);

	assert_true(sas_put(s, one));
	same_id->id = one->id;
	assert_false(sas_put(s, same_id));
	/* Client and server SPIs share one space. */
	same_spi->spi_ps = one->spi_pc;
	assert_false(sas_put(s, same_spi));
	same_spi->spi_ps = one->spi_ps;
	assert_false(sas_put(s, same_spi));
	same_spi->spi_ps = 12345;
	assert_true(sas_put(s, same_spi));
	assert_true(sas_next_id(s) > UINT32_MAX);
	sa_free(same_id);
	sas_free(s);
}

static void drawn_spis_differ_from_all(void **state)
{
	struct sas *s = sas_new();

	for (uint32_t i = 0; i < 2000; i++) {
		struct sa *sa = make_sa(i);

		sa->spi_pc = sa->spi_ps = 0;
		assert_true(sas_draw_spis(s, sa->spi_uc, sa->spi_us, &sa->spi_pc, &sa->spi_ps));
		assert_true(sa->spi_pc >= ABI_SA_SPI_MIN && sa->spi_ps >= ABI_SA_SPI_MIN);
		assert_int_not_equal(sa->spi_pc, sa->spi_ps);
		assert_true(sas_put(s, sa));
	}
	assert_int_equal(sas_total(s), 2000);
	sas_free(s);
}

static void spis_of_ues_belong_to_their_address(void **state)
{
	struct sas *s = sas_new();
	struct sa *sa = make_sa(1);
	struct addr other = addr_v4(0x0a000009, 6000), none = {0}, ue = sa->ue;

	assert_true(sas_put(s, sa));
	ue.port = 1; /* does not count */
	assert_true(sas_spi_in_use(s, &ue, &none, 50001, "x", SAS_OTHERS));
	assert_true(sas_spi_in_use(s, &ue, &none, 60001, "x", SAS_OTHERS));
	assert_false(sas_spi_in_use(s, &ue, &none, 70001, "x", SAS_OTHERS));
	assert_false(sas_spi_in_use(s, &other, &none, 50001, "x", SAS_OTHERS));
	assert_false(sas_spi_in_use(s, &ue, &other, 50001, "x", SAS_OTHERS));
	assert_false(sas_spi_in_use(s, &ue, &none, 50001, sa->impi, SAS_OTHERS));
	assert_true(sas_spi_in_use(s, &ue, &none, 50001, sa->impi, SAS_PROVEN_TOO));
	sas_set_state(s, sa, SA_TEMPORARY, 1);
	assert_false(sas_spi_in_use(s, &ue, &none, 50001, sa->impi, SAS_PROVEN_TOO));
	sas_free(s);
}

static void temporary_ones_are_counted_by_address(void **state)
{
	struct sas *s = sas_new();
	struct sa *sa[4];
	struct addr nat = addr_v4(0xc6336463, 40000);

	for (uint32_t i = 0; i < 4; i++) {
		sa[i] = make_sa(i);
		sa[i]->state = SA_TEMPORARY;
		sa[i]->set_id = 0;
		sa[i]->nat = i == 3 ? (struct addr){0} : nat;
		assert_true(sas_put(s, sa[i]));
	}
	nat.port = 1;
	assert_int_equal(sas_temporary_at(s, &nat), 3);
	assert_int_equal(sas_temporary_at(s, &sa[3]->ue), 1);
	assert_int_equal(sas_temporary_at(s, &sa[0]->ue), 0);
	assert_int_equal(sas_count(s, SA_TEMPORARY), 4);
	assert_null(sas_of_set(s, 0, NULL));
	sas_set_state(s, sa[0], SA_ACTIVE, 5);
	sas_remove(s, sa[1]);
	assert_int_equal(sas_temporary_at(s, &nat), 1);
	assert_int_equal(sas_count(s, SA_TEMPORARY), 2);
	assert_int_equal(sas_count(s, SA_ACTIVE), 1);
	sas_free(s);
}

/* Many, so that table and heap grow, put, moved and removed in an order of chance. */
static void due_in_order(void **state)
{
	enum { MANY = 5000 };
	static struct sa *sa[MANY];
	struct sas *s = sas_new();
	uint64_t last = 0;
	uint32_t n = 0;

	srand(1);
	for (uint32_t i = 0; i < MANY; i++) {
		sa[i] = make_sa(i);
		sa[i]->spi_pc = 1000000 + i;
		sa[i]->spi_ps = 2000000 + i;
		sa[i]->due_wall_ms = (uint64_t)rand();
		assert_true(sas_put(s, sa[i]));
	}
	for (uint32_t i = 0; i < MANY; i += 3)
		sas_set_state(s, sa[i], SA_LEAVING, (uint64_t)rand());
	for (uint32_t i = 1; i < MANY; i += 3)
		sas_remove(s, sa[i]);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(sas_find(s, 500 + i) != NULL, i % 3 != 1);
	for (struct sa *first; (first = sas_first_due(s)); n++) {
		assert_true(first->due_wall_ms >= last);
		last = first->due_wall_ms;
		sas_remove(s, first);
	}
	assert_int_equal(n, MANY - (MANY + 1) / 3);
	assert_int_equal(sas_total(s), 0);
	assert_int_equal(sas_count(s, SA_LEAVING) + sas_count(s, SA_ACTIVE), 0);
	sas_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_every_way_until_removed),
		cmocka_unit_test(ids_and_spis_are_unique),
		cmocka_unit_test(drawn_spis_differ_from_all),
		cmocka_unit_test(spis_of_ues_belong_to_their_address),
		cmocka_unit_test(temporary_ones_are_counted_by_address),
		cmocka_unit_test(due_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
