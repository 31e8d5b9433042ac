/* cx.c - control's Cx client: requests out, answers back on the event loop
 *
 * Three threads meet here. The loop owns the exchanges and is the only one that ends them, so
 * each ends once, whatever races. The sender takes jobs from a queue, because freeDiameter's
 * send blocks when 30 messages wait. freeDiameter's threads hand in replies through another
 * queue. An exchange is known to them by a key of its slot and generation, never by a pointer:
 * an answer that comes too late finds nothing.
 */
#define _GNU_SOURCE /* pthread_timedjoin_np */
#include "control/cx.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "control/redirect.h"
#include "cx/codec.h"
#include "diameter/diameter.h"

#include <ev.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	ERROR_MAX = 256,
	COMMANDS = CX_PPR - CX_UAR + 1,
	ASKED_MAX = 64, /* requests of the HSS in hand */
	EXPIRY_MARGIN_MS =
		500, /* the library forgets a request after we have: it never tells us first */
	SENDER_WAIT_S = 1,
};

union done {
	void (*uar)(void *ctx, const struct cx_uaa *a);
	void (*lir)(void *ctx, const struct cx_lia *a);
	void (*mar)(void *ctx, const struct cx_maa *a);
	void (*sar)(void *ctx, const struct cx_saa *a);
};

/* Whom to tell. */
struct waiter {
	uint32_t command;
	union done done;
	void *ctx;
};

struct exchange {
	struct waiter waiter;
	uint32_t generation; /* odd while under way */
	uint32_t older,
		newer; /* neighbours by age, or NONE; when free, `newer` is the next free one */
	uint64_t deadline_ns;
	uint32_t hosts; /* asked for it: a bit each */
};

_Static_assert(HSSES_MAX < 32, "a bit for each host");

#define NONE UINT32_MAX

/* For the sender: a request to send, or our answer to one of the HSS. */
struct job {
	struct job *next;
	uint32_t command;
	uint64_t key, deadline_ns;
	int host;          /* redirect.h */
	void *request;     /* from cx_copy_request; NULL: an answer */
	struct msg *asked; /* to answer */
	int result;
};

/* For the loop: an answer (or none), or a request of the HSS. */
struct reply {
	struct reply *next;
	uint32_t command;
	uint64_t key;
	int result;    /* where there is no answer */
	void *content; /* from cx_copy_answer or, with asked or redirect, cx_copy_request */
	bool redirect;
	int host; /* the one to ask; -1: none of ours */
	uint32_t usage, cache_s;
	struct msg *asked;
};

/* An answer of our own making, told on the next turn of the loop. */
struct refusal {
	struct refusal *next;
	struct waiter waiter;
	int result;
};

struct cx_client {
	struct ev_loop *loop;
	struct ev_async wake;
	struct ev_timer timer;
	struct cx_events events;
	struct redirects *redirects;
	uint64_t timeout_ns;

	/* Loop only. */
	struct exchange *exchange;
	uint32_t window, first_free, oldest, newest;
	struct refusal *refused, **refused_end;
	struct cx_stats stats;
	bool closing;

	pthread_t sender;
	pthread_mutex_t lock;
	pthread_cond_t more;
	/* Under the lock. */
	struct job *jobs, **jobs_end;
	uint32_t n_jobs, n_asked;
	struct reply *replies, **replies_end;
	bool stop;
};

/* freeDiameter's callback for answers takes one word, which is the key; and it is itself one a
 * process. Written by cx_open and cx_close while none of its threads runs. */
static struct cx_client *only;

_Static_assert(sizeof(void *) == sizeof(uint64_t), "a key is passed as a pointer");

static void tell(const struct waiter *w, const void *answer)
{
	switch (w->command) {
	case CX_UAR:
		w->done.uar(w->ctx, answer);
		break;
	case CX_LIR:
		w->done.lir(w->ctx, answer);
		break;
	case CX_MAR:
		w->done.mar(w->ctx, answer);
		break;
	case CX_SAR:
		w->done.sar(w->ctx, answer);
		break;
	default:
		break;
	}
}

static void tell_failure(const struct waiter *w, int result)
{
	union cx_any_answer a;

	memset(&a, 0, sizeof(a));
	a.result = result;
	tell(w, &a);
}

/* Exchanges: a table with a free list and a list by age, which is the order of their deadlines.
 */

static bool exchanges_init(struct cx_client *c, uint32_t window)
{
	c->exchange = calloc(window, sizeof(*c->exchange));
	if (!c->exchange)
		return false;
	for (uint32_t i = 0; i < window; i++)
		c->exchange[i].newer = i + 1 < window ? i + 1 : NONE;
	c->window = window;
	c->oldest = c->newest = NONE;
	return true;
}

static uint64_t exchange_key(const struct cx_client *c, uint32_t i)
{
	return (uint64_t)c->exchange[i].generation << 32 | i;
}

static uint64_t exchange_begin(struct cx_client *c, const struct waiter *w, int host)
{
	uint32_t i = c->first_free;
	struct exchange *x = &c->exchange[i];

	c->first_free = x->newer;
	x->waiter = *w;
	x->generation++;
	x->deadline_ns = clock_ns() + c->timeout_ns;
	x->hosts = 1u << host;
	x->older = c->newest;
	x->newer = NONE;
	*(c->newest == NONE ? &c->oldest : &c->exchange[c->newest].newer) = i;
	c->newest = i;
	c->stats.outstanding++;
	return exchange_key(c, i);
}

/* Takes it out of the table, so that the callback may ask again at once. */
static struct waiter exchange_end(struct cx_client *c, uint32_t i)
{
	struct exchange *x = &c->exchange[i];

	*(x->older == NONE ? &c->oldest : &c->exchange[x->older].newer) = x->newer;
	*(x->newer == NONE ? &c->newest : &c->exchange[x->newer].older) = x->older;
	x->generation++;
	x->newer = c->first_free;
	c->first_free = i;
	c->stats.outstanding--;
	return x->waiter;
}

static uint32_t exchange_find(const struct cx_client *c, uint64_t key)
{
	uint32_t i = (uint32_t)key;

	return i < c->window && exchange_key(c, i) == key && c->exchange[i].generation & 1
		       ? i
		       : NONE;
}

static void exchange_fail(struct cx_client *c, uint32_t i, int result)
{
	struct waiter w = exchange_end(c, i);

	c->stats.failed[w.command - CX_UAR]++;
	tell_failure(&w, result);
}

/* Queues between threads. */

static void job_free(struct job *j)
{
	free(j->request);
	if (j->asked)
		fd_msg_free(j->asked);
	free(j);
}

static void job_push(struct cx_client *c, struct job *j)
{
	pthread_mutex_lock(&c->lock);
	*c->jobs_end = j;
	c->jobs_end = &j->next;
	c->n_jobs++;
	pthread_cond_signal(&c->more);
	pthread_mutex_unlock(&c->lock);
}

/* NULL when the client stops. */
static struct job *job_pop(struct cx_client *c)
{
	struct job *j;

	pthread_mutex_lock(&c->lock);
	while (!c->jobs && !c->stop)
		pthread_cond_wait(&c->more, &c->lock);
	j = c->stop ? NULL : c->jobs;
	if (j) {
		c->jobs = j->next;
		if (!c->jobs)
			c->jobs_end = &c->jobs;
		c->n_jobs--;
	}
	pthread_mutex_unlock(&c->lock);
	return j;
}

/* Of CK, IK and XRES there is one copy: with whoever answers the terminal. */
static void wipe_vectors(struct cx_maa *a)
{
	explicit_bzero(a->vector, a->n_vectors * sizeof(a->vector[0]));
}

static void reply_free(struct reply *r)
{
	if (r->command == CX_MAR && r->content && !r->redirect)
		wipe_vectors(r->content);
	free(r->content);
	if (r->asked)
		fd_msg_free(r->asked);
	free(r);
}

/* Any thread. The library cancels its threads; one that is in here ends its work first. */
static void reply_push(struct cx_client *c, struct reply *r)
{
	int old;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	pthread_mutex_lock(&c->lock);
	*c->replies_end = r;
	c->replies_end = &r->next;
	pthread_mutex_unlock(&c->lock);
	ev_async_send(c->loop, &c->wake);
	pthread_setcancelstate(old, NULL);
}

static struct reply *replies_take(struct cx_client *c)
{
	struct reply *all;

	pthread_mutex_lock(&c->lock);
	all = c->replies;
	c->replies = NULL;
	c->replies_end = &c->replies;
	pthread_mutex_unlock(&c->lock);
	return all;
}

static void reply_no_answer(struct cx_client *c, uint64_t key, uint32_t command)
{
	struct reply *r = calloc(1, sizeof(*r));

	/* Without memory the deadline ends the exchange. */
	if (!r)
		return;
	r->key = key;
	r->command = command;
	r->result = CX_NO_ANSWER;
	reply_push(c, r);
}

/* freeDiameter's threads. */

static bool made_here(struct msg *m)
{
	DiamId_t from = NULL;

	return fd_msg_source_get(m, &from, NULL) == 0 && !from;
}

/* The library keeps the request with its answer, so nobody else has to. */
static void take_redirect(struct reply *r, const struct cx_redirect *redirect, struct msg *m)
{
	union cx_any_request q;
	struct msg *query = NULL;

	r->redirect = true;
	r->host = redirects_host(only->redirects, redirect);
	r->usage = redirect->usage;
	r->cache_s = redirect->cache_s;
	r->result = CX_UNABLE_TO_DELIVER;
	if (fd_msg_answ_getq(m, &query) == 0 && query &&
	    cx_decode_request(r->command, query, &q) == 0)
		r->content = cx_copy_request(r->command, &q);
}

/* An answer, or an error of the library's own where nobody could be asked. */
static void on_answer(void *key, struct msg **m)
{
	struct reply *r = calloc(1, sizeof(*r));
	struct cx_redirect redirect;
	union cx_any_answer a;
	struct msg_hdr *h;

	if (r) {
		r->key = (uint64_t)(uintptr_t)key;
		r->result = CX_BAD_ANSWER;
		if (made_here(*m)) {
			r->result = CX_NO_ANSWER;
		} else if (fd_msg_hdr(*m, &h) == 0 && cx_command(h->msg_code)) {
			r->command = h->msg_code;
			if (cx_decode_redirect(*m, &redirect))
				take_redirect(r, &redirect, *m);
			else if (cx_decode_answer(r->command, *m, &a) == 0)
				r->content = cx_copy_answer(r->command, &a);
			if (r->content && r->command == CX_MAR && !r->redirect)
				wipe_vectors(&a.maa);
		}
		reply_push(only, r);
	}
	fd_msg_free(*m);
	*m = NULL;
}

/* The loop's deadline has passed before. */
static void on_expired(void *key, DiamId_t to, size_t to_len, struct msg **m)
{
	fd_msg_free(*m);
	*m = NULL;
}

static bool may_ask(struct cx_client *c)
{
	bool may;

	pthread_mutex_lock(&c->lock);
	may = !c->stop && c->n_asked < ASKED_MAX;
	c->n_asked += may;
	pthread_mutex_unlock(&c->lock);
	return may;
}

static void asked_over(struct cx_client *c)
{
	pthread_mutex_lock(&c->lock);
	c->n_asked--;
	pthread_mutex_unlock(&c->lock);
}

static int refuse_asked(struct msg **m, int result, enum disp_action *action)
{
	int error = cx_answer_error(m, result);

	*action = DISP_ACT_SEND;
	return error;
}

/* RTR or PPR. */
static int on_asked(struct msg **m, struct avp *avp, struct session *session, void *ctx,
		    enum disp_action *action)
{
	struct cx_client *c = ctx;
	union cx_any_request q;
	struct msg_hdr *h;
	int result = CX_UNABLE_TO_COMPLY;

	if (fd_msg_hdr(*m, &h) == 0)
		result = cx_decode_request(h->msg_code, *m, &q);
	if (result == 0 && !may_ask(c))
		result = CX_TOO_BUSY;
	if (result)
		return refuse_asked(m, result, action);
	struct reply *r = calloc(1, sizeof(*r));

	if (r)
		r->content = cx_copy_request(h->msg_code, &q);
	if (!r || !r->content) {
		free(r);
		asked_over(c);
		return refuse_asked(m, CX_TOO_BUSY, action);
	}
	r->command = h->msg_code;
	r->asked = *m;
	*m = NULL;
	reply_push(c, r);
	return 0;
}

/* The sender's thread. */

static struct timespec expiry_after(uint64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += (time_t)(ms / 1000);
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

static void send_request(struct cx_client *c, const struct job *j)
{
	struct timespec expiry = expiry_after(c->timeout_ns / 1000000 + EXPIRY_MARGIN_MS);
	struct msg *m = NULL;
	int error;

	if (clock_ns() >= j->deadline_ns)
		return;
	error = cx_request(j->command, &m, j->request,
			   slice_str(redirects_identity(c->redirects, j->host)));
	if (!error)
		error = fd_msg_send_timeout(&m, on_answer, (void *)(uintptr_t)j->key,
					    on_expired, &expiry);
	if (!error)
		return;
	log_event(LOG_WARN, "cx", "not_sent", LOG_U("command", j->command),
		  LOG_Z("reason", strerror(error)));
	if (m)
		fd_msg_free(m);
	reply_no_answer(c, j->key, j->command);
}

static void send_answer(struct cx_client *c, struct job *j)
{
	struct cx_rta a = {j->result};
	int error = cx_answer(j->command, &j->asked, &a);

	if (error)
		error = cx_answer_error(&j->asked, CX_UNABLE_TO_COMPLY);
	if (!error)
		error = fd_msg_send(&j->asked, NULL, NULL);
	if (error)
		log_event(LOG_WARN, "cx", "answer_not_sent", LOG_U("command", j->command),
			  LOG_Z("reason", strerror(error)));
	asked_over(c);
}

static void *sender_run(void *arg)
{
	struct cx_client *c = arg;

	for (struct job *j = job_pop(c); j; j = job_pop(c)) {
		if (j->request)
			send_request(c, j);
		else
			send_answer(c, j);
		job_free(j);
	}
	return NULL;
}

/* The loop. */

static void timer_rearm(struct cx_client *c)
{
	uint64_t now = clock_ns(), at;

	ev_timer_stop(c->loop, &c->timer);
	if (c->oldest == NONE)
		return;
	at = c->exchange[c->oldest].deadline_ns;
	/* The loop's idea of now may be old; a little later is as good. */
	ev_timer_set(&c->timer, at > now ? (double)(at - now) / 1e9 + 0.001 : 0.001, 0);
	ev_timer_start(c->loop, &c->timer);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *t, int events)
{
	struct cx_client *c = t->data;

	while (c->oldest != NONE && c->exchange[c->oldest].deadline_ns <= clock_ns()) {
		c->stats.timeouts++;
		exchange_fail(c, c->oldest, CX_NO_ANSWER);
	}
	timer_rearm(c);
}

/* The same request to another host, within what is left of its time. */
static void redirected(struct cx_client *c, struct reply *r, uint32_t i)
{
	struct exchange *x = &c->exchange[i];
	struct job *j = NULL;

	if (r->content && r->command == x->waiter.command && r->host >= 0 &&
	    !(x->hosts >> r->host & 1) &&
	    diameter_open(redirects_identity(c->redirects, r->host)))
		j = calloc(1, sizeof(*j));
	if (!j) {
		exchange_fail(c, i, r->result);
		return;
	}
	redirects_note(c->redirects, r->command, r->content, r->host, r->usage, r->cache_s,
		       clock_ms());
	c->stats.redirected++;
	x->hosts |= 1u << r->host;
	j->command = r->command;
	j->key = r->key;
	j->deadline_ns = x->deadline_ns;
	j->host = r->host;
	j->request = r->content;
	r->content = NULL;
	job_push(c, j);
}

static void answered(struct cx_client *c, struct reply *r)
{
	uint32_t i = exchange_find(c, r->key);

	if (i == NONE)
		return;
	if (r->redirect) {
		redirected(c, r, i);
		return;
	}
	/* A command other than the one asked is no answer to it. */
	if (r->content && r->command != c->exchange[i].waiter.command)
		r->result = CX_BAD_ANSWER;
	else if (r->content)
		r->result = 0;
	if (r->result) {
		exchange_fail(c, i, r->result);
		return;
	}
	struct waiter w = exchange_end(c, i);

	c->stats.answered[w.command - CX_UAR]++;
	tell(&w, r->content);
}

static void asked(struct cx_client *c, struct reply *r)
{
	struct job *j = calloc(1, sizeof(*j));
	struct cx_rta rta = {CX_UNABLE_TO_COMPLY};
	struct cx_ppa ppa = {CX_UNABLE_TO_COMPLY};

	if (!j) {
		asked_over(c);
		return;
	}
	c->stats.sent[r->command - CX_UAR]++;
	if (r->command == CX_RTR && c->events.rtr)
		c->events.rtr(c->events.ctx, r->content, &rta);
	if (r->command == CX_PPR && c->events.ppr)
		c->events.ppr(c->events.ctx, r->content, &ppa);
	c->stats.answered[r->command - CX_UAR]++;
	j->command = r->command;
	j->result = r->command == CX_RTR ? rta.result : ppa.result;
	j->asked = r->asked;
	r->asked = NULL;
	job_push(c, j);
}

static void tell_refused(struct cx_client *c)
{
	struct refusal *r = c->refused;

	c->refused = NULL;
	c->refused_end = &c->refused;
	while (r) {
		struct refusal *next = r->next;

		tell_failure(&r->waiter, r->result);
		free(r);
		r = next;
	}
}

static void on_wake(struct ev_loop *loop, struct ev_async *w, int events)
{
	struct cx_client *c = w->data;
	struct reply *r = replies_take(c);

	while (r) {
		struct reply *next = r->next;

		if (r->asked)
			asked(c, r);
		else
			answered(c, r);
		reply_free(r);
		r = next;
	}
	tell_refused(c);
	timer_rearm(c);
}

static void refuse(struct cx_client *c, const struct waiter *w, int result)
{
	struct refusal *r = malloc(sizeof(*r));

	if (result == CX_WINDOW_FULL)
		c->stats.window_full++;
	c->stats.failed[w->command - CX_UAR]++;
	/* Told too early rather than never. */
	if (!r) {
		tell_failure(w, result);
		return;
	}
	*r = (struct refusal){NULL, *w, result};
	*c->refused_end = r;
	c->refused_end = &r->next;
	ev_async_send(c->loop, &c->wake);
}

static bool queue_full(struct cx_client *c)
{
	bool full;

	/* Exchanges that timed out leave the window, but their jobs stay while the sender is
	 * blocked. */
	pthread_mutex_lock(&c->lock);
	full = c->n_jobs >= c->window + ASKED_MAX;
	pthread_mutex_unlock(&c->lock);
	return full;
}

static bool first_open(const struct cx_client *c)
{
	return diameter_open(redirects_identity(c->redirects, 0));
}

static void submit(struct cx_client *c, const void *request, struct waiter w)
{
	int host = redirects_find(c->redirects, w.command, request, clock_ms());
	struct job *j;

	if (host && !diameter_open(redirects_identity(c->redirects, host)))
		host = 0;
	if (c->closing || (!host && !first_open(c))) {
		refuse(c, &w, CX_NO_ANSWER);
		return;
	}
	if (c->first_free == NONE || queue_full(c)) {
		refuse(c, &w, CX_WINDOW_FULL);
		return;
	}
	j = calloc(1, sizeof(*j));
	if (j)
		j->request = cx_copy_request(w.command, request);
	if (!j || !j->request) {
		free(j);
		refuse(c, &w, CX_WINDOW_FULL);
		return;
	}
	j->command = w.command;
	j->host = host;
	j->key = exchange_begin(c, &w, host);
	j->deadline_ns = c->exchange[c->newest].deadline_ns;
	c->stats.sent[w.command - CX_UAR]++;
	job_push(c, j);
	if (c->oldest == c->newest)
		timer_rearm(c);
}

void cx_uar(struct cx_client *c, const struct cx_uar *r,
	    void (*done)(void *ctx, const struct cx_uaa *a), void *ctx)
{
	submit(c, r, (struct waiter){CX_UAR, {.uar = done}, ctx});
}

void cx_lir(struct cx_client *c, const struct cx_lir *r,
	    void (*done)(void *ctx, const struct cx_lia *a), void *ctx)
{
	submit(c, r, (struct waiter){CX_LIR, {.lir = done}, ctx});
}

void cx_mar(struct cx_client *c, const struct cx_mar *r,
	    void (*done)(void *ctx, const struct cx_maa *a), void *ctx)
{
	submit(c, r, (struct waiter){CX_MAR, {.mar = done}, ctx});
}

void cx_sar(struct cx_client *c, const struct cx_sar *r,
	    void (*done)(void *ctx, const struct cx_saa *a), void *ctx)
{
	submit(c, r, (struct waiter){CX_SAR, {.sar = done}, ctx});
}

void cx_stats(const struct cx_client *c, struct cx_stats *out)
{
	*out = c->stats;
	out->up = first_open(c);
}

/* Opening and closing. */

static bool dispatch_register(struct cx_client *c)
{
	struct disp_when rtr = {.command = cx_command(CX_RTR)},
			 ppr = {.command = cx_command(CX_PPR)};

	return fd_disp_register(on_asked, DISP_HOW_CC, &rtr, c, NULL) == 0 &&
	       fd_disp_register(on_asked, DISP_HOW_CC, &ppr, c, NULL) == 0;
}

static bool diameter_up(struct cx_client *c, const struct conf *conf, char *error)
{
	struct diameter_config d = {
		.identity = conf->control.diameter_identity,
		.realm = conf->realm,
		.listen = conf->control.diameter_listen,
		.n_peers = 1,
		.peer = {{conf->control.hss_identity, conf->control.hss}},
		.app_threads = 1,
	};

	for (uint32_t i = 0; i < conf->control.n_hsses; i++)
		d.peer[d.n_peers++] = (struct diameter_peer){conf->control.hsses[i].identity,
							     conf->control.hsses[i].address};
	d.listen.port = conf->control.diameter_port;
	if (diameter_init(&d, error) < 0)
		return false;
	if (cx_dictionary_init() != 0 || !dispatch_register(c)) {
		snprintf(error, ERROR_MAX, "Diameter: the dictionary of Cx was refused");
		diameter_stop();
		return false;
	}
	if (diameter_start(error) == 0)
		return true;
	diameter_stop();
	return false;
}

static void client_free(struct cx_client *c)
{
	ev_async_stop(c->loop, &c->wake);
	ev_timer_stop(c->loop, &c->timer);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->more);
	redirects_free(c->redirects);
	free(c->exchange);
	free(c);
	only = NULL;
}

static struct cx_client *client_new(struct ev_loop *loop, const struct conf *conf,
				    const struct cx_events *events)
{
	struct cx_client *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->redirects = redirects_new(conf);
	if (!c->redirects || !exchanges_init(c, conf->control.cx_window)) {
		redirects_free(c->redirects);
		free(c);
		return NULL;
	}
	c->loop = loop;
	if (events)
		c->events = *events;
	c->timeout_ns = (uint64_t)conf->control.cx_timeout_ms * 1000000;
	c->jobs_end = &c->jobs;
	c->replies_end = &c->replies;
	c->refused_end = &c->refused;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->more, NULL);
	ev_async_init(&c->wake, on_wake);
	ev_timer_init(&c->timer, on_timer, 0, 0);
	c->wake.data = c->timer.data = c;
	ev_async_start(loop, &c->wake);
	only = c;
	return c;
}

struct cx_client *cx_open(struct ev_loop *loop, const struct conf *conf,
			  const struct cx_events *events, char *error)
{
	struct cx_client *c = client_new(loop, conf, events);

	if (!c) {
		snprintf(error, ERROR_MAX, "Cx client: no memory");
		return NULL;
	}
	if (!diameter_up(c, conf, error)) {
		client_free(c);
		return NULL;
	}
	if (pthread_create(&c->sender, NULL, sender_run, c) != 0) {
		snprintf(error, ERROR_MAX, "Cx client: no thread");
		diameter_stop();
		client_free(c);
		return NULL;
	}
	return c;
}

static void queues_empty(struct cx_client *c)
{
	struct job *jobs;

	pthread_mutex_lock(&c->lock);
	jobs = c->jobs;
	c->jobs = NULL;
	c->jobs_end = &c->jobs;
	pthread_mutex_unlock(&c->lock);
	for (struct job *next; jobs; jobs = next) {
		next = jobs->next;
		job_free(jobs);
	}
	for (struct reply *r = replies_take(c), *next; r; r = next) {
		next = r->next;
		reply_free(r);
	}
}

/* The sender may be blocked in the library, which lets it go only when it stops itself.
 * Messages hold memory of the library, so they go while it is still there; once `stop` is set
 * no more of the HSS's come in. */
static void threads_stop(struct cx_client *c)
{
	struct timespec until = expiry_after(SENDER_WAIT_S * 1000);
	bool joined;

	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_signal(&c->more);
	pthread_mutex_unlock(&c->lock);
	joined = pthread_timedjoin_np(c->sender, NULL, &until) == 0;
	queues_empty(c);
	diameter_stop();
	if (!joined)
		pthread_join(c->sender, NULL);
	queues_empty(c);
}

void cx_close(struct cx_client *c)
{
	if (!c)
		return;
	c->closing = true;
	threads_stop(c);
	while (c->oldest != NONE)
		exchange_fail(c, c->oldest, CX_NO_ANSWER);
	while (c->refused)
		tell_refused(c);
	client_free(c);
}
