/* query.c - questions to Diameter peers: three threads and what passes between them
 *
 * The loop owns the exchanges and is the only one that ends them, so each ends once, whatever
 * races. The sender takes jobs from a queue, because freeDiameter's send blocks when 30
 * messages wait. freeDiameter's threads hand in replies through another queue. An exchange is
 * known to them by a key of its client, slot and generation, never by a pointer: an answer that
 * comes too late finds nothing.
 */
#define _GNU_SOURCE /* pthread_timedjoin_np */
#include "control/query.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/redirect.h"
#include "cx/codec.h"
#include "diameter/diameter.h"

#include <ev.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include <pthread.h>
#include <stdlib.h>

enum {
	CLIENTS_MAX = 4,
	CLIENT_SHIFT = 28, /* in a key, above the slot */
	ASKED_MAX = 64,    /* requests of theirs in hand */
	EXPIRY_MARGIN_MS =
		500, /* the library forgets a request after we have: it never tells us first */
	SENDER_WAIT_S = 1,
};

struct exchange {
	struct query_waiter waiter;
	uint32_t generation; /* odd while under way */
	uint32_t older,
		newer; /* neighbours by age, or NONE; when free, `newer` is the next free one */
	uint64_t deadline_ns;
	uint32_t hosts; /* asked for it: a bit each */
};

_Static_assert((int)QUERY_HOSTS_MAX < 32, "a bit for each host");

#define NONE UINT32_MAX

/* For the sender: a request to send, or our answer to one of theirs. */
struct job {
	struct job *next;
	uint32_t command;
	uint64_t key, deadline_ns;
	uint32_t host;
	void *request;     /* from copy_request; NULL: an answer */
	struct msg *asked; /* to answer */
	int result;
};

/* For the loop: an answer (or none), or a request of theirs. */
struct reply {
	struct reply *next;
	uint32_t command;
	uint64_t key;
	int result;    /* where there is no answer */
	void *content; /* an answer, or if is_request a request */
	bool is_request, redirect;
	int host; /* the one to ask; -1: none of ours */
	uint32_t usage, cache_s;
	struct msg *asked;
};

/* An answer of our own making, told on the next turn of the loop. */
struct refusal {
	struct refusal *next;
	struct query_waiter waiter;
	int result;
};

struct queries {
	struct query_config config;
	const struct query_interface *of;
	struct ev_loop *loop;
	struct ev_async wake;
	struct ev_timer timer;
	uint64_t timeout_ns;
	uint32_t id; /* in `client` */

	/* Loop only. */
	struct exchange *exchange;
	uint32_t window, first_free, oldest, newest;
	struct refusal *refused, **refused_end;
	struct query_stats stats;
	bool closing, joined;

	pthread_t sender;
	pthread_mutex_t lock;
	pthread_cond_t more;
	/* Under the lock. */
	struct job *jobs, **jobs_end;
	uint32_t n_jobs, n_asked;
	struct reply *replies, **replies_end;
	bool stop;
};

/* freeDiameter's callback for answers takes one word, which is the key. Written while none of
 * its threads runs, or before a request of that client is out. */
static struct queries *client[CLIENTS_MAX];

_Static_assert(sizeof(void *) == sizeof(uint64_t), "a key is passed as a pointer");

static struct queries *client_of(uint64_t key)
{
	return client[(uint32_t)key >> CLIENT_SHIFT];
}

/* Exchanges: a table with a free list and a list by age, which is the order of their deadlines.
 */

static bool exchanges_init(struct queries *c, uint32_t window)
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

static uint64_t exchange_key(const struct queries *c, uint32_t i)
{
	return (uint64_t)c->exchange[i].generation << 32 | c->id << CLIENT_SHIFT | i;
}

static uint64_t exchange_begin(struct queries *c, const struct query_waiter *w, uint32_t host)
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
static struct query_waiter exchange_end(struct queries *c, uint32_t i)
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

static uint32_t exchange_find(const struct queries *c, uint64_t key)
{
	uint32_t i = (uint32_t)key & ((1u << CLIENT_SHIFT) - 1);

	return i < c->window && exchange_key(c, i) == key && c->exchange[i].generation & 1
		       ? i
		       : NONE;
}

static void exchange_fail(struct queries *c, uint32_t i, int result)
{
	struct query_waiter w = exchange_end(c, i);

	c->stats.failed[w.command]++;
	c->of->tell(&w, NULL, result);
}

/* Queues between threads. */

static void job_free(struct job *j)
{
	free(j->request);
	if (j->asked)
		fd_msg_free(j->asked);
	free(j);
}

static void job_push(struct queries *c, struct job *j)
{
	pthread_mutex_lock(&c->lock);
	*c->jobs_end = j;
	c->jobs_end = &j->next;
	c->n_jobs++;
	pthread_cond_signal(&c->more);
	pthread_mutex_unlock(&c->lock);
}

/* NULL when the client stops. */
static struct job *job_pop(struct queries *c)
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

static void reply_free(struct queries *c, struct reply *r)
{
	if (r->is_request)
		free(r->content);
	else if (r->content)
		c->of->free_answer(r->command, r->content);
	if (r->asked)
		fd_msg_free(r->asked);
	free(r);
}

/* Any thread. The library cancels its threads; one that is in here ends its work first. */
static void reply_push(struct queries *c, struct reply *r)
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

static struct reply *replies_take(struct queries *c)
{
	struct reply *all;

	pthread_mutex_lock(&c->lock);
	all = c->replies;
	c->replies = NULL;
	c->replies_end = &c->replies;
	pthread_mutex_unlock(&c->lock);
	return all;
}

static void reply_no_answer(struct queries *c, uint64_t key, uint32_t command)
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

/* The index of a command; n: none of this interface. */
static uint32_t command_of(const struct queries *c, struct msg *m)
{
	struct msg_hdr *h;
	uint32_t i = 0;

	if (fd_msg_hdr(m, &h) != 0)
		return c->of->n;
	while (i < c->of->n && c->of->code[i] != h->msg_code)
		i++;
	return i;
}

/* The library keeps the request with its answer, so nobody else has to. */
static void take_redirect(const struct queries *c, struct reply *r,
			  const struct cx_redirect *redirect, struct msg *m)
{
	struct msg *sent = NULL;

	r->redirect = r->is_request = true;
	r->host = redirects_host(c->config.redirects, redirect);
	r->usage = redirect->usage;
	r->cache_s = redirect->cache_s;
	r->result = CX_UNABLE_TO_DELIVER;
	if (fd_msg_answ_getq(m, &sent) == 0 && sent)
		r->content = c->of->copy_sent(r->command, sent);
}

static void take_answer(const struct queries *c, struct reply *r, struct msg *m)
{
	struct cx_redirect redirect;

	r->command = command_of(c, m);
	r->result = made_here(m) ? CX_NO_ANSWER : CX_BAD_ANSWER;
	if (r->result == CX_NO_ANSWER || r->command == c->of->n)
		return;
	if (c->config.redirects && cx_decode_redirect(m, &redirect))
		take_redirect(c, r, &redirect, m);
	else
		r->content = c->of->copy_answer(r->command, m);
}

/* An answer, or an error of the library's own where nobody could be asked. */
static void on_answer(void *key, struct msg **m)
{
	struct queries *c = client_of((uint64_t)(uintptr_t)key);
	struct reply *r = c ? calloc(1, sizeof(*r)) : NULL;

	if (r) {
		r->key = (uint64_t)(uintptr_t)key;
		take_answer(c, r, *m);
		reply_push(c, r);
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

static bool may_ask(struct queries *c)
{
	bool may;

	pthread_mutex_lock(&c->lock);
	may = !c->stop && c->n_asked < ASKED_MAX;
	c->n_asked += may;
	pthread_mutex_unlock(&c->lock);
	return may;
}

static void asked_over(struct queries *c)
{
	pthread_mutex_lock(&c->lock);
	c->n_asked--;
	pthread_mutex_unlock(&c->lock);
}

static int on_asked(struct msg **m, struct avp *avp, struct session *session, void *ctx,
		    enum disp_action *action)
{
	struct queries *c = ctx;
	uint32_t command = command_of(c, *m);
	bool may = may_ask(c);
	struct reply *r = may ? calloc(1, sizeof(*r)) : NULL;
	int result = r ? c->of->copy_asked(command, *m, &r->content) : CX_TOO_BUSY;

	if (result) {
		if (may)
			asked_over(c);
		free(r);
		*action = DISP_ACT_SEND;
		return c->of->refuse(m, result);
	}
	r->command = command;
	r->is_request = true;
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

static void send_request(struct queries *c, const struct job *j)
{
	struct timespec expiry = expiry_after(c->timeout_ns / 1000000 + EXPIRY_MARGIN_MS);
	struct msg *m = NULL;
	int error;

	if (clock_ns() >= j->deadline_ns)
		return;
	error = c->of->request(j->command, &m, j->request, slice_str(c->config.host[j->host]));
	if (!error)
		error = fd_msg_send_timeout(&m, on_answer, (void *)(uintptr_t)j->key,
					    on_expired, &expiry);
	if (!error)
		return;
	log_event(LOG_WARN, c->of->name, "not_sent", LOG_U("command", c->of->code[j->command]),
		  LOG_Z("reason", strerror(error)));
	if (m)
		fd_msg_free(m);
	reply_no_answer(c, j->key, j->command);
}

static void send_answer(struct queries *c, struct job *j)
{
	int error = c->of->answer(j->command, &j->asked, j->result);

	if (!error)
		error = fd_msg_send(&j->asked, NULL, NULL);
	if (error)
		log_event(LOG_WARN, c->of->name, "answer_not_sent",
			  LOG_U("command", c->of->code[j->command]),
			  LOG_Z("reason", strerror(error)));
	asked_over(c);
}

static void *sender_run(void *arg)
{
	struct queries *c = arg;

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

static void timer_rearm(struct queries *c)
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
	struct queries *c = t->data;

	while (c->oldest != NONE && c->exchange[c->oldest].deadline_ns <= clock_ns()) {
		c->stats.timeouts++;
		exchange_fail(c, c->oldest, CX_NO_ANSWER);
	}
	timer_rearm(c);
}

/* The same request to another host, within what is left of its time. */
static void redirected(struct queries *c, struct reply *r, uint32_t i)
{
	struct exchange *x = &c->exchange[i];
	struct job *j = NULL;

	if (r->content && r->command == x->waiter.command && r->host >= 0 &&
	    !(x->hosts >> r->host & 1) && queries_open_to(c, (uint32_t)r->host))
		j = calloc(1, sizeof(*j));
	if (!j) {
		exchange_fail(c, i, r->result);
		return;
	}
	redirects_note(c->config.redirects, c->of->code[r->command], r->content, r->host,
		       r->usage, r->cache_s, clock_ms());
	c->stats.redirected++;
	x->hosts |= 1u << r->host;
	j->command = r->command;
	j->key = r->key;
	j->deadline_ns = x->deadline_ns;
	j->host = (uint32_t)r->host;
	j->request = r->content;
	r->content = NULL;
	job_push(c, j);
}

static void answered(struct queries *c, struct reply *r)
{
	uint32_t i = exchange_find(c, r->key);

	if (i == NONE) {
		c->stats.late++;
		return;
	}
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
	struct query_waiter w = exchange_end(c, i);

	c->stats.answered[w.command]++;
	c->of->tell(&w, r->content, 0);
}

static void asked(struct queries *c, struct reply *r)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j) {
		asked_over(c);
		return;
	}
	c->stats.sent[r->command]++;
	j->result = c->of->asked(c->config.ctx, r->command, r->content);
	c->stats.answered[r->command]++;
	j->command = r->command;
	j->asked = r->asked;
	r->asked = NULL;
	job_push(c, j);
}

static void tell_refused(struct queries *c)
{
	struct refusal *r = c->refused;

	c->refused = NULL;
	c->refused_end = &c->refused;
	while (r) {
		struct refusal *next = r->next;

		c->of->tell(&r->waiter, NULL, r->result);
		free(r);
		r = next;
	}
}

static void on_wake(struct ev_loop *loop, struct ev_async *w, int events)
{
	struct queries *c = w->data;
	struct reply *r = replies_take(c);

	while (r) {
		struct reply *next = r->next;

		if (r->asked)
			asked(c, r);
		else
			answered(c, r);
		reply_free(c, r);
		r = next;
	}
	tell_refused(c);
	timer_rearm(c);
}

static void refuse(struct queries *c, const struct query_waiter *w, int result)
{
	struct refusal *r = malloc(sizeof(*r));

	if (result == CX_WINDOW_FULL)
		c->stats.window_full++;
	c->stats.failed[w->command]++;
	/* Told too early rather than never. */
	if (!r) {
		c->of->tell(w, NULL, result);
		return;
	}
	*r = (struct refusal){NULL, *w, result};
	*c->refused_end = r;
	c->refused_end = &r->next;
	ev_async_send(c->loop, &c->wake);
}

static bool queue_full(struct queries *c)
{
	bool full;

	/* Exchanges that timed out leave the window, but their jobs stay while the sender is
	 * blocked. */
	pthread_mutex_lock(&c->lock);
	full = c->n_jobs >= c->window + ASKED_MAX;
	pthread_mutex_unlock(&c->lock);
	return full;
}

bool queries_open_to(const struct queries *c, uint32_t host)
{
	return host < c->config.n_hosts && diameter_open(c->config.host[host]);
}

void query(struct queries *c, uint32_t host, const void *request, struct query_waiter w)
{
	struct job *j;

	if (c->closing || !queries_open_to(c, host)) {
		refuse(c, &w, CX_NO_ANSWER);
		return;
	}
	if (c->first_free == NONE || queue_full(c)) {
		refuse(c, &w, CX_WINDOW_FULL);
		return;
	}
	j = calloc(1, sizeof(*j));
	if (j)
		j->request = c->of->copy_request(w.command, request);
	if (!j || !j->request) {
		free(j);
		refuse(c, &w, CX_WINDOW_FULL);
		return;
	}
	j->command = w.command;
	j->host = host;
	j->key = exchange_begin(c, &w, host);
	j->deadline_ns = c->exchange[c->newest].deadline_ns;
	c->stats.sent[w.command]++;
	job_push(c, j);
	if (c->oldest == c->newest)
		timer_rearm(c);
}

void queries_stats(const struct queries *c, struct query_stats *out)
{
	*out = c->stats;
}

/* Opening and closing. */

bool queries_serve(struct queries *c, struct dict_object *object)
{
	struct disp_when when = {.command = object};

	return fd_disp_register(on_asked, DISP_HOW_CC, &when, c, NULL) == 0;
}

static void client_free(struct queries *c)
{
	ev_async_stop(c->loop, &c->wake);
	ev_timer_stop(c->loop, &c->timer);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->more);
	client[c->id] = NULL;
	free(c->exchange);
	free(c);
}

static struct queries *client_new(struct ev_loop *loop, const struct query_config *config)
{
	struct queries *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	while (c->id < CLIENTS_MAX && client[c->id])
		c->id++;
	if (c->id == CLIENTS_MAX || config->window >> CLIENT_SHIFT ||
	    !exchanges_init(c, config->window)) {
		free(c);
		return NULL;
	}
	c->config = *config;
	c->of = config->of;
	c->loop = loop;
	c->timeout_ns = (uint64_t)config->timeout_ms * 1000000;
	c->jobs_end = &c->jobs;
	c->replies_end = &c->replies;
	c->refused_end = &c->refused;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->more, NULL);
	ev_async_init(&c->wake, on_wake);
	ev_timer_init(&c->timer, on_timer, 0, 0);
	c->wake.data = c->timer.data = c;
	ev_async_start(loop, &c->wake);
	client[c->id] = c;
	return c;
}

struct queries *queries_open(struct ev_loop *loop, const struct query_config *config)
{
	struct queries *c = client_new(loop, config);

	if (c && pthread_create(&c->sender, NULL, sender_run, c) != 0) {
		client_free(c);
		return NULL;
	}
	return c;
}

static void queues_empty(struct queries *c)
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
		reply_free(c, r);
	}
}

/* The sender may be blocked in the library, which lets it go only when it stops itself.
 * Messages hold memory of the library, so they go while it is still there; once `stop` is set
 * no more of theirs come in. */
void queries_stop(struct queries *c)
{
	struct timespec until = expiry_after(SENDER_WAIT_S * 1000);

	c->closing = true;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_signal(&c->more);
	pthread_mutex_unlock(&c->lock);
	c->joined = pthread_timedjoin_np(c->sender, NULL, &until) == 0;
	queues_empty(c);
}

void queries_close(struct queries *c)
{
	if (!c->joined)
		pthread_join(c->sender, NULL);
	queues_empty(c);
	while (c->oldest != NONE)
		exchange_fail(c, c->oldest, CX_NO_ANSWER);
	while (c->refused)
		tell_refused(c);
	client_free(c);
}
