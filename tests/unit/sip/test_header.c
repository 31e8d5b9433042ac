/* test_header.c - names of header fields, methods, errors */
#include "sip/header.h"
#include "support.h"

static const struct {
	uint8_t id;
	const char *name;
	char compact;
} known[] = {
#define HEADER(id, name, compact) {SIP_H_##id, name, compact},
#include "sip/header.def"
#undef HEADER
};

enum { KNOWN = sizeof(known) / sizeof(known[0]) };

static void test_names(void **state)
{
	uint8_t upper[64];

	for (uint32_t i = 0; i < KNOWN; i++) {
		struct slice name = slice_str(known[i].name);

		assert_int_equal(sip_header_id(name), known[i].id);
		assert_true(slice_eq(sip_header_name(known[i].id), name));
		for (uint32_t k = 0; k < name.len; k++)
			upper[k] = ascii_is_alpha(name.p[k]) ? name.p[k] ^ 0x20 : name.p[k];
		assert_int_equal(sip_header_id(slice_of(upper, name.len)), known[i].id);
	}
}

static void test_compact(void **state)
{
	uint32_t found = 0, listed = 0;

	for (uint32_t i = 0; i < KNOWN; i++)
		listed += known[i].compact != 0;
	for (uint32_t c = 0; c < 256; c++) {
		uint8_t octet = (uint8_t)c;
		enum sip_header_id id = sip_header_id(slice_of(&octet, 1));

		if (id == SIP_H_OTHER)
			continue;
		assert_true(ascii_is_alpha(octet));
		assert_int_equal(known[id].compact, ascii_lower(octet));
		found++;
	}
	assert_int_equal(found, 2 * listed);
}

/* One octet off in any place, in any way, is another name. */
static void test_near_names(void **state)
{
	for (uint32_t i = 0; i < KNOWN; i++) {
		struct slice name = slice_str(known[i].name);
		uint8_t copy[64] = {0};

		memcpy(copy, name.p, name.len);
		assert_int_equal(sip_header_id(slice_of(copy, name.len + 1)), SIP_H_OTHER);
		for (uint32_t k = 0; k < name.len; k++) {
			for (uint32_t c = 0; c < 256; c++) {
				copy[k] = (uint8_t)c;
				enum sip_header_id id = sip_header_id(slice_of(copy, name.len));

				if (id != SIP_H_OTHER)
					assert_true(slice_eq_nocase(
						slice_of(copy, name.len),
						name.len == 1 ? name : sip_header_name(id)));
			}
			copy[k] = name.p[k];
		}
	}
	assert_int_equal(sip_header_id(SLICE_EMPTY), SIP_H_OTHER);
	assert_int_equal(sip_header_id(SLICE("X-Unknown")), SIP_H_OTHER);
	assert_int_equal(
		sip_header_id(SLICE("P-Charging-Function-AddressesP-Charging-Function")),
		SIP_H_OTHER);
}

static void test_methods(void **state)
{
	for (uint32_t m = 1; m < SIP_M_MAX; m++) {
		struct slice name = sip_method_name(m);
		uint8_t copy[16];

		assert_true(name.len > 0);
		assert_int_equal(sip_method_id(name), m);
		for (uint32_t k = 0; k < name.len; k++) {
			memcpy(copy, name.p, name.len);
			copy[k] ^= 0x20;
			assert_int_equal(sip_method_id(slice_of(copy, name.len)), SIP_M_OTHER);
		}
	}
	assert_int_equal(sip_method_id(SLICE_EMPTY), SIP_M_OTHER);
	assert_int_equal(sip_method_id(SLICE("FROB")), SIP_M_OTHER);
	assert_int_equal(sip_method_name(SIP_M_OTHER).len, 0);
}

static void test_errors(void **state)
{
	for (uint32_t e = SIP_OK + 1; e < SIP_E_MAX; e++) {
		const struct sip_error_info *info = sip_error_info(e);

		assert_true(info->status == 0 || (info->status >= 400 && info->status < 600));
		assert_int_equal(info->status == 0, info->reason[0] == '\0');
		assert_true(info->warning[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),      cmocka_unit_test(test_compact),
		cmocka_unit_test(test_near_names), cmocka_unit_test(test_methods),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
