/* figure.c - one measured number: several runs, printed with its spread */
#include "figure/figure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void figure_run(struct figure *f, double value)
{
	if (f->n < FIGURE_RUNS_MAX)
		f->run[f->n++] = value;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void sorted(const struct figure *f, double run[FIGURE_RUNS_MAX])
{
	memcpy(run, f->run, f->n * sizeof(run[0]));
	qsort(run, f->n, sizeof(run[0]), by_value);
}

double figure_median(const struct figure *f)
{
	double run[FIGURE_RUNS_MAX];

	if (f->n == 0)
		return 0;
	sorted(f, run);
	return (run[(f->n - 1) / 2] + run[f->n / 2]) / 2;
}

void figure_print(const struct figure *f)
{
	double run[FIGURE_RUNS_MAX];

	if (f->n == 0)
		return;
	sorted(f, run);
	printf("figure\t%s\t%.6g\t%s\t%u\t%.6g\t%.6g\n", f->name, figure_median(f), f->unit,
	       f->n, run[0], run[f->n - 1]);
	fflush(stdout);
}
