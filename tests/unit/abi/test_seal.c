/* test_seal.c - sealed text: opened by who made it and for what it was made, and by nothing
 * else */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/seal.h"

static const struct hash_key key = {1, 2}, other = {1, 3};

/* A text that ends where the memory does. */
static struct slice at_the_end(struct slice s)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	assert_true(p != MAP_FAILED && s.len <= page);
	assert_int_equal(mprotect(p + page, page, PROT_NONE), 0);
	memcpy(p + page - s.len, s.p, s.len);
	return slice_of(p + page - s.len, s.len);
}

static void give_back(struct slice s)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	munmap((void *)((uintptr_t)s.p + s.len - page), 2 * page);
}

static void test_every_length(void **state)
{
	struct seal *a = seal_create(&key), *b = seal_create(&key);
	uint8_t plain[SEAL_TEXT_MAX + 1], token[SEAL_TOKEN_MAX], opened[SEAL_TEXT_MAX];

	for (uint32_t n = 0; n <= SEAL_TEXT_MAX + 1; n++) {
		struct text t = text_in(token, sizeof(token)),
			    o = text_in(opened, sizeof(opened));

		memset(plain, (int)n, n);
		if (n == 0 || n > SEAL_TEXT_MAX) {
			assert_false(seal_close(a, SLICE("c"), slice_of(plain, n), &t));
			continue;
		}
		assert_true(seal_close(a, SLICE("c"), slice_of(plain, n), &t));
		assert_int_equal(t.len,
				 (16 + n) / 3 * 4 + ((16 + n) % 3 ? (16 + n) % 3 + 1 : 0));
		/* Another worker's, and after a restart. */
		assert_true(seal_open(b, SLICE("c"), text_slice(&t), &o));
		assert_true(slice_eq(text_slice(&o), slice_of(plain, n)));
	}
	seal_destroy(a);
	seal_destroy(b);
}

static void test_same_text_same_token(void **state)
{
	struct seal *s = seal_create(&key);
	uint8_t m[3][SEAL_TOKEN_MAX];
	struct text a = text_in(m[0], sizeof(m[0])), b = text_in(m[1], sizeof(m[1])),
		    c = text_in(m[2], sizeof(m[2]));

	assert_true(seal_close(s, SLICE("x"), SLICE("<sip:10.0.0.1;lr>"), &a));
	assert_true(seal_close(s, SLICE("x"), SLICE("<sip:10.0.0.1;lr>"), &b));
	assert_true(seal_close(s, SLICE("y"), SLICE("<sip:10.0.0.1;lr>"), &c));
	assert_true(slice_eq(text_slice(&a), text_slice(&b)));
	assert_false(slice_eq(text_slice(&a), text_slice(&c)));
	seal_destroy(s);
}

/* Another key, another purpose, each letter changed, each shorter and longer one: no. */
static void test_forged(void **state)
{
	struct seal *s = seal_create(&key), *foreign = seal_create(&other);
	uint8_t token[SEAL_TOKEN_MAX], opened[SEAL_TEXT_MAX];
	struct text t = text_in(token, sizeof(token)), o = text_in(opened, sizeof(opened));

	assert_true(
		seal_close(s, SLICE("call"), SLICE("<sip:10.0.0.1;lr>,<sip:10.0.0.2;lr>"), &t));
	assert_false(seal_open(foreign, SLICE("call"), text_slice(&t), &o));
	assert_false(seal_open(s, SLICE("cal"), text_slice(&t), &o));
	for (uint32_t i = 0; i < t.len; i++) {
		struct slice cut = at_the_end(slice_of(token, i));

		assert_false(seal_open(s, SLICE("call"), cut, &o));
		give_back(cut);
		for (int c = 0; c < 256; c++) {
			uint8_t was = token[i];

			if (c == was)
				continue;
			token[i] = (uint8_t)c;
			assert_false(seal_open(s, SLICE("call"), text_slice(&t), &o));
			token[i] = was;
		}
	}
	assert_int_equal(o.len, 0);
	token[t.len] = 'A';
	assert_false(seal_open(s, SLICE("call"), slice_of(token, t.len + 1), &o));
	assert_true(seal_open(s, SLICE("call"), text_slice(&t), &o));
	seal_destroy(s);
	seal_destroy(foreign);
}

static void test_no_room(void **state)
{
	struct seal *s = seal_create(&key);
	uint8_t token[SEAL_TOKEN_MAX], small[8], huge[4096];
	struct text t = text_in(token, sizeof(token)), o = text_in(small, sizeof(small)),
		    f = text_in(small, sizeof(small));

	assert_true(seal_close(s, SLICE_EMPTY, SLICE("123456789"), &t));
	assert_false(seal_open(s, SLICE_EMPTY, text_slice(&t), &o));
	assert_int_equal(o.len, 0);
	assert_false(seal_close(s, SLICE_EMPTY, SLICE("123456789"), &f));
	memset(huge, 'A', sizeof(huge));
	for (uint32_t n = SEAL_TOKEN_MAX - 8; n < sizeof(huge); n++)
		assert_false(seal_open(s, SLICE_EMPTY, slice_of(huge, n), &o));
	seal_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_same_text_same_token),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
