/* test_third_party.c - what Application Servers hear of a registration, and until when */
#include "client.h"

#include <ev.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/owed.h"
#include "control/record.h"
#include "control/servers.h"
#include "control/services.h"
#include "control/third_message.h"
#include "control/third_party.h"
#include "ifc/ifc.h"

#define AS    "sip:10.0.0.9:5070"
#define OTHER "sip:192.0.2.33:5080"

#define METHOD(types) "<Method>REGISTER</Method>" types
#define TYPES(types)  "<Extension>" types "</Extension>"
#define TYPE(n)       "<RegistrationType>" n "</RegistrationType>"
#define CRITERION(priority, trigger, server, rest)                                             \
	"<InitialFilterCriteria><Priority>" priority "</Priority><TriggerPoint>"               \
	"<ConditionTypeCNF>1</ConditionTypeCNF><SPT><Group>0</Group>" trigger "</SPT>"         \
	"</TriggerPoint><ApplicationServer><ServerName>" server "</ServerName>" rest           \
	"</ApplicationServer></InitialFilterCriteria>"
#define PROFILE(criteria)                                                                      \
	FAKE_PROFILE(FAKE_IDENTITY("sip:alice@ims.example") FAKE_IDENTITY("tel:+15551234")     \
			     criteria)
#define ALL        METHOD(TYPES(TYPE("0") TYPE("1") TYPE("2")))
#define TERMINATED "<DefaultHandling>1</DefaultHandling>"

/* Allocations that are left before one fails; negative: none does. */
static int left = -1;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);

static bool runs_out(void)
{
	return left >= 0 && left-- == 0;
}

void *__wrap_malloc(size_t n)
{
	return runs_out() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return runs_out() ? NULL : __real_calloc(n, size);
}

static struct fake *f;

static void begin(void)
{
	char error[256];

	f->c.servers = servers_open(&f->c);
	f->c.owed = owed_open(&f->c, error);
	assert_non_null(f->c.owed);
}

static void end(void)
{
	owed_close(f->c.owed);
	servers_close(f->c.servers);
	f->c.owed = NULL;
	f->c.servers = NULL;
}

static int setup(void **state)
{
	char error[256];

	f = fake_new(CONF_PCSCF | CONF_ICSCF | CONF_SCSCF);
	log_set_level(LOG_ERROR + 1);
	f->c.services = services_open("", error);
	assert_non_null(f->c.services);
	f->saa.user_data = SLICE(PROFILE(CRITERION("1", ALL, AS, "")));
	begin();
	return 0;
}

static int teardown(void **state)
{
	left = -1;
	end();
	services_close(f->c.services);
	fake_free(f);
	return 0;
}

static struct owed_stats stats(void)
{
	struct owed_stats s;

	owed_stats(f->c.owed, &s);
	return s;
}

/* What is due at once; a kick is due in the next turn. */
static void turn(void)
{
	ev_run(f->c.loop, EVRUN_NOWAIT);
	ev_run(f->c.loop, EVRUN_NOWAIT);
}

static void wait_ms(uint64_t ms)
{
	uint64_t until = clock_ms() + ms;

	while (clock_ms() < until)
		ev_run(f->c.loop, EVRUN_ONCE);
}

static void respond(uint16_t status)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "SIP/2.0 %u X\r\nVia: SIP/2.0/UDP 10.0.0.1\r\nFrom: <sip:a@b>;tag=1\r\n"
		 "To: <sip:a@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n\r\n",
		 status);
	fake_respond(f, text);
}

static const char *header(const char *name)
{
	static char value[1024];
	char begin_of[64];
	const char *at;

	snprintf(begin_of, sizeof(begin_of), "\r\n%s: ", name);
	at = strstr(f->sent, begin_of);
	value[0] = 0;
	if (at)
		snprintf(value, sizeof(value), "%.*s",
			 (int)strcspn(at + strlen(begin_of), "\r"), at + strlen(begin_of));
	return value;
}

static struct client cl;

static void registers(void)
{
	cl = (struct client){0};
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
}

static void registers_again(const char *contact)
{
	cl.contact = contact;
	client_register(f, &cl);
}

/* ---- texts ---- */

static struct text whole_type, whole_body;
static uint8_t type_memory[256], body_memory[4096];

static const char *body(struct third_body b)
{
	whole_type = text_in(type_memory, sizeof(type_memory));
	whole_body = text_in(body_memory, sizeof(body_memory));
	assert_true(third_body_put(&b, &whole_type, &whole_body));
	return text_cstr(&whole_body);
}

static void test_no_body(void **state)
{
	assert_string_equal(body((struct third_body){.boundary = 1}), "");
	assert_string_equal(text_cstr(&whole_type), "");
}

static void test_service_info(void **state)
{
	assert_string_equal(
		body((struct third_body){.service = SLICE("<a b=\"1\">x&y\x01</a>")}),
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		"<ims-3gpp version=\"1\"><service-info>&lt;a b=\"1\"&gt;x&amp;y&lt;/a&gt;"
		"</service-info></ims-3gpp>");
	assert_string_equal(text_cstr(&whole_type), "application/3gpp-ims+xml");
}

static void test_one_message(void **state)
{
	assert_string_equal(body((struct third_body){.request = SLICE("REGISTER a\r\n\r\n")}),
			    "REGISTER a\r\n\r\n");
	assert_string_equal(text_cstr(&whole_type), "message/sip");
	assert_string_equal(body((struct third_body){.response = SLICE("SIP/2.0 200\r\n\r\n")}),
			    "SIP/2.0 200\r\n\r\n");
	assert_string_equal(text_cstr(&whole_type), "message/sip");
}

static void test_all_parts(void **state)
{
	struct third_body b = {.service = SLICE("s"),
			       .request = SLICE("REGISTER a SIP/2.0\r\n\r\n"),
			       .response = SLICE("SIP/2.0 200 OK\r\n\r\n"),
			       .boundary = 0x0123456789abcdef};

	assert_string_equal(
		body(b), "--saker-0123456789abcdef\r\n"
			 "Content-Type: application/3gpp-ims+xml\r\n\r\n"
			 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
			 "<ims-3gpp version=\"1\"><service-info>s</service-info></ims-3gpp>\r\n"
			 "--saker-0123456789abcdef\r\nContent-Type: message/sip\r\n\r\n"
			 "REGISTER a SIP/2.0\r\n\r\n\r\n"
			 "--saker-0123456789abcdef\r\nContent-Type: message/sip\r\n\r\n"
			 "SIP/2.0 200 OK\r\n\r\n\r\n"
			 "--saker-0123456789abcdef--\r\n");
	assert_string_equal(text_cstr(&whole_type),
			    "multipart/mixed;boundary=\"saker-0123456789abcdef\"");
}

static void test_a_body_that_does_not_fit(void **state)
{
	struct third_body b = {.service = SLICE("12345678")};
	uint8_t memory[16], names[64];
	struct text t = text_in(names, sizeof(names)), small = text_in(memory, sizeof(memory));

	assert_false(third_body_put(&b, &t, &small));
}

static void test_message(void **state)
{
	struct third_message m = {.server = SLICE("sip:as.example;lr"),
				  .scscf = SLICE("sip:scscf.ims.example:5060"),
				  .to = SLICE("sip:alice@ims.example"),
				  .key = 0xa,
				  .serial = 0xb,
				  .cseq = 7,
				  .expires = 600,
				  .headers = SLICE("P-Visited-Network-ID: \"v\"\r\n"),
				  .type = SLICE("message/sip"),
				  .body = SLICE("x")};
	uint8_t memory[2048];
	struct text t = text_in(memory, sizeof(memory));

	assert_true(third_message_put(&m, &t));
	assert_string_equal(text_cstr(&t),
			    "REGISTER sip:as.example;lr SIP/2.0\r\nMax-Forwards: 70\r\n"
			    "From: <sip:scscf.ims.example:5060>;tag=000000000000000b\r\n"
			    "To: <sip:alice@ims.example>\r\n"
			    "Call-ID: 000000000000000a000000000000000b\r\nCSeq: 7 REGISTER\r\n"
			    "Contact: <sip:scscf.ims.example:5060>\r\nExpires: 600\r\n"
			    "P-Visited-Network-ID: \"v\"\r\nContent-Type: message/sip\r\n"
			    "Content-Length: 1\r\n\r\nx");
}

/* ---- when ---- */

static void test_registration_is_told(void **state)
{
	const char *put, *ok, *sent;

	registers();
	turn();
	put = strstr(f->trace, "owed put\n");
	ok = strstr(f->trace, "200 OK\n");
	sent = strstr(f->trace, "send 10.0.0.9:5070");
	assert_true(put && ok && sent && put < ok && ok < sent);
	assert_memory_equal(f->sent, "REGISTER " AS " SIP/2.0\r\n", 36);
	assert_string_equal(header("To"), "<sip:alice@ims.example>");
	assert_string_equal(header("Expires"), "3600");
	assert_string_equal(header("Contact"), "<sip:scscf.ims.example:5060>");
	assert_string_equal(header("P-Visited-Network-ID"), "\"ims.example\"");
	assert_non_null(strstr(header("P-Charging-Vector"), "icid-value="));
	assert_string_equal(header("Content-Length"), "0");
	assert_int_equal(fake_owed(f), 1);
	respond(200);
	assert_int_equal(fake_owed(f), 0);
	assert_int_equal(stats().owed, 0);
	assert_int_equal(stats().answered, 1);
}

static void test_who_is_not_trusted_learns_less(void **state)
{
	f->saa.user_data = SLICE(PROFILE(CRITERION("1", ALL, OTHER, "")));
	registers();
	turn();
	assert_string_equal(header("To"), "<sip:alice@ims.example>");
	assert_string_equal(header("P-Charging-Vector"), "");
	assert_string_equal(header("P-Visited-Network-ID"), "");
	respond(200);
}

static void test_nobody_asks(void **state)
{
	f->saa.user_data = SLICE(PROFILE(CRITERION("1", "<Method>INVITE</Method>", AS, "")));
	registers();
	turn();
	assert_null(strstr(f->trace, "owed put"));
	assert_null(strstr(f->trace, "send "));
}

static void test_bodies_as_configured(void **state)
{
	f->saa.user_data = SLICE(PROFILE(CRITERION("1", ALL, AS,
						   "<ServiceInfo>hello</ServiceInfo>"
						   "<Extension><IncludeRegisterRequest/>"
						   "<IncludeRegisterResponse/></Extension>")));
	registers();
	turn();
	assert_non_null(strstr(header("Content-Type"), "multipart/mixed;boundary="));
	assert_non_null(strstr(f->sent, "<service-info>hello</service-info>"));
	assert_non_null(strstr(f->sent, "REGISTER sip:ims.example SIP/2.0\r\nVia: SIP/2.0/UDP "
					"192.0.2.7:5062;branch=z9hG4bK2"));
	assert_non_null(strstr(f->sent, "SIP/2.0 200 OK\r\nVia: "));
	assert_non_null(strstr(strstr(f->sent, "SIP/2.0 200 OK\r\nVia: "),
			       "Content-Length: 0\r\n\r\n\r\n--saker-"));
	assert_non_null(strstr(f->sent, "Service-Route: <sip:orig@scscf.ims.example:5060;lr>"));
	respond(200);
}

static void test_only_kinds_that_are_asked_for(void **state)
{
	f->saa.user_data = SLICE(PROFILE(CRITERION("1", METHOD(TYPES(TYPE("1"))), AS, "")));
	registers();
	turn();
	assert_null(strstr(f->trace, "send "));
	registers_again(NULL);
	assert_int_equal(f->status, 200);
	turn();
	assert_non_null(strstr(f->trace, "send "));
	assert_string_equal(header("Expires"), "3600");
	respond(200);
}

static void test_end_by_the_user(void **state)
{
	registers();
	turn();
	respond(200);
	fake_clear(f);
	registers_again("Contact: *\r\nExpires: 0\r\n");
	assert_int_equal(f->status, 200);
	turn();
	assert_string_equal(header("Expires"), "0");
	assert_string_equal(header("To"), "<sip:alice@ims.example>");
	respond(200);
	assert_int_equal(fake_owed(f), 0);
}

static void test_end_by_the_network(void **state)
{
	struct slice impu = SLICE("sip:alice@ims.example");

	registers();
	turn();
	respond(200);
	fake_clear(f);
	assert_int_equal(registrar_deregister(f->c.registrar, SLICE_EMPTY, &impu, 1,
					      CX_REASON_PERMANENT_TERMINATION),
			 1);
	assert_int_equal(fake_owed(f), 1);
	turn();
	assert_string_equal(header("Expires"), "0");
	assert_string_equal(header("Content-Length"), "0");
	for (uint32_t i = 0; i < f->n_pending; i++)
		if (f->pending[i].kind != PENDING_SEND)
			f->pending[i--] = f->pending[--f->n_pending];
	respond(200);
	assert_int_equal(fake_owed(f), 0);
}

static void test_end_by_time(void **state)
{
	struct registration_set *s;

	registers();
	turn();
	respond(200);
	fake_clear(f);
	s = registrations_by_impu(f->c.registrations, "sip:alice@ims.example");
	s->contact[0].expires_wall_ms = 1;
	registrar_expire(f->c.registrar, s);
	assert_int_equal(fake_owed(f), 1);
	turn();
	assert_string_equal(header("Expires"), "0");
	respond(200);
	assert_int_equal(fake_owed(f), 0);
}

/* The latest state takes the place of an older one that was not told. */
static void test_end_before_the_beginning_was_heard(void **state)
{
	registers();
	turn();
	assert_int_equal(stats().under_way, 1);
	registers_again("Contact: *\r\nExpires: 0\r\n");
	assert_int_equal(fake_owed(f), 1);
	turn();
	assert_int_equal(stats().sent, 1);
	respond(200); /* to the first */
	turn();
	assert_int_equal(stats().sent, 2);
	assert_string_equal(header("Expires"), "0");
	respond(200);
	assert_int_equal(stats().owed, 0);
	assert_int_equal(fake_owed(f), 0);
}

/* Nobody asks to hear of the end: then the beginning is of no use any more. */
static void test_over_before_it_was_heard(void **state)
{
	f->saa.user_data = SLICE(PROFILE(CRITERION("1", METHOD(TYPES(TYPE("0"))), AS, "")));
	registers();
	registers_again("Contact: *\r\nExpires: 0\r\n");
	turn();
	assert_int_equal(stats().sent, 0);
	assert_int_equal(fake_owed(f), 0);
	assert_int_equal(stats().owed, 0);
}

static void test_not_stored_is_not_told(void **state)
{
	f->disk_full = true;
	cl = (struct client){0};
	client_register(f, &cl);
	assert_int_equal(f->status, 500);
	turn();
	assert_null(strstr(f->trace, "send "));
	assert_int_equal(fake_owed(f), 0);
	assert_int_equal(stats().owed, 0);
}

/* The data plane refuses a refresh: what was owed before is again. */
static void test_refused_leaves_what_was_owed(void **state)
{
	char before[64];

	registers();
	turn();
	snprintf(before, sizeof(before), "%s", header("Call-ID"));
	respond(500);
	f->install_status = 2;
	registers_again(NULL);
	assert_int_equal(f->status, 503);
	assert_int_equal(fake_owed(f), 1);
	end();
	begin();
	wait_ms(OWED_RESTORED_MS + 300);
	assert_string_equal(header("Call-ID"), before);
	respond(200);
	assert_int_equal(fake_owed(f), 0);
}

/* ---- until it is heard ---- */

static void test_restart_repeats_what_was_not_answered(void **state)
{
	char call_id[64];
	uint32_t cseq;

	registers();
	turn();
	snprintf(call_id, sizeof(call_id), "%s", header("Call-ID"));
	cseq = (uint32_t)atoi(header("CSeq"));
	f->n_pending = 0;
	end();
	fake_clear(f);
	begin();
	turn();
	assert_null(strstr(f->trace, "send "));
	wait_ms(OWED_RESTORED_MS + 300);
	assert_string_equal(header("Call-ID"), call_id);
	assert_true((uint32_t)atoi(header("CSeq")) > cseq);
	respond(200);
	assert_int_equal(fake_owed(f), 0);
	end();
	fake_clear(f);
	begin();
	wait_ms(OWED_RESTORED_MS + 300);
	assert_null(strstr(f->trace, "send "));
}

/* Its text found no room in memory: it is on disk. */
static void test_text_from_disk(void **state)
{
	registers();
	turn();
	f->n_pending = 0;
	end();
	fake_clear(f);
	left = 6; /* servers, owed, table, server, line, entry */
	begin();
	left = -1;
	assert_int_equal(stats().owed, 1);
	assert_int_equal(stats().texts, 0);
	wait_ms(OWED_RESTORED_MS + 300);
	assert_string_equal(header("To"), "<sip:alice@ims.example>");
	respond(200);
	assert_int_equal(fake_owed(f), 0);
}

static void test_silence_is_tried_again(void **state)
{
	registers();
	turn();
	respond(503);
	turn();
	assert_int_equal(stats().failed, 1);
	assert_int_equal(stats().sent, 1);
	assert_int_equal(fake_owed(f), 1);
	wait_ms(OWED_RETRY_MS + 300);
	assert_int_equal(stats().sent, 2);
	respond(200);
	assert_int_equal(fake_owed(f), 0);
}

static void test_a_refusal_is_an_answer(void **state)
{
	registers();
	turn();
	respond(403);
	assert_int_equal(stats().refused, 1);
	assert_int_equal(fake_owed(f), 0);
}

static void test_terminated_ends_the_registration(void **state)
{
	f->saa.user_data =
		SLICE(PROFILE(CRITERION("1", METHOD(TYPES(TYPE("0"))), AS, TERMINATED)
				      CRITERION("2", METHOD(TYPES(TYPE("2"))), OTHER, "")));
	registers();
	turn();
	fake_clear(f);
	respond(500);
	assert_int_equal(stats().deregistered, 1);
	assert_non_null(strstr(f->trace, "SAR ADMINISTRATIVE_DEREGISTRATION"));
	assert_null(registrations_by_impu(f->c.registrations, "sip:alice@ims.example"));
	turn();
	assert_non_null(strstr(f->trace, "send 192.0.2.33:5080"));
	assert_string_equal(header("Expires"), "0");
	assert_int_equal(fake_owed(f), 1);
}

/* Two profiles, and a server in both: it hears of each. */
static void test_each_profile_once(void **state)
{
	f->saa.user_data = SLICE(
		"<IMSSubscription><PrivateID>alice@ims.example</"
		"PrivateID><ServiceProfile>" FAKE_IDENTITY("sip:alice@ims.example")
			FAKE_IDENTITY("tel:+15551234") CRITERION("1", ALL, AS, "") CRITERION(
				"2", ALL, AS,
				"") "</ServiceProfile><ServiceProfile>" FAKE_BARRED("sip:a1@"
										    "ims."
										    "example")
				FAKE_IDENTITY("sip:a2@ims.example")
					FAKE_IDENTITY("sip:a3@ims.example") CRITERION(
						"3", ALL, AS,
						"") "</ServiceProfile></IMSSubscription>");
	registers();
	turn();
	assert_int_equal(stats().owed, 2);
	assert_int_equal(stats().sent, 2);
	assert_non_null(strstr(f->sent_before, "To: <sip:alice@ims.example>"));
	assert_non_null(strstr(f->sent, "To: <sip:a2@ims.example>"));
	f->n_pending = 0;
}

static void owe(uint32_t from, uint32_t to)
{
	struct record_owed like = {.set_id = 1,
				   .expires_wall_ms = clock_wall_ms() + 60000,
				   .kind = IFC_REGISTER_END,
				   .impu = SLICE("sip:a@b"),
				   .to = SLICE("sip:a@b"),
				   .server = SLICE(AS)};

	for (uint32_t i = from; i <= to; i++) {
		like.key = like.serial = i;
		owed_take(f->c.owed, owed_stage(f->c.owed, &like));
	}
	turn();
}

/* The answer to the request that was sent first. */
static void respond_first(uint16_t status)
{
	struct fake_pending rest[FAKE_PENDING];
	uint32_t n = f->n_pending - 1;

	memcpy(rest, f->pending + 1, n * sizeof(rest[0]));
	f->n_pending = 1;
	respond(status);
	assert_int_equal(f->n_pending, 0);
	memcpy(f->pending, rest, n * sizeof(rest[0]));
	f->n_pending = n;
}

/* A server hears so much at a time, and all of it in the end. */
static void test_so_many_at_a_time(void **state)
{
	owe(1, 100);
	assert_int_equal(stats().sent, OWED_AT_ONCE);
	for (uint32_t i = 0; i < 10; i++)
		respond_first(200);
	turn();
	assert_int_equal(stats().sent, OWED_AT_ONCE + 10);
	assert_int_equal(stats().owed, 90);
	while (f->n_pending) {
		respond_first(200);
		turn();
	}
	assert_int_equal(stats().sent, 100);
	assert_int_equal(stats().owed, 0);
	assert_int_equal(stats().texts, 0);
	assert_int_equal(fake_owed(f), 0);
}

/* Who waits because the server failed does not wait longer once it is back. */
static void test_back_again(void **state)
{
	owe(1, 60);
	for (uint32_t i = 0; i < 59; i++)
		respond_first(500);
	turn();
	assert_int_equal(stats().sent, 60);
	respond_first(200);
	turn();
	assert_int_equal(stats().sent, 119);
	while (f->n_pending)
		respond_first(200);
	assert_int_equal(stats().owed, 0);
}

/* The end of a registration is not tried for ever. Each other entry that is answered brings it
 * back from its wait. */
static void test_given_up(void **state)
{
	const struct server *server = servers_hold(f->c.servers, SLICE(AS));

	owe(1, 1);
	assert_int_equal(owed_to(f->c.owed, server), 1);
	for (uint32_t i = 1; i < OWED_END_TRIES; i++) {
		respond_first(500);
		assert_int_equal(owed_to(f->c.owed, server), 1);
		owe(1 + i, 1 + i);
		respond_first(200);
		turn();
	}
	assert_int_equal(stats().given_up, 0);
	respond_first(500);
	assert_int_equal(stats().given_up, 1);
	assert_int_equal(owed_to(f->c.owed, server), 0);
	assert_int_equal(fake_owed(f), 0);
}

/* What an HSS says cannot begin a line of its own. */
static void test_no_line_of_its_own(void **state)
{
	f->saa.user_data =
		SLICE(PROFILE(CRITERION("1", ALL, AS ";x=1&#13;&#10;Evil: 1", "") CRITERION(
			"2", ALL, OTHER, "<ServiceInfo>a&#13;&#10;Evil: 2</ServiceInfo>")));
	registers();
	turn();
	assert_null(strstr(f->trace, "send 10.0.0.9"));
	assert_non_null(strstr(f->trace, "send 192.0.2.33:5080"));
	assert_null(strstr(f->sent, "Evil: 1"));
	assert_true(strstr(f->sent, "Evil: 2") > strstr(f->sent, "\r\n\r\n"));
	respond(200);
}

/* However the memory runs out: no crash, nothing leaks, and what is owed in memory is on disk.
 */
static void test_no_memory_anywhere(void **state)
{
	struct record_owed like = {.set_id = 1,
				   .expires_wall_ms = clock_wall_ms() + 60000,
				   .kind = IFC_REGISTER_END,
				   .impu = SLICE("sip:a@b"),
				   .to = SLICE("sip:a@b"),
				   .server = SLICE(AS)};

	for (int n = 0; n < 12; n++) {
		struct owed_state *s;

		like.key = like.serial = (uint64_t)n + 1;
		left = n;
		s = owed_stage(f->c.owed, &like);
		if (s && n % 3 == 2)
			owed_forget(f->c.owed, s);
		else if (s)
			owed_take(f->c.owed, s);
		left = -1;
		assert_int_equal(stats().owed, fake_owed(f));
	}
	assert_true(stats().lost > 0);
	assert_true(stats().owed > 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_body),
		cmocka_unit_test(test_service_info),
		cmocka_unit_test(test_one_message),
		cmocka_unit_test(test_all_parts),
		cmocka_unit_test(test_a_body_that_does_not_fit),
		cmocka_unit_test(test_message),
		T(test_registration_is_told),
		T(test_who_is_not_trusted_learns_less),
		T(test_nobody_asks),
		T(test_bodies_as_configured),
		T(test_only_kinds_that_are_asked_for),
		T(test_end_by_the_user),
		T(test_end_by_the_network),
		T(test_end_by_time),
		T(test_end_before_the_beginning_was_heard),
		T(test_over_before_it_was_heard),
		T(test_not_stored_is_not_told),
		T(test_refused_leaves_what_was_owed),
		T(test_restart_repeats_what_was_not_answered),
		T(test_text_from_disk),
		T(test_silence_is_tried_again),
		T(test_a_refusal_is_an_answer),
		T(test_terminated_ends_the_registration),
		T(test_each_profile_once),
		T(test_so_many_at_a_time),
		T(test_back_again),
		T(test_given_up),
		T(test_no_line_of_its_own),
		T(test_no_memory_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
