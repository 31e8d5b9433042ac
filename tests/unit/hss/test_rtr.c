/* test_rtr.c - what goes out to S-CSCFs when an operator changes something */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "fixture.h"
#include "hss/again.h"
#include "hss/rtr.h"

static struct {
	uint32_t sent[6]; /* by command */
	char host[STORE_HOST_MAX + 1], impi[64];
	struct cx_rtr rtr;
	bool has_criteria, refuse;
	struct cx_rtr *taken; /* the sender's then */
} seen;

static bool note(void *ctx, const struct again_item *item, const void *request)
{
	const struct cx_ppr *p = request;

	seen.sent[item->command - CX_UAR]++;
	snprintf(seen.host, sizeof(seen.host), "%s", item->host);
	if (item->command == CX_RTR) {
		seen.rtr = *(const struct cx_rtr *)request;
		snprintf(seen.impi, sizeof(seen.impi), "%.*s", SLICE_ARG(seen.rtr.impi));
	} else {
		snprintf(seen.impi, sizeof(seen.impi), "%.*s", SLICE_ARG(p->impi));
		seen.has_criteria =
			memmem(p->user_data.p, p->user_data.len, "<InitialFilterCriteria", 22);
	}
	if (!seen.refuse && item->rtr) {
		free(seen.taken);
		seen.taken = item->rtr;
	}
	return !seen.refuse;
}

static struct metrics_counters counters;

static struct rtr *open_rtr(struct fixture *f)
{
	struct rtr *x = rtr_open(f->store, "hss.home.example", &counters,
				 &(struct rtr_sender){note, NULL});

	memset(&seen, 0, sizeof(seen));
	assert_non_null(x);
	return x;
}

static struct store_impu registered(struct fixture *f, const char *impu, const char *host)
{
	struct store_impu u;

	assert_int_equal(store_find_impu(f->store, slice_str(impu), &u), STORE_OK);
	assert_int_equal(store_assign(f->store, u.implicit_set, STORE_REGISTERED,
				      SLICE("sip:s"), slice_str(host)),
			 STORE_OK);
	assert_int_equal(store_find_impu(f->store, slice_str(impu), &u), STORE_OK);
	return u;
}

static void deregister(struct rtr *x, const struct store_impu *u, uint32_t n,
		       enum cx_reason reason, const char *info)
{
	rtr_deregister(x, &(struct ended){.impus = u,
					  .n = n,
					  .impi = "alice@home.example",
					  .reason = reason,
					  .info = info});
}

static void test_deregister(void **state)
{
	struct fixture *f = *state;
	struct store_impu u;
	struct rtr *x;

	fixture_people(f);
	x = open_rtr(f);
	/* Nobody to tell: not registered, or the S-CSCF's Diameter identity was never seen. */
	assert_int_equal(store_find_impu(f->store, SLICE("tel:+1"), &u), STORE_OK);
	deregister(x, &u, 1, CX_REASON_PERMANENT_TERMINATION, NULL);
	u = registered(f, "tel:+1", "");
	deregister(x, &u, 1, CX_REASON_PERMANENT_TERMINATION, NULL);
	deregister(x, &u, 0, CX_REASON_PERMANENT_TERMINATION, NULL);
	assert_int_equal(seen.sent[CX_RTR - CX_UAR], 0);
	u = registered(f, "tel:+1", "s.home.example");
	deregister(x, &u, 1, CX_REASON_SERVER_CHANGE, "why");
	assert_int_equal(seen.sent[CX_RTR - CX_UAR], 1);
	assert_string_equal(seen.host, "s.home.example");
	assert_string_equal(seen.impi, "alice@home.example");
	assert_int_equal(seen.rtr.n_impus, 1);
	assert_int_equal(seen.rtr.reason, CX_REASON_SERVER_CHANGE);
	assert_true(slice_eq(seen.rtr.origin_host, SLICE("hss.home.example")));
	/* By the private identity alone, and with the others that the end is of. */
	rtr_deregister(x,
		       &(struct ended){.impus = &u,
				       .n = 1,
				       .impi = "alice@home.example",
				       .by_impi = true,
				       .n_associated = 1,
				       .associated = (const char[][IMPI_MAX + 1]){"other@h"}});
	assert_int_equal(seen.rtr.n_impus, 0);
	assert_int_equal(seen.rtr.n_associated, 1);
	assert_true(slice_eq(seen.rtr.associated_impi[0], SLICE("other@h")));
	free(seen.taken);
	rtr_close(x);
}

/* One that cannot be sent is sent again, unless the registration came back meanwhile; a profile
 * is the one of then. */
static void test_again(void **state)
{
	struct fixture *f = *state;
	struct store_impu u;
	struct store_impi i;
	struct rtr *x;

	fixture_people(f);
	x = open_rtr(f);
	u = registered(f, "tel:+1", "s.home.example");
	seen.refuse = true;
	deregister(x, &u, 1, CX_REASON_SERVER_CHANGE, "why");
	rtr_push_set(x, u.implicit_set);
	assert_int_equal(seen.sent[CX_RTR - CX_UAR], 1);
	assert_int_equal(seen.sent[CX_PPR - CX_UAR], 1);
	seen.refuse = false;
	assert_true(rtr_tick(x));
	assert_int_equal(seen.sent[CX_RTR - CX_UAR], 1);
	usleep(1050000);
	assert_false(rtr_tick(x));
	assert_int_equal(seen.sent[CX_RTR - CX_UAR], 2);
	assert_int_equal(seen.sent[CX_PPR - CX_UAR], 2);
	assert_string_equal(seen.host, "s.home.example");
	seen.refuse = true;
	deregister(x, &u, 1, CX_REASON_SERVER_CHANGE, "why");
	seen.refuse = false;
	assert_int_equal(store_find_impi(f->store, SLICE("alice@home.example"), &i), STORE_OK);
	assert_int_equal(store_tie(f->store, u.implicit_set, i.id, true, false), STORE_OK);
	usleep(1050000);
	assert_false(rtr_tick(x));
	assert_int_equal(seen.sent[CX_RTR - CX_UAR], 3);
	free(seen.taken);
	rtr_close(x);
}

/* The list: by time, longer each time, not for ever, and no more than it holds. */
static void test_again_list(void **state)
{
	struct again *a = again_new();
	struct again_item item = {.command = CX_PPR}, out;
	uint64_t now = 1000;
	uint32_t n = 0;

	assert_non_null(a);
	for (item.tries = 0; again_put(a, &item, now); item.tries++) {
		assert_false(again_take(a, now + ((uint64_t)AGAIN_FIRST_MS << item.tries) - 1,
					&out));
		now += (uint64_t)AGAIN_FIRST_MS << item.tries;
		assert_true(again_take(a, now, &out));
		assert_true(again_empty(a));
	}
	assert_int_equal(item.tries, AGAIN_TRIES);
	item = (struct again_item){.command = CX_RTR};
	for (n = 0;; n++) {
		item.rtr = malloc(sizeof(*item.rtr));
		if (!again_put(a, &item, now))
			break;
	}
	assert_int_equal(n, AGAIN_MAX);
	again_free(a);
}

static void test_push_set(void **state)
{
	struct fixture *f = *state;
	struct store_impu u;
	struct rtr *x;

	fixture_people(f);
	x = open_rtr(f);
	assert_int_equal(store_find_impu(f->store, SLICE("sip:bob@home.example"), &u),
			 STORE_OK);
	rtr_push_set(x, u.implicit_set);
	rtr_push_set(x, 12345);
	assert_int_equal(seen.sent[CX_PPR - CX_UAR], 0);
	u = registered(f, "sip:bob@home.example", "s.home.example");
	rtr_push_set(x, u.implicit_set);
	assert_int_equal(seen.sent[CX_PPR - CX_UAR], 1);
	assert_string_equal(seen.impi, "bob@home.example");
	assert_true(seen.has_criteria);
	/* Nothing stays open that would hold up the next. */
	assert_int_equal(store_begin(f->store, STORE_PROVISION), STORE_OK);
	assert_int_equal(store_commit(f->store), STORE_OK);
	rtr_close(x);
}

/* Everybody has the profile: everybody is told, once, and not all in one go. */
static void test_push_profile(void **state)
{
	enum { USERS = 3 * RTR_PUSHES_PER_TICK - 5 };
	struct fixture *f = *state;
	int64_t profile;
	struct rtr *x;
	int ticks = 0;

	fixture_people(f);
	for (int i = 0; i < USERS; i++) {
		char name[64], impu[64];
		const char *const impus[] = {impu, NULL};
		struct store_subscriber *sub;

		snprintf(name, sizeof(name), "u%d@home.example", i);
		snprintf(impu, sizeof(impu), "sip:u%d@home.example", i);
		sub = fixture_subscriber(name, impus);
		strcpy(sub->profile, "always");
		fixture_put(f, sub);
		registered(f, impu, "s.home.example");
	}
	assert_int_equal(store_profile_named(f->store, "always", &profile), STORE_OK);
	x = open_rtr(f);
	assert_false(rtr_tick(x));
	rtr_push_profile(x, profile);
	while (rtr_tick(x)) {
		ticks++;
		assert_int_equal(seen.sent[CX_PPR - CX_UAR], ticks * RTR_PUSHES_PER_TICK);
		assert_true(ticks < 10);
	}
	assert_int_equal(ticks, 2);
	assert_int_equal(seen.sent[CX_PPR - CX_UAR], USERS);
	/* Changed again while half are told: all once more. */
	rtr_push_profile(x, profile);
	assert_true(rtr_tick(x));
	rtr_push_profile(x, profile);
	while (rtr_tick(x))
		;
	assert_int_equal(seen.sent[CX_PPR - CX_UAR], 2 * USERS + RTR_PUSHES_PER_TICK);
	/* More changes than can be noted: the rest is left out, nothing breaks. */
	for (int64_t p = 1000; p < 1000 + 2 * RTR_PROFILES_MAX; p++)
		rtr_push_profile(x, p);
	while (rtr_tick(x))
		assert_true(++ticks < 100);
	rtr_close(x);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_deregister),
		CASE(test_again),
		cmocka_unit_test(test_again_list),
		CASE(test_push_set),
		CASE(test_push_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
