/* checksum.c - the Internet checksum against the RFC's example and the plainest sum there is */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

static void test_all_ones(void **state)
{
	static uint8_t data[65536];

	memset(data, 0xff, sizeof(data));
	assert_int_equal(checksum_fold(checksum_add(0, data, sizeof(data))), 0xffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc1071_example),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_all_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
