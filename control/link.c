/* link.c - control's end of the shared memory
 *
 * Sleeps on one eventfd for all rings. Before it sleeps it says so in each ring (ring_sleep);
 * the producer that finds that mark wakes it. Every record is copied into private memory,
 * checked there, and released before it is used, so that neither a slow handler holds up the
 * ring nor the other side can change what was checked.
 */
#include "control/link.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/route.h"
#include "conf/conf.h"

enum {
	ROUND_PER_RING =
		64, /* messages taken from one ring before the others have their turn */
	ROUND_ACKS = 4096,
	DEFAULT_SIP_PORT = 5060,
};

static const double backoff_first = 0.05, backoff_most = 1.0;

struct link {
	struct ev_loop *loop;
	struct link_events on;
	char path[CONF_PATH_MAX + 32];
	struct route_table routes;
	uint16_t sip_port;

	struct abi_region *region; /* NULL: down */
	uint64_t size;
	uint32_t n_workers;
	int conn, wake;
	bool seen;
	uint64_t boot_id;
	struct hash_key token_key;
	struct ring punt[WORKERS_MAX], inject[WORKERS_MAX], ack;
	uint32_t next; /* worker whose turn it is to send */

	struct ev_io conn_io, wake_io;
	struct ev_timer retry, again;
	double backoff;
	bool told; /* the failure to connect was logged */

	_Alignas(8) uint8_t record[RING_RECORD_MAX];
};

/* Routes as the data plane has them: prefixes on the link, prefixes behind the gateway, and
 * defaults. */
static void routes_of_port(struct route_table *t, const struct conf_port *p, uint8_t index)
{
	struct route r = {.port = index, .access = p->zone == CONF_ZONE_ACCESS};

	for (uint32_t i = 0; i < p->n_address; i++) {
		const struct addr *own = &p->address[i].ip;
		const struct addr *gateway = own->family == 4 ? &p->gateway4 : &p->gateway6;

		r.local = *own;
		r.local.port = 0;
		r.prefix = r.local;
		r.bits = p->address[i].bits;
		r.gateway = (struct addr){0};
		route_add(t, &r);
		if (gateway->family == 0)
			continue;
		r.gateway = *gateway;
		for (uint32_t j = 0; j < p->n_route; j++) {
			r.prefix = p->route[j].ip;
			r.bits = p->route[j].bits;
			if (r.prefix.family == own->family)
				route_add(t, &r);
		}
		r.prefix = (struct addr){.family = own->family};
		r.bits = 0;
		route_add(t, &r);
	}
}

static void on_conn(struct ev_loop *loop, struct ev_io *w, int events);
static void on_wake(struct ev_loop *loop, struct ev_io *w, int events);
static void on_again(struct ev_loop *loop, struct ev_timer *w, int events);
static void on_retry(struct ev_loop *loop, struct ev_timer *w, int events);

struct link *link_open(struct ev_loop *loop, const struct conf *conf,
		       const struct link_events *events)
{
	struct link *l = calloc(1, sizeof(*l));
	struct text path;

	if (!l)
		return NULL;
	l->loop = loop;
	l->on = *events;
	path = text_in(l->path, sizeof(l->path));
	text_printf(&path, "%s/dataplane-abi.sock", conf->runtime_dir);
	text_cstr(&path);
	l->sip_port = conf->dataplane.sip_port ? conf->dataplane.sip_port : DEFAULT_SIP_PORT;
	for (uint32_t i = 0; i < conf->dataplane.n_port; i++)
		routes_of_port(&l->routes, &conf->dataplane.port[i], (uint8_t)i);
	l->backoff = backoff_first;
	ev_timer_init(&l->retry, on_retry, 0., 0.);
	ev_timer_init(&l->again, on_again, 0., 0.);
	l->retry.data = l->again.data = l->conn_io.data = l->wake_io.data = l;
	/* From the loop, so that `up` finds everything else opened. */
	ev_timer_start(loop, &l->retry);
	return l;
}

static bool rings_attach(struct link *l)
{
	struct abi_region *r = l->region;

	for (uint32_t i = 0; i < l->n_workers; i++)
		if (!ring_attach_consumer(&l->punt[i], abi_ring_at(r, r->off_punt[i]),
					  r->ring_punt) ||
		    !ring_attach_producer(&l->inject[i], abi_ring_at(r, r->off_inject[i]),
					  r->ring_inject))
			return false;
	return ring_attach_consumer(&l->ack, abi_ring_at(r, r->off_ack), ABI_RING_ACK);
}

static void unmap(struct link *l)
{
	munmap(l->region, l->size);
	close(l->wake);
	close(l->conn);
	l->region = NULL;
}

static void retry_later(struct link *l)
{
	ev_timer_stop(l->loop, &l->retry);
	ev_timer_set(&l->retry, l->backoff, 0.);
	ev_timer_start(l->loop, &l->retry);
	l->backoff = l->backoff * 2 < backoff_most ? l->backoff * 2 : backoff_most;
}

static void go_down(struct link *l, const char *why)
{
	log_event(LOG_WARN, "link", "down", LOG_Z("reason", why));
	ev_io_stop(l->loop, &l->conn_io);
	ev_io_stop(l->loop, &l->wake_io);
	ev_timer_stop(l->loop, &l->again);
	if (l->on.down)
		l->on.down(l->on.ctx);
	unmap(l);
	retry_later(l);
}

static void go_up(struct link *l)
{
	bool fresh = !l->seen || l->boot_id != l->region->boot_id;

	l->seen = true;
	l->boot_id = l->region->boot_id;
	l->token_key = (struct hash_key){l->region->token_key[0], l->region->token_key[1]};
	l->backoff = backoff_first;
	l->told = false;
	ev_io_init(&l->conn_io, on_conn, l->conn, EV_READ);
	ev_io_init(&l->wake_io, on_wake, l->wake, EV_READ);
	ev_io_start(l->loop, &l->conn_io);
	ev_io_start(l->loop, &l->wake_io);
	/* What lies in the rings already wakes nobody. */
	ev_timer_set(&l->again, 0., 0.);
	ev_timer_start(l->loop, &l->again);
	log_event(LOG_INFO, "link", "up", LOG_U("workers", l->n_workers),
		  LOG_U("fresh", fresh));
	if (l->on.up)
		l->on.up(l->on.ctx, fresh);
}

static void on_retry(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct link *l = w->data;
	char error[256] = "";

	l->conn = abi_connect(l->path, &l->region, &l->wake, error);
	if (l->conn < 0) {
		l->region = NULL;
		if (!l->told)
			log_event(LOG_WARN, "link", "no_dataplane", LOG_Z("reason", error));
		l->told = true;
		retry_later(l);
		return;
	}
	l->size = l->region->size;
	l->n_workers = l->region->n_workers;
	if (l->n_workers > WORKERS_MAX || !rings_attach(l)) {
		log_event(LOG_ERROR, "link", "broken_ring");
		unmap(l);
		retry_later(l);
		return;
	}
	go_up(l);
}

/* The data plane says nothing on this connection: readable means that it is gone. */
static void on_conn(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct link *l = w->data;
	char c;
	ssize_t n = read(l->conn, &c, 1);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		go_down(l, "the data plane closed the connection");
}

/* Copies the oldest record out and gives its length; 0: none. */
static uint32_t take(struct link *l, struct ring *r)
{
	struct slice s = ring_peek(r);

	if (!s.p)
		return 0;
	memcpy(l->record, s.p, s.len);
	ring_release(r);
	return s.len;
}

static void drain_punts(struct link *l, struct ring *r)
{
	uint32_t len;

	for (int i = 0; i < ROUND_PER_RING && l->region && (len = take(l, r)); i++) {
		const char *wrong = abi_punt_check(l->record, len);

		if (wrong)
			log_event(LOG_ERROR, "link", "bad_punt", LOG_Z("reason", wrong));
		else if (l->on.message)
			l->on.message(l->on.ctx, (const struct abi_punt *)l->record);
	}
}

static void drain_acks(struct link *l)
{
	uint32_t len;

	for (int i = 0; i < ROUND_ACKS && (len = take(l, &l->ack)); i++) {
		struct abi_ack a;

		if (len != sizeof(a)) {
			log_event(LOG_ERROR, "link", "bad_ack", LOG_U("length", len));
			continue;
		}
		memcpy(&a, l->record, sizeof(a));
		if (l->on.ack)
			l->on.ack(l->on.ctx, &a);
	}
}

static bool rings_sound(const struct link *l)
{
	for (uint32_t i = 0; i < l->n_workers; i++)
		if (ring_broken(&l->punt[i]) || ring_broken(&l->inject[i]))
			return false;
	return !ring_broken(&l->ack);
}

static bool rings_sleep(struct link *l)
{
	bool sleep = ring_sleep(&l->ack);

	for (uint32_t i = 0; i < l->n_workers; i++)
		sleep &= ring_sleep(&l->punt[i]);
	return sleep;
}

/* One bounded round over all rings; if something is left, another one follows after the loop's
 * other events. */
static void round_run(struct link *l)
{
	drain_acks(l);
	for (uint32_t i = 0; i < l->n_workers; i++)
		drain_punts(l, &l->punt[i]);
	if (l->on.round)
		l->on.round(l->on.ctx);
	if (!rings_sound(l)) {
		go_down(l, "a ring is broken");
		return;
	}
	if (!rings_sleep(l) && !ev_is_active(&l->again)) {
		ev_timer_set(&l->again, 0., 0.);
		ev_timer_start(l->loop, &l->again);
	}
}

static void on_wake(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct link *l = w->data;
	uint64_t n;

	/* Only to make it quiet; how often we were woken says nothing. */
	if (read(l->wake, &n, sizeof(n)) < 0 && errno != EAGAIN && errno != EINTR) {
		go_down(l, "the wake-up descriptor failed");
		return;
	}
	round_run(l);
}

static void on_again(struct ev_loop *loop, struct ev_timer *w, int events)
{
	round_run(w->data);
}

void link_close(struct link *l)
{
	if (!l)
		return;
	ev_timer_stop(l->loop, &l->retry);
	ev_timer_stop(l->loop, &l->again);
	if (l->region) {
		ev_io_stop(l->loop, &l->conn_io);
		ev_io_stop(l->loop, &l->wake_io);
		unmap(l);
	}
	free(l);
}

bool link_is_up(const struct link *l)
{
	return l->region != NULL;
}

struct abi_region *link_region(struct link *l)
{
	return l->region;
}

bool link_token_key(const struct link *l, struct hash_key *out)
{
	if (!l->region)
		return false;
	*out = l->token_key;
	return true;
}

bool link_source(const struct link *l, const struct addr *dst, struct addr *out)
{
	const struct route *r = route_find(&l->routes, dst);

	if (!r)
		return false;
	*out = r->local;
	out->port = l->sip_port;
	return true;
}

static struct abi_inject *inject_reserve(struct link *l, uint32_t worker, uint32_t octets)
{
	if (octets > RING_RECORD_MAX - sizeof(struct abi_inject))
		return NULL;
	return ring_reserve(&l->inject[worker], (uint32_t)sizeof(struct abi_inject) + octets);
}

bool link_send(struct link *l, struct slice message, const struct addr *src,
	       const struct addr *dst, uint64_t sa_id)
{
	struct abi_inject *j;

	if (!l->region || message.len == 0 || message.len > SIP_MESSAGE_MAX)
		return false;
	/* Workers poll their rings: nobody is to be woken. */
	for (uint32_t i = 0; i < l->n_workers; i++) {
		uint32_t worker = l->next++ % l->n_workers;

		j = inject_reserve(l, worker, message.len);
		if (!j)
			continue;
		*j = (struct abi_inject){
			.type = INJECT_SEND,
			.len = message.len,
			.src = *src,
			.dst = *dst,
			.sa_id = sa_id,
		};
		memcpy(j->data, message.p, message.len);
		ring_commit(&l->inject[worker]);
		return true;
	}
	return false;
}

bool link_resume(struct link *l, const struct abi_punt *held, const struct link_verdict *v)
{
	struct slice route = v->route;
	struct abi_inject *j;

	if (!l->region || held->worker >= l->n_workers || route.len > SIP_URI_MAX)
		return false;
	j = inject_reserve(l, held->worker, held->len + route.len);
	if (!j)
		return false;
	*j = (struct abi_inject){
		.type = INJECT_RESUME,
		.locate = (uint8_t)v->locate,
		.status = v->status,
		.route_len = (uint16_t)route.len,
		.port = held->port,
		.len = held->len,
		.src = held->src,
		.dst = held->dst,
		.hop = v->hop,
		.sa_id = held->sa_id,
		.user = v->user,
	};
	memcpy(j->data, held->data, held->len);
	if (route.len)
		memcpy(j->data + held->len, route.p, route.len);
	ring_commit(&l->inject[held->worker]);
	return true;
}
