/* bench_table.c - what the tables cost with ten thousand, a million and ten million users
 *
 *   bench_table [--quick]
 *
 * Figures, in cycles of the time stamp counter for one message, N being 10k, 1m or 10m users:
 *
 *   table.lookup.cycles.N  an identity and a flow of two users at random, from text and address
 *                          to both registrations: hashes, both stages of prefetching, look-ups,
 *                          in bursts of 32
 *   table.alone.cycles.N   the same one by one and without prefetching
 *   table.user.cycles.N    an in-dialog request: from a token's hash to the registration and
 * its contact on a flow; prefetched, in bursts of 32 ratio.table.lookup     10m against 10k,
 * each by its best run: what else uses the machine's memory and cache only ever adds
 *
 * Of the largest tables: table.bytes_per_contact, table.installs_per_s (new sets) and
 * table.replaces_per_s (sets at random, put again). --quick leaves out the ten million, which
 * take about 6 GB. And of the memory itself: memory.near.cycles, memory.far.cycles (memory.h).
 */
#include "figure/figure.h"
#include "looks.h"
#include "memory.h"
#include "users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include <urcu-qsbr.h>

enum {
	BATCH = 64,   /* views made up at a time */
	BURSTS = 300, /* of BURST_MAX look-ups in a run */
	REPLACES = 200000,
	RUNS = 60,
	WARM_RUNS = 300,
	LONG_MS = 1 << 30,
};

struct scale {
	const char *name;
	uint64_t users;
};

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_table: %s\n", what);
	exit(1);
}

/* Puts n users, every `step`th of them and round again, and gives how many a second. */
static double put_many(struct tables *t, uint64_t users, uint64_t n, uint64_t step)
{
	static struct user_view view[BATCH];
	double spent = 0;

	for (uint64_t i = 0; i < n; i += BATCH) {
		uint64_t batch = n - i < BATCH ? n - i : BATCH;

		for (uint64_t j = 0; j < batch; j++)
			user_fill(&view[j], (i + j) * step % users, LONG_MS + i);
		double from = seconds();
		for (uint64_t j = 0; j < batch; j++)
			must(table_put(t, &view[j].v) == INSTALL_OK, "a user does not fit");
		spent += seconds() - from;
	}
	return (double)n / spent;
}

static void one(const char *name, const char *unit, double value)
{
	struct figure f = {.name = name, .unit = unit};

	figure_run(&f, value);
	figure_print(&f);
}

/* A figure in cycles of one look at tables of this scale; its best run. */
static double looked(const char *what, const struct scale *s, const struct tables *t,
		     double (*look)(const struct tables *, uint64_t, uint32_t))
{
	char name[64];
	struct figure f = {.name = name, .unit = "cycles"};

	snprintf(name, sizeof(name), "table.%s.cycles.%s", what, s->name);
	double best = look(t, s->users, BURSTS);

	for (uint32_t i = 0; i < RUNS; i++) {
		double run = look(t, s->users, BURSTS);

		figure_run(&f, run);
		if (run < best)
			best = run;
	}
	figure_print(&f);
	return best;
}

/* The best run of table.lookup. */
static double scale_run(const struct scale *s, bool largest)
{
	struct tables_size size = {.impus = (uint32_t)s->users * USER_IMPUS,
				   .registrations = (uint32_t)s->users};
	struct hash_key key = {__rdtsc(), 0x5a6b};
	struct tables *t = tables_create(&size, &key);
	struct tables_stats stats;

	must(t != NULL, "no memory for the tables");
	double installs = put_many(t, s->users, s->users, 1);
	tables_stats(t, &stats);
	/* Until all memory has been met at random, a virtual machine's host is still finding
	 * pages for it. */
	for (uint32_t i = 0; i < WARM_RUNS; i++)
		looks_lookup(t, s->users, BURSTS);
	double lookup = looked("lookup", s, t, looks_lookup);
	looked("alone", s, t, looks_alone);
	looked("user", s, t, looks_user);
	if (largest) {
		/* A prime, so that each is a user far from the one before. */
		double replaces = put_many(t, s->users, REPLACES, 7368787);

		one("table.bytes_per_contact", "octets",
		    (double)stats.memory_used / (double)stats.contacts);
		one("table.installs_per_s", "1/s", installs);
		one("table.replaces_per_s", "1/s", replaces);
	}
	tables_destroy(t);
	return lookup;
}

int main(int argc, char **argv)
{
	static const struct scale scale[] = {
		{"10k", 10000}, {"1m", 1000000}, {"10m", 10000000}};
	bool quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
	uint32_t n = quick ? 2 : 3;
	double lookup[3];

	if (argc > 1 && !quick) {
		fputs("usage: bench_table [--quick]\n", stderr);
		return 2;
	}
	one("memory.near.cycles", "cycles", memory_read(64));
	one("memory.far.cycles", "cycles", memory_read(4096 + 64));
	urcu_qsbr_register_thread();
	for (uint32_t i = 0; i < n; i++)
		lookup[i] = scale_run(&scale[i], i == n - 1);
	if (!quick)
		one("ratio.table.lookup", "x", lookup[2] / lookup[0]);
	urcu_qsbr_unregister_thread();
	return 0;
}
