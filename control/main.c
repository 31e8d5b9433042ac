/* main.c - saker-control: registrar, Diameter client and manager of the data plane's tables
 *
 * One thread runs one event loop. What is opened, in which order and why, is the table `stage`;
 * it is closed the other way round.
 *
 * What came in one turn of the loop is written to disk just before the loop sleeps: one fsync
 * for all.
 */
#include <errno.h>
#include <ev.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/message.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "control/capture.h"
#include "control/charging.h"
#include "control/command.h"
#include "control/control.h"
#include "control/cx.h"
#include "control/exchange.h"
#include "control/install.h"
#include "control/link.h"
#include "control/held.h"
#include "control/locate.h"
#include "control/offers.h"
#include "control/outbound.h"
#include "control/routes.h"
#include "control/owed.h"
#include "control/proxy_auth.h"
#include "control/metrics.h"
#include "control/persist.h"
#include "control/policy.h"
#include "control/signalling.h"
#include "control/reg_event.h"
#include "control/registrar.h"
#include "control/sa.h"
#include "control/servers.h"
#include "control/services.h"
#include "control/session.h"
#include "control/watcher.h"
#include "control/ways.h"
#include "control/unregistered.h"
#include "base/version.h"

enum exit_code {
	EXIT_OK = 0,
	EXIT_USAGE = 2,       /* command line or configuration */
	EXIT_ENVIRONMENT = 3, /* sockets, directories, memory */
	EXIT_STORE = 4,       /* the store, or Diameter */
	EXIT_BUG = 70,
};

enum {
	ERROR_MAX = 256,
	COMMITS_MAX = 16, /* in one turn: answers of one commit may ask for another */
	EXPIRE_MAX = 64,  /* sets a tick: after a long stop the HSS is not to be flooded */
	EXPIRE_AGAIN_MS = 1000,
};

static const double expire_tick_s = 0.25, drain_tick_s = 0.02, drain_most_s = 2.0;
static const char default_file[] = "/etc/saker/saker.yaml";

struct app {
	struct control c;
	struct capture *capture;
	struct metrics *metrics;
	struct commands *commands;
	struct series_sources series;
	struct ev_prepare commit;
	struct ev_timer expire, drain;
	struct ev_signal term, interrupt, hangup;
	ev_tstamp drain_until; /* 0: not draining */
	uint32_t opened;       /* stages */
};

static void on_request(void *ctx, struct exchange *x)
{
	struct app *a = ctx;

	if (x->msg.method == SIP_M_REGISTER)
		registrar_register(a->c.registrar, x);
	else if (x->msg.method == SIP_M_SUBSCRIBE)
		reg_event_subscribe(a->c.reg_events, x);
	else if (x->msg.method == SIP_M_NOTIFY)
		watcher_notify(a->c.watchers, x);
	else
		exchange_reply(a->c.exchanges, x, 405, NULL,
			       SLICE("Allow: REGISTER, SUBSCRIBE, NOTIFY\r\n"), SLICE_EMPTY);
}

static void on_session_begun(struct app *a, const struct abi_punt *p)
{
	sessions_begun(a->c.sessions, p);
	charging_begun(a->c.charging, p);
	offers_begun(a->c.offers, p);
}

static void on_session_refreshed(struct app *a, const struct abi_punt *p)
{
	sessions_refreshed(a->c.sessions, p);
	charging_refreshed(a->c.charging, p);
}

static void on_session_ended(struct app *a, const struct abi_punt *p)
{
	sessions_ended(a->c.sessions, p);
	charging_ended(a->c.charging, p);
	offers_ended(a->c.offers, p);
}

static void on_message(void *ctx, const struct abi_punt *p)
{
	struct app *a = ctx;

	if (p->sa_id && p->reason != PUNT_REGISTER)
		registrar_sa_used(a->c.registrar, p->sa_id);
	if (p->reason == PUNT_SA_USED)
		return;
	if (p->reason == PUNT_LOCATE || p->reason == PUNT_OUTBOUND)
		locator_request(a->c.locator, p);
	else if (p->reason == PUNT_AUTHENTICATE)
		proxy_auth_request(a->c.proxy_auths, p);
	else if (p->reason == PUNT_REFRESHED)
		registrar_refreshed(a->c.registrar, p);
	else if (p->reason == PUNT_POLICY)
		offers_request(a->c.offers, p);
	else if (p->reason == PUNT_OFFERED)
		offers_told(a->c.offers, p);
	else if (p->reason == PUNT_SESSION_FAILED)
		offers_ended(a->c.offers, p);
	else if (p->reason == PUNT_SESSION_BEGUN)
		on_session_begun(a, p);
	else if (p->reason == PUNT_SESSION_REFRESHED)
		on_session_refreshed(a, p);
	else if (p->reason == PUNT_SESSION_ENDED)
		on_session_ended(a, p);
	else
		exchanges_input(a->c.exchanges, p);
}

static void on_ack(void *ctx, const struct abi_ack *ack)
{
	struct app *a = ctx;

	install_ack(a->c.installer, ack);
}

/* The data plane may have served another control, or none, meanwhile: it is told everything,
 * whether its tables are fresh or not (graceful restart: what it has keeps working until
 * SYNC_END). */
static void on_up(void *ctx, bool fresh)
{
	struct app *a = ctx;

	install_all(a->c.installer, a->c.registrations, a->c.sas);
}

static void on_gone(void *ctx, uint64_t set_id)
{
	struct app *a = ctx;

	registrar_gone(a->c.registrar, set_id);
}

static void on_sa_lost(void *ctx, uint64_t sa_id)
{
	struct app *a = ctx;

	registrar_sa_lost(a->c.registrar, sa_id);
}

static void on_down(void *ctx)
{
	struct app *a = ctx;

	install_link_down(a->c.installer);
	if (a->capture)
		capture_link_down(a->capture);
}

static void commit(struct app *a)
{
	for (int i = 0; i < COMMITS_MAX && persist_pending(a->c.persist); i++)
		persist_commit(a->c.persist);
}

static void on_round(void *ctx)
{
	struct app *a = ctx;

	commit(a);
	install_pump(a->c.installer);
}

static void on_prepare(struct ev_loop *loop, struct ev_prepare *w, int events)
{
	commit(w->data);
}

static void on_expire(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct app *a = w->data;
	uint64_t now = clock_wall_ms();

	for (int i = 0; i < EXPIRE_MAX; i++) {
		uint64_t due;
		struct registration_set *s =
			registrations_next_expiry(a->c.registrations, &due);

		if (!s || due > now)
			return;
		/* Before the call, which may free it. */
		registrations_defer(a->c.registrations, s->id, now + EXPIRE_AGAIN_MS);
		registrar_expire(a->c.registrar, s);
	}
}

static bool open_persist(struct app *a, char *error)
{
	a->c.persist = persist_open(a->c.conf->control.store, error);
	return a->c.persist != NULL;
}

static void close_persist(struct app *a)
{
	persist_close(a->c.persist);
}

static bool open_registrations(struct app *a, char *error)
{
	a->c.registrations = registrations_new();
	a->c.sas = sas_new();
	if (!a->c.registrations || !a->c.sas) {
		snprintf(error, ERROR_MAX, "no memory for registrations");
		return false;
	}
	return persist_load(a->c.persist, a->c.registrations, error) &&
	       persist_load_sas(a->c.persist, a->c.sas, error);
}

static void close_registrations(struct app *a)
{
	sas_free(a->c.sas);
	registrations_free(a->c.registrations);
}

static bool open_link(struct app *a, char *error)
{
	const struct link_events events = {on_message, on_ack, on_up, on_down, on_round, a};

	a->c.link = link_open(a->c.loop, a->c.conf, &events);
	return a->c.link != NULL;
}

static void close_link(struct app *a)
{
	link_close(a->c.link);
}

static bool open_exchanges(struct app *a, char *error)
{
	a->c.exchanges = exchanges_open(a->c.loop, a->c.link, on_request, a);
	return a->c.exchanges != NULL;
}

static void close_exchanges(struct app *a)
{
	exchanges_close(a->c.exchanges);
}

static bool open_installer(struct app *a, char *error)
{
	a->c.installer =
		installer_open(a->c.loop, a->c.link, a->c.conf->control.ip_association);
	return a->c.installer != NULL;
}

static void close_installer(struct app *a)
{
	installer_close(a->c.installer);
}

static bool open_reg_events(struct app *a, char *error)
{
	a->c.reg_events = reg_events_open(&a->c, error);
	return a->c.reg_events != NULL;
}

static void close_reg_events(struct app *a)
{
	reg_events_close(a->c.reg_events);
}

static bool open_sessions(struct app *a, char *error)
{
	a->c.sessions = sessions_open(&a->c, a->c.conf->control.sessions);
	return a->c.sessions != NULL;
}

static void close_sessions(struct app *a)
{
	sessions_close(a->c.sessions);
}

static bool open_registrar(struct app *a, char *error)
{
	a->c.registrar = registrar_open(&a->c);
	if (!a->c.registrar)
		return false;
	installer_on_lost(a->c.installer, on_sa_lost, a);
	installer_on_gone(a->c.installer, on_gone, a);
	return true;
}

static void close_registrar(struct app *a)
{
	registrar_close(a->c.registrar);
}

static bool open_services(struct app *a, char *error)
{
	if (!(a->c.conf->dataplane.roles & CONF_SCSCF))
		return true;
	a->c.services = services_open(a->c.conf->scscf.shared_ifc, error);
	if (a->c.services)
		installer_serve(a->c.installer, a->c.services);
	return a->c.services != NULL;
}

static void close_services(struct app *a)
{
	installer_serve(a->c.installer, NULL);
	services_close(a->c.services);
	a->c.services = NULL;
}

static bool open_servers(struct app *a, char *error)
{
	if (!a->c.services)
		return true;
	a->c.servers = servers_open(&a->c);
	if (a->c.servers)
		installer_find(a->c.installer, a->c.servers);
	return a->c.servers != NULL;
}

static void close_servers(struct app *a)
{
	installer_find(a->c.installer, NULL);
	servers_close(a->c.servers);
	a->c.servers = NULL;
}

static bool open_owed(struct app *a, char *error)
{
	if (!a->c.servers)
		return true;
	a->c.owed = owed_open(&a->c, error);
	return a->c.owed != NULL;
}

static void close_owed(struct app *a)
{
	owed_close(a->c.owed);
	a->c.owed = NULL;
}

static bool open_unregistereds(struct app *a, char *error)
{
	if (!a->c.services)
		return true;
	a->c.unregistereds = unregistereds_open(&a->c);
	return a->c.unregistereds != NULL;
}

static void close_unregistereds(struct app *a)
{
	unregistereds_close(a->c.unregistereds);
	a->c.unregistereds = NULL;
}

static bool open_watchers(struct app *a, char *error)
{
	a->c.watchers = watchers_open(&a->c);
	return a->c.watchers != NULL;
}

static void close_watchers(struct app *a)
{
	watchers_close(a->c.watchers);
}

static bool open_helds(struct app *a, char *error)
{
	a->c.helds = helds_open(a->c.loop, a->c.link);
	return a->c.helds != NULL;
}

static void close_helds(struct app *a)
{
	helds_close(a->c.helds);
}

static bool open_offers(struct app *a, char *error)
{
	a->c.offers = offers_open(&a->c, a->c.conf->control.sessions);
	return a->c.offers != NULL;
}

static void close_offers(struct app *a)
{
	offers_close(a->c.offers);
}

static bool open_proxy_auths(struct app *a, char *error)
{
	a->c.proxy_auths = proxy_auths_open(&a->c);
	return a->c.proxy_auths != NULL;
}

static void close_proxy_auths(struct app *a)
{
	proxy_auths_close(a->c.proxy_auths);
}

static bool open_locator(struct app *a, char *error)
{
	a->c.locator = locator_open(&a->c);
	return a->c.locator != NULL;
}

static void close_locator(struct app *a)
{
	locator_close(a->c.locator);
}

static bool open_outbound(struct app *a, char *error)
{
	a->c.outbound = outbound_open(&a->c);
	a->c.ways = a->c.outbound ? ways_open(a->c.outbound) : NULL;
	return a->c.ways != NULL;
}

static void close_outbound(struct app *a)
{
	outbound_close(a->c.outbound); /* which still answers an operator's question */
	ways_close(a->c.ways);
}

static bool open_cx(struct app *a, char *error)
{
	const struct cx_events events = {registrar_rtr, registrar_ppr, &a->c};

	if (!(a->c.conf->dataplane.roles & (CONF_ICSCF | CONF_SCSCF)) &&
	    a->c.conf->policy.n_pcrf == 0 && a->c.conf->charging.n_cdf == 0)
		return true;
	a->c.cx = cx_open(a->c.loop, a->c.conf, &events, error);
	return a->c.cx != NULL;
}

static void close_cx(struct app *a)
{
	if (a->c.cx)
		cx_close(a->c.cx);
	a->c.cx = NULL;
}

static bool open_policy(struct app *a, char *error)
{
	struct policy_events events[POLICY_KINDS];

	if (a->c.conf->policy.n_pcrf == 0)
		return true;
	a->c.signalling = signalling_open(&a->c);
	if (!a->c.signalling)
		return false;
	events[POLICY_SIGNALLING] = signalling_policy_events(a->c.signalling);
	events[POLICY_SESSION] = offers_policy_events(a->c.offers);
	a->c.policy = policy_open(&a->c, events, error);
	if (!a->c.policy)
		return false;
	signalling_start(a->c.signalling);
	return true;
}

static void close_policy(struct app *a)
{
	policy_close(a->c.policy);
	a->c.policy = NULL;
	signalling_close(a->c.signalling);
	a->c.signalling = NULL;
}

static bool open_charging(struct app *a, char *error)
{
	if (a->c.conf->charging.n_cdf == 0)
		return true;
	a->c.charging = charging_open(&a->c, error);
	return a->c.charging != NULL;
}

static void close_charging(struct app *a)
{
	charging_close(a->c.charging);
	a->c.charging = NULL;
}

static bool open_operator(struct app *a, char *error)
{
	a->capture = capture_open(a->c.loop, a->c.link);
	a->series = (struct series_sources){&a->c, a->capture, clock_wall_ms()};
	if (!a->capture)
		return false;
	a->metrics =
		metrics_open(a->c.loop, &a->c.conf->control.metrics_listen, &a->series, error);
	if (!a->metrics)
		return false;
	const struct command_parts parts = {&a->c, a->capture, &a->series};

	a->commands = commands_open(a->c.loop, a->c.conf->runtime_dir, &parts, error);
	return a->commands != NULL;
}

static void close_operator(struct app *a)
{
	commands_close(a->commands);
	metrics_close(a->metrics);
	capture_close(a->capture);
	a->capture = NULL;
}

static const struct stage {
	const char *name;
	enum exit_code failed;
	bool (*open)(struct app *a, char *error);
	void (*close)(struct app *a);
	const char *why; /* it stands here */
} stage[] = {
	{"store", EXIT_STORE, open_persist, close_persist,
	 "what was acknowledged comes before all else"},
	{"registrations", EXIT_STORE, open_registrations, close_registrations,
	 "read before anybody can change them"},
	{"link", EXIT_ENVIRONMENT, open_link, close_link,
	 "connects from the loop, when the rest is there"},
	{"exchanges", EXIT_ENVIRONMENT, open_exchanges, close_exchanges, "sends over the link"},
	{"installer", EXIT_ENVIRONMENT, open_installer, close_installer,
	 "writes over the link"},
	{"sessions", EXIT_ENVIRONMENT, open_sessions, close_sessions, "end over exchanges"},
	{"reg_events", EXIT_ENVIRONMENT, open_reg_events, close_reg_events,
	 "notify over exchanges"},
	{"services", EXIT_USAGE, open_services, close_services,
	 "shared criteria are right before a profile names them"},
	{"servers", EXIT_ENVIRONMENT, open_servers, close_servers,
	 "profiles name them, and the DNS that finds them is opened later"},
	{"owed", EXIT_STORE, open_owed, close_owed,
	 "goes on with what was not answered before"},
	{"registrar", EXIT_ENVIRONMENT, open_registrar, close_registrar,
	 "works on all of the above"},
	{"unregistereds", EXIT_ENVIRONMENT, open_unregistereds, close_unregistereds,
	 "stand among the registrations, and give way to them"},
	{"watchers", EXIT_ENVIRONMENT, open_watchers, close_watchers,
	 "subscribe for those who are registered"},
	{"helds", EXIT_ENVIRONMENT, open_helds, close_helds, "resume over the link"},
	{"offers", EXIT_ENVIRONMENT, open_offers, close_offers,
	 "resume what is held, and end sessions"},
	{"locator", EXIT_ENVIRONMENT, open_locator, close_locator, "resumes what is held"},
	{"proxy_auths", EXIT_ENVIRONMENT, open_proxy_auths, close_proxy_auths,
	 "resume what is held"},
	{"outbound", EXIT_ENVIRONMENT, open_outbound, close_outbound, "resumes what is held"},
	{"cx", EXIT_STORE, open_cx, close_cx,
	 "the HSS may ask something as soon as it is connected"},
	{"policy", EXIT_STORE, open_policy, close_policy, "asks over the same Diameter"},
	{"charging", EXIT_STORE, open_charging, close_charging, "tells over the same Diameter"},
	{"operator", EXIT_ENVIRONMENT, open_operator, close_operator, "shows what is complete"},
};

enum { STAGES = sizeof(stage) / sizeof(stage[0]) };

static enum exit_code stages_open(struct app *a)
{
	for (; a->opened < STAGES; a->opened++) {
		const struct stage *s = &stage[a->opened];
		char error[ERROR_MAX] = "no memory";

		if (s->open(a, error))
			continue;
		log_event(LOG_ERROR, "main", "start_failed", LOG_Z("stage", s->name),
			  LOG_Z("needed", s->why), LOG_Z("reason", error));
		/* What it had opened of itself. */
		s->close(a);
		return s->failed;
	}
	return EXIT_OK;
}

static void stages_close(struct app *a)
{
	while (a->opened > 0)
		stage[--a->opened].close(a);
}

/* Until what is open has been answered, or the time is up. */
static void on_drain(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct app *a = w->data;
	struct exchange_stats x;

	exchanges_stats(a->c.exchanges, &x);
	if ((x.open == 0 && x.requests_open == 0) || ev_now(loop) >= a->drain_until)
		ev_break(loop, EVBREAK_ALL);
}

static void on_terminate(struct ev_loop *loop, struct ev_signal *w, int events)
{
	struct app *a = w->data;

	if (a->drain_until > 0) { /* the second one: now */
		ev_break(loop, EVBREAK_ALL);
		return;
	}
	log_event(LOG_INFO, "main", "draining");
	exchanges_drain(a->c.exchanges);
	a->drain_until = ev_now(loop) + drain_most_s;
	ev_timer_init(&a->drain, on_drain, 0., drain_tick_s);
	a->drain.data = a;
	ev_timer_start(loop, &a->drain);
}

static void level_set(const struct conf *conf)
{
	enum log_level level;

	if (log_level_parse(conf->log_level, &level))
		log_set_level(level);
}

static void log_lines(const char *event, struct slice lines)
{
	while (lines.len) {
		uint32_t end = slice_find(lines, '\n');

		if (end)
			log_event(LOG_INFO, "main", event,
				  LOG_S("key", slice_sub(lines, 0, end)));
		lines = slice_from(lines, end + 1);
	}
}

/* Takes over what can change while running; the rest is named. A file with an error changes
 * nothing. */
static void on_hangup(struct ev_loop *loop, struct ev_signal *w, int events)
{
	struct app *a = w->data;
	char error[CONF_ERROR_MAX];
	struct conf *loaded = conf_load(a->c.conf->file, error);
	uint8_t memory[4096];
	struct text diff = text_in(memory, sizeof(memory));
	int restart;

	if (!loaded) {
		log_event(LOG_ERROR, "main", "reload_failed", LOG_Z("reason", error));
		return;
	}
	restart = conf_diff(a->c.conf, loaded, &diff);
	log_lines("changed", text_slice(&diff));
	conf_apply_reloadable(a->c.conf, loaded);
	conf_free(loaded);
	level_set(a->c.conf);
	routes_flush(outbound_routes(a->c.outbound)); /* rules and zones may be others now */
	log_event(LOG_INFO, "main", "reloaded", LOG_I("need_restart", restart));
}

/* A failed assertion ends with an exit code of its own; there is no core to leave behind. */
static void on_fault(int number)
{
	_exit(EXIT_BUG);
}

static void signal_watch(struct app *a, struct ev_signal *w, int number,
			 void (*handler)(struct ev_loop *, struct ev_signal *, int))
{
	ev_signal_init(w, handler, number);
	w->data = a;
	ev_signal_start(a->c.loop, w);
}

static void watch(struct app *a)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGABRT, on_fault);
	signal_watch(a, &a->term, SIGTERM, on_terminate);
	signal_watch(a, &a->interrupt, SIGINT, on_terminate);
	signal_watch(a, &a->hangup, SIGHUP, on_hangup);
	ev_prepare_init(&a->commit, on_prepare);
	ev_timer_init(&a->expire, on_expire, expire_tick_s, expire_tick_s);
	a->commit.data = a->expire.data = a;
	ev_prepare_start(a->c.loop, &a->commit);
	ev_timer_start(a->c.loop, &a->expire);
}

static enum exit_code run(struct conf *conf)
{
	struct app a = {.c = {.conf = conf, .loop = ev_default_loop(EVFLAG_AUTO)}};
	enum exit_code code;

	if (!a.c.loop) {
		log_event(LOG_ERROR, "main", "start_failed", LOG_Z("stage", "event loop"));
		return EXIT_ENVIRONMENT;
	}
	code = stages_open(&a);
	if (code == EXIT_OK) {
		watch(&a);
		log_event(LOG_INFO, "main", "ready", LOG_Z("version", SAKER_VERSION),
			  LOG_Z("realm", conf->realm),
			  LOG_U("registrations", registrations_count(a.c.registrations)));
		ev_run(a.c.loop, 0);
		/* While all who are called by it are still there. */
		registrar_flush(a.c.registrar);
		commit(&a);
		log_event(LOG_INFO, "main", "stopped");
	}
	stages_close(&a);
	ev_loop_destroy(a.c.loop);
	return code;
}

static void usage(FILE *to)
{
	fprintf(to,
		"usage: saker-control [-c FILE] [--check] [--version] [--help]\n"
		"\n"
		"  -c, --config FILE  configuration; default %s\n"
		"      --check        read the configuration, say what is wrong, and exit\n"
		"      --version      print the version and exit\n"
		"      --help         print this and exit\n"
		"\n"
		"SIGTERM, SIGINT: answer what is open (2 s at most) and exit; again: at once\n"
		"SIGHUP: read the configuration again and take over what can change while "
		"running\n"
		"\n"
		"exit codes: 0 stopped as asked, 2 command line or configuration, 3 "
		"environment\n"
		"(sockets, directories, memory), 4 store or Diameter, 70 fault of the "
		"program\n",
		default_file);
}

int main(int argc, char **argv)
{
	enum { OPT_CHECK = 256, OPT_VERSION, OPT_HELP };
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, OPT_CHECK},
		{"version", no_argument, NULL, OPT_VERSION},
		{"help", no_argument, NULL, OPT_HELP},
		{0},
	};
	const char *file = default_file;
	char error[CONF_ERROR_MAX];
	bool check = false;
	struct conf *conf;
	enum exit_code code;

	for (int o; (o = getopt_long(argc, argv, "c:", options, NULL)) != -1;) {
		switch (o) {
		case 'c':
			file = optarg;
			break;
		case OPT_CHECK:
			check = true;
			break;
		case OPT_VERSION:
			printf("saker-control %s\n", SAKER_VERSION);
			return EXIT_OK;
		case OPT_HELP:
			usage(stdout);
			return EXIT_OK;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return EXIT_USAGE;
	}
	conf = conf_load(file, error);
	if (!conf) {
		fprintf(stderr, "saker-control: %s\n", error);
		return EXIT_USAGE;
	}
	if (check) {
		printf("%s: ok\n", file);
		conf_free(conf);
		return EXIT_OK;
	}
	/* Keys and vectors pass through this memory: no core dumps, no tracing by others of our
	 * uid. */
	prctl(PR_SET_DUMPABLE, 0);
	umask(0077);
	level_set(conf);
	code = run(conf);
	conf_free(conf);
	return code;
}
