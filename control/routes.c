/* routes.c - the ways out of the network that the data plane knows */
#include "control/routes.h"

#include <ev.h>
#include <stdlib.h>

#include "base/clock.h"
#include "control/control.h"
#include "control/install.h"

enum { TICK_S = 1 };

struct way {
	struct way *next;
	struct abi_route_view view; /* its texts are below */
	uint8_t text[];
};

struct routes {
	struct control *c;
	struct ev_timer tick;
	struct way *first;
	struct routes_stats stats;
};

static void take_out(struct routes *r, struct way **at)
{
	struct way *w = *at;

	*at = w->next;
	r->stats.n--;
	free(w);
}

/* And the data plane forgets it. */
static void end(struct routes *r, struct way **at)
{
	struct abi_route_view none = (*at)->view;

	none.n_addr = 0;
	install_route(r->c->installer, &none, NULL, NULL);
	take_out(r, at);
}

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct routes *r = w->data;
	uint64_t now = clock_ms();

	for (struct way **at = &r->first; *at;) {
		if ((*at)->view.expires_ms + ROUTES_LINGER_MS > now) {
			at = &(*at)->next;
			continue;
		}
		r->stats.expired++;
		end(r, at);
	}
}

struct routes *routes_open(struct control *c)
{
	struct routes *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->c = c;
	ev_timer_init(&r->tick, on_tick, TICK_S, TICK_S);
	r->tick.data = r;
	ev_timer_start(c->loop, &r->tick);
	installer_lead(c->installer, r);
	return r;
}

void routes_close(struct routes *r)
{
	if (!r)
		return;
	installer_lead(r->c->installer, NULL);
	ev_timer_stop(r->c->loop, &r->tick);
	while (r->first)
		take_out(r, &r->first);
	free(r);
}

static struct way **find(struct routes *r, struct slice to)
{
	struct way **at = &r->first;

	while (*at && !slice_eq((*at)->view.to, to))
		at = &(*at)->next;
	return at;
}

static void make_room(struct routes *r)
{
	struct way **soonest = &r->first;

	if (r->stats.n < ABI_ROUTES_MAX)
		return;
	for (struct way **at = &r->first; *at; at = &(*at)->next)
		if ((*at)->view.expires_ms < (*soonest)->view.expires_ms)
			soonest = at;
	r->stats.evicted++;
	end(r, soonest);
}

static struct way *make(const struct abi_route_view *v)
{
	struct way *w = malloc(sizeof(*w) + v->to.len + v->uri.len);

	if (!w)
		return NULL;
	w->view = *v;
	memcpy(w->text, v->to.p, v->to.len);
	if (v->uri.len)
		memcpy(w->text + v->to.len, v->uri.p, v->uri.len);
	w->view.to = slice_of(w->text, v->to.len);
	w->view.uri = slice_of(w->text + v->to.len, v->uri.len);
	return w;
}

void routes_put(struct routes *r, const struct abi_route_view *v,
		void (*done)(void *ctx, int status), void *ctx)
{
	struct way **old = find(r, v->to), *w = make(v);

	if (!w) {
		done(ctx, INSTALL_NO_MEMORY);
		return;
	}
	if (*old)
		take_out(r, old);
	make_room(r);
	w->next = r->first;
	r->first = w;
	r->stats.n++;
	r->stats.put++;
	install_route(r->c->installer, &w->view, done, ctx);
}

uint32_t routes_flush(struct routes *r)
{
	uint32_t n = r->stats.n;

	while (r->first)
		end(r, &r->first);
	r->stats.flushed += n;
	return n;
}

void routes_each(struct routes *r, void (*each)(void *ctx, const struct abi_route_view *v),
		 void *ctx)
{
	for (struct way *w = r->first; w; w = w->next)
		each(ctx, &w->view);
}

void routes_stats(const struct routes *r, struct routes_stats *out)
{
	*out = r->stats;
}
