/* client.c - asks without end, for tests/peers/hostile_hss.py
 *
 * cx_client ADDRESS:PORT
 *
 * Control's Cx client, whose HSS is at ADDRESS:PORT: keeps 8 UARs under way, and says every 100
 * ms on stdout how many came back with which kind of result. Ends on SIGTERM; exit code 1 if a
 * request was told a second time or never.
 */
#include "base/log.h"
#include "conf/conf.h"
#include "control/cx.h"

#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { ASKERS = 8, TIMEOUT_MS = 1000, REPORT_MS = 100, PAUSE_MS = 10 };

struct client;

struct asker {
	struct client *client;
	struct ev_timer again;
	bool waits;
};

struct client {
	struct ev_loop *loop;
	struct cx_client *cx;
	struct asker asker[ASKERS];
	uint64_t good, none, bad, other, twice;
	bool ends;
};

static void count(struct client *c, const struct cx_uaa *a)
{
	switch (a->result) {
	case CX_SUBSEQUENT_REGISTRATION:
		c->good++;
		break;
	case CX_NO_ANSWER:
		c->none++;
		break;
	case CX_BAD_ANSWER:
		c->bad++;
		break;
	default:
		c->other++;
		break;
	}
}

static void on_uaa(void *ctx, const struct cx_uaa *a)
{
	struct asker *s = ctx;

	s->client->twice += !s->waits;
	s->waits = false;
	count(s->client, a);
	if (!s->client->ends)
		ev_timer_start(s->client->loop, &s->again);
}

static void on_again(struct ev_loop *loop, struct ev_timer *t, int events)
{
	struct asker *s = t->data;
	struct cx_uar q = {.impi = SLICE("a@home.test"),
			   .impu = SLICE("sip:a@home.test"),
			   .visited_network = SLICE("home.test")};

	s->waits = true;
	cx_uar(s->client->cx, &q, on_uaa, s);
	/* Once only; the answer starts it again. */
	ev_timer_stop(loop, t);
	ev_timer_set(t, PAUSE_MS / 1000.0, 0);
}

static void on_report(struct ev_loop *loop, struct ev_timer *t, int events)
{
	const struct client *c = t->data;

	printf("good=%lu none=%lu bad=%lu other=%lu\n", c->good, c->none, c->bad, c->other);
	fflush(stdout);
}

static void on_term(struct ev_loop *loop, struct ev_signal *s, int events)
{
	ev_break(loop, EVBREAK_ALL);
}

static void on_rtr(void *ctx, const struct cx_rtr *r, struct cx_rta *answer)
{
	answer->result = CX_SUCCESS;
}

static void on_ppr(void *ctx, const struct cx_ppr *r, struct cx_ppa *answer)
{
	answer->result = CX_SUCCESS;
}

static void run(struct client *c)
{
	struct ev_timer report;
	struct ev_signal term;

	for (int i = 0; i < ASKERS; i++) {
		c->asker[i].client = c;
		ev_timer_init(&c->asker[i].again, on_again, 0, 0);
		c->asker[i].again.data = &c->asker[i];
		ev_timer_start(c->loop, &c->asker[i].again);
	}
	ev_timer_init(&report, on_report, 0, REPORT_MS / 1000.0);
	report.data = c;
	ev_timer_start(c->loop, &report);
	ev_signal_init(&term, on_term, SIGTERM);
	ev_signal_start(c->loop, &term);
	ev_run(c->loop, 0);
	ev_timer_stop(c->loop, &report);
	ev_signal_stop(c->loop, &term);
}

int main(int argc, char **argv)
{
	static struct client c;
	static struct conf conf;
	struct cx_events events = {on_rtr, on_ppr, NULL};
	char error[256];
	uint64_t never = 0;

	if (argc != 2 || !addr_parse(slice_str(argv[1]), 0, &conf.control.hss)) {
		fprintf(stderr, "usage: cx_client ADDRESS:PORT\n");
		return 2;
	}
	conf.dataplane.roles = CONF_SCSCF;
	snprintf(conf.realm, sizeof(conf.realm), "home.test");
	snprintf(conf.control.diameter_identity, sizeof(conf.control.diameter_identity),
		 "scscf.home.test");
	snprintf(conf.control.hss_identity, sizeof(conf.control.hss_identity), "hss.home.test");
	conf.control.diameter_listen = addr_v4(0x7f000001, 0);
	conf.control.cx_window = ASKERS;
	conf.control.cx_timeout_ms = TIMEOUT_MS;
	c.loop = ev_loop_new(0);
	c.cx = cx_open(c.loop, &conf, &events, error);
	if (!c.cx) {
		fprintf(stderr, "%s\n", error);
		return 3;
	}
	run(&c);
	c.ends = true;
	cx_close(c.cx);
	for (int i = 0; i < ASKERS; i++)
		never += c.asker[i].waits;
	ev_loop_destroy(c.loop);
	if (c.twice || never)
		fprintf(stderr, "told twice: %lu, never: %lu\n", c.twice, never);
	return c.twice || never;
}
