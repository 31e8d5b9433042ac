/* main.c - saker-hss: options, start order, the main thread's loop, the end */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "cx/codec.h"
#include "diameter/diameter.h"
#include "sh/codec.h"
#include "hss/command.h"
#include "hss/rtr.h"
#include "hss/server.h"
#include "hss/sh_server.h"
#include "base/version.h"
#include "store/move.h"

enum {
	EXIT_OK = 0,
	EXIT_CONFIG = 2,
	EXIT_ENVIRONMENT = 3,
	EXIT_STORE = 4,
	EXIT_BUG = 70,
};

enum {
	ERROR_MAX = 512,
	SOCKET_PATH_MAX = CONF_PATH_MAX + 16,
	CHECKPOINT_MS = 1000,
	DIFF_MAX = 8192
};

struct main {
	struct conf *conf;
	struct store *cx_store; /* of the Cx threads */
	struct store *sh_store; /* of the Sh threads, which may wait for a disk */
	struct store *store;    /* of this thread */
	struct metrics_counters counters;
	struct server *server;
	struct sh_server *sh_server;
	struct rtr *rtr;
	struct pnr *pnr;
	struct metrics *metrics;
	struct provision provision;
	struct command command;
	struct admin *admin;
	int signals;
	bool diameter;
	uint64_t checkpoint_ms;
};

static const char usage[] =
	"usage: saker-hss -c FILE [--check]\n"
	"       saker-hss --move-store FROM TO\n"
	"       saker-hss --version | --help\n"
	"\n"
	"  -c, --config FILE  saker.yaml\n"
	"      --check        read the configuration, say what is wrong with it, and end\n"
	"      --move-store   copy all of one store (a path, or postgresql://...) into an\n"
	"                     empty one, and end; nothing else may use them meanwhile\n"
	"\n"
	"exit: 0 done, 2 configuration, 3 environment, 4 store or Diameter, 70 a bug\n";

/* An assertion that fails is a bug; the supervisor tells it from other ends by this. */
static void on_abort(int signal)
{
	_exit(EXIT_BUG);
}

/* Keys are in memory: no core file, and no other process of the user may attach. */
static bool hide_memory(void)
{
	static const struct rlimit none;

	return prctl(PR_SET_DUMPABLE, 0) == 0 && setrlimit(RLIMIT_CORE, &none) == 0;
}

/* Before any thread is made, so that all of them leave these signals to the loop. */
static int signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int fail(int code, const char *what, const char *error)
{
	log_event(LOG_ERROR, "main", what, LOG_Z("error", error));
	return code;
}

static void apply_level(const struct conf *c)
{
	enum log_level level;

	if (log_level_parse(c->log_level, &level))
		log_set_level(level);
}

static int open_process(struct main *m)
{
	if (!hide_memory())
		return fail(EXIT_ENVIRONMENT, "hide_memory", strerror(errno));
	signal(SIGABRT, on_abort);
	m->signals = signals_open();
	return m->signals < 0 ? fail(EXIT_ENVIRONMENT, "signals", strerror(errno)) : EXIT_OK;
}

static int open_stores(struct main *m)
{
	char error[ERROR_MAX] = "";

	m->store = store_open(m->conf->hss.store, error);
	m->cx_store = m->store ? store_open(m->conf->hss.store, error) : NULL;
	m->sh_store = m->cx_store ? store_open(m->conf->hss.store, error) : NULL;
	return m->sh_store ? EXIT_OK : fail(EXIT_STORE, "store", error);
}

static int open_diameter(struct main *m)
{
	const struct conf_hss *h = &m->conf->hss;
	struct diameter_config config = {
		.identity = h->diameter_identity,
		.realm = m->conf->realm,
		.listen = h->diameter_listen,
		.app_threads = h->app_threads,
	};
	char error[ERROR_MAX] = "";

	for (uint32_t i = 0; i < h->n_peer && i < DIAMETER_PEERS_MAX; i++)
		config.peer[config.n_peers++].identity = h->peer[i];
	for (uint32_t i = 0; i < h->n_application_server && config.n_peers < DIAMETER_PEERS_MAX;
	     i++)
		config.peer[config.n_peers++].identity = h->application_server[i];
	if (diameter_init(&config, error) < 0)
		return fail(EXIT_STORE, "diameter", error);
	m->diameter = true;
	return cx_dictionary_init() || sh_dictionary_init()
		       ? fail(EXIT_STORE, "diameter", "the dictionary is refused")
		       : EXIT_OK;
}

static int open_server(struct main *m)
{
	struct hss_config config = {.av_max = m->conf->hss.av_max};
	char error[ERROR_MAX] = "";

	if (config.av_max > CX_VECTORS_MAX)
		config.av_max = CX_VECTORS_MAX;
	snprintf(config.realm, sizeof(config.realm), "%s", m->conf->realm);
	for (uint32_t i = 0; i < m->conf->hss.n_application_server; i++)
		config.sh_only[config.n_sh_only++] = m->conf->hss.application_server[i];
	m->rtr = rtr_open(m->store, m->conf->hss.diameter_identity, &m->counters, NULL);
	m->pnr = pnr_open(m->store, m->conf->hss.diameter_identity, &m->counters, NULL);
	if (m->rtr && m->pnr)
		m->server =
			server_open(m->cx_store, &config, &m->counters, m->rtr, m->pnr, error);
	if (m->server)
		m->sh_server =
			sh_server_open(m->sh_store, &m->counters, m->pnr,
				       &(struct sh_events){rtr_push_set_soon, m->rtr}, error);
	if (!m->sh_server)
		return fail(EXIT_ENVIRONMENT, "server", *error ? error : "no memory");
	return EXIT_OK;
}

static int open_operator(struct main *m)
{
	char path[SOCKET_PATH_MAX], error[ERROR_MAX] = "";

	m->metrics = metrics_start(&m->conf->hss.metrics_listen, m->store, &m->counters, error);
	if (!m->metrics)
		return fail(EXIT_ENVIRONMENT, "metrics", error);
	m->provision = (struct provision){
		.store = m->store,
		.conf = m->conf,
		.deregister = rtr_deregister,
		.push_profile = rtr_push_profile,
		.push_set = rtr_push_set,
		.ctx = m->rtr,
		.pnr = m->pnr,
	};
	m->command = (struct command){&m->provision, m->metrics, clock_ms()};
	snprintf(path, sizeof(path), "%s/hss.sock", m->conf->runtime_dir);
	m->admin = admin_open(path, command_run, &m->command, error);
	return m->admin ? EXIT_OK : fail(EXIT_ENVIRONMENT, "admin", error);
}

/* Last: from here on peers may connect, and everything they need is there. */
static int open_peers(struct main *m)
{
	char error[ERROR_MAX] = "";

	return diameter_start(error) < 0 ? fail(EXIT_STORE, "diameter", error) : EXIT_OK;
}

/* Each stage needs those above it. */
static int (*const start[])(struct main *m) = {
	open_process, open_stores, open_diameter, open_server, open_operator, open_peers,
};

/* In the other order. No request is under way once Diameter has stopped. */
static void stop(struct main *m)
{
	if (m->diameter)
		diameter_stop();
	admin_close(m->admin);
	metrics_stop(m->metrics);
	rtr_close(m->rtr);
	server_close(m->server);
	sh_server_close(m->sh_server);
	pnr_close(m->pnr);
	store_close(m->sh_store);
	store_close(m->cx_store);
	if (m->store)
		store_checkpoint(m->store);
	store_close(m->store);
	if (m->signals >= 0)
		close(m->signals);
}

static void log_diff(struct slice names)
{
	while (names.len) {
		uint32_t end = slice_find(names, '\n');
		struct slice line = slice_sub(names, 0, end);
		uint32_t space = slice_find(line, ' ');

		names = slice_from(names, end + 1);
		if (slice_starts(line, SLICE("restart ")))
			log_event(LOG_WARN, "main", "needs_restart",
				  LOG_S("key", slice_from(line, space + 1)));
		else if (line.len)
			log_event(LOG_INFO, "main", "reloaded",
				  LOG_S("key", slice_from(line, space + 1)));
	}
}

static void reload(struct main *m)
{
	char error[CONF_ERROR_MAX];
	uint8_t memory[DIFF_MAX];
	struct text names = text_in(memory, sizeof(memory));
	struct conf *loaded = conf_load(m->conf->file, error);

	if (!loaded) {
		log_event(LOG_ERROR, "main", "reload_refused", LOG_Z("error", error));
		return;
	}
	conf_diff(m->conf, loaded, &names);
	conf_apply_reloadable(m->conf, loaded);
	apply_level(m->conf);
	log_diff(text_slice(&names));
	conf_free(loaded);
}

/* False: end. */
static bool take_signals(struct main *m)
{
	struct signalfd_siginfo info;

	while (read(m->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			return false;
		reload(m);
	}
	return true;
}

/* What state a power cut may take is never older than this (store.h). */
static void checkpoint(struct main *m)
{
	uint64_t now = clock_ms();

	if (now - m->checkpoint_ms < CHECKPOINT_MS)
		return;
	m->checkpoint_ms = now;
	store_checkpoint(m->store);
}

static void run(struct main *m)
{
	bool pushing = false;

	for (;;) {
		struct pollfd fd[] = {
			{.fd = m->signals, .events = POLLIN},
			{.fd = admin_fd(m->admin), .events = POLLIN},
			{.fd = metrics_fd(m->metrics), .events = POLLIN},
			{.fd = pnr_fd(m->pnr), .events = POLLIN},
		};

		if (poll(fd, 4, pushing ? RTR_TICK_MS : CHECKPOINT_MS) < 0 && errno != EINTR)
			break;
		if (!take_signals(m))
			break;
		admin_poll(m->admin);
		metrics_poll(m->metrics);
		pushing = rtr_tick(m->rtr);
		pushing |= pnr_tick(m->pnr, (int64_t)time(NULL));
		checkpoint(m);
	}
}

static int serve(struct conf *conf)
{
	struct main m = {.conf = conf, .signals = -1};
	int code = EXIT_OK;

	apply_level(conf);
	for (size_t i = 0; code == EXIT_OK && i < sizeof(start) / sizeof(start[0]); i++)
		code = start[i](&m);
	if (code == EXIT_OK) {
		log_event(LOG_INFO, "main", "ready", LOG_Z("version", SAKER_VERSION),
			  LOG_Z("identity", conf->hss.diameter_identity));
		run(&m);
		log_event(LOG_INFO, "main", "stopping");
	}
	stop(&m);
	return code;
}

static struct store *open_named(const char *where)
{
	char error[STORE_ERROR_MAX];
	struct store *s = store_open(where, error);

	if (!s)
		fprintf(stderr, "saker-hss: %s\n", error);
	return s;
}

static int move_store(const char *from_where, const char *to_where)
{
	char error[STORE_ERROR_MAX] = "";
	struct store_moved moved;
	struct store *from, *to;
	bool done;

	if (!hide_memory())
		return EXIT_ENVIRONMENT;
	/* A file that is not there would be made, and moved. */
	if (!strstr(from_where, "://") && access(from_where, F_OK) != 0) {
		fprintf(stderr, "saker-hss: there is no store %s\n", from_where);
		return EXIT_STORE;
	}
	from = open_named(from_where);
	to = from ? open_named(to_where) : NULL;
	done = to && store_move(from, to, &moved, error) == STORE_OK;
	store_close(to);
	store_close(from);
	if (done)
		printf("moved: %llu subscribers, %llu profiles, %llu sets with state, "
		       "%llu SQNs (%llu rows)\n",
		       (unsigned long long)moved.subscribers,
		       (unsigned long long)moved.profiles, (unsigned long long)moved.sets,
		       (unsigned long long)moved.sqns, (unsigned long long)moved.rows);
	else if (*error)
		fprintf(stderr, "saker-hss: nothing was moved: %s\n", error);
	return done ? EXIT_OK : EXIT_STORE;
}

struct options {
	const char *file, *move_from;
	bool check;
};

/* False: there is nothing to do but to end with *code. */
static bool take_options(int argc, char **argv, struct options *o, int *code)
{
	static const struct option known[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'k'},
		{"move-store", required_argument, NULL, 'm'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	*code = EXIT_OK;
	while ((c = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->file = optarg;
			break;
		case 'k':
			o->check = true;
			break;
		case 'm':
			o->move_from = optarg;
			break;
		case 'v':
			puts("saker-hss " SAKER_VERSION);
			return false;
		case 'h':
			fputs(usage, stdout);
			return false;
		default:
			*code = EXIT_CONFIG;
			fputs(usage, stderr);
			return false;
		}
	}
	if (o->move_from && !o->file && !o->check && optind + 1 == argc) {
		*code = move_store(o->move_from, argv[optind]);
		return false;
	}
	if (o->file && !o->move_from && optind == argc)
		return true;
	*code = EXIT_CONFIG;
	fputs(usage, stderr);
	return false;
}

int main(int argc, char **argv)
{
	char error[CONF_ERROR_MAX];
	struct options o = {0};
	struct conf *conf;
	int code;

	if (!take_options(argc, argv, &o, &code))
		return code;
	conf = conf_load(o.file, error);
	if (!conf) {
		fprintf(stderr, "saker-hss: %s\n", error);
		return EXIT_CONFIG;
	}
	if (!o.check)
		code = serve(conf);
	conf_free(conf);
	return code;
}
