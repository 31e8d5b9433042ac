/* echo_role.c - in place of the roles: messages go back to where they came from, or do as they
 * are told */
#include "echo_role.h"

#include <stdio.h>
#include <stdlib.h>

struct role_worker {
	struct counters *counters;
	uint16_t id;
	struct buf *slot[ROLE_GROUP];
	struct echo_seen seen;
	struct addr timer_to, timer_from;
};

struct echo_seen *echo_seen(struct role_worker *w)
{
	return &w->seen;
}

struct role_worker *role_worker_create(const struct node *node, const struct tables *tables,
				       struct counters *counters, uint16_t worker)
{
	struct role_worker *w = calloc(1, sizeof(*w));

	if (w) {
		w->counters = counters;
		w->id = worker;
	}
	return w;
}

void role_worker_destroy(struct role_worker *w)
{
	free(w);
}

static void back(struct role_worker *w, struct buf *b, struct outbox *out)
{
	struct addr us = b->dst;

	b->dst = b->src;
	b->src = us;
	count(w->counters, COUNT_FORWARDED);
	out->buf[out->n++] = b;
}

bool role_is_help(const struct role_worker *w, struct slice message)
{
	return slice_starts(message, SLICE("INVITE urn:service:sos"));
}

void role_refuse(struct role_worker *w, uint32_t sixteenths)
{
}

void role_prepare(struct role_worker *w, uint32_t slot, struct buf *b)
{
	w->slot[slot] = b;
}

void role_approach(struct role_worker *w, uint32_t slot)
{
}

void role_reach(struct role_worker *w, uint32_t slot)
{
}

enum verdict role_message(struct role_worker *w, uint32_t slot, uint64_t now_ms,
			  struct outbox *out, enum abi_punt_reason *punt, uint16_t *owner)
{
	struct buf *b = w->slot[slot];
	struct slice s = buf_slice(b);

	if (slice_starts(s, SLICE("PUNT"))) {
		*punt = PUNT_LOCATE;
		return VERDICT_PUNT;
	}
	if (slice_starts(s, SLICE("FRESH"))) {
		struct buf *ok = buf_alloc(16);

		memcpy(ok->data, "OK", 2);
		ok->len = 2;
		ok->src = b->dst;
		ok->dst = b->src;
		out->buf[out->n++] = ok;
		*punt = PUNT_REFRESHED;
		return VERDICT_PUNT;
	}
	if (slice_starts(s, SLICE("DROP"))) {
		count(w->counters, COUNT_DROP_NOT_SIP);
		return VERDICT_DROP;
	}
	if (slice_starts(s, SLICE("HAND ")) && s.len > 5 && s.p[5] - '0' != w->id) {
		*owner = (uint16_t)(s.p[5] - '0');
		return VERDICT_HANDOFF;
	}
	if (slice_starts(s, SLICE("TIME ")) && s.len > 5) {
		w->seen.timers += (uint32_t)(s.p[5] - '0') * 100;
		w->timer_to = b->src;
		w->timer_from = b->dst;
		buf_free(b);
		return VERDICT_SEND;
	}
	back(w, b, out);
	return VERDICT_SEND;
}

const struct role_notice *role_notice(const struct role_worker *w)
{
	return NULL;
}

uint32_t role_granted(const struct role_worker *w)
{
	return 600;
}

enum verdict role_resume(struct role_worker *w, const struct abi_inject *verdict,
			 struct slice route, struct buf *b, uint64_t now_ms, struct outbox *out,
			 enum abi_punt_reason *punt)
{
	w->seen.resumed++;
	w->seen.status = verdict->status;
	snprintf(w->seen.route, sizeof(w->seen.route), "%.*s", SLICE_ARG(route));
	if (verdict->locate == LOCATE_PASS) {
		*punt = PUNT_LOCATE;
		return VERDICT_PUNT;
	}
	back(w, b, out);
	return VERDICT_SEND;
}

bool role_tick(struct role_worker *w, uint64_t now_ms, struct outbox *out)
{
	while (w->seen.timers && out->n + OUTBOX_PER_MESSAGE <= OUTBOX_MAX) {
		struct buf *b = buf_alloc(16);

		if (!b)
			return false;
		memcpy(b->data, "TIMER", 5);
		b->len = 5;
		b->src = w->timer_from;
		b->dst = w->timer_to;
		out->buf[out->n++] = b;
		w->seen.timers--;
	}
	return w->seen.timers > 0;
}

uint32_t role_next_tick(const struct role_worker *w, uint64_t now_ms, uint32_t most)
{
	return w->seen.timers ? 0 : most;
}

uint32_t role_transactions(const struct role_worker *w)
{
	return 0;
}
