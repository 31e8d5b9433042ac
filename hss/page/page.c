/* page.c - GET /metrics over HTTP, for Prometheus */
#include "page/page.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	ERROR_MAX = 256,
	CONNECTIONS_MAX = 16,
	CONNECTION_TIMEOUT_S = 10,
	CONNECTION_MEMORY = 32 << 10,
};

struct page {
	void (*write)(void *ctx, struct json *out);
	void *ctx;
	struct MHD_Daemon *http; /* NULL: not wanted */
	int fd;
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
	struct page *p = ctx;
	struct json out;

	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
		return answer_text(from, MHD_HTTP_METHOD_NOT_ALLOWED, "GET only\n");
	if (strcmp(url, "/metrics") != 0)
		return answer_text(from, MHD_HTTP_NOT_FOUND, "/metrics is here\n");
	json_init(&out);
	p->write(p->ctx, &out);
	if (out.failed || !out.p) {
		json_free(&out);
		return answer_text(from, MHD_HTTP_INTERNAL_SERVER_ERROR, "no memory\n");
	}
	/* The octets go to the library, which frees them. */
	return answer(from, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", out.p,
		      out.len, MHD_RESPMEM_MUST_FREE);
}

static void sockaddr_of(const struct addr *a, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (a->family == 4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(a->port);
		memcpy(&v4->sin_addr, a->ip, 4);
		return;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(a->port);
	memcpy(&v6->sin6_addr, a->ip, 16);
}

static bool listen_at(struct page *p, const struct addr *at, char *error)
{
	unsigned flags = MHD_USE_EPOLL | (at->family == 6 ? MHD_USE_IPv6 : 0);
	const union MHD_DaemonInfo *info;
	struct sockaddr_storage where;
	char text[ADDR_TEXT_MAX];

	sockaddr_of(at, &where);
	p->http = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, p, MHD_OPTION_SOCK_ADDR, &where,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_TIMEOUT_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
	info = p->http ? MHD_get_daemon_info(p->http, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info) {
		snprintf(error, ERROR_MAX, "cannot listen for metrics on %s: %s",
			 addr_text(at, text), strerror(errno));
		return false;
	}
	p->fd = info->epoll_fd;
	return true;
}

struct page *page_open(const struct addr *listen, void (*write)(void *ctx, struct json *out),
		       void *ctx, char *error)
{
	struct page *p = calloc(1, sizeof(*p));

	if (!p) {
		snprintf(error, ERROR_MAX, "no memory");
		return NULL;
	}
	*p = (struct page){.write = write, .ctx = ctx, .fd = -1};
	if (listen->port == 0 || listen->family == 0 || listen_at(p, listen, error))
		return p;
	page_close(p);
	return NULL;
}

void page_close(struct page *p)
{
	if (!p)
		return;
	if (p->http)
		MHD_stop_daemon(p->http);
	free(p);
}

int page_fd(const struct page *p)
{
	return p->fd;
}

void page_run(struct page *p)
{
	if (p->http)
		MHD_run(p->http);
}
