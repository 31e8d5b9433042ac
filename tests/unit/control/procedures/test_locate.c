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

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(verdicts),   T(no_identity),          T(without_hss),
		T(repeats),    T(registered_meanwhile), T(ring_full),
		T(unparsable), T(by_wildcard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
