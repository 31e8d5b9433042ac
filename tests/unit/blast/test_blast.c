/* test_blast.c - the load generator's own parts: what it counts, reads and writes */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "blast/say.h"
#include "blast/server.h"
#include "sip/parse.h"

static struct blast b;

static void test_histogram(void **state)
{
	static struct histogram h;

	memset(&h, 0, sizeof(h));
	assert_int_equal(histogram_at(&h, 0.5), 0);
	for (uint64_t v = 1; v <= 100000; v++)
		histogram_add(&h, v);
	for (int percent = 1; percent <= 100; percent++) {
		double wanted = percent * 1000.0,
		       is = (double)histogram_at(&h, percent / 100.0);

		assert_true(is >= wanted && is <= wanted * 1.017);
	}
	assert_int_equal(histogram_at(&h, 1), 100000);
	histogram_add(&h, UINT64_MAX);
	assert_int_equal(histogram_at(&h, 1), UINT64_MAX);
	for (uint32_t i = 1; i < HISTOGRAM_BUCKETS; i++)
		assert_true(histogram_bound(i) > histogram_bound(i - 1));
}

static void test_addresses(void **state)
{
	struct addr a;

	for (uint32_t i = 0; i < 1u << 20; i += 4097) {
		a = person_addr(i);
		assert_int_equal(person_at(&a), i);
	}
	a = addr_v4(0x0b000000, 5060);
	assert_int_equal(person_at(&a), UINT32_MAX);
	a = addr_v4(0x0a400000, 5064);
	assert_int_equal(person_at(&a), UINT32_MAX);
}

static struct person *load(const char *text, uint32_t *n)
{
	char name[] = "/tmp/saker-blast-XXXXXX", domain[64];
	int fd = mkstemp(name);
	struct person *p;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	p = people_load(name, 10, n, domain);
	unlink(name);
	return p;
}

static void test_people(void **state)
{
	uint32_t n;
	struct person *p = load("impi,impu,k,op,amf\n"
				"a@x.example,sip:a@x.example,465b5ce8b199b49faa5f0a2ee238a6bc,"
				"cdc202d5123e20f62b6d676ac72cb318,8000\n",
				&n);
	/* TS 35.208 test set 1. */
	static const uint8_t opc[16] = {0xcd, 0x63, 0xcb, 0x71, 0x95, 0x4a, 0x9f, 0x4e,
					0x48, 0xa5, 0x99, 0x4e, 0x37, 0xa0, 0x2b, 0xaf};

	assert_int_equal(n, 1);
	assert_memory_equal(p[0].opc, opc, 16);
	free(p);
	p = load("impi,password\na@x,secret\nb@x,other\n", &n);
	assert_int_equal(n, 2);
	assert_string_equal(p[1].password, "other");
	assert_true(p[1].has_password);
	free(p);
	assert_null(load("", &n));
	assert_null(load("name,k\na,b\n", &n));
	assert_null(load("impi,password\n@x,secret\n", &n));
	assert_null(load("impi,k,op\na@x,12,34\n", &n));
}

/* Our own parser takes what is written, and a response repeats what it must. */
static void test_messages(void **state)
{
	static struct sip_msg m;
	uint8_t invite[LINK_MESSAGE_MAX], answer[LINK_MESSAGE_MAX];
	struct text t = text_in(invite, sizeof(invite)), r = text_in(answer, sizeof(answer));
	struct link_datagram d = {.to = person_addr(1)};
	struct heard h;

	say_request(&t, &b, "INVITE", 0x1234, 0, 1);
	say_contact(&t, &b, 0);
	text_lit(&t, "\r\n");
	say_body(&t, 900, "application/sdp");
	assert_int_equal(t.len, 900);
	assert_int_equal(sip_parse(text_slice(&t), &m), SIP_OK);
	d.message = text_slice(&t);
	assert_true(hear(&b, &d, &h));
	assert_int_equal(h.person, 1);
	assert_int_equal(h.status, 0);
	assert_int_equal(h.method, 'I');
	assert_int_equal(h.kind, 'c');
	assert_int_equal(h.key, 0x1234);

	say_response(&r, &h, "SIP/2.0 180 Ringing\r\n");
	say_body(&r, 0, NULL);
	assert_int_equal(sip_parse(text_slice(&r), &m), SIP_OK);
	assert_int_equal(m.status, 180);
	assert_true(slice_eq(m.to_tag, SLICE("b")));
	d.to = person_addr(0);
	d.message = text_slice(&r);
	assert_true(hear(&b, &d, &h));
	assert_int_equal(h.status, 180);

	/* Of another run, to nobody, cut anywhere. */
	b.run++;
	assert_false(hear(&b, &d, &h));
	b.run--;
	d.to = addr_v4(0x01020304, 5060);
	assert_false(hear(&b, &d, &h));
	d.to = person_addr(0);
	for (uint32_t len = 0; len + 2 < r.len; len++) {
		d.message = slice_of(answer, len);
		assert_false(hear(&b, &d, &h));
	}
}

static bool options(const char *line, struct options *o)
{
	static char copy[512];
	char *argv[32], *rest = copy;
	int n = 0;

	snprintf(copy, sizeof(copy), "x %s", line);
	while ((argv[n] = strsep(&rest, " ")))
		n++;
	return options_read(n, argv, o);
}

static void test_options(void **state)
{
	struct options o;

	assert_true(options("--direct 10.0.0.1:5070 --rate 2.5 --slo p99<2ms,fail<1%", &o));
	assert_true(o.direct);
	assert_int_equal(o.node.port, 5070);
	assert_true(o.slo_p99_us == 2000 && o.slo_fail == 0.01 && o.rate == 2.5);
	assert_true(options("--direct 10.0.0.1 --slo fail<5%", &o));
	assert_true(o.slo_p99_us == 0);
	assert_false(options("", &o)); /* no subscribers */
	assert_false(options("--direct 10.0.0.1 --rate x", &o));
	assert_false(options("--direct 10.0.0.1 --rate", &o));
	assert_false(options("--direct ::1", &o));
	assert_false(options("--direct 10.0.0.1 --slo p98<1ms", &o));
	assert_false(options("--direct 10.0.0.1 --size 10", &o));
	assert_false(options("--direct 10.0.0.1 --what", &o));
}

static int set_up(void **state)
{
	b.o.node = addr_v4(0x0ac80001, 5060);
	snprintf(b.o.domain, sizeof(b.o.domain), "ims.example");
	b.n_people = 4;
	b.person = people_make(4);
	b.run = 77;
	return b.person ? 0 : -1;
}

static void test_server(void **state)
{
	static const char request[] = "INVITE sip:b@x SIP/2.0\r\n"
				      "Record-Route: <sip:d@n;lr>\r\n"
				      "Route: <sip:10.127.255.1:5060;lr>,<sip:i1@n;lr>\r\n"
				      "Via: SIP/2.0/UDP n;branch=z9hG4bKone;rport\r\n"
				      "Via: SIP/2.0/UDP u;branch=z9hG4bKtwo\r\n"
				      "Max-Forwards: 68\r\n"
				      "Content-Length: 5\r\n\r\nv=0\r\n";
	static const char passed[] =
		"INVITE sip:b@x SIP/2.0\r\n"
		"Record-Route: <sip:d@n;lr>\r\n"
		"Route: <sip:i1@n;lr>\r\n"
		"Via: SIP/2.0/UDP 10.127.255.1:5060;branch=z9hG4bKasone\r\n"
		"Via: SIP/2.0/UDP n;branch=z9hG4bKone;rport\r\n"
		"Via: SIP/2.0/UDP u;branch=z9hG4bKtwo\r\n"
		"Max-Forwards: 67\r\n"
		"Content-Length: 5\r\n\r\nv=0\r\n";
	static const char response[] =
		"SIP/2.0 200 OK\r\nTo: x\r\nVia: SIP/2.0/UDP 10.127.255.1:5060\r\n"
		"Via: SIP/2.0/UDP n;branch=z9hG4bKone\r\nFrom: y\r\n\r\n";
	struct addr server = addr_v4(0x0a7fff01, 5060);
	uint8_t memory[1024];
	struct text t = text_in(memory, sizeof(memory));

	assert_true(server_write(&server, slice_str(request), &t));
	assert_int_equal(t.len, sizeof(passed) - 1);
	assert_memory_equal(memory, passed, sizeof(passed) - 1);
	t = text_in(memory, sizeof(memory));
	assert_true(server_write(&server, slice_str(response), &t));
	assert_string_equal(text_cstr(&t),
			    "SIP/2.0 200 OK\r\nTo: x\r\n"
			    "Via: SIP/2.0/UDP n;branch=z9hG4bKone\r\nFrom: y\r\n\r\n");
	for (uint32_t len = 0; len < sizeof(request) - 60; len++) {
		t = text_in(memory, len);
		assert_false(server_write(&server, slice_str(request), &t));
	}
	t = text_in(memory, sizeof(memory));
	assert_false(server_write(&server, SLICE("BYE sip:b@x SIP/2.0\r\n\r\n"), &t));
	assert_false(server_write(&server, SLICE("SIP/2.0 200 OK\r\n\r\n"), &t));
	assert_false(server_write(&server, SLICE_EMPTY, &t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_histogram), cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_people),    cmocka_unit_test(test_messages),
		cmocka_unit_test(test_options),   cmocka_unit_test(test_server),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
