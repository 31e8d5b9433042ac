/* test_chain.c - the original dialog identifier: read back as written, and nothing else is */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "abi/token.h"

static const struct hash_key key = {1, 2}, other = {2, 1};
static const struct token_chain chains[] = {
	{0},
	{.user = UINT64_MAX,
	 .priority = UINT32_MAX,
	 .minute = UINT32_MAX,
	 .session_case = 4,
	 .length = 32},
	{.user = 0x0123456789abcdef,
	 .priority = 100,
	 .minute = 29000000,
	 .session_case = 2,
	 .length = 1},
};

static struct slice written(const struct token_chain *c, uint8_t memory[TOKEN_TEXT_MAX])
{
	struct text t = text_in(memory, TOKEN_TEXT_MAX);

	token_chain_put(&t, &key, c);
	assert_false(t.overflow);
	return text_slice(&t);
}

static void comes_back(void **state)
{
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		uint8_t memory[TOKEN_TEXT_MAX];
		struct token_chain got;
		struct slice s = written(&chains[i], memory);

		assert_true(token_is_chain(s));
		assert_true(token_chain_get(s, &key, &got));
		assert_true(got.user == chains[i].user);
		assert_int_equal(got.priority, chains[i].priority);
		assert_int_equal(got.minute, chains[i].minute);
		assert_int_equal(got.session_case, chains[i].session_case);
		assert_int_equal(got.length, chains[i].length);
		assert_false(token_chain_get(s, &other, &got));
	}
}

/* Letters and digits only: it is the user part of a URI. */
static void is_plain_text(void **state)
{
	uint8_t memory[TOKEN_TEXT_MAX];
	struct slice s = written(&chains[2], memory);

	for (uint32_t i = 0; i < s.len; i++)
		assert_true((s.p[i] >= '0' && s.p[i] <= '9') ||
			    (s.p[i] >= 'a' && s.p[i] <= 'z'));
}

static void every_other_text_is_refused(void **state)
{
	uint8_t memory[TOKEN_TEXT_MAX];
	struct slice s = written(&chains[2], memory);
	struct token_chain got;

	for (uint32_t n = 0; n < s.len; n++) {
		uint8_t *shorter = malloc(n + 1);

		memcpy(shorter, s.p, n);
		assert_false(token_is_chain(slice_of(shorter, n)));
		assert_false(token_chain_get(slice_of(shorter, n), &key, &got));
		free(shorter);
	}
	for (uint32_t i = 0; i < s.len * 8; i++) {
		memory[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(token_chain_get(s, &key, &got));
		memory[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	memory[s.len] = '0';
	assert_false(token_chain_get(slice_of(memory, s.len + 1), &key, &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(is_plain_text),
		cmocka_unit_test(every_other_text_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
