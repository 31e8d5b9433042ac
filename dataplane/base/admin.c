/* admin.c - the daemon's side of the Unix socket for sakerctl */
#define _GNU_SOURCE /* accept4 */
#include "base/admin.h"
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	ERROR_MAX = 256,
	CHUNK = 64 << 10,
	READ_PER_POLL =
		1 << 20, /* of one client, so that one import does not starve the daemon */
	EVENTS_PER_POLL = ADMIN_CLIENTS_MAX + 2,
};

struct client {
	int fd; /* -1: free */
	uint64_t deadline_ms;
	bool answering;
	char *request;
	size_t len, cap;
	struct json answer;
	size_t sent;
};

struct admin {
	int epoll, listener, timer;
	struct sockaddr_un address;
	dev_t device; /* of the socket's file, so that only our own is removed */
	ino_t inode;
	admin_handler *handler;
	void *ctx;
	struct client client[ADMIN_CLIENTS_MAX];
};

void admin_error(struct json *out, const char *code, const char *message, const char *hint)
{
	json_object(out, NULL);
	json_object(out, "error");
	json_str(out, "code", code);
	json_str(out, "message", message);
	json_str(out, "hint", hint);
	json_end_object(out);
	json_end_object(out);
}

static bool fail(char *error, const char *what, const char *path)
{
	snprintf(error, ERROR_MAX, "%s %s: %s", what, path, strerror(errno));
	return false;
}

/* A socket nobody answers on is left over from a daemon that was killed. */
static bool remove_leftover(const struct sockaddr_un *address, char *error)
{
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT || fail(error, "cannot look at", address->sun_path);
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(error, ERROR_MAX, "%s exists and is no socket", address->sun_path);
		return false;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(error, "cannot make a socket for", address->sun_path);
	bool nobody = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
		      errno == ECONNREFUSED;
	close(fd);
	if (!nobody) {
		snprintf(error, ERROR_MAX, "another process has %s", address->sun_path);
		return false;
	}
	return unlink(address->sun_path) == 0 ||
	       fail(error, "cannot remove the old", address->sun_path);
}

static bool listen_on(struct admin *a, char *error)
{
	const char *path = a->address.sun_path;
	struct stat st;

	if (!remove_leftover(&a->address, error))
		return false;
	a->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->listener < 0)
		return fail(error, "cannot make a socket for", path);
	if (bind(a->listener, (struct sockaddr *)&a->address, sizeof(a->address)) < 0)
		return fail(error, "cannot bind", path);
	/* Before listen(): until then nobody can connect, whatever the umask. */
	if (chmod(path, 0660) < 0 || lstat(path, &st) < 0)
		return fail(error, "cannot set the mode of", path);
	a->device = st.st_dev;
	a->inode = st.st_ino;
	if (listen(a->listener, ADMIN_CLIENTS_MAX) < 0)
		return fail(error, "cannot listen on", path);
	return true;
}

/* data.ptr NULL is the listener, the admin itself the timer, else a client. */
static bool watch(struct admin *a, int op, int fd, uint32_t events, void *who)
{
	struct epoll_event e = {.events = events, .data.ptr = who};

	return epoll_ctl(a->epoll, op, fd, &e) == 0;
}

static bool open_all(struct admin *a, char *error)
{
	const char *path = a->address.sun_path;

	a->epoll = epoll_create1(EPOLL_CLOEXEC);
	a->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (a->epoll < 0 || a->timer < 0)
		return fail(error, "cannot make descriptors for", path);
	if (!listen_on(a, error))
		return false;
	if (!watch(a, EPOLL_CTL_ADD, a->listener, EPOLLIN, NULL) ||
	    !watch(a, EPOLL_CTL_ADD, a->timer, EPOLLIN, a))
		return fail(error, "cannot watch", path);
	return true;
}

struct admin *admin_open(const char *path, admin_handler *handler, void *ctx, char *error)
{
	struct admin *a;

	if (strlen(path) >= sizeof(a->address.sun_path)) {
		snprintf(error, ERROR_MAX,
			 "%.120s...: too long for a socket (%zu octets at most)", path,
			 sizeof(a->address.sun_path) - 1);
		return NULL;
	}
	a = calloc(1, sizeof(*a));
	if (!a) {
		snprintf(error, ERROR_MAX, "out of memory");
		return NULL;
	}
	a->address.sun_family = AF_UNIX;
	memcpy(a->address.sun_path, path, strlen(path));
	a->handler = handler;
	a->ctx = ctx;
	a->epoll = a->listener = a->timer = -1;
	for (int i = 0; i < ADMIN_CLIENTS_MAX; i++)
		a->client[i].fd = -1;
	if (open_all(a, error))
		return a;
	admin_close(a);
	return NULL;
}

int admin_fd(const struct admin *a)
{
	return a->epoll;
}

static void client_close(struct client *c)
{
	close(c->fd);
	free(c->request);
	json_free(&c->answer);
	*c = (struct client){.fd = -1};
}

void admin_close(struct admin *a)
{
	struct stat st;

	for (int i = 0; i < ADMIN_CLIENTS_MAX; i++)
		if (a->client[i].fd >= 0)
			client_close(&a->client[i]);
	if (a->inode && lstat(a->address.sun_path, &st) == 0 && st.st_dev == a->device &&
	    st.st_ino == a->inode)
		unlink(a->address.sun_path);
	if (a->listener >= 0)
		close(a->listener);
	if (a->timer >= 0)
		close(a->timer);
	if (a->epoll >= 0)
		close(a->epoll);
	free(a);
}

/* Splits the head of a request into words. False: not ended, or too many. */
static bool request_split(const char *data, size_t len, struct admin_request *r)
{
	size_t at = 0;

	*r = (struct admin_request){0};
	while (at < len) {
		const char *end = memchr(data + at, 0, len - at);

		if (!end)
			return false;
		if (end == data + at) {
			r->payload = slice_of(end + 1, len - at - 1);
			return true;
		}
		if (r->n_words == ADMIN_WORDS_MAX)
			return false;
		r->word[r->n_words++] = data + at;
		at = (size_t)(end - data) + 1;
	}
	return false;
}

static void client_write(struct admin *a, struct client *c)
{
	while (c->sent < c->answer.len) {
		ssize_t n = send(c->fd, c->answer.p + c->sent, c->answer.len - c->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			c->sent += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN && watch(a, EPOLL_CTL_MOD, c->fd, EPOLLOUT, c))
			return;
		break;
	}
	client_close(c);
}

static void client_answer(struct admin *a, struct client *c)
{
	static const char no_memory[] = "{\"error\":{\"code\":\"no_memory\",\"message\":\"out "
					"of memory for the answer\","
					"\"hint\":\"ask for less\"}}";

	if (c->answer.failed) {
		json_free(&c->answer);
		json_raw(&c->answer, no_memory, sizeof(no_memory) - 1);
	}
	free(c->request);
	c->request = NULL;
	c->answering = true;
	c->deadline_ms = clock_ms() + ADMIN_TIMEOUT_MS;
	client_write(a, c);
}

static void client_refuse(struct admin *a, struct client *c, const char *code,
			  const char *message, const char *hint)
{
	admin_error(&c->answer, code, message, hint);
	client_answer(a, c);
}

static void client_serve(struct admin *a, struct client *c)
{
	struct admin_request r;

	if (!request_split(c->request, c->len, &r)) {
		client_refuse(a, c, "bad_request", "the request has no end or too many words",
			      "use sakerctl");
		return;
	}
	if (r.n_words == 0) {
		client_refuse(a, c, "bad_request", "the request has no words", "use sakerctl");
		return;
	}
	a->handler(a->ctx, &r, &c->answer);
	client_answer(a, c);
}

static bool request_room(struct client *c)
{
	if (c->cap - c->len >= CHUNK)
		return true;
	size_t cap = c->cap ? 2 * c->cap : CHUNK;
	char *p = realloc(c->request, cap);
	if (!p)
		return false;
	c->request = p;
	c->cap = cap;
	return true;
}

static void client_read(struct admin *a, struct client *c)
{
	for (size_t taken = 0; taken < READ_PER_POLL;) {
		if (!request_room(c)) {
			client_refuse(a, c, "no_memory", "out of memory for the request",
				      "send less at a time");
			return;
		}
		ssize_t n = recv(c->fd, c->request + c->len, CHUNK, MSG_DONTWAIT);
		if (n == 0) {
			client_serve(a, c);
			return;
		}
		if (n < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN)
				client_close(c);
			return;
		}
		c->len += (size_t)n;
		taken += (size_t)n;
		if (c->len > ADMIN_REQUEST_MAX) {
			client_refuse(a, c, "too_large", "the request is larger than 64 MiB",
				      "send it in parts");
			return;
		}
	}
}

/* With every place taken, a refusal that says so is better than a wait without a word. */
static void refuse_busy(int fd)
{
	struct json j;

	json_init(&j);
	admin_error(&j, "busy", "too many clients at once", "try again in a moment");
	/* The answer fits the buffer of a new socket; if it does not, the client sees an end.
	 */
	if (!j.failed && send(fd, j.p, j.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		shutdown(fd, SHUT_RDWR);
	json_free(&j);
	close(fd);
}

static void accept_clients(struct admin *a)
{
	for (int i = 0; i < ADMIN_CLIENTS_MAX; i++) {
		struct client *c = NULL;
		int fd = accept4(a->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		for (int k = 0; k < ADMIN_CLIENTS_MAX && !c; k++)
			if (a->client[k].fd < 0)
				c = &a->client[k];
		if (!c) {
			refuse_busy(fd);
			continue;
		}
		*c = (struct client){.fd = fd, .deadline_ms = clock_ms() + ADMIN_TIMEOUT_MS};
		if (!watch(a, EPOLL_CTL_ADD, fd, EPOLLIN, c))
			client_close(c);
	}
}

/* Cuts who is too late, and wakes admin_fd() for the next who might be. */
static void cut_late(struct admin *a)
{
	uint64_t now = clock_ms(), next = 0, expirations;

	if (read(a->timer, &expirations, sizeof(expirations)) < 0 && errno != EAGAIN)
		return;
	for (int i = 0; i < ADMIN_CLIENTS_MAX; i++) {
		struct client *c = &a->client[i];

		if (c->fd < 0)
			continue;
		if (c->deadline_ms <= now)
			client_close(c);
		else if (next == 0 || c->deadline_ms < next)
			next = c->deadline_ms;
	}
	/* All zero disarms it: no client, nothing to wait for. */
	struct itimerspec at = {.it_value = {.tv_sec = (time_t)(next / 1000),
					     .tv_nsec = (long)(next % 1000) * 1000000}};
	timerfd_settime(a->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

void admin_poll(struct admin *a)
{
	struct epoll_event event[EVENTS_PER_POLL];
	int n = epoll_wait(a->epoll, event, EVENTS_PER_POLL, 0);
	bool accept_too = false;

	for (int i = 0; i < n; i++) {
		struct client *c = event[i].data.ptr;

		if (!c)
			accept_too = true;
		else if ((void *)c == (void *)a || c->fd < 0)
			continue;
		else if (c->answering)
			client_write(a, c);
		else
			client_read(a, c);
	}
	/* Last, so that a place freed above is not reused while events for its former owner
	 * wait. */
	if (accept_too)
		accept_clients(a);
	cut_late(a);
}
