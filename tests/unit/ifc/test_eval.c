/* test_eval.c - which criterion holds for which request, case by case */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support.h"

#define AS(name)   "<ApplicationServer><ServerName>sip:" name "</ServerName></ApplicationServer>"
#define CNF(in)    "<TriggerPoint><ConditionTypeCNF>1</ConditionTypeCNF>" in "</TriggerPoint>"
#define DNF(in)    "<TriggerPoint><ConditionTypeCNF>0</ConditionTypeCNF>" in "</TriggerPoint>"
#define SPT(g, in) "<SPT><Group>" g "</Group>" in "</SPT>"
#define NOT(g, in) "<SPT><ConditionNegated>1</ConditionNegated><Group>" g "</Group>" in "</SPT>"
#define METHOD(m)  "<Method>" m "</Method>"
#define URI(u)     "<RequestURI>" u "</RequestURI>"
#define CASE(c)    "<SessionCase>" c "</SessionCase>"
#define HEADER(h)  "<SIPHeader><Header>" h "</Header></SIPHeader>"
#define HAS(h, c)  "<SIPHeader><Header>" h "</Header><Content>" c "</Content></SIPHeader>"
#define LINE(l)    "<SessionDescription><Line>" l "</Line></SessionDescription>"
#define LINE_HAS(l, c)                                                                         \
	"<SessionDescription><Line>" l "</Line><Content>" c "</Content></SessionDescription>"
#define TYPE(t)                                                                                \
	METHOD("REGISTER")                                                                     \
	"<Extension><RegistrationType>" t "</RegistrationType></Extension>"
#define IFC(priority, in)                                                                      \
	"<InitialFilterCriteria><Priority>" priority "</Priority>" in "</"                     \
	"InitialFilterCriteria>"

static const char headers[] = "Accept-Contact: *;+g.3gpp.icsi-ref=\"mmtel\"\r\n"
			      "X-One: first\r\n"
			      "k: path, 100rel\r\n"
			      "X-One: second\r\n"
			      "s: a long\r\n  subject\r\n"
			      "P-Asserted-Identity: <tel:+491234>\r\n"
			      "Content-Type: application/sdp\r\n";
static const char sdp[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n"
			  "t=0 0\r\nm=audio 4000 RTP/AVP 8\r\na=sendrecv\r\n"
			  "m=video 4002 RTP/AVP 99\r\na=inactive\r\n";

/* One trigger in front of one INVITE, or what the row says. */
struct row {
	const char *trigger;
	bool holds;
	uint8_t session_case;
	const char *method; /* NULL: INVITE */
	uint8_t registration;
};

static const struct row rows[] = {
	{"", true, 0, NULL, 0},
	/* Method */
	{CNF(SPT("0", METHOD("INVITE"))), true, 0, NULL, 0},
	{CNF(SPT("0", METHOD("MESSAGE"))), false, 0, NULL, 0},
	{CNF(NOT("0", METHOD("MESSAGE"))), true, 0, NULL, 0},
	{CNF(SPT("0", METHOD("invite"))), false, 0, NULL, 0},
	{CNF(SPT("0", METHOD("SPECIAL"))), true, 0, "SPECIAL", 0},
	{CNF(SPT("0", METHOD("SPECIAL"))), false, 0, "OTHERS", 0},
	{CNF(NOT("0", METHOD("SPECIAL"))), true, 0, "OTHERS", 0},
	{CNF(SPT("0", METHOD("SPECIAL"))), false, 0, NULL, 0},
	{CNF(SPT("0", METHOD("REGISTER"))), true, 0, "REGISTER", IFC_REGISTER_AGAIN},
	{CNF(SPT("0", TYPE("0"))), true, 0, "REGISTER", IFC_REGISTER_INITIAL},
	{CNF(SPT("0", TYPE("0"))), false, 0, "REGISTER", IFC_REGISTER_AGAIN},
	{CNF(SPT("0", TYPE("1"))), true, 0, "REGISTER", IFC_REGISTER_AGAIN},
	{CNF(SPT("0", TYPE("2"))), true, 0, "REGISTER", IFC_REGISTER_END},
	{CNF(NOT("0", TYPE("2"))), false, 0, "REGISTER", IFC_REGISTER_END},
	{CNF(NOT("0", TYPE("2"))), true, 0, NULL, 0},
	/* SessionCase */
	{CNF(SPT("0", CASE("0"))), true, 0, NULL, 0},
	{CNF(SPT("0", CASE("0"))), false, 1, NULL, 0},
	{CNF(SPT("0", CASE("1"))), true, 1, NULL, 0},
	{CNF(SPT("0", CASE("2"))), true, 2, NULL, 0},
	{CNF(SPT("0", CASE("3"))), true, 3, NULL, 0},
	{CNF(SPT("0", CASE("4"))), true, 4, NULL, 0},
	{CNF(NOT("0", CASE("4"))), false, 4, NULL, 0},
	/* Request-URI */
	{CNF(SPT("0", URI("sip:bob@home.example"))), true, 0, NULL, 0},
	{CNF(SPT("0", URI("^sip:bob@"))), true, 0, NULL, 0},
	{CNF(SPT("0", URI("^bob"))), false, 0, NULL, 0},
	{CNF(SPT("0", URI("example$"))), false, 0, NULL, 0},
	{CNF(SPT("0", URI("user=(phone|dialstring)$"))), true, 0, NULL, 0},
	{CNF(SPT("0", URI("Bob"))), false, 0, NULL, 0},
	/* SIPHeader */
	{CNF(SPT("0", HEADER("Accept-Contact"))), true, 0, NULL, 0},
	{CNF(SPT("0", HEADER("ACCEPT-contact"))), true, 0, NULL, 0},
	{CNF(SPT("0", HEADER("Reject-Contact"))), false, 0, NULL, 0},
	{CNF(NOT("0", HEADER("Reject-Contact"))), true, 0, NULL, 0},
	{CNF(SPT("0", HAS("Accept-Contact", "mmtel"))), true, 0, NULL, 0},
	{CNF(SPT("0", HAS("a", "mmtel"))), true, 0, NULL, 0},
	{CNF(SPT("0", HAS("Supported", "100rel"))), true, 0, NULL, 0},
	{CNF(SPT("0", HAS("Subject", "^a long +subject$"))), true, 0, NULL, 0},
	{CNF(SPT("0", HAS("x-one", "^first$"))), true, 0, NULL, 0},
	{CNF(SPT("0", HAS("X-One", "^second$"))), true, 0, NULL, 0},
	{CNF(SPT("0", HAS("X-One", "^third$"))), false, 0, NULL, 0},
	{CNF(NOT("0", HAS("X-One", "^third$"))), true, 0, NULL, 0},
	{CNF(NOT("0", HAS("X-One", "^first$"))), false, 0, NULL, 0},
	{CNF(SPT("0", HEADER("X-On"))), false, 0, NULL, 0},
	{CNF(SPT("0", HAS("^X-[A-Z]ne$", "sec"))), true, 0, NULL, 0},
	{CNF(SPT("0", HAS("P-(Asserted|Preferred)-Identity", "\\+49"))), true, 0, NULL, 0},
	{CNF(SPT("0", HAS("^(support|allow)", "path"))), true, 0, NULL, 0},
	{CNF(SPT("0", HAS("^(support|allow)", "other"))), false, 0, NULL, 0},
	/* SessionDescription */
	{CNF(SPT("0", LINE("m"))), true, 0, NULL, 0},
	{CNF(SPT("0", LINE("b"))), false, 0, NULL, 0},
	{CNF(NOT("0", LINE("b"))), true, 0, NULL, 0},
	{CNF(SPT("0", LINE_HAS("m", "^video"))), true, 0, NULL, 0},
	{CNF(SPT("0", LINE_HAS("m=", "^video"))), true, 0, NULL, 0},
	{CNF(SPT("0", LINE_HAS("m", "^(message|image)"))), false, 0, NULL, 0},
	{CNF(SPT("0", LINE_HAS("a", "^inactive$"))), true, 0, NULL, 0},
	{CNF(SPT("0", LINE_HAS("[ac]", "IN IP4"))), true, 0, NULL, 0},
	/* Groups: CNF */
	{CNF(SPT("0", METHOD("INVITE")) SPT("1", CASE("0"))), true, 0, NULL, 0},
	{CNF(SPT("0", METHOD("INVITE")) SPT("1", CASE("1"))), false, 0, NULL, 0},
	{CNF(SPT("0", METHOD("MESSAGE")) SPT("0", CASE("0"))), true, 0, NULL, 0},
	{CNF(SPT("0", METHOD("MESSAGE")) SPT("0", HEADER("X-One")) SPT("7", URI("bob"))), true,
	 0, NULL, 0},
	{CNF(SPT("0", METHOD("MESSAGE")) SPT("0", HEADER("X-One")) SPT("7", URI("tom"))), false,
	 0, NULL, 0},
	{CNF(SPT("0</Group><Group>1", URI("bob")) SPT("0", URI("tom")) SPT("1", URI("tim"))),
	 true, 0, NULL, 0},
	{CNF(SPT("0</Group><Group>1", URI("tim")) SPT("0", URI("bob")) SPT("1", URI("tom"))),
	 false, 0, NULL, 0},
	/* Groups: DNF */
	{DNF(SPT("0", METHOD("INVITE")) SPT("0", URI("bob"))), true, 0, NULL, 0},
	{DNF(SPT("0", METHOD("INVITE")) SPT("0", URI("tom"))), false, 0, NULL, 0},
	{DNF(SPT("0", METHOD("INVITE")) SPT("1", URI("tom"))), true, 0, NULL, 0},
	{DNF(SPT("0", HEADER("X-Two")) SPT("1", URI("tom"))), false, 0, NULL, 0},
	{DNF(SPT("0</Group><Group>1", URI("bob")) SPT("0", URI("tom")) SPT("1", URI("home"))),
	 true, 0, NULL, 0},
	{DNF(SPT("0</Group><Group>1", URI("tom")) SPT("0", URI("bob")) SPT("1", URI("home"))),
	 false, 0, NULL, 0},
};

static void holds_or_not(void **state)
{
	static struct criteria_compiled compiled;
	static struct sip_msg m;
	char xml[4096], request[4096];
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct ifc_ask ask = {.session_case = r->session_case,
				      .registered = r->session_case < 2,
				      .registration = r->registration};
		struct criteria_document d;
		struct ifc_match match;
		enum ifc_result got;

		snprintf(xml, sizeof(xml), IFC("1", "%s" AS("as")), r->trigger);
		compile_good(xml, &d, &compiled);
		request_write(request, sizeof(request), r->method ? r->method : "INVITE",
			      "sip:bob@home.example;user=phone", headers, sdp);
		parse_good(request, &m);
		got = ifc_next((const struct ifc *)compiled.memory, &m, &ask, 0, &match);
		if (got != (r->holds ? IFC_MATCH : IFC_NONE))
			fail_msg("row %zu: %s gives %d", i, r->trigger, got);
		criteria_free(&d);
	}
}

static bool holds(const char *trigger, const char *more, const char *body)
{
	static struct criteria_compiled compiled;
	static struct sip_msg m;
	struct ifc_ask ask = {.session_case = IFC_ORIGINATING, .registered = true};
	char xml[4096], request[4096];
	struct criteria_document d;
	struct ifc_match match;

	snprintf(xml, sizeof(xml), IFC("1", "%s" AS("as")), trigger);
	compile_good(xml, &d, &compiled);
	request_write(request, sizeof(request), "INVITE", "sip:bob@home.example", more, body);
	parse_good(request, &m);
	criteria_free(&d);
	return ifc_next((const struct ifc *)compiled.memory, &m, &ask, 0, &match) == IFC_MATCH;
}

static void finds_the_description_among_parts(void **state)
{
	static const char parts[] =
		"preamble m=video\r\n--b1\r\nContent-Type: text/plain\r\n\r\nm=text\r\n"
		"--b1\r\nc: application/SDP; x=y\r\nContent-ID: 1\r\n\r\n"
		"v=0\r\nm=audio 1\r\n--b1--\r\nm=epilogue\r\n";
	static const char mixed[] = "Content-Type: multipart/mixed; x=1; boundary=\"b1\"\r\n";
	(void)state;

	assert_true(holds(CNF(SPT("0", LINE_HAS("m", "audio"))), mixed, parts));
	assert_true(holds(CNF(SPT("0", LINE_HAS("m", "audio"))),
			  "Content-Type: MULTIPART/related;boundary=b1\r\n", parts));
	assert_false(holds(CNF(SPT("0", LINE_HAS("m", "text"))), mixed, parts));
	assert_false(holds(CNF(SPT("0", LINE_HAS("m", "video"))), mixed, parts));
	assert_false(holds(CNF(SPT("0", LINE_HAS("m", "epilogue"))), mixed, parts));
	assert_false(holds(CNF(SPT("0", LINE("m"))),
			   "Content-Type: multipart/mixed; boundary=b2\r\n", parts));
	assert_false(
		holds(CNF(SPT("0", LINE("m"))), "Content-Type: multipart/mixed\r\n", parts));
	assert_false(holds(CNF(SPT("0", LINE("m"))), "Content-Type: text/plain\r\n", sdp));
	assert_false(holds(CNF(SPT("0", LINE("m"))), "", sdp));
	assert_true(holds(CNF(SPT("0", LINE_HAS("a", "^x$"))),
			  "Content-Type: application/sdp\r\n", "v=0\na=x"));
	assert_false(holds(CNF(SPT("0", LINE_HAS("a", "x"))),
			   "Content-Type: application/sdp\r\n", "ax\r\n=x\r\na\r\n\r\n"));
}

static const char chain[] = IFC("5", AS("five")) IFC(
	"7", CNF(SPT("0", METHOD("INVITE"))) "<ApplicationServer><ServerName>sip:seven"
					     "</ServerName><DefaultHandling>1</DefaultHandling>"
					     "<ServiceInfo>info</ServiceInfo>"
					     "<Extension><IncludeRegisterResponse/></Extension>"
					     "</ApplicationServer>")
	IFC("9", CNF(SPT("0", METHOD("MESSAGE")))
			 AS("nine")) IFC("11", CNF(SPT("0", HEADER("To"))) AS("eleven"))
		IFC("2", AS("two") "<ProfilePartIndicator>1</ProfilePartIndicator>")
			IFC("3", AS("three") "<ProfilePartIndicator>0</ProfilePartIndicator>");

static uint32_t chain_of(const struct ifc *f, const struct sip_msg *m,
			 const struct ifc_ask *ask, uint32_t *priority)
{
	struct ifc_match match = {0};
	uint32_t from = 0, n = 0;

	while (ifc_next(f, m, ask, from, &match) == IFC_MATCH) {
		assert_int_equal(ifc_behind(f, match.priority), match.index + 1);
		priority[n++] = match.priority;
		from = match.index + 1;
	}
	return n;
}

static void goes_on_behind(void **state)
{
	static struct criteria_compiled compiled;
	static struct sip_msg m;
	const struct ifc *f = (const struct ifc *)compiled.memory;
	struct ifc_ask registered = {.session_case = IFC_TERMINATING, .registered = true},
		       unregistered = {.session_case = IFC_TERMINATING_UNREGISTERED},
		       diverted = {.session_case = IFC_ORIGINATING_CDIV, .registered = true},
		       diverted_unregistered = {.session_case = IFC_ORIGINATING_CDIV};
	struct criteria_document d;
	struct ifc_match match;
	char request[4096];
	uint32_t p[IFC_CRITERIA_MAX];
	(void)state;

	compile_good(chain, &d, &compiled);
	request_write(request, sizeof(request), "INVITE", "sip:bob@home.example", "", "");
	parse_good(request, &m);
	assert_int_equal(chain_of(f, &m, &registered, p), 4);
	assert_true(p[0] == 3 && p[1] == 5 && p[2] == 7 && p[3] == 11);
	assert_int_equal(chain_of(f, &m, &unregistered, p), 4);
	assert_true(p[0] == 2 && p[1] == 5);
	assert_int_equal(chain_of(f, &m, &diverted, p), 4);
	assert_int_equal(p[0], 3);
	assert_int_equal(chain_of(f, &m, &diverted_unregistered, p), 4);
	assert_int_equal(p[0], 2);
	assert_int_equal(ifc_next(f, &m, &registered, 3, &match), IFC_MATCH);
	assert_int_equal(match.index, 3);
	assert_true(slice_eq(match.server, SLICE("sip:seven")));
	assert_true(slice_eq(match.service, SLICE("info")));
	assert_true(match.terminate && match.include_response && !match.include_request);
	assert_int_equal(ifc_next(f, &m, &registered, 6, &match), IFC_NONE);
	assert_int_equal(ifc_next(f, &m, &registered, UINT32_MAX, &match), IFC_NONE);
	/* Where a chain goes on when its criterion is gone. */
	assert_int_equal(ifc_behind(f, 6), 3);
	assert_int_equal(ifc_behind(f, 100), f->n_criteria);
	criteria_free(&d);
}

static void authorises_services(void **state)
{
	static struct criteria_compiled compiled;
	const struct ifc *f = (const struct ifc *)compiled.memory;
	struct criteria_document d;
	(void)state;

	compile_good("<ServiceProfile/>", &d, &compiled);
	assert_int_equal(ifc_authorised(f, SLICE("urn:urn-7:x")), IFC_SERVICES_UNLISTED);
	assert_int_equal(f->media_profile, -1);
	criteria_free(&d);
	compile_good(
		"<ServiceProfile><CoreNetworkServicesAuthorization><SubscribedMediaProfileId>"
		"0</SubscribedMediaProfileId><Extension><ListOfServiceIds><ServiceId>"
		"urn:urn-7:3gpp-service.ims.icsi.mmtel</ServiceId></ListOfServiceIds>"
		"</Extension></CoreNetworkServicesAuthorization></ServiceProfile>",
		&d, &compiled);
	assert_int_equal(f->media_profile, 0);
	assert_int_equal(ifc_authorised(f, SLICE("urn:urn-7:3gpp-service.ims.icsi.mmtel")),
			 IFC_SERVICE_SUBSCRIBED);
	assert_int_equal(ifc_authorised(f, SLICE("urn:URN-7:3gpp-service.ims.icsi.mmtel.hd")),
			 IFC_SERVICE_SUBSCRIBED);
	assert_int_equal(ifc_authorised(f, SLICE("urn:urn-7:3gpp-service.ims.icsi.mmtelx")),
			 IFC_SERVICE_REFUSED);
	assert_int_equal(ifc_authorised(f, SLICE("urn:urn-7:3gpp-service.ims.icsi")),
			 IFC_SERVICE_REFUSED);
	criteria_free(&d);
}

/* Criteria that together cost more than one request may: the end is said, and comes soon. */
static void ends_when_it_is_too_dear(void **state)
{
	static struct criteria_compiled compiled;
	static struct sip_msg m;
	struct ifc_ask ask = {.session_case = IFC_ORIGINATING, .registered = true};
	static char more[8192], request[10000];
	struct criteria_document d;
	struct ifc_match match;
	(void)state;

	memcpy(more, "X-Long: ", 8);
	memset(more + 8, 'a', 8000);
	memcpy(more + 8008, "\r\n", 3);
	compile_good(IFC("1", CNF(SPT("0", HAS("X-Long", "((a?){20}){10}b"))) AS("as"))
			     IFC("2", AS("b")),
		     &d, &compiled);
	request_write(request, sizeof(request), "INVITE", "sip:bob@home.example", more, "");
	parse_good(request, &m);
	assert_int_equal(ifc_next((const struct ifc *)compiled.memory, &m, &ask, 0, &match),
			 IFC_TOO_DEAR);
	assert_int_equal(ifc_next((const struct ifc *)compiled.memory, &m, &ask, 1, &match),
			 IFC_MATCH);
	criteria_free(&d);
	/* Negated, what is not known must not hold either. */
	compile_good(IFC("1", CNF(NOT("0", HAS("X-Long", "((a?){20}){10}b"))) AS("as")), &d,
		     &compiled);
	assert_int_equal(ifc_next((const struct ifc *)compiled.memory, &m, &ask, 0, &match),
			 IFC_TOO_DEAR);
	criteria_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_or_not),
		cmocka_unit_test(finds_the_description_among_parts),
		cmocka_unit_test(goes_on_behind),
		cmocka_unit_test(authorises_services),
		cmocka_unit_test(ends_when_it_is_too_dear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
