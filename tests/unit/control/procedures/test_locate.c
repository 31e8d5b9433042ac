/* test_locate.c - each held message comes back exactly once, with the right verdict */
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "abi/message.h"
#include "control/locate.h"

static struct fake *f;

static int setup(void **state)
{
	f = fake_new(CONF_PCSCF | CONF_ICSCF | CONF_SCSCF);
	f->c.locator = locator_open(&f->c);
	return 0;
}

static int teardown(void **state)
{
	locator_close(f->c.locator);
	fake_free(f);
	return 0;
}

static void request(const char *uri, uint32_t branch)
{
	static _Alignas(struct abi_punt) uint8_t memory[4096];
	struct abi_punt *p = (struct abi_punt *)memory;

	memset(p, 0, sizeof(*p));
	p->reason = PUNT_LOCATE;
	p->len = (uint32_t)snprintf(
		(char *)p->data, sizeof(memory) - sizeof(*p),
		"INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.8;branch=z9hG4bK%u\r\n"
		"From: <sip:x@y>;tag=1\r\nTo: <%s>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n",
		uri, branch, uri);
	locator_request(f->c.locator, p);
}

static void verdicts(void **state)
{
	static const struct {
		int result;
		struct slice server_name;
		const char *resume;
	} table[] = {
		{CX_SUCCESS, SLICE("sip:other.ims.example"),
		 "resume scscf 10.0.0.9:5060 sip:other.ims.example\n"},
		{CX_SUCCESS, SLICE("sip:scscf.ims.example:5060"), "resume reject 480\n"},
		{CX_SUCCESS, SLICE("sip:nobody.example"), "resume reject 504\n"},
		{CX_SUCCESS, SLICE_EMPTY, "resume reject 480\n"},
		{CX_ERROR_USER_UNKNOWN, SLICE_EMPTY, "resume reject 404\n"},
		{CX_ERROR_IDENTITY_NOT_REGISTERED, SLICE_EMPTY, "resume reject 480\n"},
		{CX_UNREGISTERED_SERVICE, SLICE_EMPTY, "resume reject 480\n"},
		{CX_NO_ANSWER, SLICE_EMPTY, "resume reject 504\n"},
		{CX_WINDOW_FULL, SLICE_EMPTY, "resume reject 503\n"},
		{CX_BAD_ANSWER, SLICE_EMPTY, "resume reject 500\n"},
	};

	for (uint32_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char expected[256];

		fake_clear(f);
		f->lia = (struct cx_lia){.result = table[i].result,
					 .server_name = table[i].server_name};
		request("sip:Bob@IMS.example;user=x", i);
		snprintf(expected, sizeof(expected), "LIR sip:Bob@ims.example\n%s",
			 table[i].resume);
		assert_string_equal(f->trace, expected);
	}
}

static void no_identity(void **state)
{
	request("urn:service:sos", 1);
	assert_string_equal(f->trace, "resume reject 404\n");
}

static void without_hss(void **state)
{
	f->c.cx = NULL;
	request("sip:bob@ims.example", 1);
	assert_string_equal(f->trace, "resume reject 504\n");
}

static void repeats(void **state)
{
	f->hold = true;
	f->lia.result = CX_ERROR_USER_UNKNOWN;
	for (int i = 0; i < 5; i++)
		request("sip:bob@ims.example", 1);
	request("sip:bob@ims.example", 2);
	fake_run(f);
	assert_string_equal(f->trace, "LIR sip:bob@ims.example\nLIR sip:bob@ims.example\n"
				      "resume reject 404\nresume reject 404\n");
	/* Over: the next is a new one. */
	request("sip:bob@ims.example", 1);
	fake_run(f);
	assert_non_null(strstr(f->trace, "404\nLIR sip:bob@ims.example\nresume"));
}

/* Registered while the HSS was being asked. */
static void registered_meanwhile(void **state)
{
	struct client cl = {0};

	f->hold = true;
	f->lia.result = CX_ERROR_IDENTITY_NOT_REGISTERED;
	request("sip:alice@ims.example", 1);
	struct fake_pending lir = f->pending[0];
	f->n_pending = 0;
	f->hold = false;
	client_register(f, &cl);
	fake_clear(f);
	((void (*)(void *, const struct cx_lia *))lir.fn)(lir.ctx, &f->lia);
	assert_string_equal(f->trace, "resume local\n");
}

/* A full ring: tried again, in the end exactly once. */
static void ring_full(void **state)
{
	f->lia.result = CX_ERROR_USER_UNKNOWN;
	f->link_full = true;
	request("sip:bob@ims.example", 1);
	request("sip:bob@ims.example", 1);
	ev_sleep(0.03);
	ev_run(f->c.loop, EVRUN_ONCE);
	assert_string_equal(f->trace, "LIR sip:bob@ims.example\n");
	f->link_full = false;
	ev_sleep(0.03);
	ev_run(f->c.loop, EVRUN_ONCE);
	ev_sleep(0.03);
	ev_run(f->c.loop, EVRUN_NOWAIT);
	assert_string_equal(f->trace, "LIR sip:bob@ims.example\nresume reject 404\n");
}

static void unparsable(void **state)
{
	static _Alignas(struct abi_punt) uint8_t memory[sizeof(struct abi_punt) + 8];
	struct abi_punt *p = (struct abi_punt *)memory;

	p->len = 4;
	memcpy(p->data, "oops", 4);
	locator_request(f->c.locator, p);
	assert_string_equal(f->trace, "resume reject 400\n");
}

/* A number of a private exchange that is registered here: the HSS is not asked. */
static void by_wildcard(void **state)
{
	struct client cl = {0};

	f->saa.user_data = SLICE(FAKE_PROFILE(FAKE_IDENTITY(
		"sip:alice@ims.example") FAKE_IDENTITY("sip:pbx-!.*!@ims.example")));
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	assert_non_null(
		strstr(f->headers, "<sip:alice@ims.example>, <sip:pbx-!.*!@ims.example>"));
	fake_clear(f);
	request("sip:pbx-77@IMS.example;user=x", 1);
	assert_string_equal(f->trace, "resume local sip:pbx-!.*!@ims.example\n");
	fake_clear(f);
	request("sip:pbx77@ims.example", 2);
	assert_non_null(strstr(f->trace, "LIR sip:pbx77@ims.example"));
}

/* What the HSS keeps of the registration of alice, as control told it with a SAR. */
static char kept_path[256];

static void register_kept(void)
{
	struct client cl = {0};
	const char *from, *to;

	f->conf.control.restoration = true;
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	from = strstr(f->trace, "SAR REGISTRATION alice@ims.example sip:alice@ims.example [");
	assert_non_null(from);
	from = strchr(from, '[') + 1;
	to = strchr(from, ']');
	snprintf(kept_path, sizeof(kept_path), "%.*s", (int)(to - from), from);
	assert_memory_equal(to, "] [<sip:alice@192.0.2.7:5062>]\n", 31);
	/* A refresh is nothing new to the HSS, a second contact is. */
	fake_clear(f);
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	assert_null(strstr(f->trace, "SAR"));
	cl.call_id = "c2";
	cl.contact = "Contact: <sip:alice@192.0.2.9>;q=0.5\r\n";
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	assert_non_null(strstr(f->trace, "SAR RE_REGISTRATION alice@ims.example "));
	assert_non_null(strstr(f->trace, "] [<sip:alice@192.0.2.9>;q=0.5]\n"));
}

static void keep(uint32_t i, const char *path, const char *contact)
{
	struct cx_restoration *r = &f->saa.restoration[0];

	f->saa.n_restorations = 1;
	r->impi = SLICE("alice@ims.example");
	r->contact[i] = (struct cx_restored){.path = slice_str(path),
					     .contact = slice_str(contact),
					     .call_id = SLICE("c1"),
					     .cseq = 7};
	r->n = i + 1;
}

static void forget_all(void)
{
	registrations_free(f->c.registrations);
	f->c.registrations = registrations_new();
	fake_clear(f);
}

static const struct registration_set *alice(void)
{
	return registrations_by_impu(f->c.registrations, "sip:alice@ims.example");
}

/* TS 23.380 §4.3: registered at us, says the HSS, and we know nothing of it. */
static void forgotten(void **state)
{
	register_kept();
	forget_all();
	keep(0, kept_path, "<sip:alice@192.0.2.7:5062>");
	keep(1, "<sip:t@10.0.0.7:5060;lr>", "<sip:alice@192.0.2.9>;q=0.5");
	f->lia.server_name = slice_str(f->conf.scscf_uri);
	f->lia.result = CX_SUCCESS;
	request("sip:alice@ims.example", 1);
	assert_string_equal(
		f->trace,
		"LIR sip:alice@ims.example\nSAR NO_ASSIGNMENT  sip:alice@ims.example\n"
		"store sip:alice@ims.example contacts=2\n"
		"install sip:alice@ims.example roles=3 impus=2 <sip:alice@192.0.2.7:5062> "
		"192.0.2.7:5062 <sip:alice@192.0.2.9> 10.0.0.7:5060\nresume local\n");
	assert_string_equal(alice()->impi, "alice@ims.example");
	assert_int_equal(alice()->contact[0].cseq, 7);
	assert_int_equal(alice()->contact[1].q, 500);
	assert_string_equal(alice()->service_route, "<sip:orig@scscf.ims.example:5060;lr>");
}

/* A REGISTER is the first that is heard of a forgotten user: the other terminal is not lost. */
static void forgotten_registers(void **state)
{
	struct client cl = {.call_id = "c9", .contact = "Contact: <sip:alice@192.0.2.9>\r\n"};

	register_kept();
	forget_all();
	keep(0, kept_path, "<sip:alice@192.0.2.7:5062>");
	keep(1, "<sip:t@10.0.0.7:5060;lr>", "<sip:alice@192.0.2.9>;q=0.5");
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	assert_int_equal(alice()->n_contact, 2);
	assert_string_equal(alice()->contact[0].uri, "sip:alice@192.0.2.9");
	assert_int_equal(alice()->contact[0].flow.family, 4);
	assert_string_equal(alice()->contact[1].uri, "sip:alice@192.0.2.7:5062");
	assert_non_null(strstr(f->trace, "SAR REGISTRATION alice@ims.example"));
	/* And the HSS keeps both again. */
	assert_non_null(strstr(f->trace, "SAR RE_REGISTRATION alice@ims.example "
					 "sip:alice@ims.example ["));
	assert_non_null(strstr(strstr(f->trace, "SAR RE_REG"), "[<sip:alice@192.0.2.7:5062>]"));
	assert_non_null(strstr(strstr(f->trace, "SAR RE_REG"), "[<sip:alice@192.0.2.9>]"));
}

/* What the HSS gives is looked at like anything that comes from outside. */
static void forgotten_badly(void **state)
{
	static const struct {
		const char *path, *contact;
	} bad[] = {
		{"<sip:forged@192.0.2.100;lr>", "<sip:alice@192.0.2.7>"},
		{"<sip:t@192.0.2.55;lr>", "<sip:alice@192.0.2.7>"}, /* no peer */
		{"nonsense", "<sip:alice@192.0.2.7>"},
		{"<sip:t@10.0.0.7;lr>", "*"},
		{"<sip:t@10.0.0.7;lr>", "<tel:+1>"},
		{"<sip:t@10.0.0.7;lr>", "<"},
	};

	register_kept();
	forget_all();
	f->lia.server_name = slice_str(f->conf.scscf_uri);
	f->lia.result = CX_SUCCESS;
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		keep(0, bad[i].path, bad[i].contact);
		fake_clear(f);
		request("sip:alice@ims.example", i);
		assert_non_null(strstr(f->trace, "resume reject 480\n"));
		assert_null(alice());
	}
	/* A profile that is of somebody else, or that means harm. */
	keep(0, "<sip:t@10.0.0.7;lr>", "<sip:alice@192.0.2.7>");
	f->saa.user_data = SLICE(FAKE_PROFILE(FAKE_IDENTITY("sip:bob@ims.example")));
	request("sip:alice@ims.example", 50);
	f->saa.user_data = SLICE("<!DOCTYPE x>" FAKE_ALICE);
	request("sip:alice@ims.example", 51);
	assert_null(strstr(f->trace, "install"));
	assert_null(alice());
}

static void not_forgotten(void **state)
{
	static const struct {
		int result;
		const char *resume;
	} table[] = {
		{CX_SUCCESS, "resume reject 480\n"}, /* and nothing kept */
		{CX_UNABLE_TO_COMPLY, "resume reject 480\n"},
		{CX_ERROR_USER_UNKNOWN, "resume reject 480\n"},
		{CX_NO_ANSWER, "resume reject 504\n"},
		{CX_TOO_BUSY, "resume reject 503\n"},
		{CX_BAD_ANSWER, "resume reject 480\n"},
	};

	f->conf.control.restoration = true;
	f->lia.server_name = slice_str(f->conf.scscf_uri);
	f->lia.result = CX_SUCCESS;
	for (uint32_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		fake_clear(f);
		f->saa = (struct cx_saa){.result = table[i].result};
		request("sip:alice@ims.example", i);
		assert_non_null(strstr(f->trace, "SAR NO_ASSIGNMENT"));
		assert_non_null(strstr(f->trace, table[i].resume));
		assert_null(alice());
	}
}

/* At an S-CSCF without an I-CSCF: the called user, and by P-Asserted-Identity the calling one.
 */
static void forgotten_at_scscf(void **state)
{
	static _Alignas(struct abi_punt) uint8_t memory[4096];
	struct abi_punt *p = (struct abi_punt *)memory;

	f->conf.dataplane.roles = CONF_SCSCF;
	f->conf.control.restoration = true;
	keep(0, "<sip:t@10.0.0.7;lr>", "<sip:alice@192.0.2.7>");
	request("sip:alice@ims.example", 1);
	assert_ptr_equal(strstr(f->trace, "SAR NO_ASSIGNMENT  sip:alice@ims.example\n"),
			 f->trace);
	assert_non_null(strstr(f->trace, "resume local\n"));
	forget_all();
	p->reason = PUNT_LOCATE;
	p->len = (uint32_t)snprintf(
		(char *)p->data, sizeof(memory) - sizeof(*p),
		"INVITE sip:bob@ims.example SIP/2.0\r\nVia: SIP/2.0/UDP "
		"10.0.0.8;branch=z9hG4bK9\r\nRoute: <sip:orig@scscf.ims.example:5060;lr>\r\n"
		"P-Asserted-Identity: \"A\" <sip:alice@ims.example>\r\n"
		"From: <sip:x@y>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: 1\r\nCSeq: 1 "
		"INVITE\r\n\r\n");
	locator_request(f->c.locator, p);
	assert_ptr_equal(strstr(f->trace, "SAR NO_ASSIGNMENT  sip:alice@ims.example\n"),
			 f->trace);
	assert_non_null(strstr(f->trace, "resume local\n"));
	/* The P-CSCF hears of a user who was registered and cannot be restored. */
	forget_all();
	keep(0, "<sip:t@192.0.2.55;lr>", "<sip:alice@192.0.2.7>");
	locator_request(f->c.locator, p);
	assert_non_null(strstr(f->trace, "resume reject 504\n"));
	assert_ptr_equal(strstr(f->headers,
				"P-Asserted-Identity: <sip:scscf.ims.example:5060>\r\n"
				"Content-Type: application/3gpp-ims+xml;sv=\"1\"\r\n"
				"\r\n<?xml "),
			 f->headers);
	assert_non_null(strstr(f->headers, "<type>restoration</type>"));
	assert_non_null(strstr(f->headers, "<action>initial-registration</action>"));
	f->saa.n_restorations = 0;
	fake_clear(f);
	locator_request(f->c.locator, p);
	assert_non_null(strstr(f->trace, "resume reject 403\n"));
	assert_string_equal(f->headers, "");
}

/* Nobody serves the called user yet, who wants capabilities (TS 29.228 §6.7). */
static void unregistered_service(void **state)
{
	struct conf_scscf *s = &f->conf.icscf.scscf[f->conf.icscf.n_scscf++];

	strcpy(s->name, "sip:s9.ims.example");
	assert_true(addr_parse(SLICE("10.0.0.39"), 5060, &s->address));
	s->capability[s->n_capability++] = 5;
	f->lia = (struct cx_lia){.result = CX_UNREGISTERED_SERVICE,
				 .capabilities = {.n_mandatory = 1, .mandatory = {5}}};
	request("sip:bob@ims.example", 1);
	assert_non_null(strstr(f->trace, "resume scscf 10.0.0.39:5060 sip:s9.ims.example\n"));
	f->lia.capabilities.mandatory[0] = 6;
	request("sip:bob@ims.example", 2);
	assert_non_null(strstr(f->trace, "resume reject 600\n"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(verdicts),
		T(no_identity),
		T(without_hss),
		T(repeats),
		T(registered_meanwhile),
		T(ring_full),
		T(unparsable),
		T(forgotten),
		T(forgotten_badly),
		T(forgotten_registers),
		T(not_forgotten),
		T(forgotten_at_scscf),
		T(unregistered_service),
		T(by_wildcard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
