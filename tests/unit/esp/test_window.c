/* test_window.c - the anti-replay window (RFC 4303 §3.4.3), number by number */
#include "support.h"

#include "esp/run.h"

struct step {
	uint32_t seq;
	bool taken;
};

static void steps(const struct step *s, size_t n)
{
	struct run_window w = {0};

	for (size_t i = 0; i < n; i++) {
		if (run_may_take(&w, s[i].seq) != s[i].taken ||
		    run_take(&w, s[i].seq) != s[i].taken)
			fail_msg("step %zu: number %u should be %s", i, s[i].seq,
				 s[i].taken ? "taken" : "refused");
	}
}
#define STEPS(...)                                                                             \
	steps((const struct step[]){__VA_ARGS__},                                              \
	      sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step))

static void zero_is_never_a_number(void **state)
{
	STEPS({0, false}, {1, true}, {0, false});
}

static void each_number_once(void **state)
{
	STEPS({1, true}, {1, false}, {2, true}, {2, false}, {1, false}, {3, true}, {2, false});
}

static void out_of_order_within_the_window(void **state)
{
	STEPS({200, true}, {199, true}, {150, true}, {73, true}, {73, false}, {199, false},
	      {72, false}, {71, false}, {1, false}, {201, true}, {73, false}, {74, true});
}

/* What leaves the window at its low end, over both words of it. */
static void edges(void **state)
{
	STEPS({RUN_WINDOW, true}, {1, true}, {1, false}, {RUN_WINDOW + 1, true}, {1, false},
	      {2, true}, {RUN_WINDOW + 64, true}, {64, false}, {65, true}, {66, true},
	      {65, false}, {RUN_WINDOW, false}, {RUN_WINDOW + 1, false});
}

static void far_ahead(void **state)
{
	STEPS({1, true}, {1 + RUN_WINDOW, true}, {2, true}, {1, false}, {5 * RUN_WINDOW, true},
	      {4 * RUN_WINDOW, false}, {4 * RUN_WINDOW + 1, true}, {UINT32_MAX, true},
	      {UINT32_MAX, false}, {0, false}, {1, false}, {UINT32_MAX - RUN_WINDOW, false},
	      {UINT32_MAX - RUN_WINDOW + 1, true}, {UINT32_MAX - 1, true});
}

/* Against a list of all numbers taken. */
static void like_a_list(void **state)
{
	enum { N = 4096 };
	static bool seen[N];
	struct run_window w = {0};
	uint64_t random = 1;
	uint32_t top = 0, taken = 0;

	for (uint32_t i = 0; i < 40000; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		uint32_t seq = i / 12 + (uint32_t)(random >> 33) % 200;
		bool want = seq > 0 && !seen[seq] && (seq > top || top - seq < RUN_WINDOW);

		assert_int_equal(run_may_take(&w, seq), want);
		assert_int_equal(run_take(&w, seq), want);
		if (want) {
			seen[seq] = true;
			taken++;
			top = seq > top ? seq : top;
		}
	}
	assert_true(taken > 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_is_never_a_number),
		cmocka_unit_test(each_number_once),
		cmocka_unit_test(out_of_order_within_the_window),
		cmocka_unit_test(edges),
		cmocka_unit_test(far_ahead),
		cmocka_unit_test(like_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
