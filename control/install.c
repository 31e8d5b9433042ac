/* install.c - registration sets into the data plane's tables, in order, each acknowledged
 *
 * A put or delete is encoded at once and waits in a queue until the ring has room; then it is
 * in flight until its acknowledgement comes. A synchronisation walks the identifiers known when
 * the link came up and encodes each set when its turn comes, so that its memory is eight octets
 * a set; a set that is put or deleted meanwhile is skipped, because what was asked later says
 * more.
 *
 * Sequence numbers start at the clock, so that acknowledgements meant for a control that died
 * are told from ours. They tell records apart and are not in the order of sending: what is
 * encoded first may wait.
 */
#include "control/install.h"

#include <ev.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/link.h"

enum {
	PUMP_MAX = 1024, /* records written in one go: the loop has other work */
	IN_FLIGHT_MAX = 65536,
	STATUS_LINK_DOWN = -1,
};

struct op {
	struct op *next;
	uint64_t seq;
	void (*done)(void *ctx, int status);
	void *ctx;
	int status;   /* of an op on the failed list */
	uint32_t len; /* of the record; 0: sent */
	uint8_t record[];
};

struct queue {
	struct op *first, **last;
};

enum sync_phase { SYNC_IDLE, SYNC_BEGIN, SYNC_SETS, SYNC_END };

struct sync {
	enum sync_phase phase;
	struct registrations *all;
	uint64_t *id; /* sorted */
	bool *skip;
	uint32_t n, at;
};

struct installer {
	struct ev_loop *loop;
	struct link *link;
	bool ip_association;
	bool up;
	struct ring ring;
	uint64_t seq;
	struct queue waiting, flying, failed;
	uint32_t in_flight;
	struct sync sync;
	struct ev_timer fail_timer;
	struct installer_stats stats;
};

static void queue_put(struct queue *q, struct op *op)
{
	op->next = NULL;
	*q->last = op;
	q->last = &op->next;
}

static struct op *queue_take(struct queue *q)
{
	struct op *op = q->first;

	if (op) {
		q->first = op->next;
		if (!q->first)
			q->last = &q->first;
	}
	return op;
}

static void op_end(struct op *op, int status)
{
	if (op->done)
		op->done(op->ctx, status);
	free(op);
}

static void on_failed(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct installer *i = w->data;
	struct queue failed = i->failed;

	i->failed = (struct queue){NULL, &i->failed.first};
	for (struct op *op; (op = queue_take(&failed));)
		op_end(op, op->status);
}

/* Told from the loop, never from within the call that asked. */
static void op_fail(struct installer *i, struct op *op, int status)
{
	op->status = status;
	queue_put(&i->failed, op);
	if (!ev_is_active(&i->fail_timer)) {
		ev_timer_set(&i->fail_timer, 0., 0.);
		ev_timer_start(i->loop, &i->fail_timer);
	}
}

struct installer *installer_open(struct ev_loop *loop, struct link *link, bool ip_association)
{
	struct installer *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	i->loop = loop;
	i->link = link;
	i->ip_association = ip_association;
	i->seq = clock_wall_ms() << 20;
	i->waiting.last = &i->waiting.first;
	i->flying.last = &i->flying.first;
	i->failed.last = &i->failed.first;
	ev_timer_init(&i->fail_timer, on_failed, 0., 0.);
	i->fail_timer.data = i;
	return i;
}

static void sync_clear(struct installer *i)
{
	free(i->sync.id);
	free(i->sync.skip);
	i->sync = (struct sync){0};
}

static void queue_free(struct queue *q)
{
	for (struct op *op; (op = queue_take(q));)
		free(op);
}

void installer_close(struct installer *i)
{
	if (!i)
		return;
	ev_timer_stop(i->loop, &i->fail_timer);
	queue_free(&i->waiting);
	queue_free(&i->flying);
	queue_free(&i->failed);
	sync_clear(i);
	free(i);
}

/* The sequence number stands in each record, so it is drawn when the record is written. */
static uint32_t encode(struct installer *i, enum abi_install_type type, uint64_t id,
		       const struct registration_set *s, void *out)
{
	struct abi_install_view v = {.type = type, .seq = ++i->seq, .set_id = id};

	struct install_policy policy = {.ip_association = i->ip_association};

	/* Without a key the link is down, and the record goes nowhere. */
	link_token_key(i->link, &policy.key);
	if (type == INSTALL_REGISTRATION)
		install_view(s, &policy, &v.registration);
	return abi_install_encode(&v, out, RING_RECORD_MAX);
}

static int compare_id(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void sync_skip(struct sync *y, uint64_t id)
{
	uint64_t *at = y->n ? bsearch(&id, y->id, y->n, sizeof(id), compare_id) : NULL;

	if (at)
		y->skip[at - y->id] = true;
}

static void ask(struct installer *i, enum abi_install_type type, uint64_t id,
		const struct registration_set *s, void (*done)(void *, int), void *ctx)
{
	uint8_t record[RING_RECORD_MAX];
	uint32_t len = encode(i, type, id, s, record);
	struct op *op = malloc(sizeof(*op) + len);

	if (!op) {
		if (done)
			done(ctx, INSTALL_NO_MEMORY);
		return;
	}
	*op = (struct op){.seq = i->seq, .done = done, .ctx = ctx, .len = len};
	memcpy(op->record, record, len);
	if (len == 0) {
		op_fail(i, op, INSTALL_MALFORMED);
	} else if (!i->up) {
		op_fail(i, op, STATUS_LINK_DOWN);
	} else {
		sync_skip(&i->sync, id);
		queue_put(&i->waiting, op);
		i->stats.waiting++;
		install_pump(i);
	}
}

void install_put(struct installer *i, const struct registration_set *set,
		 void (*done)(void *ctx, int status), void *ctx)
{
	i->stats.put++;
	ask(i, INSTALL_REGISTRATION, set->id, set, done, ctx);
}

void install_delete(struct installer *i, uint64_t set_id, void (*done)(void *ctx, int status),
		    void *ctx)
{
	i->stats.deleted++;
	ask(i, INSTALL_DELETE, set_id, NULL, done, ctx);
}

static bool collect_id(void *ctx, struct registration_set *s)
{
	struct sync *y = ctx;

	y->id[y->n++] = s->id;
	return true;
}

static bool ring_open(struct installer *i)
{
	struct abi_region *r = link_region(i->link);

	return r &&
	       ring_attach_producer(&i->ring, abi_ring_at(r, r->off_install), ABI_RING_INSTALL);
}

void install_all(struct installer *i, struct registrations *all)
{
	uint32_t n = registrations_count(all);

	sync_clear(i);
	i->up = ring_open(i);
	i->sync.id = calloc(n + 1, sizeof(*i->sync.id));
	i->sync.skip = calloc(n + 1, sizeof(*i->sync.skip));
	if (!i->up || !i->sync.id || !i->sync.skip) {
		log_event(LOG_ERROR, "install", "sync_failed", LOG_U("sets", n));
		sync_clear(i);
		return;
	}
	registrations_each(all, collect_id, &i->sync);
	qsort(i->sync.id, i->sync.n, sizeof(*i->sync.id), compare_id);
	i->sync.all = all;
	i->sync.phase = SYNC_BEGIN;
	log_event(LOG_INFO, "install", "sync", LOG_U("sets", n));
	install_pump(i);
}

void install_link_down(struct installer *i)
{
	i->up = false;
	i->in_flight = 0;
	i->stats.waiting = 0;
	sync_clear(i);
	for (struct op *op; (op = queue_take(&i->flying));)
		op_fail(i, op, STATUS_LINK_DOWN);
	for (struct op *op; (op = queue_take(&i->waiting));)
		op_fail(i, op, STATUS_LINK_DOWN);
}

static void fly(struct installer *i, struct op *op)
{
	queue_put(&i->flying, op);
	i->in_flight++;
}

/* A record of the synchronisation: nobody waits for it, but its acknowledgement is counted. */
static bool sync_write(struct installer *i, enum abi_install_type type, uint64_t id,
		       const struct registration_set *s)
{
	uint8_t record[RING_RECORD_MAX];
	uint32_t len = encode(i, type, id, s, record);
	struct op *op;
	bool wake;

	if (len == 0) {
		log_event(LOG_ERROR, "install", "set_too_large", LOG_U("set", id));
		return true;
	}
	op = calloc(1, sizeof(*op));
	if (!op || !ring_push(&i->ring, slice_of(record, len), &wake)) {
		free(op);
		return false;
	}
	op->seq = i->seq;
	fly(i, op);
	return true;
}

/* The next record of the synchronisation. False: no room, or nothing left. */
static bool sync_step(struct installer *i)
{
	struct sync *y = &i->sync;
	struct registration_set *s;

	switch (y->phase) {
	case SYNC_IDLE:
		return false;
	case SYNC_BEGIN:
		if (!sync_write(i, INSTALL_SYNC_BEGIN, 0, NULL))
			return false;
		y->phase = SYNC_SETS;
		return true;
	case SYNC_SETS:
		while (y->at < y->n && y->skip[y->at])
			y->at++;
		if (y->at == y->n) {
			y->phase = SYNC_END;
			return true;
		}
		s = registrations_by_id(y->all, y->id[y->at]);
		if (s && !sync_write(i, INSTALL_REGISTRATION, s->id, s))
			return false;
		y->at++;
		return true;
	case SYNC_END:
		if (!sync_write(i, INSTALL_SYNC_END, 0, NULL))
			return false;
		sync_clear(i);
		return true;
	}
	return false;
}

/* What somebody waits for goes before the synchronisation, but not before its beginning. */
static bool waiting_step(struct installer *i)
{
	struct op *op = i->waiting.first;
	bool wake;

	if (!op || i->sync.phase == SYNC_BEGIN)
		return false;
	if (!ring_push(&i->ring, slice_of(op->record, op->len), &wake))
		return false;
	queue_take(&i->waiting);
	i->stats.waiting--;
	fly(i, op);
	return true;
}

void install_pump(struct installer *i)
{
	for (uint32_t n = 0; i->up && n < PUMP_MAX && i->in_flight < IN_FLIGHT_MAX; n++)
		if (!waiting_step(i) && !sync_step(i))
			break;
}

static bool is_flying(const struct installer *i, uint64_t seq)
{
	for (const struct op *op = i->flying.first; op; op = op->next)
		if (op->seq == seq)
			return true;
	return false;
}

void install_ack(struct installer *i, const struct abi_ack *a)
{
	bool found = false;

	/* Else it was meant for an earlier control, or for a link that was lost. */
	if (!is_flying(i, a->seq))
		return;
	while (!found) {
		struct op *op = queue_take(&i->flying);

		found = op->seq == a->seq;
		i->in_flight--;
		i->stats.acknowledged++;
		if (found && a->status != INSTALL_OK) {
			i->stats.refused++;
			log_event(LOG_WARN, "install", "refused", LOG_U("status", a->status));
		}
		/* Answers come in order: one that was passed over was lost on the way. */
		op_end(op, found ? (int)(a->status & INT32_MAX) : STATUS_LINK_DOWN);
	}
}

void installer_stats(const struct installer *i, struct installer_stats *out)
{
	*out = i->stats;
}
