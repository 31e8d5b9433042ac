/* checksum.c - the Internet checksum against the RFC's example and the plainest sum there is */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/checksum.h"

/* RFC 1071 §3: the words 0001 f203 f4f5 f6f7 add up to ddf2, carries included. */
static void test_rfc1071_example(void **state)
{
	const uint8_t data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	uint16_t sum = checksum_fold(checksum_add(0, data, sizeof(data)));

	assert_int_equal(((uint8_t *)&sum)[0], 0xdd);
	assert_int_equal(((uint8_t *)&sum)[1], 0xf2);
}

static uint16_t plain(const uint8_t *p, uint32_t len)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void test_every_length(void **state)
{
	/* On the heap, to the octet: AddressSanitizer sees a read too far. */
	for (uint32_t len = 0; len < 2100; len++) {
		uint8_t *data = malloc(len ? len : 1);

		for (uint32_t i = 0; i < len; i++)
			data[i] = (uint8_t)(i * 151 + len);
		uint16_t sum = checksum_fold(checksum_add(0, data, len));
		assert_int_equal(((uint8_t *)&sum)[0] << 8 | ((uint8_t *)&sum)[1],
				 plain(data, len));
		free(data);
	}
}

static const char *const variants[] = {"scalar", "avx2", "avx512"};

/* Both pages beside the data cannot be read: what is masked out must not be. */
static uint8_t *guarded(size_t octets)
{
	size_t page = (size_t)getpagesize();
	uint8_t *p = mmap(NULL, octets + 2 * page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	assert_int_equal(mprotect(p, page, PROT_NONE), 0);
	assert_int_equal(mprotect(p + page + octets, page, PROT_NONE), 0);
	return p + page;
}

static void check_all(const uint8_t *p, uint32_t len, uint64_t sum)
{
	uint16_t expected = checksum_fold(checksum_scalar(sum, p, len));

	for (int v = 0; v < 3; v++) {
		checksum_fn *f = checksum_variant(variants[v]);

		if (f)
			assert_int_equal(checksum_fold(f(sum, p, len)), expected);
	}
}

static void test_variants_agree(void **state)
{
	enum { ROOM = 1 << 17 };
	uint8_t *data = guarded(ROOM);

	for (uint32_t i = 0; i < ROOM; i++)
		data[i] = (uint8_t)(rand() >> 7);
	for (uint32_t start = 0; start < 130; start++) {
		for (uint32_t len = 0; len < 530; len++)
			check_all(data + start, len, start * 77u);
		for (uint32_t len = 0; len < 530; len += 7)
			check_all(data + ROOM - start - len, len, len);
	}
	for (int i = 0; i < 2000; i++) {
		uint32_t len = (uint32_t)rand() % 65537, at = (uint32_t)rand() % (ROOM - len);

		check_all(data + at, len, (uint64_t)rand());
	}
}

/* The largest sums there are, and data without any. */
static void test_extremes(void **state)
{
	static uint8_t data[65536 + 64];

	for (int fill = 0; fill < 4; fill++) {
		for (uint32_t i = 0; i < sizeof(data); i++)
			data[i] = fill == 0                     ? 0xff
				  : fill == 1                   ? 0
				  : i % 2 == (uint32_t)fill % 2 ? 0x80
								: 0x7f;
		for (uint32_t at = 0; at < 64; at++)
			check_all(data + at, 65536, 0);
	}
	memset(data, 0xff, sizeof(data));
	assert_int_equal(checksum_fold(checksum_add(0, data, 65536)), 0xffff);
	memset(data, 0, sizeof(data));
	assert_int_equal(checksum_fold(checksum_add(0, data, 65536)), 0);
}

static void test_fold(void **state)
{
	static const uint64_t sums[] = {
		0,           1,           0xffff,     0x10000,        0x1fffe,    0xffffffff,
		0x100000000, 0x1fffffffe, UINT64_MAX, UINT64_MAX - 1, 0xffff0001u};

	for (uint32_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		uint64_t plainly = sums[i];

		while (plainly >> 16)
			plainly = (plainly & 0xffff) + (plainly >> 16);
		assert_int_equal(checksum_fold(sums[i]), plainly);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc1071_example),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_variants_agree),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_fold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
