/* bench_worker.c - cycles a message costs in the whole worker loop, from ring to ring
 *
 * Calls between users drawn at random are played through one worker, step by step. Each step
 * goes over many calls before the next begins, so that what it needs of its users has left the
 * caches in between. Only worker_poll is timed; frames are made and read outside of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figure/figure.h"
#include "scene/scene.h"
#include "sip/parse.h"
#include "scene/talk.h"

enum step { INVITE, RINGING, OK, ACK, UPDATE, UPDATE_OK, MESSAGE, MESSAGE_OK, REFRESH, STEPS };

static const char *const step_name[STEPS] = {
	"worker.invite.cycles",  "worker.invite.180.cycles",  "worker.invite.200.cycles",
	"worker.ack.cycles",     "worker.indialog.cycles",    "worker.response.cycles",
	"worker.message.cycles", "worker.message.200.cycles", "worker.refresh.cycles",
};

/* What the far side will send next in a call. */
struct line {
	struct talk talk;
	uint16_t len;
	uint8_t text[SCENE_FRAME_MAX - SCENE_HEADERS];
};

struct bench {
	struct scene *scene;
	uint32_t calls;
	uint64_t number;
	struct line *line;
	struct rte_mbuf *out[2 * SCENE_BATCH];
	struct figure figure[STEPS];
	struct figure stage[SCENE_STAGES];
	enum step counted; /* with --count: the step to watch */
};

static void fail(const char *what)
{
	fprintf(stderr, "bench_worker: %s\n", what);
	exit(1);
}

static void draw_calls(struct bench *b)
{
	for (uint32_t i = 0; i < b->calls; i++) {
		struct talk *t = &b->line[i].talk;

		t->caller = (uint32_t)random() % b->scene->users;
		do
			t->callee = (uint32_t)random() % b->scene->users;
		while (t->callee == t->caller);
		t->number = ++b->number;
	}
}

static struct text line_text(struct line *l)
{
	return text_in(l->text, sizeof(l->text));
}

static void line_end(struct line *l, const struct text *t)
{
	if (t->overflow)
		fail("a message is longer than a frame");
	l->len = (uint16_t)t->len;
}

static bool from_callee(enum step s)
{
	return s == RINGING || s == OK || s == UPDATE_OK || s == MESSAGE_OK;
}

/* A second message of the side that sent the last one is made from that; any other from what
 * has come to its sender. */
static void write_next(struct line *l, enum step next, struct slice arrived)
{
	static struct sip_msg m;
	uint8_t own[sizeof(l->text)];
	struct slice source = arrived;
	struct text t = line_text(l);

	if (next == OK || next == UPDATE) {
		memcpy(own, l->text, l->len);
		source = slice_of(own, l->len);
	}
	if (sip_parse(source, &m) != SIP_OK)
		fail("a message cannot be read");
	if (next == RINGING)
		talk_answer(&t, &l->talk, &m, "SIP/2.0 180 Ringing", 0);
	else if (next == OK || next == UPDATE_OK)
		talk_answer(&t, &l->talk, &m, "SIP/2.0 200 OK", TALK_SIZE);
	else if (next == MESSAGE_OK)
		talk_answer(&t, &l->talk, &m, "SIP/2.0 200 OK", 0);
	else if (next == ACK)
		talk_in_dialog(&t, &l->talk, &m, "ACK", 1, 0);
	else if (next == UPDATE)
		talk_in_dialog(&t, &l->talk, &m, "UPDATE", 2, TALK_SIZE);
	line_end(l, &t);
}

/* Takes what came out of one batch, one message a call towards the other side, in order. */
static void take(struct bench *b, uint32_t from, uint32_t n_out, enum step s, enum step next)
{
	uint8_t room[SCENE_FRAME_MAX];
	uint32_t at = from;

	for (uint32_t i = 0; i < n_out; i++) {
		struct slice text = scene_message(b->out[i], room);
		struct addr to = scene_destination(b->out[i]), wanted;
		struct line *l = &b->line[at];

		if (s == INVITE && slice_starts(text, SLICE("SIP/2.0 100 ")))
			continue;
		wanted = scene_flow(from_callee(s) || s == REFRESH ? l->talk.caller
								   : l->talk.callee);
		if (at == b->calls || !addr_eq(&to, &wanted)) {
			fprintf(stderr, "%.*s\n", SLICE_ARG(text));
			fail("this came out, and was not expected");
		}
		if (next != STEPS)
			write_next(l, next, text);
		at++;
	}
	scene_drop(b->out, n_out);
}

/* callgrind collects inside this function alone (bench/README.md). */
static __attribute__((noinline)) uint32_t counted_run(struct bench *b, struct scene_cost *cost)
{
	return scene_run(b->scene, cost, b->out, 2 * SCENE_BATCH);
}

static void do_batch(struct bench *b, uint32_t from, uint32_t n, enum step s, enum step next,
		     struct scene_cost *cost)
{
	uint32_t n_out;

	for (uint32_t i = from; i < from + n; i++) {
		struct line *l = &b->line[i];

		scene_feed(b->scene, from_callee(s) ? l->talk.callee : l->talk.caller,
			   slice_of(l->text, l->len));
	}
	n_out = s == b->counted ? counted_run(b, cost)
				: scene_run(b->scene, cost, b->out, 2 * SCENE_BATCH);
	if (n_out < n)
		fail("messages were lost");
	take(b, from, n_out, s, next);
}

/* A second time over the in-dialog requests, which leave nothing behind: where the cycles go.
 */
static void do_stages(struct bench *b)
{
	struct scene_cost cost = {.staged = true};

	for (uint32_t i = 0; i < b->calls; i += SCENE_BATCH)
		do_batch(b, i, SCENE_BATCH, UPDATE, STEPS, &cost);
	for (int i = 0; i < SCENE_STAGES; i++)
		figure_run(&b->stage[i], (double)cost.stage[i] / (double)cost.messages);
}

/* One step of all calls. */
static void do_step(struct bench *b, enum step s, enum step next)
{
	struct scene_cost cost = {0};

	for (uint32_t i = 0; i < b->calls; i += SCENE_BATCH)
		do_batch(b, i, SCENE_BATCH, s, next, &cost);
	figure_run(&b->figure[s], (double)cost.cycles / (double)cost.messages);
}

static void write_first(struct bench *b, uint32_t i, enum step s)
{
	struct line *l = &b->line[i];
	struct text t = line_text(l);

	if (s == REFRESH)
		talk_refresh(&t, &l->talk);
	else if (s == INVITE)
		talk_invite(&t, &l->talk);
	else
		talk_message(&t, &l->talk);
	line_end(l, &t);
}

/* An INVITE holds buffers until it is answered, so one batch is answered before the next. */
static void do_setups(struct bench *b)
{
	struct scene_cost cost[3] = {0};

	for (uint32_t i = 0; i < b->calls; i += SCENE_BATCH) {
		for (uint32_t k = i; k < i + SCENE_BATCH; k++)
			write_first(b, k, INVITE);
		do_batch(b, i, SCENE_BATCH, INVITE, RINGING, &cost[INVITE]);
		do_batch(b, i, SCENE_BATCH, RINGING, OK, &cost[RINGING]);
		do_batch(b, i, SCENE_BATCH, OK, ACK, &cost[OK]);
	}
	for (enum step s = INVITE; s <= OK; s++)
		figure_run(&b->figure[s], (double)cost[s].cycles / (double)cost[s].messages);
}

static void do_round(struct bench *b)
{
	draw_calls(b);
	do_setups(b);
	do_step(b, ACK, UPDATE);
	if (b->counted == STEPS)
		do_stages(b);
	do_step(b, UPDATE, UPDATE_OK);
	do_step(b, UPDATE_OK, STEPS);
	draw_calls(b);
	for (uint32_t i = 0; i < b->calls; i++)
		write_first(b, i, MESSAGE);
	do_step(b, MESSAGE, MESSAGE_OK);
	do_step(b, MESSAGE_OK, STEPS);
	for (uint32_t i = 0; i < b->calls; i++)
		write_first(b, i, REFRESH);
	do_step(b, REFRESH, STEPS);
}

static enum step find_step(const char *name)
{
	enum step s = 0;

	while (s < STEPS && strcmp(step_name[s], name) != 0)
		s++;
	return s;
}

/* How many users the name of a scale means; 0: there is none of that name. */
static uint32_t find_scale(const char *name)
{
	if (!strcmp(name, "10k"))
		return 10000;
	return strcmp(name, "10m") == 0 ? 10000000 : 0;
}

static bool find_suite(const char *name, enum esp_cipher *cipher, enum esp_integrity *integrity)
{
	bool gcm = !strcmp(name, "gcm");

	*cipher = gcm ? ESP_AES_GCM : ESP_AES_CBC;
	*integrity = gcm ? ESP_INTEGRITY_NONE : ESP_HMAC_SHA_1_96;
	return gcm || !strcmp(name, "cbc_sha1");
}

static void print_all(const struct bench *b)
{
	for (enum step s = 0; s < STEPS; s++)
		figure_print(&b->figure[s]);
	for (int i = 0; i < SCENE_STAGES; i++)
		figure_print(&b->stage[i]);
}

/* An in-dialog request and its response under security associations: worker.esp.*. */
static void print_esp(struct bench *b, const char *suite)
{
	static const enum step shown[] = {UPDATE, UPDATE_OK};
	char name[64];

	for (uint32_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		struct figure *f = &b->figure[shown[i]];

		snprintf(name, sizeof(name), "worker.esp.%s%s.cycles", suite,
			 shown[i] == UPDATE ? "" : ".response");
		f->name = name;
		figure_print(f);
	}
}

/* The steps that have a target, under the scale's name. */
static void print_scale(struct bench *b, const char *scale)
{
	static const enum step shown[] = {INVITE, UPDATE, UPDATE_OK};
	char name[64];

	for (uint32_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		struct figure *f = &b->figure[shown[i]];

		snprintf(name, sizeof(name), "%s.%s", f->name, scale);
		f->name = name;
		figure_print(f);
	}
}

int main(int argc, char **argv)
{
	struct bench b = {.counted = STEPS};
	uint32_t users = 1000000, rounds = 5;
	const char *scale = NULL, *suite = NULL;
	enum esp_cipher cipher = ESP_NULL;
	enum esp_integrity integrity = ESP_INTEGRITY_NONE;
	char stage_name[SCENE_STAGES][40];
	bool huge = true;

	b.calls = 32768;
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--quick")) {
			users = 100000;
			rounds = 2;
			b.calls = 8192;
		} else if (!strcmp(argv[i], "--count") && i + 1 < argc &&
			   (b.counted = find_step(argv[++i])) != STEPS) {
			/* Few and always the same: for counting instructions under callgrind,
			 * which cannot give DPDK the address space that huge pages take. */
			huge = false;
			users = 2000;
			rounds = 1;
			b.calls = SCENE_BATCH;
		} else if (!strcmp(argv[i], "--scale") && i + 1 < argc &&
			   find_scale(argv[i + 1])) {
			scale = argv[++i];
			users = find_scale(scale);
		} else if (!strcmp(argv[i], "--esp") && i + 1 < argc &&
			   find_suite(argv[i + 1], &cipher, &integrity)) {
			suite = argv[++i];
			users = 100000;
			b.calls = 8192;
		} else {
			fprintf(stderr, "usage: bench_worker [--quick | --scale 10k|10m | "
					"--esp cbc_sha1|gcm | --count FIGURE]\n");
			return 2;
		}
	}
	srandom(1);
	b.line = calloc(b.calls, sizeof(*b.line));
	if (!b.line)
		fail("no memory");
	b.scene = scene_open_protected(users, huge, cipher, integrity);
	for (enum step s = 0; s < STEPS; s++)
		b.figure[s] = (struct figure){.name = step_name[s], .unit = "cycles"};
	for (int i = 0; i < SCENE_STAGES; i++) {
		snprintf(stage_name[i], sizeof(stage_name[i]), "worker.stage.%s.cycles",
			 scene_stage_name[i]);
		b.stage[i] = (struct figure){.name = stage_name[i], .unit = "cycles"};
	}
	for (uint32_t r = 0; r < rounds; r++)
		do_round(&b);
	if (suite)
		print_esp(&b, suite);
	else if (scale)
		print_scale(&b, scale);
	else
		print_all(&b);
	scene_close(b.scene);
	free(b.line);
	return 0;
}
