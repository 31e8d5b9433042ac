/* registration.c - tests of control/registration.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "control/registration.h"
#include "control/wildcard.h"
#include "sets.h"

static void test_finds_by_id_and_every_identity(void **state)
{
	struct registrations *r = registrations_new();
	struct registration_set *s = make_set(1, 1, 100);

	assert_true(registrations_put(r, s));
	assert_ptr_equal(registrations_by_id(r, s->id), s);
	assert_ptr_equal(registrations_by_impu(r, "sip:user1@example.org"), s);
	assert_ptr_equal(registrations_by_impu(r, "sip:user1-b@example.org"), s);
	assert_null(registrations_by_impu(r, "sip:user2@example.org"));
	assert_null(registrations_by_id(r, s->id + 1));
	assert_ptr_equal(registrations_take(r, s->id), s);
	assert_null(registrations_by_impu(r, "sip:user1-b@example.org"));
	assert_null(registrations_take(r, s->id));
	assert_int_equal(registrations_count(r), 0);
	registration_set_free(s);
	registrations_free(r);
}

static void test_identity_of_another_set_is_refused(void **state)
{
	struct registrations *r = registrations_new();
	struct registration_set *a = make_set(1, 1, 100), *b = make_set(2, 1, 100);

	free(b->impu[1]);
	b->impu[1] = strdup("sip:user1@example.org");
	assert_true(registrations_put(r, a));
	assert_false(registrations_put(r, b));
	assert_ptr_equal(registrations_by_impu(r, "sip:user1@example.org"), a);
	assert_null(registrations_by_impu(r, "sip:user2@example.org"));
	registration_set_free(b);
	registrations_free(r);
}

static void test_same_id_replaces(void **state)
{
	struct registrations *r = registrations_new();
	struct registration_set *again = make_set(1, 2, 500);

	assert_true(registrations_put(r, make_set(1, 1, 100)));
	assert_true(registrations_put(r, again));
	assert_int_equal(registrations_count(r), 1);
	assert_ptr_equal(registrations_by_impu(r, "sip:user1@example.org"), again);
	registrations_free(r);
}

static void test_next_expiry_follows_touch_and_defer(void **state)
{
	struct registrations *r = registrations_new();
	struct registration_set *a = make_set(1, 2, 300), *b = make_set(2, 1, 200),
				*c = make_set(3, 0, 0);
	uint64_t due;

	assert_null(registrations_next_expiry(r, &due));
	assert_true(due == UINT64_MAX);
	assert_true(registrations_put(r, c));
	assert_null(registrations_next_expiry(r, &due));
	assert_true(registrations_put(r, a) && registrations_put(r, b));
	assert_ptr_equal(registrations_next_expiry(r, &due), b);
	assert_int_equal(due, 200);
	registrations_defer(r, b->id, 350);
	assert_ptr_equal(registrations_next_expiry(r, &due), a);
	assert_int_equal(due, 300);
	a->contact[0].expires_wall_ms = 900;
	registrations_touch(r, a);
	assert_ptr_equal(registrations_next_expiry(r, &due), a);
	assert_int_equal(due, 301);
	a->contact[1].expires_wall_ms = 900;
	registrations_touch(r, a);
	assert_ptr_equal(registrations_next_expiry(r, &due), b);
	assert_int_equal(due, 350);
	registration_set_free(registrations_take(r, b->id));
	assert_ptr_equal(registrations_next_expiry(r, &due), a);
	registrations_free(r);
}

static bool take_every_second(void *ctx, struct registration_set *s)
{
	struct registrations *r = ctx;

	if (s->id % 2)
		registration_set_free(registrations_take(r, s->id));
	return true;
}

static bool count_until_five(void *ctx, struct registration_set *s)
{
	return ++*(int *)ctx < 5;
}

static void test_many(void **state)
{
	enum { MANY = 20000 };
	struct registrations *r = registrations_new();
	uint64_t due, last = 0;
	int n = 0;

	for (uint32_t i = 0; i < MANY; i++)
		assert_true(registrations_put(r, make_set(i, 1, 1 + i * 7919u % MANY)));
	assert_int_equal(registrations_count(r), MANY);
	registrations_each(r, take_every_second, r);
	assert_int_equal(registrations_count(r), MANY / 2);
	assert_null(registrations_by_impu(r, "sip:user1@example.org"));
	assert_non_null(registrations_by_impu(r, "sip:user2@example.org"));
	registrations_each(r, count_until_five, &n);
	assert_int_equal(n, 5);
	for (struct registration_set *s; (s = registrations_next_expiry(r, &due)); n++) {
		assert_true(due >= last);
		assert_true(due == s->contact[0].expires_wall_ms);
		last = due;
		registration_set_free(registrations_take(r, s->id));
	}
	assert_int_equal(n, 5 + MANY / 2);
	registrations_free(r);
}

static void test_copy_shares_nothing(void **state)
{
	struct registration_set *s = make_set(1, 2, 100), *copy = registration_set_copy(s);

	assert_ptr_not_equal(copy->impu[0], s->impu[0]);
	registration_set_free(s);
	assert_string_equal(copy->impu[1], "sip:user1-b@example.org");
	assert_string_equal(copy->contact[1].instance, "<urn:uuid:1>");
	assert_string_equal(copy->user_data, "<IMSSubscription>1</IMSSubscription>");
	assert_int_equal(copy->contact[1].cseq, 8);
	registration_set_free(copy);
}

static void test_wildcards_match(void **state)
{
	static const struct {
		const char *wildcard, *impu;
		bool matches;
	} table[] = {
		{"sip:pbx!.*!@ims.example", "sip:pbx@ims.example", true},
		{"sip:pbx!.*!@ims.example", "sip:pbx12@ims.example", true},
		{"sip:pbx!.*!@ims.example", "sip:pb@ims.example", false},
		{"sip:pbx!.*!@ims.example", "sip:pbx1@ims.example2", false},
		{"sip:pbx!.*!@ims.example", "", false},
		{"tel:+4930!([0-9]{2}|77)!", "tel:+493012", true},
		{"tel:+4930!([0-9]{2}|77)!", "tel:+4930123", false},
		{"tel:+4930!1|2!", "tel:+4930123", false},
		{"sip:aa!.*!aa@x", "sip:aaa@x",
		 false}, /* what is in front and behind overlap */
		{"sip:a!(!@x", "sip:a(@x", false},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (wildcard_matches(table[i].wildcard, table[i].impu) != table[i].matches)
			fail_msg("row %zu", i);
	assert_true(wildcard_is("sip:a!.*!@x"));
	assert_false(wildcard_is("sip:a@x"));
	assert_false(wildcard_is("sip:a!.*@x"));
	assert_false(wildcard_is("sip:a!!@x"));
	assert_false(wildcard_is("sip:a!(!@x"));
	assert_false(wildcard_is("sip:a!(.)\\1!@x"));
	assert_false(wildcard_is("mailto:a!.*!@x"));
}

static void test_finds_by_wildcard(void **state)
{
	struct registrations *r = registrations_new();
	struct registration_set *s[3];
	const char *wildcard = NULL;

	for (uint32_t i = 0; i < 3; i++) {
		char text[64];

		s[i] = make_set(i, 1, 100);
		snprintf(text, sizeof(text), "sip:pbx%u-!.*!@example.org", i);
		free(s[i]->impu[1]);
		s[i]->impu[1] = strdup(text);
		s[i]->impu_flags[1] = i < 2 ? ABI_IMPU_WILDCARD : 0;
		assert_true(registrations_put(r, s[i]));
	}
	assert_ptr_equal(registrations_by_wildcard(r, "sip:pbx1-x@example.org", &wildcard),
			 s[1]);
	assert_string_equal(wildcard, "sip:pbx1-!.*!@example.org");
	assert_ptr_equal(registrations_by_wildcard(r, "sip:pbx0-@example.org", &wildcard),
			 s[0]);
	assert_null(registrations_by_wildcard(r, "sip:pbx2-x@example.org", &wildcard));
	/* Replaced by a copy, and gone. */
	assert_true(registrations_put(r, registration_set_copy(s[0])));
	assert_non_null(registrations_by_wildcard(r, "sip:pbx0-@example.org", &wildcard));
	registration_set_free(registrations_take(r, s[1]->id));
	assert_null(registrations_by_wildcard(r, "sip:pbx1-x@example.org", &wildcard));
	assert_non_null(registrations_by_wildcard(r, "sip:pbx0-@example.org", &wildcard));
	registrations_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_by_id_and_every_identity),
		cmocka_unit_test(test_identity_of_another_set_is_refused),
		cmocka_unit_test(test_same_id_replaces),
		cmocka_unit_test(test_next_expiry_follows_touch_and_defer),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_copy_shares_nothing),
		cmocka_unit_test(test_wildcards_match),
		cmocka_unit_test(test_finds_by_wildcard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
