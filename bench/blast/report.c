/* report.c - what came of it: a table for people, JSON for programs */
#include "blast/report.h"

#include <stdio.h>

double report_us(const struct blast *b, const struct tally *t, double share)
{
	return (double)histogram_at(&t->latency, share) * 1e6 / b->tsc_hz;
}

double report_fail_share(const struct tally *t)
{
	return t->begun ? (double)t->failed / (double)t->begun : 0;
}

bool report_limited(const struct tally *t)
{
	return t->busy > 0.95 || t->late * 100 > t->begun;
}

void report_head(void)
{
	printf("%12s %12s %12s %9s %9s %9s %9s %9s %6s\n", "asked/s", "done/s", "messages/s",
	       "p50 us", "p99 us", "p99.9 us", "max us", "failed %", "busy");
}

void report_line(const struct blast *b, const struct stair *s)
{
	const struct tally *t = &s->tally;

	printf("%12.0f %12.0f %12.0f %9.1f %9.1f %9.1f %9.1f %9.4f %5.0f%% %s%s\n", s->rate,
	       (double)t->done / t->seconds, (double)t->sent / t->seconds, report_us(b, t, 0.5),
	       report_us(b, t, 0.99), report_us(b, t, 0.999), report_us(b, t, 1),
	       100 * report_fail_share(t), 100 * t->busy, s->pass ? "holds" : "does not hold",
	       report_limited(t) ? ", limited by the generator" : "");
	fflush(stdout);
}

void report_tail(const struct blast *b, const struct stair *s)
{
	const struct tally *t = &s->tally;

	for (uint32_t k = 0; k < b->n_beside; k++) {
		const struct tally *o = &b->beside[k].tally;

		printf("  beside, %s: %llu begun, %llu done, %llu failed, p99 %.1f us\n",
		       b->beside[k].scenario->name, (unsigned long long)o->begun,
		       (unsigned long long)o->done, (unsigned long long)o->failed,
		       report_us(b, o, 0.99));
	}
	for (int i = 0; i < FAIL_MAX; i++)
		if (t->fail[i])
			printf("  failed, %s: %llu\n", fail_name[i],
			       (unsigned long long)t->fail[i]);
	for (int i = 1; i < STATUS_MAX; i++)
		if (t->status[i])
			printf("  status %d: %llu\n", i, (unsigned long long)t->status[i]);
	if (t->clear)
		printf("  in clear to protected terminals: %llu\n",
		       (unsigned long long)t->clear);
	if (t->late)
		printf("  begun more than 10 ms late: %llu\n", (unsigned long long)t->late);
	if (t->held_up > 0)
		printf("  held up by others on this core: %.1f ms\n", t->held_up * 1e3);
	if (b->link.not_sent)
		printf("  frames the port did not take: %llu\n",
		       (unsigned long long)b->link.not_sent);
}

static void json_histogram(FILE *f, const struct blast *b, const struct histogram *h)
{
	bool first = true;

	fprintf(f, "\"histogram\":[");
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		fprintf(f, "%s[%.3f,%llu]", first ? "" : ",",
			(double)histogram_bound(i) * 1e6 / b->tsc_hz,
			(unsigned long long)h->bucket[i]);
		first = false;
	}
	fprintf(f, "]");
}

static void json_tally(FILE *f, const struct blast *b, const struct stair *s)
{
	const struct tally *t = &s->tally;

	fprintf(f,
		"\"rate\":%.1f,\"seconds\":%.6f,\"sent\":%llu,\"received\":%llu,\"begun\":%llu,"
		"\"done\":%llu,\"failed\":%llu,\"clear\":%llu,\"served\":%llu,"
		"\"msgs_per_s\":%.1f,\"calls_per_s\":%.1f,"
		"\"busy\":%.4f,\"held_up_ms\":%.3f,\"limited_by_generator\":%s,\"valid\":%s,",
		s->rate, t->seconds, (unsigned long long)t->sent,
		(unsigned long long)t->received, (unsigned long long)t->begun,
		(unsigned long long)t->done, (unsigned long long)t->failed,
		(unsigned long long)t->clear, (unsigned long long)t->served,
		(double)t->sent / t->seconds, (double)t->done / t->seconds, t->busy,
		t->held_up * 1e3, report_limited(t) ? "true" : "false",
		report_limited(t) ? "false" : "true");
	fprintf(f, "\"fail_reasons\":{");
	for (int i = 0; i < FAIL_MAX; i++)
		fprintf(f, "%s\"%s\":%llu", i ? "," : "", fail_name[i],
			(unsigned long long)t->fail[i]);
	for (int i = 1; i < STATUS_MAX; i++)
		if (t->status[i])
			fprintf(f, ",\"%d\":%llu", i, (unsigned long long)t->status[i]);
	fprintf(f,
		"},\"latency_us\":{\"p50\":%.2f,\"p90\":%.2f,\"p99\":%.2f,\"p999\":%.2f,"
		"\"max\":%.2f},",
		report_us(b, t, 0.5), report_us(b, t, 0.9), report_us(b, t, 0.99),
		report_us(b, t, 0.999), report_us(b, t, 1));
	json_histogram(f, b, &t->latency);
}

bool report_json(const struct blast *b, const struct climb *c, const struct stair *best)
{
	FILE *f = fopen(b->o.json, "w");

	if (!f)
		return false;
	fprintf(f, "{\"scenario\":\"%s\",\"users\":%u,\"size\":%u,", b->o.scenario, b->n_people,
		b->o.size);
	json_tally(f, b, best);
	fprintf(f, ",\"stairs\":[");
	for (uint32_t i = 0; i < c->n; i++) {
		const struct stair *s = &c->stair[i];

		fprintf(f,
			"%s{\"rate\":%.1f,\"achieved\":%.1f,\"p99_us\":%.2f,\"fail\":%.6f,"
			"\"busy\":%.4f,\"held_up_ms\":%.3f,\"limited_by_generator\":%s,"
			"\"pass\":%s}",
			i ? "," : "", s->rate, (double)s->tally.done / s->tally.seconds,
			report_us(b, &s->tally, 0.99), report_fail_share(&s->tally),
			s->tally.busy, s->tally.held_up * 1e3,
			report_limited(&s->tally) ? "true" : "false",
			s->pass ? "true" : "false");
	}
	fprintf(f, "],\"then\":[");
	for (uint32_t i = 0; i < c->n_then; i++) {
		fprintf(f, "%s{\"of_max\":%g,", i ? "," : "", b->o.then[i]);
		json_tally(f, b, &c->then[i]);
		fprintf(f, "}");
	}
	fprintf(f, "],\"beside\":[");
	for (uint32_t k = 0; k < b->n_beside; k++) {
		const struct beside *o = &b->beside[k];
		const struct stair as = {.rate = o->rate, .tally = o->tally};

		fprintf(f, "%s{\"scenario\":\"%s\",", k ? "," : "", o->scenario->name);
		json_tally(f, b, &as);
		fprintf(f, "}");
	}
	fprintf(f, "]}\n");
	return fclose(f) == 0;
}
