/* cx.c - control's Cx client: what is Cx of its questions to the HSS
 */
#include "control/cx.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "control/query.h"
#include "control/redirect.h"
#include "cx/codec.h"
#include "diameter/diameter.h"
#include "rf/codec.h"
#include "rx/codec.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ERROR_MAX = 256, COMMANDS = CX_PPR - CX_UAR + 1 };

struct cx_client {
	struct queries *queries;
	struct redirects *redirects;
	struct cx_events events;
};

typedef void uar_done(void *ctx, const struct cx_uaa *a);
typedef void lir_done(void *ctx, const struct cx_lia *a);
typedef void mar_done(void *ctx, const struct cx_maa *a);
typedef void sar_done(void *ctx, const struct cx_saa *a);

/* ---- the interface, as query.h wants it ---- */

static int request(uint32_t command, struct msg **m, const void *r, struct slice host)
{
	return cx_request(CX_UAR + command, m, r, host);
}

static int answer(uint32_t command, struct msg **m, int result)
{
	struct cx_rta a = {result};

	return cx_answer(CX_UAR + command, m, &a) ? cx_answer_error(m, CX_UNABLE_TO_COMPLY) : 0;
}

/* Of CK, IK and XRES there is one copy: with whoever answers the terminal. */
static void wipe_vectors(uint32_t command, void *answer)
{
	struct cx_maa *a = answer;

	if (CX_UAR + command == CX_MAR)
		explicit_bzero(a->vector, a->n_vectors * sizeof(a->vector[0]));
}

static void *copy_answer(uint32_t command, struct msg *m)
{
	union cx_any_answer a;
	void *copy = NULL;

	if (cx_decode_answer(CX_UAR + command, m, &a) == 0) {
		copy = cx_copy_answer(CX_UAR + command, &a);
		wipe_vectors(command, &a);
	}
	return copy;
}

static void free_answer(uint32_t command, void *answer)
{
	wipe_vectors(command, answer);
	free(answer);
}

static void *copy_request(uint32_t command, const void *r)
{
	return cx_copy_request(CX_UAR + command, r);
}

static int copy_asked(uint32_t command, struct msg *m, void **copy)
{
	union cx_any_request r;
	int result = cx_decode_request(CX_UAR + command, m, &r);

	if (result)
		return result;
	*copy = copy_request(command, &r);
	return *copy ? 0 : CX_TOO_BUSY;
}

static void *copy_sent(uint32_t command, struct msg *m)
{
	void *copy = NULL;

	return copy_asked(command, m, &copy) ? NULL : copy;
}

static void tell(const struct query_waiter *w, const void *answer, int result)
{
	union cx_any_answer none;

	if (!answer) {
		memset(&none, 0, sizeof(none));
		none.result = result;
		answer = &none;
	}
	switch (CX_UAR + w->command) {
	case CX_UAR:
		((uar_done *)w->done)(w->ctx, answer);
		break;
	case CX_LIR:
		((lir_done *)w->done)(w->ctx, answer);
		break;
	case CX_MAR:
		((mar_done *)w->done)(w->ctx, answer);
		break;
	case CX_SAR:
		((sar_done *)w->done)(w->ctx, answer);
		break;
	default:
		break;
	}
}

static int asked(void *ctx, uint32_t command, const void *r)
{
	struct cx_client *c = ctx;
	struct cx_rta rta = {CX_UNABLE_TO_COMPLY};
	struct cx_ppa ppa = {CX_UNABLE_TO_COMPLY};

	if (CX_UAR + command == CX_RTR) {
		if (c->events.rtr)
			c->events.rtr(c->events.ctx, r, &rta);
		return rta.result;
	}
	if (c->events.ppr)
		c->events.ppr(c->events.ctx, r, &ppa);
	return ppa.result;
}

static const struct query_interface interface = {
	.name = "cx",
	.n = COMMANDS,
	.code = {CX_UAR, CX_SAR, CX_LIR, CX_MAR, CX_RTR, CX_PPR},
	.request = request,
	.answer = answer,
	.copy_answer = copy_answer,
	.copy_sent = copy_sent,
	.copy_asked = copy_asked,
	.refuse = cx_answer_error,
	.copy_request = copy_request,
	.free_answer = free_answer,
	.tell = tell,
	.asked = asked,
};

_Static_assert((int)COMMANDS <= (int)QUERY_COMMANDS_MAX && CX_SAR == CX_UAR + 1 &&
		       CX_LIR == CX_UAR + 2 && CX_MAR == CX_UAR + 3 && CX_RTR == CX_UAR + 4,
	       "an index is the code less the first");

/* ---- questions ---- */

static void ask(struct cx_client *c, uint32_t code, const void *r, void (*done)(void),
		void *ctx)
{
	int host = redirects_find(c->redirects, code, r, clock_ms());

	if (host && !queries_open_to(c->queries, (uint32_t)host))
		host = 0;
	query(c->queries, (uint32_t)host, r, (struct query_waiter){code - CX_UAR, done, ctx});
}

void cx_uar(struct cx_client *c, const struct cx_uar *r,
	    void (*done)(void *ctx, const struct cx_uaa *a), void *ctx)
{
	ask(c, CX_UAR, r, (void (*)(void))done, ctx);
}

void cx_lir(struct cx_client *c, const struct cx_lir *r,
	    void (*done)(void *ctx, const struct cx_lia *a), void *ctx)
{
	ask(c, CX_LIR, r, (void (*)(void))done, ctx);
}

void cx_mar(struct cx_client *c, const struct cx_mar *r,
	    void (*done)(void *ctx, const struct cx_maa *a), void *ctx)
{
	ask(c, CX_MAR, r, (void (*)(void))done, ctx);
}

void cx_sar(struct cx_client *c, const struct cx_sar *r,
	    void (*done)(void *ctx, const struct cx_saa *a), void *ctx)
{
	ask(c, CX_SAR, r, (void (*)(void))done, ctx);
}

void cx_stats(const struct cx_client *c, struct cx_stats *out)
{
	struct query_stats s;

	queries_stats(c->queries, &s);
	*out = (struct cx_stats){
		.timeouts = s.timeouts,
		.window_full = s.window_full,
		.redirected = s.redirected,
		.outstanding = s.outstanding,
		.up = queries_open_to(c->queries, 0),
	};
	memcpy(out->sent, s.sent, sizeof(out->sent));
	memcpy(out->answered, s.answered, sizeof(out->answered));
	memcpy(out->failed, s.failed, sizeof(out->failed));
}

/* ---- opening and closing ---- */

static void add_peers(struct diameter_config *d, const struct conf_hss_peer *peer, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		d->peer[d->n_peers++] =
			(struct diameter_peer){peer[i].identity, peer[i].address};
}

/* What Diameter there is starts with this client. */
static bool diameter_up(struct cx_client *c, const struct conf *conf, char *error)
{
	struct diameter_config d = {
		.identity = conf->control.diameter_identity,
		.realm = conf->realm,
		.listen = conf->control.diameter_listen,
		.app_threads = 1,
	};

	if (conf->dataplane.roles & (CONF_ICSCF | CONF_SCSCF)) {
		d.peer[d.n_peers++] =
			(struct diameter_peer){conf->control.hss_identity, conf->control.hss};
		add_peers(&d, conf->control.hsses, conf->control.n_hsses);
	}
	add_peers(&d, conf->policy.pcrf, conf->policy.n_pcrf);
	add_peers(&d, conf->charging.cdf, conf->charging.n_cdf);
	d.listen.port = conf->control.diameter_port;
	if (diameter_init(&d, error) < 0)
		return false;
	if (cx_dictionary_init() != 0 || !queries_serve(c->queries, cx_command(CX_RTR)) ||
	    !queries_serve(c->queries, cx_command(CX_PPR)) ||
	    (conf->policy.n_pcrf && rx_dictionary_init() != 0) ||
	    (conf->charging.n_cdf && rf_dictionary_init() != 0)) {
		snprintf(error, ERROR_MAX,
			 "Diameter: the dictionary of Cx, Rx or Rf was refused");
		diameter_stop();
		return false;
	}
	if (diameter_start(error) == 0)
		return true;
	diameter_stop();
	return false;
}

static bool queries_up(struct cx_client *c, struct ev_loop *loop, const struct conf *conf)
{
	struct query_config config = {
		.of = &interface,
		.ctx = c,
		.window = conf->control.cx_window,
		.timeout_ms = conf->control.cx_timeout_ms,
		.n_hosts = conf->control.n_hsses + 1,
	};

	c->redirects = config.redirects = redirects_new(conf);
	if (!c->redirects)
		return false;
	for (uint32_t i = 0; i < config.n_hosts; i++)
		config.host[i] = redirects_identity(c->redirects, (int)i);
	c->queries = queries_open(loop, &config);
	return c->queries != NULL;
}

struct cx_client *cx_open(struct ev_loop *loop, const struct conf *conf,
			  const struct cx_events *events, char *error)
{
	struct cx_client *c = calloc(1, sizeof(*c));

	if (c && events)
		c->events = *events;
	if (!c || !queries_up(c, loop, conf)) {
		snprintf(error, ERROR_MAX, "Cx client: no memory, or no thread");
	} else if (diameter_up(c, conf, error)) {
		return c;
	} else {
		queries_stop(c->queries);
		queries_close(c->queries);
	}
	if (c)
		redirects_free(c->redirects);
	free(c);
	return NULL;
}

void cx_close(struct cx_client *c)
{
	if (!c)
		return;
	queries_stop(c->queries);
	diameter_stop();
	queries_close(c->queries);
	redirects_free(c->redirects);
	free(c);
}
