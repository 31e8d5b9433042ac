/* manage.c - the management thread: control, tables, statistics, commands, signals */
#include "worker/manage.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <urcu-qsbr.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker/emergency_make.h"
#include "worker/sa_install.h"
#include "worker/view.h"

enum {
	WAIT_MS = 100,       /* nobody to serve */
	WAIT_CONTROL_MS = 1, /* control may install at any time, and cannot wake us */
	INSTALL_BURST = 256,
	SWEEP_MS = 100,
	SWEEP_SETS = 2000,
	QUIET_MS = 50,
};

static void signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

void manage_block_signals(void)
{
	sigset_t set;

	signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	/* A client that hangs up early is told by the error of a write. */
	signal(SIGPIPE, SIG_IGN);
}

static bool watch(struct manage *m, int fd)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = fd};

	return fd >= 0 && epoll_ctl(m->epoll_fd, EPOLL_CTL_ADD, fd, &e) == 0;
}

/* Anew for each control, so that a ring that its predecessor spoiled serves again. */
static bool attach_install(struct manage *m)
{
	struct abi_region *r = m->d->region;

	m->install.tables = m->d->tables;
	m->install.sa = m->d->sas ? sa_install : NULL;
	m->install.sa_context = m->d->sas;
	return ring_attach_consumer(&m->install.in, abi_ring_at(r, r->off_install),
				    ABI_RING_INSTALL) &&
	       ring_attach_producer(&m->install.out, abi_ring_at(r, r->off_ack), ABI_RING_ACK);
}

bool manage_open(struct manage *m, struct dataplane *d, char *error)
{
	const char *dir = d->conf->runtime_dir;
	sigset_t set;

	*m = (struct manage){.d = d, .control_fd = -1, .start_ms = clock_ms()};
	m->sample.taken_ms = m->start_ms;
	snprintf(m->abi_path, sizeof(m->abi_path), "%s/dataplane-abi.sock", dir);
	snprintf(m->admin_path, sizeof(m->admin_path), "%s/dataplane.sock", dir);
	signals(&set);
	m->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	m->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	m->admin = admin_open(m->admin_path, view_answer, m, error);
	if (!m->admin) {
		m->listen_fd = -1;
		manage_close(m);
		return false;
	}
	m->listen_fd = abi_listen(m->abi_path);
	if (watch(m, m->listen_fd) && watch(m, m->signal_fd) && watch(m, admin_fd(m->admin)) &&
	    attach_install(m))
		return true;
	snprintf(error, START_ERROR_MAX, "%s: %m; is runtime-dir there and writable?",
		 m->abi_path);
	manage_close(m);
	return false;
}

void manage_close(struct manage *m)
{
	if (m->admin)
		admin_close(m->admin);
	if (m->control_fd >= 0)
		close(m->control_fd);
	if (m->listen_fd >= 0) {
		close(m->listen_fd);
		unlink(m->abi_path);
	}
	if (m->signal_fd >= 0)
		close(m->signal_fd);
	if (m->epoll_fd >= 0)
		close(m->epoll_fd);
}

static void control_gone(struct manage *m)
{
	close(m->control_fd);
	m->control_fd = -1;
	log_event(LOG_WARN, "manage", "control_gone");
}

static void control_comes(struct manage *m)
{
	struct dataplane *d = m->d;
	int64_t refused;
	int fd = abi_accept(m->listen_fd, d->region, d->memfd, d->wake_fd, &refused);

	if (fd < 0) {
		if (refused >= 0)
			log_event(LOG_WARN, "manage", "control_refused", LOG_I("uid", refused));
		return;
	}
	/* One at a time: the newer is the one the operator wants. */
	if (m->control_fd >= 0)
		control_gone(m);
	if (!watch(m, fd) || !attach_install(m)) {
		log_event(LOG_ERROR, "manage", "control_refused",
			  LOG_Z("reason", "install ring is broken"));
		close(fd);
		return;
	}
	m->control_fd = fd;
	log_event(LOG_INFO, "manage", "control_connected");
}

/* Nothing is sent on the connection: it is readable when it has ended. */
static void control_readable(struct manage *m)
{
	char octet;
	ssize_t n = read(m->control_fd, &octet, 1);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		control_gone(m);
}

static void log_differences(struct slice names)
{
	while (names.len) {
		struct slice line = slice_sub(names, 0, slice_find(names, '\n'));
		bool taken = slice_starts(line, SLICE("reload "));

		if (line.len)
			log_event(taken ? LOG_INFO : LOG_WARN, "manage",
				  taken ? "reload_taken" : "reload_needs_restart",
				  LOG_S("key", slice_from(line, slice_find(line, ' ') + 1)));
		names = slice_from(names, line.len + 1);
	}
}

/* All or nothing: a file with an error changes nothing. */
static void reload(struct manage *m)
{
	char error[CONF_ERROR_MAX], memory[8192];
	struct text names = text_in(memory, sizeof(memory));
	struct conf *loaded = conf_load(m->d->conf->file, error);
	enum log_level level;

	if (!loaded) {
		log_event(LOG_ERROR, "manage", "reload_failed", LOG_Z("error", error));
		return;
	}
	conf_diff(m->d->conf, loaded, &names);
	log_differences(text_slice(&names));
	conf_apply_reloadable(m->d->conf, loaded);
	node_set_expires(&m->d->node.node, &m->d->conf->control);
	if (!emergency_replace(&m->d->node.node, m->d->conf))
		log_event(LOG_ERROR, "manage", "reload_no_memory",
			  LOG_S("key", SLICE("emergency")));
	conf_free(loaded);
	if (log_level_parse(m->d->conf->log_level, &level))
		log_set_level(level);
	log_event(LOG_INFO, "manage", "reloaded");
}

static void signal_comes(struct manage *m)
{
	struct signalfd_siginfo s;

	while (read(m->signal_fd, &s, sizeof(s)) == sizeof(s)) {
		if (s.ssi_signo == SIGHUP)
			reload(m);
		else
			m->stopping = true;
	}
}

static void event(struct manage *m, int fd)
{
	if (fd == m->signal_fd)
		signal_comes(m);
	else if (fd == m->listen_fd)
		control_comes(m);
	else if (fd == m->control_fd)
		control_readable(m);
	else if (fd == admin_fd(m->admin))
		admin_poll(m->admin);
}

static void wait_events(struct manage *m, int most_ms)
{
	struct epoll_event e[8];

	urcu_qsbr_thread_offline();
	int n = epoll_wait(m->epoll_fd, e, 8, most_ms);
	urcu_qsbr_thread_online();
	for (int i = 0; i < n; i++)
		event(m, e[i].data.fd);
}

static void wake_control(const struct manage *m)
{
	static const uint64_t one = 1;

	/* It fails only when the count is at its end: then control is awake for long. */
	ssize_t written = write(m->d->wake_fd, &one, sizeof(one));
	(void)written;
}

/* True: there may be more at once. */
static bool serve_install(struct manage *m)
{
	bool wake = false;
	uint32_t done = install_poll(&m->install, INSTALL_BURST, &wake);

	if (wake)
		wake_control(m);
	if (done < INSTALL_BURST && m->d->sas)
		esp_reclaim(m->d->sas);
	return done == INSTALL_BURST;
}

static void put(_Atomic uint64_t *to, uint64_t v)
{
	atomic_store_explicit(to, v, memory_order_relaxed);
}

static void tell_tables(struct manage *m)
{
	struct abi_tables *to = abi_tables(m->d->region);
	struct tables_stats s;

	tables_stats(m->d->tables, &s);
	put(&to->registrations, s.registrations);
	put(&to->impus, s.impus);
	put(&to->contacts, s.contacts);
	put(&to->flows, s.flows);
	put(&to->memory_used, s.memory_used);
	put(&to->memory_total, s.memory_total);
	put(&to->installs, m->install.installs);
	put(&to->install_errors, m->install.errors);
}

static void housekeeping(struct manage *m)
{
	uint64_t now = clock_ms();

	if (now - m->sweep_ms >= SWEEP_MS) {
		table_expire(m->d->tables, now, MANAGE_EXPIRE_GRACE_MS, SWEEP_SETS);
		if (m->d->sas)
			esp_sa_expire(m->d->sas, now, MANAGE_EXPIRE_GRACE_MS, SWEEP_SETS);
		tell_tables(m);
		m->sweep_ms = now;
	}
	if (now - m->sample.taken_ms >= SAMPLE_MS)
		sample_take(&m->sample, m->d, now);
}

static uint64_t busy_polls(const struct manage *m)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < m->d->n_workers; i++)
		n += atomic_load_explicit(&abi_worker(m->d->region, i)->busy_polls,
					  memory_order_relaxed);
	return n;
}

/* Workers take nothing more from the ports; done when they found nothing to do for a while. */
static void drain(struct manage *m)
{
	uint64_t begin = clock_ms(), quiet_since = begin, seen = busy_polls(m);

	log_event(LOG_INFO, "manage", "draining");
	m->stopping = false;
	atomic_store_explicit(&m->d->region->draining, 1, memory_order_release);
	atomic_store_explicit(&m->d->order, WORKER_DRAIN, memory_order_release);
	while (!m->stopping && clock_ms() - begin < MANAGE_DRAIN_MS &&
	       clock_ms() - quiet_since < QUIET_MS) {
		wait_events(m, WAIT_CONTROL_MS);
		if (busy_polls(m) != seen) {
			seen = busy_polls(m);
			quiet_since = clock_ms();
		}
	}
}

void manage_run(struct manage *m)
{
	bool more = false;

	while (!m->stopping) {
		wait_events(m, more ? 0 : m->control_fd >= 0 ? WAIT_CONTROL_MS : WAIT_MS);
		more = m->control_fd >= 0 && serve_install(m);
		housekeeping(m);
	}
	drain(m);
}
