/* number.c - tests of control/number.c: what is dialled, and the global number it is */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "control/number.h"

static struct conf conf = {
	.realm = "ims.example",
	.domain = {"old.example"},
	.n_domain = 1,
	.numbers = {.country = "49",
		    .area = "30",
		    .national = "0",
		    .international = "00",
		    .place = {{"3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=3101*", "1", "212"},
			      {"IEEE-802.11", "44", ""}},
		    .n_place = 2},
};

/* The number, or "484", "404", "none". */
static const char *dial(const char *uri, const char *info)
{
	static char memory[64];
	struct text t = text_in(memory, sizeof(memory));
	struct sip_uri u;

	assert_int_equal(sip_uri_decode(slice_str(uri), &u), SIP_OK);
	switch (number_global(&conf, &u, slice_str(info), &t)) {
	case NUMBER_GLOBAL:
		return text_cstr(&t);
	case NUMBER_INCOMPLETE:
		return "484";
	case NUMBER_UNKNOWN:
		return "404";
	default:
		return "none";
	}
}

static void at_home(void **state)
{
	static const char *const dialled[][2] = {
		{"tel:+49-30-123", "+4930123"},
		{"tel:123;phone-context=ims.example", "+4930123"},
		{"tel:123;phone-context=OLD.example", "+4930123"},
		{"tel:040(123);phone-context=ims.example", "+4940123"},
		{"tel:001212555;phone-context=ims.example", "+1212555"},
		{"tel:00;phone-context=ims.example", "484"},
		{"tel:0;phone-context=ims.example", "484"},
		{"tel:*21;phone-context=ims.example", "404"},
		{"tel:123;phone-context=elsewhere.example", "404"},
		{"tel:123;phone-context=+1212", "+1212123"},
		{"tel:040123;phone-context=+49", "+4940123"},
		{"tel:123;phone-context=+", "404"},
		{"sip:123@ims.example;user=phone", "+4930123"},
		{"sip:123;phone-context=+4989@ims.example;user=phone", "+4989123"},
		{"sip:+49-30-1@ims.example;user=phone", "+49301"},
		{"sip:123@ims.example", "none"},
		{"sip:ims.example;user=phone", "none"},
		{"tel:00123456789012345678;phone-context=ims.example", "404"},
		{"tel:+1234567890123456", "404"},
	};

	for (size_t i = 0; i < sizeof(dialled) / sizeof(dialled[0]); i++)
		assert_string_equal(dial(dialled[i][0], ""), dialled[i][1]);
}

/* P-Access-Network-Info says whose numbers are dialled, but where the home's are asked for. */
static void away(void **state)
{
	static const char cell[] = "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=310150001";

	assert_string_equal(dial("tel:555;phone-context=geo-local.ims.example", cell),
			    "+1212555");
	assert_string_equal(dial("tel:555;phone-context=eps.geo-local.ims.example", cell),
			    "+1212555");
	assert_string_equal(dial("sip:555@ims.example;user=phone", cell), "+1212555");
	assert_string_equal(dial("tel:555;phone-context=ims.example", cell), "+4930555");
	assert_string_equal(dial("sip:0555@ims.example;user=phone", "IEEE-802.11;i-wlan=1"),
			    "+44555");
	assert_string_equal(dial("sip:555@ims.example;user=phone", "IEEE-802.11"), "484");
	assert_string_equal(dial("sip:555@ims.example;user=phone", "IEEE-802.11a"), "+4930555");
}

/* A long run of digits from the wire fits no memory here, and no number. */
static void too_long(void **state)
{
	char uri[512] = "tel:";

	memset(uri + 4, '7', 400);
	strcpy(uri + 404, ";phone-context=ims.example");
	assert_string_equal(dial(uri, ""), "404");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_home),
		cmocka_unit_test(away),
		cmocka_unit_test(too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
