/* test_golden.c - messages in, messages out, octet for octet: tests/golden/NAME.in and NAME.out
 *
 * A .in file is one step after the other: a line "> SOURCE DESTINATION", then the message. The
 * .out file is what left the node, each with "< SOURCE DESTINATION" before it. The node and its
 * users are bench.c's; its keys are fixed, so that all is the same at each run but what names a
 * transaction: those digits are written as '*'. With GOLDEN_WRITE set, .out files are written
 * anew: read the difference before it is committed.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 65536 };

static void read_file(const char *name, const char *end, char *out)
{
	char path[512];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), GOLDEN_FOLDER "/%s.%s", name, end);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s cannot be read", path);
	n = fread(out, 1, FILE_MAX - 1, f);
	out[n] = 0;
	fclose(f);
}

/* Slot, generation and check of a transaction's branch. */
static void mask_branches(char *text)
{
	for (char *at = text; (at = strstr(at, "z9hG4bK")); at += 8) {
		if (strspn(at + 8, "0123456789abcdef") != 34)
			continue;
		for (char *c = at + 8; *c && *c != '.'; c++)
			*c = '*';
	}
}

static void append(char *all, struct bench *b)
{
	for (uint32_t i = 0; i < b->n_out; i++) {
		char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX], *to = all + strlen(all);

		char *begin = to;

		to += sprintf(to, "< %s %s\n", addr_text(&b->out[i].src, src),
			      addr_text(&b->out[i].dst, dst));
		for (const char *c = b->out[i].text; *c; c++)
			if (*c != '\r')
				*to++ = *c;
		*to = 0;
		mask_branches(begin); /* the copy: what left is still to be answered */
	}
}

/* In a response, "@VIA@" and "@RR@" stand for what the last request that left had there. */
static void fill_in(struct bench *b, const char *message, char *out)
{
	static const struct {
		const char *name;
		enum sip_header_id id;
	} places[] = {{"@VIA@", SIP_H_VIA}, {"@RR@", SIP_H_RECORD_ROUTE}};
	const char *at = message;

	*out = 0;
	while (*at) {
		bool filled = false;

		for (int i = 0; i < 2 && !filled; i++) {
			if (strncmp(at, places[i].name, strlen(places[i].name)) != 0)
				continue;
			strcat(out, bench_header(b, b->n_out - 1, places[i].id));
			at += strlen(places[i].name);
			filled = true;
		}
		if (!filled)
			strncat(out, at++, 1);
	}
}

static void run_steps(struct bench *b, char *in, char *all)
{
	char *next, message[BENCH_MESSAGE_MAX], src[64], dst[64];

	for (char *step = strstr(in, "> "); step; step = next) {
		char *text = strchr(step, '\n') + 1;

		next = strstr(text, "\n> ");
		if (next)
			*next++ = 0;
		assert_int_equal(sscanf(step, "> %63s %63s", src, dst), 2);
		fill_in(b, text, message);
		if (next)
			strcat(message, "\n");
		bench_input(b, message, src, dst);
		append(all, b);
	}
}

static void golden(void **state)
{
	static const char *const alice[] = {"10.10.0.2:5060"}, *const bob[] = {
								       "10.20.0.2:5060"};
	static char in[FILE_MAX], is[FILE_MAX], wanted[FILE_MAX];
	const char *name = *state;
	struct bench *b = bench_open(NODE_PCSCF | NODE_ICSCF | NODE_SCSCF);

	bench_register(b, "alice", 1, alice);
	bench_register(b, "bob", 1, bob);
	read_file(name, "in", in);
	is[0] = 0;
	run_steps(b, in, is);
	if (getenv("GOLDEN_WRITE")) {
		char path[512];
		snprintf(path, sizeof(path), GOLDEN_FOLDER "/%s.out", name);
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		fputs(is, f);
		fclose(f);
	}
	read_file(name, "out", wanted);
	assert_string_equal(is, wanted);
	bench_close(b);
}

#define GOLDEN(name)                                                                           \
	{                                                                                      \
		"golden_" name, golden, NULL, NULL, (void *)name                               \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GOLDEN("call"),
		GOLDEN("message"),
		GOLDEN("busy"),
		GOLDEN("refused"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
