/* install.c - sets of both kinds, and what they name, into the data plane's tables, in order,
 * each acknowledged
 *
 * A put or delete is encoded at once and waits in a queue until the ring has room; then it is
 * in flight until its acknowledgement comes. A synchronisation walks the identifiers known when
 * the link came up and encodes each set when its turn comes, so that its memory is eight octets
 * a set; a set that is put or deleted meanwhile is skipped, because what was asked later says
 * more. Security associations come first: contacts name them.
 *
 * Sequence numbers start at the clock, so that acknowledgements meant for a control that died
 * are told from ours. They tell records apart and are not in the order of sending: what is
 * encoded first may wait.
 */
#include "control/install.h"

#include <ev.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/link.h"
#include "control/routes.h"
#include "control/servers.h"
#include "control/services.h"

enum {
	PROFILE_HEAD_MAX = 64, /* octets of a record before the profile */
	SERVER_RECORD_MAX = 512,
	ROUTE_RECORD_MAX = 2048,
	PUMP_MAX = 1024, /* records written in one go: the loop has other work */
	IN_FLIGHT_MAX = 65536,
	STATUS_LINK_DOWN = -1,
	/* Profiles that need not be put again: fewer than the data plane keeps, used or not. */
	RECENT_MAX = ABI_PROFILES_RECENT / 2,
};

struct op {
	struct op *next;
	uint64_t seq;
	void (*done)(void *ctx, int status);
	void *ctx;
	int status;         /* of an op on the failed list */
	uint64_t sa_id;     /* of INSTALL_SA; else 0 */
	uint64_t prolonged; /* set_id of INSTALL_PROLONG; else 0 */
	bool secret;        /* the record has keys in it */
	uint32_t len;       /* of the record; 0: sent */
	uint8_t record[];
};

struct queue {
	struct op *first, **last;
};

enum sync_phase { SYNC_IDLE, SYNC_BEGIN, SYNC_SAS, SYNC_SETS, SYNC_END };

/* What was there when the link came up. */
struct walk {
	uint64_t *id; /* sorted */
	bool *skip;
	uint32_t n, at;
};

struct sync {
	enum sync_phase phase;
	struct registrations *all;
	struct sas *sas;
	struct walk sa, set;
};

/* What one record is about. */
struct thing {
	enum abi_install_type type;
	uint64_t id;
	const struct registration_set *set; /* INSTALL_REGISTRATION */
	const struct sa *sa;                /* INSTALL_SA */
	uint32_t contact;                   /* INSTALL_PROLONG, with `set` */
};

struct installer {
	struct ev_loop *loop;
	struct link *link;
	bool ip_association;
	bool up;
	bool pumping;
	struct ring ring;
	uint64_t seq;
	struct queue waiting, flying, failed;
	uint32_t in_flight;
	struct sync sync;
	struct ev_timer fail_timer;
	void (*lost)(void *ctx, uint64_t sa_id);
	void *lost_ctx;
	void (*gone)(void *ctx, uint64_t set_id);
	void *gone_ctx;
	struct installer_stats stats;
	struct services *services;                     /* NULL: identities have none */
	struct service_profile profile[SET_IMPUS_MAX]; /* of the set encoded last */
	uint64_t recent[RECENT_MAX]; /* ids of the profiles put last, in turn; 0: none */
	uint32_t turn;
	struct servers *servers; /* NULL: nobody looks for them */
	struct routes *routes;   /* NULL: there are none */
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

static void op_free(struct op *op)
{
	if (op->secret)
		OPENSSL_cleanse(op->record, op->len);
	free(op);
}

static void op_end(struct op *op, int status)
{
	if (op->done)
		op->done(op->ctx, status);
	op_free(op);
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

void installer_serve(struct installer *i, struct services *services)
{
	i->services = services;
}

void installer_on_lost(struct installer *i, void (*lost)(void *ctx, uint64_t sa_id), void *ctx)
{
	i->lost = lost;
	i->lost_ctx = ctx;
}

void installer_on_gone(struct installer *i, void (*gone)(void *ctx, uint64_t set_id), void *ctx)
{
	i->gone = gone;
	i->gone_ctx = ctx;
}

static void walk_clear(struct walk *w)
{
	free(w->id);
	free(w->skip);
	*w = (struct walk){0};
}

static void sync_clear(struct installer *i)
{
	walk_clear(&i->sync.sa);
	walk_clear(&i->sync.set);
	i->sync = (struct sync){0};
}

static void queue_free(struct queue *q)
{
	for (struct op *op; (op = queue_take(q));)
		op_free(op);
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
static uint32_t encode(struct installer *i, const struct thing *what, void *out)
{
	struct abi_install_view v = {
		.type = what->type, .seq = ++i->seq, .set_id = what->id, .sa_id = what->id};
	struct install_policy policy = {.ip_association = i->ip_association};
	uint32_t len;

	/* Without a key the link is down, and the record goes nowhere. */
	link_token_key(i->link, &policy.key);
	memset(i->profile, 0, sizeof(i->profile));
	if (what->type == INSTALL_REGISTRATION) {
		install_view(what->set, &policy, &v.registration);
		services_of(i->services, what->set, i->profile);
	}
	for (uint32_t k = 0; what->type == INSTALL_REGISTRATION && k < v.registration.n_impu;
	     k++)
		v.registration.impu[k].profile = i->profile[k].id;
	if (what->type == INSTALL_PROLONG)
		install_prolong_view(what->set, what->contact, &policy, &v.prolong);
	if (what->sa)
		install_sa_view(what->sa, &v.sa);
	len = abi_install_encode(&v, out, RING_RECORD_MAX);
	OPENSSL_cleanse(&v.sa, sizeof(v.sa));
	return len;
}

/* The data plane has the profile, or will before what is sent from now on. */
static bool is_recent(const struct installer *i, uint64_t id)
{
	for (uint32_t k = 0; k < RECENT_MAX; k++)
		if (i->recent[k] == id)
			return true;
	return false;
}

/* The next profile of the set encoded last that has to be put before it; NULL: none. */
static const struct service_profile *profile_wanted(const struct installer *i)
{
	for (uint32_t k = 0; k < SET_IMPUS_MAX; k++)
		if (i->profile[k].id && !is_recent(i, i->profile[k].id))
			return &i->profile[k];
	return NULL;
}

static struct op *profile_op(struct installer *i, const struct service_profile *p)
{
	struct abi_install_view v = {.type = INSTALL_PROFILE,
				     .seq = ++i->seq,
				     .profile_id = p->id,
				     .profile = p->octets};
	struct op *op = calloc(1, sizeof(*op) + p->octets.len + PROFILE_HEAD_MAX);

	if (!op)
		return NULL;
	op->seq = v.seq;
	op->len = abi_install_encode(&v, op->record, p->octets.len + PROFILE_HEAD_MAX);
	return op;
}

/* Before it is written: where its servers are comes first, as far as it is known. */
static void profile_meet(struct installer *i, const struct service_profile *p)
{
	if (i->servers)
		servers_meet(i->servers, (const struct ifc *)p->octets.p);
}

static void profile_sent(struct installer *i, uint64_t id)
{
	i->recent[i->turn++ % RECENT_MAX] = id;
}

static int compare_id(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void walk_skip(struct walk *w, uint64_t id)
{
	uint64_t *at = w->n ? bsearch(&id, w->id, w->n, sizeof(id), compare_id) : NULL;

	if (at)
		w->skip[at - w->id] = true;
}

static bool is_of_sa(enum abi_install_type type)
{
	return type == INSTALL_SA || type == INSTALL_SA_DELETE;
}

static void wait_for_room(struct installer *i, struct op *op)
{
	queue_put(&i->waiting, op);
	i->stats.waiting++;
}

/* Without memory for one, the set that names it is refused by the data plane. */
static void queue_profiles(struct installer *i)
{
	const struct service_profile *p;
	struct op *op;

	while ((p = profile_wanted(i)) && (op = profile_op(i, p))) {
		profile_meet(i, p);
		profile_sent(i, p->id);
		wait_for_room(i, op);
	}
}

/* Nobody waits for it; without memory the next change, or synchronisation, brings it. */
static bool queue_server(void *ctx, struct server *server)
{
	struct installer *i = ctx;
	struct abi_install_view v = {.type = INSTALL_SERVER, .seq = ++i->seq};
	struct op *op;

	if (!server_view(server, &v.server) ||
	    !(op = calloc(1, sizeof(*op) + SERVER_RECORD_MAX)))
		return true;
	op->seq = v.seq;
	op->len = abi_install_encode(&v, op->record, SERVER_RECORD_MAX);
	if (op->len)
		wait_for_room(i, op);
	else
		free(op);
	return true;
}

static struct op *route_op(struct installer *i, const struct abi_route_view *route)
{
	struct abi_install_view v = {.type = INSTALL_ROUTE, .seq = ++i->seq, .route = *route};
	struct op *op = calloc(1, sizeof(*op) + ROUTE_RECORD_MAX);

	if (!op)
		return NULL;
	op->seq = v.seq;
	op->len = abi_install_encode(&v, op->record, ROUTE_RECORD_MAX);
	return op;
}

/* As with servers: without memory it is found again when it is wanted. */
static void queue_route(void *ctx, const struct abi_route_view *route)
{
	struct installer *i = ctx;
	struct op *op = route_op(i, route);

	if (op && op->len)
		wait_for_room(i, op);
	else
		free(op);
}

void installer_lead(struct installer *i, struct routes *routes)
{
	i->routes = routes;
}

void install_route(struct installer *i, const struct abi_route_view *route,
		   void (*done)(void *, int), void *ctx)
{
	struct op *op = route_op(i, route);

	if (!op) {
		if (done)
			done(ctx, INSTALL_NO_MEMORY);
		return;
	}
	op->done = done;
	op->ctx = ctx;
	if (op->len == 0) {
		op_fail(i, op, INSTALL_MALFORMED);
	} else if (!i->up) {
		op_fail(i, op, STATUS_LINK_DOWN);
	} else {
		wait_for_room(i, op);
		install_pump(i);
	}
}

static void on_server(void *ctx, struct server *server)
{
	struct installer *i = ctx;

	if (!i->up)
		return;
	queue_server(i, server);
	if (!i->pumping)
		install_pump(i);
}

void installer_find(struct installer *i, struct servers *servers)
{
	if (servers)
		servers_watch(servers, on_server, i);
	i->servers = servers;
}

static void ask(struct installer *i, const struct thing *what, void (*done)(void *, int),
		void *ctx)
{
	uint8_t record[RING_RECORD_MAX];
	uint32_t len = encode(i, what, record);
	struct op *op = malloc(sizeof(*op) + len);

	if (!op) {
		if (done)
			done(ctx, INSTALL_NO_MEMORY);
		return;
	}
	*op = (struct op){.seq = i->seq,
			  .done = done,
			  .ctx = ctx,
			  .sa_id = what->sa ? what->id : 0,
			  .prolonged = what->type == INSTALL_PROLONG ? what->id : 0,
			  .secret = what->sa != NULL,
			  .len = len};
	memcpy(op->record, record, len);
	if (op->secret)
		OPENSSL_cleanse(record, len);
	if (len == 0) {
		op_fail(i, op, INSTALL_MALFORMED);
	} else if (!i->up) {
		op_fail(i, op, STATUS_LINK_DOWN);
	} else {
		if (what->type != INSTALL_PROLONG)
			walk_skip(is_of_sa(what->type) ? &i->sync.sa : &i->sync.set, what->id);
		queue_profiles(i);
		wait_for_room(i, op);
		install_pump(i);
	}
}

void install_put(struct installer *i, const struct registration_set *set,
		 void (*done)(void *ctx, int status), void *ctx)
{
	i->stats.put++;
	ask(i, &(struct thing){.type = INSTALL_REGISTRATION, .id = set->id, .set = set}, done,
	    ctx);
}

void install_prolong(struct installer *i, const struct registration_set *set, uint32_t contact)
{
	/* The next synchronisation brings it; one that runs may or may not have been there. */
	if (!i->up)
		return;
	if (i->sync.phase != SYNC_IDLE) {
		install_put(i, set, NULL, NULL);
		return;
	}
	i->stats.prolonged++;
	ask(i,
	    &(struct thing){
		    .type = INSTALL_PROLONG, .id = set->id, .set = set, .contact = contact},
	    NULL, NULL);
}

void install_delete(struct installer *i, uint64_t set_id, void (*done)(void *ctx, int status),
		    void *ctx)
{
	i->stats.deleted++;
	ask(i, &(struct thing){.type = INSTALL_DELETE, .id = set_id}, done, ctx);
}

void install_sa(struct installer *i, const struct sa *sa, void (*done)(void *ctx, int status),
		void *ctx)
{
	i->stats.put++;
	ask(i, &(struct thing){.type = INSTALL_SA, .id = sa->id, .sa = sa}, done, ctx);
}

void install_sa_delete(struct installer *i, uint64_t sa_id, void (*done)(void *ctx, int status),
		       void *ctx)
{
	i->stats.deleted++;
	ask(i, &(struct thing){.type = INSTALL_SA_DELETE, .id = sa_id}, done, ctx);
}

static bool collect_set(void *ctx, struct registration_set *s)
{
	struct walk *w = ctx;

	w->id[w->n++] = s->id;
	return true;
}

static bool collect_sa(void *ctx, const struct sa *sa)
{
	struct walk *w = ctx;

	w->id[w->n++] = sa->id;
	return true;
}

static bool walk_room(struct walk *w, uint32_t n)
{
	w->id = calloc(n + 1, sizeof(*w->id));
	w->skip = calloc(n + 1, sizeof(*w->skip));
	return w->id && w->skip;
}

static bool ring_open(struct installer *i)
{
	struct abi_region *r = link_region(i->link);

	return r &&
	       ring_attach_producer(&i->ring, abi_ring_at(r, r->off_install), ABI_RING_INSTALL);
}

void install_all(struct installer *i, struct registrations *all, struct sas *sas)
{
	struct sync *y = &i->sync;
	uint32_t n = registrations_count(all);

	sync_clear(i);
	memset(i->recent, 0, sizeof(i->recent));
	i->up = ring_open(i);
	if (!i->up || !walk_room(&y->set, n) || !walk_room(&y->sa, sas ? sas_total(sas) : 0)) {
		log_event(LOG_ERROR, "install", "sync_failed", LOG_U("sets", n));
		sync_clear(i);
		return;
	}
	registrations_each(all, collect_set, &y->set);
	if (sas)
		sas_each(sas, collect_sa, &y->sa);
	qsort(y->set.id, y->set.n, sizeof(*y->set.id), compare_id);
	qsort(y->sa.id, y->sa.n, sizeof(*y->sa.id), compare_id);
	y->all = all;
	y->sas = sas;
	y->phase = SYNC_BEGIN;
	if (i->servers)
		servers_each(i->servers, queue_server, i);
	if (i->routes)
		routes_each(i->routes, queue_route, i);
	log_event(LOG_INFO, "install", "sync", LOG_U("sets", n), LOG_U("sas", y->sa.n));
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

static bool sync_profiles(struct installer *i)
{
	const struct service_profile *p;
	bool wake;

	while ((p = profile_wanted(i))) {
		struct op *op = profile_op(i, p);

		profile_meet(i, p);
		/* A server that was met just now goes first. */
		if (!op || i->waiting.first ||
		    !ring_push(&i->ring, slice_of(op->record, op->len), &wake)) {
			free(op);
			return false;
		}
		profile_sent(i, p->id);
		fly(i, op);
	}
	return true;
}

/* A record of the synchronisation: nobody waits for it, but its acknowledgement is counted. */
static bool sync_write(struct installer *i, const struct thing *what)
{
	uint8_t record[RING_RECORD_MAX];
	uint32_t len = encode(i, what, record);
	uint64_t seq = i->seq;
	struct op *op;
	bool wake, sent;

	if (len == 0) {
		log_event(LOG_ERROR, "install", "set_too_large", LOG_U("set", what->id));
		return true;
	}
	op = calloc(1, sizeof(*op));
	sent = op && sync_profiles(i) && ring_push(&i->ring, slice_of(record, len), &wake);
	if (what->sa)
		OPENSSL_cleanse(record, len);
	if (!sent) {
		free(op);
		return false;
	}
	op->seq = seq;
	op->sa_id = what->sa ? what->id : 0;
	fly(i, op);
	return true;
}

/* The next id that nobody asked about meanwhile. False: none is left. */
static bool walk_next(struct walk *w, uint64_t *id)
{
	while (w->at < w->n && w->skip[w->at])
		w->at++;
	if (w->at == w->n)
		return false;
	*id = w->id[w->at];
	return true;
}

static bool sync_sa(struct installer *i)
{
	struct thing what = {.type = INSTALL_SA};

	if (!walk_next(&i->sync.sa, &what.id)) {
		i->sync.phase = SYNC_SETS;
		return true;
	}
	what.sa = sas_find(i->sync.sas, what.id);
	if (what.sa && !sync_write(i, &what))
		return false;
	i->sync.sa.at++;
	return true;
}

static bool sync_set(struct installer *i)
{
	struct thing what = {.type = INSTALL_REGISTRATION};

	if (!walk_next(&i->sync.set, &what.id)) {
		i->sync.phase = SYNC_END;
		return true;
	}
	what.set = registrations_by_id(i->sync.all, what.id);
	if (what.set && !sync_write(i, &what))
		return false;
	i->sync.set.at++;
	return true;
}

/* The next record of the synchronisation. False: no room, or nothing left. */
static bool sync_step(struct installer *i)
{
	/* A profile among what waits may be one that a set here names. */
	if (i->waiting.first && i->sync.phase != SYNC_BEGIN)
		return false;
	switch (i->sync.phase) {
	case SYNC_IDLE:
		return false;
	case SYNC_BEGIN:
		if (!sync_write(i, &(struct thing){.type = INSTALL_SYNC_BEGIN}))
			return false;
		i->sync.phase = SYNC_SAS;
		return true;
	case SYNC_SAS:
		return sync_sa(i);
	case SYNC_SETS:
		return sync_set(i);
	case SYNC_END:
		if (!sync_write(i, &(struct thing){.type = INSTALL_SYNC_END}))
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
	i->pumping = true;
	for (uint32_t n = 0; i->up && n < PUMP_MAX && i->in_flight < IN_FLIGHT_MAX; n++)
		if (!waiting_step(i) && !sync_step(i))
			break;
	i->pumping = false;
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
		if (found && a->status == INSTALL_GONE && op->prolonged) {
			if (i->gone)
				i->gone(i->gone_ctx, op->prolonged);
		} else if (found && a->status != INSTALL_OK) {
			i->stats.refused++;
			log_event(LOG_WARN, "install", "refused", LOG_U("status", a->status));
		}
		if (found && a->status == INSTALL_LOST && op->sa_id && i->lost)
			i->lost(i->lost_ctx, op->sa_id);
		/* Answers come in order: one that was passed over was lost on the way. */
		op_end(op, found ? (int)(a->status & INT32_MAX) : STATUS_LINK_DOWN);
	}
}

void installer_stats(const struct installer *i, struct installer_stats *out)
{
	*out = i->stats;
}
