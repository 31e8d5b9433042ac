/* test_gruu.c - names of a terminal: made, read, and nobody else's */
#include "abi/gruu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

static const struct hash_key key = {1, 2}, other = {1, 3};

static const struct gruu who = {.user = 7, .instance = 8, .call = 9, .serial = 10};

static struct text make(char *memory, size_t cap, const struct gruu *g)
{
	struct text t = text_in(memory, cap);

	assert_true(gruu_temporary_put(&t, &key, SLICE("sip:bob@ims.example"), g));
	assert_false(t.overflow);
	return t;
}

static struct slice user_of(const struct text *t)
{
	return slice_sub(text_slice(t), 4, GRUU_OPAQUE_LEN);
}

static void comes_back(void **state)
{
	char memory[256];
	struct text t = make(memory, sizeof(memory), &who);
	struct gruu got;

	assert_true(slice_eq(slice_from(text_slice(&t), 4 + GRUU_OPAQUE_LEN),
			     SLICE("@ims.example;gr")));
	assert_true(gruu_temporary_get(user_of(&t), &key, &got));
	assert_int_equal(got.user, 7);
	assert_int_equal(got.instance, 8);
	assert_int_equal(got.call, 9);
	assert_int_equal(got.serial, 10);
	assert_false(gruu_temporary_get(user_of(&t), &other, &got));
}

/* Each octet counts, and the end of the text is the end. */
static void nothing_else_does(void **state)
{
	enum { PAGE = 4096 };
	uint8_t *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	char memory[256];
	struct gruu got;

	make(memory, sizeof(memory), &who);
	assert_int_equal(mprotect(map + PAGE, PAGE, PROT_NONE), 0);
	for (uint32_t len = 0; len <= GRUU_OPAQUE_LEN; len++) {
		uint8_t *p = map + PAGE - len;

		memcpy(p, memory + 4, len);
		assert_true(gruu_temporary_get(slice_of(p, len), &key, &got) ==
			    (len == GRUU_OPAQUE_LEN));
		for (uint32_t i = 0; i < len && len == GRUU_OPAQUE_LEN; i++) {
			p[i] ^= 1;
			assert_false(gruu_temporary_get(slice_of(p, len), &key, &got));
			p[i] ^= 1;
		}
	}
	munmap(map, 2 * PAGE);
}

/* Two of one terminal have no more in common than two of different ones. */
static void unlinkable(void **state)
{
	char a[256], b[256];
	struct gruu next = who;
	uint32_t same = 0;

	next.serial++;
	make(a, sizeof(a), &who);
	make(b, sizeof(b), &next);
	for (uint32_t i = 0; i < GRUU_OPAQUE_LEN - 5; i++)
		same += a[9 + i] == b[9 + i];
	assert_in_range(same, 0, 16);
}

static void public_ones(void **state)
{
	static const struct {
		const char *impu, *instance, *gruu;
	} table[] = {
		{"sip:bob@ims.example", "<urn:uuid:f8-1>",
		 "sip:bob@ims.example;gr=urn:uuid:f8-1"},
		{"sip:bob@ims.example", "\"<urn:x;y %>\"",
		 "sip:bob@ims.example;gr=urn:x%3By%20%25"},
		{"sip:bob@ims.example", "", NULL},
		{"sip:bob@ims.example", "<>", NULL},
		{"tel:+491", "<urn:uuid:1>", NULL},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char memory[256];
		struct text t = text_in(memory, sizeof(memory));

		assert_true(gruu_public_put(&t, slice_str(table[i].impu),
					    slice_str(table[i].instance)) ==
			    (table[i].gruu != NULL));
		assert_string_equal(text_cstr(&t), table[i].gruu ? table[i].gruu : "");
	}
}

static void instances(void **state)
{
	uint64_t h = gruu_instance(&key, SLICE("\"<urn:uuid:F8-1>\""));
	uint8_t large[300];

	assert_int_equal(h, gruu_instance(&key, SLICE("urn:uuid:f8-1")));
	assert_int_equal(h, gruu_instance(&key, SLICE("urn%3auuid%3AF8%2d1")));
	assert_int_not_equal(h, gruu_instance(&key, SLICE("urn:uuid:f8-2")));
	assert_int_not_equal(h, gruu_instance(&other, SLICE("urn:uuid:f8-1")));
	assert_int_equal(gruu_instance(&key, SLICE_EMPTY), 0);
	assert_int_equal(gruu_instance(&key, SLICE("<>")), 0);
	assert_int_not_equal(gruu_instance(&key, SLICE("%")), 0);
	assert_int_not_equal(gruu_instance(&key, SLICE("%4")), 0);
	memset(large, 'a', sizeof(large));
	assert_int_equal(gruu_instance(&key, slice_of(large, sizeof(large))), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back), cmocka_unit_test(nothing_else_does),
		cmocka_unit_test(unlinkable), cmocka_unit_test(public_ones),
		cmocka_unit_test(instances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
