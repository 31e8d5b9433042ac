/* test_criteria.c - initial filter criteria: what is taken, what is refused, when they may fire
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hss/criteria.h"

#define AS                                                                                     \
	"<ApplicationServer><ServerName>sip:as.home.example</ServerName>"                      \
	"<DefaultHandling>0</DefaultHandling></ApplicationServer>"
#define IFC(in) "<InitialFilterCriteria><Priority>1</Priority>" in AS "</InitialFilterCriteria>"
#define SPT(group, in) "<SPT><Group>" group "</Group>" in "</SPT>"
#define CNF(in)        "<TriggerPoint><ConditionTypeCNF>1</ConditionTypeCNF>" in "</TriggerPoint>"
#define DNF(in)        "<TriggerPoint><ConditionTypeCNF>0</ConditionTypeCNF>" in "</TriggerPoint>"
#define NOT            "<ConditionNegated>1</ConditionNegated>"
#define CASE(n)        "<SessionCase>" n "</SessionCase>"
#define METHOD(m)      "<Method>" m "</Method>"

enum {
	NEVER = 0,
	TERM = STORE_TERMINATING_UNREGISTERED,
	ORIG = STORE_ORIGINATING_UNREGISTERED
};

static void test_services(void **state)
{
	static const struct {
		const char *xml;
		uint32_t services;
	} row[] = {
		{IFC(""), TERM | ORIG},
		{IFC("<ProfilePartIndicator>0</ProfilePartIndicator>"), NEVER},
		{IFC("<ProfilePartIndicator>1</ProfilePartIndicator>"), TERM | ORIG},
		{IFC(CNF(SPT("0", METHOD("INVITE")))), TERM | ORIG},
		{IFC(CNF(SPT("0", METHOD("REGISTER")))), NEVER},
		{IFC(CNF(SPT("0", NOT METHOD("REGISTER")))), TERM | ORIG},
		{IFC(CNF(SPT("0", CASE("0")))), NEVER},
		{IFC(CNF(SPT("0", CASE("1")))), NEVER},
		{IFC(CNF(SPT("0", CASE("2")))), TERM},
		{IFC(CNF(SPT("0", CASE("3")))), ORIG},
		{IFC(CNF(SPT("0", NOT CASE("2")))), ORIG},
		/* and of groups */
		{IFC(CNF(SPT("0", METHOD("INVITE")) SPT("1", CASE("2")))), TERM},
		{IFC(CNF(SPT("0", METHOD("INVITE")) SPT("1", CASE("1")))), NEVER},
		{IFC(CNF(SPT("0", CASE("1")) SPT("0", CASE("2")))), TERM},
		/* or of groups */
		{IFC(DNF(SPT("0", METHOD("INVITE")) SPT("1", CASE("2")))), TERM | ORIG},
		{IFC(DNF(SPT("0", METHOD("INVITE")) SPT("0", CASE("2")))), TERM},
		{IFC(DNF(SPT("0", CASE("1")) SPT("1", CASE("3")))), ORIG},
		/* a service point of two groups */
		{IFC(DNF(SPT("0</Group><Group>1", METHOD("INVITE")) SPT("0", CASE("1"))
				 SPT("1", CASE("2")))),
		 TERM},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char error[CRITERIA_ERROR_MAX];
		uint32_t services = 77;
		struct slice elements;

		if (!criteria_check(slice_str(row[i].xml), &elements, &services, error))
			fail_msg("row %zu: %s", i, error);
		if (services != row[i].services)
			fail_msg("row %zu: %u", i, services);
	}
}

static void test_trimmed(void **state)
{
	static const char *const before[] = {"", "\xef\xbb\xbf",
					     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
					     "\xef\xbb\xbf<?xml version=\"1.0\"?>", "\n  "};
	char text[1024], error[CRITERIA_ERROR_MAX];
	struct slice elements;
	uint32_t services;

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		snprintf(text, sizeof(text), "%s%s\n", before[i], IFC(""));
		assert_true(criteria_check(slice_str(text), &elements, &services, error));
		assert_true(slice_eq(elements, SLICE(IFC(""))));
	}
}

static void test_refused(void **state)
{
	static const char *const text[] = {
		"",
		"   ",
		"plain",
		"<InitialFilterCriteria>",
		"<Other/>",
		IFC("") "text",
		IFC("") "<Other/>",
		IFC("") IFC(""), /* the same priority */
		/* breaking out of the root put around it */
		IFC("") "</ServiceProfile><ServiceProfile>" IFC(""),
		IFC("") "</ServiceProfile><!--",
		"<!DOCTYPE a [<!ENTITY b \"c\">]>" IFC(""),
		IFC("<!ENTITY b \"c\">"),
		IFC("&b;"),
		IFC("\xff"),
		"<InitialFilterCriteria>" AS "</InitialFilterCriteria>",
		/* what no S-CSCF could evaluate */
		IFC(CNF(SPT("0", "<RequestURI>(a</RequestURI>"))),
		IFC(CNF(SPT("0", "<RequestURI>((a{99}){99}){99}</RequestURI>"))),
		IFC(CNF(SPT("0", "<SessionCase>5</SessionCase>"))),
		IFC(CNF(SPT("x", METHOD("INVITE")))),
		"<InitialFilterCriteria><Priority>x</Priority>" AS "</InitialFilterCriteria>",
		"<InitialFilterCriteria><Priority>1</Priority></InitialFilterCriteria>",
		"<InitialFilterCriteria><Priority>1</"
		"Priority><ApplicationServer><ServerName>tel:+1</ServerName>"
		"</ApplicationServer></InitialFilterCriteria>",
		"<InitialFilterCriteria><Priority>1</"
		"Priority><ApplicationServer><ServerName>sip:a@b</ServerName>"
		"<DefaultHandling>2</DefaultHandling></ApplicationServer></"
		"InitialFilterCriteria>",
	};

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		char error[CRITERIA_ERROR_MAX] = "";
		struct slice elements;
		uint32_t services;

		if (criteria_check(slice_str(text[i]), &elements, &services, error))
			fail_msg("row %zu is taken", i);
		assert_true(*error);
	}
}

static void test_size_and_depth(void **state)
{
	char *text = calloc(1, STORE_PROFILE_MAX + 64), error[CRITERIA_ERROR_MAX];
	struct slice elements;
	uint32_t services;

	/* Depth is that below the root: InitialFilterCriteria is 1. */
	for (int depth = CRITERIA_DEPTH_MAX - 1; depth <= CRITERIA_DEPTH_MAX; depth++) {
		strcpy(text, "<InitialFilterCriteria><Priority>1</Priority>" AS);
		for (int i = 0; i < depth; i++)
			strcat(text, "<a>");
		for (int i = 0; i < depth; i++)
			strcat(text, "</a>");
		strcat(text, "</InitialFilterCriteria>");
		assert_int_equal(criteria_check(slice_str(text), &elements, &services, error),
				 depth < CRITERIA_DEPTH_MAX);
	}
	strcpy(text, IFC(""));
	size_t len = strlen(text);
	memset(text + len, 'x', STORE_PROFILE_MAX + 1 - len);
	memcpy(text + len, "<!--", 4);
	memcpy(text + STORE_PROFILE_MAX - 3, "-->", 3);
	assert_true(
		criteria_check(slice_of(text, STORE_PROFILE_MAX), &elements, &services, error));
	memcpy(text + STORE_PROFILE_MAX - 3, "x-->", 4);
	assert_false(criteria_check(slice_of(text, STORE_PROFILE_MAX + 1), &elements, &services,
				    error));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_trimmed),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_size_and_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
