/* test_servers.c - where Application Servers are, and what is tried when one is not there */
#include <arpa/inet.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "client.h"
#include "control/dns/dns.h"
#include "control/outbound.h"
#include "control/owed.h"
#include "control/record.h"
#include "control/servers.h"
#include "ifc/ifc.h"

enum { DATAGRAM = 4096, QUESTION = 12, WAIT_MS = 2000, RRS = 3 };

struct rr {
	uint8_t len;
	const char *data;
};

/* RDATA as it goes on the wire; beside a name that is not here, an empty answer. */
static const struct zone {
	const char *name;
	uint16_t type;
	bool silent;
	struct rr rr[RRS];
} zone[] = {
	{"_sip._udp.as.example",
	 DNS_SRV,
	 false,
	 {{17, "\x00\x02\x00\x00\x13\xd8\x01"
	       "b\x07"
	       "example"},
	  {17, "\x00\x01\x00\x00\x13\xce\x01"
	       "a\x07"
	       "example"}}},
	{"a.example", DNS_A, false, {{4, "\x0a\x00\x00\x15"}}},
	{"b.example",
	 DNS_A,
	 false,
	 {{4, "\x0a\x00\x00\x16"}, {4, "\x7f\x00\x00\x01"}, {4, "\x0a\x00\x00\x17"}}},
	{"slow.example", DNS_NAPTR, true, {{0, NULL}}},
};

static struct fake *f;
static int name_server;
static struct ev_io io;

static void name_text(const uint8_t *p, char *out)
{
	for (; *p; p += *p + 1) {
		memcpy(out, p + 1, *p);
		out += *p;
		*out++ = p[*p + 1] ? '.' : 0;
	}
}

static ssize_t put_records(uint8_t *m, ssize_t n, const struct zone *z)
{
	for (int i = 0; z && i < RRS && z->rr[i].len; i++) {
		const uint8_t head[] = {0xc0, 0x0c, 0, (uint8_t)z->type, 0, 1, 0, 0,
					0,    60,   0, z->rr[i].len};

		m[7]++;
		memcpy(m + n, head, sizeof(head));
		memcpy(m + n + sizeof(head), z->rr[i].data, z->rr[i].len);
		n += (ssize_t)sizeof(head) + z->rr[i].len;
	}
	return n;
}

static void serve(struct ev_loop *loop, struct ev_io *w, int events)
{
	uint8_t m[DATAGRAM];
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	ssize_t n = recvfrom(w->fd, m, sizeof(m), 0, (struct sockaddr *)&from, &size);
	const struct zone *z = NULL;
	char name[256];

	assert_true(n > QUESTION);
	name_text(m + QUESTION, name);
	for (size_t i = 0; i < sizeof(zone) / sizeof(zone[0]); i++)
		if (strcmp(zone[i].name, name) == 0 && zone[i].type == m[n - 3])
			z = &zone[i];
	if (z && z->silent)
		return;
	m[2] = 0x85;
	m[3] = z ? 0x80 : 0x83;
	m[7] = m[11] = 0;
	n = put_records(m, n, z);
	sendto(w->fd, m, (size_t)n, 0, (struct sockaddr *)&from, size);
}

static uint32_t n_changed;

static void on_change(void *ctx, struct server *server)
{
	n_changed++;
}

static int setup(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(a);
	char error[256];

	f = fake_new(CONF_PCSCF | CONF_ICSCF | CONF_SCSCF);
	log_set_level(LOG_ERROR);
	name_server = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(name_server, (struct sockaddr *)&a, sizeof(a)), 0);
	getsockname(name_server, (struct sockaddr *)&a, &size);
	f->conf.dns = (struct conf_dns){.server = {addr_v4(INADDR_LOOPBACK, ntohs(a.sin_port))},
					.n_server = 1,
					.timeout_ms = 50,
					.ttl_max_s = 60,
					.negative_s = 30,
					.zone = "e164.arpa"};
	ev_io_init(&io, serve, name_server, EV_READ);
	ev_io_start(f->c.loop, &io);
	f->c.servers = servers_open(&f->c);
	f->c.owed = owed_open(&f->c, error);
	f->c.outbound = outbound_open(&f->c);
	assert_true(f->c.owed && f->c.outbound);
	n_changed = 0;
	servers_watch(f->c.servers, on_change, NULL);
	return 0;
}

static int teardown(void **state)
{
	outbound_close(f->c.outbound);
	owed_close(f->c.owed);
	servers_close(f->c.servers);
	ev_io_stop(f->c.loop, &io);
	close(name_server);
	fake_free(f);
	return 0;
}

static struct server *found(const char *uri)
{
	struct server *v = servers_hold(f->c.servers, slice_str(uri));
	uint64_t until = clock_ms() + WAIT_MS;

	assert_non_null(v);
	while (server_state(v) == SERVER_ASKED && clock_ms() < until)
		ev_run(f->c.loop, EVRUN_ONCE);
	return v;
}

static const char *addresses(const struct server *v)
{
	static char text[256];
	struct addr a[SERVER_ADDRESSES_MAX];
	uint32_t n = server_addresses(v, a);
	char one[ADDR_TEXT_MAX];

	text[0] = 0;
	for (uint32_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 addr_text(&a[i], one));
	return text;
}

/* By priority, and what leads to this host is left out. */
static void test_all_addresses_in_order(void **state)
{
	struct server *v = found("sip:as.example;lr");

	assert_int_equal(server_state(v), SERVER_FOUND);
	assert_string_equal(addresses(v), "10.0.0.21:5070 10.0.0.22:5080 10.0.0.23:5080");
	assert_int_equal(n_changed, 1);
}

static void test_literals_peers_and_ourselves(void **state)
{
	assert_string_equal(addresses(found("sip:10.0.0.9:5070")), "10.0.0.9:5070");
	assert_string_equal(addresses(found("sip:a.example:5090")), "10.0.0.21:5090");
	assert_int_equal(server_state(found("sip:scscf.ims.example:5060")), SERVER_NOWHERE);
}

static void test_one_server_for_many_uris(void **state)
{
	struct server *v = found("sip:as.example"), *other = found("sip:x@AS.example;lr");
	struct servers_stats s;

	assert_ptr_equal(v, other);
	assert_string_equal(server_name(v), "as.example");
	servers_stats(f->c.servers, &s);
	assert_int_equal(s.n, 1);
}

static void test_no_server(void **state)
{
	assert_null(servers_hold(f->c.servers, SLICE("tel:+1")));
	assert_null(servers_hold(f->c.servers, SLICE("nonsense")));
	assert_int_equal(server_state(found("sip:nobody.example")), SERVER_NOWHERE);
	assert_int_equal(server_state(found("sip:slow.example")), SERVER_SILENT);
	assert_int_equal(n_changed, 2);
}

static void test_who_did_not_answer_rests(void **state)
{
	struct server *v = found("sip:as.example");
	uint32_t tried = 0;
	struct addr a;
	char text[ADDR_TEXT_MAX];

	assert_true(server_next(v, &tried, &a));
	assert_string_equal(addr_text(&a, text), "10.0.0.21:5070");
	server_failed(v, &a);
	tried = 0;
	assert_true(server_next(v, &tried, &a));
	assert_string_equal(addr_text(&a, text), "10.0.0.22:5080");
	assert_true(server_next(v, &tried, &a));
	assert_true(server_next(v, &tried, &a));
	assert_string_equal(addr_text(&a, text), "10.0.0.21:5070");
	assert_false(server_next(v, &tried, &a));
	server_answered(v, &a);
	tried = 0;
	assert_true(server_next(v, &tried, &a));
	assert_string_equal(addr_text(&a, text), "10.0.0.21:5070");
}

static void test_bounded(void **state)
{
	char uri[64];
	struct server *held = NULL;
	struct servers_stats s;

	for (int i = 0; i < SERVERS_MAX; i++) {
		snprintf(uri, sizeof(uri), "sip:10.1.%d.%d", i / 250, i % 250 + 1);
		held = servers_hold(f->c.servers, slice_str(uri));
		assert_non_null(held);
	}
	assert_null(servers_hold(f->c.servers, SLICE("sip:10.2.0.1")));
	servers_release(f->c.servers, held);
	assert_non_null(servers_hold(f->c.servers, SLICE("sip:10.2.0.1")));
	servers_stats(f->c.servers, &s);
	assert_int_equal(s.n, SERVERS_MAX);
	assert_int_equal(s.refused, 1);
}

/* A third-party REGISTER goes from address to address, and has failed when all have. */
static void test_register_goes_on_to_the_next(void **state)
{
	const struct record_owed like = {.key = 1,
					 .set_id = 2,
					 .serial = 3,
					 .expires_wall_ms = clock_wall_ms() + 60000,
					 .kind = IFC_REGISTER_INITIAL,
					 .impu = SLICE("sip:a@b"),
					 .to = SLICE("sip:a@b"),
					 .server = SLICE("sip:as.example")};
	struct owed_stats s;
	uint64_t until = clock_ms() + WAIT_MS;

	owed_take(f->c.owed, owed_stage(f->c.owed, &like));
	while (f->n_pending == 0 && clock_ms() < until)
		ev_run(f->c.loop, EVRUN_ONCE);
	fake_respond(f, NULL);
	fake_respond(f, NULL);
	owed_stats(f->c.owed, &s);
	assert_int_equal(s.sent, 3);
	assert_int_equal(s.failed, 0);
	assert_non_null(strstr(f->trace, "send 10.0.0.21:5070\nsend 10.0.0.22:5080\n"
					 "send 10.0.0.23:5080\n"));
	fake_respond(f, NULL);
	owed_stats(f->c.owed, &s);
	assert_int_equal(s.failed, 1);
	assert_int_equal(s.owed, 1);
	assert_int_equal(s.under_way, 0);
	assert_int_equal(fake_owed(f), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_all_addresses_in_order),       T(test_literals_peers_and_ourselves),
		T(test_one_server_for_many_uris),     T(test_no_server),
		T(test_who_did_not_answer_rests),     T(test_bounded),
		T(test_register_goes_on_to_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
