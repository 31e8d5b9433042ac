/* figure.h - one measured number: several runs, printed with its spread
 *
 * Every benchmark program prints its results with these functions, one line a figure on
 * standard output, fields between tabs:
 *
 *   figure  NAME  MEDIAN  UNIT  RUNS  MIN  MAX
 *
 * bench/run reads these lines and passes all others through. Not for several threads.
 */
#pragma once

#include <stdint.h>

enum { FIGURE_RUNS_MAX = 64 };

struct figure {
	const char *name; /* as bench/README.md lists it */
	const char *unit;
	uint32_t n;
	double run[FIGURE_RUNS_MAX];
};

/* Adds one run's result. Runs past FIGURE_RUNS_MAX are not kept. */
void figure_run(struct figure *f, double value);
/* The middle of the runs; of an even number, the mean of the two in the middle. 0 without runs.
 */
double figure_median(const struct figure *f);
/* Writes the line. Without runs it writes nothing. */
void figure_print(const struct figure *f);
