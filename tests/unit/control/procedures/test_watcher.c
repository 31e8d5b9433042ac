/* test_watcher.c - a P-CSCF that subscribes to its users' registrations, and what it is told */
#include "client.h"

#include <ev.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/register.h"
#include "control/reginfo_read.h"

#define SCSCF "10.0.0.3:5060"

static struct fake *f;
static char from_tag[40], call_id[40];

#define RESPONSE(line, cseq, headers)                                                          \
	"SIP/2.0 " line "\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKc1\r\nFrom: "        \
	"<sip:pcscf.ims.example:5060>;tag=f\r\nTo: <sip:alice@ims.example>;tag=t\r\n"          \
	"Call-ID: c1\r\nCSeq: " cseq "\r\n" headers "Content-Length: 0\r\n\r\n"
#define DIALOG                                                                                 \
	"Contact: <sip:reg@10.0.0.3:5060>\r\n"                                                 \
	"Record-Route: <sip:10.0.0.8;lr>, <sip:10.0.0.9;lr>\r\n"

static void turn(void)
{
	for (int i = 0; i < 5 && !f->sent[0]; i++) {
		usleep(1000);
		ev_run(f->c.loop, EVRUN_NOWAIT);
	}
}

static void copy_value(const char *begin, char end, char *out, size_t size)
{
	const char *at = strstr(f->sent, begin);

	assert_non_null(at);
	at += strlen(begin);
	snprintf(out, size, "%.*s", (int)strcspn(at, (char[]){end, 0}), at);
}

/* One contact is registered, and the SUBSCRIBE is out. */
static void registered(void)
{
	struct client cl = {0};

	client_send(f, &cl, "");
	fake_clear(f);
	fake_respond(f, RESPONSE("200 OK", "1 REGISTER",
				 "Contact: <sip:alice@192.0.2.7:5062>;expires=600\r\n"
				 "Service-Route: <sip:orig@other.ims.example:5060;lr>\r\n"
				 "P-Associated-URI: <sip:default@ims.example>, "
				 "<sip:alice@ims.example>\r\n"));
	assert_int_equal(f->status, 200);
	fake_clear(f);
	turn();
}

static struct registration_set *set(void)
{
	return registrations_by_impu(f->c.registrations, "sip:alice@ims.example");
}

static struct watchers_stats stats(void)
{
	struct watchers_stats s;

	watchers_stats(f->c.watchers, &s);
	return s;
}

static int setup(void **state)
{
	f = fake_new(CONF_PCSCF);
	f->conf.pcscf.reg_event = true;
	registered();
	assert_memory_equal(f->sent, "SUBSCRIBE ", 10);
	copy_value("\r\nFrom: <sip:pcscf.ims.example:5060>;tag=", '\r', from_tag,
		   sizeof(from_tag));
	copy_value("\r\nCall-ID: ", '\r', call_id, sizeof(call_id));
	return 0;
}

static int teardown(void **state)
{
	fake_free(f);
	return 0;
}

static void accepted(void)
{
	fake_respond(f, RESPONSE("200 OK", "1 SUBSCRIBE", DIALOG "Expires: 600000\r\n"));
	fake_clear(f);
}

struct telling {
	const char *state, *body, *src, *tag, *lines;
	uint32_t cseq;
};

static uint16_t notify(struct telling n)
{
	const char *body = n.body ? n.body : "";
	char message[8192];

	snprintf(message, sizeof(message),
		 "NOTIFY sip:reg@10.0.0.1:5060 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 10.0.0.3:5060;branch=z9hG4bK%u\r\n"
		 "From: <sip:default@ims.example>;tag=t\r\n"
		 "To: <sip:pcscf.ims.example:5060>;tag=%s\r\nCall-ID: %s\r\nCSeq: %u NOTIFY\r\n"
		 "Event: reg\r\nSubscription-State: %s\r\n%sContent-Length: %zu\r\n\r\n%s",
		 n.cseq, n.tag ? n.tag : from_tag, call_id, n.cseq,
		 n.state ? n.state : "active;expires=600000", n.lines ? n.lines : "",
		 strlen(body), body);
	fake_clear(f);
	fake_register(f, n.src ? n.src : SCSCF, message);
	return f->status;
}

#define DOCUMENT(version, state, contacts)                                                     \
	"<?xml version=\"1.0\"?><reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" "            \
	"version=\"" version "\" state=\"" state                                               \
	"\"><registration aor=\"sip:alice@ims.example\" "                                      \
	"id=\"a\" state=\"active\">" contacts "</registration></reginfo>"
#define CONTACT(state, event, more, uri)                                                       \
	"<contact id=\"c\" state=\"" state "\" event=\"" event "\"" more "><uri>" uri          \
	"</uri></contact>"
#define PHONE "sip:alice@192.0.2.7:5062"

static bool is_over(void)
{
	return set()->contact[0].expires_wall_ms <= clock_wall_ms();
}

static void subscribes(void **state)
{
	char line[200];

	assert_string_equal(f->trace, "send 10.0.0.2:5060\n");
	assert_memory_equal(f->sent, "SUBSCRIBE sip:default@ims.example SIP/2.0\r\n", 43);
	assert_non_null(strstr(f->sent, "\r\nTo: <sip:default@ims.example>\r\n"));
	assert_non_null(strstr(f->sent, "\r\nContact: <sip:reg@10.0.0.1:5060>\r\n"));
	assert_non_null(strstr(f->sent, "\r\nEvent: reg\r\nAccept: application/reginfo+xml\r\n"
					"Expires: 600000\r\n"));
	assert_non_null(
		strstr(f->sent, "\r\nP-Asserted-Identity: <sip:pcscf.ims.example:5060>\r\n"));
	assert_non_null(strstr(f->sent, "\r\nP-Charging-Vector: icid-value="));
	assert_int_equal(strlen(from_tag), 32);
	/* Another REGISTER begins no second one. */
	accepted();
	assert_int_equal(stats().active, 1);
	registered();
	assert_string_equal(f->sent, "");
	/* What is missed is asked for again, within the dialog. */
	assert_int_equal(notify((struct telling){
				 .cseq = 1,
				 .body = DOCUMENT("0", "full",
						  CONTACT("active", "registered", "", PHONE))}),
			 200);
	assert_int_equal(
		notify((struct telling){.cseq = 2, .body = DOCUMENT("2", "partial", "")}), 200);
	fake_clear(f);
	turn();
	assert_memory_equal(f->sent, "SUBSCRIBE sip:reg@10.0.0.3:5060 SIP/2.0\r\n", 41);
	assert_non_null(strstr(f->sent, "\r\nRoute: <sip:10.0.0.9;lr>\r\nRoute: "
					"<sip:10.0.0.8;lr>\r\n"));
	assert_non_null(strstr(f->sent, "\r\nTo: <sip:default@ims.example>;tag=t\r\n"));
	assert_non_null(strstr(f->sent, "\r\nCSeq: 2 SUBSCRIBE\r\n"));
	snprintf(line, sizeof(line), ";tag=%s\r\n", from_tag);
	assert_non_null(strstr(f->sent, line));
	assert_false(is_over());
}

static void told_of_the_end(void **state)
{
	accepted();
	assert_int_equal(
		notify((struct telling){.cseq = 1,
					.body = DOCUMENT("0", "full",
							 CONTACT("active", "registered",
								 " expires=\"600\"", PHONE))}),
		200);
	assert_false(is_over());
	/* An old document, and one of another's contact. */
	assert_int_equal(
		notify((struct telling){
			.cseq = 2,
			.body = DOCUMENT("0", "partial",
					 CONTACT("terminated", "rejected", "", PHONE))}),
		200);
	assert_int_equal(
		notify((struct telling){.cseq = 3,
					.body = DOCUMENT("1", "partial",
							 CONTACT("terminated", "rejected", "",
								 "sip:alice@192.0.2.8"))}),
		200);
	assert_false(is_over());
	assert_int_equal(stats().ended, 0);
	assert_int_equal(
		notify((struct telling){.cseq = 4,
					.body = DOCUMENT("2", "partial",
							 CONTACT("active", "shortened",
								 " expires=\"60\"", PHONE))}),
		200);
	assert_false(is_over());
	assert_in_range(set()->contact[0].expires_wall_ms, clock_wall_ms() + 50000,
			clock_wall_ms() + 60000);
	assert_int_equal(
		notify((struct telling){.cseq = 5,
					.body = DOCUMENT("3", "partial",
							 CONTACT("terminated", "rejected", "",
								 "\n " PHONE " \n"))}),
		200);
	assert_true(is_over());
	assert_int_equal(stats().ended, 2);
}

/* It need not be named: a full document has all, once we have asked for it. */
static void not_in_a_full_document(void **state)
{
	accepted();
	set()->contact[0].registered_wall_ms = clock_wall_ms() + 1000;
	assert_int_equal(notify((struct telling){.cseq = 1, .body = DOCUMENT("0", "full", "")}),
			 200);
	assert_false(is_over());
	set()->contact[0].registered_wall_ms = clock_wall_ms() - 1000;
	assert_int_equal(notify((struct telling){.cseq = 2, .body = DOCUMENT("1", "full", "")}),
			 200);
	assert_true(is_over());
}

static void ends_with_the_user(void **state)
{
	accepted();
	assert_int_equal(
		notify((struct telling){.cseq = 1, .state = "terminated;reason=noresource"}),
		200);
	assert_true(is_over());
	assert_int_equal(stats().active, 0);
	assert_int_equal(notify((struct telling){.cseq = 2}), 481);
}

/* The notifier has forgotten it, and the user is there still. */
static void begins_anew(void **state)
{
	char before[40];

	accepted();
	strcpy(before, from_tag);
	assert_int_equal(
		notify((struct telling){.cseq = 1, .state = "terminated;reason=deactivated"}),
		200);
	assert_false(is_over());
	fake_clear(f);
	turn();
	assert_memory_equal(f->sent, "SUBSCRIBE sip:default@ims.example SIP/2.0\r\n", 43);
	copy_value("\r\nFrom: <sip:pcscf.ims.example:5060>;tag=", '\r', from_tag,
		   sizeof(from_tag));
	assert_string_not_equal(before, from_tag);
	accepted();
	assert_int_equal(notify((struct telling){.cseq = 1, .tag = before}), 481);
}

/* A NOTIFY may come before the 200 OK that made its dialog (RFC 6665 §4.4.1). */
static void overtaken(void **state)
{
	assert_int_equal(notify((struct telling){
				 .cseq = 7,
				 .lines = DIALOG,
				 .body = DOCUMENT("0", "full",
						  CONTACT("active", "registered", "", PHONE))}),
			 200);
	accepted();
	assert_int_equal(stats().active, 1);
	assert_int_equal(notify((struct telling){.cseq = 7}), 500);
	assert_int_equal(notify((struct telling){.cseq = 8}), 200);
}

static void of_nobody(void **state)
{
	static const char *const tags[] = {"x", "00000000000000000000000000000000",
					   "0000000000000000000000000000000000"};

	accepted();
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		assert_int_equal(notify((struct telling){.cseq = 1, .tag = tags[i]}), 481);
	/* A terminal cannot say it, nor can it under its own associations. */
	assert_int_equal(notify((struct telling){.cseq = 1,
						 .src = UE,
						 .state = "terminated;reason=noresource"}),
			 481);
	f->under = 77;
	assert_int_equal(
		notify((struct telling){.cseq = 1, .state = "terminated;reason=noresource"}),
		481);
	f->under = 0;
	call_id[0] ^= 1;
	assert_int_equal(notify((struct telling){.cseq = 1}), 481);
	call_id[0] ^= 1;
	assert_false(is_over());
	assert_int_equal(notify((struct telling){.cseq = 1}), 200);
}

static void malformed_documents(void **state)
{
	static const char *const wrong[] = {
		"x",
		"<reginfo/>",
		"<a version=\"0\" state=\"full\"/>",
		"<reginfo version=\"-1\" state=\"full\"/>",
		"<reginfo version=\"0\" state=\"some\"/>",
		"<!DOCTYPE r [<!ENTITY e \"x\">]><reginfo version=\"0\" state=\"full\"/>",
		"<reginfo version=\"0\" state=\"full\">",
		"<reginfo version=\"0\" state=\"full\"/><b/>",
		"<reginfo version=\"0\" "
		"state=\"full\"><a><a><a><a><a><a><a><a><a><a><a><a><a><a>"
		"<a><a><a/></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></"
		"reginfo>",
		"\xef\xbb\xbf<reginfo version=\"0\" state=\"full\">\xff</reginfo>",
	};

	accepted();
	for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(notify((struct telling){.cseq = 1 + i, .body = wrong[i]}),
				 400);
	assert_false(is_over());
}

static void count_each(void *ctx, const struct reginfo_contact *k)
{
	uint32_t *n = ctx;

	assert_true(strlen(k->uri) <= SIP_URI_MAX);
	++*n;
}

/* Cut anywhere, and with a URI of any length. */
static void read_bounds(void **state)
{
	static const char whole[] = DOCUMENT(
		"4294967295", "full",
		CONTACT("active", "registered", " expires=\"4294967295\"", "sip:a&amp;b@c"));
	struct reginfo_head head;
	uint32_t n = 0;

	for (uint32_t len = 0; len < sizeof(whole) - 1; len++) {
		uint8_t *exact = memcpy(malloc(len + 1), whole, len);

		exact = realloc(exact, len ? len : 1);
		assert_false(reginfo_read(slice_of(exact, len), &head, count_each, &n));
		free(exact);
	}
	n = 0;
	assert_true(reginfo_read(slice_str(whole), &head, count_each, &n));
	assert_int_equal(n, 1);
	assert_int_equal(head.version, UINT32_MAX);
	for (uint32_t len = SIP_URI_MAX - 1; len <= SIP_URI_MAX + 2; len++) {
		char uri[SIP_URI_MAX + 8] = "sip:", text[4096];

		memset(uri + 4, 'a', len - 4);
		uri[len] = 0;
		snprintf(text, sizeof(text),
			 DOCUMENT("1", "partial", CONTACT("active", "x", "", "%s")), uri);
		n = 0;
		assert_true(reginfo_read(slice_str(text), &head, count_each, &n));
		assert_int_equal(n, len <= SIP_URI_MAX);
	}
}

static void refused(void **state)
{
	/* For now: it tries again. For good: the next REGISTER does. */
	fake_respond(f, RESPONSE("503 Service Unavailable", "1 SUBSCRIBE", ""));
	fake_clear(f);
	registered();
	assert_string_equal(f->sent, "");
	assert_int_equal(stats().failed, 1);
	assert_int_equal(stats().active, 0);
}

static void refused_for_good(void **state)
{
	fake_respond(f, RESPONSE("403 Forbidden", "1 SUBSCRIBE", ""));
	fake_clear(f);
	registered();
	assert_memory_equal(f->sent, "SUBSCRIBE ", 10);
	assert_int_equal(stats().subscribed, 2);
	/* Out of the way of the fake's end. */
	accepted();
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(subscribes),
		TEST(told_of_the_end),
		TEST(not_in_a_full_document),
		TEST(ends_with_the_user),
		TEST(begins_anew),
		TEST(overtaken),
		TEST(of_nobody),
		TEST(malformed_documents),
		TEST(read_bounds),
		TEST(refused),
		TEST(refused_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
