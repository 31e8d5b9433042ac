/* test_addr.c - addresses from and to text: what is taken, and above all what is not */
#include "base/addr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

enum { PAGE = 4096, DEFAULT_PORT = 5060 };

/* A copy that ends where memory ends. */
static struct slice at_guard(const char *text)
{
	static uint8_t *map;
	size_t len = strlen(text);

	if (!map) {
		map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
		assert_ptr_not_equal(map, MAP_FAILED);
		assert_int_equal(mprotect(map + PAGE, PAGE, PROT_NONE), 0);
	}
	memcpy(map + PAGE - len, text, len);
	return slice_of(map + PAGE - len, len);
}

static const struct {
	const char *text, *put; /* put NULL: refused */
} row[] = {
	{"192.0.2.1", "192.0.2.1:5060"},
	{"192.0.2.1:0", "192.0.2.1:0"},
	{"192.0.2.1:65535", "192.0.2.1:65535"},
	{"255.255.255.255:1", "255.255.255.255:1"},
	{"2001:db8::1", "[2001:db8::1]:5060"},
	{"[2001:db8::1]", "[2001:db8::1]:5060"},
	{"[2001:DB8::1]:5080", "[2001:db8::1]:5080"},
	{"::", "[::]:5060"},
	{"[::ffff:192.0.2.1]:7", "[::ffff:192.0.2.1]:7"},
	{"", NULL},
	{":", NULL},
	{":5060", NULL},
	{"192.0.2.1:", NULL},
	{"192.0.2.1:65536", NULL},
	{"192.0.2.1:-1", NULL},
	{"192.0.2.1:5060x", NULL},
	{"192.0.2.1:5060:1", NULL},
	{"192.0.2", NULL},
	{"192.0.2.1.", NULL},
	{"192.0.2.256", NULL},
	{"192.0.2.01", NULL},
	{"0xc0.0.2.1", NULL},
	{"3221225985", NULL},
	{" 192.0.2.1", NULL},
	{"192.0.2.1 ", NULL},
	{"[192.0.2.1]", NULL},
	{"[]", NULL},
	{"[", NULL},
	{"]", NULL},
	{"[2001:db8::1", NULL},
	{"2001:db8::1]", NULL},
	{"[2001:db8::1]5060", NULL},
	{"[[2001:db8::1]]", NULL},
	{"2001:db8:::1", NULL},
	{"fe80::1%eth0", NULL},
	{"1:2:3:4:5:6:7:8:9", NULL},
	{"localhost", NULL},
	{"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255:ffff:ffff:ffff:ffff", NULL},
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char text[ADDR_TEXT_MAX];
		struct addr a;

		if (!addr_parse(at_guard(row[i].text), DEFAULT_PORT, &a)) {
			if (row[i].put)
				fail_msg("'%s' was refused", row[i].text);
			continue;
		}
		if (!row[i].put)
			fail_msg("'%s' was taken", row[i].text);
		assert_string_equal(addr_text(&a, text), row[i].put);
	}
}

static void test_nul_is_no_end(void **state)
{
	struct addr a;

	assert_false(addr_parse_ip(SLICE("192.0.2.1\0"), &a));
	assert_false(addr_parse_ip(SLICE("192.0.2.1\0.evil.example"), &a));
	assert_false(addr_parse_ip(SLICE("::1\0"), &a));
}

static void test_equality(void **state)
{
	struct addr a, b, c = addr_v4(0xc0000201, 5060);
	/* Whatever was in the memory before. */
	memset(&a, 0xaa, sizeof(a));
	memset(&b, 0x55, sizeof(b));

	assert_true(addr_parse(SLICE("192.0.2.1:5060"), 0, &a));
	assert_true(addr_parse(SLICE("192.0.2.1"), 5060, &b));
	assert_true(addr_eq(&a, &b));
	assert_true(addr_eq(&a, &c));
	b.port = 1;
	assert_false(addr_eq(&a, &b));
	assert_true(addr_same_ip(&a, &b));
	/* The same octets in another family are another address. */
	assert_true(addr_parse_ip(SLICE("c000:201::"), &b));
	assert_false(addr_same_ip(&a, &b));
}

static void test_host(void **state)
{
	uint8_t memory[64];
	struct text t = text_in(memory, sizeof(memory));
	struct addr a, none = {0};

	assert_true(addr_parse_ip(SLICE("2001:db8::1"), &a));
	addr_put_host(&t, &a);
	assert_true(slice_eq(text_slice(&t), SLICE("[2001:db8::1]")));
	t.len = 0;
	addr_put_host(&t, &none);
	assert_int_equal(t.len, 0);
	assert_int_equal(a.port, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_nul_is_no_end),
		cmocka_unit_test(test_equality),
		cmocka_unit_test(test_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
