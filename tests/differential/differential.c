/* differential.c - our parser against libosip2
 *
 * Where both take a message they must see the same in it, or hops disagree about who calls
 * whom. What only one of them takes is no matter here. Usage: differential [messages [seed]]
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "deviation.h"
#include "mutate.h"
#include "support.h"

static const char *const field_name[FIELDS] = {
	[F_METHOD] = "method",           [F_STATUS] = "status",
	[F_URI] = "Request-URI",         [F_CALL_ID] = "Call-ID",
	[F_CSEQ_NUMBER] = "CSeq number", [F_CSEQ_METHOD] = "CSeq method",
	[F_VIAS] = "number of Vias",     [F_BRANCH] = "top branch",
	[F_FROM_TAG] = "From tag",       [F_TO_TAG] = "To tag",
	[F_ROUTES] = "number of Routes",
};

struct run {
	uint64_t messages;
	uint64_t seed;
	uint64_t ours; /* taken by us */
	uint64_t osip; /* by libosip2 */
	uint64_t both;
	uint64_t excused;
	uint64_t wrong;
};

static bool is_excused(struct slice message, uint32_t field, const char *ours, const char *osip)
{
	for (uint32_t i = 0; i < n_deviations; i++)
		if (deviations[i].field == field && deviations[i].applies(message, ours, osip))
			return true;
	return false;
}

static void compare(struct run *run, struct slice message)
{
	static struct view ours, osip;

	bool we = view_ours(message, &ours), they = view_osip(message, &osip);

	run->ours += we;
	run->osip += they;
	if (!we || !they)
		return;
	run->both++;
	for (uint32_t f = 0; f < FIELDS; f++) {
		if (strcmp(ours.word[f], osip.word[f]) == 0)
			continue;
		if (is_excused(message, f, ours.word[f], osip.word[f])) {
			run->excused++;
			continue;
		}
		if (run->wrong++ < 400)
			printf("%s: ours \"%s\", libosip2 \"%s\"\n%.*s\n----\n", field_name[f],
			       ours.word[f], osip.word[f], SLICE_ARG(message));
	}
}

static void test_corpus(void **state)
{
	struct run run = {0};
	struct corpus c = {0};

	corpus_load(&c, "");
	corpus_load(&c, "torture");
	for (uint32_t i = 0; i < c.n; i++)
		compare(&run, c.sample[i].text);
	assert_int_equal(run.wrong, 0);
	assert_true(run.both > 40);
	corpus_free(&c);
}

static void test_mutants(void **state)
{
	struct run *run = *state;
	struct corpus c = {0};
	static uint8_t memory[4096];
	struct text text = text_in(memory, sizeof(memory));

	corpus_load(&c, "");
	for (uint64_t i = 0; i < run->messages; i++) {
		struct slice from = c.sample[i % c.n].text;

		if (i % 3 == 0) {
			text.len = 0;
			text_put(&text, from);
		} else {
			compose(&run->seed, &text);
		}
		if (i % 3 != 1)
			mutate(&run->seed, &text);
		compare(run, text_slice(&text));
	}
	printf("%lu messages, taken: %lu by us, %lu by libosip2, %lu by both; "
	       "%lu known deviations\n",
	       (unsigned long)run->messages, (unsigned long)run->ours, (unsigned long)run->osip,
	       (unsigned long)run->both, (unsigned long)run->excused);
	assert_int_equal(run->wrong, 0);
	assert_true(run->both > run->messages / 4);
	corpus_free(&c);
}

/* An entry of the list whose example shows no difference any more has to go. */
static void test_deviations(void **state)
{
	static struct view ours, osip;

	for (uint32_t i = 0; i < n_deviations; i++) {
		const struct deviation *d = &deviations[i];
		struct slice example = slice_str(d->example);

		if (!view_ours(example, &ours) || !view_osip(example, &osip) ||
		    strcmp(ours.word[d->field], osip.word[d->field]) == 0 ||
		    !d->applies(example, ours.word[d->field], osip.word[d->field]))
			fail_msg("stale: %s", d->name);
	}
}

int main(int argc, char **argv)
{
	struct run run = {
		.messages = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000,
		.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 4475,
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpus),
		cmocka_unit_test_prestate(test_mutants, &run),
		cmocka_unit_test(test_deviations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
