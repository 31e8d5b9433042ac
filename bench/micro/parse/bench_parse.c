/* bench_parse.c - what parsing, editing and emitting a message costs, beside libosip2
 *
 * Each figure goes over 64 messages that differ in names, numbers and lengths, in an order
 * drawn at random, so that the branch predictor cannot learn one message by heart.
 *
 *   bench_parse [--quick] [--loop STAGE COUNT]
 *
 * --loop runs one stage over COUNT messages and prints nothing: for callgrind, which counts
 * the instructions.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/addr.h"
#include "base/clock.h"
#include "figure/figure.h"
#include "messages.h"
#include "osip.h"
#include "sip/emit.h"
#include "sip/field.h"
#include "sip/name_addr.h"
#include "sip/parse.h"
#include "sip/reply.h"
#include "sip/uri.h"
#include "sip/via.h"

enum { RUNS = 41, QUICK_RUNS = 15, BATCH = 2048, OSIP_BATCH = 256, GROUP = 8, HEADROOM = 256 };

struct set {
	struct slice message[MESSAGES];
	struct slice via[MESSAGES], uri[MESSAGES];
	uint8_t memory[MESSAGES * MESSAGE_ROOM];
};

struct bench {
	struct set set[3]; /* by message_kind */
	uint8_t order[BATCH];
	struct sip_msg msg;
	struct sip_edits edits;
	uint64_t sink; /* keeps what was decoded from being optimised away */
	struct sip_msg group[GROUP];
	uint8_t place[GROUP][HEADROOM + MESSAGE_ROOM];
};

static void fail(const char *what)
{
	fprintf(stderr, "bench_parse: %s\n", what);
	exit(1);
}

static void make_set(struct bench *b, enum message_kind kind)
{
	struct set *s = &b->set[kind];

	for (uint32_t v = 0; v < MESSAGES; v++) {
		struct text t = text_in(s->memory + v * MESSAGE_ROOM, MESSAGE_ROOM);

		message_put(&t, kind, v);
		if (t.overflow || sip_parse(text_slice(&t), &b->msg) != SIP_OK)
			fail("a message of the bench is not sound");
		s->message[v] = text_slice(&t);
		s->via[v] = sip_first_value(&b->msg, SIP_H_VIA);
		s->uri[v] = b->msg.uri;
	}
}

/* All a proxy reads of every message (RFC 3261 §16.3, §16.4, §16.7). */
static uint64_t read_all(struct sip_msg *m, struct slice datagram)
{
	struct slice rest, call_id;
	struct sip_name_addr route;
	struct sip_via via;
	struct sip_uri uri;
	uint8_t forwards = 70;
	uint64_t sum;

	if (sip_parse(datagram, m) != SIP_OK)
		fail("parse");
	if (sip_via_decode(sip_first_value(m, SIP_H_VIA), &via, &rest) != SIP_OK)
		fail("via");
	call_id = sip_first_value(m, SIP_H_CALL_ID);
	sum = call_id.len + m->from_tag.len + m->to_tag.len + via.branch.len + m->cseq +
	      via.port;
	if (!sip_is_request(m))
		return sum;
	if (sip_uri_decode(m->uri, &uri) != SIP_OK)
		fail("uri");
	if (sip_max_forwards_decode(sip_first_value(m, SIP_H_MAX_FORWARDS), &forwards) !=
	    SIP_OK)
		fail("max-forwards");
	if (sip_name_addr_decode(sip_first_value(m, SIP_H_ROUTE), SIP_E_ROUTE, &route, &rest) !=
	    SIP_OK)
		fail("route");
	return sum + forwards + uri.user.len + route.uri.len;
}

typedef void stage_fn(struct bench *b, uint32_t which);

static void stage_invite(struct bench *b, uint32_t i)
{
	b->sink += read_all(&b->msg, b->set[MESSAGE_INVITE].message[i]);
}

static void stage_indialog(struct bench *b, uint32_t i)
{
	b->sink += read_all(&b->msg, b->set[MESSAGE_INDIALOG].message[i]);
}

static void stage_response(struct bench *b, uint32_t i)
{
	b->sink += read_all(&b->msg, b->set[MESSAGE_RESPONSE].message[i]);
}

static void stage_index(struct bench *b, uint32_t i)
{
	if (sip_parse(b->set[MESSAGE_INVITE].message[i], &b->msg) != SIP_OK)
		fail("parse");
	b->sink += b->msg.cseq;
}

static void stage_via(struct bench *b, uint32_t i)
{
	struct sip_via via;
	struct slice rest;

	if (sip_via_decode(b->set[MESSAGE_INVITE].via[i], &via, &rest) != SIP_OK)
		fail("via");
	b->sink += via.branch.len + via.port;
}

static void stage_uri(struct bench *b, uint32_t i)
{
	struct sip_uri uri;

	if (sip_uri_decode(b->set[MESSAGE_INVITE].uri[i], &uri) != SIP_OK)
		fail("uri");
	b->sink += uri.user.len + uri.port;
}

static void stage_osip(struct bench *b, uint32_t i)
{
	if (!bench_osip_parse(b->set[MESSAGE_INVITE].message[i]))
		fail("libosip2 refuses the message");
}

static double time_batch(struct bench *b, stage_fn *stage, uint32_t count)
{
	uint64_t start = clock_tsc();

	for (uint32_t i = 0; i < count; i++)
		stage(b, b->order[i]);
	return (double)(clock_tsc() - start) / count;
}

/* What a proxy changes in a request inside a dialog: its Route goes, Max-Forwards counts down,
 * the top Via learns its source, and our own Via comes on top. */
static void edit_request(struct sip_edits *e, const struct sip_msg *m,
			 const struct sip_via *via)
{
	static const struct addr local = {.ip = {10, 255, 0, 1}, .port = 5060, .family = 4};
	static const struct addr source = {.ip = {10, 1, 2, 3}, .port = 40000, .family = 4};
	const struct sip_header *h = sip_first(m, SIP_H_MAX_FORWARDS);
	uint32_t from = e->arena.len;
	struct slice old, params;

	sip_edits_reset(e);
	from = e->arena.len;
	sip_edit_delete_header(e, sip_first(m, SIP_H_ROUTE));
	text_u64(&e->arena, 69);
	sip_edit_replace(e, h->value, h->value_len, text_since(&e->arena, from));
	from = e->arena.len;
	sip_via_received(via, &source, &e->arena, &old);
	params = text_since(&e->arena, from);
	sip_edit_replace_slice(e, m, old, params);
	from = e->arena.len;
	text_lit(&e->arena, "Via: SIP/2.0/UDP ");
	addr_put_host(&e->arena, &local);
	text_char(&e->arena, ':');
	text_u64(&e->arena, local.port);
	text_lit(&e->arena, ";branch=z9hG4bKs");
	text_hex(&e->arena, m->cseq * 0x9e3779b97f4a7c15u, 16);
	text_lit(&e->arena, "\r\n");
	sip_edit_push(e, m, text_since(&e->arena, from));
}

static void emit(struct bench *b, struct sip_msg *m, const struct sip_via *via,
		 struct slice rest)
{
	uint32_t len;

	if (sip_is_request(m)) {
		edit_request(&b->edits, m, via);
	} else {
		sip_edits_reset(&b->edits);
		sip_edit_delete_first_value(&b->edits, m, sip_first(m, SIP_H_VIA), rest);
	}
	if (!sip_emit_in_place(m, &b->edits, HEADROOM, &len))
		fail("emit");
	b->sink += len;
}

/* Messages are put back and parsed outside of the time taken: a few at once, so that all lies
 * in the first cache, as it does for the worker. */
static double time_emit(struct bench *b, enum message_kind kind, uint32_t count)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i + GROUP <= count; i += GROUP) {
		struct sip_via via[GROUP];
		struct slice rest[GROUP];
		uint64_t start;

		for (uint32_t g = 0; g < GROUP; g++) {
			struct slice s = b->set[kind].message[b->order[i + g]];
			uint8_t *place = b->place[g] + HEADROOM;

			memcpy(place, s.p, s.len);
			sip_parse(slice_of(place, s.len), &b->group[g]);
			sip_via_decode(sip_first_value(&b->group[g], SIP_H_VIA), &via[g],
				       &rest[g]);
		}
		start = clock_tsc();
		for (uint32_t g = 0; g < GROUP; g++)
			emit(b, &b->group[g], &via[g], rest[g]);
		sum += clock_tsc() - start;
	}
	return (double)sum / (count / GROUP * GROUP);
}

static double ns_per_cycle(void)
{
	uint64_t ns = clock_ns(), tsc = clock_tsc(), now;

	do
		now = clock_ns();
	while (now - ns < 20000000);
	return (double)(now - ns) / (double)(clock_tsc() - tsc);
}

static const struct {
	const char *name;
	stage_fn *stage;
	enum message_kind emit; /* without a stage */
} stages[] = {
	{"parse.invite.cycles", stage_invite, 0},
	{"parse.index.cycles", stage_index, 0},
	{"parse.via.cycles", stage_via, 0},
	{"parse.uri.cycles", stage_uri, 0},
	{"parse.response.cycles", stage_response, 0},
	{"parse.indialog.cycles", stage_indialog, 0},
	{"emit.indialog.cycles", NULL, MESSAGE_INDIALOG},
	{"emit.response.cycles", NULL, MESSAGE_RESPONSE},
};

enum { STAGES = sizeof(stages) / sizeof(stages[0]) };

static double run_stage(struct bench *b, uint32_t s, uint32_t count)
{
	return stages[s].stage ? time_batch(b, stages[s].stage, count)
			       : time_emit(b, stages[s].emit, count);
}

/* The figures of one stage, and of libosip2, take turns: what disturbs the machine meets all.
 */
static void run(struct bench *b, uint32_t runs)
{
	struct figure figure[STAGES] = {0};
	struct figure invite = {.name = "parse.invite.ns", .unit = "ns"};
	struct figure osip = {.name = "parse.osip.ns", .unit = "ns"};
	struct figure ratio = {.name = "ratio.parse.osip", .unit = "times"};
	double ns = ns_per_cycle();

	for (uint32_t r = 0; r < runs; r++) {
		for (uint32_t s = 0; s < STAGES; s++) {
			double cycles = run_stage(b, s, BATCH);

			figure[s].name = stages[s].name;
			figure[s].unit = "cycles";
			figure_run(&figure[s], cycles);
			if (s == 0)
				figure_run(&invite, cycles * ns);
		}
		figure_run(&osip, time_batch(b, stage_osip, OSIP_BATCH) * ns);
		figure_run(&ratio, osip.run[r] / invite.run[r]);
	}
	figure_print(&invite);
	for (uint32_t s = 0; s < STAGES; s++)
		figure_print(&figure[s]);
	figure_print(&osip);
	figure_print(&ratio);
}

static void loop(struct bench *b, const char *name, uint32_t count)
{
	for (uint32_t s = 0; s < STAGES; s++) {
		if (strcmp(stages[s].name, name) != 0)
			continue;
		for (; count > BATCH; count -= BATCH)
			run_stage(b, s, BATCH);
		run_stage(b, s, count);
		return;
	}
	fail("no such stage");
}

int main(int argc, char **argv)
{
	static struct bench b;
	uint64_t seed = 88172645463325252u;

	for (uint32_t i = 0; i < BATCH; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		b.order[i] = (uint8_t)(seed % MESSAGES);
	}
	make_set(&b, MESSAGE_INVITE);
	make_set(&b, MESSAGE_INDIALOG);
	make_set(&b, MESSAGE_RESPONSE);
	if (argc == 4 && strcmp(argv[1], "--loop") == 0) {
		loop(&b, argv[2], (uint32_t)strtoul(argv[3], NULL, 10));
		return 0;
	}
	bench_osip_start();
	run(&b, argc == 2 && strcmp(argv[1], "--quick") == 0 ? QUICK_RUNS : RUNS);
	return 0;
}
