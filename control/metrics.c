/* metrics.c - the page of control's metrics, watched by its loop */
#include "control/metrics.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>

#include "page/page.h"

enum { ERROR_MAX = 256 };

struct metrics {
	struct ev_loop *loop;
	const struct series_sources *sources;
	struct page *page;
	struct ev_io io;
	struct ev_timer tick;
};

static void write_page(void *ctx, struct json *out)
{
	series_write_text(((struct metrics *)ctx)->sources, out);
}

static void on_readable(struct ev_loop *loop, struct ev_io *w, int events)
{
	page_run(((struct metrics *)w->data)->page);
}

/* Connections that do not move on are cut by time. */
static void on_tick(struct ev_loop *loop, struct ev_timer *w, int events)
{
	page_run(((struct metrics *)w->data)->page);
}

struct metrics *metrics_open(struct ev_loop *loop, const struct addr *listen,
			     const struct series_sources *sources, char *error)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (!m) {
		snprintf(error, ERROR_MAX, "no memory");
		return NULL;
	}
	m->loop = loop;
	m->sources = sources;
	m->page = page_open(listen, write_page, m, error);
	if (!m->page) {
		free(m);
		return NULL;
	}
	ev_io_init(&m->io, on_readable, page_fd(m->page), EV_READ);
	ev_timer_init(&m->tick, on_tick, 1., 1.);
	m->io.data = m->tick.data = m;
	if (page_fd(m->page) >= 0) {
		ev_io_start(loop, &m->io);
		ev_timer_start(loop, &m->tick);
	}
	return m;
}

void metrics_close(struct metrics *m)
{
	if (!m)
		return;
	ev_io_stop(m->loop, &m->io);
	ev_timer_stop(m->loop, &m->tick);
	page_close(m->page);
	free(m);
}
