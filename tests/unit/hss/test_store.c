/* test_store.c - the subscribers' store: what it keeps and refuses, on either back end */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "fixture.h"
#include "store/move.h"

static void test_round_trip(void **state)
{
	static const char *const impu[] = {"sip:a@home.example", "tel:+1", "sip:b@home.example",
					   NULL};
	struct fixture *f = *state;
	struct store_subscriber *sub = fixture_subscriber("a@home.example", impu),
				*got = calloc(1, sizeof(*got));
	char error[STORE_ERROR_MAX];

	assert_int_equal(store_profile_put(f->store, "p", SLICE("<x/>"), -1, 1), STORE_OK);
	assert_int_equal(store_profile_put(f->store, "q", SLICE_EMPTY, 7, 2), STORE_OK);
	strcpy(sub->profile, "p");
	strcpy(sub->impu_profile[2], "q");
	strcpy(sub->subscription, "family");
	strcpy(sub->visited[0], "abroad.example");
	strcpy(sub->visited[1], "far.example");
	sub->n_visited = 2;
	strcpy(sub->display_name, "A");
	sub->barred[1] = true;
	sub->sqn = 0x123456789abc;
	assert_int_equal(store_subscriber_put(f->store, sub, false, error), STORE_OK);
	fixture_reopen(f);
	assert_int_equal(store_subscriber_get(f->store, SLICE("a@home.example"), got),
			 STORE_OK);
	assert_memory_equal(got, sub, sizeof(*got));
	assert_int_equal(fixture_impu(f->store, "sip:b@home.example").services, 2);
	assert_int_equal(fixture_impu(f->store, "tel:+1").services, 1);
	free(got);
	free(sub);
}

static void test_refusals(void **state)
{
	static const char *const mine[] = {"sip:new@home.example", "sip:alice@home.example",
					   NULL};
	static const char *const fresh[] = {"sip:new@home.example", NULL};
	struct fixture *f = *state;
	struct store_subscriber *sub;
	struct store_counts before, after;
	char error[STORE_ERROR_MAX];

	fixture_people(f);
	assert_int_equal(store_counts(f->store, &before), STORE_OK);
	sub = fixture_subscriber("alice@home.example", fresh);
	assert_int_equal(store_subscriber_put(f->store, sub, false, error), STORE_EXISTS);
	assert_non_null(strstr(error, "alice@home.example"));
	free(sub);
	sub = fixture_subscriber("new@home.example", mine);
	assert_int_equal(store_subscriber_put(f->store, sub, false, error), STORE_EXISTS);
	assert_non_null(strstr(error, "sip:alice@home.example"));
	free(sub);
	sub = fixture_subscriber("new@home.example", fresh);
	strcpy(sub->profile, "no-such");
	assert_int_equal(store_subscriber_put(f->store, sub, false, error), STORE_NONE);
	assert_non_null(strstr(error, "no-such"));
	assert_int_equal(store_subscriber_put(f->store, sub, true, error), STORE_NONE);
	sub->n_impus = 0;
	assert_int_equal(store_subscriber_put(f->store, sub, false, error), STORE_FAIL);
	sub->n_impus = SET_IMPUS_MAX + 1;
	assert_int_equal(store_subscriber_put(f->store, sub, false, error), STORE_FAIL);
	free(sub);
	/* Nothing of what was refused is left. */
	assert_int_equal(store_counts(f->store, &after), STORE_OK);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void test_replace_keeps_state_and_sqn(void **state)
{
	static const char *const other[] = {"tel:+1", "sip:new@home.example", NULL};
	struct fixture *f = *state;
	struct store_subscriber *sub;
	struct store_impu gone;
	char error[STORE_ERROR_MAX];

	fixture_people(f);
	struct store_impi i = fixture_impi(f->store, "alice@home.example");
	assert_int_equal(store_set_sqn(f->store, i.id, 640), STORE_OK);
	assert_int_equal(store_assign(f->store, i.implicit_set, STORE_REGISTERED,
				      SLICE("sip:s"), SLICE("h")),
			 STORE_OK);
	sub = fixture_subscriber("alice@home.example", other);
	assert_int_equal(store_subscriber_put(f->store, sub, true, error), STORE_OK);
	assert_int_equal(fixture_impi(f->store, "alice@home.example").sqn, 640);
	assert_int_equal(fixture_impu(f->store, "tel:+1").state, STORE_REGISTERED);
	assert_string_equal(fixture_impu(f->store, "sip:new@home.example").scscf, "sip:s");
	assert_int_equal(store_find_impu(f->store, SLICE("sip:alice@home.example"), &gone),
			 STORE_NONE);
	sub->sqn = 6400;
	assert_int_equal(store_subscriber_put(f->store, sub, true, error), STORE_OK);
	assert_int_equal(fixture_impi(f->store, "alice@home.example").sqn, 6400);
	strcpy(sub->subscription, "other");
	assert_int_equal(store_subscriber_put(f->store, sub, true, error), STORE_EXISTS);
	free(sub);
}

static void test_delete(void **state)
{
	struct fixture *f = *state;
	struct store_impi i;
	struct store_counts c;

	fixture_people(f);
	i = fixture_impi(f->store, "one@home.example");
	assert_int_equal(store_assign(f->store, i.implicit_set, STORE_REGISTERED,
				      SLICE("sip:s"), SLICE("h")),
			 STORE_OK);
	assert_int_equal(store_tie(f->store, i.implicit_set, i.id, true, false), STORE_OK);
	/* The last one registered leaves, and with it the registration; the identity stays with
	 * the other. */
	assert_int_equal(store_subscriber_del(f->store, SLICE("one@home.example")), STORE_OK);
	assert_int_equal(fixture_impu(f->store, "sip:shared@home.example").state,
			 STORE_NOT_REGISTERED);
	assert_int_equal(store_subscriber_del(f->store, SLICE("one@home.example")), STORE_NONE);
	assert_int_equal(store_subscriber_del(f->store, SLICE("two@home.example")), STORE_OK);
	assert_int_equal(store_subscriber_del(f->store, SLICE("alice@home.example")), STORE_OK);
	assert_int_equal(store_subscriber_del(f->store, SLICE("bob@home.example")), STORE_OK);
	assert_int_equal(store_counts(f->store, &c), STORE_OK);
	assert_int_equal(c.subscriptions + c.impis + c.impus + c.registered, 0);
	/* Whoever comes next has nothing of theirs. */
	fixture_people(f);
	assert_int_not_equal(fixture_impi(f->store, "one@home.example").id, i.id);
}

/* Somebody else stops in the middle of a change of the state. */
static void test_busy_is_bounded(void **state)
{
	struct fixture *f = *state;
	char error[STORE_ERROR_MAX];
	struct store *other;
	uint64_t start;

	fixture_people(f);
	other = store_open(f->path, error);
	assert_non_null(other);
	assert_int_equal(store_begin(other, STORE_CX), STORE_OK);
	assert_int_equal(fixture_impu(other, "tel:+1").state, STORE_NOT_REGISTERED);
	start = clock_ms();
	assert_int_equal(fixture_mar(f), CX_UNABLE_TO_COMPLY);
	assert_true(clock_ms() - start < 2000);
	/* Who only reads does not wait. */
	start = clock_ms();
	assert_int_equal(fixture_impu(f->store, "tel:+1").state, STORE_NOT_REGISTERED);
	assert_true(clock_ms() - start < 500);
	store_close(other);
	assert_int_equal(fixture_mar(f), CX_SUCCESS);
}

/* What one sees within a transaction does not change under it; what the other did before it is
 * there. */
static void test_cx_follows_cx(void **state)
{
	struct fixture *f = *state;
	char error[STORE_ERROR_MAX];
	struct store *other;
	struct store_impi i;

	fixture_people(f);
	i = fixture_impi(f->store, "alice@home.example");
	other = store_open(f->path, error);
	assert_non_null(other);
	for (uint64_t n = 1; n <= 20; n++) {
		struct store *s = n % 2 ? f->store : other;

		assert_int_equal(store_begin(s, STORE_CX), STORE_OK);
		assert_int_equal(fixture_impi(s, "alice@home.example").sqn, (n - 1) * 32);
		assert_int_equal(store_set_sqn(s, i.id, n * 32), STORE_OK);
		assert_int_equal(store_commit(s), STORE_OK);
	}
	assert_int_equal(store_begin(other, STORE_READ), STORE_OK);
	assert_int_equal(fixture_impu(other, "tel:+1").state, STORE_NOT_REGISTERED);
	assert_int_equal(fixture_sar(f, CX_SAT_REGISTRATION), CX_SUCCESS);
	assert_int_equal(fixture_impu(other, "tel:+1").state, STORE_NOT_REGISTERED);
	store_rollback(other);
	assert_int_equal(fixture_impu(other, "tel:+1").state, STORE_REGISTERED);
	store_close(other);
}

static void test_rollback(void **state)
{
	static const char *const impu[] = {"sip:n@home.example", NULL};
	struct fixture *f = *state;
	struct store_subscriber *sub = fixture_subscriber("n@home.example", impu);
	char error[STORE_ERROR_MAX];
	struct store_impi i;

	fixture_people(f);
	assert_int_equal(store_commit(f->store), STORE_FAIL);
	assert_int_equal(store_begin(f->store, STORE_PROVISION), STORE_OK);
	assert_int_equal(store_subscriber_put(f->store, sub, false, error), STORE_OK);
	/* What is refused takes nothing else with it. */
	assert_int_equal(store_subscriber_put(f->store, sub, false, error), STORE_EXISTS);
	strcpy(sub->impi, "other@home.example");
	assert_int_equal(store_subscriber_put(f->store, sub, false, error), STORE_EXISTS);
	assert_int_equal(store_find_impi(f->store, SLICE("n@home.example"), &i), STORE_OK);
	store_rollback(f->store);
	assert_int_equal(store_find_impi(f->store, SLICE("n@home.example"), &i), STORE_NONE);
	assert_int_equal(store_checkpoint(f->store), STORE_OK);
	free(sub);
}

/* Names from the wire that nobody has: none of them is an error of the store, and none is taken
 * for SQL. */
static void test_strange_names(void **state)
{
	static const struct slice name[] = {
		SLICE("' OR 1=1; --"), SLICE("\0"),      SLICE("alice@home.example\0"),
		SLICE("\xff\xfe"),     SLICE("\xc3"),    SLICE("$1"),
		SLICE("?1"),           SLICE("\\x616c"), SLICE_EMPTY,
	};
	struct fixture *f = *state;
	struct store_impi i;
	struct store_impu u;
	bool allowed;

	fixture_people(f);
	for (size_t n = 0; n < sizeof(name) / sizeof(name[0]); n++) {
		assert_int_equal(store_begin(f->store, STORE_CX), STORE_OK);
		assert_int_equal(store_find_impi(f->store, name[n], &i), STORE_NONE);
		assert_int_equal(store_find_impu(f->store, name[n], &u), STORE_NONE);
		assert_int_equal(store_visited_allowed(f->store, 2, name[n], &allowed),
				 STORE_OK);
		assert_false(allowed);
		/* And the transaction goes on. */
		i = fixture_impi(f->store, "alice@home.example");
		assert_int_equal(store_commit(f->store), STORE_OK);
	}
}

/* An import holds its transaction for seconds; registrations go on beside it. */
static void test_import_holds_up_nobody(void **state)
{
	static const char *const impu[] = {"sip:n@home.example", NULL};
	struct fixture *f = *state;
	struct store_subscriber *sub = fixture_subscriber("n@home.example", impu);
	char error[STORE_ERROR_MAX];
	struct store *import;
	struct store_impi i;

	fixture_people(f);
	import = store_open(f->path, error);
	assert_non_null(import);
	assert_int_equal(store_begin(import, STORE_PROVISION), STORE_OK);
	assert_int_equal(store_subscriber_put(import, sub, false, error), STORE_OK);
	uint64_t start = clock_ms();
	assert_int_equal(fixture_mar(f), CX_SUCCESS);
	assert_int_equal(fixture_sar(f, CX_SAT_REGISTRATION), CX_SUCCESS);
	assert_true(clock_ms() - start < 500);
	assert_int_equal(store_find_impi(f->store, SLICE("n@home.example"), &i), STORE_NONE);
	assert_int_equal(store_commit(import), STORE_OK);
	assert_int_equal(store_find_impi(f->store, SLICE("n@home.example"), &i), STORE_OK);
	store_close(import);
	free(sub);
}

static bool note_name(void *ctx, const struct store_subscriber *sub)
{
	strcat(ctx, sub->impi);
	strcat(ctx, " ");
	return strncmp(sub->impi, "one", 3) != 0;
}

static void test_walk(void **state)
{
	struct fixture *f = *state;
	char names[256] = "";

	fixture_people(f);
	assert_int_equal(store_subscriber_each(f->store, SLICE_EMPTY, note_name, names),
			 STORE_OK);
	assert_string_equal(names, "alice@home.example bob@home.example one@home.example ");
	*names = 0;
	assert_int_equal(
		store_subscriber_each(f->store, SLICE("one@home.example"), note_name, names),
		STORE_OK);
	assert_string_equal(names, "two@home.example ");
}

static void note_info(void *ctx, int64_t impi, struct slice info)
{
	struct text *t = ctx;

	text_u64(t, (uint64_t)impi);
	text_char(t, '=');
	text_put(t, info);
	text_char(t, ' ');
}

static bool note_psi(void *ctx, const char *identity, bool wildcard, const char *server)
{
	text_printf(ctx, "%s%s>%s ", identity, wildcard ? "*" : "", server);
	return true;
}

/* What hangs on subscriptions and sets besides identities, and public service identities. */
static void test_services(void **state)
{
	static const char *const impu[] = {"sip:n@home.example", NULL};
	struct fixture *f = *state;
	struct store_subscriber *sub = fixture_subscriber("n@home.example", impu),
				*got = calloc(1, sizeof(*got));
	char memory[256], wanted[64], error[STORE_ERROR_MAX], server[STORE_HOST_MAX + 1];
	struct text t = text_in(memory, sizeof(memory));
	struct store_impi i;

	sub->service.mandatory[sub->service.n_mandatory++] = UINT32_MAX;
	sub->service.mandatory[sub->service.n_mandatory++] = 7;
	sub->service.optional[sub->service.n_optional++] = 0;
	strcpy(sub->service.server[sub->service.n_servers++], "sip:s1");
	strcpy(sub->service.ecf[sub->service.n_ecf++], "aaa://ecf");
	assert_int_equal(store_subscriber_put(f->store, sub, false, error), STORE_OK);
	assert_int_equal(store_psi_put(f->store, "sip:b@as", false, "sip:as1"), STORE_OK);
	assert_int_equal(store_psi_put(f->store, "sip:a!.*!@as", true, "sip:as2"), STORE_OK);
	i = fixture_impi(f->store, "n@home.example");
	assert_int_equal(store_restoration_put(f->store, i.implicit_set, i.id, SLICE("\0x")),
			 STORE_OK);
	assert_int_equal(store_restoration_put(f->store, i.implicit_set, i.id, SLICE("y")),
			 STORE_OK);
	fixture_reopen(f);
	assert_int_equal(store_subscriber_get(f->store, SLICE("n@home.example"), got),
			 STORE_OK);
	assert_memory_equal(got, sub, sizeof(*got));
	assert_int_equal(store_find_psi(f->store, SLICE("sip:b@as"), server), STORE_OK);
	assert_string_equal(server, "sip:as1");
	assert_int_equal(store_psis(f->store, false, note_psi, &t), STORE_OK);
	assert_string_equal(text_cstr(&t), "sip:a!.*!@as*>sip:as2 sip:b@as>sip:as1 ");
	t.len = 0;
	assert_int_equal(store_restorations(f->store, i.implicit_set, note_info, &t), STORE_OK);
	snprintf(wanted, sizeof(wanted), "%lld=y ", (long long)i.id);
	assert_string_equal(text_cstr(&t), wanted);
	assert_int_equal(store_restorations_del(f->store, i.implicit_set), STORE_OK);
	t.len = 0;
	assert_int_equal(store_restorations(f->store, i.implicit_set, note_info, &t), STORE_OK);
	assert_string_equal(text_cstr(&t), "");
	free(got);
	free(sub);
}

static bool count_one(void *ctx, const struct store_subscriber *sub)
{
	++*(uint32_t *)ctx;
	return true;
}

static void test_walk_of_many(void **state)
{
	struct fixture *f = *state;
	char impi[32], impu[40], error[STORE_ERROR_MAX];
	const char *const impus[] = {impu, NULL};
	uint32_t n = 0;

	assert_int_equal(store_begin(f->store, STORE_PROVISION), STORE_OK);
	for (int k = 0; k < 256; k++) {
		snprintf(impi, sizeof(impi), "%04d@home.example", k);
		snprintf(impu, sizeof(impu), "sip:%s", impi);
		struct store_subscriber *sub = fixture_subscriber(impi, impus);
		assert_int_equal(store_subscriber_put(f->store, sub, false, error), STORE_OK);
		free(sub);
	}
	assert_int_equal(store_commit(f->store), STORE_OK);
	assert_int_equal(store_subscriber_each(f->store, SLICE_EMPTY, count_one, &n), STORE_OK);
	assert_int_equal(n, 256);
	n = 0;
	assert_int_equal(store_subscriber_each(f->store, SLICE("0200"), count_one, &n),
			 STORE_OK);
	assert_int_equal(n, 56);
}

/* What is moved, as one sees it in both. */
static void assert_same_store(struct store *a, struct store *b)
{
	static const char *const impi[] = {"alice@home.example", "bob@home.example",
					   "one@home.example", "two@home.example"};
	struct store_subscriber *x = calloc(1, sizeof(*x)), *y = calloc(1, sizeof(*y));

	for (size_t i = 0; i < sizeof(impi) / sizeof(impi[0]); i++) {
		assert_int_equal(store_subscriber_get(a, slice_str(impi[i]), x), STORE_OK);
		assert_int_equal(store_subscriber_get(b, slice_str(impi[i]), y), STORE_OK);
		/* A move begins an epoch. */
		assert_int_equal(y->sqn, x->sqn + STORE_SQN_JUMP);
		y->sqn = x->sqn;
		assert_memory_equal(x, y, sizeof(*x));
		struct store_impu u = fixture_impu(a, x->impu[0]),
				  v = fixture_impu(b, x->impu[0]);
		assert_memory_equal(&u, &v, sizeof(u));
	}
	free(x);
	free(y);
}

/* To a store of the other kind, or from one file to another. */
static void test_move(void **state)
{
	struct fixture *f = *state;
	struct store_moved moved;
	char path[512], error[STORE_ERROR_MAX];
	struct store *to;
	struct store_tie tie;
	struct store_impi i;

	fixture_people(f);
	assert_int_equal(fixture_mar(f), CX_SUCCESS);
	assert_int_equal(fixture_sar(f, CX_SAT_REGISTRATION), CX_SUCCESS);
	/* The last identifier is not that of a row any more. */
	assert_int_equal(store_subscriber_del(f->store, SLICE("two@home.example")), STORE_OK);
	fixture_put(f, fixture_subscriber("two@home.example",
					  (const char *const[]){"sip:two@home.example", NULL}));
	i = fixture_impi(f->store, "two@home.example");
	snprintf(path, sizeof(path), "%s/to.db", f->folder);
	to = store_open(path, error);
	assert_non_null(to);
	if (store_move(f->store, to, &moved, error) != STORE_OK)
		fail_msg("%s", error);
	assert_int_equal(moved.subscribers, 4);
	assert_int_equal(moved.profiles, 1);
	assert_int_equal(moved.sets, 1);
	assert_int_equal(moved.sqns, 1);
	store_close(to);
	to = store_open(path, error);
	assert_non_null(to);
	assert_same_store(f->store, to);
	i = fixture_impi(to, "alice@home.example");
	assert_int_equal(store_find_tie(to, i.implicit_set, i.id, &tie), STORE_OK);
	assert_true(tie.registered);
	/* Once more: it is not empty. */
	assert_int_equal(store_move(f->store, to, &moved, error), STORE_EXISTS);
	assert_non_null(strstr(error, "not empty"));
	/* And both go on. */
	assert_int_equal(fixture_mar(f), CX_SUCCESS);
	assert_int_equal(store_checkpoint(to), STORE_OK);
	store_close(to);
}

/* From a file into the store, where identifiers go on as they would have there. */
static void test_move_here(void **state)
{
	static const char *const impu[] = {"sip:new@home.example", NULL};
	struct fixture *f = *state;
	struct fixture from = *f;
	struct store_moved moved;
	char path[512], error[STORE_ERROR_MAX];
	struct store_subscriber *sub;
	int64_t last;

	snprintf(path, sizeof(path), "%s/from.db", f->folder);
	from.store = store_open(path, error);
	assert_non_null(from.store);
	fixture_people(&from);
	last = fixture_impi(from.store, "two@home.example").id;
	assert_int_equal(store_subscriber_del(from.store, SLICE("two@home.example")), STORE_OK);
	if (store_move(from.store, f->store, &moved, error) != STORE_OK)
		fail_msg("%s", error);
	assert_int_equal(moved.subscribers, 3);
	fixture_reopen(f);
	assert_int_equal(fixture_impi(f->store, "alice@home.example").sqn, STORE_SQN_JUMP);
	sub = fixture_subscriber("new@home.example", impu);
	assert_int_equal(store_subscriber_put(f->store, sub, false, error), STORE_OK);
	assert_int_equal(fixture_impi(f->store, "new@home.example").id, last + 1);
	assert_int_equal(fixture_mar(f), CX_SUCCESS);
	free(sub);
	store_close(from.store);
}

static void test_sets_of_a_profile(void **state)
{
	struct fixture *f = *state;
	struct store_impu bob;
	int64_t profile, set = 0;

	fixture_people(f);
	bob = fixture_impu(f->store, "sip:bob@home.example");
	assert_int_equal(store_profile_named(f->store, "always", &profile), STORE_OK);
	assert_int_equal(profile, bob.profile);
	assert_int_equal(store_profile_named(f->store, "", &profile), STORE_NONE);
	assert_int_equal(store_profile_next_set(f->store, bob.profile, 0, &set), STORE_NONE);
	assert_int_equal(store_assign(f->store, bob.implicit_set, STORE_UNREGISTERED,
				      SLICE("s"), SLICE("h")),
			 STORE_OK);
	assert_int_equal(store_profile_next_set(f->store, bob.profile, 0, &set), STORE_OK);
	assert_int_equal(set, bob.implicit_set);
	assert_int_equal(store_profile_next_set(f->store, bob.profile, set, &set), STORE_NONE);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_round_trip),
		CASE(test_refusals),
		CASE(test_replace_keeps_state_and_sqn),
		CASE(test_delete),
		CASE(test_busy_is_bounded),
		CASE(test_cx_follows_cx),
		CASE(test_rollback),
		CASE(test_strange_names),
		CASE(test_import_holds_up_nobody),
		CASE(test_services),
		CASE(test_walk),
		CASE(test_walk_of_many),
		CASE(test_move),
		CASE(test_move_here),
		CASE(test_sets_of_a_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
