/* test_admin.c - the administration socket, with good clients and with hostile ones */
#include "base/admin.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { ERROR_MAX = 256 };

static char dir[] = "/tmp/saker-admin-XXXXXX";
static char path[64];
static char error[ERROR_MAX];

/* The clock of the code under test runs ahead by this. */
static time_t ahead_s;
static struct itimerspec timer_set;

int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *at,
			   struct itimerspec *old);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *at,
			   struct itimerspec *old);

int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = __real_clock_gettime(id, ts);

	ts->tv_sec += ahead_s;
	return rc;
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *at,
			   struct itimerspec *old)
{
	timer_set = *at;
	return __real_timerfd_settime(fd, flags, at, old);
}

/* What the handler saw last. */
struct seen {
	int calls, n_words;
	char word[ADMIN_WORDS_MAX][32];
	size_t payload;
	uint8_t first, last;
};

static void handler(void *ctx, const struct admin_request *r, struct json *out)
{
	struct seen *s = ctx;

	s->calls++;
	s->n_words = r->n_words;
	for (int i = 0; i < r->n_words; i++)
		snprintf(s->word[i], sizeof(s->word[i]), "%s", r->word[i]);
	s->payload = r->payload.len;
	if (r->payload.len) {
		s->first = r->payload.p[0];
		s->last = r->payload.p[r->payload.len - 1];
	}
	if (strcmp(r->word[0], "large") == 0) {
		json_array(out, NULL);
		for (int i = 0; i < 1000000; i++)
			json_u64(out, NULL, 12345);
		json_end_array(out);
		return;
	}
	json_object(out, NULL);
	json_u64(out, "words", (uint64_t)r->n_words);
	json_end_object(out);
}

struct fixture {
	struct admin *admin;
	struct seen seen;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	ahead_s = 0;
	f->admin = admin_open(path, handler, &f->seen, error);
	*state = f;
	return f->admin ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	admin_close(f->admin);
	free(f);
	return access(path, F_OK) == 0 ? -1 : 0; /* the socket is gone */
}

static int client(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void say(int fd, const void *text, size_t len)
{
	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
}

/* Until there is nothing to do for a moment. */
static void run(struct fixture *f)
{
	struct pollfd p = {.fd = admin_fd(f->admin), .events = POLLIN};

	while (poll(&p, 1, 20) > 0)
		admin_poll(f->admin);
}

/* The answer so far, NUL-terminated; *ended: the daemon closed. */
static const char *hear(int fd, bool *ended)
{
	static char text[4096];
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0)
		len += (size_t)n;
	*ended = n == 0 || errno == ECONNRESET;
	text[len] = 0;
	return text;
}

static void assert_refused(struct fixture *f, int fd, const char *code)
{
	bool ended;
	char expected[64];

	run(f);
	snprintf(expected, sizeof(expected), "{\"error\":{\"code\":\"%s\",", code);
	const char *text = hear(fd, &ended);
	if (strncmp(text, expected, strlen(expected)) != 0)
		fail_msg("answer is '%s'", text);
	assert_true(ended);
	assert_int_equal(f->seen.calls, 0);
	close(fd);
}

static void test_exchange(void **state)
{
	struct fixture *f = *state;
	int fd = client();
	bool ended;

	say(fd, "reg\0sh", 6);
	run(f);
	assert_int_equal(f->seen.calls, 0);
	say(fd, "ow\0sip:a@b\0\0pay\0load", 21);
	run(f);
	assert_int_equal(f->seen.calls, 0); /* more payload may follow */
	shutdown(fd, SHUT_WR);
	run(f);
	assert_int_equal(f->seen.calls, 1);
	assert_int_equal(f->seen.n_words, 3);
	assert_string_equal(f->seen.word[0], "reg");
	assert_string_equal(f->seen.word[1], "show");
	assert_string_equal(f->seen.word[2], "sip:a@b");
	assert_int_equal(f->seen.payload,
			 9); /* a NUL in it is nothing special, nor the one behind */
	assert_string_equal(hear(fd, &ended), "{\"words\":3}");
	assert_true(ended);
	close(fd);
}

static void test_no_words(void **state)
{
	int fd = client();

	say(fd, "\0payload", 8);
	shutdown(fd, SHUT_WR);
	assert_refused(*state, fd, "bad_request");
}

static void test_nothing_at_all(void **state)
{
	int fd = client();

	shutdown(fd, SHUT_WR);
	assert_refused(*state, fd, "bad_request");
}

static void test_no_end(void **state)
{
	static const char *const head[] = {"reg", "reg\0show", "reg\0show\0"};
	static const size_t len[] = {3, 8, 9};

	for (int i = 0; i < 3; i++) {
		int fd = client();

		say(fd, head[i], len[i]);
		shutdown(fd, SHUT_WR);
		assert_refused(*state, fd, "bad_request");
	}
}

static void test_many_words(void **state)
{
	struct fixture *f = *state;

	for (int n = ADMIN_WORDS_MAX; n <= ADMIN_WORDS_MAX + 1; n++) {
		int fd = client();
		bool ended;

		for (int i = 0; i < n; i++)
			say(fd, "w", 2);
		say(fd, "", 1);
		shutdown(fd, SHUT_WR);
		if (n > ADMIN_WORDS_MAX) {
			f->seen.calls = 0;
			assert_refused(f, fd, "bad_request");
			continue;
		}
		run(f);
		assert_string_equal(hear(fd, &ended), "{\"words\":32}");
		close(fd);
	}
}

static void test_oversize(void **state)
{
	struct fixture *f = *state;
	static char block[1 << 20];
	size_t sent = 0;
	int fd = client();

	say(fd, "sub\0import\0", 12);
	while (sent <= (size_t)ADMIN_REQUEST_MAX + sizeof(block)) {
		ssize_t n = send(fd, block, sizeof(block), MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			break; /* refused: it is no longer read */
		sent += n > 0 ? (size_t)n : 0;
		admin_poll(f->admin);
	}
	assert_in_range(sent, ADMIN_REQUEST_MAX - sizeof(block),
			(size_t)ADMIN_REQUEST_MAX + 2 * sizeof(block));
	assert_refused(f, fd, "too_large");
}

/* A client that is gone before its answer takes nobody with it. */
static void test_gone(void **state)
{
	struct fixture *f = *state;
	int fd = client();

	say(fd, "large\0", 7);
	shutdown(fd, SHUT_WR);
	close(fd);
	run(f);
	fd = client();
	say(fd, "status\0", 8);
	shutdown(fd, SHUT_WR);
	run(f);
	assert_int_equal(f->seen.calls, 2);
	close(fd);
}

static void test_seventeen_clients(void **state)
{
	struct fixture *f = *state;
	int fd[ADMIN_CLIENTS_MAX];
	bool ended;

	for (int i = 0; i < ADMIN_CLIENTS_MAX; i++) {
		fd[i] = client();
		run(f);
	}
	int late = client();
	assert_refused(f, late, "busy");
	/* One that leaves makes room; the others are still served. */
	close(fd[0]);
	run(f);
	fd[0] = client();
	for (int i = 0; i < ADMIN_CLIENTS_MAX; i++) {
		say(fd[i], "status\0", 8);
		shutdown(fd[i], SHUT_WR);
		run(f);
		assert_string_equal(hear(fd[i], &ended), "{\"words\":1}");
		assert_true(ended);
		close(fd[i]);
	}
	assert_int_equal(f->seen.calls, ADMIN_CLIENTS_MAX);
}

/* Half a request, and silence; an answer that nobody takes. */
static void test_late(void **state)
{
	struct fixture *f = *state;
	int silent = client(), lazy = client();
	struct timespec now;
	bool ended;

	say(silent, "sta", 3);
	say(lazy, "large\0", 7);
	shutdown(lazy, SHUT_WR);
	run(f);
	clock_gettime(CLOCK_MONOTONIC, &now);
	assert_int_equal(f->seen.calls, 1);
	assert_in_range(timer_set.it_value.tv_sec, now.tv_sec + 28, now.tv_sec + 31);

	ahead_s = ADMIN_TIMEOUT_MS / 1000 - 2;
	admin_poll(f->admin);
	hear(silent, &ended);
	assert_false(ended);
	ahead_s = ADMIN_TIMEOUT_MS / 1000 + 2;
	admin_poll(f->admin);
	assert_string_equal(hear(silent, &ended), "");
	assert_true(ended);
	close(silent);
	/* Nobody is left to wait for. */
	assert_int_equal(timer_set.it_value.tv_sec, 0);
	assert_int_equal(timer_set.it_value.tv_nsec, 0);
	size_t got = 0;
	static char text[65536];
	ssize_t n;
	while ((n = recv(lazy, text, sizeof(text), 0)) > 0)
		got += (size_t)n;
	assert_in_range(got, 1, 6000000); /* only what was in flight */
	close(lazy);
}

static void test_mode(void **state)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
}

static void test_second_daemon(void **state)
{
	struct fixture *f = *state;

	assert_null(admin_open(path, handler, NULL, error));
	assert_non_null(strstr(error, path));
	run(f); /* the one that asked was no client */
	assert_int_equal(f->seen.calls, 0);
}

static void test_leftover(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct seen seen = {0};

	memcpy(address.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	struct admin *a = admin_open(path, handler, &seen, error);
	assert_non_null(a);
	admin_close(a);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void test_no_socket_there(void **state)
{
	FILE *f = fopen(path, "w");

	fclose(f);
	assert_null(admin_open(path, handler, NULL, error));
	assert_non_null(strstr(error, "no socket"));
	assert_int_equal(access(path, F_OK), 0); /* nor removed */
	unlink(path);
	char longer[200];
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	assert_null(admin_open(longer, handler, NULL, error));
	assert_non_null(strstr(error, "too long"));
	assert_null(admin_open("/nowhere/at/all.sock", handler, NULL, error));
	assert_non_null(strstr(error, "/nowhere/at/all.sock"));
}

/* The daemon in a thread, so that admin_call may wait. */
struct server {
	struct admin *admin;
	atomic_bool stop;
};

static void *serve(void *arg)
{
	struct server *s = arg;
	struct pollfd p = {.fd = admin_fd(s->admin), .events = POLLIN};

	while (!s->stop)
		if (poll(&p, 1, 10) > 0)
			admin_poll(s->admin);
	return NULL;
}

static void test_call(void **state)
{
	struct fixture *f = *state;
	struct server s = {.admin = f->admin};
	const char *words[] = {"sub", "import"};
	const char *large[] = {"large"};
	static uint8_t payload[5 << 20];
	pthread_t thread;
	size_t len;

	payload[0] = 1;
	payload[sizeof(payload) - 1] = 2;
	assert_int_equal(pthread_create(&thread, NULL, serve, &s), 0);
	char *a = admin_call(path, 2, words, slice_of(payload, sizeof(payload)), &len, error);
	char *b = admin_call(path, 1, large, SLICE_EMPTY, &len, error);
	s.stop = true;
	pthread_join(thread, NULL);
	assert_non_null(a);
	assert_string_equal(a, "{\"words\":2}");
	assert_non_null(b);
	assert_int_equal(len, 6000001);
	assert_int_equal(strlen(b), len);
	assert_int_equal(f->seen.calls, 2);
	free(a);
	free(b);
}

static void test_call_too_large(void **state)
{
	struct fixture *f = *state;
	struct server s = {.admin = f->admin};
	const char *words[] = {"sub", "import"};
	uint8_t *payload = calloc(1, ADMIN_REQUEST_MAX);
	pthread_t thread;
	size_t len;

	assert_int_equal(pthread_create(&thread, NULL, serve, &s), 0);
	char *a = admin_call(path, 2, words, slice_of(payload, ADMIN_REQUEST_MAX), &len, error);
	s.stop = true;
	pthread_join(thread, NULL);
	/* The refusal arrives although not all was sent. */
	assert_non_null(a);
	assert_non_null(strstr(a, "too_large"));
	free(a);
	free(payload);
}

static void test_call_errors(void **state)
{
	const char *words[ADMIN_WORDS_MAX + 1] = {"status", ""};
	size_t len;

	assert_null(admin_call(path, 1, words, SLICE_EMPTY, &len, error));
	assert_non_null(strstr(error, path));
	assert_non_null(strstr(error, "start the daemon"));
	assert_null(admin_call(path, 2, words, SLICE_EMPTY, &len, error));
	assert_non_null(strstr(error, "word 2 "));
	assert_null(admin_call(path, 0, words, SLICE_EMPTY, &len, error));
	assert_null(admin_call(path, ADMIN_WORDS_MAX + 1, words, SLICE_EMPTY, &len, error));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_exchange, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_words, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_at_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_words, setup, teardown),
		cmocka_unit_test_setup_teardown(test_oversize, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_seventeen_clients, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_daemon, setup, teardown),
		cmocka_unit_test_setup_teardown(test_call, setup, teardown),
		cmocka_unit_test_setup_teardown(test_call_too_large, setup, teardown),
		cmocka_unit_test(test_leftover),
		cmocka_unit_test(test_no_socket_there),
		cmocka_unit_test(test_call_errors),
	};

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/test.sock", dir);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return failed;
}
