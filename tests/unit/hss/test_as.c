/* test_as.c - the `as ...` commands over a real store */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fixture.h"
#include "hss/as_command.h"

static char answer[65536];

/* Runs a command of words parted by '|', and keeps the answer. True: it is no error. */
static bool run(struct fixture *f, const char *line)
{
	struct admin_request r = {0};
	char words[512], *save = NULL;
	struct json out;

	snprintf(words, sizeof(words), "%s", line);
	for (char *w = strtok_r(words, "|", &save); w; w = strtok_r(NULL, "|", &save))
		r.word[r.n_words++] = w;
	json_init(&out);
	as_command(f->store, NULL, &r, &out);
	assert_false(out.failed);
	assert_true(out.len < sizeof(answer));
	memcpy(answer, out.p, out.len);
	answer[out.len] = 0;
	json_free(&out);
	return !strstr(answer, "\"error\":{");
}

static uint32_t allowed(struct fixture *f, const char *host, uint32_t reference)
{
	uint32_t operations;

	assert_int_equal(
		store_find_permission(f->store, slice_str(host), reference, &operations),
		STORE_OK);
	return operations;
}

static void test_permissions(void **state)
{
	struct fixture *f = *state;

	assert_true(run(f, "as|add|AS.home.example|all=all"));
	assert_int_equal(allowed(f, "as.home.example", SH_REPOSITORY_DATA),
			 STORE_PULL | STORE_UPDATE | STORE_NOTIFY);
	/* What cannot be done is not in "all". */
	assert_int_equal(allowed(f, "as.home.example", SH_MSISDN), STORE_PULL);
	assert_true(run(f, "as|add|as.home.example|repository_data=pull,notify|msisdn=none"));
	assert_int_equal(allowed(f, "as.home.example", SH_REPOSITORY_DATA),
			 STORE_PULL | STORE_NOTIFY);
	assert_int_equal(allowed(f, "as.home.example", SH_MSISDN), 0);
	assert_int_equal(allowed(f, "as.home.example", SH_IMS_USER_STATE),
			 STORE_PULL | STORE_NOTIFY);
	assert_int_equal(allowed(f, "other.home.example", SH_IMS_USER_STATE), 0);
	assert_true(run(f, "as|list"));
	assert_non_null(strstr(answer, "\"operations\":\"pull,notify\""));
	assert_true(run(f, "as|del|as.home.example"));
	assert_false(run(f, "as|del|as.home.example"));
	assert_non_null(strstr(answer, "not_found"));
	assert_int_equal(allowed(f, "as.home.example", SH_REPOSITORY_DATA), 0);
}

static void test_wrong(void **state)
{
	static const char *const line[] = {
		"as",
		"as|add|as1",
		"as|add|as1|repository_data",
		"as|add|as1|nonsense=pull",
		"as|add|as1|repository_data=steal",
		"as|add|as1|user_state=pull|repository_data=pull,steal",
		"as|add|not a host|all=all",
		"as|nonsense",
		"as|list|more",
		"as|watches|--limit",
		"as|watches|--limit|x",
		"as|dsai",
		"as|dsai|put|tag",
		"as|dsai|put|tag|tel:+1",
		"as|dsai|del|tag",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++)
		if (run(f, line[i]))
			fail_msg("taken: %s", line[i]);
	/* All or nothing. */
	assert_int_equal(allowed(f, "as1", SH_IMS_USER_STATE), 0);
}

static void test_watches(void **state)
{
	struct fixture *f = *state;
	struct store_watch w = {.identity = "sip:a@home.example",
				.reference = SH_IMS_USER_STATE,
				.host = "as1"};

	assert_int_equal(store_begin(f->store, STORE_PROVISION), STORE_OK);
	for (int i = 0; i < 120; i++) {
		snprintf(w.detail, sizeof(w.detail), "n%d", i);
		assert_int_equal(store_watch_put(f->store, &w), STORE_OK);
	}
	assert_int_equal(store_commit(f->store), STORE_OK);
	assert_true(run(f, "as|watches"));
	assert_non_null(strstr(answer, "\"n99\""));
	assert_null(strstr(answer, "\"n100\""));
	assert_true(run(f, "as|watches|--limit|60|--from|1"));
	assert_null(strstr(answer, "\"n0\""));
	assert_non_null(strstr(answer, "\"n60\""));
	assert_null(strstr(answer, "\"n61\""));
}

static void test_tags(void **state)
{
	struct fixture *f = *state;
	char line[64];

	for (int i = 0; i <= STORE_DSAI_MAX; i++) {
		snprintf(line, sizeof(line), "as|dsai|put|tag%d|sip:as.home.example", i);
		assert_int_equal(run(f, line), i < STORE_DSAI_MAX);
	}
	/* There is room for one that is there. */
	assert_true(run(f, "as|dsai|put|tag1|sip:other.home.example"));
	assert_true(run(f, "as|dsai|list"));
	assert_non_null(strstr(answer, "sip:other.home.example"));
	assert_true(run(f, "as|dsai|del|tag1"));
	assert_true(run(f, "as|dsai|list"));
	assert_null(strstr(answer, "sip:other.home.example"));
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_make, fixture_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(test_permissions),
		WITH_STORE(test_wrong),
		WITH_STORE(test_watches),
		WITH_STORE(test_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
