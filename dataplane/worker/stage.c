/* stage.c - the stages of a worker's turn */
#include "worker/stage.h"

#include "base/clock.h"
#include "sip/parse.h"

enum {
	INJECT_MAX = BURST_MAX,
	LAG = 2,              /* messages between one stage of asking for memory and the next */
	TIMER_ROUNDS_MAX = 8, /* outboxes of timers in one turn: packets come between */
};

void stage_begin(struct worker *w)
{
	w->now_ms = clock_ms();
	w->begin_tsc = clock_tsc();
	w->busy = false;
	w->messages = 0;
	w->burst.n = 0;
	w->burst.n_frames = 0;
	w->burst.n_esp = 0;
	w->burst.n_send = 0;
}

static void make_room(struct worker *w)
{
	if (!outbox_has_room(&w->out))
		stage_output(w);
}

void stage_receive(struct worker *w)
{
	if (!w->draining)
		net_rx(w->net, &w->burst);
	w->full = w->burst.n_frames >= BURST_MAX;
	net_handoff_in(w->net, &w->burst);
	w->busy = w->burst.n + w->burst.n_frames + w->burst.n_send > 0;
	if (OUTBOX_MAX - w->out.n < w->burst.n_send)
		stage_output(w);
	for (uint32_t i = 0; i < w->burst.n_send; i++)
		w->out.buf[w->out.n++] = w->burst.send[i];
}

void stage_input(struct worker *w)
{
	net_input(w->net, &w->burst, w->now_ms);
}

static void opened(struct worker *w, const struct esp_packet *p, const struct net_esp *e)
{
	struct buf *b;

	switch (p->verdict) {
	case VERDICT_NEXT:
		b = net_esp_message(w->net, &w->burst, e, p->at, p->len);
		b->src = p->src;
		b->dst = p->dst;
		b->sa_id = p->sa_id;
		break;
	case VERDICT_HANDOFF:
		net_handoff_esp(w->net, e, p->owner);
		break;
	default:
		net_esp_drop(w->net, e, p->reason);
		break;
	}
}

static void open_packets(struct worker *w)
{
	struct esp_packet p[NET_BURST_MAX];
	uint32_t n = w->burst.n_esp;

	for (uint32_t i = 0; i < n; i++) {
		const struct net_esp *e = &w->burst.esp[i];

		p[i] = (struct esp_packet){
			.at = e->at, .len = e->len, .src = e->src, .dst = e->dst};
	}
	esp_in(w->esp, p, n);
	for (uint32_t i = 0; i < n; i++)
		opened(w, &p[i], &w->burst.esp[i]);
}

/* Here the turn's messages are complete. */
void stage_open(struct worker *w)
{
	if (w->burst.n_esp)
		open_packets(w);
	w->messages += w->burst.n;
	for (uint32_t i = 0; i < w->burst.n; i++)
		w->mark[i].verdict = VERDICT_NEXT;
}

static bool capture_is_on(const struct worker *w)
{
	return atomic_load_explicit(&w->punt.region->capture_limit, memory_order_relaxed) != 0;
}

void stage_capture(struct worker *w)
{
	if (!capture_is_on(w)) {
		w->punt.captured = 0;
		return;
	}
	for (uint32_t i = 0; i < w->burst.n; i++)
		punt_capture(&w->punt, w->burst.buf[i], false);
}

/* §4.4.1: a double CRLF is a ping, answered with a single one; a single one is a pong. */
static void keepalive(struct worker *w, struct buf *b)
{
	struct addr us = b->dst;

	count(w->counters, COUNT_KEEPALIVE);
	if (!slice_eq(buf_slice(b), SLICE("\r\n\r\n"))) {
		buf_free(b);
		return;
	}
	b->len = 2;
	b->dst = b->src;
	b->src = us;
	make_room(w);
	w->out.buf[w->out.n++] = b;
}

void stage_keepalive(struct worker *w)
{
	for (uint32_t i = 0; i < w->burst.n; i++) {
		struct buf *b = w->burst.buf[i];

		/* A message begins with a letter, nearly always. */
		if (b->len > 0 && b->data[0] != '\r' && b->data[0] != '\n')
			continue;
		if (b->len > 0 && !sip_is_keepalive(buf_slice(b)))
			continue;
		keepalive(w, b);
		w->mark[i].verdict = VERDICT_SEND;
	}
}

/* Control hears of a refresh before its 200 OK goes out; if it cannot, the terminal hears
 * nothing and asks again. So the record is written at once, not with the turn's other punts. */
static void refreshed(struct worker *w, uint32_t i)
{
	struct buf *b = w->burst.buf[i];

	if (punt_refreshed(&w->punt, b, role_granted(w->role))) {
		count(w->counters, COUNT_ANSWERED);
		count(w->counters, COUNT_REFRESHED);
	} else {
		buf_free(w->out.buf[--w->out.n]);
		count(w->counters, COUNT_DROP_PUNT_FULL);
	}
	buf_free(b);
	w->mark[i].verdict = VERDICT_SEND;
}

/* The message is in the outbox, or was: whether control hears of it makes no difference to it.
 */
static void tell(struct worker *w)
{
	const struct role_notice *n = role_notice(w->role);

	if (n && !punt_notice(&w->punt, &(struct punt_notice){n->reason, n->b, n->src, n->dst,
							      n->src_sa, n->dst_sa, n->uri}))
		count(w->counters, COUNT_SESSION_UNTOLD);
}

static void finish(struct worker *w, uint32_t i, enum abi_punt_reason punt, uint16_t owner)
{
	struct buf *b = w->burst.buf[i];

	switch (w->mark[i].verdict) {
	case VERDICT_PUNT:
		if (punt == PUNT_REFRESHED)
			refreshed(w, i);
		else
			w->mark[i].punt = (uint8_t)punt;
		break;
	case VERDICT_HANDOFF:
		if (!net_handoff(w->net, b, owner))
			buf_free(b);
		break;
	case VERDICT_DROP:
		buf_free(b);
		break;
	default:
		break;
	}
}

/* Calls for help are read whatever else is dropped; but a quarter of a burst at most, so that
 * who floods with them does not drown what goes on. */
static bool is_spared(const struct worker *w, struct slice message, uint32_t *spared)
{
	return *spared < BURST_MAX / 4 && role_is_help(w->role, message) && ++*spared;
}

void stage_overload(struct worker *w)
{
	struct overload *o = &w->overload;
	uint32_t spared = 0;

	if (w->burst.n)
		overload_note(o, w->full);
	role_refuse(w->role, overload_refused(o));
	if (o->level <= OVERLOAD_SHARES)
		return;
	for (uint32_t i = 0; i < w->burst.n; i++) {
		struct buf *b = w->burst.buf[i];

		if (w->mark[i].verdict != VERDICT_NEXT || is_spared(w, buf_slice(b), &spared) ||
		    !overload_drops(o, buf_slice(b)))
			continue;
		count(w->counters, COUNT_DROP_OVERLOAD);
		buf_free(b);
		w->mark[i].verdict = VERDICT_DROP;
	}
}

static void do_group(struct worker *w, const uint32_t *message, uint32_t n)
{
	/* A step behind: what was asked for has come when the next question is put, and the
	 * last answers come while the first messages are worked on. */
	for (uint32_t i = 0; i < n + 2 * LAG; i++) {
		if (i < n)
			role_prepare(w->role, i, w->burst.buf[message[i]]);
		if (i >= LAG && i - LAG < n)
			role_approach(w->role, i - LAG);
		if (i >= 2 * LAG)
			role_reach(w->role, i - 2 * LAG);
	}
	for (uint32_t i = 0; i < n; i++) {
		enum abi_punt_reason punt = 0;
		uint16_t owner = w->id;

		make_room(w);
		w->mark[message[i]].verdict =
			(uint8_t)role_message(w->role, i, w->now_ms, &w->out, &punt, &owner);
		tell(w);
		finish(w, message[i], punt, owner);
	}
}

/* Pointers into the tables stay valid for the whole turn: its end is the reader's quiescent
 * state. */
void stage_roles(struct worker *w)
{
	uint32_t group[ROLE_GROUP], n = 0;

	for (uint32_t i = 0; i < w->burst.n; i++) {
		if (w->mark[i].verdict != VERDICT_NEXT)
			continue;
		group[n++] = i;
		if (n == ROLE_GROUP) {
			do_group(w, group, n);
			n = 0;
		}
	}
	do_group(w, group, n);
}

static void punt(struct worker *w, struct buf *b, enum abi_punt_reason reason)
{
	count(w->counters,
	      punt_message(&w->punt, b, reason) ? COUNT_PUNTED : COUNT_DROP_PUNT_FULL);
	buf_free(b);
}

void stage_punt(struct worker *w)
{
	for (uint32_t i = 0; i < w->burst.n; i++) {
		if (w->mark[i].verdict != VERDICT_PUNT)
			continue;
		punt(w, w->burst.buf[i], w->mark[i].punt);
	}
}

/* Control may send from our own addresses only. */
static bool source_is_ours(const struct worker *w, const struct addr *src)
{
	return src->family == 0 || route_local(w->routes, src) >= 0;
}

static struct buf *copy_of(struct worker *w, const struct abi_inject *r)
{
	struct buf *b = buf_alloc(r->len);

	if (!b) {
		count(w->counters, COUNT_DROP_NOBUF);
		return NULL;
	}
	memcpy(b->data, r->data, r->len);
	b->len = r->len;
	b->tailroom -= r->len;
	b->src = r->src;
	b->dst = r->dst;
	b->sa_id = r->sa_id;
	b->user = r->type == INJECT_RESUME ? r->user : 0;
	b->port = r->type == INJECT_RESUME ? r->port : BUF_PORT_CONTROL;
	b->worker = w->id;
	b->rx_tsc = w->begin_tsc;
	return b;
}

static void resume(struct worker *w, const struct abi_inject *r, struct buf *b)
{
	enum abi_punt_reason reason = 0;

	if (role_resume(w->role, r, slice_of(r->data + r->len, r->route_len), b, w->now_ms,
			&w->out, &reason) == VERDICT_PUNT)
		punt(w, b, reason);
	else
		tell(w);
}

static void inject(struct worker *w, const struct abi_inject *r)
{
	bool sound = r->type == INJECT_SEND ? source_is_ours(w, &r->src) : r->port < w->n_ports;
	struct buf *b;

	count(w->counters, COUNT_RX_INJECT);
	if (!sound) {
		count(w->counters, COUNT_DROP_RESUME);
		return;
	}
	b = copy_of(w, r);
	if (!b)
		return;
	make_room(w);
	if (r->type == INJECT_SEND)
		w->out.buf[w->out.n++] = b;
	else
		resume(w, r, b);
}

void stage_inject(struct worker *w)
{
	const struct abi_inject *r;

	for (int i = 0; i < INJECT_MAX && (r = punt_next_inject(&w->punt, w->record)); i++) {
		inject(w, r);
		w->messages++;
		w->busy = true;
	}
}

void stage_timers(struct worker *w)
{
	bool more = true;

	for (int i = 0; more && i < TIMER_ROUNDS_MAX; i++) {
		uint32_t before;

		make_room(w);
		before = w->out.n;
		more = role_tick(w->role, w->now_ms, &w->out);
		w->busy = w->busy || w->out.n > before;
		if (more)
			stage_output(w);
	}
}

static void drop(struct worker *w, struct buf *b, enum count_id reason)
{
	count(w->counters, reason);
	buf_free(b);
}

/* The last place before the network: what names an SA leaves under it or not at all, and from a
 * protected port nothing leaves in clear. */
static void seal(struct worker *w, struct esp_message *m, uint32_t n)
{
	esp_out(w->esp, m, n);
	for (uint32_t i = 0; i < n; i++) {
		switch (m[i].verdict) {
		case VERDICT_SEND:
			count(w->counters, COUNT_TX_ESP);
			w->out.buf[w->out.n++] = m[i].buf;
			break;
		case VERDICT_HANDOFF:
			if (!net_handoff_send(w->net, m[i].buf, m[i].owner))
				buf_free(m[i].buf);
			break;
		default:
			drop(w, m[i].buf, m[i].reason);
			break;
		}
	}
}

static bool needs_seal(const struct worker *w, const struct buf *b)
{
	return b->sa_id || (b->src.family && net_is_protected(w->net_shared, b->src.port));
}

/* Takes those to be sealed out of the outbox, and puts them back behind the others. */
static void seal_outbox(struct worker *w)
{
	struct esp_message m[ESP_BURST];
	struct buf *all[OUTBOX_MAX];
	uint32_t n_all = w->out.n, n = 0;

	memcpy(all, w->out.buf, n_all * sizeof(all[0]));
	w->out.n = 0;
	for (uint32_t i = 0; i < n_all; i++) {
		struct buf *b = all[i];

		if (!needs_seal(w, b)) {
			w->out.buf[w->out.n++] = b;
			continue;
		}
		if (!b->sa_id || !w->esp) {
			drop(w, b, b->sa_id ? COUNT_DROP_ESP_NO_SA : COUNT_DROP_CLEAR);
			continue;
		}
		b = net_own(w->net, b, ESP_HEAD_MAX, ESP_TAIL_MAX);
		if (b)
			m[n++] = (struct esp_message){.buf = b, .sa_id = b->sa_id};
		if (n == ESP_BURST) {
			seal(w, m, n);
			n = 0;
		}
	}
	if (n)
		seal(w, m, n);
}

void stage_output(struct worker *w)
{
	bool capture = w->out.n && capture_is_on(w), any = false;

	for (uint32_t i = 0; capture && i < w->out.n; i++)
		punt_capture(&w->punt, w->out.buf[i], true);
	for (uint32_t i = 0; i < w->out.n; i++)
		any = any || needs_seal(w, w->out.buf[i]);
	if (any)
		seal_outbox(w);
	net_output_burst(w->net, w->out.buf, w->out.n);
	for (uint32_t i = 0; i < w->out.n_asked; i++)
		punt(w, w->out.asked[i].b, w->out.asked[i].reason);
	w->out.n = w->out.n_asked = 0;
}

void stage_transmit(struct worker *w)
{
	if (net_tick(w->net, w->now_ms))
		w->busy = true;
	net_tx_flush(w->net);
}
