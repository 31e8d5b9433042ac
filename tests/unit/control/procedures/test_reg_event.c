/* test_reg_event.c - subscribers to a registration, and what they are told */
#include "client.h"

#include <ev.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "base/clock.h"
#include "control/register.h"

#define OTHER "192.0.2.9:5060"
#define PEER  "10.0.0.7:5060"

static struct fake *f;

static int setup(void **state)
{
	struct client cl = {0};

	f = fake_new(CONF_PCSCF | CONF_ICSCF | CONF_SCSCF);
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	fake_clear(f);
	return 0;
}

static int teardown(void **state)
{
	fake_free(f);
	return 0;
}

static struct reg_events_stats stats(void)
{
	struct reg_events_stats s;

	reg_events_stats(f->c.reg_events, &s);
	return s;
}

struct wish {
	const char *src, *uri, *to_tag, *call_id, *lines, *from_tag;
	uint32_t cseq;
};

static void subscribe(struct wish w)
{
	char message[4096];

	snprintf(message, sizeof(message),
		 "SUBSCRIBE %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bK1\r\n"
		 "From: <sip:alice@ims.example>;tag=%s\r\nTo: <sip:alice@ims.example>%s%s\r\n"
		 "Call-ID: %s\r\nCSeq: %u SUBSCRIBE\r\n%s\r\n",
		 w.uri ? w.uri : "sip:alice@ims.example", w.from_tag ? w.from_tag : "f",
		 w.to_tag ? ";tag=" : "", w.to_tag ? w.to_tag : "",
		 w.call_id ? w.call_id : "s1", w.cseq ? w.cseq : 1,
		 w.lines ? w.lines : "Event: reg\r\nContact: <sip:alice@192.0.2.7:5062>\r\n");
	fake_clear(f);
	fake_register(f, w.src ? w.src : UE, message);
}

/* The number of nodes that an XPath expression finds in the last NOTIFY's document. */
static int nodes(const char *xpath)
{
	const char *body = strstr(f->sent, "\r\n\r\n");
	xmlXPathContext *c;
	xmlXPathObject *o;
	xmlDoc *doc;
	int n;

	assert_non_null(body);
	body += 4;
	doc = xmlReadMemory(body, (int)strlen(body), NULL, NULL, XML_PARSE_NONET);
	assert_non_null(doc);
	c = xmlXPathNewContext(doc);
	xmlXPathRegisterNs(c, (const xmlChar *)"r",
			   (const xmlChar *)"urn:ietf:params:xml:ns:reginfo");
	xmlXPathRegisterNs(c, (const xmlChar *)"gr",
			   (const xmlChar *)"urn:ietf:params:xml:ns:gruuinfo");
	o = xmlXPathEval((const xmlChar *)xpath, c);
	assert_non_null(o);
	n = o->nodesetval ? o->nodesetval->nodeNr : 0;
	xmlXPathFreeObject(o);
	xmlXPathFreeContext(c);
	xmlFreeDoc(doc);
	return n;
}

static const char *header(const char *name)
{
	static char value[512];
	char begin[64];
	const char *at;

	snprintf(begin, sizeof(begin), "\r\n%s: ", name);
	at = strstr(f->sent, begin);
	assert_non_null(at);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + strlen(begin), "\r"),
		 at + strlen(begin));
	return value;
}

static void ok(void)
{
	fake_respond(f,
		     "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1\r\nFrom: <sip:a@b>;tag=1\r\n"
		     "To: <sip:a@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 NOTIFY\r\n\r\n");
}

static void begins(void)
{
	subscribe((struct wish){0});
	assert_int_equal(f->status, 200);
	ok();
	fake_clear(f);
}

static void full_at_first(void **state)
{
	subscribe((struct wish){.lines =
					"Event: reg;id=7\r\nContact: <sip:alice@192.0.2.7:5062>"
					"\r\nRecord-Route: <sip:p1;lr>,<sip:p2;lr>\r\n"
					"Accept: application/reginfo+xml\r\n"});
	assert_int_equal(f->status, 200);
	assert_string_equal(f->headers,
			    "Expires: 600000\r\nContact: <sip:reg@10.0.0.1:5060>\r\n"
			    "Record-Route: <sip:p1;lr>,<sip:p2;lr>\r\n");
	assert_memory_equal(f->sent, "NOTIFY sip:alice@192.0.2.7:5062 SIP/2.0\r\n", 41);
	assert_string_equal(header("Route"), "<sip:p1;lr>,<sip:p2;lr>");
	assert_string_equal(header("Event"), "reg;id=7");
	assert_string_equal(header("To"), "<sip:alice@ims.example>;tag=f");
	assert_string_equal(header("From"), "<sip:alice@ims.example>;tag=0000000000000001");
	assert_string_equal(header("Call-ID"), "s1");
	assert_string_equal(header("CSeq"), "1 NOTIFY");
	assert_memory_equal(header("Subscription-State"), "active;expires=", 15);
	assert_string_equal(header("Content-Type"), "application/reginfo+xml");
	assert_int_equal(nodes("/r:reginfo[@version='0'][@state='full']"), 1);
	/* alice has two identities, and one contact under both. */
	assert_int_equal(nodes("//r:registration[@state='active']"), 2);
	assert_int_equal(nodes("//r:registration[@aor='sip:alice@ims.example']/r:contact"
			       "[@state='active'][@event='registered'][@callid='c1'][@cseq='2']"
			       "[r:uri='sip:alice@192.0.2.7:5062']"),
			 1);
	assert_int_equal(stats().active, 1);
	assert_int_equal(stats().notified, 1);
	ok();
	assert_int_equal(stats().failed, 0);
}

static void then_what_changed(void **state)
{
	struct client cl = {.cseq = 5}, second = {.call_id = "c9", .src = "192.0.2.8:5060"};

	begins();
	second.contact = "Contact: <sip:alice@192.0.2.8:5060>;+sip.instance=\"<urn:uuid:1>\";"
			 "q=0.25;x=\"a&b\"\r\n";
	client_register(f, &second);
	assert_int_equal(nodes("/r:reginfo[@version='1'][@state='partial']"), 1);
	assert_int_equal(nodes("//r:contact"), 2); /* under each identity the new one */
	assert_int_equal(nodes("//r:contact[@event='registered'][@q='0.250']"
			       "[r:unknown-param[@name='+sip.instance']='\"<urn:uuid:1>\"']"
			       "[r:unknown-param[@name='x']='\"a&b\"']"),
			 2);
	/* Its names, under the one identity that is a SIP URI (RFC 5628). */
	assert_int_equal(nodes("//r:contact/gr:pub-gruu"), 1);
	assert_int_equal(nodes("//r:registration[@aor='sip:alice@ims.example']/r:contact"
			       "/gr:pub-gruu[@uri='sip:alice@ims.example;gr=urn:uuid:1']"),
			 1);
	assert_int_equal(nodes("//gr:temp-gruu[@first-cseq='2'][contains(@uri, "
			       "'@ims.example;gr')]"),
			 1);
	assert_string_equal(header("CSeq"), "2 NOTIFY");
	ok();
	client_register(f, &cl);
	assert_int_equal(nodes("/r:reginfo[@version='2']"), 1);
	assert_int_equal(nodes("//r:contact"), 2);
	assert_int_equal(nodes("//r:contact[@event='refreshed'][@cseq='7']"), 2);
	ok();
	cl.contact = "Contact: <sip:alice@192.0.2.7:5062>;expires=0\r\n";
	client_register(f, &cl);
	assert_int_equal(nodes("//r:contact"), 2);
	assert_int_equal(
		nodes("//r:registration[@state='active']/r:contact[@state='terminated']"
		      "[@event='unregistered']"),
		2);
	ok();
}

/* While one NOTIFY is under way the next waits, and has all of it. */
static void one_at_a_time(void **state)
{
	struct client cl = {.cseq = 5};

	subscribe((struct wish){0});
	assert_int_equal(stats().notified, 1);
	client_register(f, &cl);
	client_register(f, &cl);
	assert_int_equal(stats().notified, 1);
	ok();
	assert_int_equal(stats().notified, 2);
	assert_int_equal(nodes("/r:reginfo[@version='1'][@state='partial']"), 1);
	assert_int_equal(nodes("//r:contact[@cseq='9']"), 2);
	ok();
	assert_int_equal(stats().notified, 2);
}

static void over_with_the_registration(void **state)
{
	struct client cl = {.cseq = 5, .contact = "Contact: *\r\nExpires: 0\r\n"};

	begins();
	client_register(f, &cl);
	assert_string_equal(header("Subscription-State"), "terminated;reason=noresource");
	assert_int_equal(nodes("//r:registration[@state='terminated']/r:contact"
			       "[@state='terminated'][@event='unregistered']"),
			 2);
	assert_int_equal(stats().active, 0);
	ok();
}

static void ended_by(enum cx_reason reason, const char *event)
{
	char xpath[128];

	begins();
	registrar_deregister(f->c.registrar, SLICE("alice@ims.example"), NULL, 0, reason);
	snprintf(xpath, sizeof(xpath), "//r:contact[@state='terminated'][@event='%s']", event);
	assert_int_equal(nodes(xpath), 2);
	assert_string_equal(header("Subscription-State"), "terminated;reason=noresource");
	f->n_pending = 0;
}

static void ended_for_good(void **state)
{
	ended_by(CX_REASON_PERMANENT_TERMINATION, "rejected");
}

static void ended_to_come_back(void **state)
{
	ended_by(CX_REASON_SERVER_CHANGE, "deactivated");
}

/* TS 24.229 §5.4.1.6 */
static void shortened(void **state)
{
	begins();
	assert_int_equal(
		registrar_reauthenticate(f->c.registrar, SLICE("sip:alice@ims.example"), 100),
		1);
	assert_int_equal(nodes("//r:contact[@event='shortened'][@state='active']"
			       "[@expires>=99][@expires<=100]"),
			 2);
	ok();
	assert_int_equal(
		registrar_reauthenticate(f->c.registrar, SLICE("sip:alice@ims.example"), 200),
		0);
	assert_int_equal(registrar_reauthenticate(f->c.registrar, SLICE("sip:nobody@x"), 1), 0);
}

static void expired(void **state)
{
	struct registration_set *s =
		registrations_by_impu(f->c.registrations, "sip:alice@ims.example");

	begins();
	s->contact[0].expires_wall_ms = clock_wall_ms() - 1;
	registrar_expire(f->c.registrar, s);
	assert_int_equal(nodes("//r:contact[@state='terminated'][@event='expired']"), 2);
	ok();
	assert_int_equal(stats().active, 0);
}

static void who_may(void **state)
{
	static const struct {
		struct wish w;
		uint16_t status;
	} table[] = {
		{{.src = OTHER}, 403}, /* some address */
		{{.src = PEER}, 403},  /* a peer that asserts nobody */
		{{.src = PEER,
		  .lines = "Event: reg\r\nContact: <sip:a@10.0.0.7>\r\n"
			   "P-Asserted-Identity: <sip:bob@ims.example>\r\n"},
		 403},
		{{.src = PEER,
		  .lines = "Event: reg\r\nContact: <sip:a@10.0.0.7>\r\n"
			   "P-Asserted-Identity: <sip:pcscf.ims.example>\r\n"},
		 200},
		{{.src = PEER,
		  .lines = "Event: reg\r\nContact: <sip:a@10.0.0.7>\r\n"
			   "P-Asserted-Identity: <sip:alice@ims.example>\r\n"},
		 200},
		{{.src = PEER,
		  .lines = "Event: reg\r\nContact: <sip:a@10.0.0.7>\r\nP-Asserted-Identity: "
			   "<sip:alice@ims.example>, <sip:bob@ims.example>\r\n"},
		 403},
		{{.src = PEER,
		  .lines = "Event: reg\r\nContact: <sip:a@10.0.0.7>\r\nP-Asserted-Identity: "
			   "<\r\n"},
		 403},
		{{.uri = "tel:+15551234"}, 200}, /* the other identity of the set */
		{{.uri = "sip:bob@ims.example"}, 480},
		{{.uri = "sip:ims.example"}, 480},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		subscribe(table[i].w);
		if (f->status != table[i].status)
			fail_msg("row %zu: %u", i, f->status);
		assert_int_equal(f->n_pending, f->status == 200);
		if (f->n_pending)
			ok();
	}
	assert_int_equal(stats().active, 3);
	assert_int_equal(stats().refused, 7);
}

static void bad_wishes(void **state)
{
	static const struct {
		const char *lines;
		uint16_t status;
		const char *says;
	} table[] = {
		{"Contact: <sip:a@192.0.2.7>\r\n", 489, "Allow-Events: reg\r\n"},
		{"Event: presence\r\nContact: <sip:a@192.0.2.7>\r\n", 489, "Allow-Events: reg"},
		{"Event: reg\r\n", 400, "Warning"},
		{"Event: reg\r\nContact: *\r\n", 400, "Warning"},
		{"Event: reg\r\nContact: <sip:a@192.0.2.7>\r\nExpires: x\r\n", 400, "Expires"},
		{"Event: reg\r\nContact: <sip:a@192.0.2.7>\r\nExpires: 59\r\n", 423,
		 "Min-Expires: 60"},
		{"Event: reg\r\nContact: <sip:a@192.0.2.7>\r\nAccept: application/pidf+xml\r\n",
		 406, "Accept: application/reginfo+xml"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		subscribe((struct wish){.lines = table[i].lines});
		if (f->status != table[i].status || !strstr(f->headers, table[i].says))
			fail_msg("row %zu: %u %s", i, f->status, f->headers);
	}
	assert_int_equal(stats().active, 0);
	assert_int_equal(stats().notified, 0);
}

#define TAG "0000000000000001"

static void within_the_dialog(void **state)
{
	begins();
	subscribe((struct wish){.to_tag = "0000000000000009", .cseq = 2});
	assert_int_equal(f->status, 481);
	subscribe((struct wish){.to_tag = "nonsense", .cseq = 2});
	assert_int_equal(f->status, 481);
	subscribe((struct wish){.to_tag = TAG, .cseq = 2, .call_id = "s2"});
	assert_int_equal(f->status, 481);
	subscribe((struct wish){.to_tag = TAG, .cseq = 2, .from_tag = "g"});
	assert_int_equal(f->status, 481);
	subscribe((struct wish){.to_tag = TAG, .cseq = 1});
	assert_int_equal(f->status, 500);
	subscribe((struct wish){
		.to_tag = TAG, .cseq = 2, .lines = "Event: reg\r\nExpires: 100\r\n"});
	assert_int_equal(f->status, 200);
	assert_non_null(strstr(f->headers, "Expires: 100\r\n"));
	assert_int_equal(nodes("/r:reginfo[@version='1'][@state='full']"), 1);
	ok();
	subscribe((struct wish){
		.to_tag = TAG, .cseq = 3, .lines = "Event: reg\r\nExpires: 0\r\n"});
	assert_int_equal(f->status, 200);
	assert_string_equal(header("Subscription-State"), "terminated;reason=timeout");
	assert_int_equal(nodes("/r:reginfo[@state='full']"), 1);
	ok();
	assert_int_equal(stats().active, 0);
	subscribe((struct wish){.to_tag = TAG, .cseq = 4});
	assert_int_equal(f->status, 481);
}

static void fetched_once(void **state)
{
	subscribe((struct wish){
		.lines = "Event: reg\r\nExpires: 0\r\nContact: <sip:a@192.0.2.7:5062>\r\n"});
	assert_int_equal(f->status, 200);
	assert_string_equal(header("Subscription-State"), "terminated;reason=timeout");
	assert_int_equal(stats().active, 0);
	ok();
}

static void unanswered(void **state)
{
	struct client cl = {.cseq = 5};

	subscribe((struct wish){0});
	fake_respond(f, NULL);
	assert_int_equal(stats().active, 0);
	assert_int_equal(stats().failed, 1);
	fake_clear(f);
	client_register(f, &cl);
	assert_null(strstr(f->trace, "send"));
}

/* Control ends and comes back: the subscriber is told all anew, and may prolong. */
static void outlives_control(void **state)
{
	char error[256], tag[17];
	uint32_t version;

	begins();
	subscribe((struct wish){.to_tag = "0000000000000001",
				.cseq = 2,
				.lines = "Event: reg\r\nExpires: 600\r\n"});
	assert_int_equal(f->status, 200);
	ok();
	fake_clear(f);
	assert_non_null(f->subscription);
	reg_events_close(f->c.reg_events);
	f->c.reg_events = reg_events_open(&f->c, error);
	assert_int_equal(stats().active, 1);
	for (int i = 0; i < 20 && !f->sent[0]; i++)
		ev_run(f->c.loop, EVRUN_ONCE);
	assert_memory_equal(f->sent, "NOTIFY sip:alice@192.0.2.7:5062 SIP/2.0\r\n", 41);
	snprintf(tag, sizeof(tag), "%.16s", strstr(header("From"), "tag=") + 4);
	assert_string_equal(tag, "0000000000000001");
	assert_true(atoi(header("CSeq")) >= 2);
	assert_memory_equal(header("Subscription-State"), "active;expires=59", 17);
	version = (uint32_t)atoi(strstr(f->sent, " version=\"") + 10);
	assert_true(version >= 1);
	assert_int_equal(nodes("/r:reginfo[@state='full']"), 1);
	ok();
	subscribe((struct wish){.to_tag = tag, .cseq = 2, .lines = "Event: reg\r\n"});
	assert_int_equal(f->status, 500);
	subscribe((struct wish){
		.to_tag = tag, .cseq = 3, .lines = "Event: reg\r\nExpires: 0\r\n"});
	assert_int_equal(f->status, 200);
	ok();
	assert_int_equal(stats().active, 0);
	assert_null(f->subscription);
}

/* Of a registration that is no more. */
static void outlived_by_nobody(void **state)
{
	char error[256];

	begins();
	reg_events_close(f->c.reg_events);
	registration_set_free(registrations_take(
		f->c.registrations,
		registrations_by_impu(f->c.registrations, "sip:alice@ims.example")->id));
	f->c.reg_events = reg_events_open(&f->c, error);
	assert_int_equal(stats().active, 0);
	assert_null(f->subscription);
}

static void not_too_many(void **state)
{
	char call_id[16];

	for (int i = 0; i < REG_EVENT_PER_USER; i++) {
		snprintf(call_id, sizeof(call_id), "many%d", i);
		subscribe((struct wish){.call_id = call_id});
		assert_int_equal(f->status, 200);
		ok();
	}
	subscribe((struct wish){.call_id = "one-more"});
	assert_int_equal(f->status, 503);
	assert_non_null(strstr(f->headers, "Retry-After: 60\r\n"));
	assert_int_equal(stats().active, REG_EVENT_PER_USER);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(full_at_first),     T(then_what_changed),
		T(one_at_a_time),     T(over_with_the_registration),
		T(ended_for_good),    T(ended_to_come_back),
		T(shortened),         T(expired),
		T(who_may),           T(bad_wishes),
		T(within_the_dialog), T(fetched_once),
		T(unanswered),        T(not_too_many),
		T(outlives_control),  T(outlived_by_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
