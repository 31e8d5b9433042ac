/* bench.c - a node on the test bench */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <urcu/urcu-qsbr.h>

#include "base/clock.h"
#include "support/buf_malloc.h"

static bool registered;

struct addr bench_addr(const char *text)
{
	struct addr a;

	assert_true(addr_parse(slice_str(text), 5060, &a));
	return a;
}

static void add_port(struct bench *b, const char *ip, uint8_t port, bool access)
{
	struct route r = {.prefix = bench_addr(ip), .bits = 24, .port = port, .access = access};

	r.prefix.port = 0;
	r.local = r.prefix;
	assert_true(route_add(&b->routes, &r));
	assert_true(route_add_local(&b->routes, &r.local, port, access));
}

struct bench *bench_open(uint32_t roles)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct tables_size size = {.impus = 1000, .registrations = 1000};

	/* A test that failed did not come to bench_close. */
	if (registered)
		urcu_qsbr_unregister_thread();
	urcu_qsbr_register_thread();
	registered = true;
	add_port(b, "10.10.0.1", 0, true);
	add_port(b, "10.20.0.1", 1, true);
	add_port(b, "10.30.0.1", 2, false);
	b->node = (struct node){
		.roles = roles,
		.routes = &b->routes,
		.realm = SLICE("ims.example"),
		.n_domains = 1,
		.domain = {SLICE("ims.example")},
		.pcscf_host = SLICE("pcscf.ims.example"),
		.icscf_host = SLICE("icscf.ims.example"),
		.scscf_host = SLICE("scscf.ims.example"),
		.scscf_uri = SLICE("sip:scscf.ims.example:5060"),
		.sip_port = 5060,
		.n_workers = 1,
		.n_peers = 1,
		.peer = {{.ip = bench_addr("10.30.0.0"), .bits = 24}},
		.n_routes = 1,
		.route = {{.user = SLICE("service"), .to = bench_addr("10.30.0.11:5070")}},
		.icscf = bench_addr("10.30.0.21"),
		.t1_ms = 500,
		.t2_ms = 4000,
		.t4_ms = 5000,
		.timer_c_ms = 185000,
		.ring_ms = 20000,
		.max_breadth = 60,
		.transactions = 64,
		.token_key = {1, 2},
		.branch_key = {3, 4},
	};
	b->emergency = (struct emergency){.normal = true, .unregistered_rate = 10};
	b->node.emergency = &b->emergency;
	b->tables = tables_create(&size, &b->node.token_key);
	assert_non_null(b->tables);
	b->worker = role_worker_create(&b->node, b->tables, &b->counters, 0);
	assert_non_null(b->worker);
	b->now = clock_ms();
	return b;
}

void bench_close(struct bench *b)
{
	role_worker_destroy(b->worker);
	tables_destroy(b->tables);
	urcu_qsbr_unregister_thread();
	registered = false;
	assert_int_equal(test_bufs_live(), 0);
	free(b);
}

void bench_put(struct bench *b, const struct abi_registration_view *v)
{
	/* The bench is reader and writer in one thread. */
	assert_int_equal(table_put(b->tables, v), INSTALL_OK);
}

void bench_register(struct bench *b, const char *name, uint32_t n_flows,
		    const char *const *flow)
{
	char impu[64], uri[SET_CONTACTS_MAX][96];
	struct abi_registration_view v = {
		.roles = (uint8_t)(ABI_REG_PCSCF | ABI_REG_SCSCF | b->roles),
		.n_impu = 1,
		.n_contact = n_flows};

	snprintf(impu, sizeof(impu), "sip:%s@ims.example", name);
	v.set_id = hash_table(&b->node.token_key, impu, (uint32_t)strlen(impu));
	v.impu[0] = (struct abi_impu_view){slice_str(impu), ABI_IMPU_DEFAULT, 0};
	for (uint32_t i = 0; i < n_flows; i++) {
		struct addr a = bench_addr(flow[i]);

		snprintf(uri[i], sizeof(uri[i]), "sip:%s@%s", name, flow[i]);
		v.contact[i] = (struct abi_contact_view){
			.flow = a,
			.local = bench_addr(a.ip[1] == 10 ? "10.10.0.1" : "10.20.0.1"),
			.expires_ms = b->now + 600000,
			.registered_ms = b->now + i,
			.q = 1000,
			.uri = slice_str(uri[i]),
		};
	}
	bench_put(b, &v);
}

static struct buf *make_buf(struct bench *b, const char *text, const char *src, const char *dst)
{
	struct buf *buf = buf_alloc(BENCH_MESSAGE_MAX);
	struct text t = text_in(buf->data, buf->tailroom);

	for (const char *c = text; *c; c++) {
		if (*c == '\n' && (c == text || c[-1] != '\r'))
			text_char(&t, '\r');
		text_char(&t, (uint8_t)*c);
	}
	assert_false(t.overflow);
	buf->len = t.len;
	buf->tailroom -= t.len;
	buf->src = bench_addr(src);
	buf->dst = bench_addr(dst);
	buf->sa_id = b->under;
	buf->port = b->routes.local_port[route_local(&b->routes, &buf->dst)];
	return buf;
}

/* What was kept and is asked about now. */
static void collect_asked(struct bench *b)
{
	struct outbox *out = &b->outbox;

	assert_in_range(out->n_asked, 0, 1);
	b->asked = out->n_asked ? out->asked[0].reason : 0;
	if (!b->asked)
		return;
	snprintf(b->asked_text, sizeof(b->asked_text), "%.*s",
		 SLICE_ARG(buf_slice(out->asked[0].b)));
	buf_free(out->asked[0].b);
	out->n_asked = 0;
}

static void collect_any(struct bench *b, bool sip)
{
	collect_asked(b);
	b->n_out = b->outbox.n;
	for (uint32_t i = 0; i < b->outbox.n; i++) {
		struct buf *buf = b->outbox.buf[i];
		struct bench_out *o = &b->out[i];

		assert_true(buf->len < sizeof(o->text));
		memcpy(o->text, buf->data, buf->len);
		o->text[buf->len] = 0;
		o->len = buf->len;
		o->src = buf->src;
		o->dst = buf->dst;
		o->sa_id = buf->sa_id;
		/* A 400 lacks what its request lacked. */
		assert_true(!sip || sip_parse(slice_of(o->text, buf->len), &o->msg) == SIP_OK ||
			    o->msg.status == 400);
		buf_free(buf);
	}
	b->outbox.n = 0;
}

static void note(struct bench *b)
{
	const struct role_notice *n = role_notice(b->worker);

	b->notice = (struct role_notice){0};
	if (!n)
		return;
	assert_true(n->b->len < sizeof(b->notice_text) && n->uri.len < sizeof(b->notice_uri));
	b->notice = *n;
	snprintf(b->notice_text, sizeof(b->notice_text), "%.*s", SLICE_ARG(buf_slice(n->b)));
	snprintf(b->notice_uri, sizeof(b->notice_uri), "%.*s", SLICE_ARG(n->uri));
}

static void collect(struct bench *b)
{
	collect_any(b, true);
}

static void run(struct bench *b, struct buf *buf)
{
	role_prepare(b->worker, 0, buf);
	role_approach(b->worker, 0);
	role_reach(b->worker, 0);
	b->verdict = role_message(b->worker, 0, b->now, &b->outbox, &b->punt, &b->owner);
	note(b);
	b->punt_user = b->verdict == VERDICT_PUNT ? buf->user : 0;
	if (b->verdict != VERDICT_SEND)
		buf_free(buf);
}

void bench_datagram(struct bench *b, const void *data, uint32_t len, const char *src,
		    const char *dst)
{
	struct buf *buf = make_buf(b, "", src, dst);

	/* The datagram ends where its memory ends: reading on is seen by the sanitizer. */
	buf->data += buf->tailroom - len;
	buf->tailroom = 0;
	memcpy(buf->data, data, len);
	buf->len = len;
	run(b, buf);
	collect_any(b, false);
}

void bench_input(struct bench *b, const char *text, const char *src, const char *dst)
{
	run(b, make_buf(b, text, src, dst));
	collect(b);
}

void bench_resume(struct bench *b, const char *text, const char *src, const char *dst,
		  enum abi_locate locate, uint16_t status, const char *hop, const char *route)
{
	struct abi_inject inject = {
		.type = INJECT_RESUME, .locate = (uint8_t)locate, .status = status};

	struct buf *buf = make_buf(b, text, src, dst);

	if (hop)
		inject.hop = bench_addr(hop);
	buf->user = inject.user = b->user;
	b->verdict = role_resume(b->worker, &inject, route ? slice_str(route) : SLICE_EMPTY,
				 buf, b->now, &b->outbox, &b->punt);
	note(b);
	if (b->verdict == VERDICT_PUNT) {
		b->punt_user = buf->user;
		buf_free(buf);
	}
	collect(b);
}

void bench_wait(struct bench *b, uint32_t ms)
{
	b->now += ms;
	while (role_tick(b->worker, b->now, &b->outbox))
		;
	collect(b);
}

const char *bench_header(struct bench *b, uint32_t i, enum sip_header_id id)
{
	static char value[BENCH_MESSAGE_MAX];
	struct slice s;

	assert_true(i < b->n_out);
	s = sip_first_value(&b->out[i].msg, id);
	snprintf(value, sizeof(value), "%.*s", SLICE_ARG(s));
	return value;
}

uint32_t bench_headers(struct bench *b, uint32_t i, enum sip_header_id id)
{
	uint32_t n = 0;

	assert_true(i < b->n_out);
	for (const struct sip_header *h = sip_first(&b->out[i].msg, id); h;
	     h = sip_next(&b->out[i].msg, h))
		n++;
	return n;
}

static void copy_headers(struct bench *b, uint32_t i, enum sip_header_id id, struct text *t)
{
	const struct sip_msg *m = &b->out[i].msg;

	for (const struct sip_header *h = sip_first(m, id); h; h = sip_next(m, h)) {
		text_put(t, sip_header_name(id));
		text_lit(t, ": ");
		text_put(t, sip_value(m, h));
		text_lit(t, "\n");
	}
}

const char *bench_response(struct bench *b, uint32_t i, const char *status_line,
			   const char *to_tag)
{
	static char memory[BENCH_MESSAGE_MAX];
	struct text t = text_in(memory, sizeof(memory));
	struct slice to;

	assert_true(i < b->n_out);
	to = sip_first_value(&b->out[i].msg, SIP_H_TO);
	text_lit(&t, "SIP/2.0 ");
	text_str(&t, status_line);
	text_lit(&t, "\n");
	copy_headers(b, i, SIP_H_VIA, &t);
	copy_headers(b, i, SIP_H_RECORD_ROUTE, &t);
	copy_headers(b, i, SIP_H_FROM, &t);
	text_lit(&t, "To: ");
	text_put(&t, to);
	if (to_tag) {
		text_lit(&t, ";tag=");
		text_str(&t, to_tag);
	}
	text_lit(&t, "\n");
	copy_headers(b, i, SIP_H_CALL_ID, &t);
	copy_headers(b, i, SIP_H_CSEQ, &t);
	text_lit(&t, "Contact: <sip:bob@10.20.0.2:5060>\nContent-Length: 0\n\n");
	return text_cstr(&t);
}

void bench_expect_count(struct bench *b, enum count_id id, uint64_t value)
{
	if (count_read(&b->counters, id) != value)
		fail_msg("%s is %llu, not %llu", count_info(id)->name,
			 (unsigned long long)count_read(&b->counters, id),
			 (unsigned long long)value);
}
