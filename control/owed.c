/* owed.c - third-party REGISTERs that Application Servers have not answered yet
 *
 * An entry is in one of these places: under way; ready, in its server's queue; or later, in the
 * queue of those that wait equally long, which is sorted by time for that reason.
 */
#include "control/owed.h"

#include <ev.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "control/control.h"
#include "control/exchange.h"
#include "control/persist.h"
#include "control/record.h"
#include "control/register.h"
#include "control/servers.h"
#include "control/third_message.h"
#include "ifc/ifc.h"

enum {
	TABLE_START = 1024,
	WAITS = 6, /* 2, 4 .. 64 s */
	TICK_MS = 100,
	PUMP_MAX = 256,            /* sent to a server in one turn of the loop */
	CSEQ_EPOCH_S = 1577836800, /* so that seconds fit in 31 bits (RFC 3261 §8.1.1.5) */
};

struct entry {
	struct entry *next;  /* in the chain */
	struct entry *qnext; /* in a queue */
	struct line *line;
	uint64_t key, set_id, serial;
	uint64_t on_disk; /* serial of what is there */
	uint64_t due_ms;
	uint8_t *record; /* heap; NULL: read it from disk */
	uint32_t len;
	uint8_t kind, tries;
	bool terminate;
	bool under_way;
	bool gone;     /* freed when it leaves its queue */
	bool queued;   /* in a queue */
	bool answered; /* while a new state was staged: done, if that does not come about */
	uint8_t staged;
};

struct queue {
	struct entry *first, **last;
};

/* All that one server is owed. */
struct line {
	struct line *next;
	struct server *server;
	struct queue ready, later[WAITS];
	uint32_t n, under_way, open; /* entries; requests waited for, and all */
	bool failing;                /* the last one got no answer that helps */
};

/* A request under way. */
struct attempt {
	struct attempt *next, **at;
	struct owed *o;
	struct line *line;
	uint64_t set_id, key, serial; /* what it is about */
	bool waited;                  /* for its answer */
	uint32_t tried;               /* addresses of the server */
	struct addr to;
	struct ev_timer timer;
};

struct owed {
	struct control *c;
	uint32_t size; /* of the table, a power of two */
	struct entry **chain;
	struct line *lines;
	struct attempt *attempts;
	uint32_t n_attempts;
	struct ev_timer tick, kick;
	uint64_t start_ms; /* nothing is sent before */
	struct owed_stats stats;
};

struct owed_state {
	struct record_owed about; /* its texts lie in record */
	uint8_t *record;
	uint32_t len;
};

/* ---- queues ---- */

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void queue_put(struct queue *q, struct entry *e)
{
	e->qnext = NULL;
	e->queued = true;
	*q->last = e;
	q->last = &e->qnext;
}

static struct entry *queue_take(struct queue *q)
{
	struct entry *e = q->first;

	if (!e)
		return NULL;
	q->first = e->qnext;
	if (!q->first)
		q->last = &q->first;
	e->queued = false;
	return e;
}

/* ---- entries ---- */

static struct entry **chain_of(struct owed *o, uint64_t set_id)
{
	return &o->chain[(set_id ^ set_id >> 32) & (o->size - 1)];
}

static struct entry *find(struct owed *o, uint64_t set_id, uint64_t key)
{
	struct entry *e = *chain_of(o, set_id);

	while (e && (e->key != key || e->set_id != set_id))
		e = e->next;
	return e;
}

/* Without memory the chains grow longer. */
static void grow(struct owed *o)
{
	struct entry **was = o->chain, **larger = calloc(2 * (size_t)o->size, sizeof(*larger));
	uint32_t n = o->size;

	if (!larger)
		return;
	o->chain = larger;
	o->size *= 2;
	for (uint32_t i = 0; i < n; i++) {
		for (struct entry *e = was[i], *next; e; e = next) {
			struct entry **at = chain_of(o, e->set_id);

			next = e->next;
			e->next = *at;
			*at = e;
		}
	}
	free(was);
}

static void text_drop(struct owed *o, struct entry *e)
{
	if (e->record)
		o->stats.texts -= e->len;
	free(e->record);
	e->record = NULL;
}

/* Takes record. */
static void text_keep(struct owed *o, struct entry *e, uint8_t *record, uint32_t len)
{
	text_drop(o, e);
	e->record = record;
	e->len = len;
	o->stats.texts += len;
}

static void text_set(struct owed *o, struct entry *e, uint8_t *record, uint32_t len)
{
	text_keep(o, e, record, len);
	if (o->stats.texts > OWED_TEXTS_MAX)
		text_drop(o, e);
}

static struct line *line_of(struct owed *o, struct slice uri)
{
	struct server *server = servers_hold(o->c->servers, uri);
	struct line *l = o->lines;

	if (!server)
		return NULL;
	while (l && l->server != server)
		l = l->next;
	if (l || !(l = calloc(1, sizeof(*l)))) {
		servers_release(o->c->servers, server);
		return l;
	}
	l->server = server;
	queue_init(&l->ready);
	for (uint32_t i = 0; i < WAITS; i++)
		queue_init(&l->later[i]);
	l->next = o->lines;
	o->lines = l;
	return l;
}

static struct entry *entry_new(struct owed *o, const struct record_owed *about)
{
	struct line *line = o->stats.owed < OWED_MAX ? line_of(o, about->server) : NULL;
	struct entry *e = line ? calloc(1, sizeof(*e)) : NULL;

	if (!e)
		return NULL;
	if (o->stats.owed >= o->size)
		grow(o);
	e->line = line;
	e->key = about->key;
	e->set_id = about->set_id;
	e->next = *chain_of(o, e->set_id);
	*chain_of(o, e->set_id) = e;
	line->n++;
	o->stats.owed++;
	return e;
}

static void entry_free(struct owed *o, struct entry *e)
{
	text_drop(o, e);
	free(e);
}

/* Off the table. */
static void entry_end(struct owed *o, struct entry *e)
{
	struct entry **at = chain_of(o, e->set_id);

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	e->line->n--;
	o->stats.owed--;
	text_drop(o, e);
	if (e->queued)
		e->gone = true;
	else
		free(e);
}

/* The server knows what there is to know. */
static void settle(struct owed *o, struct entry *e)
{
	if (e->staged) {
		e->answered = true;
		return;
	}
	persist_owed_delete(o->c->persist, e->key);
	entry_end(o, e);
}

/* ---- the loop's part ---- */

static void kick(struct owed *o)
{
	if (ev_is_active(&o->kick))
		return;
	ev_timer_set(&o->kick, 0., 0.);
	ev_timer_start(o->c->loop, &o->kick);
}

static void make_ready(struct owed *o, struct entry *e)
{
	if (e->queued || e->under_way)
		return;
	queue_put(&e->line->ready, e);
	kick(o);
}

static void wait_longer(struct entry *e)
{
	uint32_t wait = e->tries ? e->tries - 1u : 0;

	if (wait >= WAITS)
		wait = WAITS - 1;
	e->due_ms = clock_ms() + ((uint64_t)OWED_RETRY_MS << wait);
	queue_put(&e->line->later[wait], e);
}

/* The server is back: nobody waits for the end of his time. */
static void all_ready(struct owed *o, struct line *l)
{
	struct entry *e;

	l->failing = false;
	for (uint32_t i = 0; i < WAITS; i++)
		while ((e = queue_take(&l->later[i])))
			queue_put(&l->ready, e);
	kick(o);
}

/* TS 24.229 §5.4.1.7: SESSION_TERMINATED. */
static bool is_to_end(const struct owed *o, const struct entry *e)
{
	return e->terminate && e->kind != IFC_REGISTER_END &&
	       registrations_by_id(o->c->registrations, e->set_id);
}

static void end_registration(struct owed *o, uint64_t set_id)
{
	struct registration_set *set = registrations_by_id(o->c->registrations, set_id);
	char impu[IMPU_MAX + 1];
	struct slice name;

	memcpy(impu, set->impu[0], strlen(set->impu[0]) + 1);
	name = slice_str(impu);
	o->stats.deregistered++;
	log_event(LOG_WARN, "owed", "registration_ended", LOG_Z("impu", impu));
	registrar_deregister(o->c->registrar, SLICE_EMPTY, &name, 1,
			     CX_REASON_PERMANENT_TERMINATION);
}

/* No address gave an answer that helps. May free e. */
static void failed(struct owed *o, struct entry *e, uint16_t status)
{
	o->stats.failed++;
	e->line->failing = true;
	log_event(LOG_INFO, "owed", "not_answered",
		  LOG_Z("server", server_name(e->line->server)), LOG_U("status", status),
		  LOG_U("try", e->tries + 1u));
	if (e->tries < UINT8_MAX)
		e->tries++;
	if (e->kind == IFC_REGISTER_END && e->tries >= OWED_END_TRIES) {
		o->stats.given_up++;
		settle(o, e);
		return;
	}
	wait_longer(e);
	/* It, and what else is owed of the set, becomes the end of the registration. */
	if (is_to_end(o, e))
		end_registration(o, e->set_id);
}

/* Nobody waits for its answer any more. */
static void attempt_leave(struct attempt *a)
{
	struct entry *e = find(a->o, a->set_id, a->key);

	if (!a->waited)
		return;
	a->waited = false;
	ev_timer_stop(a->o->c->loop, &a->timer);
	a->line->under_way--;
	a->o->stats.under_way--;
	if (e)
		e->under_way = false;
}

static void attempt_free(struct attempt *a)
{
	attempt_leave(a);
	*a->at = a->next;
	if (a->next)
		a->next->at = a->at;
	a->line->open--;
	a->o->n_attempts--;
	free(a);
}

static void send(struct owed *o, struct entry *e, uint32_t tried);

static void no_help(struct owed *o, struct entry *e, uint32_t tried, uint16_t status)
{
	struct addr unused;
	uint32_t after = tried;

	if (server_next(e->line->server, &after, &unused))
		send(o, e, tried);
	else
		failed(o, e, status);
}

/* An entry whose state has changed meanwhile goes again, whatever the answer. */
static void answered(struct owed *o, struct entry *e, uint64_t serial, uint16_t status)
{
	if (serial != e->serial) {
		make_ready(o, e);
		return;
	}
	if (status / 100 == 2)
		o->stats.answered++;
	else
		o->stats.refused++;
	if (status / 100 != 2)
		log_event(LOG_WARN, "owed", "refused",
			  LOG_Z("server", server_name(e->line->server)),
			  LOG_U("status", status));
	settle(o, e);
}

/* 408, 5xx or nothing. */
static bool is_no_help(const struct sip_msg *response)
{
	return !response || response->status == 408 || response->status / 100 == 5;
}

/* What comes after OWED_ANSWER_MS is good all the same, if it is about the latest state. */
static void on_response(void *ctx, const struct sip_msg *response)
{
	struct attempt *a = ctx, was = *a;
	struct owed *o = a->o;
	struct entry *e = find(o, a->set_id, a->key);
	bool bad = is_no_help(response);

	attempt_free(a);
	kick(o);
	if (bad && was.waited)
		server_failed(was.line->server, &was.to);
	if (bad && was.waited && e)
		no_help(o, e, was.tried, response ? response->status : 0);
	if (bad)
		return;
	server_answered(was.line->server, &was.to);
	if (was.line->failing)
		all_ready(o, was.line);
	if (e && (was.waited || was.serial == e->serial))
		answered(o, e, was.serial, response->status);
}

static void on_silence(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct attempt *a = w->data;
	struct entry *e = find(a->o, a->set_id, a->key);

	attempt_leave(a);
	kick(a->o);
	server_failed(a->line->server, &a->to);
	if (e)
		no_help(a->o, e, a->tried, 0);
}

static struct attempt *attempt_new(struct owed *o, struct entry *e)
{
	struct attempt *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->o = o;
	a->line = e->line;
	a->set_id = e->set_id;
	a->key = e->key;
	a->serial = e->serial;
	a->waited = true;
	a->next = o->attempts;
	a->at = &o->attempts;
	if (a->next)
		a->next->at = &a->next;
	o->attempts = a;
	e->under_way = true;
	e->line->open++;
	o->n_attempts++;
	e->line->under_way++;
	o->stats.under_way++;
	ev_timer_init(&a->timer, on_silence, OWED_ANSWER_MS / 1000., 0.);
	a->timer.data = a;
	ev_timer_start(o->c->loop, &a->timer);
	return a;
}

/* What is left of the registration, in seconds. */
static uint32_t seconds_left(const struct record_owed *r)
{
	uint64_t now = clock_wall_ms();

	return r->expires_wall_ms > now ? (uint32_t)((r->expires_wall_ms - now + 999) / 1000)
					: 0;
}

/* What we know of access and charging is for whom we trust (TS 24.229 §5.4.1.7, §4.4). */
static bool put_message(const struct owed *o, const struct record_owed *r,
			const struct addr *to, struct text *t)
{
	const struct conf *conf = o->c->conf;
	struct third_message m = {
		.server = r->server,
		.scscf = slice_str(conf->scscf_uri),
		.to = r->to,
		.key = r->key,
		.serial = r->serial,
		.cseq = (uint32_t)(clock_wall_ms() / 1000 - CSEQ_EPOCH_S) & INT32_MAX,
		.expires = seconds_left(r),
		.headers = own_peer(conf, to) ? r->headers : SLICE_EMPTY,
		.type = r->type,
		.body = r->body,
	};

	return third_message_put(&m, t);
}

/* May free e, and with it what *r points to: so that comes last. */
static void send_record(struct owed *o, struct entry *e, const struct record_owed *r,
			uint32_t tried)
{
	uint8_t memory[SIP_MESSAGE_MAX];
	struct text t = text_in(memory, sizeof(memory));
	struct request_way way = {0};
	struct attempt *a;

	if (r->kind != IFC_REGISTER_END && seconds_left(r) == 0) {
		settle(o, e);
		return;
	}
	if (!server_next(e->line->server, &tried, &way.dst) ||
	    !put_message(o, r, &way.dst, &t) || !(a = attempt_new(o, e))) {
		failed(o, e, 0);
		return;
	}
	a->tried = tried;
	a->to = way.dst;
	o->stats.sent++;
	request_send(o->c->exchanges, text_slice(&t), &way, on_response, a);
}

static void send(struct owed *o, struct entry *e, uint32_t tried)
{
	struct record_owed r;
	uint32_t len = e->len;
	uint8_t *read = e->record ? NULL : persist_owed_get(o->c->persist, e->key, &len);
	const uint8_t *record = e->record ? e->record : read;

	if (record && record_owed_decode(slice_of(record, len), &r)) {
		send_record(o, e, &r, tried);
	} else {
		o->stats.lost++;
		log_event(LOG_ERROR, "owed", "lost", LOG_U("key", e->key));
		settle(o, e);
	}
	free(read);
}

/* Without a link every address would seem dead. */
static bool can_send(const struct owed *o, const struct line *l)
{
	struct addr to[SERVER_ADDRESSES_MAX], local;

	return server_state(l->server) != SERVER_ASKED &&
	       (server_addresses(l->server, to) == 0 ||
		exchanges_local(o->c->exchanges, &to[0], &local));
}

/* Transactions that nobody waits for count until they end: a dead server must not keep the
 * others waiting. */
static bool has_room(const struct owed *o, const struct line *l)
{
	return l->under_way < OWED_AT_ONCE && l->open < 2 * OWED_AT_ONCE &&
	       o->n_attempts < OWED_OPEN_MAX;
}

static void pump(struct owed *o, struct line *l)
{
	struct entry *e;

	if (!l->ready.first || !can_send(o, l))
		return;
	for (uint32_t n = 0; n < PUMP_MAX && has_room(o, l); n++) {
		e = queue_take(&l->ready);
		if (!e)
			return;
		if (e->gone)
			free(e);
		else
			send(o, e, 0);
	}
}

static void pump_all(struct owed *o)
{
	if (clock_ms() < o->start_ms)
		return;
	for (struct line *l = o->lines; l; l = l->next)
		pump(o, l);
}

static void on_kick(struct ev_loop *loop, struct ev_timer *w, int events)
{
	pump_all(w->data);
}

static void due_ready(struct line *l, uint64_t now)
{
	for (uint32_t i = 0; i < WAITS; i++)
		while (l->later[i].first &&
		       (l->later[i].first->gone || l->later[i].first->due_ms <= now))
			queue_put(&l->ready, queue_take(&l->later[i]));
}

static bool is_idle(const struct line *l)
{
	bool idle = l->n == 0 && l->open == 0 && !l->ready.first;

	for (uint32_t i = 0; i < WAITS; i++)
		idle = idle && !l->later[i].first;
	return idle;
}

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct owed *o = w->data;
	uint64_t now = clock_ms();

	for (struct line **at = &o->lines, *l; (l = *at);) {
		due_ready(l, now);
		if (!is_idle(l)) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		servers_release(o->c->servers, l->server);
		free(l);
	}
	pump_all(o);
}

/* ---- states ---- */

static struct owed_state *lose(struct owed *o, const struct record_owed *like,
			       struct owed_state *s)
{
	o->stats.lost++;
	log_event(LOG_ERROR, "owed", "lost", LOG_S("impu", like->impu),
		  LOG_S("server", like->server));
	if (s)
		free(s->record);
	free(s);
	return NULL;
}

struct owed_state *owed_stage(struct owed *o, const struct record_owed *like)
{
	struct owed_state *s = calloc(1, sizeof(*s));
	struct entry *e = find(o, like->set_id, like->key);

	if (s)
		s->record = record_owed_encode(like, &s->len);
	if (!s || !s->record || !record_owed_decode(slice_of(s->record, s->len), &s->about))
		return lose(o, like, s);
	/* What is on disk alone is about to be overwritten. */
	if (e && !e->record) {
		uint32_t len;
		uint8_t *record = persist_owed_get(o->c->persist, e->key, &len);

		if (record)
			text_keep(o, e, record, len);
	}
	if (e) {
		e->staged++;
		e->on_disk = like->serial;
	}
	persist_owed_put(o->c->persist, like->key, slice_of(s->record, s->len));
	return s;
}

static void unstage(struct entry *e)
{
	if (e->staged)
		e->staged--;
}

void owed_take(struct owed *o, struct owed_state *s)
{
	struct entry *e = find(o, s->about.set_id, s->about.key);

	if (e)
		unstage(e);
	else
		e = entry_new(o, &s->about);
	if (!e) {
		persist_owed_delete(o->c->persist, s->about.key);
		lose(o, &s->about, s);
		return;
	}
	if (e->on_disk && e->on_disk != s->about.serial)
		persist_owed_put(o->c->persist, e->key, slice_of(s->record, s->len));
	e->serial = e->on_disk = s->about.serial;
	e->kind = s->about.kind;
	e->terminate = s->about.terminate;
	e->answered = false;
	e->tries = 0;
	text_set(o, e, s->record, s->len);
	free(s);
	make_ready(o, e);
}

void owed_forget(struct owed *o, struct owed_state *s)
{
	struct entry *e = find(o, s->about.set_id, s->about.key);

	if (e)
		unstage(e);
	if (!e) {
		persist_owed_delete(o->c->persist, s->about.key);
	} else if (e->answered && !e->staged) {
		settle(o, e);
	} else if (e->on_disk == s->about.serial && e->record) {
		persist_owed_put(o->c->persist, e->key, slice_of(e->record, e->len));
		e->on_disk = e->serial;
	}
	free(s->record);
	free(s);
}

void owed_over(struct owed *o, uint64_t set_id)
{
	for (struct entry *e = *chain_of(o, set_id), *next; e; e = next) {
		next = e->next;
		if (e->set_id != set_id || e->kind == IFC_REGISTER_END || e->staged)
			continue;
		persist_owed_delete(o->c->persist, e->key);
		entry_end(o, e);
	}
}

/* A registration that is gone was not ended by us: nobody is told of it any more. */
static void restore(void *ctx, const struct record_owed *r, struct slice record)
{
	struct owed *o = ctx;
	uint8_t memory[IMPU_MAX + 1], *copy;
	struct text impu = text_in(memory, sizeof(memory));
	struct entry *e = NULL;
	bool current;

	text_put(&impu, r->impu);
	current = r->kind == IFC_REGISTER_END ||
		  registrations_by_impu(o->c->registrations, text_cstr(&impu));
	if (current)
		e = entry_new(o, r);

	if (!e) {
		o->stats.lost += current;
		persist_owed_delete(o->c->persist, r->key);
		return;
	}
	e->serial = e->on_disk = r->serial;
	e->kind = r->kind;
	e->terminate = r->terminate;
	copy = malloc(record.len);
	if (copy) {
		memcpy(copy, record.p, record.len);
		text_set(o, e, copy, record.len);
	}
	queue_put(&e->line->ready, e);
}

struct owed *owed_open(struct control *c, char *error)
{
	struct owed *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->c = c;
	o->size = TABLE_START;
	o->chain = calloc(o->size, sizeof(struct entry *));
	o->start_ms = clock_ms();
	ev_timer_init(&o->kick, on_kick, 0., 0.);
	ev_timer_init(&o->tick, on_tick, TICK_MS / 1000., TICK_MS / 1000.);
	o->kick.data = o->tick.data = o;
	ev_timer_start(c->loop, &o->tick);
	if (!o->chain || !persist_load_owed(c->persist, restore, o, error)) {
		owed_close(o);
		return NULL;
	}
	if (o->stats.owed)
		o->start_ms += OWED_RESTORED_MS;
	return o;
}

static void queue_free(struct queue *q)
{
	for (struct entry *e; (e = queue_take(q));)
		if (e->gone)
			free(e);
}

void owed_close(struct owed *o)
{
	if (!o)
		return;
	ev_timer_stop(o->c->loop, &o->tick);
	ev_timer_stop(o->c->loop, &o->kick);
	while (o->attempts)
		attempt_free(o->attempts);
	for (struct line *l = o->lines, *next; l; l = next) {
		next = l->next;
		queue_free(&l->ready);
		for (uint32_t i = 0; i < WAITS; i++)
			queue_free(&l->later[i]);
		servers_release(o->c->servers, l->server);
		free(l);
	}
	for (uint32_t i = 0; o->chain && i < o->size; i++)
		for (struct entry *e = o->chain[i], *next; e; e = next) {
			next = e->next;
			entry_free(o, e);
		}
	free(o->chain);
	free(o);
}

void owed_stats(const struct owed *o, struct owed_stats *out)
{
	*out = o->stats;
}

uint32_t owed_to(const struct owed *o, const struct server *server)
{
	for (const struct line *l = o->lines; l; l = l->next)
		if (l->server == server)
			return l->n;
	return 0;
}
