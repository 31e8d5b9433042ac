/* report.h - what came of it: a table for people, JSON for programs */
#pragma once

#include "blast/blast.h"

enum { STAIRS_MAX = 64 };

struct stair {
	double rate;
	bool pass;
	struct tally tally;
};

struct climb {
	uint32_t n;
	struct stair *stair; /* STAIRS_MAX */
	uint32_t n_then;
	struct stair *then; /* THEN_MAX */
};

double report_us(const struct blast *b, const struct tally *t, double share);
double report_fail_share(const struct tally *t);
/* It could not keep its schedule, or had no time left to. */
bool report_limited(const struct tally *t);
void report_head(void);
/* One line of the table. */
void report_line(const struct blast *b, const struct stair *s);
/* Reasons of failures and what else is worth a line. */
void report_tail(const struct blast *b, const struct stair *s);
/* False: the file cannot be written. */
bool report_json(const struct blast *b, const struct climb *c, const struct stair *best);
