/* metrics.c - GET /metrics over HTTP, for Prometheus */
#include "control/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	ERROR_MAX = 256,
	CONNECTIONS_MAX = 16,
	CONNECTION_TIMEOUT_S = 10,
	CONNECTION_MEMORY = 32 << 10,
};

struct metrics {
	struct ev_loop *loop;
	const struct series_sources *sources;
	struct MHD_Daemon *http; /* NULL: not wanted */
	struct ev_io io;
	struct ev_timer tick;
};

static enum MHD_Result answer(struct MHD_Connection *to, unsigned status, const char *type,
			      void *octets, size_t len, enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(len, octets, mode);
	enum MHD_Result result;

	if (!r) {
		if (mode == MHD_RESPMEM_MUST_FREE)
			free(octets);
		return MHD_NO;
	}
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	result = MHD_queue_response(to, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result answer_text(struct MHD_Connection *to, unsigned status, const char *text)
{
	return answer(to, status, "text/plain", (void *)(uintptr_t)text, strlen(text),
		      MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *from, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_len, void **per_request)
{
	struct metrics *m = ctx;
	struct json out;

	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
		return answer_text(from, MHD_HTTP_METHOD_NOT_ALLOWED, "GET only\n");
	if (strcmp(url, "/metrics") != 0)
		return answer_text(from, MHD_HTTP_NOT_FOUND, "/metrics is here\n");
	json_init(&out);
	series_write_text(m->sources, &out);
	if (out.failed || !out.p) {
		json_free(&out);
		return answer_text(from, MHD_HTTP_INTERNAL_SERVER_ERROR, "no memory\n");
	}
	/* The octets go to the library, which frees them. */
	return answer(from, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", out.p,
		      out.len, MHD_RESPMEM_MUST_FREE);
}

static void on_readable(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct metrics *m = w->data;

	MHD_run(m->http);
}

/* Connections that do not move on are cut by time. */
static void on_tick(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct metrics *m = w->data;

	MHD_run(m->http);
}

static socklen_t sockaddr_of(const struct addr *a, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (a->family == 4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(a->port);
		memcpy(&v4->sin_addr, a->ip, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(a->port);
	memcpy(&v6->sin6_addr, a->ip, 16);
	return sizeof(*v6);
}

static bool start(struct metrics *m, const struct addr *listen, char *error)
{
	unsigned flags = MHD_USE_EPOLL | (listen->family == 6 ? MHD_USE_IPv6 : 0);
	const union MHD_DaemonInfo *info;
	struct sockaddr_storage where;
	char text[ADDR_TEXT_MAX];

	sockaddr_of(listen, &where);
	m->http = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, m, MHD_OPTION_SOCK_ADDR, &where,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_TIMEOUT_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
	info = m->http ? MHD_get_daemon_info(m->http, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info) {
		snprintf(error, ERROR_MAX, "cannot listen for metrics on %s: %s",
			 addr_text(listen, text), strerror(errno));
		return false;
	}
	ev_io_init(&m->io, on_readable, info->epoll_fd, EV_READ);
	ev_timer_init(&m->tick, on_tick, 1., 1.);
	m->io.data = m->tick.data = m;
	ev_io_start(m->loop, &m->io);
	ev_timer_start(m->loop, &m->tick);
	return true;
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
	if (listen->port == 0 || listen->family == 0 || start(m, listen, error))
		return m;
	metrics_close(m);
	return NULL;
}

void metrics_close(struct metrics *m)
{
	if (!m)
		return;
	if (m->http) {
		ev_io_stop(m->loop, &m->io);
		ev_timer_stop(m->loop, &m->tick);
		MHD_stop_daemon(m->http);
	}
	free(m);
}
