/* test_pair.c - control's client against a server in another process, on loopback
 *
 * One client for all tests, in their order: freeDiameter starts once a process.
 */
#include "base/clock.h"
#include "conf/conf.h"
#include "control/cx.h"
#include "diameter/diameter.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <ev.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WINDOW = 32, TIMEOUT_MS = 700, MANY = 10000, RECOVER_MS = 5000 };

static const char host[] = "scscf.home.test", hss[] = "hss.home.test", realm[] = "home.test";

struct pair {
	struct ev_loop *loop;
	struct cx_client *c;
	struct conf *conf;
	pid_t server;
	uint16_t port;
	uint32_t rtrs, pprs;
};

/* What came back, and how often. */
struct outcome {
	struct pair *p;
	uint32_t calls;
	int result;
	uint64_t at_ns;
	uint32_t text_len;
	char text[64];
	struct cx_vector vector;
	uint32_t capability;
};

/* --- the other process --- */

static uint16_t free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

/* Returns when it listens. */
static void server_start(struct pair *p)
{
	char address[32], ready[8] = "";
	int out[2];

	snprintf(address, sizeof(address), "127.0.0.1:%u", p->port);
	assert_int_equal(pipe(out), 0);
	p->server = fork();
	if (p->server == 0) {
		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		execl(CX_SERVER, CX_SERVER, hss, realm, address, host, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	assert_int_equal(read(out[0], ready, 5), 5);
	assert_string_equal(ready, "ready");
	close(out[0]);
}

static void server_kill(struct pair *p, int with)
{
	if (!p->server)
		return;
	kill(p->server, with);
	waitpid(p->server, NULL, 0);
	p->server = 0;
}

/* --- the loop --- */

static void stop_loop(struct ev_loop *loop, struct ev_timer *t, int events)
{
	ev_break(loop, EVBREAK_ONE);
}

static void run_ms(struct pair *p, uint32_t ms)
{
	struct ev_timer t;

	ev_timer_init(&t, stop_loop, ms / 1000.0, 0);
	ev_timer_start(p->loop, &t);
	ev_run(p->loop, 0);
	ev_timer_stop(p->loop, &t);
}

/* Until *n reaches `wanted`, at most so long. The time it took, in ms. */
static uint32_t run_until(struct pair *p, const uint32_t *n, uint32_t wanted, uint32_t most_ms)
{
	uint64_t start = clock_ms();

	while (*n < wanted && clock_ms() - start < most_ms)
		run_ms(p, 1);
	return (uint32_t)(clock_ms() - start);
}

static bool is_up(struct pair *p)
{
	struct cx_stats s;

	cx_stats(p->c, &s);
	return s.up;
}

static uint32_t wait_up(struct pair *p, uint32_t most_ms)
{
	uint64_t start = clock_ms();

	while (!is_up(p) && clock_ms() - start < most_ms)
		run_ms(p, 2);
	return (uint32_t)(clock_ms() - start);
}

/* --- requests --- */

static void keep(struct outcome *o, int result, struct slice text)
{
	o->calls++;
	o->result = result;
	o->at_ns = clock_ns();
	o->text_len = text.len;
	snprintf(o->text, sizeof(o->text), "%.*s", SLICE_ARG(text));
}

static void on_uaa(void *ctx, const struct cx_uaa *a)
{
	struct outcome *o = ctx;

	keep(o, a->result, a->server_name);
	o->capability = a->capabilities.mandatory[0];
}

static void on_lia(void *ctx, const struct cx_lia *a)
{
	keep(ctx, a->result, a->server_name);
}

static void on_maa(void *ctx, const struct cx_maa *a)
{
	struct outcome *o = ctx;

	keep(o, a->result, a->impi);
	o->vector = a->vector[0];
}

static void on_saa(void *ctx, const struct cx_saa *a)
{
	keep(ctx, a->result, a->user_data);
}

static void ask_uar(struct pair *p, const char *impi, struct outcome *o)
{
	struct cx_uar q = {.impi = slice_str(impi),
			   .impu = SLICE("sip:a@home.test"),
			   .visited_network = SLICE("home.test"),
			   .type = CX_UAT_DE_REGISTRATION};
	uint32_t before = o->calls;

	cx_uar(p->c, &q, on_uaa, o);
	/* Never from within. */
	assert_int_equal(o->calls, before);
}

static void ask_lir(struct pair *p, const char *impu, bool originating, struct outcome *o)
{
	struct cx_lir q = {slice_str(impu), originating};

	cx_lir(p->c, &q, on_lia, o);
}

static void ask_sar(struct pair *p, const char *impi, struct outcome *o)
{
	struct cx_sar q = {.impi = slice_str(impi),
			   .n_impus = 1,
			   .impu = {SLICE("sip:a@home.test")},
			   .server_name = SLICE("sip:scscf.home.test"),
			   .type = CX_SAT_REGISTRATION};

	cx_sar(p->c, &q, on_saa, o);
}

static void ask_mar(struct pair *p, enum cx_auth_scheme scheme, struct outcome *o)
{
	struct cx_mar q = {.impi = SLICE("a@home.test"),
			   .impu = SLICE("sip:a@home.test"),
			   .server_name = SLICE("sip:scscf.home.test"),
			   .n_vectors = 1,
			   .scheme = scheme};

	cx_mar(p->c, &q, on_maa, o);
}

static void on_rtr(void *ctx, const struct cx_rtr *r, struct cx_rta *answer)
{
	struct pair *p = ctx;

	p->rtrs++;
	assert_int_equal(r->reason, CX_REASON_SERVER_CHANGE);
	assert_true(slice_eq(r->reason_info, SLICE("why")));
	assert_true(slice_eq(r->origin_host, slice_str(hss)));
	answer->result = CX_SUCCESS;
}

static void on_ppr(void *ctx, const struct cx_ppr *r, struct cx_ppa *answer)
{
	struct pair *p = ctx;

	p->pprs++;
	assert_true(slice_eq(r->user_data, SLICE("<IMSSubscription/>")));
	answer->result = CX_ERROR_NOT_SUPPORTED_USER_DATA;
}

/* --- what a process listens on --- */

static bool has_socket(pid_t pid, unsigned long inode)
{
	char path[64], link[64], wanted[64];
	struct dirent *e;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	DIR *d = opendir(path);

	while (d && !found && (e = readdir(d))) {
		char file[400];

		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		ssize_t n = readlink(file, link, sizeof(link) - 1);

		link[n > 0 ? n : 0] = 0;
		found = strcmp(link, wanted) == 0;
	}
	if (d)
		closedir(d);
	return found;
}

/* How many listening TCP sockets, and of them how many are 127.0.0.1 at this port. */
static void listening(pid_t pid, uint16_t port, uint32_t *all, uint32_t *right)
{
	static const char *const table[] = {"/proc/net/tcp", "/proc/net/tcp6"};
	char line[512];

	*all = *right = 0;
	for (int i = 0; i < 2; i++) {
		FILE *f = fopen(table[i], "r");

		while (f && fgets(line, sizeof(line), f)) {
			char ip[64];
			unsigned at, state;
			unsigned long inode;

			if (sscanf(line, " %*d: %63[0-9A-F]:%x %*s %x %*s %*s %*s %*s %*s %lu",
				   ip, &at, &state, &inode) != 4)
				continue;
			if (state != 10 || !has_socket(pid, inode))
				continue;
			++*all;
			*right += strcmp(ip, "0100007F") == 0 && at == port;
		}
		if (f)
			fclose(f);
	}
}

/* --- the tests, in order --- */

static void nobody_there_yet(void **state)
{
	struct pair *p = *state;
	struct outcome o = {0};
	uint64_t start = clock_ms();

	run_ms(p, 100);
	ask_uar(p, "a@home.test", &o);
	start = clock_ms();
	run_until(p, &o.calls, 1, 2000);
	assert_int_equal(o.calls, 1);
	assert_int_equal(o.result, CX_NO_ANSWER);
	assert_true(clock_ms() - start < 100);
	assert_false(is_up(p));
}

static void connects(void **state)
{
	struct pair *p = *state;

	server_start(p);
	assert_true(wait_up(p, RECOVER_MS) < RECOVER_MS);
}

static void listens_where_told(void **state)
{
	struct pair *p = *state;
	uint32_t all, right;

	listening(p->server, p->port, &all, &right);
	assert_int_equal(all, 1);
	assert_int_equal(right, 1);
	listening(getpid(), 0, &all, &right);
	assert_int_equal(all, 0);
}

static void one_of_each(void **state)
{
	struct pair *p = *state;
	struct outcome u = {0}, m = {0}, d = {0}, s = {0}, l = {0};

	ask_uar(p, "new@home.test", &u);
	ask_mar(p, CX_AUTH_AKA, &m);
	ask_mar(p, CX_AUTH_DIGEST, &d);
	ask_sar(p, "big@home.test", &s);
	ask_lir(p, "sip:a@home.test", true, &l);
	run_until(p, &l.calls, 1, 2000);
	run_until(p, &s.calls, 1, 2000);
	run_ms(p, 50);
	assert_int_equal(u.calls + m.calls + d.calls + s.calls + l.calls, 5);
	assert_int_equal(u.result, CX_FIRST_REGISTRATION);
	assert_string_equal(u.text, "new@home.test");
	assert_int_equal(u.capability, CX_UAT_DE_REGISTRATION + 100);
	assert_int_equal(m.result, CX_SUCCESS);
	assert_int_equal(m.vector.scheme, CX_AUTH_AKA);
	assert_int_equal(m.vector.xres_len, 8);
	assert_string_equal(d.vector.digest_realm, "home.test");
	assert_int_equal(strlen(d.vector.ha1), 32);
	assert_int_equal(strlen(d.vector.ha1_sha256), 64);
	assert_int_equal(s.result, CX_SUCCESS);
	assert_int_equal(s.text_len, 50000);
	assert_string_equal(l.text, "sip:originating");
}

static void refusals(void **state)
{
	struct pair *p = *state;
	struct outcome u = {0}, b = {0};

	ask_uar(p, "unknown@home.test", &u);
	ask_uar(p, "busy@home.test", &b);
	run_until(p, &b.calls, 1, 2000);
	run_until(p, &u.calls, 1, 2000);
	assert_int_equal(u.result, CX_ERROR_USER_UNKNOWN);
	assert_int_equal(b.result, CX_TOO_BUSY);
}

static void no_answer_in_time(void **state)
{
	struct pair *p = *state;
	struct outcome o = {0}, late = {0};
	uint64_t start = clock_ns();

	ask_uar(p, "silent@home.test", &o);
	run_until(p, &o.calls, 1, 3 * TIMEOUT_MS);
	assert_int_equal(o.result, CX_NO_ANSWER);
	uint64_t took = (o.at_ns - start) / 1000000;

	assert_in_range(took, TIMEOUT_MS, TIMEOUT_MS + 200);
	/* The answer comes when nobody waits for it any more. */
	ask_uar(p, "late@home.test", &late);
	run_ms(p, 1300);
	assert_int_equal(late.calls, 1);
	assert_int_equal(late.result, CX_NO_ANSWER);
	assert_int_equal(o.calls, 1);
}

static void window(void **state)
{
	enum { MORE = 8 };
	static struct outcome o[WINDOW + MORE];
	struct pair *p = *state;
	struct cx_stats s;
	uint32_t full = 0, none = 0;

	memset(o, 0, sizeof(o));
	for (int i = 0; i < WINDOW + MORE; i++)
		ask_uar(p, "silent@home.test", &o[i]);
	cx_stats(p->c, &s);
	assert_int_equal(s.outstanding, WINDOW);
	assert_int_equal(s.window_full, MORE);
	run_ms(p, TIMEOUT_MS + 200);
	for (int i = 0; i < WINDOW + MORE; i++) {
		assert_int_equal(o[i].calls, 1);
		full += o[i].result == CX_WINDOW_FULL;
		none += o[i].result == CX_NO_ANSWER;
	}
	assert_int_equal(full, MORE);
	assert_int_equal(none, WINDOW);
	cx_stats(p->c, &s);
	assert_int_equal(s.outstanding, 0);
}

static void asked_by_the_hss(void **state)
{
	struct pair *p = *state;
	struct outcome r = {0}, q = {0};

	ask_lir(p, "sip:rtr@home.test", false, &r);
	ask_lir(p, "sip:ppr@home.test", false, &q);
	run_until(p, &q.calls, 1, 2000);
	run_until(p, &r.calls, 1, 2000);
	assert_int_equal(p->rtrs, 1);
	assert_int_equal(p->pprs, 1);
	assert_string_equal(r.text, "result=2001");
	assert_string_equal(q.text, "result=105009");
}

static double cpu_s(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double cpu_of_s(pid_t pid)
{
	char path[64];
	unsigned long user = 0, system = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "r");

	if (f && fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
			&system) != 2)
		user = system = 0;
	if (f)
		fclose(f);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

struct load {
	struct pair *p;
	uint32_t sent, done, right;
};

static void load_next(struct load *l);

static void on_load(void *ctx, const struct cx_uaa *a)
{
	struct load *l = ctx;

	l->done++;
	l->right += a->result == CX_SUBSEQUENT_REGISTRATION;
	if (l->done == MANY)
		ev_break(l->p->loop, EVBREAK_ONE);
	load_next(l);
}

static void load_next(struct load *l)
{
	struct cx_uar q = {.impi = SLICE("a@home.test"),
			   .impu = SLICE("sip:a@home.test"),
			   .visited_network = SLICE("home.test")};

	if (l->sent == MANY)
		return;
	l->sent++;
	cx_uar(l->p->c, &q, on_load, l);
}

static void ten_thousand(void **state)
{
	struct pair *p = *state;
	struct load l = {.p = p};
	double client = cpu_s(RUSAGE_SELF), server = cpu_of_s(p->server);
	uint64_t start = clock_ns();
	struct cx_stats s;

	for (int i = 0; i < WINDOW; i++)
		load_next(&l);
	run_ms(p, 60000);
	double took = (double)(clock_ns() - start) / 1e9;

	print_message(
		"%d UAR in %.2f s: %.0f/s; CPU an exchange: client %.0f us, server %.0f us\n",
		MANY, took, MANY / took, (cpu_s(RUSAGE_SELF) - client) * 1e6 / MANY,
		(cpu_of_s(p->server) - server) * 1e6 / MANY);
	assert_int_equal(l.done, MANY);
	assert_int_equal(l.right, MANY);
	cx_stats(p->c, &s);
	assert_int_equal(s.outstanding, 0);
}

static void server_dies(void **state)
{
	enum { UNDER_WAY = 20 };
	static struct outcome o[UNDER_WAY];
	struct pair *p = *state;
	struct outcome after = {0}, back = {0};
	uint64_t start;

	memset(o, 0, sizeof(o));
	for (int i = 0; i < UNDER_WAY; i++)
		ask_uar(p, "silent@home.test", &o[i]);
	run_ms(p, 100);
	server_kill(p, SIGKILL);
	start = clock_ns();
	run_until(p, &o[UNDER_WAY - 1].calls, 1, TIMEOUT_MS);
	run_ms(p, 20);
	for (int i = 0; i < UNDER_WAY; i++) {
		assert_int_equal(o[i].calls, 1);
		assert_int_equal(o[i].result, CX_NO_ANSWER);
		/* By the broken connection, not by the clock. */
		assert_true(o[i].at_ns - start < 300 * 1000000u);
	}
	ask_uar(p, "a@home.test", &after);
	assert_true(run_until(p, &after.calls, 1, 2000) < 100);
	assert_int_equal(after.result, CX_NO_ANSWER);
	server_start(p);
	uint32_t took = wait_up(p, RECOVER_MS);

	print_message("connected again after %u ms\n", took);
	assert_true(took < RECOVER_MS);
	ask_uar(p, "a@home.test", &back);
	run_until(p, &back.calls, 1, 2000);
	assert_int_equal(back.result, CX_SUBSEQUENT_REGISTRATION);
}

static void server_leaves_politely(void **state)
{
	struct pair *p = *state;
	struct outcome back = {0};

	server_kill(p, SIGTERM);
	server_start(p);
	/* DPR with REBOOTING is no reason to stay away. */
	assert_true(wait_up(p, RECOVER_MS) < RECOVER_MS);
	ask_uar(p, "a@home.test", &back);
	run_until(p, &back.calls, 1, 2000);
	assert_int_equal(back.result, CX_SUBSEQUENT_REGISTRATION);
}

/* Closing ends what is under way, once. */
static void closing(void **state)
{
	enum { UNDER_WAY = 5 };
	static struct outcome o[UNDER_WAY];
	struct pair *p = *state;

	memset(o, 0, sizeof(o));
	for (int i = 0; i < UNDER_WAY; i++)
		ask_uar(p, "silent@home.test", &o[i]);
	cx_close(p->c);
	p->c = NULL;
	for (int i = 0; i < UNDER_WAY; i++) {
		assert_int_equal(o[i].calls, 1);
		assert_int_equal(o[i].result, CX_NO_ANSWER);
	}
}

static int setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	const struct cx_events events = {on_rtr, on_ppr, p};
	char error[256] = "";

	p->loop = ev_loop_new(0);
	p->port = free_port();
	p->conf = calloc(1, sizeof(*p->conf));
	p->conf->dataplane.roles = CONF_SCSCF;
	snprintf(p->conf->realm, sizeof(p->conf->realm), "%s", realm);
	snprintf(p->conf->control.diameter_identity, sizeof(p->conf->control.diameter_identity),
		 "%s", host);
	snprintf(p->conf->control.hss_identity, sizeof(p->conf->control.hss_identity), "%s",
		 hss);
	p->conf->control.diameter_listen = addr_v4(INADDR_LOOPBACK, 0);
	p->conf->control.hss = addr_v4(INADDR_LOOPBACK, p->port);
	p->conf->control.cx_window = WINDOW;
	p->conf->control.cx_timeout_ms = TIMEOUT_MS;
	p->c = cx_open(p->loop, p->conf, &events, error);
	if (!p->c)
		print_error("%s\n", error);
	*state = p;
	return p->c ? 0 : -1;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	cx_close(p->c);
	server_kill(p, SIGTERM);
	ev_loop_destroy(p->loop);
	free(p->conf);
	free(p);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_there_yet),
		cmocka_unit_test(connects),
		cmocka_unit_test(listens_where_told),
		cmocka_unit_test(one_of_each),
		cmocka_unit_test(refusals),
		cmocka_unit_test(no_answer_in_time),
		cmocka_unit_test(window),
		cmocka_unit_test(asked_by_the_hss),
		cmocka_unit_test(ten_thousand),
		cmocka_unit_test(server_dies),
		cmocka_unit_test(server_leaves_politely),
		cmocka_unit_test(closing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
