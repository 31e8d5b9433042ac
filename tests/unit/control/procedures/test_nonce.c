/* test_nonce.c - bounds of the challenges in store, and of the counts of wrong responses */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "control/nonce.h"
#include "control/tries.h"

struct ended {
	uint32_t n;
	char last[256];
};

static void unanswered(void *ctx, const struct challenge *c)
{
	struct ended *e = ctx;

	e->n++;
	snprintf(e->last, sizeof(e->last), "%s %s", c->impi, c->impu);
}

static const struct challenge *add(struct nonces *n, uint32_t i, uint64_t now)
{
	static const struct cx_vector v = {.scheme = CX_AUTH_DIGEST,
					   .ha1 = "0123456789abcdef0123456789abcdef"};
	char nonce[32];

	snprintf(nonce, sizeof(nonce), "nonce%u", i);
	return nonces_add(n,
			  &(struct challenge_seed){.vector = &v,
						   .nonce = slice_str(nonce),
						   .impi = SLICE("a@b"),
						   .impu = SLICE("sip:a@b"),
						   .realm = SLICE("b")},
			  now);
}

static struct challenge *find(struct nonces *n, uint32_t i, uint64_t now)
{
	char nonce[32];

	snprintf(nonce, sizeof(nonce), "nonce%u", i);
	return nonces_find(n, slice_str(nonce), now);
}

static void lifetime(void **state)
{
	struct ended ended = {0};
	struct nonces *n = nonces_new(8, 1000, unanswered, &ended);

	assert_non_null(add(n, 1, 5000));
	assert_non_null(find(n, 1, 5000));
	assert_non_null(find(n, 1, 5999));
	assert_null(find(n, 1, 6000));
	assert_null(find(n, 2, 5000));
	add(n, 2, 5500);
	nonces_expire(n, 5999, 10);
	assert_int_equal(ended.n, 0);
	nonces_expire(n, 6000, 10);
	assert_int_equal(ended.n, 1);
	assert_string_equal(ended.last, "a@b sip:a@b");
	assert_int_equal(nonces_count(n), 1);
	/* An answered one ends without a word. */
	find(n, 2, 6000)->answered = true;
	nonces_expire(n, 9000, 10);
	assert_int_equal(ended.n, 1);
	assert_int_equal(nonces_count(n), 0);
	nonces_free(n);
}

static void bound(void **state)
{
	struct nonces *n = nonces_new(100, 1000, NULL, NULL);

	for (uint32_t i = 0; i < 1000; i++) {
		assert_non_null(add(n, i, i));
		assert_true(nonces_count(n) <= 100);
	}
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(find(n, i, 999) != NULL, i >= 900);
	/* From the middle, the ends, and in one call no more than asked for. */
	nonces_remove(n, find(n, 950, 999));
	nonces_remove(n, find(n, 900, 999));
	nonces_remove(n, find(n, 999, 999));
	assert_int_equal(nonces_count(n), 97);
	nonces_expire(n, 5000, 7);
	assert_int_equal(nonces_count(n), 90);
	nonces_free(n);
}

static void refused(void **state)
{
	static uint8_t big[2000];
	struct nonces *n = nonces_new(4, 1000, NULL, NULL);
	struct cx_vector v = {.scheme = CX_AUTH_AKA, .xres_len = 17};
	struct challenge_seed seed = {.vector = &v, .nonce = SLICE("n")};

	assert_null(nonces_add(n, &seed, 0));
	v.xres_len = 16;
	assert_non_null(nonces_add(n, &seed, 0));
	seed.nonce = slice_of(big, NONCE_TEXT_MAX + 1);
	assert_null(nonces_add(n, &seed, 0));
	seed.nonce = SLICE_EMPTY;
	assert_null(nonces_add(n, &seed, 0));
	seed.nonce = SLICE("m");
	seed.impi = slice_of(big, sizeof(big));
	assert_null(nonces_add(n, &seed, 0));
	nonces_free(n);
}

static void wrong_responses(void **state)
{
	struct tries *t = tries_new(1000);

	assert_int_equal(tries_add(t, SLICE("a"), 0), 1);
	assert_int_equal(tries_add(t, SLICE("a"), 1000), 2);
	assert_int_equal(tries_add(t, SLICE("b"), 1000), 1);
	assert_int_equal(tries_add(t, SLICE("a"), 2001), 1);
	tries_clear(t, SLICE("a"));
	assert_int_equal(tries_add(t, SLICE("a"), 2001), 1);
	assert_int_equal(tries_add(t, SLICE("b"), 2000), 2);
	/* A flood of other names forgets old counts, and breaks nothing. */
	for (uint32_t i = 0; i < 100000; i++)
		assert_int_equal(tries_add(t, slice_of(&i, sizeof(i)), 3000), 1);
	tries_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lifetime),
		cmocka_unit_test(bound),
		cmocka_unit_test(refused),
		cmocka_unit_test(wrong_responses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
