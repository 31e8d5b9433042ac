/* main.c - saker-blast: load for a SIP node, from many terminals, through DPDK */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include <rte_cycles.h>
#include <rte_eal.h>

#include "blast/report.h"

enum { TRIES = 3 };
#define HOPELESS 0.05 /* share of attempts that failed: no disturbance does that */

static const struct scenario *const scenarios[] = {&scenario_call, &scenario_message,
						   &scenario_register, &scenario_refresh};

static void stop(int signal)
{
	run_stop = 1;
}

static const struct scenario *find_scenario(const char *name)
{
	for (uint32_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		if (!strcmp(scenarios[i]->name, name))
			return scenarios[i];
	return NULL;
}

/* They begin with what is measured: not while the terminals register. */
static bool get_beside(struct blast *b)
{
	for (uint32_t k = 0; k < b->o.n_beside; k++) {
		b->beside[k].scenario = find_scenario(b->o.beside[k].scenario);
		b->beside[k].rate = b->o.beside[k].rate;
		if (!b->beside[k].scenario) {
			fprintf(stderr, "saker-blast: no scenario %s\n",
				b->o.beside[k].scenario);
			return false;
		}
	}
	return true;
}

static bool get_people(struct blast *b)
{
	struct options *o = &b->o;

	if (o->direct) {
		b->n_people = o->users;
		b->person = people_make(o->users);
	} else {
		b->person = people_load(o->subscribers, o->users, &b->n_people, o->domain);
	}
	if (b->person && b->n_people < 2)
		fprintf(stderr, "saker-blast: two terminals are the least that can talk\n");
	return b->person && b->n_people >= 2;
}

static bool open_link(struct blast *b)
{
	const char *error = link_open(
		&b->link,
		&(struct link_options){.own_ip = (uint32_t)(addr_half(&b->o.gateway, 0) >> 32),
				       .node_ip = (uint32_t)(addr_half(&b->o.node, 0) >> 32),
				       .node_port = b->o.node.port,
				       .mtu = b->o.mtu});
	char text[ADDR_TEXT_MAX];

	if (error) {
		fprintf(stderr, "saker-blast: %s\n", error);
		return false;
	}
	if (!link_meet(&b->link, b->o.wait_up_s)) {
		fprintf(stderr,
			"saker-blast: %s does not answer ARP: is it up, and on this link?\n",
			addr_text(&b->o.node, text));
		return false;
	}
	return true;
}

static void run_stair(struct blast *b, const struct scenario *s, struct stair *stair)
{
	run_at(b, s, stair->rate, b->o.seconds);
	stair->tally = b->tally;
	stair->pass =
		report_fail_share(&stair->tally) <= b->o.slo_fail && stair->tally.done &&
		(b->o.slo_p99_us == 0 || report_us(b, &stair->tally, 0.99) <= b->o.slo_p99_us);
	report_line(b, stair);
}

static uint32_t count_registered(struct blast *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n_people; i++)
		n += b->person[i].registered;
	return n;
}

/* Every terminal, and those that failed again. Enough are there when nine of ten are. */
static bool register_people(struct blast *b)
{
	uint32_t registered = 0;

	for (int round = 0; round < 3 && registered < b->n_people && !run_stop; round++) {
		double rate = b->o.register_rate;
		uint32_t wanted = b->n_people - registered;

		b->missing = round > 0;
		run_at(b, &scenario_register, rate, wanted / rate);
		registered = count_registered(b);
		printf("registered %u of %u: %.0f/s, %llu failed\n", registered, b->n_people,
		       (double)b->tally.done / b->tally.seconds,
		       (unsigned long long)b->tally.failed);
		fflush(stdout);
	}
	b->missing = false;
	if (registered >= b->n_people / 10 * 9)
		return true;
	fprintf(stderr, "saker-blast: only %u of %u terminals could be registered\n",
		registered, b->n_people);
	return false;
}

/* Others on a shared machine can take milliseconds away, and only ever to the worse: a stair
 * that nearly holds is tried again. */
static void try_stair(struct blast *b, const struct scenario *s, struct stair *stair)
{
	int tries = 0;

	do
		run_stair(b, s, stair);
	while (!stair->pass && ++tries < TRIES && !run_stop &&
	       report_fail_share(&stair->tally) < HOPELESS);
}

/* Up by half while it holds, then between the best and the first that did not, four times. */
static const struct stair *climb(struct blast *b, const struct scenario *s, struct climb *c)
{
	const struct stair *best = NULL;
	double rate = b->o.rate, low = 0, high = 0;
	int halvings = 0;

	while (c->n < STAIRS_MAX && halvings < 5 && !run_stop) {
		struct stair *stair = &c->stair[c->n++];

		stair->rate = rate;
		try_stair(b, s, stair);
		if (stair->pass) {
			low = rate;
			best = stair;
		} else {
			high = rate;
		}
		if (high == 0) {
			rate *= 1.5;
		} else if (low == 0) {
			rate /= 2;
			halvings = rate < b->o.rate / 64 ? 5 : 0;
		} else {
			rate = (low + high) / 2;
			halvings++;
		}
	}
	return best ? best : &c->stair[0];
}

static const struct stair *play(struct blast *b, const struct scenario *s, struct climb *c)
{
	if (b->o.find_max) {
		const struct stair *best = climb(b, s, c);

		for (; c->n_then < b->o.n_then && !run_stop; c->n_then++) {
			c->then[c->n_then].rate = best->rate * b->o.then[c->n_then];
			run_stair(b, s, &c->then[c->n_then]);
		}
		return best;
	}
	c->stair[0].rate = b->o.rate;
	c->n = 1;
	run_stair(b, s, &c->stair[0]);
	return &c->stair[0];
}

int main(int argc, char **argv)
{
	static struct blast b;
	struct climb c = {.stair = calloc(STAIRS_MAX, sizeof(struct stair)),
			  .then = calloc(THEN_MAX, sizeof(struct stair))};
	const struct scenario *s;
	const struct stair *best;
	int used = rte_eal_init(argc, argv);

	if (used < 0) {
		fprintf(stderr, "saker-blast: DPDK does not start; what it said is above\n");
		return 3;
	}
	if (!options_read(argc - used, argv + used, &b.o))
		return 2;
	s = find_scenario(b.o.scenario);
	if (!s) {
		fprintf(stderr,
			"saker-blast: no scenario %s: call, message, register or refresh\n",
			b.o.scenario);
		return 2;
	}
	if (!get_beside(&b))
		return 2;
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	b.tsc_hz = (double)rte_get_tsc_hz();
	b.attempt = calloc(ATTEMPTS, sizeof(*b.attempt));
	if (!b.attempt || !c.stair || !c.then ||
	    getrandom(&b.run, sizeof(b.run), 0) != sizeof(b.run)) {
		fprintf(stderr, "saker-blast: no memory\n");
		return 3;
	}
	b.random = b.run | 1;
	if (!get_people(&b))
		return 2;
	if (b.o.ipsec && !(b.ipsec = ipsec_open(b.o.ipsec, b.n_people)))
		return 2;
	if (!open_link(&b))
		return 3;
	if (b.o.register_first && !b.o.direct && !register_people(&b))
		return 1;
	b.n_beside = b.o.n_beside;
	report_head();
	best = play(&b, s, &c);
	report_tail(&b, best);
	if (b.o.json && !report_json(&b, &c, best)) {
		fprintf(stderr, "saker-blast: %s cannot be written\n", b.o.json);
		return 3;
	}
	ipsec_close(b.ipsec);
	link_close(&b.link);
	return best->tally.done ? 0 : 1;
}
