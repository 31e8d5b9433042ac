/* test_unregistered.c - users who are called although they are not registered */
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "abi/message.h"
#include "control/locate.h"
#include "control/unregistered.h"

#define SERVED "install sip:alice@ims.example roles=10 impus=2\n"
#define SAR    "SAR UNREGISTERED_USER"

static struct fake *f;

static int setup(void **state)
{
	f = fake_new(CONF_PCSCF | CONF_ICSCF | CONF_SCSCF);
	f->conf.control.unregistered_ttl_s = 1;
	f->c.locator = locator_open(&f->c);
	f->c.unregistereds = unregistereds_open(&f->c);
	f->lia = (struct cx_lia){.result = CX_SUCCESS,
				 .server_name = SLICE("sip:scscf.ims.example:5060")};
	return 0;
}

static int teardown(void **state)
{
	unregistereds_close(f->c.unregistereds);
	locator_close(f->c.locator);
	fake_free(f);
	return 0;
}

static uint32_t branch;

static void request(const char *src, const char *uri, const char *lines)
{
	static _Alignas(struct abi_punt) uint8_t memory[4096];
	struct abi_punt *p = (struct abi_punt *)memory;

	memset(p, 0, sizeof(*p));
	p->reason = PUNT_LOCATE;
	assert_true(addr_parse(slice_str(src), 5060, &p->src));
	p->len = (uint32_t)snprintf(
		(char *)p->data, sizeof(memory) - sizeof(*p),
		"INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.8;branch=z9hG4bK%u\r\n"
		"From: <sip:x@y>;tag=1\r\nTo: <%s>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n%s\r\n",
		uri, ++branch, uri, lines);
	locator_request(f->c.locator, p);
}

static void called(void)
{
	request("10.0.0.8:5060", "sip:alice@ims.example", "");
}

static struct registration_set *alice(void)
{
	return registrations_by_impu(f->c.registrations, "sip:alice@ims.example");
}

static struct unregistered_stats stats(void)
{
	struct unregistered_stats s;

	unregistered_stats(f->c.unregistereds, &s);
	return s;
}

static bool did(const char *what)
{
	return strstr(f->trace, what) != NULL;
}

/* Served, and nothing of it is on disk. */
static void test_called(void **state)
{
	called();
	assert_true(did(SAR));
	assert_true(did(SERVED "resume local\n"));
	assert_false(did("store"));
	assert_int_equal(alice()->n_contact, 0);
	assert_int_equal(stats().n, 1);
}

/* Nobody is assigned yet, and the choice falls on ourselves. */
static void test_chosen(void **state)
{
	f->lia = (struct cx_lia){.result = CX_UNREGISTERED_SERVICE};
	called();
	assert_true(did(SERVED "resume local\n"));
}

static void test_two_at_once(void **state)
{
	f->hold = true;
	called();
	called();
	fake_run(f);
	assert_true(did("resume local\nresume local\n"));
	assert_int_equal(stats().served, 1);
	assert_int_equal(stats().n, 1);
}

static void test_no_services(void **state)
{
	f->saa = (struct cx_saa){.result = CX_ERROR_IN_ASSIGNMENT_TYPE};
	called();
	assert_true(did("resume reject 480\n"));
	assert_null(alice());
}

static void test_profile_of_no_use(void **state)
{
	f->saa.user_data = SLICE("<a/>");
	called();
	assert_true(did("resume reject 480\n"));
	assert_null(alice());
	assert_int_equal(stats().refused, 1);
}

static void run_for(double seconds)
{
	ev_tstamp until = ev_time() + seconds;

	while (ev_time() < until)
		ev_run(f->c.loop, EVRUN_ONCE);
}

static void test_let_go(void **state)
{
	called();
	fake_clear(f);
	run_for(2.2);
	assert_true(did("uninstall\n"));
	assert_true(did("SAR TIMEOUT_DEREGISTRATION"));
	assert_false(did("unstore"));
	assert_null(alice());
	assert_int_equal(stats().n, 0);
	assert_int_equal(stats().expired, 1);
}

static void test_registers(void **state)
{
	struct client cl = {0};

	called();
	fake_clear(f);
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	assert_true(did("SAR REGISTRATION"));
	assert_int_equal(alice()->n_contact, 1);
	assert_int_equal(alice()->roles & ABI_REG_UNREGISTERED, 0);
	fake_clear(f);
	run_for(2.2);
	assert_string_equal(f->trace, "");
	assert_non_null(alice());
}

static void test_ended_by_the_hss(void **state)
{
	struct cx_rtr q = {.impi = SLICE("alice@ims.example")};
	struct cx_rta a = {0};

	called();
	fake_clear(f);
	registrar_rtr(&f->c, &q, &a);
	assert_int_equal(a.result, CX_SUCCESS);
	assert_true(did("uninstall\n"));
	assert_null(alice());
	called();
	assert_true(did(SERVED));
}

static void test_pushed(void **state)
{
	struct cx_ppr q = {.impi = SLICE("alice@ims.example"),
			   .user_data =
				   SLICE(FAKE_PROFILE(FAKE_IDENTITY("sip:alice@ims.example")))};
	struct cx_ppa a = {0};

	called();
	fake_clear(f);
	registrar_ppr(&f->c, &q, &a);
	assert_int_equal(a.result, CX_SUCCESS);
	assert_true(did("install sip:alice@ims.example roles=10 impus=1\n"));
	assert_false(did("store"));
}

#define ORIG "Route: <sip:orig@scscf.ims.example:5060;lr>\r\n"

/* A server may begin something in his name, a terminal may not. */
static void test_originating(void **state)
{
	request("10.0.0.9:5060", "sip:bob@far.example",
		ORIG "P-Asserted-Identity: <sip:alice@ims.example>\r\n");
	assert_true(did("resume reject 403\n"));
	fake_clear(f);
	request("192.0.2.9:5060", "sip:bob@far.example",
		ORIG "P-Asserted-Identity: <sip:alice@ims.example>\r\n"
		     "P-Served-User: <sip:alice@ims.example>;sescase=orig\r\n");
	assert_true(did("resume reject 403\n"));
	fake_clear(f);
	request("10.0.0.9:5060", "sip:bob@far.example",
		ORIG "P-Asserted-Identity: <sip:carol@ims.example>\r\n"
		     "P-Served-User: <sip:alice@ims.example>;sescase=orig;regstate=unreg\r\n");
	assert_true(did(SAR));
	assert_true(did(SERVED "resume local\n"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_called),
		T(test_chosen),
		T(test_two_at_once),
		T(test_no_services),
		T(test_profile_of_no_use),
		T(test_let_go),
		T(test_registers),
		T(test_ended_by_the_hss),
		T(test_pushed),
		T(test_originating),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
