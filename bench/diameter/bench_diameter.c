/* bench_diameter.c - exchanges a second that bare freeDiameter carries, both sides on this host
 *
 *   bench_diameter [--quick] [--window N] [--cores CLIENT,SERVER]
 *
 * Prints diameter.bound.per_s, the Cx exchanges a second with the AVPs of a registration, and
 * diameter.bound.cpu_us, the CPU time of both processes for one of them.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "figure/figure.h"
#include "pair.h"

enum { WINDOW = 128, WARM_US = 500000, RUN_US = 1000000, RUNS = 7, RUNS_QUICK = 3 };

struct options {
	uint32_t window, runs;
	int client_core, server_core; /* -1: any */
};

static bool pin(int core)
{
	cpu_set_t set;

	if (core < 0)
		return true;
	CPU_ZERO(&set);
	CPU_SET(core, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}

/* A port of loopback that nobody listens on now. */
static struct addr free_address(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) ||
	    getsockname(fd, (struct sockaddr *)&a, &len)) {
		perror("bench_diameter: loopback");
		exit(3);
	}
	close(fd);
	return addr_v4(INADDR_LOOPBACK, ntohs(a.sin_port));
}

/* 0: it did not start. */
static pid_t server_start(const struct addr *listen, int core)
{
	int ready[2];
	char octet;
	pid_t pid;

	if (pipe(ready))
		return 0;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		_exit(pin(core) ? serve(listen, ready[1]) : 3);
	}
	close(ready[1]);
	if (pid > 0 && read(ready[0], &octet, 1) != 1) {
		waitpid(pid, NULL, 0);
		pid = 0;
	}
	close(ready[0]);
	return pid > 0 ? pid : 0;
}

static uint64_t cpu_ns(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t))
		return 0;
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Of both processes. */
static uint64_t both_cpu_ns(pid_t server)
{
	clockid_t clock;

	if (clock_getcpuclockid(server, &clock))
		return 0;
	return cpu_ns(CLOCK_PROCESS_CPUTIME_ID) + cpu_ns(clock);
}

static void measure(const struct ask *a, pid_t server, uint32_t runs)
{
	struct figure rate = {.name = "diameter.bound.per_s", .unit = "1/s"};
	struct figure cpu = {.name = "diameter.bound.cpu_us", .unit = "us"};

	usleep(WARM_US);
	for (uint32_t i = 0; i < runs; i++) {
		uint64_t n = ask_answered(a), ns = clock_ns(), spent = both_cpu_ns(server);

		usleep(RUN_US);
		n = ask_answered(a) - n;
		ns = clock_ns() - ns;
		spent = both_cpu_ns(server) - spent;
		figure_run(&rate, (double)n * 1e9 / (double)ns);
		figure_run(&cpu, n ? (double)spent / 1e3 / (double)n : 0);
	}
	figure_print(&rate);
	figure_print(&cpu);
}

static int run(const struct options *o)
{
	struct addr address = free_address();
	pid_t server = server_start(&address, o->server_core);
	struct ask *a;
	uint64_t failed;

	if (!server || !pin(o->client_core)) {
		fprintf(stderr, "bench_diameter: the server did not start\n");
		return 3;
	}
	a = ask_open(&address, o->window);
	if (a) {
		measure(a, server, o->runs);
		failed = ask_failed(a);
		ask_close(a);
	}
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	if (a && failed)
		fprintf(stderr, "bench_diameter: %lu exchanges failed\n", failed);
	return a && !failed ? 0 : 3;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: bench_diameter [--quick] [--window N] [--cores CLIENT,SERVER]\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct options o = {WINDOW, RUNS, -1, -1};

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--quick")) {
			o.runs = RUNS_QUICK;
		} else if (!strcmp(argv[i], "--window") && i + 1 < argc) {
			o.window = (uint32_t)strtoul(argv[++i], NULL, 10);
			if (o.window == 0)
				return usage();
		} else if (!strcmp(argv[i], "--cores") && i + 1 < argc) {
			if (sscanf(argv[++i], "%d,%d", &o.client_core, &o.server_core) != 2)
				return usage();
		} else {
			return usage();
		}
	}
	log_set_level(LOG_ERROR);
	return run(&o);
}
