/* test_document.c - filter criteria from XML: what is read, and what is refused and where */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support.h"

#define AS "<ApplicationServer><ServerName>sip:as@home.example</ServerName></ApplicationServer>"
#define IFC(priority, in)                                                                      \
	"<InitialFilterCriteria><Priority>" priority "</Priority>" in "</"                     \
	"InitialFilterCriteria>"
#define TRIGGER(in) "<TriggerPoint><ConditionTypeCNF>1</ConditionTypeCNF>" in "</TriggerPoint>"
#define SPT(in)     "<SPT><ConditionNegated>0</ConditionNegated><Group>0</Group>" in "</SPT>"
#define POINT(in)   IFC("1", TRIGGER(SPT(in)) AS)

static const char whole[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<IMSSubscription><PrivateID>alice@home.example</PrivateID><ServiceProfile>\n"
	"<PublicIdentity><Identity>sip:alice@home.example</Identity></PublicIdentity>\n"
	"<CoreNetworkServicesAuthorization>"
	"<SubscribedMediaProfileId>7</SubscribedMediaProfileId><Extension><ListOfServiceIds>"
	"<ServiceId>urn:urn-7:3gpp-service.ims.icsi.mmtel</ServiceId>"
	"<ServiceId>urn:urn-7:3gpp-service.ims.icsi.oma.cpm</ServiceId>"
	"</ListOfServiceIds></Extension></CoreNetworkServicesAuthorization>\n"
	"<InitialFilterCriteria><Priority>20</Priority><TriggerPoint>\n"
	"<ConditionTypeCNF>false</ConditionTypeCNF>\n"
	"<SPT><ConditionNegated>1</ConditionNegated><Group>0</Group><Group>3</Group>\n"
	"<SIPHeader><Header>Accept-Contact</Header><Content>mmtel</Content></SIPHeader></SPT>\n"
	"<SPT><Group>3</Group><Method>REGISTER</Method><Extension>"
	"<RegistrationType>0</RegistrationType><RegistrationType>2</RegistrationType>"
	"<Other><Deep/></Other></Extension></SPT>\n"
	"<Extension/></TriggerPoint><ApplicationServer>\n"
	"<ServerName> sip:as.home.example;lr </ServerName><DefaultHandling>1</DefaultHandling>"
	"<ServiceInfo><![CDATA[<a>&]]></ServiceInfo><Extension><IncludeRegisterRequest/>"
	"</Extension></ApplicationServer><ProfilePartIndicator>1</ProfilePartIndicator>"
	"<Extension><x:New "
	"xmlns:x=\"urn:x\">y</x:New></Extension></InitialFilterCriteria>\n" IFC(
		"3", AS) "<Extension><SharedIFCSetID>11</SharedIFCSetID>"
			 "<SharedIFCSetID>12</SharedIFCSetID></Extension></ServiceProfile>"
			 "<ServiceProfile>" IFC("1", AS) "</ServiceProfile></IMSSubscription>";

static void reads_all(void **state)
{
	struct criteria_document d;
	struct told t;
	struct criteria_report report = told_report(&t);
	const struct criteria *p;
	const struct criterion *c;
	(void)state;

	assert_true(criteria_read(slice_str(whole), &report, &d));
	assert_int_equal(t.n, 0);
	assert_int_equal(d.n_profile, 2);
	assert_false(d.is_shared);
	p = d.profile[0];
	assert_int_equal(p->n_service, 2);
	assert_int_equal(p->media_profile, 7);
	assert_int_equal(p->n_shared, 2);
	assert_int_equal(p->shared[1], 12);
	assert_int_equal(p->n, 2);
	assert_int_equal(p->item[0]->priority, 3);
	assert_int_equal(p->item[0]->n_point, 0);
	assert_int_equal(p->item[0]->part, IFC_PART_BOTH);
	c = p->item[1];
	assert_int_equal(c->priority, 20);
	assert_int_equal(c->line, 5);
	assert_int_equal(c->part, IFC_PART_UNREGISTERED);
	assert_false(c->cnf);
	assert_true(c->terminate && c->include_request && !c->include_response);
	assert_true(slice_eq(c->server, SLICE("sip:as.home.example;lr")));
	assert_true(slice_eq(c->service_info, SLICE("<a>&")));
	assert_int_equal(c->n_point, 2);
	assert_true(c->point[0].negated && c->point[0].has_content);
	assert_int_equal(c->point[0].n_group, 2);
	assert_int_equal(c->point[0].group[1], 3);
	assert_int_equal(c->point[0].kind, CRITERIA_HEADER);
	assert_int_equal(c->point[1].registration, IFC_REGISTER_INITIAL | IFC_REGISTER_END);
	assert_int_equal(d.profile[1]->n, 1);
	assert_int_equal(d.profile[1]->media_profile, -1);
	criteria_free(&d);
}

static void reads_lists_and_shared_sets(void **state)
{
	struct criteria_document d;
	struct told t;
	struct criteria_report report = told_report(&t);
	(void)state;

	assert_true(
		criteria_read(SLICE("\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- two -->\n" IFC(
				      "2", AS) "\n" IFC("1", AS)),
			      &report, &d));
	assert_int_equal(d.profile[0]->n, 2);
	assert_int_equal(d.profile[0]->item[0]->priority, 1);
	assert_int_equal(d.profile[0]->item[0]->line, 4);
	criteria_free(&d);
	assert_true(criteria_read(
		SLICE("<SharedIFCSets><SharedIFCSet><SharedIFCSetID>5</SharedIFCSetID>" IFC(
			"9", AS) "</SharedIFCSet></SharedIFCSets>"),
		&report, &d));
	assert_int_equal(t.n, 0);
	assert_true(d.is_shared);
	assert_int_equal(d.profile[0]->id, 5);
	assert_null(criteria_add(d.profile[0], &(struct criterion){.priority = 8}));
	assert_int_equal(d.profile[0]->item[0]->priority, 8);
	assert_non_null(criteria_add(d.profile[0], &(struct criterion){.priority = 9}));
	criteria_free(&d);
}

/* One broken criterion on the second line, a sound one on the first: it is told and left out.
 */
static void leaves_out_what_is_broken(void **state)
{
	static const char *const broken[] = {
		"<InitialFilterCriteria>" AS "</InitialFilterCriteria>",
		IFC("x", AS),
		IFC("-1", AS),
		IFC("4294967296", AS),
		IFC("0", AS), /* the Priority of the sound one */
		IFC("1", ""),
		IFC("1", "<ApplicationServer><ServerName/></ApplicationServer>"),
		IFC("1",
		    "<ApplicationServer><ServerName>tel:+1</ServerName></ApplicationServer>"),
		IFC("1", "<ApplicationServer><ServerName>sip:a</ServerName><DefaultHandling>2"
			 "</DefaultHandling></ApplicationServer>"),
		IFC("1", AS "<ProfilePartIndicator>2</ProfilePartIndicator>"),
		IFC("1", TRIGGER("") AS),
		IFC("1", "<TriggerPoint>" SPT("<Method>INVITE</Method>") "</TriggerPoint>" AS),
		IFC("1", TRIGGER("<SPT><Method>INVITE</Method></SPT>") AS),
		IFC("1", TRIGGER("<SPT><Group>x</Group><Method>INVITE</Method></SPT>") AS),
		IFC("1", TRIGGER("<SPT><ConditionNegated>2</ConditionNegated><Group>1</Group>"
				 "<Method>INVITE</Method></SPT>") AS),
		POINT(""),
		POINT("<Unknown>1</Unknown>"),
		POINT("<Method>A B</Method>"),
		POINT("<Method/>"),
		POINT("<Method>INVITE</Method><SessionCase>0</SessionCase>"),
		POINT("<SessionCase>5</SessionCase>"),
		POINT("<SessionCase>x</SessionCase>"),
		POINT("<RequestURI/>"),
		POINT("<RequestURI>(a</RequestURI>"),
		POINT("<RequestURI>(a)\\1</RequestURI>"),
		POINT("<SIPHeader><Content>a</Content></SIPHeader>"),
		POINT("<SIPHeader><Header>To</Header><Content>*</Content></SIPHeader>"),
		POINT("<SIPHeader><Header>[</Header></SIPHeader>"),
		POINT("<SessionDescription><Content>a</Content></SessionDescription>"),
		POINT("<SessionDescription><Line>Q</Line></SessionDescription>"),
		POINT("<SessionDescription><Line>(</Line></SessionDescription>"),
		POINT("<Method>REGISTER</Method><Extension><RegistrationType>3"
		      "</RegistrationType></Extension>"),
	};
	static struct criteria_compiled compiled;
	char text[4096];
	(void)state;

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct criteria_document d;
		struct told t;
		struct criteria_report report = told_report(&t);

		snprintf(text, sizeof(text), "%s\n%s\n", IFC("0", AS), broken[i]);
		assert_true(criteria_read(slice_str(text), &report, &d));
		assert_true(criteria_compile(d.profile[0], &report, &compiled));
		if (t.n != 1 || t.line != 2 || !*t.sentence)
			fail_msg("%s: %u told, line %ld: %s", broken[i], t.n, t.line,
				 t.sentence);
		assert_null(ifc_sound(compiled.memory, compiled.len));
		assert_int_equal(((const struct ifc *)compiled.memory)->n_criteria, 1);
		assert_int_equal(compiled.index[0], 0);
		criteria_free(&d);
	}
}

static void refuses_documents(void **state)
{
	static const char *const wrong[] = {
		"",
		"   ",
		"text",
		"<Other/>",
		"<IMSSubscription>",
		IFC("1", AS) "</ServiceProfile><ServiceProfile>",
		"<!DOCTYPE a [<!ENTITY b \"c\">]>" IFC("1", AS),
		"<IMSSubscription>&b;</IMSSubscription>",
		"<IMSSubscription>\xff</IMSSubscription>",
	};
	struct criteria_document d;
	char deep[(CRITERIA_DEPTH_MAX + 2) * 7 + 1] = "";
	char *huge = calloc(1, CRITERIA_XML_MAX + 1);
	struct told t;
	struct criteria_report report;
	(void)state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		report = told_report(&t);
		if (criteria_read(slice_str(wrong[i]), &report, &d))
			fail_msg("%s was taken", wrong[i]);
		assert_true(t.n == 1 && *t.sentence);
		criteria_free(&d);
	}
	for (int i = 0; i < CRITERIA_DEPTH_MAX + 2; i++)
		memcpy(deep + strlen(deep), "<a>", 4);
	for (int i = 0; i < CRITERIA_DEPTH_MAX + 2; i++)
		memcpy(deep + strlen(deep), "</a>", 5);
	report = told_report(&t);
	assert_false(criteria_read(slice_str(deep), &report, &d));
	assert_string_equal(t.sentence, "elements lie too deep in each other");
	memset(huge, ' ', CRITERIA_XML_MAX + 1);
	assert_false(criteria_read(slice_of(huge, CRITERIA_XML_MAX + 1), NULL, &d));
	free(huge);
}

static void says_the_line(void **state)
{
	struct criteria_document d;
	struct told t;
	struct criteria_report report = told_report(&t);
	(void)state;

	assert_false(criteria_read(SLICE("<IMSSubscription>\n<PrivateID>\n</Private>\n"),
				   &report, &d));
	assert_int_equal(t.line, 3);
	report = told_report(&t);
	assert_false(criteria_read(SLICE("<?xml version=\"1.0\"?>\n\n<InitialFilterCriteria>\n"
					 "<Priority>\n</Other>\n"),
				   &report, &d));
	assert_int_equal(t.line, 5);
}

static void bounds_the_number(void **state)
{
	static char text[CRITERIA_XML_MAX];
	static struct criteria_compiled compiled;
	struct criteria_document d;
	struct told t;
	struct criteria_report report = told_report(&t);
	int n = 0;
	(void)state;

	for (int i = 0; i < IFC_CRITERIA_MAX + 1; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			      "<InitialFilterCriteria><Priority>%d</Priority>" AS
			      "</InitialFilterCriteria>\n",
			      IFC_CRITERIA_MAX + 1 - i);
	assert_true(criteria_read(slice_str(text), &report, &d));
	assert_int_equal(t.n, 1);
	assert_int_equal(t.line, IFC_CRITERIA_MAX + 1);
	assert_true(criteria_compile(d.profile[0], &report, &compiled));
	assert_null(ifc_sound(compiled.memory, compiled.len));
	assert_int_equal(((const struct ifc *)compiled.memory)->n_criteria, IFC_CRITERIA_MAX);
	criteria_free(&d);
}

/* Criteria are entered as long as there is room, and what is too large leaves nothing behind.
 */
static void bounds_the_size(void **state)
{
	static char text[CRITERIA_XML_MAX];
	static struct criteria_compiled compiled;
	struct criteria_document d;
	struct told t;
	struct criteria_report report = told_report(&t);
	const struct ifc *f = (const struct ifc *)compiled.memory;
	int n = 0;
	(void)state;

	for (int i = 0; i < 20; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			      "<InitialFilterCriteria><Priority>%d</Priority>" TRIGGER(
				      SPT("<RequestURI>(x%dyz[a-z]){60}</RequestURI>")) AS
			      "</InitialFilterCriteria>\n",
			      i, 10 + i);
	assert_true(criteria_read(slice_str(text), &report, &d));
	assert_int_equal(t.n, 0);
	assert_true(criteria_compile(d.profile[0], &report, &compiled));
	assert_true(t.n > 5);
	assert_string_equal(t.sentence, "the profile is too large");
	assert_null(ifc_sound(compiled.memory, compiled.len));
	assert_int_equal(f->n_criteria + t.n, 20);
	assert_true(f->n_criteria >= 3);
	criteria_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all),
		cmocka_unit_test(reads_lists_and_shared_sets),
		cmocka_unit_test(leaves_out_what_is_broken),
		cmocka_unit_test(refuses_documents),
		cmocka_unit_test(says_the_line),
		cmocka_unit_test(bounds_the_number),
		cmocka_unit_test(bounds_the_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
