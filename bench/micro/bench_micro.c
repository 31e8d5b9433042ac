/* bench_micro.c - ns and cycles of the small operations that messages are made of
 *
 *   bench_micro [--quick] [NAME...]    figures NAME.ns and NAME.cycles, of all or the named
 *   bench_micro --list                 the names
 *   bench_micro --once NAME --count N  the operation N times and nothing else: counted by
 *                                      callgrind, once with few and once with many, the
 *                                      difference is the operation's own
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "figure/figure.h"
#include "op.h"

static const struct op *const ops[] = {
	&op_ring,       &op_punt,       &op_digest_md5,  &op_digest_sha256,
	&op_digest_aka, &op_aka_vector, &op_route,       &op_hash_table,
	&op_hash_mac,   &op_token_make, &op_token_check, &op_ifc,
};

enum { OPS = sizeof(ops) / sizeof(ops[0]), RUNS = 15, RUNS_QUICK = 5, NAME_MAX_LEN = 64 };

/* Long enough that the clock's own cost does not show, short enough that most runs pass without
 * the machine doing something else. */
enum { RUN_NS = 4000000, RUN_NS_QUICK = 1000000 };

static int lacks(const struct op *op)
{
	fprintf(stderr, "bench_micro: %s cannot be made ready\n", op->name);
	return 1;
}

static const struct op *find(const char *name)
{
	for (size_t i = 0; i < OPS; i++)
		if (!strcmp(ops[i]->name, name))
			return ops[i];
	fprintf(stderr, "bench_micro: no operation \"%s\"; --list has them all\n", name);
	exit(2);
}

/* The count that takes about so long. */
static uint32_t calibrate(const struct op *op, void *ctx, uint64_t wanted_ns)
{
	uint32_t n = 64;

	while (n < 1u << 28) {
		uint64_t begun = clock_ns(), took;

		if (!op->run(ctx, n))
			exit(lacks(op));
		took = clock_ns() - begun;
		if (took >= wanted_ns / 2)
			break;
		n *= 2;
	}
	return n;
}

static int measure(const struct op *op, bool quick)
{
	char ns_name[NAME_MAX_LEN], cycles_name[NAME_MAX_LEN];
	struct figure ns = {.name = ns_name, .unit = "ns"};
	struct figure cycles = {.name = cycles_name, .unit = "cycles"};
	void *ctx = op->open();
	uint32_t n;

	if (!ctx)
		return lacks(op);
	snprintf(ns_name, sizeof(ns_name), "%s.ns", op->name);
	snprintf(cycles_name, sizeof(cycles_name), "%s.cycles", op->name);
	n = calibrate(op, ctx, quick ? RUN_NS_QUICK : RUN_NS);
	for (int run = 0; run < (quick ? RUNS_QUICK : RUNS); run++) {
		uint64_t ns_begun = clock_ns(), tsc_begun = clock_tsc();

		op->run(ctx, n);
		figure_run(&cycles, (double)(clock_tsc() - tsc_begun) / n);
		figure_run(&ns, (double)(clock_ns() - ns_begun) / n);
	}
	figure_print(&ns);
	figure_print(&cycles);
	op->close(ctx);
	return 0;
}

static int once(const struct op *op, uint32_t n)
{
	void *ctx = op->open();

	if (!ctx)
		return lacks(op);
	if (n && !op->run(ctx, n))
		return lacks(op);
	op->close(ctx);
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: bench_micro [--quick] [NAME...] | --list | "
			"--once NAME --count N\n");
	return 2;
}

static int list(void)
{
	for (size_t i = 0; i < OPS; i++)
		puts(ops[i]->name);
	return 0;
}

int main(int argc, char **argv)
{
	bool quick = false;
	int at = 1, failed = 0;

	if (argc == 2 && !strcmp(argv[1], "--list"))
		return list();
	if (argc == 5 && !strcmp(argv[1], "--once") && !strcmp(argv[3], "--count"))
		return once(find(argv[2]), (uint32_t)strtoul(argv[4], NULL, 10));
	for (; at < argc && argv[at][0] == '-'; at++) {
		if (strcmp(argv[at], "--quick"))
			return usage();
		quick = true;
	}
	if (at == argc)
		for (size_t i = 0; i < OPS; i++)
			failed |= measure(ops[i], quick);
	for (; at < argc; at++)
		failed |= measure(find(argv[at]), quick);
	return failed;
}
